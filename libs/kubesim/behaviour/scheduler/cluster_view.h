// The cluster as the scheduler sees it: nodes with what stands on them, storage, namespaces,
// selectors of workloads. Kept up to date change by change (500 nodes and 20,000 pods cost no
// rebuild), or read from a store at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libs/kubesim/behaviour/scheduler/pod_info.h"
#include "libs/kubesim/behaviour/scheduler/storage_view.h"

namespace opsmesh::kubesim::scheduling {

struct NodeInfo {
  std::string name;
  LabelSelector::Labels labels;
  std::vector<Taint> taints;
  bool unschedulable = false;
  Resources allocatable;
  std::map<std::string, int64_t> images;  // size in bytes by name

  Resources requested;  // by the pods below
  int64_t nonzero_cpu = 0, nonzero_memory = 0;
  std::vector<PodInfoPtr> pods;  // neither Succeeded nor Failed
  int with_affinity = 0, with_anti_affinity = 0;

  const std::string* Label(std::string_view key) const;
  void AddPod(const PodInfoPtr& pod);
  bool RemovePod(const std::string& uid);
};

/// Not thread-safe. Copyable: preemption and what-if questions work on copies of single nodes.
class ClusterView {
 public:
  void PutNode(const Json& node);
  void DropNode(const std::string& name);
  /// Takes a pod in, whatever was known of it before. Pods on no node are remembered only when
  /// nominated.
  void PutPod(const PodInfoPtr& pod);
  void DropPod(const std::string& uid);
  /// The scheduler's own decision before the store's echo arrives.
  void Assume(const PodInfoPtr& pod, const std::string& node);

  void PutNamespace(const std::string& name, LabelSelector::Labels labels) {
    namespaces_[name] = std::move(labels);
  }
  StorageView& storage() { return storage_; }
  /// Pods of a Service, ReplicaSet, StatefulSet or ReplicationController are spread by default.
  void PutService(const std::string& ns, const std::string& name, LabelSelector selector) {
    services_[ns][name] = std::move(selector);
  }
  void DropService(const std::string& ns, const std::string& name);
  void PutWorkload(const std::string& uid, LabelSelector selector) {
    workloads_[uid] = std::move(selector);
  }
  void DropWorkload(const std::string& uid) { workloads_.erase(uid); }

  /// Everything in a store at this moment.
  static ClusterView FromStore(const Store& store);

  const std::vector<std::shared_ptr<NodeInfo>>& nodes() const { return nodes_; }
  const NodeInfo* Node(std::string_view name) const;
  const LabelSelector::Labels* NamespaceLabels(const std::string& name) const;
  const StorageView& storage() const { return storage_; }
  /// Selectors of the pod's workload and of the Services that select it.
  std::vector<const LabelSelector*> SelectorsOf(const PodInfo& pod) const;
  PodInfoPtr Pod(const std::string& uid) const;
  using PodSet = std::unordered_set<const PodInfo*>;
  using NodeSet = std::unordered_set<const NodeInfo*>;
  /// Pods with a node among which are all that every selector selects, by a label one of them asks
  /// for; null when no selector names one (then every node's pods are to be asked). No order.
  const PodSet* Candidates(const std::string& ns,
                           const std::vector<const LabelSelector*>& selectors) const;
  /// Where a pod stands; null when it has no node that is known.
  const NodeInfo* NodeOf(const PodInfo& pod) const;
  /// The nodes that report an image under exactly this name. No order.
  const NodeSet& WithImage(const std::string& name) const;
  /// Pods that wait for room on a node because somebody made way for them.
  const std::map<std::string, std::map<std::string, PodInfoPtr>>& nominated() const {
    return nominated_;
  }
  void Nominate(const PodInfoPtr& pod, const std::string& node);
  void Unnominate(const std::string& uid);
  int64_t pods_with_anti_affinity() const { return pods_with_anti_affinity_; }
  int64_t pods_with_affinity() const { return pods_with_affinity_; }

 private:
  NodeInfo* Mutable(const std::string& name);
  void Place(const PodInfoPtr& pod, const std::string& node);
  void IndexLabels(const PodInfo& pod, bool there);
  void IndexImages(const NodeInfo& node, bool there);

  std::vector<std::shared_ptr<NodeInfo>> nodes_;             // ordered by name
  std::unordered_map<std::string, PodInfoPtr> pods_;         // by uid
  std::unordered_map<std::string, std::string> placed_;      // uid -> node
  std::map<std::string, std::vector<PodInfoPtr>> homeless_;  // on nodes that are not known (yet)
  std::map<std::string, std::map<std::string, PodInfoPtr>> nominated_;  // node -> uid -> pod
  std::map<std::string, LabelSelector::Labels> namespaces_;
  StorageView storage_;
  std::map<std::string, std::map<std::string, LabelSelector>> services_;  // by namespace, name
  std::unordered_map<std::string, LabelSelector> workloads_;              // by uid
  int64_t pods_with_affinity_ = 0, pods_with_anti_affinity_ = 0;
  std::unordered_map<std::string, PodSet> by_label_;  // pods with a node, by "ns/key=value"
  std::unordered_map<std::string, NodeSet> by_image_;
};

}  // namespace opsmesh::kubesim::scheduling
