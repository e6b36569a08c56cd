// Logs of pods as an answer.
#pragma once

#include "absl/status/statusor.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Arguments: namespace, pod_name, container, tail_lines (`default_lines` when absent), head_lines,
/// previous, since, contains, timestamps. A container that has not started, or has no previous run,
/// is an answer that says so.
absl::StatusOr<ToolResult> ReadPodLogs(const ToolCall& call, int64_t default_lines);

/// NOT_FOUND (POD_NOT_FOUND) naming near pods, when pods can be read and there is none of that
/// name.
absl::Status CheckPod(const ToolCall& call, std::string_view ns, std::string_view name,
                      Ledger* ledger);

}  // namespace opsmesh::k8s
