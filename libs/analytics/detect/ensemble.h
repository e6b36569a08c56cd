// The main detector: an ensemble of robust tail probabilities with a refractory period.
//
// Views of a series ("channels") are compared with their own past: the value against the median of
// the last days, the step from the sample before, the distance from the same time of the days
// before (the nearest value within a tolerance, so that a shifted peak is no anomaly; of the last
// hour and of the sample alone), and the mean of the last few samples against earlier such means.
// The score of a channel is the two-sided empirical tail probability, -log10 p, plus a margin for
// what lies beyond everything seen: no distribution is assumed, and a noisy series raises its own
// bar. The channels' scores are added. A point that is plain in every view (few spreads away) is
// scaled down: of many ordinary points one is always the highest. A value that stops moving is
// judged by how often values repeated before. After a peak, only a higher one counts until the
// refractory period is over: one incident, one alarm; and what has been as high before has to be
// higher to count as much.
//
// Sources: empirical p-values as in conformal anomaly detection (Laxhammar and Falkman, 2010); the
// guard between the last samples and those they are compared with as in radar detection (Rohling,
// 1983); the two-sided tail, the seasonal tolerance and the wear of repeated alarms are ours;
// refractory periods as in the detectors of the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015).
// Deterministic; no randomness. A detector is not thread-safe, functions are.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "libs/analytics/detect/slow_change.h"
#include "libs/analytics/detect/sorted_window.h"
#include "libs/analytics/detect/stillness.h"

namespace opsmesh::analytics {

/// A view of the series. kSeason is of the last hour, kSeasonSample of one sample; kStuck, kMissing
/// and kDrift have no history here.
enum class Channel {
  kValue = 0,
  kStep = 1,
  kSeason = 2,
  kLevel = 3,
  kSeasonSample = 4,
  kStuck = 5,
  kMissing = 6,
  kDrift = 7
};
inline constexpr size_t kChannelCount = 5;  // with a history

/// "value", "step", "season" (both), "level", "stuck", "missing",
/// "drift".
std::string_view ChannelName(Channel channel);

/// Times in seconds. The defaults were set on the development half of NAB as a whole and are what
/// ships.
struct EnsembleOptions {
  double season_seconds = 86400;           // > 0
  double season_tolerance_seconds = 1200;  // a shift of the season by less is no anomaly
  double window_seconds = 7 * 86400;       // of the running medians
  double short_seconds = 3600;             // of the smoothing of the season's residual
  size_t level_samples = 6;       // of the mean whose level is judged, and of the guard before it
  size_t min_history = 30;        // samples before the first score
  double margin_weight = 5.0;     // of what lies beyond the range seen, per decade
  double refractory_share = 0.1;  // of the samples seen so far
  size_t refractory_min_samples = 20;
  double refractory_max_seconds = 7 * 86400;
  /// Sum of channel scores that is calibrated to 0.65, the shipped threshold (decision 29).
  double operating_point = 7.5;
};

/// What the detector says about one sample.
struct EnsemblePoint {
  double score = 0;     // 0 to 1, after the refractory rule; 0 while learning
  double raw = 0;       // 0 to 1, before the refractory rule
  double baseline = 0;  // expected value: of the season when it is known, else the running median
  double window_seconds = 0;          // past that the baseline rests on
  Channel channel = Channel::kValue;  // that contributed most
  bool learning = false;
};

/// Scores a live series, sample by sample, from its past only.
class EnsembleDetector {
 public:
  explicit EnsembleDetector(const EnsembleOptions& options = {});

  /// `time` in epoch seconds, not falling. A value that is not finite is missing: it is not learnt,
  /// and scores 0 until so many are missing in a row that the series fell silent.
  EnsemblePoint Push(double time, double value);

  /// Where a value stands among samples.
  struct Place {
    size_t below = 0, at_most = 0;
  };

 private:
  struct History {
    SlidingWindow samples;
    double TailScore(double value, const Place& place, double margin_weight,
                     double least_spread) const;
    void Learn(double time, double value, const Place& place);
  };

  // What a sample looks like through each channel.
  struct Views {
    std::array<double, kChannelCount> residual{};
    std::array<bool, kChannelCount> present{};
    double expected = 0;  // of the same time in earlier seasons
    size_t days = 0;      // seasons that `expected` rests on; 0 = none
  };

  Views Look(double time, double value, double mean, double median);
  // Scores the views against their histories, which then learn them; sets channel and learning.
  double ScoreViews(const Views& views, double time, double least_spread, EnsemblePoint* point);
  void LearnView(size_t channel, double time, double residual, const Place& place);
  void Keep(double time, double value, double mean, const Place& place);
  EnsemblePoint PushMissing(double time, double silence);
  double SeasonResidual(double time, double value, double* expected, size_t* days);
  template <typename Window>
  static void Trim(Window& window, double time, double seconds, size_t keep);
  // The spread-scaled distance of a residual from the middle of its history.
  static double Distance(const History& history, double residual);
  double Refract(double time, double raw);
  double Familiar(double peak);
  void Finish(double time, double total, EnsemblePoint* point);

  const EnsembleOptions options_;
  std::vector<SlidingWindow::Sample> past_;  // all samples within three seasons and the tolerance
  std::array<size_t, 3> season_cursor_ = {0, 0, 0};
  SlidingWindow values_;
  SlidingWindow means_;
  SampleQueue level_values_;
  std::deque<double> level_guard_;  // residuals of the level not learnt yet
  SlidingWindow short_residuals_;
  std::array<History, kChannelCount> histories_;
  struct Peak {
    size_t index;
    double time;
    double raw;
  };
  std::deque<Peak> peaks_;     // falling raw scores within the refractory period
  std::deque<double> alarms_;  // heights of what stood out before
  Stillness stillness_;
  Silence silence_;
  SlowChange slow_;
  size_t index_ = 0;
  double first_time_ = 0;
};

/// One point a sample, each from the samples before it and itself.
std::vector<EnsemblePoint> ScoreStreaming(std::span<const double> times,
                                          std::span<const double> values,
                                          const EnsembleOptions& options = {});

/// As above, but the begin, from which a stream only learns, is judged by what follows it.
std::vector<EnsemblePoint> ScoreBatch(std::span<const double> times, std::span<const double> values,
                                      const EnsembleOptions& options = {});

}  // namespace opsmesh::analytics
