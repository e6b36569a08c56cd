#include "libs/kubesim/behaviour/scheduler/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"

namespace opsmesh::kubesim::scheduling {
namespace {

Verdict Refuse(Fit fit, const char* plugin, std::string reason) {
  return {fit, plugin, {std::move(reason)}};
}

bool PortsTaken(const PodInfo& pod, const NodeInfo& node) {
  if (pod.ports.empty()) return false;
  for (const PodInfoPtr& other : node.pods) {
    for (const HostPort& taken : other->ports) {
      for (const HostPort& wanted : pod.ports) {
        if (wanted.Conflicts(taken)) return true;
      }
    }
  }
  return false;
}

}  // namespace

bool MatchesNodeAffinity(const PodInfo& pod, const NodeInfo& node) {
  for (const auto& [key, value] : pod.node_selector) {
    const std::string* label = node.Label(key);
    if (label == nullptr || *label != value) return false;
  }
  if (!pod.has_required_nodes) return true;
  return std::any_of(pod.required_nodes.begin(), pod.required_nodes.end(),
                     [&](const NodeTerm& term) { return term.Matches(node.labels, node.name); });
}

const Taint* FindUntolerated(const PodInfo& pod, const NodeInfo& node) {
  for (const Taint& taint : node.taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    const bool tolerated = std::any_of(
        pod.tolerations.begin(), pod.tolerations.end(),
        [&](const Toleration& one) { return one.Tolerates(taint.key, taint.value, taint.effect); });
    if (!tolerated) return &taint;
  }
  return nullptr;
}

std::vector<std::string> ResourceShortage(const PodInfo& pod, const NodeInfo& node) {
  std::vector<std::string> reasons;
  if (static_cast<int64_t>(node.pods.size()) + 1 > node.allocatable.pods)
    reasons.push_back("Too many pods");
  const Resources& need = pod.requests;
  auto short_of = [&](int64_t wanted, int64_t all, int64_t used, const std::string& name) {
    if (wanted > 0 && wanted > all - used) reasons.push_back("Insufficient " + name);
  };
  short_of(need.milli_cpu, node.allocatable.milli_cpu, node.requested.milli_cpu, "cpu");
  short_of(need.memory, node.allocatable.memory, node.requested.memory, "memory");
  short_of(need.ephemeral_storage, node.allocatable.ephemeral_storage,
           node.requested.ephemeral_storage, "ephemeral-storage");
  for (const auto& [name, amount] : need.extended) {
    short_of(amount, node.allocatable.Extended(name), node.requested.Extended(name), name);
  }
  return reasons;
}

PreFilter::PreFilter(const ClusterView& view, const PodInfo& pod) : view_(view), pod_(pod) {
  PrepareNames();
  if (rejection_.empty()) PrepareVolumes();
  if (!rejection_.empty()) return;
  PrepareSpread();
  PrepareAffinity();
}

// Terms that name nodes narrow the search before any filter runs (daemon pods).
void PreFilter::PrepareNames() {
  if (!pod_.has_required_nodes || pod_.required_nodes.empty()) return;
  std::set<std::string> names;
  for (const NodeTerm& term : pod_.required_nodes) {
    std::set<std::string> own;
    bool named = false;
    for (const NodeExpression& field : term.fields) {
      if (field.key != "metadata.name" || field.op != "In") continue;
      std::set<std::string> these(field.values.begin(), field.values.end());
      if (named) std::erase_if(own, [&](const std::string& name) { return !these.contains(name); });
      if (!named) own = std::move(these);
      named = true;
    }
    if (!named) return;  // this term may match any node
    names.insert(own.begin(), own.end());
  }
  if (names.empty()) {
    rejection_ = "pod affinity terms conflict";
    plugin_ = "NodeAffinity";
  }
  only_nodes_.assign(names.begin(), names.end());
}

Verdict PreFilter::Check(const NodeInfo& node, const std::vector<PodInfoPtr>& removed,
                         const std::vector<PodInfoPtr>& added) const {
  if (node.unschedulable) {
    const bool tolerated =
        std::any_of(pod_.tolerations.begin(), pod_.tolerations.end(), [](const Toleration& one) {
          return one.Tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule");
        });
    if (!tolerated)
      return Refuse(Fit::kUnresolvable, "NodeUnschedulable", "node(s) were unschedulable");
  }
  if (!pod_.node_name.empty() && pod_.node_name != node.name) {
    return Refuse(Fit::kUnresolvable, "NodeName", "node(s) didn't match the requested node name");
  }
  if (const Taint* taint = FindUntolerated(pod_, node)) {
    return Refuse(
        Fit::kUnresolvable, "TaintToleration",
        fmt::format("node(s) had untolerated taint {{{}: {}}}", taint->key, taint->value));
  }
  if (!MatchesNodeAffinity(pod_, node)) {
    return Refuse(Fit::kUnresolvable, "NodeAffinity",
                  "node(s) didn't match Pod's node affinity/selector");
  }
  if (PortsTaken(pod_, node)) {
    return Refuse(Fit::kUnschedulable, "NodePorts",
                  "node(s) didn't have free ports for the requested pod ports");
  }
  if (auto shortage = ResourceShortage(pod_, node); !shortage.empty()) {
    return {Fit::kUnschedulable, "NodeResourcesFit", std::move(shortage)};
  }
  if (Verdict verdict = CheckVolumes(node); verdict.fit != Fit::kFits) return verdict;
  if (Verdict verdict = CheckSpread(node, removed, added); verdict.fit != Fit::kFits)
    return verdict;
  return CheckAffinity(node, removed, added);
}

Feasibility Judge(const ClusterView& view, const PodInfo& pod) {
  Feasibility answer;
  answer.all_nodes = static_cast<int64_t>(view.nodes().size());
  const PreFilter prefilter(view, pod);
  answer.prefilter = prefilter.rejection();
  answer.prefilter_plugin = prefilter.plugin();
  const auto& only = prefilter.only_nodes();
  for (const auto& node : view.nodes()) {
    Verdict verdict;
    if (!answer.prefilter.empty()) {
      verdict = Refuse(Fit::kUnresolvable, prefilter.plugin().c_str(), answer.prefilter);
    } else if (!only.empty() && std::find(only.begin(), only.end(), node->name) == only.end()) {
      verdict = Refuse(Fit::kUnresolvable, "NodeAffinity",
                       "node(s) didn't satisfy plugin(s) [NodeAffinity]");
    } else {
      verdict = prefilter.Check(*node);
    }
    if (verdict.fit == Fit::kFits) {
      answer.feasible.push_back(node->name);
    } else {
      answer.refused.push_back({node->name, std::move(verdict)});
    }
  }
  return answer;
}

std::string CountedReasons(int64_t all_nodes, const std::vector<NodeVerdict>& refused) {
  std::map<std::string, int> counts;
  for (const NodeVerdict& one : refused) {
    for (const std::string& reason : one.verdict.reasons) ++counts[reason];
  }
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts) parts.push_back(fmt::format("{} {}", count, reason));
  std::sort(parts.begin(), parts.end());
  return fmt::format("0/{} nodes are available:{}{}", all_nodes,
                     parts.empty() ? "" : " " + base::Join(parts, ", "), parts.empty() ? "" : ".");
}

std::string Feasibility::Sentence(std::string_view preemption) const {
  if (all_nodes == 0) return "no nodes available to schedule pods";
  std::string text = prefilter.empty()
                         ? CountedReasons(all_nodes, refused)
                         : fmt::format("0/{} nodes are available: {}.", all_nodes, prefilter);
  if (!preemption.empty()) text += fmt::format(" preemption: {}", preemption);
  return text;
}

}  // namespace opsmesh::kubesim::scheduling
