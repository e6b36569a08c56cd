#include "services/k8s/workload_scene.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/listing.h"
#include "services/k8s/say.h"

namespace opsmesh::k8s {

absl::StatusOr<WorkloadScene> WorkloadSceneOf(const ToolCall& call) {
  const std::string only = call.arguments.String("deployment_name");
  WorkloadScene out{Picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now), {}};
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("deployments"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckNamespace());
  out.workloads = WorkloadsOf(out.picture, only);
  if (!only.empty() && out.workloads.empty()) {
    return base::NotFound(
               "OBJECT_NOT_FOUND",
               fmt::format("There is no Deployment, StatefulSet or DaemonSet '{}' there.", only))
        .Hint("list_kubernetes_deployments lists them.");
  }
  return out;
}

Finding About(const Workload& w, std::string code, Severity severity, Text summary, Text cause,
              Text next) {
  Finding f;
  f.code = std::move(code);
  f.severity = severity;
  f.object = RefOf(*w.object);
  f.workload = f.object;
  f.summary = Say("{0} {1}：{2}", "{0} {1}: {3}", w.kind, w.full_name(), summary.zh, summary.en);
  f.cause = std::move(cause);
  f.next_step = std::move(next);
  return f;
}

}  // namespace opsmesh::k8s
