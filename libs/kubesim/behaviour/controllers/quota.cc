#include "libs/kubesim/behaviour/controllers/quota.h"

#include <fmt/format.h>

#include <cmath>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Counts of many changes make one.
constexpr absl::Duration kBatch = absl::Milliseconds(200);

std::string Format(long double thousandths, const std::string& resource) {
  const int64_t amount = static_cast<int64_t>(thousandths);
  if (amount % 1000 != 0) return fmt::format("{}m", amount);
  const int64_t whole = amount / 1000;
  if (resource.find("memory") != std::string::npos ||
      resource.find("storage") != std::string::npos) {
    for (const auto& [shift, suffix] :
         {std::pair(30, "Gi"), std::pair(20, "Mi"), std::pair(10, "Ki")}) {
      if (whole != 0 && whole % (int64_t{1} << shift) == 0)
        return fmt::format("{}{}", whole >> shift, suffix);
    }
  }
  return std::to_string(whole);
}

}  // namespace

QuotaController::QuotaController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      quotas_(engine.InformerOf("", "resourcequotas")),
      queue_(engine.AddQueue("quota", [this](const std::string& key) { return Sync(key); })) {
  engine_.OnAnyChange([this](const Change& change) {
    if (change.object->ns.empty() || change.resource->storage_key == "/events" ||
        change.resource->storage_key == "coordination.k8s.io/leases")
      return;
    for (const ObjectPtr& quota : quotas_.List(change.object->ns))
      queue_.AddAfter(KeyOf(quota->ns, quota->name), kBatch);
  });
  quotas_.OnChange([this](const Seen& seen) {
    if (seen.now) queue_.AddAfter(KeyOf(seen.now->ns, seen.now->name), kBatch);
  });
}

// "" for what is not counted here.
std::string QuotaController::Used(const std::string& ns, const std::string& resource) {
  auto pods = [&](auto&& amount) {
    long double total = 0;
    for (const ObjectPtr& pod : pods_.informer().List(ns)) {
      if (!pods_.Of(pod).finished()) total += amount(*engine_.Parsed(pod));
    }
    return Format(total, resource);
  };
  if (resource == "pods" || resource == "count/pods")
    return pods([](const Json&) { return 1000.0L; });
  const bool limits = resource.starts_with("limits."), requests = resource.starts_with("requests.");
  const std::string plain = limits || requests ? resource.substr(resource.find('.') + 1) : resource;
  if (plain == "cpu" || plain == "memory" || plain == "ephemeral-storage") {
    return pods([&](const Json& pod) {
      long double total = 0;
      for (const Json& container : ListAt(pod, {"spec", "containers"})) {
        total += ParseQuantity(
                     At(container, {"resources", limits ? "limits" : "requests", plain.c_str()}))
                     .value_or(0);
      }
      return total;
    });
  }
  if (plain == "storage") {
    long double total = 0;
    for (const ObjectPtr& claim :
         engine_.store().List(engine_.Type("", "persistentvolumeclaims"), ns).objects) {
      total +=
          ParseQuantity(At(*engine_.Parsed(claim), {"spec", "resources", "requests", "storage"}))
              .value_or(0);
    }
    return Format(total, resource);
  }
  if (resource.starts_with("services.")) {
    int64_t count = 0;
    const std::string wanted = resource == "services.loadbalancers" ? "LoadBalancer" : "NodePort";
    for (const ObjectPtr& service : engine_.store().List(engine_.Type("", "services"), ns).objects)
      count += TextAt(*engine_.Parsed(service), {"spec", "type"}) == wanted;
    return std::to_string(count);
  }
  // "count/deployments.apps", "configmaps"
  const std::string name = resource.starts_with("count/") ? resource.substr(6) : resource;
  const size_t dot = name.find('.');
  const ResourceType* type = engine_.store().catalog().Preferred(
      dot == std::string::npos ? "" : name.substr(dot + 1), name.substr(0, dot));
  if (type == nullptr || !type->namespaced) return "";
  return std::to_string(engine_.store().List(*type, ns).objects.size());
}

Next QuotaController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr quota = quotas_.Get(ns, name);
  if (!quota) return Next::Done();
  const Json hard = At(*engine_.Parsed(quota), {"spec", "hard"});
  Json used = Json::object();
  if (hard.is_object()) {
    for (const auto& [resource, limit] : hard.items()) {
      if (std::string amount = Used(quota->ns, resource); !amount.empty()) used[resource] = amount;
    }
  }
  (void)engine_.client().Change(
      quotas_.type(), ns, name,
      [&](Json& object) {
        Json& status = object["status"];
        const Json before = status;
        status = {{"hard", hard.is_object() ? hard : Json::object()}, {"used", used}};
        return status != before;
      },
      quota->uid);
  return Next::Done();
}

}  // namespace opsmesh::kubesim
