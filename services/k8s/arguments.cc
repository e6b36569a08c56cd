#include "services/k8s/arguments.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/k8s/argument_format.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"

namespace opsmesh::k8s {
namespace {

using nlohmann::json;

constexpr size_t kMaxArgumentBytes = 64 << 10;
constexpr size_t kMaxListItems = 64;
constexpr size_t kMaxProblems = 5;

struct Problem {
  std::string argument;
  std::string code;
  std::string sentence;
};

std::string Quote(std::string_view text) { return "'" + CleanText(text, 80) + "'"; }

std::string_view TypeName(ParamType type) {
  switch (type) {
    case ParamType::kString:
      return "string";
    case ParamType::kInteger:
      return "integer";
    case ParamType::kNumber:
      return "number";
    case ParamType::kBoolean:
      return "boolean";
    case ParamType::kStringList:
      return "array";
  }
  return "string";
}

std::string JoinQuoted(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "'" : ", '") + value + "'";
  return out;
}

Problem WrongType(const Param& param, const json& value) {
  const std::string got = value.is_null()             ? "null"
                          : value.is_number_integer() ? "integer"
                                                      : value.type_name();
  return {
      param.name, "WRONG_TYPE",
      fmt::format(
          "'{}' must be {} {}, not {}", param.name,
          TypeName(param.type).front() == 'i' || TypeName(param.type).front() == 'a' ? "an" : "a",
          TypeName(param.type), got)};
}

std::vector<Problem> CheckString(const Param& param, const std::string& value) {
  if (!param.values.empty()) {
    if (std::find(param.values.begin(), param.values.end(), value) != param.values.end()) return {};
    const std::string near(base::Nearest(value, param.values));
    return {{param.name, "NOT_ALLOWED",
             fmt::format("'{}' is {}, which is none of {}{}", param.name, Quote(value),
                         JoinQuoted(param.values),
                         near.empty() ? "" : "; did you mean '" + near + "'?")}};
  }
  const FormatRule& rule = RuleOf(param.format);
  // NUL can never be meant, and cuts strings in other programs.
  if (rule.accepts(value) && value.find('\0') == std::string::npos) return {};
  return {{param.name, "BAD_FORMAT",
           value.empty()
               ? fmt::format("'{}' is empty: leave it out, or give {}", param.name, rule.says)
               : fmt::format("'{}' must be {}, not {}", param.name, rule.says, Quote(value))}};
}

template <typename T>
std::vector<Problem> CheckRange(const Param& param, T value) {
  if (param.minimum == 0 && param.maximum == 0) return {};
  if (value >= static_cast<T>(param.minimum) && value <= static_cast<T>(param.maximum)) return {};
  return {{param.name, "OUT_OF_RANGE",
           fmt::format("'{}' is {}, allowed are {} to {}", param.name, value, param.minimum,
                       param.maximum)}};
}

}  // namespace

template <typename T>
const T* Arguments::Get(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : std::get_if<T>(&it->second);
}

std::string Arguments::String(std::string_view name, std::string_view fallback) const {
  const auto* value = Get<std::string>(name);
  return value ? *value : std::string(fallback);
}
int64_t Arguments::Integer(std::string_view name, int64_t fallback) const {
  const auto* value = Get<int64_t>(name);
  return value ? *value : fallback;
}
double Arguments::Number(std::string_view name, double fallback) const {
  const auto* value = Get<double>(name);
  return value ? *value : fallback;
}
bool Arguments::Boolean(std::string_view name, bool fallback) const {
  const auto* value = Get<bool>(name);
  return value ? *value : fallback;
}
std::vector<std::string> Arguments::List(std::string_view name) const {
  const auto* value = Get<std::vector<std::string>>(name);
  return value ? *value : std::vector<std::string>();
}

std::string SchemaOf(const std::vector<Param>& params) {
  JsonWriter w;
  w.BeginObject()
      .Field("$schema", "http://json-schema.org/draft-07/schema#")
      .Field("type", "object");
  w.Key("properties").BeginObject();
  for (const Param& param : params) {
    w.Key(param.name).BeginObject().Field("type", TypeName(param.type));
    w.Field("description", param.description.en + " / " + param.description.zh);
    if (param.type == ParamType::kStringList) {
      w.Key("items")
          .BeginObject()
          .Field("type", "string")
          .EndObject()
          .Field("maxItems", kMaxListItems);
    } else if (param.type == ParamType::kString && param.values.empty()) {
      const FormatRule& rule = RuleOf(param.format);
      if (rule.pattern) w.Field("pattern", rule.pattern);
      w.Field("minLength", 1).Field("maxLength", rule.max_length);
    }
    if (!param.values.empty()) w.StringArray("enum", param.values);
    if (param.minimum != 0 || param.maximum != 0)
      w.Field("minimum", param.minimum).Field("maximum", param.maximum);
    if (!param.default_json.empty()) w.Key("default").Raw(param.default_json);
    w.EndObject();
  }
  w.EndObject();
  w.Key("required").BeginArray();
  for (const Param& param : params) {
    if (param.required) w.Value(param.name);
  }
  w.EndArray().Field("additionalProperties", false).EndObject();
  return w.Take();
}

namespace {

std::vector<Problem> CheckInteger(const Param& param, const json& value, int64_t* number) {
  // JSON Schema counts 3.0 as an integer.
  const bool whole = value.is_number_float() &&
                     std::floor(value.get<double>()) == value.get<double>() &&
                     std::abs(value.get<double>()) < 9e15;
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return {{param.name, "OUT_OF_RANGE", fmt::format("'{}' is out of range", param.name)}};
  if (!value.is_number_integer() && !whole) return {WrongType(param, value)};
  *number = whole ? static_cast<int64_t>(value.get<double>()) : value.get<int64_t>();
  return CheckRange(param, *number);
}

std::vector<Problem> CheckList(const Param& param, const json& value,
                               std::vector<std::string>* items) {
  if (!value.is_array() ||
      !std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); })) {
    return {
        {param.name, "WRONG_TYPE", fmt::format("'{}' must be an array of strings", param.name)}};
  }
  if (value.size() > kMaxListItems) {
    return {{param.name, "OUT_OF_RANGE",
             fmt::format("'{}' has {} items, at most {} are allowed", param.name, value.size(),
                         kMaxListItems)}};
  }
  std::vector<Problem> found;
  for (const json& item : value) {
    for (Problem& p : CheckString(param, item.get_ref<const std::string&>()))
      found.push_back(std::move(p));
    items->push_back(item.get<std::string>());
  }
  return found;
}

// Checks one value and appends what is wrong; fills `out` when nothing is.
template <typename Value>
void CheckValue(const Param& param, const json& value,
                std::map<std::string, Value, std::less<>>& out, std::vector<Problem>& problems) {
  std::vector<Problem> found;
  switch (param.type) {
    case ParamType::kString:
      if (!value.is_string()) {
        found = {WrongType(param, value)};
      } else if (found = CheckString(param, value.get_ref<const std::string&>()); found.empty()) {
        out[param.name] = value.get<std::string>();
      }
      break;
    case ParamType::kInteger: {
      int64_t number = 0;
      if (found = CheckInteger(param, value, &number); found.empty()) out[param.name] = number;
      break;
    }
    case ParamType::kNumber:
      if (!value.is_number()) {
        found = {WrongType(param, value)};
      } else if (found = CheckRange(param, value.get<double>()); found.empty()) {
        out[param.name] = value.get<double>();
      }
      break;
    case ParamType::kBoolean:
      if (value.is_boolean())
        out[param.name] = value.get<bool>();
      else
        found = {WrongType(param, value)};
      break;
    case ParamType::kStringList: {
      std::vector<std::string> items;
      if (found = CheckList(param, value, &items); found.empty())
        out[param.name] = std::move(items);
      break;
    }
  }
  problems.insert(problems.end(), found.begin(), found.end());
}

absl::Status Refuse(const std::vector<Problem>& problems, std::string_view tool) {
  std::string sentence = fmt::format("{} cannot be called like this: ", tool);
  for (size_t i = 0; i < problems.size() && i < kMaxProblems; ++i) {
    sentence += (i == 0 ? "" : "; ") + problems[i].sentence;
  }
  if (problems.size() > kMaxProblems)
    sentence += fmt::format("; and {} more", problems.size() - kMaxProblems);
  sentence += '.';
  return base::InvalidArgument("arguments", "TOOL_ARGUMENTS", sentence)
      .Hint(fmt::format("See the parameters of {} in the tool list.", tool))
      .With("tool", tool)
      .With("argument", CleanText(problems[0].argument, 80))
      .With("problem", problems[0].code);
}

}  // namespace

absl::StatusOr<Arguments> CheckArguments(std::string_view text, const std::vector<Param>& params,
                                         std::string_view tool) {
  base::JsonLimits limits;
  limits.max_bytes = kMaxArgumentBytes;
  limits.max_depth = 8;
  absl::StatusOr<json> parsed = base::ParseJson(base::Trim(text).empty() ? "{}" : text, limits);
  if (!parsed.ok()) {
    return Refuse(
        {{"", "MALFORMED",
          "the arguments are no usable JSON (" + std::string(parsed.status().message()) + ")"}},
        tool);
  }
  if (!parsed->is_object()) {
    return Refuse(
        {{"", "MALFORMED",
          fmt::format("the arguments must be a JSON object, not {}", parsed->type_name())}},
        tool);
  }
  std::vector<std::string> names;
  for (const Param& param : params) names.push_back(param.name);

  std::vector<Problem> problems;
  Arguments arguments;
  for (const auto& [name, value] : parsed->items()) {
    const auto param =
        std::find_if(params.begin(), params.end(), [&](const Param& p) { return p.name == name; });
    if (param != params.end()) {
      CheckValue(*param, value, arguments.values_, problems);
      continue;
    }
    const std::string near(base::Nearest(name, names));
    const std::string allowed = names.empty() ? "it takes none" : "it takes " + JoinQuoted(names);
    problems.push_back({name, "UNKNOWN_ARGUMENT",
                        fmt::format("there is no argument {} ({})", Quote(name),
                                    near.empty() ? allowed : "did you mean '" + near + "'?")});
  }
  for (const Param& param : params) {
    if (param.required && !parsed->contains(param.name)) {
      problems.push_back({param.name, "MISSING_ARGUMENT",
                          fmt::format("the argument '{}' is missing", param.name)});
    }
  }
  if (!problems.empty()) return Refuse(problems, tool);
  arguments.canonical_ = base::DumpJson(*parsed);
  return arguments;
}

}  // namespace opsmesh::k8s
