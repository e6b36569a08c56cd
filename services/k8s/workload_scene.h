// The workloads a tool was asked about, and findings about them.
#pragma once

#include <string>
#include <vector>

#include "services/k8s/finding.h"
#include "services/k8s/picture.h"
#include "services/k8s/tool.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {

struct WorkloadScene {
  Picture picture;
  std::vector<Workload> workloads;
};

/// Arguments: namespace, deployment_name. Errors: OBJECT_NOT_FOUND, and what cannot be read.
absl::StatusOr<WorkloadScene> WorkloadSceneOf(const ToolCall& call);

/// A finding about a workload; its summary begins with kind and name.
Finding About(const Workload& workload, std::string code, Severity severity, Text summary,
              Text cause, Text next);

}  // namespace opsmesh::k8s
