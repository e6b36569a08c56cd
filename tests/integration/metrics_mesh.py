"""The services that read Prometheus, behind a gateway, and Prometheus servers to read: a scripted one and Debian's.

Python's standard library only. Every wait has an end.
"""
import http.server
import json
import os
import subprocess
import threading
import urllib.parse

import harness_path  # noqa: F401  (finds the harness)
import harness

SHARED = os.path.join(harness.SOURCE, "..", "shared")


class MetricsMesh(harness.Mesh):
    """opsmesh-rca, opsmesh-predict and a gateway, each a process of its own."""

    def __init__(self, prometheus_url):
        super().__init__()
        self.prometheus_url = prometheus_url

    def choose_ports(self):
        super().choose_ports()
        self.ports = {name: harness.free_port() for name in ("rca", "predict")}

    def start(self):
        self.on_free_ports(self.launch)

    def launch(self):
        with open(self.path("mesh.yaml"), "w", encoding="utf-8") as config:
            config.write("mesh:\n  token: integration-test-token\n  addresses:\n")
            for name, port in self.ports.items():
                config.write(f"    {name}: 127.0.0.1:{port}\n")
            config.write(f"prometheus: {{url: '{self.prometheus_url}'}}\ngateway:\n  listen: 127.0.0.1:{self.http_port}\n")
        for name, port in self.ports.items():
            self.spawn(name, f"opsmesh-{name}", "--config", self.path("mesh.yaml"), "--grpc-listen", f"127.0.0.1:{port}",
                       "--data-dir", self.path("data"))
        self.spawn("gateway", "opsmesh-gateway", "--config", self.path("mesh.yaml"), "--grpc-listen", "none", "--data-dir",
                   self.path("data"))
        for path in ("/api/v1/rca/status", "/api/v1/predict/status"):
            self.wait_until(path, lambda path=path: self.get(path, timeout=5).status == 200)

    def peak_mib(self, name):
        """The most memory the process ever held, in MiB."""
        with open(f"/proc/{self.processes[name].pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

    def alive(self):
        return all(process.poll() is None for process in self.processes.values())


class ScriptedPrometheus:
    """Answers GET and POST by `answer(path, form, handler)`: a (status, body) or None when it wrote the answer itself."""

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.respond(urllib.parse.urlsplit(self.path).query)

            def do_POST(self):
                self.respond(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

            def respond(self, text):
                form = dict(urllib.parse.parse_qsl(text))
                path = urllib.parse.urlsplit(self.path).path
                outer.asked.append((path, form))
                try:
                    done = (200, b"ready") if path == "/-/ready" else outer.answer(path, form, self)
                    if done is None:
                        return
                    status, body = done
                    body = body if isinstance(body, bytes) else json.dumps(body).encode()
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class RealPrometheus(harness.Mesh):
    """Debian's Prometheus over blocks that promtool made of OpenMetrics files."""

    def __init__(self, files):
        super().__init__()
        self.files = files

    def start(self):
        for file in self.files:
            made = subprocess.run(["promtool", "tsdb", "create-blocks-from", "--max-block-duration=10000h", "openmetrics", "-q", file,
                                   self.path("tsdb")],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
            assert made.returncode == 0, made.stdout
        with open(self.path("prometheus.yml"), "w", encoding="utf-8") as config:
            config.write("global: {}\n")
        self.on_free_ports(self.launch)

    def launch(self):
        with open(self.path("prometheus.log"), "ab") as log:
            self.processes["prometheus"] = subprocess.Popen(
                ["prometheus", "--config.file", self.path("prometheus.yml"), "--storage.tsdb.path", self.path("tsdb"),
                 "--storage.tsdb.retention.time", "100y", "--web.listen-address", f"127.0.0.1:{self.http_port}"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until("Prometheus", lambda: self.get("/-/ready", timeout=5).status == 200)


def rfc3339(seconds):
    import datetime
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def say_skipped(what):
    print(f"NOT RUN: {what}", flush=True)
