"""Valid objects of the kinds that both 1.20 and 1.32 serve, as people write them. Ours."""

POD = {"automountServiceAccountToken": False, "containers": [{"name": "web", "image": "registry.example.com/web:1.2", "ports": [{"containerPort": 8080}],
                       "env": [{"name": "A", "value": "1"}, {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                       "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                       "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                       "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}]}],
       "volumes": [{"name": "config", "configMap": {"name": "web"}}, {"name": "tmp", "emptyDir": {}}, {"name": "key", "secret": {"secretName": "k"}}]}
JOB_POD = {"automountServiceAccountToken": False, "restartPolicy": "Never", "containers": [{"name": "run", "image": "busybox:1.35", "command": ["sh", "-c", "exit 0"]}]}
LABELS = {"app": "web"}
# Matches objects of a group nobody has: it must not be called.
WEBHOOK = {"name": "check.judge.example.com", "clientConfig": {"url": "https://127.0.0.1:1/check"}, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore",
           "rules": [{"apiGroups": ["nobody.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothings"]}]}


def template(pod, labels=None):
    return {"metadata": {"labels": labels or LABELS}, "spec": pod}


# name -> (api prefix, plural, kind, apiVersion, namespaced, body without metadata)
KINDS = {
    "configmap": ("/api/v1", "configmaps", "ConfigMap", "v1", True, {"data": {"a": "1", "b": "two"}}),
    "secret": ("/api/v1", "secrets", "Secret", "v1", True, {"stringData": {"password": "not-a-real-one"}, "data": {"k": "dg=="}}),
    "service": ("/api/v1", "services", "Service", "v1", True, {"spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]}}),
    "nodeport": ("/api/v1", "services", "Service", "v1", True, {"spec": {"type": "NodePort", "selector": LABELS, "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]}}),
    "headless": ("/api/v1", "services", "Service", "v1", True, {"spec": {"clusterIP": "None", "selector": LABELS, "ports": [{"port": 80}]}}),
    "external": ("/api/v1", "services", "Service", "v1", True, {"spec": {"type": "ExternalName", "externalName": "db.example.com"}}),
    "pod": ("/api/v1", "pods", "Pod", "v1", True, {"spec": POD}),
    "podtemplate": ("/api/v1", "podtemplates", "PodTemplate", "v1", True, {"template": template(POD)}),
    "serviceaccount": ("/api/v1", "serviceaccounts", "ServiceAccount", "v1", True, {"automountServiceAccountToken": False}),
    "claim": ("/api/v1", "persistentvolumeclaims", "PersistentVolumeClaim", "v1", True, {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "slow"}}),
    "volume": ("/api/v1", "persistentvolumes", "PersistentVolume", "v1", False, {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}, "storageClassName": "slow"}}),
    "quota": ("/api/v1", "resourcequotas", "ResourceQuota", "v1", True, {"spec": {"hard": {"pods": "50", "requests.cpu": "10"}}}),
    "limitrange": ("/api/v1", "limitranges", "LimitRange", "v1", True, {"spec": {"limits": [{"type": "Container", "max": {"cpu": "8"}}]}}),
    "namespace": ("/api/v1", "namespaces", "Namespace", "v1", False, {}),
    "node": ("/api/v1", "nodes", "Node", "v1", False, {"spec": {"podCIDR": "10.244.9.0/24"}}),
    "endpoints": ("/api/v1", "endpoints", "Endpoints", "v1", True, {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]}),
    "controller": ("/api/v1", "replicationcontrollers", "ReplicationController", "v1", True, {"spec": {"replicas": 2, "selector": LABELS, "template": template(POD)}}),
    "event": ("/api/v1", "events", "Event", "v1", True, {"involvedObject": {"kind": "Pod", "namespace": "judge", "name": "web"}, "reason": "Test", "message": "a test", "type": "Normal", "count": 1,
                                                         "firstTimestamp": "2026-11-20T10:00:00Z", "lastTimestamp": "2026-11-20T10:00:00Z", "source": {"component": "judge"}}),
    "deployment": ("/apis/apps/v1", "deployments", "Deployment", "apps/v1", True, {"spec": {"replicas": 3, "selector": {"matchLabels": LABELS}, "template": template(POD)}}),
    "replicaset": ("/apis/apps/v1", "replicasets", "ReplicaSet", "apps/v1", True, {"spec": {"selector": {"matchLabels": LABELS}, "template": template(POD)}}),
    "statefulset": ("/apis/apps/v1", "statefulsets", "StatefulSet", "apps/v1", True, {"spec": {"serviceName": "web", "replicas": 2, "selector": {"matchLabels": LABELS}, "template": template(POD),
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}}),
    "daemonset": ("/apis/apps/v1", "daemonsets", "DaemonSet", "apps/v1", True, {"spec": {"selector": {"matchLabels": LABELS}, "template": template(POD)}}),
    "revision": ("/apis/apps/v1", "controllerrevisions", "ControllerRevision", "apps/v1", True, {"revision": 1, "data": {"spec": {"x": 1}}}),
    "job": ("/apis/batch/v1", "jobs", "Job", "batch/v1", True, {"spec": {"template": {"spec": JOB_POD}, "backoffLimit": 2}}),
    "autoscaler": ("/apis/autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling/v1", True,
                   {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 5, "targetCPUUtilizationPercentage": 70}}),
    "ingress": ("/apis/networking.k8s.io/v1", "ingresses", "Ingress", "networking.k8s.io/v1", True,
                {"spec": {"ingressClassName": "nginx", "rules": [{"host": "shop.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}}),
    "ingressclass": ("/apis/networking.k8s.io/v1", "ingressclasses", "IngressClass", "networking.k8s.io/v1", False, {"spec": {"controller": "example.com/ingress"}}),
    "networkpolicy": ("/apis/networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", "networking.k8s.io/v1", True, {"spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": LABELS}}], "ports": [{"port": 8080}]}]}}),
    "role": ("/apis/rbac.authorization.k8s.io/v1", "roles", "Role", "rbac.authorization.k8s.io/v1", True, {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}),
    "rolebinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", "rbac.authorization.k8s.io/v1", True,
                    {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "role-1"}, "subjects": [{"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount", "name": "bot", "namespace": "judge"}]}),
    "clusterrole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", "rbac.authorization.k8s.io/v1", False, {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}),
    "clusterrolebinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", "rbac.authorization.k8s.io/v1", False,
                           {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "Group", "name": "dev"}]}),
    "storageclass": ("/apis/storage.k8s.io/v1", "storageclasses", "StorageClass", "storage.k8s.io/v1", False, {"provisioner": "example.com/disk", "parameters": {"type": "ssd"}}),
    "priorityclass": ("/apis/scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", "scheduling.k8s.io/v1", False, {"value": 1000, "description": "for the test"}),
    "lease": ("/apis/coordination.k8s.io/v1", "leases", "Lease", "coordination.k8s.io/v1", True, {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}}),
    "runtimeclass": ("/apis/node.k8s.io/v1", "runtimeclasses", "RuntimeClass", "node.k8s.io/v1", False, {"handler": "runc"}),
    "csidriver": ("/apis/storage.k8s.io/v1", "csidrivers", "CSIDriver", "storage.k8s.io/v1", False, {"spec": {"attachRequired": False}}),
    "definition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", "apiextensions.k8s.io/v1", False,
                   {"spec": {"group": "judge.example.com", "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "shortNames": ["tg"]},
                             "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                                           "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                                           "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                                               "spec": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 1, "maximum": 9}, "color": {"type": "string", "enum": ["red", "blue"]}, "tags": {"type": "array", "items": {"type": "string"}}}},
                                               "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}}]}}),
    "cronjob": ("/apis/batch/v1", "cronjobs", "CronJob", "batch/v1", True, {"spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": {"spec": JOB_POD}}}}}),
    "budget": ("/apis/policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "policy/v1", True, {"spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}}}),
    "slice": ("/apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice", "discovery.k8s.io/v1", True,
              {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}], "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}),
    "autoscaler2": ("/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling/v2", True,
                    {"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 5,
                              "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}}),
    "attachment": ("/apis/storage.k8s.io/v1", "volumeattachments", "VolumeAttachment", "storage.k8s.io/v1", False, {"spec": {"attacher": "csi.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "pv"}}}),
    "csinode": ("/apis/storage.k8s.io/v1", "csinodes", "CSINode", "storage.k8s.io/v1", False, {"spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n1"}]}}),
    "validating": ("/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", False, {"webhooks": [WEBHOOK]}),
    "mutating": ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", False, {"webhooks": [WEBHOOK]}),
    "newevent": ("/apis/events.k8s.io/v1", "events", "Event", "events.k8s.io/v1", True, {"regarding": {"kind": "Pod", "namespace": "judge", "name": "web"}, "reason": "Test", "note": "a test", "type": "Normal", "action": "Testing",
                                                                                         "eventTime": "2026-11-20T10:00:00.000000Z", "reportingController": "example.com/judge", "reportingInstance": "judge-1"}),
}
