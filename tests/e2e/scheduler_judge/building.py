"""Short words for the objects of a case: nodes, pods, terms of affinity.

A case has nodes of its own (their label `judge/case` and the selector of every pod keep cases apart in one cluster) and a namespace
of its own. Names in a case are short; in the cluster a node is called CASE-NAME. Zones, host names and claims are per case too.
"""
import dataclasses
import typing

CASE_LABEL = "judge/case"


@dataclasses.dataclass
class Case:
    name: str
    nodes: list
    steps: list  # lists of pods, or of changes (Delete, Patch): what a step holds is created at once, the next waits for its end
    objects: list = dataclasses.field(default_factory=list)
    keep: bool = False  # pods that found no node stay for the next step
    newer: bool = False  # only a 1.32 knows these members; `expect` says what its documentation promises
    expect: dict = dataclasses.field(default_factory=dict)  # pod -> set of nodes, or a part of the sentence

    def pods(self):
        return [one for step in self.steps for one in step if isinstance(one, dict) and one["kind"] == "Pod"]

    def pod(self, name):
        return next(one for one in self.pods() if one["metadata"]["name"] == name)


@dataclasses.dataclass
class Delete:
    pod: str


@dataclasses.dataclass
class Patch:
    node: str
    patch: dict


@dataclasses.dataclass
class Place:
    """{NODE}: replaced by the node's name in the cluster."""
    names: typing.Sequence[str]


def node(name, cpu="4", memory="8Gi", pods="30", zone=None, taints=(), unschedulable=False, images=(), labels=None, pressure=(), **extended):
    amounts = {"cpu": cpu, "memory": memory, "pods": pods, **{key.replace("__", "/").replace("_", "-"): value for key, value in extended.items()}}
    spec = {"taints": [taint(*one) for one in taints]}
    if unschedulable:
        spec["unschedulable"] = True
    labels = dict(labels or {})
    if zone:
        labels["topology.kubernetes.io/zone"] = zone
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": spec,
            "status": {"capacity": amounts, "allocatable": amounts, "images": [{"names": [image], "sizeBytes": size} for image, size in images],
                       "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"},
                                      *({"type": one, "status": "True", "reason": f"KubeletHas{one}", "message": "under pressure"} for one in pressure)]}}


def taint(key, value="", effect="NoSchedule"):
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def container(name="c", cpu=None, memory=None, requests=None, limits=None, ports=(), **more):
    wanted = dict(requests or {})
    if cpu:
        wanted["cpu"] = cpu
    if memory:
        wanted["memory"] = memory
    made = {"name": name, "image": "busybox:1.35", "command": ["sleep", "100000"], "resources": {}}
    if wanted:
        made["resources"]["requests"] = wanted
    if limits:
        made["resources"]["limits"] = limits
    if ports:
        made["ports"] = [port if isinstance(port, dict) else {"containerPort": 8080, "hostPort": port} for port in ports]
    return {**made, **more}


def pod(name, cpu=None, memory=None, labels=None, on=None, priority=None, claims=(), spec=None, **more):
    """`more` goes into the only container, `spec` into the pod; `on`: placed there without a scheduler."""
    body = {"containers": [container("c", cpu, memory, **more)], "serviceAccountName": "judge", "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 600}  # a victim stays until it has been seen
    if on:
        body["nodeName"] = Place([on])
    if priority:
        body["priorityClassName"] = priority
    if claims:
        body["volumes"] = [{"name": f"v{i}", "persistentVolumeClaim": {"claimName": claim}} for i, claim in enumerate(claims)]
    body.update(spec or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": dict(labels or {})}, "spec": body}


def tolerate(key=None, operator="Equal", value=None, effect=None):
    return {name: it for name, it in (("key", key), ("operator", operator), ("value", value), ("effect", effect)) if it is not None}


def expression(key, operator, *values):
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def required_nodes(*terms):
    """Each term: a list of expressions, or a whole NodeSelectorTerm."""
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [one if isinstance(one, dict) else {"matchExpressions": one} for one in terms]}}}}


def preferred_nodes(*weighted):
    return {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": weight, "preference": one if isinstance(one, dict) else {"matchExpressions": one}} for weight, one in weighted]}}}


def together(labels, key="kubernetes.io/hostname", **more):
    selector = labels if "matchExpressions" in labels or "matchLabels" in labels or not labels else {"matchLabels": labels}
    return {"labelSelector": selector, "topologyKey": key, **more}


def pod_affinity(required=(), preferred=(), anti_required=(), anti_preferred=()):
    """`required`: terms; `preferred`: (weight, term)."""
    affinity = {}
    for name, hard, soft in (("podAffinity", required, preferred), ("podAntiAffinity", anti_required, anti_preferred)):
        kind = {}
        if hard:
            kind["requiredDuringSchedulingIgnoredDuringExecution"] = list(hard)
        if soft:
            kind["preferredDuringSchedulingIgnoredDuringExecution"] = [{"weight": weight, "podAffinityTerm": term} for weight, term in soft]
        if kind:
            affinity[name] = kind
    return {"affinity": affinity}


def spread(*constraints):
    return {"topologySpreadConstraints": [dict(one) for one in constraints]}


def constraint(labels, key="topology.kubernetes.io/zone", skew=1, when="DoNotSchedule", **more):
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": {"matchLabels": labels}, **more}


def claim(name, storage_class, volume=None, size="1Gi", modes=("ReadWriteOnce",)):
    spec = {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, "storageClassName": storage_class}
    if volume:
        spec["volumeName"] = volume
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def volume(name, storage_class, on=(), zone=None, size="1Gi", modes=("ReadWriteOnce",)):
    """Cluster-wide: the case's name is put before it. `on`: nodes it can be reached from."""
    spec = {"capacity": {"storage": size}, "accessModes": list(modes), "storageClassName": storage_class, "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/tmp/none"}}
    if on:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression("kubernetes.io/hostname", "In", Place(on))]}]}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone} if zone else {}}, "spec": spec}


def storage_class(name, mode="Immediate", provisioner="kubernetes.io/no-provisioner", **more):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode, **more}


def budget(name, labels, available):
    return {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
            "spec": {"minAvailable": available, "selector": {"matchLabels": labels}}}


def service(name, labels):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": labels, "ports": [{"port": 80}]}}
