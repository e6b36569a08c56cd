#include "services/rca/silences.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/detect/methods.h"
#include "libs/analytics/detect/stillness.h"

namespace opsmesh::rca {
namespace {

// A long silence says little more than one that is long enough.
constexpr double kMost = 1.5;
// Steps by which series that end together may end apart.
constexpr double kTogether = 3;
constexpr int kLeastSeries = 3;

}  // namespace

void AddSilences(std::span<const double> times, std::span<const double> values, double threshold,
                 std::optional<double> until, v1::SeriesAnomalies* out) {
  analytics::Silence silence;
  size_t last = times.size();
  const auto add = [&](double multiple) {
    const double score = analytics::CalibratedScore(std::min(kMost, multiple), 1);
    if (score < threshold || score <= 0 || last == times.size()) return;
    v1::PointAnomaly& anomaly = *out->add_anomalies();
    anomaly.set_index(static_cast<int32_t>(last));
    anomaly.set_time(times[last]);
    anomaly.set_value(values[last]);
    anomaly.set_baseline(values[last]);
    anomaly.set_score(score);
    anomaly.set_channel("missing");
    anomaly.set_window_seconds(times[last] - times.front());
    (*anomaly.mutable_votes())["ensemble"] = score;
  };
  bool said = false;  // of values missing at their stamps, sample by sample
  for (size_t i = 0; i < times.size(); ++i) {
    const bool present = std::isfinite(values[i]);
    const double multiple = silence.Push(times[i], present);
    if (!present) {
      said = said || multiple >= 1;
      continue;
    }
    if (!said) add(multiple);
    said = false;
    last = i;
  }
  if (until && !said) add(silence.At(*until));
  std::stable_sort(out->mutable_anomalies()->begin(), out->mutable_anomalies()->end(),
                   [](const auto& a, const auto& b) { return a.index() < b.index(); });
}

std::optional<double> CommonEnd(const google::protobuf::RepeatedPtrField<v1::NamedSeries>& series) {
  if (series.size() < kLeastSeries) return std::nullopt;
  double latest = -INFINITY;
  for (const v1::NamedSeries& s : series) {
    if (s.times_size() > 0) latest = std::max(latest, s.times(s.times_size() - 1));
  }
  int reach = 0;
  for (const v1::NamedSeries& s : series) {
    const int n = s.times_size();
    if (n < 2) continue;
    const double step = (s.times(n - 1) - s.times(0)) / (n - 1);
    reach += latest - s.times(n - 1) <= kTogether * step;
  }
  if (reach < kLeastSeries || 2 * reach < series.size()) return std::nullopt;
  return latest;
}

}  // namespace opsmesh::rca
