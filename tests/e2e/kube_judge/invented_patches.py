"""Patches and server-side applies that nobody has played before: directives on every list with a key, odd pointers, owners that change hands."""
import json

from common import APPLY, JSON_PATCH, MERGE, STRATEGIC, patch

HERE = "invented"
CORE, APPS = f"/api/v1/namespaces/{HERE}", f"/apis/apps/v1/namespaces/{HERE}"
LAST = "kubectl.kubernetes.io/last-applied-configuration"


def invented_patches():
    yield from start()
    yield from directives()
    yield from service_directives()
    yield from retained()
    yield from pointers()
    yield from merges()
    yield from owned()
    yield from upgraded()
    yield from apply_oddities()
    yield from apply_status()


def start():
    yield {"id": "inv-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": HERE}}}
    yield {"id": "inv-account", "method": "POST", "path": f"{CORE}/serviceaccounts", "body": {"metadata": {"name": "default"}}}


def two_containers():
    return {"metadata": {"labels": {"a": "b"}}, "spec": {
        "containers": [{"name": "one", "image": "one:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}, {"containerPort": 53, "protocol": "TCP", "name": "dns-tcp"}],
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}], "args": ["a", "b"], "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}},
                       {"name": "two", "image": "two:1"}, {"name": "three", "image": "three:1"}],
        "initContainers": [{"name": "first", "image": "first:1"}, {"name": "second", "image": "second:1"}],
        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "configMap": {"name": "w", "items": [{"key": "k", "path": "p"}]}}, {"name": "x", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}}],
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a"]}, {"ip": "192.0.2.2", "hostnames": ["b"]}], "imagePullSecrets": [{"name": "p"}, {"name": "q"}],
        "tolerations": [{"key": "k", "operator": "Exists"}], "nodeSelector": {"disk": "ssd", "zone": "a"}, "securityContext": {"supplementalGroups": [1, 2], "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}]},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}}, {"maxSkew": 2, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}],
        "dnsConfig": {"nameservers": ["192.0.2.9"], "searches": ["x.example.com"], "options": [{"name": "ndots", "value": "2"}]}, "readinessGates": [{"conditionType": "example.com/ok"}]}}


def directives():
    yield {"id": "inv-dir-make", "method": "POST", "path": f"{APPS}/deployments", "body": {"metadata": {"name": "dir", "labels": {"l": "1", "m": "2"}, "finalizers": ["example.com/x", "example.com/y"]}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": two_containers()}}}
    one = f"{APPS}/deployments/dir?dryRun=All"

    def spec(**members):
        return {"spec": {"template": {"spec": members}}}

    def container(**members):
        return spec(containers=[{"name": "one", **members}])
    cases = {
        "delete-container": spec(containers=[{"name": "two", "$patch": "delete"}]), "delete-absent": spec(containers=[{"name": "nine", "$patch": "delete"}]), "delete-all": spec(containers=[{"name": "one", "$patch": "delete"}, {"name": "two", "$patch": "delete"}, {"name": "three", "$patch": "delete"}]),
        "delete-and-add": spec(containers=[{"name": "two", "$patch": "delete"}, {"name": "two", "image": "new:1"}]), "replace-list": spec(containers=[{"$patch": "replace"}, {"name": "only", "image": "only:1"}]), "replace-last": spec(containers=[{"name": "only", "image": "only:1"}, {"$patch": "replace"}]),
        "replace-to-none": spec(containers=[{"$patch": "replace"}]), "delete-no-key": spec(containers=[{"$patch": "delete"}]), "delete-no-key-among": spec(containers=[{"name": "one", "image": "x:2"}, {"$patch": "delete"}]), "merge-word": spec(containers=[{"name": "one", "$patch": "merge", "image": "x:2"}]),
        "word-unknown": spec(containers=[{"name": "one", "$patch": "explode"}]), "word-number": spec(containers=[{"name": "one", "$patch": 5}]), "word-null": spec(containers=[{"name": "one", "$patch": None, "image": "x:3"}]), "no-key": spec(containers=[{"image": "x:2"}]), "key-null": spec(containers=[{"name": None, "image": "x:2"}]),
        "key-number": spec(containers=[{"name": 5, "image": "x:2"}]), "same-twice": spec(containers=[{"name": "one", "image": "x:2"}, {"name": "one", "image": "x:3"}]), "element-null": spec(containers=[None]), "element-text": spec(containers=["one"]), "list-text": spec(containers="one"), "list-map": spec(containers={"name": "one"}), "list-null": spec(containers=None),
        "list-empty": spec(containers=[]), "order": spec(**{"$setElementOrder/containers": [{"name": "three"}, {"name": "one"}, {"name": "two"}]}), "order-some": spec(**{"$setElementOrder/containers": [{"name": "three"}, {"name": "one"}]}), "order-unknown": spec(**{"$setElementOrder/containers": [{"name": "nine"}, {"name": "three"}]}),
        "order-with-new": spec(**{"$setElementOrder/containers": [{"name": "new"}, {"name": "three"}, {"name": "two"}, {"name": "one"}], "containers": [{"name": "new", "image": "new:1"}]}), "order-without-new": spec(**{"$setElementOrder/containers": [{"name": "three"}, {"name": "two"}, {"name": "one"}], "containers": [{"name": "new", "image": "new:1"}]}),
        "order-other-than-list": spec(**{"$setElementOrder/containers": [{"name": "one"}, {"name": "two"}, {"name": "three"}], "containers": [{"name": "two", "image": "t:2"}, {"name": "one", "image": "o:2"}]}), "order-text": spec(**{"$setElementOrder/containers": ["one"]}), "order-no-key": spec(**{"$setElementOrder/containers": [{"image": "x"}]}), "order-map": spec(**{"$setElementOrder/containers": {}}),
        "order-null": spec(**{"$setElementOrder/containers": None}), "order-atomic": spec(**{"$setElementOrder/tolerations": [{"key": "k"}]}), "order-unknown-field": spec(**{"$setElementOrder/nothing": [{"name": "x"}]}), "order-delete": spec(**{"$setElementOrder/containers": [{"name": "one"}, {"name": "three"}], "containers": [{"name": "two", "$patch": "delete"}]}),
        "env-delete": container(env=[{"name": "B", "$patch": "delete"}]), "env-order": container(**{"$setElementOrder/env": [{"name": "C"}, {"name": "B"}, {"name": "A"}, {"name": "D"}], "env": [{"name": "D", "value": "4"}]}), "env-value-to-from": container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}]), "env-value-null-from": container(env=[{"name": "A", "value": None, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}]),
        "env-from-to-value": container(env=[{"name": "C", "value": "3", "valueFrom": None}]), "port-by-number": container(ports=[{"containerPort": 80, "name": "web"}]), "port-53": container(ports=[{"containerPort": 53, "name": "other"}]), "port-53-tcp": container(ports=[{"containerPort": 53, "protocol": "TCP", "name": "other"}]), "port-delete": container(ports=[{"containerPort": 53, "$patch": "delete"}]),
        "port-delete-udp": container(ports=[{"containerPort": 53, "protocol": "UDP", "$patch": "delete"}]), "port-no-number": container(ports=[{"name": "x"}]), "port-text": container(ports=[{"containerPort": "80"}]), "mount-by-path": container(volumeMounts=[{"mountPath": "/v", "name": "w"}]), "mount-delete": container(volumeMounts=[{"mountPath": "/v", "$patch": "delete"}]), "mount-name": container(volumeMounts=[{"name": "v", "readOnly": True}]),
        "args-replaced": container(args=["c"]), "args-null": container(args=None), "args-delete-from": container(**{"$deleteFromPrimitiveList/args": ["a"]}), "limits-null": container(resources={"limits": {"cpu": None}}), "limits-replace": container(resources={"limits": {"$patch": "replace", "cpu": "2"}}), "limits-delete": container(resources={"$patch": "delete"}), "resources-retain": container(resources={"$retainKeys": ["requests"]}),
        "init-replace": spec(initContainers=[{"$patch": "replace"}, {"name": "z", "image": "z:1"}]), "init-delete-all": spec(initContainers=[{"$patch": "replace"}]), "init-null": spec(initContainers=None), "volume-other-kind": spec(volumes=[{"name": "v", "configMap": {"name": "c"}}]), "volume-retain": spec(volumes=[{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]),
        "volume-retain-less": spec(volumes=[{"name": "v", "$retainKeys": ["name"], "configMap": {"name": "c"}}]), "volume-retain-text": spec(volumes=[{"name": "v", "$retainKeys": "name"}]), "volume-retain-number": spec(volumes=[{"name": "v", "$retainKeys": [1]}]), "volume-retain-new": spec(volumes=[{"name": "n", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}]), "volume-null-kind": spec(volumes=[{"name": "v", "emptyDir": None, "hostPath": {"path": "/x"}}]),
        "volume-items": spec(volumes=[{"name": "w", "configMap": {"items": [{"key": "l", "path": "q"}]}}]), "volume-items-delete": spec(volumes=[{"name": "w", "configMap": {"items": [{"key": "k", "$patch": "delete"}]}}]), "projected": spec(volumes=[{"name": "x", "projected": {"sources": [{"secret": {"name": "t"}}]}}]), "alias-merge": spec(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["c"]}]), "alias-delete": spec(hostAliases=[{"ip": "192.0.2.1", "$patch": "delete"}]),
        "alias-new": spec(hostAliases=[{"ip": "192.0.2.3", "hostnames": ["c"]}]), "pull-secret-delete": spec(imagePullSecrets=[{"name": "p", "$patch": "delete"}]), "pull-secret-add": spec(imagePullSecrets=[{"name": "r"}]), "tolerations": spec(tolerations=[{"key": "z", "operator": "Exists"}]), "tolerations-directive": spec(tolerations=[{"key": "k", "$patch": "delete"}]), "tolerations-replace": spec(tolerations=[{"$patch": "replace"}, {"key": "y", "operator": "Exists"}]),
        "selector-replace": spec(nodeSelector={"$patch": "replace", "cpu": "arm"}), "selector-delete": spec(nodeSelector={"$patch": "delete"}), "selector-add": spec(nodeSelector={"zone": None, "rack": "1"}), "groups": spec(securityContext={"supplementalGroups": [3]}), "groups-delete-from": spec(securityContext={"$deleteFromPrimitiveList/supplementalGroups": [1]}), "sysctls": spec(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}),
        "spread-merge": spec(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 3}]), "spread-delete": spec(topologySpreadConstraints=[{"topologyKey": "zone", "$patch": "delete"}]), "spread-new": spec(topologySpreadConstraints=[{"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]), "dns-options": spec(dnsConfig={"options": [{"name": "edns0"}]}), "dns-servers": spec(dnsConfig={"nameservers": ["192.0.2.10"]}), "gates": spec(readinessGates=[{"conditionType": "example.com/no"}]),
        "finalizer-add": {"metadata": {"finalizers": ["example.com/z"]}}, "finalizer-delete-from": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/x"]}}, "finalizer-order": {"metadata": {"$setElementOrder/finalizers": ["example.com/z", "example.com/y", "example.com/x"], "finalizers": ["example.com/z"]}}, "finalizer-order-without": {"metadata": {"$setElementOrder/finalizers": ["example.com/y"], "finalizers": ["example.com/z"]}},
        "finalizer-delete-absent": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/q"]}}, "finalizer-delete-text": {"metadata": {"$deleteFromPrimitiveList/finalizers": "example.com/x"}}, "finalizer-both": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/x"], "finalizers": ["example.com/x"]}}, "finalizer-null": {"metadata": {"finalizers": None}}, "finalizer-same": {"metadata": {"finalizers": ["example.com/x"]}},
        "owner-add": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "11111111-1111-1111-1111-111111111111"}]}}, "owner-no-uid": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o"}]}}, "owner-delete": {"metadata": {"ownerReferences": [{"uid": "11111111-1111-1111-1111-111111111111", "$patch": "delete"}]}},
        "labels-replace": {"metadata": {"labels": {"$patch": "replace", "z": "1"}}}, "labels-delete": {"metadata": {"labels": {"$patch": "delete"}}}, "labels-delete-with": {"metadata": {"labels": {"$patch": "delete", "z": "1"}}}, "labels-retain": {"metadata": {"labels": {"$retainKeys": ["l"], "l": "9"}}}, "labels-word-unknown": {"metadata": {"labels": {"$patch": "sometimes"}}}, "labels-merge-word": {"metadata": {"labels": {"$patch": "merge", "z": "1"}}}, "top-replace": {"$patch": "replace", "metadata": {"name": "dir"}}, "top-delete": {"$patch": "delete"},
        "spec-replace": {"spec": {"$patch": "replace", "replicas": 2}}, "strategy-retain": {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, "strategy-no-retain": {"spec": {"strategy": {"type": "Recreate"}}}, "strategy-null": {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}, "strategy-replace": {"spec": {"strategy": {"$patch": "replace", "type": "Recreate"}}},
        "unknown-field": {"spec": {"nothing": {"$patch": "replace", "a": 1}}}, "unknown-list": {"spec": {"nothing": [{"$patch": "replace"}]}}, "dollar-field": {"spec": {"$other": 1}}, "null-all": {"spec": None}, "empty": {}, "conditions": {"status": {"conditions": [{"type": "Available", "status": "True"}]}}}
    for what, body in cases.items():
        yield patch(f"inv-dir-{what}", one, STRATEGIC, body)
    for what, body in [("array", "[]"), ("text", '"x"'), ("null", "null"), ("number", "5"), ("broken", '{"a":'), ("yaml", "metadata:\n  labels:\n    y: z\n"), ("duplicate", '{"metadata":{"labels":{"d":"1"}},"metadata":{"labels":{"e":"2"}}}'), ("blank", ""), ("trailing", '{} {}')]:
        for short, kind in (("s", STRATEGIC), ("m", MERGE), ("j", JSON_PATCH)):
            yield patch(f"inv-dir-body-{short}-{what}", one, kind, body)


def service_directives():
    yield {"id": "inv-svc-make", "method": "POST", "path": f"{CORE}/services", "body": {"metadata": {"name": "svc"}, "spec": {"selector": {"a": "b", "c": "d"}, "externalIPs": ["192.0.2.1"], "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 53, "protocol": "UDP"}, {"name": "c", "port": 53, "protocol": "TCP"}]}}}
    one = f"{CORE}/services/svc?dryRun=All"
    for what, spec in {"port-target": {"ports": [{"port": 80, "targetPort": "web"}]}, "port-delete": {"ports": [{"port": 80, "$patch": "delete"}]}, "port-53": {"ports": [{"port": 53, "targetPort": 5353}]}, "port-53-tcp": {"ports": [{"port": 53, "protocol": "TCP", "targetPort": 5353}]}, "port-53-delete": {"ports": [{"port": 53, "$patch": "delete"}]}, "port-new": {"ports": [{"name": "z", "port": 90}]},
                       "port-new-no-name": {"ports": [{"port": 90}]}, "port-renamed": {"ports": [{"name": "a", "port": 81}]}, "order": {"$setElementOrder/ports": [{"port": 53, "protocol": "TCP"}, {"port": 80}], "ports": [{"port": 80, "targetPort": 1}]}, "selector-null": {"selector": None}, "selector-replace": {"selector": {"$patch": "replace", "z": "y"}}, "ips": {"externalIPs": ["192.0.2.2"]},
                       "to-headless": {"clusterIP": "None"}, "to-external": {"type": "ExternalName", "externalName": "x.example.com"}, "to-external-clear": {"type": "ExternalName", "externalName": "x.example.com", "clusterIP": "", "clusterIPs": None, "ports": None}, "to-nodeport": {"type": "NodePort"}, "to-balancer": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}, "other-ip": {"clusterIP": "10.96.200.200"}, "other-ips": {"clusterIPs": ["10.96.200.200"]},
                       "ip-null": {"clusterIP": None}, "ips-null": {"clusterIPs": None}, "both-null": {"clusterIP": None, "clusterIPs": None}, "policy-dual": {"ipFamilyPolicy": "RequireDualStack"}, "policy-prefer": {"ipFamilyPolicy": "PreferDualStack"}, "family-6": {"ipFamilies": ["IPv6"]}, "families-both": {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}, "affinity": {"sessionAffinity": "ClientIP"}, "affinity-config": {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
                       "traffic": {"externalTrafficPolicy": "Local"}, "internal": {"internalTrafficPolicy": "Local"}, "distribution": {"trafficDistribution": "PreferClose"}, "distribution-bad": {"trafficDistribution": "PreferFar"}, "health-port": {"healthCheckNodePort": 30000}, "class": {"loadBalancerClass": "example.com/x"}, "class-type": {"type": "LoadBalancer", "loadBalancerClass": "example.com/x"}, "ports-none": {"ports": [{"$patch": "replace"}]}}.items():
        yield patch(f"inv-svc-{what}", one, STRATEGIC, {"spec": spec})
        if "$" not in json.dumps(spec):
            yield patch(f"inv-svc-merge-{what}", one, MERGE, {"spec": spec})


def retained():
    yield {"id": "inv-pv-make", "method": "POST", "path": "/api/v1/persistentvolumes", "body": {"metadata": {"name": "inv-pv"}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}, "persistentVolumeReclaimPolicy": "Retain", "mountOptions": ["ro"], "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}}}}}
    for what, spec in {"source": {"nfs": {"server": "s", "path": "/p"}}, "source-swap": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}, "path": {"hostPath": {"path": "/y"}}, "grow": {"capacity": {"storage": "2Gi"}}, "capacity-other": {"capacity": {"cpu": "1"}}, "modes": {"accessModes": ["ReadOnlyMany"]}, "policy": {"persistentVolumeReclaimPolicy": "Delete"}, "policy-recycle": {"persistentVolumeReclaimPolicy": "Recycle"},
                       "class": {"storageClassName": "fast"}, "mount": {"mountOptions": ["rw"]}, "mode": {"volumeMode": "Block"}, "affinity": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["c"]}]}]}}}, "affinity-null": {"nodeAffinity": None}, "claim": {"claimRef": {"namespace": HERE, "name": "c"}}, "claim-no-namespace": {"claimRef": {"name": "c"}}, "attributes": {"volumeAttributesClassName": "gold"}}.items():
        for short, kind in (("s", STRATEGIC), ("m", MERGE)):
            yield patch(f"inv-pv-{short}-{what}", "/api/v1/persistentvolumes/inv-pv?dryRun=All", kind, {"spec": spec})
    yield {"id": "inv-pv-phase", "method": "PATCH", "path": "/api/v1/persistentvolumes/inv-pv/status", "headers": {"Content-Type": MERGE}, "body": {"status": {"phase": "Bound"}}}
    yield {"id": "inv-pv-phase-bad", "method": "PATCH", "path": "/api/v1/persistentvolumes/inv-pv/status?dryRun=All", "headers": {"Content-Type": MERGE}, "body": {"status": {"phase": "Odd"}}}
    yield {"id": "inv-node-make", "method": "POST", "path": "/api/v1/nodes", "body": {"metadata": {"name": "inv-node"}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}, {"key": "b", "effect": "NoSchedule"}], "providerID": "x://1", "podCIDR": "10.1.0.0/24"}}}
    for what, spec in {"taint-merge": {"taints": [{"key": "c", "effect": "NoSchedule"}]}, "taint-delete": {"taints": [{"key": "a", "$patch": "delete"}]}, "taint-replace": {"taints": [{"$patch": "replace"}, {"key": "z", "effect": "NoSchedule"}]}, "taint-empty": {"taints": []}, "taint-null": {"taints": None}, "taint-twice": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule"}]}, "provider": {"providerID": "y://2"},
                       "provider-null": {"providerID": None}, "cidr": {"podCIDR": "10.2.0.0/24"}, "cidrs": {"podCIDRs": ["10.1.0.0/24", "10.2.0.0/24"]}, "cidrs-6": {"podCIDRs": ["10.1.0.0/24", "fd00::/64"]}, "config": {"configSource": {"configMap": {"name": "x", "namespace": "y", "kubeletConfigKey": "z"}}}, "external": {"externalID": "e"}, "cordon": {"unschedulable": True}}.items():
        yield patch(f"inv-node-{what}", "/api/v1/nodes/inv-node?dryRun=All", STRATEGIC, {"spec": spec})
    for what, status in {"address": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}, "address-twice": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}, {"type": "InternalIP", "address": "192.0.2.2"}]}, "condition": {"conditions": [{"type": "Ready", "status": "True"}]}, "condition-bad": {"conditions": [{"type": "Ready", "status": "Maybe"}]}, "capacity": {"capacity": {"cpu": "4", "example.com/gpu": "1"}}, "capacity-fraction": {"capacity": {"example.com/gpu": "500m"}}, "capacity-negative": {"capacity": {"cpu": "-1"}},
                         "capacity-bad-name": {"capacity": {"a b": "1"}}, "images": {"images": [{"names": ["a"], "sizeBytes": 1}, {"names": ["a"]}]}, "attached-twice": {"volumesAttached": [{"name": "a", "devicePath": "b"}, {"name": "a", "devicePath": "b"}]}, "phase": {"phase": "Odd"}, "allocatable": {"allocatable": {"memory": "1Gi"}}}.items():
        yield patch(f"inv-node-status-{what}", "/api/v1/nodes/inv-node/status?dryRun=All", STRATEGIC, {"status": status})


def pointers():
    maps = f"{CORE}/configmaps"
    yield {"id": "inv-ptr-make", "method": "POST", "path": maps, "body": {"metadata": {"name": "ptr", "labels": {"a": "1", "x.y/z": "2"}, "annotations": {"a/b": "c", "n": "{}"}, "finalizers": ["example.com/a", "example.com/b"]}, "data": {"a": "1", "b": "2", "0": "zero", "-": "dash", "a.b": "dot"}}}
    for what, operations in {
            "slash": [{"op": "replace", "path": "/metadata/labels/x.y~1z", "value": "9"}], "slash-raw": [{"op": "replace", "path": "/metadata/labels/x.y/z", "value": "9"}], "tilde-order": [{"op": "add", "path": "/metadata/annotations/a~01b", "value": "9"}], "number-in-map": [{"op": "replace", "path": "/data/0", "value": "9"}], "dash-in-map": [{"op": "replace", "path": "/data/-", "value": "9"}], "empty-key": [{"op": "add", "path": "/data/", "value": "9"}],
            "trailing-slash": [{"op": "replace", "path": "/data/a/", "value": "9"}], "double-slash": [{"op": "add", "path": "//data", "value": {}}], "no-slash": [{"op": "add", "path": "data", "value": {}}], "root-test": [{"op": "test", "path": "", "value": {}}], "insert-front": [{"op": "add", "path": "/metadata/finalizers/0", "value": "example.com/z"}], "insert-at-end": [{"op": "add", "path": "/metadata/finalizers/2", "value": "example.com/z"}], "insert-beyond": [{"op": "add", "path": "/metadata/finalizers/3", "value": "example.com/z"}],
            "append": [{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/z"}], "replace-dash": [{"op": "replace", "path": "/metadata/finalizers/-", "value": "example.com/z"}], "replace-beyond": [{"op": "replace", "path": "/metadata/finalizers/2", "value": "example.com/z"}], "remove-beyond": [{"op": "remove", "path": "/metadata/finalizers/2"}], "remove-all": [{"op": "remove", "path": "/metadata/finalizers/0"}, {"op": "remove", "path": "/metadata/finalizers/0"}], "index-text": [{"op": "replace", "path": "/metadata/finalizers/x", "value": "v"}],
            "index-plus": [{"op": "replace", "path": "/metadata/finalizers/+1", "value": "example.com/p"}], "index-negative-replace": [{"op": "replace", "path": "/metadata/finalizers/-1", "value": "example.com/p"}], "index-negative-beyond": [{"op": "replace", "path": "/metadata/finalizers/-3", "value": "example.com/p"}], "index-huge": [{"op": "replace", "path": "/metadata/finalizers/99999999999999999999", "value": "v"}], "index-space": [{"op": "replace", "path": "/metadata/finalizers/ 1", "value": "v"}], "index-fraction": [{"op": "replace", "path": "/metadata/finalizers/1.0", "value": "v"}],
            "move": [{"op": "move", "from": "/data/a", "path": "/data/c"}], "move-same": [{"op": "move", "from": "/data/a", "path": "/data/a"}], "move-in-list": [{"op": "move", "from": "/metadata/finalizers/1", "path": "/metadata/finalizers/0"}], "move-child": [{"op": "move", "from": "/data", "path": "/data/a"}], "move-absent": [{"op": "move", "from": "/data/zz", "path": "/data/c"}], "move-over": [{"op": "move", "from": "/data/a", "path": "/data/b"}], "copy-over": [{"op": "copy", "from": "/data/a", "path": "/data/b"}], "copy-map": [{"op": "copy", "from": "/data", "path": "/metadata/labels"}],
            "copy-to-text": [{"op": "copy", "from": "/metadata", "path": "/data/m"}], "copy-no-from": [{"op": "copy", "path": "/data/m"}], "copy-list-append": [{"op": "copy", "from": "/metadata/finalizers/0", "path": "/metadata/finalizers/-"}], "test-ok": [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"}], "test-number": [{"op": "test", "path": "/data/a", "value": 1}], "test-map": [{"op": "test", "path": "/data", "value": {"b": "2", "a": "1", "0": "zero", "-": "dash", "a.b": "dot"}}], "test-map-less": [{"op": "test", "path": "/data", "value": {"a": "1"}}],
            "test-list": [{"op": "test", "path": "/metadata/finalizers", "value": ["example.com/a", "example.com/b"]}], "test-list-order": [{"op": "test", "path": "/metadata/finalizers", "value": ["example.com/b", "example.com/a"]}], "test-no-value": [{"op": "test", "path": "/data/a"}], "test-no-value-absent": [{"op": "test", "path": "/data/zz"}], "test-null-absent": [{"op": "test", "path": "/data/zz", "value": None}], "test-index": [{"op": "test", "path": "/metadata/finalizers/1", "value": "example.com/b"}], "test-index-beyond": [{"op": "test", "path": "/metadata/finalizers/7", "value": "x"}], "test-through-text": [{"op": "test", "path": "/data/a/b", "value": "x"}],
            "remove-absent": [{"op": "remove", "path": "/data/zz"}], "replace-absent": [{"op": "replace", "path": "/data/zz", "value": "1"}], "replace-deep-absent": [{"op": "replace", "path": "/zz/yy", "value": "1"}], "add-deep-absent": [{"op": "add", "path": "/zz/yy", "value": "1"}], "remove-deep-absent": [{"op": "remove", "path": "/zz/yy"}], "remove-twice": [{"op": "remove", "path": "/data/a"}, {"op": "remove", "path": "/data/a"}], "add-no-value": [{"op": "add", "path": "/data/z"}], "replace-no-value": [{"op": "replace", "path": "/data/a"}], "replace-null": [{"op": "replace", "path": "/data/a", "value": None}],
            "replace-number": [{"op": "replace", "path": "/data/a", "value": 5}], "replace-map": [{"op": "replace", "path": "/data", "value": {"only": "1"}}], "replace-data-null": [{"op": "replace", "path": "/data", "value": None}], "replace-root": [{"op": "replace", "path": "", "value": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ptr"}}}], "name": [{"op": "replace", "path": "/metadata/name", "value": "other"}], "namespace": [{"op": "replace", "path": "/metadata/namespace", "value": "other"}], "remove-name": [{"op": "remove", "path": "/metadata/name"}], "remove-metadata": [{"op": "remove", "path": "/metadata"}], "remove-kind": [{"op": "remove", "path": "/kind"}], "api-version": [{"op": "replace", "path": "/apiVersion", "value": "v2"}],
            "remove-version": [{"op": "remove", "path": "/metadata/resourceVersion"}], "remove-created": [{"op": "remove", "path": "/metadata/creationTimestamp"}], "remove-managed": [{"op": "remove", "path": "/metadata/managedFields"}], "generation": [{"op": "add", "path": "/metadata/generation", "value": 7}], "unknown-op": [{"op": "merge", "path": "/data/a", "value": "1"}], "op-null": [{"op": None, "path": "/data/a"}], "op-absent": [{"path": "/data/a", "value": "x"}], "path-null": [{"op": "add", "path": None, "value": "x"}], "path-absent": [{"op": "add", "value": "x"}], "value-wrong-deep": [{"op": "add", "path": "/data/z", "value": {"a": {"b": 1}}}],
            "none": [], "op-map": {"op": "add", "path": "/data/z", "value": "1"}, "op-text": ["add"], "op-null-item": [None], "case-path": [{"op": "replace", "path": "/Data/a", "value": "1"}], "unknown-field": [{"op": "add", "path": "/nothing", "value": 1}], "immutable": [{"op": "add", "path": "/immutable", "value": True}], "immutable-text": [{"op": "add", "path": "/immutable", "value": "yes"}], "unicode": [{"op": "add", "path": "/metadata/annotations/名", "value": "值"}], "percent": [{"op": "add", "path": "/data/%61", "value": "1"}], "binary": [{"op": "add", "path": "/binaryData", "value": {"a": "eA=="}}]}.items():
        yield patch(f"inv-ptr-{what}", f"{maps}/ptr?dryRun=All", JSON_PATCH, operations)


def merges():
    one = f"{CORE}/configmaps/ptr?dryRun=All"
    for what, body in {"empty": {}, "null-absent": {"data": {"zz": None}}, "null-map": {"data": None}, "null-all": {"metadata": None}, "data-text": {"data": "x"}, "data-list": {"data": []}, "value-map": {"data": {"a": {"b": None}}}, "label-number": {"metadata": {"labels": {"a": 5}}}, "finalizers": {"metadata": {"finalizers": ["example.com/c"]}}, "finalizers-null-item": {"metadata": {"finalizers": [None]}}, "kind": {"kind": "Secret"}, "kind-null": {"kind": None}, "version": {"apiVersion": "v2"}, "name": {"metadata": {"name": "other"}},
                       "namespace": {"metadata": {"namespace": "other"}}, "resource-version-empty": {"metadata": {"resourceVersion": ""}}, "resource-version-text": {"metadata": {"resourceVersion": "abc"}}, "resource-version-number": {"metadata": {"resourceVersion": 5}}, "uid-empty": {"metadata": {"uid": ""}}, "created": {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}, "created-bad": {"metadata": {"creationTimestamp": "yesterday"}}, "deleted": {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}}, "grace": {"metadata": {"deletionGracePeriodSeconds": 5}}, "generate-name": {"metadata": {"generateName": "x-"}},
                       "self-link": {"metadata": {"selfLink": "/x"}}, "owner-block": {"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "dir", "uid": "{inv-dir-make:metadata.uid}", "controller": True, "blockOwnerDeletion": True}]}}, "annotation-null": {"metadata": {"annotations": {"a/b": None}}}, "dollar": {"data": {"$patch": "replace", "x": "1"}}, "immutable": {"immutable": True}, "binary-clash": {"binaryData": {"a": "eA=="}}, "binary-bad": {"binaryData": {"q": "***"}}}.items():
        yield patch(f"inv-merge-{what}", one, MERGE, body)
    yield patch("inv-merge-big-label", one, MERGE, {"metadata": {"labels": {"k" * 64: "v", "a": "v" * 64, "/x": "y", "x/": "y", "a/b/c": "d", "UPPER.example.com/x": "y"}}})


def owned():
    """Server-side apply with several owners of lists, sets, maps and atoms."""
    one = f"{APPS}/deployments/owned"
    top = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "owned"}}

    def ask(what, manager, body, more=""):
        return patch(f"inv-own-{what}", f"{one}?fieldManager={manager}{more}", APPLY, {**top, **body})

    def pod(**members):
        return {"spec": {"template": {"spec": members}}}
    whole = {"spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "one", "image": "one:1", "args": ["x"], "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}], "command": ["run"]}]}}}}
    yield ask("make", "ann", whole)
    yield ask("make-again-bob", "bob", whole)
    yield ask("bob-leaves", "bob", {})
    yield ask("bob-adds", "bob", pod(containers=[{"name": "one", "env": [{"name": "B", "value": "2"}], "ports": [{"containerPort": 81, "protocol": "UDP"}]}, {"name": "side", "image": "side:1"}], volumes=[{"name": "v", "emptyDir": {}}]))
    yield ask("bob-args", "bob", pod(containers=[{"name": "one", "args": ["y"]}]))
    yield ask("bob-args-force", "bob", pod(containers=[{"name": "one", "args": ["y"]}]), "&force=true")
    yield ask("ann-after", "ann", whole)
    yield ask("ann-gives-up", "ann", {"spec": {**whole["spec"], "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "one", "image": "one:1"}]}}}})
    yield ask("ann-drops-replicas", "ann", {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "one", "image": "one:1"}]}}}})
    yield ask("bob-side-gone", "bob", pod(containers=[{"name": "one", "args": ["y"]}]))
    yield ask("bob-node-selector", "bob", pod(nodeSelector={"disk": "ssd"}))
    yield ask("carl-node-selector", "carl", pod(nodeSelector={"zone": "a"}))
    yield ask("carl-node-selector-same", "carl", pod(nodeSelector={"disk": "ssd"}))
    yield ask("carl-selector", "carl", {"spec": {"selector": {"matchLabels": {"z": "b"}}}})
    yield ask("carl-label", "carl", {"metadata": {"name": "owned", "labels": {"q": "1"}, "annotations": {"q": "1"}}})
    yield patch("inv-own-label-merge", one, MERGE, {"metadata": {"labels": {"q": "2"}}})
    yield ask("carl-label-conflict", "carl", {"metadata": {"name": "owned", "labels": {"q": "1"}}})
    yield ask("carl-null", "carl", {"metadata": {"name": "owned", "labels": None}, "spec": None})
    yield ask("carl-empty-spec", "carl", {"spec": {}})
    yield ask("carl-empty-list", "carl", pod(volumes=[]))
    yield ask("carl-null-item", "carl", pod(containers=[None]))
    yield ask("carl-resources", "carl", pod(containers=[{"name": "one", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}]))
    yield ask("dora-same-quantity", "dora", pod(containers=[{"name": "one", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]))
    yield ask("dora-other-quantity", "dora", pod(containers=[{"name": "one", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}]))
    yield ask("dora-int-or-string", "dora", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": "25%"}}}})
    yield ask("dora-strategy", "dora", {"spec": {"strategy": {"type": "Recreate"}}})
    yield ask("dora-finalizers", "dora", {"metadata": {"name": "owned", "finalizers": ["example.com/a", "example.com/b"]}})
    yield ask("eve-finalizers", "eve", {"metadata": {"name": "owned", "finalizers": ["example.com/b", "example.com/c"]}})
    yield ask("dora-finalizers-less", "dora", {"metadata": {"name": "owned", "finalizers": ["example.com/a"]}})
    yield ask("eve-finalizers-twice", "eve", {"metadata": {"name": "owned", "finalizers": ["example.com/b", "example.com/b"]}})
    yield ask("eve-finalizers-none", "eve", {})
    yield ask("eve-tolerations", "eve", pod(tolerations=[{"key": "a", "operator": "Exists"}]))
    yield ask("fay-tolerations", "fay", pod(tolerations=[{"key": "b", "operator": "Exists"}]))
    yield ask("fay-tolerations-same", "fay", pod(tolerations=[{"key": "a", "operator": "Exists"}]))
    yield ask("fay-spread", "fay", pod(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}, {"topologyKey": "zone", "maxSkew": 2, "whenUnsatisfiable": "ScheduleAnyway"}]))
    yield ask("fay-spread-no-key", "fay", pod(topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 1}]))
    yield ask("fay-aliases", "fay", pod(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["x"]}]))
    yield ask("gus-aliases", "gus", pod(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["y"]}]))
    yield ask("dry", "gus", {"spec": {"replicas": 7}}, "&dryRun=All&force=true")
    yield {"id": "inv-own-get", "path": one}
    yield {"id": "inv-own-put", "method": "PUT", "path": one + "?fieldManager=putter", "body": {**top, **whole}}
    yield {"id": "inv-own-put-ann", "method": "PUT", "path": one + "?fieldManager=ann", "body": {**top, **whole, "metadata": {"name": "owned", "labels": {"new": "1"}}}}
    yield patch("inv-own-scale", one + "/scale?fieldManager=hpa", MERGE, {"spec": {"replicas": 6}})
    yield ask("ann-replicas-conflict", "ann", whole)
    yield patch("inv-own-scale-apply", one + "/scale?fieldManager=ann", APPLY, {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "owned"}, "spec": {"replicas": 6}})
    yield ask("last", "ann", whole, "&force=true")


def upgraded():
    """From kubectl apply on the client to server-side apply."""
    maps = f"{CORE}/configmaps"
    last = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up", "namespace": HERE}, "data": {"a": "1", "b": "2"}})
    yield {"id": "inv-up-make", "method": "POST", "path": maps + "?fieldManager=kubectl-client-side-apply", "body": {"metadata": {"name": "up", "annotations": {LAST: last}}, "data": {"a": "1", "b": "2"}}}
    yield patch("inv-up-apply", f"{maps}/up?fieldManager=kubectl", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up"}, "data": {"a": "9"}})
    yield patch("inv-up-apply-other", f"{maps}/up?fieldManager=flux", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up"}, "data": {"a": "8"}})
    yield patch("inv-up-apply-force", f"{maps}/up?fieldManager=flux&force=true", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up"}, "data": {"a": "8", "c": "3"}})
    yield patch("inv-up-apply-last", f"{maps}/up?fieldManager=kubectl&force=true", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up", "annotations": {LAST: "{}"}}, "data": {"a": "9"}})
    yield {"id": "inv-up-get", "path": maps + "/up"}
    yield {"id": "inv-up-broken", "method": "POST", "path": maps + "?fieldManager=kubectl-client-side-apply", "body": {"metadata": {"name": "up-broken", "annotations": {LAST: "not json"}}, "data": {"a": "1"}}}
    yield patch("inv-up-broken-apply", f"{maps}/up-broken?fieldManager=kubectl", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up-broken"}, "data": {"b": "9"}})
    yield {"id": "inv-up-create-manager", "method": "POST", "path": maps + "?fieldManager=kubectl-create", "body": {"metadata": {"name": "up-create"}, "data": {"a": "1"}}}
    yield patch("inv-up-edit", f"{maps}/up-create?fieldManager=kubectl-edit", MERGE, {"data": {"b": "2"}})
    yield patch("inv-up-create-apply", f"{maps}/up-create?fieldManager=kubectl", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up-create"}, "data": {"a": "5", "b": "5"}})
    yield patch("inv-up-same-manager", f"{maps}/up-create?fieldManager=kubectl-edit", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "up-create"}, "data": {"b": "5"}})


def apply_oddities():
    maps = f"{CORE}/configmaps"
    top = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "odd"}}
    yield patch("inv-odd-make", f"{maps}/odd?fieldManager=ann", APPLY, {**top, "data": {"a": "1"}})
    for what, query, body in [("no-manager", "", {**top}), ("empty-manager", "?fieldManager=", {**top}), ("long-manager", "?fieldManager=" + "m" * 129, {**top}), ("manager-newline", "?fieldManager=a%0Ab", {**top}), ("manager-unicode", "?fieldManager=%E5%90%8D", {**top, "data": {"u": "1"}}), ("force-word", "?fieldManager=a&force=maybe", {**top}), ("force-empty", "?fieldManager=a&force=", {**top}), ("force-false", "?fieldManager=a&force=false", {**top, "data": {"a": "2"}}),
                              ("managed", "?fieldManager=a", {**top, "metadata": {"name": "odd", "managedFields": []}}), ("managed-one", "?fieldManager=a", {**top, "metadata": {"name": "odd", "managedFields": [{"manager": "a", "operation": "Apply"}]}}), ("uid-new", "?fieldManager=a", {**top, "metadata": {"name": "odd-new", "uid": "11111111-1111-1111-1111-111111111111"}}), ("uid", "?fieldManager=a", {**top, "metadata": {"name": "odd", "uid": "11111111-1111-1111-1111-111111111111"}}),
                              ("no-version", "?fieldManager=a", {"kind": "ConfigMap", "metadata": {"name": "odd"}}), ("no-kind", "?fieldManager=a", {"apiVersion": "v1", "metadata": {"name": "odd"}}), ("no-name", "?fieldManager=a", {"apiVersion": "v1", "kind": "ConfigMap", "data": {"n": "1"}}), ("version-other", "?fieldManager=a", {**top, "apiVersion": "v2"}), ("group-other", "?fieldManager=a", {**top, "apiVersion": "apps/v1"}), ("kind-other", "?fieldManager=a", {**top, "kind": "Secret"}), ("kind-list", "?fieldManager=a", {**top, "kind": "ConfigMapList"}),
                              ("created", "?fieldManager=a", {**top, "metadata": {"name": "odd", "creationTimestamp": None}}), ("created-set", "?fieldManager=a", {**top, "metadata": {"name": "odd", "creationTimestamp": "2020-01-01T00:00:00Z"}}), ("generation", "?fieldManager=a", {**top, "metadata": {"name": "odd", "generation": 4}}), ("version-stale", "?fieldManager=a", {**top, "metadata": {"name": "odd", "resourceVersion": "1"}}), ("namespace", "?fieldManager=a", {**top, "metadata": {"name": "odd", "namespace": "other"}}), ("namespace-same", "?fieldManager=a", {**top, "metadata": {"name": "odd", "namespace": HERE}}),
                              ("unknown", "?fieldManager=a", {**top, "colour": "red"}), ("unknown-warn", "?fieldManager=a&fieldValidation=Warn", {**top, "colour": "red"}), ("unknown-ignore", "?fieldManager=a&fieldValidation=Ignore", {**top, "colour": "red"}), ("data-number", "?fieldManager=a", {**top, "data": {"n": 5}}), ("data-null", "?fieldManager=a", {**top, "data": None}), ("data-value-null", "?fieldManager=a", {**top, "data": {"a": None}}), ("data-list", "?fieldManager=a", {**top, "data": []}), ("bad-key", "?fieldManager=a", {**top, "data": {"a b": "c"}}), ("bad-key-force", "?fieldManager=a&force=true", {**top, "data": {"a b": "c"}}), ("yaml-anchor", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: odd\ndata:\n  y: &v '1'\n  z: *v\n"),
                              ("yaml-bool", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {y: yes}\n"), ("yaml-number", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {y: 010}\n"), ("yaml-tab", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: odd\n"), ("yaml-two", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\n---\nkind: x\n"), ("yaml-key-number", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {5: 'x'}\n"), ("yaml-block", "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata:\n  t: |\n    a\n    b\n"), ("text", "?fieldManager=a", "hello"), ("list", "?fieldManager=a", "- a\n"), ("null", "?fieldManager=a", "null"), ("blank", "?fieldManager=a", "")]:
        name = "odd-new" if what == "uid-new" else "odd"
        yield patch(f"inv-odd-{what}", f"{maps}/{name}{query}", APPLY, body)
    yield patch("inv-odd-rbac", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{HERE}/roles/odd?fieldManager=a", APPLY, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "odd"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]})
    yield patch("inv-odd-rbac-add", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{HERE}/roles/odd?fieldManager=b", APPLY, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "odd"}, "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]})
    yield patch("inv-odd-secret", f"{CORE}/secrets/odd?fieldManager=a", APPLY, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "stringData": {"p": "x"}})
    yield patch("inv-odd-secret-again", f"{CORE}/secrets/odd?fieldManager=a", APPLY, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "stringData": {"q": "x"}})
    yield patch("inv-odd-secret-data", f"{CORE}/secrets/odd?fieldManager=b", APPLY, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "data": {"p": "eQ=="}})


def apply_status():
    one = f"{CORE}/pods/applied"
    top = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "applied"}}
    yield patch("inv-stat-make", one + "?fieldManager=ann", APPLY, {**top, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1"}]}, "status": {"phase": "Running"}})
    yield patch("inv-stat-apply", one + "/status?fieldManager=kubelet", APPLY, {**top, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "podIPs": [{"ip": "192.0.2.7"}], "podIP": "192.0.2.7"}})
    yield patch("inv-stat-apply-other", one + "/status?fieldManager=other", APPLY, {**top, "status": {"conditions": [{"type": "example.com/x", "status": "True"}], "phase": "Failed"}})
    yield patch("inv-stat-apply-spec", one + "/status?fieldManager=other", APPLY, {**top, "spec": {"nodeName": "n"}, "status": {"message": "m"}})
    yield patch("inv-stat-apply-labels", one + "/status?fieldManager=other", APPLY, {**top, "metadata": {"name": "applied", "labels": {"a": "b"}}})
    yield patch("inv-stat-main-status", one + "?fieldManager=ann", APPLY, {**top, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:2"}]}, "status": {"phase": "Failed"}})
    yield patch("inv-stat-immutable", one + "?fieldManager=ann", APPLY, {**top, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:2", "command": ["x"]}]}})
    yield patch("inv-stat-strategic", one + "/status", STRATEGIC, {"status": {"conditions": [{"type": "Ready", "$patch": "delete"}], "podIPs": [{"ip": "192.0.2.7", "$patch": "delete"}, {"ip": "192.0.2.8"}], "podIP": "192.0.2.8"}})
    yield patch("inv-stat-order", one + "/status", STRATEGIC, {"status": {"$setElementOrder/conditions": [{"type": "B"}, {"type": "A"}], "conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]}})
    yield {"id": "inv-stat-put", "method": "PUT", "path": one + "/status", "body": {**top, "status": {"phase": "Succeeded"}}}
    yield {"id": "inv-stat-get", "path": one}
