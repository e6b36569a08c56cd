// PromQL as a tree. Made by Parse(); immutable afterwards.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::promql {

enum class ValueType { kScalar, kVector, kMatrix, kString };
/// "instant vector", "scalar" ...: as Prometheus names them in errors.
std::string_view TypeName(ValueType type);

/// `offset` and `@`. Milliseconds.
struct TimeShift {
  enum class At { kNone, kTimestamp, kStart, kEnd };
  int64_t offset = 0;
  At at = At::kNone;
  int64_t at_ms = 0;
};

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,  // arithmetic
  kEq,
  kNe,
  kLt,
  kGt,
  kLe,
  kGe,  // comparison
  kAnd,
  kOr,
  kUnless,  // sets
};
std::string_view OpText(BinaryOp op);
inline bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEq && op <= BinaryOp::kGe; }
inline bool IsSetOp(BinaryOp op) { return op >= BinaryOp::kAnd; }

/// How the elements of two vectors find each other.
struct Matching {
  enum class Card { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
  Card card = Card::kOneToOne;
  bool on = false;  // else ignoring
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left and group_right
};

struct Function;  // functions.h

struct Expr {
  enum class Kind {
    kNumber,
    kString,
    kSelector,
    kMatrix,
    kSubquery,
    kCall,
    kAggregate,
    kBinary,
    kNegate
  };
  Kind kind = Kind::kNumber;
  ValueType type = ValueType::kScalar;

  double number = 0;                   // kNumber
  std::string text;                    // kString; the operator of kAggregate
  std::vector<Matcher> matchers;       // kSelector
  TimeShift shift;                     // kSelector, kSubquery
  int64_t range = 0;                   // kMatrix, kSubquery, in ms
  int64_t step = 0;                    // kSubquery, 0 = the default
  const Function* function = nullptr;  // kCall
  std::vector<std::unique_ptr<Expr>>
      args;                      // children; kMatrix: its selector; kAggregate: [parameter,] vector
  BinaryOp op = BinaryOp::kAdd;  // kBinary
  bool return_bool = false;      // kBinary
  Matching matching;             // kBinary
  bool by = true;                // kAggregate: by, else without
  std::vector<std::string> grouping;  // kAggregate
  bool parenthesised = false;         // only for the parser
  size_t offset = 0;                  // where it stands in the query
  int id = 0;                         // number in the tree, for caches of the engine
};
using ExprPtr = std::unique_ptr<Expr>;

struct Query {
  ExprPtr root;
  int nodes = 0;
};

/// INVALID_ARGUMENT (BAD_QUERY) with Prometheus' form of the message: "1:5: parse error: ...".
/// Checks types as Prometheus does. Nesting is bounded (256), so is the text (64 KiB).
absl::StatusOr<Query> Parse(std::string_view text);
/// A series selector alone: `up{job="x"}`.
absl::StatusOr<std::vector<Matcher>> ParseSelector(std::string_view text);
/// "5m", "1h30m", "90s", "100ms"; nullopt when it is none. Milliseconds.
std::optional<int64_t> ParseDuration(std::string_view text);
/// As Prometheus writes numbers: shortest form, "NaN", "+Inf".
std::string FormatNumber(double value);

}  // namespace opsmesh::kubesim::promql
