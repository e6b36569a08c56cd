// metrics.k8s.io/v1beta1: what a metrics-server would say about the pods and nodes of now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// Usage is kept in the store under metrics.k8s.io/pods as PodMetrics of the typical values; an
/// answer moves them a little with time, leaves out pods that do not run, and sums them up for the
/// nodes.
Reply HandleMetrics(const Cluster& cluster, const Call& call);

/// Use of one container at a scrape.
struct ContainerUsage {
  std::string name;
  int64_t nano_cores = 0;
  int64_t ki = 0;
};
/// What kubelet, runtime and the system of a node use themselves.
constexpr int64_t kSystemNanoCores = 120'000'000, kSystemKi = 900 * 1024;
constexpr absl::Duration kMetricsWindow = absl::Seconds(15);
/// The moment of the last scrape.
absl::Time LastScrape(absl::Time now);
/// What an answer says of the pod's containers; `metrics` is the stored PodMetrics of the pod
/// `name`.
std::vector<ContainerUsage> UsageAt(const Json& metrics, const std::string& name,
                                    absl::Time scrape);

}  // namespace opsmesh::kubesim
