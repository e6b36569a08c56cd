// The roles and bindings that every cluster is born with, from content/rbac.txt.
#include <fmt/format.h>

#include "embed/opsmesh_libs_kubesim_demo.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/role_aggregation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";

std::vector<std::string> WordsOf(std::string_view text, char separator) {
  std::vector<std::string> words;
  for (std::string_view word : base::Split(base::Trim(text), separator)) {
    if (!base::Trim(word).empty()) words.emplace_back(base::Trim(word));
  }
  return words;
}

Json Metadata(std::string_view qualified) {
  const size_t slash = qualified.find('/');
  Json metadata = {{"name", qualified.substr(slash == std::string_view::npos ? 0 : slash + 1)},
                   {"labels", {{"kubernetes.io/bootstrapping", "rbac-defaults"}}},
                   {"annotations", {{"rbac.authorization.kubernetes.io/autoupdate", "true"}}}};
  if (slash != std::string_view::npos) metadata["namespace"] = qualified.substr(0, slash);
  return metadata;
}

Json SubjectOf(const std::string& word) {
  const std::string name = word.substr(2);
  if (word[0] == 'S') {
    const size_t slash = name.find('/');
    return {{"kind", "ServiceAccount"},
            {"name", name.substr(slash + 1)},
            {"namespace", name.substr(0, slash)}};
  }
  return {{"apiGroup", kGroup}, {"kind", word[0] == 'U' ? "User" : "Group"}, {"name", name}};
}

// "verbs path path" or "verbs | groups | resources | names".
Json RuleOf(std::string_view line) {
  const std::vector<std::string> parts = WordsOf(line, '|');
  const std::vector<std::string> first = WordsOf(parts[0], ' ');
  const std::vector<std::string> verbs =
      first[0] == "crud"
          ? std::vector<std::string>{"create", "delete", "deletecollection", "patch", "update"}
      : first[0] == "read" ? std::vector<std::string>{"get", "list", "watch"}
                           : WordsOf(first[0], ',');
  Json rule = {{"verbs", verbs}};
  if (parts.size() == 1) {
    rule["nonResourceURLs"] = std::vector<std::string>(first.begin() + 1, first.end());
    return rule;
  }
  std::vector<std::string> groups = WordsOf(parts[1], ',');
  for (std::string& group : groups) {
    if (group == "core") group.clear();
  }
  rule["apiGroups"] = groups;
  rule["resources"] = WordsOf(parts[2], ' ');
  if (parts.size() > 3) rule["resourceNames"] = WordsOf(parts[3], ' ');
  return rule;
}

// A role's line without its rules, and the binding when there is one.
struct Head {
  Json role, binding;
};

Head HeadOf(std::string_view line) {
  Head head;
  const size_t bound = line.find(" < ");
  const std::vector<std::string> words = WordsOf(line.substr(0, bound), ' ');
  head.role = {{"metadata", Metadata(words[0])}, {"rules", Json::array()}};
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string label =
        fmt::format("rbac.authorization.k8s.io/aggregate-to-{}", words[i].substr(1));
    if (words[i][0] == '@') head.role["metadata"]["labels"][label] = "true";
    if (words[i][0] == '+')
      head.role["aggregationRule"]["clusterRoleSelectors"] = {{{"matchLabels", {{label, "true"}}}}};
  }
  if (bound == std::string_view::npos) return head;
  std::vector<std::string> subjects = WordsOf(line.substr(bound + 3), ' ');
  const bool namespaced = head.role["metadata"].contains("namespace");
  head.binding = {{"metadata", Metadata(words[0])},
                  {"roleRef",
                   {{"apiGroup", kGroup},
                    {"kind", namespaced ? "Role" : "ClusterRole"},
                    {"name", head.role["metadata"]["name"]}}}};
  if (subjects[0] == "as") {
    head.binding["metadata"]["name"] = subjects[1];
    subjects.erase(subjects.begin(), subjects.begin() + 2);
  }
  for (const std::string& subject : subjects) {
    if (subject != "-") head.binding["subjects"].push_back(SubjectOf(subject));
  }
  return head;
}

}  // namespace

absl::Status LoadDefaultRoles(const ContentTarget& target, absl::Time created) {
  absl::Status status;
  auto add = [&](const char* plural, Json object) {
    const bool namespaced = object["metadata"].contains("namespace");
    object["metadata"]["creationTimestamp"] = base::Rfc3339(created);
    const std::string name = TextAt(object, {"metadata", "name"});
    const ResourceType& type =
        MustFind(target.store, kGroup, "v1", namespaced ? plural : std::string("cluster") + plural);
    TrackUpdate(nullptr, object, {"kube-apiserver", type.ApiVersion(), "", base::Rfc3339(created)},
                type);
    auto made = target.store.Create(type, std::move(object), true);
    // What a real cluster brought along stays as it is.
    if (!made.ok() && made.status().reason != "AlreadyExists")
      status.Update(base::Internal("SYSTEM_INVALID", name + ": " + made.status().message));
  };
  Head head;
  std::vector<Json> aggregated;
  auto finish = [&] {
    if (!head.role.is_object()) return;
    if (head.role.contains("aggregationRule"))
      aggregated.push_back(head.role);
    else
      add("roles", std::move(head.role));
    if (head.binding.is_object()) add("rolebindings", std::move(head.binding));
  };
  for (std::string_view line : base::Split(demo_data::EmbeddedFile("content/rbac.txt"), '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with(' ')) {
      head.role["rules"].push_back(RuleOf(line));
      continue;
    }
    finish();
    head = HeadOf(line);
  }
  finish();
  // "edit" is part of "admin": each once more than they are deep would settle any order.
  for (size_t round = 0; round < aggregated.size(); ++round) {
    for (const Json& role : aggregated) {
      Json made = role;
      made["rules"] = AggregatedRules(target.store, role);
      const ResourceType& type = MustFind(target.store, kGroup, "v1", "clusterroles");
      const ObjectPtr there = target.store.Get(type, "", TextAt(role, {"metadata", "name"}));
      if (!there) {
        add("roles", std::move(made));
      } else if (round > 0 && At(there->Parse(), "rules") != made["rules"]) {
        Json now = there->Parse();
        now["rules"] = std::move(made["rules"]);
        (void)target.store.Update(type, std::move(now), there->resource_version);
      }
    }
  }
  return status;
}

}  // namespace opsmesh::kubesim
