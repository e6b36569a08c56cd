// What kube-state-metrics says about pods.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

/// One container, of `prefix` "kube_pod_container" or "kube_pod_init_container".
class ContainerFacts {
 public:
  ContainerFacts(FactWriter& w, std::string prefix, const Json& status, double ready_since)
      : w_(w),
        prefix_(std::move(prefix)),
        status_(status),
        name_(TextAt(status, "name")),
        ready_since_(ready_since) {}

  void Write(const std::string& image_spec) {
    w_.Add(prefix_ + "_info", 1,
           {{"container", name_},
            {"image", TextAt(status_, "image")},
            {"image_spec", image_spec},
            {"image_id", TextAt(status_, "imageID")},
            {"container_id", TextAt(status_, "containerID")}});
    const bool ready = BoolAt(status_, {"ready"});
    Add("_status_ready", ready ? 1 : 0, {}, ready_since_, ready ? 0 : 1);
    State();
    Last();
  }

 private:
  void Add(const char* metric, double value, Labels more = {}, double since = kNaN,
           double before = kNaN) {
    more.emplace_back("container", name_);
    w_.Add(prefix_ + metric, value, std::move(more), since, before);
  }

  void State() {
    for (const char* state : {"running", "waiting", "terminated"}) {
      const std::string metric = std::string("_status_") + state;
      Add(metric.c_str(), At(status_, {"state", state}).is_object() ? 1 : 0);
    }
    if (const std::string reason = TextAt(status_, {"state", "waiting", "reason"}); !reason.empty())
      Add("_status_waiting_reason", 1, {{"reason", reason}}, ready_since_);
    const Json& ended = At(status_, {"state", "terminated"});
    if (const std::string reason = TextAt(ended, "reason"); !reason.empty())
      Add("_status_terminated_reason", 1, {{"reason", reason}}, Time(At(ended, "finishedAt")));
    const Json& running = At(status_, {"state", "running"});
    const double started = Time(At(running.is_object() ? running : ended, "startedAt"));
    Add("_state_started", started, {}, started);
  }

  void Last() {
    const Json& last = At(status_, {"lastState", "terminated"});
    if (!last.is_object()) return;
    Add("_status_last_terminated_reason", 1, {{"reason", TextAt(last, "reason")}}, ready_since_);
    Add("_status_last_terminated_exitcode", NumberOf(At(last, "exitCode")), {}, ready_since_);
    const double ended = Time(At(last, "finishedAt"));
    Add("_status_last_terminated_timestamp", ended, {}, ended);
  }

  FactWriter& w_;
  const std::string prefix_;
  const Json& status_;
  const std::string name_;
  const double ready_since_;
};

void Containers(FactWriter& w, const Json& pod, double ready_since) {
  struct Group {
    const char* prefix;
    const char* specs;
    const char* statuses;
  };
  for (const Group& group :
       {Group{"kube_pod_container", "containers", "containerStatuses"},
        Group{"kube_pod_init_container", "initContainers", "initContainerStatuses"}}) {
    const bool init = std::string_view(group.specs) == "initContainers";
    for (const Json& status : ListAt(pod, {"status", group.statuses})) {
      std::string image_spec;
      for (const Json& container : ListAt(pod, {"spec", group.specs})) {
        if (TextAt(container, "name") == TextAt(status, "name"))
          image_spec = TextAt(container, "image");
      }
      ContainerFacts(w, group.prefix, status, ready_since).Write(image_spec);
      // Those of other containers follow their runs: Model::State.
      if (init) {
        w.Add("kube_pod_init_container_status_restarts_total", NumberOf(At(status, "restartCount")),
              {{"container", TextAt(status, "name")}});
      }
    }
    for (const Json& container : ListAt(pod, {"spec", group.specs})) {
      const Labels who = {{"container", TextAt(container, "name")},
                          {"node", TextAt(pod, {"spec", "nodeName"})}};
      const std::string prefix = group.prefix;
      w.AddResources(prefix + "_resource_requests", At(container, {"resources", "requests"}), who);
      w.AddResources(prefix + "_resource_limits", At(container, {"resources", "limits"}), who);
    }
  }
}

void Info(FactWriter& w, const Json& pod) {
  std::string owner_kind;
  std::string owner_name;
  for (const Json& owner : ListAt(pod, {"metadata", "ownerReferences"})) {
    owner_kind = TextAt(owner, "kind");
    owner_name = TextAt(owner, "name");
  }
  w.Add("kube_pod_info", 1,
        {{"node", TextAt(pod, {"spec", "nodeName"})},
         {"host_ip", TextAt(pod, {"status", "hostIP"})},
         {"pod_ip", TextAt(pod, {"status", "podIP"})},
         {"created_by_kind", owner_kind},
         {"created_by_name", owner_name},
         {"host_network", BoolAt(pod, {"spec", "hostNetwork"}) ? "true" : "false"},
         {"priority_class", TextAt(pod, {"spec", "priorityClassName"})}});
  for (const Json& one : ListAt(pod, {"status", "podIPs"})) {
    const std::string ip = TextAt(one, "ip");
    w.Add("kube_pod_ips", 1,
          {{"ip", ip}, {"ip_family", ip.find(':') == std::string::npos ? "4" : "6"}});
  }
  w.Add("kube_pod_restart_policy", 1, {{"type", TextAt(pod, {"spec", "restartPolicy"})}});
  w.Add("kube_pod_service_account", 1,
        {{"service_account", TextAt(pod, {"spec", "serviceAccountName"})}});
  w.Add("kube_pod_scheduler", 1, {{"name", TextAt(pod, {"spec", "schedulerName"})}});
  if (const std::string name = TextAt(pod, {"spec", "runtimeClassName"}); !name.empty())
    w.Add("kube_pod_runtimeclass_name_info", 1, {{"runtimeclass_name", name}});
  w.Add("kube_pod_overhead_cpu_cores", AmountOf(At(pod, {"spec", "overhead", "cpu"})));
  w.Add("kube_pod_overhead_memory_bytes", AmountOf(At(pod, {"spec", "overhead", "memory"})));
}

void Placement(FactWriter& w, const Json& pod) {
  for (const Json& one : ListAt(pod, {"spec", "tolerations"})) {
    w.Add("kube_pod_tolerations", 1,
          {{"key", TextAt(one, "key")},
           {"operator", TextAt(one, "operator")},
           {"value", TextAt(one, "value")},
           {"effect", TextAt(one, "effect")},
           {"toleration_seconds", Scalar(At(one, "tolerationSeconds"))}});
  }
  if (const Json& selectors = At(pod, {"spec", "nodeSelector"}); selectors.is_object()) {
    Labels labels;
    for (const auto& [key, value] : selectors.items())
      labels.emplace_back(LabelName("nodeselector_", key), Scalar(value));
    w.Add("kube_pod_nodeselectors", 1, std::move(labels));
  }
}

void Claims(FactWriter& w, const Json& pod) {
  const std::string pod_name = TextAt(pod, {"metadata", "name"});
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    const std::string name = TextAt(volume, "name");
    const Json& claim = At(volume, "persistentVolumeClaim");
    const bool ephemeral = At(volume, "ephemeral").is_object();
    if (!claim.is_object() && !ephemeral) continue;
    const Labels who = {
        {"volume", name},
        {"persistentvolumeclaim", ephemeral ? pod_name + "-" + name : TextAt(claim, "claimName")},
        {"ephemeral", ephemeral ? "true" : "false"}};
    w.Add("kube_pod_spec_volumes_persistentvolumeclaims_info", 1, who);
    w.Add("kube_pod_spec_volumes_persistentvolumeclaims_readonly",
          BoolAt(claim, {"readOnly"}) ? 1 : 0, who);
  }
}

/// Since when a pod is, or is not, ready.
struct Readiness {
  bool ready = false;
  double since = kNaN;
};

Readiness ReadinessOf(const Json& pod) {
  Readiness found;
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready") continue;
    found.since = Time(At(condition, "lastTransitionTime"));
    found.ready = TextAt(condition, "status") == "True";
  }
  return found;
}

void Phase(FactWriter& w, const Json& pod, const Readiness& readiness) {
  const std::string phase = TextAt(pod, {"status", "phase"});
  const bool ended = phase == "Succeeded" || phase == "Failed";
  const double since = ended ? readiness.since : Time(At(pod, {"status", "startTime"})) + 2;
  for (const char* one : {"Pending", "Running", "Succeeded", "Failed", "Unknown"}) {
    w.Add("kube_pod_status_phase", phase == one ? 1 : 0, {{"phase", one}}, since,
          std::string_view("Pending") == one ? 1 : 0);
  }
  w.AddOneOf("kube_pod_status_qos_class", "qos_class", TextAt(pod, {"status", "qosClass"}),
             {"BestEffort", "Burstable", "Guaranteed"});
}

void Ready(FactWriter& w, const Readiness& readiness) {
  for (const std::string_view condition : {"true", "false", "unknown"}) {
    const bool unknown = condition == "unknown";
    const bool now = !unknown && readiness.ready == (condition == "true");
    w.Add("kube_pod_status_ready", now ? 1 : 0, {{"condition", std::string(condition)}},
          readiness.since, unknown || now ? 0 : 1);
  }
}

/// The moments of conditions, and whether it was scheduled.
void Conditions(FactWriter& w, const Json& pod) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    const std::string type = TextAt(condition, "type");
    const std::string status = TextAt(condition, "status");
    const bool yes = status == "True";
    const double at = Time(At(condition, "lastTransitionTime"));
    if (type == "Initialized" && yes) w.Add("kube_pod_status_initialized_time", at, {}, at);
    if (type == "Ready" && yes) w.Add("kube_pod_status_ready_time", at, {}, at);
    if (type == "ContainersReady" && yes) w.Add("kube_pod_status_container_ready_time", at, {}, at);
    if (type == "DisruptionTarget" && yes) {
      w.Add("kube_pod_status_disruption_reason", 1, {{"reason", TextAt(condition, "reason")}}, at);
    }
    if (type != "PodScheduled") continue;
    w.AddOneOf("kube_pod_status_scheduled", "condition",
               yes                 ? "true"
               : status == "False" ? "false"
                                   : "unknown",
               {"true", "false", "unknown"});
    w.Add(yes ? "kube_pod_status_scheduled_time" : "kube_pod_status_unscheduled_time", at, {}, at);
    w.Add("kube_pod_status_unschedulable", yes ? kNaN : 1);
  }
}

/// Why the whole pod ended, or cannot begin.
void Reason(FactWriter& w, const Json& pod) {
  std::string reason = TextAt(pod, {"status", "reason"});
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (reason.empty() && TextAt(condition, "reason") == "SchedulingGated")
      reason = "SchedulingGated";
  }
  if (!reason.empty()) w.Add("kube_pod_status_reason", 1, {{"reason", reason}});
}

/// When its last container ended.
void Completion(FactWriter& w, const Json& pod) {
  double last = kNaN;
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"})) {
    const double ended = Time(At(status, {"state", "terminated", "finishedAt"}));
    if (std::isnan(ended)) return;
    last = std::isnan(last) ? ended : std::max(last, ended);
  }
  w.Add("kube_pod_completion_time", last, {}, last);
}

}  // namespace

std::vector<Fact> PodFacts(const Json& pod) {
  FactWriter w(pod, "pod");
  w.Bear("uid", TextAt(pod, {"metadata", "uid"}));
  w.AddCommon("kube_pod");
  w.AddOwners("kube_pod_owner");
  Info(w, pod);
  Placement(w, pod);
  Claims(w, pod);
  const double started = Time(At(pod, {"status", "startTime"}));
  w.Add("kube_pod_start_time", started, {}, started);
  Completion(w, pod);
  const Readiness readiness = ReadinessOf(pod);
  Phase(w, pod, readiness);
  Ready(w, readiness);
  Conditions(w, pod);
  Reason(w, pod);
  Containers(w, pod, readiness.since);
  return w.Take();
}

}  // namespace opsmesh::kubesim::prometheus
