// What pods use (metrics.k8s.io) beside what they asked for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Cores and bytes of one pod or container.
struct Amounts {
  double cpu = 0;
  double memory = 0;
};

/// Use of pods at one moment, as the metrics API told it.
class PodUse {
 public:
  /// Reads it and notes in the ledger what was read, or why not.
  static PodUse Read(const ToolCall& call, std::string_view ns, Ledger& ledger);

  bool known() const { return known_; }
  /// nullopt when the metrics API does not know the pod.
  std::optional<Amounts> Of(std::string_view ns, std::string_view pod) const;
  std::optional<Amounts> Of(std::string_view ns, std::string_view pod,
                            std::string_view container) const;

 private:
  bool known_ = false;
  std::map<std::string, Amounts> pods_;        // "ns/pod"
  std::map<std::string, Amounts> containers_;  // "ns/pod/container"
};

/// A workload's container: what is set, what its pods use at most, and what would fit.
struct Sizing {
  ObjectRef workload;
  std::string container;
  int64_t pods = 0;  // running pods that were looked at
  int64_t replicas = 0;
  std::optional<double> cpu_request, cpu_limit, memory_request, memory_limit;
  std::optional<double> cpu_used, memory_used;  // the highest of its pods
  bool killed_for_memory = false;
  // Advice; absent when nothing is known to base it on.
  std::optional<double> cpu_request_advice, memory_request_advice, memory_limit_advice;
};

/// One entry a container of each workload in the picture's namespace; `only` narrows to one
/// workload. Advice: requests 20 % above the highest use (at least 10m and 16Mi), the memory limit
/// half above it again; a container that was killed for memory gets twice its limit. Rounded up to
/// 5m and 8Mi.
std::vector<Sizing> SizeWorkloads(Picture& picture, const PodUse& use, std::string_view only);

/// "not set" / "未设置" stands for absent values.
std::string ShowCpu(const std::optional<double>& cores);
std::string ShowBytes(const std::optional<double>& bytes);

/// What the sizing tools look at.
struct Sized {
  Picture picture;
  PodUse use;
  std::vector<Sizing> rows;
};
/// Arguments: namespace, deployment_name. Errors: OBJECT_NOT_FOUND, and what cannot be read.
absl::StatusOr<Sized> SizeFor(const ToolCall& call);

/// Notes that use over time was not looked at.
void NoHistory(Ledger& ledger);

// tools_waste.cc
absl::StatusOr<ToolResult> ResourceWaste(const ToolCall& call);
absl::StatusOr<ToolResult> IdleResources(const ToolCall& call);
absl::StatusOr<ToolResult> CostSavings(const ToolCall& call);

}  // namespace opsmesh::k8s
