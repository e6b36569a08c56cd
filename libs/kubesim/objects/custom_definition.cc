// What a CustomResourceDefinition's versions may not hold.
#include <fmt/format.h>

#include <algorithm>
#include <regex>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

// A simple path: ".spec.replicas", also ".spec.list[0]" and [\"quoted\"] members.
bool SimplePath(const std::string& path) {
  return path.size() > 1 && path[0] == '.' && path.find_first_of(" \t*?()") == std::string::npos;
}

// What a column may show: lists may be searched too, as in
// .status.conditions[?(@.type=="Ready")].status.
bool ColumnPath(const std::string& path) {
  if (path.size() < 2 || path[0] != '.' || path[1] == '.') return false;
  int brackets = 0;
  char quote = 0;
  for (const char c : path) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (brackets > 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '[') {
      ++brackets;
    } else if (c == ']') {
      if (--brackets < 0) return false;
    } else if (brackets == 0 && std::string_view(" \t*?()").find(c) != std::string_view::npos) {
      return false;
    }
  }
  return brackets == 0 && quote == 0;
}

class SchemaRules {
 public:
  SchemaRules(Causes* causes, bool keeps_unknown)
      : causes_(*causes), keeps_unknown_(keeps_unknown) {}

  void Check(const Json& schema, const std::string& at, bool root, int depth) {
    if (!schema.is_object() || depth > kMaxDepth) return;
    Types(schema, at, root);
    if (!TextAt(schema, "$ref").empty()) Forbidden(causes_, at + ".$ref", "$ref is not supported");
    if (BoolAt(schema, {"uniqueItems"}))
      Forbidden(causes_, at + ".uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    const Json& properties = At(schema, "properties");
    const Json& more = At(schema, "additionalProperties");
    if (properties.is_object() && !properties.empty() && (more.is_object() || more.is_boolean())) {
      Forbidden(causes_, at + ".additionalProperties",
                "additionalProperties and properties are mutual exclusive");
    }
    if (more == Json(false))
      Forbidden(causes_, at + ".additionalProperties",
                "additionalProperties cannot be set to false");
    Patterns(schema, at);
    ListRules(schema, at);
    if (keeps_unknown_ && schema.contains("default"))
      Invalid(causes_, "spec.preserveUnknownFields", "true",
              "must be false in order to use defaults in the schema");
    if (schema.contains("default") && !TextAt(schema, "type").empty()) Default(schema, at);
    if (TextAt(schema, "type") == "array" && !At(schema, "items").is_object())
      Required(causes_, at + ".items", "must be specified");
    if (At(schema, "items").is_object()) Check(schema["items"], at + ".items", false, depth + 1);
    if (more.is_object()) Check(more, at + ".additionalProperties", false, depth + 1);
    if (!properties.is_object()) return;
    for (const auto& [member, part] : properties.items()) {
      const std::string here = fmt::format("{}.properties[{}]", at, member);
      if (root && member == "metadata")
        Metadata(part, here);
      else
        Check(part, here, false, depth + 1);
    }
  }

 private:
  void Types(const Json& schema, const std::string& at, bool root) {
    const std::string type = TextAt(schema, "type");
    static const std::set<std::string_view> known = {"array",  "boolean", "integer",
                                                     "number", "object",  "string"};
    if (!type.empty() && !known.contains(type)) {
      causes_.push_back({"FieldValueNotSupported",
                         fmt::format("Unsupported value: \"{}\": supported values: \"array\", "
                                     "\"boolean\", \"integer\", \"number\", \"object\", \"string\"",
                                     type),
                         at + ".type"});
    }
    if (root && type.empty()) Required(causes_, at + ".type", "must not be empty at the root");
    if (root && !type.empty() && type != "object")
      InvalidText(causes_, at + ".type", type, "must be object at the root");
    const bool free = BoolAt(schema, {"x-kubernetes-int-or-string"}) ||
                      BoolAt(schema, {"x-kubernetes-preserve-unknown-fields"});
    if (!root && type.empty() && !free)
      Required(causes_, at + ".type", "must not be empty for specified object fields");
  }
  void Patterns(const Json& schema, const std::string& at) {
    const std::string pattern = TextAt(schema, "pattern");
    if (pattern.empty()) return;
    try {
      std::regex compiled(pattern, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      InvalidText(causes_, at + ".pattern", pattern,
                  "must be a valid regular expression, but isn't: error parsing regexp: " +
                      fmt::format("`{}`", pattern));
    }
  }
  void ListRules(const Json& schema, const std::string& at) {
    const std::string rule = TextAt(schema, "x-kubernetes-list-type");
    if (rule.empty()) return;
    if (rule != "atomic" && rule != "set" && rule != "map") {
      causes_.push_back(
          {"FieldValueNotSupported",
           fmt::format("Unsupported value: \"{}\": supported values: \"atomic\", \"map\", \"set\"",
                       rule),
           at + ".x-kubernetes-list-type"});
    }
    if (TextAt(schema, "type") != "array")
      InvalidText(causes_, at + ".type", TextAt(schema, "type"),
                  "must be array if x-kubernetes-list-type is specified");
    const Json& keys = ListAt(schema, {"x-kubernetes-list-map-keys"});
    if (rule == "map" && keys.empty())
      Required(causes_, at + ".x-kubernetes-list-map-keys",
               "must not be empty if x-kubernetes-list-type is map");
    for (size_t i = 0; rule == "map" && i < keys.size(); ++i) {
      if (!At(schema, {"items", "properties", Scalar(keys[i]).c_str()}).is_object()) {
        InvalidText(causes_, fmt::format("{}.x-kubernetes-list-map-keys[{}]", at, i),
                    Scalar(keys[i]), "entries must all be names of item properties");
      }
    }
  }
  void Default(const Json& schema, const std::string& at) {
    Json rules = schema;
    rules.erase("default");
    Causes own;
    CheckAgainstSchema(own, rules, schema["default"], "");
    for (Cause& cause : own) causes_.push_back({cause.reason, cause.message, at + ".default"});
  }
  void Metadata(const Json& part, const std::string& at) {
    const Json& properties = At(part, "properties");
    bool other = false;
    if (properties.is_object()) {
      for (const auto& [member, value] : properties.items())
        other = other || (member != "name" && member != "generateName");
    }
    if (other)
      Forbidden(causes_, at,
                "must not specify anything other than name and generateName, but metadata is "
                "implicitly specified");
  }

  Causes& causes_;
  bool keeps_unknown_;
};

void CheckColumns(Causes& causes, const Json& columns, const std::string& at) {
  static const std::set<std::string_view> types = {"boolean", "date", "integer", "number",
                                                   "string"};
  static const std::set<std::string_view> formats = {"int32", "int64", "float",     "double",
                                                     "byte",  "date",  "date-time", "password"};
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string here = fmt::format("{}.additionalPrinterColumns[{}]", at, i),
                      type = TextAt(columns[i], "type"), path = TextAt(columns[i], "jsonPath"),
                      format = TextAt(columns[i], "format");
    if (TextAt(columns[i], "name").empty()) Required(causes, here + ".name");
    if (type.empty())
      Required(causes, here + ".type", "must be one of boolean,date,integer,number,string");
    else if (!types.contains(type))
      InvalidText(causes, here + ".type", type,
                  "must be one of boolean,date,integer,number,string");
    if (!format.empty() && !formats.contains(format))
      InvalidText(causes, here + ".format", format,
                  "must be one of byte,date,date-time,double,float,int32,int64,password");
    if (path.empty())
      Required(causes, here + ".JSONPath");
    else if (!ColumnPath(path))
      InvalidText(causes, here + ".JSONPath", path, "must be a simple json path starting with .");
  }
}

void CheckScale(Causes& causes, const Json& scale, const std::string& at) {
  if (!scale.is_object()) return;
  auto path = [&](const char* member, const char* root, bool needed) {
    const std::string value = TextAt(scale, member),
                      here = fmt::format("{}.subresources.scale.{}", at, member);
    if (value.empty() && needed) Required(causes, here);
    if (value.empty()) return;
    const std::string start = std::string(".") + root;
    if (!SimplePath(value))
      InvalidText(causes, here, value, "must be a simple json path without array notation");
    else if (!(value == start || value.starts_with(start + ".")))
      InvalidText(causes, here, value, fmt::format("should be a json path under {}", start));
  };
  path("specReplicasPath", "spec", true);
  path("statusReplicasPath", "status", true);
  if (const std::string selector = TextAt(scale, "labelSelectorPath");
      !selector.empty() && !selector.starts_with(".spec.") && !selector.starts_with(".status.")) {
    InvalidText(causes, at + ".subresources.scale.labelSelectorPath", selector,
                "should be a json path under either .spec or .status");
  }
}

void CheckConversion(Causes& causes, const Json& conversion) {
  if (!conversion.is_object()) return;
  const std::string strategy = TextAt(conversion, "strategy");
  if (strategy.empty())
    Required(causes, "spec.conversion.strategy");
  else if (strategy != "None" && strategy != "Webhook")
    OneOf(causes, "spec.conversion.strategy", strategy, {"None", "Webhook"});
  if (strategy != "Webhook") return;
  if (!At(conversion, {"webhook", "clientConfig"}).is_object())
    Required(causes, "spec.conversion.webhookClientConfig",
             "required when strategy is set to Webhook");
  if (ListAt(conversion, {"webhook", "conversionReviewVersions"}).empty())
    Required(causes, "spec.conversion.conversionReviewVersions");
}

}  // namespace

void ValidateDefinitionVersions(Causes& causes, const Json& definition) {
  const Json& spec = At(definition, "spec");
  const bool keeps = BoolAt(spec, {"preserveUnknownFields"});
  const Json& versions = ListAt(spec, {"versions"});
  for (size_t i = 0; i < versions.size(); ++i) {
    const std::string at = fmt::format("spec.versions[{}]", i);
    const Json& schema = At(versions[i], {"schema", "openAPIV3Schema"});
    if (!schema.is_object()) {
      Required(causes, at + ".schema.openAPIV3Schema", "schemas are required");
    } else {
      const std::string type = TextAt(schema, "type");
      if (At(versions[i], {"subresources", "status"}).is_object() && !type.empty() &&
          type != "object") {
        InvalidText(causes, at + ".schema.openAPIV3Schema.type", type,
                    "only \"object\" is allowed as the type at the root of the schema if the "
                    "status subresource is enabled");
      }
      SchemaRules(&causes, keeps).Check(schema, at + ".schema.openAPIV3Schema", true, 0);
    }
    CheckColumns(causes, ListAt(versions[i], {"additionalPrinterColumns"}), at);
    CheckScale(causes, At(versions[i], {"subresources", "scale"}), at);
  }
  CheckConversion(causes, At(spec, "conversion"));
  if (keeps)
    Invalid(causes, "spec.preserveUnknownFields", "true",
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
            "spec.versions[*].schema instead");
  const std::string group = TextAt(spec, "group");
  const bool guarded = group == "k8s.io" || group == "kubernetes.io" ||
                       group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io");
  if (guarded &&
      TextAt(definition, {"metadata", "annotations", "api-approved.kubernetes.io"}).empty()) {
    Required(causes, "metadata.annotations[api-approved.kubernetes.io]",
             "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
             "https://github.com/kubernetes/enhancements/pull/1111");
  }
}

}  // namespace opsmesh::kubesim
