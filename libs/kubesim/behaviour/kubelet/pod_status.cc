// What a kubelet reports of a pod.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Running(const ContainerRuntime& one) {
  return one.status.state == ContainerStatus::State::kRunning;
}
bool Over(const ContainerRuntime& one) {
  return one.status.state == ContainerStatus::State::kTerminated;
}
bool Failed(const ContainerRuntime& one) { return Over(one) && one.status.terminated->code != 0; }

bool OfKubelet(const std::string& condition) {
  return condition == "PodScheduled" || condition == "Ready" || condition == "Initialized" ||
         condition == "ContainersReady" || condition == "PodReadyToStartContainers";
}

// Why a readiness gate holds a pod back.
std::string GateMessage(const std::string& type, const Json& status) {
  for (const Json& one : ListAt(status, {"conditions"})) {
    if (TextAt(one, "type") == type)
      return fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", type,
                         TextAt(one, "status"));
  }
  return fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", type);
}

std::string Names(const std::vector<std::string>& names) { return base::Join(names, " "); }

// Conditions as they are made; those that did not turn keep their time.
class ConditionList {
 public:
  ConditionList(const Json& before, absl::Time now) : before_(before), now_(base::Rfc3339(now)) {}

  void Add(const char* type, bool good, const std::string& reason = {},
           const std::string& message = {}) {
    Json condition = {{"type", type},
                      {"status", good ? "True" : "False"},
                      {"lastProbeTime", nullptr},
                      {"lastTransitionTime", now_}};
    for (const Json& old : ListAt(before_, {"conditions"})) {
      if (TextAt(old, "type") == type && TextAt(old, "status") == condition["status"])
        condition["lastTransitionTime"] = TextAt(old, "lastTransitionTime");
    }
    if (!reason.empty()) condition["reason"] = reason;
    if (!message.empty()) condition["message"] = message;
    list_.push_back(std::move(condition));
  }

  /// What others wrote stays: readiness gates, disruption.
  Json TakeWithOthers() {
    for (const Json& old : ListAt(before_, {"conditions"})) {
      const bool ours = std::any_of(list_.begin(), list_.end(), [&](const Json& one) {
        return one["type"] == TextAt(old, "type");
      });
      if (!ours) list_.push_back(old);
    }
    return std::move(list_);
  }

 private:
  const Json& before_;
  const std::string now_;
  Json list_ = Json::array();
};

// The readiness gates that are not met, each in words.
std::vector<std::string> UnmetGates(const Json& spec, const Json& before) {
  std::vector<std::string> gates;
  for (const Json& gate : ListAt(spec, {"readinessGates"})) {
    const std::string type = TextAt(gate, "conditionType");
    const bool met =
        std::any_of(ListAt(before, {"conditions"}).begin(), ListAt(before, {"conditions"}).end(),
                    [&](const Json& one) {
                      return TextAt(one, "type") == type && TextAt(one, "status") == "True";
                    });
    if (!met) gates.push_back(GateMessage(type, before));
  }
  return gates;
}

}  // namespace

std::string Kubelet::Phase(const View& view) const {
  const PodRuntime& runtime = view.runtime;
  if (!runtime.reason.empty() && runtime.over) return "Failed";
  if (runtime.over) {
    const bool failed =
        std::any_of(runtime.main.begin(), runtime.main.end(), Failed) ||
        std::any_of(runtime.init.begin(), runtime.init.end(),
                    [](const ContainerRuntime& one) { return !one.sidecar && Failed(one); });
    const bool all_ended = std::all_of(runtime.main.begin(), runtime.main.end(), Over);
    if (failed) return "Failed";
    return all_ended ? "Succeeded" : runtime.terminating ? "Failed" : "Failed";
  }
  const bool init_done =
      std::all_of(runtime.init.begin(), runtime.init.end(), [](const ContainerRuntime& one) {
        return one.sidecar ? one.status.started || one.status.restarts > 0
                           : Over(one) && !Failed(one);
      });
  const bool begun =
      std::any_of(runtime.main.begin(), runtime.main.end(), [](const ContainerRuntime& one) {
        return Running(one) || Over(one) || one.status.last || one.status.terminated;
      });
  const bool all_begun =
      std::all_of(runtime.main.begin(), runtime.main.end(), [](const ContainerRuntime& one) {
        return Running(one) || Over(one) || one.status.last || one.status.terminated;
      });
  return init_done && begun && all_begun ? "Running" : "Pending";
}

Json Kubelet::Conditions(const View& view, const Json& before, const std::string& phase) const {
  const PodRuntime& runtime = view.runtime;
  ConditionList list(before, view.now);
  std::vector<std::string> incomplete, unready;
  for (const ContainerRuntime& one : runtime.init) {
    if (one.sidecar ? !one.status.started : !(Over(one) && !Failed(one)))
      incomplete.push_back(one.status.name);
    if (one.sidecar && !one.status.ready) unready.push_back(one.status.name);
  }
  for (const ContainerRuntime& one : runtime.main) {
    if (!one.status.ready) unready.push_back(one.status.name);
  }
  if (runtime.disrupted) {
    list.Add("DisruptionTarget", true, "TerminationByKubelet", runtime.message);
  }
  list.Add("PodReadyToStartContainers", runtime.sandbox && !runtime.over);
  const bool main_begun =
      std::any_of(runtime.main.begin(), runtime.main.end(), [](const ContainerRuntime& one) {
        return one.status.last || one.status.terminated || Running(one);
      });
  if (phase == "Succeeded")
    list.Add("Initialized", true, "PodCompleted");
  else if (incomplete.empty() || main_begun)
    list.Add("Initialized", true);
  else
    list.Add("Initialized", false, "ContainersNotInitialized",
             fmt::format("containers with incomplete status: [{}]", Names(incomplete)));
  bool ready = unready.empty() && !runtime.over;
  std::string reason, message;
  if (phase == "Succeeded")
    reason = "PodCompleted";
  else if (phase == "Failed")
    reason = "PodFailed";
  else if (!ready) {
    reason = "ContainersNotReady";
    message = fmt::format("containers with unready status: [{}]", Names(unready));
  }
  const std::vector<std::string> gates = UnmetGates(view.spec, before);
  if (ready && !gates.empty()) {
    list.Add("Ready", false, "ReadinessGatesNotReady", base::Join(gates, ", "));
  } else {
    list.Add("Ready", ready, reason, message);
  }
  list.Add("ContainersReady", ready, reason, message);
  list.Add("PodScheduled", true);
  return list.TakeWithOthers();
}

// Of a pod that was never begun: no container and no condition of the kubelet's.
Json Kubelet::RejectedStatus(const View& view, const Json& before) const {
  Json status = {{"phase", "Failed"},
                 {"reason", view.runtime.reason},
                 {"message", view.runtime.message},
                 {"qosClass", QosClass(view.spec)},
                 {"startTime", base::Rfc3339(view.runtime.started)}};
  Json kept = Json::array();
  for (const Json& one : ListAt(before, {"conditions"})) {
    if (!OfKubelet(TextAt(one, "type"))) kept.push_back(one);
  }
  if (!kept.empty()) status["conditions"] = std::move(kept);
  return status;
}

Json Kubelet::MakeStatus(const View& view, const Json& before) const {
  const PodRuntime& runtime = view.runtime;
  if (runtime.rejected) return RejectedStatus(view, before);
  Json status = before.is_object() ? before : Json::object();
  status.erase("nominatedNodeName");  // a scheduler's word, which a kubelet does not keep
  const std::string phase = Phase(view);
  status["phase"] = phase;
  status["conditions"] = Conditions(view, before, phase);
  status["startTime"] = base::Rfc3339(runtime.started);
  if (!status.contains("qosClass")) status["qosClass"] = QosClass(view.spec);
  if (!runtime.reason.empty() && (runtime.over || !runtime.ending)) {
    status["reason"] = runtime.reason;
    status["message"] = runtime.message;
  }
  if (const ObjectPtr node = nodes_.Get("", runtime.node)) {
    const auto node_json = engine_.Parsed(node);
    for (const Json& address : ListAt(*node_json, {"status", "addresses"})) {
      if (TextAt(address, "type") != "InternalIP") continue;
      status["hostIP"] = TextAt(address, "address");
      status["hostIPs"] = {{{"ip", TextAt(address, "address")}}};
    }
  }
  if (!runtime.ip.empty()) {
    status["podIP"] = runtime.ip;
    status["podIPs"] = {{{"ip", runtime.ip}}};
  }
  auto render = [&](const std::vector<ContainerRuntime>& containers, const char* specs) {
    Json statuses = Json::array();
    for (const ContainerRuntime& one : containers) {
      const Json* spec = nullptr;
      for (const Json& candidate : ListAt(view.spec, {specs})) {
        if (TextAt(candidate, "name") == one.status.name) spec = &candidate;
      }
      statuses.push_back(Render(one.status, spec == nullptr ? Json() : *spec));
    }
    std::stable_sort(statuses.begin(), statuses.end(), [&](const Json& x, const Json& y) {
      return specs[0] == 'c' && TextAt(x, "name") < TextAt(y, "name");
    });
    return statuses;
  };
  if (!runtime.init.empty())
    status["initContainerStatuses"] = render(runtime.init, "initContainers");
  status["containerStatuses"] = render(runtime.main, "containers");
  if (!runtime.ephemeral.empty())
    status["ephemeralContainerStatuses"] = render(runtime.ephemeral, "ephemeralContainers");
  return status;
}

void Kubelet::WriteStatus(View& view) {
  Json wanted = MakeStatus(view, At(view.pod, "status"));
  if (wanted == At(view.pod, "status")) return;
  (void)engine_.client().Change(
      pod_type_, view.runtime.ns, view.runtime.name,
      [&](Json& object) {
        const bool same = TextAt(object, {"metadata", "resourceVersion"}) ==
                          std::to_string(view.object->resource_version);
        object["status"] = same ? std::move(wanted) : MakeStatus(view, At(object, "status"));
        return true;
      },
      view.runtime.uid);
}

// Typical values of what runs: api/metrics.h lets them sway.
void Kubelet::WriteMetrics(const View& view, bool remove) {
  const ResourceType* type =
      metrics_ ? engine_.store().catalog().Preferred("metrics.k8s.io", "pods") : nullptr;
  if (type == nullptr) return;
  if (remove || faults_.OnCluster("no-metrics")) {
    (void)engine_.client().Remove(*type, view.runtime.ns, view.runtime.name);
    return;
  }
  Json usage = {{"metadata",
                 {{"name", view.runtime.name},
                  {"namespace", view.runtime.ns},
                  {"labels", At(view.pod, {"metadata", "labels"})}}},
                {"containers", Json::array()}};
  if (!usage["metadata"]["labels"].is_object()) usage["metadata"].erase("labels");
  for (const auto* list : {&view.runtime.init, &view.runtime.main}) {
    for (const ContainerRuntime& one : *list) {
      if (!one.process || (one.init && !one.sidecar)) continue;
      usage["containers"].push_back(
          {{"name", one.status.name},
           {"usage",
            {{"cpu", fmt::format("{}m", one.process->milli_cpu())},
             {"memory", fmt::format("{}Ki", one.process->memory(view.now) / 1024)}}}});
    }
  }
  const Json containers = usage["containers"];
  if (containers.empty()) return;
  if (!engine_.client().Put(*type, std::move(usage)).ok()) {
    (void)engine_.client().Change(*type, view.runtime.ns, view.runtime.name, [&](Json& object) {
      object["containers"] = containers;
      return true;
    });
  }
}

}  // namespace opsmesh::kubesim
