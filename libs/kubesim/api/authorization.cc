#include "libs/kubesim/api/authorization.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "libs/base/strings.h"
#include "libs/kubesim/api/node_authorizer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Lists(const Json& list, std::string_view wanted) {
  for (const Json& item : list) {
    if (item.is_string() && (item == "*" || item.get_ref<const std::string&>() == wanted))
      return true;
  }
  return false;
}

bool ListsResource(const Json& list, const std::string& resource) {
  if (Lists(list, resource)) return true;
  const size_t slash = resource.find('/');
  return slash != std::string::npos && Lists(list, "*" + resource.substr(slash));
}

bool ListsPath(const Json& list, const std::string& path) {
  for (const Json& item : list) {
    if (!item.is_string()) continue;
    const std::string& pattern = item.get_ref<const std::string&>();
    if (pattern == "*" || pattern == path) return true;
    if (pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1)))
      return true;
  }
  return false;
}

bool RuleAllows(const Json& rule, const AccessQuestion& question) {
  if (!Lists(ListAt(rule, {"verbs"}), question.verb)) return false;
  if (!question.non_resource_path.empty())
    return ListsPath(ListAt(rule, {"nonResourceURLs"}), question.non_resource_path);
  if (!Lists(ListAt(rule, {"apiGroups"}), question.group)) return false;
  if (!ListsResource(ListAt(rule, {"resources"}), question.resource)) return false;
  const Json& names = ListAt(rule, {"resourceNames"});
  return names.empty() || (!question.name.empty() && Lists(names, question.name));
}

bool SubjectIs(const Json& subject, const User& user, const std::string& binding_ns) {
  const std::string kind = TextAt(subject, "kind");
  const std::string name = TextAt(subject, "name");
  if (kind == "User") return user.name == name;
  if (kind == "Group") return user.InGroup(name);
  if (kind != "ServiceAccount") return false;
  std::string ns = TextAt(subject, "namespace");
  if (ns.empty()) ns = binding_ns;
  return user.name == fmt::format("system:serviceaccount:{}:{}", ns, name);
}

// False only when no subject of the binding can be the user: a name stands in the text as it is
// unless JSON escapes some of it.
bool MayConcern(const Object& binding, const User& user) {
  auto stands = [&](std::string_view name) {
    const bool escaped = std::any_of(name.begin(), name.end(), [](unsigned char c) {
      return c < 0x20 || c == '"' || c == '\\' || c >= 0x7f;
    });
    return escaped || binding.json.find(name) != std::string::npos;
  };
  const bool account = user.name.starts_with("system:serviceaccount:");
  return stands(account ? std::string_view(user.name).substr(user.name.rfind(':') + 1)
                        : std::string_view(user.name)) ||
         stands(user.name) || std::any_of(user.groups.begin(), user.groups.end(), stands);
}

// Calls back for each binding of the user that holds in `ns` ("" = cluster scope); true stops.
// `missing` takes the sentences about roles that are not there.
using BindingVisitor =
    std::function<bool(const Json& binding, const Json& role, const Json& subject)>;
void VisitBindings(const Cluster& cluster, const User& user, const std::string& ns,
                   std::vector<std::string>* missing, const BindingVisitor& visit) {
  const Store& store = cluster.store;
  constexpr const char* kGroup = "rbac.authorization.k8s.io";
  auto visit_all = [&](const char* plural, const std::string& scope) {
    const ResourceType& type = MustFind(store, kGroup, "v1", plural);
    for (const ObjectPtr& object : store.List(type, scope).objects) {
      if (!MayConcern(*object, user)) continue;
      const Json binding = object->Parse();
      for (const Json& subject : ListAt(binding, {"subjects"})) {
        if (!SubjectIs(subject, user, object->ns)) continue;
        const bool cluster_role = TextAt(binding, {"roleRef", "kind"}) == "ClusterRole";
        const ResourceType& roles =
            MustFind(store, kGroup, "v1", cluster_role ? "clusterroles" : "roles");
        const std::string name = TextAt(binding, {"roleRef", "name"});
        const ObjectPtr role = store.Get(roles, cluster_role ? "" : object->ns, name);
        if (!role) {
          std::string sentence =
              fmt::format("{}.{} \"{}\" not found", roles.singular, kGroup, name);
          if (std::find(missing->begin(), missing->end(), sentence) == missing->end())
            missing->push_back(std::move(sentence));
        }
        if (role && visit(binding, role->Parse(), subject)) return true;
        break;
      }
    }
    return false;
  };
  if (visit_all("clusterrolebindings", "")) return;
  if (!ns.empty()) visit_all("rolebindings", ns);
}

std::string ReasonOf(const Json& binding, const Json& subject) {
  const std::string ns = TextAt(binding, {"metadata", "namespace"});
  const std::string name = TextAt(binding, {"metadata", "name"});
  const std::string role = TextAt(binding, {"roleRef", "name"});
  const std::string kind = TextAt(subject, "kind");
  std::string who = TextAt(subject, "name");
  if (kind == "ServiceAccount") who += "/" + TextAt(subject, "namespace");
  return fmt::format("RBAC: allowed by {} \"{}{}\" of {} \"{}\" to {} \"{}\"",
                     ns.empty() ? "ClusterRoleBinding" : "RoleBinding", name,
                     ns.empty() ? "" : "/" + ns, TextAt(binding, {"roleRef", "kind"}), role, kind,
                     who);
}

// One sentence alone, several in brackets.
std::string Listed(const std::vector<std::string>& sentences) {
  return sentences.size() == 1 ? sentences[0] : "[" + base::Join(sentences, ", ") + "]";
}

}  // namespace

AccessAnswer Authorize(const Cluster& cluster, const User& user, const AccessQuestion& question) {
  if (user.InGroup("system:masters")) return {true, ""};
  AccessAnswer answer;
  if (auto decided = AuthorizeNode(cluster, user, question)) {
    if (decided->allowed) return *decided;
    answer.reason = decided->reason;
  }
  std::vector<std::string> missing;
  const std::string& ns = question.non_resource_path.empty() ? question.ns : "";
  auto visit = [&](const Json& binding, const Json& role, const Json& subject) {
    if (!RulesAllow(ListAt(role, {"rules"}), question)) return false;
    answer = {true, ReasonOf(binding, subject)};
    return true;
  };
  VisitBindings(cluster, user, ns, &missing, visit);
  if (!answer.allowed && !missing.empty())
    answer.reason += (answer.reason.empty() ? "" : "\n") + ("RBAC: " + Listed(missing));
  return answer;
}

bool RulesAllow(const Json& rules, const AccessQuestion& question) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Json& rule) { return RuleAllows(rule, question); });
}

Json RulesOf(const Cluster& cluster, const User& user, const std::string& ns) {
  Json resource_rules = Json::array();
  Json path_rules = Json::array();
  if (user.InGroup("system:masters")) {
    resource_rules.push_back({{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}});
    path_rules.push_back({{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}});
  }
  std::vector<std::string> missing;
  VisitBindings(cluster, user, ns, &missing, [&](const Json&, const Json& role, const Json&) {
    for (const Json& rule : ListAt(role, {"rules"})) {
      (ListAt(rule, {"nonResourceURLs"}).empty() ? resource_rules : path_rules).push_back(rule);
    }
    return false;
  });
  Json status = {
      {"resourceRules", resource_rules}, {"nonResourceRules", path_rules}, {"incomplete", false}};
  if (!missing.empty()) status["evaluationError"] = Listed(missing);
  return status;
}

}  // namespace opsmesh::kubesim
