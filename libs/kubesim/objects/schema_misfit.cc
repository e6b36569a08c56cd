// Whether an applied configuration fits its kind, as a real server says it before it merges.
#include <fmt/format.h>

#include <set>

#include "libs/kubesim/objects/field_place.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 64;
using Rule = FieldSchema::ListRule;

std::string Unlike(const std::string& path, const char* expected, const Json& json) {
  return fmt::format("{}: expected {}, got &{{{}}}", path, expected, GoFormatted(json));
}

// A value that is no text, as Go shows the holder of one.
std::string NotText(const std::string& path, const Json& json) {
  return fmt::format("{}: expected string, got &value.valueUnstructured{{Value:{}}}", path,
                     GoValue(json));
}

std::string NotNumber(const std::string& path, const Json& json) {
  return fmt::format("{}: expected numeric (int or float), got {}", path,
                     json.is_string()    ? "string"
                     : json.is_boolean() ? "bool"
                     : json.is_object()  ? "map[string]interface {}"
                                         : "[]interface {}");
}

// Why an item can be no element of a list that is merged by keys, or of a set; "" when it can.
std::string NoElement(const std::string& path, size_t at, bool keyed, const Json& item) {
  const char* why = "";
  if (keyed && item.is_null())
    why = "associative list with keys may not have a null element";
  else if (keyed && !item.is_object())
    why = "associative list with keys may not have non-map elements";
  else if (!keyed && item.is_object())
    why = "associative list without keys has an element that's a map type";
  else if (!keyed && item.is_array())
    why = "not supported: associative list with lists as elements";
  else if (!keyed && item.is_null())
    why = "associative list without keys has an element that's an explicit null";
  return *why == '\0' ? "" : fmt::format("{}: element {}: {}", path, at, why);
}

std::string Misfit(const ValueSchema* value, const FieldSchema* field, const TypeSchema* type,
                   const Json& json, const std::string& path, int depth) {
  if (json.is_null() || depth > kMaxDepth) return "";
  using Kind = ValueSchema::Kind;
  if (type != nullptr) {
    if (type->open) return "";
    if (!json.is_object()) return Unlike(path, "map", json);
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
    if (!json.is_object()) return Unlike(path, "map", json);
    for (const auto& [member, item] : json.items()) {
      if (auto why =
              Misfit(value->element.get(), nullptr, inner, item, path + "." + member, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (value->kind == Kind::kList) {
    if (!json.is_array()) return Unlike(path, "list", json);
    std::set<std::string> seen;
    const bool keyed = field != nullptr && field->list_rule == Rule::kByKeys;
    const bool set = field != nullptr && field->list_rule == Rule::kSet;
    for (size_t i = 0; i < json.size(); ++i) {
      if (keyed || set) {
        if (auto why = NoElement(path, i, keyed, json[i]); !why.empty()) return why;
      }
      const std::string element =
          keyed ? ReadablePath({KeyElement(field->list_keys, json[i])}) : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (set && !seen.insert(json[i].dump()).second)
        return fmt::format("{}: duplicate entries for key [={}]", path, json[i].dump());
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
  if (text && !json.is_string()) return NotText(path, json);
  if (number && !json.is_number()) return NotNumber(path, json);
  if (value->kind == Kind::kBool && !json.is_boolean()) return Unlike(path, "boolean", json);
  return "";
}

// The same for a custom resource, whose types are its definition's; what that does not describe
// fits.
std::string CustomMisfit(const Json& schema, const Json& json, const std::string& path, int depth) {
  if (!schema.is_object() || json.is_null() || depth > kMaxDepth) return "";
  const std::string type = TextAt(schema, "type");
  if (BoolAt(schema, {"x-kubernetes-int-or-string"})) return "";
  if ((type == "integer" || type == "number") && !json.is_number()) return NotNumber(path, json);
  if (type == "string" && !json.is_string()) return NotText(path, json);
  if (type == "boolean" && !json.is_boolean()) return Unlike(path, "boolean", json);
  if (type == "array") {
    if (!json.is_array()) return Unlike(path, "list", json);
    const std::string rule = TextAt(schema, "x-kubernetes-list-type");
    const bool keyed = rule == "map", set = rule == "set";
    std::vector<std::string> keys;
    for (const Json& key : ListAt(schema, {"x-kubernetes-list-map-keys"}))
      keys.push_back(Scalar(key));
    std::set<std::string> seen;
    for (size_t i = 0; i < json.size(); ++i) {
      if (keyed || set) {
        if (auto why = NoElement(path, i, keyed, json[i]); !why.empty()) return why;
      }
      const std::string element =
          keyed ? ReadablePath({KeyElement(keys, json[i], &schema)}) : fmt::format("[{}]", i);
      if (keyed && !seen.insert(element).second)
        return path + ": duplicate entries for key " + element;
      if (set && !seen.insert(json[i].dump()).second)
        return fmt::format("{}: duplicate entries for key [={}]", path, json[i].dump());
      for (const std::string& key : keyed ? keys : std::vector<std::string>()) {
        if (json[i].contains(key) ||
            !At(schema, {"items", "properties", key.c_str(), "default"}).is_null())
          continue;
        return fmt::format(
            "{}: element {}: associative list with keys has an element that omits key field "
            "\"{}\" (and doesn't have default value)",
            path, i, key);
      }
      if (auto why = CustomMisfit(At(schema, "items"), json[i], path + element, depth + 1);
          !why.empty())
        return why;
    }
    return "";
  }
  if (type != "object") return "";
  if (!json.is_object()) return Unlike(path, "map", json);
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
