#include "services/rca/node_faults.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"

namespace opsmesh::rca {
namespace {

using analytics::CauseInput;
using analytics::CauseResult;
using analytics::ServiceCause;

// Pods a node must have lost at once, and their share of those it had.
constexpr size_t kLeastLost = 2;
constexpr double kLostShare = 0.5;
// Steps within which losses are one event, and after which a series that is silent has ended.
constexpr double kAtOnce = 4;
// A sick node: pods measured on it, of several workloads, the share of them that deviates, and the
// share elsewhere that may.
constexpr size_t kLeastPods = 3;
constexpr double kSickShare = 0.7;
constexpr double kElsewhere = 0.2;
// Spreads from which on a pod is said to deviate.
constexpr double kDeviates = 5;
constexpr size_t kNamed = 4;
constexpr int kHeld = 5;

std::string Label(const MetricSeries& s, const std::string& name) {
  for (const std::string& label : {"exported_" + name, name}) {
    const auto found = s.labels.find(label);
    if (found != s.labels.end() && !found->second.empty()) return found->second;
  }
  return "";
}

// kube-state-metrics goes on speaking of pods whose node is dead.
bool SpeaksForItself(const MetricSeries& s) {
  return !s.metric.starts_with("kube_") && s.metric != "restarts" &&
         s.metric != "containers_waiting";
}

double StepOf(const std::vector<double>& times) {
  std::vector<double> steps;
  for (size_t i = 1; i < std::min<size_t>(times.size(), 500); ++i)
    steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

type::v1::Text Both(std::string en, std::string zh) {
  type::v1::Text text;
  text.set_en(std::move(en));
  text.set_zh(std::move(zh));
  return text;
}

std::string Clock(double time) {
  return absl::FormatTime("%H:%M:%S", absl::FromUnixSeconds(static_cast<int64_t>(time)),
                          absl::UTCTimeZone());
}

// The highest level that is held for a few steps.
double Sustained(const std::vector<double>& values) {
  double highest = 0;
  for (size_t i = 0; i + kHeld <= values.size(); ++i) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(i);
    highest = std::max(highest, *std::min_element(from, from + kHeld));
  }
  return highest;
}

template <typename Range, typename Name>
std::string List(const Range& range, Name name) {
  std::string text;
  size_t shown = 0;
  for (const auto& item : range) {
    if (++shown > kNamed) break;
    text += (text.empty() ? "" : ", ") + name(item);
  }
  return range.size() > kNamed ? fmt::format("{}, … ({})", text, range.size()) : text;
}

void MoveToFront(CauseResult& result, ServiceCause node) {
  std::erase_if(result.ranked, [&](const ServiceCause& c) { return c.service == node.service; });
  const double top = result.ranked.empty() ? 0 : result.ranked.front().raw;
  node.raw = std::max(node.raw, top + 0.7);
  result.ranked.insert(result.ranked.begin(), std::move(node));
  const double first = result.ranked.front().raw;
  const double sure = 1 - std::exp(-std::max(0.0, first));
  for (ServiceCause& cause : result.ranked) cause.score = sure * std::exp(cause.raw - first);
}

}  // namespace

NodeFaults::NodeFaults(const std::vector<MetricSeries>& series, const Topology& topology)
    : topology_(topology) {
  std::map<std::pair<std::string, std::string>, Seen> pods;
  begin_ = std::numeric_limits<double>::infinity();
  end_ = -begin_;
  step_ = 0;
  for (const MetricSeries& s : series) {
    if (s.times.empty()) continue;
    begin_ = std::min(begin_, s.times.front());
    end_ = std::max(end_, s.times.back());
    const double step = StepOf(s.times);
    if (step > 0) step_ = step_ == 0 ? step : std::min(step_, step);
    const std::string pod = Label(s, "pod");
    if (pod.empty() || !SpeaksForItself(s)) continue;
    const std::string ns = Label(s, "namespace");
    auto [entry, fresh] = pods.try_emplace({ns, pod});
    Seen& seen = entry->second;
    if (fresh) {
      const PodPlace* place = topology.Pod(ns, pod);
      seen = {ns,
              pod,
              place != nullptr ? place->node : Label(s, "node"),
              topology.WorkloadOf(ns, pod),
              s.times.front(),
              s.times.back()};
    }
    seen.first = std::min(seen.first, s.times.front());
    seen.last = std::max(seen.last, s.times.back());
  }
  step_ = std::max(step_, 15.0);
  for (auto& [key, seen] : pods) seen_.push_back(std::move(seen));
}

// The largest loss that happened at once and was not made up for.
NodeFaults::Loss NodeFaults::LossOf(const std::vector<const Seen*>& pods) const {
  std::vector<const Seen*> ended;
  for (const Seen* pod : pods) {
    if (pod->last < end_ - kAtOnce * step_) ended.push_back(pod);
  }
  std::sort(ended.begin(), ended.end(), [](const Seen* a, const Seen* b) {
    return std::pair(a->last, a->pod) < std::pair(b->last, b->pod);
  });
  Loss worst;
  for (size_t i = 0; i < ended.size(); ++i) {
    Loss loss;
    loss.time = ended[i]->last;
    for (size_t k = i; k < ended.size() && ended[k]->last <= loss.time + kAtOnce * step_; ++k)
      loss.lost.push_back(ended[k]);
    if (loss.lost.size() <= worst.lost.size()) continue;
    for (const Seen* pod : pods) loss.before += pod->first <= loss.time && pod->last >= loss.time;
    worst = std::move(loss);
  }
  return worst;
}

MetricSeries NodeFaults::Counting(const std::vector<const Seen*>& pods, const std::string& label,
                                  const CauseObject& owner) const {
  MetricSeries series;
  series.metric = kReporting;
  series.name = fmt::format("{}{{{}={}}}", kReporting, label, owner.name);
  series.titled = true;
  series.labels[label] = owner.name;
  if (!owner.ns.empty()) series.labels["namespace"] = owner.ns;
  for (double t = begin_; t <= end_ + step_ / 2; t += step_) {
    series.times.push_back(t);
    series.values.push_back(
        static_cast<double>(std::count_if(pods.begin(), pods.end(), [&](const Seen* pod) {
          return pod->first <= t + step_ / 2 && pod->last >= t - step_ / 2;
        })));
  }
  return series;
}

std::vector<MetricSeries> NodeFaults::Reporting() const {
  std::map<std::string, std::vector<const Seen*>> by_node;
  std::map<CauseObject, std::vector<const Seen*>> by_workload;
  for (const Seen& pod : seen_) {
    if (!pod.node.empty()) by_node[pod.node].push_back(&pod);
    if (!pod.workload.kind.empty() && pod.workload.kind != "Pod")
      by_workload[pod.workload].push_back(&pod);
  }
  std::vector<MetricSeries> made;
  for (const auto& [node, pods] : by_node) {
    const Loss loss = LossOf(pods);
    if (loss.lost.size() >= kLeastLost &&
        static_cast<double>(loss.lost.size()) >= kLostShare * static_cast<double>(loss.before))
      made.push_back(Counting(pods, "node", {"Node", "", node}));
  }
  constexpr std::pair<const char*, const char*> kLabels[] = {
      {"Deployment", "deployment"}, {"StatefulSet", "statefulset"}, {"DaemonSet", "daemonset"}};
  for (const auto& [workload, pods] : by_workload) {
    const auto label = std::find_if(std::begin(kLabels), std::end(kLabels),
                                    [&](const auto& l) { return workload.kind == l.first; });
    if (label == std::end(kLabels)) continue;
    MetricSeries series = Counting(pods, label->second, workload);
    // Roll-outs replace pods, and for a while there are more than are meant to be; only what is
    // missing at the end is a loss.
    const double most = Sustained(series.values);
    if (series.values.size() > kAtOnce &&
        series.values[series.values.size() - 2] <= (1 - kLostShare) * most)
      made.push_back(std::move(series));
  }
  return made;
}

void NodeFaults::Promote(const CauseInput& input, const Names& names, CauseResult& result,
                         ExtraSteps& steps) const {
  if (result.ranked.empty() || !result.onset_time) return;
  // How far each pod deviates, by the series that name it.
  std::map<std::pair<std::string, std::string>, double> deviation;
  const auto at_onset = [&](double time) {
    return std::abs(time - *result.onset_time) <=
           result.onset_uncertainty + 2 * kAtOnce * step_ + 300;
  };
  std::map<CauseObject, std::vector<const Seen*>> by_workload;
  for (const Seen& pod : seen_) by_workload[pod.workload].push_back(&pod);
  for (const analytics::MetricFinding& finding : result.deviations) {
    const analytics::ServiceMetric& s = input.series[finding.series];
    const size_t at = s.metric.find("pod=");
    const auto owner = names.find(s.service);
    if (owner == names.end()) continue;
    const auto pods = by_workload.find(owner->second);
    if (pods == by_workload.end()) continue;
    for (const Seen* pod : pods->second) {
      // A series without a pod in its name is that of the only one.
      if (at != std::string::npos && s.metric.compare(at + 4, pod->pod.size(), pod->pod) != 0)
        continue;
      if (at == std::string::npos && pods->second.size() > 1) continue;
      double& most = deviation[{pod->ns, pod->pod}];
      most = std::max(most, std::abs(finding.deviation.z));
    }
  }
  std::map<std::string, std::vector<const Seen*>> by_node;
  for (const Seen& pod : seen_) {
    if (!pod.node.empty()) by_node[pod.node].push_back(&pod);
  }
  const auto deviates = [&](const Seen* pod) {
    const auto found = deviation.find({pod->ns, pod->pod});
    return found != deviation.end() && found->second >= kDeviates;
  };
  std::string chosen;
  double strongest = 0;
  for (const auto& [node, pods] : by_node) {
    const Loss loss = LossOf(pods);
    const bool dead =
        loss.lost.size() >= kLeastLost && at_onset(loss.time) &&
        static_cast<double>(loss.lost.size()) >= kLostShare * static_cast<double>(loss.before);
    size_t sick = 0, elsewhere = 0, others = 0;
    std::set<CauseObject> workloads;
    for (const Seen& pod : seen_) {
      if (pod.node == node) {
        sick += deviates(&pod);
        if (deviates(&pod)) workloads.insert(pod.workload);
      } else {
        ++others;
        elsewhere += deviates(&pod);
      }
    }
    const bool ill = pods.size() >= kLeastPods && workloads.size() >= 2 && others >= kLeastPods &&
                     static_cast<double>(sick) >= kSickShare * static_cast<double>(pods.size()) &&
                     static_cast<double>(elsewhere) <= kElsewhere * static_cast<double>(others);
    const double weight = dead  ? 1e6 + static_cast<double>(loss.lost.size())
                          : ill ? static_cast<double>(sick)
                                : 0;
    if (weight <= strongest) continue;
    strongest = weight;
    chosen = node;
    std::vector<type::v1::Text>& told = steps[node];
    told.clear();
    if (dead) {
      const std::string who = List(loss.lost, [](const Seen* pod) { return pod->pod; });
      told.push_back(Both(
          fmt::format("{} of {} pods on node {} ({}) stopped reporting at {} UTC, while pods on "
                      "other nodes went on.",
                      loss.lost.size(), loss.before, node, who, Clock(loss.time)),
          fmt::format("节点 {} 上 {} 个 Pod 中的 {} 个({})在 {} UTC "
                      "停止上报,而其他节点上的 Pod 正常。",
                      node, loss.before, loss.lost.size(), who, Clock(loss.time))));
    } else {
      told.push_back(
          Both(fmt::format("{} of {} pods on node {}, of {} workloads, left their usual range, "
                           "against {} of {} on other nodes.",
                           sick, pods.size(), node, workloads.size(), elsewhere, others),
               fmt::format("节点 {} 上 {} 个 Pod(属于 {} 个工作负载)中有 {} 个偏离正常范围,"
                           "其他节点为 {}/{}。",
                           node, pods.size(), workloads.size(), sick, elsewhere, others)));
    }
  }
  if (chosen.empty()) return;
  std::erase_if(steps, [&](const auto& step) { return step.first != chosen; });
  ServiceCause node;
  node.service = chosen;
  node.kind = analytics::CauseKind::kDeviation;
  for (const ServiceCause& cause : result.ranked) {
    if (cause.service == chosen) node = cause;
  }
  if (node.kind == analytics::CauseKind::kQuiet) node.kind = analytics::CauseKind::kDeviation;
  MoveToFront(result, std::move(node));
}

}  // namespace opsmesh::rca
