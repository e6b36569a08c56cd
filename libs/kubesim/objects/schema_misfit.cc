// Whether an applied configuration fits its kind, as a real server says it before it merges.
#include <fmt/format.h>

#include <set>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 64;
using Rule = FieldSchema::ListRule;

std::string Misfit(const ValueSchema* value, const FieldSchema* field, const TypeSchema* type,
                   const Json& json, const std::string& path, int depth) {
  if (json.is_null() || depth > kMaxDepth) return "";
  using Kind = ValueSchema::Kind;
  if (type != nullptr) {
    if (type->open) return "";
    if (!json.is_object()) return path + ": expected map, got &{" + Scalar(json) + "}";
    for (const auto& [member, item] : json.items()) {
      const FieldSchema* found = type->Find(member);
      if (found == nullptr) return path + "." + member + ": field not declared in schema";
      const TypeSchema* inner = found->value.kind == Kind::kStruct ? found->value.type : nullptr;
      if (auto why = Misfit(&found->value, found, inner, item, path + "." + member, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (value == nullptr || value->kind == Kind::kAny) return "";
  const TypeSchema* inner =
      value->element && value->element->kind == Kind::kStruct ? value->element->type : nullptr;
  if (value->kind == Kind::kMap) {
    if (!json.is_object()) return path + ": expected map, got &{" + Scalar(json) + "}";
    for (const auto& [member, item] : json.items()) {
      if (auto why =
              Misfit(value->element.get(), nullptr, inner, item, path + "." + member, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (value->kind == Kind::kList) {
    if (!json.is_array()) return path + ": expected list, got &{" + Scalar(json) + "}";
    std::set<std::string> seen;
    for (size_t i = 0; i < json.size(); ++i) {
      const bool keyed =
          field != nullptr && field->list_rule == Rule::kByKeys && json[i].is_object();
      const std::string element =
          keyed ? ReadablePath({KeyElement(field->list_keys, json[i])}) : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (auto why =
              Misfit(value->element.get(), nullptr, inner, json[i], path + element, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  const bool text =
      value->kind == Kind::kText || value->kind == Kind::kBytes || value->kind == Kind::kTime;
  const bool number = value->kind == Kind::kInt32 || value->kind == Kind::kInt64;
  if (text && !json.is_string())
    return fmt::format("{}: expected string, got &value.valueUnstructured{{Value:{}}}", path,
                       json.dump());
  if (number && !json.is_number())
    return fmt::format("{}: expected numeric (int or float), got {}", path,
                       json.is_string()    ? "string"
                       : json.is_boolean() ? "boolean"
                       : json.is_object()  ? "map"
                                           : "list");
  if (value->kind == Kind::kBool && !json.is_boolean())
    return fmt::format("{}: expected boolean, got {}", path,
                       json.is_string() ? "string" : "number");
  return "";
}

// The same for a custom resource, whose types are its definition's; what that does not describe
// fits.
std::string CustomMisfit(const Json& schema, const Json& json, const std::string& path, int depth) {
  if (!schema.is_object() || json.is_null() || depth > kMaxDepth) return "";
  const std::string type = TextAt(schema, "type");
  if (BoolAt(schema, {"x-kubernetes-int-or-string"})) return "";
  const char* got = json.is_string()    ? "string"
                    : json.is_boolean() ? "boolean"
                    : json.is_object()  ? "map"
                    : json.is_array()   ? "list"
                                        : "number";
  if ((type == "integer" || type == "number") && !json.is_number())
    return fmt::format("{}: expected numeric (int or float), got {}", path, got);
  if (type == "string" && !json.is_string())
    return fmt::format("{}: expected string, got &value.valueUnstructured{{Value:{}}}", path,
                       json.dump());
  if (type == "boolean" && !json.is_boolean())
    return fmt::format("{}: expected boolean, got &{{{}}}", path, Scalar(json));
  if (type == "array") {
    if (!json.is_array()) return fmt::format("{}: expected list, got &{{{}}}", path, Scalar(json));
    const bool keyed = TextAt(schema, "x-kubernetes-list-type") == "map";
    std::vector<std::string> keys;
    for (const Json& key : ListAt(schema, {"x-kubernetes-list-map-keys"}))
      keys.push_back(Scalar(key));
    std::set<std::string> seen;
    for (size_t i = 0; i < json.size(); ++i) {
      const std::string element = keyed && json[i].is_object()
                                      ? ReadablePath({KeyElement(keys, json[i])})
                                      : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (auto why = CustomMisfit(At(schema, "items"), json[i], path + element, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (type != "object") return "";
  if (!json.is_object()) return fmt::format("{}: expected map, got &{{{}}}", path, Scalar(json));
  const Json& properties = At(schema, "properties");
  const Json& more = At(schema, "additionalProperties");
  const bool open = BoolAt(schema, {"x-kubernetes-preserve-unknown-fields"}) ||
                    more == Json(true) || BoolAt(schema, {"x-kubernetes-embedded-resource"});
  for (const auto& [member, item] : json.items()) {
    if (depth == 0 && (member == "metadata" || member == "kind" || member == "apiVersion"))
      continue;
    const bool named = properties.is_object() && properties.contains(member);
    if (!named && !more.is_object() && !open)
      return path + "." + member + ": field not declared in schema";
    if (auto why =
            CustomMisfit(named ? properties[member] : more, item, path + "." + member, depth + 1);
        !why.empty())
      return why;
  }
  return "";
}

}  // namespace

std::string SchemaMisfit(const ResourceType& type, const Json& applied) {
  const TypeSchema* schema = SchemaOf(type);
  if (type.custom && type.definition)
    return CustomMisfit(At(*type.definition, {"schema", "openAPIV3Schema"}), applied, "", 0);
  return schema == nullptr ? "" : Misfit(nullptr, nullptr, schema, applied, "", 0);
}

}  // namespace opsmesh::kubesim
