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
