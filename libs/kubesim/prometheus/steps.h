// Values over time as functions, so that fourteen days of samples need not be stored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace opsmesh::kubesim::prometheus {

inline constexpr double kForever = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A value that holds from one moment to the next. Times are seconds since the epoch.
class Steps {
 public:
  /// From `t` on the value is `v`; times do not go back. Remembers the last 512 changes.
  void Set(double t, double v) {
    if (!points_.empty() &&
        (points_.back().second == v || (std::isnan(v) && std::isnan(points_.back().second))))
      return;
    if (!points_.empty() && points_.back().first >= t) {
      points_.back().second = v;
      return;
    }
    points_.emplace_back(t, v);
    if (points_.size() > 512) points_.erase(points_.begin());
  }
  /// NaN before the first moment, and where there is none.
  double At(double t) const {
    const auto next = std::upper_bound(points_.begin(), points_.end(), t,
                                       [](double time, const auto& p) { return time < p.first; });
    return next == points_.begin() ? kNaN : std::prev(next)->second;
  }
  const std::vector<std::pair<double, double>>& points() const { return points_; }

 private:
  std::vector<std::pair<double, double>> points_;
};

/// The same number for the same text and salt, spread evenly over [0, 1).
double Chance(std::string_view text, uint64_t salt);

/// A demand that swings: by day, by week, and in between without a pattern to see. Mean 1; never
/// below a tenth. Sums of sinusoids, so that the sum over any span is exact and costs the same
/// whatever its length.
class Wave {
 public:
  /// `daily` is the share of the mean by which it swings in a day, `noise` that of the rest.
  Wave(std::string_view who, uint64_t seed, double daily, double noise);
  double At(double t) const;
  /// The integral from a to b, in seconds.
  double Integral(double a, double b) const;

 private:
  struct Part {
    double amplitude;
    double omega;
    double phase;
  };
  double Primitive(double t) const;
  std::vector<Part> parts_;
};

/// A rate that is a wave times a factor that changes in steps; its integral is a counter.
class Flow {
 public:
  explicit Flow(const Wave& wave) : wave_(wave) {}
  /// Adds [from, to) with that factor, in order of time.
  void Add(double from, double to, double factor);
  /// What has flowed up to t.
  double Total(double t) const;
  bool empty() const { return pieces_.empty(); }

 private:
  struct Piece {
    double from;
    double to;
    double factor;
    double before;  // what flowed before it
  };
  Wave wave_;
  std::vector<Piece> pieces_;
};

}  // namespace opsmesh::kubesim::prometheus
