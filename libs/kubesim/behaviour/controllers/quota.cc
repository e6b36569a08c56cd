#include "libs/kubesim/behaviour/controllers/quota.h"

#include "libs/kubesim/api/quota.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Counts of many changes make one.
constexpr absl::Duration kBatch = absl::Milliseconds(200);

}  // namespace

QuotaController::QuotaController(Engine& engine)
    : engine_(engine),
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

Next QuotaController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr quota = quotas_.Get(ns, name);
  if (!quota) return Next::Done();
  const Json hard = At(*engine_.Parsed(quota), {"spec", "hard"});
  Json used = Json::object();
  for (const auto& [resource, amount] : UsedOf(engine_.store(), *engine_.Parsed(quota), quota->ns))
    used[resource] = amount.ToString();
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
