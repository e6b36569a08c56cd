#include "libs/kubesim/objects/role_aggregation.h"

#include <algorithm>

#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

Json AggregatedRules(const Store& store, const Json& role) {
  std::vector<LabelSelector> selectors;
  for (const Json& one : ListAt(role, {"aggregationRule", "clusterRoleSelectors"}))
    selectors.push_back(LabelSelector::FromObject(one));
  const std::string own = TextAt(role, {"metadata", "name"});
  Json rules = Json::array();
  const ResourceType& roles = MustFind(store, "rbac.authorization.k8s.io", "v1", "clusterroles");
  for (const ObjectPtr& object : store.List(roles).objects) {
    const bool chosen =
        object->name != own &&
        std::any_of(selectors.begin(), selectors.end(), [&](const LabelSelector& selector) {
          return selector.Matches(object->labels);
        });
    if (!chosen) continue;
    const Json content = object->Parse();
    for (const Json& rule : ListAt(content, {"rules"})) {
      if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
    }
  }
  return rules;
}

}  // namespace opsmesh::kubesim
