#include "services/rca/state_series.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/cause/attribution.h"
#include "services/rca/node_faults.h"

namespace opsmesh::rca {
namespace {

constexpr double kStep = 30;  // seconds between the points of the indicator
constexpr double kStale = 300;

bool Grows(const MetricSeries& s) {
  return s.titled && (s.metric == "replicas_unavailable" || s.metric == "restarts" ||
                      s.metric == "containers_waiting");
}

bool TellsTrouble(const MetricSeries& s) {
  return s.titled && (s.metric == "replicas_unavailable" || s.metric == "node_ready" ||
                      (s.metric == kReporting && s.labels.contains("node")));
}

bool IsTrouble(const MetricSeries& s, double value) {
  if (s.metric == "node_ready") return value < 0.5;
  // Most pods of a node are silent: seen without kube-state metrics too.
  if (s.metric == kReporting)
    return value < 0.5 * *std::max_element(s.values.begin(), s.values.end());
  return value > 0.5;
}

double Begin(const std::vector<MetricSeries>& series) {
  double begin = INFINITY;
  for (const MetricSeries& s : series) {
    if (!s.times.empty()) begin = std::min(begin, s.times.front());
  }
  return begin;
}

}  // namespace

void CompleteStates(std::vector<MetricSeries>& series) {
  const double begin = Begin(series);
  for (MetricSeries& s : series) {
    if (!Grows(s) || s.times.size() < 2) continue;
    const double step = std::max(1.0, s.times[1] - s.times[0]);
    const auto missing =
        static_cast<size_t>(std::max(0.0, std::floor((s.times.front() - begin) / step)));
    if (missing < 2 || missing > 20'000) continue;
    std::vector<double> times(missing);
    for (size_t i = 0; i < missing; ++i)
      times[i] = s.times.front() - step * static_cast<double>(missing - i);
    s.times.insert(s.times.begin(), times.begin(), times.end());
    s.values.insert(s.values.begin(), missing, 0);
  }
}

std::optional<MetricSeries> Trouble(const std::vector<MetricSeries>& series) {
  const double begin = Begin(series);
  double end = -INFINITY;
  for (const MetricSeries& s : series) {
    if (TellsTrouble(s) && !s.times.empty()) end = std::max(end, s.times.back());
  }
  if (!(end > begin) || (end - begin) / kStep > 20'000) return std::nullopt;
  MetricSeries trouble;
  trouble.metric = "objects_in_trouble";
  trouble.name = trouble.metric;
  trouble.titled = true;
  trouble.labels["service"] = analytics::kIndicatorService;
  for (double t = begin; t <= end; t += kStep) trouble.times.push_back(t);
  trouble.values.assign(trouble.times.size(), 0);
  bool any = false;
  for (const MetricSeries& s : series) {
    if (!TellsTrouble(s)) continue;
    size_t next = 0;
    for (size_t i = 0; i < trouble.times.size(); ++i) {
      while (next < s.times.size() && s.times[next] <= trouble.times[i]) ++next;
      if (next == 0 || trouble.times[i] - s.times[next - 1] > kStale) continue;
      const bool bad = IsTrouble(s, s.values[next - 1]);
      trouble.values[i] += bad ? 1 : 0;
      any = any || bad;
    }
  }
  if (!any) return std::nullopt;
  return trouble;
}

}  // namespace opsmesh::rca
