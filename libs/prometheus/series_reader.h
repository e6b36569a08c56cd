// Reads the series of one question from Prometheus and hands them over one by one, so that an
// answer may be larger than the memory.
//
// A selector is read as raw samples where the server can do that: with their own stamps and gaps,
// in pieces of at most 4 million samples; counters become rates per second (a value that falls is a
// counter that began again at 0, and no rate is taken across a gap of 5 steps). Everything else,
// and what has too many samples a series, is read by `query_range`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/prometheus/client.h"
#include "libs/prometheus/range_stream.h"
#include "libs/prometheus/series_query.h"

namespace opsmesh::prometheus {

struct SeriesWindow {
  absl::Time start;
  absl::Time end;
  /// Seconds between points; 0 = raw samples, or the smallest sensible step where there are none.
  double step_seconds = 0;
  /// Step where raw samples cannot be read; 0 = the smallest sensible one.
  double range_step_seconds = 0;
  /// A series with more raw samples is read by query_range.
  size_t max_raw_samples = 200'000;
  /// Series taken of one question.
  size_t max_series = 10'000;
};

struct SeriesRead {
  size_t found = 0;                // series that were handed over
  size_t total = 0;                // that exist, as far as the server said
  double step_seconds = 0;         // of query_range; 0 = raw samples
  absl::Status ended_early;        // why there are fewer than there are; OK when there are not
  std::vector<std::string> notes;  // what Prometheus warned of, what was skipped or changed
};

/// Values may be NaN or infinite. The error of reading when nothing was read: those of Client,
/// or of `sink`. Blocks at most as long as the context lives. Thread-safe.
absl::StatusOr<SeriesRead> ReadSeries(const base::Context& ctx, const Client& client,
                                      const SeriesQuery& query, const SeriesWindow& window,
                                      const SeriesSink& sink);

}  // namespace opsmesh::prometheus
