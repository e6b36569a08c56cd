#include "gateway/transcode/json_to_wire.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "fmt/format.h"
#include "gateway/transcode/json_text.h"
#include "gateway/transcode/json_value.h"
#include "gateway/transcode/scalar_text.h"
#include "gateway/transcode/timestamp.h"
#include "gateway/transcode/wire.h"
#include "libs/base/error.h"
#include "simdjson.h"

namespace opsmesh::gateway {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

std::string_view TypeName(const element& value) {
  switch (value.type()) {
    case element_type::ARRAY:
      return "a list";
    case element_type::OBJECT:
      return "an object";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return "true or false";
    case element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

std::string_view Wanted(ValueType type) {
  switch (type) {
    case ValueType::kInt32:
    case ValueType::kSint32:
    case ValueType::kSfixed32:
      return "an integer from -2147483648 to 2147483647";
    case ValueType::kUint32:
    case ValueType::kFixed32:
      return "an integer from 0 to 4294967295";
    case ValueType::kInt64:
    case ValueType::kSint64:
    case ValueType::kSfixed64:
      return "a 64-bit integer";
    case ValueType::kUint64:
    case ValueType::kFixed64:
      return "a 64-bit integer of at least 0";
    case ValueType::kFloat:
    case ValueType::kDouble:
      return "a number";
    case ValueType::kBool:
      return "true or false";
    case ValueType::kString:
      return "a string";
    case ValueType::kBytes:
      return "bytes in base64";
    case ValueType::kEnum:
      return "a name of the enum";
    case ValueType::kMessage:
      return "an object";
  }
  return "another value";
}

// What went wrong, and where; the path is collected innermost first while the calls return.
struct Failure {
  std::string_view reason;
  std::string message;
  std::string hint;
  std::vector<std::string> path;

  absl::Status ToStatus() const {
    std::string where;
    for (auto it = path.rbegin(); it != path.rend(); ++it) {
      if (!where.empty() && !it->starts_with('[')) where += '.';
      where += *it;
    }
    return base::InvalidArgument(
               where, reason,
               where.empty() ? message : fmt::format("Field '{}': {}", where, message))
        .Hint(hint);
  }
};

class Builder {
 public:
  Builder(const SchemaSet& schemas, std::string* out) : schemas_(schemas), out_(*out) {}

  absl::Status Result(bool ok) const { return ok ? absl::OkStatus() : failure_.ToStatus(); }

  bool Message(const MessageSchema& schema, const element& value) {
    switch (schema.special) {
      case Special::kNone:
        break;
      case Special::kJson:
        return InlinedJson(value);
      case Special::kTimestamp:
        return Timestamp(value);
      case Special::kFallback:
        return Fallback(schema, simdjson::minify(value));
    }
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return Fail("INVALID_FIELD", fmt::format("expected an object, got {}.", TypeName(value)));
    }
    return Members(schema, object);
  }

  bool Field(const FieldSchema& field, const element& value) {
    if (value.is_null() && !TakesNull(field)) return true;
    switch (field.shape) {
      case Shape::kSingular:
        return Element(field, value);
      case Shape::kRepeated:
        return List(field, value);
      case Shape::kMap:
        return Map(field, value);
    }
    return false;
  }

  // One value from plain text.
  bool Text(const FieldSchema& field, std::string_view text) {
    switch (field.type) {
      case ValueType::kString:
        return String(field, text);
      case ValueType::kBytes:
        return Bytes(field, text);
      case ValueType::kEnum:
        return EnumText(field, text);
      case ValueType::kBool:
        return BoolText(field, text);
      case ValueType::kFloat:
      case ValueType::kDouble:
        return Real(field, DoubleFromText(text));
      case ValueType::kMessage:
        return MessageText(field, text);
      default:
        return IntegerText(field, text);
    }
  }

 private:
  bool Fail(std::string_view reason, std::string message, std::string hint = {}) {
    failure_.reason = reason;
    failure_.message = std::move(message);
    failure_.hint = std::move(hint);
    return false;
  }
  bool FailType(const FieldSchema& field, const element& value) {
    return Fail("INVALID_FIELD",
                fmt::format("expected {}, got {}.", Wanted(field.type), TypeName(value)));
  }
  bool FailValue(const FieldSchema& field) {
    return Fail("INVALID_FIELD", fmt::format("expected {}.", Wanted(field.type)));
  }
  bool At(std::string step) {
    failure_.path.push_back(std::move(step));
    return false;
  }

  // null means absent, except where it is a value.
  static bool TakesNull(const FieldSchema& field) {
    return field.shape == Shape::kSingular && field.message != nullptr &&
           field.message->full_name == "google.protobuf.Value";
  }

  bool Members(const MessageSchema& schema, const simdjson::dom::object& object) {
    uint64_t seen_bits = 0;
    std::vector<bool> seen_more;
    std::vector<int16_t> oneofs;
    for (const auto [name, value] : object) {
      const FieldSchema* field = schema.FindByName(name);
      if (field == nullptr || (value.is_null() && !TakesNull(*field))) continue;
      if (!MarkSeen(*field, &seen_bits, &seen_more)) return At(field->name);
      if (field->oneof >= 0 && !MarkOneof(*field, &oneofs)) return At(field->name);
      if (!Field(*field, value)) return At(field->name);
    }
    return true;
  }

  bool MarkSeen(const FieldSchema& field, uint64_t* bits, std::vector<bool>* more) {
    bool seen = false;
    if (field.index < 64) {
      seen = (*bits >> field.index & 1) != 0;
      *bits |= uint64_t{1} << field.index;
    } else {
      if (more->size() <= field.index) more->resize(field.index + 1);
      seen = (*more)[field.index];
      (*more)[field.index] = true;
    }
    return !seen || Fail("DUPLICATE_FIELD", "given twice.", "Give it once.");
  }

  bool MarkOneof(const FieldSchema& field, std::vector<int16_t>* oneofs) {
    for (const int16_t other : *oneofs) {
      if (other == field.oneof) {
        return Fail("INVALID_FIELD", "cannot be given together with another field of its group.",
                    "Give one of them.");
      }
    }
    oneofs->push_back(field.oneof);
    return true;
  }

  bool List(const FieldSchema& field, const element& value) {
    simdjson::dom::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) {
      return Fail("INVALID_FIELD", fmt::format("expected a list, got {}.", TypeName(value)));
    }
    size_t i = 0;
    for (const element item : array) {
      if (item.is_null() && field.type == ValueType::kDouble) {
        PutFixed(field, std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN()));
        ++i;
        continue;
      }
      if (item.is_null() && !NullElement(field)) {
        Fail("INVALID_FIELD", fmt::format("expected {}, got null.", Wanted(field.type)));
        return At(fmt::format("[{}]", i));
      }
      if (!Element(field, item)) return At(fmt::format("[{}]", i));
      ++i;
    }
    return true;
  }

  // Types whose values include null.
  static bool NullElement(const FieldSchema& field) {
    return field.message != nullptr && (field.message->special == Special::kJson ||
                                        field.message->full_name == "google.protobuf.Value");
  }

  bool Map(const FieldSchema& field, const element& value) {
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return Fail("INVALID_FIELD", fmt::format("expected an object, got {}.", TypeName(value)));
    }
    const FieldSchema& item = field.message->fields[1];
    for (const auto [name, member] : object) {
      AppendVarint(field.tag, &out_);
      LengthPrefix prefix(&out_);
      if (!Text(field.message->fields[0], name)) return At(std::string(name));
      if (member.is_null() && !NullElement(item)) {
        Fail("INVALID_FIELD", fmt::format("expected {}, got null.", Wanted(item.type)));
        return At(std::string(name));
      }
      if (!Element(item, member)) return At(std::string(name));
      prefix.Close();
    }
    return true;
  }

  // One value with its tag.
  bool Element(const FieldSchema& field, const element& value) {
    switch (field.type) {
      case ValueType::kMessage: {
        AppendVarint(field.tag, &out_);
        LengthPrefix prefix(&out_);
        if (!Message(*field.message, value)) return false;
        prefix.Close();
        return true;
      }
      case ValueType::kBool: {
        bool flag = false;
        if (value.get_bool().get(flag) != simdjson::SUCCESS) return FailType(field, value);
        return PutVarint(field, flag ? 1 : 0);
      }
      case ValueType::kEnum:
        return Enum(field, value);
      case ValueType::kFloat:
      case ValueType::kDouble:
        return RealElement(field, value);
      case ValueType::kString:
      case ValueType::kBytes: {
        std::string_view text;
        if (value.get_string().get(text) != simdjson::SUCCESS) return FailType(field, value);
        return field.type == ValueType::kString ? String(field, text) : Bytes(field, text);
      }
      default:
        return Integer(field, value);
    }
  }

  bool PutVarint(const FieldSchema& field, uint64_t v) {
    AppendVarint(field.tag, &out_);
    AppendVarint(v, &out_);
    return true;
  }
  template <typename T>
  bool PutFixed(const FieldSchema& field, T v) {
    AppendVarint(field.tag, &out_);
    AppendFixed(v, &out_);
    return true;
  }

  // Calls `convert.operator()<T>()`, which yields optional<T>, with the C++ type of the field, and
  // writes the result.
  template <typename Convert>
  bool PutInteger(const FieldSchema& field, Convert convert) {
    const auto put = [&]<typename T>(auto write) {
      const std::optional<T> v = convert.template operator()<T>();
      return v ? write(*v) : FailValue(field);
    };
    const auto varint = [&](auto v) {
      return PutVarint(field, static_cast<uint64_t>(static_cast<int64_t>(v)));
    };
    const auto zigzag = [&](auto v) { return PutVarint(field, ZigZagEncode(v)); };
    const auto fixed = [&](auto v) { return PutFixed(field, v); };
    switch (field.type) {
      case ValueType::kInt32:
        return put.template operator()<int32_t>(varint);
      case ValueType::kInt64:
        return put.template operator()<int64_t>(varint);
      case ValueType::kUint32:
        return put.template operator()<uint32_t>(varint);
      case ValueType::kUint64:
        return put.template operator()<uint64_t>(varint);
      case ValueType::kSint32:
      case ValueType::kSint64:
        return field.type == ValueType::kSint32 ? put.template operator()<int32_t>(zigzag)
                                                : put.template operator()<int64_t>(zigzag);
      case ValueType::kFixed32:
        return put.template operator()<uint32_t>(fixed);
      case ValueType::kFixed64:
        return put.template operator()<uint64_t>(fixed);
      case ValueType::kSfixed32:
        return put.template operator()<int32_t>(fixed);
      case ValueType::kSfixed64:
        return put.template operator()<int64_t>(fixed);
      default:
        return FailValue(field);
    }
  }

  bool Integer(const FieldSchema& field, const element& value) {
    switch (value.type()) {
      case element_type::INT64: {
        const int64_t v = value.get_int64().value_unsafe();
        return PutInteger(field, [v]<typename T>() { return IntegerFrom<T>(v); });
      }
      case element_type::UINT64: {
        const uint64_t v = value.get_uint64().value_unsafe();
        return PutInteger(field, [v]<typename T>() { return IntegerFrom<T>(v); });
      }
      case element_type::DOUBLE: {
        const double v = value.get_double().value_unsafe();
        return PutInteger(field, [v]<typename T>() { return IntegerFromDouble<T>(v); });
      }
      case element_type::STRING:
        return IntegerText(field, value.get_string().value_unsafe());
      default:
        return FailType(field, value);
    }
  }

  bool IntegerText(const FieldSchema& field, std::string_view text) {
    return PutInteger(field, [text]<typename T>() { return IntegerFromText<T>(text); });
  }

  bool RealElement(const FieldSchema& field, const element& value) {
    if (value.is_string()) return Real(field, DoubleFromText(value.get_string().value_unsafe()));
    double v = 0;
    if (value.get_double().get(v) != simdjson::SUCCESS) return FailType(field, value);
    return Real(field, v);
  }

  bool Real(const FieldSchema& field, std::optional<double> v) {
    if (!v) return FailValue(field);
    if (field.type == ValueType::kDouble) return PutFixed(field, std::bit_cast<uint64_t>(*v));
    const std::optional<float> narrow = FloatFrom(*v);
    if (!narrow) return Fail("INVALID_FIELD", "the number is beyond the range of a float.");
    return PutFixed(field, std::bit_cast<uint32_t>(*narrow));
  }

  bool BoolText(const FieldSchema& field, std::string_view text) {
    if (text != "true" && text != "false") return FailValue(field);
    return PutVarint(field, text == "true" ? 1 : 0);
  }

  bool Enum(const FieldSchema& field, const element& value) {
    if (value.is_string()) return EnumText(field, value.get_string().value_unsafe());
    int64_t number = 0;
    if (value.get_int64().get(number) != simdjson::SUCCESS) return FailType(field, value);
    const auto narrow = IntegerFrom<int32_t>(number);
    return narrow ? PutEnum(field, *narrow) : FailValue(field);
  }

  bool EnumText(const FieldSchema& field, std::string_view text) {
    const EnumSchema& schema = *field.enumeration;
    const auto it = schema.by_name.find(base::ToAbsl(text));
    if (it != schema.by_name.end()) return PutEnum(field, it->second);
    if (const auto number = IntegerFromText<int32_t>(text)) return PutEnum(field, *number);
    std::vector<std::string> names;
    for (const auto& [name, number] : schema.by_name) names.push_back(name);
    std::sort(names.begin(), names.end());
    const std::string_view near = base::Nearest(text, names);
    return Fail("UNKNOWN_ENUM_VALUE",
                fmt::format("'{}' is not one of its values.", base::Utf8Prefix(text, 64)),
                near.empty() ? fmt::format("Use one of: {}.", base::Join(names, ", "))
                             : fmt::format("Did you mean '{}'?", near));
  }

  bool PutEnum(const FieldSchema& field, int32_t number) {
    return PutVarint(field, static_cast<uint64_t>(static_cast<int64_t>(number)));
  }

  bool String(const FieldSchema& field, std::string_view text) {
    const size_t limit = field.max_bytes != 0 ? field.max_bytes : kMaxStringBytes;
    if (text.size() > limit) {
      return Fail("STRING_TOO_LONG",
                  fmt::format("{} bytes; at most {} are allowed.", text.size(), limit));
    }
    // An escape may name half of a surrogate pair, which no UTF-8 can hold.
    if (!simdjson::validate_utf8(text.data(), text.size())) {
      return Fail("INVALID_FIELD", "holds a lone surrogate or ill-formed UTF-8.");
    }
    AppendLengthDelimited(field.tag, text, &out_);
    return true;
  }

  bool Bytes(const FieldSchema& field, std::string_view text) {
    std::string bytes;
    if (!base::Base64Decode(text, &bytes)) return FailValue(field);
    AppendLengthDelimited(field.tag, bytes, &out_);
    return true;
  }

  bool InlinedJson(const element& value) {
    const std::string text = simdjson::minify(value);
    // A string with half a surrogate pair would make the text ill-formed.
    if (!simdjson::validate_utf8(text.data(), text.size())) {
      return Fail("INVALID_FIELD", "holds a lone surrogate.");
    }
    AppendLengthDelimited(MakeTag(1, WireType::kLength), text, &out_);
    return true;
  }

  bool Timestamp(const element& value) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return Fail("INVALID_FIELD", fmt::format("expected a time, got {}.", TypeName(value)),
                  kTimeHint);
    }
    return TimestampText(text);
  }

  bool TimestampText(std::string_view text) {
    int64_t seconds = 0;
    int32_t nanos = 0;
    if (!ParseTimestamp(text, &seconds, &nanos))
      return Fail("INVALID_FIELD", "is not a time.", kTimeHint);
    if (seconds != 0) {
      AppendVarint(MakeTag(1, WireType::kVarint), &out_);
      AppendVarint(static_cast<uint64_t>(seconds), &out_);
    }
    if (nanos != 0) {
      AppendVarint(MakeTag(2, WireType::kVarint), &out_);
      AppendVarint(static_cast<uint64_t>(nanos), &out_);
    }
    return true;
  }

  bool Fallback(const MessageSchema& schema, std::string_view json) {
    std::string wire;
    if (!schemas_.FallbackFromJson(schema, json, &wire)) {
      return Fail("INVALID_FIELD", fmt::format("is not a {}.", schema.full_name));
    }
    out_ += wire;
    return true;
  }

  // A message from a path or query: only types with a textual form.
  bool MessageText(const FieldSchema& field, std::string_view text) {
    AppendVarint(field.tag, &out_);
    LengthPrefix prefix(&out_);
    bool ok = false;
    switch (field.message->special) {
      case Special::kNone:
        ok = Fail("INVALID_FIELD", "an object cannot be given as text.");
        break;
      case Special::kTimestamp:
        ok = TimestampText(text);
        break;
      case Special::kJson:
      case Special::kFallback:
        ok = SpecialText(*field.message, text);
        break;
    }
    prefix.Close();
    return ok;
  }

  bool SpecialText(const MessageSchema& schema, std::string_view text) {
    std::string quoted;
    AppendJsonString(text, /*ascii=*/false, &quoted);
    if (schema.special == Special::kJson) {
      AppendLengthDelimited(MakeTag(1, WireType::kLength), IsValidJson(text) ? text : quoted,
                            &out_);
      return true;
    }
    const size_t size = out_.size();
    if (Fallback(schema, quoted)) return true;
    out_.resize(size);
    return Fallback(schema, text);
  }

  static constexpr char kTimeHint[] = "Write RFC 3339, for instance 2025-01-21T10:30:00Z.";

  const SchemaSet& schemas_;
  std::string& out_;
  Failure failure_;
};

}  // namespace

absl::Status ParseMessage(const SchemaSet& schemas, const MessageSchema& schema,
                          std::string_view json, std::string* out) {
  OPSMESH_ASSIGN_OR_RETURN(const element document, ParseJsonElement(json));
  Builder builder(schemas, out);
  return builder.Result(builder.Message(schema, document));
}

absl::Status ParseField(const SchemaSet& schemas, const FieldSchema& field, std::string_view json,
                        std::string* out) {
  OPSMESH_ASSIGN_OR_RETURN(const element document, ParseJsonElement(json));
  Builder builder(schemas, out);
  return builder.Result(builder.Field(field, document));
}

absl::Status ParseText(const SchemaSet& schemas, const FieldSchema& field, std::string_view text,
                       std::string* out) {
  Builder builder(schemas, out);
  return builder.Result(builder.Text(field, text));
}

}  // namespace opsmesh::gateway
