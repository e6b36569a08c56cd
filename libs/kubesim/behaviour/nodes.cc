#include "libs/kubesim/behaviour/nodes.h"

#include "libs/kubesim/behaviour/faults/fault_table.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/behaviour/scheduler/scheduler.h"

namespace opsmesh::kubesim {

namespace {

// Where nobody breaks anything, the faults are still those the cluster was loaded with.
class OwnFaults final : public Part {
 public:
  explicit OwnFaults(Engine&) {}
  FaultTable table;
};

}  // namespace

Kubelet& AddNodes(Engine& engine, const NodesOptions& options) {
  FaultTable& faults = options.faults != nullptr ? *options.faults : engine.Add<OwnFaults>().table;
  engine.Add<Scheduler>();
  return engine.Add<Kubelet>(
      ImageTable::Make(options.scenario), faults,
      KubeletOptions{
          .state = options.kubelets, .metrics = options.metrics, .run_pods = options.run_pods});
}

}  // namespace opsmesh::kubesim
