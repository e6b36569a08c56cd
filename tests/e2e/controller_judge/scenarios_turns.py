"""Unusual turns of workloads: sets touched by hand, scaling in the middle, pods taken in, removed or held back at the wrong moment."""
import time

from scenario import container, deployment, new_template, pod, scenario, template, workload
from scenarios_deployments import ALL, stuck
from scenarios_sets import DAEMONS, SETS, daemons, daemons_settle, set_ready, stateful


def newest(p, name="web"):
    sets = p.list("replicasets", "app=" + name)
    return max(sets, key=lambda r: int((r["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", 0)))["metadata"]["name"]


@scenario(*ALL)
def turn_percents_of_one(p):
    stuck(p, 1, "25%", "25%", exact_steps=True)


@scenario(*ALL)
def turn_surge_beyond_replicas(p):
    stuck(p, 3, "300%", 0, exact_steps=True)


@scenario(*ALL)
def turn_update_of_none(p):
    """A template changes while there are no replicas: a new set without pods, complete at once."""
    p.create(deployment(replicas=0))
    p.until("observed", lambda: p.status("deployments", "web").get("observedGeneration") == 1)
    p.show("none")
    p.patch("deployments", "web", new_template())
    p.until("two sets", lambda: len(p.list("replicasets")) == 2)
    p.show("none, second revision")
    p.patch("deployments", "web", {"spec": {"replicas": 2}})
    p.rolled_out("web")
    p.show("two of the second")


@scenario(*ALL)
def turn_paused_in_the_middle(p):
    """Paused while stuck, scaled in proportion, mended while paused, resumed."""
    stuck(p, 4, 2, 1)
    p.patch("deployments", "web", {"spec": {"paused": True}})
    p.show("paused while stuck")
    p.patch("deployments", "web", {"spec": {"replicas": 8}})
    p.until("ten", lambda: len(p.pods()) == 10)
    p.show("scaled while paused")
    p.patch("deployments", "web", new_template("running", "nginx:1.27.3"))
    p.show("mended while paused")
    p.patch("deployments", "web", {"spec": {"paused": None}})
    p.rolled_out("web")
    p.show("resumed")


@scenario(*ALL, seconds=20)
def turn_late_then_paused(p):
    """A rollout that is late stays late when it is paused."""
    p.create(deployment(replicas=1, state="unready", progressDeadlineSeconds=3))
    p.until("deadline", lambda: any(c.get("reason") == "ProgressDeadlineExceeded" for c in (p.status("deployments", "web").get("conditions") or [])))
    p.patch("deployments", "web", {"spec": {"paused": True}})
    p.show("late and paused")
    p.patch("deployments", "web", {"spec": {"paused": None, "replicas": 2}})
    p.until("two", lambda: len(p.pods()) == 2)
    time.sleep(4)
    p.until("late again", lambda: any(c.get("reason") == "ProgressDeadlineExceeded" for c in (p.status("deployments", "web").get("conditions") or [])))
    p.show("late and scaled")


@scenario(*ALL)
def turn_scaled_to_none_while_stuck(p):
    stuck(p, 4, 1, 1)
    p.patch("deployments", "web", {"spec": {"replicas": 0}})
    p.until("no pods", lambda: not p.pods())
    p.show("none of either")
    p.patch("deployments", "web", {"spec": {"replicas": 2}})
    p.until("pods of the new one", lambda: len(p.pods()) == 2)
    p.show("only the new one grows")


@scenario(*ALL)
def turn_set_scaled_by_hand(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    name = newest(p)
    p.patch("replicasets", name, {"spec": {"replicas": 5}})
    p.until("corrected", lambda: p.get("replicasets", name)["spec"]["replicas"] == 2)
    p.rolled_out("web")
    p.show("brought back")
    p.patch("deployments", "web", new_template())
    p.rolled_out("web")
    p.patch("replicasets", name, {"spec": {"replicas": 1}})
    p.until("the old one shrinks", lambda: p.get("replicasets", name)["spec"]["replicas"] == 0)
    p.rolled_out("web")
    p.show("the old one brought back")


@scenario(*ALL)
def turn_set_deleted_by_hand(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    name = newest(p)
    uid = p.get("replicasets", name)["metadata"]["uid"]
    p.delete("replicasets", name, "Background")
    p.until("another", lambda: (p.get("replicasets", name) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid)
    p.until("old pods are gone", lambda: len(p.list("pods")) == 2)
    p.rolled_out("web")
    p.show("made again under its name")


@scenario(*ALL)
def turn_set_taken_out(p):
    """A set whose labels change is let go; its name is taken, so that the next has another hash."""
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    name = newest(p)
    p.patch("replicasets", name, {"metadata": {"labels": {"app": "apart"}}})
    p.until("another set", lambda: len(p.list("replicasets")) == 2)
    p.until("rolled out", lambda: p.status("deployments", "web").get("updatedReplicas") == 1 and p.status("deployments", "web").get("collisionCount"))
    p.note("status", {k: p.status("deployments", "web").get(k) for k in ("collisionCount", "replicas", "updatedReplicas")})
    p.note("owners", sorted(bool(r["metadata"].get("ownerReferences")) for r in p.list("replicasets")))


@scenario(*ALL)
def turn_waits_longer(p):
    """minReadySeconds of a Deployment reaches its set without a new revision."""
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    p.patch("deployments", "web", {"spec": {"minReadySeconds": 2, "progressDeadlineSeconds": 100}})
    p.until("taken over", lambda: p.list("replicasets")[0]["spec"].get("minReadySeconds") == 2)
    time.sleep(3)
    p.rolled_out("web")
    p.show("waits longer, same revision")


@scenario(*ALL)
def turn_to_recreate_while_stuck(p):
    stuck(p, 3, 1, 0)
    p.patch("deployments", "web", {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    p.until("all of the new", lambda: len(p.pods()) == 3 and len({x["metadata"]["labels"]["pod-template-hash"] for x in p.pods()}) == 1)
    p.show("recreated")


@scenario(*ALL)
def turn_bare_pod_with_its_labels(p):
    """A bare pod that a Deployment's selector matches, but not its set's: left alone. A set without owner that matches: adopted and shrunk."""
    p.create(pod("bare", labels={"app": "web"}))
    p.create(workload("ReplicaSet", "web-old", 2, metadata={"labels": {"app": "web"}}))
    p.running(3)
    p.create(deployment(replicas=1, revisionHistoryLimit=5))
    p.until("adopted", lambda: (p.get("replicasets", "web-old") or {}).get("metadata", {}).get("ownerReferences"))
    p.rolled_out("web")
    p.show("adopted")


@scenario("replicasets", "pods", seconds=20)
def turn_ranking(p):
    """Who goes first: without a node, not ready, younger."""
    p.create(pod("elder", labels={"app": "rs"}))
    p.running(1)
    time.sleep(2)
    p.create(pod("younger", labels={"app": "rs"}))
    p.create(pod("homeless", labels={"app": "rs"}, nodeSelector={"is": "nowhere"}))
    p.create(pod("unready", "unready", labels={"app": "rs"}))
    p.running(2)
    p.create(workload("ReplicaSet", "rs", 4))
    p.until("all taken in", lambda: all(x["metadata"].get("ownerReferences") for x in p.pods()) and len(p.pods()) == 4)
    for count in (3, 2, 1):
        p.patch("replicasets", "rs", {"spec": {"replicas": count}})
        p.until(f"{count} left", lambda: len(p.pods()) == count)
        p.note(f"{count} left", sorted(x["metadata"]["name"] for x in p.pods()))
    p.show("the elder")


@scenario("replicasets", "pods")
def turn_pods_of_others(p):
    """Pods with another controller are not taken in; those with an owner that is no controller are."""
    _, root = p.create({"kind": "ConfigMap", "metadata": {"name": "root"}, "data": {}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "root", "uid": root["metadata"]["uid"]}
    p.create(pod("controlled", labels={"app": "rs"}, metadata={"ownerReferences": [{**reference, "controller": True}]}))
    p.create(pod("owned", labels={"app": "rs"}, metadata={"ownerReferences": [reference]}))
    p.running(2)
    p.create(workload("ReplicaSet", "rs", 2))
    p.running(3)
    p.show("one taken in, one made")


@scenario("replicasets", "pods")
def turn_refused_by_a_quota(p):
    """Slow start: of five that are wanted each attempt tries one, then two; one fits."""
    p.create({"kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}})
    p.until("quota counted", lambda: p.status("resourcequotas", "few").get("hard"))
    p.create(workload("ReplicaSet", "rs", 5))
    p.until("failure", lambda: any(c["type"] == "ReplicaFailure" for c in (p.status("replicasets", "rs").get("conditions") or [])))
    p.running(1)
    p.show("one of five")
    p.patch("resourcequotas", "few", {"spec": {"hard": {"pods": "9"}}})
    p.running(5, seconds=60)
    p.show("all of five")


@scenario("replicasets", "pods", seconds=20)
def turn_set_waits_to_be_sure(p):
    p.create(workload("ReplicaSet", "rs", 2, minReadySeconds=4))
    p.until("available", lambda: p.status("replicasets", "rs").get("availableReplicas") == 2)
    p.show("available")


@scenario("replicationcontrollers", "pods")
def turn_replication_controller_orphans(p):
    made = {"kind": "ReplicationController", "metadata": {"name": "rc"}, "spec": {"replicas": 2, "template": template("rc")}}
    p.create(made)
    p.running(2)
    p.delete("replicationcontrollers", "rc", "Orphan")
    p.until_gone("replicationcontrollers", "rc")
    p.show("orphans")
    p.create({**made, "spec": {**made["spec"], "replicas": 1}})
    p.running(1)
    p.show("one too many was taken in and ended")


@scenario(*SETS, seconds=20)
def turn_stateful_waits_when_shrinking(p):
    """In order: while a lower one is not ready, none above it goes; the one that is not ready may go itself."""
    p.create(stateful(replicas=3))
    set_ready(p, readyReplicas=3)
    p.set_ready("db-0", False)
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    p.show("waits for the first")
    p.set_ready("db-0", True)
    p.until("one left", lambda: len(p.list("pods")) == 1)
    p.show("one left")


@scenario(*SETS, seconds=20)
def turn_stateful_shrinks_the_unready(p):
    p.create(stateful(replicas=3))
    set_ready(p, readyReplicas=3)
    p.set_ready("db-1", False)
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    p.show("who may go")


@scenario(*SETS, seconds=20)
def turn_stateful_middle_deleted(p):
    """A pod in the middle is made again before anything else; no update goes on meanwhile."""
    p.create(stateful(replicas=3))
    set_ready(p, readyReplicas=3)
    p.set_ready("db-2", False)
    p.delete("pods", "db-1")
    p.until("again", lambda: is_new(p, "db-1"))
    p.show("made again although the last is not ready")
    p.patch("statefulsets", "db", new_template())
    p.show("the unready one is updated first")


def is_new(p, name):
    one = p.get("pods", name)
    return one is not None and "deletionTimestamp" not in one["metadata"] and one["status"].get("phase") == "Running"


@scenario(*SETS, seconds=25)
def turn_stateful_partition_moves(p):
    p.create(stateful(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 9}}))
    set_ready(p, readyReplicas=3)
    p.patch("statefulsets", "db", new_template())
    p.until("observed", lambda: p.status("statefulsets", "db").get("observedGeneration") == 2)
    p.show("beyond all: nothing moves")
    p.delete("pods", "db-2")
    p.until("again", lambda: is_new(p, "db-2"))
    set_ready(p, readyReplicas=3)
    p.show("made again as it was")
    p.patch("statefulsets", "db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}})
    set_ready(p, readyReplicas=3, updatedReplicas=2)
    p.show("two of three")
    p.patch("statefulsets", "db", {"spec": {"replicas": 4}})
    set_ready(p, readyReplicas=4, updatedReplicas=3)
    p.show("a fourth is new")
    p.patch("statefulsets", "db", new_template("running", "nginx:1.25.5"))
    set_ready(p, readyReplicas=4, updatedReplicas=4)
    p.show("back")


@scenario(*SETS)
def turn_stateful_takes_in(p):
    """A bare pod of the right name and labels is taken in, and replaced as it is of no revision."""
    p.create(pod("db-0", labels={"app": "db"}))
    p.running(1)
    p.create(stateful(replicas=2))
    set_ready(p, readyReplicas=2)
    p.show("taken in")


@scenario(*SETS)
def turn_stateful_lets_go(p):
    """A pod of a StatefulSet whose labels change is let go; its name stays taken."""
    p.create(stateful(replicas=2, podManagementPolicy="Parallel"))
    set_ready(p, readyReplicas=2)
    p.patch("pods", "db-1", {"metadata": {"labels": {"app": "apart"}}})
    p.until("let go", lambda: not p.get("pods", "db-1")["metadata"].get("ownerReferences"))
    p.show("let go", "pods")
    p.delete("pods", "db-1")
    p.until("replaced", lambda: is_new(p, "db-1") and p.get("pods", "db-1")["metadata"].get("ownerReferences"), 60)
    set_ready(p, readyReplicas=2)
    p.show("its own again", "pods")


@scenario(*SETS, seconds=20)
def turn_stateful_parallel_broken_update(p):
    p.create(stateful(replicas=3, podManagementPolicy="Parallel"))
    set_ready(p, readyReplicas=3)
    p.patch("statefulsets", "db", new_template("unready"))
    p.until("one is new", lambda: p.status("statefulsets", "db").get("updatedReplicas") == 1 and p.status("statefulsets", "db").get("readyReplicas") == 2)
    p.show("stuck at the last")
    p.patch("statefulsets", "db", {"spec": {"replicas": 5}})
    p.until("five", lambda: len(p.pods()) == 5)
    p.show("grows all the same")


@scenario(*SETS)
def turn_stateful_of_none(p):
    p.create(stateful(replicas=0))
    set_ready(p)
    p.patch("statefulsets", "db", new_template())
    p.until("observed", lambda: p.status("statefulsets", "db").get("observedGeneration") == 2)
    p.show("none of two revisions")
    p.patch("statefulsets", "db", {"spec": {"replicas": 1}})
    set_ready(p, readyReplicas=1)
    p.show("one of the second")


@scenario("statefulsets", "pods", "persistentvolumeclaims")
def turn_stateful_claim_pending(p):
    """No class makes a volume: the first pod waits for its claim, no second comes."""
    made = stateful(replicas=2, volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "turn-none", "resources": {"requests": {"storage": "1Gi"}}}}])
    p.create({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-db-1", "labels": {"made": "before"}}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "turn-other", "resources": {"requests": {"storage": "1Gi"}}}})
    p.create(made)
    p.until("one pod", lambda: len(p.pods()) == 1)
    p.show("waits")
    p.patch("statefulsets", "db", {"spec": {"replicas": 0}})
    p.until("none", lambda: not p.list("pods"))
    p.show("the claims stay")


@scenario(*DAEMONS)
def turn_daemon_let_go(p):
    """A pod whose labels change is let go; another comes to its node."""
    p.create(daemons())
    daemons_settle(p)
    one = p.pods()[0]["metadata"]["name"]
    p.patch("pods", one, {"metadata": {"labels": {"app": "apart"}}})
    p.running(4)
    daemons_settle(p)
    p.show("four pods")


@scenario(*DAEMONS)
def turn_daemon_two_on_a_node(p):
    """Bare pods of its labels are taken in where it wants one; of two on a node the younger goes."""
    for name, where in (("first", "n1"), ("second", "n1"), ("third", "n2")):
        p.create(pod(name, labels={"app": "agent"}, nodeName=where))
        p.running({"first": 1, "second": 2, "third": 3}[name])
        time.sleep(1.2)
    p.create(daemons(updateStrategy={"type": "OnDelete"}))
    daemons_settle(p)
    p.until("three", lambda: len(p.list("pods")) == 3)
    p.show("one a node")


@scenario(*DAEMONS, seconds=20)
def turn_daemon_rolled_back_while_stuck(p):
    p.create(daemons(revisionHistoryLimit=0))
    daemons_settle(p)
    p.patch("daemonsets", "agent", new_template("unready"))
    daemons_settle(p, ready=2, updated=1)
    p.patch("daemonsets", "agent", new_template("running", "nginx:1.25.5"))
    daemons_settle(p, ready=3, updated=3)
    p.until("no old revision", lambda: len(p.list("controllerrevisions")) == 1)
    p.show("back, and no history")


@scenario(*DAEMONS)
def turn_daemon_template_labels(p):
    p.create(daemons())
    daemons_settle(p)
    p.patch("daemonsets", "agent", {"metadata": {"labels": {"x": "y"}, "annotations": {"a": "b"}}})
    p.patch("daemonsets", "agent", {"spec": {"template": {"metadata": {"labels": {"extra": "1"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}})
    daemons_settle(p, ready=3, updated=3)
    p.show("relabelled")


@scenario(*DAEMONS)
def turn_daemon_two_containers_crash(p):
    p.create(daemons(state="crash"))
    p.until("three", lambda: len(p.pods()) == 3 and p.status("daemonsets", "agent").get("numberUnavailable") == 3)
    p.patch("daemonsets", "agent", {"spec": {"template": {"spec": {"containers": [container(name="main"), container(name="side", ports=None, readinessProbe=None)]}, "metadata": {"annotations": {"sim.example.com/state": "running"}}}}})
    daemons_settle(p, ready=3, updated=3)
    p.show("mended: those that crash do not hold it up", "daemonsets", "controllerrevisions")
