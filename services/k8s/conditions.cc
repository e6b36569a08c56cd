// What a query asks of one object: fields, conditions, selectors and aggregates read from text, and
// whether a condition holds.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/arguments.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/query.h"

namespace opsmesh::k8s {
namespace {

base::Error BadCondition(std::string_view text, std::string_view why) {
  return base::InvalidArgument(
             "arguments.where", "BAD_CONDITION",
             fmt::format("The condition '{}' cannot be used: {}.", CleanText(text, 120), why))
      .Hint(
          "Write <field><operator><value> with = != > >= < <= ~ !~, for instance 'restarts>5', "
          "'status=Pending|Failed', "
          "'age<1h', 'image~nginx' or 'label:app=web'.");
}

// A value in the unit of its field.
bool ParseNumber(std::string_view text, Unit unit, double* out) {
  if (unit == Unit::kBool) {
    const std::string word = base::AsciiLower(text);
    const bool yes = word == "true" || word == "yes" || word == "1";
    if (!yes && word != "false" && word != "no" && word != "0") return false;
    *out = yes ? 1 : 0;
    return true;
  }
  if (unit == Unit::kSeconds) {
    int64_t seconds = 0;
    if (ParseDuration(text, &seconds)) {
      *out = static_cast<double>(seconds);
      return true;
    }
  }
  const auto quantity = kube::ParseQuantity(text);
  if (!quantity) return false;
  *out = *quantity;
  return true;
}

std::string_view UnitWords(Unit unit) {
  switch (unit) {
    case Unit::kText:
      return "text";
    case Unit::kCount:
      return "a number";
    case Unit::kBool:
      return "true or false";
    case Unit::kSeconds:
      return "a duration such as '90s', '2h' or '3d'";
    case Unit::kCpu:
      return "an amount of CPU such as '500m' or '2'";
    case Unit::kBytes:
      return "an amount of memory such as '512Mi' or '2Gi'";
  }
  return "text";
}

Field PathField(std::string_view path) {
  return {"." + std::string(path), "", Unit::kText,
          [path = std::string(path)](const kube::Object& o, Picture&) {
            const kube::JsonRef value = o.root().At(path);
            if (value.empty()) return FieldValue::None();
            if (value.RawString()) return FieldValue::Text(value.String());
            return FieldValue::Text(value.Text());
          }};
}

struct Parts {
  std::string_view field;
  Condition::Op op;
  std::string_view value;
};

bool SplitCondition(std::string_view text, Parts* parts) {
  static constexpr std::pair<std::string_view, Condition::Op> kOps[] = {
      {"!=", Condition::Op::kNotEqual},     {"!~", Condition::Op::kNotContains},
      {">=", Condition::Op::kGreaterEqual}, {"<=", Condition::Op::kLessEqual},
      {"==", Condition::Op::kEqual},        {"=", Condition::Op::kEqual},
      {">", Condition::Op::kGreater},       {"<", Condition::Op::kLess},
      {"~", Condition::Op::kContains}};
  const size_t at = text.find_first_of("=!<>~");
  if (at == std::string_view::npos || at == 0) return false;
  for (const auto& [word, op] : kOps) {
    if (text.substr(at).starts_with(word)) {
      *parts = {base::Trim(text.substr(0, at)), op, base::Trim(text.substr(at + word.size()))};
      return !parts->field.empty();
    }
  }
  return false;
}

bool IsOrder(Condition::Op op) {
  return op >= Condition::Op::kLess && op <= Condition::Op::kGreaterEqual;
}

bool Contains(std::string_view haystack, std::string_view lower_needle) {
  return base::AsciiLower(haystack).find(lower_needle) != std::string::npos;
}

}  // namespace

absl::StatusOr<Field> ResolveField(const kube::ResourceType& type, std::string_view name) {
  if (const Field* field = FindField(type.plural, name)) return *field;
  if (name.starts_with("label:") && name.size() > 6) return LabelField(name.substr(6));
  if (name.starts_with('.') && name.size() > 1) return PathField(name.substr(1));
  std::vector<std::string> names;
  std::string list;
  for (const Field& field : FieldsOf(type.plural)) {
    names.push_back(field.name);
    list += fmt::format("{}{}", list.empty() ? "" : ", ", field.name);
  }
  const std::string near(base::Nearest(name, names));
  return base::InvalidArgument(
             "arguments", "UNKNOWN_FIELD",
             fmt::format("{} have no field '{}'{}", type.plural, CleanText(name, 80),
                         near.empty() ? "." : fmt::format("; did you mean '{}'?", near)))
      .Hint(fmt::format("Fields: {}; also label:<key> and paths such as .spec.replicas.", list));
}

absl::StatusOr<Condition> ParseCondition(const kube::ResourceType& type, std::string_view text) {
  Parts parts;
  if (!SplitCondition(text, &parts)) return BadCondition(text, "it has no operator");
  Condition condition;
  condition.op = parts.op;
  OPSMESH_ASSIGN_OR_RETURN(condition.field, ResolveField(type, parts.field));
  const bool path = parts.field.starts_with('.') || parts.field.starts_with("label:");
  if (condition.field.unit == Unit::kText && IsOrder(parts.op)) {
    // Labels and paths are compared as numbers when both sides are numbers.
    if (!path) return BadCondition(text, fmt::format("'{}' is text, it has no order", parts.field));
    if (!ParseNumber(parts.value, Unit::kCount, &condition.number))
      return BadCondition(text, "the value is no number");
    return condition;
  }
  if (condition.field.unit == Unit::kText || parts.op >= Condition::Op::kContains) {
    if (condition.field.unit != Unit::kText) {
      return BadCondition(text, fmt::format("'{}' is {}, compare it with = != > >= < <=",
                                            parts.field, UnitWords(condition.field.unit)));
    }
    if (parts.op >= Condition::Op::kContains) {
      if (parts.value.empty()) return BadCondition(text, "there is nothing to look for");
      condition.texts.push_back(base::AsciiLower(parts.value));
    } else {
      for (const std::string_view item : base::Split(parts.value, '|')) {
        condition.texts.push_back(base::AsciiLower(base::Trim(item)));
      }
    }
    return condition;
  }
  for (const std::string_view item : base::Split(parts.value, '|')) {
    double number = 0;
    if (!ParseNumber(base::Trim(item), condition.field.unit, &number)) {
      return BadCondition(text,
                          fmt::format("'{}' is {}", parts.field, UnitWords(condition.field.unit)));
    }
    condition.numbers.push_back(number);
  }
  condition.number = condition.numbers[0];
  return condition;
}

absl::StatusOr<std::vector<Condition>> ParseFieldSelector(std::string_view text) {
  std::vector<Condition> out;
  for (const std::string_view term : base::Split(text, ',')) {
    Parts parts;
    const bool ok = SplitCondition(base::Trim(term), &parts) &&
                    (parts.op == Condition::Op::kEqual || parts.op == Condition::Op::kNotEqual);
    if (!ok) {
      return base::InvalidArgument(
                 "arguments.field_selector", "INVALID_SELECTOR",
                 fmt::format("'{}' is no term of a field selector.", CleanText(term, 80)))
          .Hint(
              "Write field=value or field!=value, joined by commas: "
              "'status.phase=Running,spec.nodeName=node-1'.");
    }
    Condition condition;
    condition.op = parts.op;
    condition.field = PathField(parts.field);
    condition.texts.push_back(base::AsciiLower(parts.value));
    out.push_back(std::move(condition));
  }
  return out;
}

absl::StatusOr<Aggregate> ParseAggregate(const kube::ResourceType& type, std::string_view text) {
  static constexpr std::pair<std::string_view, Aggregate::Kind> kKinds[] = {
      {"sum", Aggregate::Kind::kSum},
      {"min", Aggregate::Kind::kMin},
      {"max", Aggregate::Kind::kMax},
      {"avg", Aggregate::Kind::kAvg}};
  const size_t colon = text.find(':');
  for (const auto& [word, kind] : kKinds) {
    if (colon == std::string_view::npos || text.substr(0, colon) != word) continue;
    OPSMESH_ASSIGN_OR_RETURN(Field field, ResolveField(type, text.substr(colon + 1)));
    if (field.unit == Unit::kText) break;
    return Aggregate{kind, std::move(field), std::string(text)};
  }
  return base::InvalidArgument("arguments.aggregate", "BAD_AGGREGATE",
                               fmt::format("'{}' is no aggregate.", CleanText(text, 80)))
      .Hint(
          "Write sum, min, max or avg, a colon and a field that is a number: 'sum:cpu_request', "
          "'max:restarts'.");
}

bool Holds(const Condition& c, const kube::Object& object, Picture& picture) {
  const FieldValue value = c.field.get(object, picture);
  using Op = Condition::Op;
  if (c.field.unit == Unit::kText) {
    if (IsOrder(c.op)) {
      double number = 0;
      if (value.absent || !ParseNumber(value.text, Unit::kCount, &number)) return false;
      return c.op == Op::kLess        ? number < c.number
             : c.op == Op::kLessEqual ? number <= c.number
             : c.op == Op::kGreater   ? number > c.number
                                      : number >= c.number;
    }
    if (c.op == Op::kContains) return Contains(value.text, c.texts[0]);
    if (c.op == Op::kNotContains) return !Contains(value.text, c.texts[0]);
    const std::string lower = base::AsciiLower(value.text);
    const bool equal = std::find(c.texts.begin(), c.texts.end(), lower) != c.texts.end();
    return equal == (c.op == Op::kEqual);
  }
  const bool any = !value.absent &&
                   std::find(c.numbers.begin(), c.numbers.end(), value.number) != c.numbers.end();
  if (c.op == Op::kNotEqual) return !any;
  if (value.absent) return false;
  switch (c.op) {
    case Op::kEqual:
      return any;
    case Op::kLess:
      return value.number < c.number;
    case Op::kLessEqual:
      return value.number <= c.number;
    case Op::kGreater:
      return value.number > c.number;
    case Op::kGreaterEqual:
      return value.number >= c.number;
    default:
      return false;
  }
}

}  // namespace opsmesh::k8s
