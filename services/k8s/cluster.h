// One configured cluster as the tools see it: the cached picture, single reads, logs and discovery.
// Nothing here writes. The real one is kube_cluster.h over libs/kube; tests make one of JSON
// (fake_cluster.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/kube/cache.h"
#include "libs/kube/client.h"

namespace opsmesh::k8s {

struct ClusterHealth {
  absl::Status status;                            // OK, or why the apiserver does not answer
  std::string version;                            // "v1.32.4"; "" when it never answered
  absl::Duration latency = absl::ZeroDuration();  // of this check
};

/// One context of the kubeconfig: no address, no credential.
struct ContextInfo {
  std::string name;
  std::string cluster;
  std::string user;
  std::string name_space;
  bool current = false;
};

/// Thread-safe. Every call ends by the context's deadline; with the apiserver down no call takes
/// longer than about 3 s. Errors are libs/kube's: NOT_FOUND, PERMISSION_DENIED with the RBAC rule
/// to add, UNAVAILABLE, DEADLINE_EXCEEDED.
class Cluster {
 public:
  virtual ~Cluster() = default;

  virtual const std::string& id() const = 0;
  virtual bool simulated() const = 0;
  /// Namespace of the kubeconfig's context, "default" when it names none.
  virtual std::string default_namespace() const = 0;

  /// A question is about this namespace ("" = about the whole cluster): where the user has rights
  /// in single namespaces only, it is put into the picture, and what was forbidden is asked again,
  /// so that a right granted a moment ago counts. Waits shortly; free where everything may be read.
  virtual void Cover(const base::Context& ctx, std::string_view ns) {
    (void)ctx;
    (void)ns;
  }
  /// The cached picture; waits shortly for the first lists. Kinds that cannot be read say why in
  /// their status.
  virtual std::shared_ptr<const kube::Snapshot> Picture(const base::Context& ctx) = 0;
  /// A kind by any of its names. NOT_FOUND (UNKNOWN_KIND) with the nearest name.
  virtual absl::StatusOr<kube::ResourceType> Resolve(const base::Context& ctx,
                                                     std::string_view name) = 0;
  /// Everything the server serves.
  virtual absl::StatusOr<std::shared_ptr<const kube::Discovery>> Discover(
      const base::Context& ctx) = 0;
  /// Objects of a kind that is not cached, read now; at most `max_objects`.
  virtual absl::StatusOr<kube::ListResult> List(const base::Context& ctx,
                                                const kube::ResourceType& type, std::string_view ns,
                                                const kube::ListOptions& options) = 0;
  /// One object, read now.
  virtual absl::StatusOr<kube::ObjectPtr> Get(const base::Context& ctx,
                                              const kube::ResourceType& type, std::string_view ns,
                                              std::string_view name) = 0;
  virtual absl::StatusOr<kube::LogText> PodLogs(const base::Context& ctx, std::string_view ns,
                                                std::string_view pod,
                                                const kube::LogOptions& options) = 0;
  /// Without a thread that waits; see kube::Client::FollowPodLogs.
  virtual absl::StatusOr<std::shared_ptr<http_client::Call>> FollowPodLogs(
      const base::Context& ctx, std::string_view ns, std::string_view pod,
      const kube::LogOptions& options, kube::FollowObserver observer) = 0;
  virtual absl::StatusOr<kube::AccessAnswer> CanI(const base::Context& ctx,
                                                  const kube::AccessQuestion& question) = 0;
  virtual absl::StatusOr<std::vector<kube::PodUsage>> PodMetrics(const base::Context& ctx,
                                                                 std::string_view ns) = 0;
  virtual absl::StatusOr<std::vector<kube::NodeUsage>> NodeMetrics(const base::Context& ctx) = 0;
  /// Asks the apiserver for its version; waits at most `limit`.
  virtual ClusterHealth Check(const base::Context& ctx, absl::Duration limit) = 0;
  virtual std::vector<ContextInfo> Contexts() const = 0;

  /// Grows whenever a cached object changes: an answer made from the cache holds while it stands
  /// still.
  virtual uint64_t change_count() const = 0;
};

}  // namespace opsmesh::k8s
