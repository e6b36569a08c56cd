// Formulas: those of Prometheus 2.42 (documentation "Query functions"; extrapolation as its rate()
// does it), judged against it by the differential test.
#include "libs/kubesim/promql/functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/time/time.h"

namespace opsmesh::kubesim::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// Neumaier's sum.
struct Sum {
  double value = 0;
  double rest = 0;
  void Add(double x) {
    const double total = value + x;
    rest += std::fabs(value) >= std::fabs(x) ? (value - total) + x : (x - total) + value;
    value = total;
  }
  double Total() const { return value + rest; }
  /// Infinite sums have no rest to speak of.
  double Safe() const { return std::isinf(value) ? value : Total(); }
};

bool Extrapolated(const RangeInput& in, bool counter, bool per_second, double* out) {
  const auto& p = in.points;
  if (p.size() < 2) return false;
  double result = p.back().v - p.front().v;
  if (counter) {
    double last = 0;
    for (const Point& point : p) {
      if (point.v < last) result += last;
      last = point.v;
    }
  }
  double to_start = static_cast<double>(p.front().t - in.from) / 1000;
  const double to_end = static_cast<double>(in.to - p.back().t) / 1000;
  const double sampled = static_cast<double>(p.back().t - p.front().t) / 1000;
  const double average = sampled / static_cast<double>(p.size() - 1);
  if (counter && result > 0 && p.front().v >= 0) {
    // A counter cannot have been below zero.
    to_start = std::min(to_start, sampled * (p.front().v / result));
  }
  const double threshold = average * 1.1;
  double covered = sampled;
  covered += to_start < threshold ? to_start : average / 2;
  covered += to_end < threshold ? to_end : average / 2;
  double factor = covered / sampled;
  if (per_second) factor /= static_cast<double>(in.range) / 1000;
  *out = result * factor;
  return true;
}

bool Rate(const RangeInput& in, double* out) { return Extrapolated(in, true, true, out); }
bool Increase(const RangeInput& in, double* out) { return Extrapolated(in, true, false, out); }
bool Delta(const RangeInput& in, double* out) { return Extrapolated(in, false, false, out); }

bool Instant(const RangeInput& in, bool rate, double* out) {
  const auto& p = in.points;
  if (p.size() < 2) return false;
  const Point& last = p[p.size() - 1];
  const Point& before = p[p.size() - 2];
  *out = rate && last.v < before.v ? last.v : last.v - before.v;
  if (last.t == before.t) return false;
  if (rate) *out /= static_cast<double>(last.t - before.t) / 1000;
  return true;
}
bool Irate(const RangeInput& in, double* out) { return Instant(in, true, out); }
bool Idelta(const RangeInput& in, double* out) { return Instant(in, false, out); }

bool SumOver(const RangeInput& in, double* out) {
  Sum sum;
  for (const Point& p : in.points) sum.Add(p.v);
  *out = sum.Safe();
  return true;
}
bool AvgOver(const RangeInput& in, double* out) {
  Sum mean;
  double count = 0;
  for (const Point& p : in.points) {
    ++count;
    if (std::isinf(mean.value)) {
      if (std::isinf(p.v) && (mean.value > 0) == (p.v > 0)) continue;
      if (!std::isinf(p.v) && !std::isnan(p.v)) continue;
    }
    mean.Add(p.v / count - mean.value / count);
  }
  *out = mean.Safe();
  return true;
}
bool MinOver(const RangeInput& in, double* out) {
  *out = in.points[0].v;
  for (const Point& p : in.points) {
    if (p.v < *out || std::isnan(*out)) *out = p.v;
  }
  return true;
}
bool MaxOver(const RangeInput& in, double* out) {
  *out = in.points[0].v;
  for (const Point& p : in.points) {
    if (p.v > *out || std::isnan(*out)) *out = p.v;
  }
  return true;
}
bool CountOver(const RangeInput& in, double* out) {
  return *out = static_cast<double>(in.points.size()), true;
}
bool LastOver(const RangeInput& in, double* out) { return *out = in.points.back().v, true; }
bool PresentOver(const RangeInput&, double* out) { return *out = 1, true; }

double Variance(const RangeInput& in) {
  double count = 0;
  Sum mean;
  Sum squares;
  for (const Point& p : in.points) {
    ++count;
    const double delta = p.v - mean.Total();
    mean.Add(delta / count);
    squares.Add(delta * (p.v - mean.Total()));
  }
  return squares.Total() / count;
}
bool StdvarOver(const RangeInput& in, double* out) { return *out = Variance(in), true; }
bool StddevOver(const RangeInput& in, double* out) { return *out = std::sqrt(Variance(in)), true; }

bool QuantileOver(const RangeInput& in, double* out) {
  std::vector<double> values;
  for (const Point& p : in.points) values.push_back(p.v);
  *out = Quantile(in.a, std::move(values));
  return true;
}
bool Changes(const RangeInput& in, double* out) {
  *out = 0;
  for (size_t i = 1; i < in.points.size(); ++i) {
    const double a = in.points[i - 1].v;
    const double b = in.points[i].v;
    if (a != b && !(std::isnan(a) && std::isnan(b))) ++*out;
  }
  return true;
}
bool Resets(const RangeInput& in, double* out) {
  *out = 0;
  for (size_t i = 1; i < in.points.size(); ++i) *out += in.points[i].v < in.points[i - 1].v ? 1 : 0;
  return true;
}

struct Line {
  double slope = 0;
  double intercept = 0;
};
/// Least squares; x = seconds since `at`.
Line Regression(std::span<const Point> points, int64_t at) {
  Sum x, y, xy, xx;
  bool constant = true;
  const double first = points[0].v;
  for (const Point& p : points) {
    constant = constant && p.v == first;
    const double seconds = static_cast<double>(p.t - at) / 1000;
    x.Add(seconds);
    y.Add(p.v);
    xy.Add(seconds * p.v);
    xx.Add(seconds * seconds);
  }
  if (constant) return std::isinf(first) ? Line{kNaN, kNaN} : Line{0, first};
  const auto n = static_cast<double>(points.size());
  const double covariance = xy.Total() - x.Total() * y.Total() / n;
  const double variance = xx.Total() - x.Total() * x.Total() / n;
  const double slope = covariance / variance;
  return {slope, y.Total() / n - slope * x.Total() / n};
}
bool Deriv(const RangeInput& in, double* out) {
  if (in.points.size() < 2) return false;
  *out = Regression(in.points, in.points[0].t).slope;
  return true;
}
bool PredictLinear(const RangeInput& in, double* out) {
  if (in.points.size() < 2) return false;
  const Line line = Regression(in.points, in.now);
  *out = line.slope * in.a + line.intercept;
  return true;
}
/// Double exponential smoothing.
bool HoltWinters(const RangeInput& in, double* out) {
  const auto& p = in.points;
  if (p.size() < 2) return false;
  double before = 0;
  double level = p[0].v;
  double trend = p[1].v - p[0].v;
  for (size_t i = 1; i < p.size(); ++i) {
    if (i > 1) trend = in.b * (level - before) + (1 - in.b) * trend;
    before = level;
    level = in.a * p[i].v + (1 - in.a) * (level + trend);
  }
  *out = level;
  return true;
}

double Sign(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double Degrees(double v) { return v * 180 / std::numbers::pi; }
double Radians(double v) { return v * std::numbers::pi / 180; }
double Sin(double v) { return std::sin(v); }
double Cos(double v) { return std::cos(v); }
double Tan(double v) { return std::tan(v); }
double Asin(double v) { return std::asin(v); }
double Acos(double v) { return std::acos(v); }
double Atan(double v) { return std::atan(v); }
double Sinh(double v) { return std::sinh(v); }
double Cosh(double v) { return std::cosh(v); }
double Tanh(double v) { return std::tanh(v); }
double Asinh(double v) { return std::asinh(v); }
double Acosh(double v) { return std::acosh(v); }
double Atanh(double v) { return std::atanh(v); }
double Abs(double v) { return std::fabs(v); }
double Ceil(double v) { return std::ceil(v); }
double Floor(double v) { return std::floor(v); }
double Exp(double v) { return std::exp(v); }
double Ln(double v) { return std::log(v); }
double Log2(double v) { return std::log2(v); }
double Log10(double v) { return std::log10(v); }
double Sqrt(double v) { return std::sqrt(v); }

absl::CivilSecond Civil(double seconds) {
  // Beyond some 290 million years civil time has no use; the conversion must not overflow.
  const double bounded = std::isnan(seconds) ? 0 : std::clamp(seconds, -9e15, 9e15);
  return absl::ToCivilSecond(absl::FromUnixSeconds(static_cast<int64_t>(bounded)),
                             absl::UTCTimeZone());
}
double Hour(double t) { return Civil(t).hour(); }
double Minute(double t) { return Civil(t).minute(); }
double Month(double t) { return Civil(t).month(); }
double Year(double t) { return static_cast<double>(Civil(t).year()); }
double DayOfMonth(double t) { return Civil(t).day(); }
double DayOfWeek(double t) {
  return (static_cast<int>(absl::GetWeekday(absl::CivilDay(Civil(t)))) + 1) % 7;
}
double DayOfYear(double t) { return absl::GetYearDay(absl::CivilDay(Civil(t))); }
double DaysInMonth(double t) {
  const absl::CivilMonth month(Civil(t));
  return static_cast<double>(absl::CivilDay(month + 1) - absl::CivilDay(month));
}

using V = ValueType;
constexpr V kS = V::kScalar;
constexpr V kV = V::kVector;
constexpr V kM = V::kMatrix;
constexpr V kT = V::kString;

std::vector<Function> MakeFunctions() {
  std::vector<Function> all;
  const auto number = [&](std::string_view name, double (*f)(double)) {
    all.push_back({.name = name, .args = {kV}, .on_number = f});
  };
  const auto date = [&](std::string_view name, double (*f)(double)) {
    all.push_back({.name = name, .args = {kV}, .variadic = 1, .on_number = f, .on_time = true});
  };
  const auto range = [&](std::string_view name, bool (*f)(const RangeInput&, double*),
                         std::vector<V> args = {kM}) {
    all.push_back({.name = name, .args = std::move(args), .on_range = f});
  };
  const auto special = [&](std::string_view name, Special which, std::vector<V> args,
                           int variadic = 0, V result = kV) {
    all.push_back({.name = name,
                   .args = std::move(args),
                   .variadic = variadic,
                   .result = result,
                   .special = which});
  };
  number("abs", Abs), number("ceil", Ceil), number("floor", Floor), number("exp", Exp),
      number("ln", Ln);
  number("log2", Log2), number("log10", Log10), number("sqrt", Sqrt), number("sgn", Sign);
  number("sin", Sin), number("cos", Cos), number("tan", Tan), number("asin", Asin),
      number("acos", Acos), number("atan", Atan);
  number("sinh", Sinh), number("cosh", Cosh), number("tanh", Tanh), number("asinh", Asinh),
      number("acosh", Acosh);
  number("atanh", Atanh), number("deg", Degrees), number("rad", Radians);
  date("hour", Hour), date("minute", Minute), date("month", Month), date("year", Year),
      date("day_of_month", DayOfMonth);
  date("day_of_week", DayOfWeek), date("day_of_year", DayOfYear),
      date("days_in_month", DaysInMonth);
  range("rate", Rate), range("increase", Increase), range("delta", Delta), range("irate", Irate),
      range("idelta", Idelta);
  range("sum_over_time", SumOver), range("avg_over_time", AvgOver), range("min_over_time", MinOver);
  range("max_over_time", MaxOver), range("count_over_time", CountOver),
      range("present_over_time", PresentOver);
  range("stdvar_over_time", StdvarOver), range("stddev_over_time", StddevOver),
      range("changes", Changes);
  range("resets", Resets), range("deriv", Deriv), range("predict_linear", PredictLinear, {kM, kS});
  range("holt_winters", HoltWinters, {kM, kS, kS}),
      range("quantile_over_time", QuantileOver, {kS, kM});
  range("last_over_time", LastOver);
  all.back().keeps_name = true;
  special("absent", Special::kAbsent, {kV}),
      special("absent_over_time", Special::kAbsentOverTime, {kM});
  special("clamp", Special::kClamp, {kV, kS, kS}),
      special("clamp_max", Special::kClampMax, {kV, kS});
  special("clamp_min", Special::kClampMin, {kV, kS}),
      special("round", Special::kRound, {kV, kS}, 1);
  special("histogram_quantile", Special::kHistogramQuantile, {kS, kV});
  special("label_replace", Special::kLabelReplace, {kV, kT, kT, kT, kT});
  special("label_join", Special::kLabelJoin, {kV, kT, kT, kT}, -1);
  special("scalar", Special::kScalar, {kV}, 0, kS), special("vector", Special::kVector, {kS});
  special("sort", Special::kSort, {kV}), special("sort_desc", Special::kSortDesc, {kV});
  special("time", Special::kTime, {}, 0, kS), special("pi", Special::kPi, {}, 0, kS);
  special("timestamp", Special::kTimestamp, {kV});
  std::sort(all.begin(), all.end(),
            [](const Function& a, const Function& b) { return a.name < b.name; });
  return all;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  static const auto* const kAll = new std::vector<Function>(MakeFunctions());
  const auto found =
      std::lower_bound(kAll->begin(), kAll->end(), name,
                       [](const Function& f, std::string_view n) { return f.name < n; });
  return found != kAll->end() && found->name == name ? &*found : nullptr;
}

double Quantile(double q, std::vector<double> values) {
  if (values.empty() || std::isnan(q)) return kNaN;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values.begin(), values.end(),
            [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<size_t>(std::max(0.0, std::floor(rank)));
  const size_t upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

double BucketQuantile(double q, std::vector<Bucket> buckets) {
  if (std::isnan(q)) return kNaN;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(buckets.begin(), buckets.end(),
            [](const Bucket& a, const Bucket& b) { return a.upper < b.upper; });
  if (buckets.empty() || !std::isinf(buckets.back().upper) || buckets.back().upper < 0) return kNaN;
  std::vector<Bucket> merged;
  for (const Bucket& bucket : buckets) {
    if (!merged.empty() && merged.back().upper == bucket.upper) {
      merged.back().count += bucket.count;
    } else {
      merged.push_back(bucket);
    }
  }
  for (size_t i = 1; i < merged.size(); ++i)
    merged[i].count = std::max(merged[i].count, merged[i - 1].count);
  if (merged.size() < 2) return kNaN;
  const double all = merged.back().count;
  if (all == 0) return kNaN;
  double rank = q * all;
  size_t b = 0;
  while (b < merged.size() - 1 && !(merged[b].count >= rank)) ++b;
  if (b == merged.size() - 1) return merged[b - 1].upper;
  if (b == 0 && merged[0].upper <= 0) return merged[0].upper;
  double start = 0;
  double count = merged[b].count;
  if (b > 0) {
    start = merged[b - 1].upper;
    count -= merged[b - 1].count;
    rank -= merged[b - 1].count;
  }
  return start + (merged[b].upper - start) * (rank / count);
}

}  // namespace opsmesh::kubesim::promql
