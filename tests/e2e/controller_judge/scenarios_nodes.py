"""What happens to nodes: taints by condition, evictions by taint, silence, nodes that come and go, pods of nodes that are not there."""
import time

from scenario import pod, scenario, service, template, workload


def node(p, name):
    """A node played by the scenario on the real side; in the simulator a kubelet lives on it."""
    p.create({"kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "pool": p.namespace}}, "spec": {"taints": [{"key": "pool", "value": p.namespace, "effect": "NoSchedule"}]},
              **({} if p.real else {"status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}, "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}})})
    beat(p, name)


def beat(p, name, ready=True):
    if not p.real:
        return
    p.heart = name, ready, time.monotonic()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "KubeletReady" if ready else "KubeletNotReady", "lastHeartbeatTime": at, "lastTransitionTime": at,
                 "message": "kubelet is posting ready status" if ready else "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"}
    others = [{"type": t, "status": "False", "reason": r, "message": m, "lastHeartbeatTime": at} for t, r, m in (
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"), ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"))]
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    p.side.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": {"capacity": amounts, "allocatable": amounts, "conditions": [condition, *others]}}, "application/strategic-merge-patch+json")


def run_pods(p):
    """What a kubelet of such a node does on the real side: starts and ends pods."""
    if not p.real:
        return
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for one in p.list("pods"):
        if one["metadata"].get("deletionTimestamp"):
            p.delete("pods", one["metadata"]["name"], grace=0, may_fail=True)
        elif one["spec"].get("nodeName") and one["status"].get("phase") == "Pending":
            statuses = [{"name": c["name"], "image": c["image"], "imageID": "", "ready": True, "started": True, "restartCount": 0, "state": {"running": {"startedAt": at}}} for c in one["spec"]["containers"]]
            p.patch("pods", one["metadata"]["name"], {"status": {"phase": "Running", "startTime": at, "podIP": "10.245.9.9", "containerStatuses": statuses, "conditions": [
                {"type": t, "status": "True", "lastTransitionTime": at} for t in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]}}, "strategic", "status", may_fail=True)


def played(p, what, condition, seconds=40):
    def so():
        run_pods(p)
        if p.heart and time.monotonic() - p.heart[2] > 8:  # a slow scenario is no silence of 40 s
            beat(p, *p.heart[:2])
        return condition()
    return p.until(what, so, seconds)


def tolerate(p, *more):
    return {"nodeSelector": {"pool": p.namespace}, "tolerations": [{"key": "pool", "operator": "Exists"}, *more]}


def node_events(p, *names):
    """Events of nodes lie in `default`; those of the node's controllers are noted, but for the greeting of nodes that were there first."""
    found = set()
    for event in p.list("events", namespace="default"):
        if event["involvedObject"].get("kind") == "Node" and event["involvedObject"]["name"] in names and event["reason"] != "RegisteredNode" and (event.get("source") or {}).get("component") not in ("kubelet", "kube-proxy"):
            found.add(f"{event['type']} {event['reason']} ({(event.get('source') or {}).get('component')}): {event.get('message')}")
    return sorted(found)


def untolerated(p, name, effect):
    return any(t["effect"] == effect for t in p.get("nodes", name)["spec"].get("taints") or [])


@scenario("nodes", "pods", "daemonsets", seconds=45)
def node_not_ready(p):
    """Ready False: taints NoSchedule and NoExecute; pods stay as long as they tolerate it."""
    name = p.namespace
    node(p, name)
    p.create(workload("DaemonSet", "agent", pod_more=tolerate(p)))
    short = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}
    p.create(pod("patient", **tolerate(p)))
    p.create(pod("hasty", **tolerate(p, short)))
    played(p, "all run", lambda: len([x for x in p.pods() if x["status"].get("phase") == "Running"]) == 3)
    p.show("ready")
    if p.real:
        beat(p, name, ready=False)
    else:
        p.side.call("POST", "/opsmesh-sim/v1/faults", {"kind": "network-plugin", "target": "node/" + name})
    p.until("tainted", lambda: untolerated(p, name, "NoExecute"))
    played(p, "hasty is gone", lambda: p.get("pods", "hasty") is None)
    p.show("not ready", "nodes", "daemonsets")
    p.note("pods", sorted(x["metadata"]["name"].split("-")[0] for x in p.list("pods")))
    if p.real:
        beat(p, name)
    else:
        [p.side.call("DELETE", "/opsmesh-sim/v1/faults/" + f["id"]) for f in p.side.call("GET", "/opsmesh-sim/v1/faults")[1]["faults"] if str(f["target"]).endswith(name)]
    p.until("no taint", lambda: not untolerated(p, name, "NoExecute"))
    p.show("ready again", "nodes")
    p.note("events of the node", node_events(p, name))
    p.side.call("DELETE", "/api/v1/nodes/" + name)


@scenario("nodes", "pods", "daemonsets", seconds=20)
def node_tainted_by_hand(p):
    """NoExecute by hand: whoever does not tolerate it goes at once, whoever does for a while goes later, DaemonSets' too."""
    name = p.namespace
    node(p, name)
    p.create(workload("DaemonSet", "agent", pod_more=tolerate(p)))
    p.create(pod("firm", **tolerate(p, {"key": "dedicated", "operator": "Exists"})))
    p.create(pod("brief", **tolerate(p, {"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2})))
    p.create(pod("weak", **tolerate(p)))
    played(p, "all run", lambda: len([x for x in p.pods() if x["status"].get("phase") == "Running"]) == 4)
    p.patch("nodes", name, [{"op": "add", "path": "/spec/taints/-", "value": {"key": "dedicated", "value": "x", "effect": "NoExecute"}}], "json")
    played(p, "only the firm one", lambda: [x["metadata"]["name"] for x in p.list("pods")] == ["firm"])
    p.show("one is left", "pods", "daemonsets")
    taints = [t for t in p.get("nodes", name)["spec"]["taints"] if t["key"] != "dedicated"]
    p.patch("nodes", name, {"spec": {"taints": taints}})
    played(p, "the daemon is back", lambda: len([x for x in p.pods() if x["status"].get("phase") == "Running"]) == 2)
    p.show("taken away", "pods", "daemonsets")
    p.side.call("DELETE", "/api/v1/nodes/" + name)


@scenario("daemonsets", "pods", seconds=60)
def node_comes_and_goes(p):
    """A DaemonSet follows the nodes; the pods of a node that is gone are collected."""
    name = p.namespace
    p.create(workload("DaemonSet", "agent", pod_more=tolerate(p)))
    p.until("observed", lambda: p.status("daemonsets", "agent").get("observedGeneration") == 1)
    p.show("no node yet", "daemonsets")
    node(p, name)
    played(p, "a pod", lambda: p.status("daemonsets", "agent").get("numberReady") == 1)
    p.show("a node more")
    p.side.call("PATCH", "/api/v1/nodes/" + name, {"metadata": {"labels": {"pool": "other"}}}, "application/merge-patch+json")
    played(p, "no pod", lambda: not p.list("pods"))
    p.show("a label less")
    p.side.call("PATCH", "/api/v1/nodes/" + name, {"metadata": {"labels": {"pool": p.namespace}}}, "application/merge-patch+json")
    played(p, "a pod again", lambda: p.status("daemonsets", "agent").get("numberReady") == 1)
    p.side.call("DELETE", "/api/v1/nodes/" + name)
    p.until("pods are collected", lambda: not p.list("pods"), 100)
    p.show("the node is gone")
    p.note("events of the node", node_events(p, name))


@scenario("pods", "nodes", seconds=20)
def node_cordoned(p):
    name = p.namespace
    node(p, name)
    p.create(workload("DaemonSet", "agent", pod_more=tolerate(p)))
    p.create(pod("stays", **tolerate(p)))
    played(p, "both run", lambda: len([x for x in p.pods() if x["status"].get("phase") == "Running"]) == 2)
    p.patch("nodes", name, {"spec": {"unschedulable": True}})
    p.until("tainted", lambda: any(t["key"] == "node.kubernetes.io/unschedulable" for t in p.get("nodes", name)["spec"]["taints"]))
    p.show("cordoned")
    p.patch("nodes", name, {"spec": {"unschedulable": None}})
    p.until("free", lambda: not any(t["key"] == "node.kubernetes.io/unschedulable" for t in p.get("nodes", name)["spec"]["taints"]))
    p.show("uncordoned", "nodes")
    p.side.call("DELETE", "/api/v1/nodes/" + name)


@scenario("pods", "endpoints", "nodes", seconds=120)
def node_falls_silent(p):
    """n4's kubelet says nothing any more: Unknown after 40 s, unreachable, pods marked not ready, deleted when they tolerate it no longer, and not gone."""
    here = {"nodeSelector": {"kubernetes.io/hostname": "n4"}}
    silent = {"key": "dark", "operator": "Exists"}
    brief = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}
    p.create(service("web", {"tier": "web"}))
    p.create(pod("patient", labels={"tier": "web"}, tolerations=[silent], **here))
    p.create(pod("hasty", labels={"tier": "web"}, tolerations=[silent, brief], **here))
    p.create(workload("StatefulSet", "db", 1, serviceName="db", pod_more={"tolerations": [silent, brief], **here}))
    p.create(workload("DaemonSet", "agent", pod_more={"tolerations": [silent], **here}))
    p.running(4, seconds=20)
    p.show("all is well", "pods", "endpoints")
    if not p.real:
        time.sleep(max(0, 25 - (time.monotonic() - p.side.started)))
        p.side.call("POST", "/opsmesh-sim/v1/faults", {"kind": "kubelet-stopped", "target": "node/n4"})
    p.until("unreachable", lambda: any(t["key"] == "node.kubernetes.io/unreachable" and t["effect"] == "NoExecute" for t in p.get("nodes", "n4")["spec"].get("taints") or []), 90)
    p.until("two are ending", lambda: len([x for x in p.list("pods") if "deletionTimestamp" in x["metadata"]]) == 2, 30)
    p.show("silent", "endpoints")
    p.note("node", [sorted([t["key"], t["effect"]] for t in p.get("nodes", "n4")["spec"].get("taints") or []),
                    sorted([c["type"], c["status"], c.get("reason"), c.get("message")] for c in p.get("nodes", "n4")["status"]["conditions"])])
    p.note("pods", sorted([x["metadata"]["name"].split("-")[0], "deletionTimestamp" in x["metadata"], x["status"]["phase"], x["status"].get("reason"), x["status"].get("message"),
                           sorted([c["type"], c["status"], c.get("reason")] for c in x["status"]["conditions"] if c["type"] != "PodReadyToStartContainers")] for x in p.list("pods")))
    p.note("events of the node", node_events(p, "n4"))


@scenario("pods", seconds=100)
def pod_of_an_absent_node(p):
    """A pod bound to a node that is not there is collected."""
    p.create(pod("lost", nodeName="nowhere"))
    p.until_gone("pods", "lost", 120)
    p.show("collected")
