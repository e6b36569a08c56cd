"""A live simulator in real time under everything at once: people with kubectl, pods that are deleted, rollouts, faults, copies, and a
watcher that must end up with what a list says. Nothing may grow, fail or get lost, and the cluster mends itself when the faults are gone."""
import json
import os
import random
import subprocess
import tempfile
import threading
import time

from servers import Simulator, quantile

PODS, NODES, EACH, SPACES = 2000, 40, 20, 10  # pods and nodes of the base, pods of one of its Deployments, its namespaces
OTHER_NODES = 8  # of the people
WORKERS, SAMPLE_SECONDS = 4, 5
DELETIONS_A_SECOND, ROLLOUT_EVERY, FAULT_EVERY, FAULT_LASTS, FORK_EVERY = 4, 10, 8, 60, 15
START_SECONDS, MEND_SECONDS = 300, 300
KUBECTL = os.environ.get("KUBECTL", "kubectl")
POD_LIST = "/api/v1/pods"
FAULTS = (("crash", "deployment", {"code": 3, "after": 2}), ("kubelet-stopped", "node", {}), ("image-pull", "deployment", {}), ("kill", "deployment", {}),
          ("probe-failure", "deployment", {}), ("memory-pressure", "node", {}), ("slow-pull", "deployment", {"seconds": 20}), ("disk-pressure", "node", {}))


def base_node(number):
    name = f"base-{number:02}"
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "pool": "base"}},
            "spec": {"taints": [{"key": "pool", "value": "base", "effect": "NoSchedule"}]}, "status": {"capacity": ROOM, "allocatable": ROOM}}


ROOM = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi"}


def place(number):
    """Namespace and name of a Deployment of the base."""
    return f"base-{number % SPACES}", f"app-{number:03}"


def deployment(number):
    space, name = place(number)
    container = {"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}], "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                 "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": space},
            "spec": {"replicas": EACH, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "nodeSelector": {"pool": "base"},
                                                                "tolerations": [{"key": "pool", "value": "base", "effect": "NoSchedule"}]}}}}


def write_base(folder):
    objects = [base_node(i) for i in range(NODES)] + [deployment(i) for i in range(PODS // EACH)]
    for i in range(OTHER_NODES):
        objects.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{i}", "labels": {"kubernetes.io/hostname": f"node-{i}"}},
                        "status": {"capacity": ROOM, "allocatable": ROOM}})
    with open(os.path.join(folder, "base.json"), "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, file)


def available(server):
    """Pods of the base that are available and of its Deployments' present templates."""
    items = json.loads(server.ask("GET", "/apis/apps/v1/deployments")[1])["items"]
    return sum(min(one.get("status", {}).get("availableReplicas", 0), one.get("status", {}).get("updatedReplicas", 0)) for one in items if one["metadata"]["namespace"].startswith("base-"))


def wait_for_all(server, seconds):
    """Seconds until all pods of the base are available; None when they are not in time."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        if available(server) == PODS:
            return time.monotonic() - begin
        time.sleep(1)
    return None


def figures(pid):
    """Resident bytes, threads, descriptors."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["Threads"]), len(os.listdir(f"/proc/{pid}/fd"))


class Actor(threading.Thread):
    """Somebody who does something until the end."""

    def __init__(self, end):
        super().__init__()
        self.end, self.done, self.failed = end, 0, []

    def run(self):
        try:
            self.act()
        except (Exception, SystemExit) as error:  # pylint: disable=broad-exception-caught
            self.failed.append(f"{type(self).__name__}: {error!r}")


class Worker(Actor):
    """One person at a kubectl: makes something, looks at it, follows logs, watches, takes it away; again."""

    def __init__(self, number, config, end):
        super().__init__(end)
        self.number, self.config = number, config

    def kubectl(self, *arguments, timeout=60, cut=0):
        """`cut`: it is killed after so many seconds, as by Ctrl-C."""
        process = subprocess.Popen([KUBECTL, "--kubeconfig", self.config, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said, _ = process.communicate(timeout=cut or timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            if not cut:
                self.failed.append(f"{arguments}: no end in {timeout} s")
            return
        if process.returncode and not cut:
            self.failed.append(f"{arguments}: {said.strip()[-300:]}")

    def act(self):
        chance = random.Random(self.number)
        while time.monotonic() < self.end:
            name, space = f"w{self.number}-{self.done}", f"soak-{self.number}"
            if self.done == 0:
                self.kubectl("create", "namespace", space)
            self.kubectl("-n", space, "create", "deployment", name, "--image=nginx:1.27", f"--replicas={chance.randint(1, 5)}")
            self.kubectl("-n", space, "rollout", "status", f"deployment/{name}", "--timeout=50s")
            self.kubectl("-n", space, "logs", "-f", f"deployment/{name}", cut=1 + chance.random())
            self.kubectl("-n", space, "get", "pods", "-w", cut=0.5 + chance.random())
            self.kubectl("-n", space, "scale", f"deployment/{name}", "--replicas=0")
            self.kubectl("get", "pods", "-A", "-o", "wide")
            self.kubectl("-n", space, "delete", "deployment", name, "--wait=true")
            self.kubectl("-n", space, "delete", "events", "--all")  # they would stay an hour
            self.done += 1


class Churn(Actor):
    """Deletes pods of the base and rolls its Deployments out again."""

    def __init__(self, server, end):
        super().__init__(end)
        self.server, self.rollouts = server, 0

    def act(self):
        chance, next_rollout = random.Random(11), time.monotonic()
        while time.monotonic() < self.end:
            space, name = place(chance.randrange(PODS // EACH))
            pods = json.loads(self.server.ask("GET", f"/api/v1/namespaces/{space}/pods?labelSelector=app%3D{name}")[1])["items"]
            for one in pods[:2]:
                self.server.ask("DELETE", f"/api/v1/namespaces/{space}/pods/{one['metadata']['name']}", expected=(200, 404))
                self.done += 1
            if time.monotonic() > next_rollout:
                self.roll_out(*place(self.rollouts))
                next_rollout += ROLLOUT_EVERY
            time.sleep(2 / DELETIONS_A_SECOND)

    def roll_out(self, space, name):
        self.server.ask("PATCH", f"/apis/apps/v1/namespaces/{space}/deployments/{name}",
                        {"spec": {"template": {"metadata": {"annotations": {"rolled": str(self.rollouts)}}}}}, "application/merge-patch+json")
        self.rollouts += 1
        for number in range(SPACES):  # they would stay an hour
            self.server.ask("DELETE", f"/api/v1/namespaces/base-{number}/events")
        self.server.ask("DELETE", "/api/v1/namespaces/default/events")


class Faults(Actor):
    """Breaks the base in turns, and mends it."""

    def __init__(self, server, end):
        super().__init__(end)
        self.server, self.on = server, []

    def act(self):
        while time.monotonic() < self.end:
            kind, target, parameters = FAULTS[self.done % len(FAULTS)]
            at = f"node/base-{self.done % NODES:02}" if target == "node" else "deployment/" + "/".join(place(self.done * 7 % (PODS // EACH)))
            made = json.loads(self.server.ask("POST", "/opsmesh-sim/v1/faults", {"kind": kind, "target": at, "parameters": parameters})[1])
            if made["id"] != "done":
                self.on.append((time.monotonic() + FAULT_LASTS, made["id"]))
            self.done += 1
            time.sleep(FAULT_EVERY)
            while self.on and self.on[0][0] < time.monotonic():
                self.server.ask("DELETE", f"/opsmesh-sim/v1/faults/{self.on.pop(0)[1]}")
        self.server.ask("DELETE", "/opsmesh-sim/v1/faults")


class Follower(Actor):
    """An informer of all pods; its events must fit what it knows: none twice, none left out."""

    def __init__(self, server):
        super().__init__(float("inf"))
        self.server, self.known, self.version, self.connection, self.stopped = server, {}, "", None, False
        self.list()

    def list(self):
        answer = json.loads(self.server.ask("GET", POD_LIST)[1])
        self.version = answer["metadata"]["resourceVersion"]
        self.known = {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in answer["items"]}

    def act(self):
        while not self.stopped:
            self.connection = self.server.socket()
            self.connection.settimeout(90)  # bookmarks come every minute
            self.connection.sendall(f"GET {POD_LIST}?watch=1&allowWatchBookmarks=1&resourceVersion={self.version} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            try:
                with self.connection.makefile("rb") as lines:
                    for line in lines:
                        if line.startswith(b"{"):
                            self.take(json.loads(line))
            except (OSError, ValueError):
                if not self.stopped:
                    raise

    def take(self, event):
        kind, metadata = event["type"], event["object"].get("metadata", {})
        if kind == "ERROR":
            raise RuntimeError(f"the watch says {event['object'].get('message')}")
        self.version = metadata["resourceVersion"]
        if kind == "BOOKMARK":
            return
        self.done += 1
        uid = metadata["uid"]
        if (kind == "ADDED") == (uid in self.known) or int(self.version) <= int(self.known.get(uid, 0)):
            self.failed.append(f"{kind} {metadata['name']} at {self.version} does not follow {self.known.get(uid)}")
        if kind == "DELETED":
            self.known.pop(uid, None)
        else:
            self.known[uid] = self.version

    def agrees(self, server, seconds):
        """Whether it knows what a list says; changes that are under way may take a moment."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            listed = json.loads(server.ask("GET", POD_LIST)[1])["items"]
            if self.known == {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in listed}:
                return True
            time.sleep(0.5)
        return False

    def stop(self):
        self.stopped = True
        self.connection.shutdown(2)


def fill_history(server):
    """As much of the past as the server ever remembers: it does not grow any more."""
    path = "/api/v1/namespaces/default/configmaps"
    server.ask("POST", path, {"metadata": {"name": "past"}})
    for i in range(800):
        server.ask("PATCH", f"{path}/past", {"data": {"x": f"{i:05}" * 20000}}, "application/merge-patch+json")
    server.ask("DELETE", f"{path}/past")


def sample_until(end, pid):
    samples = []
    while time.monotonic() < end:
        time.sleep(SAMPLE_SECONDS)
        samples.append(figures(pid))
    return samples


def judge_growth(samples):
    """What the middle third and the last third had, and what grew between them."""
    third = len(samples) // 3
    typical = [[quantile([sample[i] for sample in part], .5) for i in range(3)] for part in (samples[third:2 * third], samples[2 * third:])]
    print("soak             " + "; ".join(f"{name} third: {part[0] >> 20} MiB, {part[1]} threads, {part[2]} descriptors" for name, part in zip(("middle", "last"), typical)), flush=True)
    missed = [name for i, name in ((1, "threads under soak"), (2, "descriptors under soak")) if typical[1][i] > typical[0][i] + 8]
    return missed + (["memory under soak"] if typical[1][0] > 1.1 * typical[0][0] + (4 << 20) else [])


def live_through(simulator, minutes):
    server = simulator.server()
    started = wait_for_all(server, START_SECONDS)
    if started is None:
        return [f"{PODS} pods ready in {START_SECONDS} s"]
    print(f"soak             {PODS} pods on {NODES} nodes ready in {started:.0f} s, {server.memory() >> 20} MiB", flush=True)
    fill_history(server)
    follower, end = Follower(server.again()), time.monotonic() + 60 * minutes
    workers = [Worker(number, simulator.config, end) for number in range(WORKERS)]
    churn, faults = Churn(server.again(), end), Faults(server.again(), end)
    actors = [*workers, churn, faults]
    for actor in (follower, *actors):
        actor.start()
    samples = sample_until(end, simulator.process.pid)
    for actor in actors:
        actor.join(120)
    server = server.again()
    mended, complete = wait_for_all(server, MEND_SECONDS), follower.agrees(server, 60)
    follower.stop()
    follower.join(60)
    failed = [text for actor in (follower, *actors) for text in actor.failed]
    print(f"soak             {minutes:g} minutes: {WORKERS} people made, followed and deleted {sum(worker.done for worker in workers)} Deployments; {churn.done} pods deleted, {churn.rollouts} rollouts,"
          f" {faults.done} faults; a watcher took {follower.done} events and {'agrees' if complete else 'DOES NOT AGREE'} with a list; {len(failed)} things failed;"
          f" {'not mended' if mended is None else f'all ready {mended:.0f} s'} after the last fault", flush=True)
    for text in failed[:10]:
        print(f"                 {text}")
    return judge_growth(samples) + [name for name, good in (("requests and events under soak", not failed), ("the watcher is complete", complete), ("the cluster mends itself", mended is not None)) if not good]


def soak(minutes):
    """What grew, failed or was lost."""
    with tempfile.TemporaryDirectory() as folder:
        write_base(folder)
        with Simulator("--live", "--tls", "--folder", folder, "--fork-every", str(FORK_EVERY)) as simulator:
            missed = live_through(simulator, minutes)
            simulator.process.stdin.close()
            forks = json.loads(simulator.process.stdout.readline())
    print(f"soak             {forks['forks']} copies lived a minute ahead{': ' + forks['failed'] if forks['failed'] else ''}", flush=True)
    return missed + (["copies under soak"] if forks["failed"] or not forks["forks"] else [])
