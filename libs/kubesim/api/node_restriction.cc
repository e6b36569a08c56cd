#include "libs/kubesim/api/node_restriction.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/node_authorizer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kMirror = "kubernetes.io/config.mirror";

// Sentences; "" = allowed.
using Verdict = std::string;

Verdict Owner(const Cluster& cluster, const std::string& node, const Json& pod) {
  const Json& owners = ListAt(pod, {"metadata", "ownerReferences"});
  if (owners.size() > 1)
    return fmt::format(
        "node \"{}\" can only create pods with a single owner reference set to itself", node);
  const Json& owner = owners.empty() ? owners : owners[0];
  if (owners.empty() || TextAt(owner, "apiVersion") != "v1" || TextAt(owner, "kind") != "Node" ||
      TextAt(owner, "name") != node)
    return fmt::format("node \"{}\" can only create pods with an owner reference set to itself",
                       node);
  if (!BoolAt(owner, {"controller"}))
    return fmt::format(
        "node \"{}\" can only create pods with a controller owner reference set to itself", node);
  if (BoolAt(owner, {"blockOwnerDeletion"}))
    return fmt::format("node \"{}\" must not set blockOwnerDeletion on an owner reference", node);
  const ObjectPtr own = cluster.store.Get(MustFind(cluster.store, "", "v1", "nodes"), "", node);
  if (!own) return fmt::format("node \"{}\" not found", node);
  if (own->uid != TextAt(owner, "uid"))
    return fmt::format("node {} UID mismatch: expected {} got {}", node, TextAt(owner, "uid"),
                       own->uid);
  return "";
}

// Whether any member below has one of these names.
bool Mentions(const Json& value, std::initializer_list<std::string_view> members) {
  if (!value.is_object() && !value.is_array()) return false;
  for (const auto& [key, item] : value.items()) {
    if (value.is_object() && std::find(members.begin(), members.end(), key) != members.end() &&
        !item.is_null())
      return true;
    if (Mentions(item, members)) return true;
  }
  return false;
}

}  // namespace

bool NamesSecrets(const Json& pod_spec) {
  return Mentions(pod_spec, {"secret", "secretRef", "secretKeyRef", "imagePullSecrets"});
}

namespace {

Verdict NewPod(const Cluster& cluster, const std::string& node, const Json& pod) {
  if (!At(pod, {"metadata", "annotations", kMirror}).is_string())
    return fmt::format(
        "pod does not have \"{}\" annotation, node \"{}\" can only create mirror pods", kMirror,
        node);
  if (TextAt(pod, {"spec", "nodeName"}) != node)
    return fmt::format("node \"{}\" can only create pods with spec.nodeName set to itself", node);
  if (Verdict no = Owner(cluster, node, pod); !no.empty()) return no;
  const Json& spec = At(pod, "spec");
  const char* what = !TextAt(spec, "serviceAccountName").empty() ? "a service account"
                     : NamesSecrets(spec)                        ? "secrets"
                     : Mentions(spec, {"configMap", "configMapRef", "configMapKeyRef"})
                         ? "configmaps"
                     : Mentions(spec, {"clusterTrustBundle"})    ? "clustertrustbundles"
                     : Mentions(spec, {"persistentVolumeClaim"}) ? "persistentvolumeclaims"
                                                                 : nullptr;
  if (what == nullptr) return "";
  return fmt::format("node \"{}\" can not create pods that reference {}", node, what);
}

Verdict Pod(const Cluster& cluster, const Call& call, const std::string& node, const Json& object,
            const Json& before) {
  const bool here = TextAt(before, {"spec", "nodeName"}) == node;
  const std::string& sub = call.info.subresource;
  if (sub == "status") {
    if (!here)
      return fmt::format(
          "node \"{}\" can only update pod status for pods with spec.nodeName set to itself", node);
    if (At(object, {"metadata", "labels"}) != At(before, {"metadata", "labels"}))
      return fmt::format("node \"{}\" cannot update labels through pod status", node);
    return "";
  }
  if (sub == "eviction")
    return here ? ""
                : fmt::format("node {} can only evict pods with spec.nodeName set to itself", node);
  if (!sub.empty())
    return fmt::format(
        "unexpected pod subresource \"{}\", only 'status' and 'eviction' are allowed", sub);
  if (call.info.verb == "create") return NewPod(cluster, node, object);
  if (call.info.verb != "delete")
    return fmt::format(
        "unexpected operation \"UPDATE\", node \"{}\" can only create and delete mirror pods",
        node);
  return here ? ""
              : fmt::format("node \"{}\" can only delete pods with spec.nodeName set to itself",
                            node);
}

bool Below(std::string_view domain, std::string_view parent) {
  return domain == parent ||
         (domain.ends_with(parent) && domain[domain.size() - parent.size() - 1] == '.');
}

// A kubelet may set a few labels of Kubernetes' own domains, and none that restrict nodes.
bool Forbidden(const std::string& label) {
  static const auto* own =
      new std::set<std::string, std::less<>>{"kubernetes.io/hostname",
                                             "kubernetes.io/os",
                                             "kubernetes.io/arch",
                                             "beta.kubernetes.io/os",
                                             "beta.kubernetes.io/arch",
                                             "beta.kubernetes.io/instance-type",
                                             "node.kubernetes.io/instance-type",
                                             "topology.kubernetes.io/zone",
                                             "topology.kubernetes.io/region",
                                             "failure-domain.beta.kubernetes.io/zone",
                                             "failure-domain.beta.kubernetes.io/region"};
  const size_t slash = label.find('/');
  const std::string_view domain =
      slash == std::string::npos ? std::string_view() : std::string_view(label).substr(0, slash);
  if (domain.empty()) return false;
  if (Below(domain, "node-restriction.kubernetes.io")) return true;
  if (!Below(domain, "kubernetes.io") && !Below(domain, "k8s.io")) return false;
  return !own->contains(label) && !Below(domain, "kubelet.kubernetes.io") &&
         !Below(domain, "node.kubernetes.io");
}

// Forbidden labels that differ, in order.
std::string ForbiddenChanges(const Json& object, const Json& before) {
  std::set<std::string> names;
  const Json& now = At(object, {"metadata", "labels"});
  const Json& then = At(before, {"metadata", "labels"});
  for (const Json* side : {&now, &then}) {
    if (!side->is_object()) continue;
    for (const auto& [label, value] : side->items()) {
      if (At(now, label.c_str()) != At(then, label.c_str()) && Forbidden(label))
        names.insert(label);
    }
  }
  return base::Join(std::vector<std::string>(names.begin(), names.end()), ", ");
}

Verdict Node(const Call& call, const std::string& node, const Json& object, const Json& before) {
  const bool create = call.info.verb == "create";
  const std::string asked = create ? TextAt(object, {"metadata", "name"}) : call.info.name;
  if (asked != node)
    return fmt::format("node \"{}\" is not allowed to modify node \"{}\"", node, asked);
  if (call.info.verb == "delete") return "";
  if (!create && ListAt(object, {"spec", "taints"}) != ListAt(before, {"spec", "taints"}))
    return fmt::format("node \"{}\" is not allowed to modify taints", node);
  const std::string labels = ForbiddenChanges(object, before);
  if (labels.empty()) return "";
  return create ? fmt::format("node \"{}\" is not allowed to set the following labels: {}", node,
                              labels)
                : fmt::format("is not allowed to modify labels: {}", labels);
}

Verdict Token(const Cluster& cluster, const Call& call, const std::string& node,
              const Json& object) {
  const Json& reference = At(object, {"spec", "boundObjectRef"});
  const std::string uid = TextAt(reference, "uid");
  if (TextAt(reference, "apiVersion") != "v1" || TextAt(reference, "kind") != "Pod" ||
      TextAt(reference, "name").empty())
    return "node requested token not bound to a pod";
  if (uid.empty()) return "node requested token with a pod binding without a uid";
  const ObjectPtr pod = cluster.store.Get(MustFind(cluster.store, "", "v1", "pods"), call.info.ns,
                                          TextAt(reference, "name"));
  if (!pod) return fmt::format("pod \"{}\" not found", TextAt(reference, "name"));
  if (pod->uid != uid)
    return fmt::format(
        "the UID in the bound object reference ({}) does not match the UID in record. The object "
        "might have been deleted and then recreated",
        uid);
  if (TextAt(pod->Parse(), {"spec", "nodeName"}) != node)
    return "node requested token bound to a pod scheduled on a different node";
  return "";
}

Verdict SameName(const Call& call, const std::string& node, const Json& object,
                 const char* sentence) {
  const std::string name =
      call.info.verb == "create" ? TextAt(object, {"metadata", "name"}) : call.info.name;
  return name == node ? "" : sentence;
}

Verdict Judge(const Cluster& cluster, const Call& call, const std::string& node, const Json& object,
              const Json& before) {
  const std::string& key = call.type->storage_key;
  if (key == "/pods") return Pod(cluster, call, node, object, before);
  if (key == "/nodes") return Node(call, node, object, before);
  if (key == "/persistentvolumeclaims")
    return call.info.subresource == "status" ? "" : "may only update PVC status";
  if (key == "/serviceaccounts")
    return call.info.subresource == "token" ? Token(cluster, call, node, object) : "";
  if (key == "coordination.k8s.io/leases") {
    if (call.info.ns != "kube-node-lease")
      return "can only access leases in the \"kube-node-lease\" system namespace";
    return SameName(call, node, object,
                    "can only access node lease with the same name as the requesting node");
  }
  if (key == "storage.k8s.io/csinodes")
    return SameName(call, node, object,
                    "can only access CSINode with the same name as the requesting node");
  return "";
}

}  // namespace

MaybeStatus RestrictNode(const Cluster& cluster, const Call& call, const Json& object,
                         const Json& before) {
  const std::string node = NodeOf(call.user);
  if (node.empty()) return std::nullopt;
  const Verdict no = node == "?"
                         ? fmt::format("could not determine node from user \"{}\"", call.user.name)
                         : Judge(cluster, call, node, object, before);
  if (no.empty()) return std::nullopt;
  const std::string name =
      call.info.name.empty() ? TextAt(object, {"metadata", "name"}) : call.info.name;
  return ForbiddenStatus(*call.type, name, no);
}

}  // namespace opsmesh::kubesim
