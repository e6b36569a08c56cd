"""The register of scenarios, and the manifests that they are made of."""
import importlib

REGISTER = {}
PARTS = ("scenarios_deployments", "scenarios_sets", "scenarios_jobs", "scenarios_services", "scenarios_policies", "scenarios_volumes", "scenarios_collection", "scenarios_nodes", "scenarios_turns", "scenarios_tasks", "scenarios_ties", "scenarios_charts")


def scenario(*kinds, seconds=10):
    """Registers a function that plays in a namespace named like it; `kinds` are noted by show(); `seconds`: how long it takes about, long ones begin first."""
    def register(function):
        assert function.__name__ not in REGISTER
        REGISTER[function.__name__] = (function, kinds, seconds)
        return function
    return register


def all_scenarios():
    for part in PARTS:
        importlib.import_module(part)
    return REGISTER


# How a pod fares: a command (or probe) that brings it about where kubelets run, and the note that tells fake_kubelet.py the same.
def container(state="running", image="nginx:1.25.5", name="main", **more):
    one = {"name": name, "image": image}
    if state in ("running", "unready"):
        one["ports"] = [{"name": "http", "containerPort": 80}]
        one["readinessProbe"] = {"httpGet": {"path": "/", "port": 80 if state == "running" else 9}, "periodSeconds": 1, "failureThreshold": 1}
    elif state == "completed":
        one["command"] = ["true"]
    elif state in ("failed", "crash"):
        one["command"] = ["false"]
    elif state == "busy":
        one["command"] = ["sleep", "3600"]
    one.update(more)
    return one


def template(app, state="running", image="nginx:1.25.5", restart=None, labels=None, container_more=None, **spec):
    played = "running" if state == "busy" else state
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container(state, image, **(container_more or {}))], **spec}
    if restart or state in ("completed", "failed", "busy"):
        pod["restartPolicy"] = restart or "Never"
    return {"metadata": {"labels": {"app": app, **(labels or {})}, "annotations": {"sim.example.com/state": played}}, "spec": pod}


def pod(name, state="running", labels=None, metadata=None, **more):
    made = template(name, state, **more)
    made["metadata"]["labels"].update(labels or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **made["metadata"], **(metadata or {})}, "spec": made["spec"]}


def workload(kind, name, replicas=None, state="running", image="nginx:1.25.5", pod_more=None, metadata=None, **spec):
    made = {"kind": kind, "metadata": {"name": name, "labels": {"app": name}, **(metadata or {})},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name, state, image, **(pod_more or {})), **spec}}
    if replicas is not None:
        made["spec"]["replicas"] = replicas
    return made


def deployment(name="web", replicas=3, **more):
    return workload("Deployment", name, replicas, **more)


def service(name, selector, ports=None, **spec):
    made = {"kind": "Service", "metadata": {"name": name, "labels": {"service": name}}, "spec": {"ports": ports or [{"port": 80}], **spec}}
    if selector is not None:
        made["spec"]["selector"] = selector
    return made


def new_template(state="running", image="nginx:1.26.2"):
    """A merge patch of a workload's template: other image, other fate."""
    played = template("x", state, image)
    return {"spec": {"template": {"metadata": {"annotations": played["metadata"]["annotations"]}, "spec": {"containers": played["spec"]["containers"]}}}}
