// The tools of the mesh over gRPC: the k8s service behind the ToolBox interface.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "absl/time/time.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::clients {
class Mesh;
}

namespace opsmesh::llm {

/// Calls the k8s service as the caller of the turn (the context's principal). The list of tools is
/// kept for `list_ttl`, so that a turn costs one call less; it is the same for every caller.
/// Thread-safe. Errors: NOT_FOUND (SERVICE_UNKNOWN) from every call when no address of the k8s
/// service is configured, else the service's own.
std::unique_ptr<ToolBox> MakeGrpcToolBox(const clients::Mesh& mesh,
                                         absl::Duration list_ttl = absl::Seconds(10));

}  // namespace opsmesh::llm
