#!/usr/bin/python3
"""Notices through the real program to platforms that check signatures by Python's own means, and kill -9 in between."""
import base64
import hashlib
import hmac
import json
import random
import threading
import time
import unittest
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import harness

DINGTALK_SECRET = "SEC" + "e2e" * 10
FEISHU_SECRET = "feishu-e2e"
WEBHOOK_SECRET = "hook-e2e"


class Platforms:
    """DingTalk, Feishu and a webhook; remembers what it took and refuses what is not signed right."""

    def __init__(self):
        self.lock = threading.Lock()
        self.taken = {"dingtalk": [], "feishu": [], "hook": []}
        self.refused = []
        platforms = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                url = urllib.parse.urlsplit(self.path)
                answer = platforms.take(url.path, dict(urllib.parse.parse_qsl(url.query)), self.headers, body)
                time.sleep(0.02)  # a platform takes its time: the kills hit this too
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, path, query, headers, body):
        parsed = json.loads(body)
        with self.lock:
            if path == "/robot/send":
                text = f"{query['timestamp']}\n{DINGTALK_SECRET}"
                sign = base64.b64encode(hmac.new(DINGTALK_SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()
                fresh = abs(time.time() * 1000 - int(query["timestamp"])) < 3600_000
                if sign != query["sign"] or not fresh:
                    self.refused.append(path)
                    return {"errcode": 310000, "errmsg": "sign not match"}
                self.taken["dingtalk"].append(parsed["markdown"]["text"])
                return {"errcode": 0, "errmsg": "ok"}
            if path.startswith("/open-apis/bot/v2/hook/"):
                key = f"{parsed['timestamp']}\n{FEISHU_SECRET}"
                sign = base64.b64encode(hmac.new(key.encode(), b"", hashlib.sha256).digest()).decode()
                if sign != parsed["sign"]:
                    self.refused.append(path)
                    return {"code": 19021, "msg": "sign match fail"}
                self.taken["feishu"].append(json.dumps(parsed["card"], ensure_ascii=False))
                return {"code": 0, "msg": "success", "data": {}}
            signed = headers["X-OpsMesh-Timestamp"].encode() + b"." + body
            if headers["X-OpsMesh-Signature"] != "sha256=" + hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest():
                self.refused.append(path)
            self.taken["hook"].append((headers["Idempotency-Key"], parsed["text"]["zh"]))
            return {}


class Notices(unittest.TestCase):
    def setUp(self):
        self.platforms = Platforms()
        self.addCleanup(self.platforms.close)

    def mesh(self, *channels):
        lines = {"hook": f"    hook: {{kind: webhook, url: '{self.platforms.url}/x', secret: {WEBHOOK_SECRET}}}\n",
                 "dingtalk": "    dingtalk: {kind: dingtalk, per_minute: 6000}\n"}
        mesh = harness.OneProcess("--cluster", "sim", environment={
            "DINGTALK_WEBHOOK_URL": self.platforms.url + "/robot/send?access_token=t",
            "DINGTALK_SECRET": DINGTALK_SECRET,
            "FEISHU_WEBHOOK": self.platforms.url + "/open-apis/bot/v2/hook/h",
            "FEISHU_WEBHOOK_SECRET": FEISHU_SECRET})
        with open(mesh.path("opsmesh.yaml"), "w", encoding="utf-8") as config:
            config.write("notify:\n  channels:\n" + "".join(lines[one] for one in channels) +
                         "  outbox: {first_backoff: 50ms, max_backoff: 200ms}\n")
        mesh.arguments = (*mesh.arguments, "--config", mesh.path("opsmesh.yaml"))
        return mesh

    def drained(self, mesh):
        mesh.wait_until("an empty outbox", lambda: mesh.get("/api/v1/notify/outbox").json()["total_count"] in (0, "0"))

    def test_the_documented_notice_reaches_every_channel_signed(self):
        with self.mesh("hook", "dingtalk") as mesh:
            words = "需要人工协助处理Kubernetes集群中的问题"
            answer = mesh.post("/api/v1/autofix/notify", {"type": "human_help", "message": words, "urgency": "medium"})
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIn(answer.json()["status"], ("sent", "queued"))
            self.drained(mesh)
            self.assertEqual(self.platforms.refused, [])
            for platform, taken in self.platforms.taken.items():
                self.assertEqual(len(taken), 1, platform)
                self.assertIn(words, taken[0] if isinstance(taken[0], str) else taken[0][1])
            status = {one["name"]: one["state"] for one in mesh.get("/api/v1/notify/status").json()["components"]}
            self.assertEqual(set(status), {"notify", "dingtalk", "feishu", "hook"})
            metrics = mesh.get("/metrics").body.decode()
            self.assertIn('opsmesh_notifications_total{channel="feishu",outcome="sent"} 1', metrics)
            for secret in (DINGTALK_SECRET, FEISHU_SECRET, WEBHOOK_SECRET, "access_token"):
                self.assertNotIn(secret, mesh.log("opsmesh"))
                self.assertNotIn(secret, mesh.get("/api/v1/notify/channels").body.decode())

    def test_kill_9_again_and_again_loses_and_repeats_nothing(self):
        chance = random.Random(20261121)
        accepted = []
        with self.mesh("dingtalk") as mesh:
            for cycle in range(4):
                for i in range(8):
                    words = f"cycle {cycle} notice {i} end"
                    answer = mesh.post("/api/v1/notify", {"type": "incident", "message": words},
                                       headers={"Idempotency-Key": words.replace(" ", "-")})
                    self.assertEqual(answer.status, 200, answer.body)
                    accepted.append(words)
                time.sleep(chance.random() * 0.3)
                mesh.kill_all()
                mesh.start()
                # The client does not know what became of its last request and repeats it.
                mesh.post("/api/v1/notify", {"type": "incident", "message": accepted[-1]}, headers={"Idempotency-Key": accepted[-1].replace(" ", "-")})
            self.drained(mesh)
            dead = mesh.get("/api/v1/notify/dead-letters?page_size=500").json()
            in_doubt = [one["title"]["en"] for one in dead.get("messages", [])]
            for platform in ("dingtalk", "feishu"):
                for words in accepted:
                    count = sum(words in text for text in self.platforms.taken[platform])
                    self.assertLessEqual(count, 1, f"{platform} got '{words}' {count} times")
                    self.assertTrue(count == 1 or words in in_doubt, f"{platform} lost '{words}'")
            for one in dead.get("messages", []):
                self.assertTrue(one["delivery"]["error"].startswith("OUTCOME_UNKNOWN"), one)


if __name__ == "__main__":
    harness.main("__main__")
