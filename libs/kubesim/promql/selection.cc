// What an evaluation reads: selectors, ranges and subqueries.
#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "libs/kubesim/promql/evaluation.h"

namespace opsmesh::kubesim::promql {
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

}  // namespace opsmesh::kubesim::promql
