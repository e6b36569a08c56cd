// The metrics of a HorizontalPodAutoscaler, measured over the pods of its target; for the files of
// that controller alone.
#pragma once

#include <string>

#include "libs/kubesim/behaviour/controllers/autoscaler_math.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// What an autoscaler scales.
struct ScalingTarget {
  const ResourceType* type = nullptr;
  ObjectPtr object;
  Json json;  // of `object`
  int64_t replicas = 0;
};

/// One metric, measured; or why it cannot be, in the words of a real controller.
struct Measured {
  Proposal proposal;
  Json shown;                   // an element of status.currentMetrics
  std::string name;             // "cpu resource utilization (percentage of request)"
  std::string reason, failure;  // of an event; empty when it was measured
};

/// `metric`: an element of spec.metrics. Custom and external metrics have no adapter here.
Measured Measure(Engine& engine, Pods& pods, const ScalingTarget& target, const Json& metric);

/// "cpu resource metric value": what could not be had, as the event of a round says it.
std::string WhatOf(const Json& metric);

}  // namespace opsmesh::kubesim
