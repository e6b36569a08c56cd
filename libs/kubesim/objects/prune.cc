#include "libs/kubesim/objects/prune.h"

#include <fmt/format.h>

#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Kind = ValueSchema::Kind;

// What Go leaves out: null, an empty list or map, and a zero that its encoder omits.
bool SaysNothing(const FieldSchema& field, const Json& value) {
  if (value.is_null()) return field.value.kind != Kind::kAny;
  if (field.omit_zero && (value == Json("") || value == Json(0) || value == Json(false)))
    return true;
  return !field.required && value.empty() &&
         ((field.value.kind == Kind::kList && value.is_array()) ||
          (field.value.kind == Kind::kMap && value.is_object()));
}

// How a struct is kept: as it was sent, or as Go writes it, with the zeros that it does not omit.
enum class Form { kSent, kWhole };

// Some types hold themselves. What is deeper than this is left as it is: nobody keeps such objects.
constexpr int kMaxDepth = 400;

void Prune(const TypeSchema& type, Json& object, Form form, int depth = 1);

// What null is as an element of a list or map, in Go.
Json ZeroOf(const ValueSchema& schema) {
  switch (schema.kind) {
    case Kind::kText:
    case Kind::kBytes:
      return "";
    case Kind::kQuantity:
      return "0";
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kNumber:
    case Kind::kIntOrText:
      return 0;
    case Kind::kBool:
      return false;
    case Kind::kStruct:
      return schema.type->open ? Json() : Json::object();
    default:
      return nullptr;
  }
}

void PruneValue(const ValueSchema& schema, Json& value, Form form, int depth) {
  if (schema.kind == Kind::kStruct && value.is_object()) {
    Prune(*schema.type, value, form, depth + 1);
  } else if (schema.kind == Kind::kQuantity && (value.is_string() || value.is_number())) {
    value = CanonicalQuantity(value);
  } else if ((schema.kind == Kind::kList && value.is_array()) ||
             (schema.kind == Kind::kMap && value.is_object())) {
    for (Json& item : value) {
      if (item.is_null()) item = ZeroOf(*schema.element);
      if (schema.kind == Kind::kMap && schema.element->kind == Kind::kQuantity)
        item = CanonicalResource(item);
      else
        PruneValue(*schema.element, item, form, depth);
    }
  }
}

// What Go's encoder writes of a struct whoever filled it: values that are no pointers and that it
// is not told to omit.
void Complete(const TypeSchema& type, Json& object, int depth) {
  for (const FieldSchema& field : type.fields) {
    if (object.contains(field.name)) continue;
    const bool held = field.by_value && (field.value.kind == Kind::kStruct);
    if (held) {
      object[field.name] = Json::object();
      Prune(*field.value.type, object[field.name], Form::kWhole, depth + 1);
    } else if (field.by_value) {
      object[field.name] = nullptr;  // a time
    } else if (field.required && field.value.kind != Kind::kStruct) {
      object[field.name] = ZeroOf(field.value);
    }
  }
}

// Takes out what the type does not know and what says nothing.
void PruneMembers(const TypeSchema& type, Json& object, Form form, int depth) {
  for (auto it = object.begin(); it != object.end();) {
    const FieldSchema* field = type.Find(it.key());
    if (field == nullptr || SaysNothing(*field, it.value())) {
      it = object.erase(it);
      continue;
    }
    PruneValue(field->value, it.value(), form, depth);
    ++it;
  }
}

void Prune(const TypeSchema& type, Json& object, Form form, int depth) {
  if (type.open || depth > kMaxDepth) return;
  PruneMembers(type, object, form, depth);
  if (form == Form::kWhole) Complete(type, object, depth);
  // Times of conditions are written as null when nobody gave them, wherever they stand.
  if (!type.name.ends_with("Condition") || type.name.starts_with("meta.")) return;
  for (const char* member :
       {"lastProbeTime", "lastTransitionTime", "lastUpdateTime", "lastHeartbeatTime"}) {
    if (type.Find(member) != nullptr && !object.contains(member)) object[member] = nullptr;
  }
}

}  // namespace

std::string MemberPath(const std::string& path, std::string_view member) {
  constexpr size_t kMaxPath = 4096;
  if (path.empty()) return std::string(member.substr(0, kMaxPath));
  return path.size() + member.size() < kMaxPath ? fmt::format("{}.{}", path, member) : path;
}

namespace {

// Takes out what a schema does not know, and keeps its paths.
class CustomPruning {
 public:
  std::vector<std::string> unknown;
  std::string wrong;

  void Prune(const Json& schema, Json& value, const std::string& path, bool root, int depth) {
    if (!schema.is_object() || depth > 100) return;
    if (value.is_array()) {
      for (size_t i = 0; i < value.size(); ++i)
        Prune(At(schema, "items"), value[i], fmt::format("{}[{}]", path, i), false, depth + 1);
      return;
    }
    if (!value.is_object()) return;
    const Json& properties = At(schema, "properties");
    const Json& more = At(schema, "additionalProperties");
    const bool keeps =
        BoolAt(schema, {"x-kubernetes-preserve-unknown-fields"}) || more == Json(true);
    const bool embedded = root || BoolAt(schema, {"x-kubernetes-embedded-resource"});
    for (auto it = value.begin(); it != value.end();) {
      const std::string& member = it.key();
      const std::string here = MemberPath(path, member);
      const bool named = properties.is_object() && properties.contains(member);
      if (embedded && (member == "kind" || member == "apiVersion" || member == "metadata")) {
        if (!root && member == "metadata") Metadata(it.value(), here);
        ++it;
      } else if (named || more.is_object()) {
        Prune(named ? properties[member] : more, it.value(), here, false, depth + 1);
        ++it;
      } else if (keeps) {
        ++it;
      } else {
        Unknown(here);
        it = value.erase(it);
      }
    }
  }

 private:
  void Unknown(const std::string& path) {
    bytes_ += path.size();
    if (bytes_ <= kMaxUnknownBytes) unknown.push_back(path);
  }

  // The same for an embedded resource as for every other.
  void Metadata(Json& metadata, const std::string& path) {
    if (!metadata.is_object()) return;
    const ShapeReport shape = CheckShapeOf("meta.v1.ObjectMeta", metadata);
    if (!shape.wrong.empty() && wrong.empty())
      wrong = fmt::format("{}: Invalid value: {}: {}", path, GoValue(metadata), shape.wrong);
    for (const std::string& member : shape.unknown) Unknown(MemberPath(path, member));
    kubesim::Prune(*FindSchema("meta.v1.ObjectMeta"), metadata, Form::kSent);
  }

  size_t bytes_ = 0;
};

}  // namespace

std::vector<std::string> PruneCustom(const Json& schema, Json& object, bool resource,
                                     std::string* wrong) {
  CustomPruning pruning;
  pruning.Prune(schema, object, "", resource, 0);
  if (wrong != nullptr) *wrong = std::move(pruning.wrong);
  return std::move(pruning.unknown);
}

void DropUnknown(const ResourceType& type, Json& object, bool applied) {
  if (!object.is_object()) return;
  if (const TypeSchema* schema = SchemaOf(type)) {
    // A status is judged little: what its writer left out is seen. It itself is filled elsewhere.
    Json status;
    if (auto it = object.find("status"); it != object.end() && it->is_object()) status.swap(*it);
    Prune(*schema, object, Form::kSent);
    const FieldSchema* field = schema->Find("status");
    if (!status.is_object() || field == nullptr || field->value.kind != Kind::kStruct) return;
    PruneMembers(*field->value.type, status, Form::kWhole, 2);
    object["status"] = std::move(status);
    return;
  }
  if (object.contains("metadata") && object["metadata"].is_object())
    Prune(*FindSchema("meta.v1.ObjectMeta"), object["metadata"], Form::kSent);
  if (!type.definition) return;
  const Json& custom = At(*type.definition, {"schema", "openAPIV3Schema"});
  PruneCustom(custom, object);
  ApplySchemaDefaults(custom, object, applied);
}

}  // namespace opsmesh::kubesim
