#include "libs/kubesim/api/admission.h"

#include <fmt/format.h>

#include <set>

#include "libs/kubesim/api/escalation.h"
#include "libs/kubesim/api/limit_ranges.h"
#include "libs/kubesim/api/quota.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void AllocateAddress(const Cluster& cluster, Json& service) {
  Json& spec = service["spec"];
  const std::string type = TextAt(spec, "type");
  if (type == "ExternalName") return;
  std::string ip = TextAt(spec, "clusterIP");
  if (ip.empty()) {
    std::set<std::string> used;
    for (const ObjectPtr& object :
         cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
      used.insert(TextAt(object->Parse(), {"spec", "clusterIP"}));
    }
    do {
      const uint64_t bits = cluster.store.ids().Random();
      ip = fmt::format("10.{}.{}.{}", 96 + bits % 16, (bits >> 8) % 256, 1 + (bits >> 16) % 254);
    } while (used.contains(ip));
    spec["clusterIP"] = ip;
  }
  if (!spec.contains("clusterIPs")) spec["clusterIPs"] = {ip};
  if (!spec.contains("ipFamilies"))
    spec["ipFamilies"] = {ip.find(':') == std::string::npos ? "IPv4" : "IPv6"};
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  if (type == "NodePort" || type == "LoadBalancer") {
    for (Json& port : spec["ports"]) {
      if (port.is_object() && IntAt(port, "nodePort") == 0)
        port["nodePort"] = 30000 + cluster.store.ids().Random() % 2768;
    }
  }
}

void DefaultStorageClass(const Cluster& cluster, Json& claim) {
  if (claim["spec"].contains("storageClassName")) return;
  for (const ObjectPtr& object :
       cluster.store.List(MustFind(cluster.store, "storage.k8s.io", "v1", "storageclasses"))
           .objects) {
    if (TextAt(object->Parse(), {"metadata", "annotations",
                                 "storageclass.kubernetes.io/is-default-class"}) == "true") {
      claim["spec"]["storageClassName"] = object->name;
      return;
    }
  }
}

// What admission sees of a name that is yet to be generated.
std::string NameAtAdmission(const Json& object) {
  const std::string generate = TextAt(object, {"metadata", "generateName"});
  const std::string name = TextAt(object, {"metadata", "name"});
  return generate.empty() || !name.starts_with(generate.substr(0, 58)) ||
                 name.size() != std::min<size_t>(generate.size(), 58) + 5
             ? name
             : generate;
}

// Only what a storage class that allows it provided can grow.
MaybeStatus CheckGrowth(const Cluster& cluster, const Call& call, const Json& claim,
                        const Json& before) {
  const auto size = [](const Json& object) {
    return ParseQuantity(At(object, {"spec", "resources", "requests", "storage"})).value_or(0);
  };
  if (size(claim) <= size(before) || TextAt(before, {"status", "phase"}) != "Bound")
    return std::nullopt;
  const ObjectPtr storage =
      cluster.store.Get(MustFind(cluster.store, "storage.k8s.io", "v1", "storageclasses"), "",
                        TextAt(before, {"spec", "storageClassName"}));
  if (storage && BoolAt(storage->Parse(), {"allowVolumeExpansion"})) return std::nullopt;
  return ForbiddenStatus(*call.type, TextAt(before, {"metadata", "name"}),
                         "only dynamically provisioned pvc can be resized and the storageclass "
                         "that provisions the pvc must support resize");
}

// The priority of the pod's class, or of the default one.
MaybeStatus AdmitPriority(const Cluster& cluster, const Call& call, Json& pod) {
  const std::string name = TextAt(pod, {"spec", "priorityClassName"});
  const ResourceType& classes =
      MustFind(cluster.store, "scheduling.k8s.io", "v1", "priorityclasses");
  ObjectPtr chosen = name.empty() ? nullptr : cluster.store.Get(classes, "", name);
  if (!name.empty() && !chosen)
    return ForbiddenStatus(*call.type, NameAtAdmission(pod),
                           fmt::format("no PriorityClass with name {} was found", name));
  if (name.empty()) {
    for (const ObjectPtr& one : cluster.store.List(classes).objects) {
      if (BoolAt(one->Parse(), {"globalDefault"})) chosen = one;
    }
  }
  if (!chosen) return std::nullopt;
  const Json content = chosen->Parse();
  pod["spec"]["priorityClassName"] = chosen->name;
  pod["spec"]["priority"] = IntAt(content, "value");
  if (const std::string policy = TextAt(content, "preemptionPolicy"); !policy.empty())
    pod["spec"]["preemptionPolicy"] = policy;
  return std::nullopt;
}

// What a pod does not say itself: secrets for pulling images.
void TakeFromAccount(const Json& account, Json& pod) {
  Json& spec = pod["spec"];
  if (!spec.is_object()) return;
  if (ListAt(spec, {"imagePullSecrets"}).empty() && !ListAt(account, {"imagePullSecrets"}).empty())
    spec["imagePullSecrets"] = account["imagePullSecrets"];
}

MaybeStatus AdmitNewPod(const Cluster& cluster, const Call& call, Json& pod) {
  std::string account = TextAt(pod, {"spec", "serviceAccountName"});
  if (account.empty()) account = "default";
  const ObjectPtr found = cluster.store.Get(MustFind(cluster.store, "", "v1", "serviceaccounts"),
                                            call.info.ns, account);
  if (!found) {
    return ForbiddenStatus(
        *call.type, NameAtAdmission(pod),
        fmt::format("error looking up service account {0}/{1}: serviceaccount \"{1}\" not found",
                    call.info.ns, account));
  }
  const Json owner = found->Parse();
  TakeFromAccount(owner, pod);
  // The account's word on tokens counts where the pod has none.
  const bool silent = At(pod, {"spec", "automountServiceAccountToken"}).is_null();
  if (silent && pod["spec"].is_object() && !BoolAt(owner, {"automountServiceAccountToken"}, true))
    pod["spec"]["automountServiceAccountToken"] = false;
  AdmitPod(pod, NameSuffix(cluster.store.ids().Random()));
  if (silent && pod["spec"].is_object()) pod["spec"].erase("automountServiceAccountToken");
  if (!At(pod, "spec").is_object()) return std::nullopt;
  if (auto refused = AdmitPriority(cluster, call, pod)) return refused;
  ApplyLimitDefaults(cluster, call.info.ns, pod);
  pod["status"] = {{"phase", "Pending"}, {"qosClass", QosClass(pod["spec"])}};
  return std::nullopt;
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

MaybeStatus Admit(const Cluster& cluster, const Call& call, Json& object, const Json& before) {
  const std::string& key = call.type->storage_key;
  const bool create = !before.is_object();
  if (!create && key == "/services" && object["spec"].is_object())
    AllocateAddress(cluster, object);  // its type may have changed
  if (!create && key == "/persistentvolumeclaims")
    return CheckGrowth(cluster, call, object, before);
  if (!create) return std::nullopt;
  if (key == "/pods") return AdmitNewPod(cluster, call, object);
  if (key == "/services" && object["spec"].is_object()) {
    AllocateAddress(cluster, object);
  }
  if (key == "/persistentvolumeclaims" && object["spec"].is_object()) {
    DefaultStorageClass(cluster, object);
    object["metadata"]["finalizers"].push_back("kubernetes.io/pvc-protection");
  }
  if (key == "/persistentvolumes")
    object["metadata"]["finalizers"].push_back("kubernetes.io/pv-protection");
  return std::nullopt;
}

MaybeStatus AdmitValid(const Cluster& cluster, const Call& call, const Json& object,
                       const Json& before) {
  if (auto refused = CheckEscalation(cluster, call, object, before)) return refused;
  if (!before.is_object()) {
    if (auto refused = CheckLimits(cluster, call, object)) return refused;
  }
  return CheckQuotas(cluster, call, object, before);
}

void KeepAllocated(const ResourceType& type, const Json& before, Json& object) {
  if (type.storage_key != "/services" || !object["spec"].is_object()) return;
  for (const char* member : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    if (!object["spec"].contains(member) && before["spec"].contains(member))
      object["spec"][member] = before["spec"][member];
  }
  // Node ports are kept by the port's name, where no other port took them.
  auto exposes = [](const Json& service) {
    return TextAt(service, {"spec", "type"}) == "NodePort" ||
           TextAt(service, {"spec", "type"}) == "LoadBalancer";
  };
  if (!exposes(before) || !exposes(object) || !At(object, {"spec", "ports"}).is_array()) return;
  std::set<int64_t> used;
  for (const Json& port : object["spec"]["ports"]) used.insert(IntAt(port, "nodePort"));
  for (Json& port : object["spec"]["ports"]) {
    if (!port.is_object() || IntAt(port, "nodePort") != 0) continue;
    for (const Json& old : ListAt(before, {"spec", "ports"})) {
      if (TextAt(old, "name") == TextAt(port, "name") && !used.contains(IntAt(old, "nodePort")))
        port["nodePort"] = IntAt(old, "nodePort");
    }
  }
}

void AfterWrite(const Cluster& cluster, const ResourceType& type, const Object& object) {
  if (type.storage_key != "apiextensions.k8s.io/customresourcedefinitions") return;
  cluster.store.catalog().DefineCustom(object.Parse());
}

}  // namespace opsmesh::kubesim
