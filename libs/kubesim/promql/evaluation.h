// One query being evaluated: private to the engine.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/context.h"
#include "libs/kubesim/promql/ast.h"
#include "libs/kubesim/promql/engine.h"
#include "libs/kubesim/promql/functions.h"

namespace opsmesh::kubesim::promql {

/// Label sets are interned, so one pointer is one label set for the time of the query.
using LabelsRef = const Labels*;

struct Element {
  LabelsRef labels = nullptr;
  double value = 0;
};
using Elements = std::vector<Element>;

struct Value {
  double scalar = 0;  // of a scalar expression
  Elements elements;  // of a vector
};

/// What one series has in a range.
struct RangeOf {
  LabelsRef labels = nullptr;
  std::span<const Point> points;
};
struct Window {
  int64_t from = 0;
  int64_t to = 0;
  std::vector<RangeOf> series;
};

class Evaluation {
 public:
  Evaluation(const base::Context& ctx, const Source& source, const EngineOptions& options,
             const Query& query, int64_t start, int64_t end, int64_t step);

  /// The value of the root at one step. After a failure everything is empty and status() says why.
  Value At(int64_t now) { return Eval(*query_.root, now); }
  /// The root, a range vector, at one moment.
  Window RangeAt(int64_t now) { return EvalRange(*query_.root, now); }
  const absl::Status& status() const { return status_; }
  LabelsRef Intern(Labels labels);

 private:
  /// Samples of a selector, read once for the whole query.
  struct Loaded {
    LabelsRef labels = nullptr;
    std::vector<Point> points;
    size_t at = 0;  // index near which the last step looked
  };
  struct NodeState {
    std::vector<Loaded> loaded;
    bool is_loaded = false;
    std::unordered_map<LabelsRef, LabelsRef> labels;  // result labels by input labels
    std::map<std::pair<LabelsRef, LabelsRef>, LabelsRef> pair_labels;  // of binary operations
    std::unordered_map<LabelsRef, LabelsRef> left, right;  // match groups of binary operations
    std::map<int64_t, Elements> inner;  // results of a subquery's expression by time
    std::vector<std::pair<LabelsRef, std::vector<Point>>> window;  // of a subquery
  };

  Value Eval(const Expr& e, int64_t now);
  Window EvalRange(const Expr& e, int64_t now);
  Elements EvalSelector(const Expr& e, int64_t now);
  Window EvalSubquery(const Expr& e, int64_t now);
  Value EvalCall(const Expr& e, int64_t now);
  Elements EvalRangeFunction(const Expr& e, int64_t now);
  Elements EvalSpecial(const Expr& e, int64_t now);
  Elements Absent(const Expr& e, int64_t now);
  Elements HistogramQuantile(const Expr& e, int64_t now);
  Elements LabelReplace(const Expr& e, int64_t now);
  Elements LabelJoin(const Expr& e, int64_t now);
  Elements Timestamp(const Expr& e, int64_t now);
  Elements EvalAggregate(const Expr& e, int64_t now);
  Elements Select(const Expr& e, std::map<LabelsRef, Elements>& groups, double parameter);
  Elements CountValues(const Expr& e, const Elements& elements);
  Value EvalBinary(const Expr& e, int64_t now);
  Elements VectorScalar(const Expr& e, const Elements& vector, double scalar, bool swapped);
  Elements VectorVector(const Expr& e, const Elements& left, const Elements& right);
  Elements SetOperation(const Expr& e, const Elements& left, const Elements& right);

  int64_t Shifted(const TimeShift& shift, int64_t now) const;
  std::vector<Loaded>& Load(const Expr& selector, int64_t range);
  NodeState& State(const Expr& e) { return states_[static_cast<size_t>(e.id)]; }
  /// The labels without the metric's name.
  LabelsRef Nameless(const Expr& e, LabelsRef labels);
  LabelsRef MatchGroup(const Matching& matching, LabelsRef labels,
                       std::unordered_map<LabelsRef, LabelsRef>* known);
  LabelsRef ResultLabels(const Expr& e, LabelsRef many, LabelsRef one);
  LabelsRef GroupOf(const Expr& e, LabelsRef labels);
  Elements Checked(Elements elements);
  void Fail(std::string message);
  bool Spend(size_t samples);

  const base::Context& ctx_;
  const Source& source_;
  const EngineOptions& options_;
  const Query& query_;
  const int64_t start_;
  const int64_t end_;
  int64_t load_from_;  // widened inside subqueries
  int64_t load_to_;
  std::vector<NodeState> states_;
  std::map<Labels, int> interned_;
  absl::Status status_;
  size_t samples_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace opsmesh::kubesim::promql
