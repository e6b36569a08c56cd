"""The public documents as printed: their text, what is cut from it, and the shape each address answers in."""
import glob
import json
import os
import re
import sys
import unittest

import harness

SEEDS = os.path.join(harness.SOURCE, "../shared/seeds")
RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"


def document(number):
    found = glob.glob(os.path.join(SEEDS, f"{number:03d}_*.txt"))
    if not found:
        message = f"{SEEDS} is not there: what document {number + 1} prints is not replayed"
        print(message, file=sys.stderr)
        raise unittest.SkipTest(message)
    with open(found[0], encoding="utf-8") as text:
        return text.read()


def code(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def curl_lines(text):
    """Every curl command, with its continuation lines and its body of several lines."""
    commands, current = [], None
    for line in text.splitlines():
        if current is None:
            if not re.match(r"\s*curl\b", line):
                continue
            current = line.strip()
        else:
            current += "\n" + line
        if current.endswith("\\") or current.count("'") % 2 or current.count('"') % 2:
            continue
        commands.append(current)
        current = None
    assert current is None, f"a curl command does not end: {current}"
    return commands


def built_or_says_so(test, answer, keys):
    """A part of a later issue: its documented shape, or UNIMPLEMENTED with a next step, never anything else."""
    if answer["status"] == 200:
        for key in keys:
            test.assertIn(key, answer["json"])
        return
    error = answer["json"]["error"]
    test.assertIn(answer["status"], (501, 503, 404, 409), answer)
    test.assertTrue(error["message"] and error["reason"] and error["request_id"], error)
    test.assertTrue(error["hint"], error)


def chat_shape(test, answer):
    body = answer["json"]
    test.assertEqual(answer["status"], 200, body)
    test.assertEqual(body["status"], "completed")
    test.assertTrue(body["response"])
    test.assertRegex(body["session_id"], r"^(session_.+|my-session-123)$")
    test.assertRegex(body["timestamp"], RFC3339)
    test.assertRegex(body["metadata"]["query_length"], r"^\d+$")
    test.assertRegex(body["metadata"]["processed_at"], RFC3339)


def stream_shape(test, answer):
    test.assertEqual(answer["status"], 200, answer["body"])
    lines = [line for line in answer["body"].split("\n") if line.startswith("data: ")]
    events = [json.loads(line[6:]) for line in lines]
    test.assertTrue(all(line.isascii() and len(line) < 60000 for line in lines))
    for event in events[:-1]:
        test.assertEqual((event["status"], event["done"]), ("processing", False))
    test.assertEqual((events[-1]["status"], events[-1]["done"]), ("completed", True))
    test.assertNotIn("delta", events[-1])
    test.assertEqual("".join(event.get("delta", "") for event in events), events[-1]["response"])


def message_shape(test, answer):
    test.assertEqual(answer["status"], 200, answer["body"])
    test.assertTrue(answer["json"]["response"])


def tool_shape(test, answer):
    test.assertEqual(answer["status"], 200, answer["body"])
    test.assertIs(answer["json"]["success"], True)


def health_shape(test, answer):
    test.assertEqual((answer["status"], answer["json"]["status"]), (200, "healthy"))
    test.assertTrue(answer["json"]["version"])
    test.assertRegex(answer["json"]["timestamp"], RFC3339)


def session_shape(test, answer):
    body = answer["json"]
    test.assertEqual(answer["status"], 200, body)
    test.assertEqual((body["id"], body["appName"], body["userId"]), ("s_123", "agent_root", "u_123"))
    test.assertEqual(body["state"], {"key1": "value1", "key2": 42})
    test.assertIsInstance(body["lastUpdateTime"], float)


def run_shape(test, answer):
    events = answer["json"]
    test.assertEqual(answer["status"], 200, events)
    last = [event for event in events if any("text" in part for part in event["content"]["parts"])][-1]
    text = last["content"]["parts"][0]["text"]
    pods = test.default_pods()
    running = sum(pod["status"].get("phase") == "Running" for pod in pods)
    test.assertRegex(text, rf"(?<!\d){running}(?!\d)")
    test.assertTrue(any(c in text for c in "個數執間"), f"not in Traditional Chinese: {text}")
    test.assertFalse(any(c in text for c in "个数执间"), f"Simplified characters: {text}")
    for event in events:
        test.assertEqual(event["author"], "agent_root")
        test.assertTrue(event["id"] and event["invocationId"])
        test.assertIsInstance(event["timestamp"], float)


SHAPES = {
    "/test": tool_shape, "/chat": message_shape, "/status": lambda t, a: t.assertEqual(a["status"], 200),
    "/docs": lambda t, a: t.assertEqual(a["status"], 200), "/api/v1/health": health_shape, "/api/v1/chat": chat_shape,
    "/api/v1/chat/stream": stream_shape, "/apps/agent_root/users/u_123/sessions/s_123": session_shape, "/run": run_shape,
    "/api/v1/assistant/session": lambda t, a: built_or_says_so(t, a, ["session_id"]),
    "/api/v1/assistant/query": lambda t, a: built_or_says_so(t, a, []),
    "/api/v1/assistant/refresh": lambda t, a: built_or_says_so(t, a, []),
    "/api/v1/autofix": lambda t, a: built_or_says_so(t, a, []),
    "/api/v1/autofix/diagnose": lambda t, a: built_or_says_so(t, a, []),
}
