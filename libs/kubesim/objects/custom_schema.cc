#include "libs/kubesim/objects/custom_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

const char* SchemaWord(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (value.is_number_integer()) return "integer";
  return value.is_number() ? "number" : "null";
}

bool HasType(const std::string& type, const Json& value) {
  if (type.empty()) return true;
  if (type == "number") return value.is_number();
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number() && std::trunc(value.get<double>()) == value.get<double>());
  return type == SchemaWord(value);
}

// The formats that a server knows; the others are words.
bool HasFormat(const std::string& format, const std::string& text) {
  absl::Time time;
  if (format == "date-time") return base::ParseRfc3339(text, &time);
  if (format == "date") return base::ParseRfc3339(text + "T00:00:00Z", &time);
  if (format == "ipv4") return ValidIp(text) && text.find(':') == std::string::npos;
  if (format == "ipv6") return ValidIp(text) && text.find(':') != std::string::npos;
  if (format == "cidr") return ValidCidr(text);
  static const RE2 email(R"([^@\s<>]+@[^@\s<>]+)");
  if (format == "email") return RE2::FullMatch(text, email);
  static const RE2 uuid(R"((?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})");
  if (format == "uuid") return RE2::FullMatch(text, uuid);
  return true;
}

std::string Joined(const std::string& field, const std::string& member) {
  return field.empty() ? member : field + "." + member;
}

class Walk {
 public:
  explicit Walk(Causes* causes) : causes_(*causes) {}

  void Check(const Json& schema, const Json& value, const std::string& field, int depth) {
    if (!schema.is_object() || depth > kMaxDepth) return;
    const std::string type = TextAt(schema, "type");
    const bool int_or_string = BoolAt(schema, {"x-kubernetes-int-or-string"});
    if (value.is_null()) {
      if (!BoolAt(schema, {"nullable"}) && (!type.empty() || int_or_string))
        WrongType(field, int_or_string ? "integer,string" : type, value);
      return;
    }
    if (int_or_string && !value.is_number_integer() && !value.is_string())
      return WrongType(field, "integer,string", value);
    if (!int_or_string && !HasType(type, value)) return WrongType(field, type, value);
    if (value.is_number()) Numbers(schema, value, field);
    if (value.is_string()) Texts(schema, value, field);
    if (value.is_array()) Lists(schema, value, field, depth);
    if (value.is_object()) Objects(schema, value, field, depth);
    Allowed(schema, value, field);
    Combined(schema, value, field, depth);
  }

 private:
  void WrongType(const std::string& field, const std::string& type, const Json& value) {
    causes_.push_back(
        {"FieldValueTypeInvalid",
         fmt::format("Invalid value: \"{0}\": {1} in body must be of type {2}: \"{0}\"",
                     SchemaWord(value), field, type),
         field});
  }
  void Bad(const std::string& field, const std::string& value, const std::string& why) {
    causes_.push_back({"FieldValueInvalid",
                       fmt::format("Invalid value: {}: {} in body {}", value, field, why), field});
  }
  static bool Number(const Json& schema, const char* member, double* out) {
    const Json& value = At(schema, member);
    if (value.is_number()) *out = value.get<double>();
    return value.is_number();
  }

  void Numbers(const Json& schema, const Json& value, const std::string& field) {
    const double number = value.get<double>();
    double edge = 0;
    if (Number(schema, "minimum", &edge)) {
      const bool open = BoolAt(schema, {"exclusiveMinimum"});
      if (open ? number <= edge : number < edge)
        Bad(field, value.dump(),
            fmt::format("should be greater than {}{}", open ? "" : "or equal to ",
                        At(schema, "minimum").dump()));
    }
    if (Number(schema, "maximum", &edge)) {
      const bool open = BoolAt(schema, {"exclusiveMaximum"});
      if (open ? number >= edge : number > edge)
        Bad(field, value.dump(),
            fmt::format("should be less than {}{}", open ? "" : "or equal to ",
                        At(schema, "maximum").dump()));
    }
    if (Number(schema, "multipleOf", &edge) && value.is_number_integer() && edge < 1) {
      // For whole numbers the factor is taken as one too.
      causes_.push_back({"FieldValueInvalid",
                         fmt::format("Invalid value: {}: factor MultipleOf declared for {} must be "
                                     "positive: {}",
                                     value.dump(), field, static_cast<int64_t>(edge)),
                         field});
    } else if (Number(schema, "multipleOf", &edge) && edge > 0) {
      const double times = number / edge;
      if (std::abs(times - std::round(times)) > 1e-9)
        Bad(field, value.dump(), "should be a multiple of " + At(schema, "multipleOf").dump());
    }
  }

  void Texts(const Json& schema, const Json& value, const std::string& field) {
    const auto& text = value.get_ref<const std::string&>();
    const auto quoted = "\"" + text + "\"";
    const auto length = static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
    double edge = 0;
    if (Number(schema, "maxLength", &edge) && length > edge) {
      causes_.push_back(
          {"FieldValueTooLong",
           fmt::format("Too long: may not be more than {} bytes", static_cast<int64_t>(edge)),
           field});
    } else if (Number(schema, "minLength", &edge) && length < edge) {  // the first fault counts
      Bad(field, quoted,
          fmt::format("should be at least {} chars long", static_cast<int64_t>(edge)));
    } else if (const std::string pattern = TextAt(schema, "pattern"); !pattern.empty()) {
      const RE2 compiled(pattern, RE2::Quiet);  // the dialect of Go's own
      if (compiled.ok() && !RE2::PartialMatch(text, compiled))
        Bad(field, quoted, "should match '" + pattern + "'");
    }
    if (const std::string format = TextAt(schema, "format"); !format.empty()) {
      if (!HasFormat(format, text)) {
        causes_.push_back({"FieldValueTypeInvalid",
                           fmt::format("Invalid value: {0}: {1} in body must be of type {2}: {0}",
                                       quoted, field, format),
                           field});
      }
    }
  }

  void Lists(const Json& schema, const Json& value, const std::string& field, int depth) {
    double edge = 0;
    const auto size = static_cast<double>(value.size());
    if (Number(schema, "maxItems", &edge) && size > edge) {
      causes_.push_back({"FieldValueTooMany",
                         fmt::format("Too many: {}: must have at most {} items", value.size(),
                                     static_cast<int64_t>(edge)),
                         field});
    }
    if (Number(schema, "minItems", &edge) && size < edge)
      Bad(field, std::to_string(value.size()),
          fmt::format("should have at least {} items", static_cast<int64_t>(edge)));
    for (size_t i = 0; i < value.size(); ++i)
      Check(At(schema, "items"), value[i], fmt::format("{}[{}]", field, i), depth + 1);
    const std::string rule = TextAt(schema, "x-kubernetes-list-type");
    if (rule != "set" && rule != "map") return;
    Json seen = Json::array();
    for (size_t i = 0; i < value.size(); ++i) {
      Json key = value[i];
      if (rule == "map") {
        key = Json::object();
        for (const Json& name : ListAt(schema, {"x-kubernetes-list-map-keys"}))
          key[Scalar(name)] = At(value[i], Scalar(name).c_str());
      }
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        Duplicate(causes_, fmt::format("{}[{}]", field, i),
                  rule == "set" ? key.dump() : GoObject(key));
      } else {
        seen.push_back(std::move(key));
      }
    }
  }
  static std::string GoObject(const Json& object) {
    std::string text;
    for (const auto& [key, value] : object.items())
      text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ", ", key, value.dump());
    return "map[string]interface {}{" + text + "}";
  }

  void Objects(const Json& schema, const Json& value, const std::string& field, int depth) {
    double edge = 0;
    const auto size = static_cast<double>(value.size());
    if (Number(schema, "maxProperties", &edge) && size > edge) {
      causes_.push_back({"FieldValueTooMany",
                         fmt::format("Too many: {}: must have at most {} items", value.size(),
                                     static_cast<int64_t>(edge)),
                         field});
    }
    if (Number(schema, "minProperties", &edge) && size < edge)
      Bad(field, std::to_string(value.size()),
          fmt::format("should have at least {} properties", static_cast<int64_t>(edge)));
    for (const Json& name : ListAt(schema, {"required"})) {
      if (!value.contains(Scalar(name))) Required(causes_, Joined(field, Scalar(name)));
    }
    if (BoolAt(schema, {"x-kubernetes-embedded-resource"})) {
      for (const char* member : {"apiVersion", "kind"}) {
        if (TextAt(value, member).empty())
          Required(causes_, Joined(field, member), "must not be empty");
      }
    }
    const Json& properties = At(schema, "properties");
    for (const auto& [member, item] : value.items()) {
      if (field.empty() && (member == "metadata" || member == "kind" || member == "apiVersion"))
        continue;
      const bool named = properties.is_object() && properties.contains(member);
      Check(named ? properties[member] : At(schema, "additionalProperties"), item,
            Joined(field, member), depth + 1);
    }
  }

  void Allowed(const Json& schema, const Json& value, const std::string& field) {
    const Json& allowed = At(schema, "enum");
    if (!allowed.is_array() || std::find(allowed.begin(), allowed.end(), value) != allowed.end())
      return;
    std::string list;
    for (const Json& one : allowed)
      list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", Scalar(one));
    causes_.push_back(
        {"FieldValueNotSupported",
         fmt::format("Unsupported value: {}: supported values: {}", value.dump(), list), field});
  }

  bool Fits(const Json& schema, const Json& value, const std::string& field, int depth) {
    Causes own;
    Walk(&own).Check(schema, value, field, depth + 1);
    return own.empty();
  }
  void Combined(const Json& schema, const Json& value, const std::string& field, int depth) {
    auto fitting = [&](const Json& list) {
      return std::count_if(list.begin(), list.end(),
                           [&](const Json& one) { return Fits(one, value, field, depth); });
    };
    auto fault = [&](const std::string& why) {
      causes_.push_back({"FieldValueInvalid",
                         fmt::format("Invalid value: \"\": \"{}\" {}", field, why), "<nil>"});
    };
    for (const Json& one : ListAt(schema, {"allOf"})) Check(one, value, field, depth + 1);
    // Of several that do not fit, the faults of the first are said too.
    auto first = [&](const Json& list) { Check(list[0], value, field, depth + 1); };
    if (const Json& list = ListAt(schema, {"anyOf"}); !list.empty() && fitting(list) == 0) {
      fault("must validate at least one schema (anyOf)");
      first(list);
    }
    if (const Json& list = ListAt(schema, {"oneOf"}); !list.empty()) {
      const auto count = fitting(list);
      if (count == 0) {
        fault("must validate one and only one schema (oneOf). Found none valid");
        first(list);
      }
      if (count > 1)
        fault(fmt::format(
            "must validate one and only one schema (oneOf). Found {} valid alternatives", count));
    }
    if (const Json& other = At(schema, "not");
        other.is_object() && Fits(other, value, field, depth))
      fault("must not validate the schema (not)");
  }

  Causes& causes_;
};

}  // namespace

void ApplySchemaDefaults(const Json& schema, Json& value) {
  if (!schema.is_object()) return;
  if (value.is_array()) {
    for (Json& item : value) ApplySchemaDefaults(At(schema, "items"), item);
    return;
  }
  if (!value.is_object()) return;
  const Json& properties = At(schema, "properties");
  if (properties.is_object()) {
    for (const auto& [member, part] : properties.items()) {
      auto found = value.find(member);
      const bool null_counts_not =
          found != value.end() && found->is_null() && !BoolAt(part, {"nullable"});
      if ((found == value.end() || null_counts_not) && part.is_object() && part.contains("default"))
        value[member] = part["default"];
      else if (null_counts_not)
        value.erase(member);
      if (value.contains(member)) ApplySchemaDefaults(part, value[member]);
    }
  }
  const Json& more = At(schema, "additionalProperties");
  if (!more.is_object()) return;
  for (auto& [member, item] : value.items()) {
    if (!properties.is_object() || !properties.contains(member)) ApplySchemaDefaults(more, item);
  }
}

void CheckAgainstSchema(Causes& causes, const Json& schema, const Json& value,
                        const std::string& field) {
  Walk(&causes).Check(schema, value, field, 0);
}

}  // namespace opsmesh::kubesim
