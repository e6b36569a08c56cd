// Ranks the services of a system by how much of a change is their own.
//
// "Attribute the change, do not correlate it": when the target got slower or failed more, every
// service's contribution is the change of its mean latency (or failures) times its requests; its
// own part is that less what its callees contribute, a shared callee split among its callers. Where
// a mesh measures each call, a network fault sits where the calls in and out all got slower. Faults
// of a workload itself (processor, memory, disk) show as a robust deviation of its own metrics.
// Causal discovery (PC, Granger) is near chance on services (Pham et al., ASE 2024), so the graph
// is given, not guessed. O(V + E + samples). Deterministic: ties are broken by name. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/analytics/cause/deviation.h"
#include "libs/analytics/cause/metric_role.h"

namespace opsmesh::analytics {

/// Figures of one metric of one service, in the order they were taken. `times` in epoch seconds;
/// NaN = missing.
struct ServiceMetric {
  std::string service;
  std::string metric;
  std::vector<double> times;
  std::vector<double> values;
  KnownNoise noise = {};
};

/// Pseudo-services: indicators of the whole system, and figures of calls ("caller>callee.what").
inline constexpr char kIndicatorService[] = "SLI";
inline constexpr char kEdgeService[] = "EDGE";

struct CauseInput {
  std::vector<ServiceMetric> series;
  std::vector<std::pair<std::string, std::string>> edges;  // caller, callee
  std::string target_service;                              // empty = not given
  std::string target_metric;
  std::optional<double> onset_time;
};

/// How a service earned its place.
enum class CauseKind {
  kOwnShare,   // its own part of the target's change, by attribution along calls
  kUntraced,   // it could explain the target's change, but who calls whom is not known
  kCalls,      // calls in and out of it got slower
  kResource,   // its processor, memory or disk deviates
  kDeviation,  // some metric of it deviates
  kQuiet,      // nothing of it is unusual
};

/// One metric's deviation.
struct MetricFinding {
  size_t series = 0;  // into CauseInput::series
  MetricRole role = MetricRole::kOther;
  Deviation deviation;
};

/// One service's place.
struct ServiceCause {
  std::string service;
  CauseKind kind = CauseKind::kQuiet;
  double score = 0;  // 0 to 1, falling with rank
  double raw = 0;    // what the ranking sorts by
  // kOwnShare: own part of the largest contribution, may be negative. kUntraced: the part of the
  // target's change that its own is as large as, at most 1.
  double share = 0;
  // kOwnShare: of the largest, 0 to 1, before the callees' part is taken off. kUntraced: the part
  // of its present latency, or of its requests that fail, that is new.
  double contribution = 0;
  double calls_in = 0;                  // kCalls: mean log deviation of calls to it
  double calls_out = 0;                 // kCalls: of calls it makes
  std::vector<MetricFinding> findings;  // strongest first, at most 5
};

struct SkippedSeries {
  size_t series = 0;
  size_t usable = 0;
  std::string reason;
};

struct CauseResult {
  std::vector<ServiceCause> ranked;  // every service that was measured, most likely first
  std::optional<double> onset_time;  // as given or as found
  double onset_uncertainty = 0;      // seconds
  bool onset_given = false;
  std::string target_service;  // as given or chosen, empty = none
  std::string target_metric;
  std::vector<SkippedSeries> skipped;
  std::vector<MetricFinding> deviations;  // of every series that was judged, in the order given
};

CauseResult RankCauses(const CauseInput& input);

}  // namespace opsmesh::analytics
