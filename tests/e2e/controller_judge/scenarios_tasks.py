"""Unusual turns of Jobs, CronJobs, budgets, autoscalers and quotas."""
import time

from scenario import container, deployment, pod, scenario, template, workload
from scenarios_jobs import ALL, CRON, condition, cron, job
from scenarios_policies import CPU, autoscaler, budget, counted, evict, looked


@scenario(*ALL, seconds=20)
def task_again_until_too_often(p):
    """restartPolicy OnFailure and a back-off limit of containers' restarts: the pod is ended with the Job."""
    p.create(job("again", "crash", restart="OnFailure", spec={"backoffLimit": 1}))
    p.until("failed", lambda: condition(p, "again", "Failed"), 60)
    p.show("failed", "jobs")


@scenario(*ALL)
def task_grows(p):
    p.create(job("wide", "busy", spec={"completions": 5, "parallelism": 1}))
    p.until("one", lambda: p.status("jobs", "wide").get("active") == 1)
    p.patch("jobs", "wide", {"spec": {"parallelism": 3}})
    p.until("three", lambda: p.status("jobs", "wide").get("active") == 3)
    p.show("three")
    p.delete("jobs", "wide", "Foreground")
    p.until_gone("jobs", "wide")
    p.until("no pods", lambda: not p.list("pods"))


@scenario(*ALL)
def task_takes_in(p):
    """A selector by hand takes in pods that are there, ended ones too."""
    p.create(pod("ended", "completed", labels={"app": "own"}))
    p.create(pod("going", "busy", labels={"app": "own"}))
    p.until("both", lambda: {x["status"].get("phase") for x in p.list("pods")} == {"Running", "Succeeded"})
    p.create(job("own", "busy", spec={"manualSelector": True, "completions": 3, "parallelism": 2, "selector": {"matchLabels": {"app": "own"}}}))
    p.until("active", lambda: p.status("jobs", "own").get("active") == 2)
    p.show("one succeeded, one was going, one made", "pods")
    p.note("counts", {k: p.status("jobs", "own").get(k) for k in ("active", "succeeded", "failed")})


@scenario(*ALL)
def task_refused_by_a_quota(p):
    p.create({"kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    p.until("quota counted", lambda: p.status("resourcequotas", "none").get("hard"))
    p.create(job("poor", "completed"))
    p.until("told", lambda: any(e["reason"] == "FailedCreate" for e in p.list("events")))
    p.show("refused")
    p.delete("resourcequotas", "none")
    p.until("complete", lambda: condition(p, "poor", "Complete"), 90)


@scenario(*ALL)
def task_failed_and_forgotten(p):
    p.create(job("brief", "failed", spec={"ttlSecondsAfterFinished": 0, "backoffLimit": 0}))
    p.until_gone("jobs", "brief")
    p.until("no pods", lambda: not p.list("pods"))
    p.show("gone")


@scenario(*ALL)
def task_deadline_of_none(p):
    """A deadline counts although nothing runs."""
    p.create(job("late", "busy", spec={"activeDeadlineSeconds": 3, "parallelism": 2, "completions": 2}, nodeSelector={"is": "nowhere"}))
    p.until("failed", lambda: condition(p, "late", "Failed"), 30)
    p.show("late", "jobs")


@scenario(*ALL)
def task_queue_with_a_failure(p):
    p.create(job("queue", "busy", spec={"parallelism": 2, "backoffLimit": 3}))
    p.running(2)
    p.fail_pod(sorted(x["metadata"]["name"] for x in p.pods())[0])

    def replaced():  # read once: two reads may see it before and after it notices
        status = p.status("jobs", "queue")
        return status.get("active") == 2 and status.get("failed") == 1
    p.until("another", replaced, 60)
    p.show("one failed, two go on", "jobs")
    p.note("pods", sorted(x["status"].get("phase") for x in p.list("pods")))


@scenario(*CRON, seconds=100)
def task_cron_resumed(p):
    """Suspended over its minute, then resumed: what was missed is made up for at once."""
    p.create(cron("late", "busy", suspend=True, schedule="*/1 * * * *"))
    time.sleep(61)
    p.patch("cronjobs", "late", {"spec": {"suspend": False, "concurrencyPolicy": "Forbid"}})
    p.until("one", lambda: p.list("jobs"), 15)
    p.patch("cronjobs", "late", {"spec": {"suspend": True}})
    p.show("made up for", "cronjobs", "jobs")


@scenario(*CRON, seconds=100)
def task_cron_too_late(p):
    """The same with a deadline that has passed: nothing is made up for."""
    while not 3 < time.time() % 60 < 20:
        time.sleep(0.5)
    p.create(cron("never", "busy", suspend=True, startingDeadlineSeconds=10))
    time.sleep(78 - time.time() % 60)
    p.patch("cronjobs", "never", {"spec": {"suspend": False}})
    time.sleep(12)
    p.patch("cronjobs", "never", {"spec": {"suspend": True}})
    p.show("too late", "cronjobs", "jobs")


@scenario(*CRON, seconds=110)
def task_cron_job_deleted(p):
    """A job that is deleted by hand while it is active."""
    p.create(cron("tick", "busy"))
    p.until("first", lambda: p.status("cronjobs", "tick").get("active"), 80)
    p.patch("cronjobs", "tick", {"spec": {"suspend": True}})
    p.delete("jobs", p.list("jobs")[0]["metadata"]["name"], "Background")
    p.until("told", lambda: any(e["reason"] == "MissingJob" for e in p.list("events")), 20)
    p.until("none active", lambda: not p.status("cronjobs", "tick").get("active"), 20)
    p.show("missing", "cronjobs", "jobs")


@scenario(*CRON, seconds=100)
def task_cron_name_taken(p):
    """Another job has the name of the minute: it is left alone."""
    while not 3 < time.time() % 60 < 30:
        time.sleep(0.5)
    p.create(cron("taken", "busy"))
    minute = int(time.time() // 60) + 1
    for number in (minute, minute + 1):
        made = job(f"taken-{number}", "busy")
        p.create(made)
    time.sleep(minute * 60 + 8 - time.time())
    p.show("nothing new", "jobs")
    p.note("status", p.status("cronjobs", "taken").get("active"))


@scenario("poddisruptionbudgets")
def task_budget_of_two_kinds(p):
    """Expected pods: the sum of all controllers' scales."""
    p.create(workload("StatefulSet", "db", 3, serviceName="db", podManagementPolicy="Parallel", pod_more={"labels": {"tier": "x"}}))
    p.create(deployment(replicas=2, pod_more={"labels": {"tier": "x"}}))
    p.create(workload("ReplicaSet", "rs", 1, pod_more={"labels": {"tier": "x"}}))
    p.create({"kind": "ReplicationController", "metadata": {"name": "rc"}, "spec": {"replicas": 1, "template": template("rc", labels={"tier": "x"})}})
    p.running(7)
    p.create({"kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": {"maxUnavailable": "34%", "selector": {"matchLabels": {"tier": "x"}}}})
    counted(p, "b", currentHealthy=7, expectedPods=7)
    p.show("seven, three may go")
    p.patch("statefulsets", "db", {"spec": {"replicas": 0}})
    counted(p, "b", currentHealthy=4, expectedPods=4)
    p.show("four, two may go")


@scenario("poddisruptionbudgets", "pods")
def task_budget_of_others(p):
    """Pods of Jobs and DaemonSets have no scale."""
    p.create(job("run", "busy"))
    p.running(1)
    p.create(budget("job-number", "run", minAvailable=1))
    counted(p, "job-number", currentHealthy=1)
    evict(p, "refused", p.pods()[0]["metadata"]["name"])
    p.show("a number can be counted", "poddisruptionbudgets")
    p.create(budget("job-percent", "run", maxUnavailable="50%"))
    p.until("told", lambda: any(e["reason"] == "CalculateExpectedPodCountFailed" for e in p.list("events")))


@scenario("poddisruptionbudgets")
def task_budget_not_ready(p):
    p.create(deployment(replicas=2, state="unready"))
    p.until("two", lambda: len(p.pods()) == 2 and p.status("deployments", "web").get("replicas") == 2)
    p.create(budget("b", "web", maxUnavailable=1))
    counted(p, "b", expectedPods=2, currentHealthy=0)
    p.show("none is healthy")
    p.patch("poddisruptionbudgets", "b", {"spec": {"maxUnavailable": "100%"}})
    counted(p, "b", desiredHealthy=0)
    p.show("all may go")
    p.patch("poddisruptionbudgets", "b", {"spec": {"selector": {"matchLabels": {"app": "nobody"}}}}, may_fail=True)
    counted(p, "b", expectedPods=0)
    p.show("another selector")


@scenario("poddisruptionbudgets")
def task_budget_pods_come_and_go(p):
    p.create(budget("b", "web", minAvailable="100%"))
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    counted(p, "b", currentHealthy=2, expectedPods=2)
    p.show("all are needed")
    name = sorted(x["metadata"]["name"] for x in p.pods())[0]
    p.patch("pods", name, {"metadata": {"finalizers": ["example.com/hold"]}})
    p.delete("pods", name)
    p.running(2, "app=web")
    counted(p, "b", currentHealthy=2, expectedPods=2)
    p.show("one ends, one came")
    p.patch("pods", name, {"metadata": {"finalizers": None}})


HPA = ("horizontalpodautoscalers",)


@scenario(*HPA, seconds=30)
def task_autoscaler_of_others(p):
    """StatefulSets, ReplicaSets and replication controllers have a scale, Jobs and DaemonSets have none."""
    p.create(workload("StatefulSet", "db", 1, serviceName="db"))
    p.create(workload("ReplicaSet", "rs", 1))
    p.create({"kind": "ReplicationController", "metadata": {"name": "rc"}, "spec": {"replicas": 7, "template": template("rc", "busy", restart="Always")}})
    p.create(job("run", "busy"))
    p.create(autoscaler("db", "db", kind="StatefulSet", minReplicas=2, metrics=CPU))
    p.create(autoscaler("rs", "rs", kind="ReplicaSet", minReplicas=3, metrics=CPU))
    p.create(autoscaler("rc", "rc", kind="ReplicationController", version="v1", metrics=CPU))
    p.create(autoscaler("run", "run", kind="Job", version="batch/v1", metrics=CPU))
    looked(p, "run", "AbleToScale")
    p.until("scaled", lambda: (p.get("statefulsets", "db")["spec"]["replicas"], p.get("replicasets", "rs")["spec"]["replicas"], p.get("replicationcontrollers", "rc")["spec"]["replicas"]) == (2, 3, 5), 60)
    p.until("looked again", lambda: all(looked(p, name, "ScalingActive") for name in ("db", "rs", "rc")), 60)
    p.show("by kind")


@scenario(*HPA, seconds=30)
def task_autoscaler_of_many_metrics(p):
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "100Mi"}}}
    packets = {"type": "Pods", "pods": {"metric": {"name": "packets"}, "target": {"type": "AverageValue", "averageValue": "1k"}}}
    p.create(autoscaler("two", "web", metrics=[memory, *CPU]))
    p.create(autoscaler("value", "web", metrics=[memory]))
    p.create(autoscaler("three", "web", metrics=[packets, memory, *CPU]))
    p.create(autoscaler("plain", "web"))
    for name in ("two", "value", "three", "plain"):
        looked(p, name, "ScalingActive")
    p.show("none of them")


@scenario(*HPA, seconds=40)
def task_autoscaler_switched_off_and_on(p):
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    p.create(autoscaler("web", "web", minReplicas=2, metrics=CPU))
    p.until("two", lambda: p.get("deployments", "web")["spec"]["replicas"] == 2, 60)
    p.patch("deployments", "web", {"spec": {"replicas": 0}})
    p.until("off", lambda: any(c.get("reason") == "ScalingDisabled" for c in (p.status("horizontalpodautoscalers", "web").get("conditions") or [])), 60)
    p.show("off")
    p.patch("deployments", "web", {"spec": {"replicas": 2}})
    p.until("on", lambda: any(c.get("reason", "").startswith("FailedGet") for c in (p.status("horizontalpodautoscalers", "web").get("conditions") or [])), 60)
    p.show("on")


@scenario("resourcequotas")
def task_quota_recounts(p):
    """What a quota never counted is there with none; objects that are ending still count."""
    p.create({"kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}, "data": {}})
    p.create({"kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "5", "count/secrets": "4", "count/replicasets.apps": "3", "requests.example.com/gpu": "2", "limits.cpu": "1", "count/poddisruptionbudgets.policy": "1"}}})
    p.until("counted", lambda: p.status("resourcequotas", "q").get("used"))
    p.show("counted")
    p.delete("configmaps", "held")
    p.create(budget("b", "x", minAvailable=1))
    p.until("budget counted", lambda: p.status("resourcequotas", "q").get("used", {}).get("count/poddisruptionbudgets.policy") == "1")
    p.show("counted again")
    status, answer = p.create(budget("c", "x", minAvailable=1), may_fail=True)
    p.note("refused", {"code": status, "message": answer.get("message")})
    p.patch("configmaps", "held", {"metadata": {"finalizers": None}})


@scenario("resourcequotas", "pods")
def task_quota_of_a_priority(p):
    p.side.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "task-high"}, "value": 5})
    p.create({"kind": "ResourceQuota", "metadata": {"name": "high"}, "spec": {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["task-high"]}]}}})
    p.create({"kind": "ResourceQuota", "metadata": {"name": "any"}, "spec": {"hard": {"pods": "5"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}})
    p.create({"kind": "ResourceQuota", "metadata": {"name": "others"}, "spec": {"hard": {"pods": "5"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["task-high"]}]}}})
    p.until("counted", lambda: all(p.status("resourcequotas", n).get("used") for n in ("high", "any", "others")))
    p.create(pod("a", priorityClassName="task-high"))
    p.create(pod("plain"))
    p.running(2)
    status, answer = p.create(pod("b", priorityClassName="task-high"), may_fail=True)
    p.note("refused", {"code": status, "message": answer.get("message")})
    p.until("seen", lambda: p.status("resourcequotas", "high").get("used", {}).get("pods") == "1")
    p.show("by priority", "resourcequotas")
