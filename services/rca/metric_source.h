// Reads series from Prometheus for an analysis: names them, says what was left out.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "libs/analytics/cause/deviation.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "libs/prometheus/probe.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::rca {

/// What can be judged. Beyond 1e150 squares overflow, and exporters write the largest double for
/// "not known": such values are missing, as NaN and infinities are.
inline bool Usable(double value) { return std::abs(value) <= 1e150; }

/// One series that was read; times rise, values that are missing are NaN.
struct MetricSeries {
  std::string name;    // the query, and the labels when it yields several
  std::string metric;  // title of the query, else the metric's name, else the query
  std::map<std::string, std::string> labels;  // without __name__
  std::vector<double> times;                  // epoch seconds
  std::vector<double> values;
  bool titled = false;  // metric is a title: what it measures is said without the labels
  analytics::KnownNoise noise = {};
};

/// One question to Prometheus.
struct MetricQuery {
  std::string text;   // a metric, a selector or PromQL
  std::string title;  // "cpu": what people call it; empty = its own name
  /// A standard question that a server need not know the metrics of: no answer is no news.
  bool optional = false;
  analytics::KnownNoise noise = {};  // of its series
};

struct MetricsRequest {
  std::vector<MetricQuery> queries;
  google::protobuf::Timestamp start_time;
  google::protobuf::Timestamp end_time;
  double step_seconds = 0;      // 0 = raw samples, else as far as the point limits allow
  std::string scope_namespace;  // only series of it, or of none
  double time_share = 0.7;      // of the time left that reading may take
};

struct MetricsRead {
  std::vector<MetricSeries> series;  // in order of query and as answered
  type::v1::Ledger ledger;           // per query: how many series, what was left out and why
};

/// Takes a series; an error ends the reading.
using SeriesTaker = std::function<absl::Status(MetricSeries)>;

/// Thread-safe.
class MetricSource {
 public:
  /// `client` must outlive it.
  MetricSource(http_client::Client& client, prometheus::Settings settings);

  /// Reads everything, within a bound of memory: above 4 million points neighbours are averaged and
  /// the ledger says so. Errors: INVALID_ARGUMENT (TIME_WINDOW, QUERY), FAILED_PRECONDITION
  /// (PROMETHEUS_NOT_CONFIGURED), UNAVAILABLE (PROMETHEUS) when no query could be read. A query
  /// that fails beside others that do not stands in the ledger.
  absl::StatusOr<MetricsRead> Read(const base::Context& ctx, const MetricsRequest& request) const;

  /// The same, but hands each series over as soon as it has arrived and keeps none.
  absl::StatusOr<type::v1::Ledger> Stream(const base::Context& ctx, const MetricsRequest& request,
                                          const SeriesTaker& take) const;

  /// The label sets of an instant query at the end of the window, at most 20,000; none when it
  /// fails: for what would help and need not be there.
  std::vector<std::map<std::string, std::string>> Labels(const base::Context& ctx,
                                                         const std::string& promql,
                                                         absl::Time at) const;

  bool configured() const { return !settings_.base_url.empty(); }

 private:
  http_client::Client& client_;
  const prometheus::Settings settings_;
};

}  // namespace opsmesh::rca
