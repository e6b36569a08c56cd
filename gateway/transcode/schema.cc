#include "gateway/transcode/schema.h"

#include <set>

#include "gateway/transcode/wire.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "opsmesh/type/v1/options.pb.h"

namespace opsmesh::gateway {
namespace {

namespace pb = google::protobuf;

constexpr char kUrlPrefix[] = "type.googleapis.com";
// Field numbers below this are found by an array index.
constexpr uint32_t kLowNumbers = 256;

Special SpecialOf(const pb::Descriptor& message) {
  static const auto& fallback = *new std::set<std::string>{
      "google.protobuf.Any",         "google.protobuf.Duration",    "google.protobuf.FieldMask",
      "google.protobuf.Struct",      "google.protobuf.Value",       "google.protobuf.ListValue",
      "google.protobuf.DoubleValue", "google.protobuf.FloatValue",  "google.protobuf.Int64Value",
      "google.protobuf.UInt64Value", "google.protobuf.Int32Value",  "google.protobuf.UInt32Value",
      "google.protobuf.BoolValue",   "google.protobuf.StringValue", "google.protobuf.BytesValue"};
  if (message.full_name() == "opsmesh.type.v1.Json") return Special::kJson;
  if (message.full_name() == "google.protobuf.Timestamp") return Special::kTimestamp;
  return fallback.contains(message.full_name()) ? Special::kFallback : Special::kNone;
}

ValueType TypeOf(const pb::FieldDescriptor& field) {
  using F = pb::FieldDescriptor;
  switch (field.type()) {
    case F::TYPE_INT32:
      return ValueType::kInt32;
    case F::TYPE_INT64:
      return ValueType::kInt64;
    case F::TYPE_UINT32:
      return ValueType::kUint32;
    case F::TYPE_UINT64:
      return ValueType::kUint64;
    case F::TYPE_SINT32:
      return ValueType::kSint32;
    case F::TYPE_SINT64:
      return ValueType::kSint64;
    case F::TYPE_FIXED32:
      return ValueType::kFixed32;
    case F::TYPE_FIXED64:
      return ValueType::kFixed64;
    case F::TYPE_SFIXED32:
      return ValueType::kSfixed32;
    case F::TYPE_SFIXED64:
      return ValueType::kSfixed64;
    case F::TYPE_FLOAT:
      return ValueType::kFloat;
    case F::TYPE_DOUBLE:
      return ValueType::kDouble;
    case F::TYPE_BOOL:
      return ValueType::kBool;
    case F::TYPE_STRING:
      return ValueType::kString;
    case F::TYPE_BYTES:
      return ValueType::kBytes;
    case F::TYPE_ENUM:
      return ValueType::kEnum;
    case F::TYPE_MESSAGE:
    case F::TYPE_GROUP:
      return ValueType::kMessage;
  }
  return ValueType::kMessage;
}

WireType WireTypeOf(ValueType type) {
  switch (type) {
    case ValueType::kFixed32:
    case ValueType::kSfixed32:
    case ValueType::kFloat:
      return WireType::kFixed32;
    case ValueType::kFixed64:
    case ValueType::kSfixed64:
    case ValueType::kDouble:
      return WireType::kFixed64;
    case ValueType::kString:
    case ValueType::kBytes:
    case ValueType::kMessage:
      return WireType::kLength;
    default:
      return WireType::kVarint;
  }
}

// What an absent field without presence prints as.
std::string EmptyText(const pb::FieldDescriptor& field) {
  if (field.is_map()) return "{}";
  if (field.is_repeated()) return "[]";
  if (field.has_presence()) return "";
  switch (TypeOf(field)) {
    case ValueType::kInt64:
    case ValueType::kUint64:
    case ValueType::kSint64:
    case ValueType::kFixed64:
    case ValueType::kSfixed64:
      return "\"0\"";
    case ValueType::kBool:
      return "false";
    case ValueType::kString:
    case ValueType::kBytes:
      return "\"\"";
    case ValueType::kEnum:
      return "\"" + field.enum_type()->FindValueByNumber(0)->name() + "\"";
    default:
      return "0";
  }
}

}  // namespace

SchemaSet::SchemaSet(const pb::DescriptorPool& pool)
    : resolver_(pb::util::NewTypeResolverForDescriptorPool(kUrlPrefix, &pool)) {}

SchemaSet::~SchemaSet() = default;

const EnumSchema& SchemaSet::CompileEnum(const pb::EnumDescriptor& enumeration) {
  std::unique_ptr<EnumSchema>& slot = enums_[&enumeration];
  if (slot != nullptr) return *slot;
  slot = std::make_unique<EnumSchema>();
  slot->full_name = enumeration.full_name();
  for (int i = 0; i < enumeration.value_count(); ++i) {
    slot->by_name.emplace(enumeration.value(i)->name(), enumeration.value(i)->number());
    slot->by_number.emplace(enumeration.value(i)->number(), enumeration.value(i)->name());
  }
  return *slot;
}

FieldSchema SchemaSet::CompileField(const pb::FieldDescriptor& field, bool camel_case) {
  FieldSchema out;
  out.name = field.name();
  out.json_name = field.json_name();
  out.key = "\"" + (camel_case ? out.json_name : out.name) + "\":";
  if (const std::string empty = EmptyText(field); !empty.empty()) out.empty = out.key + empty;
  out.number = static_cast<uint32_t>(field.number());
  out.index = static_cast<uint16_t>(field.index());
  if (const auto* oneof = field.real_containing_oneof())
    out.oneof = static_cast<int16_t>(oneof->index());
  out.type = TypeOf(field);
  out.shape = field.is_map()        ? Shape::kMap
              : field.is_repeated() ? Shape::kRepeated
                                    : Shape::kSingular;
  out.tag = MakeTag(out.number, WireTypeOf(out.type));
  out.packed = field.is_packed();
  out.max_bytes =
      static_cast<size_t>(field.options().GetExtension(opsmesh::type::v1::field).max_bytes());
  if (out.type == ValueType::kMessage) out.message = &Compile(*field.message_type());
  if (out.type == ValueType::kEnum) out.enumeration = &CompileEnum(*field.enum_type());
  return out;
}

const MessageSchema& SchemaSet::Compile(const pb::Descriptor& message) {
  std::unique_ptr<MessageSchema>& slot = messages_[&message];
  if (slot != nullptr) return *slot;
  slot =
      std::make_unique<MessageSchema>();  // stored before its fields: types may refer to themselves
  MessageSchema& schema = *slot;
  schema.full_name = message.full_name();
  schema.special = SpecialOf(message);
  const auto& policy = message.options().GetExtension(opsmesh::type::v1::json);
  schema.fields.reserve(message.field_count());
  for (int i = 0; i < message.field_count(); ++i) {
    schema.fields.push_back(CompileField(*message.field(i), policy.camel_case()));
    schema.fields.back().omit_empty = policy.omit_empty();
  }
  for (const FieldSchema& field : schema.fields) {
    schema.by_name.emplace(base::ToAbsl(field.name), &field);
    if (field.number < kLowNumbers) {
      if (schema.by_low_number.size() <= field.number)
        schema.by_low_number.resize(field.number + 1, -1);
      schema.by_low_number[field.number] = static_cast<int16_t>(field.index);
    } else {
      schema.by_high_number.emplace(field.number, field.index);
    }
  }
  for (const FieldSchema& field : schema.fields)
    schema.by_name.emplace(base::ToAbsl(field.json_name), &field);
  return schema;
}

bool SchemaSet::FallbackToJson(const MessageSchema& schema, std::string_view wire,
                               std::string* json) const {
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  return pb::util::BinaryToJsonString(resolver_.get(),
                                      std::string(kUrlPrefix) + "/" + schema.full_name,
                                      std::string(wire), json, options)
      .ok();
}

bool SchemaSet::FallbackFromJson(const MessageSchema& schema, std::string_view json,
                                 std::string* wire) const {
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return pb::util::JsonToBinaryString(resolver_.get(),
                                      std::string(kUrlPrefix) + "/" + schema.full_name,
                                      pb::StringPiece(json.data(), json.size()), wire, options)
      .ok();
}

}  // namespace opsmesh::gateway
