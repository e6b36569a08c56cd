#include "libs/kubesim/prometheus/answer_json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "libs/base/json_string.h"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Answer;
using promql::Point;
using promql::ValueType;

void AppendTime(int64_t ms, std::string* out) {
  if (ms < 0) *out += '-';
  const int64_t size = std::llabs(ms);
  fmt::format_to(std::back_inserter(*out), "{}", size / 1000);
  if (size % 1000 != 0) fmt::format_to(std::back_inserter(*out), ".{:03}", size % 1000);
}

void AppendValue(double value, std::string* out) {
  const double size = std::fabs(value);
  char text[400];
  if (std::isnan(value) || std::isinf(value) || size == 0 || (size >= 1e-6 && size < 1e21)) {
    *out += promql::FormatNumber(value);
    return;
  }
  out->append(text,
              std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific).ptr);
}

void AppendPoint(const Point& point, std::string* out) {
  *out += '[';
  AppendTime(point.t, out);
  *out += ",\"";
  AppendValue(point.v, out);
  *out += "\"]";
}

void AppendRow(const Answer::Row& row, ValueType type, std::string* out) {
  *out += R"({"metric":)";
  AppendLabels(row.labels, out);
  if (type == ValueType::kVector) {
    *out += R"(,"value":)";
    AppendPoint(row.points[0], out);
  } else {
    *out += R"(,"values":[)";
    for (const Point& point : row.points) {
      if (&point != row.points.data()) *out += ',';
      AppendPoint(point, out);
    }
    *out += ']';
  }
  *out += '}';
}

}  // namespace

void AppendLabels(const promql::Labels& labels, std::string* out) {
  *out += '{';
  for (const auto& [name, value] : labels) {
    if (out->back() != '{') *out += ',';
    base::AppendJsonString(name, out);
    *out += ':';
    base::AppendJsonString(value, out);
  }
  *out += '}';
}

std::string ResultJson(const Answer& answer, int64_t at) {
  std::string out;
  switch (answer.type) {
    case ValueType::kString: {
      out = R"({"resultType":"string","result":[)";
      AppendTime(at, &out);
      out += ',';
      base::AppendJsonString(answer.text, &out);
      return out + "]}";
    }
    case ValueType::kScalar:
      out = R"({"resultType":"scalar","result":)";
      AppendPoint(answer.rows[0].points[0], &out);
      return out + "}";
    case ValueType::kVector:
      out = R"({"resultType":"vector","result":[)";
      break;
    case ValueType::kMatrix:
      out = R"({"resultType":"matrix","result":[)";
      break;
  }
  for (const Answer::Row& row : answer.rows) {
    if (&row != answer.rows.data()) out += ',';
    AppendRow(row, answer.type, &out);
  }
  return out + "]}";
}

std::string NamesJson(const std::set<std::string>& names) {
  std::string out = "[";
  for (const auto& name : names) {
    if (out.size() > 1) out += ',';
    base::AppendJsonString(name, &out);
  }
  return out + "]";
}

}  // namespace opsmesh::kubesim::prometheus
