#include "libs/kubesim/behaviour/controllers/controllers.h"

#include "libs/kubesim/behaviour/controllers/daemonset.h"
#include "libs/kubesim/behaviour/controllers/deployment.h"
#include "libs/kubesim/behaviour/controllers/endpoints.h"
#include "libs/kubesim/behaviour/controllers/garbage.h"
#include "libs/kubesim/behaviour/controllers/namespaces.h"
#include "libs/kubesim/behaviour/controllers/replicaset.h"
#include "libs/kubesim/behaviour/controllers/statefulset.h"

namespace opsmesh::kubesim {

void AddControllers(Engine& engine) {
  Pods& pods = engine.Add<Pods>();
  engine.Add<NamespaceController>();
  engine.Add<ServiceAccountController>();
  engine.Add<ReplicaSetController>(pods);
  engine.Add<DeploymentController>(pods);
  engine.Add<StatefulSetController>(pods);
  engine.Add<DaemonSetController>(pods);
  engine.Add<EndpointsController>(pods);
  engine.Add<GarbageCollector>();
}

}  // namespace opsmesh::kubesim
