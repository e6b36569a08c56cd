#include "libs/kubesim/api/node_authorizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kLeases = "kube-node-lease";

AccessAnswer No(std::string reason = "") { return {false, std::move(reason)}; }
AccessAnswer Yes() { return {true, ""}; }

bool OneOf(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Calls back for each pod on the node in `ns` ("" = all namespaces) until it says true.
bool AnyPod(const Cluster& cluster, const std::string& node, const std::string& ns,
            const std::function<bool(const Json& pod)>& visit) {
  const std::string mark = Json(node).dump();
  for (const ObjectPtr& object :
       cluster.store.List(MustFind(cluster.store, "", "v1", "pods"), ns).objects) {
    if (object->json.find(mark) == std::string::npos) continue;  // cheap before parsing
    const Json pod = object->Parse();
    if (TextAt(pod, {"spec", "nodeName"}) == node && visit(pod)) return true;
  }
  return false;
}

// Whether a member anywhere below `spec` is a reference of that kind with this name:
// {"secretRef": {"name": ...}}, {"secret": {"secretName": ...}} and their like.
bool Refers(const Json& value, std::initializer_list<std::string_view> members,
            const std::string& name) {
  if (!value.is_object() && !value.is_array()) return false;
  for (const auto& [key, item] : value.items()) {
    if (value.is_object() && std::find(members.begin(), members.end(), key) != members.end()) {
      if (TextAt(item, "name") == name || TextAt(item, "secretName") == name ||
          TextAt(item, "claimName") == name)
        return true;
    }
    if (Refers(item, members, name)) return true;
  }
  return false;
}

bool NeedsSecret(const Json& pod, const std::string& name) {
  for (const Json& one : ListAt(pod, {"spec", "imagePullSecrets"})) {
    if (TextAt(one, "name") == name) return true;
  }
  return Refers(At(pod, "spec"),
                {"secret", "secretRef", "secretKeyRef", "nodePublishSecretRef", "authSecretRef"},
                name);
}

bool NeedsConfigMap(const Json& pod, const std::string& name) {
  return Refers(At(pod, "spec"), {"configMap", "configMapRef", "configMapKeyRef"}, name);
}

bool NeedsClaim(const Json& pod, const std::string& name) {
  if (Refers(At(pod, "spec"), {"persistentVolumeClaim"}, name)) return true;
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    if (volume.contains("ephemeral") &&
        TextAt(pod, {"metadata", "name"}) + "-" + TextAt(volume, "name") == name)
      return true;
  }
  return false;
}

bool NeedsVolume(const Cluster& cluster, const std::string& node, const std::string& name) {
  const ObjectPtr volume =
      cluster.store.Get(MustFind(cluster.store, "", "v1", "persistentvolumes"), "", name);
  if (!volume) return false;
  const Json content = volume->Parse();
  const std::string claim = TextAt(content, {"spec", "claimRef", "name"});
  return !claim.empty() && AnyPod(cluster, node, TextAt(content, {"spec", "claimRef", "namespace"}),
                                  [&](const Json& pod) { return NeedsClaim(pod, claim); });
}

class NodeRights {
 public:
  NodeRights(const Cluster& cluster, std::string node, const AccessQuestion& question)
      : cluster_(cluster), node_(std::move(node)), question_(question) {
    const size_t slash = question.resource.find('/');
    resource_ = question.resource.substr(0, slash);
    if (slash != std::string::npos) subresource_ = question.resource.substr(slash + 1);
  }

  AccessAnswer Decide() const {
    const std::string& group = question_.group;
    if (question_.non_resource_path.empty()) {
      if (group.empty() && resource_ == "secrets")
        return ReadNamespaced([&](const Json& pod) { return NeedsSecret(pod, question_.name); });
      if (group.empty() && resource_ == "configmaps")
        return ReadNamespaced([&](const Json& pod) { return NeedsConfigMap(pod, question_.name); });
      if (group.empty() && resource_ == "persistentvolumeclaims") return Claim();
      if (group.empty() && resource_ == "persistentvolumes")
        return Get([&] { return NeedsVolume(cluster_, node_, question_.name); });
      if (group.empty() && resource_ == "serviceaccounts") return AccountToken();
      if (group.empty() && resource_ == "nodes") return Node();
      if (group.empty() && resource_ == "pods") return Pod();
      if (group == "storage.k8s.io" && resource_ == "volumeattachments")
        return Get([&] { return Attached(); });
      if (group == "storage.k8s.io" && resource_ == "csinodes") return CsiNode();
      if (group == "coordination.k8s.io" && resource_ == "leases") return Lease();
    }
    return General();
  }

 private:
  std::string NoPath() const {
    return fmt::format("no relationship found between node '{}' and this object", node_);
  }
  AccessAnswer Related(bool related) const { return related ? Yes() : No(NoPath()); }

  // What the role system:node holds: kinds that every node may read or write alike.
  AccessAnswer General() const {
    const ObjectPtr role = cluster_.store.Get(
        MustFind(cluster_.store, "rbac.authorization.k8s.io", "v1", "clusterroles"), "",
        "system:node");
    if (!role) return No();
    const Json content = role->Parse();
    return {RulesAllow(ListAt(content, {"rules"}), question_), ""};
  }

  AccessAnswer ReadNamespaced(const std::function<bool(const Json& pod)>& needs) const {
    if (!OneOf(question_.verb, {"get", "list", "watch"}))
      return No("can only read resources of this type");
    if (!subresource_.empty()) return No("cannot read subresource");
    if (question_.ns.empty()) return No("can only read namespaced object of this type");
    if (question_.name.empty()) return No("No Object name found");
    return Related(AnyPod(cluster_, node_, question_.ns, needs));
  }

  AccessAnswer Get(const std::function<bool()>& related) const {
    if (question_.verb != "get") return No("can only get individual resources of this type");
    if (!subresource_.empty()) return No("cannot get subresource");
    if (question_.name.empty()) return No("No Object name found");
    return Related(related());
  }

  AccessAnswer Claim() const {
    auto needed = [&] {
      return AnyPod(cluster_, node_, question_.ns,
                    [&](const Json& pod) { return NeedsClaim(pod, question_.name); });
    };
    if (subresource_ != "status") return Get(needed);
    if (!OneOf(question_.verb, {"update", "patch"}))
      return No("can only get/update/patch this type");
    return Related(needed());
  }

  AccessAnswer AccountToken() const {
    if (question_.verb != "create" || question_.name.empty())
      return No("can only create tokens for individual service accounts");
    if (subresource_ != "token") return No("can only create token subresource of serviceaccount");
    return Related(AnyPod(cluster_, node_, question_.ns, [&](const Json& pod) {
      return TextAt(pod, {"spec", "serviceAccountName"}) == question_.name;
    }));
  }

  AccessAnswer Node() const {
    if (subresource_ == "status") return {OneOf(question_.verb, {"update", "patch"}), ""};
    if (!subresource_.empty()) return No();
    if (OneOf(question_.verb, {"create", "update", "patch"})) return Yes();
    if (!OneOf(question_.verb, {"get", "list", "watch"})) return No();
    if (question_.name == node_) return Yes();
    if (question_.name.empty())
      return No(fmt::format("node '{}' cannot read all nodes, only its own Node object", node_));
    return No(
        fmt::format("node '{}' cannot read '{}', only its own Node object", node_, question_.name));
  }

  AccessAnswer Pod() const {
    if (subresource_ == "status") return {OneOf(question_.verb, {"update", "patch"}), ""};
    if (subresource_ == "eviction") return {question_.verb == "create", ""};
    if (!subresource_.empty()) return No();
    if (OneOf(question_.verb, {"create", "delete"})) return Yes();
    const auto here = [&](const Json& pod) {
      return TextAt(pod, {"metadata", "name"}) == question_.name;
    };
    if (question_.verb == "get")
      return Get([&] { return AnyPod(cluster_, node_, question_.ns, here); });
    if (!OneOf(question_.verb, {"list", "watch"})) return No();
    for (std::string_view term : base::Split(question_.field_selector, ',')) {
      if (term == "spec.nodeName=" + node_ || term == "spec.nodeName==" + node_) return Yes();
    }
    if (question_.name.empty())
      return No("can only list/watch pods with spec.nodeName field selector");
    return Related(AnyPod(cluster_, node_, question_.ns, here));
  }

  bool Attached() const {
    const ObjectPtr attachment = cluster_.store.Get(
        MustFind(cluster_.store, "storage.k8s.io", "v1", "volumeattachments"), "", question_.name);
    return attachment && TextAt(attachment->Parse(), {"spec", "nodeName"}) == node_;
  }

  AccessAnswer CsiNode() const {
    if (!subresource_.empty()) return No("cannot authorize CSINode subresources");
    if (!OneOf(question_.verb, {"get", "create", "update", "patch", "delete"}))
      return No("can only get, create, update, patch, or delete a CSINode");
    if (question_.verb != "create" && question_.name != node_)
      return No("can only access CSINode with the same name as the requesting node");
    return Yes();
  }

  AccessAnswer Lease() const {
    if (!OneOf(question_.verb, {"get", "create", "update", "patch", "delete"}))
      return No("can only get, create, update, patch, or delete a node lease");
    if (question_.ns != kLeases)
      return No(fmt::format("can only access leases in the \"{}\" system namespace", kLeases));
    if (question_.verb != "create" && question_.name != node_)
      return No("can only access node lease with the same name as the requesting node");
    return Yes();
  }

  const Cluster& cluster_;
  const std::string node_;
  const AccessQuestion& question_;
  std::string resource_, subresource_;
};

}  // namespace

std::string NodeOf(const User& user) {
  constexpr std::string_view kPrefix = "system:node:";
  if (!user.name.starts_with(kPrefix) || !user.InGroup("system:nodes")) return "";
  const std::string node = user.name.substr(kPrefix.size());
  return node.empty() ? "?" : node;
}

std::optional<AccessAnswer> AuthorizeNode(const Cluster& cluster, const User& user,
                                          const AccessQuestion& question) {
  const std::string node = NodeOf(user);
  if (node.empty()) return std::nullopt;
  if (node == "?") return No(fmt::format("unknown node for user \"{}\"", user.name));
  return NodeRights(cluster, node, question).Decide();
}

}  // namespace opsmesh::kubesim
