// What kube-state-metrics says about objects, in its names (its documentation, "Exposed Metrics").
#include "libs/base/strings.h"
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

std::vector<Fact> Node(const Json& node) {
  FactWriter w(node, "node");
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
  FactWriter w(d, "deployment");
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
      At(d, {"spec", "replicas"}).is_number() ? NumberOf(At(d, {"spec", "replicas"})) : 1;
  const double available = NumberOf(At(d, {"status", "availableReplicas"}));
  const double ready = NumberOf(At(d, {"status", "readyReplicas"}));
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
  FactWriter w(r, "replicaset");
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
  FactWriter w(s, "statefulset");
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
  FactWriter w(d, "daemonset");
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
  FactWriter w(j, "job_name");
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
  FactWriter w(c, "cronjob");
  w.Add("kube_cronjob_info", 1,
        {{"schedule", TextAt(c, {"spec", "schedule"})},
         {"concurrency_policy", TextAt(c, {"spec", "concurrencyPolicy"})}});
  w.Add("kube_cronjob_spec_suspend", BoolAt(c, {"spec", "suspend"}) ? 1 : 0);
  w.Add("kube_cronjob_status_active", static_cast<double>(ListAt(c, {"status", "active"}).size()));
  w.Add("kube_cronjob_status_last_schedule_time", Time(At(c, {"status", "lastScheduleTime"})));
  return w.Take();
}

std::vector<Fact> Hpa(const Json& h) {
  FactWriter w(h, "horizontalpodautoscaler");
  w.AddPath("kube_horizontalpodautoscaler_spec_min_replicas", {"spec", "minReplicas"}, 1);
  w.AddPath("kube_horizontalpodautoscaler_spec_max_replicas", {"spec", "maxReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_current_replicas", {"status", "currentReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_desired_replicas", {"status", "desiredReplicas"});
  w.AddConditions("kube_horizontalpodautoscaler_status_condition");
  return w.Take();
}

std::vector<Fact> Claim(const Json& p) {
  FactWriter w(p, "persistentvolumeclaim");
  const std::string phase = TextAt(p, {"status", "phase"});
  for (const char* one : {"Pending", "Bound", "Lost"})
    w.Add("kube_persistentvolumeclaim_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  w.Add("kube_persistentvolumeclaim_info", 1,
        {{"storageclass", TextAt(p, {"spec", "storageClassName"})},
         {"volumename", TextAt(p, {"spec", "volumeName"})}});
  w.Add("kube_persistentvolumeclaim_resource_requests_storage_bytes",
        AmountOf(At(p, {"spec", "resources", "requests", "storage"})));
  return w.Take();
}

std::vector<Fact> Volume(const Json& p) {
  FactWriter w(p, "persistentvolume");
  const std::string phase = TextAt(p, {"status", "phase"});
  for (const char* one : {"Pending", "Available", "Bound", "Released", "Failed"}) {
    w.Add("kube_persistentvolume_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  }
  w.Add("kube_persistentvolume_capacity_bytes", AmountOf(At(p, {"spec", "capacity", "storage"})));
  return w.Take();
}

std::vector<Fact> Namespace(const Json& n) {
  FactWriter w(n, "namespace");
  const std::string phase = TextAt(n, {"status", "phase"});
  for (const char* one : {"Active", "Terminating"})
    w.Add("kube_namespace_status_phase", phase == one ? 1 : 0, {{"phase", one}});
  w.AddCreated("kube_namespace_created");
  return w.Take();
}

std::vector<Fact> Service(const Json& s) {
  FactWriter w(s, "service");
  w.Add("kube_service_info", 1,
        {{"cluster_ip", TextAt(s, {"spec", "clusterIP"})},
         {"external_name", TextAt(s, {"spec", "externalName"})}});
  w.Add("kube_service_spec_type", 1, {{"type", TextAt(s, {"spec", "type"})}});
  w.AddCreated("kube_service_created");
  return w.Take();
}

std::vector<Fact> Endpoints(const Json& e) {
  FactWriter w(e, "endpoint");
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
  FactWriter w(q, "resourcequota");
  for (const char* type : {"hard", "used"}) {
    const Json& list = At(q, {"status", type});
    if (!list.is_object()) continue;
    for (const auto& [name, quantity] : list.items())
      w.Add("kube_resourcequota", AmountOf(quantity), {{"resource", name}, {"type", type}});
  }
  return w.Take();
}

std::vector<Fact> Budget(const Json& p) {
  FactWriter w(p, "poddisruptionbudget");
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
      new std::map<std::string, Maker>{{"pods", PodFacts},
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
