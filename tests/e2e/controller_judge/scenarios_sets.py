"""StatefulSets and DaemonSets."""
from scenario import container, new_template, pod, scenario, service, workload

SETS = ("statefulsets", "pods", "controllerrevisions")
DAEMONS = ("daemonsets", "pods", "controllerrevisions")


def stateful(name="db", replicas=3, **more):
    return workload("StatefulSet", name, replicas, serviceName=name, **more)


def set_ready(p, name="db", **counts):
    def so():
        s = p.get("statefulsets", name)
        return s and s["status"].get("observedGeneration") == s["metadata"]["generation"] and all(s["status"].get(k, 0) == v for k, v in counts.items())
    return p.until(f"{name}: {counts}", so)


@scenario(*SETS, seconds=30)
def statefulset_life(p):
    p.create(service("db", {"app": "db"}, clusterIP="None"))
    p.create(stateful())
    set_ready(p, readyReplicas=3)
    p.show("created in order")
    p.note("ages in order", [x["metadata"]["name"] for x in sorted(p.pods(), key=lambda x: int(x["metadata"]["resourceVersion"]) * 0 + ord(x["metadata"]["name"][-1]))])
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    p.until("one left", lambda: len(p.list("pods")) == 1)
    p.show("scaled down")
    p.patch("statefulsets", "db", {"spec": {"replicas": 2}})
    set_ready(p, readyReplicas=2)
    p.patch("statefulsets", "db", new_template())
    set_ready(p, readyReplicas=2, updatedReplicas=2)
    p.until("one revision", lambda: p.status("statefulsets", "db").get("currentRevision") == p.status("statefulsets", "db").get("updateRevision"))
    p.show("updated")
    p.delete("pods", "db-0")
    p.until("db-0 again", lambda: any(x["metadata"]["name"] == "db-0" for x in p.pods()))
    set_ready(p, readyReplicas=2)
    p.show("replaced under its name")
    p.patch("statefulsets", "db", new_template("running", "nginx:1.25.5"))
    set_ready(p, readyReplicas=2, updatedReplicas=2)
    p.show("rolled back")


@scenario(*SETS)
def statefulset_waits_for_the_first(p):
    p.create(stateful(state="unready"))
    p.until("one pod", lambda: len(p.pods()) == 1)
    p.show("the second does not come before the first is ready")


@scenario(*SETS)
def statefulset_parallel(p):
    p.create(stateful(state="unready", podManagementPolicy="Parallel"))
    p.until("three pods", lambda: len(p.pods()) == 3)
    p.show("all at once")
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    p.until("one pod", lambda: len(p.pods()) == 1)
    p.show("all but one end")


@scenario(*SETS, seconds=20)
def statefulset_partition(p):
    p.create(stateful(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}))
    set_ready(p, readyReplicas=3)
    p.patch("statefulsets", "db", new_template())
    set_ready(p, readyReplicas=3, updatedReplicas=1)
    p.show("the last only")
    p.delete("pods", "db-0")
    p.until("db-0 again", lambda: any(x["metadata"]["name"] == "db-0" for x in p.pods()))
    set_ready(p, readyReplicas=3)
    p.show("below the partition: the old revision")
    p.patch("statefulsets", "db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
    set_ready(p, readyReplicas=3, updatedReplicas=3)
    p.until("one revision", lambda: p.status("statefulsets", "db").get("currentRevision") == p.status("statefulsets", "db").get("updateRevision"))
    p.show("all")


@scenario(*SETS, seconds=20)
def statefulset_on_delete(p):
    p.create(stateful(replicas=2, updateStrategy={"type": "OnDelete"}))
    set_ready(p, readyReplicas=2)
    p.patch("statefulsets", "db", new_template())
    p.show("nothing is touched")
    p.delete("pods", "db-1")
    p.until("db-1 again", lambda: any(x["metadata"]["name"] == "db-1" for x in p.pods()))
    set_ready(p, readyReplicas=2)
    p.show("the deleted one is new")


@scenario(*SETS, seconds=20)
def statefulset_broken_update(p):
    """A rolling update stops at the first pod that does not become ready."""
    p.create(stateful())
    set_ready(p, readyReplicas=3)
    p.patch("statefulsets", "db", new_template("unready"))
    p.until("one is new", lambda: p.status("statefulsets", "db").get("updatedReplicas") == 1 and p.status("statefulsets", "db").get("readyReplicas") == 2)
    p.show("stuck at the last")
    p.patch("statefulsets", "db", new_template("running", "nginx:1.25.5"))
    p.show("the way back needs a hand")


@scenario("statefulsets", "pods", "controllerrevisions", seconds=20)
def statefulset_claims(p):
    for i in range(3):
        p.create({"kind": "PersistentVolume", "metadata": {"name": f"claims-{i}"}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/claims"}, "storageClassName": "sts-claims", "persistentVolumeReclaimPolicy": "Retain"}})
    made = stateful(replicas=2, volumeClaimTemplates=[{"metadata": {"name": "data", "labels": {"kind": "data"}}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "sts-claims", "resources": {"requests": {"storage": "1Gi"}}}}])
    made["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    p.create(made)
    set_ready(p, readyReplicas=2)
    for claim in ("data-db-0", "data-db-1"):
        p.until(claim + " bound", lambda: p.status("persistentvolumeclaims", claim).get("phase") == "Bound")
    p.show("each has a claim")
    p.note("claims", sorted([c["metadata"]["name"], c["metadata"].get("labels"), c["metadata"].get("ownerReferences"), c["metadata"].get("finalizers"), c["status"]["phase"]] for c in p.list("persistentvolumeclaims")))
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    p.until("one left", lambda: len(p.list("pods")) == 1)
    p.note("claims stay", sorted(c["metadata"]["name"] for c in p.list("persistentvolumeclaims")))
    p.delete("statefulsets", "db", "Background")
    p.until("no pods", lambda: not p.list("pods"))
    p.note("claims stay after all", sorted([c["metadata"]["name"], c["status"]["phase"]] for c in p.list("persistentvolumeclaims")))


@scenario(*SETS)
def statefulset_deleted_orphans(p):
    p.create(stateful(replicas=2))
    set_ready(p, readyReplicas=2)
    p.delete("statefulsets", "db", "Orphan")
    p.until_gone("statefulsets", "db")
    p.show("orphans")
    p.create(stateful(replicas=2))
    set_ready(p, readyReplicas=2)
    p.show("adopted")


@scenario(*SETS)
def statefulset_pod_in_the_way(p):
    p.create(pod("db-0", labels={"app": "other"}))
    p.running(1)
    p.create(stateful(replicas=1))
    p.until("observed or told", lambda: p.status("statefulsets", "db").get("observedGeneration") or any(e["reason"] == "FailedCreate" for e in p.list("events")))
    p.show("a name that is taken", "statefulsets", "pods")


@scenario(*SETS, seconds=25)
def statefulset_history_limit(p):
    p.create(stateful(replicas=1, revisionHistoryLimit=1))
    set_ready(p, readyReplicas=1)
    for image in ("nginx:1.26.2", "nginx:1.27.3", "nginx:latest"):
        p.patch("statefulsets", "db", new_template(image=image))
        set_ready(p, readyReplicas=1, updatedReplicas=1)
        p.until("one revision", lambda: p.status("statefulsets", "db").get("currentRevision") == p.status("statefulsets", "db").get("updateRevision"))
        p.list("controllerrevisions")
    p.show("one old revision is kept")


@scenario(*SETS)
def statefulset_failed_pod(p):
    """A pod that failed (not only a container) is made anew."""
    p.create(stateful(replicas=1))
    set_ready(p, readyReplicas=1)
    p.set_ready("db-0", False)
    p.show("unready")
    p.set_ready("db-0", True)
    p.show("ready")
    uid = p.get("pods", "db-0")["metadata"]["uid"]
    p.fail_pod("db-0")
    p.until("another", lambda: (p.get("pods", "db-0") or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid)
    set_ready(p, readyReplicas=1)
    p.show("made anew")


def daemons(name="agent", **more):
    pod_more = more.pop("pod_more", {})
    # n4 falls silent: it has no part in these.
    pod_more.setdefault("nodeSelector", {"judge": "yes"})
    return workload("DaemonSet", name, pod_more=pod_more, **more)


def daemons_settle(p, name="agent", ready=3, updated=None):
    def so():
        d = p.get("daemonsets", name)
        s = d["status"]
        return s.get("observedGeneration") == d["metadata"]["generation"] and s.get("numberReady") == ready and (updated is None or s.get("updatedNumberScheduled", 0) == updated)
    return p.until(f"{name}: {ready} ready, {updated} updated", so)


@scenario(*DAEMONS, seconds=20)
def daemonset_life(p):
    p.create(daemons())
    daemons_settle(p)
    p.show("one a node")
    p.patch("daemonsets", "agent", new_template())
    daemons_settle(p, ready=3, updated=3)
    p.show("updated")
    p.delete("pods", p.pods()[0]["metadata"]["name"])
    p.until("replaced", lambda: len(p.pods()) == 3)
    daemons_settle(p)
    p.show("replaced")
    p.patch("daemonsets", "agent", new_template("running", "nginx:1.25.5"))
    daemons_settle(p, ready=3, updated=3)
    p.show("rolled back")
    p.delete("daemonsets", "agent", "Foreground")
    p.until_gone("daemonsets", "agent")
    p.show("gone")


@scenario(*DAEMONS)
def daemonset_broken_update(p):
    p.create(daemons(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}))
    daemons_settle(p)
    p.patch("daemonsets", "agent", new_template("unready"))
    daemons_settle(p, ready=2, updated=1)
    p.show("stuck at one")


@scenario(*DAEMONS)
def daemonset_max_unavailable_percent(p):
    p.create(daemons(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%"}}))
    daemons_settle(p)
    p.patch("daemonsets", "agent", new_template("unready"))
    daemons_settle(p, ready=1, updated=2)
    p.show("stuck at two")


@scenario(*DAEMONS)
def daemonset_on_delete(p):
    p.create(daemons(updateStrategy={"type": "OnDelete"}))
    daemons_settle(p)
    p.patch("daemonsets", "agent", new_template())
    p.until("observed", lambda: p.status("daemonsets", "agent").get("observedGeneration") == 2)
    p.show("nothing is touched")
    p.delete("pods", p.pods()[0]["metadata"]["name"])
    p.until("replaced", lambda: len(p.pods()) == 3)
    daemons_settle(p, ready=3, updated=1)
    p.show("the deleted one is new")


@scenario(*DAEMONS)
def daemonset_node_selector(p):
    p.create(daemons(pod_more={"nodeSelector": {"kubernetes.io/hostname": "n2"}}))
    daemons_settle(p, ready=1)
    p.show("on one node")
    p.patch("daemonsets", "agent", {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "n3"}}}}})
    daemons_settle(p, ready=1, updated=1)
    p.show("on another")
    p.patch("daemonsets", "agent", {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "nowhere"}}}}})
    daemons_settle(p, ready=0)
    p.show("nowhere")


@scenario(*DAEMONS)
def daemonset_affinity(p):
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-b", "zone-c"]}]}]}}}
    p.create(daemons(pod_more={"affinity": affinity}))
    daemons_settle(p, ready=2)
    p.show("in two zones")


@scenario(*DAEMONS)
def daemonset_failed_pods(p):
    """A pod that failed is deleted and made anew, with an event."""
    p.create(daemons())
    daemons_settle(p)
    first = p.pods()[0]["metadata"]["name"]
    p.fail_pod(first)
    p.until_gone("pods", first)
    daemons_settle(p)
    p.show("replaced")


@scenario(*DAEMONS)
def daemonset_min_ready_seconds(p):
    p.create(daemons(minReadySeconds=5))
    daemons_settle(p)
    p.until("available", lambda: p.status("daemonsets", "agent").get("numberAvailable") == 3)
    p.show("available")


@scenario(*DAEMONS)
def daemonset_adopts(p):
    p.create(daemons())
    daemons_settle(p)
    p.delete("daemonsets", "agent", "Orphan")
    p.until_gone("daemonsets", "agent")
    p.show("orphans")
    p.create(daemons())
    daemons_settle(p)
    p.show("adopted")
