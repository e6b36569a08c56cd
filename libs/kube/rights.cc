#include "libs/kube/rights.h"

#include <algorithm>

#include "libs/base/error.h"
#include "libs/kube/api_call.h"
#include "libs/kube/small_json.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

bool Has(const std::vector<std::string>& list, std::string_view word) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& entry) { return entry == "*" || entry == word; });
}

std::vector<std::string> Strings(JsonRef list) {
  std::vector<std::string> out;
  list.ForEachElement([&](JsonRef entry) {
    out.push_back(entry.String());
    return true;
  });
  return out;
}

}  // namespace

bool Rights::MayAllow(std::string_view verb, const ResourceType& type) const {
  return incomplete || std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
           return Has(rule.verbs, verb) && Has(rule.groups, type.group) &&
                  Has(rule.resources, type.plural);
         });
}

Rights ParseRights(std::string_view text) {
  const SmallJson json(text);
  const JsonRef status = json.root()["status"];
  Rights rights;
  const JsonRef rules = status["resourceRules"];
  rights.incomplete =
      rules.type() != JsonRef::Type::kArray || status["incomplete"].Bool().value_or(false);
  rules.ForEachElement([&](JsonRef rule) {
    if (rule["resourceNames"].size() > 0) return true;
    rights.rules.push_back(
        {Strings(rule["verbs"]), Strings(rule["apiGroups"]), Strings(rule["resources"])});
    return true;
  });
  return rights;
}

absl::StatusOr<Rights> ReadRights(const base::Context& ctx, Transport& transport,
                                  const Impersonation& who, std::string_view ns) {
  const ApiCall call = SelfReview("authorization.k8s.io", "SelfSubjectRulesReview",
                                  JsonObject().Add("namespace", ns).Take());
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport.Do(ctx, call, who));
  return ParseRights(response.body);
}

}  // namespace opsmesh::kube
