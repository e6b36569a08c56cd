#include "libs/kubesim/promql/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>

#include "libs/base/error.h"

namespace opsmesh::kubesim::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The matchers of a selector inside an expression that absent() looks at; null when it is no
/// selector.
const Expr* SelectorOf(const Expr& e) {
  if (e.kind == Expr::Kind::kSelector) return &e;
  if (e.kind == Expr::Kind::kMatrix) return e.args[0].get();
  return nullptr;
}

/// By value, NaN last.
Elements Sorted(Elements elements, bool down) {
  std::stable_sort(elements.begin(), elements.end(), [down](const Element& a, const Element& b) {
    if (std::isnan(a.value) || std::isnan(b.value))
      return !std::isnan(a.value) && std::isnan(b.value);
    return down ? a.value > b.value : a.value < b.value;
  });
  return elements;
}

}  // namespace

Evaluation::Evaluation(const base::Context& ctx, const Source& source, const EngineOptions& options,
                       const Query& query, int64_t start, int64_t end, int64_t)
    : ctx_(ctx),
      source_(source),
      options_(options),
      query_(query),
      start_(start),
      end_(end),
      load_from_(start),
      load_to_(end),
      states_(static_cast<size_t>(query.nodes)) {}

LabelsRef Evaluation::Intern(Labels labels) {
  return &interned_.try_emplace(std::move(labels), 0).first->first;
}

void Evaluation::Fail(std::string message) {
  if (status_.ok()) status_ = base::FailedPrecondition("EXECUTION", std::move(message));
}

bool Evaluation::Spend(size_t samples) {
  samples_ += samples;
  if (samples_ > options_.max_samples && status_.ok()) {
    status_ = base::ResourceExhausted(
        "TOO_MANY_SAMPLES",
        "query processing would load too many samples into memory in query execution");
  }
  if (++steps_ % 64 == 0 && status_.ok()) status_ = ctx_.Check();
  return status_.ok();
}

LabelsRef Evaluation::Nameless(const Expr& e, LabelsRef labels) {
  LabelsRef& known = State(e).labels[labels];
  if (known != nullptr) return known;
  Labels copy = *labels;
  std::erase_if(copy, [](const auto& label) { return label.first == kMetricName; });
  return known = Intern(std::move(copy));
}

Elements Evaluation::Checked(Elements elements) {
  std::vector<LabelsRef> seen;
  seen.reserve(elements.size());
  for (const Element& element : elements) seen.push_back(element.labels);
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) {
    Fail("vector cannot contain metrics with the same labelset");
    return {};
  }
  return elements;
}

Value Evaluation::Eval(const Expr& e, int64_t now) {
  if (!status_.ok()) return {};
  switch (e.kind) {
    case Expr::Kind::kNumber:
      return {e.number, {}};
    case Expr::Kind::kSelector:
      return {0, EvalSelector(e, now)};
    case Expr::Kind::kCall:
      return EvalCall(e, now);
    case Expr::Kind::kAggregate:
      return {0, EvalAggregate(e, now)};
    case Expr::Kind::kBinary:
      return EvalBinary(e, now);
    case Expr::Kind::kNegate: {
      Value value = Eval(*e.args[0], now);
      value.scalar = -value.scalar;
      for (Element& element : value.elements)
        element = {Nameless(e, element.labels), -element.value};
      value.elements = Checked(std::move(value.elements));
      return value;
    }
    case Expr::Kind::kString:
    case Expr::Kind::kMatrix:
    case Expr::Kind::kSubquery:
      break;  // the parser lets them stand only where a function takes them
  }
  return {};
}

Value Evaluation::EvalCall(const Expr& e, int64_t now) {
  const Function& f = *e.function;
  if (f.on_range != nullptr) return {0, EvalRangeFunction(e, now)};
  if (f.on_number != nullptr) {
    if (e.args.empty())
      return {0, {{Intern({}), f.on_number(std::floor(static_cast<double>(now) / 1000))}}};
    Value value = Eval(*e.args[0], now);
    for (Element& element : value.elements)
      element = {Nameless(e, element.labels), f.on_number(element.value)};
    value.elements = Checked(std::move(value.elements));
    return value;
  }
  switch (f.special) {
    case Special::kPi:
      return {std::numbers::pi, {}};
    case Special::kTime:
      return {static_cast<double>(now) / 1000, {}};
    case Special::kScalar: {
      const Value value = Eval(*e.args[0], now);
      return {value.elements.size() == 1 ? value.elements[0].value : kNaN, {}};
    }
    default:
      return {0, Checked(EvalSpecial(e, now))};
  }
}

Elements Evaluation::EvalRangeFunction(const Expr& e, int64_t now) {
  RangeInput input;
  input.now = now;
  const Expr* ranged = nullptr;
  double* parameter = &input.a;
  for (const ExprPtr& arg : e.args) {
    if (arg->type == ValueType::kMatrix) {
      ranged = arg.get();
    } else {
      *std::exchange(parameter, &input.b) = Eval(*arg, now).scalar;
    }
  }
  if (e.function->name == "holt_winters") {
    for (const auto& [factor, name] :
         {std::pair(input.a, "smoothing"), std::pair(input.b, "trend")}) {
      if (!(factor > 0 && factor < 1)) {
        Fail(fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:.6f}", name,
                         name[0] == 's' ? "sf" : "tf", factor));
        return {};
      }
    }
  }
  const Window window = EvalRange(*ranged, now);
  input.from = window.from;
  input.to = window.to;
  input.range = ranged->range;
  Elements out;
  for (const RangeOf& series : window.series) {
    input.points = series.points;
    double value = 0;
    if (!e.function->on_range(input, &value)) continue;
    out.push_back({e.function->keeps_name ? series.labels : Nameless(e, series.labels), value});
  }
  return Checked(std::move(out));
}

Elements Evaluation::EvalSpecial(const Expr& e, int64_t now) {
  const auto mapped = [&](auto change) {
    Elements out;
    for (const Element& element : Eval(*e.args[0], now).elements) {
      out.push_back({Nameless(e, element.labels), change(element.value)});
    }
    return out;
  };
  const auto scalar = [&](size_t i) { return Eval(*e.args[i], now).scalar; };
  const auto least = [](double a, double b) {
    return std::isnan(a) || std::isnan(b) ? kNaN : std::min(a, b);
  };
  const auto most = [](double a, double b) {
    return std::isnan(a) || std::isnan(b) ? kNaN : std::max(a, b);
  };
  switch (e.function->special) {
    case Special::kAbsent:
    case Special::kAbsentOverTime:
      return Absent(e, now);
    case Special::kClamp: {
      const double low = scalar(1);
      const double high = scalar(2);
      if (high < low) return {};
      return mapped([&](double v) { return most(low, least(high, v)); });
    }
    case Special::kClampMin: {
      const double low = scalar(1);
      return mapped([&](double v) { return most(low, v); });
    }
    case Special::kClampMax: {
      const double high = scalar(1);
      return mapped([&](double v) { return least(high, v); });
    }
    case Special::kRound: {
      const double inverse = 1.0 / (e.args.size() > 1 ? scalar(1) : 1.0);
      return mapped([&](double v) { return std::floor(v * inverse + 0.5) / inverse; });
    }
    case Special::kHistogramQuantile:
      return HistogramQuantile(e, now);
    case Special::kLabelJoin:
      return LabelJoin(e, now);
    case Special::kLabelReplace:
      return LabelReplace(e, now);
    case Special::kTimestamp:
      return Timestamp(e, now);
    case Special::kVector:
      return {{Intern({}), scalar(0)}};
    case Special::kSort:
    case Special::kSortDesc:
      return Sorted(Eval(*e.args[0], now).elements, e.function->special == Special::kSortDesc);
    default:
      return {};
  }
}

Elements Evaluation::Absent(const Expr& e, int64_t now) {
  const Expr& arg = *e.args[0];
  const bool there = arg.type == ValueType::kMatrix ? !EvalRange(arg, now).series.empty()
                                                    : !Eval(arg, now).elements.empty();
  if (there) return {};
  Labels labels;
  if (const Expr* selector = SelectorOf(arg)) {
    std::set<std::string> taken;
    for (const Matcher& m : selector->matchers) {
      if (m.name == kMetricName) continue;
      const bool fresh = taken.insert(m.name).second;
      if (m.op == Matcher::Op::kEqual && fresh) {
        labels.emplace_back(m.name, m.value);
      } else {
        std::erase_if(labels, [&](const auto& label) { return label.first == m.name; });
      }
    }
  }
  return {{Intern(MakeLabels(std::move(labels))), 1}};
}

Elements Evaluation::HistogramQuantile(const Expr& e, int64_t now) {
  const double q = Eval(*e.args[0], now).scalar;
  std::vector<std::pair<LabelsRef, std::vector<Bucket>>> groups;
  std::unordered_map<LabelsRef, size_t> place_of;
  for (const Element& element : Eval(*e.args[1], now).elements) {
    const std::string le(ValueOf(*element.labels, "le"));
    char* end = nullptr;
    const double upper = std::strtod(le.c_str(), &end);
    if (le.empty() || *end != '\0') continue;
    LabelsRef& group = State(e).labels[element.labels];
    if (group == nullptr) {
      Labels labels = *element.labels;
      std::erase_if(labels, [](const auto& label) {
        return label.first == "le" || label.first == kMetricName;
      });
      group = Intern(std::move(labels));
    }
    const auto [place, fresh] = place_of.try_emplace(group, groups.size());
    if (fresh) groups.emplace_back(group, std::vector<Bucket>());
    groups[place->second].second.push_back({upper, element.value});
  }
  Elements out;
  for (auto& [labels, buckets] : groups)
    out.push_back({labels, BucketQuantile(q, std::move(buckets))});
  return out;
}

}  // namespace opsmesh::kubesim::promql
