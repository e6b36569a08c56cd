#!/usr/bin/python3
"""Ten questions to `opsmesh up --kubeconfig ...` on a real control plane, each answer compared with kubectl.

Runs where ../shared/kube-real lies beside the clone (it builds Debian's own Kubernetes 1.20.2 once, then starts it on
loopback; see real_cluster.py). Exit code 77 = skipped, said loudly. Environment: OPSMESH_SOURCE_DIR, OPSMESH_BIN_DIR;
KUBE_REAL_DIR as that folder's README says.
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
import unittest
import urllib.request

import real_cluster
from real_cluster import ADMIN, IS_ROOT, SOURCE, STATE, kubectl

BIN = os.environ.get("OPSMESH_BIN_DIR", os.path.join(SOURCE, "build/release/bin"))
CANARY = "canary-secret-value-7f3a"


def kubectl_json(*arguments):
    return json.loads(kubectl(*arguments, "-o", "json"))


def names(*arguments):
    return sorted(item["metadata"]["name"] for item in kubectl_json("get", *arguments)["items"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.3)
    raise AssertionError(f"after {seconds} s still not so: {what}")


def pod_reasons(namespace):
    """name -> the waiting or terminated reasons that the pod shows now or showed last."""
    found = {}
    for pod in kubectl_json("get", "pods", "-n", namespace)["items"]:
        reasons = set()
        for status in pod["status"].get("containerStatuses", []):
            for phase in ("state", "lastState"):
                for detail in status.get(phase, {}).values():
                    reasons.add(detail.get("reason", ""))
        for condition in pod["status"].get("conditions", []):
            reasons.add(condition.get("reason", ""))
        found[pod["metadata"]["name"]] = reasons
    return found


class OpsMeshOnIt:
    """The workloads, and OpsMesh in front of them."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="opsmesh-kube-real-")
        self.opsmesh = None

    def start(self):
        kubectl("apply", "-f", os.path.join(os.path.dirname(os.path.abspath(__file__)), "workload.yaml"))
        self.wait_for_workload()
        self.start_opsmesh()

    def wait_for_workload(self):
        def healthy():
            deployments = kubectl_json("get", "deployments", "-n", "shop")["items"]
            return all(d["status"].get("readyReplicas", 0) == d["spec"]["replicas"] for d in deployments)
        wait_until("the deployments of shop are ready", healthy, 300)
        if not IS_ROOT:
            return
        def broken():
            reasons = pod_reasons("payments")
            ledger = [r for n, r in reasons.items() if n.startswith("ledger-")]
            fraud = [r for n, r in reasons.items() if n.startswith("fraud-")]
            return (ledger and "CrashLoopBackOff" in ledger[0] and fraud
                    and {"ImagePullBackOff", "ErrImagePull"} & fraud[0])
        wait_until("ledger crash-loops and fraud cannot be pulled", broken, 300)

    def start_opsmesh(self):
        self.port = free_port()
        self.log = open(os.path.join(self.home, "opsmesh.log"), "w+")
        environment = {"HOME": self.home, "PATH": os.environ["PATH"], "TZ": "UTC"}
        self.opsmesh = subprocess.Popen(
            [os.path.join(BIN, "opsmesh"), "up", "--kubeconfig", ADMIN, "--listen", f"127.0.0.1:{self.port}",
             "--grpc-listen", f"127.0.0.1:{free_port()}", "--data-dir", os.path.join(self.home, "data")],
            env=environment, cwd=self.home, stdout=self.log, stderr=subprocess.STDOUT)
        wait_until("opsmesh answers /api/v1/health", self.healthy, 120)

    def healthy(self):
        if self.opsmesh.poll() is not None:
            self.log.seek(0)
            raise AssertionError("opsmesh ended: " + self.log.read()[-2000:])
        try:
            return self.get("/api/v1/health")["status"] == "healthy"
        except (OSError, ValueError):
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)

    def ask(self, query, **fields):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/chat", data=json.dumps({"query": query, **fields}).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def stop(self):
        if self.opsmesh and self.opsmesh.poll() is None:
            self.opsmesh.send_signal(signal.SIGTERM)
            self.exit_code = self.opsmesh.wait(timeout=30)
        shutil.rmtree(self.home, ignore_errors=True)


CLUSTER = None


def setUpModule():
    global CLUSTER
    unittest.enterModuleContext(real_cluster.running(node=IS_ROOT, simulated=() if IS_ROOT else ("n1",)))
    CLUSTER = OpsMeshOnIt()
    unittest.addModuleCleanup(CLUSTER.stop)
    CLUSTER.start()


class TenQuestions(unittest.TestCase):
    maxDiff = None

    def ask(self, query, **fields):
        answer = CLUSTER.ask(query, **fields)
        self.assertEqual(answer["status"], "completed", answer)
        self.assertTrue(answer["ledger"]["checked"], f"nothing was checked: {answer}")
        self.assertNotIn(CANARY, json.dumps(answer))
        return answer["response"]

    def assert_number(self, number, text):
        self.assertRegex(text, rf"(?<![\d.]){number}(?![\d.])", text)

    def assert_names(self, expected, text, absent=()):
        for name in expected:
            self.assertIn(name, text)
        for name in absent:
            self.assertNotIn(name, text)

    def test_01_counts_the_pods_of_a_namespace_in_english(self):
        self.assert_number(len(names("pods", "-n", "shop")), self.ask("how many pods are in the shop namespace?"))

    def test_02_counts_all_pods_in_chinese(self):
        self.assert_number(len(names("pods", "-A")), self.ask("集群里一共有多少个 pod？"))

    def test_03_lists_the_deployments_of_a_namespace(self):
        self.assert_names(names("deployments", "-n", "shop"), self.ask("list all deployments in shop"),
                          absent=names("deployments", "-n", "payments"))

    def test_04_lists_namespaces_in_chinese(self):
        self.assert_names(names("namespaces"), self.ask("列出所有命名空间"))

    def test_05_lists_nodes_with_their_version(self):
        text = self.ask("show me the nodes")
        for node in kubectl_json("get", "nodes")["items"]:
            self.assert_names([node["metadata"]["name"], node["status"]["nodeInfo"]["kubeletVersion"]], text)

    def test_06_describes_a_deployment(self):
        text = self.ask("describe deployment cart in namespace shop")
        cart = kubectl_json("get", "deployment", "cart", "-n", "shop")
        self.assert_names(["cart", cart["spec"]["template"]["spec"]["containers"][0]["image"]], text)
        self.assert_number(cart["status"]["readyReplicas"], text)

    def test_07_lists_services_of_a_namespace_in_chinese(self):
        text = self.ask("shop 命名空间下有哪些服务？")
        for service in kubectl_json("get", "services", "-n", "shop")["items"]:
            self.assert_names([service["metadata"]["name"], service["spec"]["clusterIP"]], text)

    @unittest.skipUnless(IS_ROOT, "logs need the real node, which needs root")
    def test_08_shows_the_log_of_a_pod(self):
        pod = next(n for n in names("pods", "-n", "shop") if n.startswith("cart-"))
        text = self.ask(f"show me the logs of pod {pod} in shop")
        for line in kubectl("logs", "-n", "shop", pod).splitlines():
            self.assertIn(line, text)

    @unittest.skipUnless(IS_ROOT, "real failures need the real node, which needs root")
    def test_09_says_what_is_wrong_in_a_namespace(self):
        text = self.ask("payments 命名空间有什么问题？")
        self.assert_names(["ledger", "fraud"], text, absent=["cart-", "web-"])
        self.assertRegex(text, r"CrashLoopBackOff|崩溃")
        self.assert_number(3, text)  # ledger's exit code
        self.assertRegex(text, r"ImagePullBackOff|ErrImagePull|镜像")

    def test_10_shows_the_warning_events_of_a_namespace(self):
        text = self.ask("show warning events in infra")
        reasons = {e["reason"] for e in kubectl_json("get", "events", "-n", "infra")["items"] if e["type"] == "Warning"}
        self.assertIn("FailedScheduling", reasons)
        self.assert_names(sorted(reasons), text)

    def test_11_a_secret_is_known_by_its_key_names_only(self):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{CLUSTER.port}/api/v1/namespaces/payments/objects/secrets/canary",
                timeout=30) as answer:
            body = answer.read().decode()
        self.assertIn("password", body)
        self.assertNotIn(CANARY, body)

    def test_12_only_reads_reached_the_apiserver(self):
        ours = []
        with open(os.path.join(STATE, "logs/audit.log"), encoding="utf-8") as log:
            for line in log:
                event = json.loads(line)
                if "opsmesh" in event.get("userAgent", "").lower():
                    ours.append(event)
        self.assertTrue(ours, "the audit log knows no request of opsmesh: does it send its User-Agent?")
        allowed_posts = re.compile(r"(selfsubjectaccessreviews|selfsubjectrulesreviews|selfsubjectreviews)")
        writes = [(e["verb"], e["requestURI"]) for e in ours
                  if e["verb"] not in ("get", "list", "watch") and not allowed_posts.search(e["requestURI"])]
        self.assertEqual(writes, [])


if __name__ == "__main__":
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: nothing is compared with a real control plane in this run.", flush=True)
        sys.exit(77)
    real_cluster.enter()
    unittest.main(verbosity=2)
