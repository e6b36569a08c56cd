// When a container ran.
#include <algorithm>
#include <cmath>

#include "libs/kubesim/prometheus/past_reader.h"
#include "libs/kubesim/promql/labels.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr double kLongestBackOff = 300;  // seconds, of a container that keeps ending
constexpr size_t kMaxRuns = 5000;

/// How the runs of a container that ends again and again must have been, from the last one back to
/// the pod's start.
std::vector<Run> RunsBefore(double pod_start, double last_start, double last_end,
                            int64_t restarts) {
  std::vector<Run> runs;
  const double length = std::max(0.5, last_end - last_start);
  double start = last_start;
  double end = last_end;
  for (int64_t n = restarts; n >= 0 && runs.size() < kMaxRuns && end > pod_start; --n) {
    runs.push_back({std::max(start, pod_start), end});
    // The wait before the n-th restart: 10 s, doubled each time, 300 s at most.
    const double wait =
        n > 5 ? kLongestBackOff
              : std::min(kLongestBackOff, 10 * std::pow(2, static_cast<double>(n - 1)));
    end = start - wait;
    start = end - length;
  }
  std::reverse(runs.begin(), runs.end());
  return runs;
}

}  // namespace

std::vector<Run> RunsOf(const Json& status, double pod_start, const std::vector<Run>& known,
                        double now) {
  const double started = Time(At(status, {"state", "running", "startedAt"}));
  const Json& ended_now = At(status, {"state", "terminated"});
  const Json& last = ended_now.is_object() ? ended_now : At(status, {"lastState", "terminated"});
  const double last_start = Time(At(last, "startedAt"));
  const double last_end = Time(At(last, "finishedAt"));
  std::vector<Run> runs = known;
  if (runs.empty() && !std::isnan(last_start) && !std::isnan(last_end)) {
    int64_t ended = IntAt(status, "restartCount");
    if (!std::isnan(started)) --ended;
    runs = RunsBefore(pod_start, last_start, last_end, std::max<int64_t>(0, ended));
  } else if (!runs.empty() && std::isinf(runs.back().end) && std::isnan(started)) {
    runs.back().end = std::isnan(last_end) ? now : std::max(last_end, runs.back().start);
  }
  if (!std::isnan(started) && (runs.empty() || runs.back().start < started - 0.5)) {
    if (!runs.empty() && std::isinf(runs.back().end))
      runs.back().end = std::isnan(last_end) ? started : std::min(started, last_end);
    runs.push_back({started, kForever});
  }
  if (runs.size() > kMaxRuns)
    runs.erase(runs.begin(), runs.end() - static_cast<ptrdiff_t>(kMaxRuns));
  return runs;
}

void BackdateRestarts(Past* pod) {
  for (const ContainerPast& container : pod->containers) {
    const std::vector<Run>& runs = container.runs;
    if (runs.empty() || std::isinf(runs.front().end)) continue;
    const auto steps_of = [&](const char* metric, const char* reason) -> Steps* {
      for (auto& [key, steps] : pod->facts) {
        const auto& [name, labels] = key;
        if (name == metric && promql::ValueOf(labels, "container") == container.name &&
            (reason == nullptr || promql::ValueOf(labels, "reason") == reason))
          return &steps;
      }
      return nullptr;
    };
    const auto rewrite = [&](Steps* steps, double running, double waiting) {
      if (steps == nullptr) return;
      const double now = steps->points().empty() ? kNaN : steps->points().back().second;
      *steps = Steps();
      for (const Run& run : runs) {
        steps->Set(run.start, running);
        if (!std::isinf(run.end)) steps->Set(run.end, waiting);
      }
      steps->Set(std::isinf(runs.back().end) ? runs.back().start : runs.back().end, now);
    };
    const bool crashes = runs.size() > 1 && std::isfinite(runs[runs.size() - 2].end);
    if (crashes) {
      rewrite(steps_of("kube_pod_container_status_running", nullptr), 1, 0);
      rewrite(steps_of("kube_pod_container_status_waiting", nullptr), 0, 1);
      rewrite(steps_of("kube_pod_container_status_waiting_reason", "CrashLoopBackOff"), kNaN, 1);
    }
    for (const char* metric : {"kube_pod_container_status_last_terminated_reason",
                               "kube_pod_container_status_last_terminated_exitcode"}) {
      Steps* steps = steps_of(metric, nullptr);
      if (steps == nullptr || steps->points().empty()) continue;
      const double value = steps->points().back().second;
      *steps = Steps();
      steps->Set(runs.front().end, value);
    }
  }
}

}  // namespace opsmesh::kubesim::prometheus
