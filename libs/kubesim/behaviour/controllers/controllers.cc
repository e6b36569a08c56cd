#include "libs/kubesim/behaviour/controllers/controllers.h"

#include "libs/kubesim/behaviour/controllers/deployment.h"
#include "libs/kubesim/behaviour/controllers/replicaset.h"

namespace opsmesh::kubesim {

void AddControllers(Engine& engine) {
  Pods& pods = engine.Add<Pods>();
  engine.Add<ReplicaSetController>(pods);
  engine.Add<DeploymentController>(pods);
}

}  // namespace opsmesh::kubesim
