// Workload controllers, autoscalers and budgets: what a real server refuses.
#include <fmt/format.h>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/cron_syntax.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void ValidateTemplateLabels(Causes& causes, const Json& pod_template, const std::string& field) {
  ValidateLabels(causes, At(pod_template, {"metadata", "labels"}), field + ".labels");
}

// The selector, and the labels of the template it must match.
void ValidateSelector(Causes& causes, const ResourceType& type, const Json& spec) {
  const Json& selector = At(spec, "selector");
  const Json& labels = At(spec, {"template", "metadata", "labels"});
  if (!selector.is_object()) {
    Required(causes, "spec.selector");
  } else {
    const size_t before = causes.size();
    ValidateSelectorShape(causes, selector, "spec.selector");
    if (At(selector, "matchLabels").empty() && ListAt(selector, {"matchExpressions"}).empty()) {
      Invalid(causes, "spec.selector", GoSelector(selector),
              "empty selector is invalid for " + base::AsciiLower(type.kind));
    }
    if (causes.size() > before && TextAt(ListAt(selector, {"matchExpressions"}).empty()
                                             ? Json()
                                             : ListAt(selector, {"matchExpressions"})[0],
                                         "operator")
                                          .empty() == false) {
      Invalid(causes, "spec.selector", GoSelector(selector), "invalid label selector");
      return;
    }
  }
  const bool matches = selector.is_object() && LabelSelector::FromObject(selector).Matches(labels);
  if (!matches)
    Invalid(causes, "spec.template.metadata.labels", GoMap(labels),
            "`selector` does not match template `labels`");
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
  Immutable(causes, "spec.selector", GoSelector(At(spec, "selector")));
}

// A share of pods: a number that is not negative, or a percentage.
void ValidateShare(Causes& causes, const Json& value, const std::string& field, bool at_most_all) {
  if (value.is_string()) {
    const std::string text = Scalar(value);
    const bool percent = text.size() > 1 && text.ends_with('%') &&
                         text.find_first_not_of("0123456789") == text.size() - 1;
    if (!percent) {
      Invalid(causes, field, GoIntOrText(value),
              "a valid percent string must be a numeric string followed by an ending '%' (e.g. "
              "'1%',  or '93%', regex used for validation is '[0-9]+%')");
    } else if (at_most_all && (text.size() > 4 || std::stoi(text) > 100)) {
      Invalid(causes, field, GoIntOrText(value), "must not be greater than 100%");
    }
  } else if (value.is_number_integer() && value.get<int64_t>() < 0) {
    InvalidNumber(causes, field, value.get<int64_t>(), "must be greater than or equal to 0");
  }
}

bool IsZeroShare(const Json& value) {
  return value.is_string() ? Scalar(value) == "0%"
                           : value.is_number_integer() && value.get<int64_t>() == 0;
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
    const Json& most = At(rolling, "maxUnavailable");
    if (most.is_string() && most != "0%") {
      const std::string text = Scalar(most);
      if (text.ends_with('%') && text.size() <= 6 &&
          text.find_first_not_of("0123456789") == text.size() - 1 && std::stoi(text) > 100) {
        Invalid(causes, at + ".maxUnavailable", GoIntOrText(most), "must not be greater than 100%");
      }
    }
  } else {
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: apps.DeploymentStrategy{{Type:\"{}\", "
                                  "RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}}: supported "
                                  "values: \"Recreate\", \"RollingUpdate\"",
                                  type),
                      "spec.strategy"});
  }
}

void ValidateDeploymentSpec(Causes& causes, const ResourceType& type, const Json& spec) {
  NonNegative(causes, spec, "replicas", "spec.");
  ValidateSelector(causes, type, spec);
  ValidateTemplateLabels(causes, At(spec, "template"), "spec.template");
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec");
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
  if (At(spec, {"template", "spec", "activeDeadlineSeconds"}).is_number())
    Forbidden(causes, "spec.template.spec.activeDeadlineSeconds",
              "activeDeadlineSeconds in ReplicaSet is not Supported");
  ValidateDeploymentStrategy(causes, spec);
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  NonNegative(causes, spec, "revisionHistoryLimit", "spec.");
  NonNegative(causes, spec, "progressDeadlineSeconds", "spec.");
  const int64_t deadline = IntAt(spec, "progressDeadlineSeconds", -1);
  if (deadline >= 0 && deadline <= IntAt(spec, "minReadySeconds"))
    InvalidNumber(causes, "spec.progressDeadlineSeconds", deadline,
                  "must be greater than minReadySeconds");
}

void ValidateReplicaSetSpec(Causes& causes, const ResourceType& type, const Json& spec) {
  NonNegative(causes, spec, "replicas", "spec.");
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  ValidateSelector(causes, type, spec);
  ValidateTemplateLabels(causes, At(spec, "template"), "spec.template");
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec");
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
}

void ValidateStatefulSetSpec(Causes& causes, const ResourceType& type, const Json& spec,
                             const Json& before) {
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
  NonNegative(causes, At(spec, {"updateStrategy", "rollingUpdate"}), "partition",
              "spec.updateStrategy.rollingUpdate.");
  NonNegative(causes, spec, "replicas", "spec.");
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  ValidateSelector(causes, type, spec);
  ValidateTemplateLabels(causes, At(spec, "template"), "spec.template");
  // The claims of the set stand among the volumes of its pods.
  Json pod = At(spec, {"template", "spec"});
  if (pod.is_object()) {
    for (const Json& claim : ListAt(spec, {"volumeClaimTemplates"}))
      pod["volumes"].push_back({{"name", TextAt(claim, {"metadata", "name"})},
                                {"persistentVolumeClaim", {{"claimName", "c"}}}});
  }
  ValidatePodSpec(causes, pod, "spec.template.spec");
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
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

void ValidateDaemonSetSpec(Causes& causes, const ResourceType& type, const Json& spec) {
  ValidateSelector(causes, type, spec);
  ValidateTemplateLabels(causes, At(spec, "template"), "spec.template");
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec");
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
  NonNegative(causes, spec, "minReadySeconds", "spec.");
  const std::string strategy = TextAt(spec, {"updateStrategy", "type"});
  if (strategy != "RollingUpdate" && strategy != "OnDelete") {
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
  if (selector.is_object() && !LabelSelector::FromMap(selector).Matches(labels))
    Invalid(causes, "spec.template.metadata.labels", GoMap(labels),
            "`selector` does not match template `labels`");
  ValidateTemplateLabels(causes, At(spec, "template"), "spec.template");
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec");
  OneOf(causes, "spec.template.spec.restartPolicy",
        TextAt(spec, {"template", "spec", "restartPolicy"}), {"Always"});
}

void ValidateJobSpec(Causes& causes, const Json& spec, const std::string& field) {
  for (const char* member : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                             "ttlSecondsAfterFinished"})
    NonNegative(causes, spec, member, field + ".");
  const std::string mode = TextAt(spec, "completionMode");
  if (!mode.empty()) OneOf(causes, field + ".completionMode", mode, {"NonIndexed", "Indexed"});
  if (mode == "Indexed" && !At(spec, "completions").is_number())
    Required(causes, field + ".completions", "when completion mode is Indexed");
  ValidateTemplateLabels(causes, At(spec, "template"), field + ".template");
  ValidatePodSpec(causes, At(spec, {"template", "spec"}), field + ".template.spec");
  const std::string policy = TextAt(spec, {"template", "spec", "restartPolicy"});
  if (policy.empty() || policy == "Always") {
    Required(causes, field + ".template.spec.restartPolicy",
             "valid values: \"OnFailure\", \"Never\"");
  } else {
    OneOf(causes, field + ".template.spec.restartPolicy", policy, {"OnFailure", "Never"});
  }
}

void ValidateJob(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  ValidateJobSpec(causes, spec, "spec");
  const Json& selector = At(spec, "selector");
  const std::string uid = TextAt(object, {"metadata", "uid"});
  if (selector.is_object() && !BoolAt(spec, {"manualSelector"})) {
    const Json& labels = At(selector, "matchLabels");
    const bool generated = labels.is_object() && labels.size() == 1 &&
                           (labels.contains("batch.kubernetes.io/controller-uid") ||
                            labels.contains("controller-uid"));
    if (!generated)
      Invalid(causes, "spec.selector", GoSelector(selector), "`selector` not auto-generated");
  }
  if (selector.is_object() &&
      !LabelSelector::FromObject(selector).Matches(At(spec, {"template", "metadata", "labels"}))) {
    Invalid(causes, "spec.template.metadata.labels",
            GoMap(At(spec, {"template", "metadata", "labels"})),
            "`selector` does not match template `labels`");
  }
  if (!before.is_object()) return;
  if (At(before, {"spec", "completions"}) != At(spec, "completions"))
    Immutable(causes, "spec.completions", At(spec, "completions").dump());
  ImmutableSelector(causes, spec, before);
  // A job that is suspended and never ran may still be moved to other nodes.
  if (At(before, {"spec", "template"}) != At(spec, "template") &&
      !(BoolAt(before, {"spec", "suspend"}) && At(before, {"status", "startTime"}).is_null())) {
    Immutable(causes, "spec.template", "core.PodTemplateSpec{...}");
  }
  if (At(before, {"spec", "completionMode"}) != At(spec, "completionMode"))
    Immutable(causes, "spec.completionMode", "\"" + TextAt(spec, "completionMode") + "\"");
}

void ValidateCronJob(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const std::string schedule = TextAt(spec, "schedule");
  if (schedule.empty()) {
    Required(causes, "spec.schedule");
  } else if (schedule.find("TZ=") != std::string::npos) {
    InvalidText(causes, "spec.schedule", schedule,
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (const std::string fault = ScheduleFault(schedule); !fault.empty()) {
    InvalidText(causes, "spec.schedule", schedule, fault);
  }
  if (At(spec, "startingDeadlineSeconds").is_number())
    NonNegative(causes, spec, "startingDeadlineSeconds", "spec.");
  OneOf(causes, "spec.concurrencyPolicy", TextAt(spec, "concurrencyPolicy"),
        {"Allow", "Forbid", "Replace"});
  ValidateJobSpec(causes, At(spec, {"jobTemplate", "spec"}), "spec.jobTemplate.spec");
  NonNegative(causes, spec, "successfulJobsHistoryLimit", "spec.");
  NonNegative(causes, spec, "failedJobsHistoryLimit", "spec.");
  if (TextAt(object, {"metadata", "name"}).size() > 52)
    InvalidText(causes, "metadata.name", TextAt(object, {"metadata", "name"}),
                "must be no more than 52 characters");
}

void ValidateMetric(Causes& causes, const Json& metric, const std::string& at) {
  const std::string type = TextAt(metric, "type");
  OneOf(causes, at + ".type", type,
        {"ContainerResource", "External", "Object", "Pods", "Resource"});
  if (type != "Resource" && type != "ContainerResource") return;
  const std::string member = type == "Resource" ? "resource" : "containerResource";
  const Json& source = At(metric, member.c_str());
  if (!source.is_object())
    return Required(causes, at + "." + member,
                    "must populate information for the given metric source");
  if (TextAt(source, "name").empty())
    Required(causes, at + "." + member + ".name", "must specify a resource name");
  const Json& share = At(source, {"target", "averageUtilization"});
  const Json& value = At(source, {"target", "averageValue"});
  if (share.is_null() && value.is_null())
    Required(causes, at + "." + member + ".target.averageUtilization",
             "must set either a target raw value or a target utilization");
  if (share.is_number() && share.get<int64_t>() < 1)
    InvalidNumber(causes, at + "." + member + ".target.averageUtilization", share.get<int64_t>(),
                  "must be greater than 0");
}

void ValidateAutoscaler(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const int64_t most = IntAt(spec, "maxReplicas"), least = IntAt(spec, "minReplicas", 1);
  bool outside = false;
  for (const Json& metric : ListAt(spec, {"metrics"}))
    outside = outside || TextAt(metric, "type") == "External" || TextAt(metric, "type") == "Object";
  if (least < 1)
    InvalidNumber(causes, "spec.minReplicas", least, "must be greater than or equal to 1");
  if (most < 1) InvalidNumber(causes, "spec.maxReplicas", most, "must be greater than 0");
  if (most < least)
    InvalidNumber(causes, "spec.maxReplicas", most,
                  "must be greater than or equal to `minReplicas`");
  if (TextAt(spec, {"scaleTargetRef", "kind"}).empty())
    Required(causes, "spec.scaleTargetRef.kind");
  if (TextAt(spec, {"scaleTargetRef", "name"}).empty())
    Required(causes, "spec.scaleTargetRef.name");
  const Json& metrics = ListAt(spec, {"metrics"});
  for (size_t i = 0; i < metrics.size(); ++i)
    ValidateMetric(causes, metrics[i], fmt::format("spec.metrics[{}]", i));
  if (least == 0 && !outside)
    Forbidden(
        causes, "spec.metrics",
        "must specify at least one Object or External metric to support scaling to zero replicas");
}

void ValidateBudget(Causes& causes, const Json& object) {
  const Json& spec = At(object, "spec");
  const Json& least = At(spec, "minAvailable");
  const Json& most = At(spec, "maxUnavailable");
  if (!least.is_null() && !most.is_null()) {
    Invalid(causes, "spec", "policy.PodDisruptionBudgetSpec{...}",
            "minAvailable and maxUnavailable cannot be both set");
  }
  if (!least.is_null()) ValidateShare(causes, least, "spec.minAvailable", true);
  if (!most.is_null()) ValidateShare(causes, most, "spec.maxUnavailable", true);
  ValidateSelectorShape(causes, At(spec, "selector"), "spec.selector");
}

}  // namespace

bool ValidateWorkloadKind(Causes& causes, const ResourceType& type, const Json& object,
                          const Json& before) {
  const std::string& key = type.storage_key;
  const Json& spec = At(object, "spec");
  if (key == "apps/deployments") {
    ValidateDeploymentSpec(causes, type, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "apps/replicasets") {
    ValidateReplicaSetSpec(causes, type, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "apps/statefulsets") {
    ValidateStatefulSetSpec(causes, type, spec, before);
  } else if (key == "apps/daemonsets") {
    ValidateDaemonSetSpec(causes, type, spec);
    ImmutableSelector(causes, spec, before);
  } else if (key == "/replicationcontrollers") {
    ValidateControllerSpec(causes, spec);
  } else if (key == "batch/jobs") {
    ValidateJob(causes, object, before);
  } else if (key == "batch/cronjobs") {
    ValidateCronJob(causes, object);
  } else if (key == "autoscaling/horizontalpodautoscalers") {
    ValidateAutoscaler(causes, object);
  } else if (key == "policy/poddisruptionbudgets") {
    ValidateBudget(causes, object);
  } else if (key == "/podtemplates") {
    ValidateTemplateLabels(causes, At(object, "template"), "template");
    ValidatePodSpec(causes, At(object, {"template", "spec"}), "template.spec");
  } else if (key == "apps/controllerrevisions") {
    NonNegative(causes, object, "revision", "");
    if (before.is_object() && At(before, "data") != At(object, "data"))
      Immutable(causes, "data", GoRaw(At(object, "data")));
  } else {
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
