"""Subresources, patches of every kind, server-side apply, custom resources."""
from common import APPLY, C, JSON_PATCH, MERGE, NS, STRATEGIC, TABLE, object_of, patch
from kinds import template


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
