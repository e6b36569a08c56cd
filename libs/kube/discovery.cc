#include "libs/kube/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/discovery_wire.h"

namespace opsmesh::kube {
namespace {

/// Kinds that more than one group serves: the same objects under another name.
constexpr std::pair<std::string_view, std::string_view> kDoubles[] = {
    {"extensions", "ingresses"},  {"extensions", "deployments"},     {"extensions", "replicasets"},
    {"extensions", "daemonsets"}, {"extensions", "networkpolicies"}, {"events.k8s.io", "events"},
};

bool IsDouble(const ResourceType& type, const std::vector<ResourceType>& all) {
  for (const auto& [group, plural] : kDoubles) {
    if (type.group != group || type.plural != plural) continue;
    return std::any_of(all.begin(), all.end(), [&](const ResourceType& other) {
      return other.plural == type.plural && other.group != type.group;
    });
  }
  return false;
}

/// Which of two groups is meant by a bare name: core, built-in groups, metrics and others.
int Rank(const ResourceType& type) {
  if (type.group.empty()) return 0;
  if (type.group == "metrics.k8s.io") return 3;
  for (const ResourceType& builtin : BuiltinTypes()) {
    if (builtin.group == type.group) return 1;
  }
  return 2;
}

bool AnswersTo(const ResourceType& type, const std::string& name) {
  if (name == type.plural || name == base::AsciiLower(type.kind) ||
      name == base::AsciiLower(type.singular))
    return true;
  return std::any_of(type.short_names.begin(), type.short_names.end(),
                     [&](const std::string& s) { return base::AsciiLower(s) == name; });
}

/// "deployments.apps", "deployments.v1.apps", "deployments.apps/v1", also with the singular or a
/// short name in front.
bool AnswersToQualified(const ResourceType& type, const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos || !AnswersTo(type, name.substr(0, dot))) return false;
  const std::string rest = name.substr(dot + 1);
  return rest == type.group || rest == type.version + "." + type.group ||
         rest == type.group + "/" + type.version || rest == type.group + "." + type.version;
}

std::string NearestName(const std::string& name, const std::vector<ResourceType>& types) {
  std::vector<std::string> names;
  for (const ResourceType& type : types) {
    names.push_back(type.plural);
    names.push_back(base::AsciiLower(type.kind));
  }
  return std::string(base::Nearest(name, names));
}

}  // namespace

Discovery::Discovery(std::vector<ResourceType> types, std::vector<std::string> failed_groups,
                     absl::Time as_of)
    : failed_groups_(std::move(failed_groups)), as_of_(as_of) {
  for (const ResourceType& type : types)
    (IsDouble(type, types) ? doubles_ : types_).push_back(type);
  std::sort(types_.begin(), types_.end(), [](const ResourceType& a, const ResourceType& b) {
    return std::make_tuple(!a.group.empty(), std::string_view(a.group),
                           std::string_view(a.plural)) <
           std::make_tuple(!b.group.empty(), std::string_view(b.group), std::string_view(b.plural));
  });
}

absl::StatusOr<ResourceType> Discovery::Find(std::string_view name) const {
  const std::string wanted = base::AsciiLower(name);
  const ResourceType* best = nullptr;
  for (const ResourceType& type : types_) {
    if (AnswersTo(type, wanted) && (best == nullptr || Rank(type) < Rank(*best))) best = &type;
  }
  if (best != nullptr) return *best;
  for (const auto* list : {&types_, &doubles_}) {
    for (const ResourceType& type : *list) {
      if (AnswersToQualified(type, wanted)) return type;
    }
  }
  const std::string shown(base::Utf8Prefix(base::SanitizeUtf8(name), 80));
  base::Error error = base::NotFound(
      "UNKNOWN_KIND", fmt::format("This cluster serves no kind called '{}'.", shown));
  std::move(error).With("kind", shown);
  if (const std::string near = NearestName(wanted, types_); !near.empty()) {
    std::move(error).Hint(fmt::format("Did you mean '{}'?", near));
  } else if (!failed_groups_.empty()) {
    std::move(error).Hint(
        fmt::format("These API groups did not answer, the kind may be in one of them: {}.",
                    base::Join(failed_groups_, ", ")));
  } else {
    std::move(error).Hint("Ask for the list of kinds the cluster serves.");
  }
  return error;
}

const ResourceType* Discovery::FindKind(std::string_view group, std::string_view kind) const {
  for (const auto* list : {&types_, &doubles_}) {
    for (const ResourceType& type : *list) {
      if (type.group == group && type.kind == kind) return &type;
    }
  }
  return nullptr;
}

std::vector<ResourceType> ChooseVersions(const std::vector<ResourceType>& served) {
  std::map<std::pair<std::string, std::string>, std::vector<const ResourceType*>> by_name;
  for (const ResourceType& type : served) by_name[{type.group, type.plural}].push_back(&type);
  std::vector<ResourceType> chosen;
  for (const auto& [name, candidates] : by_name) {
    const ResourceType* pick = nullptr;
    for (const std::string_view version : KnownVersions(name.first, name.second)) {
      for (const ResourceType* candidate : candidates) {
        if (pick == nullptr && candidate->version == version) pick = candidate;
      }
    }
    chosen.push_back(
        pick != nullptr ? *pick : *candidates.front());  // the server's preference stands first
  }
  return chosen;
}

}  // namespace opsmesh::kube
