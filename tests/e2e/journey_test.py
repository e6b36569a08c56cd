#!/usr/bin/python3
"""One journey, played twice: on `opsmesh up`, and on separate processes over TCP. The answers must be the same."""
import unittest

import harness

QUESTION_ZH = "shop 命名空间里有多少个 pod 正在运行？"
QUESTION_EN = "how many pods are running in the shop namespace?"


class Journey:
    """The steps; subclasses say how the mesh runs."""

    make = None
    answers = {}  # by class: what must be equal between the two ways

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.make()
        cls.mesh.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__()

    def running_pods_in_shop(self):
        """As kubectl's STATUS column counts them: the phase, and no container that waits or has ended."""
        pods = self.mesh.cluster("/api/v1/namespaces/shop/pods")["items"]
        return sum(pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
                   and all("running" in container["state"] for container in pod["status"]["containerStatuses"])
                   for pod in pods)

    def same(self, name, value):
        """Remembers `value`; the other way of running must have had the same."""
        first = self.answers.setdefault(name, value)
        self.assertEqual(first, value, f"the two ways of running answer '{name}' differently")

    def test_health_says_who_answers(self):
        health = self.mesh.get("/api/v1/health").json()
        self.assertEqual(health["status"], "healthy")
        self.assertTrue(health["version"])
        self.assertRegex(health["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*Z$")

    def test_a_question_is_answered_with_the_clusters_own_number(self):
        expected = str(self.running_pods_in_shop())
        for question in (QUESTION_ZH, QUESTION_EN):
            answer = self.mesh.chat(question)
            self.assertEqual(answer["status"], "completed", answer)
            self.assertRegex(answer["response"], rf"(?<!\d){expected}(?!\d)", question)
            self.same(question, answer["response"])

    def test_a_stream_tells_the_same_as_a_whole_answer(self):
        events = self.mesh.stream(QUESTION_EN)
        self.assertGreaterEqual(len(events), 2)
        last = events[-1]
        self.assertTrue(last["done"])
        self.assertEqual([event.get("done", False) for event in events[:-1]], [False] * (len(events) - 1))
        self.assertEqual("".join(event.get("delta", "") for event in events), last["response"])
        self.assertEqual(last["response"], self.mesh.chat(QUESTION_EN)["response"])

    def test_what_is_wrong_names_broken_objects_that_exist(self):
        answer = self.mesh.chat("what is wrong in the payments namespace?")
        names = {pod["metadata"]["name"] for pod in self.mesh.cluster("/api/v1/namespaces/payments/pods")["items"]}
        workloads = {item["metadata"]["name"]
                     for item in self.mesh.cluster("/apis/apps/v1/namespaces/payments/deployments")["items"]}
        self.assertTrue(any(name in answer["response"] for name in names | workloads), answer["response"])

    def test_tools_are_listed_and_run_by_their_documented_names(self):
        tools = self.mesh.get("/api/v1/tools").json()
        self.assertGreaterEqual(tools["total_count"], 30)
        run = self.mesh.post("/test", {"tool_name": "k8s-get-pods", "parameters": {"namespace": "shop"}}).json()
        self.assertTrue(run["success"], run)
        pods = self.mesh.cluster("/api/v1/namespaces/shop/pods")["items"]
        for pod in pods:
            self.assertIn(pod["metadata"]["name"], str(run["result"]) + run.get("text", ""))

    def test_a_session_goes_on_where_it_stood(self):
        first = self.mesh.chat("list pods in the shop namespace")
        second = self.mesh.chat("and in payments?", session_id=first["session_id"])
        self.assertEqual(second["session_id"], first["session_id"])
        session = self.mesh.get("/api/v1/sessions/" + first["session_id"]).json()
        self.assertEqual([message["role"] for message in session["messages"]], ["user", "assistant"] * 2)

    def test_sessions_survive_a_kill_at_any_moment(self):
        answer = self.mesh.chat(QUESTION_EN)
        self.mesh.kill_all()
        self.mesh.start()
        session = self.mesh.get("/api/v1/sessions/" + answer["session_id"])
        self.assertEqual(session.status, 200, session.body)
        texts = [message["text"] for message in session.json()["messages"]]
        self.assertEqual(texts, [QUESTION_EN, answer["response"]])

    def test_a_load_gets_the_instances_it_needs_and_a_history_a_forecast(self):
        answer = self.mesh.post("/api/v1/predict", {"current_qps": 100.5, "timestamp": "2024-01-01T12:00:00Z"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertGreaterEqual(answer.json()["instances"], 1)
        self.assertIn("confidence", answer.json())
        times = [3600 * i for i in range(24 * 10)]
        history = {"times": times, "values": [100 + (t // 3600) % 24 for t in times]}
        answer = self.mesh.post("/api/v1/forecasts", {"history": history, "step_seconds": 3600, "horizon_steps": 3,
                                                      "levels": [0.8, 0.95]})
        self.assertEqual(answer.status, 200, answer.body)
        points = answer.json()["points"]
        self.assertEqual([round(point["mean"]) for point in points], [100, 101, 102])
        self.assertEqual([interval["level"] for interval in points[0]["intervals"]], [0.8, 0.95])

    def test_a_load_gets_a_plan_of_replicas_and_a_replay_of_its_past(self):
        # Four days of five minutes: a burst of a quarter of an hour every four hours, which no autoscaler sees coming.
        begin = 1700006400
        values = [190 if i % 48 in (7, 8, 9) else 100 for i in range(4 * 288)]
        history = {"times": [begin + 300 * i for i in range(len(values))], "values": values}
        rules = {"capacity_qps": 20, "target_utilization": 0.7, "max_replicas": 30}
        answer = self.mesh.post("/api/v1/predict/plan", {"history": history, "horizon_seconds": 21600, **rules})
        self.assertEqual(answer.status, 200, answer.body)
        plan = answer.json()
        self.assertEqual(plan["capacity_source"], "given")
        self.assertEqual(plan["steps"][0]["replicas"], 8)  # ceil(100 / 14)
        self.assertIn(max(step["replicas"] for step in plan["steps"]), (14, 15))  # ceil(190 / 14), and the range around it
        self.assertTrue(plan["summary"]["en"] and plan["summary"]["zh"])
        answer = self.mesh.post("/api/v1/predict/replay", {"history": history, "start_time": begin + 3.5 * 86400,
                                                           "hpa_targets": [0.6, 0.8], "pod_start_seconds": 0,
                                                           "include_replicas": True, **rules})
        self.assertEqual(answer.status, 200, answer.body)
        outcomes = {outcome["name"]: outcome for outcome in answer.json()["outcomes"]}
        self.assertEqual(list(outcomes), ["plan", "hpa 60%", "hpa 80%", "oracle", "static peak"])
        self.assertEqual(outcomes["plan"]["saturated_minutes"], 0)
        self.assertGreater(outcomes["hpa 80%"]["saturated_minutes"], 0)
        self.assertLess(outcomes["plan"]["cost"], outcomes["hpa 60%"]["cost"])
        for outcome in outcomes.values():
            saturated = sum(v > 20 * p for v, p in zip(values[-144:], outcome["replicas"]))
            self.assertAlmostEqual(outcome["saturated_minutes"], 5 * saturated)
        answer = self.mesh.post("/api/v1/predict/plan", {})
        self.assertEqual((answer.status, answer.json()["error"]["reason"]), (400, "HISTORY"))

    def test_what_is_not_built_says_so_with_a_next_step(self):
        answer = self.mesh.get("/api/v1/incidents")
        self.assertEqual(answer.status, 501, answer.body)
        error = answer.json()["error"]
        self.assertEqual(error["reason"], "NOT_BUILT")
        self.assertTrue(error["hint"])

    def test_a_root_cause_question_without_data_says_so_or_what_to_configure(self):
        answer = self.mesh.post("/api/v1/rca", {"start_time": "2024-01-01T10:00:00Z", "end_time": "2024-01-01T11:00:00Z",
                                                "metrics": ["container_cpu_usage_seconds_total"]})
        if self.has_metrics:  # `opsmesh up` brings the demo's own Prometheus, which knows nothing of that time
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json()["root_causes"], [])
            self.assertIn("nsufficient data", answer.json()["report"]["en"])
            return
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual(answer.json()["error"]["reason"], "PROMETHEUS_NOT_CONFIGURED")
        self.assertIn("PROMETHEUS_HOST", answer.json()["error"]["hint"])

    def test_a_notice_without_a_channel_says_what_to_configure(self):
        answer = self.mesh.post("/api/v1/autofix/notify", {"type": "human_help", "message": "需要人工协助", "urgency": "medium"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json()["status"], "no_channel")
        self.assertIn("FEISHU_WEBHOOK", answer.json()["hint"])

    def test_a_wrong_request_gets_the_designed_error_and_a_request_id(self):
        for method, path, body, status, reason in (("GET", "/api/v1/nothing", None, 404, None),
                                                   ("POST", "/api/v1/chat", b"{\"query\":", 400, "MALFORMED_JSON"),
                                                   ("POST", "/api/v1/chat", b"{}", 400, None)):
            answer = harness.fetch(self.mesh.url + path, body=body, method=method)
            self.assertEqual(answer.status, status, (path, answer.body))
            error = answer.json()["error"]
            self.assertTrue(error["message"])
            self.assertTrue(error["request_id"])
            self.assertEqual(error["request_id"], answer.headers["X-Request-Id"])
            if reason:
                self.assertEqual(error["reason"], reason)

    def test_the_command_line_asks_over_http(self):
        asked = self.mesh.cli("ask", QUESTION_EN)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertEqual(asked.stdout.strip(), self.mesh.chat(QUESTION_EN)["response"].strip())

    def test_z_sigterm_ends_every_process_with_zero(self):
        codes = self.mesh.terminate_all()
        self.assertEqual(set(codes.values()), {0}, codes)


class InOneProcess(Journey, unittest.TestCase):
    make = harness.OneProcess
    has_metrics = True


class AsSeparateProcesses(Journey, unittest.TestCase):
    make = harness.SeparateProcesses
    has_metrics = False


if __name__ == "__main__":
    harness.main("__main__")
