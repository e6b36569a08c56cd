// The functions of PromQL: what they take, and those that work on numbers alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "libs/kubesim/promql/ast.h"

namespace opsmesh::kubesim::promql {

/// What a function over a range gets. `from` and `to` bound the range, `now` is the evaluation
/// time; milliseconds.
struct RangeInput {
  std::span<const Point> points;  // never empty
  int64_t from = 0;
  int64_t to = 0;
  int64_t now = 0;
  int64_t range = 0;
  double a = 0;  // the scalar parameters, in order
  double b = 0;
};

/// The functions whose work is not one number from one number or one range: the engine knows them.
enum class Special {
  kNone,
  kAbsent,
  kAbsentOverTime,
  kClamp,
  kClampMax,
  kClampMin,
  kHistogramQuantile,
  kLabelJoin,
  kLabelReplace,
  kPi,
  kRound,
  kScalar,
  kSort,
  kSortDesc,
  kTime,
  kTimestamp,
  kVector,
};

struct Function {
  std::string_view name;
  std::vector<ValueType> args;
  /// 0: as many arguments as `args`. n > 0: the last one may be missing or be given up to n times.
  /// -1: as often as liked.
  int variadic = 0;
  ValueType result = ValueType::kVector;
  double (*on_number)(double) = nullptr;  // element by element
  bool on_time = false;  // on_number reads seconds since the epoch; without argument: of now
  bool (*on_range)(const RangeInput&, double* out) = nullptr;  // false: no element
  bool keeps_name = false;
  Special special = Special::kNone;
};

/// Null when there is none. Case matters.
const Function* FindFunction(std::string_view name);

/// The quantile of values (unsorted, may hold NaN): as quantile() and quantile_over_time() have it.
double Quantile(double q, std::vector<double> values);

struct Bucket {
  double upper = 0;
  double count = 0;
};
/// As histogram_quantile() has it: NaN without a +Inf bucket.
double BucketQuantile(double q, std::vector<Bucket> buckets);

}  // namespace opsmesh::kubesim::promql
