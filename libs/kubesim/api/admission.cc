#include "libs/kubesim/api/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/api/definitions.h"
#include "libs/kubesim/api/escalation.h"
#include "libs/kubesim/api/limit_ranges.h"
#include "libs/kubesim/api/pod_admission.h"
#include "libs/kubesim/api/pod_security.h"
#include "libs/kubesim/api/quota.h"
#include "libs/kubesim/api/service_addresses.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// The newest of the classes marked as default (of several of one second, the first by name); ""
// without one.
std::string DefaultClass(const Cluster& cluster, const ResourceType& type,
                         std::initializer_list<const char*> marks) {
  std::string name, newest;
  for (const ObjectPtr& object : cluster.store.List(type).objects) {
    const Json content = object->Parse();
    const bool marked = std::any_of(marks.begin(), marks.end(), [&](const char* mark) {
      return TextAt(content, {"metadata", "annotations", mark}) == "true";
    });
    const std::string created = TextAt(content, {"metadata", "creationTimestamp"});
    if (!marked || (!name.empty() && created <= newest)) continue;
    name = object->name;
    newest = created;
  }
  return name;
}

}  // namespace

void DefaultStorageClass(const Cluster& cluster, Json& claim) {
  if (!At(claim, {"spec", "storageClassName"}).is_null() ||
      At(claim, {"metadata", "annotations", "volume.beta.kubernetes.io/storage-class"}).is_string())
    return;
  const std::string name =
      DefaultClass(cluster, MustFind(cluster.store, "storage.k8s.io", "v1", "storageclasses"),
                   {"storageclass.kubernetes.io/is-default-class",
                    "storageclass.beta.kubernetes.io/is-default-class"});
  if (!name.empty()) claim["spec"]["storageClassName"] = name;
}

namespace {

void DefaultIngressClass(const Cluster& cluster, Json& ingress) {
  if (!At(ingress, {"spec", "ingressClassName"}).is_null() ||
      At(ingress, {"metadata", "annotations", "kubernetes.io/ingress.class"}).is_string())
    return;
  const std::string name =
      DefaultClass(cluster, MustFind(cluster.store, "networking.k8s.io", "v1", "ingressclasses"),
                   {"ingressclass.kubernetes.io/is-default-class"});
  if (!name.empty()) ingress["spec"]["ingressClassName"] = name;
}

// A claim grows when its class says it may.
MaybeStatus CheckResize(const Cluster& cluster, const Call& call, const Json& claim,
                        const Json& before) {
  auto size = [](const Json& one) {
    return Amount::Of(At(one, {"spec", "resources", "requests", "storage"}));
  };
  if (!(size(claim) > size(before))) return std::nullopt;
  if (TextAt(before, {"status", "phase"}) != "Bound") return std::nullopt;  // refused as immutable
  const ObjectPtr type =
      cluster.store.Get(MustFind(cluster.store, "storage.k8s.io", "v1", "storageclasses"), "",
                        TextAt(before, {"spec", "storageClassName"}));
  if (type && BoolAt(type->Parse(), {"allowVolumeExpansion"})) return std::nullopt;
  return ForbiddenStatus(*call.type, call.info.name,
                         "only dynamically provisioned pvc can be resized and the storageclass "
                         "that provisions the pvc must support resize");
}

MaybeStatus CheckGlobalDefault(const Cluster& cluster, const Call& call, const Json& object) {
  if (!BoolAt(object, {"globalDefault"})) return std::nullopt;
  const std::string name = TextAt(object, {"metadata", "name"});
  for (const ObjectPtr& other : cluster.store.List(*call.type).objects) {
    if (other->name == name || !BoolAt(other->Parse(), {"globalDefault"})) continue;
    return ForbiddenStatus(
        *call.type, name,
        fmt::format("PriorityClass {} is already marked as default. Only one default can exist",
                    other->name));
  }
  return std::nullopt;
}

// A new node takes no pods until its lifecycle controller has seen that it is ready.
void TaintNewNode(Json& node) {
  constexpr const char* kNotReady = "node.kubernetes.io/not-ready";
  Json& taints = node["spec"]["taints"];
  if (!taints.is_array()) taints = Json::array();
  for (const Json& taint : taints) {
    if (TextAt(taint, "key") == kNotReady && TextAt(taint, "effect") == "NoSchedule") return;
  }
  taints.push_back({{"key", kNotReady}, {"effect", "NoSchedule"}});
}

// What the simulator keeps and does not act on is said to who writes it.
void WarnOfUnused(Call& call) {
  const std::string& kind = call.type->kind;
  if (call.type->group != "admissionregistration.k8s.io") return;
  call.warnings.push_back(
      kind.ends_with("WebhookConfiguration")
          ? fmt::format("the simulator keeps this {} but calls no webhooks", kind)
          : fmt::format("the simulator keeps this {} but evaluates no expressions", kind));
}

}  // namespace

MaybeStatus CheckNamespace(const Cluster& cluster, const ResourceType& type, const std::string& ns,
                           std::string_view name) {
  if (!type.namespaced || ns.empty()) return std::nullopt;
  const ResourceType& namespaces = MustFind(cluster.store, "", "v1", "namespaces");
  const ObjectPtr object = cluster.store.Get(namespaces, "", ns);
  if (!object) return NotFoundStatus(namespaces, ns);
  if (TextAt(object->Parse(), {"status", "phase"}) != "Terminating") return std::nullopt;
  ApiStatus status = ForbiddenStatus(
      type, name,
      fmt::format("unable to create new content in namespace {} because it is being terminated",
                  ns));
  status.causes.push_back({"NamespaceTerminating",
                           fmt::format("namespace {} is being terminated", ns),
                           "metadata.namespace"});
  return status;
}

MaybeStatus Admit(const Cluster& cluster, Call& call, Json& object, const Json& before) {
  const std::string& key = call.type->storage_key;
  const bool create = !before.is_object();
  WarnOfUnused(call);
  if (key == "scheduling.k8s.io/priorityclasses") {
    if (auto refused = CheckGlobalDefault(cluster, call, object)) return refused;
  }
  if (!create && key == "/persistentvolumeclaims") {
    if (auto refused = CheckResize(cluster, call, object, before)) return refused;
  }
  if (key == "/services") {  // a change, too: its type may be another
    if (auto refused = Allocate(cluster, object, before, IsDryRun(call))) return refused;
  }
  if (!create) return std::nullopt;
  if (key == "/pods") return AdmitNewPod(cluster, call, object);
  if (key == "networking.k8s.io/ingresses" && object["spec"].is_object())
    DefaultIngressClass(cluster, object);
  if (key == "/persistentvolumeclaims" && object["spec"].is_object()) {
    DefaultStorageClass(cluster, object);
    object["metadata"]["finalizers"].push_back("kubernetes.io/pvc-protection");
  }
  if (key == "/persistentvolumes")
    object["metadata"]["finalizers"].push_back("kubernetes.io/pv-protection");
  if (key == "/nodes") TaintNewNode(object);
  return std::nullopt;
}

MaybeStatus AdmitValid(const Cluster& cluster, Call& call, const Json& object, const Json& before) {
  if (auto refused = CheckEscalation(cluster, call, object, before)) return refused;
  if (auto refused = CheckPodSecurity(cluster, call, object, before)) return refused;
  if (!before.is_object()) {
    if (auto refused = CheckLimits(cluster, call, object)) return refused;
  }
  if (call.type->storage_key == "/services") {
    if (auto refused = CheckClusterAddress(cluster, call, object, before)) return refused;
  }
  return CheckQuotas(cluster, call, object, before);
}

void AfterWrite(const Cluster& cluster, const ResourceType& type, const Object& object) {
  if (type.storage_key != "apiextensions.k8s.io/customresourcedefinitions") return;
  AcceptDefinition(cluster, object);
}

}  // namespace opsmesh::kubesim
