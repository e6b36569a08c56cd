// What a CustomResourceDefinition may not hold.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Columns(Causes& causes, const Json& columns, const std::string& at) {
  constexpr const char* kTypes = "must be one of boolean,date,integer,number,string";
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
      Required(causes, here + ".type", kTypes);
    else if (!types.contains(type))
      InvalidText(causes, here + ".type", type, kTypes);
    if (!format.empty() && !formats.contains(format))
      InvalidText(causes, here + ".format", format,
                  "must be one of byte,date,date-time,double,float,int32,int64,password");
    if (path.empty())
      Required(causes, here + ".JSONPath");
    else if (path[0] != '.')
      InvalidText(causes, here + ".JSONPath", path, "must be a simple json path starting with .");
  }
}

void Scale(Causes& causes, const Json& scale, const std::string& at) {
  if (!scale.is_object()) return;
  auto judge = [&](const char* member, bool needed, std::initializer_list<const char*> roots,
                   const char* why) {
    const std::string value = TextAt(scale, member),
                      here = fmt::format("{}.subresources.scale.{}", at, member);
    if (value.empty() && needed) Required(causes, here);
    if (value.empty()) return;
    const bool under = std::any_of(roots.begin(), roots.end(),
                                   [&](const char* root) { return value.starts_with(root); });
    if (value[0] != '.')
      InvalidText(causes, here, value, "must be a simple json path starting with .");
    else if (!under)
      InvalidText(causes, here, value, why);
  };
  judge("specReplicasPath", true, {".spec."}, "should be a json path under .spec");
  judge("statusReplicasPath", true, {".status."}, "should be a json path under .status");
  judge("labelSelectorPath", false, {".spec.", ".status."},
        "should be a json path under either .spec or .status");
}

void SelectableFields(Causes& causes, const Json& fields, const Json& schema,
                      const std::string& at) {
  std::set<std::string> seen;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string path = TextAt(fields[i], "jsonPath"),
                      here = fmt::format("{}.selectableFields[{}].jsonPath", at, i);
    if (path.empty()) {
      Required(causes, here);
      continue;
    }
    const bool bracket = path.find('[') != std::string::npos;
    if (const std::string fault =
            bracket ? "array notation is not allowed" : FieldPathFault(path, schema);
        !fault.empty()) {
      InvalidText(causes, here, path, "is an invalid path: " + fault);
      continue;
    }
    const Json* part = &schema;
    for (std::string_view name : base::Split(path.substr(1), '.'))
      part = &At(*part, {"properties", std::string(name).c_str()});
    const std::string type = TextAt(*part, "type");
    if (path.starts_with(".metadata"))
      InvalidText(causes, here, path, "must not point to fields in metadata");
    if (type != "string" && type != "boolean" && type != "integer")
      InvalidText(causes, here, path,
                  "must point to a field of type string, boolean or integer. Enum string fields "
                  "and strings with formats are allowed.");
    if (!seen.insert(path).second) Duplicate(causes, here, GoQuoted(path));
  }
  if (seen.size() > 8) TooMany(causes, at + ".selectableFields", seen.size(), 8);
}

void Conversion(Causes& causes, const Json& conversion) {
  if (!conversion.is_object()) return;
  const std::string strategy = TextAt(conversion, "strategy"), at = "spec.conversion";
  const Json& client = At(conversion, {"webhook", "clientConfig"});
  const Json& versions = ListAt(conversion, {"webhook", "conversionReviewVersions"});
  OneOfNeeded(causes, at + ".strategy", strategy, {"None", "Webhook"});
  if (strategy == "Webhook") {
    if (!client.is_object())
      Required(causes, at + ".webhookClientConfig", "required when strategy is set to Webhook");
    else
      ValidateWebhookClient(causes, client, at + ".webhookClientConfig");
    return ValidateReviewVersions(causes, versions, at + ".conversionReviewVersions", "");
  }
  constexpr const char* kWhy = "should not be set when strategy is not set to Webhook";
  if (client.is_object()) Forbidden(causes, at + ".webhookClientConfig", kWhy);
  if (!versions.empty()) Forbidden(causes, at + ".conversionReviewVersions", kWhy);
}

void Names(Causes& causes, const Json& names) {
  const std::string at = "spec.names.";
  for (const char* member : {"plural", "singular", "kind", "listKind"}) {
    if (TextAt(names, member).empty()) Required(causes, at + member);
  }
  for (const char* member : {"plural", "singular", "kind", "listKind"}) {
    const std::string value = TextAt(names, member);
    const bool mixed = std::string_view(member) == "kind" || std::string_view(member) == "listKind";
    const Faults faults = Label1035Fault(mixed ? base::AsciiLower(value) : value);
    if (value.empty() || faults.empty()) continue;
    const std::string why = base::Join(faults, ",");
    InvalidText(causes, at + member, value,
                mixed ? "may have mixed case, but should otherwise match: " + why : why);
  }
  auto list = [&](const char* member) {
    const Json& values = ListAt(names, {member});
    for (size_t i = 0; i < values.size(); ++i) {
      if (const Faults faults = Label1035Fault(Scalar(values[i])); !faults.empty())
        InvalidText(causes, fmt::format("{}{}[{}]", at, member, i), Scalar(values[i]),
                    base::Join(faults, ","));
    }
  };
  list("shortNames");
  const std::string kind = TextAt(names, "kind");
  if (!kind.empty() && kind == TextAt(names, "listKind"))
    InvalidText(causes, at + "listKind", kind, "kind and listKind may not be the same");
  list("categories");
}

void Deprecation(Causes& causes, const Json& version, const std::string& at) {
  const Json& warning = At(version, "deprecationWarning");
  if (!warning.is_string()) return;
  const std::string text = Scalar(warning), here = at + ".deprecationWarning";
  if (!BoolAt(version, {"deprecated"}))
    return InvalidText(causes, here, text, "can only be set for deprecated versions");
  if (text.size() > 256) InvalidText(causes, here, text, "must be <= 256 characters long");
  if (text.empty()) InvalidText(causes, here, text, "must not be an empty string");
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != 0x7f) continue;
    InvalidText(causes, here, text,
                fmt::format("must only contain printable UTF-8 characters; non-printable "
                            "character found at index {}",
                            i));
    break;
  }
}

// A real server keeps what all versions have in common at the top, and names it so.
class Versions {
 public:
  Versions(Causes* causes, const Json& spec)
      : causes_(*causes),
        versions_(ListAt(spec, {"versions"})),
        given_(At(spec, "versions").is_array()) {
    schema_is_common_ = Common("schema");
    columns_are_common_ = Common("additionalPrinterColumns");
    subresources_are_common_ = Common("subresources");
    fields_are_common_ = Common("selectableFields");
  }

  void CheckSchemasAreThere() {
    if (schema_is_common_ && !versions_.empty() && Schema(versions_[0]).is_object()) return;
    for (size_t i = 0; i < versions_.size(); ++i) {
      if (!Schema(versions_[i]).is_object())
        Required(causes_, fmt::format("spec.versions[{}].schema.openAPIV3Schema", i),
                 "schemas are required");
    }
  }

  void CheckEach() {
    std::set<std::string> names;
    bool unique = true;
    int stored = 0;
    for (size_t i = 0; i < versions_.size(); ++i) {
      const Json& version = versions_[i];
      const std::string at = fmt::format("spec.versions[{}]", i), name = TextAt(version, "name");
      stored += BoolAt(version, {"storage"}) ? 1 : 0;
      unique = names.insert(name).second && unique;
      NameOf(name, at + ".name");
      Deprecation(causes_, version, at);
      if (!schema_is_common_) SchemaOf(version, at + ".schema.openAPIV3Schema");
      if (!subresources_are_common_) Scale(causes_, At(version, {"subresources", "scale"}), at);
      if (!columns_are_common_) Columns(causes_, ListAt(version, {"additionalPrinterColumns"}), at);
      if (!fields_are_common_)
        SelectableFields(causes_, ListAt(version, {"selectableFields"}), Schema(version), at);
    }
    const char* kind = given_ ? "{...}" : "(nil)";
    const std::string list = fmt::format("[]apiextensions.CustomResourceDefinitionVersion{}", kind);
    if (!unique) Invalid(causes_, "spec.versions", list, "must contain unique version names");
    if (stored != 1)
      Invalid(causes_, "spec.versions", list,
              "must have exactly one version marked as storage version");
    none_is_stored_ = stored == 0;
    if (!versions_.empty() && !TextAt(versions_[0], "name").empty())
      NameOf(TextAt(versions_[0], "name"), "spec.version");
  }

  void CheckCommon() {
    if (versions_.empty()) return;
    const Json& first = versions_[0];
    if (schema_is_common_) SchemaOf(first, "spec.validation.openAPIV3Schema");
    if (subresources_are_common_) Scale(causes_, At(first, {"subresources", "scale"}), "spec");
    if (columns_are_common_) Columns(causes_, ListAt(first, {"additionalPrinterColumns"}), "spec");
    if (fields_are_common_)
      SelectableFields(causes_, ListAt(first, {"selectableFields"}), Schema(first), "spec");
  }

  bool none_is_stored() const { return none_is_stored_; }

 private:
  static const Json& Schema(const Json& version) {
    return At(version, {"schema", "openAPIV3Schema"});
  }
  bool Common(const char* member) const {
    return std::all_of(versions_.begin(), versions_.end(), [&](const Json& version) {
      return At(version, member) == At(versions_[0], member);
    });
  }
  void NameOf(const std::string& name, const std::string& at) {
    if (const Faults faults = Label1035Fault(name); !faults.empty())
      InvalidText(causes_, at, name, base::Join(faults, ","));
  }
  void SchemaOf(const Json& version, const std::string& at) {
    if (Schema(version).is_object())
      ValidateDefinitionSchema(causes_, Schema(version), at,
                               At(version, {"subresources", "status"}).is_object());
  }

  Causes& causes_;
  const Json& versions_;
  const bool given_;
  bool schema_is_common_ = false, columns_are_common_ = false, subresources_are_common_ = false,
       fields_are_common_ = false, none_is_stored_ = false;
};

void Approval(Causes& causes, const Json& definition, const std::string& group) {
  const bool guarded = group == "k8s.io" || group == "kubernetes.io" ||
                       group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io");
  if (guarded &&
      TextAt(definition, {"metadata", "annotations", "api-approved.kubernetes.io"}).empty()) {
    Required(causes, "metadata.annotations[api-approved.kubernetes.io]",
             "protected groups must have approval annotation \"api-approved.kubernetes.io\", see "
             "https://github.com/kubernetes/enhancements/pull/1111");
  }
}

bool HasDefault(const Json& schema, int depth) {
  if (depth > 100) return false;
  if (schema.is_object() && schema.contains("default")) return true;
  if (!schema.is_structured()) return false;
  return std::any_of(schema.begin(), schema.end(),
                     [depth](const Json& part) { return HasDefault(part, depth + 1); });
}

void UnknownFields(Causes& causes, const Json& spec, bool in_schema) {
  if (!BoolAt(spec, {"preserveUnknownFields"})) return;
  if (!in_schema)
    return Invalid(causes, "spec.preserveUnknownFields", "true",
                   "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                   "spec.versions[*].schema instead");
  for (const Json& version : ListAt(spec, {"versions"})) {
    if (HasDefault(At(version, "schema"), 0))
      return Invalid(causes, "spec.preserveUnknownFields", "true",
                     "must be false in order to use defaults in the schema");
  }
}

bool Established(const Json& definition) {
  const Json& conditions = ListAt(definition, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [](const Json& one) {
    return TextAt(one, "type") == "Established" && TextAt(one, "status") == "True";
  });
}

void Fixed(Causes& causes, const Json& before, const Json& object,
           std::initializer_list<const char*> path) {
  if (At(before, path) != At(object, path))
    Immutable(causes, base::Join(std::vector<std::string>(path.begin(), path.end()), "."),
              GoQuoted(TextAt(object, path)));
}

}  // namespace

void ValidateDefinition(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string group = TextAt(spec, "group");
  if (group.empty())
    Required(causes, "spec.group");
  else if (const Faults faults = SubdomainFault(group); !faults.empty())
    InvalidText(causes, "spec.group", group, base::Join(faults, ","));
  else if (group.find('.') == std::string::npos)
    InvalidText(causes, "spec.group", group, "should be a domain with at least one dot");
  OneOfNeeded(causes, "spec.scope", TextAt(spec, "scope"), {"Cluster", "Namespaced"});
  Versions versions(&causes, spec);
  versions.CheckSchemasAreThere();
  UnknownFields(causes, spec, true);
  versions.CheckEach();
  Names(causes, At(spec, "names"));
  versions.CheckCommon();
  Conversion(causes, At(spec, "conversion"));
  if (versions.none_is_stored() && !before.is_object())
    Invalid(causes, "status.storedVersions", "[]string(nil)",
            "must have at least one stored version");
  Approval(causes, object, group);
  UnknownFields(causes, spec, false);
  if (!before.is_object()) return;
  // The names of what is served already; the others only until they are accepted.
  if (Established(before)) {
    Fixed(causes, before, object, {"spec", "scope"});
    Fixed(causes, before, object, {"spec", "names", "kind"});
  }
  Fixed(causes, before, object, {"spec", "group"});
  Fixed(causes, before, object, {"spec", "names", "plural"});
}

}  // namespace opsmesh::kubesim
