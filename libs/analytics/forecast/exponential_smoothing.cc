#include "libs/analytics/forecast/exponential_smoothing.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "libs/analytics/forecast/smoothing_states.h"

namespace opsmesh::analytics::forecast {
namespace {

constexpr size_t kLeast = 10;
// Trials of a round of the search, side by side.
constexpr size_t kTrials = 8;
constexpr int kMaxRounds = 60;
constexpr int kMaxTurns = 6;
constexpr double kFinestStep = 2e-4;
constexpr double kLeastDamping = 0.8, kMostDamping = 0.98;

// In the unit cube, so that every point is admissible: the root of alpha, beta / alpha, the root of
// gamma / (1 - alpha), damping. Roots, because small rates differ as much as large ones.
constexpr size_t kDimensions = 4;
using Point = std::array<double, kDimensions>;

Rates RatesAt(const Point& p, const SmoothingForm& form) {
  Rates r;
  r.alpha = std::clamp(p[0] * p[0], 1e-4, 0.9999);
  if (form.trend != TrendForm::kNone) {
    r.beta = p[1] * r.alpha;
    r.phi = form.trend == TrendForm::kDamped ? kLeastDamping + (kMostDamping - kLeastDamping) * p[3]
                                             : 1;
  }
  if (form.period >= 2) r.gamma = p[2] * p[2] * (1 - r.alpha);
  return r;
}

// What a pass of all trials works on; `season` is period x trials.
struct Pass {
  std::span<const double> y;
  const Rates* rates;
  const States* initial;
  double* season;
  double* loss;
};

template <size_t kLanes>
__attribute__((always_inline)) inline void RunPass(const Pass& pass) {
  typedef double Vector __attribute__((vector_size(kLanes * sizeof(double)), aligned(8)));
  constexpr size_t kVectors = kTrials / kLanes;
  const size_t m = pass.initial->season.size();
  for (size_t p = 0; p < m; ++p)
    std::fill_n(pass.season + p * kTrials, kTrials, pass.initial->season[p]);
  Vector level[kVectors], trend[kVectors], alpha[kVectors], beta[kVectors], gamma[kVectors],
      phi[kVectors], loss[kVectors];
  for (size_t v = 0; v < kVectors; ++v) {
    for (size_t l = 0; l < kLanes; ++l) {
      const Rates& r = pass.rates[v * kLanes + l];
      level[v][l] = pass.initial->level;
      trend[v][l] = pass.initial->trend;
      alpha[v][l] = r.alpha;
      beta[v][l] = r.beta;
      gamma[v][l] = r.gamma;
      phi[v][l] = r.phi;
      loss[v][l] = 0;
    }
  }
  size_t phase = 0;
  for (const double y : pass.y) {
    Vector* season = reinterpret_cast<Vector*>(pass.season + phase * kTrials);
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const Vector slope = phi[v] * trend[v];
      const Vector base = level[v] + slope;
      const Vector error = y - (base + season[v]);
      level[v] = base + alpha[v] * error;
      trend[v] = slope + beta[v] * error;
      season[v] += gamma[v] * error;
      loss[v] += error * error;
    }
    if (++phase == m) phase = 0;
  }
  for (size_t v = 0; v < kVectors; ++v) {
    for (size_t l = 0; l < kLanes; ++l) pass.loss[v * kLanes + l] = loss[v][l];
  }
}

void RunPassAny(const Pass& pass) { RunPass<2>(pass); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) void RunPassAvx2(const Pass& pass) { RunPass<4>(pass); }
#endif

class Search {
 public:
  Search(std::span<const double> y, const SmoothingForm& form, const States& initial)
      : y_(y), form_(form), initial_(initial), season_(initial.season.size() * kTrials) {
    const bool trend = form.trend != TrendForm::kNone;
    dimensions_.push_back(0);
    if (trend) dimensions_.push_back(1);
    if (form.period >= 2) dimensions_.push_back(2);
    if (form.trend == TrendForm::kDamped) dimensions_.push_back(3);
  }

  // The error has more than one valley: from the best of each group of starts, the best of all.
  Point Run() {
    Point best{};
    double least = INFINITY;
    for (const double beta : {0.05, 0.5, 0.98}) {
      std::array<Point, kTrials> starts;
      for (size_t k = 0; k < kTrials; ++k) {
        static constexpr double kAlphas[] = {0.06, 0.25, 0.5, 0.85};
        starts[k] = {kAlphas[k % 4], beta, k < 4 ? 0.03 : 0.4, 0.9};
      }
      least_ = INFINITY;
      Move(starts);
      Descend();
      if (least_ < least) {
        least = least_;
        best = best_;
      }
      if (form_.trend == TrendForm::kNone) break;
    }
    return best;
  }

  // The valley that `from` lies in, with the initial states as they are now.
  Point RunFrom(const Point& from) {
    std::array<Point, kTrials> starts;
    starts.fill(from);
    least_ = INFINITY;
    Move(starts);
    Descend(0.25);
    return best_;
  }

  double least() const { return least_; }

 private:
  void Descend(double scale = 1) {
    std::array<Point, kTrials> trials;
    Point step = {0.1 * scale, 0.2 * scale, 0.1 * scale, 0.3 * scale};
    Point last{};  // the last move that helped
    for (int round = 0; round < kMaxRounds && step[0] > kFinestStep; ++round) {
      size_t k = 0;
      for (const size_t d : dimensions_) {
        for (const double direction : {1.0, -1.0}) {
          trials[k] = best_;
          trials[k][d] = std::clamp(best_[d] + direction * step[d], 0.0, 1.0);
          ++k;
        }
      }
      // Trials to spare go further along the way that helped last, or take smaller steps.
      for (double factor = 1; k < kTrials; ++k, factor *= 2) {
        trials[k] = best_;
        for (const size_t d : dimensions_)
          trials[k][d] = std::clamp(best_[d] + factor * last[d], 0.0, 1.0);
      }
      const Point before = best_;
      if (Move(trials)) {
        for (size_t d = 0; d < kDimensions; ++d) last[d] = best_[d] - before[d];
      } else {
        for (double& s : step) s /= 2;
        for (double& l : last) l /= 2;
      }
    }
  }

  // Takes the best of the trials when it is better than the best so far.
  bool Move(const std::array<Point, kTrials>& trials) {
    std::array<Rates, kTrials> rates;
    for (size_t k = 0; k < kTrials; ++k) rates[k] = RatesAt(trials[k], form_);
    std::array<double, kTrials> loss;
    const Pass pass{y_, rates.data(), &initial_, season_.data(), loss.data()};
#if defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx2");
    wide ? RunPassAvx2(pass) : RunPassAny(pass);
#else
    RunPassAny(pass);
#endif
    const auto least =
        static_cast<size_t>(std::min_element(loss.begin(), loss.end()) - loss.begin());
    if (!(loss[least] < least_)) return false;
    const bool clearly = loss[least] < least_ * (1 - 1e-9);
    least_ = loss[least];
    best_ = trials[least];
    return clearly;
  }

  const std::span<const double> y_;
  const SmoothingForm form_;
  const States& initial_;
  std::vector<double> season_;
  std::vector<size_t> dimensions_;
  Point best_{};
  double least_ = INFINITY;
};

}  // namespace

void SmoothingFit::Advance(double value) {
  const double slope = phi * trend, base = level + slope;
  const double error = value - (base + (season.empty() ? 0 : season[phase]));
  level = base + alpha * error;
  trend = slope + beta * error;
  if (season.empty()) return;
  season[phase] += gamma * error;
  if (++phase == season.size()) phase = 0;
}

std::vector<double> SmoothingFit::Forecast(size_t horizon) const {
  std::vector<double> path(horizon);
  double ahead = level, slope = trend;
  for (size_t h = 0; h < horizon; ++h) {
    slope *= phi;
    ahead += slope;
    path[h] = ahead + (season.empty() ? 0 : season[(phase + h) % season.size()]);
  }
  return path;
}

std::optional<SmoothingFit> FitSmoothing(std::span<const double> values,
                                         const SmoothingForm& form) {
  const size_t n = values.size();
  const bool seasonal = form.period >= 2;
  if (n < kLeast || (seasonal && n < 2 * form.period + 2)) return std::nullopt;
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
    return std::nullopt;
  States states = InitialStates(values, form);
  Search search(values, form, states);
  Point best = search.Run();
  // Rates and initial states in turn, until neither helps.
  double least = INFINITY;
  for (int turn = 0; turn < kMaxTurns; ++turn) {
    ImproveStates(values, RatesAt(best, form), form, states);
    best = search.RunFrom(best);
    if (!(search.least() < least * (1 - 1e-4))) break;
    least = search.least();
  }
  const Rates rates = RatesAt(best, form);
  SmoothingFit fit{.form = form,
                   .alpha = rates.alpha,
                   .beta = rates.beta,
                   .gamma = rates.gamma,
                   .phi = rates.phi};
  fit.squared_error = PlainPass(values, n, rates, states, nullptr);
  fit.level = states.level;
  fit.trend = states.trend;
  if (seasonal) {
    fit.season = std::move(states.season);
    fit.phase = n % form.period;
  }
  const double trend_parameters = form.trend == TrendForm::kNone     ? 0
                                  : form.trend == TrendForm::kDamped ? 3
                                                                     : 2;
  // Smoothing parameters, initial states, and the variance.
  const double k = 3 + trend_parameters + (seasonal ? static_cast<double>(form.period) : 0);
  const double count = static_cast<double>(n);
  const double freedom = std::max(1.0, count - k - 1);
  fit.aicc = count * std::log(std::max(fit.squared_error, 1e-300) / count) + 2 * k +
             2 * k * (k + 1) / freedom;
  return fit;
}

std::optional<SmoothingFit> FitBestSmoothing(std::span<const double> values, size_t period) {
  std::optional<SmoothingFit> best;
  for (const size_t season : {size_t{0}, period}) {
    for (const TrendForm trend : {TrendForm::kNone, TrendForm::kAdditive, TrendForm::kDamped}) {
      std::optional<SmoothingFit> fit = FitSmoothing(values, {.period = season, .trend = trend});
      if (fit && (!best || fit->aicc < best->aicc)) best = std::move(fit);
    }
    if (period < 2) break;
  }
  return best;
}

}  // namespace opsmesh::analytics::forecast
