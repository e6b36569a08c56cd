"""Starts the real programs on free ports, with HOME in a folder of its own, and stops them.

    with OneProcess() as mesh:            # opsmesh up
        mesh.post("/api/v1/chat", {"query": "..."})
    with SeparateProcesses() as mesh:     # opsmesh sim serve, opsmesh-k8s ... opsmesh-gateway, over TCP
        ...

Python's standard library only. Every wait has an end; a program that does not start shows its log.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SOURCE = os.environ.get("OPSMESH_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))
BIN = os.environ.get("OPSMESH_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))
SERVICES = ("k8s", "rca", "predict", "notify", "llm", "chat")
TAKEN = re.compile("already in use|gRPC cannot listen on")
START_SECONDS = 60  # the machine may be busy; readiness in two seconds is measured by the benchmark


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    path = os.path.join(BIN, name)
    if not os.path.exists(path):
        raise AssertionError(f"{path} is not built: run `./dev build`")
    return path


def clean_environment(home):
    """What a new user's shell has: no kubeconfig, no keys, no proxy."""
    return {"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": home}


class Answer:
    """An HTTP answer, whatever its status."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def fetch(url, body=None, headers=None, method=None, timeout=60):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if data is not None and not request.has_header("Content-type"):
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


class Mesh:
    """What both ways of running have in common."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="opsmesh-e2e-")
        self.processes = {}
        self.choose_ports()

    def choose_ports(self):
        self.http_port = free_port()
        self.grpc_port = free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        """Starts what belongs to it; nothing here."""

    def on_free_ports(self, launch, keep=()):
        """Launches; again with other ports when somebody took one between our look and the program's bind."""
        for tries_left in (2, 1, 0):
            try:
                return launch()
            except AssertionError:
                ended = [name for name, process in self.processes.items() if process.poll() is not None]
                if not tries_left or not any(TAKEN.search(self.log(name)) for name in ended):
                    raise
            for name in [name for name in self.processes if name not in keep]:
                self.kill(name)
                os.unlink(self.path(name + ".log"))
            self.choose_ports()

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, name, *command, environment=None):
        with open(self.path(name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [program(command[0]), *command[1:]], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**clean_environment(self.folder), **(environment or {})})

    def log(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_until(self, what, condition, seconds=START_SECONDS):
        end = time.monotonic() + seconds
        last = None
        while time.monotonic() < end:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended with {process.returncode} while waiting for {what}:\n{self.log(name)}")
            try:
                if condition():
                    return
            except (OSError, ValueError) as error:
                last = error
            time.sleep(0.05)
        logs = "\n".join(f"--- {name}\n{self.log(name)[-4000:]}" for name in self.processes)
        raise AssertionError(f"{what} did not happen within {seconds} s ({last})\n{logs}")

    def wait_ready(self):
        self.wait_until("health", lambda: self.get("/api/v1/health", timeout=5).json().get("status") == "healthy")

    def kill(self, name):
        """As the kernel would under memory pressure: no warning."""
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def terminate(self, name, seconds=120):
        """SIGTERM; the exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{name} did not end within {seconds} s of SIGTERM:\n{self.log(name)[-4000:]}") from None

    def get(self, path, **options):
        return fetch(self.url + path, **options)

    def post(self, path, body=b"", **options):
        return fetch(self.url + path, body=body, method="POST", **options)

    def chat(self, query, **fields):
        answer = self.post("/api/v1/chat", {"query": query, **fields})
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()

    def stream(self, query, **fields):
        """Events of one streamed answer."""
        answer = self.post("/api/v1/chat/stream", {"query": query, "stream": True, **fields},
                           headers={"Accept": "text/event-stream"})
        assert answer.status == 200, (answer.status, answer.body)
        return [json.loads(line[6:]) for line in answer.body.decode().split("\n") if line.startswith("data: ")]

    def cli(self, *arguments, timeout=90, **options):
        """Runs `opsmesh` against this mesh."""
        environment = {**clean_environment(self.folder), "OPSMESH_SERVER": self.url}
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            options.pop("stdin")
        return subprocess.run([program("opsmesh"), *arguments], env=environment, cwd=self.folder, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)

    def cluster(self, path):
        """The truth: asks the simulated apiserver itself."""
        answer = fetch(self.cluster_url() + path)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()

    def cluster_url(self):
        with open(self.kubeconfig(), encoding="utf-8") as text:
            found = re.search(r"""server["']?\s*:\s*["']?([^"',}\s]+)""", text.read())
        assert found, "the kubeconfig names no server"
        return found.group(1)


class OneProcess(Mesh):
    """`opsmesh up`: everything in one process."""

    def __init__(self, *arguments, environment=None):
        super().__init__()
        self.arguments, self.environment = arguments, environment

    def start(self):
        self.on_free_ports(self.launch)

    def launch(self):
        self.spawn("opsmesh", "opsmesh", "up", "--listen", f"127.0.0.1:{self.http_port}",
                   "--grpc-listen", f"127.0.0.1:{self.grpc_port}", "--data-dir", self.path("data"), *self.arguments,
                   environment=self.environment)
        self.wait_ready()

    def kubeconfig(self):
        return self.path("data/simulated.kubeconfig")

    def kill_all(self):
        self.kill("opsmesh")

    def terminate_all(self):
        return {"opsmesh": self.terminate("opsmesh")}


class SeparateProcesses(Mesh):
    """Each service a process of its own, over TCP with the mesh's token, on the simulator as a process of its own."""

    def choose_ports(self):
        super().choose_ports()
        self.ports = {name: free_port() for name in SERVICES}

    def kubeconfig(self):
        return self.path("sim.kubeconfig")

    def start(self):
        if "sim" not in self.processes:
            self.spawn("sim", "opsmesh", "sim", "serve", "--kubeconfig-out", self.kubeconfig())
            self.wait_until("the simulated cluster", lambda: self.cluster("/version"))
        self.on_free_ports(self.launch, keep=("sim",))

    def launch(self):
        with open(self.path("mesh.yaml"), "w", encoding="utf-8") as config:
            config.write("mesh:\n  token: end-to-end-test-token\n  addresses:\n")
            for name, port in self.ports.items():
                config.write(f"    {name}: 127.0.0.1:{port}\n")
            config.write(f"k8s:\n  kubeconfig: {self.kubeconfig()}\ngateway:\n  listen: 127.0.0.1:{self.http_port}\n")
        for name in SERVICES:
            self.spawn(name, f"opsmesh-{name}", "--config", self.path("mesh.yaml"), "--grpc-listen",
                       f"127.0.0.1:{self.ports[name]}", "--data-dir", self.path("data"))
        self.spawn("gateway", "opsmesh-gateway", "--config", self.path("mesh.yaml"), "--grpc-listen", "none",
                   "--data-dir", self.path("data"))
        self.wait_ready()

    def kill_all(self):
        for name in (*SERVICES, "gateway"):
            self.kill(name)

    def terminate_all(self):
        return {name: self.terminate(name) for name in ("gateway", *reversed(SERVICES), "sim")}


def main(module_name):
    """Runs the tests of a module verbosely; what ctest calls."""
    import unittest
    unittest.main(module=module_name, verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
