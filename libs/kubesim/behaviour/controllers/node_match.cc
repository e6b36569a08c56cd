#include "libs/kubesim/behaviour/controllers/node_match.h"

#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

bool SelectsNode(const Json& pod_spec, const Object& node) {
  if (!LabelSelector::FromMap(At(pod_spec, "nodeSelector")).Matches(node.labels)) return false;
  const Json& required =
      At(pod_spec, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"});
  if (!required.is_object()) return true;
  const LabelSelector::Labels fields = {{"metadata.name", node.name}};
  for (const Json& term : ListAt(required, {"nodeSelectorTerms"})) {
    const Json& expressions = ListAt(term, {"matchExpressions"});
    const Json& names = ListAt(term, {"matchFields"});
    if (expressions.empty() && names.empty()) continue;  // an empty term matches nothing
    if (LabelSelector::FromObject({{"matchExpressions", expressions}}).Matches(node.labels) &&
        LabelSelector::FromObject({{"matchExpressions", names}}).Matches(fields))
      return true;
  }
  return false;
}

const Json* ToleranceOf(const Json& tolerations, const Json& taint) {
  const Json* best = nullptr;
  if (!tolerations.is_array()) return nullptr;
  for (const Json& one : tolerations) {
    const std::string key = TextAt(one, "key"), effect = TextAt(one, "effect"),
                      op = TextAt(one, "operator");
    if (!effect.empty() && effect != TextAt(taint, "effect")) continue;
    if (!key.empty() && key != TextAt(taint, "key")) continue;
    if (key.empty() && op != "Exists") continue;
    if (op != "Exists" && TextAt(one, "value") != TextAt(taint, "value")) continue;
    if (best == nullptr || !At(one, "tolerationSeconds").is_number() ||
        (At(*best, "tolerationSeconds").is_number() &&
         IntAt(one, "tolerationSeconds") > IntAt(*best, "tolerationSeconds"))) {
      best = &one;
    }
  }
  return best;
}

bool Tolerates(const Json& tolerations, const Json& taint) {
  return ToleranceOf(tolerations, taint) != nullptr;
}

bool ToleratesAll(const Json& tolerations, const Json& node, std::string_view effect) {
  for (const Json& taint : ListAt(node, {"spec", "taints"})) {
    if (TextAt(taint, "effect") == effect && !Tolerates(tolerations, taint)) return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
