#!/usr/bin/env python3
"""Many callers at once, and sources that are slow or dead: nothing hangs, memory is flat, every answer says what it could not check.

The real program over its real doors. Sizes are those of the agreement; OPSMESH_LOAD_SCALE makes them smaller on slow machines.
"""
import asyncio
import json
import os
import resource
import socket
import threading
import time
import unittest

import harness

SCALE = float(os.environ.get("OPSMESH_LOAD_SCALE", "1"))
STREAMS = int(2000 * SCALE)
QUESTIONS = int(500 * SCALE)


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


async def request(port, method, path, body=None, timeout=120):
    """One request on a connection of its own: (status, body)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        data = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + data)
        answer = await asyncio.wait_for(reader.read(), timeout)
    finally:
        writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        rest = unchunk(rest)
    return int(head.split(b" ", 2)[1]), rest


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            break
        out += data[:count]
        data = data[count + 2:]
    return out


async def open_stream(port, path):
    """A stream that stays open: its first event has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
    if int(head.split(b" ", 2)[1]) != 200:
        raise AssertionError(head + await reader.read(1000))
    await asyncio.wait_for(reader.readuntil(b"data: "), 120)
    return reader, writer


class StoppedDoor:
    """A server that accepts, reads and never answers: an apiserver, an LLM or a Prometheus that hangs."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def accept(self):
        while True:
            try:
                self.open.append(self.listener.accept()[0])
            except OSError:
                return

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.open:
            connection.close()


class UnderLoad(unittest.TestCase):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 3 * STREAMS + 1000)), hard))

    def test_many_open_streams_hold_no_threads_and_the_mesh_answers_beside_them(self):
        with harness.OneProcess() as mesh:
            pid = mesh.processes["opsmesh"].pid
            pods = json.loads(mesh.post("/api/tools/test", {"tool_name": "list_kubernetes_pods", "parameters": {"namespace": "shop"}}).body)
            pod = next(item["name"] for item in pods["result"]["items"] if item["status"] == "Running")
            path = f"/api/v1/namespaces/shop/pods/{pod}/log?follow=true&tail_lines=1"

            async def play():
                before_threads = threads(pid)
                streams = []
                for start in range(0, STREAMS, 100):
                    streams += await asyncio.gather(*(open_stream(mesh.http_port, path) for _ in range(min(100, STREAMS - start))))
                self.assertLessEqual(threads(pid) - before_threads, max(4, min(100, STREAMS // 20)), f"{STREAMS} streams hold threads")
                first = rss_mb(pid)
                started = time.monotonic()
                answers = await asyncio.gather(*(request(mesh.http_port, "POST", "/api/v1/chat", {"query": "list pods in shop"}) for _ in range(50)))
                self.assertEqual({status for status, _ in answers}, {200})
                print(f"\n{len(streams)} streams open: RSS {first:.0f} MB, {threads(pid)} threads; 50 questions beside them in {time.monotonic() - started:.1f} s")
                for _, writer in streams:
                    writer.close()

            asyncio.run(play())
            self.assertEqual(mesh.get("/api/v1/health").status, 200)

    def test_five_hundred_questions_at_once_are_all_answered_and_memory_is_flat(self):
        questions = ["list pods in shop", "why is checkout crashing", "哪些Pod异常？", "预设命名空间中有多少个pod", "show me all deployments"]
        with harness.OneProcess() as mesh:
            pid = mesh.processes["opsmesh"].pid

            async def wave():
                return await asyncio.gather(*(request(mesh.http_port, "POST", "/api/v1/chat", {"query": questions[i % len(questions)]})
                                              for i in range(QUESTIONS)))

            memory = []
            for turn in range(5):
                started = time.monotonic()
                answers = asyncio.run(wave())
                memory.append(rss_mb(pid))
                bad = [answer for answer in answers if answer[0] != 200]
                self.assertEqual(bad[:3], [])
                print(f"\nwave {turn + 1}: {QUESTIONS} answers in {time.monotonic() - started:.1f} s, RSS {memory[-1]:.0f} MB")
            self.assertLess(min(memory[2:]), memory[1] * 1.15 + 5, memory)

    def ask_in_time(self, mesh, seconds):
        started = time.monotonic()
        status, body = asyncio.run(request(mesh.http_port, "POST", "/api/v1/chat", {"query": "list pods in shop"}, timeout=seconds + 30))
        self.assertLess(time.monotonic() - started, seconds)
        return status, json.loads(body)

    def test_a_dead_or_hanging_apiserver_is_said_and_nothing_hangs(self):
        with harness.OneProcess() as donor:
            with open(donor.kubeconfig(), encoding="utf-8") as text:
                kubeconfig = text.read()
            server = donor.cluster_url()
        with StoppedDoor() as hanging:
            for address in (f"http://127.0.0.1:{hanging.port}", f"http://127.0.0.1:{harness.free_port()}"):
                path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"opsmesh-load-{os.getpid()}.kubeconfig")
                with open(path, "w", encoding="utf-8") as out:
                    out.write(kubeconfig.replace(server, address))
                try:
                    with harness.OneProcess("--kubeconfig", path) as mesh:
                        status, body = self.ask_in_time(mesh, 120)
                        text = body.get("response") or body["error"]["message"]
                        self.assertRegex(text.lower(), "api ?server", (status, body))
                        state = mesh.get("/api/v1/status", timeout=120).json()
                        self.assertEqual(state["status"], "degraded", state)
                        self.assertIn(state["tools"], ("degraded", "unavailable"), state)
                finally:
                    os.unlink(path)

    def test_a_hanging_or_dead_llm_hands_over_to_the_planner_and_is_named(self):
        question = "why is everything in the shop namespace so unreliable these days"
        with StoppedDoor() as hanging:
            for port in (hanging.port, harness.free_port()):
                environment = {"LLM_PROVIDER": "openai-compatible", "LLM_BASE_URL": f"http://127.0.0.1:{port}/v1", "LLM_API_KEY": "sk-load-test", "LLM_MODEL": "m"}
                with harness.OneProcess("--set", "llm.first_byte_timeout=2s", environment=environment) as mesh:
                    async def ask():
                        return await asyncio.gather(*(request(mesh.http_port, "POST", "/api/v1/chat", {"query": question}) for _ in range(20)))

                    started = time.monotonic()
                    answers = asyncio.run(ask())
                    self.assertLess(time.monotonic() - started, 120)
                    for status, body in answers:
                        self.assertEqual(status, 200, body)
                        self.assertTrue(json.loads(body)["degraded"], body)
                        self.assertNotIn(b"sk-load-test", body)

    def test_a_hanging_prometheus_ends_in_time_and_is_named(self):
        with StoppedDoor() as hanging:
            environment = {"PROMETHEUS_HOST": f"127.0.0.1:{hanging.port}"}
            with harness.OneProcess(environment=environment) as mesh:
                started = time.monotonic()
                answer = mesh.post("/api/v1/predict", {"current_qps": 10}, timeout=120)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertTrue(answer.json()["ledger"]["not_checked"], answer.body)
                self.assertLess(time.monotonic() - started, 110)
                status, body = self.ask_in_time(mesh, 60)
                self.assertEqual(status, 200, body)


if __name__ == "__main__":
    harness.main(__name__)
