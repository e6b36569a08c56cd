// Roles and bindings: what a real server refuses.
#include <fmt/format.h>

#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void ValidateRules(Causes& causes, const Json& object, bool namespaced) {
  const Json& rules = ListAt(object, {"rules"});
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string at = fmt::format("rules[{}]", i);
    if (ListAt(rules[i], {"verbs"}).empty())
      Required(causes, at + ".verbs", "verbs must contain at least one value");
    const Json& paths = ListAt(rules[i], {"nonResourceURLs"});
    const bool groups = !ListAt(rules[i], {"apiGroups"}).empty(),
               resources = !ListAt(rules[i], {"resources"}).empty(),
               names = !ListAt(rules[i], {"resourceNames"}).empty();
    if (!paths.empty()) {
      if (namespaced)
        Invalid(causes, at + ".nonResourceURLs", GoTexts(paths),
                "namespaced rules cannot apply to non-resource URLs");
      if (groups || resources || names)
        Invalid(causes, at + ".nonResourceURLs", GoTexts(paths),
                "rules cannot apply to both regular resources and non-resource URLs");
      continue;
    }
    if (!groups)
      Required(causes, at + ".apiGroups", "resource rules must supply at least one api group");
    if (!resources)
      Required(causes, at + ".resources", "resource rules must supply at least one resource");
  }
}

void ValidateAggregation(Causes& causes, const Json& object) {
  const Json& rule = At(object, "aggregationRule");
  if (!rule.is_object()) return;
  const Json& selectors = ListAt(rule, {"clusterRoleSelectors"});
  if (selectors.empty())
    Required(causes, "aggregationRule.clusterRoleSelectors",
             "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (size_t i = 0; i < selectors.size(); ++i) {
    const std::string at = fmt::format("aggregationRule.clusterRoleSelectors[{}]", i);
    if (!ValidateSelectorShape(causes, selectors[i], at))
      InvalidText(causes, at, "null", "invalid label selector.");
  }
}

void ValidateBinding(Causes& causes, const Json& object, const Json& before, bool namespaced) {
  const Json& role = At(object, "roleRef");
  OneOf(causes, "roleRef.apiGroup", TextAt(role, "apiGroup"), {"rbac.authorization.k8s.io"});
  if (namespaced) {
    OneOf(causes, "roleRef.kind", TextAt(role, "kind"), {"Role", "ClusterRole"});
  } else {
    OneOf(causes, "roleRef.kind", TextAt(role, "kind"), {"ClusterRole"});
  }
  NeededSegment(causes, "roleRef.name", TextAt(role, "name"));
  const Json& subjects = ListAt(object, {"subjects"});
  for (size_t i = 0; i < subjects.size(); ++i) {
    const std::string at = fmt::format("subjects[{}]", i), kind = TextAt(subjects[i], "kind");
    if (TextAt(subjects[i], "name").empty()) Required(causes, at + ".name");
    if (kind == "ServiceAccount") {
      const std::string name = TextAt(subjects[i], "name"), group = TextAt(subjects[i], "apiGroup");
      if (!name.empty()) InvalidText(causes, at + ".name", name, SubdomainFault(name));
      if (!group.empty()) OneOf(causes, at + ".apiGroup", group, {""});
      if (TextAt(subjects[i], "namespace").empty() && !namespaced)
        Required(causes, at + ".namespace");
    } else if (kind == "User" || kind == "Group") {
      OneOf(causes, at + ".apiGroup", TextAt(subjects[i], "apiGroup"),
            {"rbac.authorization.k8s.io"});
    } else {
      OneOf(causes, at + ".kind", kind, {"ServiceAccount", "User", "Group"});
    }
  }
  if (before.is_object() && At(before, "roleRef") != role) {
    Invalid(causes, "roleRef",
            fmt::format("rbac.RoleRef{{APIGroup:\"{}\", Kind:\"{}\", Name:\"{}\"}}",
                        TextAt(role, "apiGroup"), TextAt(role, "kind"), TextAt(role, "name")),
            "cannot change roleRef");
  }
}

}  // namespace

void ValidateAccessKind(Causes& causes, const ResourceType& type, const Json& object,
                        const Json& before) {
  if (type.storage_key.ends_with("bindings"))
    return ValidateBinding(causes, object, before, type.namespaced);
  ValidateRules(causes, object, type.namespaced);
  if (!type.namespaced) ValidateAggregation(causes, object);
}

}  // namespace opsmesh::kubesim
