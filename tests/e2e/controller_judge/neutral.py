"""Objects and events without what no two clusters have in common: names by chance, uids, times, addresses."""
import json
import re

RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 (UTC|GMT)( m=\+[\d.]+)?")
ADDRESS = re.compile(r"\b(10|192)\.\d+\.\d+\.\d+\b")
MAKERS = ("replicasets", "replicationcontrollers", "daemonsets", "jobs", "services")
# Written by parts that have judges of their own.
OTHER_SOURCES = ("kubelet", "default-scheduler")
TIMES = ("lastTransitionTime", "lastUpdateTime", "lastProbeTime", "lastHeartbeatTime", "startTime", "completionTime", "creationTimestamp", "deletionTimestamp",
         "lastScheduleTime", "lastSuccessfulTime", "timeAdded", "lastScaleTime")
DROPPED_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink", "namespace", "name")


class Names:
    """Canonical names: the hash of the first template is <hash1>, that of the second <hash2>; what is made by chance is <random>."""

    def __init__(self):
        self.hashes, self.owners = {}, {}  # by token: canonical text, name of the workload
        self.prefixes, self.cron = set(), set()
        self.exact_steps = False  # whether the numbers of a rollout's steps are promised

    def see(self, plural, items):
        if plural in ("replicasets", "controllerrevisions"):
            for item in sorted(items, key=lambda i: (i["metadata"].get("creationTimestamp", ""), i.get("revision", 0), revision(i))):
                labels = item["metadata"].get("labels") or {}
                token = labels.get("pod-template-hash") or item["metadata"]["name"].rsplit("-", 1)[-1]
                owner = next((o["name"] for o in item["metadata"].get("ownerReferences") or [] if o.get("controller")), item["metadata"]["name"].rsplit("-", 1)[0])
                if (plural == "controllerrevisions" or "pod-template-hash" in labels) and token not in self.hashes:
                    self.hashes[token] = f"<hash{1 + list(self.owners.values()).count(owner)}>"
                    self.owners[token] = owner
        if plural in MAKERS:
            self.prefixes.update(i["metadata"]["name"] for i in items)
        if plural == "cronjobs":
            self.cron.update(i["metadata"]["name"] for i in items)

    def text(self, text):
        for token, canonical in self.hashes.items():
            if token in text:
                text = re.sub(r"(?<![a-z0-9])" + re.escape(token) + r"(?![a-z0-9])", canonical, text)
        text = TIME.sub("<time>", UUID.sub("<uid>", ADDRESS.sub("<ip>", text)))
        for name in self.cron:
            text = re.sub(r"\b" + re.escape(name) + r"-\d{8,10}\b", name + "-<minute>", text)
        for name in self.prefixes:
            canonical = self.hash_only(name)
            text = re.sub("(?<![a-z0-9-])(" + re.escape(canonical) + "-)" + RANDOM + r"{5}(?![a-z0-9])", r"\1<random>", text)
        return re.sub(r"(-<minute>-|-<hash\d+>-)" + RANDOM + r"{5}(?![a-z0-9])", r"\1<random>", text)

    def hash_only(self, name):
        head, _, tail = name.rpartition("-")
        return f"{head}-{self.hashes[tail]}" if tail in self.hashes else name

    def name(self, plural, item):
        return self.text(item["metadata"]["name"])

    def deep(self, value, key=""):
        if isinstance(value, dict):
            return {self.text(k) if "/" in k or "<" in k else k: self.deep(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.deep(v) for v in value]
        if isinstance(value, str):
            return "<time>" if key in TIMES else self.text(value)
        return value


def revision(item):
    return int((item["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", 0))


def token_volume(name):
    return re.match(r"(kube-api-access|[a-z0-9.-]+-token)-" + RANDOM + "{5}$", name) is not None


def neutral_pod_spec(spec):
    """A template's spec stays; of a pod's, what admission adds differs by version."""
    spec["volumes"] = [v for v in spec.get("volumes", []) if not token_volume(v["name"])]
    for container in spec.get("containers", []) + spec.get("initContainers", []):
        container["volumeMounts"] = [m for m in container.get("volumeMounts", []) if not token_volume(m["name"])]


def neutral_pod(item):
    item = json.loads(json.dumps(item))
    neutral_pod_spec(item["spec"])
    if item["spec"].get("nodeName"):
        item["spec"]["nodeName"] = "<node>"
    status = item.get("status", {})
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or [])
    item["status"] = {k: status[k] for k in ("phase", "reason", "message") if k in status}
    item["status"]["ready"] = ready
    if not ready and status.get("phase") in ("Pending", "Running"):
        item["status"]["phase"] = "<not ready>"  # How far a kubelet is with a container is not judged here.
    fields = (item["spec"].get("affinity") or {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    for term in fields.get("nodeSelectorTerms", []):
        for field in term.get("matchFields", []):
            field["values"] = ["<node>"]
    return item


def neutral_node(item):
    conditions = [c for c in item.get("status", {}).get("conditions") or [] if c["type"] in ("Ready",)]
    return {"metadata": {"labels": item["metadata"].get("labels", {})},
            "spec": {k: v for k, v in item.get("spec", {}).items() if k in ("taints", "unschedulable")}, "status": {"conditions": conditions}}


def neutral_slice(item):
    item = dict(item)
    endpoints = []
    for one in item.get("endpoints") or []:
        one = dict(one)
        topology = one.pop("topology", None) or {}
        one.setdefault("nodeName", topology.get("kubernetes.io/hostname"))
        one["nodeName"] = "<node>" if one["nodeName"] else None
        one.pop("zone", None)
        endpoints.append(one)
    item["endpoints"] = endpoints
    item["metadata"] = {k: v for k, v in item["metadata"].items() if k != "generation"}
    return item


def order(value):
    """Lists without an order of their own."""
    if isinstance(value, dict):
        return {k: ordered_list(k, order(v)) for k, v in value.items()}
    if isinstance(value, list):
        return [order(v) for v in value]
    return value


def ordered_list(key, value):
    if key in ("conditions", "endpoints", "addresses", "notReadyAddresses", "ownerReferences", "taints", "ports", "subsets", "active", "secrets", "finalizers") and isinstance(value, list):
        return sorted(value, key=lambda v: (v.get("type", "") if isinstance(v, dict) else "", json.dumps(v, sort_keys=True)))
    return value


def neutral_object(plural, item, names):
    if plural == "pods":
        item = neutral_pod(item)
    elif plural == "nodes":
        item = neutral_node(item)
    elif plural == "endpointslices":
        item = neutral_slice(item)
    elif plural == "persistentvolumes" and (item["spec"].get("claimRef") or {}).get("resourceVersion"):
        item = {**item, "spec": {**item["spec"], "claimRef": {**item["spec"]["claimRef"], "resourceVersion": "<version>"}}}
    elif plural == "cronjobs" and item.get("status", {}).get("active"):
        item = {**item, "status": {**item["status"], "active": [{k: v for k, v in a.items() if k != "resourceVersion"} for a in item["status"]["active"]]}}
    elif plural == "replicasets" and item["metadata"].get("generation") == item.get("status", {}).get("observedGeneration"):
        # How many steps a rollout took depends on when pods became ready.
        item = {**item, "metadata": {**item["metadata"], "generation": "<observed>"}, "status": {**item["status"], "observedGeneration": "<observed>"}}
    elif plural == "configmaps" and "ca.crt" in (item.get("data") or {}):
        item = {**item, "data": {"ca.crt": "<certificate>"}}
    elif plural == "events":
        return neutral_events([item], names)
    metadata = {k: v for k, v in item["metadata"].items() if k not in DROPPED_METADATA}
    if "annotations" in metadata:
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != "endpoints.kubernetes.io/last-change-trigger-time"}
        if not metadata["annotations"]:
            del metadata["annotations"]
    result = json.loads(json.dumps({k: v for k, v in item.items() if k not in ("apiVersion", "kind", "metadata")}))
    result["metadata"] = metadata
    drop_creation(result)
    result = names.deep(mask_nodes(plural, result))
    return order(result)


def drop_creation(value):
    """Templates carry an empty creationTimestamp."""
    if isinstance(value, dict):
        if value.get("creationTimestamp", "") is None:
            del value["creationTimestamp"]
        for one in value.values():
            drop_creation(one)
    elif isinstance(value, list):
        for one in value:
            drop_creation(one)


def mask_nodes(plural, result):
    if plural == "endpoints":
        for subset in result.get("subsets") or []:
            for one in (subset.get("addresses") or []) + (subset.get("notReadyAddresses") or []):
                if "nodeName" in one:
                    one["nodeName"] = "<node>"
                one.get("targetRef", {}).pop("resourceVersion", None)
    if plural == "endpointslices":
        for one in result.get("endpoints") or []:
            one.get("targetRef", {}).pop("resourceVersion", None)
    return result


def neutral_events(items, names):
    found = set()
    for item in items:
        source = (item.get("source") or {}).get("component") or item.get("reportingComponent") or ""
        if source in OTHER_SOURCES:
            continue
        about = item["involvedObject"]
        path = f" [{about['fieldPath']}]" if about.get("fieldPath") else ""
        message = re.sub(r"^\(combined from similar events\): ", "", names.text(item.get("message", "")))
        message = re.sub(r"^(Scaled (?:up|down) replica set \S+) from \d+ to", r"\1 to", message)  # 1.32 says from how many
        if not names.exact_steps:
            message = re.sub(r"^(Scaled (?:up|down) replica set \S+) to \d+", r"\1 to <n>", message)
        message = re.sub(r"(Found (?:failed|succeeded) daemon pod \S+ on node) \S+,", r"\1 <node>,", message)
        source = "taint-eviction-controller" if source == "taint-controller" else source  # its name since 1.29
        found.add(f"{item['type']} {item['reason']} ({source}) {about.get('kind')}/{names.text(about.get('name', ''))}{path}: {message}")
    return sorted(found)
