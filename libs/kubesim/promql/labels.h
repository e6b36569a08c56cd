// Label sets, matchers and where series come from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace re2 {
class RE2;
}

namespace opsmesh::kubesim::promql {

inline constexpr std::string_view kMetricName = "__name__";

/// Sorted by name; no name twice, no empty value. The metric's name is the label __name__.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Sorts, drops empty values and keeps the last value of a name.
Labels MakeLabels(Labels labels);
/// "" when absent.
std::string_view ValueOf(const Labels& labels, std::string_view name);
/// `up{job="x"}`, as Prometheus prints it.
std::string ToString(const Labels& labels);
bool IsLabelName(std::string_view text);
bool IsMetricName(std::string_view text);

/// One term of a selector. Regular expressions are RE2 and match the whole value.
struct Matcher {
  enum class Op { kEqual, kNotEqual, kMatch, kNotMatch };
  std::string name;
  Op op = Op::kEqual;
  std::string value;
  std::shared_ptr<const re2::RE2> pattern;  // of kMatch and kNotMatch

  /// INVALID_ARGUMENT when the pattern is no regular expression.
  static absl::StatusOr<Matcher> Make(std::string_view name, Op op, std::string_view value);
  bool Matches(std::string_view text) const;
};
bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels);

struct Point {
  int64_t t = 0;  // milliseconds since the epoch
  double v = 0;
};

/// The value that says "this series ended here"; it is a NaN of its own.
double StaleMarker();
bool IsStale(double value);

/// One series. Immutable; thread-safe.
class Series {
 public:
  virtual ~Series() = default;
  virtual const Labels& labels() const = 0;
  /// Appends the samples with from <= t <= to, in order of time.
  virtual void Read(int64_t from, int64_t to, std::vector<Point>* out) const = 0;
};
using SeriesPtr = std::shared_ptr<const Series>;

/// What is queried. Thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  /// Series that match and may have samples in [from, to], each label set once, in a stable order.
  virtual std::vector<SeriesPtr> Select(const std::vector<Matcher>& matchers, int64_t from,
                                        int64_t to) const = 0;
};

}  // namespace opsmesh::kubesim::promql
