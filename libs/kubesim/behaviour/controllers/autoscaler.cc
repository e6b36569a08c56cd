// After pkg/controller/podautoscaler of Kubernetes 1.32 (order of steps, conditions, texts).
#include "libs/kubesim/behaviour/controllers/autoscaler.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/autoscaler_metrics.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kEvery = absl::Seconds(15);
const EventSource kSource{"horizontal-pod-autoscaler", ""};

// Asked for by its scale, a target is named so: deployments/scale.apps.
std::string ScaleNotFound(ResourceType type, const std::string& name) {
  if (!type.custom) type.plural += "/scale";
  return NotFoundStatus(type, name).message;
}

// The version that a reference names does not matter.
const ResourceType* TypeOfKind(const ResourceCatalog& catalog, std::string_view group,
                               std::string_view kind) {
  for (const ResourceType* type : catalog.All()) {
    if (type->kind == kind && type->group == group) return type;
  }
  return nullptr;
}

}  // namespace

struct AutoscalerController::Sync {
  ObjectPtr object;
  Json json;
  Json status;
  ScalingTarget target;
  int64_t proposed = 0;
  std::string metric;  // that asked for the most
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
      queue_.AddAfter(KeyOf(seen.now->ns, seen.now->name), kEvery);
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
  return Next::After(kEvery);
}

bool AutoscalerController::FindTarget(Sync& sync) {
  const Json& reference = At(sync.json, {"spec", "scaleTargetRef"});
  const std::string kind = TextAt(reference, "kind"), name = TextAt(reference, "name");
  const std::string version = TextAt(reference, "apiVersion");
  const size_t slash = version.find('/');
  const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
  sync.target.type = TypeOfKind(engine_.store().catalog(), group, kind);
  std::string why;
  if (sync.target.type == nullptr) {
    why = fmt::format("no matches for kind \"{}\" in group \"{}\"", kind, group);
  } else if (sync.target.type->FindSubresource("scale") == nullptr) {
    why = "the server could not find the requested resource";
  } else {
    sync.target.object = engine_.store().Get(*sync.target.type, sync.object->ns, name);
    if (!sync.target.object) why = ScaleNotFound(*sync.target.type, name);
  }
  if (sync.target.object) {
    sync.target.json = sync.target.object->Parse();
    sync.target.replicas = IntAt(sync.target.json, {"spec", "replicas"}, 1);
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
  sync.status["currentReplicas"] =
      IntAt(sync.target.json, {"status", "replicas"}, sync.target.replicas);
  const Json& spec = At(sync.json, "spec");
  const int64_t least = IntAt(spec, "minReplicas", 1), most = IntAt(spec, "maxReplicas", 1);
  if (sync.target.replicas == 0 && least != 0) {
    Set(sync, "ScalingActive", false, "ScalingDisabled",
        "scaling is disabled since the replica count of the target is zero");
    sync.status["desiredReplicas"] = 0;
    return;
  }
  if (sync.target.replicas > most)
    return Rescale(sync, most, "Current number of replicas above Spec.MaxReplicas");
  if (sync.target.replicas < least)
    return Rescale(sync, least, "Current number of replicas below Spec.MinReplicas");
  // What runs when it begins counts as its first recommendation: nothing shrinks at once.
  ScalingMemory& memory = memory_[sync.object->uid];
  if (memory.recommendations.empty())
    memory.recommendations.push_back({engine_.Now(), sync.target.replicas});
  if (!Compute(sync)) return;
  const Limited limited = Limit(spec, sync.target.replicas, sync.proposed, memory, engine_.Now());
  if (!limited.able_reason.empty())
    Set(sync, "AbleToScale", true, limited.able_reason, limited.able_message);
  Set(sync, "ScalingLimited", limited.limited, limited.limited_reason, limited.limited_message);
  sync.status["desiredReplicas"] = limited.replicas;
  if (limited.replicas == sync.target.replicas) return;
  Rescale(sync, limited.replicas,
          limited.replicas > sync.target.replicas ? sync.metric + " above target"
                                                  : "All metrics below target");
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
  Json shown = Json::array();
  for (const Json& metric : metrics) {
    Measured measured = Measure(engine_, pods_, sync.target, metric);
    if (!measured.failure.empty()) {
      if (invalid++ == 0) {
        first_reason = measured.reason;
        first = measured.failure;
        first_what = WhatOf(metric);
      }
      Say(sync, "Warning", measured.reason, measured.failure);
      shown.push_back({{"type", ""}});
      continue;
    }
    shown.push_back(std::move(measured.shown));
    if (!any || measured.proposal.replicas > sync.proposed) {
      sync.proposed = measured.proposal.replicas;
      sync.metric = measured.name;
    }
    any = true;
  }
  const int64_t total = static_cast<int64_t>(metrics.size());
  sync.status["currentMetrics"] = std::move(shown);
  // With some figures missing it may grow, but not shrink.
  if (invalid >= total || (invalid > 0 && sync.proposed < sync.target.replicas)) {
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

void AutoscalerController::Rescale(Sync& sync, int64_t replicas, const std::string& reason) {
  auto written = engine_.client().Change(
      *sync.target.type, sync.object->ns, sync.target.object->name,
      [&](Json& target) {
        const Json before = target;
        target["spec"]["replicas"] = replicas;
        // Who applies the target must learn that this number is another's.
        if (!ListAt(target, {"metadata", "managedFields"}).empty()) {
          TrackUpdate(before, target,
                      {"kube-controller-manager", sync.target.type->ApiVersion(), "scale",
                       base::Rfc3339(engine_.Now())},
                      *sync.target.type);
        }
        return true;
      },
      sync.target.object->uid);
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
  auto& changes = replicas > sync.target.replicas ? memory.ups : memory.downs;
  std::erase_if(changes,
                [&](const auto& change) { return change.time < engine_.Now() - absl::Hours(1); });
  changes.push_back({engine_.Now(), std::abs(replicas - sync.target.replicas)});
}

}  // namespace opsmesh::kubesim
