"""The garbage collector: background, foreground, orphan, owners that are not there; finalizers; custom owners."""
import time

from scenario import deployment, pod, scenario, workload

MAPS = ("configmaps",)


def note(name, owners=(), **metadata):
    return {"kind": "ConfigMap", "metadata": {"name": name, **({"ownerReferences": list(owners)} if owners else {}), **metadata}, "data": {"k": "v"}}


def owner(object_, block=False, controller=False, **change):
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": object_["metadata"]["name"], "uid": object_["metadata"]["uid"]}
    if block:
        reference["blockOwnerDeletion"] = True
    if controller:
        reference["controller"] = True
    return {**reference, **change}


@scenario(*MAPS)
def collect_background(p):
    _, root = p.create(note("root"))
    _, child = p.create(note("child", [owner(root)]))
    p.create(note("grandchild", [owner(child)]))
    p.create(note("stranger"))
    p.delete("configmaps", "root", "Background")
    p.until_gone("configmaps", "grandchild")
    p.show("only the stranger is left")


@scenario(*MAPS)
def collect_orphan(p):
    _, root = p.create(note("root"))
    p.create(note("child", [owner(root)]))
    p.delete("configmaps", "root", "Orphan")
    p.until_gone("configmaps", "root")
    p.show("the child without an owner")


@scenario(*MAPS, seconds=15)
def collect_foreground(p):
    _, root = p.create(note("root"))
    p.create(note("blocks", [owner(root, block=True)], finalizers=["example.com/hold"]))
    p.create(note("does-not-block", [owner(root)], finalizers=["example.com/hold"]))
    time.sleep(1)
    p.delete("configmaps", "root", "Foreground")
    p.until("blocks is ending", lambda: "deletionTimestamp" in p.get("configmaps", "blocks")["metadata"])
    p.show("the owner waits for one that blocks")
    p.patch("configmaps", "blocks", {"metadata": {"finalizers": None}})
    p.until_gone("configmaps", "root")
    p.show("and not for the other")
    p.patch("configmaps", "does-not-block", {"metadata": {"finalizers": None}})
    p.until_gone("configmaps", "does-not-block")


@scenario(*MAPS)
def collect_two_owners(p):
    _, one = p.create(note("one"))
    _, two = p.create(note("two"))
    p.create(note("both", [owner(one), owner(two)]))
    time.sleep(1)
    p.delete("configmaps", "one", "Background")
    p.until("one owner", lambda: len(p.get("configmaps", "both")["metadata"].get("ownerReferences", [])) == 1)
    p.show("the other owner keeps it")
    p.delete("configmaps", "two", "Background")
    p.until_gone("configmaps", "both")


@scenario(*MAPS)
def collect_dangling_owner(p):
    """An owner that never was: collected."""
    p.create(note("lost", [{"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "11111111-2222-3333-4444-555555555555"}]))
    p.until_gone("configmaps", "lost")
    _, real = p.create(note("real"))
    p.create(note("wrong-uid", [owner(real, uid="99999999-2222-3333-4444-555555555555")]))
    p.until_gone("configmaps", "wrong-uid")
    p.show("the owner's name alone does not count")


@scenario(*MAPS)
def collect_unknown_kind_of_owner(p):
    """An owner of a kind nobody knows: not collected."""
    p.create(note("kept", [{"apiVersion": "example.com/v1", "kind": "Nothing", "name": "x", "uid": "11111111-2222-3333-4444-666666666666"}]))
    time.sleep(4)
    p.show("kept")


@scenario(*MAPS)
def collect_owner_in_another_namespace(p):
    """Owners lie in the same namespace: another's is an absent one."""
    p.create(note("cross", [{"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "77777777-2222-3333-4444-555555555555"}]))
    p.until_gone("configmaps", "cross")


@scenario(*MAPS)
def collect_cluster_owner(p):
    """An object of a namespace owned by a cluster-scoped one."""
    _, role = p.create({"kind": "ClusterRole", "metadata": {"name": p.namespace}, "rules": []})
    p.create(note("of-role", [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": p.namespace, "uid": role["metadata"]["uid"]}]))
    time.sleep(1)
    p.show("there")
    p.delete("clusterroles", p.namespace, "Background")
    p.until_gone("configmaps", "of-role")


@scenario("deployments", "replicasets", "pods", seconds=15)
def collect_deployment_foreground(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    one = p.pods()[0]["metadata"]["name"]
    p.patch("pods", one, {"metadata": {"finalizers": ["example.com/hold"]}})
    time.sleep(1)
    p.delete("deployments", "web", "Foreground")
    p.until("one pod left", lambda: len(p.list("pods")) == 1 and "deletionTimestamp" in p.list("pods")[0]["metadata"])
    p.until("set waits", lambda: "deletionTimestamp" in (p.list("replicasets") or [{"metadata": {}}])[0]["metadata"])
    p.show("all wait for the pod", "deployments", "replicasets")
    p.patch("pods", one, {"metadata": {"finalizers": None}})
    p.until_gone("deployments", "web")
    p.show("gone")


@scenario(*MAPS)
def collect_with_finalizer(p):
    p.create(note("held", finalizers=["example.com/a", "example.com/b"]))
    p.delete("configmaps", "held")
    p.show("held by two")
    p.patch("configmaps", "held", [{"op": "remove", "path": "/metadata/finalizers/0"}], "json")
    p.show("held by one")
    p.patch("configmaps", "held", {"metadata": {"finalizers": []}})
    p.until_gone("configmaps", "held")


@scenario(*MAPS, seconds=15)
def collect_custom_owner(p):
    group = p.namespace.replace("-", "") + ".example.com"
    p.create({"kind": "CustomResourceDefinition", "metadata": {"name": "widgets." + group}, "spec": {
        "group": group, "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}})
    path = f"/apis/{group}/v1/namespaces/{p.namespace}/widgets"
    p.until("served", lambda: p.side.call("GET", path)[0] == 200)
    _, widget = p.side.call("POST", path, {"apiVersion": group + "/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}})
    time.sleep(6)
    p.create(note("of-widget", [{"apiVersion": group + "/v1", "kind": "Widget", "name": "w", "uid": widget["metadata"]["uid"]}]))
    time.sleep(1)
    p.show("there")
    p.side.call("DELETE", path + "/w")
    p.until_gone("configmaps", "of-widget", 60)
