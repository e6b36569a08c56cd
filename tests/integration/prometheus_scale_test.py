#!/usr/bin/python3
"""Ten thousand series of eleven thousand points: read in pieces, judged as they come, within 300 MiB.

A Prometheus made up here writes its answers as they are asked for. Where the source or the time ends early, the answer says
how many of how many series were read.
"""
import json
import os
import re
import time
import unittest

import metrics_mesh
import harness
from metrics_mesh import rfc3339

BEGIN = 1_700_000_000
MOST_MIB = 300


class Made:
    """Answers count_over_time and raw ranges over `series` x `points`; notes how much it wrote."""

    def __init__(self, series, points, step=15, break_after=None):
        self.names = [f"pod-{i:05d}" for i in range(series)]
        self.points, self.step, self.break_after = points, step, break_after
        self.end = BEGIN + step * (points - 1)
        self.written = self.series_written = 0
        # A few shapes, so that writing costs no time: each has a spike of its own.
        self.shapes = []
        for shape in range(7):
            values = [10 + (i * 7919 + shape) % 13 + (500 if i == points - 50 - shape else 0) for i in range(points)]
            self.shapes.append(",".join(f'[{BEGIN + step * i},"{v}"]' for i, v in enumerate(values)).encode())

    def window(self):
        return {"start_time": rfc3339(BEGIN), "end_time": rfc3339(self.end)}

    def __call__(self, path, form, handler):
        query = form.get("query", "")
        if path == "/api/v1/query" and query.startswith("count_over_time"):
            return 200, {"status": "success", "data": {"resultType": "vector", "result": [
                {"metric": {"job": "made", "pod": name}, "value": [self.end, str(self.points)]} for name in self.names]}}
        if path != "/api/v1/query" or "[" not in query:
            return 200, {"status": "success", "data": {"resultType": "vector", "result": []}}
        wanted = self.names
        if chosen := re.search(r'pod=~"([^"]*)"', query):
            kept = set(chosen.group(1).replace("\\\\", "\\").replace("\\-", "-").split("|"))
            wanted = [name for name in self.names if name in kept]
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.close_connection = True
        self.write(handler, b'{"status":"success","data":{"resultType":"matrix","result":[')
        for i, name in enumerate(wanted):
            if self.break_after is not None and self.series_written >= self.break_after:
                return None
            self.write(handler, b"".join((
                b"," if i else b"", f'{{"metric":{{"__name__":"x","job":"made","pod":"{name}"}},"values":['.encode(),
                self.shapes[int(name[4:]) % len(self.shapes)], b"]}")))
            self.series_written += 1
        self.write(handler, b"]}}")
        return None

    def write(self, handler, data):
        handler.wfile.write(data)
        self.written += len(data)


class Scale(unittest.TestCase):
    def setUp(self):
        self.prometheus = metrics_mesh.ScriptedPrometheus()
        self.mesh = metrics_mesh.MetricsMesh(self.prometheus.url)
        self.mesh.__enter__()

    def tearDown(self):
        self.mesh.__exit__()
        self.prometheus.stop()

    def detect(self, made, timeout, **fields):
        self.prometheus.answer = made
        begin = time.monotonic()
        answer = self.mesh.post("/api/v1/anomalies:detect", {"mode": "STREAMING", "prometheus": {"queries": ["x"], **made.window()},
                                                             **fields}, timeout=150, headers={"X-Request-Timeout": timeout})
        self.assertEqual(answer.status, 200, answer.body[:1000])
        document = answer.json()
        print(f"{len(made.names)} series x {made.points} points: {len(document['results'])} judged in "
              f"{time.monotonic() - begin:.1f} s, {made.written / 1e6:.0f} MB read, answer {len(answer.body) / 1e6:.1f} MB, "
              f"opsmesh-rca held at most {self.mesh.peak_mib('rca'):.0f} MiB", flush=True)
        return document

    def test_ten_thousand_series_of_eleven_thousand_points_fit_into_300_mib(self):
        made = Made(10_000, 11_000)
        document = self.detect(made, "60s", methods=["ensemble"])
        self.assertLess(self.mesh.peak_mib("rca"), MOST_MIB)
        judged = len(document["results"])
        self.assertGreater(judged, 50)
        entries = document["ledger"]["checked"] + document["ledger"]["failed"]
        self.assertTrue(any(entry.get("total_count") == "10000" for entry in entries), document["ledger"])
        if judged < 10_000:
            failed = document["ledger"]["failed"][0]
            self.assertRegex(failed["reason"], r"^\d+ of 10000 series read: ")
            self.assertLessEqual(judged, int(failed["shown_count"]))
        for result in document["results"]:
            self.assertEqual((result["point_count"], result["usable_count"]), (11_000, 11_000))
            self.assertTrue(result["anomalies"], result["name"])
        self.assertIn("scores", json.dumps(document["ledger"]["not_checked"]))

    def test_all_series_are_judged_when_there_is_time(self):
        made = Made(1_000, 1_500)
        document = self.detect(made, "120s", methods=["ensemble"])
        self.assertEqual(len(document["results"]), 1_000)
        self.assertEqual(sorted(result["labels"]["pod"] for result in document["results"]), made.names)
        with_scores = [result for result in document["results"] if result["scores"]]
        self.assertTrue(0 < len(with_scores) < 1_000)
        reason = document["ledger"]["not_checked"][0]["reason"]
        self.assertIn(f"{len(with_scores)} of 1000", reason)

    def test_a_source_that_ends_early_is_told_with_counts(self):
        made = Made(300, 400, break_after=100)
        document = self.detect(made, "60s")
        self.assertEqual(len(document["results"]), 100)
        failed = document["ledger"]["failed"][0]
        self.assertRegex(failed["reason"], r"^100 of 300 series read: ")
        self.assertEqual((failed["shown_count"], failed["total_count"]), ("100", "300"))

    def test_more_series_than_it_takes_are_told_with_counts(self):
        document = self.detect(Made(10_050, 40), "60s", methods=["zscore"])
        self.assertEqual(len(document["results"]), 10_000)
        failed = document["ledger"]["failed"][0]
        self.assertRegex(failed["reason"], r"^10000 of 10050 series read: ")
        self.assertIn("at most 10000", failed["reason"])

    def test_root_cause_reads_as_much_within_the_same_memory(self):
        made = Made(10_000, 3_000)
        self.prometheus.answer = made
        begin = time.monotonic()
        answer = self.mesh.post("/api/v1/rca", {"metrics": ["x"], **made.window(), "max_causes": 3}, timeout=150,
                                headers={"X-Request-Timeout": "60s"})
        print(f"root cause over {len(made.names)} series x {made.points} points: {time.monotonic() - begin:.1f} s, "
              f"{made.written / 1e6:.0f} MB read, opsmesh-rca held at most {self.mesh.peak_mib('rca'):.0f} MiB", flush=True)
        self.assertEqual(answer.status, 200, answer.body[:1000])
        self.assertLess(self.mesh.peak_mib("rca"), MOST_MIB)
        self.assertIn("averaged", json.dumps(answer.json()["ledger"]))


if __name__ == "__main__":
    harness.main("__main__")
