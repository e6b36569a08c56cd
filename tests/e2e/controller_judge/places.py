"""Where the objects of each kind are, in the versions of 1.32."""

# plural -> (kind, apiVersion, whether it lies in a namespace)
KINDS = {
    "pods": ("Pod", "v1", True),
    "services": ("Service", "v1", True),
    "endpoints": ("Endpoints", "v1", True),
    "endpointslices": ("EndpointSlice", "discovery.k8s.io/v1", True),
    "configmaps": ("ConfigMap", "v1", True),
    "secrets": ("Secret", "v1", True),
    "serviceaccounts": ("ServiceAccount", "v1", True),
    "resourcequotas": ("ResourceQuota", "v1", True),
    "events": ("Event", "v1", True),
    "replicationcontrollers": ("ReplicationController", "v1", True),
    "persistentvolumeclaims": ("PersistentVolumeClaim", "v1", True),
    "persistentvolumes": ("PersistentVolume", "v1", False),
    "storageclasses": ("StorageClass", "storage.k8s.io/v1", False),
    "nodes": ("Node", "v1", False),
    "namespaces": ("Namespace", "v1", False),
    "deployments": ("Deployment", "apps/v1", True),
    "replicasets": ("ReplicaSet", "apps/v1", True),
    "statefulsets": ("StatefulSet", "apps/v1", True),
    "daemonsets": ("DaemonSet", "apps/v1", True),
    "controllerrevisions": ("ControllerRevision", "apps/v1", True),
    "jobs": ("Job", "batch/v1", True),
    "cronjobs": ("CronJob", "batch/v1", True),
    "horizontalpodautoscalers": ("HorizontalPodAutoscaler", "autoscaling/v2", True),
    "poddisruptionbudgets": ("PodDisruptionBudget", "policy/v1", True),
    "customresourcedefinitions": ("CustomResourceDefinition", "apiextensions.k8s.io/v1", False),
    "clusterroles": ("ClusterRole", "rbac.authorization.k8s.io/v1", False),
}
PLURAL = {kind: plural for plural, (kind, _, _) in KINDS.items()}


def path_of(plural, namespace=None, name=None, sub=None):
    _, version, namespaced = KINDS[plural]
    path = ("/api/" if version == "v1" else "/apis/") + version
    if namespaced and namespace:
        path += "/namespaces/" + namespace
    path += "/" + plural
    if name:
        path += "/" + name
    return path + ("/" + sub if sub else "")
