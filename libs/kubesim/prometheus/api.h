// The HTTP API of Prometheus over a promql::Source: /api/v1/query, query_range, series, labels,
// label/<name>/values, metadata, status/buildinfo, /-/ready. GET and form POST, answers and errors
// as Prometheus 2.42 gives them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/http_server/http_server.h"
#include "libs/kubesim/prometheus/parameters.h"
#include "libs/kubesim/promql/engine.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::prometheus {

struct MetricInfo {
  std::string type;  // "counter", "gauge", "histogram", "unknown"
  std::string help;
};

/// Thread-safe.
class Api {
 public:
  struct Options {
    const base::Clock* clock = &base::SystemClock();
    /// Longest evaluation; a smaller `timeout` parameter wins.
    absl::Duration timeout = absl::Seconds(60);
    /// How far back anything reaches: the window of series, labels and values without `start`.
    absl::Duration history = absl::Hours(24 * 14);
    promql::EngineOptions engine;
    /// For /api/v1/metadata; null = none.
    std::function<std::map<std::string, MetricInfo>()> metadata;
  };
  /// `source` must outlive the API.
  Api(const promql::Source& source, Options options)
      : source_(source), options_(std::move(options)) {}

  http_server::Response Answer(const base::Context& ctx, const http_server::Request& request) const;

 private:
  http_server::Response Query(const base::Context& ctx, const Form& form) const;
  http_server::Response QueryRange(const base::Context& ctx, const Form& form) const;
  http_server::Response Series(const Form& form) const;
  http_server::Response LabelNames(const Form& form) const;
  http_server::Response LabelValues(const Form& form, std::string_view name) const;
  http_server::Response Metadata(const Form& form) const;
  http_server::Response Targets(const Form& form) const;
  /// The series that `match[]`, start and end ask for; an answer when they are wrong.
  bool Matching(const Form& form, bool required, std::vector<promql::SeriesPtr>* found,
                http_server::Response* wrong) const;

  const promql::Source& source_;
  const Options options_;
};

}  // namespace opsmesh::kubesim::prometheus
