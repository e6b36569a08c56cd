// What admission plugins do to a new pod: ServiceAccount, Priority, RuntimeClass, LimitRanger.
#include "libs/kubesim/api/pod_admission.h"
#include "libs/base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/kubesim/api/limit_ranges.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/names.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// The class that a pod names, or the default one of least value; null without one.
Outcome<ObjectPtr> PriorityClassOf(const Cluster& cluster, const Call& call, const Json& pod) {
  const std::string name = TextAt(pod, {"spec", "priorityClassName"});
  const ResourceType& classes =
      MustFind(cluster.store, "scheduling.k8s.io", "v1", "priorityclasses");
  if (!name.empty()) {
    ObjectPtr named = cluster.store.Get(classes, "", name);
    if (named) return named;
    return ForbiddenStatus(*call.type, NameAtAdmission(pod),
                           fmt::format("no PriorityClass with name {} was found", name));
  }
  ObjectPtr chosen;
  int64_t least = 0;
  for (const ObjectPtr& one : cluster.store.List(classes).objects) {
    const Json content = one->Parse();
    if (!BoolAt(content, {"globalDefault"})) continue;
    if (chosen && IntAt(content, "value") >= least) continue;
    chosen = one;
    least = IntAt(content, "value");
  }
  return chosen;
}

// `asked` is the pod as it came: what it says of its priority must be what its class says.
MaybeStatus AdmitPriority(const Cluster& cluster, const Call& call, const Json& asked, Json& pod) {
  const auto chosen = PriorityClassOf(cluster, call, pod);
  if (!chosen.ok()) return chosen.status();
  const Json content = *chosen ? (*chosen)->Parse() : Json::object();
  const int64_t value = IntAt(content, "value");
  std::string policy = TextAt(content, "preemptionPolicy");
  if (policy.empty()) policy = "PreemptLowerPriority";
  auto refuse = [&](const std::string& what, const std::string& given,
                    const std::string& computed) {
    return ForbiddenStatus(
        *call.type, NameAtAdmission(pod),
        fmt::format("the {} ({}) must not be provided in pod spec; priority admission controller "
                    "computed {} from the given PriorityClass name",
                    what, given, computed));
  };
  const Json& given = At(asked, {"spec", "priority"});
  if (given.is_number_integer() && given != value)
    return refuse("integer value of priority", given.dump(), std::to_string(value));
  const Json& given_policy = At(asked, {"spec", "preemptionPolicy"});
  if (given_policy.is_string() && given_policy != policy)
    return refuse("string value of PreemptionPolicy", Scalar(given_policy), policy);
  pod["spec"]["priority"] = value;
  if (*chosen) pod["spec"]["priorityClassName"] = (*chosen)->name;
  pod["spec"]["preemptionPolicy"] = policy;
  return std::nullopt;
}

// Whether `wide` tolerates all that `narrow` does.
bool Covers(const Json& wide, const Json& narrow) {
  if (wide == narrow) return true;
  const std::string key = TextAt(wide, "key"), how = TextAt(wide, "operator"),
                    effect = TextAt(wide, "effect");
  if (key != TextAt(narrow, "key") && (!key.empty() || how != "Exists")) return false;
  if (effect != TextAt(narrow, "effect") && !effect.empty()) return false;
  const Json &longest = At(wide, "tolerationSeconds"), &asked = At(narrow, "tolerationSeconds");
  if (effect == "NoExecute" && longest.is_number() && (!asked.is_number() || asked > longest))
    return false;
  if (how == "Exists") return true;
  return (how.empty() || how == "Equal") && TextAt(narrow, "operator") == "Equal" &&
         TextAt(narrow, "value") == TextAt(wide, "value");
}

// Both lists, without what another of them covers; of equals the first.
Json MergedTolerations(const Json& own, const Json& added) {
  Json all = own, merged = Json::array();
  for (const Json& toleration : added) all.push_back(toleration);
  for (auto it = all.begin(); it != all.end(); ++it) {
    auto covers = [&](const Json& other) { return Covers(other, *it); };
    auto replaces = [&](const Json& other) { return other != *it && Covers(other, *it); };
    if (std::none_of(merged.begin(), merged.end(), covers) &&
        std::none_of(it + 1, all.end(), replaces))
      merged.push_back(*it);
  }
  return merged;
}

// The class a pod names is there; its overhead and where its nodes are become the pod's.
MaybeStatus AdmitRuntimeClass(const Cluster& cluster, const Call& call, Json& pod) {
  const std::string name = TextAt(pod, {"spec", "runtimeClassName"}),
                    pod_name = NameAtAdmission(pod);
  const Json& given = At(pod, {"spec", "overhead"});
  Json content = Json::object();
  if (!name.empty()) {
    const ObjectPtr type =
        cluster.store.Get(MustFind(cluster.store, "node.k8s.io", "v1", "runtimeclasses"), "", name);
    if (!type)
      return ForbiddenStatus(*call.type, pod_name,
                             fmt::format("pod rejected: RuntimeClass \"{}\" not found", name));
    content = type->Parse();
  }
  const Json& overhead = At(content, {"overhead", "podFixed"});
  if (given.is_object() && !given.empty() && given != overhead) {
    return ForbiddenStatus(
        *call.type, pod_name,
        overhead.is_object()
            ? "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            : "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
  }
  if (overhead.is_object()) pod["spec"]["overhead"] = overhead;
  const Json& selector = At(content, {"scheduling", "nodeSelector"});
  for (const auto& [key, value] : selector.items()) {
    const Json& own = At(pod, {"spec", "nodeSelector", key.c_str()});
    if (own.is_string() && own != value)
      return ForbiddenStatus(*call.type, pod_name,
                             fmt::format("conflict: runtimeClass.scheduling.nodeSelector[{}] = {}; "
                                         "pod.spec.nodeSelector[{}] = {}",
                                         key, Scalar(value), key, Scalar(own)));
    pod["spec"]["nodeSelector"][key] = value;
  }
  if (const Json& added = ListAt(content, {"scheduling", "tolerations"}); !added.empty())
    pod["spec"]["tolerations"] = MergedTolerations(ListAt(pod, {"spec", "tolerations"}), added);
  return std::nullopt;
}

// Secrets that the pod mounts and its account does not list, where the account insists.
MaybeStatus CheckMountable(const Call& call, const Json& pod, const Json& account) {
  if (TextAt(account, {"metadata", "annotations", "kubernetes.io/enforce-mountable-secrets"}) !=
      "true")
    return std::nullopt;
  std::set<std::string> listed;
  for (const Json& one : ListAt(account, {"secrets"})) listed.insert(TextAt(one, "name"));
  const std::string name = TextAt(account, {"metadata", "name"});
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    const std::string secret = TextAt(volume, {"secret", "secretName"});
    if (secret.empty() || listed.contains(secret)) continue;
    return ForbiddenStatus(
        *call.type, NameAtAdmission(pod),
        fmt::format("volume with secret.secretName=\"{}\" is not allowed because service account "
                    "{} does not reference that secret",
                    secret, name));
  }
  return std::nullopt;
}

// As AdmitPod(), without the account's volume.
void AdmitUnmounted(Json& pod, const std::string& suffix) {
  if (!At(pod, "spec").is_object()) return;
  const Json said = At(pod, {"spec", "automountServiceAccountToken"});
  pod["spec"]["automountServiceAccountToken"] = false;
  AdmitPod(pod, suffix);
  if (said.is_null())
    pod["spec"].erase("automountServiceAccountToken");
  else
    pod["spec"]["automountServiceAccountToken"] = said;
}

// The admission plugin ServiceAccount: the account is there, its pull secrets are the pod's unless
// the pod names some, its token is mounted unless pod or account say otherwise.
MaybeStatus AdmitAccount(const Cluster& cluster, const Call& call, Json& pod) {
  const std::string pod_name = NameAtAdmission(pod);
  const std::string suffix = NameSuffix(cluster.store.ids().Random());
  if (At(pod, {"metadata", "annotations", "kubernetes.io/config.mirror"}).is_string()) {
    if (!TextAt(pod, {"spec", "serviceAccountName"}).empty())
      return ForbiddenStatus(*call.type, pod_name,
                             "a mirror pod may not reference service accounts");
    if (NamesSecrets(At(pod, "spec")))
      return ForbiddenStatus(*call.type, pod_name, "a mirror pod may not reference secrets");
    AdmitUnmounted(pod, suffix);
    for (const char* member : {"serviceAccountName", "serviceAccount"}) pod["spec"].erase(member);
    return std::nullopt;
  }
  std::string name = TextAt(pod, {"spec", "serviceAccountName"});
  if (name.empty()) name = TextAt(pod, {"spec", "serviceAccount"});  // as it once was called
  if (name.empty()) name = "default";
  if (At(pod, "spec").is_object())
    pod["spec"]["serviceAccountName"] = pod["spec"]["serviceAccount"] = name;
  const ObjectPtr account =
      cluster.store.Get(MustFind(cluster.store, "", "v1", "serviceaccounts"), call.info.ns, name);
  if (!account) {
    const Faults faults = PathSegmentFault(name);
    const std::string why = faults.empty() ? fmt::format("serviceaccount \"{}\" not found", name)
                                           : fmt::format("invalid resource name \"{}\": [{}]", name,
                                                         base::Join(faults, " "));
    return ForbiddenStatus(
        *call.type, pod_name,
        fmt::format("error looking up service account {}/{}: {}", call.info.ns, name, why));
  }
  const Json content = account->Parse();
  if (auto refused = CheckMountable(call, pod, content)) return refused;
  const bool silent = At(pod, {"spec", "automountServiceAccountToken"}).is_null();
  if (silent && !BoolAt(content, {"automountServiceAccountToken"}, true))
    AdmitUnmounted(pod, suffix);
  else
    AdmitPod(pod, suffix);
  if (At(pod, "spec").is_object() && ListAt(pod, {"spec", "imagePullSecrets"}).empty() &&
      !ListAt(content, {"imagePullSecrets"}).empty())
    pod["spec"]["imagePullSecrets"] = content["imagePullSecrets"];
  return std::nullopt;
}

}  // namespace

std::string NameAtAdmission(const Json& object) {
  const std::string generate = TextAt(object, {"metadata", "generateName"});
  const std::string name = TextAt(object, {"metadata", "name"});
  return generate.empty() || !name.starts_with(generate.substr(0, 58)) ||
                 name.size() != std::min<size_t>(generate.size(), 58) + 5
             ? name
             : generate;
}

MaybeStatus AdmitNewPod(const Cluster& cluster, const Call& call, Json& pod) {
  const Json asked = {{"spec",
                       {{"priority", At(pod, {"spec", "priority"})},
                        {"preemptionPolicy", At(pod, {"spec", "preemptionPolicy"})}}}};
  if (auto refused = AdmitAccount(cluster, call, pod)) return refused;
  if (auto refused = RestrictNode(cluster, call, pod, Json())) return refused;
  if (!At(pod, "spec").is_object()) return std::nullopt;
  if (auto refused = AdmitPriority(cluster, call, asked, pod)) return refused;
  if (auto refused = AdmitRuntimeClass(cluster, call, pod)) return refused;
  ApplyLimitDefaults(cluster, call.info.ns, pod);
  pod["status"] = {{"phase", "Pending"}, {"qosClass", QosClass(pod["spec"])}};
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
