// What the metrics API says about pods, asked for as any client asks.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// Usage of one pod by container, in thousandths (cpu of a core, memory of a byte).
struct PodUsage {
  std::map<std::string, long double> containers;
  absl::Time taken;
  absl::Duration window;
};

/// By pod name; nothing when the cluster has no metrics API.
std::optional<std::map<std::string, PodUsage>> ReadPodUsage(const Cluster& cluster,
                                                            const std::string& ns,
                                                            const std::string& resource);

}  // namespace opsmesh::kubesim
