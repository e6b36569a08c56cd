"""Deployments and ReplicaSets, as the documentation of Deployments promises."""
from scenario import container, deployment, new_template, pod, scenario, template, workload

ALL = ("deployments", "replicasets", "pods")


def hashes(play, name):
    return {r["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: r for r in play.list("replicasets", "app=" + name)}


@scenario(*ALL)
def deployment_life(p):
    """Created, scaled, updated twice, rolled back, restarted, deleted."""
    p.create(deployment())
    p.rolled_out("web")
    p.show("created")
    p.patch("deployments", "web", {"spec": {"replicas": 5}})
    p.rolled_out("web")
    p.show("scaled up")
    p.patch("deployments", "web", {"metadata": {"annotations": {"kubernetes.io/change-cause": "second"}}, **new_template()})
    p.rolled_out("web")
    p.show("second revision")
    p.patch("deployments", "web", {"metadata": {"annotations": {"kubernetes.io/change-cause": "third"}}, **new_template(image="nginx:1.27.3")})
    p.rolled_out("web")
    first = hashes(p, "web")["1"]["spec"]["template"]
    del first["metadata"]["labels"]["pod-template-hash"]
    p.patch("deployments", "web", [{"op": "replace", "path": "/spec/template", "value": first}], "json")
    p.rolled_out("web")
    p.show("rolled back to the first")
    p.patch("deployments", "web", {"spec": {"replicas": 0}})
    p.until("no replicas", lambda: not p.pods())
    p.show("scaled to none")
    p.delete("deployments", "web", "Background")
    p.until("all is gone", lambda: not p.list("replicasets") and not p.list("pods"))
    p.show("deleted")


def stuck(p, replicas, surge, unavailable, exact_steps=False):
    p.names.exact_steps = exact_steps
    p.create(deployment(replicas=replicas, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}))
    p.rolled_out("web")
    p.patch("deployments", "web", new_template("unready"))
    p.until("two sets", lambda: len(p.list("replicasets")) == 2)
    p.show("stuck with pods that do not become ready")


@scenario(*ALL)
def rolling_surge_percents(p):
    stuck(p, 10, "25%", "25%", exact_steps=True)  # up to 13 pods, at least 8 available


@scenario(*ALL)
def rolling_surge_numbers(p):
    stuck(p, 4, 2, 1, exact_steps=True)


@scenario(*ALL)
def rolling_no_unavailable(p):
    stuck(p, 3, 1, 0, exact_steps=True)


@scenario(*ALL)
def rolling_no_surge(p):
    stuck(p, 3, 0, 1, exact_steps=True)


@scenario(*ALL)
def rolling_both_round_to_none(p):
    stuck(p, 2, "0%", "10%", exact_steps=True)  # both would be 0: one may be unavailable


@scenario(*ALL)
def rolling_all_unavailable(p):
    stuck(p, 4, "100%", "100%", exact_steps=True)


@scenario(*ALL)
def rollback_of_a_stuck_rollout(p):
    stuck(p, 4, "25%", "25%")
    p.patch("deployments", "web", new_template("running", "nginx:1.25.5"))
    p.rolled_out("web")
    p.show("undone")


@scenario(*ALL)
def rollover(p):
    """A third template while the second is under way: the second is scaled down at once."""
    stuck(p, 4, 1, 1)
    p.patch("deployments", "web", new_template("unready", "nginx:1.27.3"))
    p.until("three sets", lambda: len(p.list("replicasets")) == 3)
    p.show("the second gives way")
    p.patch("deployments", "web", new_template("running", "nginx:latest"))
    p.rolled_out("web")
    p.show("the fourth wins")


@scenario(*ALL)
def proportional_scaling(p):
    """The documentation's example: 10 replicas, maxSurge 3, maxUnavailable 2, then 15 while stuck."""
    stuck(p, 10, 3, 2)
    p.patch("deployments", "web", {"spec": {"replicas": 15}})
    p.until("18 pods", lambda: len(p.pods()) == 18)
    p.show("scaled up in proportion")
    p.patch("deployments", "web", {"spec": {"replicas": 6}})
    p.until("fewer pods", lambda: len(p.pods()) <= 9)
    p.show("scaled down in proportion")


@scenario(*ALL)
def recreate(p):
    p.create(deployment(strategy={"type": "Recreate"}))
    p.rolled_out("web")
    p.patch("deployments", "web", new_template())
    p.rolled_out("web")
    p.show("created anew")
    p.patch("deployments", "web", new_template("unready", "nginx:1.27.3"))
    p.until("three unready", lambda: len(p.list("replicasets")) == 3 and len(p.pods()) == 3)
    p.show("none is ready")


@scenario(*ALL)
def pause_and_resume(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.patch("deployments", "web", {"spec": {"paused": True}})
    p.show("paused")
    p.patch("deployments", "web", new_template())
    p.patch("deployments", "web", {"spec": {"replicas": 4}})
    p.running(4)
    p.show("scaled but not rolled out while paused")
    p.patch("deployments", "web", {"spec": {"paused": None}})
    p.rolled_out("web")
    p.show("resumed")


@scenario(*ALL)
def created_paused(p):
    p.create(deployment(paused=True))
    p.until("observed", lambda: p.status("deployments", "web").get("observedGeneration") == 1)
    p.show("nothing happens")
    p.patch("deployments", "web", {"spec": {"paused": False}})
    p.rolled_out("web")
    p.show("it begins")


@scenario(*ALL, seconds=20)
def progress_deadline(p):
    p.create(deployment(replicas=2, state="unready", progressDeadlineSeconds=4))
    p.until("deadline", lambda: any(c.get("reason") == "ProgressDeadlineExceeded" for c in (p.status("deployments", "web").get("conditions") or [])))
    p.show("late")
    p.patch("deployments", "web", new_template("running"))
    p.rolled_out("web")
    p.show("mended")


@scenario(*ALL, seconds=20)
def min_ready_seconds(p):
    p.create(deployment(replicas=2, minReadySeconds=6, progressDeadlineSeconds=60))
    p.running(2)
    p.show("ready but not yet available")
    p.rolled_out("web")
    p.show("available")


@scenario(*ALL)
def revision_history_limit(p):
    p.create(deployment(replicas=1, revisionHistoryLimit=1))
    p.rolled_out("web")
    for image in ("nginx:1.26.2", "nginx:1.27.3", "nginx:latest"):
        p.patch("deployments", "web", new_template(image=image))
        p.rolled_out("web")
        p.list("replicasets")
    p.show("one old set is kept")
    p.patch("deployments", "web", {"spec": {"revisionHistoryLimit": 0}})
    p.until("no old set", lambda: len(p.list("replicasets")) == 1)
    p.show("none is kept")


@scenario(*ALL)
def change_of_labels_and_annotations(p):
    """Labels and annotations of a Deployment: the latter reach the ReplicaSet, but for kubectl's own."""
    p.create(deployment(replicas=1, metadata={"annotations": {"team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}"}}))
    p.rolled_out("web")
    p.patch("deployments", "web", {"metadata": {"labels": {"tier": "x"}, "annotations": {"team": "b", "more": "1"}}})
    p.show("annotated")
    p.patch("deployments", "web", {"spec": {"template": {"metadata": {"labels": {"extra": "1"}}}}})
    p.rolled_out("web")
    p.show("template labelled")


@scenario(*ALL)
def orphans_and_adoption(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.delete("deployments", "web", "Orphan")
    p.until_gone("deployments", "web")
    p.show("orphaned")
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.show("adopted")
    one = p.pods("app=web")[0]["metadata"]["name"]
    p.patch("pods", one, {"metadata": {"labels": {"app": "taken-out"}}})
    p.running(2, "app=web")
    p.show("one was taken out and replaced")


@scenario(*ALL)
def overlapping_selectors(p):
    """Two Deployments that select the same labels: each keeps to its own."""
    p.create(deployment("web", 2))
    p.rolled_out("web")
    other = deployment("rival", 1)
    other["spec"]["selector"]["matchLabels"] = {"app": "web"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "web"}
    p.create(other)
    p.rolled_out("rival")
    p.show("side by side")


@scenario(*ALL)
def quota_stops_a_rollout(p):
    p.create({"kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}})
    p.until("quota counted", lambda: p.status("resourcequotas", "few").get("hard"))
    p.create(deployment(replicas=3))
    p.until("replica failure", lambda: any(c["type"] == "ReplicaFailure" for c in (p.status("deployments", "web").get("conditions") or [])))
    p.running(2)
    p.show("two of three", "deployments", "replicasets", "resourcequotas")
    p.patch("resourcequotas", "few", {"spec": {"hard": {"pods": "10"}}})


@scenario(*ALL)
def missing_service_account(p):
    p.create(deployment(replicas=1, pod_more={"serviceAccountName": "nobody"}))
    p.until("replica failure", lambda: any(c["type"] == "ReplicaFailure" for c in (p.status("deployments", "web").get("conditions") or [])))
    p.show("refused")
    p.create({"kind": "ServiceAccount", "metadata": {"name": "nobody"}})


@scenario(*ALL)
def pod_deleted_by_hand(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.delete("pods", p.pods()[0]["metadata"]["name"])
    p.until("replaced", lambda: len(p.pods()) == 2)
    p.rolled_out("web")
    p.show("replaced")


@scenario(*ALL)
def crashing_deployment(p):
    p.create(deployment(replicas=2, state="crash"))
    p.until("two pods", lambda: len(p.pods()) == 2)
    p.until("observed", lambda: p.status("deployments", "web").get("unavailableReplicas") == 2)
    p.show("unavailable", "deployments", "replicasets")


@scenario("replicasets", "pods")
def replicaset_alone(p):
    p.create(workload("ReplicaSet", "rs", 3))
    p.running(3)
    p.show("created")
    p.patch("replicasets", "rs", new_template())
    p.show("a new template touches no pod")
    p.patch("replicasets", "rs", {"spec": {"replicas": 1}})
    p.running(1)
    p.show("scaled down")
    p.delete("replicasets", "rs", "Orphan")
    p.until_gone("replicasets", "rs")
    p.show("orphan left")
    other = workload("ReplicaSet", "rs", 1)
    p.create(other)
    p.until("adopted", lambda: p.status("replicasets", "rs").get("readyReplicas") == 1)
    p.show("adopted")


@scenario("replicasets", "pods")
def replicaset_takes_in_bare_pods(p):
    """The documentation's example: bare pods that match are taken in; those beyond the count are ended."""
    p.create(pod("first", labels={"app": "rs"}))
    p.create(pod("second", labels={"app": "rs"}))
    p.running(2)
    p.create(workload("ReplicaSet", "rs", 3))
    p.running(3)
    p.show("two taken in, one made")


@scenario("replicasets", "pods")
def replicaset_lets_go(p):
    p.create(workload("ReplicaSet", "rs", 2))
    p.running(2)
    one = p.pods()[0]["metadata"]["name"]
    p.patch("pods", one, {"metadata": {"labels": {"app": "debug"}}})
    p.running(2, "app=rs")
    p.show("one released")


@scenario("replicasets", "pods")
def replicaset_replaces_failed_pods(p):
    p.create(workload("ReplicaSet", "rs", 2))
    p.running(2)
    one = p.pods()[0]["metadata"]["name"]
    p.set_ready(one, False)
    p.show("one unready")
    p.set_ready(one, True)
    p.show("ready again")
    p.fail_pod(one)
    p.running(2)
    p.show("a failed one stays beside its successor")


@scenario("replicasets", "pods")
def scale_down_takes_the_unready_first(p):
    p.create(workload("ReplicaSet", "rs", 3))
    p.running(3)
    one = p.pods()[1]["metadata"]["name"]
    p.set_ready(one, False)
    p.until("counted", lambda: p.status("replicasets", "rs").get("readyReplicas") == 2)
    p.patch("replicasets", "rs", {"spec": {"replicas": 2}})
    p.until("two left", lambda: len(p.pods()) == 2)
    p.note("the unready one is gone", p.get("pods", one) is None or "deletionTimestamp" in p.get("pods", one)["metadata"])
    p.show("two left")


@scenario("replicationcontrollers", "pods")
def replication_controller(p):
    p.create({"kind": "ReplicationController", "metadata": {"name": "rc"}, "spec": {"replicas": 2, "selector": {"app": "rc"}, "template": template("rc")}})
    p.running(2)
    p.show("created")
    p.patch("replicationcontrollers", "rc", {"spec": {"replicas": 3}})
    p.running(3)
    p.show("scaled")
    p.delete("replicationcontrollers", "rc", "Foreground")
    p.until_gone("replicationcontrollers", "rc")
    p.show("gone")


@scenario("replicasets", "pods")
def bad_image_everywhere(p):
    rs = workload("ReplicaSet", "rs", 1, state="imagepull", image="registry.example.com/does-not-exist:1")
    p.create(rs)
    p.until("a pod", lambda: len(p.pods()) == 1)
    p.until("observed", lambda: p.status("replicasets", "rs").get("replicas") == 1)
    p.show("no pod becomes ready", "replicasets")


@scenario(*ALL)
def init_containers_and_two_containers(p):
    made = deployment(replicas=1)
    made["spec"]["template"]["spec"]["containers"].append(container("running", name="side", ports=[{"containerPort": 8080}], readinessProbe=None))
    p.create(made)
    p.rolled_out("web")
    p.show("created")
