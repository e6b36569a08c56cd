// What is known of the cluster a window was measured in: which pod stood on which node for which
// workload, which service leads to which workload, who calls whom. Learnt from kube-state metrics
// (which also know pods that are gone), from Kubernetes objects, and from labels.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace opsmesh::rca {

/// An object of the cluster: "Deployment", "DaemonSet", "Node" ...; nodes have no namespace.
struct CauseObject {
  std::string kind;
  std::string ns;
  std::string name;
  auto operator<=>(const CauseObject&) const = default;
};

struct PodPlace {
  std::string node;      // "" = none yet
  CauseObject workload;  // its controller as people know it: the Deployment, not the ReplicaSet
};

/// "web-7d9c5b6f4d-x2x7p" -> "web": the workload of a pod by the names Kubernetes gives.
std::string WorkloadOfName(const std::string& pod);

/// Not thread-safe while it is filled.
class Topology {
 public:
  /// The first word about a pod counts.
  void AddPod(const std::string& ns, const std::string& pod, PodPlace place);
  void AddNodeAddress(const std::string& address, const std::string& node);
  void AddServicePod(const std::string& ns, const std::string& service, const std::string& pod);
  /// `callee` is a service or workload of the namespace `callee_ns`.
  void AddCall(CauseObject caller, const std::string& callee_ns, const std::string& callee);

  const PodPlace* Pod(const std::string& ns, const std::string& pod) const;
  /// The workload of a pod: as known, else by its name.
  CauseObject WorkloadOf(const std::string& ns, const std::string& pod) const;
  /// The workload behind a service when it is exactly one; else an object of the service's name
  /// whose kind is that of a known workload of the name, or "Service".
  CauseObject Behind(const std::string& ns, const std::string& service) const;
  /// The node of "10.0.0.7:9100", of an address or of a name; the text itself when unknown.
  std::string NodeOf(const std::string& instance) const;
  bool IsNode(const std::string& name) const { return nodes_.contains(name); }

  const std::map<std::pair<std::string, std::string>, PodPlace>& pods() const { return pods_; }
  /// Caller and callee, resolved to workloads where that is known; sorted.
  std::vector<std::pair<CauseObject, CauseObject>> Calls() const;

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  std::map<Key, PodPlace> pods_;
  std::map<Key, CauseObject> workloads_;
  std::map<Key, std::set<CauseObject>> behind_;
  std::map<std::string, std::string> node_of_address_;
  std::set<std::string> nodes_;
  std::set<std::pair<CauseObject, Key>> calls_;
};

}  // namespace opsmesh::rca
