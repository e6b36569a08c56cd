"""The two servers of the benchmark, the simulated and the real one, as a client sees them, and what they cost."""
import base64
import http.client
import json
import os
import socket
import ssl
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
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """One kept-alive connection to an apiserver."""

    def __init__(self, name, host, port, context=None, pids=()):
        self.name, self.host, self.port, self.context, self.pids = name, host, port, context, pids
        self.connection = self.connect()

    def again(self):
        """Another connection to the same server."""
        return Server(self.name, self.host, self.port, self.context, self.pids)

    def connect(self):
        if self.context:
            connection = http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=120)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def socket(self):
        """A bare connection."""
        plain = socket.create_connection((self.host, self.port), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(plain, server_hostname=self.host) if self.context else plain

    def ask(self, method, path, body=None, kind="application/json", expected=(200, 201), accept="application/json"):
        """Milliseconds until the whole answer is here, and the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept}
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

    def cpu(self):
        """Processor seconds that the server's processes have taken."""
        seconds = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(") ", 1)[1].split()
            seconds += (int(fields[11]) + int(fields[12])) / TICKS
        return seconds

    def memory(self, line="VmRSS"):
        """Bytes."""
        total = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                total += next(int(text.split()[1]) for text in status if text.startswith(line)) * 1024
        return total


class Simulator:
    def __init__(self, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.config = os.path.join(self.folder.name, "config")
        self.process = subprocess.Popen([KUBESIM, *arguments, "--kubeconfig", self.config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parts = urllib.parse.urlsplit(json.loads(self.process.stdout.readline())["url"])
        self.host, self.port, self.scheme = parts.hostname, parts.port, parts.scheme

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.folder.cleanup()

    def server(self):
        return Server("simulated", self.host, self.port, tls_context(self.config) if self.scheme == "https" else None, (self.process.pid,))


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


def real_server():
    """The real apiserver; etcd's cost is its own."""
    pki = os.path.join(real_cluster.STATE, "pki")
    context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
    context.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")
    return Server("real", "127.0.0.1", real_cluster.PORT, context, tuple(pids_of("kube-apiserver") + pids_of("etcd")))


def pids_of(name):
    """Processes of that name that keep their state where this run's cluster does."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read().split(b"\0")
        except OSError:
            continue
        mine = any(real_cluster.STATE.encode() in part for part in command)
        if os.path.basename(command[0]).decode(errors="replace") == name and mine:
            found.append(int(pid))
    return found


def pod(name, **labels):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "bench", "tier": "web", **labels}},
            "spec": {"automountServiceAccountToken": False, "containers": [
                {"name": part, "image": f"registry.example.com/team/{part}:1.0", "ports": [{"containerPort": 8080}], "env": [{"name": "LOG_LEVEL", "value": "info"}],
                 "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}} for part in ("web", "sidecar")]}}


def quantile(samples, part):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
