// Reads what an object tells of its own past: private to History.
#pragma once

#include <cstdint>

#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim::prometheus {

class PastReader {
 public:
  /// `store` must outlive the reader; `now` in seconds since the epoch.
  PastReader(const Store& store, uint64_t seed, double now)
      : store_(store), seed_(seed), now_(now) {}

  /// Fills the fields of that kind. `before` = what was known of the object, or null: what it knows
  /// of earlier times is kept.
  void Pod(const Json& pod, const Past* before, Past* past) const;
  void Node(const Json& node, const Past* before, Past* past) const;
  static void Service(const Json& service, Past* past);
  static void Claim(const Json& claim, Past* past);
  static void ReplicaSet(const Json& set, Past* past);

 private:
  ContainerPast Container(const Json& pod, const Json& container, const Past* before,
                          const Past& past) const;
  void Workload(const Json& pod, Past* past) const;
  void Ready(const Json& pod, const Past* before, Past* past) const;
  void Eviction(const Json& pod, const Past* before, Past* past) const;
  void Use(const Past& pod, ContainerPast* one) const;
  void Environment(const Json& pod, Past* past) const;
  void ConfigMap(const std::string& name, Past* past) const;

  const Store& store_;
  const uint64_t seed_;
  const double now_;
};

/// When a container ran, by its status. `known` = the runs that are known; without any those before
/// the last one are worked out from the number of restarts, back to the pod's start.
std::vector<Run> RunsOf(const Json& status, double pod_start, const std::vector<Run>& known,
                        double now);

/// Tells of the restarts before a pod was first seen what its containers' states were then, from
/// its runs: waiting in CrashLoopBackOff between them.
void BackdateRestarts(Past* pod);

}  // namespace opsmesh::kubesim::prometheus
