#include "libs/kubesim/behaviour/scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "libs/kubesim/behaviour/scheduler/scores.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using scheduling::PodInfoPtr;

constexpr const char* kName = "default-scheduler";
constexpr absl::Duration kFirstBackOff = absl::Seconds(1);
constexpr absl::Duration kMaxBackOff = absl::Seconds(10);
constexpr absl::Duration kMaxUnschedulable = absl::Minutes(5);
constexpr absl::Duration kFlushEvery = absl::Seconds(30);
constexpr int kPodsPerStep = 64;

bool SameForPods(const Json& a, const Json& b) {
  return At(a, {"metadata", "labels"}) == At(b, {"metadata", "labels"}) &&
         At(a, {"spec", "taints"}) == At(b, {"spec", "taints"}) &&
         At(a, {"spec", "unschedulable"}) == At(b, {"spec", "unschedulable"}) &&
         At(a, {"status", "allocatable"}) == At(b, {"status", "allocatable"});
}

bool OnlyStatusDiffers(const Json& a, const Json& b) {
  return At(a, "spec") == At(b, "spec") &&
         At(a, {"metadata", "labels"}) == At(b, {"metadata", "labels"});
}

}  // namespace

bool Scheduler::Rank::operator<(const Rank& other) const {
  if (priority != other.priority) return priority > other.priority;
  return queued != other.queued ? queued < other.queued : uid < other.uid;
}

Scheduler::Scheduler(Engine& engine)
    : engine_(engine),
      pod_type_(engine.Type("", "pods")),
      event_type_(engine.Type("events.k8s.io", "events")),
      pods_(engine.InformerOf("", "pods")),
      budgets_(engine.InformerOf("policy", "poddisruptionbudgets")) {
  engine.InformerOf("", "namespaces").OnChange([this](const Seen& seen) {
    if (seen.now) view_.PutNamespace(seen.now->name, seen.now->labels);
  });
  for (const char* plural : {"persistentvolumes", "persistentvolumeclaims"}) {
    engine.InformerOf("", plural).OnChange([this](const Seen& seen) { OnVolumeKind(seen); });
  }
  engine.InformerOf("storage.k8s.io", "storageclasses").OnChange([this](const Seen& seen) {
    if (seen.now)
      view_.storage().PutClass(seen.now_json);
    else
      view_.storage().DropClass(seen.before->name);
    Wake({"VolumeBinding"});
  });
  WatchSelectors("", "services");
  WatchSelectors("apps", "replicasets");
  WatchSelectors("apps", "statefulsets");
  engine.InformerOf("", "nodes").OnChange([this](const Seen& seen) { OnNode(seen); });
  pods_.OnChange([this](const Seen& seen) { OnPod(seen); });
}

void Scheduler::Start() {
  engine_.After(kFlushEvery, [this] { FlushOld(); });
}

void Scheduler::WatchSelectors(const char* group, const char* plural) {
  const bool service = std::string_view(plural) == "services";
  engine_.InformerOf(group, plural).OnChange([this, service](const Seen& seen) {
    if (!seen.now) {
      if (service)
        view_.DropService(seen.before->ns, seen.before->name);
      else
        view_.DropWorkload(seen.before->uid);
      return;
    }
    const Json& selector = At(seen.now_json, {"spec", "selector"});
    if (seen.before && selector == At(seen.before_json, {"spec", "selector"})) return;
    if (service)
      view_.PutService(seen.now->ns, seen.now->name,
                       selector.is_object() ? LabelSelector::FromMap(selector) : LabelSelector());
    else
      view_.PutWorkload(seen.now->uid, LabelSelector::FromObject(selector));
  });
}

void Scheduler::OnNode(const Seen& seen) {
  if (!seen.now) return view_.DropNode(seen.before->name);
  if (seen.before && SameForPods(seen.before_json, seen.now_json) &&
      At(seen.before_json, {"status", "images"}) == At(seen.now_json, {"status", "images"}))
    return;
  view_.PutNode(seen.now_json);
  if (seen.before && SameForPods(seen.before_json, seen.now_json)) return;
  Wake({});
}

void Scheduler::OnVolumeKind(const Seen& seen) {
  const bool claim = !seen.any().ns.empty();
  if (claim && seen.now) view_.storage().PutClaim(seen.now_json);
  if (claim && !seen.now) view_.storage().DropClaim(KeyOf(seen.before->ns, seen.before->name));
  if (!claim && seen.now) view_.storage().PutVolume(seen.now_json);
  if (!claim && !seen.now) view_.storage().DropVolume(seen.before->name);
  if (seen.now) Wake({"VolumeBinding", "VolumeZone", "VolumeRestrictions"});
}

void Scheduler::OnPod(const Seen& seen) {
  if (!seen.now) {
    const bool had_node = !TextAt(seen.before_json, {"spec", "nodeName"}).empty();
    view_.DropPod(seen.before->uid);
    Forget(seen.before->uid);
    if (had_node)
      Wake({"NodeResourcesFit", "NodePorts", "PodTopologySpread", "InterPodAffinity",
            "VolumeRestrictions", "DefaultPreemption"});
    return;
  }
  // Most changes are of the status: they matter only at the begin and the end of a pod and for
  // nominations.
  const bool was_over = seen.before && [&] {
    const std::string phase = TextAt(seen.before_json, {"status", "phase"});
    return phase == "Succeeded" || phase == "Failed";
  }();
  const std::string phase = TextAt(seen.now_json, {"status", "phase"});
  const bool over = phase == "Succeeded" || phase == "Failed";
  const bool same =
      seen.before && OnlyStatusDiffers(seen.before_json, seen.now_json) && was_over == over &&
      At(seen.before_json, {"metadata", "deletionTimestamp"}) ==
          At(seen.now_json, {"metadata", "deletionTimestamp"}) &&
      At(seen.before_json, {"status", "nominatedNodeName"}) ==
          At(seen.now_json, {"status", "nominatedNodeName"}) &&
      At(seen.before_json, {"status", "startTime"}) == At(seen.now_json, {"status", "startTime"});
  if (same) return;
  const PodInfoPtr pod = scheduling::ReadPod(seen.now_json);
  view_.PutPod(pod);
  if (!pod->node_name.empty() || pod->over || pod->terminating || pod->scheduler_name != kName) {
    Forget(pod->uid);
    const bool on_node = !pod->node_name.empty();
    if (on_node && pod->over && !was_over)
      Wake({"NodeResourcesFit", "NodePorts", "PodTopologySpread", "InterPodAffinity",
            "VolumeRestrictions"});
    if (on_node && !seen.before) Wake({"InterPodAffinity", "PodTopologySpread"});
    return;
  }
  auto [it, fresh] = waiting_.try_emplace(pod->uid);
  Waiting& waiting = it->second;
  if (waiting.active) Deactivate(waiting);
  const bool only_status =
      !fresh && seen.before && OnlyStatusDiffers(seen.before_json, seen.now_json);
  waiting.pod = pod;
  if (!pod->gates.empty()) {
    if (!waiting.gated)
      Condition(*pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates",
                "");
    waiting.gated = true;
    return;
  }
  if (only_status && !waiting.gated) return;  // our own word about it
  waiting.gated = false;
  Activate(waiting);
}

void Scheduler::Activate(Waiting& waiting) {
  if (waiting.active || waiting.gated) return;
  waiting.queued = engine_.Now();
  waiting.active = true;
  waiting.for_volumes = false;
  active_.insert(RankOf(waiting));
  Kick();
}

void Scheduler::Deactivate(Waiting& waiting) {
  active_.erase(RankOf(waiting));
  waiting.active = false;
}

void Scheduler::Forget(const std::string& uid) {
  auto it = waiting_.find(uid);
  if (it == waiting_.end()) return;
  if (it->second.active) Deactivate(it->second);
  waiting_.erase(it);
}

void Scheduler::Wake(const std::vector<std::string>& plugins) {
  std::vector<std::string> uids;
  for (const auto& [uid, waiting] : waiting_) {
    if (waiting.active || waiting.gated || waiting.attempts == 0) continue;
    const bool concerned = plugins.empty() || waiting.plugins.empty() || waiting.for_volumes ||
                           std::any_of(plugins.begin(), plugins.end(), [&](const std::string& one) {
                             return waiting.plugins.contains(one);
                           });
    if (concerned) uids.push_back(uid);
  }
  std::sort(uids.begin(), uids.end());  // the map's order is not ours
  for (const std::string& uid : uids) {
    Waiting& waiting = waiting_[uid];
    const absl::Duration back_off =
        std::min(kMaxBackOff, kFirstBackOff * (1 << std::min(waiting.attempts - 1, 6)));
    const absl::Time ready = waiting.last_try + back_off;
    if (waiting.for_volumes || ready <= engine_.Now()) {
      Activate(waiting);
      continue;
    }
    engine_.At(ready, [this, uid, attempts = waiting.attempts] {
      auto it = waiting_.find(uid);
      if (it != waiting_.end() && it->second.attempts == attempts) Activate(it->second);
    });
  }
}

void Scheduler::FlushOld() {
  std::vector<std::string> old;
  for (const auto& [uid, waiting] : waiting_) {
    if (!waiting.active && !waiting.gated && engine_.Now() - waiting.last_try >= kMaxUnschedulable)
      old.push_back(uid);
  }
  std::sort(old.begin(), old.end());
  for (const std::string& uid : old) Activate(waiting_[uid]);
  std::erase_if(
      series_, [&](const auto& one) { return engine_.Now() - one.second.last > absl::Minutes(6); });
  engine_.After(kFlushEvery, [this] { FlushOld(); });
}

void Scheduler::Kick() {
  if (kicked_ || active_.empty()) return;
  kicked_ = true;
  engine_.After(absl::ZeroDuration(), [this] { Step(); });
}

void Scheduler::Step() {
  kicked_ = false;
  for (int i = 0; i < kPodsPerStep && !active_.empty(); ++i) {
    const std::string uid = active_.begin()->uid;
    try {
      Try(uid);
    } catch (const std::exception&) {
      continue;  // one odd pod does not hold up the others; it is looked at again with the old ones
    }
  }
  Kick();
}

}  // namespace opsmesh::kubesim
