#include "libs/kubesim/behaviour/controllers/role_aggregation.h"

#include "libs/kubesim/objects/role_aggregation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

RoleAggregationController::RoleAggregationController(Engine& engine)
    : engine_(engine),
      roles_(engine.InformerOf("rbac.authorization.k8s.io", "clusterroles")),
      queue_(engine.AddQueue("clusterrole-aggregation",
                             [this](const std::string& name) { return Sync(name); })) {
  // Any role may be part of any other; there are few, and they rarely change.
  roles_.OnChange([this](const Seen&) {
    for (const ObjectPtr& role : roles_.List()) {
      if (role->json.find("\"aggregationRule\"") != std::string::npos) queue_.Add(role->name);
    }
  });
}

Next RoleAggregationController::Sync(const std::string& name) {
  const ObjectPtr role = roles_.Get("", name);
  if (!role) return Next::Done();
  const auto content = engine_.Parsed(role);
  if (!At(*content, "aggregationRule").is_object()) return Next::Done();
  const Json rules = AggregatedRules(engine_.store(), *content);
  const auto written = engine_.client().Change(
      roles_.type(), "", name,
      [&](Json& object) {
        if (ListAt(object, {"rules"}) == rules) return false;
        object["rules"] = rules;
        return true;
      },
      role->uid);
  return written.ok() || written.status().code == 404 ? Next::Done() : Next::Retry();
}

}  // namespace opsmesh::kubesim
