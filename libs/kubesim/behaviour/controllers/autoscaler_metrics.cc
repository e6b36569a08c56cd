// After pkg/controller/podautoscaler of Kubernetes 1.32 (replica_calculator.go, texts).
#include "libs/kubesim/behaviour/controllers/autoscaler_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "libs/kubesim/behaviour/controllers/metrics_reader.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr double kTolerance = 0.1;
constexpr absl::Duration kCpuInitialization = absl::Minutes(5);
constexpr absl::Duration kInitialReadiness = absl::Seconds(30);

std::string Quantity(long double thousandths, const std::string& resource) {
  const int64_t amount = static_cast<int64_t>(thousandths);
  if (resource == "cpu")
    return amount % 1000 == 0 ? std::to_string(amount / 1000) : fmt::format("{}m", amount);
  return std::to_string(amount / 1000);
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

Measured WithoutAdapter(const std::string& ns, const std::string& type, const Json& metric) {
  struct Source {
    const char* member;
    const char* reason;
  };
  static const std::map<std::string, Source> kSources = {
      {"Pods", {"pods", "FailedGetPodsMetric"}},
      {"Object", {"object", "FailedGetObjectMetric"}},
      {"External", {"external", "FailedGetExternalMetric"}}};
  Measured measured;
  const auto source = kSources.find(type);
  if (source == kSources.end()) {
    measured.reason = "InvalidMetricSourceType";
    measured.failure = fmt::format("unknown metric source type \"{}\"", type);
    return measured;
  }
  measured.reason = source->second.reason;
  measured.failure = NoAdapter(ns, type, At(metric, source->second.member));
  return measured;
}

// Sorts the pods of a target by what is known of their use of one resource.
class Gathering {
 public:
  /// `container` "" = the whole pod.
  Gathering(Engine& engine, const std::string& resource, const std::string& container,
            bool need_requests)
      : engine_(engine),
        resource_(resource),
        container_(container),
        need_requests_(need_requests) {}

  /// "" or why the metric cannot be computed.
  std::string Run(const std::vector<const PodView*>& pods, MetricPods* out) {
    const auto usage = ReadPodUsage(engine_, pods, resource_);
    std::string failure = CheckUsage(pods, usage);
    if (!failure.empty()) return What() + failure;
    for (const PodView* pod : pods) {
      if (pod->deleted || pod->phase == "Failed") continue;
      const auto content = engine_.Parsed(pod->object);
      failure = AddRequest(*pod, *content, out);
      if (!failure.empty()) return What() + failure;
      const auto known = usage->find(pod->name());
      AddUsage(*pod, *content, known == usage->end() ? nullptr : &known->second, out);
    }
    out->ready = out->usage.size();
    return out->usage.empty()
               ? What() + "did not receive metrics for targeted pods (pods might be unready)"
               : "";
  }

 private:
  std::string What() const {
    return fmt::format("failed to get {} {}: ", resource_,
                       need_requests_ ? "utilization" : "usage");
  }

  std::string CheckUsage(const std::vector<const PodView*>& pods,
                         const std::optional<std::map<std::string, PodUsage>>& usage) const {
    if (!usage) {
      return fmt::format(
          "unable to get metrics for resource {}: unable to fetch metrics from resource metrics "
          "API: the server could not find the requested resource (get pods.metrics.k8s.io)",
          resource_);
    }
    const bool any = std::any_of(pods.begin(), pods.end(),
                                 [&](const PodView* pod) { return usage->contains(pod->name()); });
    if (any) return "";
    return fmt::format(
        "unable to get metrics for resource {}: no metrics returned from resource metrics API",
        resource_);
  }

  std::string AddRequest(const PodView& pod, const Json& content, MetricPods* out) const {
    long double request = 0;
    for (const Json& one : ListAt(content, {"spec", "containers"})) {
      if (!container_.empty() && TextAt(one, "name") != container_) continue;
      const auto amount = ParseQuantity(At(one, {"resources", "requests", resource_.c_str()}));
      if (!amount && need_requests_) {
        return fmt::format("missing request for {} in container {} of Pod {}", resource_,
                           TextAt(one, "name"), pod.name());
      }
      request += amount.value_or(0);
    }
    out->requests[pod.name()] = request;
    return "";
  }

  void AddUsage(const PodView& pod, const Json& content, const PodUsage* usage,
                MetricPods* out) const {
    if (pod.phase == "Pending") {
      out->unready.push_back(pod.name());
    } else if (usage == nullptr) {
      out->missing.push_back(pod.name());
    } else if (resource_ == "cpu" && StillStarting(pod, content, *usage)) {
      out->unready.push_back(pod.name());
    } else {
      long double used = 0;
      for (const auto& [one, amount] : usage->containers) {
        if (container_.empty() || one == container_) used += amount;
      }
      out->usage[pod.name()] = used;
    }
  }

  // What a pod spends on its start says nothing of its load.
  bool StillStarting(const PodView& pod, const Json& content, const PodUsage& usage) const {
    const absl::Time start = TimeAt(content, {"status", "startTime"}, pod.created);
    if (start + kCpuInitialization > engine_.Now())
      return !pod.ready || usage.taken < pod.ready_since + usage.window;
    return !pod.ready && start + kInitialReadiness > pod.ready_since;
  }

  Engine& engine_;
  const std::string& resource_;
  const std::string& container_;
  const bool need_requests_;
};

std::vector<const PodView*> PodsOf(Pods& pods, const ScalingTarget& target) {
  const Json& selector = At(target.json, {"spec", "selector"});
  const bool plain = target.type->storage_key == "/replicationcontrollers";
  return pods.Selected(
      target.object->ns,
      plain ? LabelSelector::FromMap(selector) : LabelSelector::FromObject(selector),
      plain ? selector : At(selector, "matchLabels"));
}

}  // namespace

Measured Measure(Engine& engine, Pods& pods, const ScalingTarget& target, const Json& metric) {
  const std::string type = TextAt(metric, "type");
  const bool contained = type == "ContainerResource";
  if (type != "Resource" && !contained) return WithoutAdapter(target.object->ns, type, metric);
  const char* member = contained ? "containerResource" : "resource";
  const Json& source = At(metric, member);
  const std::string resource = TextAt(source, "name");
  const std::string container = contained ? TextAt(source, "container") : "";
  const bool utilization = At(source, {"target", "averageUtilization"}).is_number();
  Measured measured;
  const auto fail = [&](std::string why) {
    measured.reason = contained ? "FailedGetContainerResourceMetric" : "FailedGetResourceMetric";
    measured.failure = std::move(why);
    return measured;
  };
  MetricPods use;
  if (std::string why =
          Gathering(engine, resource, container, utilization).Run(PodsOf(pods, target), &use);
      !why.empty())
    return fail(std::move(why));
  measured.name = resource + (contained ? " container resource" : " resource");
  Json current = Json::object();
  if (utilization) {
    measured.proposal = ByUtilization(use, IntAt(source, {"target", "averageUtilization"}),
                                      target.replicas, kTolerance);
    current["averageUtilization"] = measured.proposal.utilization;
    measured.name += " utilization (percentage of request)";
  } else {
    const auto value = ParseQuantity(At(source, {"target", "averageValue"}));
    if (!value || *value <= 0) {
      return fail(
          "invalid resource metric source: neither an average utilization target nor an average "
          "value (usage) target was set");
    }
    measured.proposal = ByAverage(use, *value, target.replicas, kTolerance);
  }
  current["averageValue"] = Quantity(measured.proposal.average, resource);
  Json detail = {{"name", resource}, {"current", current}};
  if (contained) detail["container"] = container;
  measured.shown = {{"type", type}, {member, detail}};
  return measured;
}

std::string WhatOf(const Json& metric) {
  const std::string type = TextAt(metric, "type");
  if (type == "Resource") return TextAt(metric, {"resource", "name"}) + " resource metric value";
  if (type == "ContainerResource")
    return TextAt(metric, {"containerResource", "name"}) + " container metric value";
  if (type == "External")
    return TextAt(metric, {"external", "metric", "name"}) + " external metric value";
  return type == "Pods" ? "pods metric value" : "object metric value";
}

}  // namespace opsmesh::kubesim
