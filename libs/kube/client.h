// One cluster's API as one user: discovery, reads, watches, logs, access reviews, metrics and
// writes.
//
// Every error is a base::Error: code and reason from the server's Status (NOT_FOUND, FORBIDDEN,
// ...), the metadata "verb", "resource", "namespace", "name", "cluster", and a hint with the next
// step; for 401 and 403 the RBAC rule to add. Reads are tried three times (full jitter, 100 ms to 2
// s, on top of Retry-After) inside the context's deadline; writes once (429 excepted: the server
// did not execute it). Values of Secrets never get past this client.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/kube/config.h"
#include "libs/kube/discovery.h"
#include "libs/kube/object.h"
#include "libs/kube/selector.h"
#include "libs/kube/types.h"
#include "libs/kube/views.h"

namespace opsmesh::http_client {
class Client;
class Call;
}  // namespace opsmesh::http_client

namespace opsmesh::kube {

class ObjectPacker;
class Transport;

struct ListOptions {
  LabelSelector labels;
  std::vector<FieldTerm> fields;
  /// Objects a page; 0 = one page with everything.
  int page_size = 500;
  /// Stop after this many objects; 0 = all. More objects set ListResult::truncated.
  size_t max_objects = 0;
  /// "" = the most recent state; "0" = whatever the server has at hand (cheap); else not older than
  /// this.
  std::string resource_version;
  /// Given one, objects are made for keeping: small, their JSON compressed. Must outlive the call.
  ObjectPacker* packer = nullptr;
  /// The caller has a back-off of its own, as a cache has: no circuit breaker holds it off, and a
  /// busy server is given more time in all.
  bool patient = false;
};

struct DiscoverOptions {
  bool refresh = false;  // asks again, whatever is kept
  bool patient = false;  // as in ListOptions
};

/// An object that could not be read; the others of its list could.
struct Unparseable {
  std::string name;  // when it was readable
  std::string ns;
  std::string why;
};

struct ListResult {
  ResourceType type;
  std::vector<ObjectPtr> items;  // in the server's order
  std::vector<Unparseable> unparseable;
  std::string resource_version;
  bool truncated = false;
  std::optional<int64_t> remaining;  // how many more there are, when the server says
  /// The continue token expired half way and the rest is of a later state: objects may be missing
  /// or double in time.
  bool inconsistent = false;
};

struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  ObjectPtr object;              // null for bookmarks
  std::string resource_version;  // where to go on from
};

struct WatchOptions {
  LabelSelector labels;
  std::vector<FieldTerm> fields;
  std::string resource_version;
  /// How long the server keeps the stream open.
  absl::Duration server_timeout = absl::Seconds(290);
};

struct LogOptions {
  std::string container;  // "" = the only one
  bool previous = false;
  bool timestamps = false;
  std::optional<int64_t> tail_lines;
  std::optional<absl::Duration> since;
  std::optional<absl::Time> since_time;
  /// Bytes kept at most, 1 .. 64 MiB. Streams with `follow` ignore it.
  int64_t max_bytes = 1 << 20;
  /// Lines kept at most in PodLogs (the last ones).
  size_t max_lines = 2000;
  /// Longer lines are cut at a character's end and end in "…".
  size_t max_line_bytes = 4096;
};

/// Callbacks of a followed log, on the HTTP client's thread: they return at once.
struct FollowObserver {
  /// False = not now: nothing more comes until Call::Resume(). Asked before each piece of the log.
  std::function<bool()> wants_more;
  /// One line, as in LogText.
  std::function<void(std::string line)> on_line;
  /// Exactly once, last. OK = the container has ended; errors as PodLogs.
  std::function<void(const absl::Status&)> on_done;
};

/// Text of a log: well-formed UTF-8, lines without their ends. Untrusted.
struct LogText {
  std::vector<std::string> lines;
  size_t bytes_read = 0;
  bool truncated = false;       // older lines were left out
  bool newest_missing = false;  // the log is so large that reading stopped before its end
  size_t cut_lines = 0;         // lines that were cut
  size_t replaced_bytes = 0;    // runs of ill-formed bytes and control bytes replaced by U+FFFD
};

struct AccessQuestion {
  std::string verb;
  std::string group;
  std::string resource;  // plural
  std::string subresource;
  std::string ns;
  std::string name;
};
struct AccessAnswer {
  bool allowed = false;
  std::string reason;
};

struct ContainerUsage {
  std::string name;
  double cpu_cores = 0;
  double memory_bytes = 0;
};
struct PodUsage {
  std::string ns;
  std::string name;
  absl::Time at = absl::InfinitePast();
  absl::Duration window;
  std::vector<ContainerUsage> containers;
};
struct NodeUsage {
  std::string name;
  absl::Time at = absl::InfinitePast();
  absl::Duration window;
  double cpu_cores = 0;
  double memory_bytes = 0;
};

enum class PatchType { kJson, kMerge, kStrategic, kApply };

struct WriteOptions {
  bool dry_run = false;
  std::string field_manager = "opsmesh";
  bool force = false;            // server-side apply: take fields over
  std::string field_validation;  // "", "Strict", "Warn", "Ignore"
  /// Joins the cluster's audit log with ours: "User-Agent: opsmesh/1.2 action/<id>".
  /// [A-Za-z0-9._-], "" = none.
  std::string action_id;
};
struct DeleteOptions {
  bool dry_run = false;
  std::string propagation = "Background";  // "Foreground", "Orphan"
  std::optional<int64_t> grace_period_seconds;
  std::string uid;               // precondition: this object, not its successor
  std::string resource_version;  // precondition
  std::string action_id;         // as in WriteOptions
};
struct WriteResult {
  ObjectPtr object;  // null when the server answered with a Status
  std::vector<std::string> warnings;
  bool created = false;
};
struct Scale {
  int64_t spec_replicas = 0;
  int64_t status_replicas = 0;
  std::string resource_version;
};

/// Thread-safe; methods block until done or the context ends.
class Client {
 public:
  struct Options {
    ClusterConfig config;
    http_client::Client* http = nullptr;  // must outlive the client
    const base::Clock* clock = &base::SystemClock();
    base::IdSource* ids = &base::SystemIds();
    std::string user_agent = "opsmesh";
    /// False: every write answers FAILED_PRECONDITION (READ_ONLY_CLIENT) before a byte is sent. Dry
    /// runs are writes.
    bool allow_writes = false;
    /// Requests a second and burst, counted over all callers; watches count once. 0 = no limit.
    double requests_per_second = 50;
    int burst = 100;
    absl::Duration request_timeout = absl::Seconds(30);
    /// Least and most wait between tries.
    absl::Duration retry_min = absl::Milliseconds(100);
    absl::Duration retry_max = absl::Seconds(2);
    /// After this many calls in a row that found no server, calls answer UNAVAILABLE (CIRCUIT_OPEN)
    /// at once for `breaker_pause`; then one is let through to see. 0 = never.
    int breaker_failures = 5;
    absl::Duration breaker_pause = absl::Seconds(10);
    /// Largest answer that is read.
    size_t max_response_bytes = 256 << 20;
  };

  /// INVALID_ARGUMENT when the configuration cannot work. Sends nothing.
  static absl::StatusOr<std::unique_ptr<Client>> Create(Options options);
  ~Client();

  /// The same cluster, connections and limits, with another's rights ("as").
  std::unique_ptr<Client> As(Impersonation who) const;

  const ClusterConfig& config() const;

  absl::StatusOr<ServerVersion> Version(const base::Context& ctx);
  /// Discovery, kept for 10 minutes. Groups that do not answer are left out and named.
  absl::StatusOr<std::shared_ptr<const Discovery>> Discover(const base::Context& ctx,
                                                            const DiscoverOptions& options = {});
  /// A type by any of its names; asks the server again once when it is not known. Built-in kinds
  /// resolve also when the server refuses discovery.
  absl::StatusOr<ResourceType> Resolve(const base::Context& ctx, std::string_view name);

  /// `ns` is ignored for cluster-scoped types.
  absl::StatusOr<ObjectPtr> Get(const base::Context& ctx, const ResourceType& type,
                                std::string_view ns, std::string_view name);
  /// `ns` "" = all namespaces.
  absl::StatusOr<ListResult> List(const base::Context& ctx, const ResourceType& type,
                                  std::string_view ns, const ListOptions& options = {});
  /// Watches until `on_event` returns false (OK), the server ends the stream (OK), or an error.
  /// ABORTED (EXPIRED): list again. The caller reconnects; kube::Cache does all of it.
  absl::Status Watch(const base::Context& ctx, const ResourceType& type, std::string_view ns,
                     const WatchOptions& options,
                     const std::function<bool(const WatchEvent&)>& on_event);

  /// FAILED_PRECONDITION (CONTAINER_REQUIRED, CONTAINER_NOT_STARTED, NO_PREVIOUS_LOG) beside the
  /// usual errors.
  absl::StatusOr<LogText> PodLogs(const base::Context& ctx, std::string_view ns,
                                  std::string_view pod, const LogOptions& options = {});
  /// Lines as they come, without a thread that waits: follow=true. Ends with the container, the
  /// context or the handle.
  absl::StatusOr<std::shared_ptr<http_client::Call>> FollowPodLogs(const base::Context& ctx,
                                                                   std::string_view ns,
                                                                   std::string_view pod,
                                                                   const LogOptions& options,
                                                                   FollowObserver observer);

  absl::StatusOr<AccessAnswer> CanI(const base::Context& ctx, const AccessQuestion& question);
  /// Who the server thinks we are; UNIMPLEMENTED (NOT_SERVED) before 1.28: use config().user.
  absl::StatusOr<std::string> WhoAmI(const base::Context& ctx);

  /// UNAVAILABLE (METRICS_NOT_SERVED) when the cluster has no metrics server. `ns` "" = all.
  absl::StatusOr<std::vector<PodUsage>> PodMetrics(const base::Context& ctx, std::string_view ns);
  absl::StatusOr<std::vector<NodeUsage>> NodeMetrics(const base::Context& ctx);

  // Writes. `body` is JSON. ABORTED (CONFLICT), ALREADY_EXISTS, INVALID_ARGUMENT (INVALID, with the
  // fields at fault).
  absl::StatusOr<WriteResult> Create(const base::Context& ctx, const ResourceType& type,
                                     std::string_view ns, std::string_view body,
                                     const WriteOptions& options = {});
  absl::StatusOr<WriteResult> Replace(const base::Context& ctx, const ResourceType& type,
                                      std::string_view ns, std::string_view name,
                                      std::string_view body, const WriteOptions& options = {});
  absl::StatusOr<WriteResult> Patch(const base::Context& ctx, const ResourceType& type,
                                    std::string_view ns, std::string_view name,
                                    PatchType patch_type, std::string_view body,
                                    const WriteOptions& options = {},
                                    std::string_view subresource = {});
  absl::StatusOr<WriteResult> Delete(const base::Context& ctx, const ResourceType& type,
                                     std::string_view ns, std::string_view name,
                                     const DeleteOptions& options = {});
  absl::StatusOr<Scale> SetScale(const base::Context& ctx, const ResourceType& type,
                                 std::string_view ns, std::string_view name, int64_t replicas,
                                 const WriteOptions& options = {});
  /// RESOURCE_EXHAUSTED (DISRUPTION_BUDGET) when a budget forbids it.
  absl::Status Evict(const base::Context& ctx, std::string_view ns, std::string_view pod,
                     const DeleteOptions& options = {});

 private:
  friend class Reflector;
  Client(std::shared_ptr<Transport> transport, Impersonation who);
  const std::shared_ptr<Transport> transport_;
  const Impersonation who_;
};

}  // namespace opsmesh::kube
