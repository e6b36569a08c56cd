#include "services/predict/config.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::predict {

absl::StatusOr<PredictConfig> LoadConfig(const config::Source& source) {
  PredictConfig loaded;
  config::Reader reader(source, "predict");
  config::IntOptions bounds;
  bounds.min = 1;
  bounds.max = 10000;
  loaded.min_instances =
      static_cast<int>(reader.Int("min_instances", loaded.min_instances, bounds));
  bounds.env = {"PREDICTION_MAX_INSTANCES"};
  loaded.max_instances =
      static_cast<int>(reader.Int("max_instances", loaded.max_instances, bounds));
  if (loaded.max_instances < loaded.min_instances) {
    reader.Problem("max_instances",
                   "is less than predict.min_instances; give it at least that value.");
  }
  loaded.qps_query = reader.String("qps_query", loaded.qps_query);
  loaded.capacity_is_assumed = !reader.Has("capacity_qps");
  config::DoubleOptions capacity;
  capacity.min = 1e-6;
  loaded.capacity_qps = reader.Double("capacity_qps", loaded.capacity_qps, capacity);
  config::DoubleOptions target;
  target.min = 0.05;
  target.max = 1;
  loaded.target_utilization =
      reader.Double("target_utilization", loaded.target_utilization, target);
  loaded.pod_start = reader.Duration("pod_start", loaded.pod_start, {.max = absl::Hours(1)});
  loaded.workload_qps_query = reader.String("workload_qps_query", loaded.workload_qps_query);
  loaded.workload_cpu_query = reader.String("workload_cpu_query", loaded.workload_cpu_query);
  loaded.workload_pods_query = reader.String("workload_pods_query", loaded.workload_pods_query);
  absl::StatusOr<prometheus::Settings> prometheus = prometheus::LoadSettings(source);
  OPSMESH_RETURN_IF_ERROR(config::Combine({reader.Finish(), prometheus.status()}));
  loaded.prometheus = *std::move(prometheus);
  return loaded;
}

}  // namespace opsmesh::predict
