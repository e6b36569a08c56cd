// Field selectors: which fields of which kinds may be asked for, and what an object says there.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/strings.h"
#include "libs/kubesim/store/selectors.h"
#include "libs/kubesim/store/stored_view.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
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

// Whether a definition's version lets its objects be selected by a member.
bool IsSelectable(const Json& version, const std::string& field) {
  auto fields = version.find("selectableFields");
  if (!version.is_object() || fields == version.end() || !fields->is_array()) return false;
  return std::any_of(fields->begin(), fields->end(), [&field](const Json& one) {
    return one.is_object() && one.value("jsonPath", "") == "." + field;
  });
}

// The sentence about a member that nobody can select by; "" when it can be.
std::string UnselectableFault(const ResourceType& type, const std::string& field) {
  if (field == "metadata.name" || (type.namespaced && field == "metadata.namespace")) return "";
  if (type.custom && type.definition && IsSelectable(*type.definition, field)) return "";
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

namespace {

// The terms between commas; a backslash takes the next character's meaning away.
std::vector<std::string_view> TermsOf(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t begin = 0;
  for (size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] == '\\') {
      ++at;
    } else if (at >= text.size() || text[at] == ',') {
      terms.push_back(text.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  if (begin < text.size()) terms.push_back(text.substr(begin));
  return terms;
}

// A value without its escapes; `fault` says what is none.
std::string Unescaped(std::string_view value, std::string* fault) {
  std::string text;
  for (size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == ',' || c == '=') {
      *fault = fmt::format("invalid field selector: unescaped character in value: {}", int{c});
    } else if (c != '\\') {
      text += c;
      continue;
    } else if (at + 1 < value.size() &&
               std::string_view("\\,=").find(value[at + 1]) != std::string_view::npos) {
      text += value[++at];
      continue;
    } else {
      *fault =
          fmt::format("invalid field selector: invalid escape sequence: {}", value.substr(at, 2));
    }
    return "";
  }
  return text;
}

}  // namespace

Outcome<FieldSelector> FieldSelector::Parse(std::string_view text, const ResourceType& type) {
  FieldSelector selector;
  for (std::string_view part : TermsOf(text)) {
    if (part.empty()) continue;
    Term term;
    const size_t at = std::min(part.find("!="), part.find('='));
    const bool unequal = part.substr(std::min(at, part.size()), 2) == "!=";
    if (at == std::string_view::npos) {
      return BadRequestStatus(
          fmt::format("invalid selector: '{}'; can't understand '{}'", text, part));
    }
    const size_t length = unequal || part.substr(at, 2) == "==" ? 2 : 1;
    term.equal = !unequal;
    term.field = part.substr(0, at);
    std::string fault;
    term.value = Unescaped(part.substr(at + length), &fault);
    if (!fault.empty()) return BadRequestStatus(fault);
    if (term.field.empty() && term.value.empty()) continue;
    if (fault = UnselectableFault(type, term.field); !fault.empty()) return BadRequestStatus(fault);
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
