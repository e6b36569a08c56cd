#include "libs/analytics/detect/ensemble.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace opsmesh::analytics {
namespace {

// Bounds memory and work a sample: 7 days at 30 s.
constexpr size_t kMaxHistory = 20160;
// Windows never shrink below this, whatever their seconds hold.
constexpr size_t kMinWindow = 200;
constexpr size_t kMaxShort = 60;
constexpr size_t kMinShort = 3;
// Spreads (quartiles, as of a normal distribution) a point must be away in some view to count
// fully.
constexpr double kPlain = 5;
constexpr double kFew = 15;
constexpr double kMostSkew = 1.15;
// Distances from the season of which what lies beyond their range says half of what it says beyond
// many: the first hours of the second day tell little about how alike days are.
constexpr double kFewMargin = 50;
constexpr double kFewCounts = 4;
// Share of the range of the values that a view which never moved is taken to reach.
constexpr double kRangeShare = 0.5;
// The sample's own distance from its season is noisier than the hour's: it counts this much less.
constexpr double kSeasonSampleHandicap = 3;
// What a value that stands still, and a silence, can score, of the operating point.
constexpr double kMostStuck = 1.2;
// What stood out at 0.9 of a peak or more is like it; each doubling of such earlier ones takes this
// much off. Lower peaks are not remembered.
constexpr double kAlike = 0.9;
constexpr double kWear = 0.7;
constexpr double kRemembered = 0.8;  // of the operating point
constexpr size_t kMaxAlarms = 512;
// Samples before a running median is trusted.
constexpr size_t kMinMedian = 10;
// Samples after the learning time that a batch's begin is compared with.
constexpr size_t kMirrored = 300;
constexpr double kTiny = 1e-9;
const double kCalibration = -std::log(1 - 0.65);

double Calibrate(double sum, double operating_point) {
  return 1 - std::exp(-kCalibration * sum / operating_point);
}

// How far one end of what was seen lies from its middle; of a view that never moved, what the
// series itself moved.
double Reach(double seen, double least) { return seen > 0 ? seen + kTiny : least + kTiny; }

// What the series itself moved; of a count that was always nought, a few: the first one is news,
// and the less so the shorter it was watched.
double LeastReach(const SortedSamples& seen, double value) {
  const double range = seen.max() - seen.min();
  const bool first_count = range == 0 && seen.max() == 0 && value == std::floor(value);
  return first_count ? kFewCounts : kRangeShare * range;
}

// Logarithms of whole numbers: a sample needs a dozen of them.
double Log10Of(size_t number) {
  static const std::vector<double> table = [] {
    std::vector<double> logs(kMaxHistory + 3);
    for (size_t i = 1; i < logs.size(); ++i) logs[i] = std::log10(static_cast<double>(i));
    return logs;
  }();
  return table[number];
}

using Place = EnsembleDetector::Place;

Place PlaceOf(const SortedSamples& seen, double value) {
  const size_t below = seen.CountBelow(value);
  const bool tied = below < seen.size() && seen.samples()[below] == value;
  return {below, tied ? seen.CountAtMost(value) : below};
}

double MedianOfAtMost3(const double* v, size_t count) {
  if (count == 1) return v[0];
  if (count == 2) return (v[0] + v[1]) / 2;
  return std::max(std::min(v[0], v[1]), std::min(std::max(v[0], v[1]), v[2]));
}

}  // namespace

std::string_view ChannelName(Channel channel) {
  switch (channel) {
    case Channel::kValue:
      return "value";
    case Channel::kStep:
      return "step";
    case Channel::kSeason:
    case Channel::kSeasonSample:
      return "season";
    case Channel::kLevel:
      return "level";
    case Channel::kStuck:
      return "stuck";
    case Channel::kMissing:
      return "missing";
    case Channel::kDrift:
      return "drift";
  }
  return "value";
}

EnsembleDetector::EnsembleDetector(const EnsembleOptions& options) : options_(options) {}

// -log10 of the two-sided empirical tail probability, plus decades of distance beyond the range
// seen, measured in the distance of that end of the range from the median.
double EnsembleDetector::History::TailScore(double value, const Place& place, double margin_weight,
                                            double least_spread) const {
  const SortedSamples& seen = samples.sorted();
  const size_t n = seen.size();
  const auto [below, at_most] = place;
  const size_t side = 2 * (std::min(n - below, at_most) + 1);
  double score = side < n + 1 ? Log10Of(n + 1) - Log10Of(side) : 0;
  if (below == n) {
    const double spread = Reach(seen.max() - seen.median(), least_spread);
    score += margin_weight * std::log10(1 + 3 * (value - seen.max()) / spread);
  } else if (at_most == 0) {
    const double spread = Reach(seen.median() - seen.min(), least_spread);
    score += margin_weight * std::log10(1 + 3 * (seen.min() - value) / spread);
  }
  return score;
}

// The spread is that of the quartiles; where the side the residual lies on reaches further
// (latencies are skew) a little more of it. Few samples tell a spread badly: with fewer the same
// distance says less.
double EnsembleDetector::Distance(const History& history, double residual) {
  const SortedSamples& seen = history.samples.sorted();
  const double median = seen.median();
  const double middle = (seen.at(0.75) - seen.at(0.25)) / 1.349;
  const double side = (residual > median ? seen.at(0.95) - median : median - seen.at(0.05)) / 1.645;
  const double spread =
      side > middle ? std::min(std::sqrt(middle * side), kMostSkew * middle) : middle;
  const double few = 1 + kFew / static_cast<double>(seen.size());
  return spread > 0 ? std::abs(residual - median) / (few * spread) : 2 * kPlain;
}

void EnsembleDetector::History::Learn(double time, double value, const Place& place) {
  if (samples.size() < kMaxHistory) return samples.PushAt(time, value, place.at_most);
  samples.PopFront();
  samples.Push(time, value);
}

template <typename Window>
void EnsembleDetector::Trim(Window& window, double time, double seconds, size_t keep) {
  while (window.size() > keep &&
         (window.front().time < time - seconds || window.size() > kMaxHistory))
    window.PopFront();
}

// Distance from the same time of the last three seasons: of each the value nearest to `value`
// within the tolerance, then their median. Adds to *days how many seasons were found; 0 = none.
double EnsembleDetector::SeasonResidual(double time, double value, double* expected, size_t* days) {
  double found[3];
  size_t count = 0;
  const double tolerance =
      std::min(options_.season_tolerance_seconds, options_.season_seconds / 24);
  for (size_t k = 0; k < 3; ++k) {
    const double centre = time - static_cast<double>(k + 1) * options_.season_seconds;
    size_t& cursor = season_cursor_[k];
    while (cursor < past_.size() && past_[cursor].time < centre - tolerance) ++cursor;
    double best = 0;
    bool any = false;
    for (size_t i = cursor; i < past_.size() && past_[i].time <= centre + tolerance; ++i) {
      if (!any || std::abs(past_[i].value - value) < std::abs(best - value)) best = past_[i].value;
      any = true;
    }
    if (any) found[count++] = best;
  }
  *days = count;
  if (count == 0) return 0;
  *expected = MedianOfAtMost3(found, count);
  return value - *expected;
}

// The score stands only when it is above all raw scores of the refractory period before it.
double EnsembleDetector::Refract(double time, double raw) {
  const auto reach = static_cast<size_t>(options_.refractory_share * static_cast<double>(index_));
  const size_t samples = std::max(options_.refractory_min_samples, reach);
  const auto over = [&](const Peak& peak) {
    const size_t age = index_ - peak.index;
    return age > samples || (age > options_.refractory_min_samples &&
                             peak.time < time - options_.refractory_max_seconds);
  };
  while (!peaks_.empty() && over(peaks_.front())) peaks_.pop_front();
  const bool stands = peaks_.empty() || raw > peaks_.front().raw;
  while (!peaks_.empty() && peaks_.back().raw <= raw) peaks_.pop_back();
  peaks_.push_back({index_, time, raw});
  return stands ? raw : 0;
}

// What is left of a peak when as high ones came before: the more of them, the less it says.
double EnsembleDetector::Familiar(double peak) {
  if (peak < kRemembered * options_.operating_point) return peak;
  const auto alike = std::count_if(alarms_.begin(), alarms_.end(),
                                   [&](double earlier) { return earlier >= kAlike * peak; });
  if (alarms_.size() == kMaxAlarms) alarms_.pop_front();
  alarms_.push_back(peak);
  return peak - kWear * std::log2(1.0 + static_cast<double>(alike));
}

EnsembleDetector::Views EnsembleDetector::Look(double time, double value, double mean,
                                               double median) {
  Views views;
  const auto see = [&views](Channel channel, double residual) {
    views.residual[static_cast<size_t>(channel)] = residual;
    views.present[static_cast<size_t>(channel)] = true;
  };
  see(Channel::kValue, value - median);
  if (!past_.empty()) see(Channel::kStep, value - past_.back().value);
  see(Channel::kLevel, means_.size() >= kMinMedian ? mean - means_.sorted().median() : 0);
  const double season = SeasonResidual(time, value, &views.expected, &views.days);
  if (views.days == 0) return views;
  Trim(short_residuals_, time, options_.short_seconds, kMinShort - 1);
  while (short_residuals_.size() >= kMaxShort) short_residuals_.PopFront();
  short_residuals_.Push(time, season);
  see(Channel::kSeason, short_residuals_.sorted().median());
  see(Channel::kSeasonSample, season);
  return views;
}

void EnsembleDetector::LearnView(size_t channel, double time, double residual, const Place& place) {
  History& history = histories_[channel];
  if (channel != static_cast<size_t>(Channel::kLevel)) {
    history.Learn(time, residual, place);
    return;
  }
  // A mean shares samples with the means just before it: learnt at once, a level that shifts
  // would be known before it is there.
  level_guard_.push_back(residual);
  if (level_guard_.size() <= options_.level_samples) return;
  history.Learn(time, level_guard_.front(),
                PlaceOf(history.samples.sorted(), level_guard_.front()));
  level_guard_.pop_front();
}

double EnsembleDetector::ScoreViews(const Views& views, double time, double least_spread,
                                    EnsemblePoint* point) {
  constexpr auto kSeason = static_cast<size_t>(Channel::kSeason);
  constexpr auto kSeasonSample = static_cast<size_t>(Channel::kSeasonSample);
  std::array<double, kChannelCount> scores{};
  double distance = 0;
  point->learning = true;
  for (size_t c = 0; c < kChannelCount; ++c) {
    if (!views.present[c]) continue;
    const History& history = histories_[c];
    const Place place = PlaceOf(history.samples.sorted(), views.residual[c]);
    if (history.samples.size() >= options_.min_history) {
      const auto count = static_cast<double>(history.samples.size());
      const double known = c == kSeason || c == kSeasonSample ? count / (count + kFewMargin) : 1;
      scores[c] =
          history.TailScore(views.residual[c], place, known * options_.margin_weight, least_spread);
      distance = std::max(distance, Distance(history, views.residual[c]));
      point->learning = false;
    }
    LearnView(c, time, views.residual[c], place);
  }
  // Two views of the season, of which the clearer one counts.
  double& of_season = scores[kSeason];
  double& of_sample = scores[kSeasonSample];
  of_sample = of_sample - kSeasonSampleHandicap > of_season ? of_sample - kSeasonSampleHandicap : 0;
  if (of_sample > 0) of_season = 0;
  point->channel =
      static_cast<Channel>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  return std::accumulate(scores.begin(), scores.end(), 0.0) * std::min(1.0, distance / kPlain);
}

void EnsembleDetector::Keep(double time, double value, double mean, const Place& place) {
  const size_t known = values_.size();
  Trim(values_, time, options_.window_seconds, kMinWindow);
  values_.PushAt(time, value,
                 values_.size() == known ? place.at_most : values_.sorted().CountAtMost(value));
  Trim(means_, time, options_.window_seconds, kMinWindow);
  means_.Push(time, mean);
  past_.push_back({time, value});
}

EnsemblePoint EnsembleDetector::PushMissing(double time, double silence) {
  EnsemblePoint point;
  point.baseline = values_.size() == 0 ? 0 : values_.sorted().median();
  point.channel = Channel::kMissing;
  Finish(time, options_.operating_point * std::min(kMostStuck, silence), &point);
  return point;
}

EnsemblePoint EnsembleDetector::Push(double time, double value) {
  // A hole in the stamps lies between two points and is no point's score; missing values are.
  const double silence = silence_.Push(time, std::isfinite(value));
  if (!std::isfinite(value)) return PushMissing(time, silence);
  if (values_.size() == 0) first_time_ = time;

  while (level_values_.size() >= options_.level_samples) level_values_.PopFront();
  level_values_.Push(time, value);
  const double mean = level_values_.Sum() / static_cast<double>(level_values_.size());
  const bool median_known = values_.size() >= kMinMedian;
  const double median = median_known ? values_.sorted().median() : value;

  EnsemblePoint point;
  const Views views = Look(time, value, mean, median);
  double total =
      ScoreViews(views, time, median_known ? LeastReach(values_.sorted(), value) : 0, &point);
  const Place place = PlaceOf(values_.sorted(), value);
  const double share = values_.size() == 0 ? 1
                                           : static_cast<double>(place.at_most - place.below) /
                                                 static_cast<double>(values_.size());
  if (const double stuck =
          std::min(kMostStuck * options_.operating_point, stillness_.Push(value, share));
      stuck > total) {
    total = stuck;
    point.channel = Channel::kStuck;
  }
  if (point.channel == Channel::kSeason || point.channel == Channel::kSeasonSample) {
    point.baseline = views.expected;
    point.window_seconds = static_cast<double>(views.days) * options_.season_seconds;
  } else {
    point.baseline = median;
    point.window_seconds = std::min(options_.window_seconds, time - first_time_);
  }
  Keep(time, value, mean, place);
  if (const double slow = slow_.Push(time, value); slow > total) {
    total = slow;
    point.channel = Channel::kDrift;
  }
  Finish(time, total, &point);
  return point;
}

void EnsembleDetector::Finish(double time, double total, EnsemblePoint* point) {
  point->raw = Calibrate(total, options_.operating_point);
  point->score = Calibrate(Familiar(Refract(time, total)), options_.operating_point);
  ++index_;
}

std::vector<EnsemblePoint> ScoreStreaming(std::span<const double> times,
                                          std::span<const double> values,
                                          const EnsembleOptions& options) {
  EnsembleDetector detector(options);
  std::vector<EnsemblePoint> points;
  points.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) points.push_back(detector.Push(times[i], values[i]));
  return points;
}

std::vector<EnsemblePoint> ScoreBatch(std::span<const double> times, std::span<const double> values,
                                      const EnsembleOptions& options) {
  std::vector<EnsemblePoint> points = ScoreStreaming(times, values, options);
  const size_t n = points.size();
  // Twice the learning time, at most half of the series: there the mirrored series knows more.
  const size_t begin = std::min(n / 2, 2 * options.min_history);
  if (begin == 0) return points;
  EnsembleDetector mirrored(options);
  std::vector<EnsemblePoint> backward(n);
  for (size_t i = std::min(n, begin + kMirrored); i-- > 0;)
    backward[i] = mirrored.Push(-times[i], values[i]);
  size_t peak = 0;
  for (size_t i = 0; i < begin; ++i) {
    if (!backward[i].learning && backward[i].raw > points[i].raw) points[i] = backward[i];
    points[i].score = 0;
    if (points[i].raw > points[peak].raw) peak = i;
  }
  // One peak at the begin, unless the stream's own next one is within the refractory period and
  // higher.
  bool stands = true;
  for (size_t i = begin; i < std::min(n, peak + options.refractory_min_samples); ++i) {
    stands = stands && points[i].score <= points[peak].raw;
  }
  if (stands) points[peak].score = points[peak].raw;
  return points;
}

}  // namespace opsmesh::analytics
