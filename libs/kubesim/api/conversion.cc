// The two kinds that are served in another shape than they are kept in.
#include <algorithm>

#include "libs/base/json.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kMetricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";
constexpr const char* kConditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions";

// core/v1 name, events.k8s.io/v1 name
constexpr const char* kEventMembers[][2] = {{"involvedObject", "regarding"},
                                            {"message", "note"},
                                            {"reportingComponent", "reportingController"},
                                            {"count", "deprecatedCount"},
                                            {"firstTimestamp", "deprecatedFirstTimestamp"},
                                            {"lastTimestamp", "deprecatedLastTimestamp"},
                                            {"source", "deprecatedSource"}};

void Rename(Json& object, const char* from, const char* to) {
  auto it = object.find(from);
  if (it == object.end()) return;
  Json value = std::move(*it);
  object.erase(it);
  object[to] = std::move(value);
}

bool IsCpuUtilization(const Json& metric, const char* side) {
  return TextAt(metric, "type") == "Resource" && TextAt(metric, {"resource", "name"}) == "cpu" &&
         At(metric, {"resource", side, "averageUtilization"}).is_number();
}

Json AutoscalerToV1(Json object) {
  Json others = Json::array();
  for (const Json& metric : ListAt(object, {"spec", "metrics"})) {
    if (IsCpuUtilization(metric, "target")) {
      object["spec"]["targetCPUUtilizationPercentage"] =
          At(metric, {"resource", "target", "averageUtilization"});
    } else {
      others.push_back(metric);
    }
  }
  for (const Json& metric : ListAt(object, {"status", "currentMetrics"})) {
    if (IsCpuUtilization(metric, "current")) {
      object["status"]["currentCPUUtilizationPercentage"] =
          At(metric, {"resource", "current", "averageUtilization"});
    }
  }
  if (!others.empty()) object["metadata"]["annotations"][kMetricsAnnotation] = others.dump();
  if (const Json& conditions = ListAt(object, {"status", "conditions"}); !conditions.empty()) {
    object["metadata"]["annotations"][kConditionsAnnotation] = conditions.dump();
  }
  if (object.contains("spec")) {
    object["spec"].erase("metrics");
    object["spec"].erase("behavior");
  }
  if (object.contains("status") && object["status"].is_object()) {
    object["status"].erase("currentMetrics");
    object["status"].erase("conditions");
    for (const char* member : {"currentReplicas", "desiredReplicas"}) {
      if (!object["status"].contains(member)) object["status"][member] = 0;
    }
  }
  return object;
}

// What does not decode is ignored as a whole: the shape of an annotation's text was never checked.
bool AreMetrics(const Json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& one) {
           return one.is_object() && CheckShapeOf("autoscaling.v2.MetricSpec", one).wrong.empty();
         });
}

Json AutoscalerFromV1(Json object) {
  if (!object.contains("spec") || !object["spec"].is_object()) return object;
  Json& spec = object["spec"];
  Json metrics = Json::array();
  if (const Json& percent = At(spec, "targetCPUUtilizationPercentage"); percent.is_number()) {
    metrics.push_back({{"type", "Resource"},
                       {"resource",
                        {{"name", "cpu"},
                         {"target", {{"type", "Utilization"}, {"averageUtilization", percent}}}}}});
  }
  // Written by clients as well: bounded before it is copied.
  const auto kept =
      base::ParseJson(TextAt(object, {"metadata", "annotations", kMetricsAnnotation}));
  if (kept.ok() && AreMetrics(*kept)) metrics.insert(metrics.end(), kept->begin(), kept->end());
  if (Json& meta = object["metadata"];
      meta.contains("annotations") && meta["annotations"].is_object()) {
    meta["annotations"].erase(kMetricsAnnotation);
    meta["annotations"].erase(kConditionsAnnotation);
  }
  spec.erase("targetCPUUtilizationPercentage");
  if (!metrics.empty()) spec["metrics"] = std::move(metrics);
  return object;
}

bool IsNewEvent(const ResourceType& type) { return type.group == "events.k8s.io"; }
bool IsOldAutoscaler(const ResourceType& type) {
  return type.group == "autoscaling" && type.version == "v1";
}

}  // namespace

bool NeedsConversion(const ResourceType& type) { return IsNewEvent(type) || IsOldAutoscaler(type); }

Json FromStorage(const ResourceType& type, Json object) {
  if (IsOldAutoscaler(type)) return AutoscalerToV1(std::move(object));
  if (!IsNewEvent(type)) return object;
  for (const auto& [core, newer] : kEventMembers) Rename(object, core, newer);
  for (const char* member : {"reportingController", "reportingInstance"}) {
    if (At(object, member) == "") object.erase(member);
  }
  if (!object.contains("deprecatedSource")) object["deprecatedSource"] = Json::object();
  return object;
}

Json ToStorage(const ResourceType& type, Json object) {
  if (IsOldAutoscaler(type)) return AutoscalerFromV1(std::move(object));
  if (!IsNewEvent(type)) return object;
  for (const auto& [core, newer] : kEventMembers) Rename(object, newer, core);
  return object;
}

}  // namespace opsmesh::kubesim
