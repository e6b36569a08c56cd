#include "libs/analytics/forecast/forecast_memo.h"

#include <bit>
#include <cstring>
#include <utility>

namespace opsmesh::analytics {
namespace {

uint64_t Mixed(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 32);
}

uint64_t Mixed(uint64_t hash, const std::vector<double>& values) {
  hash = Mixed(hash, values.size());
  for (const double v : values) hash = Mixed(hash, std::bit_cast<uint64_t>(v));
  return hash;
}

uint64_t HashOf(const Series& history, const ForecastOptions& options) {
  uint64_t hash = Mixed(Mixed(1, history.times), history.values);
  hash = Mixed(Mixed(hash, options.levels), options.horizon);
  hash = Mixed(hash, std::bit_cast<uint64_t>(options.step_seconds));
  for (const char c : options.model) hash = Mixed(hash, static_cast<unsigned char>(c));
  return hash;
}

// Bit by bit: missing samples (NaN) equal themselves.
bool Same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

bool Same(const ForecastOptions& a, const ForecastOptions& b) {
  return a.step_seconds == b.step_seconds && a.horizon == b.horizon && Same(a.levels, b.levels) &&
         a.model == b.model;
}

size_t BytesOf(const Series& history, const CombinedForecast& forecast) {
  const size_t columns = 2 + 2 * forecast.bands.size();
  return 512 + 64 * forecast.models.size() +
         sizeof(double) *
             (history.times.size() + history.values.size() + columns * forecast.mean.size());
}

}  // namespace

size_t ForecastMemo::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.size();
}

absl::StatusOr<std::shared_ptr<const CombinedForecast>> ForecastMemo::Forecast(
    const Series& history, const ForecastOptions& options) {
  const uint64_t hash = HashOf(history, options);
  const auto find = [&] {
    const auto [begin, end] = index_.equal_range(hash);
    for (auto found = begin; found != end; ++found) {
      const Entry& entry = *found->second;
      if (Same(entry.times, history.times) && Same(entry.values, history.values) &&
          Same(entry.options, options))
        return found->second;
    }
    return entries_.end();
  };
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = find(); found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return found->forecast;
    }
  }
  absl::StatusOr<CombinedForecast> made = ForecastCombined(history, options);
  if (!made.ok()) return made.status();
  auto forecast = std::make_shared<const CombinedForecast>(*std::move(made));
  const size_t bytes = BytesOf(history, *forecast);
  if (bytes > max_bytes_) return forecast;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (find() != entries_.end()) return forecast;
  entries_.push_front({hash, history.times, history.values, options, forecast, bytes});
  index_.emplace(hash, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    const auto last = std::prev(entries_.end());
    const auto [begin, end] = index_.equal_range(last->hash);
    for (auto found = begin; found != end; ++found) {
      if (found->second != last) continue;
      index_.erase(found);
      break;
    }
    bytes_ -= last->bytes;
    entries_.erase(last);
  }
  return forecast;
}

}  // namespace opsmesh::analytics
