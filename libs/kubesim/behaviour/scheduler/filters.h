// The filters of the default profile: which nodes a pod may go to, and why not to the others. Pure
// functions over a view: the scheduler's loop, preemption and "why does it not fit, what if …"
// questions use the same code.
//
//   ClusterView view = ClusterView::FromStore(store);
//   Feasibility answer = Judge(view, *ReadPod(pod_json));
//   answer.Sentence();   // "0/5 nodes are available: 2 Insufficient cpu, ..."
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/behaviour/scheduler/cluster_view.h"

namespace opsmesh::kubesim::scheduling {

enum class Fit {
  kFits,
  kUnschedulable,  // not now: removing pods could help
  kUnresolvable,   // removing pods cannot help
};

/// What the filters say of one node.
struct Verdict {
  Fit fit = Fit::kFits;
  std::string plugin;                // "NodeResourcesFit"; "" when it fits
  std::vector<std::string> reasons;  // "Insufficient cpu"
};

struct NodeVerdict {
  std::string node;
  Verdict verdict;
};

/// What is computed once a pod, before the nodes (PreFilter). Holds pointers into the view it was
/// made from.
class PreFilter {
 public:
  PreFilter(const ClusterView& view, const PodInfo& pod);

  /// Not empty: no node is worth asking, with the plugin that says so.
  const std::string& rejection() const { return rejection_; }
  const std::string& plugin() const { return plugin_; }
  /// Not empty: only these nodes are asked (matchFields on metadata.name).
  const std::vector<std::string>& only_nodes() const { return only_nodes_; }

  /// The first filter that refuses, in the order of the default profile. `removed` and `added`:
  /// pods that are taken away from or put onto `node` for the sake of the question (they are
  /// already gone from, or in, `node`).
  Verdict Check(const NodeInfo& node, const std::vector<PodInfoPtr>& removed = {},
                const std::vector<PodInfoPtr>& added = {}) const;

 private:
  struct Spread {  // one hard constraint
    const SpreadConstraint* constraint;
    bool self = false;
    std::map<std::string, int64_t> counts;  // by topology value
  };
  using Counts =
      std::map<std::pair<std::string, std::string>, int64_t>;  // by topology key and value

  void PrepareVolumes();
  void PrepareNames();
  void PrepareAffinity();
  void PrepareSpread();
  void CountAffinity(const PodInfo& other, const NodeInfo& node, int64_t sign,
                     Counts* existing_anti, Counts* affinity, Counts* anti) const;
  Verdict CheckAffinity(const NodeInfo& node, const std::vector<PodInfoPtr>& removed,
                        const std::vector<PodInfoPtr>& added) const;
  Verdict CheckSpread(const NodeInfo& node, const std::vector<PodInfoPtr>& removed,
                      const std::vector<PodInfoPtr>& added) const;
  Verdict CheckVolumes(const NodeInfo& node) const;
  Verdict CheckBinding(const NodeInfo& node) const;

  const ClusterView& view_;
  const PodInfo& pod_;
  std::string rejection_, plugin_;
  std::vector<std::string> only_nodes_;
  std::vector<Spread> spread_;
  Counts existing_anti_, affinity_, anti_;
};

bool MatchesNodeAffinity(const PodInfo& pod, const NodeInfo& node);
const Taint* FindUntolerated(const PodInfo& pod, const NodeInfo& node);
/// "Insufficient cpu", "Too many pods" ...; empty when it fits.
std::vector<std::string> ResourceShortage(const PodInfo& pod, const NodeInfo& node);

/// How the claims of a pod that are not bound yet can be met on a node.
struct VolumePlan {
  std::map<std::string, std::string> volumes;  // PersistentVolume -> namespace/claim, to be bound
  std::vector<std::string> provisioned;        // namespace/claim: a provisioner makes a volume
};

/// Nothing when a claim cannot be met there. No volume is given away twice.
std::optional<VolumePlan> PlanVolumes(const ClusterView& view, const PodInfo& pod,
                                      const NodeInfo& node);

/// The answer for every node.
struct Feasibility {
  int64_t all_nodes = 0;
  std::vector<std::string> feasible;
  std::vector<NodeVerdict> refused;  // with an entry for every node that does not fit
  std::string prefilter;             // the rejection before any node, or ""
  std::string prefilter_plugin;

  /// "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {a: b}." and,
  /// when there is something to say, `preemption` (without its "preemption: "). Reasons are counted
  /// and sorted as text, as a real scheduler does.
  std::string Sentence(std::string_view preemption = {}) const;
};

/// Asks every node.
Feasibility Judge(const ClusterView& view, const PodInfo& pod);

/// "0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not
/// helpful for scheduling."
std::string CountedReasons(int64_t all_nodes, const std::vector<NodeVerdict>& refused);

}  // namespace opsmesh::kubesim::scheduling
