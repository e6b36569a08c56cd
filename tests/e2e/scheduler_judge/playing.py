"""Plays the cases to one cluster and notes what became of every pod.

All cases share a cluster and run side by side: step by step, everybody's pods of a step are created, and the next step begins when
every pod of it has a node, or a scheduler has said why not, and nothing has changed for a moment.
"""
import concurrent.futures
import copy
import http.client
import json
import threading
import time
import urllib.parse

from building import CASE_LABEL, Delete, Patch, Place

STEP_SECONDS = 60
QUIET_SECONDS = 2.5  # for pods that stay and are tried again: a scheduler's first back-off is a second
OWNERS = {"PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"), "PersistentVolume": ("/api/v1", "persistentvolumes"), "Service": ("/api/v1", "services"),
          "PodDisruptionBudget": ("/apis/policy/v1beta1", "poddisruptionbudgets"), "PriorityClass": ("/apis/scheduling.k8s.io/v1", "priorityclasses"),
          "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"), "RuntimeClass": ("/apis/node.k8s.io/v1", "runtimeclasses"), "Node": ("/api/v1", "nodes"),
          "Namespace": ("/api/v1", "namespaces"), "ServiceAccount": ("/api/v1", "serviceaccounts"), "Pod": ("/api/v1", "pods")}


class Api:
    """A connection a thread. Answers of 400 and above are errors unless `allowed`."""

    def __init__(self, url, context=None):
        self.parts, self.context, self.local = urllib.parse.urlsplit(url), context, threading.local()

    def call(self, method, path, body=None, kind="application/json", allowed=()):
        for attempt in range(3):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = (http.client.HTTPConnection(self.parts.hostname, self.parts.port, timeout=60) if self.context is None else
                                                      http.client.HTTPSConnection(self.parts.hostname, self.parts.port, context=self.context, timeout=60))
            try:
                connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind, "Accept": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                if attempt == 2:
                    raise
        if answer.status >= 400 and answer.status not in allowed:
            raise AssertionError(f"{method} {path} answered {answer.status}: {text[:500].decode('utf-8', 'replace')}")
        return json.loads(text)


def places(case, value):
    """{NODE} of a case -> its name in the cluster."""
    if isinstance(value, Place):
        return [f"{case}-{name}" for name in value.names]
    if isinstance(value, dict):
        made = {}
        for key, one in value.items():
            one = places(case, one)
            made[key] = one[0] if key == "nodeName" and isinstance(one, list) else one
        return made
    if isinstance(value, (list, tuple)):
        made = []
        for one in value:
            one_made = places(case, one)
            made.extend(one_made) if isinstance(one, Place) else made.append(one_made)
        return made
    return value


class Player:
    def __init__(self, api, cases, newer=False):
        self.api, self.cases, self.newer = api, cases, newer
        self.by_name = {case.name: case for case in cases}
        self.seen = {}  # (case, pod) -> what became of it
        self.victims = {}  # case -> names of pods that had to go
        self.pool = concurrent.futures.ThreadPoolExecutor(6)

    def each(self, work, things):
        for _ in self.pool.map(work, things):
            pass

    def create(self, obj, namespace=None):
        base, plural = OWNERS[obj["kind"]]
        if self.newer and base == "/apis/policy/v1beta1":
            base, obj = "/apis/policy/v1", {**obj, "apiVersion": "policy/v1"}
        return self.api.call("POST", f"{base}/{f'namespaces/{namespace}/' if namespace else ''}{plural}", obj)

    def prepare(self, shared):
        self.each(self.create, shared)
        self.each(self.make_case, self.cases)
        self.wait(self.claims_bound)

    def claims_bound(self):
        """All that name a volume which is there."""
        volumes = {one["metadata"]["name"] for one in self.api.call("GET", "/api/v1/persistentvolumes")["items"]}
        return all(claim["status"].get("phase") == "Bound" or claim["spec"].get("volumeName") not in volumes
                   for claim in self.api.call("GET", "/api/v1/persistentvolumeclaims")["items"])

    def make_case(self, case):
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": case.name, "labels": {"kubernetes.io/metadata.name": case.name}}})
        self.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "judge"}, "automountServiceAccountToken": False}, case.name)
        for one in case.nodes:
            made = copy.deepcopy(one)
            name = made["metadata"]["name"] = f"{case.name}-{one['metadata']['name']}"
            made["metadata"]["labels"].update({CASE_LABEL: case.name, "kubernetes.io/hostname": name})
            self.create(made)
            # A server taints new nodes as not ready; here nobody would take that away.
            self.api.call("PATCH", f"/api/v1/nodes/{name}", {"spec": {"taints": one["spec"]["taints"] or None}}, "application/merge-patch+json")
        for one in case.objects:
            self.create_of(case, one)

    def create_of(self, case, obj):
        made = places(case.name, copy.deepcopy(obj))
        wide = obj["kind"] in ("PersistentVolume", "StorageClass")
        if wide:
            made["metadata"]["name"] = f"{case.name}-{obj['metadata']['name']}"
        if "storageClassName" in made.get("spec", {}):
            made["spec"]["storageClassName"] = f"{case.name}-{made['spec']['storageClassName']}"
        if obj["kind"] == "PersistentVolumeClaim" and "volumeName" in made["spec"]:
            made["spec"]["volumeName"] = f"{case.name}-{made['spec']['volumeName']}"
        if obj["kind"] == "Pod":
            made["spec"].setdefault("nodeSelector", {})[CASE_LABEL] = case.name
        self.create(made, None if wide else case.name)

    def delete_pod(self, case, name):
        self.api.call("DELETE", f"/api/v1/namespaces/{case}/pods/{name}?gracePeriodSeconds=0", allowed=(404,))

    def begin_step(self, case, number):
        for one in case.steps[number]:
            if isinstance(one, Delete):
                self.delete_pod(case.name, one.pod)
            elif isinstance(one, Patch):
                self.api.call("PATCH", f"/api/v1/nodes/{case.name}-{one.node}", one.patch, "application/merge-patch+json")
            else:
                self.create_of(case, one)

    def pods(self):
        return {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in self.api.call("GET", "/api/v1/pods")["items"] if pod["metadata"]["namespace"] in self.by_name}

    def wait(self, condition, seconds=STEP_SECONDS):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.3)

    def bound(self, keys):
        """Whether all of these that are there have nodes."""
        pods = self.pods()
        return all("node" in (become(pods[key]) or {}) for key in keys if key in pods)

    def settle(self, wanted, quiet):
        """Until all of `wanted` are decided and, for `quiet` seconds, nothing of interest has changed."""
        begin = changed = time.monotonic()
        before = None
        while True:
            pods = self.pods()
            now = {key: (become(pod), pod["metadata"].get("deletionTimestamp")) for key, pod in pods.items()}
            if now != before:
                changed = time.monotonic()
            before = now
            decided = all(key in pods and become(pods[key]) is not None for key in wanted)
            if decided and time.monotonic() - changed >= quiet or time.monotonic() - begin > STEP_SECONDS:
                return pods
            time.sleep(0.2)

    def play_step(self, number):
        playing = [case for case in self.cases if number < len(case.steps)]
        if not playing:
            return {}
        self.each(lambda case: self.begin_step(case, number), playing)
        wanted = {(case.name, one["metadata"]["name"]) for case in playing for one in case.steps[number] if isinstance(one, dict) and one["kind"] == "Pod"}
        pods = self.settle(wanted, QUIET_SECONDS if any(case.keep or case.objects for case in playing) else 1.1)
        late = [(case.name, one["metadata"]["name"]) for case in playing if case.keep and number + 1 == len(case.steps) for one in case.pods()]
        if late:
            self.wait(lambda: self.bound(late), 30)
            pods = self.pods()
        gone = [key for key, pod in pods.items() if "deletionTimestamp" in pod["metadata"]]
        for case, name in gone:
            self.victims.setdefault(case, set()).add(name)
        nominated = {key: pod["status"].get("nominatedNodeName") for key, pod in pods.items() if pod["status"].get("nominatedNodeName")}
        if gone:
            self.each(lambda key: self.delete_pod(*key), gone)
            self.wait(lambda: self.bound(nominated), 40)
            pods = self.pods()
        fresh = {}
        for key, pod in pods.items():
            if number < len(self.by_name[key[0]].steps):
                before = self.seen.get(key, {})
                fresh[key] = {**(become(pod) or {"undecided": True}), "nominated": nominated.get(key) or before.get("nominated")}
                if "node" not in before:  # Where a scheduler put it first; put() may have moved it since.
                    self.seen[key] = fresh[key]
        homeless = [key for key in pods if key in fresh and not self.by_name[key[0]].keep and "node" not in fresh[key]]
        self.each(lambda key: self.delete_pod(*key), homeless)
        self.each(lambda key: self.start(key, number), [key for key in fresh if "node" in fresh[key] and self.prioritized(key[0])])
        return fresh

    def prioritized(self, case):
        return any("priorityClassName" in one["spec"] for one in self.by_name[case].pods())

    def start(self, key, number):
        """No kubelet does it: since when a pod runs decides who is the better victim. No two pods of a case are equal in that."""
        case, pod = key
        ordinal = [one["metadata"]["name"] for one in self.by_name[case].pods()].index(pod)
        body = {"status": {"startTime": f"2021-01-01T00:{number:02}:{59 - ordinal:02}Z"}}
        self.api.call("PATCH", f"/api/v1/namespaces/{key[0]}/pods/{key[1]}/status", body, "application/merge-patch+json", allowed=(404,))

    def put(self, case, name, node):
        """A pod that stands where chance put it goes to where chance put it in the other cluster."""
        self.delete_pod(case, name)
        made = self.by_name[case].pod(name)
        self.create_of(self.by_name[case], {**made, "spec": {**made["spec"], "nodeName": node}})


def become(pod):
    """None while a scheduler has not spoken."""
    if pod["spec"].get("nodeName"):
        return {"node": pod["spec"]["nodeName"]}
    for condition in pod["status"].get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return {"sentence": condition.get("message", ""), "reason": condition.get("reason", "")}
    return None
