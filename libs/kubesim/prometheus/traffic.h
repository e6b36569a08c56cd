// The requests that run through a cluster's services: how many, how fast, and how many fail,
// following from which pods were ready when and which services call which.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/kubesim/prometheus/history.h"

namespace opsmesh::kubesim::prometheus {

/// A service between two changes of the cluster.
struct Health {
  double from = 0;
  double to = kForever;
  int ready = 0;          // pods that serve
  double errors = 0;      // share of requests that end with 5xx
  double latency = 0.05;  // median, seconds
  double load = 1;        // on each ready pod, 1 = as with all pods ready
};

struct ServiceTraffic {
  std::string ns;
  std::string name;
  bool http = false;               // speaks HTTP, as its ports are named
  double rate = 0;                 // requests a second on average, over all pods
  std::vector<Health> health;      // without gaps, in order of time
  std::vector<PastPtr> pods;       // that ever served
  std::vector<std::string> calls;  // services it needs: "ns/name"
};

class Traffic {
 public:
  Traffic(const Picture& picture, uint64_t seed);
  const std::map<std::string, ServiceTraffic>& services() const { return services_; }
  /// The service a pod serves, by uid; null when none.
  const ServiceTraffic* Of(const std::string& pod_uid) const;
  /// Pods, those of earlier rollouts included, of which the cluster has nothing left but
  /// ReplicaSets.
  const std::vector<PastPtr>& pods() const { return pods_; }

 private:
  void AddFormerPods(const Picture& picture, uint64_t seed);
  void FindServices(const Picture& picture, uint64_t seed);
  using Counts = std::map<std::string, int>;  // pods, by service
  /// When something changed, from 0 on.
  std::vector<double> Moments(const Picture& picture) const;
  /// What the callees of each service make of it; `most` = pods each has at its best.
  void Spread(const Counts& most, uint64_t seed, std::map<std::string, Health>& now) const;
  void FindHealth(const Picture& picture, uint64_t seed);

  std::vector<PastPtr> pods_;
  std::map<std::string, ServiceTraffic> services_;  // by "ns/name"
  std::map<std::string, std::string> service_of_;   // by uid of the pod
};

/// The share of requests that take at most `seconds` where half of them take `median`.
double ShareWithin(double seconds, double median);

}  // namespace opsmesh::kubesim::prometheus
