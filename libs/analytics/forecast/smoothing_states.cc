#include "libs/analytics/forecast/smoothing_states.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics::forecast {
namespace {

// Cycles the initial season is taken from, and points of the line through the trend.
constexpr size_t kInitialCycles = 5;
constexpr size_t kInitialPoints = 10;

// Mean of a whole cycle around sample i (half weights at the ends of an even one).
double CentredMean(std::span<const double> y, size_t i, size_t m) {
  const size_t half = m / 2;
  double sum = 0;
  for (size_t k = i - half; k <= i + half; ++k) sum += y[k];
  if (m % 2 == 0) sum -= 0.5 * (y[i - half] + y[i + half]);
  return sum / static_cast<double>(m);
}

// The season of the first cycles, of mean 0; what is left of them without it is appended to
// `trend`.
std::vector<double> InitialSeason(std::span<const double> y, size_t m, std::vector<double>& trend) {
  const size_t half = m / 2;
  const size_t count = std::min(y.size(), kInitialCycles * m);
  std::vector<double> around(count, 0);
  for (size_t i = half; i + half < count; ++i) around[i] = CentredMean(y, i, m);
  std::vector<double> season(m, 0);
  double mean = 0;
  for (size_t phase = 0; phase < m; ++phase) {
    double sum = 0, seen = 0;
    for (size_t i = phase; i + half < count; i += m) {
      if (i < half) continue;
      sum += y[i] - around[i];
      seen += 1;
    }
    season[phase] = seen > 0 ? sum / seen : 0;
    mean += season[phase] / static_cast<double>(m);
  }
  for (double& v : season) v -= mean;
  for (size_t i = half; i + half < count && trend.size() < kInitialPoints; ++i)
    trend.push_back(around[i]);
  return season;
}

// The transpose of the linear map from initial states to errors: the steps backwards.
void BackwardPass(std::span<const double> errors, const Rates& r, bool trend, bool seasonal,
                  std::vector<double>& out) {
  const size_t m = out.size() - 2;
  std::fill(out.begin(), out.end(), 0);
  double level = 0, slope = 0;
  double* const season = out.data() + 2;
  size_t phase = errors.size() % m;
  for (size_t i = errors.size(); i-- > 0;) {
    phase = phase == 0 ? m - 1 : phase - 1;
    const double e = errors[i] + r.alpha * level + r.beta * slope + r.gamma * season[phase];
    season[phase] -= e;
    level -= e;
    slope = r.phi * (slope + level);
  }
  out[0] = level;
  out[1] = trend ? slope : 0;
  if (!seasonal) season[0] = 0;
}

}  // namespace

States InitialStates(std::span<const double> y, const SmoothingForm& form) {
  States s;
  std::vector<double> trend;
  if (form.period < 2) {
    s.season = {0};
    trend.assign(y.begin(), y.begin() + static_cast<ptrdiff_t>(kInitialPoints));
  } else {
    s.season = InitialSeason(y, form.period, trend);
  }
  // A line through the first points of the trend, at 1, 2, ...
  const double n = static_cast<double>(trend.size());
  double mean = 0, slope = 0, spread = 0;
  for (const double v : trend) mean += v / n;
  for (size_t i = 0; i < trend.size(); ++i) {
    const double x = static_cast<double>(i + 1) - (n + 1) / 2;
    slope += x * (trend[i] - mean);
    spread += x * x;
  }
  slope = spread > 0 ? slope / spread : 0;
  s.level = form.trend == TrendForm::kNone ? mean : mean - slope * (n + 1) / 2;
  s.trend = form.trend == TrendForm::kNone ? 0 : slope;
  return s;
}

double PlainPass(std::span<const double> y, size_t count, const Rates& r, States& s,
                 double* errors) {
  double loss = 0;
  size_t phase = 0;
  for (size_t i = 0; i < count; ++i) {
    const double slope = r.phi * s.trend, base = s.level + slope;
    const double error = (y.empty() ? 0 : y[i]) - (base + s.season[phase]);
    s.level = base + r.alpha * error;
    s.trend = slope + r.beta * error;
    s.season[phase] += r.gamma * error;
    loss += error * error;
    if (errors != nullptr) errors[i] = error;
    if (++phase == s.season.size()) phase = 0;
  }
  return loss;
}

void ImproveStates(std::span<const double> y, const Rates& r, const SmoothingForm& form,
                   States& initial) {
  constexpr int kSteps = 40;
  const size_t n = y.size(), m = initial.season.size(), size = m + 2;
  const bool trend = form.trend != TrendForm::kNone, seasonal = form.period >= 2;
  std::vector<double> residual(n), image(n), gradient(size), direction(size);
  States work = initial;
  PlainPass(y, n, r, work, residual.data());
  for (double& e : residual) e = -e;  // what the change of the states must bring about
  BackwardPass(residual, r, trend, seasonal, gradient);
  direction = gradient;
  const auto squares = [](const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x * x;
    return sum;
  };
  double steepness = squares(gradient);
  const double enough = 1e-10 * steepness;
  for (int step = 0; step < kSteps && steepness > enough && std::isfinite(steepness); ++step) {
    work.level = direction[0];
    work.trend = direction[1];
    std::copy(direction.begin() + 2, direction.end(), work.season.begin());
    PlainPass({}, n, r, work, image.data());
    const double length = squares(image);
    if (!(length > 0)) break;
    const double by = steepness / length;
    initial.level += by * direction[0];
    initial.trend += by * direction[1];
    for (size_t k = 0; k < m; ++k) initial.season[k] += by * direction[k + 2];
    for (size_t i = 0; i < n; ++i) residual[i] -= by * image[i];
    BackwardPass(residual, r, trend, seasonal, gradient);
    const double now = squares(gradient);
    for (size_t k = 0; k < size; ++k) direction[k] = gradient[k] + now / steepness * direction[k];
    steepness = now;
  }
}

}  // namespace opsmesh::analytics::forecast
