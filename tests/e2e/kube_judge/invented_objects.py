"""Objects that nobody has made before: definitions with every kind of schema, what their objects become, and what admission does to pods."""
from common import APPLY, JSON_PATCH, MERGE, TABLE, patch

HERE = "invented"
CORE = f"/api/v1/namespaces/{HERE}"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BOXES = f"/apis/inv.example.com/v1/namespaces/{HERE}/boxes"


def invented_objects():
    yield from definition()
    yield from boxes()
    yield from wrong_definitions()
    yield from security()
    yield from overhead()
    yield from numbers()
    yield from accounts()


def schema():
    return {"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 7}, "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0}, "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"}, "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "mode": {"type": "string", "nullable": True, "default": "plain"}, "port": {"x-kubernetes-int-or-string": True}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "half": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": {"type": "integer"}}}, "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
            "list": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "value": {"type": "integer", "default": 3}}}}, "when": {"type": "string", "format": "date-time"}, "mail": {"type": "string", "format": "email"}, "bytes": {"type": "string", "format": "byte"}, "uuid": {"type": "string", "format": "uuid"}, "ip": {"type": "string", "format": "ipv4"}, "uri": {"type": "string", "format": "uri"}, "span": {"type": "string", "format": "duration"}, "day": {"type": "string", "format": "date"},
            "big": {"type": "integer", "format": "int64"}, "small": {"type": "integer", "format": "int32"}, "even": {"type": "integer", "multipleOf": 2}, "flag": {"type": "boolean", "default": False}, "inner": {"type": "object", "default": {}, "properties": {"depth": {"type": "integer", "default": 1}}}, "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}, "one": {"type": "object", "maxProperties": 2, "minProperties": 1, "additionalProperties": True},
            "either": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "not": {"type": "string", "not": {"enum": ["bad"]}}, "any": {"type": "string", "anyOf": [{"minLength": 3}, {"enum": ["x"]}]}}},
        "status": {"type": "object", "properties": {"phase": {"type": "string"}, "replicas": {"type": "integer"}, "selector": {"type": "string"}, "conditions": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}, "status": {"type": "string"}}}}}}}}


def definition():
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}, {"name": "Ratio", "type": "number", "jsonPath": ".spec.ratio", "priority": 1}, {"name": "Flag", "type": "boolean", "jsonPath": ".spec.flag"}, {"name": "Color", "type": "string", "jsonPath": ".spec.color", "description": "its colour"}, {"name": "When", "type": "date", "jsonPath": ".spec.when"}, {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'}, {"name": "List", "type": "string", "jsonPath": ".spec.list"}, {"name": "First", "type": "string", "jsonPath": ".spec.list[0]"}, {"name": "All", "type": "string", "jsonPath": ".spec.map[*].name"}, {"name": "Port", "type": "string", "jsonPath": ".spec.port"}, {"name": "Labels", "type": "string", "jsonPath": ".spec.labels"}, {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    version = {"served": True, "schema": {"openAPIV3Schema": schema()}, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}}, "additionalPrinterColumns": columns, "selectableFields": [{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.size"}]}
    body = {"metadata": {"name": "boxes.inv.example.com"}, "spec": {"group": "inv.example.com", "scope": "Namespaced", "names": {"plural": "boxes", "singular": "box", "kind": "Box", "listKind": "BoxList", "shortNames": ["bx", "bxs"], "categories": ["all", "inv"]}, "versions": [{"name": "v1", "storage": True, **version}, {"name": "v1beta1", "storage": False, "deprecated": True, "deprecationWarning": "use v1", **{key: value for key, value in version.items() if key != "additionalPrinterColumns"}}]}}
    yield {"id": "inv-crd-make", "method": "POST", "path": DEFINITIONS, "body": body}
    yield {"id": "inv-crd-get", "path": f"{DEFINITIONS}/boxes.inv.example.com", "wait_ready": BOXES, "pause": 1}
    for path in ("/apis/inv.example.com", "/apis/inv.example.com/v1", "/apis/inv.example.com/v1beta1"):
        yield {"id": f"inv-crd-doc{path.replace('/', '-')}", "path": path}


def box(name, spec, **more):
    return {"apiVersion": "inv.example.com/v1", "kind": "Box", "metadata": {"name": name}, "spec": spec, **more}


def boxes():
    yield {"id": "inv-box-make", "method": "POST", "path": BOXES, "body": box("b", {"size": 2, "list": ["x", "y"], "map": [{"name": "m"}], "free": {"any": [1, None]}, "half": {"known": 1, "unknown": 2}, "extra": 1, "when": "2026-01-01T00:00:00Z", "port": "http", "labels": {"a": "b"}, "ratio": 0.5})}
    for what, spec in {"empty": {}, "null": None, "size-0": {"size": 0}, "size-text": {"size": "3"}, "size-float": {"size": 2.0}, "size-fraction": {"size": 2.5}, "size-huge": {"size": 10 ** 20}, "ratio-0": {"size": 1, "ratio": 0}, "name-short": {"size": 1, "name": "a"}, "name-long": {"size": 1, "name": "abcdef"}, "name-pattern": {"size": 1, "name": "AB"}, "color": {"size": 1, "color": "green"}, "color-null": {"size": 1, "color": None}, "mode-null": {"size": 1, "mode": None}, "port-bool": {"size": 1, "port": True}, "port-float": {"size": 1, "port": 1.5}, "labels-long": {"size": 1, "labels": {"a": "long"}}, "labels-number": {"size": 1, "labels": {"a": 1}}, "list-none": {"size": 1, "list": []}, "list-many": {"size": 1, "list": ["a", "b", "c", "d"]}, "list-twice": {"size": 1, "list": ["a", "a"]}, "list-null": {"size": 1, "list": [None]},
                       "map-twice": {"size": 1, "map": [{"name": "a"}, {"name": "a"}]}, "map-no-key": {"size": 1, "map": [{"value": 1}]}, "map-null": {"size": 1, "map": None}, "when-bad": {"size": 1, "when": "today"}, "mail-bad": {"size": 1, "mail": "x"}, "bytes-bad": {"size": 1, "bytes": "***"}, "uuid-bad": {"size": 1, "uuid": "x"}, "ip-bad": {"size": 1, "ip": "1.2.3"}, "uri-bad": {"size": 1, "uri": "::"}, "span-bad": {"size": 1, "span": "1 year"}, "day-bad": {"size": 1, "day": "2026-13-01"}, "big": {"size": 1, "big": 9223372036854775807}, "small": {"size": 1, "small": 2147483648}, "even": {"size": 1, "even": 3}, "flag-text": {"size": 1, "flag": "true"}, "inner-null": {"size": 1, "inner": None}, "inner-empty": {"size": 1, "inner": {}}, "embedded": {"size": 1, "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "nope": 1}}}, "embedded-no-kind": {"size": 1, "embedded": {"x": 1}}, "embedded-bad-name": {"size": 1, "embedded": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Bad_Name"}}},
                       "one-none": {"size": 1, "one": {}}, "one-three": {"size": 1, "one": {"a": 1, "b": 2, "c": 3}}, "either-none": {"size": 1, "either": {}}, "either-both": {"size": 1, "either": {"a": "1", "b": "2"}}, "not": {"size": 1, "not": "bad"}, "any": {"size": 1, "any": "yy"}, "many-wrong": {"size": 0, "name": "A", "color": "x", "even": 1, "list": []}}.items():
        yield {"id": f"inv-box-{what}", "method": "POST", "path": BOXES + "?dryRun=All", "body": box("x", spec)}
    yield {"id": "inv-box-no-spec", "method": "POST", "path": BOXES + "?dryRun=All", "body": {"apiVersion": "inv.example.com/v1", "kind": "Box", "metadata": {"name": "x"}}}
    yield {"id": "inv-box-strict", "method": "POST", "path": BOXES + "?dryRun=All&fieldValidation=Strict", "body": box("x", {"size": 1, "nope": 1, "map": [{"name": "a", "zz": 1}]}, colour=1)}
    yield {"id": "inv-box-warn", "method": "POST", "path": BOXES + "?dryRun=All", "body": box("x", {"size": 1, "nope": 1, "half": {"fine": 1}})}
    yield {"id": "inv-box-beta", "path": BOXES.replace("v1/", "v1beta1/") + "/b"}
    yield {"id": "inv-box-beta-make", "method": "POST", "path": BOXES.replace("v1/", "v1beta1/") + "?dryRun=All", "body": dict(box("x", {"size": 1}), apiVersion="inv.example.com/v1beta1")}
    yield {"id": "inv-box-beta-wrong", "method": "POST", "path": BOXES.replace("v1/", "v1beta1/") + "?dryRun=All", "body": box("x", {"size": 1})}
    for what, accept, path in [("list", TABLE, BOXES), ("one", TABLE, f"{BOXES}/b"), ("beta", TABLE, BOXES.replace("v1/", "v1beta1/"))]:
        yield {"id": f"inv-box-table-{what}", "path": path, "headers": {"Accept": accept}}
    for what, selector in [("color", "spec.color=red"), ("color-not", "spec.color!=red"), ("size", "spec.size=2"), ("size-other", "spec.size=3"), ("both", "spec.size=2,spec.color=red"), ("unknown", "spec.name=x"), ("name", "metadata.name=b")]:
        yield {"id": f"inv-box-select-{what}", "path": f"{BOXES}?fieldSelector={selector.replace('=', '%3D')}"}
    yield {"id": "inv-box-scale", "path": f"{BOXES}/b/scale"}
    yield patch("inv-box-scale-merge", f"{BOXES}/b/scale", MERGE, {"spec": {"replicas": 5}})
    yield patch("inv-box-scale-over", f"{BOXES}/b/scale", MERGE, {"spec": {"replicas": 500}})
    yield patch("inv-box-status", f"{BOXES}/b/status", MERGE, {"spec": {"size": 9}, "status": {"phase": "Up", "replicas": 2, "selector": "a=b", "nope": 1, "conditions": [{"type": "Ready", "status": "True"}]}})
    yield patch("inv-box-status-bad", f"{BOXES}/b/status", MERGE, {"status": {"replicas": "x"}})
    yield patch("inv-box-main-status", f"{BOXES}/b", MERGE, {"status": {"phase": "Down"}})
    yield {"id": "inv-box-scale-after", "path": f"{BOXES}/b/scale"}
    yield patch("inv-box-merge-null", f"{BOXES}/b?dryRun=All", MERGE, {"spec": {"size": None, "color": None, "mode": None}})
    yield patch("inv-box-json", f"{BOXES}/b?dryRun=All", JSON_PATCH, [{"op": "add", "path": "/spec/list/-", "value": "z"}, {"op": "remove", "path": "/spec/map/0"}])
    for what, manager, spec in [("make", "ann", {"size": 3, "list": ["p"], "map": [{"name": "a", "value": 1}]}), ("share", "bob", {"list": ["q"], "map": [{"name": "b"}]}), ("conflict", "bob", {"size": 4}), ("take", "ann", {"size": 3, "map": [{"name": "a"}]}), ("bad-type", "ann", {"size": "x"}), ("unknown", "ann", {"nope": 1}), ("twice", "ann", {"list": ["a", "a"]}), ("no-key", "ann", {"map": [{"value": 1}]})]:
        yield patch(f"inv-box-apply-{what}", f"{BOXES}/applied?fieldManager={manager}", APPLY, box("applied", spec))
    yield patch("inv-box-apply-status", f"{BOXES}/applied/status?fieldManager=ctl", APPLY, {"apiVersion": "inv.example.com/v1", "kind": "Box", "metadata": {"name": "applied"}, "spec": {"size": 50}, "status": {"phase": "Up"}})
    yield {"id": "inv-box-put", "method": "PUT", "path": f"{BOXES}/b", "body": box("b", {"size": 1})}
    yield {"id": "inv-box-put-version", "method": "PUT", "path": f"{BOXES}/b", "body": dict(box("b", {"size": 1}), metadata={"name": "b", "resourceVersion": "{inv-box-scale-after:metadata.resourceVersion}"})}
    yield {"id": "inv-box-delete", "method": "DELETE", "path": f"{BOXES}/b"}


def wrong_definitions():
    def asked(what, **schema_members):
        body = {"metadata": {"name": "wrongs.inv.example.com"}, "spec": {"group": "inv.example.com", "scope": "Namespaced", "names": {"plural": "wrongs", "kind": "Wrong"}, "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema_members}}}}]}}
        return {"id": f"inv-crd-wrong-{what}", "method": "POST", "path": DEFINITIONS + "?dryRun=All", "body": body}
    for what, members in {"default-type": {"type": "integer", "default": "x"}, "default-over": {"type": "integer", "maximum": 1, "default": 2}, "default-unknown": {"type": "object", "default": {"a": 1}}, "pattern": {"type": "string", "pattern": "("}, "format": {"type": "string", "format": "odd"}, "type": {"type": "text"}, "no-type": {"properties": {}}, "array-no-items": {"type": "array"}, "items-list": {"type": "array", "items": [{"type": "string"}]}, "both-properties": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}, "additional-false": {"type": "object", "additionalProperties": False}, "unique": {"type": "array", "uniqueItems": True, "items": {"type": "string"}}, "ref": {"$ref": "#/x"}, "nullable-default": {"type": "string", "nullable": False, "default": None}, "int-or-string-type": {"type": "string", "x-kubernetes-int-or-string": True}, "list-type": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "bag"}, "map-keys": {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}, "map-key-absent": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["b"]}, "set-of-objects": {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"}, "embedded-no-type": {"x-kubernetes-embedded-resource": True}, "preserve-false": {"type": "object", "x-kubernetes-preserve-unknown-fields": False}, "min-over-max": {"type": "integer", "minimum": 5, "maximum": 1}, "logic-type": {"type": "string", "anyOf": [{"type": "string"}]}, "map-type": {"type": "object", "x-kubernetes-map-type": "odd"}}.items():
        yield asked(what, **members)


def pod(name, spec=None, **container):
    return {"metadata": {"name": name}, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1", **container}], **(spec or {})}}


def security():
    for level in ("baseline", "restricted"):
        space = f"inv-{level}"
        yield {"id": f"inv-psa-{level}-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": space, "labels": {"pod-security.kubernetes.io/enforce": level, "pod-security.kubernetes.io/warn": "restricted", "pod-security.kubernetes.io/audit": "restricted"}}}}
        yield {"id": f"inv-psa-{level}-account", "method": "POST", "path": f"/api/v1/namespaces/{space}/serviceaccounts", "body": {"metadata": {"name": "default"}}, "pause": 1}
        good = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        for what, body in {"plain": pod("p"), "good": pod("p", securityContext=good), "privileged": pod("p", securityContext={"privileged": True}), "host-network": pod("p", {"hostNetwork": True}), "host-pid": pod("p", {"hostPID": True, "hostIPC": True}), "host-path": pod("p", {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}), "host-port": pod("p", ports=[{"containerPort": 80, "hostPort": 80}]), "caps-add": pod("p", securityContext={"capabilities": {"add": ["SYS_ADMIN", "NET_RAW"]}}), "caps-bind": pod("p", securityContext={**good, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}), "proc-mount": pod("p", securityContext={"procMount": "Unmasked"}), "seccomp": pod("p", securityContext={"seccompProfile": {"type": "Unconfined"}}), "selinux": pod("p", {"securityContext": {"seLinuxOptions": {"user": "u", "type": "x"}}}), "sysctl": pod("p", {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}), "root": pod("p", securityContext={**good, "runAsUser": 0}), "windows": pod("p", {"securityContext": {"windowsOptions": {"hostProcess": True}}}), "apparmor": pod("p", {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}), "nfs": pod("p", {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, "volumes": [{"name": "n", "nfs": {"server": "s", "path": "/p"}}]}, securityContext=good),
                           "init": pod("p", {"initContainers": [{"name": "i", "image": "i:1", "securityContext": {"privileged": True}}]}, securityContext=good)}.items():
            yield {"id": f"inv-psa-{level}-{what}", "method": "POST", "path": f"/api/v1/namespaces/{space}/pods?dryRun=All", "body": body}
        yield {"id": f"inv-psa-{level}-deployment", "method": "POST", "path": f"/apis/apps/v1/namespaces/{space}/deployments?dryRun=All", "body": {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}}}}}
    for what, labels in {"level-bad": {"pod-security.kubernetes.io/enforce": "strict"}, "version-bad": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "1.20"}, "version": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.25"}, "tighten": {"pod-security.kubernetes.io/enforce": "restricted"}}.items():
        yield patch(f"inv-psa-label-{what}", f"/api/v1/namespaces/{HERE}?dryRun=All", MERGE, {"metadata": {"labels": labels}})


def overhead():
    yield {"id": "inv-rc-make", "method": "POST", "path": "/apis/node.k8s.io/v1/runtimeclasses", "body": {"metadata": {"name": "inv-rc"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m", "memory": "120Mi"}}, "scheduling": {"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata", "operator": "Exists"}]}}, "pause": 1}
    for what, spec in {"plain": {"runtimeClassName": "inv-rc"}, "absent": {"runtimeClassName": "absent"}, "overhead-same": {"runtimeClassName": "inv-rc", "overhead": {"cpu": "250m", "memory": "120Mi"}}, "overhead-other": {"runtimeClassName": "inv-rc", "overhead": {"cpu": "1"}}, "overhead-no-class": {"overhead": {"cpu": "1"}}, "selector-same": {"runtimeClassName": "inv-rc", "nodeSelector": {"kata": "yes", "x": "y"}}, "selector-other": {"runtimeClassName": "inv-rc", "nodeSelector": {"kata": "no"}}, "toleration": {"runtimeClassName": "inv-rc", "tolerations": [{"key": "kata", "operator": "Exists"}]}}.items():
        yield {"id": f"inv-rc-{what}", "method": "POST", "path": f"{CORE}/pods?dryRun=All", "body": pod("rc", spec)}
    for what, spec in {"absent": {"priorityClassName": "absent"}, "number": {"priority": 5}, "both": {"priorityClassName": "system-cluster-critical", "priority": 5}, "system": {"priorityClassName": "system-node-critical"}, "preemption": {"preemptionPolicy": "Never"}}.items():
        yield {"id": f"inv-pc-{what}", "method": "POST", "path": f"{CORE}/pods?dryRun=All", "body": pod("pc", spec)}


def numbers():
    """Quantities in every notation: a server gives them back in its own."""
    for number, text in enumerate(["1000m", "0.5", "1.5Gi", "1024Mi", "1e3", "1E3", "1e-3", "100000000000m", "1.0", "01", "+5", "-0", "0.1", "1n", "1u", "1500u", "999m", "1023Ki", "0.5Ki", "1.5", "1k", "1000k", "1024Ki", "1M", "1e9", "2E", "9223372036854775807", "1Ei", "0Gi", "0m", 2, 0.25, 1500, "100Gi", "1e2", "12e6", "0.000000001", "0.0000000001", "1 ", " 1", "1K", "1gi", ".5", "5.", "1e", "1e3Mi", "--1", "1.2.3"]):
        yield {"id": f"inv-num-{number}", "method": "POST", "path": f"{CORE}/pods?dryRun=All", "body": pod("n", resources={"limits": {"memory": text}})}
        yield {"id": f"inv-num-claim-{number}", "method": "POST", "path": f"{CORE}/persistentvolumeclaims?dryRun=All", "body": {"metadata": {"name": "n"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": text}}}}}


def accounts():
    yield {"id": "inv-sa-make", "method": "POST", "path": f"{CORE}/serviceaccounts", "body": {"metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "reg"}], "secrets": [{"name": "ok"}]}, "pause": 0.5}
    for what, spec in {"absent": {"serviceAccountName": "absent"}, "pull": {"serviceAccountName": "puller"}, "pull-own": {"serviceAccountName": "puller", "imagePullSecrets": [{"name": "mine"}]}, "mount": {"serviceAccountName": "puller", "automountServiceAccountToken": True}, "old-name": {"serviceAccount": "puller"}, "both": {"serviceAccount": "default", "serviceAccountName": "puller"}}.items():
        body = pod("sa", spec)
        yield {"id": f"inv-sa-{what}", "method": "POST", "path": f"{CORE}/pods?dryRun=All", "body": body}
