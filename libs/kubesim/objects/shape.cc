// The shape of objects: wrong JSON types and unknown members.
#include <fmt/format.h>

#include <cctype>
#include <cstdint>

#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/prune.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using Kind = ValueSchema::Kind;

const char* GoWord(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  return "number";
}

// Decodes a JSON value into a type as Go does: the first value that does not fit, and every member
// that nobody knows.
class Decoding {
 public:
  explicit Decoding(ShapeReport* report) : report_(*report) {}

  void Struct(const TypeSchema& type, const Json& object, const std::string& go_path,
              const std::string& path) {
    if (type.open) return;
    for (const auto& [member, value] : object.items()) {
      if (!report_.wrong.empty()) return;
      const FieldSchema* field = type.Find(member);
      if (field == nullptr) {
        Unknown(path + member);
        continue;
      }
      holder_ = &type;
      field_ = field;
      Value(field->value, value, go_path + member, path + member);
    }
  }

 private:
  void Unknown(std::string path) {
    unknown_bytes_ += path.size();
    if (unknown_bytes_ <= kMaxUnknownBytes) report_.unknown.push_back(std::move(path));
  }

  // As the converter from free JSON to structs, which decodes what a strategic patch made, puts it:
  // Go's kinds of the two sides; numbers are convertible to text, and nothing else to anything.
  static std::string Unconverted(const ValueSchema& schema, const Json& value) {
    const char* from = value.is_array()            ? "slice"
                       : value.is_object()         ? "map"
                       : value.is_string()         ? "string"
                       : value.is_boolean()        ? "bool"
                       : value.is_number_integer() ? "int64"
                                                   : "float64";
    switch (schema.kind) {
      case Kind::kText:
        return value.is_number_integer() ? "cannot convert int64 to string"
                                         : "unrecognized type: string";
      case Kind::kInt32:
        return "unrecognized type: int32";
      case Kind::kInt64:
        return "unrecognized type: int64";
      case Kind::kNumber:
        return "unrecognized type: float64";
      case Kind::kBool:
        return "unrecognized type: bool";
      case Kind::kStruct:
        return fmt::format("cannot restore struct from: {}", from);
      case Kind::kList:
        return fmt::format("cannot restore slice from {}", from);
      case Kind::kMap:
        return fmt::format("cannot restore map from {}", from);
      default:
        return "";
    }
  }

  void Wrong(const ValueSchema& schema, const Json& value, const std::string& go_path) {
    report_.unconverted = Unconverted(schema, value);
    Wrong(schema, std::string(GoWord(value)), go_path);
  }

  void Wrong(const ValueSchema& schema, const std::string& what, const std::string& go_path) {
    report_.wrong = fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                what, holder_->ShortName(), go_path, GoType(schema, field_));
  }

  void Integer(const ValueSchema& schema, const Json& value, const std::string& go_path) {
    if (!value.is_number()) return Wrong(schema, value, go_path);
    const bool whole = value.is_number_integer();
    const bool fits = whole &&
                      (value.is_number_unsigned() ? value.get<uint64_t>() <= INT64_MAX : true) &&
                      (schema.kind == Kind::kInt64 ||
                       (value.get<int64_t>() >= INT32_MIN && value.get<int64_t>() <= INT32_MAX));
    if (!fits) Wrong(schema, "number " + value.dump(), go_path);
  }

  void Text(const ValueSchema& schema, const Json& value, const std::string& go_path) {
    if (!value.is_string() && schema.kind == Kind::kTime) {  // read as the text that it is
      static const ValueSchema text{Kind::kText, nullptr, nullptr};
      field_ = nullptr;
      return Wrong(text, std::string(GoWord(value)), go_path);
    }
    if (!value.is_string()) return Wrong(schema, value, go_path);
    std::string decoded;
    const auto& text = value.get_ref<const std::string&>();
    absl::Time time;
    if (schema.kind == Kind::kBytes && !base::Base64Decode(text, &decoded)) {
      report_.wrong = "illegal base64 data at input byte " + std::to_string(BadBase64At(text));
    } else if (schema.kind == Kind::kTime && !base::ParseRfc3339(text, &time)) {
      report_.wrong = fmt::format(
          "parsing time \"{0}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\" as \"2006\"",
          text);
    }
  }

  // Padding counts as wrong where no quantum of four could end with it.
  static size_t BadBase64At(const std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c == '=' && i % 4 < 2) return i;
      if (!std::isalnum(c) && c != '+' && c != '/' && c != '=') return i;
    }
    return text.size() / 4 * 4;
  }

  void Value(const ValueSchema& schema, const Json& value, const std::string& go_path,
             const std::string& path) {
    if (value.is_null() || !report_.wrong.empty()) return;
    Fit(schema, value, go_path, path);
    if (!report_.wrong.empty() && report_.wrong_at.empty()) report_.wrong_at = path;
  }

  void Fit(const ValueSchema& schema, const Json& value, const std::string& go_path,
           const std::string& path) {
    if (++depth_ > 200) {
      --depth_;
      return;
    }
    const TypeSchema* holder = holder_;
    const FieldSchema* field = field_;
    switch (schema.kind) {
      case Kind::kAny:
        break;
      case Kind::kText:
      case Kind::kBytes:
      case Kind::kTime:
        Text(schema, value, go_path);
        break;
      case Kind::kInt32:
      case Kind::kInt64:
        Integer(schema, value, go_path);
        break;
      case Kind::kNumber:
        if (!value.is_number()) Wrong(schema, value, go_path);
        break;
      case Kind::kBool:
        if (!value.is_boolean()) Wrong(schema, value, go_path);
        break;
      case Kind::kQuantity:
        report_.wrong = QuantityFault(value);
        break;
      case Kind::kIntOrText:
        if (!value.is_string() &&
            !(value.is_number_integer() && value.get<int64_t>() >= INT32_MIN &&
              value.get<int64_t>() <= INT32_MAX)) {
          report_.wrong =
              fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type int32",
                          value.is_number() ? "number " + value.dump() : GoWord(value),
                          holder_->ShortName(), go_path);
        }
        break;
      case Kind::kStruct:
        if (schema.type->open) break;
        if (!value.is_object()) {
          Wrong(schema, value, go_path);
        } else {
          Struct(*schema.type, value, go_path + ".", path + ".");
        }
        break;
      case Kind::kList:
        if (!value.is_array()) {
          Wrong(schema, value, go_path);
          break;
        }
        for (size_t i = 0; i < value.size(); ++i) {
          holder_ = holder;
          field_ = field;
          Value(*schema.element, value[i], go_path, fmt::format("{}[{}]", path, i));
        }
        break;
      case Kind::kMap:
        if (!value.is_object()) {
          Wrong(schema, value, go_path);
          break;
        }
        for (const auto& [key, item] : value.items()) {
          holder_ = holder;
          field_ = field;
          Value(*schema.element, item, go_path, MemberPath(path, key));
        }
        break;
    }
    holder_ = holder;
    field_ = field;
    --depth_;
  }

  ShapeReport& report_;
  const TypeSchema* holder_ = nullptr;
  const FieldSchema* field_ = nullptr;
  int depth_ = 0;
  size_t unknown_bytes_ = 0;
};

}  // namespace

ShapeReport CheckShape(const ResourceType& type, const Json& object) {
  ShapeReport report;
  if (!object.is_object()) {
    report.wrong = fmt::format("json: cannot unmarshal {} into Go value of type {}.{}",
                               GoWord(object), type.version, type.kind);
    return report;
  }
  const TypeSchema* schema = SchemaOf(type);
  if (schema != nullptr) {
    Decoding(&report).Struct(*schema, object, "", "");
    return report;
  }
  if (const Json& metadata = At(object, "metadata"); metadata.is_object()) {
    Decoding(&report).Struct(*FindSchema("meta.v1.ObjectMeta"), metadata, "", "metadata.");
  } else if (!metadata.is_null()) {
    report.wrong = fmt::format("json: cannot unmarshal {} into Go value of type v1.ObjectMeta",
                               GoWord(metadata));
  }
  if (type.definition) {
    Json copy = object;
    std::string wrong;
    const auto more = PruneCustom(At(*type.definition, {"schema", "openAPIV3Schema"}), copy, true,
                                  report.wrong.empty() ? &report.wrong : &wrong);
    report.unknown.insert(report.unknown.end(), more.begin(), more.end());
  }
  return report;
}

ShapeReport CheckShapeOf(std::string_view name, const Json& value) {
  ShapeReport report;
  if (const TypeSchema* schema = FindSchema(name)) Decoding(&report).Struct(*schema, value, "", "");
  return report;
}

}  // namespace opsmesh::kubesim
