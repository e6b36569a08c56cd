"""The requests: for each kind the life of one object, then what people get wrong, then reads, reviews and streams."""
import copy
import json

from kinds import KINDS, LABELS, POD, template

NS = "judge"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MERGE, STRATEGIC, JSON_PATCH, APPLY = ("application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml")


def patch(identity, path, kind, body, **more):
    return {"id": identity, "method": "PATCH", "path": path, "headers": {"Content-Type": kind}, "body": body, **more}


def collection(kind):
    prefix, plural, _, _, namespaced, _ = KINDS[kind]
    return f"{prefix}/namespaces/{NS}/{plural}" if namespaced else f"{prefix}/{plural}"


def name_of(kind):
    return "things.judge.example.com" if kind == "definition" else f"{kind}-1"


def object_of(kind, name):
    _, _, word, version, _, body = KINDS[kind]
    return {"apiVersion": version, "kind": word, "metadata": {"name": name, "labels": dict(LABELS)}, **copy.deepcopy(body)}


def setup():
    yield {"id": "setup-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}}
    yield {"id": "setup-account", "method": "POST", "path": f"/api/v1/namespaces/{NS}/serviceaccounts", "body": {"metadata": {"name": "default"}}}


def life(kind):
    """Create, read in all forms, change in all ways, delete."""
    name = name_of(kind)
    all_of, body = collection(kind), object_of(kind, name)
    one = f"{all_of}/{name}"
    cluster_wide = not KINDS[kind][4]
    yield {"id": f"{kind}-create-dry", "method": "POST", "path": all_of + "?dryRun=All", "body": body}
    yield {"id": f"{kind}-create", "method": "POST", "path": all_of, "body": body}
    yield {"id": f"{kind}-create-again", "method": "POST", "path": all_of, "body": body}
    yield {"id": f"{kind}-get", "path": one}
    yield {"id": f"{kind}-get-table", "path": one, "headers": {"Accept": TABLE}}
    yield {"id": f"{kind}-get-metadata", "path": one, "headers": {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"}}
    if not cluster_wide:
        yield {"id": f"{kind}-list", "path": all_of + "?labelSelector=app%3Dweb"}
        yield {"id": f"{kind}-list-table", "path": all_of + "?labelSelector=app%3Dweb", "headers": {"Accept": TABLE}}
    yield {"id": f"{kind}-list-none", "path": all_of + "?labelSelector=app%3Dnone"}
    yield {"id": f"{kind}-list-by-name", "path": all_of + f"?fieldSelector=metadata.name%3D{name}"}
    yield {"id": f"{kind}-put-unchanged", "method": "PUT", "path": one, "body": dict(body, metadata=dict(body["metadata"], resourceVersion=f"{{{kind}-get:metadata.resourceVersion}}"))}
    yield patch(f"{kind}-merge", one, MERGE, {"metadata": {"annotations": {"note": "x"}}})
    yield {"id": f"{kind}-put-stale", "method": "PUT", "path": one, "body": dict(body, metadata=dict(body["metadata"], resourceVersion=f"{{{kind}-get:metadata.resourceVersion}}"))}
    yield patch(f"{kind}-strategic", one, STRATEGIC, {"metadata": {"labels": {"tier": "front"}, "annotations": {"note": None}}})
    yield patch(f"{kind}-json-patch", one, JSON_PATCH, [{"op": "add", "path": "/metadata/labels/more", "value": "y"}])
    yield patch(f"{kind}-json-patch-test-fails", one, JSON_PATCH, [{"op": "test", "path": "/metadata/labels/more", "value": "n"}])
    yield patch(f"{kind}-merge-wrong-type", one, MERGE, {"metadata": {"labels": 7}})
    yield patch(f"{kind}-apply-conflict", one + "?fieldManager=other", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "changed"}}})
    yield patch(f"{kind}-apply-force", one + "?fieldManager=other&force=true", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "web", "by": "apply"}}})
    yield patch(f"{kind}-apply-less", one + "?fieldManager=other", APPLY, {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name, "labels": {"app": "web"}}})
    yield patch(f"{kind}-uid-change", one, MERGE, {"metadata": {"uid": "11111111-2222-3333-4444-555555555555"}})
    yield patch(f"{kind}-status-patch", one + "/status", MERGE, {"metadata": {"annotations": {"s": "1"}}})
    yield {"id": f"{kind}-create-no-name", "method": "POST", "path": all_of, "body": dict(body, metadata={})}
    yield {"id": f"{kind}-create-bad-name", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "Not_Good"})}
    yield {"id": f"{kind}-create-wrong-kind", "method": "POST", "path": all_of, "body": {"apiVersion": "v1", "kind": "Gadget", "metadata": {"name": "g"}}}
    yield {"id": f"{kind}-create-wrong-version", "method": "POST", "path": all_of, "body": dict(body, apiVersion="nope.example.com/v9")}
    yield {"id": f"{kind}-create-list", "method": "POST", "path": all_of, "body": [1, 2]}
    yield {"id": f"{kind}-create-bad-label", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "bad-label", "labels": {"a b": "c d"}})}
    yield {"id": f"{kind}-create-bad-annotation", "method": "POST", "path": all_of, "body": dict(body, metadata={"name": "bad-note", "annotations": {"a b": "c"}})}
    yield {"id": f"{kind}-put-absent", "method": "PUT", "path": f"{all_of}/absent", "body": dict(body, metadata={"name": "absent", "resourceVersion": "1"})}
    yield {"id": f"{kind}-put-other-name", "method": "PUT", "path": one, "body": dict(body, metadata={"name": "other"})}
    if kind not in ("namespace", "definition"):
        yield {"id": f"{kind}-generate-name", "method": "POST", "path": all_of + "?dryRun=All", "body": dict(body, metadata={"generateName": "gen-"})}
        yield {"id": f"{kind}-delete-dry", "method": "DELETE", "path": one + "?dryRun=All"}
        yield {"id": f"{kind}-delete-other-uid", "method": "DELETE", "path": one, "body": {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}}
    yield {"id": f"{kind}-get-absent", "path": f"{all_of}/absent"}
    yield {"id": f"{kind}-delete-absent", "method": "DELETE", "path": f"{all_of}/absent"}
    yield {"id": f"{kind}-subresource-absent", "path": one + "/nothing"}


def after_life(kind):
    """Deletions: their answers depend on finalizers and on who runs."""
    name = name_of(kind)
    one = f"{collection(kind)}/{name}"
    if kind in ("namespace", "definition"):
        return
    seconds = "?gracePeriodSeconds=0" if kind == "pod" else ""
    yield {"id": f"{kind}-delete", "method": "DELETE", "path": one + seconds}
    if kind not in ("claim", "volume"):
        yield {"id": f"{kind}-get-deleted", "path": one}


def set_at(body, path, value):
    node = body
    for key in path[:-1]:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    if value is DROP:
        node.pop(path[-1], None)
    elif isinstance(node, list) and path[-1] == len(node):
        node.append(value)
    else:
        node[path[-1]] = value


DROP = object()
C = ("spec", "template", "spec", "containers", 0)
P = ("spec", "containers", 0)

# kind, what is wrong, [(path, value), ...]
WRONG = [
    ("pod", "no-containers", [(("spec", "containers"), [])]),
    ("pod", "no-spec", [(("spec",), DROP)]),
    ("pod", "no-image", [((*P, "image"), DROP)]),
    ("pod", "no-container-name", [((*P, "name"), DROP)]),
    ("pod", "upper-container-name", [((*P, "name"), "Web")]),
    ("pod", "same-container-name", [(("spec", "containers", 1), {"name": "web", "image": "b"})]),
    ("pod", "port-0", [((*P, "ports", 0, "containerPort"), 0)]),
    ("pod", "port-70000", [((*P, "ports", 0, "containerPort"), 70000)]),
    ("pod", "port-text", [((*P, "ports", 0, "containerPort"), "http")]),
    ("pod", "port-protocol", [((*P, "ports", 0, "protocol"), "ICMP")]),
    ("pod", "port-name-long", [((*P, "ports", 0, "name"), "a-very-long-port-name")]),
    ("pod", "port-name-twice", [((*P, "ports"), [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}])]),
    ("pod", "mount-unknown", [((*P, "volumeMounts", 0, "name"), "nope")]),
    ("pod", "mount-no-path", [((*P, "volumeMounts", 0, "mountPath"), "")]),
    ("pod", "mount-same-path", [((*P, "volumeMounts"), [{"name": "config", "mountPath": "/a"}, {"name": "tmp", "mountPath": "/a"}])]),
    ("pod", "restart-policy", [(("spec", "restartPolicy"), "Sometimes")]),
    ("pod", "dns-policy", [(("spec", "dnsPolicy"), "Mine")]),
    ("pod", "pull-policy", [((*P, "imagePullPolicy"), "Maybe")]),
    ("pod", "image-space", [((*P, "image"), " nginx")]),
    ("pod", "env-no-name", [((*P, "env", 0), {"value": "x"})]),
    ("pod", "env-bad-name", [((*P, "env", 0, "name"), "a b")]),
    ("pod", "env-both", [((*P, "env", 0, "valueFrom"), {"fieldRef": {"fieldPath": "metadata.name"}})]),
    ("pod", "env-field-ref", [((*P, "env", 1, "valueFrom", "fieldRef", "fieldPath"), "spec.color")]),
    ("pod", "env-empty-source", [((*P, "env", 1, "valueFrom"), {})]),
    ("pod", "request-above-limit", [((*P, "resources", "requests", "memory"), "1Gi")]),
    ("pod", "negative-request", [((*P, "resources", "requests", "cpu"), "-1")]),
    ("pod", "not-a-quantity", [((*P, "resources", "requests", "cpu"), "lots")]),
    ("pod", "unknown-resource", [((*P, "resources", "requests", "gold"), "1")]),
    ("pod", "probe-no-handler", [((*P, "readinessProbe"), {"periodSeconds": 5})]),
    ("pod", "probe-two-handlers", [((*P, "readinessProbe", "exec"), {"command": ["x"]})]),
    ("pod", "probe-negative", [((*P, "readinessProbe", "periodSeconds"), -5)]),
    ("pod", "probe-port", [((*P, "readinessProbe", "httpGet", "port"), 0)]),
    ("pod", "liveness-success-2", [((*P, "livenessProbe"), {"tcpSocket": {"port": 80}, "successThreshold": 2})]),
    ("pod", "volume-no-source", [(("spec", "volumes", 1), {"name": "tmp"})]),
    ("pod", "volume-two-sources", [(("spec", "volumes", 1, "hostPath"), {"path": "/x"})]),
    ("pod", "volume-twice", [(("spec", "volumes", 2, "name"), "tmp")]),
    ("pod", "volume-bad-name", [(("spec", "volumes", 1, "name"), "T_mp")]),
    ("pod", "volume-no-configmap", [(("spec", "volumes", 0, "configMap"), {})]),
    ("pod", "toleration-operator", [(("spec", "tolerations"), [{"key": "a", "operator": "Perhaps"}])]),
    ("pod", "toleration-exists-value", [(("spec", "tolerations"), [{"key": "a", "operator": "Exists", "value": "x"}])]),
    ("pod", "toleration-effect", [(("spec", "tolerations"), [{"key": "a", "operator": "Exists", "effect": "Bad"}])]),
    ("pod", "node-selector", [(("spec", "nodeSelector"), {"a b": "c"})]),
    ("pod", "affinity-empty-term", [(("spec", "affinity"), {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}})]),
    ("pod", "affinity-operator", [(("spec", "affinity"), {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Like", "values": ["x"]}]}]}}})]),
    ("pod", "affinity-no-topology", [(("spec", "affinity"), {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {"matchLabels": {"a": "b"}}}]}})]),
    ("pod", "spread-skew", [(("spec", "topologySpreadConstraints"), [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}])]),
    ("pod", "grace-negative", [(("spec", "terminationGracePeriodSeconds"), -7)]),
    ("pod", "deadline-0", [(("spec", "activeDeadlineSeconds"), 0)]),
    ("pod", "host-alias", [(("spec", "hostAliases"), [{"ip": "nope", "hostnames": ["a"]}])]),
    ("pod", "hostname-bad", [(("spec", "hostname"), "A.b")]),
    ("pod", "no-account", [(("spec", "serviceAccountName"), "nobody")]),
    ("pod", "unknown-priority-class", [(("spec", "priorityClassName"), "nobody")]),
    ("pod", "host-port-differs", [(("spec", "hostNetwork"), True), ((*P, "ports", 0, "hostPort"), 81)]),
    ("pod", "init-no-image", [(("spec", "initContainers"), [{"name": "i"}])]),
    ("pod", "init-same-name", [(("spec", "initContainers"), [{"name": "web", "image": "i"}])]),
    ("pod", "lifecycle-empty", [((*P, "lifecycle"), {"preStop": {}})]),
    ("pod", "run-as-negative", [((*P, "securityContext"), {"runAsUser": -1})]),
    ("pod", "containers-text", [(("spec", "containers"), "x")]),
    ("pod", "labels-number", [(("metadata", "labels"), {"a": 1})]),
    ("pod", "owner-no-uid", [(("metadata", "ownerReferences"), [{"apiVersion": "v1", "kind": "Pod", "name": "x"}])]),
    ("pod", "two-controllers", [(("metadata", "ownerReferences"), [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "ab"])]),
    ("pod", "bad-finalizer", [(("metadata", "finalizers"), ["mine"])]),
    ("pod", "resource-version", [(("metadata", "resourceVersion"), "7")]),
    ("pod", "other-namespace", [(("metadata", "namespace"), "elsewhere")]),
    ("pod", "name-too-long", [(("metadata", "name"), "a" * 254)]),
    ("pod", "name-dots", [(("metadata", "name"), "a..b")]),
    ("pod", "label-value-long", [(("metadata", "labels"), {"a": "x" * 64})]),
    ("pod", "annotations-huge", [(("metadata", "annotations"), {"a": "x" * (256 * 1024 + 1)})]),
    ("deployment", "no-selector", [(("spec", "selector"), DROP)]),
    ("deployment", "empty-selector", [(("spec", "selector"), {})]),
    ("deployment", "selector-differs", [(("spec", "selector", "matchLabels"), {"app": "other"})]),
    ("deployment", "selector-operator", [(("spec", "selector"), {"matchExpressions": [{"key": "app", "operator": "Likes", "values": ["web"]}]})]),
    ("deployment", "no-template", [(("spec", "template"), DROP)]),
    ("deployment", "no-spec", [(("spec",), DROP)]),
    ("deployment", "negative-replicas", [(("spec", "replicas"), -1)]),
    ("deployment", "text-replicas", [(("spec", "replicas"), "three")]),
    ("deployment", "fraction-replicas", [(("spec", "replicas"), 1.5)]),
    ("deployment", "huge-replicas", [(("spec", "replicas"), 3000000000)]),
    ("deployment", "strategy", [(("spec", "strategy"), {"type": "BlueGreen"})]),
    ("deployment", "recreate-with-rolling", [(("spec", "strategy"), {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})]),
    ("deployment", "surge-0-unavailable-0", [(("spec", "strategy"), {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}})]),
    ("deployment", "surge-text", [(("spec", "strategy"), {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "x"}})]),
    ("deployment", "unavailable-110", [(("spec", "strategy"), {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "110%"}})]),
    ("deployment", "min-ready-negative", [(("spec", "minReadySeconds"), -1)]),
    ("deployment", "deadline-below-min-ready", [(("spec", "minReadySeconds"), 20), (("spec", "progressDeadlineSeconds"), 10)]),
    ("deployment", "history-negative", [(("spec", "revisionHistoryLimit"), -1)]),
    ("deployment", "restart-never", [(("spec", "template", "spec", "restartPolicy"), "Never")]),
    ("deployment", "container-image", [((*C, "image"), "")]),
    ("deployment", "template-name", [(("spec", "template", "metadata", "labels"), {"app": "web", "a b": "x"})]),
    ("deployment", "spec-list", [(("spec",), [])]),
    ("deployment", "active-deadline", [(("spec", "template", "spec", "activeDeadlineSeconds"), 5)]),
    ("statefulset", "no-selector", [(("spec", "selector"), DROP)]),
    ("statefulset", "policy", [(("spec", "podManagementPolicy"), "Any")]),
    ("statefulset", "update-strategy", [(("spec", "updateStrategy"), {"type": "Any"})]),
    ("statefulset", "selector-differs", [(("spec", "selector", "matchLabels"), {"app": "other"})]),
    ("statefulset", "negative-replicas", [(("spec", "replicas"), -1)]),
    ("statefulset", "partition-negative", [(("spec", "updateStrategy"), {"type": "RollingUpdate", "rollingUpdate": {"partition": -1}})]),
    ("daemonset", "restart-never", [(("spec", "template", "spec", "restartPolicy"), "OnFailure")]),
    ("daemonset", "strategy", [(("spec", "updateStrategy"), {"type": "Any"})]),
    ("daemonset", "empty-selector", [(("spec", "selector"), {})]),
    ("daemonset", "selector-differs", [(("spec", "selector", "matchLabels"), {"app": "other"})]),
    ("replicaset", "selector-differs", [(("spec", "selector", "matchLabels"), {"app": "other"})]),
    ("replicaset", "negative-replicas", [(("spec", "replicas"), -3)]),
    ("controller", "selector-differs", [(("spec", "selector"), {"app": "other"})]),
    ("controller", "no-template", [(("spec", "template"), DROP)]),
    ("job", "restart-always", [(("spec", "template", "spec", "restartPolicy"), "Always")]),
    ("job", "no-restart", [(("spec", "template", "spec", "restartPolicy"), DROP)]),
    ("job", "negative-parallelism", [(("spec", "parallelism"), -1)]),
    ("job", "negative-completions", [(("spec", "completions"), -1)]),
    ("job", "negative-backoff", [(("spec", "backoffLimit"), -1)]),
    ("job", "negative-deadline", [(("spec", "activeDeadlineSeconds"), -1)]),
    ("job", "negative-ttl", [(("spec", "ttlSecondsAfterFinished"), -1)]),
    ("job", "own-selector", [(("spec", "selector"), {"matchLabels": {"a": "b"}})]),
    ("service", "no-ports", [(("spec", "ports"), DROP)]),
    ("service", "no-spec", [(("spec",), DROP)]),
    ("service", "port-0", [(("spec", "ports", 0, "port"), 0)]),
    ("service", "port-missing", [(("spec", "ports", 0), {"targetPort": 80})]),
    ("service", "target-0", [(("spec", "ports", 0, "targetPort"), 0)]),
    ("service", "target-name", [(("spec", "ports", 0, "targetPort"), "not_a_name!")]),
    ("service", "two-unnamed", [(("spec", "ports"), [{"port": 80}, {"port": 81}])]),
    ("service", "two-same-name", [(("spec", "ports"), [{"name": "a", "port": 80}, {"name": "a", "port": 81}])]),
    ("service", "two-same-port", [(("spec", "ports"), [{"name": "a", "port": 80}, {"name": "b", "port": 80}])]),
    ("service", "type", [(("spec", "type"), "Mine")]),
    ("service", "protocol", [(("spec", "ports", 0, "protocol"), "HTTP")]),
    ("service", "bad-ip", [(("spec", "clusterIP"), "nope")]),
    ("service", "ip-outside", [(("spec", "clusterIP"), "192.0.2.7")]),
    ("service", "node-port-range", [(("spec", "type"), "NodePort"), (("spec", "ports", 0, "nodePort"), 80)]),
    ("service", "node-port-on-cluster-ip", [(("spec", "ports", 0, "nodePort"), 30080)]),
    ("service", "selector", [(("spec", "selector"), {"a b": "c"})]),
    ("service", "affinity", [(("spec", "sessionAffinity"), "Always")]),
    ("service", "name-digit", [(("metadata", "name"), "1web")]),
    ("service", "name-dot", [(("metadata", "name"), "web.shop")]),
    ("service", "name-64", [(("metadata", "name"), "a" * 64)]),
    ("service", "headless-nodeport", [(("spec", "type"), "NodePort"), (("spec", "clusterIP"), "None")]),
    ("external", "no-name", [(("spec", "externalName"), DROP)]),
    ("external", "bad-name", [(("spec", "externalName"), "a_b")]),
    ("configmap", "bad-key", [(("data",), {"a/b": "c"})]),
    ("configmap", "number", [(("data",), {"a": 1})]),
    ("configmap", "both", [(("binaryData",), {"a": "dg=="})]),
    ("configmap", "not-base64", [(("binaryData",), {"z": "***"})]),
    ("configmap", "data-list", [(("data",), ["a"])]),
    ("configmap", "too-big", [(("data",), {"a": "x" * (1024 * 1024 + 1)})]),
    ("secret", "not-base64", [(("data",), {"z": "***"})]),
    ("secret", "bad-key", [(("data",), {"a/b": "dg=="})]),
    ("secret", "tls-without", [(("type",), "kubernetes.io/tls")]),
    ("secret", "docker-without", [(("type",), "kubernetes.io/dockerconfigjson")]),
    ("secret", "basic-auth-without", [(("type",), "kubernetes.io/basic-auth"), (("stringData",), DROP)]),
    ("claim", "no-mode", [(("spec", "accessModes"), DROP)]),
    ("claim", "mode", [(("spec", "accessModes"), ["ReadSometimes"])]),
    ("claim", "no-size", [(("spec", "resources"), DROP)]),
    ("claim", "size-0", [(("spec", "resources", "requests", "storage"), "0")]),
    ("claim", "size-text", [(("spec", "resources", "requests", "storage"), "big")]),
    ("claim", "no-spec", [(("spec",), DROP)]),
    ("volume", "no-source", [(("spec", "hostPath"), DROP)]),
    ("volume", "no-capacity", [(("spec", "capacity"), DROP)]),
    ("volume", "no-mode", [(("spec", "accessModes"), DROP)]),
    ("volume", "policy", [(("spec", "persistentVolumeReclaimPolicy"), "Burn")]),
    ("quota", "bad-name", [(("spec", "hard"), {"gold": "1"})]),
    ("quota", "negative", [(("spec", "hard"), {"pods": "-1"})]),
    ("quota", "fraction", [(("spec", "hard"), {"pods": "1.5"})]),
    ("limitrange", "type", [(("spec", "limits", 0, "type"), "Box")]),
    ("limitrange", "min-above-max", [(("spec", "limits", 0, "min"), {"cpu": "9"})]),
    ("limitrange", "default-above-max", [(("spec", "limits", 0, "default"), {"cpu": "9"})]),
    ("autoscaler", "max-0", [(("spec", "maxReplicas"), 0)]),
    ("autoscaler", "max-below-min", [(("spec", "maxReplicas"), 1)]),
    ("autoscaler", "min-0", [(("spec", "minReplicas"), 0)]),
    ("autoscaler", "no-target", [(("spec", "scaleTargetRef"), DROP)]),
    ("autoscaler", "cpu-negative", [(("spec", "targetCPUUtilizationPercentage"), -5)]),
    ("ingress", "no-rules", [(("spec", "rules"), DROP)]),
    ("ingress", "bad-host", [(("spec", "rules", 0, "host"), "a_b")]),
    ("ingress", "ip-host", [(("spec", "rules", 0, "host"), "192.0.2.1")]),
    ("ingress", "relative-path", [(("spec", "rules", 0, "http", "paths", 0, "path"), "x")]),
    ("ingress", "no-path-type", [(("spec", "rules", 0, "http", "paths", 0, "pathType"), DROP)]),
    ("ingress", "path-type", [(("spec", "rules", 0, "http", "paths", 0, "pathType"), "Regex")]),
    ("ingress", "no-backend", [(("spec", "rules", 0, "http", "paths", 0, "backend"), {})]),
    ("ingress", "no-port", [(("spec", "rules", 0, "http", "paths", 0, "backend", "service", "port"), DROP)]),
    ("ingress", "old-backend", [(("spec", "rules", 0, "http", "paths", 0, "backend"), {"serviceName": "web", "servicePort": 80})]),
    ("networkpolicy", "policy-type", [(("spec", "policyTypes"), ["Sideways"])]),
    ("networkpolicy", "cidr", [(("spec", "ingress", 0, "from"), [{"ipBlock": {"cidr": "10/8"}}])]),
    ("networkpolicy", "empty-peer", [(("spec", "ingress", 0, "from"), [{}])]),
    ("role", "no-verbs", [(("rules", 0, "verbs"), [])]),
    ("role", "no-resources", [(("rules", 0, "resources"), [])]),
    ("role", "non-resource", [(("rules", 0), {"nonResourceURLs": ["/x"], "verbs": ["get"]})]),
    ("rolebinding", "no-role", [(("roleRef",), DROP)]),
    ("rolebinding", "role-kind", [(("roleRef", "kind"), "Group")]),
    ("rolebinding", "subject-kind", [(("subjects", 0, "kind"), "Robot")]),
    ("rolebinding", "subject-no-name", [(("subjects", 0, "name"), "")]),
    ("rolebinding", "account-no-namespace", [(("subjects", 1), {"kind": "ServiceAccount", "name": "bot"})]),
    ("storageclass", "no-provisioner", [(("provisioner",), DROP)]),
    ("storageclass", "reclaim", [(("reclaimPolicy",), "Burn")]),
    ("storageclass", "binding", [(("volumeBindingMode",), "Later")]),
    ("priorityclass", "too-high", [(("value",), 2000000000)]),
    ("priorityclass", "no-value", [(("value",), DROP)]),
    ("priorityclass", "system-name", [(("metadata", "name"), "system-mine")]),
    ("priorityclass", "preemption", [(("preemptionPolicy",), "Often")]),
    ("definition", "no-group", [(("spec", "group"), DROP)]),
    ("definition", "no-versions", [(("spec", "versions"), [])]),
    ("definition", "no-schema", [(("spec", "versions", 0, "schema"), DROP)]),
    ("definition", "two-storage", [(("spec", "versions", 1), {"name": "v2", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}})]),
    ("definition", "scope", [(("spec", "scope"), "Global")]),
    ("definition", "name-differs", [(("metadata", "name"), "other.judge.example.com")]),
    ("definition", "no-type", [(("spec", "versions", 0, "schema", "openAPIV3Schema"), {"properties": {"spec": {"type": "object"}}})]),
    ("namespace", "finalizer", [(("spec",), {"finalizers": ["mine"]})]),
    ("namespace", "name-dot", [(("metadata", "name"), "a.b")]),
    ("node", "bad-taint", [(("spec", "taints"), [{"key": "a", "effect": "Burn"}])]),
    ("node", "cidr", [(("spec", "podCIDR"), "10")]),
    ("endpoints", "bad-ip", [(("subsets", 0, "addresses", 0, "ip"), "nope")]),
    ("endpoints", "port-0", [(("subsets", 0, "ports", 0, "port"), 0)]),
    ("endpoints", "empty-subset", [(("subsets", 0), {})]),
    ("event", "other-namespace", [(("involvedObject", "namespace"), "elsewhere")]),
    ("lease", "duration-0", [(("spec", "leaseDurationSeconds"), 0)]),
    ("lease", "transitions", [(("spec", "leaseTransitions"), -1)]),
    ("revision", "negative", [(("revision",), -1)]),
    ("ingressclass", "controller", [(("spec", "controller"), "no domain")]),
    ("runtimeclass", "handler", [(("handler",), "A_b")]),
]

# kind, what is forbidden, patch: against the object that life() made
IMMUTABLE = [
    ("deployment", "selector", {"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}}}}),
    ("replicaset", "selector", {"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}}}}),
    ("daemonset", "selector", {"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}}}}),
    ("statefulset", "service-name", {"spec": {"serviceName": "other"}}),
    ("statefulset", "selector", {"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}}}}),
    ("job", "template", {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 3}}}}),
    ("job", "completions", {"spec": {"completions": 7}}),
    ("job", "selector", {"spec": {"selector": {"matchLabels": {"x": "y"}}}}),
    ("pod", "command", {"spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1.2", "command": ["x"]}]}}),
    ("pod", "node-name", {"spec": {"nodeName": "elsewhere"}}),
    ("pod", "restart-policy", {"spec": {"restartPolicy": "Never"}}),
    ("service", "cluster-ip", {"spec": {"clusterIP": "10.96.7.7"}}),
    ("service", "cluster-ip-gone", {"spec": {"clusterIP": ""}}),
    ("secret", "type", {"type": "Opaque2"}),
    ("claim", "mode", {"spec": {"accessModes": ["ReadWriteMany"]}}),
    ("claim", "shrink", {"spec": {"resources": {"requests": {"storage": "1Mi"}}}}),
    ("claim", "class", {"spec": {"storageClassName": "fast"}}),
    ("volume", "source", {"spec": {"hostPath": {"path": "/other"}}}),
    ("rolebinding", "role-ref", {"roleRef": {"name": "other"}}),
    ("clusterrolebinding", "role-ref", {"roleRef": {"name": "edit"}}),
    ("storageclass", "parameters", {"parameters": {"type": "tape"}}),
    ("storageclass", "provisioner", {"provisioner": "example.com/other"}),
    ("priorityclass", "value", {"value": 5}),
    ("ingressclass", "controller", {"spec": {"controller": "example.com/other"}}),
    ("node", "pod-cidr", {"spec": {"podCIDR": "10.244.10.0/24"}}),
    ("revision", "data", {"data": {"spec": {"x": 2}}}),
    ("runtimeclass", "handler", {"handler": "kata"}),
    ("definition", "scope", {"spec": {"scope": "Cluster"}}),
]


def wrong():
    for kind, what, changes in WRONG:
        body = object_of(kind, "things.judge.example.com" if kind == "definition" else "wrong")
        for path, value in changes:
            set_at(body, path, copy.deepcopy(value) if value is not DROP else DROP)
        yield {"id": f"wrong-{kind}-{what}", "method": "POST", "path": collection(kind) + "?dryRun=All", "body": body}


def immutable():
    for kind, what, change in IMMUTABLE:
        name = name_of(kind)
        yield patch(f"immutable-{kind}-{what}", f"{collection(kind)}/{name}", MERGE, change)


def subresources():
    one = f"/apis/apps/v1/namespaces/{NS}/deployments/deployment-1"
    yield {"id": "scale-get", "path": one + "/scale"}
    yield patch("scale-merge", one + "/scale", MERGE, {"spec": {"replicas": 4}})
    yield patch("scale-negative", one + "/scale", MERGE, {"spec": {"replicas": -4}})
    yield patch("scale-text", one + "/scale", MERGE, {"spec": {"replicas": "x"}})
    yield {"id": "scale-put-kind", "method": "PUT", "path": one + "/scale", "body": {"kind": "Thing", "apiVersion": "autoscaling/v1"}}
    yield {"id": "scale-put", "method": "PUT", "path": one + "/scale", "body": {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "deployment-1", "namespace": NS}, "spec": {"replicas": 2}}}
    yield {"id": "scale-absent", "path": one + "x/scale"}
    yield {"id": "scale-rc", "path": f"/api/v1/namespaces/{NS}/replicationcontrollers/controller-1/scale"}
    yield patch("status-merge", one + "/status", MERGE, {"status": {"replicas": 2, "observedGeneration": 2}, "spec": {"replicas": 9}})
    yield patch("status-wrong", one + "/status", MERGE, {"status": {"replicas": "x"}})
    pod = f"/api/v1/namespaces/{NS}/pods/pod-1"
    yield {"id": "evict-kind", "method": "POST", "path": pod + "/eviction", "body": {"kind": "Thing", "apiVersion": "v1"}}
    yield {"id": "evict-name", "method": "POST", "path": pod + "/eviction", "body": {"kind": "Eviction", "apiVersion": "policy/v1beta1", "metadata": {"name": "other"}}}
    yield {"id": "bind-no-target", "method": "POST", "path": pod + "/binding", "body": {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "pod-1"}, "target": {}}}
    yield {"id": "bind", "method": "POST", "path": pod + "/binding", "body": {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "pod-1"}, "target": {"kind": "Node", "name": "node-1"}}}
    yield {"id": "bind-again", "method": "POST", "path": pod + "/binding", "body": {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "pod-1"}, "target": {"kind": "Node", "name": "node-1"}}}
    yield {"id": "pod-status", "method": "PATCH", "headers": {"Content-Type": STRATEGIC}, "path": pod + "/status", "body": {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}}
    yield {"id": "pod-status-again", "method": "PATCH", "headers": {"Content-Type": STRATEGIC}, "path": pod + "/status", "body": {"status": {"conditions": [{"type": "Initialized", "status": "True"}]}}}
    yield {"id": "log-no-container", "path": pod + "/log?container=nope"}
    yield {"id": "log-absent", "path": f"/api/v1/namespaces/{NS}/pods/absent/log"}
    yield {"id": "log-bad-tail", "path": pod + "/log?tailLines=-1"}
    yield {"id": "log-bad-limit", "path": pod + "/log?limitBytes=0"}
    yield {"id": "log-both-since", "path": pod + "/log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z"}
    yield {"id": "log-text-tail", "path": pod + "/log?tailLines=many"}
    account = f"/api/v1/namespaces/{NS}/serviceaccounts/default/token"
    yield {"id": "token", "method": "POST", "path": account, "body": {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": 3600, "audiences": ["a"]}}}
    yield {"id": "token-short", "method": "POST", "path": account, "body": {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": 5}}}
    yield {"id": "namespace-finalize-get", "path": f"/api/v1/namespaces/{NS}/finalize"}


STRATEGIC_PATCHES = [
    ("add-container", {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}}),
    ("image", {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1.3"}]}}}}),
    ("env-merge", {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]}}}}),
    ("env-delete", {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "$patch": "delete"}]}]}}}}),
    ("env-replace", {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"$patch": "replace"}, {"name": "Z", "value": "1"}]}]}}}}),
    ("port-add", {"spec": {"template": {"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 9090}]}]}}}}),
    ("container-delete", {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}),
    ("order", {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "first"}, {"name": "web"}], "containers": [{"name": "first", "image": "f"}]}}}}),
    ("volume-retain", {"spec": {"template": {"spec": {"volumes": [{"name": "tmp", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}}}}),
    ("toleration-replace", {"spec": {"template": {"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}}}),
    ("annotation-null", {"metadata": {"annotations": {"x": "1", "y": None}}}),
    ("labels-replace", {"metadata": {"labels": {"$patch": "replace", "app": "web"}}}),
    ("finalizer-add", {"metadata": {"finalizers": ["example.com/keep"]}}),
    ("finalizer-delete", {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/keep"]}}),
    ("strategy-recreate", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    ("no-merge-key", {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}),
    ("wrong-type", {"spec": {"replicas": "three"}}),
    ("unknown-directive", {"spec": {"$patch": "explode"}}),
    ("not-an-object", [1]),
    ("to-invalid", {"spec": {"replicas": -1}}),
]
JSON_PATCHES = [
    ("replace", [{"op": "replace", "path": "/spec/replicas", "value": 6}]),
    ("replace-absent", [{"op": "replace", "path": "/spec/nothing/here", "value": 6}]),
    ("remove-absent", [{"op": "remove", "path": "/metadata/labels/absent"}]),
    ("remove", [{"op": "remove", "path": "/spec/strategy"}]),
    ("escaped", [{"op": "add", "path": "/metadata/labels/example.com~1tier", "value": "x"}]),
    ("append", [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "LAST", "value": "1"}}]),
    ("index-out", [{"op": "add", "path": "/spec/template/spec/containers/7", "value": {}}]),
    ("move", [{"op": "move", "from": "/metadata/labels/app", "path": "/metadata/labels/moved"}]),
    ("copy", [{"op": "copy", "from": "/metadata/labels/moved", "path": "/metadata/labels/app"}]),
    ("bad-op", [{"op": "explode", "path": "/spec"}]),
    ("no-path", [{"op": "add", "value": 1}]),
    ("no-list", {"op": "add", "path": "/spec", "value": 1}),
    ("empty", []),
    ("wrong-type", [{"op": "replace", "path": "/spec/replicas", "value": "x"}]),
    ("to-invalid", [{"op": "replace", "path": "/spec/replicas", "value": -2}]),
    ("name-change", [{"op": "replace", "path": "/metadata/name", "value": "other"}]),
    ("not-json", "{"),
]
APPLIES = [
    ("create", "applied", "alice", {"data": {"a": "1", "b": "2"}}, ""),
    ("again", "applied", "alice", {"data": {"a": "1", "b": "2"}}, ""),
    ("conflict", "applied", "bob", {"data": {"a": "9"}}, ""),
    ("share", "applied", "bob", {"data": {"a": "1", "c": "3"}}, ""),
    ("drop-shared", "applied", "alice", {"data": {"b": "2"}}, ""),
    ("force", "applied", "carol", {"data": {"a": "7", "b": "8"}}, "&force=true"),
    ("conflict-two", "applied", "alice", {"data": {"a": "x", "b": "y"}}, ""),
    ("no-manager", "applied", "", {"data": {"a": "x"}}, ""),
    ("managed-fields", "applied", "alice", {"metadata": {"name": "applied", "managedFields": [{"manager": "x"}]}}, ""),
    ("wrong-name", "applied", "alice", {"metadata": {"name": "other"}}, ""),
    ("unknown-field", "applied", "alice", {"dato": {"a": "1"}}, ""),
    ("wrong-type", "applied", "alice", {"data": {"a": 5}}, ""),
]


def patches():
    one = f"/apis/apps/v1/namespaces/{NS}/deployments/patched"
    yield {"id": "patched-create", "method": "POST", "path": f"/apis/apps/v1/namespaces/{NS}/deployments", "body": object_of("deployment", "patched")}
    for what, body in STRATEGIC_PATCHES:
        yield patch(f"strategic-{what}", one, STRATEGIC, body)
    for what, body in JSON_PATCHES:
        yield patch(f"jsonpatch-{what}", one, JSON_PATCH, body)
    for what, body in [("replicas", {"spec": {"replicas": 1}}), ("null", {"spec": {"strategy": None}}), ("list", {"spec": {"template": {"spec": {"containers": [{"name": "only", "image": "o"}]}}}}),
                       ("wrong-type", {"spec": {"replicas": []}}), ("stale", {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}}), ("text", '"x"'), ("invalid", {"spec": {"replicas": -1}}), ("unknown", {"spec": {"nothing": 1}})]:
        yield patch(f"merge-{what}", one, MERGE, body)
    yield patch("patch-media", one, "application/x-unknown", {})
    yield patch("patch-absent", one + "x", MERGE, {})
    for what, name, manager, body, more in APPLIES:
        full = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **body}
        yield patch(f"apply-{what}", f"/api/v1/namespaces/{NS}/configmaps/{name}?x=1" + (f"&fieldManager={manager}" if manager else "") + more, APPLY, full)
    deployment = object_of("deployment", "ssa")
    path = f"/apis/apps/v1/namespaces/{NS}/deployments/ssa"
    yield patch("ssa-create", path + "?fieldManager=alice", APPLY, deployment)
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ssa"}, "spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "C", "value": "3"}], "ports": [{"containerPort": 9090, "name": "more"}]}]}}}}
    yield patch("ssa-add-env", path + "?fieldManager=bob", APPLY, other)
    image = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ssa"}, "spec": {"replicas": 9, "template": {"spec": {"containers": [{"name": "web", "image": "other:1"}]}}}}
    yield patch("ssa-conflict", path + "?fieldManager=carol", APPLY, image)
    yield patch("ssa-force", path + "?fieldManager=carol&force=true", APPLY, image)
    yield patch("ssa-drop", path + "?fieldManager=bob", APPLY, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ssa"}, "spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "C", "value": "3"}]}]}}}})
    yield patch("ssa-unknown-field", path + "?fieldManager=alice", APPLY, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ssa"}, "spec": {"replicos": 1}})
    yield patch("ssa-yaml-broken", path + "?fieldManager=alice", APPLY, "a: [")
    yield patch("ssa-duplicate-key", path + "?fieldManager=alice", APPLY, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ssa"}, "spec": {"template": {"spec": {"containers": [{"name": "web"}, {"name": "web"}]}}}})


def custom():
    base = f"/apis/judge.example.com/v1/namespaces/{NS}/things"
    def thing(name, spec):
        return {"apiVersion": "judge.example.com/v1", "kind": "Thing", "metadata": {"name": name}, "spec": spec}
    yield {"id": "cr-create", "method": "POST", "path": base, "body": thing("one", {"size": 3, "color": "red", "unknown": {"a": 1}}), "wait_ready": base}
    for what, spec in [("no-size", {}), ("size-text", {"size": "x"}), ("size-0", {"size": 0}), ("size-10", {"size": 10}), ("color", {"size": 1, "color": "green"}), ("tags", {"size": 1, "tags": "x"}), ("tag-number", {"size": 1, "tags": [1]}), ("float", {"size": 1.5})]:
        yield {"id": f"cr-wrong-{what}", "method": "POST", "path": base, "body": thing("wrong", spec)}
    yield {"id": "cr-get", "path": base + "/one"}
    yield {"id": "cr-table", "path": base, "headers": {"Accept": TABLE}}
    yield {"id": "cr-list", "path": base}
    yield patch("cr-merge", base + "/one", MERGE, {"spec": {"size": 4}})
    yield patch("cr-strategic", base + "/one", STRATEGIC, {"spec": {"size": 4}})
    yield patch("cr-json", base + "/one", JSON_PATCH, [{"op": "replace", "path": "/spec/size", "value": 5}])
    yield patch("cr-apply", base + "/one?fieldManager=a&force=true", APPLY, thing("one", {"size": 6}))
    yield patch("cr-status", base + "/one/status", MERGE, {"status": {"phase": "Done"}, "spec": {"size": 9}})
    yield {"id": "cr-scale", "path": base + "/one/scale"}
    yield {"id": "cr-discovery", "path": "/apis/judge.example.com/v1"}
    yield {"id": "cr-group", "path": "/apis/judge.example.com"}
    yield {"id": "cr-delete", "method": "DELETE", "path": base + "/one"}
    yield {"id": "cr-delete-again", "method": "DELETE", "path": base + "/one"}


def reads():
    pods = f"/api/v1/namespaces/{NS}/pods"
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    for i in range(5):
        yield {"id": f"page-create-{i}", "method": "POST", "path": maps, "body": {"metadata": {"name": f"page-{i}", "labels": {"page": "yes", "n": str(i)}}}}
    yield {"id": "page-0", "path": maps + "?limit=2&labelSelector=page"}
    yield {"id": "page-1", "path": maps + "?limit=2&labelSelector=page&continue={page-0:metadata.continue}"}
    yield {"id": "page-2", "path": maps + "?limit=2&labelSelector=page&continue={page-1:metadata.continue}"}
    yield {"id": "page-bad-continue", "path": maps + "?limit=2&continue=abc"}
    yield {"id": "page-continue-and-version", "path": maps + "?limit=2&resourceVersion=5&continue={page-0:metadata.continue}"}
    yield {"id": "page-negative-limit", "path": maps + "?limit=-2&labelSelector=page"}
    yield {"id": "page-text-limit", "path": maps + "?limit=x"}
    for what, query in [("match-without-version", "resourceVersionMatch=Exact"), ("match-unknown", "resourceVersionMatch=Mine&resourceVersion=1"), ("match-exact-0", "resourceVersionMatch=Exact&resourceVersion=0"),
                        ("match-with-continue", "resourceVersionMatch=Exact&resourceVersion=1&continue={page-0:metadata.continue}"), ("not-older-0", "resourceVersionMatch=NotOlderThan&resourceVersion=0&labelSelector=page"),
                        ("version-text", "resourceVersion=abc"), ("version-negative", "resourceVersion=-1"), ("version-future", "resourceVersion=99999999&timeoutSeconds=3"),
                        ("labels-bad", "labelSelector=a%3D%3D%3Db"), ("labels-bad-value", "labelSelector=a%3D-b-"), ("labels-in", "labelSelector=n%20in%20(1,2)"), ("labels-notin", "labelSelector=page,n%20notin%20(1,2)"), ("labels-not", "labelSelector=page,!missing"),
                        ("labels-gt", "labelSelector=n%3E2"), ("labels-open", "labelSelector=n%20in%20(1"), ("fields-bad", "fieldSelector=spec.color%3Dred"), ("fields-syntax", "fieldSelector=nothing"), ("fields-not", "fieldSelector=metadata.name!%3Dpage-1&labelSelector=page"), ("fields-two", "fieldSelector=metadata.name%3Dpage-1,metadata.namespace%3Djudge")]:
        yield {"id": f"list-{what}", "path": f"{maps}?{query}"}
    yield {"id": "pods-by-phase", "path": pods + "?fieldSelector=status.phase%3DPending"}
    yield {"id": "get-by-version-0", "path": maps + "/page-0?resourceVersion=0"}
    yield {"id": "get-yaml", "path": maps + "/page-0", "headers": {"Accept": "application/yaml"}}
    yield {"id": "get-any", "path": maps + "/page-0", "headers": {"Accept": "*/*"}}
    yield {"id": "get-406", "path": maps + "/page-0", "headers": {"Accept": "text/html"}}
    yield {"id": "get-table-none", "path": maps + "?labelSelector=page&includeObject=None", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-object", "path": maps + "?labelSelector=n%3D1&includeObject=Object", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-bad", "path": maps + "?labelSelector=n%3D1&includeObject=All", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-beta", "path": maps + "?labelSelector=n%3D1", "headers": {"Accept": "application/json;as=Table;v=v1beta1;g=meta.k8s.io"}}
    yield {"id": "list-metadata", "path": maps + "?labelSelector=page", "headers": {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}}
    yield {"id": "list-pretty", "path": maps + "?labelSelector=n%3D1&pretty=true"}
    for what, path in [("group", "/apis/nope.example.com/v1/things"), ("version", "/apis/apps/v9/deployments"), ("resource", "/api/v1/gadgets"), ("path", "/nothing/here"), ("api", "/api/v2"), ("trailing", maps + "/"),
                       ("double-slash", "/api//v1"), ("cluster-in-namespace", f"/api/v1/namespaces/{NS}/nodes"), ("namespaced-get", "/api/v1/pods/pod-1"), ("subresource-of-list", pods + "/a/b/c")]:
        yield {"id": f"absent-{what}", "path": path}
    for method, path in [("POST", maps + "/page-0"), ("PUT", maps), ("PATCH", maps), ("DELETE", "/version"), ("POST", "/healthz"), ("PUT", "/api/v1"), ("OPTIONS", maps), ("HEAD", maps + "/page-0"), ("TRACE", maps), ("POST", pods + "/pod-1/log"), ("DELETE", "/api/v1/componentstatuses/x")]:
        yield {"id": f"method-{method}-{path.rsplit('/', 1)[1]}", "method": method, "path": path, "body": None if method in ("HEAD", "OPTIONS", "DELETE", "TRACE") else {}}


def discovery():
    for path in ["/version", "/healthz", "/livez", "/readyz", "/healthz/ping", "/healthz/nothing", "/api", "/apis/apps", "/apis/nope", "/apis/apps/v9"]:
        yield {"id": "discovery" + path.replace("/", "-"), "path": path}
    for path in ["/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/storage.k8s.io/v1", "/apis/authorization.k8s.io/v1", "/apis/authentication.k8s.io/v1",
                 "/apis/autoscaling/v1", "/apis/coordination.k8s.io/v1", "/apis/apiextensions.k8s.io/v1", "/apis/scheduling.k8s.io/v1", "/apis/node.k8s.io/v1", "/apis/certificates.k8s.io/v1", "/apis/events.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"]:
        yield {"id": "discovery" + path.replace("/", "-"), "path": path}


def bodies():
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    for what, kind, body in [("empty", "application/json", ""), ("not-json", "application/json", "not json"), ("half", "application/json", '{"kind":'), ("text", "application/json", '"x"'), ("number", "application/json", "5"), ("null", "application/json", "null"),
                             ("no-kind", "application/json", '{"metadata":{"name":"no-kind"}}'), ("yaml", "application/yaml", "metadata: {name: from-yaml}\ndata: {a: b}\n"), ("yaml-broken", "application/yaml", "a: [b"), ("yaml-as-json", "application/json", "metadata: {name: x}"),
                             ("unknown-media", "application/x-thing", "{}"), ("no-media", "", '{"metadata":{"name":"no-media"}}'), ("charset", "application/json; charset=utf-8", '{"metadata":{"name":"charset"}}'), ("protobuf-garbage", "application/vnd.kubernetes.protobuf", "k8s"),
                             ("deep", "application/json", "[" * 20000), ("deep-object", "application/json", '{"a":' * 5000 + "1" + "}" * 5000), ("bad-utf8", "application/json", b'{"metadata":{"name":"utf8"},"data":{"a":"\xff\xfe"}}'), ("metadata-text", "application/json", '{"metadata":"x"}'),
                             ("nul", "application/json", '{"metadata":{"name":"a\\u0000b"}}'), ("trailing", "application/json", '{"metadata":{"name":"trailing"}} x'), ("duplicate", "application/json", '{"metadata":{"name":"dup-a","name":"dup-b"}}')]:
        yield {"id": f"body-{what}", "method": "POST", "path": maps, "headers": {"Content-Type": kind}, "body": body}
    yield {"id": "body-3mib", "method": "POST", "path": maps, "body": '{"metadata":{"name":"big"},"data":{"a":"' + "x" * (3 << 20) + '"}}'}
    yield {"id": "option-dry-run", "method": "POST", "path": maps + "?dryRun=Some", "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-manager-long", "method": "POST", "path": maps + "?fieldManager=" + "x" * 129, "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-namespace-absent", "method": "POST", "path": "/api/v1/namespaces/nowhere/configmaps", "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-delete-body", "method": "DELETE", "path": maps + "/page-0?dryRun=All", "body": {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Burn"}}
    yield {"id": "option-delete-grace", "method": "DELETE", "path": maps + "/page-0?dryRun=All&gracePeriodSeconds=x"}
    yield {"id": "option-delete-orphan-and-policy", "method": "DELETE", "path": maps + "/page-0?dryRun=All", "body": {"orphanDependents": True, "propagationPolicy": "Background"}}
    yield {"id": "option-delete-wrong-version", "method": "DELETE", "path": maps + "/page-0", "body": {"preconditions": {"resourceVersion": "1"}}}
    yield {"id": "option-delete-text", "method": "DELETE", "path": maps + "/page-0", "body": "nope"}


def access():
    yield {"id": "ssar", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"resourceAttributes": {"namespace": NS, "verb": "get", "resource": "pods"}}}}
    yield {"id": "ssar-empty", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {}}}
    yield {"id": "ssar-both", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}, "nonResourceAttributes": {"path": "/x", "verb": "get"}}}}
    yield {"id": "sar", "method": "POST", "path": "/apis/authorization.k8s.io/v1/subjectaccessreviews", "body": {"spec": {"user": "ann", "resourceAttributes": {"namespace": NS, "verb": "get", "resource": "pods"}}}}
    yield {"id": "sar-no-user", "method": "POST", "path": "/apis/authorization.k8s.io/v1/subjectaccessreviews", "body": {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}}
    yield {"id": "lsar", "method": "POST", "path": f"/apis/authorization.k8s.io/v1/namespaces/{NS}/localsubjectaccessreviews", "body": {"metadata": {"namespace": NS}, "spec": {"user": "ann", "resourceAttributes": {"namespace": "other", "verb": "get", "resource": "pods"}}}}
    yield {"id": "token-review", "method": "POST", "path": "/apis/authentication.k8s.io/v1/tokenreviews", "body": {"spec": {"token": "nope"}}}
    yield {"id": "review-get", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
    for user in ("ann", "none"):
        headers = {"Impersonate-User": "ann"} if user == "ann" else {"Impersonate-User": "system:anonymous"}
        for what, method, path in [("list", "GET", f"/api/v1/namespaces/{NS}/pods"), ("get", "GET", f"/api/v1/namespaces/{NS}/secrets/x"), ("nodes", "GET", "/api/v1/nodes"), ("create", "POST", f"/api/v1/namespaces/{NS}/configmaps"), ("path", "GET", "/metrics"), ("sub", "GET", f"/api/v1/namespaces/{NS}/pods/x/log"),
                                   ("group", "GET", f"/apis/apps/v1/namespaces/{NS}/deployments"), ("unknown", "GET", "/apis/nope.example.com/v1/x"), ("delete-all", "DELETE", f"/api/v1/namespaces/{NS}/pods"), ("version", "GET", "/version"), ("api", "GET", "/api")]:
            yield {"id": f"as-{user}-{what}", "method": method, "path": path, "headers": headers, "body": {} if method == "POST" else None}
    yield {"id": "as-group-only", "path": "/api/v1/nodes", "headers": {"Impersonate-Group": "dev"}}
    yield {"id": "bad-token", "path": "/api/v1/nodes", "user": "bad-token"}
    yield {"id": "clusterrole-view", "path": "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery"}


def streams():
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    yield {"id": "watch-base", "path": maps + "?labelSelector=watched"}
    yield {"id": "watch-create", "method": "POST", "path": maps, "body": {"metadata": {"name": "watched", "labels": {"watched": "yes"}}, "data": {"a": "1"}}}
    yield patch("watch-change", maps + "/watched", MERGE, {"data": {"a": "2"}})
    yield patch("watch-leave", maps + "/watched", MERGE, {"metadata": {"labels": {"watched": None}}})
    yield patch("watch-return", maps + "/watched", MERGE, {"metadata": {"labels": {"watched": "yes"}}})
    yield {"id": "watch-delete", "method": "DELETE", "path": maps + "/watched"}
    since = "{watch-base:metadata.resourceVersion}"
    yield {"id": "watch-all", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-by-name", "path": maps + f"?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-one-path", "path": f"/api/v1/watch/namespaces/{NS}/configmaps/watched?timeoutSeconds=1&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-table", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3, "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
    yield {"id": "watch-metadata", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3, "headers": {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}}
    yield {"id": "watch-initial", "path": maps + "?watch=1&timeoutSeconds=1&labelSelector=n%3D1", "watch": 3}
    yield {"id": "watch-old", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=1", "watch": 3}
    yield {"id": "watch-future", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=99999999", "watch": 3}
    yield {"id": "watch-text", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=x", "watch": 3}
    yield {"id": "watch-bad-labels", "path": maps + "?watch=1&timeoutSeconds=1&labelSelector=a%3D%3D%3D", "watch": 3}


def all_requests():
    yield from setup()
    yield from discovery()
    for kind in KINDS:
        yield from life(kind)
    yield from wrong()
    yield from immutable()
    yield from custom()
    yield from subresources()
    yield from patches()
    yield from reads()
    yield from bodies()
    yield from access()
    yield from streams()
    for kind in KINDS:
        yield from after_life(kind)


if __name__ == "__main__":
    every = list(all_requests())
    assert len({r["id"] for r in every}) == len(every), [i for i in {r["id"] for r in every} if sum(q["id"] == i for q in every) > 1]
    print(len(every), json.dumps(every[5])[:200])
