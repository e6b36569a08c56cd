// What is known of a simulated cluster over time: its objects now, the times they carry, and every
// change seen since.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/kubesim/prometheus/steps.h"
#include "libs/kubesim/promql/labels.h"
#include "libs/kubesim/store/disturbance.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim::prometheus {

struct Run {
  double start = 0;
  double end = kForever;
};

struct ContainerPast {
  std::string name;
  std::string image;
  double cpu_limit = kNaN;     // cores
  double memory_limit = kNaN;  // bytes
  double cpu_request = kNaN;
  double memory_request = kNaN;
  double cpu = 0.02;               // typical use, cores
  double memory = 48 << 20;        // typical use, bytes
  std::vector<Run> runs;           // in order of time
  bool oom = false;                // its runs end by running out of memory
  std::vector<std::string> ports;  // names and numbers
};

/// A sample of an object's state, as kube-state-metrics shows it.
struct Fact {
  std::string metric;
  promql::Labels labels;  // without the name
  double value = 0;
  double since = kNaN;   // when it became so; NaN = with the object
  double before = kNaN;  // what it was until then, from the object's creation
};

/// One object. Immutable; a change makes a new one.
struct Past {
  std::string kind;  // plural
  std::string ns;
  std::string name;
  std::string uid;
  uint64_t resource_version = 0;
  double created = 0;
  double deleted = kForever;
  std::map<std::pair<std::string, promql::Labels>, Steps> facts;
  // Pods:
  std::string node;
  std::string ip;
  promql::Labels pod_labels;
  std::string workload;  // "shop/cart": namespace and name of what stands above its ReplicaSet
  std::string workload_kind;
  Steps ready;
  std::vector<ContainerPast> containers;
  std::vector<std::string> mentions;  // services its environment names: "ns/name"
  std::vector<std::string> claims;    // names of the claims it mounts
  std::string eviction_signal;        // "memory.available", of a pod that was evicted
  double evicted = kNaN;
  // Claims:
  double capacity = kNaN;  // bytes; NaN while it is not bound
  // Services:
  promql::Labels selector;
  std::vector<std::pair<std::string, std::string>> ports;  // name or number, target port
  // Nodes:
  double cpus = 4;
  double memory = 8e9;
  std::string version;  // of its kubelet
  Steps up;             // 1 while its kubelet answers
  // ReplicaSets:
  double replicas = 0;
};
using PastPtr = std::shared_ptr<const Past>;

/// A disturbance and when it was on.
struct Trouble {
  Disturbance what;
  Run time;
  bool OnAt(double t) const { return t >= time.start && t < time.end; }
  /// Seconds that it was on before `t`.
  double Before(double t) const { return std::max(0.0, std::min(t, time.end) - time.start); }
};

/// All of it at one moment.
struct Picture {
  double now = 0;
  uint64_t version = 0;
  std::vector<Trouble> troubles;
  std::map<std::string, std::vector<PastPtr>> kinds;  // by plural, ordered by namespace and name
  const std::vector<PastPtr>& Of(const std::string& plural) const;
};

/// Thread-safe.
class History {
 public:
  /// `disturbances` may be empty.
  History(const Store& store, const base::Clock& clock, uint64_t seed,
          DisturbanceSource disturbances = {})
      : store_(store), clock_(clock), seed_(seed), disturbances_(std::move(disturbances)) {}

  /// Looks at the cluster; cheap when it did not change. What changed is dated to now.
  std::shared_ptr<const Picture> Refresh();

 private:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  PastPtr Look(const std::string& plural, const Object& object, const PastPtr& before,
               double now) const;

  /// True when one came or went.
  bool LookAtTroubles(double now);

  const Store& store_;
  const base::Clock& clock_;
  const uint64_t seed_;
  const DisturbanceSource disturbances_;
  std::mutex mutex_;
  std::vector<Trouble> troubles_;
  std::map<std::string, std::map<std::pair<Key, std::string>, PastPtr>>
      known_;  // by plural; key and uid
  std::shared_ptr<const Picture> picture_;
};

/// State metrics of one object of that kind (plural).
std::vector<Fact> FactsOf(const std::string& plural, const Json& object);
/// Seconds since the epoch of an RFC 3339 text; NaN when it is none.
double Time(const Json& text);

}  // namespace opsmesh::kubesim::prometheus
