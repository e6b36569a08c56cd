// Root-cause analysis of a window: reads the figures, ranks the services, says why.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "opsmesh/rca/v1/analysis.pb.h"
#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// Something that happened to an object of the cluster around the onset.
struct ClusterEvent {
  absl::Time time;
  std::string service;  // as the figures name it
  type::v1::ObjectRef object;
  type::v1::Text statement;
  bool change = false;  // a roll-out or scaling, not a symptom
};

/// What the cluster knows about services: what happened to them. Thread-safe.
class ClusterView {
 public:
  virtual ~ClusterView() = default;
  /// Events of the workload of that name and of its pods within the time, oldest first; none when
  /// there is no such workload.
  virtual absl::StatusOr<std::vector<ClusterEvent>> Events(const base::Context& ctx,
                                                           const type::v1::Scope& scope,
                                                           const std::string& service,
                                                           absl::Time from, absl::Time to) = 0;
};

struct RootCauseOptions {
  double threshold = 0.65;
  /// Read when a request names neither metrics nor series.
  std::vector<std::string> default_metrics;
};

/// Errors: INVALID_ARGUMENT (TIME_WINDOW, SERIES_SHAPE, TOO_MANY_SERIES, THRESHOLD), those of
/// `source`. `cluster` may be null. Thread-safe.
absl::StatusOr<v1::AnalyzeRootCauseResponse> AnalyzeRootCause(
    const base::Context& ctx, const v1::AnalyzeRootCauseRequest& request,
    const MetricSource& source, ClusterView* cluster, const RootCauseOptions& options);

}  // namespace opsmesh::rca
