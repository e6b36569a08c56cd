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
#include "services/rca/topology.h"

namespace opsmesh::rca {

/// The reference to an object.
type::v1::ObjectRef RefOf(const CauseObject& object);

/// Something that happened to an object of the cluster around the onset.
struct ClusterEvent {
  absl::Time time;
  type::v1::ObjectRef object;
  type::v1::Text statement;
  bool change = false;  // a roll-out or scaling, not a symptom
};

/// What the cluster knows: where its pods are, who calls whom, what happened. Every method ends
/// within a few seconds. Thread-safe.
class ClusterView {
 public:
  virtual ~ClusterView() = default;
  /// Adds pods with their nodes and workloads, and the calls that environment variables and
  /// arguments of workloads tell of, to what `topology` knows. A sentence about what was read.
  virtual absl::StatusOr<std::string> Learn(const base::Context& ctx, const type::v1::Scope& scope,
                                            Topology& topology) = 0;
  /// Events of the object and of its pods, and roll-outs of a Deployment, within the time, oldest
  /// first; none when there is no such object.
  virtual absl::StatusOr<std::vector<ClusterEvent>> Events(const base::Context& ctx,
                                                           const type::v1::Scope& scope,
                                                           const CauseObject& object,
                                                           absl::Time from, absl::Time to) = 0;
};

struct RootCauseOptions {
  double threshold = 0.65;
  /// Read when a request names neither metrics nor series.
  std::vector<MetricQuery> default_metrics;
};

/// Errors: INVALID_ARGUMENT (TIME_WINDOW, SERIES_SHAPE, TOO_MANY_SERIES, THRESHOLD), those of
/// `source`. `cluster` may be null. Thread-safe.
absl::StatusOr<v1::AnalyzeRootCauseResponse> AnalyzeRootCause(
    const base::Context& ctx, const v1::AnalyzeRootCauseRequest& request,
    const MetricSource& source, ClusterView* cluster, const RootCauseOptions& options);

}  // namespace opsmesh::rca
