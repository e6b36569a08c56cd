#include "libs/kubesim/behaviour/scheduler/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "libs/kubesim/behaviour/scheduler/scores.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

using scheduling::Fit;
using scheduling::NodeInfo;
using scheduling::NodeVerdict;
using scheduling::PodInfo;
using scheduling::PodInfoPtr;
using scheduling::PreFilter;
using scheduling::Verdict;

constexpr const char* kName = "default-scheduler";
constexpr absl::Duration kFirstBackOff = absl::Seconds(1);
constexpr absl::Duration kMaxBackOff = absl::Seconds(10);
constexpr absl::Duration kMaxUnschedulable = absl::Minutes(5);
constexpr absl::Duration kFlushEvery = absl::Seconds(30);
constexpr size_t kAlwaysAsk = 100;  // feasible nodes looked for at least
constexpr int kPodsPerStep = 64;

// As the real one: with more than 100 nodes only a share of them is looked for, 50 % less one per
// 125 nodes, 5 % at least.
size_t FeasibleWanted(size_t nodes) {
  if (nodes < kAlwaysAsk) return nodes;
  const size_t percent = std::max<size_t>(5, nodes >= 5625 ? 5 : 50 - nodes / 125);
  return std::max(kAlwaysAsk, nodes * percent / 100);
}

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
      view_.PutClass(seen.now_json);
    else
      view_.DropClass(seen.before->name);
    Wake({"VolumeBinding"});
  });
  WatchSelectors("", "services");
  WatchSelectors("apps", "replicasets");
  WatchSelectors("apps", "statefulsets");
  engine.InformerOf("", "nodes").OnChange([this](const Seen& seen) { OnNode(seen); });
  pods_.OnChange([this](const Seen& seen) { OnPod(seen); });
}

void Scheduler::Start() {
  engine_.After(
      kFlushEvery, [this] { FlushOld(); }, true);
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
  if (claim && seen.now) view_.PutClaim(seen.now_json);
  if (claim && !seen.now) view_.DropClaim(KeyOf(seen.before->ns, seen.before->name));
  if (!claim && seen.now) view_.PutVolume(seen.now_json);
  if (!claim && !seen.now) view_.DropVolume(seen.before->name);
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
  // Most changes are of the status: they matter only at the end of a pod and for nominations.
  const bool was_over = seen.before && [&] {
    const std::string phase = TextAt(seen.before_json, {"status", "phase"});
    return phase == "Succeeded" || phase == "Failed";
  }();
  const std::string phase = TextAt(seen.now_json, {"status", "phase"});
  const bool over = phase == "Succeeded" || phase == "Failed";
  const bool same = seen.before && OnlyStatusDiffers(seen.before_json, seen.now_json) &&
                    was_over == over &&
                    At(seen.before_json, {"metadata", "deletionTimestamp"}) ==
                        At(seen.now_json, {"metadata", "deletionTimestamp"}) &&
                    At(seen.before_json, {"status", "nominatedNodeName"}) ==
                        At(seen.now_json, {"status", "nominatedNodeName"});
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
  engine_.After(
      kFlushEvery, [this] { FlushOld(); }, true);
}

void Scheduler::Kick() {
  if (kicked_ || active_.empty()) return;
  kicked_ = true;
  engine_.After(absl::ZeroDuration(), [this] { Step(); });
}

void Scheduler::Step() {
  kicked_ = false;
  for (int i = 0; i < kPodsPerStep && !active_.empty(); ++i) Try(active_.begin()->uid);
  Kick();
}

// A node as it will be when the pods that wait for it, and are as important, are there.
Verdict Scheduler::Check(const PreFilter& prefilter, const PodInfo& pod,
                         const NodeInfo& node) const {
  auto nominated = view_.nominated().find(node.name);
  if (nominated == view_.nominated().end()) return prefilter.Check(node);
  NodeInfo copy = node;
  std::vector<PodInfoPtr> added;
  for (const auto& [uid, other] : nominated->second) {
    if (uid == pod.uid || other->priority < pod.priority) continue;
    copy.AddPod(other);
    added.push_back(other);
  }
  if (!added.empty()) {
    if (Verdict verdict = prefilter.Check(copy, {}, added); verdict.fit != Fit::kFits)
      return verdict;
  }
  return prefilter.Check(node);
}

const NodeInfo* Scheduler::Choose(const PreFilter& prefilter, const PodInfo& pod,
                                  std::vector<NodeVerdict>* refused) {
  const auto& nodes = view_.nodes();
  if (nodes.empty() || !prefilter.rejection().empty()) {
    for (const auto& node : nodes)
      refused->push_back(
          {node->name, {Fit::kUnresolvable, prefilter.plugin(), {prefilter.rejection()}}});
    return nullptr;
  }
  if (const NodeInfo* nominated = view_.Node(pod.nominated_node)) {
    if (Check(prefilter, pod, *nominated).fit == Fit::kFits) return nominated;
  }
  const auto& only = prefilter.only_nodes();
  std::vector<const NodeInfo*> feasible;
  const size_t wanted = only.empty() ? FeasibleWanted(nodes.size()) : nodes.size();
  size_t asked = 0;
  for (; asked < nodes.size() && feasible.size() < wanted; ++asked) {
    const NodeInfo& node = *nodes[(next_node_ + asked) % nodes.size()];
    Verdict verdict = !only.empty() && std::find(only.begin(), only.end(), node.name) == only.end()
                          ? Verdict{Fit::kUnresolvable,
                                    "NodeAffinity",
                                    {"node(s) didn't satisfy plugin(s) [NodeAffinity]"}}
                          : Check(prefilter, pod, node);
    if (verdict.fit == Fit::kFits)
      feasible.push_back(&node);
    else
      refused->push_back({node.name, std::move(verdict)});
  }
  next_node_ = (next_node_ + asked) % nodes.size();
  if (feasible.empty()) return nullptr;
  if (feasible.size() == 1) return feasible[0];
  return scheduling::BestNode(scheduling::ScoreNodes(view_, pod, feasible), pod);
}

void Scheduler::Try(const std::string& uid) {
  Waiting& waiting = waiting_[uid];
  Deactivate(waiting);
  const PodInfoPtr pod = waiting.pod;
  ++waiting.attempts;
  waiting.last_try = engine_.Now();
  const PreFilter prefilter(view_, *pod);
  std::vector<NodeVerdict> refused;
  const NodeInfo* node = Choose(prefilter, *pod, &refused);
  if (node == nullptr) return Refuse(waiting, prefilter, refused);
  if (!BindVolumes(waiting, *node)) return;
  Bind(waiting, node->name);
}

// Claims that wait for their first consumer learn the node now; the pod is bound when they are.
// False = not yet.
bool Scheduler::BindVolumes(Waiting& waiting, const NodeInfo& node) {
  bool complete = true;
  const PodInfo& pod = *waiting.pod;
  for (const scheduling::PodVolume& volume : pod.volumes) {
    const scheduling::ClaimInfo* claim = view_.Claim(pod.ns + "/" + volume.name);
    if (claim == nullptr || claim->fully_bound) continue;
    complete = false;
    if (claim->selected_node == node.name) continue;
    (void)engine_.client().Change(
        engine_.Type("", "persistentvolumeclaims"), pod.ns, volume.name, [&](Json& object) {
          object["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = node.name;
          return true;
        });
  }
  waiting.for_volumes = !complete;
  return complete;
}

void Scheduler::Bind(Waiting& waiting, const std::string& node) {
  const PodInfoPtr pod = waiting.pod;
  const std::string now = base::Rfc3339(engine_.Now());
  auto written = engine_.client().Change(
      pod_type_, pod->ns, pod->name,
      [&](Json& object) {
        if (!TextAt(object, {"spec", "nodeName"}).empty()) return false;
        object["spec"]["nodeName"] = node;
        Json& status = object["status"];
        status.erase("nominatedNodeName");
        Json conditions = Json::array();
        for (const Json& one : ListAt(status, {"conditions"})) {
          if (TextAt(one, "type") != "PodScheduled") conditions.push_back(one);
        }
        conditions.push_back({{"type", "PodScheduled"},
                              {"status", "True"},
                              {"lastProbeTime", nullptr},
                              {"lastTransitionTime", now}});
        status["conditions"] = std::move(conditions);
        return true;
      },
      pod->uid);
  if (!written.ok()) return;  // deleted meanwhile: its deletion is on the way
  auto assumed = std::make_shared<PodInfo>(*pod);
  assumed->node_name = node;
  view_.Assume(assumed, node);
  Tell(*pod, "Normal", "Scheduled", "Binding",
       fmt::format("Successfully assigned {}/{} to {}", pod->ns, pod->name, node));
  Forget(pod->uid);
}

void Scheduler::Refuse(Waiting& waiting, const PreFilter& prefilter,
                       const std::vector<NodeVerdict>& refused) {
  scheduling::Feasibility answer;
  answer.all_nodes = static_cast<int64_t>(view_.nodes().size());
  answer.refused = refused;
  answer.prefilter = prefilter.rejection();
  waiting.plugins.clear();
  if (!prefilter.plugin().empty()) waiting.plugins.insert(prefilter.plugin());
  for (const NodeVerdict& one : refused) waiting.plugins.insert(one.verdict.plugin);
  const std::string preemption = answer.all_nodes == 0 ? "" : Preempt(waiting, prefilter, refused);
  const std::string sentence = answer.Sentence(preemption);
  Tell(*waiting.pod, "Warning", "FailedScheduling", "Scheduling", sentence);
  Condition(*waiting.pod, "Unschedulable", sentence, waiting.pod->nominated_node);
}

std::vector<scheduling::Budget> Scheduler::Budgets() const {
  std::vector<scheduling::Budget> budgets;
  for (const ObjectPtr& object : budgets_.List()) {
    const auto json = engine_.Parsed(object);
    scheduling::Budget budget{object->ns,
                              object->name,
                              LabelSelector::FromObject(At(*json, {"spec", "selector"})),
                              IntAt(*json, {"status", "disruptionsAllowed"}),
                              {}};
    if (const Json& pods = At(*json, {"status", "disruptedPods"}); pods.is_object()) {
      for (const auto& [name, time] : pods.items()) budget.already.push_back(name);
    }
    budgets.push_back(std::move(budget));
  }
  return budgets;
}

// What to say of it; "" when room is being made.
std::string Scheduler::Preempt(Waiting& waiting, const PreFilter& prefilter,
                               const std::vector<NodeVerdict>& refused) {
  const PodInfoPtr pod = waiting.pod;
  const scheduling::PreemptionPlan plan =
      scheduling::PlanPreemption(view_, *pod, prefilter, refused, Budgets());
  if (plan.node.empty()) return plan.sentence;
  auto nominated = std::make_shared<PodInfo>(*pod);
  nominated->nominated_node = plan.node;
  waiting.pod = nominated;
  view_.Nominate(nominated, plan.node);
  waiting.plugins.insert("DefaultPreemption");
  for (const PodInfoPtr& victim : plan.victims) Evict(*victim, *pod, plan.node);
  return "";
}

void Scheduler::Evict(const PodInfo& victim, const PodInfo& preemptor, const std::string& node) {
  if (victim.terminating) return;
  (void)engine_.client().Change(
      pod_type_, victim.ns, victim.name,
      [&](Json& object) {
        object["status"]["conditions"].push_back(
            {{"type", "DisruptionTarget"},
             {"status", "True"},
             {"lastProbeTime", nullptr},
             {"lastTransitionTime", base::Rfc3339(engine_.Now())},
             {"reason", "PreemptionByScheduler"},
             {"message",
              fmt::format("{}: preempting to accommodate a higher priority pod", kName)}});
        return true;
      },
      victim.uid);
  (void)engine_.client().Delete(pod_type_, victim.ns, victim.name, Json::object(), victim.uid);
  Tell(victim, "Normal", "Preempted", "Preempting",
       fmt::format("Preempted by pod {} on node {}", preemptor.uid, node), &preemptor);
}

void Scheduler::Condition(const PodInfo& pod, const std::string& reason, const std::string& message,
                          const std::string& nominated) {
  (void)engine_.client().Change(
      pod_type_, pod.ns, pod.name,
      [&](Json& object) {
        Json& status = object["status"];
        if (!nominated.empty()) status["nominatedNodeName"] = nominated;
        Json condition = {
            {"type", "PodScheduled"},   {"status", "False"},
            {"lastProbeTime", nullptr}, {"lastTransitionTime", base::Rfc3339(engine_.Now())},
            {"reason", reason},         {"message", message}};
        Json conditions = Json::array();
        bool found = false;
        for (const Json& one : ListAt(status, {"conditions"})) {
          if (TextAt(one, "type") != "PodScheduled") {
            conditions.push_back(one);
            continue;
          }
          found = true;
          if (TextAt(one, "status") == "False")
            condition["lastTransitionTime"] = TextAt(one, "lastTransitionTime");
          conditions.push_back(condition);
        }
        if (!found) conditions.push_back(condition);
        status["conditions"] = std::move(conditions);
        return true;
      },
      pod.uid);
}

// The scheduler speaks events.k8s.io: no count but a series, no source but a reporting controller.
void Scheduler::Tell(const PodInfo& about, std::string_view type, std::string_view reason,
                     std::string_view action, std::string_view note, const PodInfo* related) {
  const absl::Time now = engine_.Now();
  const std::string micro = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", now, absl::UTCTimeZone());
  const std::string key = fmt::format("{}\n{}\n{}", about.uid, reason, note);
  auto known = series_.find(key);
  if (known != series_.end()) {
    Series& series = known->second;
    ++series.count;
    series.last = now;
    auto written = engine_.client().Change(event_type_, about.ns, series.name, [&](Json& object) {
      object["series"] = {{"count", series.count}, {"lastObservedTime", micro}};
      return true;
    });
    if (written.ok()) return;
    series_.erase(known);
  }
  auto reference = [](const PodInfo& pod) {
    return Json{{"kind", "Pod"},
                {"namespace", pod.ns},
                {"name", pod.name},
                {"uid", pod.uid},
                {"apiVersion", "v1"}};
  };
  const std::string name =
      fmt::format("{}.{:x}", about.name, static_cast<uint64_t>(absl::ToUnixNanos(now)) + ++serial_);
  Json event = {{"metadata", {{"name", name}, {"namespace", about.ns}}},
                {"involvedObject", reference(about)},
                {"reason", reason},
                {"message", std::string(note.substr(0, 1024))},
                {"source", Json::object()},
                {"firstTimestamp", nullptr},
                {"lastTimestamp", nullptr},
                {"type", type},
                {"eventTime", micro},
                {"action", action},
                {"reportingComponent", kName},
                {"reportingInstance", "default-scheduler-cp"}};
  if (related != nullptr) event["related"] = reference(*related);
  if (!engine_.client().Put(event_type_, std::move(event)).ok()) return;
  if (type == "Warning") series_[key] = {name, 1, now};
}

}  // namespace opsmesh::kubesim
