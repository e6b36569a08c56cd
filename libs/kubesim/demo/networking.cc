#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"

namespace opsmesh::kubesim {
namespace {

// The container port that a targetPort means; -1 when a name is not found.
int64_t TargetPort(const Json& pod, const Json& port) {
  const Json& target = At(port, "targetPort");
  if (target.is_number()) return target.get<int64_t>();
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    for (const Json& one : ListAt(container, {"ports"})) {
      if (TextAt(one, "name") == Scalar(target)) return IntAt(one, "containerPort");
    }
  }
  return target.is_null() ? IntAt(port, "port") : -1;
}

bool IsReady(const Json& pod) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return false;
}

Json Condition(const char* type, bool good, const std::string& reason, const std::string& message,
               absl::Time since) {
  return {{"type", type},
          {"status", good ? "True" : "False"},
          {"reason", reason},
          {"message", message},
          {"lastTransitionTime", base::Rfc3339(since)}};
}

}  // namespace

void DemoBuilder::AddService(Json service) {
  const ResourceType& type = Type("", "services");
  ApplyDefaults(type, service);
  Json& spec = service["spec"];
  if (!spec.contains("clusterIP"))
    spec["clusterIP"] =
        fmt::format("10.96.{0}.{1}", 40 + next_service_address_ % 150, next_service_address_);
  ++next_service_address_;
  spec["clusterIPs"] = {spec["clusterIP"]};
  service["metadata"]["uid"] = target_.store.ids().NewUuid();
  service["status"]["loadBalancer"] = Json::object();
  services_.push_back(Put(type, std::move(service)));
}

void DemoBuilder::AddEndpoints(const Json& service) {
  if (!At(service, {"spec", "selector"}).is_object()) return;
  const std::string ns = TextAt(service, {"metadata", "namespace"});
  const std::string name = TextAt(service, {"metadata", "name"});
  const LabelSelector selector = LabelSelector::FromMap(At(service, {"spec", "selector"}));
  Json ready = Json::array(), waiting = Json::array(), endpoints = Json::array(),
       ports = Json::array();
  for (const ObjectPtr& object : target_.store.List(Type("", "pods"), ns).objects) {
    if (!selector.Matches(object->labels)) continue;
    const Json pod = object->Parse();
    const std::string ip = TextAt(pod, {"status", "podIP"});
    const std::string phase = TextAt(pod, {"status", "phase"});
    if (ip.empty() || phase == "Succeeded" || phase == "Failed" ||
        At(pod, {"metadata", "deletionTimestamp"}).is_string())
      continue;
    if (ports.empty()) {
      for (const Json& port : ListAt(service, {"spec", "ports"})) {
        Json one = {{"port", TargetPort(pod, port)}, {"protocol", TextAt(port, "protocol")}};
        if (!TextAt(port, "name").empty()) one["name"] = TextAt(port, "name");
        if (one["port"] >= 0) ports.push_back(std::move(one));
      }
    }
    const Json reference = {
        {"kind", "Pod"}, {"namespace", ns}, {"name", object->name}, {"uid", object->uid}};
    const bool good = IsReady(pod);
    (good ? ready : waiting)
        .push_back({{"ip", ip},
                    {"nodeName", TextAt(pod, {"spec", "nodeName"})},
                    {"targetRef", reference}});
    endpoints.push_back(
        {{"addresses", {ip}},
         {"nodeName", TextAt(pod, {"spec", "nodeName"})},
         {"targetRef", reference},
         {"conditions", {{"ready", good}, {"serving", good}, {"terminating", false}}}});
  }
  absl::Time created = now_;
  base::ParseRfc3339(TextAt(service, {"metadata", "creationTimestamp"}), &created);
  Json legacy = {
      {"metadata",
       {{"name", name}, {"namespace", ns}, {"labels", At(service, {"metadata", "labels"})}}}};
  legacy["metadata"]["annotations"]["endpoints.kubernetes.io/last-change-trigger-time"] =
      base::Rfc3339(created);
  if (!legacy["metadata"]["labels"].is_object()) legacy["metadata"].erase("labels");
  Json subset = Json::object();
  if (!ready.empty()) subset["addresses"] = ready;
  if (!waiting.empty()) subset["notReadyAddresses"] = waiting;
  if (!subset.empty()) {
    subset["ports"] = ports;
    legacy["subsets"] = {subset};
  }
  Put(Type("", "endpoints"), Stamp(std::move(legacy), created));
  Json slice = {{"metadata",
                 {{"name", name + "-" + NameSuffix(target_.store.ids().Random())},
                  {"generateName", name + "-"},
                  {"namespace", ns},
                  {"generation", 1},
                  {"labels",
                   {{"kubernetes.io/service-name", name},
                    {"endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"}}},
                  {"ownerReferences", {OwnerReference(Type("", "services"), service)}}}},
                {"addressType", "IPv4"},
                {"endpoints", endpoints},
                {"ports", ports.empty() ? Json() : ports}};
  Put(Type("discovery.k8s.io", "endpointslices"), Stamp(std::move(slice), created));
}

void DemoBuilder::FinishBudget(Json budget) {
  const std::string ns = TextAt(budget, {"metadata", "namespace"});
  const LabelSelector selector = LabelSelector::FromObject(At(budget, {"spec", "selector"}));
  int expected = 0, healthy = 0;
  for (const ObjectPtr& object : target_.store.List(Type("", "pods"), ns).objects) {
    if (!selector.Matches(object->labels)) continue;
    ++expected;
    if (IsReady(object->Parse())) ++healthy;
  }
  const int desired = At(budget, {"spec", "minAvailable"}).is_number()
                          ? static_cast<int>(IntAt(budget, {"spec", "minAvailable"}))
                          : expected - static_cast<int>(IntAt(budget, {"spec", "maxUnavailable"}));
  const int allowed = std::max(0, healthy - desired);
  budget["metadata"]["generation"] = 1;
  budget["status"] = {{"observedGeneration", 1},
                      {"expectedPods", expected},
                      {"currentHealthy", healthy},
                      {"desiredHealthy", desired},
                      {"disruptionsAllowed", allowed},
                      {"conditions",
                       {Condition("DisruptionAllowed", allowed > 0,
                                  allowed > 0 ? "SufficientPods" : "InsufficientPods", "",
                                  now_ - absl::Hours(5))}}};
  budget["status"]["conditions"][0]["observedGeneration"] = 1;
  Put(Type("policy", "poddisruptionbudgets"), std::move(budget));
}

void DemoBuilder::FinishAutoscaler(Json autoscaler) {
  const std::string ns = TextAt(autoscaler, {"metadata", "namespace"});
  const std::string target = TextAt(autoscaler, {"spec", "scaleTargetRef", "name"});
  const ObjectPtr object = target_.store.Get(Type("apps", "deployments"), ns, target);
  const Json deployment = object ? object->Parse() : Json::object();
  const int64_t replicas = IntAt(deployment, {"spec", "replicas"}, 0);
  long double requested = 0, used = 0;
  bool complete = true;
  for (const Json& container : ListAt(deployment, {"spec", "template", "spec", "containers"})) {
    const auto request = ParseQuantity(At(container, {"resources", "requests", "cpu"}));
    complete = complete && request.has_value();
    requested += request.value_or(0);
    used += ParseQuantity(Json(scenario_.BehaviourOf(TextAt(container, "image")).cpu)).value_or(0);
  }
  Json& status = autoscaler["status"];
  status = {{"currentReplicas", replicas}, {"desiredReplicas", complete ? replicas : 0}};
  const absl::Time since = now_ - absl::Hours(20);
  const Json able =
      Condition("AbleToScale", true, complete ? "ReadyForNewScale" : "SucceededGetScale",
                complete ? "recommended size matches current size"
                         : "the HPA controller was able to get the target's current scale",
                since);
  if (!complete) {
    const std::string container =
        TextAt(deployment["spec"]["template"]["spec"]["containers"][0], "name");
    std::string pod_name = target;
    const LabelSelector selector = LabelSelector::FromObject(At(deployment, {"spec", "selector"}));
    for (const ObjectPtr& pod : target_.store.List(Type("", "pods"), ns).objects) {
      if (selector.Matches(pod->labels)) pod_name = pod->name;
    }
    const std::string why = fmt::format(
        "failed to get cpu utilization: missing request for cpu in container {} of Pod {}",
        container, pod_name);
    status["conditions"] = {
        able, Condition("ScalingActive", false, "FailedGetResourceMetric",
                        "the HPA was unable to compute the replica count: " + why, since)};
    autoscaler["metadata"]["uid"] = target_.store.ids().NewUuid();
    const EventSubject about{"HorizontalPodAutoscaler",
                             "autoscaling/v2",
                             ns,
                             TextAt(autoscaler, {"metadata", "name"}),
                             TextAt(autoscaler, {"metadata", "uid"}),
                             ""};
    AddEvent(about, "Warning", "FailedGetResourceMetric", why, "horizontal-pod-autoscaler", "",
             since, now_ - absl::Seconds(11), 4790);
    AddEvent(about, "Warning", "FailedComputeMetricsReplicas",
             "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource "
             "metric value: " +
                 why,
             "horizontal-pod-autoscaler", "", since, now_ - absl::Seconds(11), 4790);
  } else {
    const int64_t percent = static_cast<int64_t>(used * 100 / requested);
    status["currentMetrics"] = {
        {{"type", "Resource"},
         {"resource",
          {{"name", "cpu"},
           {"current",
            {{"averageUtilization", percent},
             {"averageValue", fmt::format("{}m", static_cast<int64_t>(used))}}}}}}};
    status["conditions"] = {
        able,
        Condition("ScalingActive", true, "ValidMetricFound",
                  "the HPA was able to successfully calculate a replica count from cpu resource "
                  "utilization (percentage of request)",
                  since),
        Condition("ScalingLimited", true, "TooFewReplicas",
                  "the desired replica count is less than the minimum replica count", since)};
  }
  Put(Type("autoscaling", "horizontalpodautoscalers"), std::move(autoscaler));
}

}  // namespace opsmesh::kubesim
