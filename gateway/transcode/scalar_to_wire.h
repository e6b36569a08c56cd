// One scalar from JSON or plain text to protobuf wire bytes, with its tag: numbers, true or false,
// strings, bytes and enums. Messages, lists and maps are json_to_wire.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gateway/transcode/schema.h"
#include "gateway/transcode/wire.h"
#include "simdjson.h"

namespace opsmesh::gateway {

/// What went wrong, and where; the path is collected innermost first while the calls return.
struct Failure {
  std::string_view reason;
  std::string message;
  std::string hint;
  std::vector<std::string> path;

  /// INVALID_ARGUMENT with `reason`, the field and the hint.
  absl::Status ToStatus() const;
};

/// What a value of `type` looks like, in words.
std::string_view Wanted(ValueType type);
/// What `value` is, in words.
std::string_view TypeName(const simdjson::dom::element& value);

/// Appends to `out`; each function answers false after describing what is wrong in the failure.
class ScalarWriter {
 public:
  /// Both outlive this.
  ScalarWriter(std::string* out, Failure* failure) : out_(*out), failure_(*failure) {}

  /// `field.type` is not kMessage.
  bool Value(const FieldSchema& field, const simdjson::dom::element& value);
  bool Text(const FieldSchema& field, std::string_view text);
  /// NaN, which JSON writes as null in a list of doubles.
  bool NotANumber(const FieldSchema& field);

 private:
  bool Fail(std::string_view reason, std::string message, std::string hint = {});
  bool FailType(const FieldSchema& field, const simdjson::dom::element& value);
  bool FailValue(const FieldSchema& field);
  bool PutVarint(const FieldSchema& field, uint64_t v);
  template <typename T>
  bool PutFixed(const FieldSchema& field, T v);
  template <typename Convert>
  bool PutInteger(const FieldSchema& field, Convert convert);
  bool PutEnum(const FieldSchema& field, int32_t number);
  bool Integer(const FieldSchema& field, const simdjson::dom::element& value);
  bool IntegerText(const FieldSchema& field, std::string_view text);
  bool RealElement(const FieldSchema& field, const simdjson::dom::element& value);
  bool Real(const FieldSchema& field, std::optional<double> v);
  bool BoolText(const FieldSchema& field, std::string_view text);
  bool Enum(const FieldSchema& field, const simdjson::dom::element& value);
  bool EnumText(const FieldSchema& field, std::string_view text);
  bool String(const FieldSchema& field, std::string_view text);
  bool Bytes(const FieldSchema& field, std::string_view text);

  std::string& out_;
  Failure& failure_;
};

}  // namespace opsmesh::gateway
