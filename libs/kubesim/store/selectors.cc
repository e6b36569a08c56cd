#include "libs/kubesim/store/selectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "libs/base/strings.h"
#include "libs/kubesim/store/names.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

// A hand-written scanner: keys and values are runs of characters outside "=!(), " and comparison
// signs.
class LabelSelectorParser {
 public:
  explicit LabelSelectorParser(std::string_view text) : text_(text) {}

  Outcome<LabelSelector> Run() {
    LabelSelector selector;
    Space();
    while (pos_ < text_.size()) {
      const char first = text_[pos_];
      if (first == ',' || (Special(first) && first != '!')) {
        return BadRequestStatus(
            fmt::format("found '{}', expected: !, identifier, or 'end of string'", Token()));
      }
      LabelSelector::Requirement requirement;
      if (!Parse(&requirement)) return BadRequestStatus("unable to parse requirement: " + error_);
      selector.requirements_.push_back(std::move(requirement));
      Space();
      if (pos_ >= text_.size()) break;
      if (text_[pos_] != ',')
        return BadRequestStatus(
            fmt::format("found '{}', expected: ',' or 'end of string'", Token()));
      ++pos_;
      Space();
      if (pos_ >= text_.size() || text_[pos_] == ',' ||
          (Special(text_[pos_]) && text_[pos_] != '!'))
        return BadRequestStatus(fmt::format("found '{}', expected: identifier after ','", Token()));
    }
    return selector;
  }

 private:
  using Op = LabelSelector::Operator;

  void Space() {
    while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_]))) ++pos_;
  }
  static bool Special(char c) {
    return std::string_view("=!(),<>").find(c) != std::string_view::npos;
  }
  std::string Token() {
    if (pos_ >= text_.size()) return "";
    if (Special(text_[pos_])) return std::string(1, text_[pos_]);
    return Word();
  }
  std::string Word() {
    Space();
    const size_t start = pos_;
    while (pos_ < text_.size() && !Special(text_[pos_]) &&
           !std::isspace(static_cast<unsigned char>(text_[pos_])))
      ++pos_;
    return std::string(text_.substr(start, pos_ - start));
  }
  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  bool Invalid(const std::string& where, const std::string& value, const std::string& why) {
    return Fail(fmt::format("{}: Invalid value: {}: {}", where,
                            Json(value).dump(-1, ' ', false, Json::error_handler_t::replace), why));
  }
  bool CheckKey(const std::string& key) {
    const Faults faults = QualifiedFault(key);
    return faults.empty() || Invalid("<nil>", key, base::Join(faults, "; "));
  }
  bool CheckValues(const LabelSelector::Requirement& requirement) {
    for (size_t i = 0; i < requirement.values.size(); ++i) {
      const std::string& value = requirement.values[i];
      if (requirement.op == Op::kLess || requirement.op == Op::kGreater) {
        int64_t parsed = 0;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), parsed);
        if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
          return Invalid(fmt::format("values[{}]", i), value,
                         "for 'Gt', 'Lt' operators, the value must be an integer");
        }
      }
      if (const Faults faults = LabelValueFault(value); !faults.empty())
        return Invalid(fmt::format("values[{}][{}]", i, requirement.key), value,
                       base::Join(faults, "; "));
    }
    return true;
  }

  bool Parse(LabelSelector::Requirement* requirement) {
    bool negated = false;
    if (text_[pos_] == '!') {
      negated = true;
      ++pos_;
    }
    requirement->key = Word();
    if (requirement->key.empty())
      return Fail(fmt::format("found '{}', expected: identifier", Token()));
    if (!CheckKey(requirement->key)) return false;
    Space();
    if (negated) {
      requirement->op = Op::kAbsent;
      return true;
    }
    if (pos_ >= text_.size() || text_[pos_] == ',') {
      requirement->op = Op::kExists;
      return true;
    }
    return ParseOperator(requirement) && CheckValues(*requirement);
  }

  bool ParseOperator(LabelSelector::Requirement* requirement) {
    const char c = text_[pos_];
    if (c == '=' || c == '!') {
      ++pos_;
      const bool second = pos_ < text_.size() && text_[pos_] == '=';
      if (c == '!' && !second) return Fail("found '!', expected: in, notin, =, ==, !=, gt, lt");
      if (second) ++pos_;
      requirement->op = c == '=' ? Op::kIn : Op::kNotIn;
      requirement->single = true;
      Space();
      if (pos_ < text_.size() && text_[pos_] != ',' && Special(text_[pos_])) {
        return Fail(fmt::format("found '{}', expected: identifier", Token()));
      }
      requirement->values.push_back(Word());
      return true;
    }
    if (c == '<' || c == '>') {
      ++pos_;
      requirement->op = c == '<' ? Op::kLess : Op::kGreater;
      Space();
      if (pos_ < text_.size() && text_[pos_] != ',' && Special(text_[pos_]))
        return Fail(fmt::format("found '{}', expected: identifier", Token()));
      requirement->values.push_back(Word());
      return true;
    }
    const std::string word = Word();
    if (word != "in" && word != "notin") {
      return Fail(fmt::format("found '{}', expected: in, notin, =, ==, !=, gt, lt",
                              word.empty() ? Token() : word));
    }
    requirement->op = word == "in" ? Op::kIn : Op::kNotIn;
    return ParseSet(requirement);
  }

  bool ParseSet(LabelSelector::Requirement* requirement) {
    Space();
    if (pos_ >= text_.size() || text_[pos_] != '(')
      return Fail(fmt::format("found '{}' expected: '('", Token()));
    ++pos_;
    while (true) {
      requirement->values.push_back(Word());
      Space();
      const bool begins = requirement->values.back().empty();
      const char* wanted = begins ? "',', ')' or identifier" : "',' or ')'";
      if (pos_ >= text_.size()) return Fail(fmt::format("found '', expected: {}", wanted));
      const char c = text_[pos_++];
      if (c == ')') return true;
      if (c != ',') return Fail(fmt::format("found '{}', expected: {}", c, wanted));
    }
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::string error_;
};

Outcome<LabelSelector> LabelSelector::Parse(std::string_view text) {
  return LabelSelectorParser(text.substr(0, text.find('\0'))).Run();  // as a C text ends
}

LabelSelector LabelSelector::FromMap(const Json& map) {
  LabelSelector selector;
  if (!map.is_object()) return selector;
  for (const auto& [key, value] : map.items()) {
    selector.requirements_.push_back(
        {key, Operator::kIn, {value.is_string() ? value.get<std::string>() : ""}, true});
  }
  return selector;
}

LabelSelector LabelSelector::FromObject(const Json& object) {
  LabelSelector selector;
  if (!object.is_object()) {
    selector.requirements_.push_back({"", Operator::kNever, {}, false});
    return selector;
  }
  if (auto it = object.find("matchLabels"); it != object.end()) selector = FromMap(*it);
  auto expressions = object.find("matchExpressions");
  if (expressions == object.end() || !expressions->is_array()) return selector;
  for (const Json& expression : *expressions) {
    Requirement requirement;
    if (!expression.is_object()) continue;
    requirement.key = expression.value("key", "");
    const std::string op = expression.value("operator", "");
    static const std::map<std::string, Operator> kOperators = {
        {"In", Operator::kIn},         {"NotIn", Operator::kNotIn},
        {"Exists", Operator::kExists}, {"DoesNotExist", Operator::kAbsent},
        {"Gt", Operator::kGreater},    {"Lt", Operator::kLess}};
    auto known = kOperators.find(op);
    requirement.op = known == kOperators.end() ? Operator::kNever : known->second;
    if (auto values = expression.find("values"); values != expression.end() && values->is_array()) {
      for (const Json& value : *values) {
        if (value.is_string()) requirement.values.push_back(value.get<std::string>());
      }
    }
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

bool LabelSelector::Holds(const Requirement& requirement, const std::string* value) {
  const auto& values = requirement.values;
  auto listed = [&] {
    return value != nullptr && std::find(values.begin(), values.end(), *value) != values.end();
  };
  switch (requirement.op) {
    case Operator::kIn:
      return listed();
    case Operator::kNotIn:
      return !listed();
    case Operator::kExists:
      return value != nullptr;
    case Operator::kAbsent:
      return value == nullptr;
    case Operator::kGreater:
      return value != nullptr && !values.empty() &&
             std::atoll(value->c_str()) > std::atoll(values[0].c_str());
    case Operator::kLess:
      return value != nullptr && !values.empty() &&
             std::atoll(value->c_str()) < std::atoll(values[0].c_str());
    case Operator::kNever:
      return false;
  }
  return false;
}

bool LabelSelector::Matches(const Labels& labels) const {
  return std::all_of(
      requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
        auto it = std::lower_bound(
            labels.begin(), labels.end(), requirement.key,
            [](const auto& pair, const std::string& key) { return pair.first < key; });
        const bool found = it != labels.end() && it->first == requirement.key;
        return Holds(requirement, found ? &it->second : nullptr);
      });
}

bool LabelSelector::Matches(const Json& labels) const { return Matches(ToLabels(labels)); }

std::vector<std::pair<std::string_view, std::string_view>> LabelSelector::Equalities() const {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (const Requirement& one : requirements_) {
    if (one.op == Operator::kIn && one.values.size() == 1)
      pairs.emplace_back(one.key, one.values.front());
  }
  return pairs;
}

std::string LabelSelector::ToString() const {
  std::string text;
  for (const Requirement& requirement : requirements_) {
    if (!text.empty()) text += ",";
    const std::string list = base::Join(requirement.values, ",");
    switch (requirement.op) {
      case Operator::kIn:
        text += requirement.single ? requirement.key + "=" + list
                                   : fmt::format("{} in ({})", requirement.key, list);
        break;
      case Operator::kNotIn:
        text += requirement.single ? requirement.key + "!=" + list
                                   : fmt::format("{} notin ({})", requirement.key, list);
        break;
      case Operator::kExists:
        text += requirement.key;
        break;
      case Operator::kAbsent:
        text += "!" + requirement.key;
        break;
      case Operator::kGreater:
        text += requirement.key + ">" + list;
        break;
      case Operator::kLess:
        text += requirement.key + "<" + list;
        break;
      case Operator::kNever:
        text += "<none>";
        break;
    }
  }
  return text;
}

Json ToJson(const LabelSelector::Labels& labels) {
  Json json = Json::object();
  for (const auto& [key, value] : labels) json[key] = value;
  return json;
}

LabelSelector::Labels ToLabels(const Json& labels) {
  LabelSelector::Labels list;
  if (!labels.is_object()) return list;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) list.emplace_back(key, value.get<std::string>());
  }
  return list;
}

}  // namespace opsmesh::kubesim
