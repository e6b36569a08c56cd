// The schemas that a CustomResourceDefinition may hold: structural, and without what servers do not
// keep (OpenAPI v3 as CustomResourceDefinitions restrict it).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/prune.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

// What OpenAPI knows and servers do not take, and rules about lists and maps.
class Openness {
 public:
  explicit Openness(Causes* causes) : causes_(*causes) {}

  void Check(const Json& schema, const std::string& at, int depth) {
    if (!schema.is_object() || depth > kMaxDepth) return;
    Unsupported(schema, at);
    const Json& properties = At(schema, "properties");
    const Json& more = At(schema, "additionalProperties");
    const bool has_properties = properties.is_object() && !properties.empty();
    if (has_properties && (more.is_object() || more == Json(false)))
      Forbidden(causes_, at + ".additionalProperties",
                "additionalProperties and properties are mutual exclusive");
    Check(more, at + ".additionalProperties", depth + 1);
    if (properties.is_object()) {
      for (const auto& [member, part] : properties.items())
        Check(part, fmt::format("{}.properties[{}]", at, member), depth + 1);
    }
    Check(At(schema, "not"), at + ".not", depth + 1);
    for (const char* word : {"allOf", "oneOf", "anyOf"}) {
      const Json& list = ListAt(schema, {word});
      for (size_t i = 0; i < list.size(); ++i)
        Check(list[i], fmt::format("{}.{}[{}]", at, word, i), depth + 1);
    }
    Check(At(schema, "items"), at + ".items", depth + 1);
    if (At(schema, "x-kubernetes-preserve-unknown-fields") == Json(false))
      Invalid(causes_, at + ".x-kubernetes-preserve-unknown-fields", "false",
              "must be true or undefined");
    MapType(schema, at);
    ListType(schema, at);
    Validations(schema, at);
  }

 private:
  void Unsupported(const Json& schema, const std::string& at) {
    const std::string type = TextAt(schema, "type");
    if (!type.empty())
      OneOf(causes_, at + ".type", type,
            {"array", "boolean", "integer", "number", "object", "string"});
    for (const char* member :
         {"id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"}) {
      const Json& value = At(schema, member);
      const bool reference = std::string_view(member) == "$ref";
      if (value.is_null() || (!reference && (value == Json("") || value.empty()))) continue;
      Forbidden(causes_, fmt::format("{}.{}", at, member),
                fmt::format("{} is not supported", member));
    }
    if (type == "null")
      Forbidden(causes_, at + ".type",
                "type cannot be set to null, use nullable as an alternative");
    if (At(schema, "items").is_array() && !schema["items"].empty())
      Forbidden(causes_, at + ".items", "items must be a schema object and not an array");
    if (BoolAt(schema, {"uniqueItems"}))
      Forbidden(causes_, at + ".uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  }

  void NeedsType(const Json& schema, const std::string& at, const char* type, const char* member) {
    const std::string own = TextAt(schema, "type"),
                      why = fmt::format("must be {} if {} is specified", type, member);
    if (own.empty())
      Required(causes_, at + ".type", why);
    else if (own != type)
      InvalidText(causes_, at + ".type", own, why);
  }

  void MapType(const Json& schema, const std::string& at) {
    const Json& rule = At(schema, "x-kubernetes-map-type");
    if (!rule.is_string()) return;
    NeedsType(schema, at, "object", "x-kubernetes-map-type");
    OneOf(causes_, at + ".x-kubernetes-map-type", Scalar(rule), {"atomic", "granular"});
  }

  void ListType(const Json& schema, const std::string& at) {
    const Json& rule = At(schema, "x-kubernetes-list-type");
    const Json& keys = ListAt(schema, {"x-kubernetes-list-map-keys"});
    const std::string here = at + ".x-kubernetes-list-type";
    constexpr const char* kOnlyMaps = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (rule.is_string()) {
      NeedsType(schema, at, "array", "x-kubernetes-list-type");
      if (rule == "set" && TextAt(schema, "type") == "array") SetItems(schema, at);
      OneOf(causes_, here, Scalar(rule), {"atomic", "set", "map"});
    }
    if (!keys.empty() && rule.is_null()) Required(causes_, here, kOnlyMaps);
    if (!keys.empty() && rule.is_string() && rule != "map")
      InvalidText(causes_, here, Scalar(rule), kOnlyMaps);
    if (rule == "map") MapItems(schema, keys, at);
    if ((rule == "map" || rule == "set") && BoolAt(schema, {"items", "nullable"}))
      Forbidden(causes_, at + ".items.nullable",
                "cannot be nullable when x-kubernetes-list-type is " + Scalar(rule));
    if (rule == "map") KeysAreThere(schema, keys, at);
  }

  void SetItems(const Json& schema, const std::string& at) {
    constexpr const char* kWhy = "must be atomic as item of a list with x-kubernetes-list-type=set";
    const std::string type = TextAt(schema, {"items", "type"});
    const Json& list = At(schema, {"items", "x-kubernetes-list-type"});
    const Json& map = At(schema, {"items", "x-kubernetes-map-type"});
    if (type == "array" && list.is_string() && list != "atomic")
      InvalidText(causes_, at + ".items.x-kubernetes-list-type", Scalar(list), kWhy);
    if (type == "object" && map != "atomic")
      Invalid(causes_, at + ".items.x-kubernetes-map-type", "\"null\"", kWhy);
  }

  void MapItems(const Json& schema, const Json& keys, const std::string& at) {
    const Json& items = At(schema, "items");
    const std::string here = at + ".x-kubernetes-list-map-keys", type = TextAt(items, "type");
    if (keys.empty()) Required(causes_, here, "must not be empty if x-kubernetes-list-type is map");
    if (!items.is_object())
      return Required(causes_, at + ".items",
                      "must have a schema if x-kubernetes-list-type is map");
    if (type != "object")
      return InvalidText(causes_, at + ".items.type", type,
                         "must be object if parent array's x-kubernetes-list-type is map");
    std::set<std::string> seen;
    WholeListFaults faults(&causes_, here, [&keys] { return GoTexts(keys); });
    for (const Json& key : keys) {
      const Json& part = At(items, {"properties", Scalar(key).c_str()});
      const std::string own = TextAt(part, "type");
      if (!part.is_object())
        faults.Add("entries must all be names of item properties");
      else if (own == "array" || own == "object")
        InvalidText(causes_, fmt::format("{}.items.properties[{}].type", at, Scalar(key)), type,
                    "must be a scalar type if parent array's x-kubernetes-list-type is map");
      if (!seen.insert(Scalar(key)).second) faults.Add("must not contain duplicate entries");
    }
  }

  void KeysAreThere(const Json& schema, const Json& keys, const std::string& at) {
    const Json& list = ListAt(schema, {"items", "required"});
    const std::set<Json> needed(list.begin(), list.end());
    for (const Json& key : keys) {
      const Json& part = At(schema, {"items", "properties", Scalar(key).c_str()});
      const std::string here = fmt::format("{}.items.properties[{}]", at, Scalar(key));
      if (!part.is_object()) continue;
      if (!needed.contains(key) && !part.contains("default"))
        Required(
            causes_, here + ".default",
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property");
      if (BoolAt(part, {"nullable"}))
        Forbidden(causes_, here + ".nullable",
                  "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
  }

  static bool HasBreaks(const std::string& text) {
    return text.find_first_of("\r\n") != std::string::npos;
  }

  // Rules are kept and shown; no expression is compiled here.
  void Validations(const Json& schema, const std::string& at) {
    const Json& rules = ListAt(schema, {"x-kubernetes-validations"});
    for (size_t i = 0; i < rules.size(); ++i) {
      const std::string here = fmt::format("{}.x-kubernetes-validations[{}]", at, i);
      const std::string rule(base::Trim(TextAt(rules[i], "rule"))),
          message = TextAt(rules[i], "message"), trimmed(base::Trim(message)),
          expression = TextAt(rules[i], "messageExpression"), path = TextAt(rules[i], "fieldPath");
      if (rule.empty())
        Required(causes_, here + ".rule", "rule is not specified");
      else if (!message.empty() && trimmed.empty())
        InvalidText(causes_, here + ".message", message, "message must be non-empty if specified");
      else if (HasBreaks(trimmed))
        InvalidText(causes_, here + ".message", message, "message must not contain line breaks");
      else if (HasBreaks(rule) && trimmed.empty())
        Required(causes_, here + ".message",
                 "message must be specified if rule contains line breaks");
      if (!expression.empty() && base::Trim(expression).empty())
        Required(causes_, here + ".messageExpression",
                 "messageExpression must be non-empty if specified");
      if (const Json& reason = At(rules[i], "reason"); reason.is_string())
        OneOf(causes_, here + ".reason", Scalar(reason),
              {"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
               "FieldValueRequired"});
      if (!path.empty() && base::Trim(path).empty())
        InvalidText(causes_, here + ".fieldPath", path, "fieldPath must be non-empty if specified");
      if (HasBreaks(path))
        InvalidText(causes_, here + ".fieldPath", path, "fieldPath must not contain line breaks");
      if (!path.empty() && !FieldPathFault(path, schema).empty())
        InvalidText(causes_, here + ".fieldPath", path, "fieldPath must be a valid path");
    }
  }

  Causes& causes_;
};

void Defaults(Causes& causes, const Json& schema, const std::string& at, int depth) {
  if (!schema.is_object() || depth > kMaxDepth) return;
  if (schema.contains("default") && !TextAt(schema, "type").empty()) {
    Json rules = schema;
    rules.erase("default");
    Json pruned = schema["default"];
    if (!PruneCustom(schema, pruned, false).empty())
      Invalid(causes, at + ".default", GoBadValue(schema["default"]),
              "must not have unknown fields");
    Causes own;
    CheckAgainstSchema(own, rules, schema["default"], "");
    for (Cause& cause : own) {
      const std::string inner =
          cause.field == "<nil>" || cause.field.empty() ? "" : "." + cause.field;
      causes.push_back({cause.reason, cause.message, at + ".default" + inner});
    }
  }
  Defaults(causes, At(schema, "items"), at + ".items", depth + 1);
  Defaults(causes, At(schema, "additionalProperties"), at + ".additionalProperties", depth + 1);
  const Json& properties = At(schema, "properties");
  if (!properties.is_object()) return;
  for (const auto& [member, part] : properties.items())
    Defaults(causes, part, fmt::format("{}.properties[{}]", at, member), depth + 1);
}

// With a status of its own the root may only say what holds for both halves.
void RootOfStatus(Causes& causes, const Json& schema, const std::string& at) {
  static constexpr std::initializer_list<const char*> kRefused = {"id",
                                                                  "$schema",
                                                                  "$ref",
                                                                  "nullable",
                                                                  "default",
                                                                  "enum",
                                                                  "maxProperties",
                                                                  "minProperties",
                                                                  "allOf",
                                                                  "oneOf",
                                                                  "anyOf",
                                                                  "not",
                                                                  "additionalProperties",
                                                                  "patternProperties",
                                                                  "dependencies",
                                                                  "additionalItems",
                                                                  "definitions",
                                                                  "x-kubernetes-embedded-resource",
                                                                  "x-kubernetes-int-or-string",
                                                                  "x-kubernetes-list-map-keys",
                                                                  "x-kubernetes-list-type",
                                                                  "x-kubernetes-map-type"};
  constexpr const char* kWhy =
      "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum "
      "MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items "
      "Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at "
      "the root of the schema if the status subresource is enabled";
  auto given = [&schema](const char* member) {
    const Json& value = At(schema, member);
    const bool pointer = std::string_view(member) == "$ref" || value.is_number() ||
                         std::string_view(member).starts_with("x-kubernetes-map") ||
                         std::string_view(member) == "x-kubernetes-list-type";
    return !value.is_null() && (pointer || !(value == Json("") || value == Json(false) ||
                                             (value.is_array() && value.empty())));
  };
  auto refuse = [&] { Invalid(causes, at, "apiextensions.JSONSchemaProps{...}", kWhy); };
  for (const char* member : {"id", "$schema", "$ref"}) {
    if (given(member)) return refuse();
  }
  if (const std::string type = TextAt(schema, "type"); !type.empty() && type != "object") {
    InvalidText(causes, at + ".type", type,
                "only \"object\" is allowed as the type at the root of the schema if the status "
                "subresource is enabled");
    return;
  }
  for (const char* member : kRefused) {
    if (given(member)) return refuse();
  }
}

}  // namespace

std::string FieldPathFault(const std::string& path, const Json& schema) {
  const Json* here = &schema;
  if (!path.starts_with('.') && !path.starts_with('['))
    return "expected [ or . but got: " + path.substr(0, path.find_first_of(".[]"));
  size_t at = 0;
  while (at < path.size()) {
    std::string name;
    if (path[at] == '[') {
      const size_t end = path.find(']', at);
      if (end == std::string::npos || end < at + 4 || path[at + 1] != '\'')
        return "does not refer to a valid field";
      name = path.substr(at + 2, end - at - 3);
      at = end + 1;
    } else {
      if (path[at] == '.') ++at;
      const size_t end = path.find_first_of(".[", at);
      name = path.substr(at, end - at);
      at = end == std::string::npos ? path.size() : end;
    }
    const Json& next = At(*here, {"properties", name.c_str()});
    const Json& more = At(*here, "additionalProperties");
    if (!next.is_object() && !more.is_object()) return "does not refer to a valid field";
    here = next.is_object() ? &next : &more;
  }
  return "";
}

// Whether anything here, at any depth, is more than what a server can read as a schema of its own.
static bool Unreadable(const Json& schema, int depth) {
  if (!schema.is_object() || depth > kMaxDepth) return false;
  for (const char* member : {"id", "$schema", "$ref", "patternProperties", "dependencies",
                             "additionalItems", "definitions"}) {
    const Json& value = At(schema, member);
    if (!value.is_null() && !value.empty() && value != "") return true;
  }
  if (const Json& items = At(schema, "items"); items.is_array() && !items.empty()) return true;
  for (const char* member : {"items", "additionalProperties", "not"}) {
    if (Unreadable(At(schema, member), depth + 1)) return true;
  }
  for (const char* member : {"properties", "allOf", "anyOf", "oneOf"}) {
    const Json& parts = At(schema, member);
    if (!parts.is_structured()) continue;
    for (const Json& part : parts) {
      if (Unreadable(part, depth + 1)) return true;
    }
  }
  return false;
}

void ValidateDefinitionSchema(Causes& causes, const Json& schema, const std::string& at,
                              bool has_status) {
  const size_t before = causes.size();
  if (has_status) RootOfStatus(causes, schema, at);
  if (BoolAt(schema, {"nullable"}))
    Forbidden(causes, at + ".nullable", "nullable cannot be true at the root");
  Causes own;
  ValidateStructure(own, schema, at);
  std::sort(own.begin(), own.end(), [](const Cause& a, const Cause& b) {
    return a.field + ": " + a.message < b.field + ": " + b.message;
  });
  if (own.empty()) Defaults(own, schema, at, 0);
  // What cannot even be read as a schema is not judged by its structure.
  if (Unreadable(schema, 0)) own.clear();
  causes.insert(causes.end(), own.begin(), own.end());
  Openness(&causes).Check(schema, at, 0);
  if (causes.size() == before && !TextAt(schema, "$schema").empty())
    InvalidText(causes, at, "", "OpenAPIV3Schema 'schema' is not supported");
}

}  // namespace opsmesh::kubesim
