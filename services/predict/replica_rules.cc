#include "services/predict/replica_rules.h"

#include <cmath>

#include "libs/analytics/replicas/capacity.h"
#include "libs/base/error.h"

namespace opsmesh::predict {
namespace {

constexpr int kMostReplicas = 10000;
constexpr double kDefaultShortageCost = 10;

template <typename Request>
StatedRules FromRequest(const Request& request) {
  StatedRules stated{.shortage_cost = request.shortage_cost()};
  if (request.has_capacity_qps()) stated.capacity_qps = request.capacity_qps();
  if (request.has_target_utilization()) stated.target_utilization = request.target_utilization();
  if (request.has_pod_start_seconds()) stated.pod_start_seconds = request.pod_start_seconds();
  if (request.has_down_stabilization_seconds())
    stated.down_stabilization_seconds = request.down_stabilization_seconds();
  if (request.has_min_replicas()) stated.least = request.min_replicas();
  if (request.has_max_replicas()) stated.most = request.max_replicas();
  return stated;
}

absl::Status Check(const StatedRules& stated, const analytics::ReplicaRules& rules) {
  if (stated.capacity_qps && !(*stated.capacity_qps > 0 && std::isfinite(*stated.capacity_qps))) {
    return base::InvalidArgument("capacity_qps", "CAPACITY", "capacity_qps must be above 0.")
        .Hint("Leave it out to have it measured or taken from the history.");
  }
  if (!(rules.target_utilization >= 0.05 && rules.target_utilization <= 1)) {
    return base::InvalidArgument(
        "target_utilization", "TARGET",
        "target_utilization must be between 0.05 and 1, for instance 0.7.");
  }
  if (!(rules.shortage_cost >= 0.01 && rules.shortage_cost <= 10000)) {
    return base::InvalidArgument("shortage_cost", "COST",
                                 "shortage_cost must be between 0.01 and 10,000, for instance 10.");
  }
  if (!(rules.pod_start_seconds >= 0 && rules.pod_start_seconds <= 3600)) {
    return base::InvalidArgument("pod_start_seconds", "POD_START",
                                 "pod_start_seconds must be between 0 and 3,600.");
  }
  if (!(rules.down_stabilization_seconds >= 0 && rules.down_stabilization_seconds <= 86400)) {
    return base::InvalidArgument("down_stabilization_seconds", "POD_START",
                                 "down_stabilization_seconds must be between 0 and 86,400.");
  }
  if (rules.least < 1 || rules.least > kMostReplicas) {
    return base::InvalidArgument("min_replicas", "REPLICAS",
                                 "min_replicas must be between 1 and 10,000.");
  }
  if (rules.most < rules.least || rules.most > kMostReplicas) {
    return base::InvalidArgument("max_replicas", "REPLICAS",
                                 "max_replicas must be between min_replicas and 10,000.");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view SourceInEnglish(std::string_view source) {
  if (source == "given") return "as given";
  if (source == "measured") return "measured from the processor use of its pods";
  if (source == "configured") return "configured";
  if (source == "history")
    return "taken so that the highest load of the history keeps 12 pods busy";
  return "assumed; set predict.capacity_qps";
}

std::string_view SourceInChinese(std::string_view source) {
  if (source == "given") return "由请求给出";
  if (source == "measured") return "由 pod 的 CPU 用量测得";
  if (source == "configured") return "配置值";
  if (source == "history") return "按历史最高负载恰好占满 12 个 pod 推算";
  return "假定值，请设置 predict.capacity_qps";
}

PodCapacity ChooseCapacity(const PredictConfig& config, std::optional<double> given,
                           std::optional<double> measured, std::span<const double> load) {
  if (given) return {*given, "given"};
  if (measured) return {*measured, "measured"};
  if (!config.capacity_is_assumed) return {config.capacity_qps, "configured"};
  if (const double qps = analytics::CapacityOfHistory(load); qps > 0) return {qps, "history"};
  return {config.capacity_qps, "assumed"};
}

StatedRules Stated(const v1::PlanReplicasRequest& request) { return FromRequest(request); }
StatedRules Stated(const v1::ReplayReplicasRequest& request) { return FromRequest(request); }

absl::StatusOr<analytics::ReplicaRules> RulesOf(const PredictConfig& config,
                                                const StatedRules& stated,
                                                const AutoscalerBounds& autoscaler) {
  analytics::ReplicaRules rules = ConfiguredRules(config, {.qps = 1, .source = ""});
  rules.target_utilization = stated.target_utilization.value_or(rules.target_utilization);
  rules.shortage_cost = stated.shortage_cost != 0 ? stated.shortage_cost : kDefaultShortageCost;
  rules.pod_start_seconds = stated.pod_start_seconds.value_or(rules.pod_start_seconds);
  rules.down_stabilization_seconds =
      stated.down_stabilization_seconds.value_or(rules.down_stabilization_seconds);
  rules.least = stated.least.value_or(autoscaler.least.value_or(rules.least));
  // What the configuration allows at most holds for what an autoscaler says, and yields to the
  // caller.
  rules.most = stated.most.value_or(
      std::max(rules.least, std::min(autoscaler.most.value_or(rules.most), rules.most)));
  OPSMESH_RETURN_IF_ERROR(Check(stated, rules));
  return rules;
}

analytics::ReplicaRules ConfiguredRules(const PredictConfig& config, const PodCapacity& capacity) {
  return {.capacity_qps = capacity.qps,
          .target_utilization = config.target_utilization,
          .least = config.min_instances,
          .most = config.max_instances,
          .shortage_cost = kDefaultShortageCost,
          .pod_start_seconds = absl::ToDoubleSeconds(config.pod_start)};
}

absl::Status CheckStep(int64_t step_seconds) {
  if (step_seconds >= 0 && step_seconds <= 86400) return absl::OkStatus();
  return base::InvalidArgument("step_seconds", "HORIZON",
                               "step_seconds must be between 1 and 86,400; 0 = by itself.");
}

}  // namespace opsmesh::predict
