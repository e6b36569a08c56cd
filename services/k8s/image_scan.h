// Joins the reports of image scanners with the images that run.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Arguments: namespace, severity, limit. `reports_path` "" = only what the cluster has.
absl::StatusOr<ToolResult> ScanImages(const ToolCall& call, const std::string& reports_path);

}  // namespace opsmesh::k8s
