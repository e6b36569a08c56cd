#include "libs/kubesim/behaviour/controllers/controllers.h"

#include "libs/kubesim/behaviour/controllers/autoscaler.h"
#include "libs/kubesim/behaviour/controllers/certificates.h"
#include "libs/kubesim/behaviour/controllers/cronjob.h"
#include "libs/kubesim/behaviour/controllers/daemonset.h"
#include "libs/kubesim/behaviour/controllers/deployment.h"
#include "libs/kubesim/behaviour/controllers/disruption.h"
#include "libs/kubesim/behaviour/controllers/endpoint_mirror.h"
#include "libs/kubesim/behaviour/controllers/endpoints.h"
#include "libs/kubesim/behaviour/controllers/garbage.h"
#include "libs/kubesim/behaviour/controllers/job.h"
#include "libs/kubesim/behaviour/controllers/namespaces.h"
#include "libs/kubesim/behaviour/controllers/node_lifecycle.h"
#include "libs/kubesim/behaviour/controllers/pod_collector.h"
#include "libs/kubesim/behaviour/controllers/quota.h"
#include "libs/kubesim/behaviour/controllers/replicaset.h"
#include "libs/kubesim/behaviour/controllers/role_aggregation.h"
#include "libs/kubesim/behaviour/controllers/statefulset.h"
#include "libs/kubesim/behaviour/controllers/taint_eviction.h"
#include "libs/kubesim/behaviour/controllers/token_secrets.h"
#include "libs/kubesim/behaviour/controllers/volumes.h"

namespace opsmesh::kubesim {

void AddControllers(Engine& engine, const ControllersOptions& options) {
  Pods& pods = engine.Add<Pods>();
  engine.Add<NamespaceController>();
  engine.Add<ServiceAccountController>();
  if (options.signer != nullptr) engine.Add<TokenSecretController>(*options.signer);
  engine.Add<RoleAggregationController>();
  if (options.authority != nullptr) engine.Add<CertificateController>(*options.authority);
  engine.Add<ReplicaSetController>(pods);
  engine.Add<ReplicaSetController>(pods, true);
  engine.Add<DeploymentController>(pods);
  engine.Add<StatefulSetController>(pods);
  engine.Add<DaemonSetController>(pods);
  engine.Add<JobController>(pods);
  engine.Add<CronJobController>();
  engine.Add<EndpointsController>(pods);
  engine.Add<EndpointMirrorController>();
  engine.Add<AutoscalerController>(pods);
  engine.Add<DisruptionController>(pods);
  engine.Add<VolumeController>(pods);
  if (options.node_lifecycle) engine.Add<NodeLifecycleController>(pods);
  engine.Add<TaintEvictionController>(pods);
  engine.Add<PodCollector>(pods);
  engine.Add<QuotaController>();
  engine.Add<GarbageCollector>();
}

}  // namespace opsmesh::kubesim
