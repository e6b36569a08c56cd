#include "libs/kubesim/api/escalation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";

bool Covers(const Json& held, const Json& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& one) {
    return std::any_of(held.begin(), held.end(),
                       [&](const Json& other) { return other == one || other == "*"; });
  });
}

bool CoversPaths(const Json& held, const Json& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const Json& one) {
    return std::any_of(held.begin(), held.end(), [&](const Json& other) {
      const std::string pattern = Scalar(other), path = Scalar(one);
      return pattern == path ||
             (pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1)));
    });
  });
}

bool RuleCovers(const Json& held, const Json& wanted) {
  if (!Covers(ListAt(held, {"verbs"}), ListAt(wanted, {"verbs"}))) return false;
  const Json& paths = ListAt(wanted, {"nonResourceURLs"});
  if (!paths.empty()) return CoversPaths(ListAt(held, {"nonResourceURLs"}), paths);
  if (!Covers(ListAt(held, {"apiGroups"}), ListAt(wanted, {"apiGroups"})) ||
      !Covers(ListAt(held, {"resources"}), ListAt(wanted, {"resources"})))
    return false;
  const Json& names = ListAt(held, {"resourceNames"});
  const Json& wanted_names = ListAt(wanted, {"resourceNames"});
  return names.empty() || (!wanted_names.empty() && Covers(names, wanted_names));
}

size_t TextSize(const Json& rule) {
  size_t size = 0;
  for (const Json& list : rule) {
    for (const Json& item : list) size += Scalar(item).size();
  }
  return size;
}

// How many parts a rule breaks down to; a few kilobytes are enough for millions.
double PartsOf(const Json& rule) {
  auto count = [&rule](const char* member) {
    return static_cast<double>(ListAt(rule, {member}).size());
  };
  return count("verbs") * (count("nonResourceURLs") + count("apiGroups") * count("resources") *
                                                          std::max(1.0, count("resourceNames")));
}

// A rule as it is, but what it says of paths and of resources apart.
void Halve(const Json& rule, std::vector<Json>* parts) {
  Json resources = rule;
  resources.erase("nonResourceURLs");
  if (PartsOf(resources) > 0) parts->push_back(std::move(resources));
  if (!ListAt(rule, {"nonResourceURLs"}).empty() && !ListAt(rule, {"verbs"}).empty())
    parts->push_back({{"nonResourceURLs", rule["nonResourceURLs"]}, {"verbs", At(rule, "verbs")}});
}

// One rule for each resource and verb, as the real server breaks them down before it compares.
// Where those would be too many whole rules are compared: what only several held rules cover
// together is refused then.
std::vector<Json> Breakdown(const Json& rules) {
  constexpr double kMostBytes = 16 << 20;  // some ten thousand parts of usual length
  double bytes = 0;
  for (const Json& rule : rules)
    bytes += PartsOf(rule) * (1024 + static_cast<double>(TextSize(rule)));
  std::vector<Json> parts;
  if (bytes > kMostBytes) {
    for (const Json& rule : rules) Halve(rule, &parts);
    return parts;
  }
  for (const Json& rule : rules) {
    for (const Json& path : ListAt(rule, {"nonResourceURLs"})) {
      for (const Json& verb : ListAt(rule, {"verbs"}))
        parts.push_back({{"nonResourceURLs", {path}}, {"verbs", {verb}}});
    }
    for (const Json& group : ListAt(rule, {"apiGroups"})) {
      for (const Json& resource : ListAt(rule, {"resources"})) {
        for (const Json& verb : ListAt(rule, {"verbs"})) {
          Json part = {{"apiGroups", {group}}, {"resources", {resource}}, {"verbs", {verb}}};
          if (const Json& names = ListAt(rule, {"resourceNames"}); !names.empty()) {
            for (const Json& name : names) {
              part["resourceNames"] = {name};
              parts.push_back(part);
            }
          } else {
            parts.push_back(std::move(part));
          }
        }
      }
    }
  }
  return parts;
}

std::string GoList(const Json& list) {
  std::string text;
  for (const Json& item : list)
    text += fmt::format("{}\"{}\"", text.empty() ? "" : " ", Scalar(item));
  return "[" + text + "]";
}

// Parts that differ in their verbs alone are said in one line, verbs in order.
std::string Describe(const std::vector<Json>& missing) {
  std::vector<Json> compact;
  std::map<std::array<Json, 3>, size_t> lines_of;  // where in `compact`
  for (const Json& part : missing) {
    if (part.contains("nonResourceURLs")) {  // those are never gathered
      compact.push_back(part);
      continue;
    }
    const auto [at, fresh] = lines_of.try_emplace(
        {At(part, "apiGroups"), At(part, "resources"), At(part, "resourceNames")}, compact.size());
    if (fresh)
      compact.push_back(part);
    else
      for (const Json& verb : part["verbs"]) compact[at->second]["verbs"].push_back(verb);
  }
  std::vector<std::string> lines;
  for (const Json& rule : compact) {
    std::string line;
    auto add = [&](const char* member, const char* word) {
      if (const Json& list = ListAt(rule, {member}); !list.empty())
        line += fmt::format("{}{}:{}", line.empty() ? "" : ", ", word, GoList(list));
    };
    add("apiGroups", "APIGroups");
    add("resources", "Resources");
    add("resourceNames", "ResourceNames");
    add("nonResourceURLs", "NonResourceURLs");
    add("verbs", "Verbs");
    lines.push_back("{" + line + "}");
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += "\n" + line;
  return text;
}

// The rules that the user holds in `ns` cover all of `wanted`; what they do not is left in
// `missing`, as far as a sentence can be that long.
bool Holds(const Cluster& cluster, const User& user, const std::string& ns, const Json& wanted,
           std::vector<Json>* missing) {
  const Json held = RulesOf(cluster, user, ns);
  constexpr size_t kMostSaid = 1u << 20;
  size_t said = 0;
  for (Json& part : Breakdown(wanted)) {
    if (said > kMostSaid) break;
    const bool path = part.contains("nonResourceURLs");
    const Json& own = ListAt(held, {path ? "nonResourceRules" : "resourceRules"});
    if (std::none_of(own.begin(), own.end(),
                     [&](const Json& rule) { return RuleCovers(rule, part); })) {
      said += TextSize(part);
      missing->push_back(std::move(part));
    }
  }
  return missing->empty();
}

// An aggregated role may come to hold anything: only who may do anything writes one.
MaybeStatus CheckAggregation(const Cluster& cluster, const Call& call, const std::string& name,
                             const Json& object, const Json& before) {
  const Json& rule = At(object, "aggregationRule");
  if (!rule.is_object() && !At(before, "aggregationRule").is_object()) return std::nullopt;
  if (before.is_object() && At(before, "aggregationRule") == rule &&
      At(before, "rules") == At(object, "rules"))
    return std::nullopt;
  const Json everything = {{{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}},
                           {{"verbs", {"*"}}, {"nonResourceURLs", {"*"}}}};
  std::vector<Json> missing;
  if (Holds(cluster, call.user, "", everything, &missing)) return std::nullopt;
  return ForbiddenStatus(*call.type, name,
                         "must have cluster-admin privileges to use the aggregationRule");
}

MaybeStatus CheckRules(const Cluster& cluster, const Call& call, const std::string& name,
                       const std::string& ns, const Json& rules) {
  std::vector<Json> missing;
  if (Holds(cluster, call.user, ns, rules, &missing)) return std::nullopt;
  return ForbiddenStatus(
      *call.type, name,
      fmt::format(
          "user \"{}\" (groups={}) is attempting to grant RBAC permissions not currently held:{}",
          call.user.name, GoList(Json(call.user.groups)), Describe(missing)));
}

bool May(const Cluster& cluster, const Call& call, const char* verb, const std::string& resource,
         const std::string& ns, const std::string& name) {
  return Authorize(cluster, call.user, {verb, kGroup, resource, ns, name, ""}).allowed;
}

}  // namespace

MaybeStatus CheckEscalation(const Cluster& cluster, const Call& call, const Json& object,
                            const Json& before) {
  const ResourceType& type = *call.type;
  if (type.group != kGroup || call.user.InGroup("system:masters")) return std::nullopt;
  const std::string name = TextAt(object, {"metadata", "name"}),
                    ns = type.namespaced ? call.info.ns : "";
  if (type.plural == "roles" || type.plural == "clusterroles") {
    if (before.is_object() && At(before, "rules") == At(object, "rules") &&
        At(before, "aggregationRule") == At(object, "aggregationRule"))
      return std::nullopt;
    if (May(cluster, call, "escalate", type.plural, ns, name)) return std::nullopt;
    if (auto refused = CheckAggregation(cluster, call, name, object, before)) return refused;
    return CheckRules(cluster, call, name, ns, ListAt(object, {"rules"}));
  }
  if (before.is_object() && At(before, "roleRef") == At(object, "roleRef") &&
      At(before, "subjects") == At(object, "subjects"))
    return std::nullopt;
  const bool whole = TextAt(object, {"roleRef", "kind"}) == "ClusterRole";
  const std::string role_name = TextAt(object, {"roleRef", "name"});
  const char* plural = whole ? "clusterroles" : "roles";
  if (May(cluster, call, "bind", plural, ns, role_name)) return std::nullopt;
  const ResourceType& roles = MustFind(cluster.store, kGroup, "v1", plural);
  const ObjectPtr role = cluster.store.Get(roles, whole ? "" : ns, role_name);
  if (!role) return NotFoundStatus(type, role_name);  // by the binding's resource, as it is said
  const Json content = role->Parse();
  return CheckRules(cluster, call, name, ns, ListAt(content, {"rules"}));
}

}  // namespace opsmesh::kubesim
