// One pod's turn: where it goes, or why it does not, and what is made of that.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/scheduler/scheduler.h"
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
constexpr size_t kAlwaysAsk = 100;  // feasible nodes looked for at least

// As the real one: with more than 100 nodes only a share of them is looked for, 50 % less one per
// 125 nodes, 5 % at least.
size_t FeasibleWanted(size_t nodes) {
  if (nodes < kAlwaysAsk) return nodes;
  const size_t percent = std::max<size_t>(5, nodes >= 5625 ? 5 : 50 - nodes / 125);
  return std::max(kAlwaysAsk, nodes * percent / 100);
}

}  // namespace

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
  // Once its volumes are being bound for a node, it goes there.
  const NodeInfo* node = waiting.chosen.empty() ? nullptr : view_.Node(waiting.chosen);
  if (node != nullptr &&
      (!prefilter.rejection().empty() || Check(prefilter, *pod, *node).fit != Fit::kFits))
    node = nullptr;
  if (node == nullptr) node = Choose(prefilter, *pod, &refused);
  if (node == nullptr) return Refuse(waiting, prefilter, refused);
  if (!BindVolumes(waiting, *node)) return;
  Bind(waiting, node->name);
}

// Claims that wait for their first consumer get a volume that the node reaches, or tell their
// provisioner the node; the pod is bound when they are. False = not yet.
bool Scheduler::BindVolumes(Waiting& waiting, const NodeInfo& node) {
  const PodInfo& pod = *waiting.pod;
  const auto plan = scheduling::PlanVolumes(view_, pod, node);
  waiting.for_volumes = !plan || !plan->volumes.empty() || !plan->provisioned.empty();
  waiting.chosen = waiting.for_volumes ? node.name : "";
  if (!plan) return false;
  for (const auto& [volume, claim] : plan->volumes) Reserve(volume, claim);
  for (const std::string& key : plan->provisioned) {
    (void)engine_.client().Change(
        engine_.Type("", "persistentvolumeclaims"), pod.ns, key.substr(pod.ns.size() + 1),
        [&](Json& object) {
          Json& chosen = object["metadata"]["annotations"]["volume.kubernetes.io/selected-node"];
          if (chosen == node.name) return false;
          chosen = node.name;
          return true;
        });
  }
  return !waiting.for_volumes;
}

// The volume is kept for the claim; the controller of volumes binds the two.
void Scheduler::Reserve(const std::string& volume, const std::string& claim_key) {
  const size_t slash = claim_key.find('/');
  const std::string ns = claim_key.substr(0, slash), name = claim_key.substr(slash + 1);
  const ObjectPtr claim = engine_.store().Get(engine_.Type("", "persistentvolumeclaims"), ns, name);
  if (!claim) return;
  auto written =
      engine_.client().Change(engine_.Type("", "persistentvolumes"), "", volume, [&](Json& object) {
        if (At(object, {"spec", "claimRef"}).is_object()) return false;
        object["spec"]["claimRef"] = {{"kind", "PersistentVolumeClaim"},
                                      {"namespace", ns},
                                      {"name", name},
                                      {"uid", claim->uid},
                                      {"apiVersion", "v1"},
                                      {"resourceVersion", std::to_string(claim->resource_version)}};
        object["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes";
        return true;
      });
  if (written.ok()) view_.storage().AssumeVolume(volume, claim_key);
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
        if (!status.is_object()) status = Json::object();
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
