#include "libs/kubesim/api/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "libs/kubesim/api/definitions.h"
#include "libs/kubesim/api/escalation.h"
#include "libs/kubesim/api/limit_ranges.h"
#include "libs/kubesim/api/pod_admission.h"
#include "libs/kubesim/api/pod_security.h"
#include "libs/kubesim/api/quota.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kServiceRange = "10.96.0.0/12";

bool InServiceRange(const std::string& ip) {
  unsigned first = 0, second = 0, rest = 0;
  return std::sscanf(ip.c_str(), "%u.%u.%u", &first, &second, &rest) == 3 && first == 10 &&
         second >= 96 && second < 112;
}

// An address that a client chose must be one that the cluster gives, and nobody else's.
MaybeStatus CheckAddress(const Cluster& cluster, const Call& call, const Json& service,
                         const Json& before) {
  const std::string ip = TextAt(service, {"spec", "clusterIP"}),
                    name = TextAt(service, {"metadata", "name"});
  if (ip.empty() || ip == "None" || ip.find(':') != std::string::npos ||
      ip == TextAt(before, {"spec", "clusterIP"}))
    return std::nullopt;
  std::string why;
  if (!InServiceRange(ip)) {
    why =
        fmt::format("the provided IP ({}) is not in the valid range. The range of valid IPs is {}",
                    ip, kServiceRange);
  }
  for (const ObjectPtr& other :
       cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
    if ((other->name != name || other->ns != call.info.ns) &&
        TextAt(other->Parse(), {"spec", "clusterIP"}) == ip)
      why = "provided IP is already allocated";
  }
  if (why.empty()) return std::nullopt;
  return InvalidStatus("", "Service", name,
                       {{"FieldValueInvalid",
                         fmt::format("Invalid value: []string{{\"{0}\"}}: failed to allocate IP "
                                     "{0}: {1}",
                                     ip, why),
                         "spec.clusterIPs"}});
}

void AllocateAddress(const Cluster& cluster, Json& service) {
  Json& spec = service["spec"];
  const std::string type = TextAt(spec, "type");
  if (type == "ExternalName") return;
  std::string ip = TextAt(spec, "clusterIP");
  if (ip.empty() && !ListAt(spec, {"clusterIPs"}).empty()) return;  // will be refused
  if (ip.empty()) {
    std::set<std::string> used;
    for (const ObjectPtr& object :
         cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
      used.insert(TextAt(object->Parse(), {"spec", "clusterIP"}));
    }
    do {
      const uint64_t bits = cluster.store.ids().Random();
      ip = fmt::format(  // of kServiceRange
          "10.{}.{}.{}", 96 + bits % 16, (bits >> 8) % 256, 1 + (bits >> 16) % 254);
    } while (used.contains(ip));
    spec["clusterIP"] = ip;
  }
  if (!spec.contains("clusterIPs")) spec["clusterIPs"] = {ip};
  if (!spec.contains("ipFamilies"))
    spec["ipFamilies"] = {ip.find(':') == std::string::npos ? "IPv4" : "IPv6"};
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  if (type == "LoadBalancer" && !spec.contains("allocateLoadBalancerNodePorts"))
    spec["allocateLoadBalancerNodePorts"] = true;
  if (type == "NodePort" || type == "LoadBalancer") {
    for (Json& port : spec["ports"]) {
      if (port.is_object() && IntAt(port, "nodePort") == 0)
        port["nodePort"] = 30000 + cluster.store.ids().Random() % 2768;
    }
  }
}

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
  if (!create && key == "/services" && object["spec"].is_object())
    AllocateAddress(cluster, object);  // its type may have changed
  if (!create) return std::nullopt;
  if (key == "/pods") return AdmitNewPod(cluster, call, object);
  if (key == "/services" && object["spec"].is_object()) {
    AllocateAddress(cluster, object);
  }
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
    if (auto refused = CheckAddress(cluster, call, object, before)) return refused;
  }
  return CheckQuotas(cluster, call, object, before);
}

void KeepAllocated(const ResourceType& type, const Json& before, Json& object) {
  if (type.storage_key != "/services" || !object["spec"].is_object()) return;
  static constexpr std::array kAllocated = {"clusterIP", "clusterIPs", "ipFamilies",
                                            "ipFamilyPolicy"};
  if (TextAt(object, {"spec", "type"}) == "ExternalName" &&
      TextAt(before, {"spec", "type"}) != "ExternalName") {
    // What was given to it goes with the type that needed it.
    for (const char* member : kAllocated) {
      if (At(object, {"spec", member}) == At(before, {"spec", member}))
        object["spec"].erase(member);
    }
    return;
  }
  for (const char* member : kAllocated) {
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
  AcceptDefinition(cluster, object);
}

}  // namespace opsmesh::kubesim
