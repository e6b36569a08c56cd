#!/usr/bin/python3
"""A real kubelet (Debian's Kubernetes 1.20.2 with containerd and runc) as judge of the simulator's.

A hundred pods (pods.py, pods_turns.py) run side by side on a real node and in the live simulator for a while. Compared of each: the states its containers
went through (waiting reasons and messages, ends with reason, exit code and message), phases, conditions, quality of service, reason and
message of the pod, the logs, and the events told of it; how often and how long is not. differences.txt has what differs with a reason a line:
  words | WHAT | real (regular expression) | ours | why       what 1.20 says in other words
  differs | POD (globs) | LINE (regular expression; "- " real, "+ " ours) | why
A line there that excuses nothing fails, unless its reason begins with "sometimes:". The node needs root; exit code 77 = skipped, said loudly.
`--running`; `--only GLOB`; `--once`: what differs is not played once more; `--remember FILE`: what the real node did is kept there, and read from it the next time; `--seconds N`.
"""
import argparse
import concurrent.futures
import fnmatch
import http.client
import json
import os
import pickle
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, "..", one) for one in ("scheduler_judge", "kube_judge", "kube_real"))]
import judge  # noqa: E402
import pods as pod_list  # noqa: E402
import pods_turns  # noqa: E402
import real_cluster  # noqa: E402
import second_look  # noqa: E402
import simulated  # noqa: E402
from playing import Api  # noqa: E402

CLUSTER = os.path.join(HERE, "..", "kubectl_judge", "cluster")
BASE = "/api/v1/namespaces/judge"

MASKS = [(re.compile(pattern), to) for pattern, to in [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\b[0-9a-f]{64}\b", "<id>"),
    (r"\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+)\b", "<ip>"),
    (r"(?<![\w.-])(\d+h)?(\d+m)?\d+(\.\d+)?m?s\b", "<time>"),
    (r"(capacity|available|used): \d+\w*", r"\1: <n>"),
    (r"\"docker.io/library/", "\""),
]]


def mask(text):
    for pattern, to in MASKS:
        text = pattern.sub(to, text)
    return text.strip()


class Side:
    """One cluster, and what was seen of its pods."""

    def __init__(self, api, pods, seconds):
        self.api, self.pods, self.seconds = api, pods, seconds
        self.seen = {pod["metadata"]["name"]: [] for pod in pods}  # lines, in order, each once
        self.over = False

    def note(self, name, line):
        line = mask(line)
        if name in self.seen and line not in self.seen[name]:
            self.seen[name].append(line)

    def look(self, pod):
        name, status = pod["metadata"]["name"], pod["status"]
        self.note(name, f"phase {status.get('phase')} {status.get('reason', '')} {status.get('message', '')}")
        self.note(name, f"qos {status.get('qosClass')}")
        for condition in status.get("conditions") or []:
            if condition["type"] in ("Ready", "Initialized", "ContainersReady"):
                self.note(name, f"condition {condition['type']} {condition['status']} {condition.get('reason', '')} {condition.get('message', '')}")
        for kind in ("initContainerStatuses", "containerStatuses"):
            for one in status.get(kind) or []:
                for where in ("state", "lastState"):
                    for state, said in (one.get(where) or {}).items():
                        code = f"code {said['exitCode']}" if state == "terminated" else ""
                        self.note(name, f"container {one['name']} {state} {said.get('reason', '')} {code} {said.get('message', '')}")
                if one.get("restartCount"):
                    self.note(name, f"container {one['name']} was restarted")
                if one.get("ready"):
                    self.note(name, f"container {one['name']} was ready")

    def watch(self):
        version = "0"
        while not self.over:
            try:
                for event in self.api.stream(f"{BASE}/pods?watch=1&timeoutSeconds=10&resourceVersion={version}"):
                    if event["type"] == "ERROR":
                        version = "0"
                    if event["type"] in ("ADDED", "MODIFIED"):
                        version = event["object"]["metadata"]["resourceVersion"]
                        self.look(event["object"])
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.2)

    def create(self, pod):
        answer = self.api.call("POST", f"{BASE}/pods", pod, allowed=(400, 403, 422))
        if answer.get("kind") == "Status":
            self.note(pod["metadata"]["name"], f"refused {answer['code']} {answer['message']}")

    def play(self):
        self.api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "judge"}})
        for one in pod_list.objects():
            self.api.call("POST", f"{BASE}/{one['kind'].lower()}s", one)
        end = time.monotonic() + 20
        while self.api.call("GET", f"{BASE}/serviceaccounts/default", allowed=(404,)).get("kind") != "ServiceAccount" and time.monotonic() < end:
            time.sleep(0.2)
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        begin = time.monotonic()
        late = []
        for pod in self.pods:
            late.append(pod) if "judge/late" in pod["metadata"]["annotations"] else self.create(pod)
        time.sleep(5)
        for pod in late:
            self.create(pod)
        doomed = [pod for pod in self.pods if "judge/delete" in pod["metadata"]["annotations"]]
        time.sleep(max(0, begin + self.seconds - 15 - time.monotonic()))
        for pod in doomed:
            self.api.call("DELETE", f"{BASE}/pods/{pod['metadata']['name']}", allowed=(404,))
        time.sleep(15)
        self.over = True
        self.read_logs()
        watcher.join()
        for event in self.api.call("GET", f"{BASE}/events")["items"]:
            self.note(event["involvedObject"]["name"], f"event {event['type']} {event['reason']} {event['message']}")
        return self.seen

    def read_logs(self):
        for pod in self.pods:
            name = pod["metadata"]["name"]
            for one in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
                text = self.api.text(f"{BASE}/pods/{name}/log?container={one['name']}&tailLines=20")
                self.note(name, f"log {one['name']}: {text.strip()}")


class Rules:
    def __init__(self, path):
        self.words, self.differs = [], []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                if not line.strip() or line.startswith("#"):
                    continue
                kind, *parts = [part.strip() for part in line.split(" | ")]
                if kind == "words":
                    self.words.append([re.compile(parts[0]), parts[1], parts[2], 0])
                else:
                    self.differs.append([parts[0], re.compile(parts[1]), parts[2], 0])

    def modern(self, line):
        for rule in self.words:
            line, count = rule[0].subn(rule[1], line)
            rule[3] += count
        return line

    def excuse(self, pod, line):
        for rule in self.differs:
            if any(fnmatch.fnmatch(pod, one) for one in rule[0].split(",")) and rule[1].search(line):
                rule[3] += 1
                return True
        return False

    def unused(self):
        return [f"{getattr(rule[0], 'pattern', rule[0])} | {getattr(rule[1], 'pattern', rule[1])} | {rule[2]}"
                for rule in self.words + self.differs if rule[3] == 0 and not rule[2].startswith("sometimes:")]


class StreamingApi(Api):
    def open(self, path):
        request = urllib.request.Request(urllib.parse.urlunsplit(self.parts).rstrip("/") + path)
        handlers = [urllib.request.ProxyHandler({})]
        if self.context is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self.context))
        return urllib.request.build_opener(*handlers).open(request, timeout=30)

    def stream(self, path):
        with self.open(path) as answer:
            for line in answer:
                yield json.loads(line)

    def text(self, path):
        try:
            with self.open(path) as answer:
                return answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                return json.loads(error.read()).get("message", "")


def play_real(pods, seconds):
    pki = os.path.join(real_cluster.STATE, "pki")
    with real_cluster.running(node=True):
        context = judge.certificate_context(f"{pki}/ca.crt", f"{pki}/admin.crt", f"{pki}/admin.key")
        return Side(StreamingApi(f"https://127.0.0.1:{real_cluster.PORT}", context), pods, seconds).play()


def play(options, pods):
    def play_ours():
        with simulated.running("--live", "--folder", CLUSTER) as url:
            return Side(StreamingApi(url), pods, options.seconds).play()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ours = pool.submit(play_ours)
        if options.remember and os.path.exists(options.remember):
            with open(options.remember, "rb") as file:
                return pickle.load(file), ours.result()
        real = play_real(pods, options.seconds)
        if options.remember:
            with open(options.remember, "wb") as file:
                pickle.dump(real, file)
        return real, ours.result()


def compare(pods, real, ours, rules):
    """{"pod line": what differs and is not listed}"""
    wrong = {}
    for pod in pods:
        name = pod["metadata"]["name"]
        theirs = {mask(rules.modern(line)) for line in real.get(name, [])} - {""}
        mine = set(ours.get(name, []))
        lines = [("- " + line) for line in sorted(theirs - mine)] + [("+ " + line) for line in sorted(mine - theirs)]
        lines = [line for line in lines if not rules.excuse(name, line)]
        wrong.update({f"{name} {line}": f"{name}\n    {'real' if line[0] == '-' else 'ours'}  {line[2:]}" for line in lines})
    return wrong


def main():
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: kubelets are not compared with a real one in this run.", flush=True)
        return 77
    if not real_cluster.IS_ROOT:
        print("SKIPPED: a real node needs root: kubelets are not compared with a real one in this run.", flush=True)
        return 77
    options = argparse.ArgumentParser()
    options.add_argument("--running", action="store_true")
    options.add_argument("--remember", metavar="FILE")
    options.add_argument("--once", action="store_true")
    options.add_argument("--only", default="*")
    options.add_argument("--seconds", type=int, default=75)
    options = options.parse_args()
    if not (options.remember and os.path.exists(options.remember)):
        # Of events a kubelet sends 5 a second unless told otherwise (0 is no other number to 1.20): a hundred pods would wait for theirs beyond the play.
        os.environ["K8S_KUBELET_EXTRA"] = "--volume-stats-agg-period=5s --event-qps=500 --event-burst=1000 --kube-api-qps=200 --kube-api-burst=400"
        real_cluster.enter()
    pods = [pod for pod in (*pod_list.all_pods(), *pods_turns.all_pods()) if fnmatch.fnmatch(pod["metadata"]["name"], options.only)]

    def look(pods=pods):
        begin = time.monotonic()
        real, ours = play(options, pods)
        rules = Rules(os.path.join(HERE, "differences.txt"))
        wrong = compare(pods, real, ours, rules)
        facts = sum(len(real.get(pod["metadata"]["name"], [])) for pod in pods)
        print(f"played in {time.monotonic() - begin:.0f} s; {len(pods)} pods, {facts} facts of the real node; {len(wrong)} differences are not listed")
        return wrong, rules.unused() if options.only == "*" else []

    def alone(names):
        return look([pod for pod in pods if any(name.startswith(pod["metadata"]["name"] + " ") for name in names)])
    return second_look.verdict(look, twice=not options.once and not options.remember, alone=alone)


if __name__ == "__main__":
    sys.exit(main())
