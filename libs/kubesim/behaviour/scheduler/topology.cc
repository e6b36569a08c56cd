// Inter-pod affinity and topology spread: filters that look at the pods of other nodes.
#include <algorithm>
#include <limits>

#include "libs/kubesim/behaviour/scheduler/filters.h"

namespace opsmesh::kubesim::scheduling {
namespace {

// A pod counts for spreading when it is in the namespace, matches and is not on its way out.
bool CountsForSpread(const PodInfo& pod, const PodInfo& other, const SpreadConstraint& constraint) {
  return other.ns == pod.ns && !other.terminating && constraint.selector.Matches(other.labels);
}

}  // namespace

void PreFilter::CountAffinity(const PodInfo& other, const NodeInfo& node, int64_t sign,
                              Counts* existing_anti, Counts* affinity, Counts* anti) const {
  auto count = [&](const std::string& key, Counts* counts) {
    if (const std::string* value = node.Label(key)) (*counts)[{key, *value}] += sign;
  };
  for (const PodTerm& term : other.anti_affinity) {
    if (TermSelects(term, pod_, view_.NamespaceLabels(pod_.ns)))
      count(term.topology_key, existing_anti);
  }
  // Affinity terms hold together: a pod counts when it matches all of them.
  const LabelSelector::Labels* labels = view_.NamespaceLabels(other.ns);
  if (!pod_.affinity.empty() &&
      std::all_of(pod_.affinity.begin(), pod_.affinity.end(),
                  [&](const PodTerm& term) { return TermSelects(term, other, labels); })) {
    for (const PodTerm& term : pod_.affinity) count(term.topology_key, affinity);
  }
  for (const PodTerm& term : pod_.anti_affinity) {
    if (TermSelects(term, other, labels)) count(term.topology_key, anti);
  }
}

void PreFilter::PrepareAffinity() {
  const bool own = !pod_.affinity.empty() || !pod_.anti_affinity.empty();
  if (!own && view_.pods_with_anti_affinity() == 0) return;
  for (const auto& node : view_.nodes()) {
    if (!own && node->with_anti_affinity == 0) continue;
    for (const PodInfoPtr& other : node->pods) {
      if (own || !other->anti_affinity.empty())
        CountAffinity(*other, *node, 1, &existing_anti_, &affinity_, &anti_);
    }
  }
}

Verdict PreFilter::CheckAffinity(const NodeInfo& node, const std::vector<PodInfoPtr>& removed,
                                 const std::vector<PodInfoPtr>& added) const {
  const Counts* existing = &existing_anti_;
  const Counts* affinity = &affinity_;
  const Counts* anti = &anti_;
  Counts existing_copy, affinity_copy, anti_copy;
  if (!removed.empty() || !added.empty()) {
    existing_copy = existing_anti_;
    affinity_copy = affinity_;
    anti_copy = anti_;
    for (const PodInfoPtr& pod : removed)
      CountAffinity(*pod, node, -1, &existing_copy, &affinity_copy, &anti_copy);
    for (const PodInfoPtr& pod : added)
      CountAffinity(*pod, node, 1, &existing_copy, &affinity_copy, &anti_copy);
    existing = &existing_copy;
    affinity = &affinity_copy;
    anti = &anti_copy;
  }
  auto there = [&](const Counts& counts, const std::string& key) {
    const std::string* value = node.Label(key);
    if (value == nullptr) return false;
    auto it = counts.find({key, *value});
    return it != counts.end() && it->second > 0;
  };
  if (!pod_.affinity.empty()) {
    bool all = true, labelled = true;
    for (const PodTerm& term : pod_.affinity) {
      labelled = labelled && node.Label(term.topology_key) != nullptr;
      all = all && there(*affinity, term.topology_key);
    }
    // The first pod of a group that wants to be together may go anywhere, when it matches its own
    // terms.
    const bool nobody = std::none_of(affinity->begin(), affinity->end(),
                                     [](const auto& one) { return one.second > 0; });
    const bool self =
        std::all_of(pod_.affinity.begin(), pod_.affinity.end(), [&](const PodTerm& term) {
          return TermSelects(term, pod_, view_.NamespaceLabels(pod_.ns));
        });
    if (!labelled || (!all && !(nobody && self)))
      return {Fit::kUnresolvable, "InterPodAffinity", {"node(s) didn't match pod affinity rules"}};
  }
  for (const PodTerm& term : pod_.anti_affinity) {
    if (there(*anti, term.topology_key))
      return {Fit::kUnschedulable,
              "InterPodAffinity",
              {"node(s) didn't match pod anti-affinity rules"}};
  }
  for (const auto& [topology, count] : *existing) {
    const std::string* value = node.Label(topology.first);
    if (count > 0 && value != nullptr && *value == topology.second) {
      return {Fit::kUnschedulable,
              "InterPodAffinity",
              {"node(s) didn't satisfy existing pods anti-affinity rules"}};
    }
  }
  return {};
}

void PreFilter::PrepareSpread() {
  for (const SpreadConstraint& constraint : pod_.spread) {
    if (constraint.hard)
      spread_.push_back({&constraint, constraint.selector.Matches(pod_.labels), {}});
  }
  if (spread_.empty()) return;
  for (const auto& node : view_.nodes()) {
    const bool labelled = std::all_of(spread_.begin(), spread_.end(), [&](const Spread& one) {
      return node->Label(one.constraint->topology_key) != nullptr;
    });
    if (!labelled) continue;
    const bool affine = MatchesNodeAffinity(pod_, *node);
    const bool untainted = FindUntolerated(pod_, *node) == nullptr;
    for (Spread& one : spread_) {
      if ((one.constraint->honor_affinity && !affine) ||
          (one.constraint->honor_taints && !untainted))
        continue;
      int64_t& count = one.counts[*node->Label(one.constraint->topology_key)];
      for (const PodInfoPtr& other : node->pods)
        count += CountsForSpread(pod_, *other, *one.constraint);
    }
  }
}

Verdict PreFilter::CheckSpread(const NodeInfo& node, const std::vector<PodInfoPtr>& removed,
                               const std::vector<PodInfoPtr>& added) const {
  for (const Spread& one : spread_) {
    const std::string* value = node.Label(one.constraint->topology_key);
    if (value == nullptr) {
      return {Fit::kUnresolvable,
              "PodTopologySpread",
              {"node(s) didn't match pod topology spread constraints (missing required label)"}};
    }
    int64_t change = 0;
    for (const PodInfoPtr& pod : removed) change -= CountsForSpread(pod_, *pod, *one.constraint);
    for (const PodInfoPtr& pod : added) change += CountsForSpread(pod_, *pod, *one.constraint);
    int64_t least = std::numeric_limits<int64_t>::max();
    int64_t here = 0;
    for (const auto& [domain, count] : one.counts) {
      const int64_t now = domain == *value ? count + change : count;
      if (domain == *value) here = now;
      least = std::min(least, now);
    }
    if (static_cast<int64_t>(one.counts.size()) < one.constraint->min_domains || one.counts.empty())
      least = 0;
    if (here + one.self - least > one.constraint->max_skew) {
      return {Fit::kUnschedulable,
              "PodTopologySpread",
              {"node(s) didn't match pod topology spread constraints"}};
    }
  }
  return {};
}

}  // namespace opsmesh::kubesim::scheduling
