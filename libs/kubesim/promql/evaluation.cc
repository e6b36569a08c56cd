#include "libs/kubesim/promql/evaluation.h"

#include <fmt/format.h>
#include <re2/re2.h>

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

int64_t Evaluation::Shifted(const TimeShift& shift, int64_t now) const {
  switch (shift.at) {
    case TimeShift::At::kNone:
      break;
    case TimeShift::At::kTimestamp:
      now = shift.at_ms;
      break;
    case TimeShift::At::kStart:
      now = start_;
      break;
    case TimeShift::At::kEnd:
      now = end_;
      break;
  }
  return now - shift.offset;
}

std::vector<Evaluation::Loaded>& Evaluation::Load(const Expr& selector, int64_t range) {
  NodeState& state = State(selector);
  if (std::exchange(state.is_loaded, true)) return state.loaded;
  const int64_t reach = std::max(range, options_.lookback);
  const int64_t from = Shifted(selector.shift, load_from_) - reach;
  const int64_t to = Shifted(selector.shift, load_to_);
  for (const SeriesPtr& series : source_.Select(selector.matchers, from, to)) {
    Loaded loaded;
    series->Read(from, to, &loaded.points);
    if (!Spend(loaded.points.size())) break;
    if (loaded.points.empty()) continue;
    loaded.labels = Intern(series->labels());
    state.loaded.push_back(std::move(loaded));
  }
  return state.loaded;
}

namespace {

/// Index of the first point later than t; `hint` is where the last search ended.
size_t After(const std::vector<Point>& points, int64_t t, size_t hint) {
  size_t at = std::min(hint, points.size());
  if (at > 0 && points[at - 1].t > t) {
    return static_cast<size_t>(
        std::upper_bound(points.begin(), points.begin() + static_cast<ptrdiff_t>(at), t,
                         [](int64_t time, const Point& p) { return time < p.t; }) -
        points.begin());
  }
  for (size_t steps = 0; at < points.size() && points[at].t <= t; ++at) {
    if (++steps > 16) {
      return static_cast<size_t>(
          std::upper_bound(points.begin() + static_cast<ptrdiff_t>(at), points.end(), t,
                           [](int64_t time, const Point& p) { return time < p.t; }) -
          points.begin());
    }
  }
  return at;
}

}  // namespace

Elements Evaluation::EvalSelector(const Expr& e, int64_t now) {
  Elements out;
  const int64_t t = Shifted(e.shift, now);
  for (Loaded& series : Load(e, 0)) {
    series.at = After(series.points, t, series.at);
    if (series.at == 0) continue;
    const Point& point = series.points[series.at - 1];
    if (point.t < t - options_.lookback || IsStale(point.v)) continue;
    out.push_back({series.labels, point.v});
  }
  Spend(out.size());
  return out;
}

Elements Evaluation::Timestamp(const Expr& e, int64_t now) {
  Elements out;
  const Expr& arg = *e.args[0];
  if (arg.kind != Expr::Kind::kSelector) {
    for (const Element& element : Eval(arg, now).elements) {
      out.push_back({Nameless(e, element.labels), static_cast<double>(now) / 1000});
    }
    return out;
  }
  const int64_t t = Shifted(arg.shift, now);
  for (Loaded& series : Load(arg, 0)) {
    series.at = After(series.points, t, series.at);
    if (series.at == 0) continue;
    const Point& point = series.points[series.at - 1];
    if (point.t < t - options_.lookback || IsStale(point.v)) continue;
    out.push_back({Nameless(e, series.labels), static_cast<double>(point.t) / 1000});
  }
  return out;
}

Window Evaluation::EvalRange(const Expr& e, int64_t now) {
  if (e.kind == Expr::Kind::kSubquery) return EvalSubquery(e, now);
  const Expr& selector = *e.args[0];
  Window window;
  window.to = Shifted(selector.shift, now);
  window.from = window.to - e.range;
  std::vector<Loaded>& all = Load(selector, e.range);
  if (!State(e).is_loaded) {  // stale markers are no part of a range
    State(e).is_loaded = true;
    for (Loaded& series : all)
      std::erase_if(series.points, [](const Point& p) { return IsStale(p.v); });
  }
  size_t samples = 0;
  for (Loaded& series : all) {
    series.at = After(series.points, window.to, series.at);
    const auto last = series.points.begin() + static_cast<ptrdiff_t>(series.at);
    auto first = last;
    // Ranges are short beside the whole; walk back a little, then search.
    for (int i = 0; i < 32 && first != series.points.begin() && std::prev(first)->t >= window.from;
         ++i)
      --first;
    if (first != series.points.begin() && std::prev(first)->t >= window.from) {
      first = std::lower_bound(series.points.begin(), first, window.from,
                               [](const Point& p, int64_t t) { return p.t < t; });
    }
    if (first == last) continue;
    samples += static_cast<size_t>(last - first);
    window.series.push_back({series.labels, {&*first, static_cast<size_t>(last - first)}});
  }
  Spend(samples / 64);  // looked at, not loaded
  return window;
}

Window Evaluation::EvalSubquery(const Expr& e, int64_t now) {
  NodeState& state = State(e);
  Window window;
  window.to = Shifted(e.shift, now);
  window.from = window.to - e.range;
  const int64_t step = e.step != 0 ? e.step : options_.subquery_step;
  int64_t first = step * (window.from / step);
  if (first < window.from) first += step;
  if (!state.is_loaded) {
    state.is_loaded = true;
    const int64_t from =
        std::exchange(load_from_, std::min(load_from_, Shifted(e.shift, load_from_) - e.range));
    const int64_t to = std::exchange(load_to_, std::max(load_to_, Shifted(e.shift, load_to_)));
    state.inner[first] =
        Eval(*e.args[0], first).elements;  // loads what is below for the whole reach
    load_from_ = from;
    load_to_ = to;
  }
  state.inner.erase(state.inner.begin(), state.inner.lower_bound(first));
  std::unordered_map<LabelsRef, size_t> rows;
  state.window.clear();
  for (int64_t t = first; t <= window.to && status_.ok(); t += step) {
    auto found = state.inner.find(t);
    if (found == state.inner.end()) {
      Elements elements = Eval(*e.args[0], t).elements;
      Spend(elements.size() + 1);
      found = state.inner.emplace(t, std::move(elements)).first;
    }
    for (const Element& element : found->second) {
      const auto [place, fresh] = rows.try_emplace(element.labels, state.window.size());
      if (fresh) state.window.emplace_back(element.labels, std::vector<Point>());
      state.window[place->second].second.push_back({t, element.value});
    }
  }
  for (const auto& [labels, points] : state.window) window.series.push_back({labels, points});
  return window;
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
    case Special::kSortDesc: {
      Elements out = Eval(*e.args[0], now).elements;
      const bool down = e.function->special == Special::kSortDesc;
      std::stable_sort(out.begin(), out.end(), [down](const Element& a, const Element& b) {
        if (std::isnan(a.value) || std::isnan(b.value))
          return !std::isnan(a.value) && std::isnan(b.value);  // NaN last
        return down ? a.value > b.value : a.value < b.value;
      });
      return out;
    }
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

namespace {

/// Puts what the groups of a match are in the place of $1, ${name} and $$.
std::string Expand(const std::string& replacement, const RE2& pattern,
                   const std::vector<re2::StringPiece>& groups) {
  std::string out;
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '$' || i + 1 >= replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const bool braces = replacement[i + 1] == '{';
    const size_t start = i + (braces ? 2 : 1);
    size_t end = start;
    while (end < replacement.size() &&
           (std::isalnum(static_cast<unsigned char>(replacement[end])) || replacement[end] == '_'))
      ++end;
    if (end == start || (braces && (end >= replacement.size() || replacement[end] != '}'))) {
      out += '$';
      continue;
    }
    const std::string name = replacement.substr(start, end - start);
    size_t index = groups.size();
    if (name.find_first_not_of("0123456789") == std::string::npos && name.size() < 6) {
      index = static_cast<size_t>(std::stoi(name));
    } else if (const auto named = pattern.NamedCapturingGroups().find(name);
               named != pattern.NamedCapturingGroups().end()) {
      index = static_cast<size_t>(named->second);
    }
    if (index < groups.size()) out.append(groups[index].data(), groups[index].size());
    i = braces ? end : end - 1;
  }
  return out;
}

Labels With(const Labels& labels, const std::string& name, std::string value) {
  Labels copy = labels;
  copy.emplace_back(name, std::move(value));
  return MakeLabels(std::move(copy));
}

}  // namespace

Elements Evaluation::LabelReplace(const Expr& e, int64_t now) {
  const std::string& target = e.args[1]->text;
  const std::string& replacement = e.args[2]->text;
  const std::string& source = e.args[3]->text;
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 pattern("(?s:" + e.args[4]->text + ")", options);
  if (!pattern.ok()) {
    Fail(fmt::format("invalid regular expression in label_replace(): {}", e.args[4]->text));
    return {};
  }
  if (!IsLabelName(target)) {
    Fail(fmt::format("invalid destination label name in label_replace(): {}", target));
    return {};
  }
  Elements out;
  std::vector<re2::StringPiece> groups(static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1);
  for (const Element& element : Eval(*e.args[0], now).elements) {
    LabelsRef& labels = State(e).labels[element.labels];
    if (labels == nullptr) {
      const std::string value(ValueOf(*element.labels, source));
      labels = element.labels;
      if (pattern.Match(value, 0, value.size(), RE2::ANCHOR_BOTH, groups.data(),
                        static_cast<int>(groups.size()))) {
        labels = Intern(With(*element.labels, target, Expand(replacement, pattern, groups)));
      }
    }
    out.push_back({labels, element.value});
  }
  return out;
}

Elements Evaluation::LabelJoin(const Expr& e, int64_t now) {
  const std::string& target = e.args[1]->text;
  if (!IsLabelName(target)) {
    Fail(fmt::format("invalid destination label name in label_join(): {}", target));
    return {};
  }
  Elements out;
  for (const Element& element : Eval(*e.args[0], now).elements) {
    LabelsRef& labels = State(e).labels[element.labels];
    if (labels == nullptr) {
      std::string joined;
      for (size_t i = 3; i < e.args.size(); ++i) {
        if (i > 3) joined += e.args[2]->text;
        joined += ValueOf(*element.labels, e.args[i]->text);
      }
      labels = Intern(With(*element.labels, target, std::move(joined)));
    }
    out.push_back({labels, element.value});
  }
  return out;
}

}  // namespace opsmesh::kubesim::promql
