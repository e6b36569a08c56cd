#include "gateway/document/schemas.h"

#include <algorithm>

#include "google/api/field_behavior.pb.h"
#include "libs/base/strings.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// Schemas of the types that are not written field by field. Null = an ordinary message.
OrderedJson WellKnown(const Descriptor& message) {
  const std::string& name = message.full_name();
  if (name == "opsmesh.type.v1.Json") return {{"description", "Any JSON value."}};
  if (name == "google.protobuf.Timestamp") return {{"type", "string"}, {"format", "date-time"}};
  if (name == "google.protobuf.Duration")
    return {{"type", "string"}, {"pattern", "^-?[0-9]+(\\.[0-9]+)?s$"}};
  if (name == "google.protobuf.Struct") return {{"type", "object"}};
  if (name == "google.protobuf.Any")
    return {{"type", "object"}, {"description", "A typed value with its @type."}};
  return nullptr;
}

OrderedJson EnumSchema(const EnumDescriptor& type) {
  OrderedJson names = OrderedJson::array();
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return {{"type", "string"}, {"enum", std::move(names)}};
}

}  // namespace

template <typename Element>
std::string CommentOf(const Element& element) {
  google::protobuf::SourceLocation location;
  if (!element.GetSourceLocation(&location)) return "";
  std::string text;
  for (const std::string_view line : base::Split(location.leading_comments, '\n')) {
    const std::string_view trimmed = base::Trim(line);
    if (trimmed.empty()) continue;
    if (!text.empty()) text += ' ';
    text += trimmed;
  }
  return text;
}
template std::string CommentOf(const Descriptor&);
template std::string CommentOf(const FieldDescriptor&);
template std::string CommentOf(const google::protobuf::MethodDescriptor&);
template std::string CommentOf(const google::protobuf::ServiceDescriptor&);

std::string Schemas::JsonName(const FieldDescriptor& field) {
  const auto& options = field.containing_type()->options().GetExtension(opsmesh::type::v1::json);
  return options.camel_case() ? field.json_name() : field.name();
}

bool Schemas::IsRequired(const FieldDescriptor& field) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::REQUIRED) return true;
  }
  return false;
}

// "opsmesh.chat.v1.ChatRequest" -> "chat.v1.ChatRequest": the common prefix says nothing to a
// reader.
std::string Schemas::Component(const Descriptor& message) {
  std::string name = message.full_name();
  if (name.starts_with("opsmesh.")) name.erase(0, 8);
  return name;
}

OrderedJson Schemas::Of(const Descriptor& message) {
  if (OrderedJson schema = WellKnown(message); !schema.is_null()) return schema;
  const std::string name = Component(message);
  if (!components_.contains(name)) {
    components_[name] = nullptr;  // a message may hold itself
    components_[name] = Object(message);
  }
  return {{"$ref", "#/components/schemas/" + name}};
}

OrderedJson Schemas::Object(const Descriptor& message) {
  OrderedJson schema = {{"type", "object"}};
  if (const std::string comment = CommentOf(message); !comment.empty())
    schema["description"] = comment;
  OrderedJson properties = OrderedJson::object();
  OrderedJson required = OrderedJson::array();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    properties[JsonName(field)] = Of(field);
    if (IsRequired(field)) required.push_back(JsonName(field));
  }
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

OrderedJson Schemas::Of(const FieldDescriptor& field) {
  OrderedJson schema;
  if (field.is_map()) {
    const FieldDescriptor& value = *field.message_type()->map_value();
    schema = {{"type", "object"}, {"additionalProperties", Single(value)}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", Single(field)}};
  } else {
    schema = Single(field);
    // Documented clients send null for "not given".
    if (field.has_presence() && schema.contains("type") && schema["type"].is_string() &&
        !IsRequired(field)) {
      schema["type"] = OrderedJson::array({schema["type"], "null"});
      if (schema.contains("enum")) schema["enum"].push_back(nullptr);
    }
  }
  if (const std::string comment = CommentOf(field); !comment.empty())
    schema["description"] = comment;
  return schema;
}

OrderedJson Schemas::Single(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      return Of(*field.message_type());
    case FieldDescriptor::TYPE_ENUM:
      return EnumSchema(*field.enum_type());
    case FieldDescriptor::TYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::TYPE_STRING:
      return {{"type", "string"}};
    case FieldDescriptor::TYPE_BYTES:
      return {{"type", "string"}, {"contentEncoding", "base64"}};
    case FieldDescriptor::TYPE_FLOAT:
      return {{"type", "number"}, {"format", "float"}};
    case FieldDescriptor::TYPE_DOUBLE:
      return {{"type", "number"}, {"format", "double"}};
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_SINT64:
    case FieldDescriptor::TYPE_SFIXED64:
      return {{"type", "string"}, {"format", "int64"}};
    case FieldDescriptor::TYPE_UINT64:
    case FieldDescriptor::TYPE_FIXED64:
      return {{"type", "string"}, {"format", "uint64"}};
    default:
      return {{"type", "integer"}, {"format", "int32"}};
  }
}

OrderedJson Schemas::Components() const {
  OrderedJson all = OrderedJson::object();
  for (const auto& [name, schema] : components_) all[name] = schema;
  return all;
}

}  // namespace opsmesh::gateway
