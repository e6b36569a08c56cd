#include "libs/analytics/detect/shape_methods.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "libs/analytics/changepoint/bocpd.h"
#include "libs/analytics/changepoint/pelt.h"
#include "libs/analytics/detect/dbscan.h"
#include "libs/analytics/detect/isolation_forest.h"
#include "libs/analytics/detect/matrix_profile.h"
#include "libs/analytics/detect/point_scores.h"
#include "libs/analytics/detect/spectral_residual.h"
#include "libs/analytics/detect/stl.h"
#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

// Usual limits, calibrated to 0.65.
constexpr double kForestUsual = 0.45, kForestLimit = 0.65;
constexpr double kRemainderLimit = 4;
constexpr double kSaliencyLimit = 8;
constexpr double kProfileLimit = 4;
constexpr double kMadToSigma = 1.4826;
constexpr size_t kFeatureWindow = 5;
constexpr size_t kMinBlock = 100;
constexpr size_t kLeast = 30;
constexpr size_t kPeltLearning = 100;
// n^2 methods judge the last samples of longer series only.
constexpr size_t kMaxQuadratic = 16384;

// The finite samples, close together; where each came from.
struct Finite {
  std::vector<double> times, values;
  std::vector<size_t> index;
};

Finite Compact(std::span<const double> times, std::span<const double> values) {
  Finite f;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    f.times.push_back(times[i]);
    f.values.push_back(values[i]);
    f.index.push_back(i);
  }
  return f;
}

// Of the first samples only for a stream, whose scores must not depend on what follows.
double Step(const std::vector<double>& times, bool streaming) {
  std::vector<double> steps;
  for (size_t i = 1; i < (streaming ? std::min(times.size(), kLeast) : times.size()); ++i) {
    if (times[i] > times[i - 1]) steps.push_back(times[i] - times[i - 1]);
  }
  return steps.empty() ? 60 : Median(steps);
}

// Samples of a season: as asked, a day when two days are there, else what the series repeats.
size_t Period(const Finite& f, const MethodOptions& options) {
  const double step = Step(f.times, options.streaming);
  const auto samples = [&](double seconds) {
    return static_cast<size_t>(std::lround(seconds / step));
  };
  if (options.season_seconds > 0) return samples(options.season_seconds);
  const size_t day = samples(86400);
  if (options.streaming || (day >= 4 && f.values.size() >= 2 * day + 2)) return day;
  return DominantPeriod(f.values);
}

// Deviations of `values` from their median in scaled MADs with a floor.
std::vector<double> RobustDistances(const std::vector<double>& values) {
  std::vector<double> scratch = values;
  const double median = Quantile(scratch, 0.5);
  double squares = 0;
  for (double& v : scratch) {
    squares += (v - median) * (v - median);
    v = std::abs(v - median);
  }
  const double spread =
      std::max({kMadToSigma * Quantile(scratch, 0.5),
                0.1 * std::sqrt(squares / static_cast<double>(values.size())), 1e-12});
  std::vector<double> distances(values.size());
  for (size_t i = 0; i < values.size(); ++i) distances[i] = std::abs(values[i] - median) / spread;
  return distances;
}

MethodScores Spread(const Finite& f, size_t n, const std::vector<double>& scores) {
  MethodScores result;
  result.scores.assign(n, 0);
  for (size_t k = 0; k < f.index.size(); ++k)
    result.scores[f.index[k]] = std::isfinite(scores[k]) ? scores[k] : 0;
  return result;
}

// Ends of blocks at which a model is fitted anew to all samples before.
std::vector<size_t> Refits(size_t n) {
  std::vector<size_t> ends = {std::min(n, 2 * kMinBlock)};
  while (ends.back() < n)
    ends.push_back(std::min(n, ends.back() + std::max(kMinBlock, ends.back() / 10)));
  return ends;
}

std::vector<double> ForestScores(const Finite& f, const MethodOptions& options) {
  const auto d = static_cast<size_t>(options.feature_count);
  const std::vector<double> features = PointFeatures(f.values, options.feature_count);
  const size_t n = f.values.size();
  const auto calibrate = [](double s) {
    return CalibratedScore(s - kForestUsual, kForestLimit - kForestUsual);
  };
  std::vector<double> scores(n, 0);
  if (!options.streaming) {
    const IsolationForest forest(features, d, {.trees = 100, .samples = 256, .seed = options.seed});
    const std::vector<double> raw = forest.Score(features);
    std::transform(raw.begin(), raw.end(), scores.begin(), calibrate);
    return scores;
  }
  const std::vector<size_t> ends = Refits(n);
  for (size_t b = 0; b + 1 < ends.size(); ++b) {
    const std::span<const double> past(features.data(), ends[b] * d);
    const IsolationForest forest(past, d, {.trees = 100, .samples = 256, .seed = options.seed});
    const std::vector<double> raw =
        forest.Score({features.data() + ends[b] * d, (ends[b + 1] - ends[b]) * d});
    std::transform(raw.begin(), raw.end(), scores.begin() + static_cast<std::ptrdiff_t>(ends[b]),
                   calibrate);
  }
  return scores;
}

// Batch: DBSCAN's own labels. Stream: a sample is noise when no dense place of the past is within
// the radius.
std::vector<double> DbscanScores(const Finite& f, const MethodOptions& options,
                                 std::vector<int>* labels) {
  const auto d = static_cast<size_t>(options.feature_count);
  std::vector<double> features = PointFeatures(f.values, options.feature_count);
  const size_t n = f.values.size();
  const auto least = static_cast<size_t>(options.dbscan_min_samples);
  const auto standardise = [&](std::span<double> rows, size_t fit) {
    for (size_t c = 0; c < d; ++c) {
      double mean = 0, squares = 0;
      for (size_t i = 0; i < fit; ++i) mean += rows[i * d + c];
      mean /= static_cast<double>(fit);
      for (size_t i = 0; i < fit; ++i) squares += std::pow(rows[i * d + c] - mean, 2);
      const double sigma = std::sqrt(squares / static_cast<double>(fit)) + 1e-9;
      for (size_t i = 0; i * d < rows.size(); ++i)
        rows[i * d + c] = (rows[i * d + c] - mean) / sigma;
    }
  };
  std::vector<double> scores(n, 0);
  if (!options.streaming) {
    standardise(features, n);
    *labels = Dbscan(features, d, options.dbscan_eps, least);
    for (size_t i = 0; i < n; ++i) scores[i] = (*labels)[i] < 0 ? 1 : 0;
    return scores;
  }
  labels->assign(n, 0);
  const std::vector<size_t> ends = Refits(n);
  for (size_t b = 0; b + 1 < ends.size(); ++b) {
    // The past decides the scale and where it is dense; the block's samples are looked up one by
    // one.
    std::vector<double> rows(features.begin(),
                             features.begin() + static_cast<std::ptrdiff_t>(ends[b + 1] * d));
    standardise(rows, ends[b]);
    const std::vector<int> past = Dbscan({rows.data(), ends[b] * d}, d, options.dbscan_eps, least);
    for (size_t i = ends[b]; i < ends[b + 1]; ++i) {
      int label = -1;
      for (size_t j = 0; j < ends[b] && label < 0; ++j) {
        if (past[j] < 0) continue;
        double sum = 0;
        for (size_t c = 0; c < d; ++c) sum += std::pow(rows[i * d + c] - rows[j * d + c], 2);
        if (sum <= options.dbscan_eps * options.dbscan_eps) label = past[j];
      }
      (*labels)[i] = label;
      scores[i] = label < 0 ? 1 : 0;
    }
  }
  return scores;
}

// Remainder of STL; in a stream the season and level of the last fit carry on.
std::vector<double> Remainders(const Finite& f, size_t period, bool streaming,
                               std::vector<double>* expected) {
  const size_t n = f.values.size();
  std::vector<double> remainder(n, 0);
  *expected = f.values;
  if (!streaming) {
    const StlResult stl = Stl(f.values, {.period = period, .outer_passes = 5});
    for (size_t i = 0; i < n; ++i) (*expected)[i] = stl.season[i] + stl.trend[i];
    return stl.remainder;
  }
  size_t at = 2 * period;
  while (at < n) {
    const size_t to = std::min(n, at + std::max(period / 4, kMinBlock));
    const StlResult stl = Stl({f.values.data(), at}, {.period = period, .outer_passes = 2});
    for (size_t i = at; i < to; ++i) {
      (*expected)[i] = stl.season[at - period + (i - at) % period] + stl.trend[at - 1];
      remainder[i] = f.values[i] - (*expected)[i];
    }
    at = to;
  }
  return remainder;
}

MethodScores Seasonal(Method method, const Finite& f, size_t n, const MethodOptions& options) {
  const size_t period = Period(f, options);
  MethodScores result;
  if (period < 2 || f.values.size() < 2 * period + 2) {
    result.scores.assign(n, 0);
    result.not_judged = fmt::format("no season that is seen twice in {} points", f.values.size());
    return result;
  }
  std::vector<double> expected;
  std::vector<double> remainder = Remainders(f, period, options.streaming, &expected);
  std::vector<double> scores;
  if (options.streaming) {
    const size_t begin = std::min(remainder.size(), 2 * period);
    const PointDistances d =
        RobustZScores({remainder.data() + begin, remainder.size() - begin}, true);
    scores.assign(begin, 0);
    for (const double z : d.distance) scores.push_back(CalibratedScore(z, kRemainderLimit));
  } else if (method == Method::kStl) {
    scores = RobustDistances(remainder);
    for (double& s : scores) s = CalibratedScore(s, kRemainderLimit);
  } else {
    const std::vector<double> distances = RobustDistances(remainder);
    const double limit = EsdCriticalValue(remainder.size(), 0, 0.05);
    for (const double d : distances) scores.push_back(std::min(0.64, CalibratedScore(d, limit)));
    for (const size_t i : EsdOutliers(remainder))
      scores[i] = std::max(0.65, CalibratedScore(distances[i], limit));
  }
  result = Spread(f, n, scores);
  result.expected.assign(n, 0);
  for (size_t k = 0; k < f.index.size(); ++k) result.expected[f.index[k]] = expected[k];
  result.parameters = fmt::format("season of {} samples", period);
  return result;
}

MethodScores Profile(const Finite& f, size_t n, const MethodOptions& options) {
  const bool too_long = f.values.size() > kMaxQuadratic;
  if (too_long && options.streaming) {
    MethodScores none;
    none.scores.assign(n, 0);
    none.not_judged =
        fmt::format("{} points are more than {}; use BATCH, which judges the last ones",
                    f.values.size(), kMaxQuadratic);
    return none;
  }
  const size_t from = too_long ? f.values.size() - kMaxQuadratic : 0;
  const std::span<const double> values(f.values.data() + from, f.values.size() - from);
  const auto hour = static_cast<size_t>(std::lround(3600 / Step(f.times, options.streaming)));
  const size_t window =
      std::clamp<size_t>(hour, 4, options.streaming ? 60 : std::max<size_t>(4, values.size() / 8));
  std::vector<double> scores(f.values.size(), 0);
  // Shape and values (Sub-KNN, third neighbour) are two opinions; the stronger counts.
  for (const bool shape : {true, false}) {
    std::vector<double> profile = MatrixProfile(values, {.window = window,
                                                         .past_only = options.streaming,
                                                         .normalise = shape,
                                                         .neighbour = shape ? 1U : 3U});
    if (profile.empty()) continue;
    std::vector<double> distance(profile.size(), 0);
    if (options.streaming) {
      distance = RobustZScores(profile, true).distance;
    } else {
      for (double& p : profile) p = std::isfinite(p) ? p : 0;
      const double median = Median(profile);
      distance = RobustDistances(profile);
      for (size_t i = 0; i < distance.size(); ++i)
        distance[i] = profile[i] > median ? distance[i] : 0;
    }
    for (size_t i = 0; i < distance.size(); ++i) {
      // A stream knows a stretch at its end; a batch blames its middle.
      const size_t at = from + i + (options.streaming ? window - 1 : window / 2);
      scores[at] = std::max(scores[at], CalibratedScore(distance[i], kProfileLimit));
    }
  }
  MethodScores result = Spread(f, n, scores);
  result.parameters = fmt::format(
      "stretches of {} samples; shape to the nearest, values to the third nearest", window);
  return result;
}

MethodScores Changes(Method method, const Finite& f, size_t n, const MethodOptions& options) {
  std::vector<double> scores(f.values.size(), 0);
  std::vector<size_t> points;
  std::string parameters;
  if (method == Method::kBocpd) {
    const BocpdResult bocpd = Bocpd(f.values, 1);
    scores = bocpd.recent_change;
    points = bocpd.change_points;
    parameters = "hazard 1/250, Normal-Gamma; score = chance of a change within the last 3 samples";
  } else {
    // A stream takes its penalty from its learning time.
    const std::span<const double> learning(f.values.data(),
                                           std::min(f.values.size(), kPeltLearning));
    const PeltResult pelt =
        Pelt(f.values, {.penalty = options.streaming ? PeltPenalty(learning) : 0});
    for (const MeanChange& change : pelt.changes) {
      points.push_back(change.index);
      if (!options.streaming) scores[change.index] = CalibratedScore(change.gain, 1);
    }
    for (size_t i = kPeltLearning; options.streaming && i < f.values.size(); ++i) {
      // A stream notices a change when the best cut of what it has seen gets a new last stretch.
      const size_t begin = pelt.last_begin[i];
      if (begin != pelt.last_begin[i - 1] && begin > 0 && i - begin < 10) scores[i] = 0.65;
    }
    parameters = fmt::format("penalty {:.4g}", pelt.penalty);
  }
  MethodScores result = Spread(f, n, scores);
  for (const size_t p : points) result.change_points.push_back(static_cast<int>(f.index[p]));
  result.parameters = std::move(parameters);
  return result;
}

}  // namespace

std::vector<double> PointFeatures(std::span<const double> values, int count) {
  if (count == 1) return {values.begin(), values.end()};
  std::vector<double> features(values.size() * 4);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t from = i + 1 < kFeatureWindow ? 0 : i + 1 - kFeatureWindow;
    const double n = static_cast<double>(i - from + 1);
    double mean = 0, squares = 0;
    for (size_t k = from; k <= i; ++k) mean += values[k];
    mean /= n;
    for (size_t k = from; k <= i; ++k) squares += (values[k] - mean) * (values[k] - mean);
    double* row = features.data() + 4 * i;
    row[0] = values[i];
    row[1] = i == 0 ? 0 : values[i] - values[i - 1];
    row[2] = mean;
    row[3] = n < 2 ? 0 : std::sqrt(squares / (n - 1));
  }
  return features;
}

MethodScores RunShapeMethod(Method method, std::span<const double> times,
                            std::span<const double> values, const MethodOptions& options) {
  const size_t n = values.size();
  const Finite f = Compact(times, values);
  MethodScores result;
  if (f.values.size() < kLeast) {
    result.scores.assign(n, 0);
    result.not_judged = fmt::format("insufficient data: {} usable points of {}, {} are needed",
                                    f.values.size(), n, kLeast);
    return result;
  }
  switch (method) {
    case Method::kIsolationForest:
      result = Spread(f, n, ForestScores(f, options));
      result.parameters = fmt::format("100 trees of 256 samples, {} features, seed {}; limit {}",
                                      options.feature_count, options.seed, kForestLimit);
      return result;
    case Method::kDbscan: {
      std::vector<int> labels;
      result = Spread(f, n, DbscanScores(f, options, &labels));
      result.labels.assign(n, -1);
      for (size_t k = 0; k < f.index.size(); ++k) result.labels[f.index[k]] = labels[k];
      result.parameters =
          fmt::format("eps {} standard deviations, min_samples {}, {} features", options.dbscan_eps,
                      options.dbscan_min_samples, options.feature_count);
      return result;
    }
    case Method::kStl:
    case Method::kSeasonalEsd:
      return Seasonal(method, f, n, options);
    case Method::kSpectralResidual: {
      std::vector<double> saliency =
          options.streaming ? SpectralResidualStreaming(f.values) : SpectralResidual(f.values);
      saliency =
          options.streaming ? RobustZScores(saliency, true).distance : RobustDistances(saliency);
      for (double& s : saliency) s = CalibratedScore(s, kSaliencyLimit);
      result = Spread(f, n, saliency);
      result.parameters = "limit: saliency 8 scaled median absolute deviations from its median";
      return result;
    }
    case Method::kMatrixProfile:
      return Profile(f, n, options);
    case Method::kBocpd:
    case Method::kPelt:
      return Changes(method, f, n, options);
    default:
      break;
  }
  result.scores.assign(n, 0);
  return result;
}

}  // namespace opsmesh::analytics
