// The nodes of a live cluster: scheduler, kubelets with their containers, faults on demand.
#pragma once

#include <memory>

#include "libs/kubesim/behaviour/engine.h"

namespace opsmesh::kubesim {

struct Scenario;
class FaultTable;
class Kubelet;
struct KubeletState;

struct NodesOptions {
  /// How known images behave beside the built-in table (the demo's scenario); may be null. Copied.
  const Scenario* scenario = nullptr;
  /// Faults that are on from the start; those that the loaded nodes show are added. Null = only
  /// those. Not owned, outlives the engine.
  FaultTable* faults = nullptr;
  /// State of the kubelets of another engine over the same objects (a fork); null = built again
  /// from the objects.
  const KubeletState* kubelets = nullptr;
  /// Whether metrics of what runs are kept for metrics.k8s.io (when the cluster serves it).
  bool metrics = true;
  /// False: pods stay as the scheduler left them and nodes send no heartbeats.
  bool run_pods = true;
};

/// Before the engine starts. The kubelet lives as long as the engine.
Kubelet& AddNodes(Engine& engine, const NodesOptions& options);

}  // namespace opsmesh::kubesim
