// How full the nodes are: by requests, exactly, and by use where the cluster has metrics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

struct NodeLoad {
  std::string name;
  std::string status;
  bool schedulable = false;  // ready and not cordoned
  double cpu_allocatable = 0, cpu_requested = 0;
  double memory_allocatable = 0, memory_requested = 0;
  int64_t pods_allocatable = 0, pods = 0;
  std::optional<double> cpu_used, memory_used;
};

/// One entry a node, ordered by name. Finished pods count nothing.
std::vector<NodeLoad> NodeLoads(Picture& picture);

/// Argument: node_name.
absl::StatusOr<ToolResult> NodeCapacity(const ToolCall& call);

}  // namespace opsmesh::k8s
