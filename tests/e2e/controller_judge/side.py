"""One cluster that scenarios are played to, and one scenario's play on it."""
import copy
import http.client
import json
import threading
import time
import urllib.parse

import judge
from places import KINDS, PLURAL, path_of
from neutral import Names, neutral_events, neutral_object

PATCHES = {"merge": "application/merge-patch+json", "json": "application/json-patch+json", "strategic": "application/strategic-merge-patch+json"}
MOMENT = 0.4  # seconds between two looks
QUIET = 1.5   # seconds without change that make a settled state


class Side:
    """`real`: a control plane of 1.20 whose kubelets are played by fake_kubelet.py; else the simulator, which has kubelets."""

    def __init__(self, name, url, context=None, real=False):
        self.name, self.url, self.context, self.real = name, urllib.parse.urlsplit(url), context, real
        self.local = threading.local()
        self.started = time.monotonic()

    def prepare(self):
        """Nodes as scenarios expect them: three for daemons, and one for nobody but the scenario that lets it fall silent."""
        for name in ("n1", "n2", "n3"):
            self.call("PATCH", "/api/v1/nodes/" + name, {"metadata": {"labels": {"judge": "yes"}}}, PATCHES["merge"])
        self.call("PATCH", "/api/v1/nodes/n4", {"spec": {"taints": [{"key": "dark", "value": "soon", "effect": "NoSchedule"}]}}, PATCHES["merge"])

    def call(self, method, path, body=None, content_type="application/json"):
        """(status, JSON), renamed for an older server as kube_judge does."""
        renaming = judge.Renaming(path if self.real else "")
        data = None if body is None else renaming.body(json.dumps(body)).encode()
        for attempt in (1, 2, 3):
            try:
                if getattr(self.local, "connection", None) is None:
                    kind = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
                    self.local.connection = kind(self.url.netloc, timeout=40, **({"context": self.context} if self.context else {}))
                self.local.connection.request(method, renaming.path(path), data, {"Content-Type": content_type, "Accept": "application/json", "User-Agent": "controller-judge"})
                answer = self.local.connection.getresponse()
                text = renaming.answer(answer.read().decode("utf-8", "replace"))
                if answer.getheader("Connection", "") == "close":
                    self.local.connection.close()
                    self.local.connection = None
                try:
                    return answer.status, json.loads(text or "{}")
                except ValueError:
                    return answer.status, {"text": text}
            except (OSError, http.client.HTTPException):
                if self.local.connection is not None:
                    self.local.connection.close()
                self.local.connection = None
                if attempt == 3:
                    raise
                time.sleep(0.2)


class Play:
    """What a scenario has in its hands. Everything it notes is compared with what the other side's play notes."""

    def __init__(self, side, name, kinds):
        self.side, self.namespace, self.kinds = side, name.replace("_", "-"), kinds
        self.names = Names()
        self.raw = []    # (label, plural or None, value) in order
        self.left = False
        self.heart = None  # of a node that the scenario plays: its name, whether it is ready, when it was last heard of
        self.trouble = []  # sentences: what was waited for in vain, requests that failed

    @property
    def real(self):
        return self.side.real

    # --- requests
    def begin(self):
        self.side.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": {"judge": self.namespace}}})
        # The service account admission of a real server refuses pods before this is there.
        self.until("the default service account", lambda: self.get("serviceaccounts", "default") and (not self.real or self.get("serviceaccounts", "default").get("secrets")))

    def path(self, plural, name=None, sub=None, namespace=None):
        return path_of(plural, namespace or self.namespace, name, sub)

    def create(self, obj, may_fail=False):
        obj = copy.deepcopy(obj)
        plural = PLURAL[obj["kind"]]
        obj.setdefault("apiVersion", KINDS[plural][1])
        if not KINDS[plural][2]:
            obj["metadata"].setdefault("labels", {})["judge"] = self.namespace
        namespace = obj["metadata"].get("namespace", self.namespace)
        status, answer = self.side.call("POST", self.path(plural, namespace=namespace), obj)
        self.names.see(plural, [obj])
        if status >= 300 and not may_fail:
            self.trouble.append(f"create {obj['kind']} {obj['metadata'].get('name')}: {status} {answer.get('message')}")
        return status, answer

    def get(self, plural, name):
        status, answer = self.side.call("GET", self.path(plural, name))
        if status == 200:
            self.names.see(plural, [answer])
        return answer if status == 200 else None

    def list(self, plural, selector=None, namespace=None):
        query = []
        if not KINDS[plural][2]:
            selector = selector or "judge=" + self.namespace
        if selector:
            query.append("labelSelector=" + urllib.parse.quote(selector))
        status, answer = self.side.call("GET", self.path(plural, namespace=namespace) + ("?" + "&".join(query) if query else ""))
        items = answer.get("items") or [] if status == 200 else []
        self.names.see(plural, items)
        return items

    def patch(self, plural, name, body, how="merge", sub=None, may_fail=False):
        status, answer = self.side.call("PATCH", self.path(plural, name, sub), body, PATCHES[how])
        if status >= 300 and not may_fail:
            self.trouble.append(f"patch {plural} {name}: {status} {answer.get('message')}")
        return status, answer

    def delete(self, plural, name, policy=None, grace=None, may_fail=False):
        options = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if policy:
            options["propagationPolicy"] = policy
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        status, answer = self.side.call("DELETE", self.path(plural, name), options)
        if status >= 300 and not may_fail:
            self.trouble.append(f"delete {plural} {name}: {status} {answer.get('message')}")
        return status, answer

    def evict(self, pod):
        return self.side.call("POST", self.path("pods", pod, "eviction"), {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}})

    # --- waiting
    def until(self, what, condition, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(MOMENT)
        self.trouble.append("in vain: " + what)
        return False

    def until_gone(self, plural, name, seconds=40):
        return self.until(f"{plural} {name} is gone", lambda: self.get(plural, name) is None, seconds)

    def status(self, plural, name):
        return (self.get(plural, name) or {}).get("status", {})

    def rolled_out(self, name, seconds=40):
        def done():
            d = self.get("deployments", name) or {"status": {}, "metadata": {"generation": 0}, "spec": {}}
            s, n = d["status"], d["spec"].get("replicas", 1)
            return s.get("observedGeneration", 0) >= d["metadata"]["generation"] and all(s.get(k, 0) == n for k in ("replicas", "updatedReplicas", "availableReplicas"))
        return self.until(f"deployment {name} is rolled out", done, seconds)

    def pods(self, selector=None):
        return [p for p in self.list("pods", selector) if "deletionTimestamp" not in p["metadata"]]

    def running(self, count, selector=None, seconds=40):
        def so():
            ready = [p for p in self.pods(selector) if is_ready(p)]
            return len(ready) == count
        return self.until(f"{count} pods are ready", so, seconds)

    # --- what kubelets do
    def set_ready(self, pod, ready):
        """A probe's verdict: in the simulator a fault that lets readiness probes fail."""
        if not self.real:
            if ready:
                self.side.call("DELETE", "/opsmesh-sim/v1/faults/" + self.faults.pop(pod))
            else:
                status, answer = self.side.call("POST", "/opsmesh-sim/v1/faults", {"kind": "probe-failure", "target": f"pod/{self.namespace}/{pod}", "parameters": {"probe": "readiness"}})
                if status >= 300:
                    self.trouble.append(f"fault: {answer}")
                self.faults[pod] = answer.get("id") or answer.get("fault", {}).get("id")
        else:
            object_ = self.get("pods", pod)
            statuses = object_["status"]["containerStatuses"]
            for one in statuses:
                one["ready"] = ready
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.patch("pods", pod, {"status": {"containerStatuses": statuses, "conditions": [
                {"type": kind, "status": "True" if ready else "False", "lastTransitionTime": at} for kind in ("Ready", "ContainersReady")]}}, "strategic", "status")
        self.until(f"pod {pod} is {'ready' if ready else 'unready'}", lambda: is_ready(self.get("pods", pod)) == ready)

    @property
    def faults(self):
        return self.__dict__.setdefault("_faults", {})

    def fail_pod(self, pod):
        """As the kubelet of a node that evicts it."""
        self.patch("pods", pod, {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node had condition: [DiskPressure]. "}}, "strategic", "status")

    # --- notes
    def note(self, label, value):
        self.raw.append((label, None, copy.deepcopy(value)))

    def show(self, label, *kinds, settle=True):
        """Notes the settled objects of the namespace."""
        kinds = kinds or self.kinds
        end = time.monotonic() + 25
        last, since = None, time.monotonic()
        while True:
            now = {plural: self.list(plural) for plural in kinds}
            key = {plural: sorted((o["metadata"]["name"], json.dumps(neutral_object(plural, o, Names()), sort_keys=True)) for o in items) for plural, items in now.items()}
            if key != last:
                last, since = key, time.monotonic()
            quiet = time.monotonic() - since > QUIET and not self.kubelets_behind(now.get("pods"))
            if not settle or quiet or time.monotonic() > end:
                break
            time.sleep(MOMENT)
        for plural, items in now.items():
            self.raw.append((label, plural, items))

    def kubelets_behind(self, pods):
        """Whether a kubelet has yet to begin or to end a pod."""
        for one in self.list("pods") if pods is None else pods:
            metadata, waiting = one["metadata"], [s["state"].get("waiting", {}).get("reason") for s in one["status"].get("containerStatuses") or []]
            if one["spec"].get("nodeName") not in ("n1", "n2", "n3", "n5"):
                continue
            if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
                return True
            if one["status"].get("phase") == "Pending" and not metadata.get("deletionTimestamp") and (not waiting or "ContainerCreating" in waiting or "PodInitializing" in waiting):
                return True
        return False

    def end(self):
        """Events are read last, when all scenarios have played."""
        for plural in ("replicasets", "controllerrevisions", "replicationcontrollers", "daemonsets", "jobs", "services", "cronjobs"):
            self.list(plural)
        self.raw.append(("events", "events", self.list("events")))

    def leave(self):
        """Ends the play now, and takes its namespace away."""
        time.sleep(4)  # A real recorder may be seconds behind.
        self.end()
        self.left = True
        self.side.call("DELETE", "/api/v1/namespaces/" + self.namespace)

    def notes(self):
        """{(label, kind, canonical name): [neutral objects]}"""
        found = {}
        for label, plural, value in self.raw:
            if plural is None:
                found.setdefault((label, "note", ""), []).append(self.names.deep(value))
            elif plural == "events":
                for text in neutral_events(value, self.names):
                    found.setdefault((label, "event", text), []).append({})
            else:
                for item in value:
                    found.setdefault((label, KINDS[plural][0], self.names.name(plural, item)), []).append(neutral_object(plural, item, self.names))
        for sentence in self.trouble:
            found.setdefault(("trouble", "note", self.names.text(sentence)), []).append({})
        return found


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in ((pod or {}).get("status", {}).get("conditions") or []))
