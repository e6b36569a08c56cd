#include "libs/kubesim/api/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::string_view kByClass = ".storageclass.storage.k8s.io/";

std::string CountName(const ResourceType& type) {
  return "count/" + type.plural + (type.group.empty() ? "" : "." + type.group);
}

// Core resources with a name of their own beside "count/...".
bool HasPlainName(const std::string& key) {
  static const std::set<std::string_view> plain = {"/configmaps", "/secrets",
                                                   "/replicationcontrollers", "/resourcequotas"};
  return plain.contains(key);
}

// Sums of the containers, or the largest init container where that is more.
Usage ContainerSums(const Json& pod, const char* side) {
  Usage sums;
  auto each = [&](const Json& container, auto&& fold) {
    const Json& resources = At(container, {"resources", side});
    if (!resources.is_object()) return;
    for (const auto& [name, value] : resources.items()) fold(sums[name], Amount::Of(value));
  };
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    each(container, [](Amount& sum, const Amount& amount) { sum += amount; });
  }
  for (const Json& container : ListAt(pod, {"spec", "initContainers"})) {
    each(container, [](Amount& sum, const Amount& amount) { sum = amount > sum ? amount : sum; });
  }
  return sums;
}

void AddPod(const Json& pod, Usage* usage) {
  const std::string phase = TextAt(pod, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") return;  // counted by count/pods alone
  (*usage)["pods"] = Amount::Count(1);
  for (const auto& [name, amount] : ContainerSums(pod, "requests")) {
    (*usage)["requests." + name] = amount;
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
        name.starts_with("hugepages-"))
      (*usage)[name] = amount;
  }
  for (const auto& [name, amount] : ContainerSums(pod, "limits")) {
    if (name == "cpu" || name == "memory" || name == "ephemeral-storage")
      (*usage)["limits." + name] = amount;
  }
}

void AddService(const Json& service, Usage* usage) {
  const std::string type = TextAt(service, {"spec", "type"});
  const Json& ports = ListAt(service, {"spec", "ports"});
  int64_t node_ports = 0;
  if (type == "NodePort") node_ports = static_cast<int64_t>(ports.size());
  if (type == "LoadBalancer") {
    const bool allocates = BoolAt(service, {"spec", "allocateLoadBalancerNodePorts"}, true);
    for (const Json& port : ports) node_ports += allocates || IntAt(port, "nodePort") != 0;
  }
  (*usage)["services"] = Amount::Count(1);
  (*usage)["services.nodeports"] = Amount::Count(node_ports);
  (*usage)["services.loadbalancers"] = Amount::Count(type == "LoadBalancer");
}

void AddClaim(const Json& claim, Usage* usage) {
  const Amount size = Amount::Of(At(claim, {"spec", "resources", "requests", "storage"}));
  (*usage)["persistentvolumeclaims"] = Amount::Count(1);
  (*usage)["requests.storage"] = size;
  const std::string storage_class = TextAt(claim, {"spec", "storageClassName"});
  if (storage_class.empty()) return;
  (*usage)[storage_class + std::string(kByClass) + "persistentvolumeclaims"] = Amount::Count(1);
  (*usage)[storage_class + std::string(kByClass) + "requests.storage"] = size;
}

bool SelectorMatches(const Json& expression, std::string_view value) {
  const std::string word = TextAt(expression, "operator");
  if (word == "Exists") return !value.empty();
  if (word == "DoesNotExist") return value.empty();
  const Json& values = ListAt(expression, {"values"});
  const bool listed = std::find(values.begin(), values.end(), Json(value)) != values.end();
  return word == "NotIn" ? !listed : listed && !value.empty();
}

bool ScopeMatches(const std::string& scope, const Json& expression, const Json& pod) {
  if (scope == "Terminating") return IntAt(pod, {"spec", "activeDeadlineSeconds"}, -1) >= 0;
  if (scope == "NotTerminating") return IntAt(pod, {"spec", "activeDeadlineSeconds"}, -1) < 0;
  if (scope == "BestEffort" || scope == "NotBestEffort")
    return (QosClass(At(pod, "spec")) == "BestEffort") == (scope == "BestEffort");
  if (scope == "PriorityClass") {
    const std::string name = TextAt(pod, {"spec", "priorityClassName"});
    return expression.is_object() ? SelectorMatches(expression, name) : !name.empty();
  }
  if (scope != "CrossNamespacePodAffinity") return false;
  for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
    for (const char* list : {"requiredDuringSchedulingIgnoredDuringExecution",
                             "preferredDuringSchedulingIgnoredDuringExecution"}) {
      for (const Json& term : ListAt(pod, {"spec", "affinity", kind, list})) {
        const Json& inner = term.contains("podAffinityTerm") ? term["podAffinityTerm"] : term;
        if (!ListAt(inner, {"namespaces"}).empty() || At(inner, "namespaceSelector").is_object())
          return true;
      }
    }
  }
  return false;
}

// What a container must say for a quota on cpu and memory: resource -> containers that do not.
std::string MissingIn(const Json& pod, const Json& hard) {
  static const std::set<std::string_view> checked = {
      "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"};
  std::string text;
  for (const auto& [resource, limit] : hard.items()) {
    if (!checked.contains(resource)) continue;
    const bool limits = resource.starts_with("limits.");
    const std::string name =
        resource.substr(resource.find('.') == std::string::npos ? 0 : resource.find('.') + 1);
    std::set<std::string> containers;
    for (const char* list : {"containers", "initContainers"}) {
      for (const Json& container : ListAt(pod, {"spec", list})) {
        if (At(container, {"resources", limits ? "limits" : "requests", name.c_str()}).is_null())
          containers.insert(TextAt(container, "name"));
      }
    }
    if (!containers.empty())
      text += fmt::format(
          "{}{} for: {}", text.empty() ? "" : "; ", resource,
          base::Join(std::vector<std::string>(containers.begin(), containers.end()), ","));
  }
  return text;
}

// Updates are charged where they can change what is taken.
bool ChargesUpdates(const std::string& key) {
  return key == "/services" || key == "/persistentvolumeclaims";
}

}  // namespace

Usage UsageOf(const ResourceType& type, const Json& object) {
  Usage usage = {{CountName(type), Amount::Count(1)}};
  const std::string& key = type.storage_key;
  if (HasPlainName(key)) usage[type.plural] = Amount::Count(1);
  if (key == "/pods") AddPod(object, &usage);
  if (key == "/services") AddService(object, &usage);
  if (key == "/persistentvolumeclaims") AddClaim(object, &usage);
  return usage;
}

bool ScopesMatch(const Json& quota, const ResourceType& type, const Json& object) {
  const Json& scopes = ListAt(quota, {"spec", "scopes"});
  const Json& expressions = ListAt(quota, {"spec", "scopeSelector", "matchExpressions"});
  if (scopes.empty() && expressions.empty()) return true;
  if (type.storage_key != "/pods") return false;
  for (const Json& scope : scopes) {
    if (!ScopeMatches(Scalar(scope), Json(), object)) return false;
  }
  for (const Json& expression : expressions) {
    if (!ScopeMatches(TextAt(expression, "scopeName"), expression, object)) return false;
  }
  return true;
}

Usage UsedOf(const Store& store, const Json& quota, const std::string& ns) {
  Usage used;
  const Json& hard = At(quota, {"spec", "hard"});
  if (!hard.is_object()) return used;
  std::set<const ResourceType*> types;
  auto add = [&](std::string_view group, std::string_view plural) {
    if (const ResourceType* type = store.catalog().Preferred(group, plural);
        type != nullptr && type->namespaced)
      types.insert(type);
  };
  for (const auto& [resource, limit] : hard.items()) {
    used[resource] = {};
    const std::string name = resource.starts_with("count/") ? resource.substr(6) : resource;
    const size_t dot = name.find('.');
    if (resource.starts_with("count/"))
      add(dot == std::string::npos ? "" : name.substr(dot + 1), name.substr(0, dot));
    else if (resource.starts_with("services"))
      add("", "services");
    else if (resource == "persistentvolumeclaims" || resource == "requests.storage" ||
             resource.find(kByClass) != std::string::npos)
      add("", "persistentvolumeclaims");
    else if (HasPlainName("/" + resource))
      add("", resource);
    else
      add("", "pods");
  }
  for (const ResourceType* type : types) {
    for (const ObjectPtr& object : store.List(*type, ns).objects) {
      const Json content = object->Parse();
      if (!ScopesMatch(quota, *type, content)) continue;
      for (const auto& [name, amount] : UsageOf(*type, content)) {
        if (auto it = used.find(name); it != used.end()) it->second += amount;
      }
    }
  }
  return used;
}

MaybeStatus CheckQuotas(const Cluster& cluster, const Call& call, const Json& object,
                        const Json& before) {
  const ResourceType& type = *call.type;
  if (!type.namespaced || type.storage_key == "/events") return std::nullopt;
  if (before.is_object() && !ChargesUpdates(type.storage_key)) return std::nullopt;
  const auto quotas =
      cluster.store.List(MustFind(cluster.store, "", "v1", "resourcequotas"), call.info.ns).objects;
  if (quotas.empty()) return std::nullopt;
  const Usage wants = UsageOf(type, object),
              had = before.is_object() ? UsageOf(type, before) : Usage{};
  const std::string name = TextAt(object, {"metadata", "name"});
  for (const ObjectPtr& one : quotas) {
    const Json quota = one->Parse();
    const Json& hard = At(quota, {"spec", "hard"});
    if (!hard.is_object() || !ScopesMatch(quota, type, object)) continue;
    const bool concerned = std::any_of(
        wants.begin(), wants.end(), [&](const auto& entry) { return hard.contains(entry.first); });
    if (type.storage_key == "/pods") {
      if (const std::string missing = MissingIn(object, hard); !missing.empty()) {
        return ForbiddenStatus(
            type, name, fmt::format("failed quota: {}: must specify {}", one->name, missing));
      }
    }
    if (!concerned) continue;
    const Usage used = UsedOf(cluster.store, quota, call.info.ns);
    std::string requested_text, used_text, limited_text;
    for (const auto& [resource, amount] : wants) {
      if (!hard.contains(resource)) continue;
      Amount delta = amount;
      if (auto it = had.find(resource); it != had.end()) delta -= it->second;
      if (delta.thousandths <= 0) continue;
      Amount sum = used.at(resource);
      sum += delta;
      if (!(sum > Amount::Of(hard[resource]))) continue;
      auto add = [&resource = resource](std::string& list, const std::string& text) {
        list += fmt::format("{}{}={}", list.empty() ? "" : ",", resource, text);
      };
      add(requested_text, delta.ToString());
      add(used_text, used.at(resource).ToString());
      add(limited_text, Amount::Of(hard[resource]).ToString());
    }
    if (!requested_text.empty()) {
      return ForbiddenStatus(type, name,
                             fmt::format("exceeded quota: {}, requested: {}, used: {}, limited: {}",
                                         one->name, requested_text, used_text, limited_text));
    }
  }
  return std::nullopt;
}

void ChargeQuotas(const Cluster& cluster, const ResourceType& type, const Json& object,
                  const Json& before) {
  const std::string ns = TextAt(object, {"metadata", "namespace"});
  if (!type.namespaced || type.storage_key == "/events") return;
  if (before.is_object() && !ChargesUpdates(type.storage_key)) return;
  const ResourceType& quotas = MustFind(cluster.store, "", "v1", "resourcequotas");
  const auto there = cluster.store.List(quotas, ns).objects;
  if (there.empty()) return;
  const Usage wants = UsageOf(type, object),
              had = before.is_object() ? UsageOf(type, before) : Usage{};
  for (const ObjectPtr& one : there) {
    Json quota = one->Parse();
    if (!At(quota, {"status", "used"}).is_object() || !ScopesMatch(quota, type, object)) continue;
    const Json untouched = quota;
    Json& used = quota["status"]["used"];
    for (const auto& [resource, amount] : wants) {
      Amount delta = amount;
      if (auto it = had.find(resource); it != had.end()) delta -= it->second;
      if (delta.thousandths <= 0 || !used.contains(resource)) continue;
      Amount sum = Amount::Of(used[resource]);
      sum += delta;
      used[resource] = sum.ToString();
    }
    if (quota == untouched) continue;
    TrackUpdate(untouched, quota,
                {"kube-apiserver", "v1", "status", base::Rfc3339(cluster.clock.Now())}, quotas);
    // Somebody wrote in between: the quota controller counts anyhow.
    (void)cluster.store.Update(quotas, std::move(quota), one->resource_version);
  }
}

}  // namespace opsmesh::kubesim
