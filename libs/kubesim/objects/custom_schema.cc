#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/go_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>
#include <unordered_map>

#include "libs/kubesim/objects/value_formats.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 100;

const char* SchemaWord(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (IsGoInteger(value)) return "integer";
  return value.is_number() ? "number" : "null";
}

// A float that Go's validator takes for a whole number: within what JSON keeps exact.
bool IsWhole(double value) {
  constexpr double kMost = 9007199254740991;  // 2^53 - 1
  if (!(std::abs(value) <= kMost)) return false;
  const double off = std::abs(value - std::trunc(value));
  return off == 0 || off / (2 * std::abs(value)) < 1e-9;
}

bool HasType(const std::string& type, const Json& value) {
  if (type.empty()) return true;
  if (type == "number") return value.is_number();
  if (type == "integer")
    return IsGoInteger(value) || (value.is_number() && IsWhole(value.get<double>()));
  return type == SchemaWord(value);
}

std::string Joined(const std::string& field, const std::string& member) {
  return field.empty() ? member : field + "." + member;
}

// What one check may cost, branches included, and what it need do only once. A schema and an object
// that are both within bounds can come to the product of their lengths.
class Work {
 public:
  // False when it would be too much; what follows is not looked at then.
  bool Take(size_t steps) {
    over_ = over_ || steps > left_;
    if (!over_) left_ -= steps;
    return !over_;
  }
  void Say(size_t bytes) {
    said_ += bytes;
    over_ = over_ || said_ > kMostSaid;
  }
  // How much was said, set back when some of it is forgotten.
  size_t said() const { return said_; }
  void set_said(size_t said) { said_ = said; }
  bool over() const { return over_; }

  // By place in the schema: texts by the hundred thousand may be held against one pattern.
  const RE2& Pattern(const Json& pattern) {
    auto& compiled = patterns_[&pattern];
    if (!compiled)  // the dialect of Go's own
      compiled = std::make_unique<RE2>(pattern.get_ref<const std::string&>(), RE2::Quiet);
    return *compiled;
  }

 private:
  static constexpr size_t kMostSaid = 32u << 20;
  size_t left_ = 512u << 20;
  size_t said_ = 0;
  bool over_ = false;
  std::unordered_map<const Json*, std::unique_ptr<RE2>> patterns_;
};

class Walk {
 public:
  Walk(Causes* causes, Work* work) : causes_(*causes), work_(*work), counted_(causes->size()) {}

  void Check(const Json& schema, const Json& value, const std::string& field, int depth) {
    if (!schema.is_object() || depth > kMaxDepth || !work_.Take(32 + field.size())) return;
    CheckHere(schema, value, field, depth);
    for (; counted_ < causes_.size(); ++counted_) work_.Say(SizeOf(causes_[counted_]));
  }

 private:
  static size_t SizeOf(const Cause& cause) {
    return sizeof(cause) + cause.message.size() + cause.field.size();
  }

  void CheckHere(const Json& schema, const Json& value, const std::string& field, int depth) {
    const std::string type = TextAt(schema, "type");
    const bool int_or_string = BoolAt(schema, {"x-kubernetes-int-or-string"});
    if (value.is_null()) {
      if (!BoolAt(schema, {"nullable"}) && (!type.empty() || int_or_string))
        WrongType(field, int_or_string ? "integer,string" : type, value);
      Allowed(schema, value, field);
      return;
    }
    Type(int_or_string ? "integer,string" : type, ValueFormat(TextAt(schema, "format")), value,
         field);
    if (value.is_number()) Numbers(schema, value, field);
    if (value.is_string()) Texts(schema, value, field);
    if (value.is_array()) Lists(schema, value, field, depth);
    if (value.is_object()) Objects(schema, value, field, depth);
    Allowed(schema, value, field);
    Combined(schema, value, field, depth);
  }

  void WrongType(const std::string& field, const std::string& type, const Json& value) {
    causes_.push_back(
        {"FieldValueTypeInvalid",
         fmt::format("Invalid value: \"{0}\": {1} in body must be of type {2}: \"{0}\"",
                     SchemaWord(value), field, type),
         field});
  }
  // A format decides about texts and lists alone, and names what another value should have been.
  void Type(const std::string& type, const std::string& format, const Json& value,
            const std::string& field) {
    const bool either = type == "integer,string";
    const bool fits =
        either ? value.is_string() || HasType("integer", value) : HasType(type, value);
    const bool formed = value.is_string() || value.is_array();
    const bool numeric = either || type == "integer" || type == "number";
    if (!format.empty() && !formed && (!fits || type.empty())) {
      const char* shown = !value.is_number() ? "" : IsGoInteger(value) ? "int64" : "float64";
      return WrongFormat(field, format, shown);
    }
    if (!fits && (format.empty() || !formed || numeric)) WrongType(field, type, value);
  }
  void WrongFormat(const std::string& field, const std::string& format, std::string_view shown) {
    causes_.push_back({"FieldValueTypeInvalid",
                       fmt::format("Invalid value: {0}: {1} in body must be of type {2}: {0}",
                                   GoQuoted(shown), field, format),
                       field});
  }
  void Bad(const std::string& field, const std::string& value, const std::string& why) {
    causes_.push_back({"FieldValueInvalid",
                       fmt::format("Invalid value: {}: {} in body {}", value, field, why), field});
  }
  static bool Number(const Json& schema, const char* member, double* out) {
    const Json& value = At(schema, member);
    if (value.is_number()) *out = value.get<double>();
    return value.is_number();
  }

  // What a bound is for a whole number: one itself, as Go converts it.
  static double Edge(double edge, bool whole) { return whole ? std::trunc(edge) : edge; }
  static std::string Shown(double edge, bool whole) {
    return whole ? fmt::format("{:.0f}", edge) : GoNumber(edge);
  }

  void Numbers(const Json& schema, const Json& value, const std::string& field) {
    const bool whole = IsGoInteger(value);
    const double number = value.get<double>();
    double edge = 0;
    if (Number(schema, "minimum", &edge)) {
      const bool open = BoolAt(schema, {"exclusiveMinimum"});
      edge = Edge(edge, whole);
      if (open ? number <= edge : number < edge)
        Bad(field, GoNumber(value),
            fmt::format("should be greater than {}{}", open ? "" : "or equal to ",
                        Shown(edge, whole)));
    }
    if (Number(schema, "maximum", &edge)) {
      const bool open = BoolAt(schema, {"exclusiveMaximum"});
      edge = Edge(edge, whole);
      if (open ? number >= edge : number > edge)
        Bad(field, GoNumber(value),
            fmt::format("should be less than {}{}", open ? "" : "or equal to ",
                        Shown(edge, whole)));
    }
    if (!Number(schema, "multipleOf", &edge)) return;
    edge = Edge(edge, whole);
    if (edge <= 0) {
      Invalid(causes_, field, Shown(edge, whole),
              fmt::format("factor MultipleOf declared for {} must be positive: {}", field,
                          Shown(edge, whole)));
    } else if (!IsWhole(edge < 1 ? 1 / edge * number : number / edge)) {
      Bad(field, GoNumber(value), "should be a multiple of " + Shown(edge, whole));
    }
  }

  void Texts(const Json& schema, const Json& value, const std::string& field) {
    const auto& text = value.get_ref<const std::string&>();
    const auto quoted = GoQuoted(text);
    const auto length = static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
    double edge = 0;
    if (Number(schema, "maxLength", &edge) && length > edge) {
      causes_.push_back(
          {"FieldValueTooLong",
           fmt::format("Too long: may not be more than {} bytes", static_cast<int64_t>(edge)),
           field});
    } else if (Number(schema, "minLength", &edge) && length < edge) {  // the first fault counts
      Bad(field, quoted,
          fmt::format("should be at least {} chars long", static_cast<int64_t>(edge)));
    } else if (const Json& pattern = At(schema, "pattern"); pattern.is_string() && pattern != "") {
      const RE2& compiled = work_.Pattern(pattern);
      if (compiled.ok() && !RE2::PartialMatch(text, compiled))
        Bad(field, quoted, "should match '" + compiled.pattern() + "'");
    }
    const std::string format = ValueFormat(TextAt(schema, "format"));
    if (!format.empty() && !FitsFormat(format, text)) WrongFormat(field, format, text);
  }

  void Lists(const Json& schema, const Json& value, const std::string& field, int depth) {
    double edge = 0;
    const auto size = static_cast<double>(value.size());
    if (Number(schema, "maxItems", &edge) && size > edge) {
      causes_.push_back({"FieldValueTooMany",
                         fmt::format("Too many: {}: must have at most {} items", value.size(),
                                     static_cast<int64_t>(edge)),
                         field});
    }
    if (Number(schema, "minItems", &edge) && size < edge)
      Bad(field, std::to_string(value.size()),
          fmt::format("should have at least {} items", static_cast<int64_t>(edge)));
    for (size_t i = 0; i < value.size() && !work_.over(); ++i)
      Check(At(schema, "items"), value[i], fmt::format("{}[{}]", field, i), depth + 1);
    const std::string rule = TextAt(schema, "x-kubernetes-list-type");
    if (rule != "set" && rule != "map") return;
    const Json& names = ListAt(schema, {"x-kubernetes-list-map-keys"});
    std::set<Json> seen;
    for (size_t i = 0; i < value.size() && work_.Take(field.size() + names.size()); ++i) {
      Json key = value[i];
      if (rule == "map") {
        key = Json::object();
        for (const Json& name : names) key[Scalar(name)] = At(value[i], Scalar(name).c_str());
      }
      if (seen.contains(key))
        Duplicate(causes_, fmt::format("{}[{}]", field, i), GoBadValue(key));
      else
        seen.insert(std::move(key));
    }
  }
  void Objects(const Json& schema, const Json& value, const std::string& field, int depth) {
    double edge = 0;
    const auto size = static_cast<double>(value.size());
    if (Number(schema, "maxProperties", &edge) && size > edge) {
      causes_.push_back({"FieldValueTooMany",
                         fmt::format("Too many: {}: must have at most {} items", value.size(),
                                     static_cast<int64_t>(edge)),
                         field});
    }
    if (Number(schema, "minProperties", &edge) && size < edge)
      Bad(field, std::to_string(value.size()),
          fmt::format("should have at least {} properties", static_cast<int64_t>(edge)));
    for (const Json& name : ListAt(schema, {"required"})) {
      if (!work_.Take(32 + field.size())) return;
      if (!value.contains(Scalar(name))) Required(causes_, Joined(field, Scalar(name)));
    }
    if (BoolAt(schema, {"x-kubernetes-embedded-resource"})) {
      for (const char* member : {"apiVersion", "kind"}) {
        if (TextAt(value, member).empty())
          Required(causes_, Joined(field, member), "must not be empty");
      }
    }
    const Json& properties = At(schema, "properties");
    for (const auto& [member, item] : value.items()) {
      if (work_.over()) return;
      if (field.empty() && (member == "metadata" || member == "kind" || member == "apiVersion"))
        continue;
      const bool named = properties.is_object() && properties.contains(member);
      Check(named ? properties[member] : At(schema, "additionalProperties"), item,
            Joined(field, member), depth + 1);
    }
  }

  void Allowed(const Json& schema, const Json& value, const std::string& field) {
    const Json& allowed = At(schema, "enum");
    if (!work_.Take(allowed.size())) return;
    if (!allowed.is_array() || std::find(allowed.begin(), allowed.end(), value) != allowed.end())
      return;
    std::string list;
    for (const Json& one : allowed)
      list += fmt::format("{}{}", list.empty() ? "" : ", ",
                          GoQuoted(one.is_string() ? one.get<std::string>() : one.dump()));
    causes_.push_back(
        {"FieldValueNotSupported",
         fmt::format("Unsupported value: {}: supported values: {}", GoBadValue(value), list),
         field});
  }

  // What each of several schemas says of a value; each is asked once, for they may nest.
  std::vector<Causes> Branches(const Json& list, const Json& value, const std::string& field,
                               int depth) {
    std::vector<Causes> branches(list.size());
    for (size_t i = 0; i < list.size(); ++i)
      Walk(&branches[i], &work_).Check(list[i], value, field, depth + 1);
    return branches;
  }
  static size_t CountFitting(const std::vector<Causes>& branches) {
    return static_cast<size_t>(std::count_if(branches.begin(), branches.end(),
                                             [](const Causes& own) { return own.empty(); }));
  }
  void Append(Causes& own) {
    causes_.insert(causes_.end(), std::make_move_iterator(own.begin()),
                   std::make_move_iterator(own.end()));
  }

  void Combined(const Json& schema, const Json& value, const std::string& field, int depth) {
    for (; counted_ < causes_.size(); ++counted_) work_.Say(SizeOf(causes_[counted_]));
    const size_t said = work_.said();
    auto fault = [&](const std::string& why) {
      causes_.push_back({"FieldValueInvalid",
                         fmt::format("Invalid value: \"\": \"{}\" {}", field, why), "<nil>"});
    };
    if (const Json& list = ListAt(schema, {"allOf"}); !list.empty()) {
      auto branches = Branches(list, value, field, depth);
      const size_t count = CountFitting(branches);
      for (Causes& own : branches) Append(own);
      if (count != list.size())
        fault(count == 0 ? "must validate all the schemas (allOf). None validated"
                         : "must validate all the schemas (allOf)");
    }
    // Of several that do not fit, the faults of the first are said too.
    if (const Json& list = ListAt(schema, {"anyOf"}); !list.empty()) {
      auto branches = Branches(list, value, field, depth);
      if (CountFitting(branches) == 0) {
        fault("must validate at least one schema (anyOf)");
        Append(branches[0]);
      }
    }
    if (const Json& list = ListAt(schema, {"oneOf"}); !list.empty()) {
      auto branches = Branches(list, value, field, depth);
      const size_t count = CountFitting(branches);
      if (count == 0) {
        fault("must validate one and only one schema (oneOf). Found none valid");
        Append(branches[0]);
      }
      if (count > 1)
        fault(fmt::format(
            "must validate one and only one schema (oneOf). Found {} valid alternatives", count));
    }
    if (const Json& other = At(schema, "not"); other.is_object()) {
      Causes own;
      Walk(&own, &work_).Check(other, value, field, depth + 1);
      if (own.empty()) fault("must not validate the schema (not)");
    }
    work_.set_said(said);  // what was appended is counted by who asked for this check
  }

  Causes& causes_;
  Work& work_;
  size_t counted_;  // of the causes, those that the work knows
};

}  // namespace

bool CheckAgainstSchema(Causes& causes, const Json& schema, const Json& value,
                        const std::string& field) {
  Work work;
  Walk(&causes, &work).Check(schema, value, field, 0);
  if (!work.over()) return true;
  causes.push_back({"FieldValueInvalid",
                    "Invalid value: \"object\": takes too much work to be held against its schema",
                    "<nil>"});
  return false;
}

}  // namespace opsmesh::kubesim
