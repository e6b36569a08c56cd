// What the transcoder knows of a message type: compiled once from its descriptor, then immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/strings.h"

namespace google::protobuf {
class Descriptor;
class DescriptorPool;
class EnumDescriptor;
class FieldDescriptor;
}  // namespace google::protobuf
namespace google::protobuf::util {
class TypeResolver;
}

namespace opsmesh::gateway {

enum class ValueType : uint8_t {
  kInt32,
  kInt64,
  kUint32,
  kUint64,
  kSint32,
  kSint64,
  kFixed32,
  kFixed64,
  kSfixed32,
  kSfixed64,
  kFloat,
  kDouble,
  kBool,
  kString,
  kBytes,
  kEnum,
  kMessage,
};

enum class Shape : uint8_t { kSingular, kRepeated, kMap };

/// Message types that have a JSON form of their own.
enum class Special : uint8_t {
  kNone,
  kJson,       // opsmesh.type.v1.Json: inlined
  kTimestamp,  // google.protobuf.Timestamp: RFC 3339
  kFallback,   // the other well-known types, by protobuf's own json_util
};

/// Values of an enum. A number with two names prints the first.
struct EnumSchema {
  std::string full_name;
  absl::flat_hash_map<std::string, int32_t> by_name;
  absl::flat_hash_map<int32_t, std::string> by_number;
};

struct MessageSchema;

/// Longest string of a request unless its field's option says otherwise, in bytes.
inline constexpr size_t kMaxStringBytes = 256 << 10;

struct FieldSchema {
  std::string name;       // as in the .proto
  std::string json_name;  // lowerCamelCase
  std::string key;        // `"name":` as printed
  std::string empty;      // `"name":0`, `"name":[]` ...: how absence prints; empty = not at all
  uint32_t number = 0;
  uint32_t tag = 0;    // of one element
  uint16_t index = 0;  // within the message
  int16_t oneof = -1;  // index of a real oneof, or -1
  ValueType type = ValueType::kInt32;
  Shape shape = Shape::kSingular;
  bool packed = false;
  bool omit_empty = false;  // absence is not printed after all
  size_t max_bytes = 0;     // of a string; 0 = kMaxStringBytes
  const MessageSchema* message =
      nullptr;  // of kMessage; for kMap the entry: fields[0] = key, fields[1] = value
  const EnumSchema* enumeration = nullptr;
};

struct MessageSchema {
  std::string full_name;
  Special special = Special::kNone;
  std::vector<FieldSchema> fields;  // in the order declared, which is the order printed
  absl::flat_hash_map<absl::string_view, const FieldSchema*> by_name;  // both name styles
  std::vector<int16_t> by_low_number;  // number -> index for small numbers, -1 = none
  std::map<uint32_t, uint16_t> by_high_number;

  const FieldSchema* FindByNumber(uint64_t number) const {
    if (number < by_low_number.size()) {
      const int16_t index = by_low_number[number];
      return index < 0 ? nullptr : &fields[index];
    }
    const auto it = by_high_number.find(static_cast<uint32_t>(number));
    return it == by_high_number.end() || it->first != number ? nullptr : &fields[it->second];
  }
  const FieldSchema* FindByName(std::string_view name) const {
    const auto it = by_name.find(base::ToAbsl(name));
    return it == by_name.end() ? nullptr : it->second;
  }
};

/// All schemas of a descriptor pool that were asked for, and those they refer to. Compile() is not
/// thread-safe; what it returned stays valid and unchanged for the life of this object and may be
/// read from any thread.
class SchemaSet {
 public:
  /// `pool` outlives this.
  explicit SchemaSet(const google::protobuf::DescriptorPool& pool);
  ~SchemaSet();

  const MessageSchema& Compile(const google::protobuf::Descriptor& message);

  /// Wire -> JSON and back by protobuf's json_util, for kFallback types. False when it refuses.
  bool FallbackToJson(const MessageSchema& schema, std::string_view wire, std::string* json) const;
  bool FallbackFromJson(const MessageSchema& schema, std::string_view json,
                        std::string* wire) const;

 private:
  const EnumSchema& CompileEnum(const google::protobuf::EnumDescriptor& enumeration);
  FieldSchema CompileField(const google::protobuf::FieldDescriptor& field, bool camel_case);

  std::map<const google::protobuf::Descriptor*, std::unique_ptr<MessageSchema>> messages_;
  std::map<const google::protobuf::EnumDescriptor*, std::unique_ptr<EnumSchema>> enums_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

}  // namespace opsmesh::gateway
