#include "services/rca/config.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::rca {

absl::StatusOr<RcaConfig> LoadConfig(const config::Source& source) {
  RcaConfig loaded;
  config::Reader reader(source, "rca");
  config::DoubleOptions threshold;
  threshold.env = {"RCA_ANOMALY_THRESHOLD"};
  threshold.min = 0;
  threshold.max = 1;
  loaded.anomaly_threshold =
      reader.Double("anomaly_threshold", loaded.anomaly_threshold, threshold);
  loaded.metrics = reader.Strings("metrics", loaded.metrics);
  loaded.threads = static_cast<size_t>(
      reader.Int("threads", static_cast<int64_t>(loaded.threads), {.min = 1, .max = 64}));
  absl::StatusOr<prometheus::Settings> prometheus = prometheus::LoadSettings(source);
  OPSMESH_RETURN_IF_ERROR(config::Combine({reader.Finish(), prometheus.status()}));
  loaded.prometheus = *std::move(prometheus);
  return loaded;
}

}  // namespace opsmesh::rca
