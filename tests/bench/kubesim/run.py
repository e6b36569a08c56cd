#!/usr/bin/env python3
"""The simulated apiserver beside a real one (Debian's 1.20.2) in one run: get, list, create, patch; then watchers, memory and virtual time of the simulator alone.

    ./dev bench kubesim

The real control plane comes from ../shared/kube-real as the tests start it; it is started first and both are asked in turns. Where it
cannot be had the ratios are left out, and that is said. KUBE_REAL_DIR: where a built one is kept.
"""
import base64
import http.client
import json
import multiprocessing
import os
import resource
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

sys.path.insert(0, os.path.join(os.environ["OPSMESH_SOURCE_DIR"], "tests/e2e/kube_real"))
import real_cluster  # noqa: E402

KUBESIM = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_kubesim")
LIVE = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_bench_kubesim_live")
LISTED, ROUNDS, LISTS = 1000, 400, 10
MADE = 200  # pods of a Deployment
WATCHERS, EVENTS_A_SECOND, WATCH_SECONDS = 50, 1000, 5
PODS, NODES, FLOOR_BYTES = 20000, 500, 1 << 30
FLOOR_LAG_MS = 1000


class Server:
    """One kept-alive connection to an apiserver."""

    def __init__(self, name, host, port, context=None):
        self.name, self.host, self.port, self.context = name, host, port, context
        self.connection = self.connect()

    def connect(self):
        if self.context:
            connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=120)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, method, path, body=None, kind="application/json", expected=(200, 201)):
        """Milliseconds until the whole answer is here, and the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = kind
        begin = time.perf_counter()
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        got = answer.read()
        elapsed = (time.perf_counter() - begin) * 1000
        if answer.status not in expected:
            raise SystemExit(f"{self.name}: {method} {path}: {answer.status} {got[:300]!r}")
        return elapsed, got


class Simulator:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([KUBESIM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parts = urllib.parse.urlsplit(json.loads(self.process.stdout.readline())["url"])
        self.host, self.port, self.scheme = parts.hostname, parts.port, parts.scheme

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)

    def memory(self, line):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(text.split()[1]) for text in status if text.startswith(line)) * 1024


def real_server():
    pki = os.path.join(real_cluster.STATE, "pki")
    context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
    context.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")
    return Server("real", "127.0.0.1", real_cluster.PORT, context)


def pod(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "bench", "tier": "web"}},
            "spec": {"automountServiceAccountToken": False, "containers": [
                {"name": part, "image": f"registry.example.com/team/{part}:1.0", "ports": [{"containerPort": 8080}], "env": [{"name": "LOG_LEVEL", "value": "info"}],
                 "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}} for part in ("web", "sidecar")]}}


def quantile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def controllers(server):
    """Seconds from a Deployment's creation until its controllers have made all its pods, which nobody runs."""
    space, name = "/api/v1/namespaces/rollout", "/apis/apps/v1/namespaces/rollout/deployments"
    server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "rollout"}})
    end = time.monotonic() + 120
    while json.loads(server.ask("GET", f"{space}/serviceaccounts/default", expected=(200, 404))[1])["kind"] == "Status" and time.monotonic() < end:
        time.sleep(0.05)
    begin = time.monotonic()
    server.ask("POST", name, {"metadata": {"name": "web"}, "spec": {"replicas": MADE, "selector": {"matchLabels": {"app": "bench"}}, "template": {
        "metadata": {"labels": {"app": "bench"}}, "spec": {**pod("x")["spec"], "nodeSelector": {"kubernetes.io/hostname": "nowhere"}}}}})
    while json.loads(server.ask("GET", f"{name}/web")[1]).get("status", {}).get("replicas", 0) < MADE:
        if time.monotonic() > end:
            raise SystemExit(f"{server.name}: the Deployment has not got its {MADE} pods in two minutes")
        time.sleep(0.02)
    return time.monotonic() - begin


def requests(servers):
    """name of the measure -> name of the server -> milliseconds; the servers in turns, so that a busy machine is busy for both."""
    took = {}

    def note(measure, server, elapsed):
        took.setdefault(measure, {}).setdefault(server.name, []).append(elapsed)

    pods = "/api/v1/namespaces/bench/pods"
    for server in servers:
        server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "bench"}})
        server.ask("POST", "/api/v1/namespaces/bench/serviceaccounts", {"metadata": {"name": "default"}}, expected=(201, 409))
    for i in range(LISTED):
        for server in servers:
            note("create a pod", server, server.ask("POST", pods, pod(f"p-{i}"))[0])
    for i in range(ROUNDS):
        for server in servers:
            note("get one pod", server, server.ask("GET", f"{pods}/p-{i}")[0])
            note("merge patch", server, server.ask("PATCH", f"{pods}/p-{i}", {"metadata": {"annotations": {"round": str(i)}}}, "application/merge-patch+json")[0])
    for _ in range(LISTS):
        for server in servers:
            elapsed, got = server.ask("GET", pods)
            assert len(json.loads(got)["items"]) == LISTED
            note(f"list {LISTED} pods", server, elapsed)
    return took


def tell_requests(took):
    missed = []
    for measure, by_server in took.items():
        text = "   ".join(f"{name} p50 {statistics.median(times):7.2f} ms p99 {quantile(times, .99):7.2f}" for name, times in by_server.items())
        if "real" in by_server:
            ratio = statistics.median(by_server["simulated"]) / statistics.median(by_server["real"])
            text += f"   ratio {ratio:.2f}"
            if ratio > 1:
                missed.append(f"{measure} slower than the real one")
        print(f"{measure:16} {text}", flush=True)
    return missed


class Watchers:
    """Many watches read by one thread; each event carries the moment it was sent."""

    def __init__(self, simulator, path):
        self.selector, self.rest, self.counts, self.lags = selectors.DefaultSelector(), {}, {}, []
        for number in range(WATCHERS):
            connection = socket.create_connection((simulator.host, simulator.port), timeout=30)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ, number)
            self.rest[number], self.counts[number] = b"", 0

    def read(self, expected, end):
        while min(self.counts.values()) < expected and time.monotonic() < end:
            for key, _ in self.selector.select(0.1):
                data = key.fileobj.recv(1 << 18)
                now = time.monotonic_ns()
                if not data:
                    raise SystemExit(f"watcher {key.data} was closed after {self.counts[key.data]} events")
                *lines, self.rest[key.data] = (self.rest[key.data] + data).split(b"\n")
                for line in lines:
                    at = line.find(b'"sent":"')
                    if at >= 0:
                        self.counts[key.data] += 1
                        self.lags.append((now - int(line[at + 8:line.index(b'"', at + 8)])) / 1e6)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def change(address, total, told):
    """One writer in a process of its own at an even pace, answers read as they come; tells how many were 200 and how long all took."""
    connection, answers, rest = socket.create_connection(address, timeout=30), 0, b""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begin = time.monotonic()

    def read(seconds):
        nonlocal answers, rest
        connection.settimeout(max(seconds, 1e-4))
        try:
            data = rest + connection.recv(1 << 18)
        except TimeoutError:
            return
        answers += data.count(b"HTTP/1.1 200 ")
        rest = data[data.rfind(b"\n") + 1:]

    for i in range(total):
        while (wait := begin + i / EVENTS_A_SECOND - time.monotonic()) > 0:
            read(wait)
        body = json.dumps({"data": {"sent": str(time.monotonic_ns())}}).encode()
        connection.settimeout(30)
        connection.sendall(f"PATCH /api/v1/namespaces/default/configmaps/w-{i % 100} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/merge-patch+json\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    end = time.monotonic() + 60
    while answers < total and time.monotonic() < end:
        read(0.1)
    told.put((answers, time.monotonic() - begin))


def fan_out():
    total = EVENTS_A_SECOND * WATCH_SECONDS
    with Simulator() as simulator:
        server = Server("simulated", simulator.host, simulator.port)
        for i in range(100):
            server.ask("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": f"w-{i}"}})
        since = json.loads(server.ask("GET", "/api/v1/namespaces/default/configmaps?limit=1")[1])["metadata"]["resourceVersion"]
        watchers, told = Watchers(simulator, f"/api/v1/namespaces/default/configmaps?watch=1&resourceVersion={since}"), multiprocessing.SimpleQueue()
        writer = multiprocessing.Process(target=change, args=((simulator.host, simulator.port), total, told), daemon=True)
        writer.start()
        watchers.read(total, time.monotonic() + WATCH_SECONDS + 60)
        writer.join(90)
        watchers.close()
    if writer.exitcode != 0:
        print("watch: the writer did not come to its end")
        return ["watch fan-out"]
    written, seconds = told.get()
    delivered, rate = sum(watchers.counts.values()), written / seconds
    p50, p99 = quantile(watchers.lags, .5), quantile(watchers.lags, .99)
    print(f"watch            {rate:.0f} events/s to {WATCHERS} watchers: {delivered} of {total * WATCHERS} delivered, lag from the patch's sending p50 {p50:.1f} ms p99 {p99:.1f} ms"
          f"   (floor {EVENTS_A_SECOND}/s, all; writer and readers share the machine)", flush=True)
    return [name for name, good in (("watch delivery", delivered == total * WATCHERS), ("watch rate", rate >= 0.98 * EVENTS_A_SECOND), ("watch lag p99", p99 < FLOOR_LAG_MS)) if not good]


def scale():
    begin = time.monotonic()
    with Simulator("--nodes", str(NODES), "--pods", str(PODS)) as simulator:
        filled = time.monotonic() - begin
        server = Server("simulated", simulator.host, simulator.port)
        rest = simulator.memory("VmRSS")
        elapsed, got = server.ask("GET", "/api/v1/pods")
        count = got.count(b'"hostIP"')
        peak = simulator.memory("VmHWM")
        kept = simulator.memory("VmRSS")
    print(f"scale            {PODS} pods on {NODES} nodes: RSS {rest / 2**20:.0f} MiB at rest ({rest / PODS / 1024:.1f} KiB a pod), {kept / 2**20:.0f} after a whole list, peak {peak / 2**20:.0f}"
          f" (floor 1024); list {elapsed:.0f} ms, {len(got) / 2**20:.0f} MiB; filled in {filled:.1f} s", flush=True)
    return [name for name, good in (("memory", peak <= FLOOR_BYTES), ("the list is whole", count >= PODS)) if not good]


# Processor seconds that may not be exceeded (a busy machine does not change them), by measure.
LIVE_FLOORS = {
    "demo hour": 1.0,
    "5000 pods: start": 20.0,
    "5000 pods: idle": 5.0,
    "5000 pods: fork": 1.0,
    "5000 pods: fork's first minute": 4.0,
    "5000 pods: rollout of 1000": 15.0,
    "20000 pods: rollout of 1000": 30.0,
}


def live_run(*arguments):
    """A cluster that lives, in virtual time: measures as opsmesh_bench_kubesim_live tells them."""
    missed = []
    with subprocess.Popen([LIVE, *arguments], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            got = json.loads(line)
            name, floor = got["measure"], LIVE_FLOORS.get(got["measure"])
            more = ", ".join(f"{got[key]} {text}" for key, text in (("simulated_minutes", "simulated minutes"), ("writes", "writes"), ("ready", "pods ready")) if key in got)
            print(f"live             {name}: {got['cpu_seconds']:.2f} s of processor, {got['seconds']:.2f} s{', ' + more if more else ''}, peak {got['peak_mib']:.0f} MiB"
                  f"{f'   (floor {floor:g} s)' if floor else ''}", flush=True)
            if floor and got["cpu_seconds"] > floor:
                missed.append(name)
            if got["peak_mib"] * 2**20 > FLOOR_BYTES:
                missed.append(f"memory at {name}")
            if "rollout" in name and not got["simulated_minutes"]:
                missed.append(f"{name} does not end")
            if "start" in name and "pods" in name and got["ready"] != int(name.split()[0]):
                missed.append(f"{name}: all ready")
    return missed + ([] if process.returncode == 0 else ["the live cluster"])


def live():
    return live_run("demo") + live_run("cluster", "5000", "100", "60") + live_run("cluster", str(PODS), str(NODES), "10")


def compare():
    if not real_cluster.is_built():
        print(f"no {real_cluster.STATE}/bin (`./dev test -L kube-real` builds it): nothing is compared with a real apiserver, and no ratio is printed", flush=True)
        with Simulator() as simulator:
            return tell_requests(requests([Server("simulated", simulator.host, simulator.port)]))
    print("real: Debian's kube-apiserver 1.20.2 with etcd; simulated: opsmesh_kubesim; both over TLS, one client in turns", flush=True)
    with tempfile.TemporaryDirectory() as folder, Simulator("--tls", "--kubeconfig", os.path.join(folder, "config")) as simulator, real_cluster.running():
        real = real_server()
        real_takes = controllers(real)
        real_cluster.stop_controllers()
        with Simulator("--live") as alive:
            ours = controllers(Server("simulated", alive.host, alive.port))
        print(f"controllers      a Deployment's {MADE} pods are made in {ours:.2f} s simulated (in real time), {real_takes:.2f} s real   ratio {ours / real_takes:.2f}", flush=True)
        slow = ["controllers slower than the real ones"] if ours > real_takes else []
        return slow + tell_requests(requests([real, Server("simulated", simulator.host, simulator.port, tls_context(os.path.join(folder, "config")))]))


def tls_context(kubeconfig):
    """The administrator's certificate of a kubeconfig, as TLS wants it: from files."""
    with open(kubeconfig, encoding="utf-8") as file:
        config = yaml.safe_load(file)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def main():
    real_cluster.enter(build=False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    missed = live() + scale() + fan_out() + compare()
    print("MISSED: " + ", ".join(missed) if missed else "ok")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
