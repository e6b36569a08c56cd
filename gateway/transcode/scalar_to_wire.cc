#include "gateway/transcode/scalar_to_wire.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "fmt/format.h"
#include "gateway/transcode/scalar_text.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {

using simdjson::dom::element;
using simdjson::dom::element_type;

absl::Status Failure::ToStatus() const {
  std::string where;
  for (auto it = path.rbegin(); it != path.rend(); ++it) {
    if (!where.empty() && !it->starts_with('[')) where += '.';
    where += *it;
  }
  return base::InvalidArgument(
             where, reason, where.empty() ? message : fmt::format("Field '{}': {}", where, message))
      .Hint(hint);
}

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

bool ScalarWriter::Fail(std::string_view reason, std::string message, std::string hint) {
  failure_.reason = reason;
  failure_.message = std::move(message);
  failure_.hint = std::move(hint);
  return false;
}

bool ScalarWriter::FailType(const FieldSchema& field, const element& value) {
  return Fail("INVALID_FIELD",
              fmt::format("expected {}, got {}.", Wanted(field.type), TypeName(value)));
}

bool ScalarWriter::FailValue(const FieldSchema& field) {
  return Fail("INVALID_FIELD", fmt::format("expected {}.", Wanted(field.type)));
}
bool ScalarWriter::PutVarint(const FieldSchema& field, uint64_t v) {
  AppendVarint(field.tag, &out_);
  AppendVarint(v, &out_);
  return true;
}

template <typename T>
bool ScalarWriter::PutFixed(const FieldSchema& field, T v) {
  AppendVarint(field.tag, &out_);
  AppendFixed(v, &out_);
  return true;
}

// Calls `convert.operator()<T>()`, which yields optional<T>, with the C++ type of the field, and
// writes the result.
template <typename Convert>
bool ScalarWriter::PutInteger(const FieldSchema& field, Convert convert) {
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

bool ScalarWriter::Integer(const FieldSchema& field, const element& value) {
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

bool ScalarWriter::IntegerText(const FieldSchema& field, std::string_view text) {
  return PutInteger(field, [text]<typename T>() { return IntegerFromText<T>(text); });
}

bool ScalarWriter::RealElement(const FieldSchema& field, const element& value) {
  if (value.is_string()) return Real(field, DoubleFromText(value.get_string().value_unsafe()));
  double v = 0;
  if (value.get_double().get(v) != simdjson::SUCCESS) return FailType(field, value);
  return Real(field, v);
}

bool ScalarWriter::Real(const FieldSchema& field, std::optional<double> v) {
  if (!v) return FailValue(field);
  if (field.type == ValueType::kDouble) return PutFixed(field, std::bit_cast<uint64_t>(*v));
  const std::optional<float> narrow = FloatFrom(*v);
  if (!narrow) return Fail("INVALID_FIELD", "the number is beyond the range of a float.");
  return PutFixed(field, std::bit_cast<uint32_t>(*narrow));
}

bool ScalarWriter::BoolText(const FieldSchema& field, std::string_view text) {
  if (text != "true" && text != "false") return FailValue(field);
  return PutVarint(field, text == "true" ? 1 : 0);
}

bool ScalarWriter::Enum(const FieldSchema& field, const element& value) {
  if (value.is_string()) return EnumText(field, value.get_string().value_unsafe());
  int64_t number = 0;
  if (value.get_int64().get(number) != simdjson::SUCCESS) return FailType(field, value);
  const auto narrow = IntegerFrom<int32_t>(number);
  return narrow ? PutEnum(field, *narrow) : FailValue(field);
}

bool ScalarWriter::EnumText(const FieldSchema& field, std::string_view text) {
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

bool ScalarWriter::PutEnum(const FieldSchema& field, int32_t number) {
  return PutVarint(field, static_cast<uint64_t>(static_cast<int64_t>(number)));
}

bool ScalarWriter::String(const FieldSchema& field, std::string_view text) {
  const size_t limit = field.max_bytes != 0 ? field.max_bytes : kMaxStringBytes;
  if (text.size() > limit) {
    return Fail("STRING_TOO_LONG",
                fmt::format("{} bytes; at most {} are allowed.", text.size(), limit));
  }
  // An escape may name half of a surrogate pair, which no UTF-8 can hold.
  if (!base::IsValidUtf8(text)) {
    return Fail("INVALID_FIELD", "holds a lone surrogate or ill-formed UTF-8.");
  }
  AppendLengthDelimited(field.tag, text, &out_);
  return true;
}

bool ScalarWriter::Bytes(const FieldSchema& field, std::string_view text) {
  std::string bytes;
  if (!base::Base64Decode(text, &bytes)) return FailValue(field);
  AppendLengthDelimited(field.tag, bytes, &out_);
  return true;
}

bool ScalarWriter::Value(const FieldSchema& field, const element& value) {
  switch (field.type) {
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

bool ScalarWriter::Text(const FieldSchema& field, std::string_view text) {
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
    default:
      return IntegerText(field, text);
  }
}

bool ScalarWriter::NotANumber(const FieldSchema& field) {
  return PutFixed(field, std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace opsmesh::gateway
