"""The simulated cluster as a process of its own, and one connection to it at the level of bytes.

    with Simulator("--demo") as cluster:
        cluster.request("GET", "/version").json()

It ends when its standard input does, so it never outlives the test.
"""
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.parse

import harness


class Simulator:
    def __init__(self, *arguments):
        self.arguments = arguments
        self.folder = tempfile.mkdtemp(prefix="opsmesh-kubesim-")
        self.kubeconfig = os.path.join(self.folder, "kubeconfig")
        self.process = None

    def __enter__(self):
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen([harness.program("opsmesh_kubesim"), *self.arguments, "--kubeconfig", self.kubeconfig], cwd=self.folder,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line:
            log = self.log()
            self.__exit__()
            raise AssertionError("opsmesh_kubesim does not start:\n" + log)
        self.url = json.loads(line)["url"]
        parts = urllib.parse.urlsplit(self.url)
        self.address = (parts.hostname, parts.port)
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("opsmesh_kubesim did not end with its standard input") from None
        finally:
            self.process.stdout.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def alive(self):
        return self.process.poll() is None

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024

    def request(self, method, path, body=None, headers=None, timeout=60):
        """A whole exchange. `body`: bytes as they are, anything else as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})} if data is not None else headers or {})
            answer = connection.getresponse()
            return harness.Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def exchange(self, data, seconds=60):
        """Sends bytes, closes the sending side, and reads until the other side closes: (what came, whether it closed in time)."""
        received = b""
        with socket.create_connection(self.address, timeout=seconds) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # Closed before all was sent: the answer, if any, can still be read.
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except TimeoutError:
                return received, False
            except OSError:
                pass
        return received, True
