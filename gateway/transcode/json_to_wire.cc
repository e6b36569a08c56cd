#include "gateway/transcode/json_to_wire.h"

#include <cstdint>
#include <vector>

#include "fmt/format.h"
#include "gateway/transcode/json_value.h"
#include "gateway/transcode/scalar_to_wire.h"
#include "gateway/transcode/timestamp.h"
#include "gateway/transcode/wire.h"
#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "simdjson.h"

namespace opsmesh::gateway {
namespace {

using simdjson::dom::element;

class Builder {
 public:
  Builder(const SchemaSet& schemas, std::string* out)
      : schemas_(schemas), out_(*out), scalars_(out, &failure_) {}

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
    return field.type == ValueType::kMessage ? MessageText(field, text)
                                             : scalars_.Text(field, text);
  }

 private:
  bool Fail(std::string_view reason, std::string message, std::string hint = {}) {
    failure_.reason = reason;
    failure_.message = std::move(message);
    failure_.hint = std::move(hint);
    return false;
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
        scalars_.NotANumber(field);
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
    if (field.type != ValueType::kMessage) return scalars_.Value(field, value);
    AppendVarint(field.tag, &out_);
    LengthPrefix prefix(&out_);
    if (!Message(*field.message, value)) return false;
    prefix.Close();
    return true;
  }

  bool InlinedJson(const element& value) {
    const std::string text = simdjson::minify(value);
    // A string with half a surrogate pair would make the text ill-formed.
    if (!base::IsValidUtf8(text)) {
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
    base::AppendJsonString(text, &quoted);
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
  ScalarWriter scalars_;
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
