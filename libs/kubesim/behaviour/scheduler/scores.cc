#include "libs/kubesim/behaviour/scheduler/scores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "libs/kubesim/behaviour/scheduler/filters.h"

namespace opsmesh::kubesim::scheduling {
namespace {

constexpr int64_t kMax = 100;
constexpr int64_t kHardAffinityWeight = 1;
constexpr int64_t kMinImage = 23LL << 20, kMaxImagePerContainer = 1000LL << 20;

using Values = std::vector<int64_t>;
using Nodes = std::vector<const NodeInfo*>;

// To 0..100 by the largest; `reverse`: the smallest value is the best.
void Normalize(Values* values, bool reverse) {
  const int64_t most = values->empty() ? 0 : *std::max_element(values->begin(), values->end());
  for (int64_t& value : *values) {
    value = most == 0 ? (reverse ? kMax : 0) : value * kMax / most;
    if (most != 0 && reverse) value = kMax - value;
  }
}

Values Taints(const PodInfo& pod, const Nodes& nodes) {
  Values values;
  for (const NodeInfo* node : nodes) {
    int64_t count = 0;
    for (const Taint& taint : node->taints) {
      if (taint.effect != "PreferNoSchedule") continue;
      count +=
          std::none_of(pod.tolerations.begin(), pod.tolerations.end(), [&](const Toleration& one) {
            return (one.effect.empty() || one.effect == "PreferNoSchedule") &&
                   one.Tolerates(taint.key, taint.value, taint.effect);
          });
    }
    values.push_back(count);
  }
  Normalize(&values, true);
  return values;
}

Values NodePreferences(const PodInfo& pod, const Nodes& nodes) {
  Values values;
  for (const NodeInfo* node : nodes) {
    int64_t sum = 0;
    for (const NodeTerm& term : pod.preferred_nodes) {
      if (term.Matches(node->labels, node->name)) sum += term.weight;
    }
    values.push_back(sum);
  }
  Normalize(&values, false);
  return values;
}

int64_t LeastAllocated(const PodInfo& pod, const NodeInfo& node) {
  int64_t sum = 0, weights = 0;
  auto take = [&](int64_t used, int64_t all) {
    if (all == 0) return;
    sum += used > all ? 0 : (all - used) * kMax / all;
    ++weights;
  };
  take(node.nonzero_cpu + pod.nonzero_cpu, node.allocatable.milli_cpu);
  take(node.nonzero_memory + pod.nonzero_memory, node.allocatable.memory);
  return weights == 0 ? 0 : sum / weights;
}

int64_t Balanced(const PodInfo& pod, const NodeInfo& node) {
  if (pod.requests.milli_cpu == 0 && pod.requests.memory == 0)
    return 0;  // best-effort pods are not scored
  auto fraction = [](int64_t used, int64_t all) {
    return all == 0 ? 1.0 : std::min(1.0, static_cast<double>(used) / static_cast<double>(all));
  };
  const double cpu =
      fraction(node.requested.milli_cpu + pod.requests.milli_cpu, node.allocatable.milli_cpu);
  const double memory =
      fraction(node.requested.memory + pod.requests.memory, node.allocatable.memory);
  return static_cast<int64_t>((1.0 - std::fabs(cpu - memory) / 2) * kMax);
}

std::string Canonical(const std::string& image) {
  const size_t slash = image.rfind('/');
  const size_t colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  return tagged ? image : image + ":latest";
}

Values Images(const ClusterView& view, const PodInfo& pod, const Nodes& nodes) {
  Values values(nodes.size(), 0);
  for (const std::string& given : pod.images) {
    const std::string image = Canonical(given), full = "docker.io/library/" + image;
    const auto &plain = view.WithImage(image), &library = view.WithImage(full);
    if (plain.empty() && library.empty()) continue;
    auto with = static_cast<int64_t>(plain.size());
    for (const NodeInfo* node : library) with += !plain.contains(node);
    // Nodes may tell different sizes: the last one's counts.
    int64_t size = 0;
    for (auto node = view.nodes().rbegin(); node != view.nodes().rend(); ++node) {
      auto it = (*node)->images.find(image);
      if (it == (*node)->images.end()) it = (*node)->images.find(full);
      if (it == (*node)->images.end()) continue;
      size = it->second;
      break;
    }
    const int64_t scaled = size * with / static_cast<int64_t>(view.nodes().size());
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (plain.contains(nodes[i]) || library.contains(nodes[i])) values[i] += scaled;
    }
  }
  const int64_t most = kMaxImagePerContainer * std::max<int64_t>(1, pod.containers);
  for (int64_t& value : values)
    value = kMax * (std::clamp(value, kMinImage, most) - kMinImage) / (most - kMinImage);
  return values;
}

struct SoftSpread {
  std::string key;
  int64_t max_skew;
  std::vector<const LabelSelector*> selectors;  // all hold
};

std::vector<SoftSpread> SoftConstraints(const ClusterView& view, const PodInfo& pod,
                                        bool* system_default) {
  std::vector<SoftSpread> constraints;
  *system_default = pod.spread.empty();
  for (const SpreadConstraint& one : pod.spread) {
    if (!one.hard) constraints.push_back({one.topology_key, one.max_skew, {&one.selector}});
  }
  if (!pod.spread.empty()) return constraints;
  const auto selectors = view.SelectorsOf(pod);
  if (selectors.empty()) return {};
  return {{"kubernetes.io/hostname", 3, selectors}, {"topology.kubernetes.io/zone", 5, selectors}};
}

// How many pods of a constraint stand on each node; nodes without one are left out.
std::unordered_map<const NodeInfo*, int64_t> CountByNode(const ClusterView& view,
                                                         const PodInfo& pod,
                                                         const SoftSpread& one) {
  auto matches = [&](const PodInfo& other) {
    return other.ns == pod.ns && !other.terminating &&
           std::all_of(
               one.selectors.begin(), one.selectors.end(),
               [&](const LabelSelector* selector) { return selector->Matches(other.labels); });
  };
  std::unordered_map<const NodeInfo*, int64_t> counts;
  if (const auto* candidates = view.Candidates(pod.ns, one.selectors)) {
    for (const PodInfo* other : *candidates) {
      if (!matches(*other)) continue;
      if (const NodeInfo* node = view.NodeOf(*other)) ++counts[node];
    }
    return counts;
  }
  for (const auto& node : view.nodes()) {
    const auto count = std::count_if(node->pods.begin(), node->pods.end(),
                                     [&](const PodInfoPtr& other) { return matches(*other); });
    if (count > 0) counts[node.get()] = count;
  }
  return counts;
}

Values Spread(const ClusterView& view, const PodInfo& pod, const Nodes& nodes) {
  bool system_default = false;
  const auto constraints = SoftConstraints(view, pod, &system_default);
  Values values(nodes.size(), 0);
  if (constraints.empty()) return values;
  std::vector<double> sums(nodes.size(), 0);
  std::vector<bool> ignored(nodes.size(), false);
  std::unordered_map<const NodeInfo*, int64_t> there;
  for (const SoftSpread& one : constraints) {
    std::map<std::string_view, int64_t> counts;  // hosts need none: each is a node
    const bool by_host = one.key == "kubernetes.io/hostname";
    if (&one == &constraints.front() || one.selectors != constraints.front().selectors)
      there = CountByNode(view, pod, one);
    if (!by_host) {
      for (const NodeInfo* node : nodes) {
        if (const std::string* value = node->Label(one.key)) counts[*value] = 0;
      }
      for (const auto& [node, count] : there) {
        const std::string* value = node->Label(one.key);
        auto it = value == nullptr ? counts.end() : counts.find(*value);
        if (it != counts.end() && MatchesNodeAffinity(pod, *node)) it->second += count;
      }
    }
    const double weight = std::log(static_cast<double>(by_host ? nodes.size() : counts.size()) + 2);
    for (size_t i = 0; i < nodes.size(); ++i) {
      const std::string* value = nodes[i]->Label(one.key);
      if (value == nullptr) {
        if (!system_default) ignored[i] = true;
        continue;
      }
      int64_t count = 0;
      if (by_host) {
        auto here = there.find(nodes[i]);
        count = here == there.end() ? 0 : here->second;
      } else {
        count = counts[*value];
      }
      sums[i] += static_cast<double>(count) * weight + static_cast<double>(one.max_skew - 1);
    }
  }
  int64_t least = INT64_MAX, most = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    values[i] = std::llround(sums[i]);
    if (ignored[i]) continue;
    least = std::min(least, values[i]);
    most = std::max(most, values[i]);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    values[i] = ignored[i] ? 0 : most == 0 ? kMax : kMax * (most + least - values[i]) / most;
  }
  return values;
}

Values PodPreferences(const ClusterView& view, const PodInfo& pod, const Nodes& nodes) {
  Values values(nodes.size(), 0);
  const bool own = !pod.preferred_affinity.empty() || !pod.preferred_anti_affinity.empty();
  if (!own && view.pods_with_affinity() == 0) return values;
  std::map<std::pair<std::string, std::string>, int64_t> weights;
  const LabelSelector::Labels* own_namespace = view.NamespaceLabels(pod.ns);
  for (const auto& node : view.nodes()) {
    if (!own && node->with_affinity == 0) continue;
    auto add = [&](const std::string& key, int64_t weight) {
      if (const std::string* value = node->Label(key)) weights[{key, *value}] += weight;
    };
    for (const PodInfoPtr& other : node->pods) {
      const LabelSelector::Labels* labels = own ? view.NamespaceLabels(other->ns) : nullptr;
      for (const PodTerm& term : pod.preferred_affinity)
        if (TermSelects(term, *other, labels)) add(term.topology_key, term.weight);
      for (const PodTerm& term : pod.preferred_anti_affinity)
        if (TermSelects(term, *other, labels)) add(term.topology_key, -term.weight);
      for (const PodTerm& term : other->affinity)
        if (TermSelects(term, pod, own_namespace)) add(term.topology_key, kHardAffinityWeight);
      for (const PodTerm& term : other->preferred_affinity)
        if (TermSelects(term, pod, own_namespace)) add(term.topology_key, term.weight);
      for (const PodTerm& term : other->preferred_anti_affinity)
        if (TermSelects(term, pod, own_namespace)) add(term.topology_key, -term.weight);
    }
  }
  if (weights.empty()) return values;
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& [topology, weight] : weights) {
      const std::string* value = nodes[i]->Label(topology.first);
      if (value != nullptr && *value == topology.second) values[i] += weight;
    }
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const int64_t least = *low, span = *high - *low;
  for (int64_t& value : values) value = span == 0 ? 0 : kMax * (value - least) / span;
  return values;
}

uint64_t Fnv(std::string_view text, uint64_t hash) {
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

std::vector<Score> ScoreNodes(const ClusterView& view, const PodInfo& pod, const Nodes& nodes) {
  const Values taints = Taints(pod, nodes), preferences = NodePreferences(pod, nodes),
               images = Images(view, pod, nodes), spread = Spread(view, pod, nodes),
               affinity = PodPreferences(view, pod, nodes);
  std::vector<Score> scores;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int64_t total = 3 * taints[i] + 2 * (preferences[i] + spread[i] + affinity[i]) +
                          images[i] + LeastAllocated(pod, *nodes[i]) + Balanced(pod, *nodes[i]);
    scores.push_back({nodes[i], total});
  }
  return scores;
}

const NodeInfo* BestNode(const std::vector<Score>& scores, const PodInfo& pod) {
  const NodeInfo* best = nullptr;
  int64_t most = -1;
  uint64_t tie = 0;
  for (const Score& score : scores) {
    if (score.total < most) continue;
    const uint64_t hash = Fnv(score.node->name, Fnv(pod.uid, 14695981039346656037ULL));
    if (score.total > most || hash > tie) {
      best = score.node;
      tie = hash;
    }
    most = score.total;
  }
  return best;
}

}  // namespace opsmesh::kubesim::scheduling
