// Autoscalers: what a real server refuses.
#include <fmt/format.h>

#include <array>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void Reference(Causes& causes, const Json& reference, const std::string& at) {
  for (const char* member : {"kind", "name"})
    NeededSegment(causes, fmt::format("{}.{}", at, member), TextAt(reference, member));
}

void Target(Causes& causes, const Json& target, const std::string& at) {
  const std::string type = TextAt(target, "type");
  if (type.empty()) Required(causes, at + ".type", "must specify a metric target type");
  if (type != "Utilization" && type != "Value" && type != "AverageValue")
    InvalidText(causes, at + ".type", type, "must be either Utilization, Value, or AverageValue");
  for (const char* member : {"value", "averageValue"}) {
    const Json& given = At(target, member);
    if (const auto amount = ParseQuantity(given); amount && *amount <= 0)
      Invalid(causes, fmt::format("{}.{}", at, member), GoQuantity(given), "must be positive");
  }
  const Json& share = At(target, "averageUtilization");
  if (share.is_number_integer() && share.get<int64_t>() < 1)
    InvalidNumber(causes, at + ".averageUtilization", share.get<int64_t>(),
                  "must be greater than 0");
}

bool Has(const Json& source, const char* member) {
  return !At(source, {"target", member}).is_null();
}

// By a share of what is asked for, or by an amount: not both.
void Amounts(Causes& causes, const Json& source, const std::string& at) {
  if (!Has(source, "averageUtilization") && !Has(source, "averageValue"))
    Required(causes, at + ".target.averageUtilization",
             "must set either a target raw value or a target utilization");
  if (Has(source, "averageUtilization") && Has(source, "averageValue"))
    Forbidden(causes, at + ".target.averageValue",
              "may not set both a target raw value and a target utilization");
}

void Object(Causes& causes, const Json& source, const std::string& at) {
  Reference(causes, At(source, "describedObject"), at + ".describedObject");
  NeededSegment(causes, at + ".metric.name", TextAt(source, {"metric", "name"}),
                "must specify a metric name");
  Target(causes, At(source, "target"), at + ".target");
  if (!Has(source, "value") && !Has(source, "averageValue"))
    Required(causes, at + ".target.averageValue", "must set either a target value or averageValue");
}

void External(Causes& causes, const Json& source, const std::string& at) {
  NeededSegment(causes, at + ".metric.name", TextAt(source, {"metric", "name"}),
                "must specify a metric name");
  Target(causes, At(source, "target"), at + ".target");
  if (!Has(source, "value") && !Has(source, "averageValue"))
    Required(causes, at + ".target.averageValue",
             "must set either a target value for metric or a per-pod target");
  if (Has(source, "value") && Has(source, "averageValue"))
    Forbidden(causes, at + ".target.value",
              "may not set both a target value for metric and a per-pod target");
}

void Pods(Causes& causes, const Json& source, const std::string& at) {
  NeededSegment(causes, at + ".metric.name", TextAt(source, {"metric", "name"}),
                "must specify a metric name");
  Target(causes, At(source, "target"), at + ".target");
  if (!Has(source, "averageValue"))
    Required(causes, at + ".target.averageValue", "must specify a positive target averageValue");
}

void Resource(Causes& causes, const Json& source, const std::string& at) {
  if (TextAt(source, "name").empty())
    Required(causes, at + ".name", "must specify a resource name");
  Target(causes, At(source, "target"), at + ".target");
  Amounts(causes, source, at);
}

void ContainerResource(Causes& causes, const Json& source, const std::string& at) {
  const std::string name = TextAt(source, "name"), container = TextAt(source, "container");
  if (name.empty())
    Required(causes, at + ".name", "must specify a resource name");
  else
    ValidateContainerResourceName(causes, name, at + ".name");
  if (container.empty())
    Required(causes, at + ".container", "must specify a container");
  else
    InvalidText(causes, at + ".container", container, LabelFault(container));
  Target(causes, At(source, "target"), at + ".target");
  Amounts(causes, source, at);
}

struct SourceRules {
  const char* member;
  const char* type;
  void (*judge)(Causes&, const Json&, const std::string&);
};
// In the order in which a real server looks: only the first that is there is judged.
constexpr std::array kSources = {
    SourceRules{"object", "Object", Object}, SourceRules{"external", "External", External},
    SourceRules{"pods", "Pods", Pods}, SourceRules{"resource", "Resource", Resource},
    SourceRules{"containerResource", "ContainerResource", ContainerResource}};

void Metric(Causes& causes, const Json& metric, const std::string& at) {
  const std::string type = TextAt(metric, "type");
  auto known = [&] {
    OneOf(causes, at + ".type", type,
          {"ContainerResource", "External", "Object", "Pods", "Resource"});
  };
  if (type.empty()) Required(causes, at + ".type", "must specify a metric source type");
  known();
  int present = 0;
  for (const SourceRules& source : kSources) {
    const Json& value = At(metric, source.member);
    if (value.is_object() && ++present == 1)
      source.judge(causes, value, fmt::format("{}.{}", at, source.member));
  }
  const SourceRules* own = nullptr;
  for (const SourceRules& source : kSources) {
    if (type == source.type) own = &source;
  }
  if (own == nullptr)
    known();
  else if (!At(metric, own->member).is_object())
    Required(causes, fmt::format("{}.{}", at, own->member),
             "must populate information for the given metric source");
  if (present == 1) return;
  for (const SourceRules& source : kSources) {
    if (&source != own && At(metric, source.member).is_object())
      Forbidden(causes, fmt::format("{}.{}", at, source.member),
                "must populate the given metric source only");
  }
}

void Rules(Causes& causes, const Json& rules, const std::string& at) {
  if (!rules.is_object()) return;
  const int64_t window = IntAt(rules, "stabilizationWindowSeconds");
  if (window < 0)
    InvalidNumber(causes, at + ".stabilizationWindowSeconds", window,
                  "must be greater than or equal to zero");
  if (window > 3600)
    InvalidNumber(causes, at + ".stabilizationWindowSeconds", window,
                  "must be less than or equal to 3600");
  if (const Json& select = At(rules, "selectPolicy"); select.is_string())
    OneOf(causes, at + ".selectPolicy", Scalar(select), {"Disabled", "Max", "Min"});
  const Json& policies = ListAt(rules, {"policies"});
  if (policies.empty()) Required(causes, at + ".policies", "must specify at least one Policy");
  for (size_t i = 0; i < policies.size(); ++i) {
    const std::string here = fmt::format("{}.policies[{}]", at, i);
    OneOf(causes, here + ".type", TextAt(policies[i], "type"), {"Percent", "Pods"});
    for (const char* member : {"value", "periodSeconds"}) {
      if (IntAt(policies[i], member) <= 0)
        InvalidNumber(causes, fmt::format("{}.{}", here, member), IntAt(policies[i], member),
                      "must be greater than zero");
    }
    if (IntAt(policies[i], "periodSeconds") > 1800)
      InvalidNumber(causes, here + ".periodSeconds", IntAt(policies[i], "periodSeconds"),
                    "must be less than or equal to 1800");
  }
}

}  // namespace

void ValidateAutoscaler(Causes& causes, const Json& spec) {
  const int64_t most = IntAt(spec, "maxReplicas"), least = IntAt(spec, "minReplicas", 1);
  if (least < 1)
    InvalidNumber(causes, "spec.minReplicas", least, "must be greater than or equal to 1");
  if (most < 1) InvalidNumber(causes, "spec.maxReplicas", most, "must be greater than 0");
  if (most < least)
    InvalidNumber(causes, "spec.maxReplicas", most,
                  "must be greater than or equal to `minReplicas`");
  Reference(causes, At(spec, "scaleTargetRef"), "spec.scaleTargetRef");
  const Json& metrics = ListAt(spec, {"metrics"});
  bool outside = false;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const std::string type = TextAt(metrics[i], "type");
    Metric(causes, metrics[i], fmt::format("spec.metrics[{}]", i));
    outside = outside || type == "External" || type == "Object";
  }
  if (least == 0 && !outside)
    Forbidden(
        causes, "spec.metrics",
        "must specify at least one Object or External metric to support scaling to zero replicas");
  Rules(causes, At(spec, {"behavior", "scaleUp"}), "spec.behavior.scaleUp");
  Rules(causes, At(spec, {"behavior", "scaleDown"}), "spec.behavior.scaleDown");
}

}  // namespace opsmesh::kubesim
