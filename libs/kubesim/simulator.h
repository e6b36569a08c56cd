// A simulated Kubernetes 1.32 in one object: the demo's cluster, the test bed of every client,
// later the rehearsal room.
//
//   auto simulator = kubesim::Simulator::Create({.content = kubesim::Content::kDemo});
//   (*simulator)->Start({});  // plain HTTP on a free loopback port
//   std::string text = *(*simulator)->Kubeconfig();  // for kubectl, libs/kube, any client
//
// Nothing is special-cased for OpsMesh: it speaks the Kubernetes REST API and nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace opsmesh::kubesim {

class Engine;
class Faults;
class LogStore;
class Store;

/// What the cluster holds when it starts.
enum class Content {
  kEmpty,   // the system namespaces, default roles and service accounts; no node
  kDemo,    // the shipped demo: namespaces shop, payments, infra with healthy and broken workloads
  kFolder,  // SimulatorOptions::cluster_dir (decision 32)
};

/// How it is made. The defaults give the same cluster every time, aged relative to the clock's now.
struct SimulatorOptions {
  Content content = Content::kEmpty;
  /// Folder of YAML and JSON manifests, read recursively in path order; logs in
  /// logs/<ns>/<pod>/<container>.log.
  std::string cluster_dir;
  /// Run the controllers, the scheduler and the kubelets. Without it objects stay as they were
  /// loaded or written.
  bool live = false;
  /// With `live`: false leaves nodes objects, as beside a control plane alone. Pods get nodes and
  /// never start there, their end is not confirmed, and nobody misses a node's heartbeats.
  bool kubelets = true;
  /// With `live`: the cluster's clock begins at `clock`'s present time and moves by Advance()
  /// alone. Requests are served meanwhile, in a cluster that stands still. The same steps give the
  /// same bytes.
  bool virtual_time = false;
  /// Not owned; null = the machine's clock. Must outlive the simulator.
  const base::Clock* clock = nullptr;
  /// Same seed, same uids, pod names and addresses.
  uint64_t seed = 1;
};

/// How a copy of a running cluster is made.
struct ForkOptions {
  /// Of the copy's own ids: names and uids of what comes into being in it.
  uint64_t seed = 2;
  /// Controllers, scheduler and kubelets of its own, in virtual time from the moment of the copy:
  /// Advance() lets time pass.
  bool live = true;
};

struct GivenObject;

/// Where it listens.
struct DoorOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0 = a free one
  /// TLS with a CA of the simulator's own; users are told apart by client certificate or bearer
  /// token and RBAC holds. Without it the door is plain HTTP, refuses non-loopback callers, and
  /// every caller is the cluster's administrator unless it sends a token or Impersonate-* headers.
  bool tls = false;
};

/// Thread-safe. At most one door is open at a time.
class Simulator {
 public:
  /// INVALID_ARGUMENT (CLUSTER_DIR_UNREADABLE, MANIFEST_INVALID) with file and line when the
  /// content cannot be loaded.
  static absl::StatusOr<std::unique_ptr<Simulator>> Create(SimulatorOptions options);
  /// A cluster of the objects of a real one (see content/content.h), for instance what a watch
  /// cache holds: the caller hands them over. `options.content` does not count. What could not be
  /// taken is named in `left_out` (may be null).
  static absl::StatusOr<std::unique_ptr<Simulator>> FromObjects(
      SimulatorOptions options, const std::vector<GivenObject>& objects,
      std::vector<std::string>* left_out = nullptr);
  virtual ~Simulator() = default;

  /// A copy of the cluster as it is now: the same objects (shared, not copied), versions and logs;
  /// its own clock, standing at this one's time, its own ids and, with `live`, its own engine. It
  /// runs ahead without touching this one, and may outlive it. Made in milliseconds at 5,000 pods;
  /// its engine reads all objects at the first Advance(). Same state, same options, same steps: the
  /// same bytes.
  virtual absl::StatusOr<std::unique_ptr<Simulator>> Fork(ForkOptions options) const = 0;

  /// Opens the door. UNAVAILABLE (ADDRESS_IN_USE) or FAILED_PRECONDITION (ALREADY_OPEN) otherwise.
  virtual absl::Status Start(DoorOptions door) = 0;
  /// Closes the door: watches end, running requests get at most `grace`. The objects stay; Start()
  /// opens it again.
  virtual void Stop(absl::Duration grace = absl::Seconds(1)) = 0;

  /// "http://127.0.0.1:41234"; empty before Start().
  virtual std::string url() const = 0;
  virtual uint16_t port() const = 0;

  /// A kubeconfig (YAML) of the administrator, group system:masters. FAILED_PRECONDITION
  /// (NOT_STARTED) before Start().
  virtual absl::StatusOr<std::string> Kubeconfig() const = 0;
  /// A kubeconfig of somebody else. On the TLS door by client certificate, on the plain one by a
  /// bearer token.
  virtual absl::StatusOr<std::string> KubeconfigFor(
      std::string_view user, const std::vector<std::string>& groups) const = 0;

  /// Virtual time: lets `duration` pass; an hour takes milliseconds. FAILED_PRECONDITION
  /// (NOT_VIRTUAL) otherwise, INVALID_ARGUMENT (DURATION_OUT_OF_RANGE) when it is negative or above
  /// 366 days. Blocks until it is done.
  virtual absl::Status Advance(absl::Duration duration) = 0;
  /// What runs the cluster; null unless `live`.
  virtual Engine* engine() = 0;
  /// Breaking and mending it on purpose (behaviour/faults/faults.h); null unless `live`.
  virtual Faults* faults() = 0;

  /// The objects, for code in the same process (controllers, tests).
  virtual Store& store() = 0;
  virtual LogStore& logs() = 0;
};

}  // namespace opsmesh::kubesim
