// What kube-state-metrics says about objects, in its names (its documentation, "Exposed Metrics").
#include <fmt/format.h>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

double Number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return 0;
}
double Amount(const Json& quantity) {
  const auto thousandths = ParseQuantity(quantity);
  return thousandths ? static_cast<double>(*thousandths / 1000) : kNaN;
}

/// "memory" -> ("memory", "byte"), "nvidia.com/gpu" -> ("nvidia_com_gpu", "integer").
std::pair<std::string, std::string> ResourceName(const std::string& name) {
  std::string resource =
      base::ReplaceAll(base::ReplaceAll(base::ReplaceAll(name, ".", "_"), "/", "_"), "-", "_");
  if (name == "cpu") return {resource, "core"};
  if (name == "pods") return {resource, "integer"};
  if (name == "memory" || name.find("storage") != std::string::npos ||
      name.starts_with("hugepages"))
    return {resource, "byte"};
  return {resource, "integer"};
}

class Writer {
 public:
  Writer(const Json& object, std::string own_label) : object_(object) {
    const std::string ns = TextAt(object, {"metadata", "namespace"});
    if (!ns.empty()) labels_.emplace_back("namespace", ns);
    labels_.emplace_back(std::move(own_label), TextAt(object, {"metadata", "name"}));
  }
  void Add(std::string metric, double value, Labels more = {}, double since = kNaN,
           double before = kNaN) {
    if (std::isnan(value)) return;
    Labels labels = labels_;
    for (auto& label : more) labels.push_back(std::move(label));
    facts_.push_back(
        {std::move(metric), promql::MakeLabels(std::move(labels)), value, since, before});
  }
  void AddPath(std::string metric, std::initializer_list<const char*> path, double otherwise = 0) {
    const Json& value = At(object_, path);
    Add(std::move(metric), value.is_number() ? value.get<double>() : otherwise);
  }
  void AddCreated(const std::string& metric) {
    Add(metric, Time(At(object_, {"metadata", "creationTimestamp"})));
  }
  /// One series for each of "true", "false", "unknown"; the present one since the transition, its
  /// opposite before.
  void AddConditions(const std::string& metric, const std::string& status_label = "status") {
    for (const Json& condition : ListAt(object_, {"status", "conditions"})) {
      const std::string now = base::AsciiLower(TextAt(condition, "status"));
      const std::string was = now == "true" ? "false" : "true";
      for (const char* status : {"true", "false", "unknown"}) {
        Add(metric, now == status ? 1 : 0,
            {{"condition", TextAt(condition, "type")}, {status_label, status}},
            Time(At(condition, "lastTransitionTime")), was == status ? 1 : 0);
      }
    }
  }
  void AddResources(const std::string& metric, const Json& list, const Labels& more = {}) {
    if (!list.is_object()) return;
    for (const auto& [name, quantity] : list.items()) {
      auto [resource, unit] = ResourceName(name);
      Labels labels = more;
      labels.emplace_back("resource", resource);
      labels.emplace_back("unit", unit);
      Add(metric, Amount(quantity), std::move(labels));
    }
  }
  std::vector<Fact> Take() { return std::move(facts_); }

 private:
  const Json& object_;
  Labels labels_;
  std::vector<Fact> facts_;
};

void Container(Writer& w, const Json& status, double ready_since) {
  const std::string name = TextAt(status, "name");
  const Labels who = {{"container", name}};
  const auto with = [&](const char* label, std::string value) {
    return Labels{{"container", name}, {label, std::move(value)}};
  };
  const bool ready = BoolAt(status, {"ready"});
  w.Add("kube_pod_container_status_ready", ready ? 1 : 0, who, ready_since, ready ? 0 : 1);
  for (const char* state : {"running", "waiting", "terminated"}) {
    w.Add(fmt::format("kube_pod_container_status_{}", state),
          At(status, {"state", state}).is_object() ? 1 : 0, who);
  }
  w.Add("kube_pod_container_info", 1,
        {{"container", name},
         {"image", TextAt(status, "image")},
         {"image_id", TextAt(status, "imageID")},
         {"container_id", TextAt(status, "containerID")}});
  if (const std::string reason = TextAt(status, {"state", "waiting", "reason"}); !reason.empty()) {
    w.Add("kube_pod_container_status_waiting_reason", 1, with("reason", reason), ready_since);
  }
  if (const std::string reason = TextAt(status, {"state", "terminated", "reason"});
      !reason.empty()) {
    w.Add("kube_pod_container_status_terminated_reason", 1, with("reason", reason),
          Time(At(status, {"state", "terminated", "finishedAt"})));
  }
  if (const Json& last = At(status, {"lastState", "terminated"}); last.is_object()) {
    w.Add("kube_pod_container_status_last_terminated_reason", 1,
          with("reason", TextAt(last, "reason")), ready_since);
    w.Add("kube_pod_container_status_last_terminated_exitcode", Number(At(last, "exitCode")), who,
          ready_since);
  }
  if (const double started = Time(At(status, {"state", "running", "startedAt"}));
      !std::isnan(started)) {
    w.Add("kube_pod_container_state_started", started, who, started);
  }
}

std::vector<Fact> Pod(const Json& pod) {
  Writer w(pod, "pod");
  const std::string uid = TextAt(pod, {"metadata", "uid"});
  const Labels with_uid = {{"uid", uid}};
  std::string owner_kind;
  std::string owner_name;
  for (const Json& owner : ListAt(pod, {"metadata", "ownerReferences"})) {
    owner_kind = TextAt(owner, "kind");
    owner_name = TextAt(owner, "name");
    w.Add("kube_pod_owner", 1,
          {{"uid", uid},
           {"owner_kind", owner_kind},
           {"owner_name", owner_name},
           {"owner_is_controller", "true"}});
  }
  w.Add("kube_pod_info", 1,
        {{"uid", uid},
         {"node", TextAt(pod, {"spec", "nodeName"})},
         {"host_ip", TextAt(pod, {"status", "hostIP"})},
         {"pod_ip", TextAt(pod, {"status", "podIP"})},
         {"created_by_kind", owner_kind},
         {"created_by_name", owner_name},
         {"host_network", BoolAt(pod, {"spec", "hostNetwork"}) ? "true" : "false"},
         {"priority_class", TextAt(pod, {"spec", "priorityClassName"})}});
  Labels labels = with_uid;
  if (const Json& own = At(pod, {"metadata", "labels"}); own.is_object()) {
    for (const auto& [key, value] : own.items()) {
      std::string name = "label_" + key;
      for (char& c : name) {
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      }
      if (value.is_string()) labels.emplace_back(std::move(name), value.get<std::string>());
    }
  }
  w.Add("kube_pod_labels", 1, std::move(labels));
  const double created = Time(At(pod, {"metadata", "creationTimestamp"}));
  w.Add("kube_pod_created", created, with_uid);
  double started = Time(At(pod, {"status", "startTime"}));
  w.Add("kube_pod_start_time", started, with_uid, started);
  const std::string phase = TextAt(pod, {"status", "phase"});
  double since = started + 2;
  double ready_since = kNaN;
  bool ready = false;
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready") continue;
    ready_since = Time(At(condition, "lastTransitionTime"));
    ready = TextAt(condition, "status") == "True";
  }
  if (phase == "Succeeded" || phase == "Failed") since = ready_since;
  for (const char* one : {"Pending", "Running", "Succeeded", "Failed", "Unknown"}) {
    w.Add("kube_pod_status_phase", phase == one ? 1 : 0, {{"uid", uid}, {"phase", one}}, since,
          std::string_view("Pending") == one ? 1 : 0);
  }
  for (const char* condition : {"true", "false", "unknown"}) {
    const bool now = ready == (std::string_view(condition) == "true") &&
                     std::string_view(condition) != "unknown";
    w.Add("kube_pod_status_ready", now ? 1 : 0, {{"uid", uid}, {"condition", condition}},
          ready_since,
          std::string_view(condition) == "unknown" ? 0
          : now                                    ? 0
                                                   : 1);
  }
  if (const std::string reason = TextAt(pod, {"status", "reason"}); !reason.empty()) {
    w.Add("kube_pod_status_reason", 1, {{"uid", uid}, {"reason", reason}});
  }
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "PodScheduled") continue;
    const bool scheduled = TextAt(condition, "status") == "True";
    w.Add("kube_pod_status_scheduled", scheduled ? 1 : 0, {{"uid", uid}, {"condition", "true"}});
    w.Add("kube_pod_status_unschedulable", scheduled ? kNaN : 1, with_uid);
  }
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"}))
    Container(w, status, ready_since);
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    const Labels who = {{"container", TextAt(container, "name")},
                        {"node", TextAt(pod, {"spec", "nodeName"})}};
    w.AddResources("kube_pod_container_resource_requests", At(container, {"resources", "requests"}),
                   who);
    w.AddResources("kube_pod_container_resource_limits", At(container, {"resources", "limits"}),
                   who);
  }
  return w.Take();
}

std::vector<Fact> Node(const Json& node) {
  Writer w(node, "node");
  w.Add("kube_node_info", 1,
        {{"kernel_version", TextAt(node, {"status", "nodeInfo", "kernelVersion"})},
         {"os_image", TextAt(node, {"status", "nodeInfo", "osImage"})},
         {"container_runtime_version",
          TextAt(node, {"status", "nodeInfo", "containerRuntimeVersion"})},
         {"kubelet_version", TextAt(node, {"status", "nodeInfo", "kubeletVersion"})},
         {"provider_id", TextAt(node, {"spec", "providerID"})}});
  w.AddCreated("kube_node_created");
  w.AddConditions("kube_node_status_condition");
  w.AddResources("kube_node_status_capacity", At(node, {"status", "capacity"}));
  w.AddResources("kube_node_status_allocatable", At(node, {"status", "allocatable"}));
  w.Add("kube_node_spec_unschedulable", BoolAt(node, {"spec", "unschedulable"}) ? 1 : 0);
  for (const Json& taint : ListAt(node, {"spec", "taints"})) {
    w.Add("kube_node_spec_taint", 1,
          {{"key", TextAt(taint, "key")},
           {"value", TextAt(taint, "value")},
           {"effect", TextAt(taint, "effect")}},
          Time(At(taint, "timeAdded")));
  }
  return w.Take();
}

std::vector<Fact> Deployment(const Json& d) {
  Writer w(d, "deployment");
  w.AddCreated("kube_deployment_created");
  w.AddPath("kube_deployment_metadata_generation", {"metadata", "generation"}, 1);
  w.AddPath("kube_deployment_status_observed_generation", {"status", "observedGeneration"});
  w.AddPath("kube_deployment_spec_replicas", {"spec", "replicas"}, 1);
  w.Add("kube_deployment_spec_paused", BoolAt(d, {"spec", "paused"}) ? 1 : 0);
  w.AddPath("kube_deployment_status_replicas", {"status", "replicas"});
  w.AddPath("kube_deployment_status_replicas_updated", {"status", "updatedReplicas"});
  double since = kNaN;  // when it stopped, or began, to be available
  for (const Json& condition : ListAt(d, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Available") since = Time(At(condition, "lastTransitionTime"));
  }
  const double wanted =
      At(d, {"spec", "replicas"}).is_number() ? Number(At(d, {"spec", "replicas"})) : 1;
  const double available = Number(At(d, {"status", "availableReplicas"}));
  const double ready = Number(At(d, {"status", "readyReplicas"}));
  const double before = available < wanted ? wanted : kNaN;
  w.Add("kube_deployment_status_replicas_available", available, {},
        std::isnan(before) ? kNaN : since, before);
  w.Add("kube_deployment_status_replicas_ready", ready, {}, std::isnan(before) ? kNaN : since,
        before);
  w.Add("kube_deployment_status_replicas_unavailable", std::max(0.0, wanted - available), {},
        std::isnan(before) ? kNaN : since, std::isnan(before) ? kNaN : 0);
  w.AddConditions("kube_deployment_status_condition");
  return w.Take();
}

std::vector<Fact> ReplicaSet(const Json& r) {
  Writer w(r, "replicaset");
  w.AddCreated("kube_replicaset_created");
  w.AddPath("kube_replicaset_spec_replicas", {"spec", "replicas"}, 1);
  w.AddPath("kube_replicaset_status_replicas", {"status", "replicas"});
  w.AddPath("kube_replicaset_status_ready_replicas", {"status", "readyReplicas"});
  for (const Json& owner : ListAt(r, {"metadata", "ownerReferences"})) {
    w.Add("kube_replicaset_owner", 1,
          {{"owner_kind", TextAt(owner, "kind")},
           {"owner_name", TextAt(owner, "name")},
           {"owner_is_controller", "true"}});
  }
  return w.Take();
}

std::vector<Fact> StatefulSet(const Json& s) {
  Writer w(s, "statefulset");
  w.AddCreated("kube_statefulset_created");
  w.AddPath("kube_statefulset_replicas", {"spec", "replicas"}, 1);
  w.AddPath("kube_statefulset_status_replicas", {"status", "replicas"});
  w.AddPath("kube_statefulset_status_replicas_ready", {"status", "readyReplicas"});
  w.AddPath("kube_statefulset_status_replicas_available", {"status", "availableReplicas"});
  w.AddPath("kube_statefulset_status_replicas_current", {"status", "currentReplicas"});
  w.AddPath("kube_statefulset_status_replicas_updated", {"status", "updatedReplicas"});
  return w.Take();
}

std::vector<Fact> DaemonSet(const Json& d) {
  Writer w(d, "daemonset");
  w.AddCreated("kube_daemonset_created");
  w.AddPath("kube_daemonset_status_desired_number_scheduled", {"status", "desiredNumberScheduled"});
  w.AddPath("kube_daemonset_status_current_number_scheduled", {"status", "currentNumberScheduled"});
  w.AddPath("kube_daemonset_status_number_ready", {"status", "numberReady"});
  w.AddPath("kube_daemonset_status_number_available", {"status", "numberAvailable"});
  w.AddPath("kube_daemonset_status_number_unavailable", {"status", "numberUnavailable"});
  w.AddPath("kube_daemonset_status_number_misscheduled", {"status", "numberMisscheduled"});
  w.AddPath("kube_daemonset_status_updated_number_scheduled", {"status", "updatedNumberScheduled"});
  return w.Take();
}

std::vector<Fact> Job(const Json& j) {
  Writer w(j, "job_name");
  w.AddCreated("kube_job_created");
  w.AddPath("kube_job_status_active", {"status", "active"});
  w.AddPath("kube_job_status_succeeded", {"status", "succeeded"});
  w.AddPath("kube_job_status_failed", {"status", "failed"});
  w.AddPath("kube_job_spec_completions", {"spec", "completions"}, kNaN);
  for (const Json& condition : ListAt(j, {"status", "conditions"})) {
    const std::string type = TextAt(condition, "type");
    if (type != "Complete" && type != "Failed") continue;
    w.Add(type == "Complete" ? "kube_job_complete" : "kube_job_failed", 1,
          {{"condition", base::AsciiLower(TextAt(condition, "status"))}},
          Time(At(condition, "lastTransitionTime")));
  }
  return w.Take();
}

std::vector<Fact> CronJob(const Json& c) {
  Writer w(c, "cronjob");
  w.Add("kube_cronjob_info", 1,
        {{"schedule", TextAt(c, {"spec", "schedule"})},
         {"concurrency_policy", TextAt(c, {"spec", "concurrencyPolicy"})}});
  w.Add("kube_cronjob_spec_suspend", BoolAt(c, {"spec", "suspend"}) ? 1 : 0);
  w.Add("kube_cronjob_status_active", static_cast<double>(ListAt(c, {"status", "active"}).size()));
  w.Add("kube_cronjob_status_last_schedule_time", Time(At(c, {"status", "lastScheduleTime"})));
  return w.Take();
}

std::vector<Fact> Hpa(const Json& h) {
  Writer w(h, "horizontalpodautoscaler");
  w.AddPath("kube_horizontalpodautoscaler_spec_min_replicas", {"spec", "minReplicas"}, 1);
  w.AddPath("kube_horizontalpodautoscaler_spec_max_replicas", {"spec", "maxReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_current_replicas", {"status", "currentReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_desired_replicas", {"status", "desiredReplicas"});
  w.AddConditions("kube_horizontalpodautoscaler_status_condition");
  return w.Take();
}

std::vector<Fact> Claim(const Json& p) {
  Writer w(p, "persistentvolumeclaim");
  const std::string phase = TextAt(p, {"status", "phase"});
  for (const char* one : {"Pending", "Bound", "Lost"})
    w.Add("kube_persistentvolumeclaim_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  w.Add("kube_persistentvolumeclaim_info", 1,
        {{"storageclass", TextAt(p, {"spec", "storageClassName"})},
         {"volumename", TextAt(p, {"spec", "volumeName"})}});
  w.Add("kube_persistentvolumeclaim_resource_requests_storage_bytes",
        Amount(At(p, {"spec", "resources", "requests", "storage"})));
  return w.Take();
}

std::vector<Fact> Volume(const Json& p) {
  Writer w(p, "persistentvolume");
  const std::string phase = TextAt(p, {"status", "phase"});
  for (const char* one : {"Pending", "Available", "Bound", "Released", "Failed"}) {
    w.Add("kube_persistentvolume_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  }
  w.Add("kube_persistentvolume_capacity_bytes", Amount(At(p, {"spec", "capacity", "storage"})));
  return w.Take();
}

std::vector<Fact> Namespace(const Json& n) {
  Writer w(n, "namespace");
  const std::string phase = TextAt(n, {"status", "phase"});
  for (const char* one : {"Active", "Terminating"})
    w.Add("kube_namespace_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  w.AddCreated("kube_namespace_created");
  return w.Take();
}

std::vector<Fact> Service(const Json& s) {
  Writer w(s, "service");
  w.Add("kube_service_info", 1,
        {{"cluster_ip", TextAt(s, {"spec", "clusterIP"})},
         {"external_name", TextAt(s, {"spec", "externalName"})}});
  w.Add("kube_service_spec_type", 1, {{"type", TextAt(s, {"spec", "type"})}});
  w.AddCreated("kube_service_created");
  return w.Take();
}

std::vector<Fact> Endpoints(const Json& e) {
  Writer w(e, "endpoint");
  size_t ready = 0;
  size_t not_ready = 0;
  for (const Json& subset : ListAt(e, {"subsets"})) {
    ready += ListAt(subset, {"addresses"}).size();
    not_ready += ListAt(subset, {"notReadyAddresses"}).size();
  }
  w.Add("kube_endpoint_address_available", static_cast<double>(ready));
  w.Add("kube_endpoint_address_not_ready", static_cast<double>(not_ready));
  return w.Take();
}

std::vector<Fact> Quota(const Json& q) {
  Writer w(q, "resourcequota");
  for (const char* type : {"hard", "used"}) {
    const Json& list = At(q, {"status", type});
    if (!list.is_object()) continue;
    for (const auto& [name, quantity] : list.items())
      w.Add("kube_resourcequota", Amount(quantity), {{"resource", name}, {"type", type}});
  }
  return w.Take();
}

std::vector<Fact> Budget(const Json& p) {
  Writer w(p, "poddisruptionbudget");
  w.AddPath("kube_poddisruptionbudget_status_current_healthy", {"status", "currentHealthy"});
  w.AddPath("kube_poddisruptionbudget_status_desired_healthy", {"status", "desiredHealthy"});
  w.AddPath("kube_poddisruptionbudget_status_expected_pods", {"status", "expectedPods"});
  w.AddPath("kube_poddisruptionbudget_status_pod_disruptions_allowed",
            {"status", "disruptionsAllowed"});
  return w.Take();
}

}  // namespace

double Time(const Json& text) {
  absl::Time time;
  if (!text.is_string() || !base::ParseRfc3339(text.get<std::string>(), &time)) return kNaN;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

std::vector<Fact> FactsOf(const std::string& plural, const Json& object) {
  using Maker = std::vector<Fact> (*)(const Json&);
  static const auto* const kMakers =
      new std::map<std::string, Maker>{{"pods", Pod},
                                       {"nodes", Node},
                                       {"deployments", Deployment},
                                       {"replicasets", ReplicaSet},
                                       {"statefulsets", StatefulSet},
                                       {"daemonsets", DaemonSet},
                                       {"jobs", Job},
                                       {"cronjobs", CronJob},
                                       {"horizontalpodautoscalers", Hpa},
                                       {"persistentvolumeclaims", Claim},
                                       {"persistentvolumes", Volume},
                                       {"namespaces", Namespace},
                                       {"services", Service},
                                       {"endpoints", Endpoints},
                                       {"resourcequotas", Quota},
                                       {"poddisruptionbudgets", Budget}};
  const auto found = kMakers->find(plural);
  return found == kMakers->end() ? std::vector<Fact>() : found->second(object);
}

}  // namespace opsmesh::kubesim::prometheus
