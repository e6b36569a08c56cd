#include <fmt/format.h>

#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::printers {

Cells Deployment(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "template", "spec"});
  return {fmt::format("{}/{}", IntAt(o, {"status", "readyReplicas"}),
                      IntAt(o, {"spec", "replicas"}, 1)),
          IntAt(o, {"status", "updatedReplicas"}),
          IntAt(o, {"status", "availableReplicas"}),
          AgeOf(o, now),
          ContainerNames(pod),
          ContainerImages(pod),
          SelectorText(At(o, {"spec", "selector"}))};
}

Cells ReplicaSet(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "template", "spec"});
  const Json& selector = At(o, {"spec", "selector"});
  const bool plain_map = selector.is_object() && !selector.contains("matchLabels") &&
                         !selector.contains("matchExpressions");
  return {IntAt(o, {"spec", "replicas"}, 1),
          IntAt(o, {"status", "replicas"}),
          IntAt(o, {"status", "readyReplicas"}),
          AgeOf(o, now),
          ContainerNames(pod),
          ContainerImages(pod),
          plain_map ? MapText(selector) : SelectorText(selector)};
}

Cells StatefulSet(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "template", "spec"});
  return {fmt::format("{}/{}", IntAt(o, {"status", "readyReplicas"}),
                      IntAt(o, {"spec", "replicas"}, 1)),
          AgeOf(o, now), ContainerNames(pod), ContainerImages(pod)};
}

Cells DaemonSet(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "template", "spec"});
  return {IntAt(o, {"status", "desiredNumberScheduled"}),
          IntAt(o, {"status", "currentNumberScheduled"}),
          IntAt(o, {"status", "numberReady"}),
          IntAt(o, {"status", "updatedNumberScheduled"}),
          IntAt(o, {"status", "numberAvailable"}),
          MapText(At(pod, "nodeSelector")),
          AgeOf(o, now),
          ContainerNames(pod),
          ContainerImages(pod),
          SelectorText(At(o, {"spec", "selector"}))};
}

namespace {

std::string JobStatus(const Json& job) {
  std::string word = "Running";
  for (const Json& condition : ListAt(job, {"status", "conditions"})) {
    if (TextAt(condition, "status") != "True") continue;
    const std::string type = TextAt(condition, "type");
    if (type == "Complete" || type == "Failed") return type;
    if (type == "Suspended") word = type;
    if (type == "FailureTarget" || type == "SuccessCriteriaMet") word = type;
  }
  return At(job, {"metadata", "deletionTimestamp"}).is_string() ? "Terminating" : word;
}

}  // namespace

Cells Job(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "template", "spec"});
  const int64_t done = IntAt(o, {"status", "succeeded"});
  std::string completions;
  if (At(o, {"spec", "completions"}).is_number()) {
    completions = fmt::format("{}/{}", done, IntAt(o, {"spec", "completions"}));
  } else if (int64_t parallel = IntAt(o, {"spec", "parallelism"}, 1); parallel > 1) {
    completions = fmt::format("{}/1 of {}", done, parallel);
  } else {
    completions = fmt::format("{}/1", done);
  }
  std::string duration;
  absl::Time start;
  if (base::ParseRfc3339(TextAt(o, {"status", "startTime"}), &start)) {
    absl::Time end = now;
    base::ParseRfc3339(TextAt(o, {"status", "completionTime"}), &end);
    duration = HumanDuration(end - start);
  }
  return {JobStatus(o),
          completions,
          duration,
          AgeOf(o, now),
          ContainerNames(pod),
          ContainerImages(pod),
          SelectorText(At(o, {"spec", "selector"}))};
}

Cells CronJob(const Json& o, absl::Time now) {
  const Json& pod = At(o, {"spec", "jobTemplate", "spec", "template", "spec"});
  const Json& last = At(o, {"status", "lastScheduleTime"});
  return {TextAt(o, {"spec", "schedule"}),
          OrNone(TextAt(o, {"spec", "timeZone"})),
          BoolAt(o, {"spec", "suspend"}) ? "True" : "False",
          ListAt(o, {"status", "active"}).size(),
          last.is_string() ? Age(last, now) : "<none>",
          AgeOf(o, now),
          ContainerNames(pod),
          ContainerImages(pod),
          SelectorText(At(o, {"spec", "jobTemplate", "spec", "selector"}))};
}

namespace {

std::string Percent(const Json& value) {
  return value.is_number() ? fmt::format("{}%", value.get<int64_t>()) : "<unknown>";
}

std::string Amount(const Json& value) {
  const std::string text = Scalar(value);
  return text.empty() ? "<unknown>" : text;
}

// One metric of the spec with the current value of the status at the same place.
std::string MetricText(const Json& metric, const Json& current) {
  const std::string type = TextAt(metric, "type");
  const char* member = type == "Resource"            ? "resource"
                       : type == "ContainerResource" ? "containerResource"
                       : type == "Pods"              ? "pods"
                       : type == "Object"            ? "object"
                                                     : "external";
  const Json& target = At(metric, {member, "target"});
  const Json& now = At(current, {member, "current"});
  const std::string name = type == "Resource" || type == "ContainerResource"
                               ? TextAt(metric, {member, "name"}) + ": "
                               : "";
  if (At(target, "averageUtilization").is_number()) {
    return name + Percent(At(now, "averageUtilization")) + "/" +
           Percent(At(target, "averageUtilization"));
  }
  if (!At(target, "averageValue").is_null()) {
    const char* suffix = type == "External" || type == "Object" ? " (avg)" : "";
    return name + Amount(At(now, "averageValue")) + "/" + Amount(At(target, "averageValue")) +
           suffix;
  }
  return name + Amount(At(now, "value")) + "/" + Amount(At(target, "value"));
}

}  // namespace

Cells Autoscaler(const Json& o, absl::Time now) {
  const Json& metrics = ListAt(o, {"spec", "metrics"});
  const Json& current = ListAt(o, {"status", "currentMetrics"});
  std::string targets;
  for (size_t i = 0; i < metrics.size() && i < 2; ++i) {
    if (i > 0) targets += ", ";
    targets += MetricText(metrics[i], i < current.size() ? current[i] : Json());
  }
  if (metrics.size() > 2) targets += fmt::format(" + {} more...", metrics.size() - 2);
  const Json& least = At(o, {"spec", "minReplicas"});
  return {TextAt(o, {"spec", "scaleTargetRef", "kind"}) + "/" +
              TextAt(o, {"spec", "scaleTargetRef", "name"}),
          OrNone(targets),
          least.is_number() ? Scalar(least) : "<unset>",
          IntAt(o, {"spec", "maxReplicas"}),
          IntAt(o, {"status", "currentReplicas"}),
          AgeOf(o, now)};
}

Cells DisruptionBudget(const Json& o, absl::Time now) {
  const std::string least = Scalar(At(o, {"spec", "minAvailable"}));
  const std::string most = Scalar(At(o, {"spec", "maxUnavailable"}));
  return {least.empty() ? "N/A" : least, most.empty() ? "N/A" : most,
          IntAt(o, {"status", "disruptionsAllowed"}), AgeOf(o, now)};
}

Cells ControllerRevision(const Json& o, absl::Time now) {
  std::string controller = "<none>";
  for (const Json& owner : ListAt(o, {"metadata", "ownerReferences"})) {
    if (!BoolAt(owner, {"controller"})) continue;
    std::string group = TextAt(owner, "apiVersion");
    group = group.find('/') == std::string::npos ? "" : group.substr(0, group.find('/'));
    controller = base::AsciiLower(TextAt(owner, "kind")) + (group.empty() ? "" : "." + group) +
                 "/" + TextAt(owner, "name");
  }
  return {controller, std::to_string(IntAt(o, "revision")), AgeOf(o, now)};
}

}  // namespace opsmesh::kubesim::printers
