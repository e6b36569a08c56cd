"""Further neighbours: whole objects put, statuses of the rarer kinds, Scales of custom resources, amounts of autoscalers and claims, ingresses, budgets, profiles of updates."""
from common import APPLY, JSON_PATCH, MERGE, STRATEGIC, patch
from invented_neighbours import APPS, CONTAINER, CORE, DRY, HERE, HTTP, POD, TEMPLATE, make

BATCH = f"/apis/batch/v1/namespaces/{HERE}"
SCALER = f"/apis/autoscaling/v2/namespaces/{HERE}/horizontalpodautoscalers"
BUDGET = f"/apis/policy/v1/namespaces/{HERE}/poddisruptionbudgets"
INGRESS = f"/apis/networking.k8s.io/v1/namespaces/{HERE}/ingresses"
CUPS = f"/apis/inv.example.net/v1/namespaces/{HERE}/cups"


def invented_further():
    yield from whole_services()
    yield from rare_statuses()
    yield from cups()
    yield from scalers()
    yield from claims()
    yield from changed_pods()


def put(identity, path, name, spec, **metadata):
    return {"id": identity, "method": "PUT", "path": path, "body": {"metadata": {"name": name, **metadata}, "spec": spec}}


def whole_services():
    one = f"{CORE}/services/whole"
    yield make("inv-fu-svc", f"{CORE}/services", "whole", {"selector": {"a": "b"}, "type": "NodePort", "ports": [{**HTTP, "nodePort": 31700}, {"name": "b", "port": 81, "nodePort": 31701}]})
    for what, spec in {"same": {"selector": {"a": "b"}, "type": "NodePort", "ports": [HTTP, {"name": "b", "port": 81}]}, "plain": {"selector": {"a": "b"}, "ports": [HTTP]}, "swapped": {"type": "NodePort", "ports": [{**HTTP, "nodePort": 31701}, {"name": "b", "port": 81}]},
                       "renamed": {"type": "NodePort", "ports": [{"name": "new", "port": 80, "nodePort": 31700}]}, "empty": {}, "external": {"type": "ExternalName", "externalName": "x.example.com"}, "external-ports": {"type": "ExternalName", "externalName": "x.example.com", "ports": [{**HTTP, "nodePort": 31700}]},
                       "balancer": {"type": "LoadBalancer", "ports": [{**HTTP, "nodePort": 31700}], "loadBalancerIP": "192.0.2.1"}, "balancer-bare": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{**HTTP, "nodePort": 31700}]}, "headless": {"clusterIP": "None", "ports": [HTTP]},
                       "families": {"ipFamilyPolicy": "PreferDualStack", "ports": [HTTP]}, "affinity": {"sessionAffinity": "ClientIP", "ports": [HTTP]}, "affinity-zero": {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}, "ports": [HTTP]},
                       "publish": {"publishNotReadyAddresses": True, "ports": [HTTP]}, "spread": {"trafficDistribution": "PreferClose", "ports": [HTTP]}, "spread-odd": {"trafficDistribution": "Odd", "ports": [HTTP]}}.items():
        yield put(f"inv-fu-svc-put-{what}", one + DRY, "whole", spec)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "whole"}}
    yield patch("inv-fu-svc-apply-external", f"{one}{DRY}&fieldManager=apply&force=true", APPLY, {**service, "spec": {"type": "ExternalName", "externalName": "x.example.com"}})
    yield patch("inv-fu-svc-apply-ports", f"{one}{DRY}&fieldManager=apply&force=true", APPLY, {**service, "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 90, "name": "new"}]}})
    yield patch("inv-fu-svc-apply-new", f"{CORE}/services/fresh{DRY}&fieldManager=apply", APPLY, {**service, "metadata": {"name": "fresh"}, "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]}})
    yield patch("inv-fu-svc-strategic-port", f"{one}{DRY}", STRATEGIC, {"spec": {"ports": [{"port": 80, "targetPort": "web"}]}})
    yield patch("inv-fu-svc-strategic-delete", f"{one}{DRY}", STRATEGIC, {"spec": {"ports": [{"port": 80, "$patch": "delete"}]}})
    yield patch("inv-fu-svc-strategic-replace", f"{one}{DRY}", STRATEGIC, {"spec": {"$patch": "replace", "ports": [HTTP]}})
    yield patch("inv-fu-svc-json-type", f"{one}{DRY}", JSON_PATCH, [{"op": "replace", "path": "/spec/type", "value": "ClusterIP"}])
    yield {"id": "inv-fu-svc-v6", "method": "POST", "path": f"{CORE}/services{DRY}", "body": {"metadata": {"name": "six"}, "spec": {"externalIPs": ["2001:DB8::1"], "ports": [HTTP]}}}
    yield {"id": "inv-fu-svc-lb-ip", "method": "POST", "path": f"{CORE}/services{DRY}", "body": {"metadata": {"name": "six"}, "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "loadBalancerIP": "x", "loadBalancerSourceRanges": ["2001:DB8::/32"], "ports": [HTTP]}}}


def rare_statuses():
    selector = {"matchLabels": {"a": "b"}}
    yield make("inv-fu-job", f"{BATCH}/jobs", "j", {"template": {"spec": {**POD, "restartPolicy": "Never"}}})
    yield make("inv-fu-cron", f"{BATCH}/cronjobs", "cj", {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}}})
    yield make("inv-fu-daemon", f"{APPS}/daemonsets", "ds", {"selector": selector, "template": TEMPLATE})
    yield make("inv-fu-budget", BUDGET, "b", {"minAvailable": 1, "selector": selector})
    yield make("inv-fu-ingress", INGRESS, "i", {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}})
    yield make("inv-fu-claim", f"{CORE}/persistentvolumeclaims", "c", {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
    yield make("inv-fu-quota", f"{CORE}/resourcequotas", "q", {"hard": {"secrets": "5"}})
    for what, path, status in (
            ("job-active", f"{BATCH}/jobs/j", {"active": -1}), ("job-condition", f"{BATCH}/jobs/j", {"conditions": [{"type": "Complete", "status": "True"}]}), ("job-uncounted", f"{BATCH}/jobs/j", {"uncountedTerminatedPods": {}}), ("job-ready", f"{BATCH}/jobs/j", {"ready": 1}),
            ("cron-active", f"{BATCH}/cronjobs/cj", {"active": [{}]}), ("cron-time", f"{BATCH}/cronjobs/cj", {"lastScheduleTime": "2026-01-01T00:00:00Z"}),
            ("daemon", f"{APPS}/daemonsets/ds", {"numberReady": 1, "conditions": [{"type": "x"}]}), ("daemon-negative", f"{APPS}/daemonsets/ds", {"numberReady": -1}),
            ("budget", f"{BUDGET}/b", {"disruptionsAllowed": 1, "conditions": [{"type": "x"}]}), ("budget-negative", f"{BUDGET}/b", {"disruptionsAllowed": -1}), ("budget-pods", f"{BUDGET}/b", {"disruptedPods": {"p": None}}),
            ("ingress", f"{INGRESS}/i", {"loadBalancer": {"ingress": [{"ip": "x"}]}}), ("ingress-ports", f"{INGRESS}/i", {"loadBalancer": {"ingress": [{"hostname": "h.example.com", "ports": [{"port": 80}]}]}}),
            ("claim", f"{CORE}/persistentvolumeclaims/c", {"phase": "Bound", "capacity": {"storage": "1500u"}, "conditions": [{"type": "Resizing"}]}), ("claim-allocated", f"{CORE}/persistentvolumeclaims/c", {"allocatedResources": {"storage": "2Gi"}, "allocatedResourceStatuses": {"storage": "Odd"}}),
            ("quota", f"{CORE}/resourcequotas/q", {"hard": {"secrets": "1500m"}, "used": {"secrets": "+1"}}), ("quota-negative", f"{CORE}/resourcequotas/q", {"used": {"secrets": "-1"}}),
            ("space", f"/api/v1/namespaces/{HERE}", {"conditions": [{"type": "x"}]}), ("space-phase", f"/api/v1/namespaces/{HERE}", {"phase": "Terminating"})):
        yield patch(f"inv-fu-status-{what}", f"{path}/status{DRY}", MERGE, {"status": status})
    for kind, path in {"job": f"{BATCH}/jobs/j", "daemon": f"{APPS}/daemonsets/ds", "claim": f"{CORE}/persistentvolumeclaims/c"}.items():
        yield {"id": f"inv-fu-status-get-{kind}", "path": f"{path}/status"}


def cups():
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"replicas": {"type": "integer", "maximum": 9}}}, "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}}}}
    yield {"id": "inv-fu-cups", "method": "POST", "path": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "body": {"metadata": {"name": "cups.inv.example.net"}, "spec": {"group": "inv.example.net", "scope": "Namespaced", "names": {"plural": "cups", "kind": "Cup"}, "versions": [
        {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}}}]}}, "pause": 3}
    yield {"id": "inv-fu-cup", "method": "POST", "path": CUPS, "wait_ready": CUPS, "body": {"apiVersion": "inv.example.net/v1", "kind": "Cup", "metadata": {"name": "c"}, "spec": {"replicas": 2}}}
    for what, body in {"good": {"spec": {"replicas": 3}}, "most": {"spec": {"replicas": 10}}, "negative": {"spec": {"replicas": -1}}, "uid": {"metadata": {"uid": "x"}}, "version": {"metadata": {"resourceVersion": "1"}}, "null": {"spec": {"replicas": None}}, "unknown": {"spec": {"x": 1}}, "name": {"metadata": {"name": "other"}}}.items():
        yield patch(f"inv-fu-cup-{what}", f"{CUPS}/c/scale{DRY}", MERGE, body)
    yield {"id": "inv-fu-cup-put", "method": "PUT", "path": f"{CUPS}/c/scale{DRY}", "body": {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "c"}, "spec": {"replicas": 4}}}
    yield {"id": "inv-fu-cup-put-bare", "method": "PUT", "path": f"{CUPS}/c/scale{DRY}", "body": {"metadata": {"name": "c"}, "spec": {"replicas": 4}}}
    yield {"id": "inv-fu-cup-put-kind", "method": "PUT", "path": f"{CUPS}/c/scale{DRY}", "body": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "c"}}}


def scalers():
    target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "maxReplicas": 3}
    for number, amount in enumerate(["1500u", "+2", "1E3", "0", "-1", "1.5Gi", 7]):
        yield make(f"inv-fu-scaler-{number}", SCALER + DRY, "h", {**target, "metrics": [{"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": amount}}}]})
    yield make("inv-fu-scaler-none", SCALER + DRY, "h", target)
    yield make("inv-fu-scaler-behavior", SCALER + DRY, "h", {**target, "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 0, "periodSeconds": 0}]}}})
    yield make("inv-fu-scaler-make", SCALER, "h", target)
    for what, status in {"condition": {"conditions": [{"type": "ScalingActive"}]}, "metrics": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageValue": "1500u"}}}]}, "negative": {"desiredReplicas": -1}}.items():
        yield patch(f"inv-fu-scaler-status-{what}", f"{SCALER}/h/status{DRY}", MERGE, {"status": status})


def claims():
    one = f"{CORE}/persistentvolumeclaims"
    for what, spec in {"bytes": {"resources": {"requests": {"storage": "1500m"}}}, "limit": {"resources": {"requests": {"storage": "2Gi"}, "limits": {"storage": "1Gi"}}}, "zero": {"resources": {"requests": {"storage": "0"}}}, "negative": {"resources": {"requests": {"storage": "-1"}}}, "none": {"resources": {}},
                       "other": {"resources": {"requests": {"storage": "1Gi", "cpu": "1"}}}, "class": {"resources": {"requests": {"storage": "1Gi"}}, "volumeAttributesClassName": "x"}, "mode": {"resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Odd"}}.items():
        yield make(f"inv-fu-claim-{what}", one + DRY, "new", {"accessModes": ["ReadWriteOnce"], **spec})
    for what, spec in {"grow": {"resources": {"requests": {"storage": "2Gi"}}}, "shrink": {"resources": {"requests": {"storage": "1"}}}, "same": {"resources": {"requests": {"storage": "1024Mi"}}}, "modes": {"accessModes": ["ReadWriteMany"]}, "volume": {"volumeName": "v"}, "class": {"storageClassName": "x"}}.items():
        yield patch(f"inv-fu-claim-to-{what}", f"{one}/c{DRY}", MERGE, {"spec": spec})


def changed_pods():
    armor = "container.apparmor.security.beta.kubernetes.io/c"
    one = f"{CORE}/pods/armored"
    yield make("inv-fu-pod", f"{CORE}/pods", "armored", {**POD, "containers": [{**CONTAINER, "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}, "resources": {"limits": {"memory": "1024Mi"}}}]})
    for what, body in {"note": {"metadata": {"annotations": {armor: "unconfined"}}}, "no-note": {"metadata": {"annotations": {armor: None}}}, "field": {"spec": {"containers": [{**CONTAINER, "securityContext": {"appArmorProfile": {"type": "Unconfined"}}, "resources": {"limits": {"memory": "1Gi"}}}]}}, "account": {"spec": {"serviceAccount": "x"}},
                       "account-name": {"spec": {"serviceAccountName": "x"}}, "image": {"spec": {"containers": [{**CONTAINER, "image": "c:2"}]}}, "deadline": {"spec": {"activeDeadlineSeconds": 5}}, "grace": {"spec": {"terminationGracePeriodSeconds": 5}}, "toleration": {"spec": {"tolerations": [{"operator": "Exists"}]}}}.items():
        yield patch(f"inv-fu-pod-{what}", one + DRY, STRATEGIC, body)
    yield patch("inv-fu-pod-memory", one + DRY, STRATEGIC, {"spec": {"containers": [{"name": "c", "resources": {"limits": {"memory": "1073741824"}}}]}})
    yield patch("inv-fu-set-account", f"{APPS}/daemonsets/ds{DRY}", MERGE, {"spec": {"template": {"spec": {"serviceAccount": "x"}}}})
    yield patch("inv-fu-set-account-name", f"{APPS}/daemonsets/ds{DRY}", MERGE, {"spec": {"template": {"spec": {"serviceAccountName": "x"}}}})
    yield patch("inv-fu-set-armor", f"{APPS}/daemonsets/ds{DRY}", MERGE, {"spec": {"template": {"metadata": {"annotations": {armor: "odd"}}}}})
