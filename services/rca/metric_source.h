// Reads series from Prometheus for an analysis: chooses the step, rates counters, reads in pieces,
// says what it left out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "libs/prometheus/probe.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::rca {

/// One series that was read; missing samples are left out or NaN.
struct MetricSeries {
  std::string name;    // the query, and the labels when it yields several
  std::string metric;  // name of the metric, for the query "rate(x[1m])" of x: "x"
  std::map<std::string, std::string> labels;  // without __name__
  std::vector<double> times;                  // epoch seconds, rising
  std::vector<double> values;
};

struct MetricsRequest {
  std::vector<std::string> queries;  // metrics, selectors or PromQL
  google::protobuf::Timestamp start_time;
  google::protobuf::Timestamp end_time;
  double step_seconds = 0;      // 0 = the scrape interval, as far as the point limits allow
  std::string scope_namespace;  // added to bare metrics when not empty
};

struct MetricsRead {
  std::vector<MetricSeries> series;  // in order of query and labels
  type::v1::Ledger ledger;           // per query: how many series, what was left out and why
  double step_seconds = 0;           // smallest that was used
  size_t total_series = 0;           // that exist, as far as the server says
};

/// Thread-safe.
class MetricSource {
 public:
  /// `client` must outlive it.
  MetricSource(http_client::Client& client, prometheus::Settings settings);

  /// Errors: INVALID_ARGUMENT (TIME_WINDOW, QUERY), FAILED_PRECONDITION
  /// (PROMETHEUS_NOT_CONFIGURED), UNAVAILABLE (PROMETHEUS) when no query could be read. A query
  /// that fails beside others that do not stands in the ledger.
  absl::StatusOr<MetricsRead> Read(const base::Context& ctx, const MetricsRequest& request) const;

  bool configured() const { return !settings_.base_url.empty(); }

 private:
  http_client::Client& client_;
  const prometheus::Settings settings_;
};

}  // namespace opsmesh::rca
