"""ResourceQuota and LimitRange: what admission counts, defaults and refuses."""
import copy

from common import MERGE, object_of, patch

CORE = "/api/v1/namespaces"


def limits():
    yield from quotas()
    yield from limit_ranges()


def namespace(name):
    yield {"id": f"{name}-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": name}}}
    yield {"id": f"{name}-account", "method": "POST", "path": f"{CORE}/{name}/serviceaccounts", "body": {"metadata": {"name": "default"}}}


def quota(ns, name, hard, **more):
    """A quota, and the status that the quota controller would write; the judge's real server runs without controllers."""
    yield {"id": f"{ns}-quota-{name}", "method": "POST", "path": f"{CORE}/{ns}/resourcequotas", "body": {"metadata": {"name": name}, "spec": {"hard": hard, **more}}}
    used = {key: "0" for key in hard}
    yield patch(f"{ns}-quota-{name}-status", f"{CORE}/{ns}/resourcequotas/{name}/status", MERGE, {"status": {"hard": hard, "used": used}})


def pod(name, requests=None, limits=None, **spec):
    container = {"name": "c", "image": "registry.example.com/c:1"}
    if requests or limits:
        container["resources"] = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return {"metadata": {"name": name}, "spec": {"automountServiceAccountToken": False, "containers": [container], **spec}}


def make(ns, what, plural, body, dry=False):
    return {"id": f"{ns}-{what}", "method": "POST", "path": f"{CORE}/{ns}/{plural}" + ("?dryRun=All" if dry else ""), "body": body}


def quotas():
    ns = "quota-a"
    yield from namespace(ns)
    yield from quota(ns, "compute", {"pods": "3", "requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "2", "limits.memory": "2Gi"})
    yield {"id": f"{ns}-settle", "path": f"{CORE}/{ns}/resourcequotas", "pause": 1.2}
    yield make(ns, "pod-no-requests", "pods", pod("none"))
    yield make(ns, "pod-half", "pods", pod("half", {"cpu": "100m"}, {"cpu": "1", "memory": "1Gi"}))
    yield make(ns, "pod-limits-only", "pods", pod("limits", None, {"cpu": "500m", "memory": "256Mi"}))
    yield make(ns, "pod-cpu", "pods", pod("cpu", {"cpu": "600m", "memory": "1Mi"}, {"cpu": "1", "memory": "1Gi"}))
    yield make(ns, "pod-two-over", "pods", pod("two", {"cpu": "2", "memory": "4Gi"}, {"cpu": "3", "memory": "5Gi"}))
    yield make(ns, "pod-dry", "pods", pod("dry", {"cpu": "100m", "memory": "1Mi"}, {"cpu": "100m", "memory": "1Mi"}), dry=True)
    yield make(ns, "pod-2", "pods", pod("p2", {"cpu": "100m", "memory": "1Mi"}, {"cpu": "100m", "memory": "1Mi"}))
    yield make(ns, "pod-3", "pods", pod("p3", {"cpu": "1m", "memory": "1"}, {"cpu": "1m", "memory": "1"}))
    yield make(ns, "pod-4", "pods", pod("p4", {"cpu": "1m", "memory": "1"}, {"cpu": "1m", "memory": "1"}))
    yield {"id": f"{ns}-used", "path": f"{CORE}/{ns}/resourcequotas/compute"}
    yield {"id": f"{ns}-table", "path": f"{CORE}/{ns}/resourcequotas", "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}

    ns = "quota-b"
    yield from namespace(ns)
    yield from quota(ns, "objects", {"services": "3", "services.nodeports": "2", "services.loadbalancers": "1", "configmaps": "2", "secrets": "1", "persistentvolumeclaims": "2", "requests.storage": "10Gi", "slow.storageclass.storage.k8s.io/requests.storage": "4Gi",
                                     "slow.storageclass.storage.k8s.io/persistentvolumeclaims": "5", "count/deployments.apps": "1", "count/jobs.batch": "1", "replicationcontrollers": "1", "count/roles.rbac.authorization.k8s.io": "1", "count/things.judge.example.com": "1"})
    yield {"id": f"{ns}-settle", "path": f"{CORE}/{ns}/resourcequotas", "pause": 1.2}
    for i in range(3):
        yield make(ns, f"map-{i}", "configmaps", {"metadata": {"name": f"m{i}"}})
    for i in range(2):
        yield make(ns, f"secret-{i}", "secrets", {"metadata": {"name": f"s{i}"}})
    def service(name, **spec):
        return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80, "name": "a"}], **spec}}
    two_ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]
    yield make(ns, "service-plain", "services", service("plain"))
    yield make(ns, "service-nodeports-3", "services", service("np3", type="NodePort", ports=two_ports + [{"port": 82, "name": "c"}]))
    yield make(ns, "service-nodeport", "services", service("np", type="NodePort"))
    yield make(ns, "service-balancer-2-ports", "services", service("lb2", type="LoadBalancer", ports=two_ports))
    yield make(ns, "service-balancer", "services", service("lb", type="LoadBalancer"))
    yield make(ns, "service-over", "services", service("over"))
    yield patch(f"{ns}-service-to-balancer", f"{CORE}/{ns}/services/plain", MERGE, {"spec": {"type": "LoadBalancer"}})
    yield patch(f"{ns}-service-relabel", f"{CORE}/{ns}/services/plain", MERGE, {"metadata": {"labels": {"a": "b"}}})
    def claim(name, size, **spec):
        return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}}
    yield make(ns, "claim-big", "persistentvolumeclaims", claim("big", "11Gi", storageClassName="other"))
    yield make(ns, "claim-class", "persistentvolumeclaims", claim("class", "5Gi", storageClassName="slow"))
    yield make(ns, "claim-1", "persistentvolumeclaims", claim("c1", "3Gi", storageClassName="slow"))
    yield make(ns, "claim-class-sum", "persistentvolumeclaims", claim("sum", "2Gi", storageClassName="slow"))
    yield make(ns, "claim-2", "persistentvolumeclaims", claim("c2", "6Gi", storageClassName="other"))
    yield make(ns, "claim-3", "persistentvolumeclaims", claim("c3", "1Mi", storageClassName="other"))
    deployments, jobs = f"/apis/apps/v1/namespaces/{ns}/deployments", f"/apis/batch/v1/namespaces/{ns}/jobs"
    for i in range(2):
        yield {"id": f"{ns}-deployment-{i}", "method": "POST", "path": deployments, "body": object_of("deployment", f"d{i}")}
        yield {"id": f"{ns}-job-{i}", "method": "POST", "path": jobs, "body": object_of("job", f"j{i}")}
        yield make(ns, f"controller-{i}", "replicationcontrollers", object_of("controller", f"rc{i}"))
        yield {"id": f"{ns}-role-{i}", "method": "POST", "path": f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles", "body": object_of("role", f"r{i}")}
        yield {"id": f"{ns}-thing-{i}", "method": "POST", "path": f"/apis/judge.example.com/v1/namespaces/{ns}/things", "body": {"apiVersion": "judge.example.com/v1", "kind": "Thing", "metadata": {"name": f"t{i}"}, "spec": {"size": 1}}}
    yield {"id": f"{ns}-used", "path": f"{CORE}/{ns}/resourcequotas/objects"}
    yield {"id": f"{ns}-delete-map", "method": "DELETE", "path": f"{CORE}/{ns}/configmaps/m0"}

    ns = "quota-c"
    yield from namespace(ns)
    yield from quota(ns, "best", {"pods": "1"}, scopes=["BestEffort"])
    yield from quota(ns, "not-best", {"pods": "2", "requests.cpu": "1"}, scopes=["NotBestEffort"])
    yield from quota(ns, "ends", {"pods": "1"}, scopes=["Terminating"])
    yield from quota(ns, "endless", {"pods": "3"}, scopes=["NotTerminating"])
    yield from quota(ns, "urgent", {"pods": "1"}, scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["system-cluster-critical", "urgent"]}]})
    yield {"id": f"{ns}-settle", "path": f"{CORE}/{ns}/resourcequotas", "pause": 1.2}
    some = {"cpu": "100m", "memory": "1Mi"}
    yield make(ns, "best-1", "pods", pod("b1"))
    yield make(ns, "best-2", "pods", pod("b2"))
    yield make(ns, "burst-no-cpu", "pods", pod("n0", {"memory": "1Mi"}))
    yield make(ns, "burst-1", "pods", pod("n1", some))
    yield make(ns, "burst-2", "pods", pod("n2", some))
    yield make(ns, "burst-3", "pods", pod("n3", some))
    yield make(ns, "ends-1", "pods", pod("e1", some, activeDeadlineSeconds=60))
    yield {"id": f"{ns}-class", "method": "POST", "path": "/apis/scheduling.k8s.io/v1/priorityclasses", "body": {"metadata": {"name": "urgent"}, "value": 5}}
    yield {"id": f"{ns}-class-settle", "path": f"{CORE}/{ns}/resourcequotas", "pause": 0.5}
    yield make(ns, "urgent-dry", "pods", pod("u1", priorityClassName="urgent"), dry=True)
    yield make(ns, "critical-dry", "pods", pod("u2", priorityClassName="system-cluster-critical"), dry=True)
    for what, spec in [("scope-unknown", {"hard": {"pods": "1"}, "scopes": ["Sometimes"]}), ("scope-resource", {"hard": {"services": "1"}, "scopes": ["BestEffort"]}), ("scope-best-cpu", {"hard": {"requests.cpu": "1"}, "scopes": ["BestEffort"]}), ("scopes-conflict", {"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}),
                       ("scopes-conflict-terminating", {"hard": {"pods": "1"}, "scopes": ["Terminating", "NotTerminating"]}), ("selector-operator", {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Like", "values": ["a"]}]}}),
                       ("selector-no-values", {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}}), ("selector-exists-values", {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]}]}}),
                       ("selector-in-best", {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort", "operator": "In", "values": ["a"]}]}}), ("count-bad", {"hard": {"count/": "1"}}), ("count-unknown", {"hard": {"count/gadgets.example.com": "1"}}), ("extended", {"hard": {"requests.example.com/gpu": "1"}}), ("extended-limits", {"hard": {"limits.example.com/gpu": "1"}}), ("hugepages", {"hard": {"hugepages-2Mi": "1Gi"}}),
                       ("ephemeral", {"hard": {"requests.ephemeral-storage": "1Gi", "limits.ephemeral-storage": "2Gi"}}), ("empty", {}), ("text", {"hard": {"pods": "many"}}), ("class-bad", {"hard": {"Slow.storageclass.storage.k8s.io/requests.storage": "1Gi"}})]:
        yield make(ns, f"wrong-{what}", "resourcequotas", {"metadata": {"name": "wrong"}, "spec": spec}, dry=True)
    yield patch(f"{ns}-scopes-change", f"{CORE}/{ns}/resourcequotas/best", MERGE, {"spec": {"scopes": ["NotBestEffort"]}})


def limit_ranges():
    ns = "limit-a"
    yield from namespace(ns)
    yield {"id": f"{ns}-range", "method": "POST", "path": f"{CORE}/{ns}/limitranges", "body": {"metadata": {"name": "containers"}, "spec": {"limits": [
        {"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"cpu": "50m", "memory": "16Mi"}, "default": {"cpu": "500m", "memory": "256Mi"}, "defaultRequest": {"cpu": "100m", "memory": "64Mi"}, "maxLimitRequestRatio": {"cpu": "8"}}]}}}
    yield {"id": f"{ns}-settle", "path": f"{CORE}/{ns}/limitranges", "pause": 1.2}
    two = pod("two")
    two["spec"]["containers"].append({"name": "d", "image": "d:1", "resources": {"limits": {"cpu": "3"}}})
    init = pod("init")
    init["spec"]["initContainers"] = [{"name": "i", "image": "i:1", "resources": {"requests": {"memory": "2Gi"}}}]
    for what, body in [("defaults", pod("defaults")), ("limit-only", pod("limit-only", None, {"cpu": "1"})), ("request-only", pod("request-only", {"cpu": "200m"})), ("request-above-default", pod("above", {"cpu": "600m"})), ("above-max", pod("above-max", {"cpu": "1"}, {"cpu": "3", "memory": "2Gi"})), ("below-min", pod("below-min", {"cpu": "10m", "memory": "1Mi"}, {"cpu": "20m", "memory": "1Mi"})),
                       ("request-above-max", pod("r", {"memory": "2Gi"}, {"memory": "3Gi"})), ("ratio", pod("ratio", {"cpu": "100m"}, {"cpu": "1"})), ("ratio-ok", pod("ratio-ok", {"cpu": "250m"}, {"cpu": "2"})), ("two", two), ("init", init)]:
        yield make(ns, what, "pods", body, dry=True)
    deployment = object_of("deployment", "untouched")
    yield {"id": f"{ns}-deployment", "method": "POST", "path": f"/apis/apps/v1/namespaces/{ns}/deployments?dryRun=All", "body": deployment}

    ns = "limit-b"
    yield from namespace(ns)
    yield {"id": f"{ns}-range", "method": "POST", "path": f"{CORE}/{ns}/limitranges", "body": {"metadata": {"name": "pods"}, "spec": {"limits": [
        {"type": "Pod", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"cpu": "100m"}, "maxLimitRequestRatio": {"memory": "2"}}, {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "10Gi"}}]}}}
    yield {"id": f"{ns}-settle", "path": f"{CORE}/{ns}/limitranges", "pause": 1.2}
    both = {"cpu": "1500m", "memory": "512Mi"}
    for what, body in [("none", pod("none")), ("fits", pod("fits", {"cpu": "1", "memory": "300Mi"}, both)), ("no-limits", pod("no-limits", {"cpu": "1", "memory": "300Mi"})), ("above", pod("above", {"cpu": "3", "memory": "2Gi"}, {"cpu": "4", "memory": "3Gi"})), ("below", pod("below", {"cpu": "50m", "memory": "10Mi"}, {"cpu": "60m", "memory": "15Mi"})), ("ratio", pod("ratio", {"cpu": "1", "memory": "100Mi"}, both))]:
        yield make(ns, what, "pods", body, dry=True)
    summed = pod("sum", {"cpu": "1", "memory": "300Mi"}, both)
    summed["spec"]["containers"].append(dict(copy.deepcopy(summed["spec"]["containers"][0]), name="d"))
    yield make(ns, "sum", "pods", summed, dry=True)
    for what, size in [("small", "1Mi"), ("fits", "5Gi"), ("large", "11Gi")]:
        yield make(ns, f"claim-{what}", "persistentvolumeclaims", {"metadata": {"name": what}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}}, dry=True)
    for what, one in [("pod-default", {"type": "Pod", "default": {"cpu": "1"}}), ("pod-default-request", {"type": "Pod", "defaultRequest": {"cpu": "1"}}), ("claim-none", {"type": "PersistentVolumeClaim"}), ("claim-cpu", {"type": "PersistentVolumeClaim", "max": {"cpu": "1"}}), ("ratio-below-1", {"type": "Container", "maxLimitRequestRatio": {"cpu": "500m"}}), ("ratio-above", {"type": "Container", "max": {"cpu": "4"}, "min": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "3"}}),
                      ("request-above-default", {"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}), ("request-above-max", {"type": "Container", "max": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}), ("default-below-min", {"type": "Container", "min": {"cpu": "2"}, "default": {"cpu": "1"}}), ("request-below-min", {"type": "Container", "min": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}), ("unknown-resource", {"type": "Container", "max": {"gold": "1"}}),
                      ("negative", {"type": "Container", "max": {"cpu": "-1"}}), ("no-type", {"max": {"cpu": "1"}}), ("other-type", {"type": "example.com/Box", "max": {"cpu": "1"}}), ("image", {"type": "openshift.io/Image", "max": {"storage": "1Gi"}})]:
        yield make(ns, f"wrong-{what}", "limitranges", {"metadata": {"name": "wrong"}, "spec": {"limits": [one]}}, dry=True)
    yield make(ns, "wrong-twice", "limitranges", {"metadata": {"name": "wrong"}, "spec": {"limits": [{"type": "Container"}, {"type": "Container"}]}}, dry=True)
