#include "libs/kubesim/api/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "libs/base/strings.h"
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
    for (const ObjectPtr& object : cluster.store.List(MustFind(cluster.store, "", "v1", "services")).objects) {
      used.insert(TextAt(object->Parse(), {"spec", "clusterIP"}));
    }
    do {
      const uint64_t bits = cluster.store.ids().Random();
      ip = fmt::format("10.{}.{}.{}", 96 + bits % 16, (bits >> 8) % 256, 1 + (bits >> 16) % 254);
    } while (used.contains(ip));
    spec["clusterIP"] = ip;
  }
  if (!spec.contains("clusterIPs")) spec["clusterIPs"] = {ip};
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = {ip.find(':') == std::string::npos ? "IPv4" : "IPv6"};
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  if (type == "NodePort" || type == "LoadBalancer") {
    for (Json& port : spec["ports"]) {
      if (port.is_object() && IntAt(port, "nodePort") == 0) port["nodePort"] = 30000 + cluster.store.ids().Random() % 2768;
    }
  }
}

void DefaultStorageClass(const Cluster& cluster, Json& claim) {
  if (claim["spec"].contains("storageClassName")) return;
  for (const ObjectPtr& object : cluster.store.List(MustFind(cluster.store, "storage.k8s.io", "v1", "storageclasses")).objects) {
    if (TextAt(object->Parse(), {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) == "true") {
      claim["spec"]["storageClassName"] = object->name;
      return;
    }
  }
}

// How much of a quota's resource one pod takes, in thousandths.
long double PodUse(const Json& pod, const std::string& name) {
  if (name == "pods" || name == "count/pods") return 1000;
  const bool limits = name.starts_with("limits.");
  const std::string resource = name.find('.') == std::string::npos ? name : name.substr(name.find('.') + 1);
  if (resource != "cpu" && resource != "memory") return 0;
  long double total = 0;
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    total += ParseQuantity(At(container, {"resources", limits ? "limits" : "requests", resource.c_str()})).value_or(0);
  }
  return total;
}

std::string Amount(long double thousandths, const std::string& name) {
  if (name.find("cpu") != std::string::npos && std::fmod(thousandths, 1000) != 0) return fmt::format("{}m", static_cast<int64_t>(thousandths));
  const int64_t whole = static_cast<int64_t>(thousandths / 1000);
  if (name.find("memory") != std::string::npos && whole > 0 && whole % (1 << 20) == 0) return fmt::format("{}Mi", whole >> 20);
  return std::to_string(whole);
}

MaybeStatus CheckQuotas(const Cluster& cluster, const Call& call, const Json& pod) {
  const auto quotas = cluster.store.List(MustFind(cluster.store, "", "v1", "resourcequotas"), call.info.ns).objects;
  if (quotas.empty()) return std::nullopt;
  std::vector<Json> running;
  for (const ObjectPtr& object : cluster.store.List(*call.type, call.info.ns).objects) {
    Json other = object->Parse();
    const std::string phase = TextAt(other, {"status", "phase"});
    if (phase != "Succeeded" && phase != "Failed") running.push_back(std::move(other));
  }
  for (const ObjectPtr& quota : quotas) {
    const Json content = quota->Parse();
    const Json& hard = At(content, {"spec", "hard"});
    if (!hard.is_object()) continue;
    std::string requested, used, limited;
    for (const auto& [name, limit] : hard.items()) {
      const long double wants = PodUse(pod, name);
      const auto most = ParseQuantity(limit);
      if (!most || wants == 0) continue;
      long double taken = 0;
      for (const Json& other : running) taken += PodUse(other, name);
      if (taken + wants <= *most) continue;
      auto add = [&name = name](std::string& list, const std::string& amount) { list += fmt::format("{}{}={}", list.empty() ? "" : ",", name, amount); };
      add(requested, Amount(wants, name));
      add(used, Amount(taken, name));
      add(limited, Scalar(limit));
    }
    if (!requested.empty()) {
      return ForbiddenStatus(*call.type, TextAt(pod, {"metadata", "name"}), fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}", quota->name, requested, used, limited));
    }
  }
  return std::nullopt;
}

// The priority of the pod's class, or of the default one.
MaybeStatus AdmitPriority(const Cluster& cluster, const Call& call, Json& pod) {
  const std::string name = TextAt(pod, {"spec", "priorityClassName"});
  const ResourceType& classes = MustFind(cluster.store, "scheduling.k8s.io", "v1", "priorityclasses");
  ObjectPtr chosen = name.empty() ? nullptr : cluster.store.Get(classes, "", name);
  if (!name.empty() && !chosen) return ForbiddenStatus(*call.type, TextAt(pod, {"metadata", "name"}), fmt::format("no PriorityClass with name {} was found", name));
  if (name.empty()) {
    for (const ObjectPtr& one : cluster.store.List(classes).objects) {
      if (BoolAt(one->Parse(), {"globalDefault"})) chosen = one;
    }
  }
  if (!chosen) return std::nullopt;
  const Json content = chosen->Parse();
  pod["spec"]["priorityClassName"] = chosen->name;
  pod["spec"]["priority"] = IntAt(content, "value");
  if (const std::string policy = TextAt(content, "preemptionPolicy"); !policy.empty()) pod["spec"]["preemptionPolicy"] = policy;
  return std::nullopt;
}

// Fills in a container's default limits and requests, then holds it against the bounds; what is out of bounds is named in `faults`.
void LimitContainer(const Json& limit, Json& container, std::vector<std::string>* faults) {
  Json& resources = container["resources"];
  if (!resources.is_object()) resources = Json::object();
  auto fill = [&](const char* side, const char* from) {
    if (!At(limit, from).is_object()) return;
    for (const auto& [name, value] : At(limit, from).items()) {
      if (At(resources, {side, name.c_str()}).is_null()) resources[side][name] = value;
    }
  };
  // A limit of the container's own is also its request, before defaults are asked.
  if (At(resources, "limits").is_object()) {
    for (const auto& [name, value] : At(resources, "limits").items()) {
      if (At(resources, {"requests", name.c_str()}).is_null()) resources["requests"][name] = value;
    }
  }
  fill("limits", "default");
  fill("requests", "defaultRequest");
  auto bound = [&](const char* member, const char* word, bool upper) {
    if (!At(limit, member).is_object()) return;
    for (const auto& [name, value] : At(limit, member).items()) {
      const Json& given = At(resources, {upper ? "limits" : "requests", name.c_str()});
      const auto edge = ParseQuantity(value), amount = ParseQuantity(given);
      if (!amount) {
        faults->push_back(fmt::format("{} {} usage per Container is {}, but no {} is specified", word, name, Scalar(value), upper ? "limit" : "request"));
      } else if (edge && (upper ? *amount > *edge : *amount < *edge)) {
        faults->push_back(fmt::format("{} {} usage per Container is {}, but {} is {}", word, name, Scalar(value), upper ? "limit" : "request", Scalar(given)));
      }
    }
  };
  bound("min", "minimum", false);
  bound("max", "maximum", true);
}

MaybeStatus AdmitLimits(const Cluster& cluster, const Call& call, Json& pod) {
  std::vector<std::string> faults;
  for (const ObjectPtr& range : cluster.store.List(MustFind(cluster.store, "", "v1", "limitranges"), call.info.ns).objects) {
    const Json content = range->Parse();
    for (const Json& limit : ListAt(content, {"spec", "limits"})) {
      if (TextAt(limit, "type") != "Container") continue;
      for (const char* list : {"containers", "initContainers"}) {
        if (!At(pod, {"spec", list}).is_array()) continue;
        for (Json& container : pod["spec"][list]) {
          if (container.is_object()) LimitContainer(limit, container, &faults);
        }
      }
    }
  }
  if (faults.empty()) return std::nullopt;
  const std::string why = faults.size() == 1 ? faults[0] : "[" + base::Join(faults, ", ") + "]";
  return ForbiddenStatus(*call.type, TextAt(pod, {"metadata", "name"}), why);
}

MaybeStatus AdmitNewPod(const Cluster& cluster, const Call& call, Json& pod) {
  std::string account = TextAt(pod, {"spec", "serviceAccountName"});
  if (account.empty()) account = "default";
  if (!cluster.store.Get(MustFind(cluster.store, "", "v1", "serviceaccounts"), call.info.ns, account)) {
    return ForbiddenStatus(*call.type, TextAt(pod, {"metadata", "name"}), fmt::format("error looking up service account {0}/{1}: serviceaccount \"{1}\" not found", call.info.ns, account));
  }
  AdmitPod(pod, NameSuffix(cluster.store.ids().Random()));
  if (!At(pod, "spec").is_object()) return std::nullopt;
  if (auto refused = AdmitPriority(cluster, call, pod)) return refused;
  if (auto refused = AdmitLimits(cluster, call, pod)) return refused;
  pod["status"] = {{"phase", "Pending"}, {"qosClass", QosClass(pod["spec"])}};
  return CheckQuotas(cluster, call, pod);
}

}  // namespace

MaybeStatus CheckNamespace(const Cluster& cluster, const ResourceType& type, const std::string& ns) {
  if (!type.namespaced || ns.empty()) return std::nullopt;
  const ResourceType& namespaces = MustFind(cluster.store, "", "v1", "namespaces");
  const ObjectPtr object = cluster.store.Get(namespaces, "", ns);
  if (!object) return NotFoundStatus(namespaces, ns);
  if (TextAt(object->Parse(), {"status", "phase"}) != "Terminating") return std::nullopt;
  ApiStatus status = ForbiddenStatus(type, "", fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
  status.causes.push_back({"NamespaceTerminating", fmt::format("namespace {} is being terminated", ns), "metadata.namespace"});
  return status;
}

MaybeStatus Admit(const Cluster& cluster, const Call& call, Json& object, const Json& before) {
  const std::string& key = call.type->storage_key;
  const bool create = !before.is_object();
  if (!create) return std::nullopt;
  if (key == "/pods") return AdmitNewPod(cluster, call, object);
  if (key == "/services" && object["spec"].is_object()) {
    AllocateAddress(cluster, object);
  }
  if (key == "/persistentvolumeclaims" && object["spec"].is_object()) {
    DefaultStorageClass(cluster, object);
    object["metadata"]["finalizers"].push_back("kubernetes.io/pvc-protection");
  }
  if (key == "/persistentvolumes") object["metadata"]["finalizers"].push_back("kubernetes.io/pv-protection");
  return std::nullopt;
}

void KeepAllocated(const ResourceType& type, const Json& before, Json& object) {
  if (type.storage_key != "/services" || !object["spec"].is_object()) return;
  for (const char* member : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    if (!object["spec"].contains(member) && before["spec"].contains(member)) object["spec"][member] = before["spec"][member];
  }
}

void AfterWrite(const Cluster& cluster, const ResourceType& type, const Object& object) {
  if (type.storage_key != "apiextensions.k8s.io/customresourcedefinitions") return;
  cluster.store.catalog().DefineCustom(object.Parse());
}

}  // namespace opsmesh::kubesim
