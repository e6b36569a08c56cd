#include "libs/kubesim/behaviour/nodes.h"

#include "libs/kubesim/behaviour/faults/fault_table.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/behaviour/scheduler/scheduler.h"

namespace opsmesh::kubesim {

Kubelet& AddNodes(Engine& engine, const NodesOptions& options) {
  static auto* none = new FaultTable();  // never changed
  engine.Add<Scheduler>();
  return engine.Add<Kubelet>(ImageTable::Make(options.scenario),
                             options.faults != nullptr ? *options.faults : *none, options.kubelets,
                             options.metrics);
}

}  // namespace opsmesh::kubesim
