#include "services/llm/agent/schema_check.h"

#include <charconv>
#include <optional>
#include <vector>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

absl::Status Wrong(std::string_view where, std::string_view what) {
  return base::InvalidArgument(where, "ARGUMENTS_SCHEMA", fmt::format("'{}' {}.", where, what));
}

bool HasType(const json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() &&
            value.get<double>() == static_cast<double>(static_cast<int64_t>(value.get<double>())));
  }
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "null") return value.is_null();
  return false;
}

std::vector<std::string> TypesOf(const json& schema) {
  const auto it = schema.find("type");
  if (it == schema.end()) return {};
  if (it->is_string()) return {it->get<std::string>()};
  std::vector<std::string> types;
  if (it->is_array()) {
    for (const json& type : *it) {
      if (type.is_string()) types.push_back(type.get<std::string>());
    }
  }
  return types;
}

// "50" for an integer, "true" for a truth value, 8080 for a string; nullopt when it cannot be
// meant.
std::optional<json> Mended(const json& value, std::string_view type) {
  if (value.is_string()) {
    const std::string text = base::AsciiLower(base::Trim(value.get_ref<const std::string&>()));
    if (type == "boolean" && (text == "true" || text == "false")) return json(text == "true");
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
    if (whole && (type == "integer" || type == "number")) return json(number);
  }
  if (type == "string" && value.is_number_integer()) return json(base::DumpJson(value));
  if (type == "array" && value.is_string()) return json::array({value});
  return std::nullopt;
}

double Limit(const json& schema, const char* key, double fallback) {
  const auto it = schema.find(key);
  return it != schema.end() && it->is_number() ? it->get<double>() : fallback;
}

absl::Status CheckRange(const json& value, const json& schema, const std::string& where) {
  const auto outside = [&](double figure, const char* low, const char* high,
                           const char* what) -> absl::Status {
    if (figure < Limit(schema, low, -1e300))
      return Wrong(where, fmt::format("{} at least {}", what, Limit(schema, low, 0)));
    if (figure > Limit(schema, high, 1e300))
      return Wrong(where, fmt::format("{} at most {}", what, Limit(schema, high, 0)));
    return absl::OkStatus();
  };
  if (value.is_number()) return outside(value.get<double>(), "minimum", "maximum", "must be");
  if (value.is_array())
    return outside(static_cast<double>(value.size()), "minItems", "maxItems", "must have items,");
  if (!value.is_string()) return absl::OkStatus();
  const std::string& text = value.get_ref<const std::string&>();
  OPSMESH_RETURN_IF_ERROR(
      outside(static_cast<double>(text.size()), "minLength", "maxLength", "must have characters,"));
  const auto pattern = schema.find("pattern");
  if (pattern == schema.end() || !pattern->is_string()) return absl::OkStatus();
  const re2::RE2 expression(pattern->get_ref<const std::string&>(), re2::RE2::Quiet);
  if (expression.ok() && !re2::RE2::PartialMatch(text, expression)) {
    return Wrong(where,
                 fmt::format("has a form that is not allowed ({})", pattern->get<std::string>()));
  }
  return absl::OkStatus();
}

absl::Status CheckValue(json* value, const json& schema, const std::string& where);

absl::Status CheckObject(json* object, const json& schema, const std::string& where) {
  const std::string before = where.empty() ? "" : where + ".";
  const auto properties = schema.find("properties");
  const auto closed = schema.find("additionalProperties");
  const bool open = closed == schema.end() || !closed->is_boolean() || closed->get<bool>();
  std::vector<std::string> dropped;
  std::vector<std::string> known;
  if (properties != schema.end() && properties->is_object()) {
    for (const auto& [name, unused] : properties->items()) known.push_back(name);
  }
  for (auto& [name, member] : object->items()) {
    if (member.is_null()) {
      dropped.push_back(name);
      continue;
    }
    const bool listed = properties != schema.end() && properties->contains(name);
    if (listed) {
      OPSMESH_RETURN_IF_ERROR(CheckValue(&member, (*properties)[name], before + name));
    } else if (!open) {
      return Wrong(before + name, "is no parameter of this tool; it takes: " +
                                      (known.empty() ? "none" : base::Join(known, ", ")));
    }
  }
  for (const std::string& name : dropped) object->erase(name);
  const auto required = schema.find("required");
  if (required == schema.end() || !required->is_array()) return absl::OkStatus();
  for (const json& name : *required) {
    if (name.is_string() && !object->contains(name.get_ref<const std::string&>())) {
      return Wrong(before + name.get<std::string>(), "is required and missing");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckValue(json* value, const json& schema, const std::string& where) {
  if (!schema.is_object()) return absl::OkStatus();
  const std::vector<std::string> types = TypesOf(schema);
  bool fits = types.empty();
  for (const std::string& type : types) fits = fits || HasType(*value, type);
  for (const std::string& type : types) {
    if (fits) break;
    if (auto mended = Mended(*value, type)) {
      *value = *std::move(mended);
      fits = true;
    }
  }
  if (!fits) return Wrong(where, "must be of type " + base::Join(types, " or "));
  if (const auto allowed = schema.find("enum"); allowed != schema.end() && allowed->is_array()) {
    bool found = false;
    std::vector<std::string> shown;
    for (const json& one : *allowed) {
      found = found || one == *value;
      shown.push_back(base::DumpJson(one));
    }
    if (!found) return Wrong(where, "must be one of " + base::Join(shown, ", "));
  }
  OPSMESH_RETURN_IF_ERROR(CheckRange(*value, schema, where));
  if (value->is_object()) return CheckObject(value, schema, where);
  if (value->is_array()) {
    const auto items = schema.find("items");
    if (items == schema.end()) return absl::OkStatus();
    for (size_t i = 0; i < value->size(); ++i) {
      OPSMESH_RETURN_IF_ERROR(CheckValue(&(*value)[i], *items, fmt::format("{}[{}]", where, i)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> CheckArguments(std::string_view arguments, std::string_view schema) {
  auto parsed = base::ParseJson(arguments, {.max_bytes = 256 << 10, .max_depth = 16});
  if (!parsed.ok()) {
    return base::InvalidArgument("arguments", "ARGUMENTS_MALFORMED",
                                 "The arguments are no whole JSON object.");
  }
  if (!parsed->is_object()) {
    return base::InvalidArgument("arguments", "ARGUMENTS_MALFORMED",
                                 "The arguments must be a JSON object.");
  }
  const auto wanted = base::ParseJson(schema.empty() ? "{}" : schema);
  if (wanted.ok() && wanted->is_object())
    OPSMESH_RETURN_IF_ERROR(CheckObject(&*parsed, *wanted, ""));
  return base::DumpJson(*parsed);
}

}  // namespace opsmesh::llm
