// Exact questions over the objects of one kind: filter, count, group, sort, top-k, page. Nothing is
// sampled or estimated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/kube/selector.h"
#include "libs/kube/types.h"
#include "services/k8s/answer.h"
#include "services/k8s/fields.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {

/// One comparison: "restarts>5", "age<1h", "status=Pending|Failed", "image~nginx", "label:app=web",
/// ".spec.paused=true".
struct Condition {
  enum class Op {
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kContains,
    kNotContains
  };
  Field field;
  Op op = Op::kEqual;
  std::vector<std::string> texts;  // alternatives of = and !=, lower case; the needle of ~
  double number = 0;               // for fields that are numbers
  std::vector<double> numbers;     // alternatives of = and != on numbers
};

struct Aggregate {
  enum class Kind { kSum, kMin, kMax, kAvg };
  Kind kind = Kind::kSum;
  Field field;
  std::string name;  // "sum:cpu_request"
};

struct Query {
  kube::ResourceType type;
  kube::LabelSelector labels;
  std::vector<Condition> where;
  std::vector<Field> group_by;
  std::vector<Aggregate> aggregates;
  Field sort_by;  // empty name = namespace and name
  bool descending = false;
  int64_t limit = 100;  // rows, or groups when grouping
  std::string cursor;
  std::string fingerprint;  // of the question, so that a cursor of another one is refused
};

struct AggregateValue {
  double value = 0;
  int64_t count = 0;  // objects that had the field
};

struct Group {
  std::vector<std::string> key;  // as shown, one for each group_by field
  int64_t count = 0;
  std::vector<AggregateValue> aggregates;
};

struct QueryResult {
  int64_t total = 0;    // objects of the kind in the namespace in question, before any filter
  int64_t matched = 0;  // after all filters
  std::vector<kube::ObjectPtr> rows;  // this page
  std::vector<Group> groups;          // biggest first; this page
  int64_t group_total = 0;
  std::vector<AggregateValue> aggregates;  // over everything that matched
  std::vector<std::pair<std::string, int64_t>>
      statuses;  // status -> count of what matched, most first
  std::string next_cursor;
};

/// A field by name for a kind: one of its table, "label:<key>", or a path into the object,
/// ".spec.replicas". INVALID_ARGUMENT (UNKNOWN_FIELD) with "did you mean" and the fields there are.
absl::StatusOr<Field> ResolveField(const kube::ResourceType& type, std::string_view name);
/// INVALID_ARGUMENT (BAD_CONDITION) saying what is wrong with it.
absl::StatusOr<Condition> ParseCondition(const kube::ResourceType& type, std::string_view text);
/// A Kubernetes field selector as conditions: "status.phase=Running,spec.nodeName!=n1".
absl::StatusOr<std::vector<Condition>> ParseFieldSelector(std::string_view text);
/// "sum:cpu_request"; sum, min, max or avg of a field that is a number.
absl::StatusOr<Aggregate> ParseAggregate(const kube::ResourceType& type, std::string_view text);

bool Holds(const Condition& condition, const kube::Object& object, Picture& picture);

/// Answers the question over `objects`, which are ordered by namespace and name. INVALID_ARGUMENT
/// (BAD_CURSOR).
absl::StatusOr<QueryResult> Run(const Query& query, std::span<const kube::ObjectPtr> objects,
                                Picture& picture);

}  // namespace opsmesh::k8s
