#!/usr/bin/python3
"""Whatever a Prometheus answers, every route that reads one ends in time with an answer or a typed error, without a NaN.

Answers of our own are always tried; those of ../shared/badinputs/own/prometheus when they lie beside the clone.
"""
import glob
import json
import os
import re
import time
import unittest

import metrics_mesh
import harness
from metrics_mesh import SHARED, rfc3339

BEGIN = 1_700_000_000
PATIENCE = 6  # seconds of X-Request-Timeout: what a caller is willing to wait


def matrix(*series, **more):
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"__name__": "x", **labels}, "values": values} for labels, values in series]}, **more}).encode()


def wave(value=lambda i: str(10 + i * 7919 % 13), count=200):
    return [[BEGIN + 15 * i, value(i)] for i in range(count)]


GOOD = matrix(({"pod": "a"}, wave()))
OWN = {
    "nan only": matrix(({"pod": "a"}, wave(lambda i: "NaN"))),
    "infinities only": matrix(({"pod": "a"}, wave(lambda i: ("+Inf", "-Inf")[i % 2]))),
    "some not a number": matrix(({"pod": "a"}, wave(lambda i: "NaN" if i % 3 == 0 else str(i % 7)))),
    "largest doubles": matrix(({"pod": "a"}, wave(lambda i: ("1e308", "-1.7976931348623157e308")[i % 2]))),
    "smallest doubles": matrix(({"pod": "a"}, wave(lambda i: "5e-324"))),
    "beyond doubles": matrix(({"pod": "a"}, wave(lambda i: "1e999"))),
    "negative": matrix(({"pod": "a"}, wave(lambda i: str(-1000 - i % 5)))),
    "constant": matrix(({"pod": "a"}, wave(lambda i: "3"))),
    "one point": matrix(({"pod": "a"}, wave(count=1))),
    "no points": matrix(({"pod": "a"}, [])),
    "no series": matrix(),
    "forty years apart": matrix(({"pod": "a"}, [[BEGIN - 40 * 365 * 86400, "1"]] + wave())),
    "years before Christ": matrix(({"pod": "a"}, [[-1e11, "1"], [1e300, "2"]] + wave())),
    "unsorted with doubles": matrix(({"pod": "a"}, wave()[::-1] + wave())),
    "mixed lengths": matrix(({"pod": "a"}, wave()), ({"pod": "b"}, wave(count=3)), ({"pod": "c"}, [])),
    "the same labels twice": matrix(({"pod": "a"}, wave()), ({"pod": "a"}, wave())),
    "warnings and infos": matrix(({"pod": "a"}, wave()), warnings=["store down"] * 3, infos=["no counter"]),
    "a histogram": b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{"count":"1"}]]}]}}',
    "a string": b'{"status":"success","data":{"resultType":"string","result":[1,"hello"]}}',
    "a scalar not a number": b'{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}',
    "status only": b'{"status":"success"}',
    "nothing": b"",
    "half an answer": GOOD[:len(GOOD) // 2],
    "an answer and a half": GOOD + GOOD[:100],
    "not utf-8": GOOD.replace(b'"a"', b'"\xff\xfe"'),
    "a label as code": matrix(({"pod": '"} or vector(1) #\n<script>'}, wave())),
    "deep nesting": b'{"status":"success","data":{"resultType":"matrix","result":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "an endless string": b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"' + b"x" * 20_000_000,
    "values that are objects": b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":{"a":1}}]}}',
    "an error without type": b'{"status":"error"}',
}
STATUS = {"error 400": (400, b'{"status":"error","errorType":"bad_data","error":"parse error"}'),
          "error 422": (422, b'{"status":"error","errorType":"execution","error":"too many samples"}'),
          "error 503": (503, b'{"status":"error","errorType":"unavailable","error":"starting"}'),
          "timeout 503": (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}'),
          "proxy 502": (502, b"<html>Bad Gateway</html>"), "proxy 401": (401, b"login"), "redirect": (302, b""),
          "not found": (404, b"404 page not found"), "no content": (204, b""), "teapot": (418, b"{}")}


def write_raw(handler, head, pieces, pause=0.0):
    handler.wfile.write(head)
    for piece in pieces:
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(pause)
    handler.close_connection = True


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TRANSPORT = {
    "closed at once": lambda h: write_raw(h, b"", []),
    "closed in the head": lambda h: write_raw(h, HEAD, []),
    "shorter than announced": lambda h: write_raw(h, HEAD + b"Content-Length: 999999\r\n\r\n", [GOOD]),
    "a byte at a time, for hours": lambda h: write_raw(h, HEAD + b"\r\n", [GOOD[i:i + 1] for i in range(len(GOOD))], 0.5),
    "silence": lambda h: time.sleep(60),
    "a broken chunk": lambda h: write_raw(h, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", [b"zz\r\n", GOOD]),
    "broken gzip": lambda h: write_raw(h, HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", [b"\x1f\x8bxx"]),
    "no http": lambda h: write_raw(h, b"SSH-2.0-OpenSSH_9.2\r\n", []),
}
WINDOW = {"start_time": rfc3339(BEGIN), "end_time": rfc3339(BEGIN + 3000)}
REQUESTS = {
    "anomalies": ("/api/v1/anomalies:detect", {"prometheus": {"queries": ["x"], **WINDOW}}),
    "all methods": ("/api/v1/anomalies:detect", {"mode": "STREAMING", "include_methods": True, "methods": [
        "ensemble", "zscore", "robust_z", "iqr", "isolation_forest", "dbscan", "stl", "shesd", "spectral_residual",
        "matrix_profile", "bocpd", "pelt"], "prometheus": {"queries": ["x", "rate(x[5m])"], **WINDOW}}),
    "causes": ("/api/v1/rca", {"metrics": ["x", "sum(x)"], **WINDOW}),
    "standard causes": ("/api/v1/rca", WINDOW),
    "forecast": ("/api/v1/forecasts", {"prometheus": {"query": "x", **WINDOW}, "horizon_steps": 5}),
    "prediction": ("/api/v1/predict", {"current_qps": 10}),
}
NO_NUMBER = re.compile(rb"\b(NaN|nan|Infinity|inf)\b")


class BadAnswers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prometheus = metrics_mesh.ScriptedPrometheus()
        cls.mesh = metrics_mesh.MetricsMesh(cls.prometheus.url)
        cls.mesh.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__()
        cls.prometheus.stop()

    def ask(self, name, answer, requests=REQUESTS, patience=PATIENCE):
        """Every request once; the answers by request."""
        self.prometheus.answer = answer
        answers = {}
        for kind, (path, body) in requests.items():
            with self.subTest(answer=name, request=kind):
                begin = time.monotonic()
                got = self.mesh.post(path, body, headers={"X-Request-Timeout": f"{patience}s"}, timeout=patience + 54)
                took = time.monotonic() - begin
                self.assertLess(took, patience + 39, "the caller's patience is not kept")
                self.assertTrue(self.mesh.alive(), f"a process died of '{name}'")
                document = got.json()
                if got.status == 200:
                    told = json.dumps({**document, "ledger": None, "not_judged": None}).encode()
                    self.assertIsNone(NO_NUMBER.search(told), NO_NUMBER.search(told) and told[:1500])
                else:
                    error = document["error"]
                    self.assertIn(got.status, (400, 404, 412, 429, 422, 502, 503, 504), error)
                    self.assertTrue(error["reason"] and error["message"], error)
                    self.assertNotEqual(error["status"], "INTERNAL", error)
                answers[kind] = (got.status, document)
        return answers

    def test_bodies_of_our_own(self):
        for name, body in OWN.items():
            self.ask(name, lambda path, form, handler, body=body: (200, body))

    def test_errors_and_proxies(self):
        for name, (status, body) in STATUS.items():
            for kind, (got, document) in self.ask(name, lambda *_, s=status, b=body: (s, b)).items():
                if kind in ("prediction",):
                    continue
                self.assertNotEqual(got, 200, (name, kind, document))
                self.assertTrue(document["error"]["hint"] or name == "error 400", (name, kind, document))

    def test_transports_that_fail(self):
        slow = {"anomalies": REQUESTS["anomalies"], "causes": REQUESTS["causes"], "forecast": REQUESTS["forecast"]}
        for name, write in TRANSPORT.items():
            self.ask(name, lambda path, form, handler, write=write: write(handler), slow)

    def test_bodies_of_the_shared_folder(self):
        files = sorted(glob.glob(os.path.join(SHARED, "badinputs", "own", "prometheus", "*.json")))
        if not files:
            metrics_mesh.say_skipped("../shared/badinputs/own/prometheus is not beside the clone")
            return
        for file in files:
            with open(file, "rb") as text:
                body = text.read()
            self.ask(os.path.basename(file), lambda *_, body=body: (200, body))

    def test_too_little_is_said_with_counts(self):
        few = {"anomalies": REQUESTS["anomalies"], "causes": REQUESTS["causes"], "forecast": REQUESTS["forecast"]}
        answers = self.ask("seven points", lambda *_: (200, matrix(({"pod": "a"}, wave(count=7)))), few, patience=60)
        self.assertEqual(answers["anomalies"][1]["results"][0]["not_judged"],
                         "insufficient data: 7 usable points of 7, 30 are needed")
        self.assertIn("nsufficient data", answers["causes"][1]["report"]["en"])
        self.assertEqual(answers["forecast"][1]["error"]["reason"], "HISTORY_TOO_SHORT")
        self.assertIn("7", answers["forecast"][1]["error"]["message"])
        answers = self.ask("nothing usable", lambda *_: (200, OWN["nan only"]), few, patience=60)
        self.assertEqual(answers["anomalies"][1]["results"][0]["not_judged"],
                         "insufficient data: 0 usable points of 200, 30 are needed")
        answers = self.ask("no series", lambda *_: (200, matrix()), few, patience=60)
        entry = answers["anomalies"][1]["ledger"]["not_checked"][0]
        self.assertEqual((entry["shown_count"], entry["total_count"]), ("0", "0"))
        self.assertIn("insufficient data", entry["reason"])

    def test_warnings_reach_the_ledger(self):
        answers = self.ask("warnings", lambda *_: (200, OWN["warnings and infos"]), patience=60)
        for kind in ("anomalies", "causes", "forecast"):
            self.assertIn("store down", json.dumps(answers[kind][1]["ledger"]), kind)

    def test_gaps_written_as_null_are_gaps(self):
        times = [BEGIN + 60 * i for i in range(100)]
        values = [None if i % 10 == 3 else 10 + i * 7919 % 13 for i in range(100)]
        answer = self.mesh.post("/api/v1/anomalies:detect", {"series": [{"name": "a", "times": times, "values": values}]})
        self.assertEqual(answer.status, 200, answer.body)
        result = answer.json()["results"][0]
        self.assertEqual((result["point_count"], result["usable_count"], len(result["scores"])), (100, 90, 100))
        answer = self.mesh.post("/api/v1/rca", {"series": [{"service": s, "metric": "cpu", "times": times, "values": values}
                                                           for s in "ab"]})
        self.assertEqual(int(answer.json()["missing_count"]), 20, answer.body)
        answer = self.mesh.post("/api/v1/forecasts", {"history": {"times": times, "values": values}, "horizon_steps": 3})
        self.assertEqual(answer.status, 200, answer.body)
        checked = answer.json()["ledger"]["checked"][0]
        self.assertEqual((checked["shown_count"], checked["total_count"]), ("90", "100"))
        answer = self.mesh.post("/api/v1/rca/correlations", {"series": [
            {"metric": m, "times": times, "values": values} for m in "ab"]})
        self.assertIn(answer.status, (200, 400), answer.body)
        if answer.status == 400:
            self.assertTrue(answer.json()["error"]["hint"], answer.body)
        for bad in ({"times": [None, 2, 3], "values": [1, 2, 3]}, {"times": [1, 2, 3], "values": [1, {}, 3]}):
            refused = self.mesh.post("/api/v1/anomalies:detect", {"series": [{"name": "a", **bad}]})
            self.assertEqual(refused.status, 400, refused.body)

    def test_odd_series_inline(self):
        times = [BEGIN + 60 * i for i in range(60)]
        plain = [10 + i * 7919 % 13 for i in range(60)]
        odd = {"huge": (times, [1e308 if i % 2 else -1e308 for i in range(60)]), "constant": (times, [3] * 60),
               "one point": ([BEGIN], [1]), "none": ([], []), "equal times": ([BEGIN] * 60, plain),
               "forty years": ([BEGIN - 40 * 365 * 86400] + times[1:], plain), "negative": (times, [-v for v in plain]),
               "far future": ([t + 1e12 for t in times], plain), "tiny": (times, [5e-324 * (i % 3) for i in range(60)]),
               "unsorted": (times[::-1], plain)}
        for name, (t, v) in odd.items():
            for path, body in (("/api/v1/anomalies:detect", {"series": [{"name": name, "times": t, "values": v}]}),
                               ("/api/v1/rca", {"series": [{"service": s, "metric": "cpu", "times": t, "values": v} for s in "ab"]}),
                               ("/api/v1/forecasts", {"history": {"times": t, "values": v}, "horizon_steps": 3})):
                with self.subTest(series=name, path=path):
                    got = self.mesh.post(path, body, timeout=60)
                    self.assertTrue(self.mesh.alive())
                    if got.status == 200:
                        told = json.dumps({**got.json(), "ledger": None, "not_judged": None}).encode()
                        self.assertIsNone(NO_NUMBER.search(told), told[:1500])
                    else:
                        self.assertIn(got.status, (400, 412, 422), got.body)
                        self.assertTrue(got.json()["error"]["message"], got.body)


if __name__ == "__main__":
    harness.main("__main__")
