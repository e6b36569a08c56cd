// The demo's metrics as a promql::Source: names and labels of kube-state-metrics, cAdvisor,
// node_exporter and of HTTP services, fourteen days back, every 15 s in the last six hours and
// every 60 s before.
//
// Nothing is stored but what the cluster says of itself: a sample is a function of the objects, the
// seed and the time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/kubesim/prometheus/api.h"
#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::prometheus {

class Model;

/// Thread-safe.
class Metrics : public promql::Source {
 public:
  /// `stale_markers`: a series that ends is said to, as scrapes do. `disturbances` (may be empty):
  /// what requests and disks suffer from beside what the objects say.
  Metrics(const Store& store, const base::Clock& clock, uint64_t seed, bool stale_markers = true,
          DisturbanceSource disturbances = {});
  ~Metrics() override;

  std::vector<promql::SeriesPtr> Select(const std::vector<promql::Matcher>& matchers, int64_t from,
                                        int64_t to) const override;
  /// Looks at the cluster, as a scrape does, so that changes are dated right though nobody asks.
  void Refresh() const;
  std::map<std::string, MetricInfo> Metadata() const;

 private:
  std::shared_ptr<const Model> Current() const;

  const base::Clock& clock_;
  const uint64_t seed_;
  const bool stale_markers_;
  mutable History history_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Model> model_;
};

}  // namespace opsmesh::kubesim::prometheus
