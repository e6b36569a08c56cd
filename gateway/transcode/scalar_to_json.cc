#include "gateway/transcode/scalar_to_json.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "gateway/transcode/wire.h"

namespace opsmesh::gateway {
namespace {

// Shortest text that reads back as the same number.
template <typename T>
void AppendReal(T value, std::string* out) {
  if (std::isnan(value)) {
    out->append("\"NaN\"");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof(text), value);
    out->append(text, end.ptr);
  }
}

template <typename T>
void AppendInteger(T value, std::string* out) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  out->append(text, end.ptr);
}
template <typename T>
void AppendQuoted(T value, std::string* out) {
  out->push_back('"');
  AppendInteger(value, out);
  out->push_back('"');
}

void AppendEnum(const EnumSchema& schema, int32_t number, std::string* out) {
  if (schema.full_name == "google.protobuf.NullValue") {
    out->append("null");
    return;
  }
  const auto it = schema.by_number.find(number);
  if (it == schema.by_number.end()) return AppendInteger(number, out);
  out->push_back('"');
  out->append(it->second);
  out->push_back('"');
}

}  // namespace

void AppendNumber(const FieldSchema& field, uint64_t bits, std::string* out) {
  switch (field.type) {
    case ValueType::kInt32:
    case ValueType::kSfixed32:
      AppendInteger(static_cast<int32_t>(bits), out);
      return;
    case ValueType::kSint32:
      AppendInteger(static_cast<int32_t>(ZigZagDecode(bits & 0xFFFFFFFF)), out);
      return;
    case ValueType::kUint32:
    case ValueType::kFixed32:
      AppendInteger(static_cast<uint32_t>(bits), out);
      return;
    case ValueType::kInt64:
    case ValueType::kSfixed64:
      AppendQuoted(static_cast<int64_t>(bits), out);
      return;
    case ValueType::kSint64:
      AppendQuoted(ZigZagDecode(bits), out);
      return;
    case ValueType::kUint64:
    case ValueType::kFixed64:
      AppendQuoted(bits, out);
      return;
    case ValueType::kBool:
      out->append(bits != 0 ? "true" : "false");
      return;
    case ValueType::kDouble:
      AppendReal(std::bit_cast<double>(bits), out);
      return;
    case ValueType::kFloat:
      AppendReal(std::bit_cast<float>(static_cast<uint32_t>(bits)), out);
      return;
    case ValueType::kEnum:
      AppendEnum(*field.enumeration, static_cast<int32_t>(bits), out);
      return;
    default:
      return;
  }
}

}  // namespace opsmesh::gateway
