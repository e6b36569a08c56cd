// Evaluates PromQL over a Source, as Prometheus 2.42 does (native histograms excepted).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/kubesim/promql/ast.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::promql {

struct Answer {
  ValueType type = ValueType::kVector;  // kScalar, kVector, kString (instant), kMatrix (range, or a
                                        // range vector asked for)
  struct Row {
    Labels labels;
    std::vector<Point> points;  // one for an instant answer
  };
  std::vector<Row> rows;
  std::string text;  // of kString
};

struct EngineOptions {
  int64_t lookback = 300'000;       // ms: how old a sample may be to count as the present one
  int64_t subquery_step = 60'000;   // ms: where a subquery names none
  size_t max_samples = 20'000'000;  // read or made by one query
  size_t max_result_bytes = 256 << 20;
};

/// Stateless but for its options: thread-safe.
class Engine {
 public:
  explicit Engine(const Source& source, EngineOptions options = {})
      : source_(source), options_(options) {}

  /// FAILED_PRECONDITION (EXECUTION) for what only shows when evaluated ("many-to-many matching not
  /// allowed"), RESOURCE_EXHAUSTED (TOO_MANY_SAMPLES) beyond the limits, the context's error when
  /// time is up.
  absl::StatusOr<Answer> Instant(const base::Context& ctx, const Query& query, int64_t at) const;
  /// `step` > 0, `end` >= `start`; the query is scalar or instant vector. Rows are ordered by
  /// labels.
  absl::StatusOr<Answer> Range(const base::Context& ctx, const Query& query, int64_t start,
                               int64_t end, int64_t step) const;

 private:
  const Source& source_;
  const EngineOptions options_;
};

}  // namespace opsmesh::kubesim::promql
