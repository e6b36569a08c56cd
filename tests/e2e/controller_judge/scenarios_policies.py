"""Disruption budgets and evictions, autoscalers, quotas, service accounts, namespaces."""
from scenario import container, deployment, pod, scenario, service, template, workload

BUDGETS = ("poddisruptionbudgets",)


def budget(name, app, **spec):
    return {"kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": app}}, **spec}}


def counted(p, name, **values):
    return p.until(f"{name}: {values}", lambda: all(p.status("poddisruptionbudgets", name).get(k) == v for k, v in values.items()) and p.status("poddisruptionbudgets", name).get("observedGeneration"))


def evict(p, label, name):
    status, answer = p.evict(name)
    p.note(label, {"code": status, "reason": answer.get("reason"), "message": answer.get("message"), "causes": (answer.get("details") or {}).get("causes")})
    return status


@scenario(*BUDGETS)
def budget_min_available(p):
    p.create(deployment(replicas=3))
    p.rolled_out("web")
    p.create(budget("b", "web", minAvailable=2))
    counted(p, "b", currentHealthy=3, disruptionsAllowed=1)
    p.show("one may go")
    names = sorted(x["metadata"]["name"] for x in p.pods())
    p.set_ready(names[2], False)
    counted(p, "b", currentHealthy=2, disruptionsAllowed=0)
    evict(p, "refused", names[0])
    p.show("none may go")
    p.set_ready(names[2], True)
    counted(p, "b", currentHealthy=3, disruptionsAllowed=1)
    evict(p, "granted", names[0])
    p.rolled_out("web")
    counted(p, "b", currentHealthy=3, disruptionsAllowed=1)
    p.show("replaced")


@scenario(*BUDGETS)
def budget_percents(p):
    p.create(deployment("seven", 7))
    p.rolled_out("seven")
    p.create(budget("min", "seven", minAvailable="50%"))
    counted(p, "min", currentHealthy=7, expectedPods=7)
    p.show("half, rounded up")
    p.delete("poddisruptionbudgets", "min")
    p.create(budget("max", "seven", maxUnavailable="30%"))
    counted(p, "max", currentHealthy=7, expectedPods=7)
    p.show("thirty percent, rounded up")


@scenario(*BUDGETS)
def budget_max_unavailable_zero(p):
    p.create(workload("StatefulSet", "db", 1, serviceName="db"))
    p.running(1)
    p.create(budget("b", "db", maxUnavailable=0))
    counted(p, "b", currentHealthy=1, disruptionsAllowed=0, expectedPods=1)
    p.show("never")
    evict(p, "refused", "db-0")


@scenario(*BUDGETS)
def budget_bare_pods(p):
    """Pods without a controller: percents and maxUnavailable cannot be counted."""
    p.create(pod("bare"))
    p.running(1)
    p.create(budget("max", "bare", maxUnavailable=1))
    p.until("told", lambda: p.status("poddisruptionbudgets", "max").get("observedGeneration") is not None or p.list("events"))
    p.show("cannot be counted")
    p.delete("poddisruptionbudgets", "max")
    p.create(budget("min", "bare", minAvailable=1))
    counted(p, "min", currentHealthy=1, disruptionsAllowed=0)
    evict(p, "refused", "bare")
    p.show("a number can")


@scenario(*BUDGETS)
def budget_matches_nothing(p):
    p.create(budget("b", "nobody", minAvailable=1))
    p.until("told", lambda: p.status("poddisruptionbudgets", "b").get("observedGeneration"))
    p.show("no pods")
    p.create(pod("other"))
    p.running(1)
    evict(p, "no budget concerns it", "other")
    status, answer = p.evict("absent")
    p.note("absent", {"code": status, "message": answer.get("message")})


@scenario(*BUDGETS)
def budget_two_for_one_pod(p):
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.create(budget("one", "web", minAvailable=1))
    p.create(budget("two", "web", maxUnavailable=1))
    counted(p, "one", currentHealthy=2)
    counted(p, "two", currentHealthy=2)
    evict(p, "two budgets", sorted(x["metadata"]["name"] for x in p.pods())[0])
    p.show("both")


@scenario(*BUDGETS)
def budget_scaled(p):
    p.create(deployment(replicas=4))
    p.rolled_out("web")
    p.create(budget("b", "web", maxUnavailable="50%"))
    counted(p, "b", currentHealthy=4, expectedPods=4)
    p.patch("deployments", "web", {"spec": {"replicas": 1}})
    counted(p, "b", currentHealthy=1, expectedPods=1)
    p.show("one left")
    p.patch("poddisruptionbudgets", "b", {"spec": {"maxUnavailable": None, "minAvailable": 5}})
    counted(p, "b", desiredHealthy=5)
    p.show("more than there are")


HPA = ("horizontalpodautoscalers", "deployments")


def autoscaler(name, target, kind="Deployment", version="apps/v1", **spec):
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": {"scaleTargetRef": {"apiVersion": version, "kind": kind, "name": target}, "maxReplicas": 5, **spec}}


def looked(p, name, kind, value="False"):
    return p.until(f"{name}: {kind} {value}", lambda: any(c["type"] == kind and c["status"] == value for c in (p.status("horizontalpodautoscalers", name).get("conditions") or [])), 60)


CPU = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]


@scenario(*HPA, seconds=30)
def autoscaler_without_metrics(p):
    p.create(deployment(replicas=2, pod_more={"container_more": {"resources": {"requests": {"cpu": "10m"}}}}))
    p.rolled_out("web")
    p.create(autoscaler("cpu", "web", metrics=CPU))
    looked(p, "cpu", "ScalingActive")
    p.show("no metrics")


@scenario(*HPA, seconds=30)
def autoscaler_without_target(p):
    p.create(autoscaler("lost", "nobody", metrics=CPU))
    looked(p, "lost", "AbleToScale")
    p.show("no target")


@scenario(*HPA, seconds=30)
def autoscaler_of_unknown_kind(p):
    p.create(autoscaler("odd", "thing", kind="Thing", version="example.com/v1", metrics=CPU))
    looked(p, "odd", "AbleToScale")
    p.show("no such kind")


@scenario(*HPA, seconds=30)
def autoscaler_disabled_by_zero(p):
    p.create(deployment(replicas=0))
    p.create(autoscaler("off", "web", metrics=CPU))
    looked(p, "off", "ScalingActive")
    p.show("off")


@scenario(*HPA, seconds=40)
def autoscaler_below_minimum(p):
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    p.create(autoscaler("min", "web", minReplicas=3, metrics=CPU))
    p.until("three", lambda: p.get("deployments", "web")["spec"]["replicas"] == 3, 60)
    p.rolled_out("web")
    looked(p, "min", "ScalingActive")
    p.show("raised to the minimum")
    p.patch("deployments", "web", {"spec": {"replicas": 7}})
    p.until("five", lambda: p.get("deployments", "web")["spec"]["replicas"] == 5, 60)
    p.rolled_out("web")
    p.show("lowered to the maximum")


@scenario(*HPA, seconds=30)
def autoscaler_other_metrics(p):
    p.create(deployment(replicas=1))
    p.rolled_out("web")
    p.create(autoscaler("pods", "web", metrics=[{"type": "Pods", "pods": {"metric": {"name": "packets"}, "target": {"type": "AverageValue", "averageValue": "1k"}}}]))
    p.create(autoscaler("object", "web", metrics=[{"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "web"}, "target": {"type": "Value", "value": "10k"}}}]))
    p.create(autoscaler("external", "web", metrics=[{"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"q": "a"}}}, "target": {"type": "AverageValue", "averageValue": "30"}}}]))
    for name in ("pods", "object", "external"):
        looked(p, name, "ScalingActive")
    p.show("no adapters", "horizontalpodautoscalers")


@scenario("resourcequotas", seconds=15)
def quota_used(p):
    p.create({"kind": "ResourceQuota", "metadata": {"name": "all"}, "spec": {"hard": {
        "pods": "10", "requests.cpu": "2", "limits.memory": "2Gi", "services": "3", "services.nodeports": "1", "configmaps": "9", "secrets": "9", "persistentvolumeclaims": "2", "requests.storage": "5Gi",
        "count/deployments.apps": "2", "count/jobs.batch": "1", "replicationcontrollers": "1"}}})
    p.until("counted", lambda: p.status("resourcequotas", "all").get("used"))
    more = {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}}
    p.create(deployment(replicas=2, pod_more={"container_more": more}))
    p.rolled_out("web")
    p.create(service("np", {"app": "web"}, type="NodePort"))
    p.create(service("cl", {"app": "web"}))
    p.create({"kind": "PersistentVolumeClaim", "metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "quota-none", "resources": {"requests": {"storage": "2Gi"}}}})
    p.until("used", lambda: p.status("resourcequotas", "all").get("used", {}).get("services") == "2")
    p.show("used")
    p.patch("deployments", "web", {"spec": {"replicas": 1}})
    p.until("one pod", lambda: p.status("resourcequotas", "all").get("used", {}).get("pods") == "1")
    p.delete("services", "np")
    p.until("one service", lambda: p.status("resourcequotas", "all").get("used", {}).get("services") == "1")
    p.patch("resourcequotas", "all", {"spec": {"hard": {"pods": "3", "services": None}}})
    p.until("new", lambda: p.status("resourcequotas", "all").get("hard", {}).get("pods") == "3")
    p.show("changed")


@scenario("resourcequotas")
def quota_scopes(p):
    for name, scope in (("best", "BestEffort"), ("notbest", "NotBestEffort"), ("ending", "Terminating"), ("lasting", "NotTerminating")):
        p.create({"kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": {"pods": "5"}, "scopes": [scope]}})
    p.until("counted", lambda: all(p.status("resourcequotas", n).get("used") for n in ("best", "notbest", "ending", "lasting")))
    p.create(pod("plain"))
    p.create(pod("asks", container_more={"resources": {"requests": {"cpu": "10m"}}}))
    p.create(pod("ends", "busy", activeDeadlineSeconds=600))
    p.running(3)
    p.until("seen", lambda: p.status("resourcequotas", "lasting").get("used", {}).get("pods") == "2")
    p.create(pod("done", "completed"))
    p.until("done", lambda: p.status("pods", "done").get("phase") == "Succeeded")
    p.until("back", lambda: p.status("resourcequotas", "best").get("used", {}).get("pods") == "2")
    p.show("by scope")


@scenario("serviceaccounts", "configmaps")
def service_accounts(p):
    p.show("default", "serviceaccounts")
    p.delete("serviceaccounts", "default")
    p.until("again", lambda: p.get("serviceaccounts", "default"))
    p.show("made again", "serviceaccounts")


@scenario("secrets", "serviceaccounts")
def service_account_tokens(p):
    p.create({"kind": "ServiceAccount", "metadata": {"name": "robot"}})
    p.create({"kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {"name": "by-hand", "annotations": {"kubernetes.io/service-account.name": "robot"}}})
    p.until("filled", lambda: (p.get("secrets", "by-hand") or {}).get("data", {}).get("token"), 10)
    secret = p.get("secrets", "by-hand")
    p.note("secret", {"type": secret["type"], "keys": sorted(secret.get("data") or {}), "annotations": sorted(secret["metadata"]["annotations"])})
    p.delete("serviceaccounts", "robot")
    p.until_gone("secrets", "by-hand", 15)
    p.create({"kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {"name": "of-nobody", "annotations": {"kubernetes.io/service-account.name": "nobody"}}})
    p.until_gone("secrets", "of-nobody", 15)


@scenario("namespaces", "pods", "configmaps", seconds=15)
def namespace_with_content(p):
    ns = p.namespace
    p.create({"kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}, "data": {"a": "b"}})
    p.create(deployment(replicas=2))
    p.rolled_out("web")
    p.side.call("DELETE", "/api/v1/namespaces/" + ns)
    p.until("only what is held", lambda: not p.list("pods") and not p.list("deployments") and any(c["type"] == "NamespaceFinalizersRemaining" and c["status"] == "True" for c in ((p.get("namespaces", ns) or {}).get("status", {}).get("conditions") or [])))
    p.show("held", "namespaces")
    status, answer = p.create({"kind": "ConfigMap", "metadata": {"name": "late"}}, may_fail=True)
    p.note("nothing new", {"code": status, "reason": answer.get("reason"), "message": answer.get("message"), "causes": (answer.get("details") or {}).get("causes")})
    p.patch("configmaps", "held", {"metadata": {"finalizers": None}})
    p.until("gone", lambda: p.get("namespaces", ns) is None, 60)
