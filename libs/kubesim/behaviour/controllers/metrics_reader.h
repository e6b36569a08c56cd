// What the metrics API says about pods.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// Usage of one pod by container, in thousandths (cpu of a core, memory of a byte).
struct PodUsage {
  std::map<std::string, long double> containers;
  absl::Time taken;
  absl::Duration window;
};

/// Of those of the pods (all in one namespace) of which there is any, by pod name; nothing when the
/// cluster has no metrics API. `resource`: cpu or memory; others are used by nobody.
std::optional<std::map<std::string, PodUsage>> ReadPodUsage(Engine& engine,
                                                            const std::vector<const PodView*>& pods,
                                                            const std::string& resource);

}  // namespace opsmesh::kubesim
