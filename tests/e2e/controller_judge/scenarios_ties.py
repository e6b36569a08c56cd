"""Unusual turns of what ties objects together: services, volumes, owners, namespaces, nodes' taints."""
import time

from scenario import container, deployment, pod, scenario, service, template, workload
from scenarios_collection import MAPS, note, owner
from scenarios_nodes import node, node_events, played, tolerate
from scenarios_services import addresses, waiting
from scenarios_volumes import ALL as VOLUMES
from scenarios_volumes import bound, claim, phase, volume

SERVICES = ("endpoints", "endpointslices")


def slices(p, name):
    return p.list("endpointslices", "kubernetes.io/service-name=" + name)


def listed(p, name):
    return sum(len(s.get("endpoints") or []) for s in slices(p, name))


@scenario(*SERVICES)
def tie_edited_by_hand(p):
    """Endpoints that somebody edits stay so until they are deleted; slices are put right at once."""
    p.create(service("web", {"app": "web"}))
    p.create(pod("web"))
    p.until("one", lambda: addresses(p, "web") == 1)
    time.sleep(1.5)
    p.patch("endpoints", "web", {"subsets": None, "metadata": {"labels": {"mine": "x"}}})
    p.show("edited", "endpoints")
    p.until("a slice", lambda: slices(p, "web"))
    p.delete("endpointslices", slices(p, "web")[0]["metadata"]["name"])
    p.until("a slice again", lambda: slices(p, "web"), 15)
    p.delete("endpoints", "web")
    p.until("endpoints again", lambda: addresses(p, "web") == 1, 15)
    p.show("deleted")


@scenario(*SERVICES)
def tie_service_labels(p):
    made = service("web", {"app": "web"})
    made["metadata"]["annotations"] = {"note": "x"}
    p.create(made)
    p.create(pod("web"))
    p.until("one", lambda: addresses(p, "web") == 1 and listed(p, "web") == 1)
    p.patch("services", "web", {"metadata": {"labels": {"tier": "front", "service": None}}})
    p.until("labelled", lambda: p.get("endpoints", "web")["metadata"].get("labels", {}).get("tier") == "front")
    p.show("labels follow, annotations do not")
    p.patch("services", "web", {"spec": {"ports": [{"port": 80, "targetPort": 8080, "protocol": "UDP", "name": "other"}]}})
    p.until("ports", lambda: p.get("endpoints", "web")["subsets"][0]["ports"][0]["port"] == 8080)
    p.show("ports follow")


@scenario(*SERVICES)
def tie_selector_taken_away(p):
    p.create(service("web", {"app": "web"}))
    p.create(pod("web"))
    p.until("one", lambda: addresses(p, "web") == 1 and listed(p, "web") == 1)
    p.patch("services", "web", {"spec": {"selector": None}})
    p.delete("pods", "web")
    p.until_gone("pods", "web")
    p.show("endpoints stay as they were", "endpoints")


@scenario(*SERVICES)
def tie_becomes_external(p):
    """A service that turns into a name elsewhere and back."""
    p.create(service("web", {"app": "web"}))
    p.create(pod("web"))
    p.until("one", lambda: addresses(p, "web") == 1 and listed(p, "web") == 1)
    p.patch("services", "web", {"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": None, "clusterIPs": None}})
    p.show("a name")
    p.patch("services", "web", {"spec": {"type": "ClusterIP", "externalName": None}})
    p.until("one", lambda: addresses(p, "web") == 1)
    p.show("back")


@scenario(*SERVICES)
def tie_hosts_and_many_kinds_of_ports(p):
    p.create(service("db", {"tier": "db"}, clusterIP="None", ports=[{"name": "sql", "port": 5432, "targetPort": "http", "appProtocol": "example.com/sql"}, {"name": "udp", "port": 53, "protocol": "UDP"}]))
    p.create(service("bare", {"tier": "db"}, clusterIP="None", ports=[]))
    p.create(pod("a", labels={"tier": "db"}, hostname="first", subdomain="db"))
    p.create(pod("b", labels={"tier": "db"}, hostname="second", subdomain="other"))
    p.create(pod("c", "unready", labels={"tier": "db"}, hostname="third", subdomain="db"))
    p.until("all", lambda: addresses(p, "db") == 2 and waiting(p, "db") == 1 and addresses(p, "bare") == 2)
    p.show("hosts")


@scenario("endpoints", "endpointslices")
def tie_ends_with_a_finalizer(p):
    """Two services see the same pods come and go; one pod ends and is held."""
    p.create(service("one", {"app": "web"}, ports=[{"port": 80, "targetPort": "http"}]))
    p.create(service("two", {"app": "web"}, ports=[{"port": 81, "targetPort": "absent"}]))
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.until("two", lambda: addresses(p, "one") == 2)
    p.show("one by name, the other by a name that no pod has")


@scenario(*VOLUMES, "storageclasses", seconds=15)
def tie_claim_grows_without_driver(p):
    p.create({"kind": "StorageClass", "metadata": {"name": p.namespace + "-manual"}, "provisioner": "kubernetes.io/no-provisioner", "allowVolumeExpansion": True})
    volume(p, "v", "1Gi")
    claim(p, "data")
    bound(p, "data")
    p.patch("persistentvolumeclaims", "data", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    p.show("nobody makes it grow")
    status, answer = p.patch("persistentvolumeclaims", "data", {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}, may_fail=True)
    p.note("refused", {"code": status, "message": answer.get("message")})


@scenario(*VOLUMES, seconds=15)
def tie_volume_deleted_with_its_claim(p):
    """reclaimPolicy Delete of a volume made by hand."""
    name = volume(p, "v", persistentVolumeReclaimPolicy="Delete", hostPath=None, csi={"driver": "csi.example.com", "volumeHandle": "x"})
    claim(p, "data")
    bound(p, "data")
    p.delete("persistentvolumeclaims", "data")
    p.until_gone("persistentvolumeclaims", "data")
    p.until("not bound", lambda: p.status("persistentvolumes", name).get("phase") != "Bound", 10)
    p.show("what becomes of it")


@scenario(*VOLUMES)
def tie_volume_of_a_claim_before(p):
    """A volume that names a claim by another's uid is released; one for a claim elsewhere is kept."""
    volume(p, "stale", claimRef={"namespace": p.namespace, "name": "data", "uid": "11111111-2222-3333-4444-555555555555"})
    volume(p, "elsewhere", claimRef={"namespace": "default", "name": "data"})
    claim(p, "data")
    p.until("told", lambda: p.list("events"))
    p.show("neither")


@scenario(*VOLUMES)
def tie_volume_named_but_unfit(p):
    """A claim that names a volume too small, of another class or mode."""
    small = volume(p, "small", "1Gi")
    other = volume(p, "other", "1Gi", storage_class="other")
    block = volume(p, "block", "1Gi", volumeMode="Block")
    modes = volume(p, "modes", "1Gi", modes=("ReadOnlyMany",))
    claim(p, "large", "5Gi", volumeName=small)
    claim(p, "class", volumeName=other)
    claim(p, "file", volumeName=block)
    claim(p, "write", volumeName=modes)
    time.sleep(4)
    p.show("unfit")


@scenario(*VOLUMES)
def tie_volume_comes_later(p):
    claim(p, "data", "2Gi", selector={"matchExpressions": [{"key": "tier", "operator": "Exists"}, {"key": "tier", "operator": "NotIn", "values": ["lead"]}]})
    p.until("told", lambda: p.list("events"))
    volume(p, "none", "2Gi")
    volume(p, "lead", "2Gi", metadata={"labels": {"tier": "lead"}})
    volume(p, "gold", "3Gi", metadata={"labels": {"tier": "gold"}})
    bound(p, "data", p.namespace + "-gold")
    p.show("bound to the one")
    p.patch("persistentvolumes", p.namespace + "-lead", {"spec": {"capacity": {"storage": "9Gi"}}}, may_fail=True)


@scenario(*MAPS, seconds=15)
def tie_owner_in_another_namespace(p):
    """An owner that is there, but in another namespace: told, and collected."""
    p.side.call("POST", "/api/v1/namespaces/default/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tie-far"}})
    _, far = p.side.call("GET", "/api/v1/namespaces/default/configmaps/tie-far")
    p.create(note("cross", [owner(far)]))
    p.until("told or gone", lambda: p.get("configmaps", "cross") is None or p.list("events"), 20)
    p.until("gone", lambda: p.get("configmaps", "cross") is None, 10)
    p.show("left")
    p.side.call("DELETE", "/api/v1/namespaces/default/configmaps/tie-far")


@scenario(*MAPS, seconds=15)
def tie_foreground_chain(p):
    """Owner, child, grandchild, each held by the one below; and a child that has another owner."""
    _, root = p.create(note("root"))
    _, other = p.create(note("other"))
    _, child = p.create(note("child", [owner(root, block=True)]))
    p.create(note("grandchild", [owner(child, block=True)], finalizers=["example.com/hold"]))
    p.create(note("shared", [owner(root, block=True), owner(other, block=True)]))
    time.sleep(1)
    p.delete("configmaps", "root", "Foreground")
    p.until("the last is ending", lambda: "deletionTimestamp" in (p.get("configmaps", "grandchild") or {"metadata": {}})["metadata"])
    p.show("all wait")
    p.patch("configmaps", "grandchild", {"metadata": {"finalizers": None}})
    p.until_gone("configmaps", "root")
    p.show("the shared one stays")


@scenario(*MAPS, seconds=15)
def tie_orphan_with_finalizers(p):
    """Orphaned children of an owner that is held by somebody else as well; grandchildren keep their owner."""
    _, root = p.create(note("root", finalizers=["example.com/hold"]))
    _, child = p.create(note("child", [owner(root, controller=True, block=True)]))
    p.create(note("grandchild", [owner(child)]))
    time.sleep(1)
    p.delete("configmaps", "root", "Orphan")
    p.until("orphaned", lambda: not p.get("configmaps", "child")["metadata"].get("ownerReferences"))
    p.show("orphaned, and still there")
    p.patch("configmaps", "root", {"metadata": {"finalizers": None}})
    p.until_gone("configmaps", "root")
    p.show("gone")


@scenario(*MAPS, "secrets", seconds=15)
def tie_kinds_of_owner(p):
    """Owners by another kind's name, in another version of the group, and twice."""
    _, root = p.create(note("root"))
    _, dep = p.create(deployment(replicas=0))
    uid = dep["metadata"]["uid"]
    p.create(note("wrong-kind", [owner(root, kind="Secret")]))
    p.create(note("by-deployment", [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid}]))
    p.create(note("wrong-name", [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": uid}]))
    time.sleep(4)
    p.show("who is left", "configmaps")
    p.delete("deployments", "web", "Background")
    p.until_gone("configmaps", "by-deployment")


@scenario(*MAPS)
def tie_many_at_once(p):
    """A whole list is deleted, its dependents in the foreground."""
    made = [p.create(note(f"root-{i}", labels={"set": "x"}))[1] for i in range(3)]
    for i, root in enumerate(made):
        p.create(note(f"child-{i}", [owner(root, block=True)]))
    time.sleep(1)
    p.side.call("DELETE", p.path("configmaps") + "?labelSelector=set%3Dx&propagationPolicy=Foreground")
    p.until("all gone", lambda: not [c for c in p.list("configmaps") if c["metadata"]["name"] != "kube-root-ca.crt"])
    p.show("none")


@scenario("namespaces", seconds=25)
def tie_namespace_held_by_many(p):
    """What still is in a namespace, and who holds it, as its conditions count it."""
    ns = p.namespace
    for i in range(3):
        p.create({"kind": "ConfigMap", "metadata": {"name": f"held-{i}", "finalizers": ["example.com/hold"] + (["example.com/more"] if i else [])}, "data": {}})
    p.create({"kind": "Secret", "metadata": {"name": "held", "finalizers": ["a.example.com/hold"]}})
    p.create(pod("held", metadata={"finalizers": ["example.com/hold"]}))
    p.running(1)
    p.side.call("DELETE", "/api/v1/namespaces/" + ns)
    p.until("counted", lambda: any("configmaps. has 3" in c.get("message", "") and "pods. has 1" in c.get("message", "") for c in ((p.get("namespaces", ns) or {}).get("status", {}).get("conditions") or [])), 60)
    p.show("held", "namespaces")
    p.patch("configmaps", "held-0", {"metadata": {"finalizers": None}})
    p.patch("secrets", "held", {"metadata": {"finalizers": None}})
    p.until("fewer", lambda: any("configmaps. has 2" in c.get("message", "") for c in ((p.get("namespaces", ns) or {}).get("status", {}).get("conditions") or [])), 60)
    p.show("fewer", "namespaces")
    for plural, name in (("configmaps", "held-1"), ("configmaps", "held-2"), ("pods", "held")):
        p.patch(plural, name, {"metadata": {"finalizers": None}})
    p.until("gone", lambda: p.get("namespaces", ns) is None, 60)


@scenario("namespaces", "customresourcedefinitions", seconds=30)
def tie_definition_with_held_objects(p):
    """A custom object that is held holds its definition, which says so."""
    group = p.namespace.replace("-", "") + ".example.com"
    name = "widgets." + group
    p.create({"kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": {
        "group": group, "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}})
    path = f"/apis/{group}/v1/namespaces/{p.namespace}/widgets"
    p.until("served", lambda: p.side.call("GET", path)[0] == 200)
    p.until("made", lambda: p.side.call("POST", path, {"apiVersion": group + "/v1", "kind": "Widget", "metadata": {"name": "w", "finalizers": ["example.com/hold"]}})[0] in (201, 409))
    p.side.call("POST", path, {"apiVersion": group + "/v1", "kind": "Widget", "metadata": {"name": "free"}})
    status, answer = p.delete("customresourcedefinitions", name)
    p.note("asked", {"code": status, "kind": answer.get("kind"), "finalizers": answer.get("metadata", {}).get("finalizers"), "deleting": "deletionTimestamp" in answer.get("metadata", {})})
    p.until("one is left", lambda: [w["metadata"]["name"] for w in p.side.call("GET", path)[1].get("items", [])] == ["w"])
    for at in (1, 7):
        time.sleep(at)
        now = p.get("customresourcedefinitions", name) or {}
        p.note(f"conditions after {at}", sorted([c["type"], c["status"], c.get("reason"), c.get("message")] for c in now.get("status", {}).get("conditions", []) if c["type"] != "NonStructuralSchema"))
        p.note(f"finalizers after {at}", now.get("metadata", {}).get("finalizers"))
    _, widget = p.side.call("GET", path + "/w")
    p.note("widget", ["deletionTimestamp" in widget.get("metadata", {}), widget.get("metadata", {}).get("finalizers"), widget.get("metadata", {}).get("deletionGracePeriodSeconds")])
    status, answer = p.side.call("POST", path, {"apiVersion": group + "/v1", "kind": "Widget", "metadata": {"name": "late"}})
    p.note("nothing new", {"code": status, "message": answer.get("message"), "reason": answer.get("reason")})
    p.side.call("PATCH", path + "/w", {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    p.until("the definition is gone", lambda: p.get("customresourcedefinitions", name) is None, 60)


@scenario("nodes", seconds=25)
def tie_node_under_pressure(p):
    """Conditions become taints, and nothing else."""
    name = p.namespace
    node(p, name)
    if p.real:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        more = [{"type": t, "status": "True", "reason": "R", "message": "m", "lastHeartbeatTime": at, "lastTransitionTime": at} for t in ("MemoryPressure", "DiskPressure", "PIDPressure")]
        p.side.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"conditions": more}}, "application/strategic-merge-patch+json")
    else:
        for kind in ("memory-pressure", "disk-pressure", "pid-pressure"):
            p.side.call("POST", "/opsmesh-sim/v1/faults", {"kind": kind, "target": "node/" + name})
    p.until("tainted", lambda: len(p.get("nodes", name)["spec"].get("taints") or []) == 4, 30)
    p.show("three taints more", "nodes")
    p.note("events of the node", node_events(p, name))
    p.side.call("DELETE", "/api/v1/nodes/" + name)


@scenario("pods", seconds=40)
def tie_taint_taken_back(p):
    """Tolerated for a while and taken away in time: nobody goes. Of two tolerations the shorter counts."""
    name = p.namespace
    node(p, name)
    for_a_while = {"key": "late", "operator": "Exists", "effect": "NoExecute"}
    p.create(pod("long", **tolerate(p, {**for_a_while, "tolerationSeconds": 600})))
    p.create(pod("both", **tolerate(p, {**for_a_while, "tolerationSeconds": 600}, {"key": "late", "value": "x", "tolerationSeconds": 15, "effect": "NoExecute"})))
    p.create(pod("never", **tolerate(p, {**for_a_while, "tolerationSeconds": 0})))
    p.create(pod("negative", **tolerate(p, {**for_a_while, "tolerationSeconds": -5})))
    played(p, "all run", lambda: len([x for x in p.pods() if x["status"].get("phase") == "Running"]) == 4)
    p.patch("nodes", name, [{"op": "add", "path": "/spec/taints/-", "value": {"key": "late", "value": "x", "effect": "NoExecute"}}], "json")
    played(p, "two are left", lambda: len(p.list("pods")) == 2, 12)
    p.note("left at first", sorted(x["metadata"]["name"] for x in p.list("pods")))
    played(p, "one is left", lambda: len(p.list("pods")) == 1)
    p.note("left", [x["metadata"]["name"] for x in p.list("pods")])
    taints = [t for t in p.get("nodes", name)["spec"]["taints"] if t["key"] != "late"]
    p.patch("nodes", name, {"spec": {"taints": taints}})
    p.until("told", lambda: any("Cancelling" in e.get("message", "") for e in p.list("events")), 10)
    p.show("stays")
    p.side.call("DELETE", "/api/v1/nodes/" + name)


@scenario("daemonsets", "pods", seconds=25)
def tie_daemon_and_taints(p):
    """A taint NoSchedule leaves the daemon's pod where it is, which is then misplaced; without a toleration none comes."""
    name = p.namespace
    node(p, name)
    p.create(workload("DaemonSet", "agent", pod_more=tolerate(p)))
    p.create(workload("DaemonSet", "shy", pod_more={"nodeSelector": {"pool": p.namespace}}))
    played(p, "one runs", lambda: p.status("daemonsets", "agent").get("numberReady") == 1)
    p.show("one does, one does not", "daemonsets")
    p.patch("nodes", name, [{"op": "add", "path": "/spec/taints/-", "value": {"key": "late", "value": "x", "effect": "NoSchedule"}}], "json")
    p.until("misplaced", lambda: p.status("daemonsets", "agent").get("numberMisscheduled") == 1, 15)
    p.show("misplaced", "daemonsets", "pods")
    p.side.call("DELETE", "/api/v1/nodes/" + name)
