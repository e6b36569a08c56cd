"""What nobody asked before: every kind applied by two, selected, patched and deleted on trial; warnings; watches that objects enter and leave; schemas."""
import copy

from common import APPLY, DROP, JSON_PATCH, MERGE, STRATEGIC, TABLE, object_of, patch, set_at
from kinds import KINDS, POD, template

HERE = "breadth"
META = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
METAS = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
# Kinds whose objects would stand in each other's way, or in the way of what follows.
LEFT_OUT = ("nodeport", "headless", "external", "namespace", "definition", "quota", "limitrange", "newevent", "revision")


def where(kind):
    prefix, plural, _, _, namespaced, _ = KINDS[kind]
    return f"{prefix}/namespaces/{HERE}/{plural}" if namespaced else f"{prefix}/{plural}"


def breadth():
    yield {"id": "breadth-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": HERE}}}
    yield {"id": "breadth-account", "method": "POST", "path": f"/api/v1/namespaces/{HERE}/serviceaccounts", "body": {"metadata": {"name": "default"}}}
    for kind in KINDS:
        if kind not in LEFT_OUT:
            yield from applied(kind)
    yield from lists()
    yield from fields()
    yield from pages()
    yield from watches()
    yield from warned()
    yield from schemas()
    yield from mixed()


def applied(kind):
    """One object that two appliers share, then on trial whatever can be done to it."""
    name = f"br-{kind}"
    whole = object_of(kind, name)
    if kind in ("event", "endpoints"):
        whole = copy.deepcopy(whole)
        for member in ("involvedObject",):
            if member in whole:
                whole[member]["namespace"] = HERE
    one = f"{where(kind)}/{name}"
    small = {"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": {"name": name}}
    yield patch(f"br-{kind}-apply", one + "?fieldManager=ann", APPLY, whole)
    yield patch(f"br-{kind}-apply-same", one + "?fieldManager=ann", APPLY, whole)
    yield patch(f"br-{kind}-apply-bob", one + "?fieldManager=bob", APPLY, dict(small, metadata={"name": name, "labels": {"app": "bob", "own": "x"}}))
    yield patch(f"br-{kind}-apply-bob-force", one + "?fieldManager=bob&force=true", APPLY, dict(small, metadata={"name": name, "labels": {"app": "bob", "own": "x"}}))
    yield patch(f"br-{kind}-apply-ann-again", one + "?fieldManager=ann&dryRun=All", APPLY, whole)
    yield patch(f"br-{kind}-apply-nothing", one + "?fieldManager=bob", APPLY, small)
    yield patch(f"br-{kind}-merge-dry", one + "?dryRun=All&fieldManager=carl", MERGE, {"metadata": {"annotations": {"a": "b"}, "labels": {"app": None}, "finalizers": ["example.com/hold"]}})
    yield patch(f"br-{kind}-json-dry", one + "?dryRun=All", JSON_PATCH, [{"op": "copy", "from": "/metadata/name", "path": "/metadata/labels/copied"}, {"op": "test", "path": "/metadata/name", "value": name}])
    yield patch(f"br-{kind}-strategic-dry", one + "?dryRun=All", STRATEGIC, {"metadata": {"labels": {"$patch": "replace", "only": "this"}}})
    yield patch(f"br-{kind}-version-stale", one, MERGE, {"metadata": {"resourceVersion": "1"}})
    yield {"id": f"br-{kind}-delete-dry", "method": "DELETE", "path": one + "?dryRun=All&propagationPolicy=Foreground"}
    yield {"id": f"br-{kind}-delete-many-dry", "method": "DELETE", "path": where(kind) + "?dryRun=All&labelSelector=app%3Dbob"}
    yield {"id": f"br-{kind}-select", "path": where(kind) + "?labelSelector=app%20in%20(bob)%2C!absent", "headers": {"Accept": METAS}}


def lists():
    """Server-side apply of lists that are merged: elements of two owners, taken out by one."""
    base = f"/apis/apps/v1/namespaces/{HERE}/deployments"
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "br-lists"}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "x:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}, {"name": "b", "image": "y:1"}]}}}
    one = base + "/br-lists"

    def ask(what, manager, containers, more="", **other):
        return patch(f"br-lists-{what}", f"{one}?fieldManager={manager}{more}", APPLY, dict(deployment, spec={"template": {"spec": {"containers": containers, **other}}}))
    yield patch("br-lists-make", one + "?fieldManager=ann", APPLY, dict(deployment, spec=spec))
    yield ask("add-env", "bob", [{"name": "a", "env": [{"name": "B", "value": "2"}]}])
    yield ask("add-container", "bob", [{"name": "c", "image": "z:1"}, {"name": "a", "env": [{"name": "B", "value": "2"}]}])
    yield ask("image-conflict", "bob", [{"name": "a", "image": "x:2"}])
    yield ask("two-conflicts", "bob", [{"name": "a", "image": "x:2"}, {"name": "b", "image": "y:2"}])
    yield ask("image-force", "bob", [{"name": "a", "image": "x:2"}], "&force=true")
    yield ask("container-gone", "bob", [])
    yield ask("no-name", "bob", [{"image": "x:2"}])
    yield ask("name-twice", "bob", [{"name": "a"}, {"name": "a"}])
    yield ask("port-no-protocol", "bob", [{"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81}]}])
    yield ask("tolerations", "bob", [], "", tolerations=[{"key": "k", "operator": "Exists"}])
    yield ask("pull-secrets", "bob", [], "", imagePullSecrets=[{"name": "s"}, {"name": "t"}])
    yield ask("volumes", "bob", [], "", volumes=[{"name": "v", "emptyDir": {}}])
    yield ask("volume-other", "carl", [], "", volumes=[{"name": "v", "configMap": {"name": "c"}}])
    yield patch("br-lists-env-strategic", one, STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "A", "$patch": "delete"}, {"name": "C", "value": "3"}]}]}}}})
    yield patch("br-lists-env-merge", one, MERGE, {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x:3"}]}}}})
    yield patch("br-lists-replicas", one + "/scale", MERGE, {"spec": {"replicas": 4}})
    yield patch("br-lists-replicas-conflict", one + "?fieldManager=ann", APPLY, dict(deployment, spec=dict(spec, replicas=2)))
    yield patch("br-lists-scale-apply", one + "/scale?fieldManager=hpa", APPLY, {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "br-lists"}, "spec": {"replicas": 5}})
    yield patch("br-lists-status-apply", one + "/status?fieldManager=ctl", APPLY, dict(deployment, status={"conditions": [{"type": "Available", "status": "True"}], "replicas": 1}))
    yield patch("br-lists-status-other", one + "/status?fieldManager=ctl2", APPLY, dict(deployment, status={"conditions": [{"type": "Available", "status": "False"}]}))
    yield {"id": "br-lists-get", "path": one}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "br-ports"}}
    ports = f"/api/v1/namespaces/{HERE}/services/br-ports"
    yield patch("br-ports-make", ports + "?fieldManager=ann", APPLY, dict(service, spec={"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81, "protocol": "UDP"}]}))
    yield patch("br-ports-add", ports + "?fieldManager=bob", APPLY, dict(service, spec={"ports": [{"name": "c", "port": 82, "protocol": "TCP"}]}))
    yield patch("br-ports-no-protocol", ports + "?fieldManager=bob", APPLY, dict(service, spec={"ports": [{"name": "a2", "port": 80}]}))
    yield patch("br-ports-take", ports + "?fieldManager=ann", APPLY, dict(service, spec={"ports": [{"name": "b", "port": 81, "protocol": "UDP"}]}))
    account = f"/api/v1/namespaces/{HERE}/serviceaccounts/br-owner"
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "br-owner"}}
    yield patch("br-owner-make", account + "?fieldManager=ann", APPLY, dict(owner, secrets=[{"name": "x"}], imagePullSecrets=[{"name": "p"}]))
    yield patch("br-owner-finalizers", account + "?fieldManager=bob", APPLY, dict(owner, metadata={"name": "br-owner", "finalizers": ["example.com/a", "example.com/b"]}))
    yield patch("br-owner-finalizers-one", account + "?fieldManager=bob", APPLY, dict(owner, metadata={"name": "br-owner", "finalizers": ["example.com/b"]}))
    yield patch("br-owner-finalizers-none", account + "?fieldManager=bob", APPLY, owner)
    yield patch("br-owner-managed", account + "?fieldManager=ann", APPLY, dict(owner, metadata={"name": "br-owner", "managedFields": [{"manager": "x"}]}))
    yield patch("br-owner-managed-reset", account, MERGE, {"metadata": {"managedFields": [{}]}})
    yield patch("br-owner-managed-null", account, MERGE, {"metadata": {"managedFields": None}})
    yield patch("br-owner-managed-bad", account, MERGE, {"metadata": {"managedFields": [{"manager": "x", "operation": "Move"}]}})


FIELDS = [("configmap", "metadata.namespace%3Dbreadth"), ("configmap", "metadata.name!%3Dx"), ("configmap", "data.a%3D1"), ("pod", "status.phase%3DPending"), ("pod", "spec.nodeName%3D"), ("pod", "spec.restartPolicy%3DAlways"),
          ("pod", "spec.serviceAccountName%3Ddefault"), ("pod", "spec.schedulerName!%3Dx"), ("pod", "status.podIP%3D"), ("pod", "spec.hostNetwork%3Dfalse"), ("pod", "status.nominatedNodeName%3D"), ("pod", "spec.nope%3D1"),
          ("event", "involvedObject.kind%3DPod"), ("event", "type%3DNormal%2Creason%3DTest"), ("event", "source%3Djudge"), ("event", "reportingComponent%3D"), ("event", "involvedObject.name%3Dweb"), ("event", "message%3Dx"),
          ("secret", "type%3DOpaque"), ("secret", "type!%3DOpaque"), ("namespace", "status.phase%3DActive"), ("node", "spec.unschedulable%3Dfalse"), ("node", "status.phase%3DReady"),
          ("replicaset", "status.replicas%3D0"), ("controller", "status.replicas%3D0"), ("job", "status.successful%3D0"), ("service", "spec.clusterIP%3DNone"), ("service", "spec.type%3DClusterIP"),
          ("deployment", "metadata.name%3Dx"), ("deployment", "spec.replicas%3D3"), ("ingress", "metadata.name%3D%3Dx"), ("role", "a%3Db"), ("claim", "status.phase%3DPending"), ("volume", "metadata.name%3Dx"), ("csidriver", "metadata.name%3Dx")]


def fields():
    for number, (kind, selector) in enumerate(FIELDS):
        base = where(kind) if kind != "namespace" else "/api/v1/namespaces"
        yield {"id": f"br-field-{number}-{kind}", "path": f"{base}?fieldSelector={selector}&labelSelector=app%3Dnone"}
    for what, selector in [("in-empty", "a%20in%20()"), ("notin", "app%20notin%20(bob)%2Cown"), ("gt", "n%3E1"), ("gt-text", "n%3Ex"), ("double", "a%3D%3Db%2C%2Cc"), ("slash", "a%2Fb%2Fc%3Dd"), ("long", "a%3D" + "x" * 64), ("exists-not", "!app"), ("bang-value", "!app%3Dx"),
                           ("spaces", "%20app%20%3D%20bob%20"), ("in-one", "app%20in%20(bob%2C)"), ("upper-in", "app%20IN%20(bob)"), ("paren", "app%20in%20(bob"), ("empty-value", "app%3D"), ("comma", "app%3Dbob%2C")]:
        yield {"id": f"br-labels-{what}", "path": f"{where('configmap')}?labelSelector={selector}"}


def pages():
    maps = where("configmap")
    for n in range(5):
        yield {"id": f"br-page-make-{n}", "method": "POST", "path": maps, "body": {"metadata": {"name": f"br-page-{n}", "labels": {"page": "yes", "odd": "yes" if n % 2 else "no"}}}}
    first = maps + "?labelSelector=page&limit=2"
    yield {"id": "br-page-1", "path": first}
    yield {"id": "br-page-2", "path": first + "&continue={br-page-1:metadata.continue}"}
    yield {"id": "br-page-3", "path": first + "&continue={br-page-2:metadata.continue}"}
    yield {"id": "br-page-odd-1", "path": maps + "?labelSelector=odd%3Dyes&limit=1"}
    yield {"id": "br-page-odd-2", "path": maps + "?labelSelector=odd%3Dyes&limit=1&continue={br-page-odd-1:metadata.continue}"}
    yield {"id": "br-page-odd-3", "path": maps + "?labelSelector=odd%3Dyes&limit=1&continue={br-page-odd-2:metadata.continue}"}
    yield {"id": "br-page-delete", "method": "DELETE", "path": maps + "/br-page-3"}
    yield {"id": "br-page-2-again", "path": first + "&continue={br-page-1:metadata.continue}"}
    yield {"id": "br-page-version", "path": first + "&continue={br-page-1:metadata.continue}&resourceVersion=1"}
    yield {"id": "br-page-match", "path": first + "&continue={br-page-1:metadata.continue}&resourceVersionMatch=Exact"}
    yield {"id": "br-page-version-0", "path": first + "&continue={br-page-1:metadata.continue}&resourceVersion=0"}
    yield {"id": "br-page-table", "path": first + "&continue={br-page-1:metadata.continue}", "headers": {"Accept": TABLE}}
    yield {"id": "br-page-exact", "path": first + "&resourceVersion={br-page-make-4:metadata.resourceVersion}&resourceVersionMatch=Exact"}
    yield {"id": "br-page-exact-more", "path": first + "&continue={br-page-exact:metadata.continue}"}
    yield {"id": "br-page-other-kind", "path": where("secret") + "?limit=1&continue={br-page-1:metadata.continue}"}
    yield {"id": "br-page-all-namespaces", "path": "/api/v1/configmaps?labelSelector=page&limit=3"}
    yield {"id": "br-page-all-namespaces-2", "path": "/api/v1/configmaps?labelSelector=page&limit=3&continue={br-page-all-namespaces:metadata.continue}"}
    yield {"id": "br-page-negative", "path": first.replace("limit=2", "limit=-1")}
    yield {"id": "br-page-delete-limit", "method": "DELETE", "path": maps + "?labelSelector=page&limit=2"}
    yield {"id": "br-page-delete-rest", "method": "DELETE", "path": maps + "?labelSelector=page&fieldSelector=metadata.name!%3Dbr-page-4"}
    yield {"id": "br-page-delete-left", "path": maps + "?labelSelector=page"}
    yield {"id": "br-page-delete-body", "method": "DELETE", "path": maps + "?labelSelector=page", "body": {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"], "gracePeriodSeconds": 0, "propagationPolicy": "Orphan"}}


def watches():
    pods = where("pod")
    yield {"id": "br-watch-base", "path": pods + "?labelSelector=watched"}
    since = "{br-watch-base:metadata.resourceVersion}"
    yield {"id": "br-watch-make", "method": "POST", "path": pods, "body": {"metadata": {"name": "br-w1", "labels": {"watched": "a"}}, "spec": POD}}
    yield {"id": "br-watch-make-2", "method": "POST", "path": pods, "body": {"metadata": {"name": "br-w2", "labels": {"watched": "b"}}, "spec": POD}}
    yield patch("br-watch-change", pods + "/br-w1", MERGE, {"metadata": {"labels": {"watched": "b"}}})
    yield patch("br-watch-change-2", pods + "/br-w2", MERGE, {"metadata": {"labels": {"watched": "a"}}})
    yield patch("br-watch-phase", pods + "/br-w2/status", MERGE, {"status": {"phase": "Running", "podIP": "10.1.2.3"}})
    yield patch("br-watch-phase-2", pods + "/br-w2/status", MERGE, {"status": {"phase": "Failed"}})
    yield {"id": "br-watch-delete", "method": "DELETE", "path": pods + "/br-w1?gracePeriodSeconds=0"}
    yield {"id": "br-watch-delete-2", "method": "DELETE", "path": pods + "/br-w2?gracePeriodSeconds=0"}
    for what, query in [("label-a", "labelSelector=watched%3Da"), ("label-b", "labelSelector=watched%3Db"), ("label-not-a", "labelSelector=watched%2Cwatched!%3Da"), ("phase-running", "fieldSelector=status.phase%3DRunning"), ("phase-not-failed", "fieldSelector=status.phase!%3DFailed"),
                        ("both", "labelSelector=watched%3Da&fieldSelector=status.phase%3DFailed"), ("ip", "fieldSelector=status.podIP%3D10.1.2.3"), ("node", "fieldSelector=spec.nodeName%3Dn1")]:
        yield {"id": f"br-watch-{what}", "path": f"{pods}?watch=1&timeoutSeconds=1&{query}&resourceVersion={since}", "watch": 3}
    yield {"id": "br-watch-table", "path": f"{pods}?watch=1&timeoutSeconds=1&labelSelector=watched%3Db&resourceVersion={since}", "watch": 3, "headers": {"Accept": META}}
    yield {"id": "br-watch-list", "path": pods + "?watch=1&timeoutSeconds=1&labelSelector=watched&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=false", "watch": 3}
    yield {"id": "br-watch-one", "path": f"/api/v1/watch/namespaces/{HERE}/pods/br-w1?timeoutSeconds=1&resourceVersion={since}", "watch": 3}


def pod_with(**more):
    spec = copy.deepcopy(POD)
    spec.update(more)
    return spec


def warned():
    """Objects that are taken, with a Warning."""
    pods, maps = where("pod") + "?dryRun=All", where("deployment") + "?dryRun=All"
    c = copy.deepcopy(POD["containers"][0])
    cases = {"node-selector": pod_with(nodeSelector={"beta.kubernetes.io/os": "linux"}), "arch": pod_with(nodeSelector={"beta.kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}),
             "env-twice": pod_with(containers=[dict(c, env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])]), "env-extends": pod_with(containers=[dict(c, env=[{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)/2"}])]),
             "port-twice": pod_with(containers=[dict(c, ports=[{"containerPort": 80}, {"containerPort": 80, "name": "x"}])]), "port-overlap": pod_with(containers=[dict(c, ports=[{"containerPort": 80}, {"containerPort": 80, "hostPort": 80}])]),
             "port-sidecar": pod_with(containers=[dict(c, ports=[{"containerPort": 80}]), {"name": "b", "image": "b:1", "ports": [{"containerPort": 80}]}]), "fraction": pod_with(containers=[dict(c, resources={"limits": {"memory": "128500m"}})]),
             "pull-twice": pod_with(imagePullSecrets=[{"name": "a"}, {"name": "a"}]), "pull-empty": pod_with(imagePullSecrets=[{"name": ""}]), "aliases": pod_with(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["a"]}, {"ip": "10.0.0.1", "hostnames": ["b"]}]),
             "spread": pod_with(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "failure-domain.beta.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}]),
             "affinity": pod_with(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}}),
             "node-affinity": pod_with(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "beta.kubernetes.io/instance-type", "operator": "Exists"}]}]}}}),
             "git": pod_with(volumes=[{"name": "config", "gitRepo": {"repository": "x"}}]), "grace": pod_with(terminationGracePeriodSeconds=-5)}
    for what, spec in cases.items():
        yield {"id": f"br-warn-pod-{what}", "method": "POST", "path": pods, "body": {"metadata": {"name": "warned"}, "spec": spec}}
        yield {"id": f"br-warn-deployment-{what}", "method": "POST", "path": maps, "body": {"metadata": {"name": "warned"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template(spec, {"a": "b"})}}}
    yield {"id": "br-warn-pod-dots", "method": "POST", "path": pods, "body": {"metadata": {"name": "a.b"}, "spec": POD}}
    yield {"id": "br-warn-pod-long", "method": "POST", "path": pods, "body": {"metadata": {"name": "a" * 64}, "spec": POD}}
    yield {"id": "br-warn-deployment-dots", "method": "POST", "path": maps, "body": {"metadata": {"name": "a.b"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template(POD, {"a": "b"})}}}
    yield {"id": "br-warn-pod-note", "method": "POST", "path": pods, "body": {"metadata": {"name": "warned", "annotations": {"scheduler.alpha.kubernetes.io/critical-pod": "", "seccomp.security.alpha.kubernetes.io/pod": "runtime/default"}}, "spec": POD}}
    plain = [("claim", "class", {"metadata": {"name": "w", "annotations": {"volume.beta.kubernetes.io/storage-class": "x"}}}), ("volume", "note", {"metadata": {"name": "w", "annotations": {"volume.beta.kubernetes.io/mount-options": "x"}}}),
             ("ingress", "class", {"metadata": {"name": "w", "annotations": {"kubernetes.io/ingress.class": "nginx"}}}), ("node", "external", {"spec": {"externalID": "x"}}), ("secret", "tls", {"type": "kubernetes.io/tls", "data": {"tls.crt": "eA==", "tls.key": "eA=="}, "stringData": None}),
             ("service", "external-name", {"spec": {"externalName": "x.example.com", "ports": [{"port": 80}]}}), ("service", "external-ips", {"spec": {"type": "ExternalName", "externalName": "x.example.com", "externalIPs": ["192.0.2.1"]}}), ("volume", "recycle", {"spec": dict(KINDS["volume"][5]["spec"], persistentVolumeReclaimPolicy="Recycle")})]
    for kind, what, more in plain:
        body = object_of(kind, "w")
        body.update(copy.deepcopy(more))
        if kind == "ingress":
            body["spec"].pop("ingressClassName")
        yield {"id": f"br-warn-{kind}-{what}", "method": "POST", "path": where(kind) + "?dryRun=All", "body": body}


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GADGET = {"type": "object", "properties": {
    "spec": {"type": "object", "properties": {
        "mode": {"type": "string", "enum": ["on", "off"], "default": "on"}, "count": {"type": "integer", "format": "int32"}, "rate": {"type": "number", "maximum": 10}, "on": {"type": "boolean", "default": False},
        "inner": {"type": "object", "default": {}, "properties": {"deep": {"type": "string", "default": "d"}, "keep": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}},
        "list": {"type": "array", "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "integer", "default": 7}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
        "plain": {"type": "array", "items": {"type": "string"}}, "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, "atom": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}}, "email": {"type": "string", "format": "email"}, "when": {"type": "string", "format": "date-time"}, "template": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}, "port": {"x-kubernetes-int-or-string": True},
        "any": {"anyOf": [{"minLength": 3}, {"pattern": "^x"}], "type": "string"}, "not": {"type": "string", "not": {"pattern": "^z"}}}},
    "status": {"type": "object", "properties": {"phase": {"type": "string"}, "ready": {"type": "integer", "minimum": 0}, "conditions": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"], "items": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}, "status": {"type": "string"}}}}}}}}


def definition(plural, kind, schema, scope="Namespaced", group="breadth.example.com", **version):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": scope, "names": {"plural": plural, "kind": kind}, "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}]}}


def schemas():
    base = f"/apis/breadth.example.com/v1/namespaces/{HERE}/gadgets"
    whole = definition("gadgets", "Gadget", GADGET, subresources={"status": {}}, additionalPrinterColumns=[{"name": "Mode", "type": "string", "jsonPath": ".spec.mode"}, {"name": "First", "type": "string", "jsonPath": ".spec.plain[0]"}, {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}])
    yield {"id": "br-crd-make", "method": "POST", "path": CRDS, "body": whole}

    def gadget(name, spec, **more):
        return {"apiVersion": "breadth.example.com/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": spec, **more}
    yield {"id": "br-crd-first", "method": "POST", "path": base, "body": gadget("g", {"inner": {"keep": {"x": 1}, "gone": 2}, "list": [{"k": "a"}], "plain": ["p", "q"], "extra": True}, other=1, status={"phase": "x"}), "wait_ready": base}
    yield {"id": "br-crd-empty", "method": "POST", "path": base, "body": gadget("empty", {})}
    yield {"id": "br-crd-no-spec", "method": "POST", "path": base, "body": {"apiVersion": "breadth.example.com/v1", "kind": "Gadget", "metadata": {"name": "bare"}}}
    yield {"id": "br-crd-table", "path": base, "headers": {"Accept": TABLE}}
    yield {"id": "br-crd-metadata", "path": base, "headers": {"Accept": METAS}}
    yield {"id": "br-crd-yaml", "path": base + "/none", "headers": {"Accept": "application/yaml"}}
    bad = {"mode": {"mode": "up"}, "count": {"count": 2147483648}, "count-text": {"count": "1"}, "rate": {"rate": 11}, "rate-text": {"rate": "x"}, "on-number": {"on": 1}, "inner-list": {"inner": []}, "list-object": {"list": {}}, "list-no-key": {"list": [{"v": 1}]}, "list-twice": {"list": [{"k": "a"}, {"k": "a"}]}, "plain-number": {"plain": [1]},
           "set-twice": {"set": ["a", "a"]}, "map-text": {"map": {"a": "b"}}, "email": {"email": "nobody"}, "when": {"when": "today"}, "template": {"template": {"x": 1}}, "template-kind": {"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "A B"}}}, "port-list": {"port": []}, "any": {"any": "ab"}, "any-fits": {"any": "xy"}, "not": {"not": "zoo"}, "null-mode": {"mode": None}, "null-list": {"list": None}, "two": {"mode": "up", "rate": 11, "count": "x"}}
    for what, spec in bad.items():
        yield {"id": f"br-crd-bad-{what}", "method": "POST", "path": base + "?dryRun=All", "body": gadget("bad", spec)}
        yield patch(f"br-crd-patch-{what}", base + "/g?dryRun=All", MERGE, {"spec": spec})
    for what, spec in [("mode", {"mode": "off"}), ("unknown", {"nope": 1}), ("count-text", {"count": "x"}), ("on-text", {"on": "yes"}), ("list", {"list": [{"k": "b", "v": 1}, {"k": "a"}]}), ("list-twice", {"list": [{"k": "b"}, {"k": "b"}]}), ("plain", {"plain": ["z"]}), ("set", {"set": ["s", "t"]}), ("atom", {"atom": {"a": "1"}}), ("map", {"map": {"one": 1}}), ("map-text", {"map": {"one": "1"}}), ("inner-unknown", {"inner": {"gone": 1}}), ("keep", {"inner": {"keep": {"any": [1]}}}), ("port", {"port": 80})]:
        yield patch(f"br-crd-apply-{what}", base + "/g?fieldManager=ann", APPLY, gadget("g", spec))
        yield patch(f"br-crd-apply-{what}-bob", base + "/g?fieldManager=bob", APPLY, gadget("g", spec))
    yield patch("br-crd-apply-new", base + "/made?fieldManager=ann", APPLY, gadget("made", {"set": ["a"]}))
    yield patch("br-crd-apply-strict", base + "/made?fieldManager=ann&fieldValidation=Strict", APPLY, gadget("made", {"nope": 1}))
    yield patch("br-crd-strategic", base + "/g", STRATEGIC, {"spec": {"mode": "off"}})
    yield patch("br-crd-merge-strict", base + "/g?fieldValidation=Strict", MERGE, {"spec": {"nope": 1}})
    yield {"id": "br-crd-post-strict", "method": "POST", "path": base + "?fieldValidation=Strict&dryRun=All", "body": gadget("s", {"nope": 1, "inner": {"gone": 1}})}
    yield {"id": "br-crd-post-ignore", "method": "POST", "path": base + "?fieldValidation=Ignore&dryRun=All", "body": gadget("s", {"nope": 1})}
    yield patch("br-crd-status", base + "/g/status", MERGE, {"status": {"phase": "Up", "ready": 1, "conditions": [{"type": "Ready", "status": "True"}]}, "spec": {"mode": "off"}})
    yield patch("br-crd-status-bad", base + "/g/status", MERGE, {"status": {"ready": -1, "phase": 4}})
    yield patch("br-crd-status-apply", base + "/g/status?fieldManager=ctl", APPLY, gadget("g", {}, status={"conditions": [{"type": "Other", "status": "False"}]}))
    yield {"id": "br-crd-status-get", "path": base + "/g/status"}
    yield {"id": "br-crd-scale", "path": base + "/g/scale"}
    yield {"id": "br-crd-table-after", "path": base, "headers": {"Accept": TABLE}}
    yield {"id": "br-crd-put", "method": "PUT", "path": base + "/g", "body": gadget("g", {"mode": "off"}, metadata={"name": "g", "resourceVersion": "{br-crd-status-get:metadata.resourceVersion}"})}
    yield {"id": "br-crd-delete", "method": "DELETE", "path": base + "/empty"}
    yield {"id": "br-crd-delete-many", "method": "DELETE", "path": base + "?fieldSelector=metadata.name%3Dbare"}
    yield {"id": "br-crd-watch", "path": base + "?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dbare&resourceVersion={br-crd-first:metadata.resourceVersion}", "watch": 3}
    yield from wrong_definitions()


def wrong_definitions():
    good = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    cases = {"type": ("properties", "spec", "type", "text"), "no-type": ("properties", "spec", "properties", "a", {}), "root-list": ("type", "array"), "default-wrong": ("properties", "spec", "properties", "a", {"type": "string", "default": 5}), "pattern": ("properties", "spec", "properties", "a", {"type": "string", "pattern": "(["}),
             "list-key": ("properties", "spec", "properties", "a", {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["z"]}), "list-no-items": ("properties", "spec", "properties", "a", {"type": "array"}), "unique": ("properties", "spec", "properties", "a", {"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
             "both": ("properties", "spec", {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}), "metadata": ("properties", "metadata", {"type": "object", "properties": {"labels": {"type": "object"}}}), "ref": ("properties", "spec", "properties", "a", {"$ref": "#/x"}), "format": ("properties", "spec", "properties", "a", {"type": "string", "format": "colour"}),
             "enum-type": ("properties", "spec", "properties", "a", {"type": "string", "enum": [1, 2]}), "list-type-text": ("properties", "spec", "properties", "a", {"type": "string", "x-kubernetes-list-type": "set"}), "map-type": ("properties", "spec", "properties", "a", {"type": "object", "x-kubernetes-map-type": "deep"}), "nullable-default": ("properties", "spec", "properties", "a", {"type": "string", "default": None})}
    for what, (*path, value) in cases.items():
        schema = copy.deepcopy(good)
        set_at(schema, path, value)
        yield {"id": f"br-def-{what}", "method": "POST", "path": CRDS + "?dryRun=All", "body": definition("tries", "Try", schema)}
    columns = [{"name": "A", "type": "text", "jsonPath": ".spec.a"}, {"name": "", "type": "string", "jsonPath": "spec.a"}]
    yield {"id": "br-def-columns", "method": "POST", "path": CRDS + "?dryRun=All", "body": definition("tries", "Try", good, additionalPrinterColumns=columns)}
    yield {"id": "br-def-scale", "method": "POST", "path": CRDS + "?dryRun=All", "body": definition("tries", "Try", good, subresources={"scale": {"specReplicasPath": ".status.x", "statusReplicasPath": "status.y"}})}
    for what, path, value in [("scope", ("spec", "scope"), "Everywhere"), ("group", ("spec", "group"), "Nope"), ("plural", ("spec", "names", "plural"), "Tries"), ("kind", ("spec", "names", "kind"), "try it"), ("name", ("metadata", "name"), "other.breadth.example.com"), ("versions", ("spec", "versions"), []), ("served", ("spec", "versions", 0, "served"), DROP), ("storage", ("spec", "versions", 0, "storage"), False),
                              ("version", ("spec", "versions", 0, "name"), "one.two"), ("schema", ("spec", "versions", 0, "schema"), DROP), ("short", ("spec", "names", "shortNames"), ["A_b"]), ("categories", ("spec", "names", "categories"), ["All!"]), ("preserve", ("spec", "preserveUnknownFields"), True), ("conversion", ("spec", "conversion"), {"strategy": "Magic"}), ("webhook", ("spec", "conversion"), {"strategy": "Webhook"}), ("no-kind", ("spec", "names", "kind"), DROP), ("no-plural", ("spec", "names", "plural"), DROP), ("deprecated", ("spec", "versions", 0, "deprecationWarning"), "x")]:
        body = definition("tries", "Try", good)
        set_at(body, path, value)
        yield {"id": f"br-def-{what}", "method": "POST", "path": CRDS + "?dryRun=All", "body": body}
    one = CRDS + "/gadgets.breadth.example.com"
    yield patch("br-def-scope-change", one + "?dryRun=All", MERGE, {"spec": {"scope": "Cluster"}})
    yield patch("br-def-group-change", one + "?dryRun=All", MERGE, {"spec": {"group": "other.example.com"}})
    yield patch("br-def-plural-change", one + "?dryRun=All", MERGE, {"spec": {"names": {"plural": "others"}}})
    yield patch("br-def-kind-change", one + "?dryRun=All", MERGE, {"spec": {"names": {"kind": "Other", "listKind": "OtherList"}}})
    yield patch("br-def-stored-change", one + "/status?dryRun=All", MERGE, {"status": {"storedVersions": []}})
    yield patch("br-def-short-change", one, MERGE, {"spec": {"names": {"shortNames": ["gd", "gg"]}}})
    yield {"id": "br-def-get", "path": one, "wait_ready": one}


def mixed():
    """Creations with members that the server decides, bodies in several shapes, methods where they do not belong."""
    maps, pods = where("configmap"), where("pod")
    yield {"id": "br-mix-resource-version", "method": "POST", "path": maps, "body": {"metadata": {"name": "rv", "resourceVersion": "5"}}}
    yield {"id": "br-mix-server-fields", "method": "POST", "path": maps, "body": {"metadata": {"name": "sf", "uid": "11111111-2222-3333-4444-555555555555", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7, "selfLink": "/x", "deletionTimestamp": "2001-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5}}}
    yield {"id": "br-mix-owner", "method": "POST", "path": maps, "body": {"metadata": {"name": "ow", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u", "controller": True, "blockOwnerDeletion": True}]}}}
    yield {"id": "br-mix-owner-two", "method": "POST", "path": maps, "body": {"metadata": {"name": "ow2", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in ("x", "y")]}}}
    yield {"id": "br-mix-owner-empty", "method": "POST", "path": maps, "body": {"metadata": {"name": "ow3", "ownerReferences": [{}]}}}
    yield {"id": "br-mix-owner-event", "method": "POST", "path": maps, "body": {"metadata": {"name": "ow4", "ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "x", "uid": "u"}]}}}
    yield {"id": "br-mix-binary", "method": "POST", "path": maps, "body": {"metadata": {"name": "bin"}, "data": {"a": "1"}, "binaryData": {"a": "eA==", "b": "eA=="}}}
    yield {"id": "br-mix-immutable", "method": "POST", "path": maps, "body": {"metadata": {"name": "im"}, "immutable": True, "data": {"a": "1"}}}
    yield patch("br-mix-immutable-data", maps + "/im", MERGE, {"data": {"a": "2"}})
    yield patch("br-mix-immutable-off", maps + "/im", MERGE, {"immutable": False})
    yield patch("br-mix-immutable-label", maps + "/im", MERGE, {"metadata": {"labels": {"a": "b"}}})
    yield {"id": "br-mix-put-create", "method": "PUT", "path": where("lease") + "/put", "body": {"metadata": {"name": "put"}, "spec": {"holderIdentity": "x"}}}
    yield {"id": "br-mix-put-other-namespace", "method": "PUT", "path": maps + "/im", "body": {"metadata": {"name": "im", "namespace": "elsewhere"}}}
    yield {"id": "br-mix-put-uid", "method": "PUT", "path": maps + "/im", "body": {"metadata": {"name": "im", "uid": "x"}, "immutable": True, "data": {"a": "1"}}}
    yield {"id": "br-mix-delete-version", "method": "DELETE", "path": maps + "/im", "body": {"preconditions": {"resourceVersion": "1"}}}
    yield {"id": "br-mix-delete-kind", "method": "DELETE", "path": maps + "/im", "body": {"kind": "Pod", "apiVersion": "v1"}}
    yield {"id": "br-mix-delete-both", "method": "DELETE", "path": maps + "/im", "body": {"orphanDependents": True, "propagationPolicy": "Orphan"}}
    yield {"id": "br-mix-delete-grace", "method": "DELETE", "path": maps + "/im?gracePeriodSeconds=-5&dryRun=All"}
    yield {"id": "br-mix-delete-ignore", "method": "DELETE", "path": maps + "/im", "body": {"ignoreStoreReadErrorWithClusterBreakingPotential": True}}
    yield {"id": "br-mix-pod", "method": "POST", "path": pods, "body": {"metadata": {"name": "mix"}, "spec": pod_with(nodeName="br-node")}}
    yield {"id": "br-mix-evict-dry", "method": "POST", "path": pods + "/mix/eviction?dryRun=All", "body": {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "mix"}}}
    yield {"id": "br-mix-evict-name", "method": "POST", "path": pods + "/mix/eviction", "body": {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}}
    yield {"id": "br-mix-evict-uid", "method": "POST", "path": pods + "/mix/eviction", "body": {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "mix"}, "deleteOptions": {"preconditions": {"uid": "x"}}}}
    yield {"id": "br-mix-bind-bound", "method": "POST", "path": pods + "/mix/binding", "body": {"metadata": {"name": "mix"}, "target": {"kind": "Node", "name": "other"}}}
    yield patch("br-mix-ephemeral", pods + "/mix/ephemeralcontainers", STRATEGIC, {"spec": {"ephemeralContainers": [{"name": "dbg", "image": "busybox", "targetContainerName": "web"}]}})
    yield patch("br-mix-ephemeral-ports", pods + "/mix/ephemeralcontainers", STRATEGIC, {"spec": {"ephemeralContainers": [{"name": "dbg2", "image": "busybox", "ports": [{"containerPort": 80}]}]}})
    yield patch("br-mix-ephemeral-spec", pods + "/mix", STRATEGIC, {"spec": {"ephemeralContainers": [{"name": "dbg3", "image": "busybox"}]}})
    yield patch("br-mix-status-condition", pods + "/mix/status", STRATEGIC, {"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]}})
    yield patch("br-mix-status-condition-delete", pods + "/mix/status", STRATEGIC, {"status": {"conditions": [{"type": "Ready", "$patch": "delete"}]}})
    yield {"id": "br-mix-log", "path": pods + "/mix/log?container=none"}
    yield {"id": "br-mix-attach-get", "path": pods + "/mix/attach"}
    for method, path in [("POST", maps + "/im"), ("PUT", maps), ("PATCH", maps), ("DELETE", "/api/v1/namespaces"), ("POST", pods + "/mix/log"), ("DELETE", pods + "/mix/status"), ("GET", pods + "/mix/eviction"), ("GET", pods + "/mix/binding"), ("POST", "/apis/apps/v1/deployments"), ("GET", "/api/v1/bindings"), ("PATCH", "/version"), ("POST", "/api/v1/nodes/x/status")]:
        yield {"id": f"br-mix-{method}-{path.strip('/').replace('/', '-')}", "method": method, "path": path, "body": {} if method in ("POST", "PUT", "PATCH") else None, "headers": {"Content-Type": MERGE} if method == "PATCH" else {}}
    yield {"id": "br-mix-namespace-gone", "method": "DELETE", "path": f"/api/v1/namespaces/{HERE}?dryRun=All"}
    yield {"id": "br-mix-namespace-finalize", "method": "PUT", "path": f"/api/v1/namespaces/{HERE}/finalize?dryRun=All", "body": {"metadata": {"name": HERE}, "spec": {"finalizers": []}}}
    yield patch("br-mix-namespace-label", f"/api/v1/namespaces/{HERE}?dryRun=All", MERGE, {"metadata": {"labels": {"kubernetes.io/metadata.name": "other"}}})
    yield patch("br-mix-namespace-spec", f"/api/v1/namespaces/{HERE}?dryRun=All", MERGE, {"spec": {"finalizers": []}})
