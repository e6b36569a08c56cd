#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kSync =
    absl::Seconds(13);  // how often a kubelet repeats an event, on average

Json Terminated(const ImageBehaviour& behaviour, absl::Time started, absl::Time finished,
                const std::string& id) {
  const int code = behaviour.exit->code;
  const std::string reason = !behaviour.exit->reason.empty() ? behaviour.exit->reason
                             : code == 0                     ? "Completed"
                                                             : "Error";
  return {{"terminated",
           {{"exitCode", code},
            {"reason", reason},
            {"startedAt", base::Rfc3339(started)},
            {"finishedAt", base::Rfc3339(finished)},
            {"containerID", id}}}};
}

// The ConfigMap or Secret that a container cannot do without and that is not there.
std::string MissingConfig(const Store& store, const Json& container, const std::string& ns) {
  auto missing = [&](const char* plural, const char* word, const Json& ref) -> std::string {
    const std::string name = TextAt(ref, "name");
    if (name.empty() || BoolAt(ref, {"optional"})) return "";
    if (store.Get(MustFind(store, "", "v1", plural), ns, name)) return "";
    return fmt::format("{} \"{}\" not found", word, name);
  };
  for (const Json& from : ListAt(container, {"envFrom"})) {
    if (auto text = missing("configmaps", "configmap", At(from, "configMapRef")); !text.empty())
      return text;
    if (auto text = missing("secrets", "secret", At(from, "secretRef")); !text.empty()) return text;
  }
  for (const Json& env : ListAt(container, {"env"})) {
    if (auto text = missing("configmaps", "configmap", At(env, {"valueFrom", "configMapKeyRef"}));
        !text.empty())
      return text;
    if (auto text = missing("secrets", "secret", At(env, {"valueFrom", "secretKeyRef"}));
        !text.empty())
      return text;
  }
  return "";
}

std::string ProbeWord(const Json& container) {
  return At(container, {"readinessProbe"}).is_object() ? "Readiness probe failed: " : "";
}

Json Waiting(const std::string& reason, const std::string& message) {
  return {{"waiting", {{"reason", reason}, {"message", message}}}};
}

}  // namespace

Json DemoBuilder::Conditions(bool ready, bool scheduled, const std::string& unready,
                             const std::string& why_not, absl::Time created,
                             absl::Time changed) const {
  Json list = Json::array();
  auto add = [&](const char* type, bool good, const std::string& reason, const std::string& message,
                 absl::Time since) {
    Json condition = {{"type", type},
                      {"status", good ? "True" : "False"},
                      {"lastProbeTime", nullptr},
                      {"lastTransitionTime", base::Rfc3339(since)}};
    if (!reason.empty()) condition["reason"] = reason;
    if (!message.empty()) condition["message"] = message;
    list.push_back(std::move(condition));
  };
  if (!scheduled) {
    add("PodScheduled", false, "Unschedulable", why_not, created);
    return list;
  }
  add("PodReadyToStartContainers", true, "", "", created + absl::Seconds(2));
  add("Initialized", true, "", "", created);
  const std::string reason = ready ? "" : unready.empty() ? "PodCompleted" : "ContainersNotReady";
  const std::string message =
      unready.empty() ? "" : fmt::format("containers with unready status: [{}]", unready);
  add("Ready", ready, reason, message, changed);
  add("ContainersReady", ready, reason, message, changed);
  add("PodScheduled", true, "", "", created);
  return list;
}

struct DemoBuilder::ContainerPlan {
  std::string name, image;
  const ImageBehaviour& behaviour;
  const EventSubject& pod;
  EventSubject about;
  std::string host;
  absl::Time started;
  absl::Duration age;
  int syncs = 0;  // how often the kubelet has looked
};

void DemoBuilder::Tell(const ContainerPlan& plan, const char* type, const char* reason,
                       const std::string& message, absl::Time first, absl::Time last, int count) {
  AddEvent(plan.about, type, reason, message, "kubelet", plan.host, first, last, count);
}

Json DemoBuilder::PullFailed(const ContainerPlan& plan) {
  const std::string& image = plan.image;
  const absl::Time started = plan.started;
  const std::string failed =
      fmt::format("Failed to pull image \"{}\": {}", image, plan.behaviour.pull_error);
  const int pulls = static_cast<int>(std::min<int64_t>(5 + plan.age / absl::Minutes(5), 5000));
  Tell(plan, "Normal", "Pulling", fmt::format("Pulling image \"{}\"", image), started,
       now_ - absl::Seconds(140), pulls);
  Tell(plan, "Warning", "Failed", failed, started + absl::Seconds(1), now_ - absl::Seconds(139),
       pulls);
  Tell(plan, "Warning", "Failed", "Error: ErrImagePull", started + absl::Seconds(1),
       now_ - absl::Seconds(139), pulls);
  Tell(plan, "Normal", "BackOff", fmt::format("Back-off pulling image \"{}\"", image),
       started + absl::Seconds(3), now_ - absl::Seconds(9), plan.syncs);
  Tell(plan, "Warning", "Failed", "Error: ImagePullBackOff", started + absl::Seconds(3),
       now_ - absl::Seconds(9), plan.syncs);
  return Waiting("ImagePullBackOff",
                 fmt::format("Back-off pulling image \"{0}\": ErrImagePull: {1}", image,
                             plan.behaviour.pull_error));
}

Json DemoBuilder::ConfigMissing(const ContainerPlan& plan, const std::string& missing) {
  const absl::Time last = now_ - absl::Seconds(5);
  Tell(plan, "Normal", "Pulled",
       fmt::format("Container image \"{}\" already present on machine", plan.image), plan.started,
       last, plan.syncs);
  Tell(plan, "Warning", "Failed", "Error: " + missing, plan.started, last, plan.syncs);
  return Waiting("CreateContainerConfigError", missing);
}

// Dead, waiting for the next start.
Json DemoBuilder::Crashed(const ContainerPlan& plan, const Lives& lives) {
  const EventSubject& pod = plan.pod;
  const int seconds = static_cast<int>(absl::ToInt64Seconds(lives.back_off));
  const std::string span = seconds >= 60 ? fmt::format("{}m{}s", seconds / 60, seconds % 60)
                                         : fmt::format("{}s", seconds);
  const std::string which = fmt::format("restarting failed container={} pod={}_{}({})", plan.name,
                                        pod.name, pod.ns, pod.uid);
  Tell(plan, "Warning", "BackOff",
       fmt::format("Back-off restarting failed container {} in pod {}_{}({})", plan.name, pod.name,
                   pod.ns, pod.uid),
       plan.started + absl::Seconds(8), now_ - absl::Seconds(6),
       std::max(1, plan.syncs - (lives.restarts + 1)));
  return Waiting("CrashLoopBackOff", fmt::format("back-off {} {}", span, which));
}

bool DemoBuilder::AddContainer(const Json& container, const EventSubject& pod, const NodeRoom& room,
                               absl::Time started, const std::string& restart_policy,
                               Json* status) {
  const std::string name = TextAt(container, "name");
  const std::string image = TextAt(container, "image");
  const ImageBehaviour& behaviour = scenario_.BehaviourOf(image);
  ContainerPlan plan{name, image, behaviour, pod, pod, room.name, started, now_ - started};
  plan.about.field_path = fmt::format("spec.containers{{{}}}", name);
  plan.syncs = static_cast<int>(std::max<int64_t>(1, plan.age / kSync));
  *status = {{"name", name},
             {"image", image},
             {"imageID", ""},
             {"ready", false},
             {"started", false},
             {"restartCount", 0},
             {"lastState", Json::object()},
             {"state", Json::object()}};
  if (!behaviour.pull_error.empty()) {
    (*status)["state"] = PullFailed(plan);
    return false;
  }
  if (const std::string missing = MissingConfig(target_.store, container, pod.ns);
      !missing.empty()) {
    (*status)["state"] = ConfigMissing(plan, missing);
    return false;
  }
  const bool restart = restart_policy == "Always" || (restart_policy == "OnFailure" &&
                                                      behaviour.exit && behaviour.exit->code != 0);
  const Lives lives = LivesOf(behaviour, started + absl::Seconds(2), restart);
  const std::string id = "containerd://" + Hex(64);
  (*status)["imageID"] =
      image.substr(0, image.rfind(':')) + "@sha256:" +
      fmt::format("{:016x}{:016x}{:016x}{:016x}", std::hash<std::string>()(image),
                  image.size() * 2654435761u, std::hash<std::string>()(image + "/"),
                  std::hash<std::string>()(image + "#"));
  (*status)["containerID"] = id;
  (*status)["restartCount"] = lives.restarts;
  if (lives.restarts > 0) WriteLogs(pod.uid, name, image, behaviour, lives.before);
  WriteLogs(pod.uid, name, image, behaviour, lives.last);
  const int starts = lives.restarts + 1;
  Tell(plan, "Normal", "Pulled",
       fmt::format("Container image \"{}\" already present on machine", image),
       started + absl::Seconds(1), lives.last.started, starts);
  Tell(plan, "Normal", "Created", "Created container: " + name, started + absl::Seconds(1),
       lives.last.started, starts);
  Tell(plan, "Normal", "Started", "Started container " + name, started + absl::Seconds(2),
       lives.last.started, starts);
  if (lives.back_off > absl::ZeroDuration()) {
    (*status)["state"] = Crashed(plan, lives);
    (*status)["lastState"] = Terminated(behaviour, lives.last.started, lives.last.finished, id);
    return false;
  }
  if (lives.last.over) {  // done for good
    (*status)["state"] = Terminated(behaviour, lives.last.started, lives.last.finished, id);
    return false;
  }
  if (lives.restarts > 0)
    (*status)["lastState"] = Terminated(behaviour, lives.before.started, lives.before.finished,
                                        "containerd://" + Hex(64));
  (*status)["state"] = {{"running", {{"startedAt", base::Rfc3339(lives.last.started)}}}};
  (*status)["started"] = true;
  if (!behaviour.not_ready.empty()) {
    const int period = static_cast<int>(IntAt(container, {"readinessProbe", "periodSeconds"}, 10));
    Tell(plan, "Warning", "Unhealthy", ProbeWord(container) + behaviour.not_ready,
         started + absl::Seconds(5), now_ - absl::Seconds(2),
         static_cast<int>(std::max<int64_t>(1, plan.age / absl::Seconds(std::max(1, period)))));
    return false;
  }
  (*status)["ready"] = true;
  return true;
}

Json DemoBuilder::NewPod(const PodPlan& plan) {
  Json pod = {{"metadata", At(plan.pod_template, "metadata")},
              {"spec", At(plan.pod_template, "spec")}};
  if (!pod["metadata"].is_object()) pod["metadata"] = Json::object();
  Json& meta = pod["metadata"];
  meta["name"] = plan.name;
  meta["namespace"] = plan.ns;
  meta["uid"] = target_.store.ids().NewUuid();
  meta["creationTimestamp"] = base::Rfc3339(plan.created);
  if (!plan.generate_name.empty()) meta["generateName"] = plan.generate_name;
  if (plan.owner.is_object()) meta["ownerReferences"] = {plan.owner};
  if (plan.labels.is_object()) meta["labels"].update(plan.labels);
  return pod;
}

struct DemoBuilder::Containers {
  Json statuses = Json::array();  // by name
  std::vector<std::string> unready;
  bool all_over = true, failed = false;
  absl::Time changed;  // when it last became ready, or ceased to be

  const char* Phase() const {
    if (all_over) return failed ? "Failed" : "Succeeded";
    const bool blocked = std::all_of(statuses.begin(), statuses.end(), [](const Json& one) {
      return At(one, {"state", "waiting"}).is_object() &&
             !At(one, {"lastState", "terminated"}).is_object();
    });
    return blocked ? "Pending" : "Running";
  }
};

DemoBuilder::Containers DemoBuilder::AddContainers(const PodPlan& plan, const EventSubject& about,
                                                   const NodeRoom& room, const Json& spec) {
  Containers all;
  all.changed = plan.created + absl::Seconds(6);
  const std::string policy = TextAt(spec, "restartPolicy");
  for (const Json& container : ListAt(spec, {"containers"})) {
    Json one;
    if (!AddContainer(container, about, room, plan.created, policy, &one))
      all.unready.push_back(TextAt(container, "name"));
    const Json& over = At(one, {"state", "terminated"});
    all.all_over = all.all_over && over.is_object();
    all.failed = all.failed || (over.is_object() && IntAt(over, "exitCode") != 0);
    absl::Time finished;
    if (base::ParseRfc3339(TextAt(one, {"lastState", "terminated", "finishedAt"}), &finished) ||
        base::ParseRfc3339(TextAt(over, "finishedAt"), &finished))
      all.changed = finished;
    all.statuses.push_back(std::move(one));
  }
  std::sort(all.statuses.begin(), all.statuses.end(),
            [](const Json& a, const Json& b) { return TextAt(a, "name") < TextAt(b, "name"); });
  return all;
}

// The node controller evicts what tolerates an unreachable node for a while only; the kubelet never
// confirms.
void DemoBuilder::EvictFromSilentNode(const PodPlan& plan, const EventSubject& about,
                                      const NodeRoom& room, Json& pod) {
  bool forever = false;
  for (const Json& toleration : ListAt(pod, {"spec", "tolerations"})) {
    forever = forever || (TextAt(toleration, "operator") == "Exists" &&
                          !toleration.contains("tolerationSeconds") &&
                          TextAt(toleration, "effect") != "NoSchedule");
  }
  if (forever || now_ - room.silent_since <= absl::Minutes(5)) return;
  const absl::Time evicted = room.silent_since + absl::Minutes(5);
  pod["metadata"]["deletionTimestamp"] = base::Rfc3339(evicted + absl::Seconds(30));
  pod["metadata"]["deletionGracePeriodSeconds"] = 30;
  AddEvent(about, "Normal", "TaintManagerEviction",
           fmt::format("Marking for deletion Pod {}/{}", plan.ns, plan.name),
           "taint-eviction-controller", "", evicted, evicted, 1);
}

void DemoBuilder::AddUsage(const PodPlan& plan, const Json& pod) {
  Json usage = {
      {"metadata",
       {{"name", plan.name}, {"namespace", plan.ns}, {"labels", At(pod, {"metadata", "labels"})}}},
      {"containers", Json::array()}};
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    const ImageBehaviour& behaviour = scenario_.BehaviourOf(TextAt(container, "image"));
    usage["containers"].push_back(
        {{"name", TextAt(container, "name")},
         {"usage", {{"cpu", behaviour.cpu}, {"memory", behaviour.memory}}}});
  }
  Put(Type("metrics.k8s.io", "pods"), std::move(usage));
}

DemoBuilder::PodResult DemoBuilder::AddPod(const PodPlan& plan) {
  const ResourceType& type = Type("", "pods");
  Json pod = NewPod(plan);
  Json& meta = pod["metadata"];
  ApplyDefaults(type, pod);
  AdmitPod(pod, NameSuffix(target_.store.ids().Random()));
  Json& spec = pod["spec"];
  const EventSubject about{"Pod", "v1", plan.ns, plan.name, TextAt(meta, "uid"), ""};

  std::string why_not;
  NodeRoom* room = plan.node.empty() ? Place(spec, plan.ns, &why_not) : FindNode(plan.node);
  PodResult result;
  Json& status = pod["status"];
  status["qosClass"] = QosClass(spec);
  if (room == nullptr) {
    status["phase"] = "Pending";
    status["conditions"] = Conditions(false, false, "", why_not, plan.created, plan.created);
    const int tries =
        static_cast<int>(std::max<int64_t>(1, (now_ - plan.created) / absl::Minutes(5)));
    AddEvent(about, "Warning", "FailedScheduling", why_not, "default-scheduler", "", plan.created,
             now_ - absl::Seconds(48), tries);
    Put(type, std::move(pod));
    return result;
  }
  result.scheduled = true;
  spec["nodeName"] = room->name;
  AddEvent(about, "Normal", "Scheduled",
           fmt::format("Successfully assigned {}/{} to {}", plan.ns, plan.name, room->name),
           "default-scheduler", "", plan.created, plan.created, 1);
  const std::string ip = BoolAt(spec, {"hostNetwork"})
                             ? room->ip
                             : room->pod_prefix + std::to_string(room->next_address++);
  status["hostIP"] = room->ip;
  status["hostIPs"] = {{{"ip", room->ip}}};
  status["podIP"] = ip;
  status["podIPs"] = {{{"ip", ip}}};
  status["startTime"] = base::Rfc3339(plan.created);

  const Containers containers = AddContainers(plan, about, *room, spec);
  status["containerStatuses"] = containers.statuses;
  status["phase"] = containers.Phase();
  result.ready = containers.unready.empty() && !room->silent;
  status["conditions"] = Conditions(
      result.ready, true,
      containers.all_over && !containers.failed ? "" : base::Join(containers.unready, " "), "",
      plan.created, room->silent ? room->silent_since : containers.changed);
  if (room->silent && !containers.unready.empty()) result.ready = false;
  if (room->silent) {
    AddEvent(about, "Warning", "NodeNotReady", "Node is not ready", "node-controller", "",
             room->silent_since, room->silent_since, 1);
  }
  if (room->silent) EvictFromSilentNode(plan, about, *room, pod);
  AddUsage(plan, pod);
  Put(type, std::move(pod));
  return result;
}

}  // namespace opsmesh::kubesim
