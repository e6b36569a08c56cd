#include "services/k8s/guide.h"

namespace opsmesh::k8s {
namespace {

std::vector<KindGuide> MakeGuides() {
  return {
      {"pods",
       {"一个或多个一起调度、共用网络和卷的容器。", "One or more containers that are scheduled together and share network and volumes."},
       {
           {"spec.containers[].image", "string", {"镜像", "Image"}},
           {"spec.containers[].command", "string[]", {"启动命令，替代镜像的 ENTRYPOINT", "Command instead of the image's entry point"}},
           {"spec.containers[].resources.requests", "map", {"调度时保留的资源", "Resources reserved when it is scheduled"}},
           {"spec.containers[].resources.limits", "map", {"上限；超过内存上限会被杀死", "Upper bounds; above the memory limit it is killed"}},
           {"spec.containers[].readinessProbe", "object", {"就绪探针：失败则不接收流量", "Readiness probe: while it fails, no traffic arrives"}},
           {"spec.containers[].livenessProbe", "object", {"存活探针：失败则重启容器", "Liveness probe: when it fails, the container is restarted"}},
           {"spec.containers[].startupProbe", "object", {"启动探针：成功前其他探针不运行", "Startup probe: the other probes wait until it succeeds"}},
           {"spec.initContainers", "object[]", {"依次运行完才启动主容器的容器", "Containers that run to their end, one by one, before the others start"}},
           {"spec.nodeSelector", "map", {"节点必须带有的标签", "Labels that its node must have"}},
           {"spec.tolerations", "object[]", {"容忍的节点污点", "Taints of nodes that it tolerates"}},
           {"spec.restartPolicy", "string", {"Always、OnFailure 或 Never", "Always, OnFailure or Never"}},
           {"spec.serviceAccountName", "string", {"以哪个 ServiceAccount 访问 API", "Service account it uses for the API"}},
           {"status.phase", "string", {"Pending、Running、Succeeded、Failed、Unknown", "Pending, Running, Succeeded, Failed, Unknown"}},
           {"status.containerStatuses", "object[]", {"每个容器的状态、重启次数、上次如何结束", "State of each container, its restarts, how it ended last"}},
       }},
      {"deployments",
       {"管理一组相同的 Pod，逐步发布新版本，可回滚。", "Keeps a number of equal pods, rolls out new versions step by step, can roll back."},
       {
           {"spec.replicas", "integer", {"副本数", "Number of replicas"}},
           {"spec.selector", "object", {"哪些 Pod 属于它，创建后不可改", "Which pods are its own; fixed at creation"}},
           {"spec.template", "object", {"Pod 模板，改动会触发发布", "Pod template; a change starts a rollout"}},
           {"spec.strategy.type", "string", {"RollingUpdate 或 Recreate", "RollingUpdate or Recreate"}},
           {"spec.strategy.rollingUpdate.maxSurge", "int|percent", {"发布时最多多出的 Pod", "Extra pods during a rollout, at most"}},
           {"spec.strategy.rollingUpdate.maxUnavailable", "int|percent", {"发布时最多不可用的 Pod", "Unavailable pods during a rollout, at most"}},
           {"spec.progressDeadlineSeconds", "integer", {"多久没有进展算失败，默认 600", "Time without progress after which it counts as failed, 600 by default"}},
           {"spec.revisionHistoryLimit", "integer", {"保留多少个旧版本，默认 10", "Old revisions that are kept, 10 by default"}},
           {"spec.paused", "boolean", {"暂停发布", "Rollout paused"}},
           {"status.availableReplicas", "integer", {"可用的副本数", "Available replicas"}},
           {"status.conditions", "object[]", {"Available、Progressing、ReplicaFailure", "Available, Progressing, ReplicaFailure"}},
       }},
      {"services",
       {"给一组 Pod 一个固定的名字和地址。", "A stable name and address for a set of pods."},
       {
           {"spec.selector", "map", {"后端 Pod 的标签", "Labels of the pods behind it"}},
           {"spec.ports[].port", "integer", {"服务的端口", "Port of the service"}},
           {"spec.ports[].targetPort", "int|string", {"Pod 的端口号或端口名", "Port number or port name of the pods"}},
           {"spec.type", "string", {"ClusterIP、NodePort、LoadBalancer、ExternalName", "ClusterIP, NodePort, LoadBalancer, ExternalName"}},
           {"spec.clusterIP", "string", {"集群内地址，None 表示无头服务", "Address inside the cluster; None = headless"}},
           {"status.loadBalancer.ingress", "object[]", {"负载均衡器的地址", "Addresses of the load balancer"}},
       }},
      {"nodes",
       {"运行 Pod 的机器。", "A machine that runs pods."},
       {
           {"spec.taints", "object[]", {"污点，不容忍的 Pod 不会调度上来", "Taints; pods that do not tolerate them are kept away"}},
           {"spec.unschedulable", "boolean", {"是否已 cordon", "Whether it is cordoned"}},
           {"status.allocatable", "map", {"可分配给 Pod 的资源", "Resources that pods can have"}},
           {"status.conditions", "object[]", {"Ready、MemoryPressure、DiskPressure、PIDPressure", "Ready, MemoryPressure, DiskPressure, PIDPressure"}},
       }},
      {"namespaces",
       {"名称、权限和配额的边界。", "A boundary of names, rights and quotas."},
       {
           {"status.phase", "string", {"Active 或 Terminating", "Active or Terminating"}},
       }},
      {"events",
       {"集群中发生的事，默认保留一小时。", "What happened in the cluster, kept for an hour by default."},
       {
           {"type", "string", {"Normal 或 Warning", "Normal or Warning"}},
           {"reason", "string", {"原因", "Reason"}},
           {"message", "string", {"说明", "Message"}},
           {"involvedObject", "object", {"关于哪个对象", "The object it is about"}},
           {"count", "integer", {"发生次数", "How often it happened"}},
       }},
      {"statefulsets",
       {"有固定名字和存储、按顺序启停的 Pod。", "Pods with fixed names and storage, started and stopped in order."},
       {
           {"spec.replicas", "integer", {"副本数", "Number of replicas"}},
           {"spec.serviceName", "string", {"给每个 Pod 域名的无头服务", "Headless service that names each pod"}},
           {"spec.volumeClaimTemplates", "object[]", {"每个 Pod 自己的 PVC 模板", "Templates of the claims that each pod gets"}},
           {"spec.updateStrategy", "object", {"RollingUpdate（可分区）或 OnDelete", "RollingUpdate (with a partition) or OnDelete"}},
       }},
      {"daemonsets",
       {"每个（符合条件的）节点运行一个 Pod。", "One pod on each node that fits."},
       {
           {"spec.selector", "object", {"哪些 Pod 属于它", "Which pods are its own"}},
           {"spec.template", "object", {"Pod 模板", "Pod template"}},
           {"status.desiredNumberScheduled", "integer", {"应运行的节点数", "Nodes it should run on"}},
           {"status.numberAvailable", "integer", {"可用的节点数", "Nodes on which it is available"}},
       }},
      {"jobs",
       {"运行到结束的任务，失败会重试。", "A task that runs to its end, retried on failure."},
       {
           {"spec.completions", "integer", {"要成功多少次", "How many successes are wanted"}},
           {"spec.parallelism", "integer", {"同时运行多少个", "How many run at a time"}},
           {"spec.backoffLimit", "integer", {"失败重试次数，默认 6", "Retries, 6 by default"}},
           {"spec.activeDeadlineSeconds", "integer", {"最长运行时间", "Longest time it may run"}},
       }},
      {"cronjobs",
       {"按时间表创建 Job。", "Makes jobs by a schedule."},
       {
           {"spec.schedule", "string", {"cron 时间表", "Cron schedule"}},
           {"spec.timeZone", "string", {"时区", "Time zone"}},
           {"spec.suspend", "boolean", {"暂停", "Suspended"}},
           {"spec.concurrencyPolicy", "string", {"Allow、Forbid 或 Replace", "Allow, Forbid or Replace"}},
       }},
      {"ingresses",
       {"按主机名和路径把外部 HTTP 流量转到 Service。", "Routes HTTP from outside to services by host and path."},
       {
           {"spec.ingressClassName", "string", {"由哪个控制器处理", "Controller that handles it"}},
           {"spec.rules[].host", "string", {"主机名", "Host name"}},
           {"spec.rules[].http.paths[].path", "string", {"路径", "Path"}},
           {"spec.rules[].http.paths[].backend.service", "object", {"后端 Service 和端口", "Service and port behind it"}},
           {"spec.tls[].secretName", "string", {"证书所在的 Secret", "Secret with the certificate"}},
       }},
      {"configmaps",
       {"非机密的配置。", "Configuration that is not secret."},
       {
           {"data", "map", {"文本键值", "Text by key"}},
           {"binaryData", "map", {"二进制键值（base64）", "Bytes by key (base64)"}},
           {"immutable", "boolean", {"是否不可改", "Whether it is fixed"}},
       }},
      {"secrets",
       {"机密数据；OpsMesh 只显示键名。", "Secret data; OpsMesh shows key names only."},
       {
           {"type", "string", {"类型", "Type"}},
           {"data", "map", {"键名（值从不显示）", "Keys (values are never shown)"}},
       }},
      {"persistentvolumeclaims",
       {"对存储的申请。", "A request for storage."},
       {
           {"spec.storageClassName", "string", {"存储类，省略用默认的", "Storage class; the default one when absent"}},
           {"spec.accessModes", "string[]", {"ReadWriteOnce、ReadOnlyMany、ReadWriteMany", "ReadWriteOnce, ReadOnlyMany, ReadWriteMany"}},
           {"spec.resources.requests.storage", "quantity", {"大小", "Size"}},
           {"status.phase", "string", {"Pending、Bound、Lost", "Pending, Bound, Lost"}},
       }},
      {"persistentvolumes",
       {"一块存储。", "A piece of storage."},
       {
           {"spec.capacity.storage", "quantity", {"大小", "Size"}},
           {"spec.persistentVolumeReclaimPolicy", "string", {"PVC 删除后 Retain 或 Delete", "Retain or Delete once its claim is gone"}},
           {"spec.claimRef", "object", {"被哪个 PVC 绑定", "Claim it is bound to"}},
           {"status.phase", "string", {"Available、Bound、Released、Failed", "Available, Bound, Released, Failed"}},
       }},
      {"horizontalpodautoscalers",
       {"按指标自动调整副本数。", "Changes the number of replicas by metrics."},
       {
           {"spec.scaleTargetRef", "object", {"调整哪个工作负载", "Workload it scales"}},
           {"spec.minReplicas", "integer", {"最少副本", "Fewest replicas"}},
           {"spec.maxReplicas", "integer", {"最多副本", "Most replicas"}},
           {"spec.metrics", "object[]", {"指标和目标值", "Metrics and their targets"}},
           {"status.conditions", "object[]", {"AbleToScale、ScalingActive、ScalingLimited", "AbleToScale, ScalingActive, ScalingLimited"}},
       }},
      {"networkpolicies",
       {"限制 Pod 之间的网络访问。", "Restricts network access between pods."},
       {
           {"spec.podSelector", "object", {"对哪些 Pod 生效，空为全部", "Pods it applies to; empty = all"}},
           {"spec.policyTypes", "string[]", {"Ingress、Egress", "Ingress, Egress"}},
           {"spec.ingress", "object[]", {"允许的入站", "Allowed ingress"}},
           {"spec.egress", "object[]", {"允许的出站", "Allowed egress"}},
       }},
      {"resourcequotas",
       {"一个命名空间能用多少资源。", "How much a namespace may use."},
       {
           {"spec.hard", "map", {"上限", "Upper bounds"}},
           {"status.used", "map", {"已用", "What is used"}},
       }},
      {"poddisruptionbudgets",
       {"维护时至少保留多少 Pod。", "How many pods stay up during maintenance."},
       {
           {"spec.minAvailable", "int|percent", {"至少可用", "At least available"}},
           {"spec.maxUnavailable", "int|percent", {"最多不可用", "At most unavailable"}},
           {"status.disruptionsAllowed", "integer", {"现在可中断几个", "Disruptions allowed now"}},
       }},
      {"storageclasses",
       {"如何供给存储。", "How storage is provisioned."},
       {
           {"provisioner", "string", {"供给器", "Provisioner"}},
           {"reclaimPolicy", "string", {"Delete 或 Retain", "Delete or Retain"}},
           {"volumeBindingMode", "string", {"Immediate 或 WaitForFirstConsumer", "Immediate or WaitForFirstConsumer"}},
       }},
      {"serviceaccounts",
       {"Pod 访问 API 的身份。", "The identity of pods at the API."},
       {
           {"secrets", "object[]", {"旧式令牌", "Tokens of the old kind"}},
           {"imagePullSecrets", "object[]", {"拉镜像的凭据", "Credentials for pulling images"}},
           {"automountServiceAccountToken", "boolean", {"是否自动挂载令牌", "Whether the token is mounted by itself"}},
       }},
      {"replicasets",
       {"保持一定数量的 Pod，通常由 Deployment 管理。", "Keeps a number of pods, usually for a Deployment."},
       {
           {"spec.replicas", "integer", {"副本数", "Number of replicas"}},
           {"spec.template", "object", {"Pod 模板", "Pod template"}},
           {"status.readyReplicas", "integer", {"就绪的副本", "Ready replicas"}},
       }},
      {"endpoints",
       {"Service 后面的地址（旧式）。", "Addresses behind a service (the old form)."},
       {
           {"subsets[].addresses", "object[]", {"就绪的地址", "Ready addresses"}},
           {"subsets[].notReadyAddresses", "object[]", {"未就绪的地址", "Addresses that are not ready"}},
       }},
      {"endpointslices",
       {"Service 后面的地址。", "Addresses behind a service."},
       {
           {"endpoints[].addresses", "string[]", {"地址", "Addresses"}},
           {"endpoints[].conditions.ready", "boolean", {"是否接收流量", "Whether it gets traffic"}},
           {"ports", "object[]", {"端口", "Ports"}},
       }},
      {"limitranges",
       {"命名空间内容器的默认值和范围。", "Defaults and bounds of containers in a namespace."},
       {
           {"spec.limits[].default", "map", {"默认 limits", "Default limits"}},
           {"spec.limits[].defaultRequest", "map", {"默认 requests", "Default requests"}},
           {"spec.limits[].max", "map", {"最大值", "Largest values"}},
       }},
  };
}

}  // namespace

const KindGuide* GuideOf(std::string_view plural) {
  static const auto* const guides = new std::vector<KindGuide>(MakeGuides());
  for (const KindGuide& guide : *guides) {
    if (guide.plural == plural) return &guide;
  }
  return nullptr;
}

}  // namespace opsmesh::k8s
