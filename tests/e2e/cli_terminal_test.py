#!/usr/bin/python3
"""`opsmesh chat` at a terminal, and `opsmesh sim`."""
import json
import os
import pty
import select
import subprocess
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import harness
from cli_case import OK, Cli


class SlowGateway:
    """Streams the first words of every answer and then nothing more."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b'data: {"delta":"let me look","session_id":"s1","done":false}\n\n')
                self.wfile.flush()
                time.sleep(60)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Terminal(Cli):
    """`opsmesh chat` at a terminal of its own."""

    def start(self, *arguments):
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(harness.program("opsmesh"), ["opsmesh", "chat", *arguments],
                      {**harness.clean_environment(self.folder), "TERM": "xterm"})
        attributes = termios.tcgetattr(master)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(master, termios.TCSANOW, attributes)
        self.addCleanup(os.close, master)
        self.pid, self.master, self.seen = pid, master, ""

    def until(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            self.assertLess(time.monotonic(), end, f"'{text}' never came: {self.seen!r}")
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    self.assertIn(text, self.seen)
        self.seen = self.seen.split(text, 1)[1]

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def test_answers_end_of_file_ends_it(self):
        self.start("--local", "--sim-cluster", "sim", "--no-color")
        self.until("> ")
        os.write(self.master, "shop 里有多少个 Pod？\n".encode())
        self.until("16")
        self.until("> ")
        os.write(self.master, b"\x04")
        self.assertEqual(self.end(), OK)

    def test_interrupt_cancels_the_answer_and_keeps_the_prompt(self):
        gateway = SlowGateway()
        self.addCleanup(gateway.server.shutdown)
        self.start("--server", gateway.url, "--no-color")
        self.until("> ")
        os.write(self.master, b"what is wrong?\n")
        self.until("let me look")
        os.write(self.master, b"\x03")
        self.until("> ")
        os.write(self.master, b"\x03")  # at the prompt: another prompt
        self.until("> ")
        os.write(self.master, b"/exit\n")
        self.end()

    def test_colours_only_where_a_person_looks(self):
        self.start("--local", "--sim-cluster", "sim")
        self.until("\x1b[1m>")
        os.write(self.master, b"/exit\n")
        self.assertEqual(self.end(), OK)
        piped = self.run_cli("pods", "--local", "--sim-cluster", "sim", "-n", "shop")
        self.assertNotIn("\x1b", piped.stdout + piped.stderr)


class Simulator(Cli):
    BROKEN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend, namespace: shop}
spec: {template: {spec: {containers: [{name: frontend, image: "registry.example.com/shop/frontend:does-not-exist"}]}}}
"""

    def ahead(self, *arguments):
        ran = self.run_cli("sim", "ahead", *arguments, "-o", "json", timeout=120)
        self.assertEqual(ran.returncode, OK, ran.stderr)
        return ran.stdout

    def test_an_hour_of_the_demo_is_the_same_bytes_each_time(self):
        first = self.ahead("--for", "1h")
        self.assertEqual(first, self.ahead("--for", "1h"))
        told = json.loads(first)
        self.assertEqual((told["from"], told["to"]), ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"))
        self.assertIn("Restarts", {cell["column"] for change in told["changes"] for cell in change["cells"]})

    def test_a_change_is_tried_in_a_copy_and_what_comes_anyway_is_marked(self):
        told = json.loads(self.ahead("--for", "15m", "--apply", self.write("broken.yaml", self.BROKEN)))
        new = [c for c in told["changes"] if c["kind"] == "Pod" and c["name"].startswith("frontend-")]
        self.assertEqual([(c["change"], c["anyway"]) for c in new], [("added", False)])
        self.assertIn("ImagePullBackOff", [cell["after"] for cell in new[0]["cells"]])
        self.assertTrue(any(c["anyway"] for c in told["changes"]), "crash loops go on with it and without it")

    def test_a_fault_is_tried_and_a_wrong_one_is_explained(self):
        told = json.loads(self.ahead("--for", "10m", "--fault", "node-partition:node/node-2"))
        self.assertIn({"column": "Status", "before": "Ready", "after": "NotReady"},
                      [cell for c in told["changes"] if c["kind"] == "Node" for cell in c["cells"]])
        for wrong in (["--fault", "crash"], ["--fault", "meteor:node/node-2"], ["--for", "-1h"], ["--for", "soon"],
                      ["--apply", "absent.yaml"], ["--apply", self.write("list.yaml", "- 1\n")]):
            ran = self.run_cli("sim", "ahead", *wrong)
            self.assertNotEqual(ran.returncode, OK)
            self.assertIn("opsmesh:", ran.stderr)

    def test_a_copy_of_another_cluster_is_made_by_reading_alone(self):
        with harness.Mesh() as mesh:
            kubeconfig = mesh.path("kubeconfig")
            mesh.spawn("sim", "opsmesh", "sim", "serve", "--kubeconfig-out", kubeconfig)
            mesh.wait_until("the kubeconfig", lambda: os.path.exists(kubeconfig))
            told = json.loads(self.ahead("--kubeconfig", kubeconfig, "--for", "30m"))
            self.assertTrue(any("shop/checkout" in line for line in told["kept_failing"]), told["kept_failing"])
            well = [c["name"] for c in told["changes"] if c["kind"] == "Deployment"]
            self.assertNotIn("checkout", well, "what crashes there crashes on in the copy")

    def test_kubectl_reads_the_simulated_cluster_that_sim_serve_offers(self):
        with harness.Mesh() as mesh:
            kubeconfig = mesh.path("kubeconfig")
            mesh.spawn("sim", "opsmesh", "sim", "serve", "--kubeconfig-out", kubeconfig)
            mesh.wait_until("the kubeconfig", lambda: os.path.exists(kubeconfig))
            read = subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "get", "pods", "-A", "-o", "name"], text=True,
                                  env=harness.clean_environment(mesh.folder), timeout=60, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(read.returncode, 0, read.stderr)
            self.assertGreater(read.stdout.count("pod/"), 10)
            self.assertEqual(mesh.terminate("sim"), 0)


if __name__ == "__main__":
    harness.main("__main__")
