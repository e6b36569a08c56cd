#include "services/k8s/arguments.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/k8s/clean_text.h"
#include "services/k8s/json_writer.h"

namespace opsmesh::k8s {
namespace {

using nlohmann::json;

constexpr size_t kMaxArgumentBytes = 64 << 10;
constexpr size_t kMaxListItems = 64;
constexpr size_t kMaxProblems = 5;

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z'); }

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

// A selector's alphabet: what Kubernetes label and field selectors are written with, and no more.
bool IsSelectorText(std::string_view text, bool field) {
  if (text.empty() || text.size() > 1024) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAlnum(c) || std::string_view("-_./=!,").find(c) != std::string_view::npos ||
           (field ? c == ':' || c == '@'
                  : std::string_view("() ").find(c) != std::string_view::npos);
  });
}

struct FormatRule {
  bool (*accepts)(std::string_view);
  const char* pattern;  // for the schema; nullptr = none
  const char* says;     // what it must be, after "must be "
  int max_length;
};

const FormatRule& RuleOf(ParamFormat format) {
  static const FormatRule kText = {
      [](std::string_view s) { return !s.empty() && s.size() <= 4096; }, nullptr,
      "1 to 4096 bytes of text", 4096};
  static const FormatRule kNamespace = {
      IsDnsLabel, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      "a namespace name: lower-case letters, digits and '-', at most 63", 63};
  static const FormatRule kNamespaceOrAll = {
      [](std::string_view s) { return s == "*" || IsDnsLabel(s); },
      "^([a-z0-9]([-a-z0-9]*[a-z0-9])?|\\*)$",
      "a namespace name (lower-case letters, digits and '-', at most 63) or '*' "
      "for all of them",
      63};
  static const FormatRule kName = {
      IsDnsSubdomain, "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
      "a Kubernetes name: lower-case letters, digits, '-' and '.', at most 253", 253};
  static const FormatRule kObjectName = {
      IsObjectName, "^[^/%\\s]+$",
      "an object name: printable ASCII without '/', '%' and spaces, at most 253", 253};
  static const FormatRule kContainer = {
      IsDnsLabel, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      "a container name: lower-case letters, digits and '-', at most 63", 63};
  static const FormatRule kKind = {
      [](std::string_view s) {
        return !s.empty() && s.size() <= 128 && IsAlnum(s.front()) &&
               std::all_of(s.begin(), s.end(),
                           [](char c) { return IsAlnum(c) || c == '.' || c == '-'; });
      },
      "^[A-Za-z0-9][A-Za-z0-9.-]*$",
      "a kind, plural or short name, for instance 'Pod', 'deployments' or 'svc'", 128};
  static const FormatRule kLabel = {[](std::string_view s) { return IsSelectorText(s, false); },
                                    nullptr,
                                    "a label selector, for instance 'app=web,tier in (a,b)'", 1024};
  static const FormatRule kField = {[](std::string_view s) { return IsSelectorText(s, true); },
                                    nullptr,
                                    "a field selector, for instance 'status.phase=Running'", 1024};
  static const FormatRule kDuration = {[](std::string_view s) {
                                         int64_t seconds;
                                         return ParseDuration(s, &seconds);
                                       },
                                       "^([0-9]+[smhd])+$",
                                       "a duration such as '90s', '15m', '2h' or '3d'", 32};
  static const FormatRule kCursor = {
      [](std::string_view s) { return !s.empty() && s.size() <= 512; }, nullptr,
      "the next_cursor of an answer before", 512};
  switch (format) {
    case ParamFormat::kText:
      return kText;
    case ParamFormat::kNamespace:
      return kNamespace;
    case ParamFormat::kNamespaceOrAll:
      return kNamespaceOrAll;
    case ParamFormat::kName:
      return kName;
    case ParamFormat::kObjectName:
      return kObjectName;
    case ParamFormat::kContainer:
      return kContainer;
    case ParamFormat::kKind:
      return kKind;
    case ParamFormat::kLabelSelector:
      return kLabel;
    case ParamFormat::kFieldSelector:
      return kField;
    case ParamFormat::kDuration:
      return kDuration;
    case ParamFormat::kCursor:
      return kCursor;
  }
  return kText;
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

bool IsDnsLabel(std::string_view name) {
  return !name.empty() && name.size() <= 63 && IsLowerAlnum(name.front()) &&
         IsLowerAlnum(name.back()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const std::string_view label : base::Split(name, '.')) {
    // A subdomain's labels may be longer than 63 in Kubernetes; only the whole is bounded.
    if (label.empty() || !IsLowerAlnum(label.front()) || !IsLowerAlnum(label.back())) return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLowerAlnum(c) || c == '-'; }))
      return false;
  }
  return true;
}

bool IsObjectName(std::string_view name) {
  if (name.empty() || name.size() > 253 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '/' && c != '%'; });
}

bool ParseDuration(std::string_view text, int64_t* seconds) {
  constexpr int64_t kMax = 366 * 86400;
  if (text.empty() || text.size() > 32) return false;
  int64_t total = 0;
  int64_t number = -1;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = (number < 0 ? 0 : number) * 10 + (c - '0');
      if (number > kMax) return false;
      continue;
    }
    const int64_t unit = c == 's' ? 1 : c == 'm' ? 60 : c == 'h' ? 3600 : c == 'd' ? 86400 : 0;
    if (unit == 0 || number < 0) return false;
    total += number * unit;
    if (total > kMax) return false;
    number = -1;
  }
  if (number >= 0) return false;
  *seconds = total;
  return true;
}

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
      // JSON Schema counts 3.0 as an integer.
      const bool whole = value.is_number_float() &&
                         std::floor(value.get<double>()) == value.get<double>() &&
                         std::abs(value.get<double>()) < 9e15;
      if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
        found = {{param.name, "OUT_OF_RANGE", fmt::format("'{}' is out of range", param.name)}};
      } else if (!value.is_number_integer() && !whole) {
        found = {WrongType(param, value)};
      } else {
        const int64_t number =
            whole ? static_cast<int64_t>(value.get<double>()) : value.get<int64_t>();
        if (found = CheckRange(param, number); found.empty()) out[param.name] = number;
      }
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
      if (!value.is_array() ||
          !std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); })) {
        found = {{param.name, "WRONG_TYPE",
                  fmt::format("'{}' must be an array of strings", param.name)}};
        break;
      }
      if (value.size() > kMaxListItems) {
        found = {{param.name, "OUT_OF_RANGE",
                  fmt::format("'{}' has {} items, at most {} are allowed", param.name, value.size(),
                              kMaxListItems)}};
        break;
      }
      std::vector<std::string> items;
      for (const json& item : value) {
        for (Problem& p : CheckString(param, item.get_ref<const std::string&>()))
          found.push_back(std::move(p));
        items.push_back(item.get<std::string>());
      }
      if (found.empty()) out[param.name] = std::move(items);
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
