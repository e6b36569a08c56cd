#include "libs/kubesim/store/selectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>

#include "libs/base/strings.h"
#include "libs/kubesim/store/names.h"
#include "libs/kubesim/store/stored_view.h"
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
      return Fail(fmt::format("found '{}', expected: '('", Token()));
    ++pos_;
    while (true) {
      requirement->values.push_back(Word());
      Space();
      if (pos_ >= text_.size()) return Fail("found '', expected: ',' or ')'");
      const char c = text_[pos_++];
      if (c == ')') return true;
      if (c != ',') return Fail(fmt::format("found '{}', expected: ',' or ')'", c));
    }
  }

  std::string_view text_;
  size_t pos_ = 0;
  std::string error_;
};

Outcome<LabelSelector> LabelSelector::Parse(std::string_view text) {
  return LabelSelectorParser(text).Run();
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

namespace {

// The members of a kind that selectors may name besides its name and namespace; null = no others.
const std::vector<std::string_view>* OwnFields(const ResourceType& type) {
  static const auto* fields = new std::map<std::string, std::vector<std::string_view>>{
      {"/pods",
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs",
        "status.nominatedNodeName"}},
      {"/events",
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}},
      {"events.k8s.io/events",
       {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
        "reportingController", "type"}},
      {"/nodes", {"spec.unschedulable"}},
      {"/secrets", {"type"}},
      {"batch/jobs", {"status.successful"}},
      {"/namespaces", {"status.phase"}},
      {"/services", {"spec.clusterIP", "spec.type"}},
      {"/replicationcontrollers", {"status.replicas"}},
      {"certificates.k8s.io/certificatesigningrequests", {"spec.signerName"}},
  };
  auto it = fields->find(type.group + "/" + type.plural);
  return it == fields->end() ? nullptr : &it->second;
}

// The sentence about a member that nobody can select by; "" when it can be.
std::string UnselectableFault(const ResourceType& type, const std::string& field) {
  if (field == "metadata.name" || (type.namespaced && field == "metadata.namespace")) return "";
  const auto* own = OwnFields(type);
  if (own != nullptr && std::find(own->begin(), own->end(), field) != own->end()) return "";
  if (type.kind == "Job" && type.group == "batch")
    return fmt::format("field label \"{}\" not supported for Job", field);
  if (own == nullptr && !type.custom) {
    return fmt::format(
        "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        field);
  }
  return "field label not supported: " + field;
}

// A stored object's member under the name that selectors know it by.
std::string_view StoredFieldOf(std::string_view field) {
  if (field == "reportingController") return "reportingComponent";
  if (field == "status.successful") return "status.succeeded";
  return field;
}

// What a selector compares with where nothing is stored.
std::string_view AbsentText(std::string_view field) {
  if (field == "spec.unschedulable" || field == "spec.hostNetwork") return "false";
  return field == "status.replicas" || field == "status.successful" ? "0" : "";
}

// The text at a path such as "spec.nodeName": nothing when absent, "" for objects and lists.
std::optional<std::string> LeafText(const Json& object, std::string_view path) {
  const Json* node = &object;
  for (std::string_view part : base::Split(path, '.')) {
    auto it = node->is_object() ? node->find(part) : node->end();
    if (!node->is_object() || it == node->end()) return std::nullopt;
    node = &*it;
  }
  if (node->is_string()) return node->get<std::string>();
  return node->is_primitive() && !node->is_null() ? node->dump() : "";
}

std::optional<std::string> LeafText(const StoredView& object, std::string_view path) {
  StoredView node = object;
  for (std::string_view part : base::Split(path, '.')) {
    node = node.Member(part);
    if (!node.there()) return std::nullopt;
  }
  return node.is_string() ? std::string(node.Text()) : node.Literal();
}

// The text a selector compares: absent numbers are 0, absent booleans false, everything else "".
template <typename Content>
std::string FieldText(const Content& object, std::string_view field) {
  if (field == "source") {
    if (auto component = LeafText(object, "source.component")) return *std::move(component);
  }
  std::string path(StoredFieldOf(field));
  if (path.starts_with("regarding.")) path = "involvedObject." + path.substr(10);
  auto text = LeafText(object, path);
  return text ? *std::move(text) : std::string(AbsentText(field));
}

}  // namespace

Outcome<FieldSelector> FieldSelector::Parse(std::string_view text, const ResourceType& type) {
  FieldSelector selector;
  for (std::string_view part : base::Split(text, ',')) {
    if (base::Trim(part).empty()) continue;
    Term term;
    size_t at = part.find("!=");
    size_t length = 2;
    if (at != std::string_view::npos) {
      term.equal = false;
    } else if (at = part.find("=="); at == std::string_view::npos) {
      at = part.find('=');
      length = 1;
    }
    if (at == std::string_view::npos) {
      return BadRequestStatus(
          fmt::format("invalid selector: '{}'; can't understand '{}'", text, part));
    }
    term.field = base::Trim(part.substr(0, at));
    term.value = part.substr(at + length);
    if (const std::string fault = UnselectableFault(type, term.field); !fault.empty())
      return BadRequestStatus(fault);
    if (!term.field.starts_with("metadata.")) selector.needs_content_ = true;
    selector.terms_.push_back(std::move(term));
  }
  return selector;
}

namespace {

// A text that stands nowhere in the object's bytes is no field's value, unless it stands for an
// absent one; the texts asked for here are written without escapes.
bool CannotHold(const Object& object, const std::string& field, const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  return plain && value != AbsentText(field) && object.json.find(value) == std::string::npos;
}

}  // namespace

bool FieldSelector::Matches(const Object& object) const {
  // Most often asked: the few objects with a value, among many without.
  for (const Term& term : terms_) {
    if (term.equal && CannotHold(object, term.field, term.value)) return false;
  }
  auto holds = [&](const auto& text_of) {
    return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
      const std::string value = term.field == "metadata.name"        ? object.name
                                : term.field == "metadata.namespace" ? object.ns
                                                                     : text_of(term.field);
      return (value == term.value) == term.equal;
    });
  };
  if (!needs_content_) return holds([](std::string_view) { return std::string(); });
  return WithContent(object, [&](const auto& content) {
    return holds([&](std::string_view field) { return FieldText(content, field); });
  });
}

std::string_view FieldSelector::name() const {
  for (const Term& term : terms_) {
    if (term.field == "metadata.name" && term.equal) return term.value;
  }
  return {};
}

}  // namespace opsmesh::kubesim
