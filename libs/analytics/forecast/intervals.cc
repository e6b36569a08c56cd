#include "libs/analytics/forecast/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace opsmesh::analytics::forecast {
namespace {

// Errors grow with the level, but less than in proportion: they are compared after division by
// (level + mean level)^0.25.
constexpr double kLevelPower = 0.25;
constexpr size_t kBuckets = 6;
// Weight of an origin's errors against those of the next later one: what is forecast changes, so
// late errors say more (Barber et al., "Conformal prediction beyond exchangeability", 2023).
constexpr double kOriginDecay = 0.9;
// Upper and lower quantile come from few and overlapping origins: how skew the errors are is hard
// to tell. A third of each end is the quantile of all absolute errors.
constexpr double kSymmetry = 0.3;
// The far quantiles of few errors are too small: they are taken a fifth further out ...
constexpr double kTail = 0.8;

// ... and the result is widened, the more so the further out it lies, because the weights of the
// models were chosen on the same errors: 1.1 at 80 %, 1.5 at 95 %.
double Widen(double level) { return std::clamp(1.1 + (level - 0.8) / 0.36, 1.0, 1.7); }

class Normaliser {
 public:
  explicit Normaliser(const History& history) {
    double sum = 0;
    for (const double v : history.values) sum += std::abs(v);
    floor_ = sum / static_cast<double>(history.values.size()) + 1e-12;
    negative_ = *std::min_element(history.values.begin(), history.values.end()) < 0;
  }
  double operator()(double level) const {
    return negative_ ? 1 : std::pow(std::max(level, 0.0) + floor_, kLevelPower);
  }
  bool never_negative() const { return !negative_; }

 private:
  double floor_;
  bool negative_;
};

// An error and its weight.
struct Weighted {
  double error;
  double weight;
};

// Value below which `share` of the weight lies. Sorts `errors`.
double WeightedQuantile(std::vector<Weighted>& errors, double share) {
  std::sort(errors.begin(), errors.end(),
            [](const Weighted& a, const Weighted& b) { return a.error < b.error; });
  double total = 0;
  for (const Weighted& e : errors) total += e.weight;
  double below = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    const double middle = below + errors[i].weight / 2;
    if (middle >= share * total) {
      if (i == 0) return errors[0].error;
      const double before = below - errors[i - 1].weight / 2;
      const double part = (share * total - before) / (middle - before);
      return errors[i - 1].error + part * (errors[i].error - errors[i - 1].error);
    }
    below += errors[i].weight;
  }
  return errors.back().error;
}

// Normalised errors of a bucket and half a bucket on both sides, leaving out the origin `without`.
std::vector<Weighted> ErrorsAround(const Backtest& backtest, const Normaliser& normal,
                                   size_t bucket, size_t width, size_t without) {
  std::vector<Weighted> errors;
  const size_t from = bucket * width > width / 2 ? bucket * width - width / 2 : 0;
  // Errors of neighbouring steps are alike: some of them tell as much as all.
  const size_t stride = std::max<size_t>(1, width / 12);
  double weight = 1;
  for (size_t i = backtest.size(); i-- > 0; weight *= kOriginDecay) {
    if (i == without) continue;
    const BacktestPath& path = backtest[i];
    const size_t to = std::min(path.mean.size(), (bucket + 1) * width + width / 2);
    for (size_t h = from; h < to; h += stride)
      errors.push_back({(path.actual[h] - path.mean[h]) / normal(path.mean[h]), weight});
  }
  return errors;
}

std::vector<Weighted> NaiveErrors(const History& history, const Normaliser& normal) {
  const size_t lag =
      history.season > 0 && history.values.size() >= 2 * history.season ? history.season : 1;
  std::vector<Weighted> errors;
  for (size_t i = lag; i < history.values.size(); ++i) {
    errors.push_back(
        {(history.values[i] - history.values[i - lag]) / normal(history.values[i - lag]), 1});
  }
  return errors;
}

struct Ends {
  double low = 0;   // <= 0
  double high = 0;  // >= 0
};

Ends EndsOf(std::vector<Weighted> errors, double level) {
  const auto n = static_cast<double>(errors.size());
  // The conformal rank: (n + 1) in place of n.
  const double tail = std::max(0.0, kTail * (1 - level) / 2 * (1 + 1 / n) - 0.5 / n);
  const double low = WeightedQuantile(errors, tail);
  const double high = WeightedQuantile(errors, 1 - tail);
  for (Weighted& e : errors) e.error = std::abs(e.error);
  const double either = kSymmetry * WeightedQuantile(errors, 1 - 2 * tail);
  const double widen = Widen(level);
  return {std::min(0.0, widen * ((1 - kSymmetry) * low - either)),
          std::max(0.0, widen * ((1 - kSymmetry) * high + either))};
}

ForecastBand Band(const History& history, const std::vector<double>& mean, const Backtest& backtest,
                  double level, const Normaliser& normal, size_t without) {
  ForecastBand band{.level = level, .lower = {}, .upper = {}};
  const size_t width = std::max<size_t>(1, mean.size() / kBuckets);
  const bool tried = backtest.size() > (without < backtest.size() ? 1u : 0u);
  Ends ends = tried ? Ends{} : EndsOf(NaiveErrors(history, normal), level);
  for (size_t h = 0; h < mean.size(); ++h) {
    if (tried && h % width == 0)
      ends = EndsOf(ErrorsAround(backtest, normal, h / width, width, without), level);
    // Without a back-test an error of one step grows like that of a random walk.
    const double grow = tried || history.season > 0 ? 1 : std::sqrt(static_cast<double>(h + 1));
    const double unit = normal(mean[h]) * grow;
    const double lower = mean[h] + ends.low * unit;
    band.lower.push_back(normal.never_negative() ? std::max(0.0, lower) : lower);
    band.upper.push_back(mean[h] + ends.high * unit);
  }
  return band;
}

constexpr size_t kNone = std::numeric_limits<size_t>::max();

}  // namespace

double NaiveScale(const History& history) {
  const size_t lag =
      history.season > 0 && history.values.size() > history.season ? history.season : 1;
  double sum = 0;
  for (size_t i = lag; i < history.values.size(); ++i)
    sum += std::abs(history.values[i] - history.values[i - lag]);
  return sum / static_cast<double>(history.values.size() - lag) + 1e-12;
}

std::vector<ForecastBand> Intervals(const History& history, const std::vector<double>& mean,
                                    const Backtest& backtest, const std::vector<double>& levels) {
  const Normaliser normal(history);
  std::vector<double> sorted = levels;
  std::sort(sorted.begin(), sorted.end());
  std::vector<ForecastBand> bands;
  for (const double level : sorted)
    bands.push_back(Band(history, mean, backtest, level, normal, kNone));
  return bands;
}

BacktestFigures Measure(const History& history, const Backtest& backtest,
                        const std::vector<double>& levels) {
  BacktestFigures figures;
  figures.origins = backtest.size();
  if (backtest.empty()) return figures;
  const Normaliser normal(history);
  const double scale = NaiveScale(history);
  const double level = levels.empty() ? 0.95 : *std::max_element(levels.begin(), levels.end());
  double count = 0;
  for (size_t i = 0; i < backtest.size(); ++i) {
    const auto& [mean, actual] = backtest[i];
    const ForecastBand band = Band(history, mean, backtest, level, normal, i);
    for (size_t h = 0; h < mean.size(); ++h, ++count) {
      figures.mase += std::abs(actual[h] - mean[h]);
      figures.smape_percent += 200 * std::abs(actual[h] - mean[h]) /
                               std::max(std::abs(actual[h]) + std::abs(mean[h]), 1e-9);
      figures.coverage += actual[h] >= band.lower[h] && actual[h] <= band.upper[h] ? 1 : 0;
      figures.msis +=
          band.upper[h] - band.lower[h] +
          2 / (1 - level) *
              (std::max(0.0, band.lower[h] - actual[h]) + std::max(0.0, actual[h] - band.upper[h]));
    }
  }
  figures.mase /= count * scale;
  figures.smape_percent /= count;
  figures.coverage /= count;
  figures.msis /= count * scale;
  return figures;
}

}  // namespace opsmesh::analytics::forecast
