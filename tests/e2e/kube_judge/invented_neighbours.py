"""Neighbours of what others asked: services that change, Scales of all kinds, amounts in other places, statuses that say little, profiles, accounts."""
from common import APPLY, JSON_PATCH, MERGE, STRATEGIC, patch

HERE = "neighbours"
CORE = f"/api/v1/namespaces/{HERE}"
APPS = f"/apis/apps/v1/namespaces/{HERE}"
DRY = "?dryRun=All"
CONTAINER = {"name": "c", "image": "c:1"}
POD = {"automountServiceAccountToken": False, "containers": [CONTAINER]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER]}}
HTTP = {"name": "http", "port": 80}


def invented_neighbours():
    yield {"id": "inv-nb-space", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": HERE}}}
    yield {"id": "inv-nb-account", "method": "POST", "path": f"{CORE}/serviceaccounts", "body": {"metadata": {"name": "default"}}}
    yield from services()
    yield from scales()
    yield from amounts()
    yield from statuses()
    yield from pods()
    yield from volumes()


def make(identity, path, name, spec, **metadata):
    return {"id": identity, "method": "POST", "path": path, "body": {"metadata": {"name": name, **metadata}, "spec": spec}}


def services():
    some = f"{CORE}/services"
    chosen = {"selector": {"a": "b"}}
    yield make("inv-nb-svc-node", some, "node", {**chosen, "type": "NodePort", "ports": [{**HTTP, "nodePort": 31080}, {"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 31053}, {"name": "dns-tcp", "port": 53, "nodePort": 31053}]})
    for what, spec in {
            "taken": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31080}]}, "low": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}, "twice": {"type": "NodePort", "ports": [{**HTTP, "nodePort": 31200}, {"name": "b", "port": 81, "nodePort": 31200}]},
            "cluster-ip": {"ports": [{"port": 80, "nodePort": 31201}]}, "headless": {"clusterIP": "None"}, "headless-chosen": {"clusterIP": "None", **chosen}, "headless-single": {"clusterIP": "None", "ipFamilyPolicy": "SingleStack"},
            "headless-six": {"clusterIP": "None", "ipFamilies": ["IPv6"]}, "dual": {"ipFamilyPolicy": "RequireDualStack", "ports": [HTTP]}, "prefer": {"ipFamilyPolicy": "PreferDualStack", "ports": [HTTP]}, "six": {"ipFamilies": ["IPv6"], "ports": [HTTP]},
            "external": {"type": "ExternalName", "externalName": "x.example.com", "internalTrafficPolicy": "Local"}, "external-ip": {"type": "ExternalName", "externalName": "x.example.com", "clusterIP": "10.96.1.1"},
            "kubelet": {"type": "LoadBalancer", "ports": [{"port": 10250, "nodePort": 31210}]}, "no-ports": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]},
            "policy-cluster": {"externalTrafficPolicy": "Local", "ports": [HTTP]}, "health-cluster": {"type": "NodePort", "healthCheckNodePort": 31300, "ports": [{"port": 80, "nodePort": 31301}]},
            "health": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31302, "ports": [{"port": 80, "nodePort": 31303}]}, "health-taken": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31080, "ports": [{"port": 80, "nodePort": 31304}]},
            "loopback": {"externalIPs": ["127.0.0.1"], "ports": [HTTP]}, "link-local": {"externalIPs": ["169.254.1.1"], "ports": [HTTP]}, "any": {"externalIPs": ["0.0.0.0"], "ports": [HTTP]}, "multicast": {"externalIPs": ["224.0.0.1"], "ports": [HTTP]},
            "affinity": {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {}}, "ports": [HTTP]}, "affinity-none": {"sessionAffinity": "None", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}, "ports": [HTTP]},
            "three-ips": {"clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1", "10.96.1.2", "10.96.1.3"], "ports": [HTTP]}, "none-second": {"clusterIP": "10.96.1.1", "clusterIPs": ["10.96.1.1", "None"], "ports": [HTTP]},
            "target-text": {"ports": [{"port": 80, "targetPort": "Web_1"}]}, "target-zero": {"ports": [{"port": 80, "targetPort": 0}]}, "target-empty": {"ports": [{"port": 80, "targetPort": ""}]}, "app": {"ports": [{"port": 80, "appProtocol": "a b"}]}}.items():
        yield make(f"inv-nb-svc-{what}", some + DRY, "new", spec)
    yield make("inv-nb-svc-hints", some + DRY, "new", {"ports": [HTTP]}, annotations={"service.kubernetes.io/topology-aware-hints": "auto", "service.kubernetes.io/topology-mode": "off"})
    yield make("inv-nb-svc-ranges", some + DRY, "new", {"ports": [HTTP]}, annotations={"service.beta.kubernetes.io/load-balancer-source-ranges": "192.0.2.0/24"})
    yield make("inv-nb-svc-ranges-bad", some + DRY, "new", {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [HTTP]}, annotations={"service.beta.kubernetes.io/load-balancer-source-ranges": "192.0.2.0/24, x"})
    for what, spec in {"external": {"type": "ExternalName", "externalName": "x.example.com"}, "external-clear": {"type": "ExternalName", "externalName": "x.example.com", "ports": None, "selector": None}, "cluster": {"type": "ClusterIP"},
                       "cluster-ports": {"type": "ClusterIP", "ports": [{**HTTP, "nodePort": 31400}]}, "balancer": {"type": "LoadBalancer"}, "balancer-none": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False}, "headless": {"clusterIP": "None"}, "address": {"clusterIP": "10.96.7.7"},
                       "unset": {"clusterIP": ""}, "policy": {"internalTrafficPolicy": None}, "traffic": {"externalTrafficPolicy": "Local"}, "ports": {"ports": [{"name": "http", "port": 8080}]}, "no-ports": {"ports": None}, "families": {"ipFamilies": ["IPv6"]}, "dual": {"ipFamilyPolicy": "PreferDualStack"}}.items():
        yield patch(f"inv-nb-svc-node-to-{what}", f"{some}/node{DRY}", MERGE, {"spec": spec})
    yield patch("inv-nb-svc-node-number", f"{some}/node{DRY}", JSON_PATCH, [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 31053}])
    yield make("inv-nb-svc-balancer", some, "balancer", {**chosen, "type": "LoadBalancer", "loadBalancerClass": "example.com/x", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31500, "ports": [{**HTTP, "nodePort": 31501}]})
    for what, spec in {"class": {"loadBalancerClass": "example.com/y"}, "no-class": {"loadBalancerClass": None}, "health": {"healthCheckNodePort": 31502}, "health-none": {"healthCheckNodePort": None}, "cluster": {"externalTrafficPolicy": "Cluster"}, "node": {"type": "NodePort"},
                       "plain": {"type": "ClusterIP"}, "external": {"type": "ExternalName", "externalName": "x.example.com"}, "unallocated": {"allocateLoadBalancerNodePorts": False}, "plain-class": {"type": "ClusterIP", "loadBalancerClass": "example.com/z"}}.items():
        yield patch(f"inv-nb-svc-balancer-to-{what}", f"{some}/balancer{DRY}", MERGE, {"spec": spec})
    yield make("inv-nb-svc-outside", some, "outside", {"type": "ExternalName", "externalName": "x.example.com"})
    for what, spec in {"cluster": {"type": "ClusterIP", "clusterIP": "10.96.8.8", "ports": [HTTP]}, "no-port": {"type": "ClusterIP"}, "headless": {"type": "ClusterIP", "clusterIP": "None", "externalName": None}}.items():
        yield patch(f"inv-nb-svc-outside-to-{what}", f"{some}/outside{DRY}", MERGE, {"spec": spec})


def scales():
    selector = {"matchLabels": {"a": "b"}}
    yield make("inv-nb-set", f"{APPS}/replicasets", "rs", {"replicas": 2, "selector": selector, "template": TEMPLATE})
    yield make("inv-nb-state", f"{APPS}/statefulsets", "ss", {"replicas": 2, "selector": selector, "template": TEMPLATE, "serviceName": "s"})
    yield make("inv-nb-control", f"{CORE}/replicationcontrollers", "rc", {"replicas": 2, "selector": {"a": "b"}, "template": TEMPLATE})
    for name, one in {"rs": f"{APPS}/replicasets/rs", "ss": f"{APPS}/statefulsets/ss", "rc": f"{CORE}/replicationcontrollers/rc"}.items():
        for what, body in {"uid": {"metadata": {"uid": "x"}}, "kind": {"kind": "Pod"}, "name": {"metadata": {"name": "other"}}, "unknown": {"spec": {"x": 1}}, "text": {"spec": {"replicas": "2"}}, "version": {"metadata": {"resourceVersion": "1"}}}.items():
            yield patch(f"inv-nb-scale-{name}-{what}", f"{one}/scale{DRY}", MERGE, body)
        yield patch(f"inv-nb-scale-{name}-apply", f"{one}/scale{DRY}&fieldManager=apply&force=true", APPLY, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": name}, "spec": {"replicas": 4}})
        yield {"id": f"inv-nb-scale-{name}-put", "method": "PUT", "path": f"{one}/scale{DRY}", "body": {"metadata": {"name": name}, "spec": {"replicas": 3}}}
        yield {"id": f"inv-nb-scale-{name}-put-strict", "method": "PUT", "path": f"{one}/scale{DRY}&fieldValidation=Strict", "body": {"metadata": {"name": name}, "spec": {"replicas": 3, "x": 1}}}
    one = f"{APPS}/replicasets/rs/scale"
    for what, body in {"old": {"kind": "Scale", "apiVersion": "extensions/v1beta1", "metadata": {"name": "rs"}}, "v2": {"kind": "Scale", "apiVersion": "autoscaling/v2", "metadata": {"name": "rs"}}, "list": [], "text": {"metadata": {"name": "rs"}, "spec": {"replicas": "1"}}, "negative": {"metadata": {"name": "rs"}, "spec": {"replicas": -1}}, "spec": {"metadata": {"name": "rs"}, "spec": 5}}.items():
        yield {"id": f"inv-nb-scale-put-{what}", "method": "PUT", "path": one + DRY, "body": body}
    yield patch("inv-nb-scale-operation", one + DRY, JSON_PATCH, {"op": "x"})
    yield patch("inv-nb-scale-strategic-kind", one + DRY, STRATEGIC, {"kind": "Pod", "spec": {"replicas": 7}})
    yield patch("inv-nb-scale-strategic-text", one + DRY, STRATEGIC, {"spec": {"replicas": "x"}})
    yield patch("inv-nb-scale-null", one + DRY, MERGE, None)


def amounts():
    odd = ["1500u", "0.0001", "+2", "1E3", "1e31", "1000E", "12345678901234567890", "3.0000000001Ki", "1.5", "8Ki", "1025", ".", "1e-10", "99999999999Gi"]
    for number, amount in enumerate(odd):
        yield make(f"inv-nb-amount-{number}", f"{CORE}/resourcequotas{DRY}", "q", {"hard": {"requests.memory": amount}})
    for number, amount in enumerate(odd[:4] + odd[6:9]):
        yield make(f"inv-nb-amount-limit-{number}", f"{CORE}/limitranges{DRY}", "l", {"limits": [{"type": "Container", "max": {"memory": amount}}]})
        yield make(f"inv-nb-amount-size-{number}", f"{CORE}/pods{DRY}", "p", {**POD, "volumes": [{"name": "v", "emptyDir": {"sizeLimit": amount}}]})
        yield make(f"inv-nb-amount-volume-{number}", f"/api/v1/persistentvolumes{DRY}", "nb-pv", {"capacity": {"storage": amount}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}})
    for what, resources in {"cpu-nano": {"limits": {"cpu": "1n"}}, "cpu-over": {"limits": {"cpu": "1"}, "requests": {"cpu": "1001m"}}, "zero": {"limits": {"cpu": "0", "memory": "0"}}, "zero-request": {"limits": {"cpu": "1"}, "requests": {"cpu": "0"}}, "equal": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}},
                            "negative": {"limits": {"memory": "-1.5Gi"}}, "null": {"limits": {"memory": None}}, "disk": {"limits": {"ephemeral-storage": "1.5"}}, "pages": {"limits": {"hugepages-2Mi": "3Mi", "memory": "1Gi"}}, "gpu": {"limits": {"example.com/gpu": "500m"}}, "bool": {"limits": {"memory": True}}}.items():
        yield make(f"inv-nb-resources-{what}", f"{CORE}/pods{DRY}", "p", {**POD, "containers": [{**CONTAINER, "resources": resources}]})


def statuses():
    yield make("inv-nb-pod", f"{CORE}/pods", "sp", POD)
    for what, status in {"init": {"initContainerStatuses": [{"name": "i"}]}, "waiting": {"containerStatuses": [{"name": "c", "state": {"waiting": {}}}]}, "terminated": {"containerStatuses": [{"name": "c", "lastState": {"terminated": {"reason": "x"}}}]}, "condition": {"conditions": [{"type": "Ready"}]}, "resize": {"resize": "Odd"}}.items():
        yield patch(f"inv-nb-status-pod-{what}", f"{CORE}/pods/sp/status{DRY}", MERGE, {"status": status})
    for name, one, condition in (("rs", f"{APPS}/replicasets/rs", {"type": "ReplicaFailure"}), ("ss", f"{APPS}/statefulsets/ss", {"type": "x"}), ("rc", f"{CORE}/replicationcontrollers/rc", {"type": "x", "status": "True"})):
        yield patch(f"inv-nb-status-{name}", f"{one}/status{DRY}", MERGE, {"status": {"conditions": [condition]}})
    yield patch("inv-nb-status-service", f"{CORE}/services/balancer/status{DRY}", MERGE, {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9", "ports": [{"port": 80}]}]}, "conditions": [{"type": "x"}]}})
    yield patch("inv-nb-status-service-plain", f"{CORE}/services/node/status{DRY}", MERGE, {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}})
    yield {"id": "inv-nb-node", "method": "POST", "path": "/api/v1/nodes", "body": {"metadata": {"name": "nb-node"}}}
    for what, status in {"condition": {"conditions": [{"type": "Ready"}]}, "image": {"images": [{}]}, "address": {"addresses": [{"type": "InternalIP"}]}, "capacity": {"capacity": {"memory": "1500u", "cpu": "+2"}}, "attached": {"volumesAttached": [{"name": "v"}]}}.items():
        yield patch(f"inv-nb-status-node-{what}", f"/api/v1/nodes/nb-node/status{DRY}", MERGE, {"status": status})


def pods():
    armor = "container.apparmor.security.beta.kubernetes.io/c"
    for what, metadata, spec in (
            ("note", {"annotations": {armor: "runtime/default"}}, {}), ("note-bad", {"annotations": {armor: "odd"}}, {}), ("note-other", {"annotations": {armor[:-1] + "zz": "unconfined"}}, {}), ("note-both", {"annotations": {armor: "unconfined"}}, {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}),
            ("pod", {}, {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}), ("local", {}, {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "x"}}}), ("container", {}, {"containers": [{**CONTAINER, "securityContext": {"appArmorProfile": {"type": "Unconfined"}}}]}),
            ("windows", {}, {"os": {"name": "windows"}}), ("seccomp-note", {"annotations": {"container.seccomp.security.alpha.kubernetes.io/c": "x"}}, {})):
        yield make(f"inv-nb-armor-{what}", f"{CORE}/pods{DRY}", "p", {**POD, **spec}, **metadata)
    yield make("inv-nb-armor-template", f"{APPS}/replicasets{DRY}", "x", {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}, "annotations": {armor: "unconfined"}}, "spec": {"containers": [CONTAINER]}}})
    yield {"id": "inv-nb-class", "method": "POST", "path": "/apis/node.k8s.io/v1/runtimeclasses", "body": {"metadata": {"name": "nb-class"}, "handler": "h", "scheduling": {"tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}, {"key": "t", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}]}}}
    for what, tolerations in {"none": None, "wider": [{"key": "k", "operator": "Exists"}], "all": [{"operator": "Exists"}], "longer": [{"key": "t", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}], "other": [{"key": "k", "operator": "Equal", "value": "w", "effect": "NoSchedule"}], "plain": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}.items():
        yield make(f"inv-nb-class-{what}", f"{CORE}/pods{DRY}", "p", {**POD, "runtimeClassName": "nb-class", "tolerations": tolerations})
    for what, spec in {"old": {"serviceAccount": "default"}, "both": {"serviceAccount": "a", "serviceAccountName": "default"}, "absent": {"serviceAccount": "absent"}}.items():
        yield make(f"inv-nb-account-{what}", f"{CORE}/pods{DRY}", "p", {**POD, **spec})
    yield make("inv-nb-account-template", f"{APPS}/replicasets{DRY}", "x", {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER], "serviceAccount": "a", "serviceAccountName": "b"}}})


def volumes():
    volume = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    yield make("inv-nb-pv", "/api/v1/persistentvolumes", "nb-volume", {**volume, "claimRef": {"namespace": HERE, "name": "c"}})
    one = f"/api/v1/persistentvolumes/nb-volume{DRY}"
    yield patch("inv-nb-pv-uid", one, MERGE, {"spec": {"claimRef": {"uid": "11111111-2222-3333-4444-555555555555"}}})
    yield patch("inv-nb-pv-none", one, MERGE, {"spec": {"claimRef": None}})
    yield patch("inv-nb-pv-apply", one + "&fieldManager=binder", APPLY, {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "nb-volume"}, "spec": {"claimRef": {"resourceVersion": "5"}}})
    yield patch("inv-nb-pv-phase", f"/api/v1/persistentvolumes/nb-volume/status{DRY}", MERGE, {"status": {"phase": "Available", "message": "m"}})
    for what, reference in {"secret": {"kind": "Secret", "apiVersion": "v1", "name": "absent"}, "empty": {}, "group": {"kind": "Pod", "apiVersion": "apps/v1", "name": "sp"}, "pod": {"kind": "Pod", "name": "sp"}}.items():
        yield {"id": f"inv-nb-token-{what}", "method": "POST", "path": f"{CORE}/serviceaccounts/default/token", "body": {"spec": {"boundObjectRef": reference}}}
