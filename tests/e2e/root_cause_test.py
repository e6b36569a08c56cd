#!/usr/bin/python3
"""Root cause as an engineer on call asks for it: the demo's own cluster and Prometheus, no metrics named.

What is true is read from the cluster itself: which node is not ready, which Deployments went wrong with their last roll-out.
"""
import datetime
import json
import re
import time
import unittest

import harness


def parse(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class RootCause(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = harness.OneProcess()
        cls.mesh.__enter__()
        cls.now = time.time()
        cls.dead = {node["metadata"]["name"]: parse(condition["lastTransitionTime"])
                    for node in cls.mesh.cluster("/api/v1/nodes")["items"]
                    for condition in node["status"]["conditions"]
                    if condition["type"] == "Ready" and condition["status"] != "True"}

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__()

    def ask(self, start, end, language="en", **more):
        began = time.monotonic()
        answer = self.mesh.post("/api/v1/rca", {"start_time": rfc3339(start), "end_time": rfc3339(end), **more},
                                headers={"Accept-Language": language})
        self.assertEqual(answer.status, 200, answer.body[:1000])
        self.assertLess(time.monotonic() - began, 55)
        return answer.json()

    def test_the_node_that_fell_silent_is_the_cause_of_the_last_hour(self):
        self.assertEqual(len(self.dead), 1, self.dead)
        (node, since), = self.dead.items()
        answer = self.ask(self.now - 3600, self.now)
        cause = answer["root_causes"][0]
        self.assertEqual((cause["service"], cause["object"]["kind"]), (node, "Node"), answer["report"])
        self.assertAlmostEqual(answer["onset_time"], since, delta=120)
        self.assertIn("stopped reporting", cause["explanation"])
        self.assertTrue([e for e in cause["evidence"] if "NodeNotReady" in e["statement"]["en"]], cause["evidence"])
        # What stood on it lost for that reason.
        self.assertIn(node, cause["runner_up"]["en"])
        self.assertTrue(cause["next_step"]["zh"])

    def test_a_documented_body_with_one_metric_finds_the_node_too(self):
        """Pods that restart make holes as a silent node does: now and then one of them looks worse, hence several hours."""
        (node, _), = self.dead.items()
        found = []
        for back in range(0, 300, 60):
            answer = self.ask(self.now - back - 3600, self.now - back, metrics=["container_cpu_usage_seconds_total"])
            found.append(answer["root_causes"][0]["service"])
            self.assertGreater(answer["series_count"], int(answer["ledger"]["checked"][0]["shown_count"]),
                               "the series read, and one made: pods reporting of the node")
        self.assertGreaterEqual(found.count(node), 4, found)

    def test_each_broken_roll_out_is_the_cause_of_its_time(self):
        sets = self.mesh.cluster("/apis/apps/v1/replicasets")["items"]
        broken = {}
        for deployment in self.mesh.cluster("/apis/apps/v1/deployments")["items"]:
            name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
            own = [s for s in sets if s["metadata"]["namespace"] == namespace
                   and s["metadata"]["ownerReferences"][0]["name"] == name]
            made = max(parse(s["metadata"]["creationTimestamp"]) for s in own)
            if not deployment["status"].get("availableReplicas") and 3900 < self.now - made < 4.5 * 3600:
                broken[(namespace, name)] = made
        self.assertGreaterEqual(len(broken), 2, broken)
        for (namespace, name), made in broken.items():
            with self.subTest(deployment=name):
                answer = self.ask(made - 1500, made + 900)
                cause = answer["root_causes"][0]
                self.assertEqual(cause["service"], name, answer["report"])
                self.assertEqual(cause["object"]["namespace"], namespace)
                self.assertAlmostEqual(answer["onset_time"], made, delta=240)
                changes = [e for e in cause["evidence"] if e["kind"] == "KIND_CHANGE"]
                self.assertTrue([e for e in changes if "rolled out" in e["statement"]["en"]], cause["evidence"])
                self.assertIn("rolled out", answer["report"]["en"])

    def test_the_graph_is_learnt_from_the_cluster(self):
        answer = self.ask(self.now - 3600, self.now)
        edges = {(edge["caller"], edge["callee"]) for edge in answer["edges"]}
        self.assertTrue({("frontend", "cart"), ("frontend", "catalog")} <= edges, edges)

    def test_a_namespace_bounds_the_question(self):
        answer = self.ask(self.now - 3600, self.now, context={"namespace": "payments"})
        inside = {pod["metadata"]["name"] for pod in self.mesh.cluster("/api/v1/namespaces/payments/pods")["items"]}
        services = [c["service"] for c in answer["root_causes"] if c.get("object", {}).get("kind") != "Node"]
        self.assertTrue(services)
        for service in services:
            self.assertTrue([pod for pod in inside if pod.startswith(service.split("/")[-1])], service)

    def test_chinese_and_english_say_the_same(self):
        made = self.now - 3600
        english, chinese = self.ask(made, self.now), self.ask(made, self.now, "zh")
        names = lambda answer: [cause["service"] for cause in answer["root_causes"]]
        self.assertEqual(names(english), names(chinese))
        self.assertRegex(chinese["root_causes"][0]["explanation"], r"[\u4e00-\u9fff]")
        self.assertNotRegex(english["root_causes"][0]["explanation"], r"[\u4e00-\u9fff]")
        self.assertIn("最可能的根因", chinese["report"]["zh"])

    def test_quiet_hours_are_called_quiet(self):
        """Over two days, by night and by day: load that comes and goes, a few errors now and then."""
        alarms = []
        for back in range(36, 84, 4):
            answer = self.ask(self.now - (back + 1) * 3600, self.now - back * 3600)
            if not re.match("Nothing|.*Nothing stands out", answer["report"]["en"]):
                alarms.append(answer["report"]["en"])
        self.assertLessEqual(len(alarms), 1, alarms)

    def test_the_command_line_tells_it_in_words(self):
        (node, _), = self.dead.items()
        told = self.mesh.cli("rca", "--since", "1h")
        self.assertIn(told.returncode, (0, 6), told.stderr)
        self.assertIn(f"Most likely cause: {node}", told.stdout)
        self.assertIn(f"1. Node/{node}", told.stdout)
        table = self.mesh.cli("rca", "-o", "table", "--causes", "2")
        self.assertEqual(len(table.stdout.strip().splitlines()), 3, table.stdout)
        document = json.loads(self.mesh.cli("rca", "-o", "json", "container_memory_working_set_bytes").stdout)
        self.assertTrue(document["root_causes"])
        wrong = self.mesh.cli("rca", "--since", "soon")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("--since 'soon'", wrong.stderr)


if __name__ == "__main__":
    harness.main("__main__")
