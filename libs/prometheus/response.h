// What Prometheus answers, as values. Parsing is pure and takes any bytes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace opsmesh::prometheus {

/// Samples of one series in time order; equal stamps are reduced to the last one seen. Values may
/// be NaN or infinite.
struct RangeSeries {
  std::map<std::string, std::string> labels;
  std::vector<double> times;  // epoch seconds
  std::vector<double> values;
};

/// A parsed answer.
struct QueryResult {
  std::vector<RangeSeries> series;    // in the order answered
  std::vector<std::string> warnings;  // of Prometheus itself: the data is partial
  std::vector<std::string> infos;     // of Prometheus itself: something about the query to know
  /// What could not be used, one sentence each: samples that are no numbers, series of native
  /// histograms.
  std::vector<std::string> skipped;
};

struct ResponseLimits {
  size_t max_bytes = 64 << 20;
  size_t max_samples = 5'000'000;
};

/// Parses the body of `query` or `query_range` (vector, matrix or scalar). Errors: what Prometheus
/// says (INVALID_ARGUMENT PROMETHEUS_BAD_DATA, DEADLINE_EXCEEDED PROMETHEUS_TIMEOUT, UNAVAILABLE
/// PROMETHEUS_UNAVAILABLE ...) and UNAVAILABLE (PROMETHEUS_MALFORMED) when the body is none of its
/// own, with the first bytes of it.
absl::StatusOr<QueryResult> ParseQueryResponse(int http_status, std::string_view body,
                                               const ResponseLimits& limits = {});

/// The same for many answers, one after the other: the parser's memory is kept between them. Not
/// thread-safe.
class ResponseParser {
 public:
  ResponseParser();
  ~ResponseParser();
  absl::StatusOr<QueryResult> Parse(int http_status, std::string_view body,
                                    const ResponseLimits& limits = {});

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace opsmesh::prometheus
