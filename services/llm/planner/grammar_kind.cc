// Which kind of object a clause speaks of, in which condition, and about which topic.
#include "services/llm/planner/grammar.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

// Kinds that words such as "resources" or "cluster" stand for: they give way to a real kind beside
// them.
bool IsWeakKind(std::string_view kind) {
  static constexpr std::array<std::string_view, 7> kWeak = {
      "Workload", "All", "Cluster", "Container", "Image", "Context", "ApiResource"};
  return std::find(kWeak.begin(), kWeak.end(), kind) != kWeak.end();
}

// Conditions from the most telling to the least: the first one present is taken.
constexpr std::array<std::string_view, 19> kConditionOrder = {
    "crashloop", "oom",       "imagepull", "evicted",   "terminating", "unbound", "unused",
    "restarts",  "notready",  "pending",   "unhealthy", "failed",      "error",   "warning",
    "suspended", "completed", "running",   "ready",     "active"};

}  // namespace

Grammar::KindMarks Grammar::KindsNamed() const {
  KindMarks kinds;
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (const std::string kind = KindOf(i); !kind.empty()) kinds.emplace_back(i, kind);
  }
  // "in all namespaces", "所有命名空间呢": where, not what.
  const bool place_only =
      intent_.continues || (!namespace_words_.empty() && namespace_words_.front() > 1 &&
                            marks_[namespace_words_.front() - 2].Is("mark.in"));
  if (intent_.all_namespaces && (kinds.size() > 1 || place_only)) {
    std::erase_if(kinds, [](const auto& k) { return k.second == "Namespace"; });
  }
  return kinds;
}

void Grammar::DropSaidTwice(KindMarks* kinds) const {
  // "服务的端点", "service endpoints": the last of a chain is what is asked for.
  for (size_t k = 0; k + 1 < kinds->size();) {
    const size_t next = (*kinds)[k].first + 1;
    const bool chained = next == (*kinds)[k + 1].first ||
                         (next + 1 == (*kinds)[k + 1].first && marks_[next].norm == "的");
    if (chained && !IsWeakKind((*kinds)[k + 1].second)) {
      kinds->erase(kinds->begin() + static_cast<std::ptrdiff_t>(k));
    } else {
      ++k;
    }
  }
  const auto has_kind = [&](std::string_view kind) {
    return std::any_of(kinds->begin(), kinds->end(),
                       [kind](const auto& k) { return k.second == kind; });
  };
  // "哪些服务没有端点": the endpoints tell.
  if (has_kind("Service") && has_kind("Endpoints"))
    std::erase_if(*kinds, [](const auto& k) { return k.second == "Service"; });
}

void Grammar::PickKind(const KindMarks& kinds) {
  const auto is_hint = [&](size_t i) {
    return std::find(hints_.begin(), hints_.end(), i) != hints_.end();
  };
  const auto pick = [&](auto accept) {
    for (const auto& [i, kind] : kinds) {
      if (intent_.kind.empty() && accept(i, kind)) intent_.kind = kind;
    }
  };
  // A namespace or node beside another kind is where, not what.
  const auto is_place = [&](const std::string& kind) {
    return (kind == "Node" || kind == "Namespace") && kinds.size() > 1;
  };
  pick([&](size_t i, const std::string& k) {
    return !is_hint(i) && !IsWeakKind(k) && !is_place(k);
  });
  pick([&](size_t i, const std::string& k) {
    return !is_hint(i) && !IsWeakKind(k) && hints_.empty();
  });
  pick([&](size_t, const std::string& k) { return !IsWeakKind(k); });
  pick([&](size_t i, const std::string& k) { return !is_hint(i) && k != "Cluster"; });
  pick([&](size_t, const std::string&) { return true; });
}

void Grammar::ReadKind() {
  KindMarks kinds = KindsNamed();
  // "哪个命名空间 pod 最多": a ranking of places.
  for (const auto& [i, kind] : kinds) {
    const bool which = i > 0 && marks_[i - 1].Is("q.which");
    if (which && intent_.action == "top" && kinds.size() > 1 &&
        (kind == "Node" || kind == "Namespace")) {
      intent_.group_by = base::AsciiLower(kind);
    }
  }
  DropSaidTwice(&kinds);
  PickKind(kinds);
  for (const auto& [i, kind] : kinds) {
    const bool each =
        i > 0 && (marks_[i - 1].Is("mark.each") || (i > 1 && marks_[i - 2].Is("mark.each")));
    if (each && kind != intent_.kind && (kind == "Node" || kind == "Namespace")) {
      intent_.group_by = base::AsciiLower(kind);
      if (kind == "Namespace") intent_.all_namespaces = true;
    }
  }
}

void Grammar::ReadConditionAndTopic() {
  size_t best = kConditionOrder.size();
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (used_[i]) continue;
    const std::string condition = marks_[i].After("cond.");
    const auto* rank = std::find(kConditionOrder.begin(), kConditionOrder.end(), condition);
    if (!condition.empty() && static_cast<size_t>(rank - kConditionOrder.begin()) < best) {
      best = static_cast<size_t>(rank - kConditionOrder.begin());
      intent_.condition = condition;
      intent_.negated = (i > 0 && marks_[i - 1].norm == "no") || Negated(i);
    }
    if (const std::string topic = marks_[i].After("topic.");
        intent_.topic.empty() && topic != "howto") {
      intent_.topic = topic;
    }
    if (const std::string metric = marks_[i].After("metric."); intent_.metric.empty())
      intent_.metric = metric;
  }
  if (intent_.condition.empty()) intent_.condition = talked_condition_;
  if (intent_.negated && intent_.condition == "running") intent_.condition = "unhealthy";
  if (intent_.negated && intent_.condition == "ready") intent_.condition = "notready";
  if (intent_.condition == "unhealthy" || intent_.condition == "notready") intent_.negated = false;
}

}  // namespace opsmesh::llm
