// Forecasts that were made already: a forecast is a pure function of its request, so that the
// answer to the same history and options can be kept. Whether it was kept shows in nothing but the
// time it takes.
//
// Bounded by bytes; what was used longest ago goes first. The whole request is compared, not only
// its hash. Thread-safe; two callers with the same new request may both compute it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "libs/analytics/forecast/forecaster.h"

namespace opsmesh::analytics {

class ForecastMemo {
 public:
  /// Histories and answers kept, together at most `max_bytes` (about 80 KB for two weeks of five
  /// minutes with a day ahead).
  explicit ForecastMemo(size_t max_bytes = size_t{32} << 20) : max_bytes_(max_bytes) {}

  /// As ForecastCombined; errors are not kept.
  absl::StatusOr<std::shared_ptr<const CombinedForecast>> Forecast(const Series& history,
                                                                   const ForecastOptions& options);

  size_t size() const;

 private:
  struct Entry {
    uint64_t hash;
    std::vector<double> times, values;
    ForecastOptions options;
    std::shared_ptr<const CombinedForecast> forecast;
    size_t bytes;
  };
  using Entries = std::list<Entry>;

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;  // latest first
  std::unordered_multimap<uint64_t, Entries::iterator> index_;
  size_t bytes_ = 0;
};

}  // namespace opsmesh::analytics
