// Keys and variables that nobody asked for: each is a problem, with the nearest name that is known.
#include <algorithm>
#include <vector>

#include "fmt/format.h"
#include "libs/base/strings.h"
#include "libs/config/reader_state.h"
#include "libs/config/values.h"

namespace opsmesh::config {

std::string Reader::State::Suggest(const Path& path) const {
  std::vector<std::string> siblings;
  const auto collect = [&](const std::set<Path>& paths) {
    for (const Path& candidate : paths) {
      if (candidate.size() < path.size() ||
          !std::equal(path.begin(), path.end() - 1, candidate.begin()))
        continue;
      siblings.push_back(candidate[path.size() - 1]);
    }
  };
  collect(asked);
  collect(inner);
  const std::string_view nearest = base::Nearest(NormalizeKey(path.back()), siblings);
  return nearest.empty() ? std::string() : fmt::format("; did you mean '{}'?", nearest);
}

void Reader::State::JudgeUnknown(const Node& node, const Path& path) {
  const auto judge = [&](std::string component, const Node& child) {
    Path below = path;
    below.push_back(std::move(component));
    if (asked.contains(below)) return;
    // Known as a way to something asked for?
    const auto leads = [&](const std::set<Path>& paths) {
      const auto it = paths.lower_bound(below);
      return it != paths.end() && it->size() >= below.size() &&
             std::equal(below.begin(), below.end(), it->begin());
    };
    if (leads(asked) || leads(inner)) return JudgeUnknown(child, below);
    problems.push_back(
        fmt::format("{}: {}: unknown key{}", child.origin, JoinPath(below), Suggest(below)));
  };
  if (node.kind == Node::Kind::kList) {
    for (size_t i = 0; i < node.items.size(); ++i) judge(fmt::format("[{}]", i), node.items[i]);
    return;
  }
  for (const auto& [name, child] : node.entries) {
    Path raw = path;
    raw.push_back(name);
    // Names of a Map() stay as written; everything else is compared normalised.
    judge(inner.contains(raw) ? name : NormalizeKey(name), child);
  }
}

void Reader::State::JudgeVariables() {
  const std::string prefix = EnvironmentName(section) + "_";
  std::set<std::string> known = known_variables;
  for (const Path& path : asked) known.insert(EnvironmentName(path));
  const auto judge = [&](const std::string& name, const std::string& origin) {
    if (!name.starts_with(prefix) || known.contains(name)) return;
    // A subtree that belongs to somebody else.
    for (const std::string& owner : known) {
      if (name.starts_with(owner + "_")) return;
    }
    const std::vector<std::string> candidates(known.begin(), known.end());
    const std::string_view nearest = base::Nearest(name, candidates);
    problems.push_back(
        fmt::format("{}: unknown variable {}{}", origin, name,
                    nearest.empty() ? std::string() : fmt::format("; did you mean {}?", nearest)));
  };
  for (const auto& [name, value] : source->environment) judge(name, "environment");
  for (const auto& [name, value] : source->dotenv) judge(name, value.origin);
}

absl::Status Reader::FinishShared() { return ProblemsToStatus(state_->problems); }

absl::Status Reader::Finish() {
  if (!state_->section.empty()) {
    for (const Source::Impl::Layer& layer : state_->source->layers) {
      if (const Node* node = At(layer.root, state_->section)) {
        if (node->kind != Node::Kind::kMap) {
          state_->problems.push_back(
              fmt::format("{}: {}: expected a map", node->origin, JoinPath(state_->section)));
          continue;
        }
        state_->JudgeUnknown(*node, state_->section);
      }
    }
    const std::string prefix = JoinPath(state_->section) + ".";
    for (const auto& [key, value] : state_->source->flags) {
      if (!key.starts_with(prefix)) continue;
      const Path path = SplitKey(key);
      if (state_->asked.contains(path)) continue;
      state_->problems.push_back(
          fmt::format("{}: {}: unknown key{}", value.origin, key, state_->Suggest(path)));
    }
    state_->JudgeVariables();
  }
  return ProblemsToStatus(state_->problems);
}

}  // namespace opsmesh::config
