#include "services/k8s/kube_cluster.h"

#include "libs/base/error.h"

namespace opsmesh::k8s {
namespace {

// An apiserver that does not answer costs a caller at most this (design/trust.md, section 4).
constexpr absl::Duration kApiserverLimit = absl::Seconds(3);
// How long a question waits for the first lists after the start.
constexpr absl::Duration kFirstListLimit = absl::Milliseconds(2500);
// How long a question waits until what was forbidden has been asked again.
constexpr absl::Duration kAskAgainLimit = absl::Milliseconds(1500);

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> KubeCluster::Start(KubeClusterOptions options,
                                                            http_client::Client& http) {
  std::unique_ptr<KubeCluster> cluster(new KubeCluster(std::move(options)));
  const KubeClusterOptions& o = cluster->options_;
  kube::Client::Options client;
  OPSMESH_ASSIGN_OR_RETURN(client.config, kube::LoadCluster(o.load, o.environment));
  client.http = &http;
  client.clock = o.clock;
  client.ids = o.ids;
  client.user_agent = o.user_agent;
  client.requests_per_second = o.requests_per_second;
  client.burst = o.burst;
  OPSMESH_ASSIGN_OR_RETURN(cluster->client_, kube::Client::Create(std::move(client)));
  kube::Cache::Options cache;
  cache.clock = o.clock;
  cache.ids = o.ids;
  cache.on_change = [raw = cluster.get()](const kube::Change&) {
    raw->changes_.fetch_add(1, std::memory_order_relaxed);
  };
  cache.namespaces = o.namespaces;
  cache.namespaces.push_back(cluster->default_namespace());
  OPSMESH_ASSIGN_OR_RETURN(cluster->cache_,
                           kube::Cache::Start(*cluster->client_, std::move(cache)));
  return std::unique_ptr<Cluster>(std::move(cluster));
}

std::string KubeCluster::default_namespace() const {
  const std::string& ns = client_->config().default_namespace;
  return ns.empty() ? "default" : ns;
}

void KubeCluster::WaitForFirstLists(const base::Context& ctx) {
  // Only the first questions wait for the first lists, and not for long: what is there by then is
  // read, and the ledger says what is not.
  if (settled_.load(std::memory_order_relaxed)) return;
  const absl::Status synced = cache_->WaitForSync(ctx.WithTimeout(kFirstListLimit));
  if (synced.ok() || ctx.Check().ok()) settled_.store(true, std::memory_order_relaxed);
}

void KubeCluster::Cover(const base::Context& ctx, std::string_view ns) {
  WaitForFirstLists(ctx);
  cache_->Cover(ctx.WithTimeout(kAskAgainLimit), ns);
}

std::shared_ptr<const kube::Snapshot> KubeCluster::Picture(const base::Context& ctx) {
  WaitForFirstLists(ctx);
  return cache_->Get();
}

absl::StatusOr<kube::ResourceType> KubeCluster::Resolve(const base::Context& ctx,
                                                        std::string_view name) {
  return client_->Resolve(ctx.WithTimeout(kApiserverLimit), name);
}

absl::StatusOr<std::shared_ptr<const kube::Discovery>> KubeCluster::Discover(
    const base::Context& ctx) {
  return client_->Discover(ctx.WithTimeout(kApiserverLimit));
}

absl::StatusOr<kube::ListResult> KubeCluster::List(const base::Context& ctx,
                                                   const kube::ResourceType& type,
                                                   std::string_view ns,
                                                   const kube::ListOptions& options) {
  return client_->List(ctx.WithTimeout(absl::Seconds(20)), type, ns, options);
}

absl::StatusOr<kube::ObjectPtr> KubeCluster::Get(const base::Context& ctx,
                                                 const kube::ResourceType& type,
                                                 std::string_view ns, std::string_view name) {
  return client_->Get(ctx.WithTimeout(kApiserverLimit), type, ns, name);
}

absl::StatusOr<kube::LogText> KubeCluster::PodLogs(const base::Context& ctx, std::string_view ns,
                                                   std::string_view pod,
                                                   const kube::LogOptions& options) {
  return client_->PodLogs(ctx.WithTimeout(absl::Seconds(20)), ns, pod, options);
}

absl::StatusOr<std::shared_ptr<http_client::Call>> KubeCluster::FollowPodLogs(
    const base::Context& ctx, std::string_view ns, std::string_view pod,
    const kube::LogOptions& options, kube::FollowObserver observer) {
  return client_->FollowPodLogs(ctx, ns, pod, options, std::move(observer));
}

absl::StatusOr<kube::AccessAnswer> KubeCluster::CanI(const base::Context& ctx,
                                                     const kube::AccessQuestion& question) {
  return client_->CanI(ctx.WithTimeout(kApiserverLimit), question);
}

absl::StatusOr<std::vector<kube::PodUsage>> KubeCluster::PodMetrics(const base::Context& ctx,
                                                                    std::string_view ns) {
  return client_->PodMetrics(ctx.WithTimeout(kApiserverLimit), ns);
}

absl::StatusOr<std::vector<kube::NodeUsage>> KubeCluster::NodeMetrics(const base::Context& ctx) {
  return client_->NodeMetrics(ctx.WithTimeout(kApiserverLimit));
}

ClusterHealth KubeCluster::Check(const base::Context& ctx, absl::Duration limit) {
  ClusterHealth health;
  const absl::Duration begin = options_.clock->Steady();
  // Part of the caller's time is left for the answer: a cluster that hangs is reported, it does not
  // make the report late.
  const absl::StatusOr<kube::ServerVersion> version =
      client_->Version(ctx.WithTimeout(std::min(limit, ctx.Remaining() * 0.7)));
  health.latency = options_.clock->Steady() - begin;
  health.status = version.status();
  if (version.ok()) health.version = version->git_version;
  return health;
}

std::vector<ContextInfo> KubeCluster::Contexts() const {
  std::vector<ContextInfo> out;
  const auto contexts = kube::ListContexts(options_.load, options_.environment);
  if (!contexts.ok()) return out;
  for (const kube::ContextInfo& c : *contexts)
    out.push_back({c.name, c.cluster, c.user, c.default_namespace, c.current});
  return out;
}

uint64_t KubeCluster::change_count() const {
  // First lists and relists are changes of the picture, too.
  uint64_t count = changes_.load(std::memory_order_relaxed);
  for (const kube::KindStatus& status : cache_->Status())
    count += status.lists + status.refusals + (status.synced() ? 1 : 0) * 1000003;
  return count;
}

}  // namespace opsmesh::k8s
