#include "services/k8s/fields.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "libs/kube/quantity.h"
#include "services/k8s/field_tables.h"

namespace opsmesh::k8s {
namespace {

using Tables = std::map<std::string, std::vector<Field>, std::less<>>;

// A custom resource tells how it is in one of a few usual places.
FieldValue GenericStatus(const kube::Object& object, Picture&) {
  const kube::JsonRef status = object.root()["status"];
  for (const char* key : {"phase", "state", "health"}) {
    if (const auto text = status[key].RawString()) return FieldValue::Text(*text);
  }
  std::string out;
  status["conditions"].ForEachElement([&](kube::JsonRef condition) {
    const std::string type = condition["type"].String();
    if (type != "Ready" && type != "Available" && type != "Established" && type != "Synced")
      return true;
    out = condition["status"].String() == "True" ? type : "Not" + type;
    const std::string reason = condition["reason"].String();
    if (out.starts_with("Not") && !reason.empty()) out += ":" + reason;
    return false;
  });
  return FieldValue::Text(out);
}

Tables MakeTables() {
  Tables tables;
  AddPodFields(tables);
  AddWorkloadFields(tables);
  AddNetworkFields(tables);
  AddClusterFields(tables);
  for (auto& [plural, fields] : tables) {
    std::vector<Field> all = IdentityFields();
    all.insert(all.end(), fields.begin(), fields.end());
    fields = std::move(all);
  }
  std::vector<Field> generic = IdentityFields();
  generic.push_back({"status", "STATUS", Unit::kText, GenericStatus});
  generic.push_back(AgeField());
  tables[""] = std::move(generic);
  return tables;
}

const Tables& AllTables() {
  static const Tables* const tables = new Tables(MakeTables());
  return *tables;
}

}  // namespace

std::vector<Field> IdentityFields() {
  return {{"namespace", "NAMESPACE", Unit::kText,
           [](const kube::Object& o, Picture&) { return FieldValue::Text(o.ns()); }},
          {"name", "NAME", Unit::kText,
           [](const kube::Object& o, Picture&) { return FieldValue::Text(o.name()); }}};
}

Field AgeField() {
  return {"age", "AGE", Unit::kSeconds, [](const kube::Object& o, Picture& p) {
            if (o.meta().created == absl::InfinitePast()) return FieldValue::None();
            return FieldValue::Number(std::floor(absl::ToDoubleSeconds(o.meta().Age(p.now()))));
          }};
}

const std::vector<Field>& FieldsOf(std::string_view plural) {
  const auto it = AllTables().find(plural);
  return it == AllTables().end() ? AllTables().find("")->second : it->second;
}

const Field* FindField(std::string_view plural, std::string_view name) {
  for (const Field& field : FieldsOf(plural)) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

Field LabelField(std::string_view key) {
  return {fmt::format("label:{}", key), "", Unit::kText,
          [key = std::string(key)](const kube::Object& o, Picture&) {
            return FieldValue::Text(kube::Lookup(o.meta().labels, key));
          }};
}

std::string Shown(const FieldValue& value, Unit unit) {
  if (value.absent) return unit == Unit::kText ? "<none>" : "<unknown>";
  switch (unit) {
    case Unit::kText:
      return value.text;
    case Unit::kCount:
      return fmt::format("{}", value.number);
    case Unit::kBool:
      return value.number != 0 ? "true" : "false";
    case Unit::kSeconds:
      return HumanSeconds(value.number);
    case Unit::kCpu:
      return kube::FormatCpu(value.number);
    case Unit::kBytes:
      return kube::FormatBytes(value.number);
  }
  return value.text;
}

void WriteValue(const FieldValue& value, Unit unit, JsonWriter& out) {
  if (value.absent) {
    out.Null();
  } else if (unit == Unit::kText) {
    out.Value(value.text);
  } else if (unit == Unit::kBool) {
    out.Value(value.number != 0);
  } else if (std::abs(value.number) < 9e15 && std::floor(value.number) == value.number) {
    out.Value(static_cast<int64_t>(value.number));
  } else {
    out.Value(value.number);
  }
}

std::string HumanAge(absl::Duration age) {
  if (age == absl::InfiniteDuration()) return "<unknown>";
  const int64_t s = std::max<int64_t>(0, absl::ToInt64Seconds(age));
  const int64_t m = s / 60, h = s / 3600, d = s / 86400, y = d / 365;
  const auto two = [](int64_t a, const char* ua, int64_t b, const char* ub) {
    return b == 0 ? fmt::format("{}{}", a, ua) : fmt::format("{}{}{}{}", a, ua, b, ub);
  };
  if (s < 120) return fmt::format("{}s", s);
  if (m < 10) return two(m, "m", s % 60, "s");
  if (h < 3) return fmt::format("{}m", m);
  if (h < 8) return two(h, "h", m % 60, "m");
  if (h < 48) return fmt::format("{}h", h);
  if (d < 8) return two(d, "d", h % 24, "h");
  if (y < 2) return fmt::format("{}d", d);
  if (y < 8) return two(y, "y", d % 365, "d");
  return fmt::format("{}y", y);
}

std::string JoinLabels(const kube::StrPairs& labels) {
  std::string out;
  for (const auto& [key, value] : labels)
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", key, value);
  return out;
}

std::string ShowSelector(const kube::ObjectSelector& selector) {
  if (!selector.present) return "<none>";
  if (selector.empty()) return "<all>";
  std::string out = JoinLabels(selector.match_labels);
  for (const auto& e : selector.expressions) {
    std::string values;
    for (const kube::Str v : e.values) values += fmt::format("{}{}", values.empty() ? "" : ",", v);
    if (!out.empty()) out += ",";
    if (e.op == "In")
      out += fmt::format("{} in ({})", e.key, values);
    else if (e.op == "NotIn")
      out += fmt::format("{} notin ({})", e.key, values);
    else if (e.op == "Exists")
      out += e.key;
    else
      out += fmt::format("!{}", e.key);
  }
  return out;
}

std::string Images(const kube::PodSpec& spec) {
  std::vector<kube::Str> seen;
  std::string out;
  for (const kube::Container& container : spec.containers) {
    if (std::find(seen.begin(), seen.end(), container.image) != seen.end()) continue;
    seen.push_back(container.image);
    out += fmt::format("{}{}", out.empty() ? "" : ",", container.image);
  }
  return out;
}

double PodAmount(const kube::PodSpec& spec, std::string_view resource, bool limits, bool* all_set) {
  double sum = 0;
  if (all_set) *all_set = !spec.containers.empty();
  for (const kube::Container& container : spec.containers) {
    const std::optional<double> amount =
        kube::Amount(limits ? container.limits : container.requests, resource);
    // A limit without a request counts as the request, as the apiserver defaults it.
    const std::optional<double> used =
        amount || limits ? amount : kube::Amount(container.limits, resource);
    if (used)
      sum += *used;
    else if (all_set)
      *all_set = false;
  }
  double largest_init = 0;
  for (const kube::Container& container : spec.init_containers) {
    const double amount =
        kube::Amount(limits ? container.limits : container.requests, resource).value_or(0);
    if (container.restart_policy == "Always")
      sum += amount;  // a sidecar runs beside the others
    else
      largest_init = std::max(largest_init, amount);
  }
  return std::max(sum, largest_init);
}

}  // namespace opsmesh::k8s
