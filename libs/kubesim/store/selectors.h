// Label and field selectors as the API takes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// "a=b,c!=d,e in (x,y),f notin (z),g,!h". Immutable after Parse().
class LabelSelector {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  /// 400 BadRequest with the place, as a real server words it.
  static Outcome<LabelSelector> Parse(std::string_view text);
  /// From a meta/v1 LabelSelector object (matchLabels, matchExpressions). Null and malformed parts
  /// select nothing.
  static LabelSelector FromObject(const Json& selector);
  /// From a plain map, as Services and ReplicationControllers have.
  static LabelSelector FromMap(const Json& map);

  bool empty() const { return requirements_.empty(); }
  bool Matches(const Labels& labels) const;
  /// Labels of `metadata.labels` or of a pod template.
  bool Matches(const Json& labels) const;
  /// The labels that every match has: keys that may have one value only. Views into the selector.
  std::vector<std::pair<std::string_view, std::string_view>> Equalities() const;
  /// Canonical text: "app=web,tier in (a,b)".
  std::string ToString() const;

 private:
  enum class Operator { kIn, kNotIn, kExists, kAbsent, kGreater, kLess, kNever };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
    bool single = false;  // written with = or !=
  };
  friend class LabelSelectorParser;
  static bool Holds(const Requirement& requirement, const std::string* value);

  std::vector<Requirement> requirements_;
};

Json ToJson(const LabelSelector::Labels& labels);
LabelSelector::Labels ToLabels(const Json& labels);

/// "status.phase=Running,spec.nodeName!=n1". Immutable after Parse().
class FieldSelector {
 public:
  /// 400 for a field that `type` cannot be selected on.
  static Outcome<FieldSelector> Parse(std::string_view text, const ResourceType& type);
  bool empty() const { return terms_.empty(); }
  bool Matches(const Object& object) const;
  /// The name asked for by metadata.name=..., or "".
  std::string_view name() const;

 private:
  struct Term {
    std::string field;
    std::string value;
    bool equal = true;
  };
  std::vector<Term> terms_;
  bool needs_content_ = false;
};

}  // namespace opsmesh::kubesim
