// Whether a definition's schema is structural: what it says of a value it says in one place.
#include <fmt/format.h>

#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

// How Go's package regexp names what is wrong with an expression.
const char* GoRegexFault(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

enum class Level { kRoot, kItem, kField };

const char* WhyNeeded(Level level) {
  if (level == Level::kRoot) return "must not be empty at the root";
  return level == Level::kItem ? "must not be empty for specified array items"
                               : "must not be empty for specified object fields";
}

// What makes a schema structural: everything has a type, and has it outside of allOf and friends.
class Structure {
 public:
  explicit Structure(Causes* causes) : causes_(*causes) {}

  void Check(const Json& schema, const std::string& at, Level level, int depth) {
    if (!schema.is_object() || depth > kMaxDepth) return;
    const std::string type = TextAt(schema, "type");
    const Json& items = At(schema, "items");
    const Json& properties = At(schema, "properties");
    const Json& more = At(schema, "additionalProperties");
    if (type == "array" && !items.is_object())
      Required(causes_, at + ".items", "must be specified");
    Check(items, at + ".items", Level::kItem, depth + 1);
    if (properties.is_object()) {
      for (const auto& [member, part] : properties.items())
        Check(part, fmt::format("{}.properties[{}]", at, member), Level::kField, depth + 1);
    }
    if ((more.is_object() || more.is_boolean()) && level == Level::kRoot)
      Forbidden(causes_, at + ".additionalProperties", "must not be used at the root");
    Check(more, at + ".additionalProperties", Level::kField, depth + 1);
    Extensions(schema, at);
    Junctors(schema, at, depth);
    Types(schema, type, at, level);
    Metadata(schema, at, level);
  }

 private:
  static bool Keeps(const Json& schema) {
    return BoolAt(schema, {"x-kubernetes-preserve-unknown-fields"});
  }
  static bool Either(const Json& schema) { return BoolAt(schema, {"x-kubernetes-int-or-string"}); }
  static bool Embedded(const Json& schema) {
    return BoolAt(schema, {"x-kubernetes-embedded-resource"});
  }

  void Extensions(const Json& schema, const std::string& at) {
    constexpr const char* kWhy = "must be false if x-kubernetes-int-or-string is true";
    if (Either(schema) && Keeps(schema))
      Invalid(causes_, at + ".x-kubernetes-preserve-unknown-fields", "true", kWhy);
    if (Either(schema) && Embedded(schema))
      Invalid(causes_, at + ".x-kubernetes-embedded-resource", "true", kWhy);
  }

  void Types(const Json& schema, const std::string& type, const std::string& at, Level level) {
    constexpr const char* kEmbedded = "must be object if x-kubernetes-embedded-resource is true";
    if (Embedded(schema) && type.empty())
      Required(causes_, at + ".type", kEmbedded);
    else if (Embedded(schema) && type != "object")
      InvalidText(causes_, at + ".type", type, kEmbedded);
    else if (type.empty() && !Either(schema) && !Keeps(schema))
      Required(causes_, at + ".type", WhyNeeded(level));
    if (Embedded(schema) && !At(schema, "additionalProperties").is_null())
      Forbidden(causes_, at + ".additionalProperties",
                "must not be used if x-kubernetes-embedded-resource is set");
    if (level == Level::kRoot && !type.empty() && type != "object")
      InvalidText(causes_, at + ".type", type, "must be object at the root");
    if (Embedded(schema) && !Keeps(schema) && At(schema, "properties").empty())
      Required(causes_, at + ".properties",
               "must not be empty if x-kubernetes-embedded-resource is true without "
               "x-kubernetes-preserve-unknown-fields");
  }

  void Metadata(const Json& schema, const std::string& at, Level level) {
    if (level != Level::kRoot && !Embedded(schema)) return;
    for (const char* member : {"kind", "apiVersion"}) {
      const Json& part = At(schema, {"properties", member});
      if (part.is_object() && TextAt(part, "type") != "string")
        InvalidText(causes_, fmt::format("{}.properties[{}].type", at, member),
                    TextAt(part, "type"), "must be string");
    }
    const Json& metadata = At(schema, {"properties", "metadata"});
    if (!metadata.is_object()) return;
    const std::string here = at + ".properties[metadata]";
    if (TextAt(metadata, "type") != "object")
      InvalidText(causes_, here + ".type", TextAt(metadata, "type"), "must be object");
    if (level != Level::kRoot) return;
    const Json& properties = At(metadata, "properties");
    bool other = false;
    if (properties.is_object()) {
      for (const auto& [member, value] : properties.items())
        other = other || (member != "name" && member != "generateName");
    }
    if (other)
      Forbidden(causes_, here,
                "must not specify anything other than name and generateName, but metadata is "
                "implicitly specified");
  }

  // [{type: integer}, {type: string}], the one use of types below anyOf.
  static bool IsEither(const Json& list) {
    return list.is_array() && list.size() == 2 && list[0] == Json{{"type", "integer"}} &&
           list[1] == Json{{"type", "string"}};
  }

  void Junctors(const Json& schema, const std::string& at, int depth) {
    const Json& all = ListAt(schema, {"allOf"});
    const bool any_is_either = IsEither(At(schema, "anyOf"));
    for (const char* word : {"anyOf", "allOf", "oneOf"}) {
      const Json& list = ListAt(schema, {word});
      if (std::string_view(word) == "anyOf" && any_is_either) continue;
      for (size_t i = 0; i < list.size(); ++i) {
        if (&list == &all && i == 0 && IsEither(At(list[i], "anyOf"))) continue;
        Nested(list[i], schema, fmt::format("{}.{}[{}]", at, word, i), at, depth + 1);
      }
    }
    if (At(schema, "not").is_object()) Nested(schema["not"], schema, at + ".not", at, depth + 1);
    Pattern(schema, at);
  }

  void Pattern(const Json& schema, const std::string& at) {
    const std::string pattern = TextAt(schema, "pattern");
    if (pattern.empty()) return;
    const RE2 compiled(pattern, RE2::Quiet);
    if (compiled.ok()) return;
    InvalidText(causes_, at + ".pattern", pattern,
                fmt::format("must be a valid regular expression, but isn't: error parsing regexp: "
                            "{}: `{}`",
                            GoRegexFault(compiled.error_code()), compiled.error_arg()));
  }

  // A schema below allOf, anyOf, oneOf or not: it may restrict `outer`, which says what there is.
  void Nested(const Json& schema, const Json& outer, const std::string& at,
              const std::string& outer_at, int depth) {
    if (!schema.is_object() || depth > kMaxDepth) return;
    Junctors(schema, at, depth);
    if (!TextAt(schema, "type").empty())
      Forbidden(causes_, at + ".type", "must be empty to be structural");
    for (const char* member :
         {"additionalProperties", "default", "title", "description", "nullable",
          "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
          "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
          "x-kubernetes-map-type", "x-kubernetes-validations"}) {
      const Json& value = At(schema, member);
      if (value.is_null() || value == Json(false) || value == Json("") || value.empty()) continue;
      const bool plain = std::string_view(member) == "additionalProperties" ||
                         std::string_view(member) == "default";
      Forbidden(causes_, fmt::format("{}.{}", at, member),
                plain                ? "must be undefined to be structural"
                : value.is_boolean() ? "must be false to be structural"
                : value.is_array()   ? "must be empty to be structural"
                                     : "must be undefined to be structural");
    }
    const Json& items = At(schema, "items");
    if (items.is_object()) {
      if (!At(outer, "items").is_object())
        Required(causes_, outer_at + ".items",
                 fmt::format("because it is defined in {}.items", at));
      Nested(items, At(outer, "items"), at + ".items", outer_at + ".items", depth + 1);
    }
    const Json& properties = At(schema, "properties");
    if (!properties.is_object()) return;
    for (const auto& [member, part] : properties.items()) {
      const std::string here = fmt::format("{}.properties[{}]", at, member),
                        there = fmt::format("{}.properties[{}]", outer_at, member);
      const Json& known = At(outer, {"properties", member.c_str()});
      if (!known.is_object()) Required(causes_, there, "because it is defined in " + here);
      Nested(part, known, here, there, depth + 1);
    }
  }

  Causes& causes_;
};

}  // namespace

void ValidateStructure(Causes& causes, const Json& schema, const std::string& at) {
  Structure(&causes).Check(schema, at, Level::kRoot, 0);
}

}  // namespace opsmesh::kubesim
