// What kube-state-metrics says about pods.
#include <fmt/format.h>

#include <cctype>
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

void Container(FactWriter& w, const Json& status, double ready_since) {
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
    w.Add("kube_pod_container_status_last_terminated_exitcode", NumberOf(At(last, "exitCode")), who,
          ready_since);
  }
  if (const double started = Time(At(status, {"state", "running", "startedAt"}));
      !std::isnan(started)) {
    w.Add("kube_pod_container_state_started", started, who, started);
  }
}

void Owner(FactWriter& w, const Json& pod, const std::string& uid) {
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
}

void OwnLabels(FactWriter& w, const Json& pod, const std::string& uid) {
  Labels labels = {{"uid", uid}};
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

void Phase(FactWriter& w, const Json& pod, const std::string& uid, const Readiness& readiness) {
  const std::string phase = TextAt(pod, {"status", "phase"});
  const bool ended = phase == "Succeeded" || phase == "Failed";
  const double since = ended ? readiness.since : Time(At(pod, {"status", "startTime"})) + 2;
  for (const char* one : {"Pending", "Running", "Succeeded", "Failed", "Unknown"}) {
    w.Add("kube_pod_status_phase", phase == one ? 1 : 0, {{"uid", uid}, {"phase", one}}, since,
          std::string_view("Pending") == one ? 1 : 0);
  }
}

void Ready(FactWriter& w, const std::string& uid, const Readiness& readiness) {
  for (const std::string_view condition : {"true", "false", "unknown"}) {
    const bool unknown = condition == "unknown";
    const bool now = !unknown && readiness.ready == (condition == "true");
    w.Add("kube_pod_status_ready", now ? 1 : 0,
          {{"uid", uid}, {"condition", std::string(condition)}}, readiness.since,
          unknown || now ? 0 : 1);
  }
}

void Scheduled(FactWriter& w, const Json& pod, const std::string& uid) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "PodScheduled") continue;
    const bool scheduled = TextAt(condition, "status") == "True";
    w.Add("kube_pod_status_scheduled", scheduled ? 1 : 0, {{"uid", uid}, {"condition", "true"}});
    w.Add("kube_pod_status_unschedulable", scheduled ? kNaN : 1, {{"uid", uid}});
  }
}

void Resources(FactWriter& w, const Json& pod) {
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    const Labels who = {{"container", TextAt(container, "name")},
                        {"node", TextAt(pod, {"spec", "nodeName"})}};
    w.AddResources("kube_pod_container_resource_requests", At(container, {"resources", "requests"}),
                   who);
    w.AddResources("kube_pod_container_resource_limits", At(container, {"resources", "limits"}),
                   who);
  }
}

}  // namespace

std::vector<Fact> PodFacts(const Json& pod) {
  FactWriter w(pod, "pod");
  const std::string uid = TextAt(pod, {"metadata", "uid"});
  Owner(w, pod, uid);
  OwnLabels(w, pod, uid);
  const double created = Time(At(pod, {"metadata", "creationTimestamp"}));
  w.Add("kube_pod_created", created, {{"uid", uid}});
  const double started = Time(At(pod, {"status", "startTime"}));
  w.Add("kube_pod_start_time", started, {{"uid", uid}}, started);
  const Readiness readiness = ReadinessOf(pod);
  Phase(w, pod, uid, readiness);
  Ready(w, uid, readiness);
  if (const std::string reason = TextAt(pod, {"status", "reason"}); !reason.empty()) {
    w.Add("kube_pod_status_reason", 1, {{"uid", uid}, {"reason", reason}});
  }
  Scheduled(w, pod, uid);
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"}))
    Container(w, status, readiness.since);
  Resources(w, pod);
  return w.Take();
}

}  // namespace opsmesh::kubesim::prometheus
