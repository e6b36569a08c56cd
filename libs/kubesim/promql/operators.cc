// Aggregations and binary operations of an evaluation.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "libs/kubesim/promql/evaluation.h"

namespace opsmesh::kubesim::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What an operation makes of two numbers; `keep` is what a comparison says. A filter keeps its
/// left value.
double Apply(BinaryOp op, double a, double b, bool* keep) {
  *keep = true;
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    case BinaryOp::kAtan2:
      return std::atan2(a, b);
    case BinaryOp::kEq:
      *keep = a == b;
      return a;
    case BinaryOp::kNe:
      *keep = a != b;
      return a;
    case BinaryOp::kLt:
      *keep = a < b;
      return a;
    case BinaryOp::kGt:
      *keep = a > b;
      return a;
    case BinaryOp::kLe:
      *keep = a <= b;
      return a;
    case BinaryOp::kGe:
      *keep = a >= b;
      return a;
    default:
      return kNaN;
  }
}

/// 2.42 leaves the name on what atan2 makes.
bool DropsName(const Expr& e) {
  return e.return_bool || (!IsComparison(e.op) && e.op != BinaryOp::kAtan2);
}

/// One group of sum, avg, min, max, count, group, stddev, stdvar.
struct Accumulator {
  double value = 0;
  double mean = 0;
  double count = 0;

  void Add(std::string_view op, double v) {
    const bool first = count == 0;
    ++count;
    if (op == "sum") value = first ? v : value + v;
    if (op == "min" && (first || value > v || std::isnan(value))) value = v;
    if (op == "max" && (first || value < v || std::isnan(value))) value = v;
    if (op == "avg") AddToMean(first, v);
    if (op == "stddev" || op == "stdvar") {
      const double delta = v - mean;
      mean += delta / count;
      value += delta * (v - mean);
    }
  }
  double Result(std::string_view op) const {
    if (op == "count") return count;
    if (op == "group") return 1;
    if (op == "avg") return mean;
    if (op == "stdvar") return value / count;
    if (op == "stddev") return std::sqrt(value / count);
    return value;
  }

 private:
  void AddToMean(bool first, double v) {
    if (first) {
      mean = v;
      return;
    }
    if (std::isinf(mean)) {
      if (std::isinf(v) && (mean > 0) == (v > 0)) return;
      if (!std::isinf(v) && !std::isnan(v)) return;
    }
    mean += v / count - mean / count;
  }
};

}  // namespace

LabelsRef Evaluation::GroupOf(const Expr& e, LabelsRef labels) {
  LabelsRef& known = State(e).labels[labels];
  if (known != nullptr) return known;
  Labels group;
  for (const auto& label : *labels) {
    const bool listed = Contains(e.grouping, label.first);
    if (e.by ? listed : !listed && label.first != kMetricName) group.push_back(label);
  }
  return known = Intern(std::move(group));
}

Elements Evaluation::EvalAggregate(const Expr& e, int64_t now) {
  const bool has_parameter = e.args.size() == 2;
  const Elements elements = Eval(*e.args.back(), now).elements;
  if (e.text == "count_values") return CountValues(e, elements);
  const double parameter = has_parameter ? Eval(*e.args[0], now).scalar : 0;
  if (!status_.ok()) return {};
  std::vector<LabelsRef> order;
  if (!has_parameter) {
    std::unordered_map<LabelsRef, Accumulator> groups;
    for (const Element& element : elements) {
      const LabelsRef group = GroupOf(e, element.labels);
      Accumulator& accumulator = groups[group];
      if (accumulator.count == 0) order.push_back(group);
      accumulator.Add(e.text, element.value);
    }
    Elements out;
    for (const LabelsRef group : order) out.push_back({group, groups[group].Result(e.text)});
    return out;
  }
  std::map<LabelsRef, Elements> groups;
  for (const Element& element : elements) groups[GroupOf(e, element.labels)].push_back(element);
  return Select(e, groups, parameter);
}

Elements Evaluation::Select(const Expr& e, std::map<LabelsRef, Elements>& groups,
                            double parameter) {
  Elements out;
  for (auto& [labels, members] : groups) {
    if (e.text == "quantile") {
      std::vector<double> values;
      for (const Element& element : members) values.push_back(element.value);
      out.push_back({labels, Quantile(parameter, std::move(values))});
      continue;
    }
    if (std::isnan(parameter) || std::fabs(parameter) >= 9.2e18) {
      Fail(fmt::format("Scalar value {} overflows int64", FormatNumber(parameter)));
      return {};
    }
    const auto wanted = static_cast<int64_t>(parameter);
    if (wanted < 1) continue;
    const bool top = e.text == "topk";
    std::stable_sort(members.begin(), members.end(), [top](const Element& a, const Element& b) {
      if (std::isnan(a.value) || std::isnan(b.value))
        return !std::isnan(a.value) && std::isnan(b.value);
      return top ? a.value > b.value : a.value < b.value;
    });
    members.resize(std::min(members.size(), static_cast<size_t>(wanted)));
    out.insert(out.end(), members.begin(), members.end());
  }
  return out;
}

Elements Evaluation::CountValues(const Expr& e, const Elements& elements) {
  const std::string& name = e.args[0]->text;
  if (!IsLabelName(name)) {
    Fail(fmt::format("invalid label name \"{}\"", name));
    return {};
  }
  std::map<LabelsRef, double> counts;
  for (const Element& element : elements) {
    Labels labels = *GroupOf(e, element.labels);
    labels.emplace_back(name, FormatNumber(element.value));
    ++counts[Intern(MakeLabels(std::move(labels)))];
  }
  Elements out;
  for (const auto& [labels, count] : counts) out.push_back({labels, count});
  return out;
}

Value Evaluation::EvalBinary(const Expr& e, int64_t now) {
  const Value left = Eval(*e.args[0], now);
  const Value right = Eval(*e.args[1], now);
  const bool left_scalar = e.args[0]->type == ValueType::kScalar;
  const bool right_scalar = e.args[1]->type == ValueType::kScalar;
  if (!status_.ok()) return {};
  if (left_scalar && right_scalar) {
    bool keep = false;
    const double value = Apply(e.op, left.scalar, right.scalar, &keep);
    return {IsComparison(e.op) ? (keep ? 1.0 : 0.0) : value, {}};
  }
  if (left_scalar) return {0, Checked(VectorScalar(e, right.elements, left.scalar, true))};
  if (right_scalar) return {0, Checked(VectorScalar(e, left.elements, right.scalar, false))};
  if (IsSetOp(e.op)) return {0, SetOperation(e, left.elements, right.elements)};
  return {0, Checked(VectorVector(e, left.elements, right.elements))};
}

Elements Evaluation::VectorScalar(const Expr& e, const Elements& vector, double scalar,
                                  bool swapped) {
  Elements out;
  for (const Element& element : vector) {
    bool keep = false;
    double value = swapped ? Apply(e.op, scalar, element.value, &keep)
                           : Apply(e.op, element.value, scalar, &keep);
    if (IsComparison(e.op)) value = element.value;  // a filter shows the vector's values
    if (e.return_bool) {
      value = keep ? 1 : 0;
    } else if (!keep) {
      continue;
    }
    out.push_back({DropsName(e) ? Nameless(e, element.labels) : element.labels, value});
  }
  return out;
}

LabelsRef Evaluation::MatchGroup(const Matching& matching, LabelsRef labels,
                                 std::unordered_map<LabelsRef, LabelsRef>* known) {
  LabelsRef& group = (*known)[labels];
  if (group != nullptr) return group;
  Labels kept;
  for (const auto& label : *labels) {
    const bool listed = Contains(matching.labels, label.first);
    if (matching.on ? listed : !listed && label.first != kMetricName) kept.push_back(label);
  }
  return group = Intern(std::move(kept));
}

LabelsRef Evaluation::ResultLabels(const Expr& e, LabelsRef many, LabelsRef one) {
  LabelsRef& known = State(e).pair_labels[{many, one}];
  if (known != nullptr) return known;
  const Matching& matching = e.matching;
  Labels labels;
  for (const auto& label : *many) {
    if (label.first == kMetricName && DropsName(e)) continue;
    if (matching.card == Matching::Card::kOneToOne &&
        Contains(matching.labels, label.first) != matching.on)
      continue;
    if (Contains(matching.include, label.first)) continue;
    labels.push_back(label);
  }
  for (const std::string& name : matching.include)
    labels.emplace_back(name, std::string(ValueOf(*one, name)));
  return known = Intern(MakeLabels(std::move(labels)));
}

Elements Evaluation::VectorVector(const Expr& e, const Elements& left, const Elements& right) {
  const Matching& matching = e.matching;
  if (left.empty() || right.empty()) return {};
  const bool swapped = matching.card == Matching::Card::kOneToMany;
  const Elements& many = swapped ? right : left;
  const Elements& one = swapped ? left : right;
  NodeState& state = State(e);
  std::unordered_map<LabelsRef, const Element*> one_by_group;
  for (const Element& element : one) {
    const LabelsRef group = MatchGroup(matching, element.labels, &state.right);
    const auto [place, fresh] = one_by_group.try_emplace(group, &element);
    if (fresh) continue;
    Fail(
        fmt::format("found duplicate series for the match group {} on the {} hand-side of the "
                    "operation: [{}, {}];many-to-many "
                    "matching not allowed: matching labels must be unique on one side",
                    ToString(*group), swapped ? "left" : "right", ToString(*element.labels),
                    ToString(*place->second->labels)));
    return {};
  }
  Elements out;
  std::set<std::pair<LabelsRef, LabelsRef>> used;
  for (const Element& element : many) {
    const LabelsRef group = MatchGroup(matching, element.labels, &state.left);
    const auto found = one_by_group.find(group);
    if (found == one_by_group.end()) continue;
    const double other = found->second->value;
    bool keep = false;
    double value = swapped ? Apply(e.op, other, element.value, &keep)
                           : Apply(e.op, element.value, other, &keep);
    if (e.return_bool) {
      value = keep ? 1 : 0;
    } else if (!keep) {
      continue;
    }
    const LabelsRef labels = ResultLabels(e, element.labels, found->second->labels);
    const bool one_to_one = matching.card == Matching::Card::kOneToOne;
    if (!used.emplace(group, one_to_one ? nullptr : labels).second) {
      Fail(one_to_one ? "multiple matches for labels: many-to-one matching must be explicit "
                        "(group_left/group_right)"
                      : "multiple matches for labels: grouping labels must ensure unique matches");
      return {};
    }
    out.push_back({labels, value});
  }
  return out;
}

Elements Evaluation::SetOperation(const Expr& e, const Elements& left, const Elements& right) {
  NodeState& state = State(e);
  std::set<LabelsRef> groups;
  Elements out;
  if (e.op == BinaryOp::kOr) {
    out = left;
    for (const Element& element : left)
      groups.insert(MatchGroup(e.matching, element.labels, &state.left));
    for (const Element& element : right) {
      if (!groups.contains(MatchGroup(e.matching, element.labels, &state.right)))
        out.push_back(element);
    }
    return out;
  }
  for (const Element& element : right)
    groups.insert(MatchGroup(e.matching, element.labels, &state.right));
  for (const Element& element : left) {
    const bool in = groups.contains(MatchGroup(e.matching, element.labels, &state.left));
    if (in == (e.op == BinaryOp::kAnd)) out.push_back(element);
  }
  return out;
}

}  // namespace opsmesh::kubesim::promql
