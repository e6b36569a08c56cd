// The fields of every kind: what lists show as columns, what queries filter, group and sort by. One
// table a kind.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/kube/object.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {

enum class Unit { kText, kCount, kBool, kSeconds, kCpu, kBytes };

/// Value of a field of one object. `absent` values match no comparison and sort last.
struct FieldValue {
  bool absent = true;
  std::string text;   // kText; for other units what people read, made on demand by Shown()
  double number = 0;  // other units; bools are 0 and 1

  static FieldValue Text(std::string_view text) { return {text.empty(), std::string(text), 0}; }
  static FieldValue Number(double number) { return {false, {}, number}; }
  static FieldValue None() { return {}; }
};

struct Field {
  std::string name;    // snake_case: JSON key and name in queries
  std::string header;  // kubectl's column; "" = not shown in lists
  Unit unit = Unit::kText;
  std::function<FieldValue(const kube::Object&, Picture&)> get;
};

/// Fields of a kind by plural, namespace and name first, age last among the shown ones. For kinds
/// without a table of their own: namespace, name, status (phase or Ready condition), age.
const std::vector<Field>& FieldsOf(std::string_view plural);
/// The field, or null. Labels are read through LabelField.
const Field* FindField(std::string_view plural, std::string_view name);
/// A field that reads a label: "label:app".
Field LabelField(std::string_view key);

/// What people read: "5d3h", "250m", "1.5Gi", "yes".
std::string Shown(const FieldValue& value, Unit unit);
/// The JSON of a value: text, number or bool; null when absent.
void WriteValue(const FieldValue& value, Unit unit, JsonWriter& out);

/// As kubectl prints ages: "45s", "5m30s", "3h12m", "5d3h", "341d".
std::string HumanAge(absl::Duration age);
inline std::string HumanSeconds(double seconds) { return HumanAge(absl::Seconds(seconds)); }
/// "app=web,tier=front", in the order written.
std::string JoinLabels(const kube::StrPairs& labels);
/// A selector as kubectl writes it: "app=web,tier in (a,b)"; "<all>" when it selects everything.
std::string ShowSelector(const kube::ObjectSelector& selector);
/// Images of a pod spec, in order, without repetition.
std::string Images(const kube::PodSpec& spec);
/// Sum over the containers of a pod, as the scheduler counts: max(sum of containers, largest init
/// container).
double PodAmount(const kube::PodSpec& spec, std::string_view resource, bool limits,
                 bool* all_set = nullptr);

}  // namespace opsmesh::k8s
