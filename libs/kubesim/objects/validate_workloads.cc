// Workload controllers and budgets: what a real server refuses.
#include <fmt/format.h>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Labels of a template that must match; a selector that cannot be read matches nothing and is not
// complained about twice.
void ValidateMatch(Causes& causes, const Json& selector, const Json& labels,
                   const std::string& field) {
  if (selector.is_object() && LabelSelector::FromObject(selector).Matches(labels)) return;
  Invalid(causes, field, GoMap(labels), "`selector` does not match template `labels`");
}

bool Empty(const Json& selector) {
  return At(selector, "matchLabels").empty() && ListAt(selector, {"matchExpressions"}).empty();
}

// What controllers keep running may not end by itself.
void ValidateLasting(Causes& causes, const Json& spec, const char* kind) {
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
  if (At(spec, {"template", "spec", "activeDeadlineSeconds"}).is_number())
    Forbidden(causes, "spec.template.spec.activeDeadlineSeconds",
              fmt::format("activeDeadlineSeconds in {} is not Supported", kind));
}

// The selector of a Deployment, ReplicaSet or StatefulSet. False when it cannot be read.
bool ValidateSelector(Causes& causes, const Json& spec, const char* kind, const char* why) {
  const Json& selector = At(spec, "selector");
  if (!selector.is_object()) {
    Required(causes, "spec.selector");
    return true;  // reads as one that selects nothing
  }
  const bool readable = ValidateSelectorShape(causes, selector, "spec.selector");
  if (Empty(selector))
    Invalid(causes, "spec.selector", GoSelector(selector),
            fmt::format("empty selector is invalid for {}", kind));
  if (!readable) Invalid(causes, "spec.selector", GoSelector(selector), why);
  return readable;
}

// Selector and template of Deployments and ReplicaSets.
void ValidateReplicated(Causes& causes, const Json& spec) {
  if (!ValidateSelector(causes, spec, "deployment", "invalid label selector")) return;
  const Json& selector = At(spec, "selector");
  if (!selector.is_object() || !Empty(selector))
    ValidateMatch(causes, selector, At(spec, {"template", "metadata", "labels"}),
                  "spec.template.metadata.labels");
  ValidatePodTemplate(causes, At(spec, "template"), "spec.template");
  ValidateLasting(causes, spec, "ReplicaSet");
}

// runtime.RawExtension, as Go prints the bytes of its text.
std::string GoRaw(const Json& value) {
  std::string bytes;
  for (unsigned char c : value.dump(-1, ' ', false, Json::error_handler_t::replace))
    bytes += fmt::format("{}{:#04x}", bytes.empty() ? "" : ", ", c);
  return fmt::format("runtime.RawExtension{{Raw:[]uint8{{{}}}, Object:runtime.Object(nil)}}",
                     bytes);
}

void ImmutableSelector(Causes& causes, const Json& spec, const Json& before) {
  if (!before.is_object() || At(before, {"spec", "selector"}) == At(spec, "selector")) return;
  const Json& selector = At(spec, "selector");
  Immutable(causes, "spec.selector", selector.is_null() ? "\"null\"" : GoSelector(selector));
}

bool IsPercent(const Json& value) {
  const std::string text = value.is_string() ? Scalar(value) : "";
  return text.size() > 1 && text.ends_with('%') &&
         text.find_first_not_of("0123456789") == text.size() - 1;
}

void ValidateAtMostAll(Causes& causes, const Json& value, const std::string& field) {
  if (!IsPercent(value)) return;
  const std::string text = Scalar(value), digits = text.substr(0, text.size() - 1);
  const size_t first = digits.find_first_not_of('0');
  const std::string number = first == std::string::npos ? "0" : digits.substr(first);
  if (number.size() > 3 || std::stoi(number) > 100)
    Invalid(causes, field, GoIntOrText(value), "must not be greater than 100%");
}

// A share of pods: a number that is not negative, or a percentage.
void ValidateShare(Causes& causes, const Json& value, const std::string& field, bool at_most_all) {
  if (value.is_string() && !IsPercent(value)) {
    Invalid(causes, field, GoIntOrText(value),
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. "
            "'1%',  or '93%', regex used for validation is '[0-9]+%')");
  } else if (value.is_number_integer() && value.get<int64_t>() < 0) {
    InvalidNumber(causes, field, value.get<int64_t>(), "must be greater than or equal to 0");
  }
  if (at_most_all) ValidateAtMostAll(causes, value, field);
}

// A text that is no percentage counts as nothing.
bool IsZeroShare(const Json& value) {
  if (value.is_string())
    return !IsPercent(value) || Scalar(value).find_first_not_of("0%") == std::string::npos;
  return !value.is_number_integer() || value.get<int64_t>() == 0;
}

void ValidateDeploymentStrategy(Causes& causes, const Json& spec) {
  const Json& strategy = At(spec, "strategy");
  const std::string type = TextAt(strategy, "type");
  const Json& rolling = At(strategy, "rollingUpdate");
  if (type == "Recreate") {
    if (rolling.is_object())
      Forbidden(causes, "spec.strategy.rollingUpdate",
                "may not be specified when strategy `type` is 'Recreate'");
  } else if (type == "RollingUpdate") {
    const std::string at = "spec.strategy.rollingUpdate";
    if (!rolling.is_object()) {
      Required(causes, at, "this should be defaulted and never be nil");
      return;
    }
    ValidateShare(causes, At(rolling, "maxUnavailable"), at + ".maxUnavailable", false);
    ValidateShare(causes, At(rolling, "maxSurge"), at + ".maxSurge", false);
    if (IsZeroShare(At(rolling, "maxUnavailable")) && IsZeroShare(At(rolling, "maxSurge"))) {
      Invalid(causes, at + ".maxUnavailable", GoIntOrText(At(rolling, "maxUnavailable")),
              "may not be 0 when `maxSurge` is 0");
    }
    ValidateAtMostAll(causes, At(rolling, "maxUnavailable"), at + ".maxUnavailable");
  } else {
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: apps.DeploymentStrategy{{Type:\"{}\", "
                                  "RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}}: supported "
                                  "values: \"Recreate\", \"RollingUpdate\"",
                                  type),
                      "spec.strategy"});
  }
}

void ValidateDeploymentSpec(Causes& causes, const Json& spec) {
  NonNegative(causes, spec, "replicas", "spec.");
  ValidateReplicated(causes, spec);
  ValidateDeploymentStrategy(causes, spec);
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  NonNegative(causes, spec, "revisionHistoryLimit", "spec.");
  NonNegative(causes, spec, "progressDeadlineSeconds", "spec.");
  const int64_t deadline = IntAt(spec, "progressDeadlineSeconds", -1);
  if (deadline >= 0 && deadline <= IntAt(spec, "minReadySeconds"))
    InvalidNumber(causes, "spec.progressDeadlineSeconds", deadline,
                  "must be greater than minReadySeconds");
}

void ValidateReplicaSetSpec(Causes& causes, const Json& spec) {
  NonNegative(causes, spec, "replicas", "spec.");
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  ValidateReplicated(causes, spec);
}

void ValidateSetRolling(Causes& causes, const Json& rolling) {
  const std::string at = "spec.updateStrategy.rollingUpdate";
  NonNegative(causes, rolling, "partition", at + ".");
  const Json& most = At(rolling, "maxUnavailable");
  if (most.is_null()) return;
  ValidateShare(causes, most, at + ".maxUnavailable", false);
  if (IsZeroShare(most)) Invalid(causes, at + ".maxUnavailable", GoIntOrText(most), "cannot be 0");
  ValidateAtMostAll(causes, most, at + ".maxUnavailable");
}

void ValidateStatefulSetSpec(Causes& causes, const Json& spec, const Json& before) {
  const std::string policy = TextAt(spec, "podManagementPolicy");
  if (policy != "OrderedReady" && policy != "Parallel")
    InvalidText(causes, "spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
  const std::string strategy = TextAt(spec, {"updateStrategy", "type"});
  if (strategy != "RollingUpdate" && strategy != "OnDelete") {
    Invalid(causes, "spec.updateStrategy",
            fmt::format("apps.StatefulSetUpdateStrategy{{Type:\"{}\", "
                        "RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}}",
                        strategy),
            "must be 'RollingUpdate' or 'OnDelete'");
  } else if (strategy == "OnDelete" && At(spec, {"updateStrategy", "rollingUpdate"}).is_object()) {
    Invalid(causes, "spec.updateStrategy.rollingUpdate",
            "apps.RollingUpdateStatefulSetStrategy{...}",
            "only allowed for updateStrategy 'RollingUpdate'");
  }
  ValidateSetRolling(causes, At(spec, {"updateStrategy", "rollingUpdate"}));
  const Json& kept = At(spec, "persistentVolumeClaimRetentionPolicy");
  for (const char* member : {"whenDeleted", "whenScaled"}) {
    if (kept.is_object())
      OneOf(causes, fmt::format("spec.persistentVolumeClaimRetentionPolicy.{}", member),
            TextAt(kept, member), {"Retain", "Delete"});
  }
  NonNegative(causes, spec, "replicas", "spec.");
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  NonNegative(causes, At(spec, "ordinals"), "start", "spec.ordinals.");
  if (ValidateSelector(causes, spec, "statefulset", "")) {
    const Json& selector = At(spec, "selector");
    const Json& labels = At(spec, {"template", "metadata", "labels"});
    if (!selector.is_object() || !Empty(selector))
      ValidateMatch(causes, selector, labels, "spec.template.metadata.labels");
    // A real server leaves the rest to the pods: their volumes are not all known here.
    ValidateLabels(causes, labels, "spec.template.labels");
    ValidateAnnotationKeys(causes, At(spec, {"template", "metadata", "annotations"}),
                           "spec.template.annotations");
  }
  ValidateLasting(causes, spec, "StatefulSet");
  if (!before.is_object()) return;
  Json now = spec, then = At(before, "spec");
  for (const char* member : {"replicas", "ordinals", "template", "updateStrategy",
                             "persistentVolumeClaimRetentionPolicy", "minReadySeconds"}) {
    now.erase(member);
    then.erase(member);
  }
  if (now != then) {
    Forbidden(causes, "spec",
              "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
              "'template', 'updateStrategy', "
              "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  }
}

void ValidateDaemonRolling(Causes& causes, const Json& strategy) {
  const std::string at = "spec.updateStrategy.rollingUpdate";
  const Json& rolling = At(strategy, "rollingUpdate");
  if (!rolling.is_object()) return Required(causes, at);
  const Json& most = At(rolling, "maxUnavailable");
  const Json& surge = At(rolling, "maxSurge");
  ValidateShare(causes, most, at + ".maxUnavailable", false);
  ValidateShare(causes, surge, at + ".maxSurge", false);
  ValidateAtMostAll(causes, most, at + ".maxUnavailable");
  ValidateAtMostAll(causes, surge, at + ".maxSurge");
  if (!IsZeroShare(most) && !IsZeroShare(surge))
    Invalid(causes, at + ".maxSurge", GoIntOrText(surge),
            "may not be set when maxUnavailable is non-zero");
  else if (IsZeroShare(most) && IsZeroShare(surge))
    Required(causes, at + ".maxUnavailable", "cannot be 0 when maxSurge is 0");
}

void ValidateDaemonSetSpec(Causes& causes, const Json& spec) {
  const Json& selector = At(spec, "selector");
  const bool readable = ValidateSelectorShape(causes, selector, "spec.selector");
  if (readable && !(selector.is_object() && Empty(selector)))
    ValidateMatch(causes, selector, At(spec, {"template", "metadata", "labels"}),
                  "spec.template.metadata.labels");
  if (selector.is_object() && Empty(selector))
    Invalid(causes, "spec.selector", GoSelector(selector),
            "empty selector is invalid for daemonset");
  ValidatePodTemplate(causes, At(spec, "template"), "spec.template");
  ValidateLasting(causes, spec, "DaemonSet");
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  const std::string strategy = TextAt(spec, {"updateStrategy", "type"});
  if (strategy == "RollingUpdate") {
    ValidateDaemonRolling(causes, At(spec, "updateStrategy"));
  } else if (strategy != "OnDelete") {
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: apps.DaemonSetUpdateStrategy{{Type:\"{}\", "
                                  "RollingUpdate:(*apps.RollingUpdateDaemonSet)(nil)}}: supported "
                                  "values: \"RollingUpdate\", \"OnDelete\"",
                                  strategy),
                      "spec.updateStrategy"});
  }
  NonNegative(causes, spec, "revisionHistoryLimit", "spec.");
}

void ValidateControllerSpec(Causes& causes, const Json& spec) {
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  const Json& selector = At(spec, "selector");
  if (!selector.is_object() || selector.empty()) Required(causes, "spec.selector");
  NonNegative(causes, spec, "replicas", "spec.");
  if (!At(spec, "template").is_object()) {
    Required(causes, "spec.template");
    return;
  }
  const Json& labels = At(spec, {"template", "metadata", "labels"});
  if (selector.is_object() && !selector.empty() &&
      !LabelSelector::FromMap(selector).Matches(labels))
    Invalid(causes, "spec.template.metadata.labels", GoMap(labels),
            "`selector` does not match template `labels`");
  ValidatePodTemplate(causes, At(spec, "template"), "spec.template");
  ValidateLasting(causes, spec, "ReplicationController");
}

void ValidateBudget(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const Json& least = At(spec, "minAvailable");
  const Json& most = At(spec, "maxUnavailable");
  if (!least.is_null() && !most.is_null()) {
    // Pointers have an address of no meaning.
    constexpr const char* kPointer = "0xc000100100";
    const bool selects = At(spec, "selector").is_object(),
               evicts = !At(spec, "unhealthyPodEvictionPolicy").is_null();
    Invalid(
        causes, "spec",
        fmt::format("policy.PodDisruptionBudgetSpec{{MinAvailable:(*intstr.IntOrString)({0}), "
                    "Selector:(*v1.LabelSelector)({1}), "
                    "MaxUnavailable:(*intstr.IntOrString)({0}), "
                    "UnhealthyPodEvictionPolicy:(*policy.UnhealthyPodEvictionPolicyType)({2})}}",
                    kPointer, selects ? kPointer : "nil", evicts ? kPointer : "nil"),
        "minAvailable and maxUnavailable cannot be both set");
  }
  if (!least.is_null()) ValidateShare(causes, least, "spec.minAvailable", true);
  if (!most.is_null()) ValidateShare(causes, most, "spec.maxUnavailable", true);
  ValidateSelectorShape(causes, At(spec, "selector"), "spec.selector");
  if (const Json& policy = At(spec, "unhealthyPodEvictionPolicy"); policy.is_string())
    OneOf(causes, "spec.unhealthyPodEvictionPolicy", Scalar(policy),
          {"AlwaysAllow", "IfHealthyBudget"});
}

}  // namespace

bool ValidateWorkloadKind(Causes& causes, const ResourceType& type, const Json& object,
                          const Json& before) {
  const std::string& key = type.storage_key;
  const Json& spec = At(object, "spec");
  if (key == "apps/deployments") {
    ValidateDeploymentSpec(causes, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "apps/replicasets") {
    ValidateReplicaSetSpec(causes, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "apps/statefulsets") {
    ValidateStatefulSetSpec(causes, spec, before);
  } else if (key == "apps/daemonsets") {
    ValidateDaemonSetSpec(causes, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "/replicationcontrollers") {
    ValidateControllerSpec(causes, spec);
  } else if (key == "batch/jobs") {
    ValidateJob(causes, object, before);
  } else if (key == "batch/cronjobs") {
    ValidateCronJob(causes, object, before);
  } else if (key == "autoscaling/horizontalpodautoscalers") {
    ValidateAutoscaler(causes, At(object, "spec"));
  } else if (key == "policy/poddisruptionbudgets") {
    ValidateBudget(causes, object);
  } else if (key == "/podtemplates") {
    ValidatePodTemplate(causes, At(object, "template"), "template");
  } else if (key == "apps/controllerrevisions") {
    NonNegative(causes, object, "revision", "");
    const Json& data = At(object, "data");
    if (!before.is_object() && data.is_null())
      Required(causes, "data", "data is mandatory");
    else if (!before.is_object() && !data.is_object())
      Required(causes, "data", "data must be a valid JSON object");
    if (before.is_object() && At(before, "data") != At(object, "data"))
      Immutable(causes, "data", GoRaw(At(object, "data")));
  } else {
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
