// What the cluster says about a workload whose replicas are planned.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/rpc/channel.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/replica_rules.h"

namespace opsmesh::predict {

struct WorkloadFacts {
  int replicas = 0;  // wanted, spec.replicas
  std::optional<double>
      cores_per_pod;  // sum of its containers' limits, else requests; absent when one has neither
  std::string autoscaler_json;  // its HorizontalPodAutoscaler; "" = it has none
  std::string autoscaler_name;
  std::optional<double> autoscaler_target;  // of processor use by requests, 0.7 for 70 %
  /// Cores a pod requests by cores_per_pod: what turns an autoscaler's target into a share of the
  /// capacity. 1 when it is not known.
  double request_share = 1;
  AutoscalerBounds bounds;
  std::string autoscaler_trouble;  // why its autoscaler could not be read; "" = it was
};

/// Thread-safe.
class WorkloadView {
 public:
  virtual ~WorkloadView() = default;
  /// NOT_FOUND (WORKLOAD) when there is no such workload; otherwise the k8s service's errors.
  virtual absl::StatusOr<WorkloadFacts> Read(const base::Context& ctx,
                                             const v1::Workload& workload) = 0;
};

/// Asks opsmesh.k8s.v1.K8sService; null when no address of it is known. `channels` and `ids` must
/// outlive it.
std::unique_ptr<WorkloadView> MakeWorkloadView(const rpc::ChannelSource& channels,
                                               base::IdSource& ids);

/// "Deployment" when it is empty; INVALID_ARGUMENT (WORKLOAD) when kind, namespace or name cannot
/// be one.
absl::StatusOr<v1::Workload> CheckedWorkload(v1::Workload workload);

}  // namespace opsmesh::predict
