// Faults that are on: what somebody broke on purpose. They are no objects of the cluster: only
// their effects can be seen. Each kind is in the catalogue (faults/catalogue.h) with its target,
// parameters, effect and how it is undone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::kubesim {

/// What a fault is done to: "node/node-2", "pod/shop/cart-1", "deployment/shop/cart",
/// "image/nginx:1.27", "cluster".
struct FaultTarget {
  std::string
      kind;  // node, pod, deployment, statefulset, daemonset, job, image, namespace, cluster
  std::string ns, name;

  std::string ToString() const;
  static std::optional<FaultTarget> Parse(std::string_view text);
};

struct Fault {
  std::string id;    // "fault-3"
  std::string kind;  // name in the catalogue: "image-pull"
  FaultTarget target;
  std::map<std::string, std::string> parameters;
  absl::Time since;

  std::string Parameter(const std::string& name, std::string_view otherwise) const;
};

/// Who is asked about, for faults on pods.
struct FaultSubject {
  std::string ns, pod, node, container, image;
  std::string workload_kind, workload;  // "deployment", "cart": who made the pod in the end
};

/// Thread-safe.
class FaultTable {
 public:
  /// Gives the fault its id.
  std::string Add(Fault fault);
  /// Nothing when there is no such fault.
  std::optional<Fault> Remove(std::string_view id);
  std::vector<Fault> List() const;
  /// The faults that are on, for a fork.
  void CopyFrom(const FaultTable& other);

  /// The first fault of a kind that concerns a node, or a subject.
  std::optional<Fault> OnNode(std::string_view kind, std::string_view node) const;
  std::optional<Fault> OnSubject(std::string_view kind, const FaultSubject& subject) const;
  std::optional<Fault> OnCluster(std::string_view kind) const;
  bool empty() const;
  /// Rises with each change.
  uint64_t version() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;
  uint64_t serial_ = 0, version_ = 0;
};

bool Concerns(const FaultTarget& target, const FaultSubject& subject);

}  // namespace opsmesh::kubesim
