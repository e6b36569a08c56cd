#include "services/rca/standard_queries.h"

namespace opsmesh::rca {
namespace {

struct Standard {
  const char* title;
  const char* promql;
  analytics::KnownNoise noise = {};
};

// What moves by less is nobody's trouble: 5 thousandths of a core, a mebibyte, a kibibyte a second,
// a hundredth of a share, a millisecond; and 3 % of what comes and goes with the load, which moves
// by a sixth within many an hour. Events are those of five minutes, as the queries count them.
constexpr double kLoad = 0.03;
constexpr analytics::KnownNoise kCores{.least_spread = 0.005, .least_share = kLoad},
    kBytes{.least_spread = 1 << 20}, kTraffic{.least_spread = 1 << 10, .least_share = kLoad},
    kShare{.least_spread = 0.01}, kSeconds{.least_spread = 1e-3}, kMilliseconds{.least_spread = 1},
    kRequests{.least_share = kLoad, .counted_over = 300}, kErrors{.counted_over = 300};

// Shares that nobody suffers from are cut off (throttled below 5 %, free above 30 %): what moves
// there all day is no trouble. Rates over 5 minutes hold at least four samples at the usual scrape
// intervals of 15 s to 60 s.
constexpr Standard kStandard[] = {
    {"cpu",
     R"(sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="",container!="POD"}[5m])))",
     kCores},
    {"cpu_throttled",
     R"(clamp_min(sum by (namespace, pod) (rate(container_cpu_cfs_throttled_periods_total{container!=""}[5m])) / sum by (namespace, pod) (rate(container_cpu_cfs_periods_total{container!=""}[5m])), 0.05))",
     kShare},
    {"memory",
     R"(sum by (namespace, pod) (container_memory_working_set_bytes{container!="",container!="POD"}))",
     kBytes},
    {"network_receive",
     R"(sum by (namespace, pod) (rate(container_network_receive_bytes_total[5m])))", kTraffic},
    {"network_transmit",
     R"(sum by (namespace, pod) (rate(container_network_transmit_bytes_total[5m])))", kTraffic},
    {"restarts",
     R"(sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[10m])))"},
    {"containers_waiting",
     R"(sum by (namespace, pod) (kube_pod_container_status_waiting_reason{reason!="ContainerCreating",reason!="PodInitializing"}))"},
    {"replicas_unavailable", "kube_deployment_status_replicas_unavailable"},
    {"replicas_unavailable", "kube_daemonset_status_number_unavailable"},
    {"replicas_unavailable",
     "kube_statefulset_replicas - on (namespace, statefulset) "
     "kube_statefulset_status_replicas_ready"},
    {"node_ready",
     R"(max by (node) (kube_node_status_condition{condition="Ready",status="true"}))"},
    {"node_cpu", R"(1 - avg by (node, instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])))",
     kShare},
    {"node_memory_free_share",
     "clamp_max(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes, 0.3)", kShare},
    {"node_disk_free_share",
     R"(clamp_max(node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"}, 0.3))",
     kShare},
    {"requests", "sum by (namespace, service) (rate(http_requests_total[5m]))", kRequests},
    {"errors",
     R"(sum by (namespace, service) (rate(http_requests_total{code=~"5.."}[5m]) or rate(http_requests_total{status=~"5.."}[5m])))",
     kErrors},
    {"latency.avg",
     "sum by (namespace, service) (rate(http_request_duration_seconds_sum[5m])) / sum by "
     "(namespace, service) (rate(http_request_duration_seconds_count[5m]))",
     kSeconds},
    {"latency.p95",
     "histogram_quantile(0.95, sum by (namespace, service, le) "
     "(rate(http_request_duration_seconds_bucket[5m])))",
     kSeconds},
    {"requests",
     "sum by (source_workload, source_workload_namespace, destination_workload, "
     R"(destination_workload_namespace) (rate(istio_requests_total{reporter="source"}[5m])))",
     kRequests},
    {"latency.avg",
     "sum by (source_workload, source_workload_namespace, destination_workload, "
     "destination_workload_namespace) "
     R"((rate(istio_request_duration_milliseconds_sum{reporter="source"}[5m])) / sum by )"
     "(source_workload, source_workload_namespace, destination_workload, "
     "destination_workload_namespace) "
     R"((rate(istio_request_duration_milliseconds_count{reporter="source"}[5m])))",
     kMilliseconds},
};

}  // namespace

std::vector<MetricQuery> StandardQueries() {
  std::vector<MetricQuery> queries;
  for (const Standard& standard : kStandard)
    queries.push_back({.text = standard.promql,
                       .title = standard.title,
                       .optional = true,
                       .noise = standard.noise});
  return queries;
}

}  // namespace opsmesh::rca
