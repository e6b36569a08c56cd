// After pkg/controller/podautoscaler of Kubernetes 1.32 (order of steps, conditions, texts).
#include "libs/kubesim/behaviour/controllers/autoscaler.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/metrics_reader.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(15);
constexpr double kTolerance = 0.1;
constexpr absl::Duration kCpuInitialization = absl::Minutes(5);
constexpr absl::Duration kInitialReadiness = absl::Seconds(30);
const EventSource kSource{"horizontal-pod-autoscaler", ""};

std::string Quantity(long double thousandths, const std::string& resource) {
  const int64_t amount = static_cast<int64_t>(thousandths);
  if (resource == "cpu")
    return amount % 1000 == 0 ? std::to_string(amount / 1000) : fmt::format("{}m", amount);
  return std::to_string(amount / 1000);
}

// "cpu resource metric value": what could not be had, as the event of a round says it.
std::string WhatOf(const Json& metric) {
  const std::string type = TextAt(metric, "type");
  if (type == "Resource") return TextAt(metric, {"resource", "name"}) + " resource metric value";
  if (type == "ContainerResource")
    return TextAt(metric, {"containerResource", "name"}) + " container metric value";
  if (type == "External")
    return TextAt(metric, {"external", "metric", "name"}) + " external metric value";
  return type == "Pods" ? "pods metric value" : "object metric value";
}

// No adapter serves custom or external metrics here; in the words of a cluster without one.
std::string NoAdapter(const std::string& ns, const std::string& type, const Json& source) {
  constexpr const char* kNoCustom =
      "unable to fetch metrics from custom metrics API: no custom metrics API "
      "(custom.metrics.k8s.io) registered";
  const std::string name = TextAt(source, {"metric", "name"});
  if (type == "External") {
    return fmt::format(
        "unable to get external metric {}/{}/{}: unable to fetch metrics from external metrics "
        "API: the server could not find the requested resource (get {}.external.metrics.k8s.io)",
        ns, name,
        At(source, {"metric", "selector"}).is_object() ? GoText(At(source, {"metric", "selector"}))
                                                       : "nil",
        name);
  }
  if (type == "Object") {
    return fmt::format("unable to get metric {}: {} on {} {}/{}", name,
                       TextAt(source, {"describedObject", "kind"}), ns,
                       TextAt(source, {"describedObject", "name"}), kNoCustom);
  }
  return fmt::format("unable to get metric {}: {}", name, kNoCustom);
}

// Asked for by its scale, a target is named so: deployments/scale.apps.
std::string ScaleNotFound(ResourceType type, const std::string& name) {
  if (!type.custom) type.plural += "/scale";
  return NotFoundStatus(type, name).message;
}

}  // namespace

struct AutoscalerController::Sync {
  ObjectPtr object;
  Json json;
  Json status;
  const ResourceType* target_type = nullptr;
  ObjectPtr target;
  Json target_json;
  int64_t current = 0;
  int64_t proposed = 0;
  std::string metric;          // that asked for the most
  Json shown = Json::array();  // status.currentMetrics
  std::string failure_reason, failure;
  std::string key;  // namespace/name of the target, for sentences
};

AutoscalerController::AutoscalerController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      autoscalers_(engine.InformerOf("autoscaling", "horizontalpodautoscalers")),
      queue_(engine.AddQueue("autoscaler", [this](const std::string& key) { return Run(key); })) {
  autoscalers_.OnChange([this](const Seen& seen) {
    if (!seen.now) {
      memory_.erase(seen.before->uid);
    } else if (!seen.before) {
      queue_.AddAfter(KeyOf(seen.now->ns, seen.now->name), kEvery, true);
    }
  });
}

void AutoscalerController::Say(const Sync& sync, std::string_view type, std::string_view reason,
                               const std::string& message) {
  engine_.events().Record(kSource, autoscalers_.type(), *sync.object, type, reason, message);
}

void AutoscalerController::Set(Sync& sync, const char* type, bool good, std::string_view reason,
                               const std::string& message) {
  SetCondition(sync.status, type, good ? "True" : "False", reason, message, engine_.Now(), Json());
}

Next AutoscalerController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = autoscalers_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  sync.status = At(sync.json, "status").is_object() ? At(sync.json, "status") : Json::object();
  Round(sync);
  (void)engine_.client().Change(
      autoscalers_.type(), ns, name,
      [&](Json& object) {
        if (At(object, "status") == sync.status) return false;
        object["status"] = sync.status;
        return true;
      },
      sync.object->uid);
  return Next::Background(kEvery);
}

bool AutoscalerController::FindTarget(Sync& sync) {
  const Json& reference = At(sync.json, {"spec", "scaleTargetRef"});
  const std::string kind = TextAt(reference, "kind"), name = TextAt(reference, "name");
  sync.key = fmt::format("{}/{}/{}", kind, sync.object->ns, name);
  sync.target_type = engine_.store().catalog().FindKind(TextAt(reference, "apiVersion"), kind);
  std::string why;
  if (sync.target_type == nullptr || sync.target_type->FindSubresource("scale") == nullptr) {
    why = fmt::format(
        "no matches for kind \"{}\" in group \"{}\"", kind,
        TextAt(reference, "apiVersion").substr(0, TextAt(reference, "apiVersion").find('/')));
  } else {
    sync.target = engine_.store().Get(*sync.target_type, sync.object->ns, name);
    if (!sync.target) why = ScaleNotFound(*sync.target_type, name);
  }
  if (sync.target) {
    sync.target_json = sync.target->Parse();
    sync.current = IntAt(sync.target_json, {"spec", "replicas"}, 1);
    return true;
  }
  Set(sync, "AbleToScale", false, "FailedGetScale",
      "the HPA controller was unable to get the target's current scale: " + why);
  Say(sync, "Warning", "FailedGetScale", why);
  return false;
}

void AutoscalerController::Round(Sync& sync) {
  if (!FindTarget(sync)) return;
  Set(sync, "AbleToScale", true, "SucceededGetScale",
      "the HPA controller was able to get the target's current scale");
  sync.status["currentReplicas"] = IntAt(sync.target_json, {"status", "replicas"}, sync.current);
  const Json& spec = At(sync.json, "spec");
  const int64_t least = IntAt(spec, "minReplicas", 1), most = IntAt(spec, "maxReplicas", 1);
  if (sync.current == 0 && least != 0) {
    Set(sync, "ScalingActive", false, "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero");
    sync.status["desiredReplicas"] = 0;
    return;
  }
  if (sync.current > most)
    return Rescale(sync, most, "Current number of replicas above Spec.MaxReplicas");
  if (sync.current < least)
    return Rescale(sync, least, "Current number of replicas below Spec.MinReplicas");
  // What runs when it begins counts as its first recommendation: nothing shrinks at once.
  ScalingMemory& memory = memory_[sync.object->uid];
  if (memory.recommendations.empty())
    memory.recommendations.push_back({engine_.Now(), sync.current});
  if (!Compute(sync)) return;
  const Limited limited = Limit(spec, sync.current, sync.proposed, memory, engine_.Now());
  if (!limited.able_reason.empty())
    Set(sync, "AbleToScale", true, limited.able_reason, limited.able_message);
  Set(sync, "ScalingLimited", limited.limited, limited.limited_reason, limited.limited_message);
  sync.status["desiredReplicas"] = limited.replicas;
  if (limited.replicas == sync.current) return;
  Rescale(
      sync, limited.replicas,
      limited.replicas > sync.current ? sync.metric + " above target" : "All metrics below target");
}

bool AutoscalerController::Compute(Sync& sync) {
  Json metrics = ListAt(sync.json, {"spec", "metrics"});
  if (metrics.empty()) {
    metrics = Json::array(
        {{{"type", "Resource"},
          {"resource",
           {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 80}}}}}}});
  }
  int64_t invalid = 0;
  std::string first_reason, first, first_what;
  bool any = false;
  for (const Json& metric : metrics) {
    Json shown;
    Proposal proposal;
    std::string name;
    if (!Measure(sync, metric, &shown, &proposal, &name)) {
      if (invalid++ == 0) {
        first_reason = sync.failure_reason;
        first = sync.failure;
        first_what = WhatOf(metric);
      }
      Say(sync, "Warning", sync.failure_reason, sync.failure);
      sync.shown.push_back({{"type", ""}});
      continue;
    }
    sync.shown.push_back(std::move(shown));
    if (!any || proposal.replicas > sync.proposed) {
      sync.proposed = proposal.replicas;
      sync.metric = name;
    }
    any = true;
  }
  const int64_t total = static_cast<int64_t>(metrics.size());
  sync.status["currentMetrics"] = sync.shown;
  // With some figures missing it may grow, but not shrink.
  if (invalid >= total || (invalid > 0 && sync.proposed < sync.current)) {
    Set(sync, "ScalingActive", false, first_reason,
        "the HPA was unable to compute the replica count: " + first);
    Say(sync, "Warning", "FailedComputeMetricsReplicas",
        fmt::format("invalid metrics ({} invalid out of {}), first error is: failed to get {}: {}",
                    invalid, total, first_what, first));
    sync.status["desiredReplicas"] = IntAt(sync.status, "desiredReplicas");
    return false;
  }
  if (invalid == 0) sync.status["desiredReplicas"] = sync.proposed;
  Set(sync, "ScalingActive", true, "ValidMetricFound",
      "the HPA was able to successfully calculate a replica count from " + sync.metric);
  return true;
}

bool AutoscalerController::Measure(Sync& sync, const Json& metric, Json* shown, Proposal* proposal,
                                   std::string* name) {
  const std::string type = TextAt(metric, "type");
  const bool contained = type == "ContainerResource";
  if (type != "Resource" && !contained) {
    static const std::map<std::string, const char*> kOthers = {
        {"Pods", "FailedGetPodsMetric"},
        {"Object", "FailedGetObjectMetric"},
        {"External", "FailedGetExternalMetric"}};
    auto other = kOthers.find(type);
    if (other == kOthers.end()) {
      sync.failure_reason = "InvalidMetricSourceType";
      sync.failure = fmt::format("unknown metric source type \"{}\"", type);
      return false;
    }
    const std::string member = type == "Pods" ? "pods" : type == "Object" ? "object" : "external";
    sync.failure_reason = other->second;
    sync.failure = NoAdapter(sync.object->ns, type, At(metric, member.c_str()));
    return false;
  }
  const Json& source = At(metric, contained ? "containerResource" : "resource");
  const std::string resource = TextAt(source, "name");
  const std::string container = contained ? TextAt(source, "container") : "";
  const bool utilization = At(source, {"target", "averageUtilization"}).is_number();
  sync.failure_reason = contained ? "FailedGetContainerResourceMetric" : "FailedGetResourceMetric";
  MetricPods pods;
  if (!Gather(sync, resource, container, utilization, &pods)) return false;
  Json current = Json::object();
  if (utilization) {
    *proposal = ByUtilization(pods, IntAt(source, {"target", "averageUtilization"}), sync.current,
                              kTolerance);
    current["averageUtilization"] = proposal->utilization;
    *name = contained
                ? fmt::format("{} container resource utilization (percentage of request)", resource)
                : fmt::format("{} resource utilization (percentage of request)", resource);
  } else {
    const auto target = ParseQuantity(At(source, {"target", "averageValue"}));
    if (!target || *target <= 0) {
      sync.failure =
          "invalid resource metric source: neither an average utilization target nor an average "
          "value (usage) target was set";
      return false;
    }
    *proposal = ByAverage(pods, *target, sync.current, kTolerance);
    *name = contained ? fmt::format("{} container resource", resource)
                      : fmt::format("{} resource", resource);
  }
  current["averageValue"] = Quantity(proposal->average, resource);
  Json detail = {{"name", resource}, {"current", current}};
  if (contained) detail["container"] = container;
  *shown = {{"type", type}, {contained ? "containerResource" : "resource", detail}};
  return true;
}

bool AutoscalerController::Gather(Sync& sync, const std::string& resource,
                                  const std::string& container, bool need_requests,
                                  MetricPods* out) {
  const std::string what = need_requests ? fmt::format("failed to get {} utilization: ", resource)
                                         : fmt::format("failed to get {} usage: ", resource);
  const Json& selector = At(sync.target_json, {"spec", "selector"});
  const bool plain = sync.target_type->storage_key == "/replicationcontrollers";
  const auto pods =
      pods_.Selected(sync.object->ns,
                     plain ? LabelSelector::FromMap(selector) : LabelSelector::FromObject(selector),
                     plain ? selector : At(selector, "matchLabels"));
  const auto usage = ReadPodUsage(engine_, pods, resource);
  if (!usage) {
    sync.failure =
        what +
        fmt::format(
            "unable to get metrics for resource {}: unable to fetch metrics from resource metrics "
            "API: the server could not find the requested resource (get pods.metrics.k8s.io)",
            resource);
    return false;
  }
  bool none = true;
  for (const PodView* pod : pods) none &= !usage->contains(pod->name());
  if (none) {
    sync.failure =
        what +
        fmt::format(
            "unable to get metrics for resource {}: no metrics returned from resource metrics API",
            resource);
    return false;
  }
  for (const PodView* pod : pods) {
    if (pod->deleted || pod->phase == "Failed") continue;
    const auto content = engine_.Parsed(pod->object);
    long double request = 0;
    for (const Json& one : ListAt(*content, {"spec", "containers"})) {
      if (!container.empty() && TextAt(one, "name") != container) continue;
      const auto amount = ParseQuantity(At(one, {"resources", "requests", resource.c_str()}));
      if (!amount && need_requests) {
        sync.failure = what + fmt::format("missing request for {} in container {} of Pod {}",
                                          resource, TextAt(one, "name"), pod->name());
        return false;
      }
      request += amount.value_or(0);
    }
    out->requests[pod->name()] = request;
    auto known = usage->find(pod->name());
    if (pod->phase == "Pending") {
      out->unready.push_back(pod->name());
      continue;
    }
    if (known == usage->end()) {
      out->missing.push_back(pod->name());
      continue;
    }
    if (resource == "cpu") {
      const absl::Time start = TimeAt(*content, {"status", "startTime"}, pod->created);
      const bool young = start + kCpuInitialization > engine_.Now();
      const bool unready =
          young ? !pod->ready || known->second.taken < pod->ready_since + known->second.window
                : !pod->ready && start + kInitialReadiness > pod->ready_since;
      if (unready) {
        out->unready.push_back(pod->name());
        continue;
      }
    }
    long double used = 0;
    for (const auto& [one, amount] : known->second.containers) {
      if (container.empty() || one == container) used += amount;
    }
    out->usage[pod->name()] = used;
  }
  out->ready = out->usage.size();
  if (out->usage.empty()) {
    sync.failure = what + "did not receive metrics for targeted pods (pods might be unready)";
    return false;
  }
  return true;
}

void AutoscalerController::Rescale(Sync& sync, int64_t replicas, const std::string& reason) {
  auto written = engine_.client().Change(
      *sync.target_type, sync.object->ns, sync.target->name,
      [&](Json& target) {
        target["spec"]["replicas"] = replicas;
        return true;
      },
      sync.target->uid);
  if (!written.ok()) {
    Set(sync, "AbleToScale", false, "FailedUpdateScale",
        "the HPA controller was unable to update the target scale: " + written.status().message);
    Say(sync, "Warning", "FailedRescale",
        fmt::format("New size: {}; reason: {}; error: {}", replicas, reason,
                    written.status().message));
    return;
  }
  Set(sync, "AbleToScale", true, "SucceededRescale",
      fmt::format("the HPA controller was able to update the target scale to {}", replicas));
  Say(sync, "Normal", "SuccessfulRescale",
      fmt::format("New size: {}; reason: {}", replicas, reason));
  sync.status["desiredReplicas"] = replicas;
  sync.status["lastScaleTime"] = base::Rfc3339(engine_.Now());
  ScalingMemory& memory = memory_[sync.object->uid];
  auto& changes = replicas > sync.current ? memory.ups : memory.downs;
  std::erase_if(changes,
                [&](const auto& change) { return change.time < engine_.Now() - absl::Hours(1); });
  changes.push_back({engine_.Now(), std::abs(replicas - sync.current)});
}

}  // namespace opsmesh::kubesim
