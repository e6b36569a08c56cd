#!/usr/bin/python3
"""The same series inline and out of Debian's Prometheus give the same anomalies, causes and forecasts.

Series of our own are always compared; those of ../shared/data/analytics when they lie beside the clone.
"""
import csv
import glob
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import metrics_mesh
import harness
from metrics_mesh import SHARED, rfc3339

BEGIN = 1_700_000_000 // 86400 * 86400


def own_series():
    """{(metric, labels): [(time, value)]}; NaN = a sample that is no number."""
    rng = random.Random(7)
    daily = [(BEGIN + 300 * i, round(100 + 40 * math.sin(2 * math.pi * i / 288) + rng.gauss(0, 2), 3)) for i in range(4 * 288)]
    spiked = [(t, v + 400 if i in (700, 1000, 1001) else v) for i, (t, v) in enumerate(daily)]
    gaps = [(t + rng.choice((0, 1, 2)), v if i % 97 else math.nan) for i, (t, v) in enumerate(daily) if not 500 <= i < 560]
    series = {("own_load", (("series", "daily"),)): daily, ("own_load", (("series", "spiked"),)): spiked,
              ("own_load", (("series", "gaps"),)): gaps,
              ("own_load", (("series", "constant"),)): [(t, 5.0) for t, _ in daily],
              ("own_load", (("series", "tiny"),)): daily[:7],
              ("own_load", (("series", "huge"),)): [(t, v * 1e300) for t, v in daily],
              ("own_load", (("series", "negative"),)): [(t, -v) for t, v in daily]}
    total, counter = 0.0, []
    for i, (t, v) in enumerate(daily):
        total = 0.0 if i == 400 else total + v
        if not 600 <= i < 620:
            counter.append((t, round(total, 3)))
    series[("own_requests_total", (("series", "counter"),))] = counter
    # front calls cart and pay; cart calls db; from sample 60 on db is slow, and all that wait for it.
    for service, slower in (("front", 0.4), ("cart", 0.41), ("pay", 0), ("db", 0.4)):
        for metric in ("latency_avg", "requests"):
            series[(metric, (("service", service),))] = [
                (BEGIN + 60 * i, 100 + rng.random() if metric == "requests" else
                 round(0.1 + 0.01 * rng.random() + (slower if i >= 60 else 0), 6)) for i in range(90)]
    return series


def write_openmetrics(series, path):
    with open(path, "w", encoding="utf-8") as out:
        last = None
        for (metric, labels), samples in sorted(series.items()):
            if metric != last:
                kind = "counter" if metric.endswith("_total") else "gauge"
                out.write(f"# TYPE {metric.removesuffix('_total')} {kind}\n")
                last = metric
            text = ",".join(f'{k}="{v}"' for k, v in labels)
            for time, value in samples:
                out.write(f"{metric}{{{text}}} {'NaN' if math.isnan(value) else repr(value)} {time}\n")
        out.write("# EOF\n")


def rated(samples):
    """Per second; a fall is a reset; no rate over more than five steps."""
    step = sorted(b[0] - a[0] for a, b in zip(samples, samples[1:]))[(len(samples) - 1) // 2]
    return [(t, (v - u if v >= u else v) / (t - s)) for (s, u), (t, v) in zip(samples, samples[1:]) if t - s <= 5 * step]


def inline(samples):
    return {"times": [t for t, _ in samples], "values": [None if math.isnan(v) else v for _, v in samples]}


class Equality(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="opsmesh-equality-")
        files = [os.path.join(cls.folder, "own.txt")]
        cls.own = own_series()
        write_openmetrics(cls.own, files[0])
        cls.shared = cls.export_shared(files)
        cls.prometheus = metrics_mesh.RealPrometheus(files)
        cls.prometheus.__enter__()
        cls.mesh = metrics_mesh.MetricsMesh(cls.prometheus.url)
        cls.mesh.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.mesh.__exit__()
        cls.prometheus.__exit__()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def export_shared(cls, files):
        """By ../shared/tools/analytics/prom_export.py; {kind: [{(metric, labels): samples}]} read back from its files."""
        tool = os.path.join(SHARED, "tools", "analytics", "prom_export.py")
        data = os.path.join(SHARED, "data", "analytics")
        if not os.path.exists(tool):
            metrics_mesh.say_skipped(f"series of {data}: there is no ../shared beside the clone")
            return {}
        wanted = {"nab": sorted(glob.glob(data + "/anomaly/nab/data/*/*.csv"))[::6],
                  "load": [data + "/load/series/nyc_taxi_30m.csv", data + "/load/series/crane_2_5m.csv"],
                  "rca": sorted(glob.glob(data + "/rca/rcd-sock-shop/*.csv"))[:2]}
        found = {}
        for kind, paths in wanted.items():
            for path in paths:
                text = subprocess.run([sys.executable, tool, kind, path], stdout=subprocess.PIPE, text=True, check=True,
                                      timeout=120).stdout
                if kind == "rca":  # all cases have the same series: told apart by name
                    text = text.replace('service="', f'case="{os.path.basename(path)}",service="')
                out = os.path.join(cls.folder, f"{kind}-{os.path.basename(path)}.txt")
                with open(out, "w", encoding="utf-8") as file:
                    file.write(text)
                files.append(out)
                series = {}
                for line in text.splitlines():
                    if line.startswith("#"):
                        continue
                    name, value, time = line.rsplit(" ", 2)
                    metric, labels = name[:-1].split("{", 1)
                    key = tuple(tuple(pair.split("=", 1)) for pair in labels.replace('"', "").split(","))
                    series.setdefault((metric, key), []).append((int(time), float(value)))
                found.setdefault(kind, []).append(series)
        return found

    def post(self, path, body):
        answer = self.mesh.post(path, body, timeout=120)
        self.assertEqual(answer.status, 200, answer.body[:2000])
        self.assertNotIn(b"NaN", answer.body)
        return answer.json()

    @staticmethod
    def selector(metric, labels):
        return metric + "{" + ",".join(f'{k}="{v}"' for k, v in labels) + "}"

    def detect_both(self, metric, labels, samples, mode):
        window = {"start_time": rfc3339(samples[0][0]), "end_time": rfc3339(samples[-1][0])}
        read = self.post("/api/v1/anomalies:detect", {"mode": mode, "prometheus": {
            "queries": [self.selector(metric, labels)], **window}})
        self.assertEqual(len(read["results"]), 1, read)
        given = self.post("/api/v1/anomalies:detect", {"mode": mode, "series": [{
            "name": read["results"][0]["name"],
            **inline(rated(samples) if metric.endswith("_total") else samples)}]})
        return read["results"][0], given["results"][0]

    def assert_same_anomalies(self, series, modes=("STREAMING", "BATCH")):
        for (metric, labels), samples in sorted(series.items()):
            for mode in modes:
                with self.subTest(metric=metric, labels=labels, mode=mode):
                    read, given = self.detect_both(metric, labels, samples, mode)
                    read.pop("labels"), given.pop("labels")
                    self.assertEqual(read, given)

    def test_anomalies_of_our_own_series_are_the_same(self):
        self.assert_same_anomalies({key: samples for key, samples in self.own.items() if key[0].startswith("own_")})

    def test_the_spikes_are_found_either_way(self):
        key = ("own_load", (("series", "spiked"),))
        read, _ = self.detect_both(*key, self.own[key], "STREAMING")
        self.assertIn(BEGIN + 300 * 700, [anomaly["time"] for anomaly in read["anomalies"]])

    def test_anomalies_of_benchmark_series_are_the_same(self):
        for series in self.shared.get("nab", []) + self.shared.get("load", []):
            self.assert_same_anomalies(series, ("STREAMING",))

    def rca_both(self, series, target, edges, matcher=""):
        """Read through Prometheus, and inline under the names it had there."""
        times = [time for samples in series.values() for time, _ in samples]
        metrics = sorted({metric for metric, _ in series})
        common = {"edges": edges}
        if target:
            common["target"] = target
        read = self.post("/api/v1/rca", {**common, "start_time": rfc3339(min(times)), "end_time": rfc3339(max(times)),
                                         "metrics": [metric + matcher for metric in metrics]})
        given = self.post("/api/v1/rca", {**common, "series": [
            {"service": dict(labels)["service"], "metric": metric, **inline(samples)}
            for (metric, labels), samples in sorted(series.items())]})
        return read, given

    def assert_same_causes(self, read, given):
        self.assertEqual(read["onset_time"], given["onset_time"])
        self.assertEqual(read["series_count"], given["series_count"])
        pick = lambda answer: [(cause["service"], cause["metric"], cause["score"]) for cause in answer["root_causes"]]
        self.assertEqual(pick(read), pick(given))
        self.assertEqual([anomaly["metric"] for anomaly in read["anomalies"]],
                         [anomaly["metric"] for anomaly in given["anomalies"]])

    def test_causes_of_our_own_series_are_the_same_and_right(self):
        series = {key: samples for key, samples in self.own.items() if not key[0].startswith("own_")}
        edges = [{"caller": a, "callee": b} for a, b in (("front", "cart"), ("front", "pay"), ("cart", "db"))]
        for target in ({"service": "front", "metric": "latency_avg"}, None):
            read, given = self.rca_both(series, target, edges)
            self.assert_same_causes(read, given)
            if target:
                self.assertEqual(read["root_causes"][0]["service"], "db")
                self.assertAlmostEqual(read["onset_time"], BEGIN + 3600, delta=120)

    def test_causes_of_benchmark_cases_are_the_same(self):
        for case in self.shared.get("rca", []):
            name = dict(next(iter(case))[1])["case"]
            plain = {(metric, tuple(pair for pair in labels if pair[0] != "case")): samples
                     for (metric, labels), samples in case.items()}
            read, given = self.rca_both(plain, None, [], f'{{case="{name}"}}')
            self.assert_same_causes(read, given)

    def test_forecasts_are_the_same(self):
        cases = [(key, self.own[key]) for key in self.own if key[0] == "own_load" and len(self.own[key]) > 500
                 and dict(key[1])["series"] != "huge"]
        cases.append((("own_requests_total", (("series", "counter"),)), None))
        for series in self.shared.get("load", []):
            cases += series.items()
        for (metric, labels), samples in cases:
            samples = samples or self.own[(metric, labels)]
            # Windows of a forecast end where Prometheus still has a sample.
            last = samples[-3000:]
            with self.subTest(metric=metric, labels=labels):
                step = round(sorted(b[0] - a[0] for a, b in zip(last, last[1:]))[len(last) // 2])
                common = {"step_seconds": step, "horizon_steps": 12, "levels": [0.8, 0.95]}
                read = self.post("/api/v1/forecasts", {**common, "prometheus": {
                    "query": self.selector(metric, labels), "start_time": rfc3339(last[0][0]),
                    "end_time": rfc3339(last[-1][0])}})
                given = self.post("/api/v1/forecasts", {**common, "history": inline(
                    rated(last) if metric.endswith("_total") else last)})
                for part in ("points", "backtest", "drivers", "models"):
                    self.assertEqual(read[part], given[part], part)


if __name__ == "__main__":
    for tool in ("prometheus", "promtool"):
        if shutil.which(tool) is None:
            metrics_mesh.say_skipped(f"{tool} is not installed (apt install prometheus)")
            sys.exit(77)
    harness.main("__main__")
