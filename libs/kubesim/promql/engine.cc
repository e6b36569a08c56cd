#include "libs/kubesim/promql/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "libs/base/error.h"
#include "libs/kubesim/promql/evaluation.h"

namespace opsmesh::kubesim::promql {
namespace {

Answer::Row OnePoint(LabelsRef labels, int64_t t, double v) { return {*labels, {{t, v}}}; }

}  // namespace

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[400];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed).ptr;
  return {text, end};
}

absl::StatusOr<Answer> Engine::Instant(const base::Context& ctx, const Query& query,
                                       int64_t at) const {
  Answer answer;
  const Expr& root = *query.root;
  answer.type = root.type;
  if (root.type == ValueType::kString) {
    answer.text = root.text;
    return answer;
  }
  Evaluation evaluation(ctx, source_, options_, query, at, at, 1);
  if (root.type == ValueType::kMatrix) {
    const Window window = evaluation.RangeAt(at);
    for (const RangeOf& series : window.series) {
      if (series.points.empty()) continue;
      answer.rows.push_back({*series.labels, {series.points.begin(), series.points.end()}});
    }
  } else {
    const Value value = evaluation.At(at);
    if (root.type == ValueType::kScalar) answer.rows.push_back({{}, {{at, value.scalar}}});
    for (const Element& element : value.elements)
      answer.rows.push_back(OnePoint(element.labels, at, element.value));
  }
  OPSMESH_RETURN_IF_ERROR(evaluation.status());
  return answer;
}

absl::StatusOr<Answer> Engine::Range(const base::Context& ctx, const Query& query, int64_t start,
                                     int64_t end, int64_t step) const {
  Answer answer;
  answer.type = ValueType::kMatrix;
  Evaluation evaluation(ctx, source_, options_, query, start, end, step);
  std::unordered_map<LabelsRef, size_t> rows;
  const Labels none;
  const LabelsRef scalar = evaluation.Intern(none);
  for (int64_t now = start; now <= end; now += step) {
    const Value value = evaluation.At(now);
    OPSMESH_RETURN_IF_ERROR(evaluation.status());
    const auto add = [&](LabelsRef labels, double v) {
      const auto [place, fresh] = rows.try_emplace(labels, answer.rows.size());
      if (fresh) answer.rows.push_back({*labels, {}});
      answer.rows[place->second].points.push_back({now, v});
    };
    if (query.root->type == ValueType::kScalar) add(scalar, value.scalar);
    for (const Element& element : value.elements) add(element.labels, element.value);
  }
  std::sort(answer.rows.begin(), answer.rows.end(),
            [](const Answer::Row& a, const Answer::Row& b) { return a.labels < b.labels; });
  return answer;
}

}  // namespace opsmesh::kubesim::promql
