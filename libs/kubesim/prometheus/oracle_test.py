"""The demo's Prometheus beside a real one that holds the same samples: every expression must have the same answer.

The samples are read from ours (a range vector asked for at one moment), written as OpenMetrics, made into blocks by
promtool and served by prometheus. Exit 77: no prometheus here.
"""
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

OURS = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_demo_metrics")
METRICS = ["up", "http_requests_total", "http_request_duration_seconds_bucket", "http_request_duration_seconds_sum",
           "http_request_duration_seconds_count", "container_cpu_usage_seconds_total", "container_memory_working_set_bytes",
           "container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total", "container_spec_memory_limit_bytes",
           "kube_pod_status_phase", "kube_pod_info", "kube_pod_container_status_restarts_total", "kube_deployment_spec_replicas",
           "kube_deployment_status_replicas_available", "kube_node_status_condition", "kube_pod_container_resource_limits",
           "node_load1", "node_load5", "node_load15", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "node_cpu_seconds_total"]

INSTANT = [
    # selectors and staleness
    "up", "up == 0", 'up{job="kubelet"}', 'up{job=~"kube.*"}', 'up{job!~"kube.*|node.*"}', 'up{job!="kubelet",node=~".+"}', "up offset 20m",
    "up offset -5m", "up @ {t:-3600}", "absent(up)", 'absent(up{job="none"})', 'absent_over_time(nothing{a="b",c!="d"}[5m])', '{{__name__=~"node_load.*"}}',
    "kube_pod_status_phase == 1", 'kube_pod_status_phase{{phase="Pending"}} > 0',
    # ranges
    "rate(http_requests_total[5m])", "increase(http_requests_total[1h])", "irate(http_requests_total[5m])", "delta(node_load1[30m])",
    "idelta(node_load1[5m])", "deriv(node_memory_MemAvailable_bytes[30m])", "predict_linear(node_memory_MemAvailable_bytes[1h], 4 * 3600)",
    "resets(container_cpu_usage_seconds_total[2h])", "changes(kube_pod_container_status_restarts_total[2h])", "changes(up[1h])",
    "avg_over_time(node_load1[1h])", "sum_over_time(up[10m])", "min_over_time(node_load1[1h])", "max_over_time(node_load1[1h])",
    "count_over_time(up[20m])", "stddev_over_time(node_load1[1h])", "stdvar_over_time(node_load1[1h])", "last_over_time(up[1h])",
    "present_over_time(up[1h])", "quantile_over_time(0.9, node_load1[1h])", "holt_winters(node_load1[1h], 0.5, 0.3)",
    "rate(http_requests_total[5m] offset 1h)", "rate(http_requests_total[5m] @ {t:-7200})", "rate(container_cpu_usage_seconds_total[90s])",
    "rate(http_requests_total[20s])", "rate(container_cpu_usage_seconds_total[40m])",
    # subqueries
    "max_over_time(rate(http_requests_total[5m])[1h:5m])", "avg_over_time(sum(node_load1)[30m:1m])", "min_over_time(up[30m:])",
    "sum_over_time(vector(1)[1h:7m])", "max_over_time(sum by (service) (rate(http_requests_total[5m]))[2h:10m] offset 30m)",
    # aggregation
    "sum(up)", "sum by (job) (up)", "sum without (node, instance) (up)", "avg(node_load1)", "avg by (namespace) (container_memory_working_set_bytes)",
    "count by (phase) (kube_pod_status_phase == 1)", "min(node_load1)", "max by (node) (node_load1)", "group by (job) (up)", "stddev(node_load1)",
    "stdvar(node_load1)", "topk(3, container_memory_working_set_bytes)", "bottomk(2, node_load1)", "topk by (namespace) (1, container_memory_working_set_bytes)",
    "quantile(0.5, node_load1)", 'count_values("replicas", kube_deployment_spec_replicas)', "count(kube_pod_info) by (node)",
    "sum(rate(http_requests_total{{code=~\"5..\"}}[5m])) by (service) / sum(rate(http_requests_total[5m])) by (service)",
    # histograms
    "histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_seconds_bucket[5m])))",
    "histogram_quantile(0.5, rate(http_request_duration_seconds_bucket[10m]))", "histogram_quantile(1.5, http_request_duration_seconds_bucket)",
    "histogram_quantile(0.99, sum by (le) (increase(http_request_duration_seconds_bucket[1h])))",
    "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])",
    # operators
    "1 + 2 * 3 ^ 2 - 4 / 8 % 3", "-2 ^ 2", "node_load1 * 2 + 1", "2 ^ node_load1", "node_load1 % 0.3", "-node_load1", "node_load1 > 0.2", "0.2 < node_load1",
    "node_load1 > bool 0.2", "0.2 >= bool node_load1", "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    "kube_deployment_spec_replicas - kube_deployment_status_replicas_available > 0", "up and on (node) node_load1", "up or vector(7)",
    "up unless on (node) node_load1 > 0.2", "container_memory_working_set_bytes / on (namespace, pod, container) group_left kube_pod_container_resource_limits{{resource=\"memory\"}}",
    "sum by (namespace, pod) (container_memory_working_set_bytes) * on (namespace, pod) group_left (node) kube_pod_info",
    "kube_pod_info * on (namespace, pod) group_right (node) sum by (namespace, pod, container) (container_memory_working_set_bytes)",
    "node_load1 atan2 2", "node_load1 == node_load1", "node_load1 != bool node_load1", "sum(up) > bool 3 ^ 2", "up + on (node, job) up", "node_load1 / 0", "0 / 0 == bool 0 / 0",
    "kube_pod_status_phase * on (node) up", "node_load1 * on (job) up", "node_load1 * ignoring (job) up",
    # functions
    "abs(-node_load1)", "ceil(node_load1)", "floor(node_load1)", "round(node_load1, 0.05)", "round(-node_load1 * 10)", "sqrt(node_load1)", "exp(node_load1)",
    "ln(node_load1)", "log2(node_load1)", "log10(node_load1)", "sgn(node_load1 - 0.3)", "clamp(node_load1, 0.2, 0.4)", "clamp_min(node_load1, 0.3)",
    "clamp_max(node_load1, 0.3)", "clamp(node_load1, 3, 1)", "sort(node_load1)", "sort_desc(node_load1)", "scalar(sum(up))", "scalar(up)", "vector(3)", "time()",
    "timestamp(up)", "timestamp(up offset 5m)", "timestamp(sum(up))", "hour()", "minute()", "day_of_week()", "day_of_month()", "day_of_year()", "days_in_month()",
    "month()", "year()", "hour(kube_pod_info * 86399)", "pi()", "sin(node_load1)", "acosh(node_load1 + 1)", "deg(node_load1)", "rad(node_load1)",
    'label_replace(up, "short", "$1", "instance", "(.*):.*")', 'label_replace(up, "job", "", "job", ".*")', 'label_replace(up, "x", "${{a}}-$b", "job", "(?P<a>.).*")',
    'label_join(up, "both", "/", "job", "instance")', 'label_join(up, "none", "-")', '"text"', "42", "Inf", "-Inf", "NaN", "1e-7", "0x10", "http_requests_total[1m]", "up[2m:1m]",
    # errors
    "", "sum(", "rate(up)", "up{", '{{job=""}}', "foo(1)", "1 > 2", "up and 1", "up * on(", "up[5m", "sum by (x up)", 'label_replace(up, "x", "y", "z", "(")',
    'label_replace(up, "0x", "y", "z", ".*")', "holt_winters(node_load1[1h], 2, 0.3)", "topk(NaN, up)", 'count_values("0x", up)', "up offset", "up[0s]", "rate(up[5m:1m)",
    'up{{a=~"("}}', "sum(up) by", "vector(up)", "scalar(1)", "time(1)", "clamp(up)", "up == up == up", "max_over_time(up)", "1 +", "up unless ignoring (job) group_left up", "up[5m][5m]",
    "http_requests_total{{code='200'}} / http_requests_total{{code=`404`}}", "# only a comment", "up # with one", "sum(up) by (job) / ignoring (job) group_left sum(up)",
]
RANGE = ["up", "sum by (service) (rate(http_requests_total[5m]))", "sum(up)", "time()", "1", "node_load1 > 0.2",
         "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "rate(container_cpu_usage_seconds_total[10m])",
         "container_memory_working_set_bytes{{namespace=\"shop\"}}", "kube_deployment_status_replicas_available", "avg_over_time(node_load1[1h:5m])",
         "topk(2, node_load1)", "up offset 1h", "up @ end()", "sum(rate(http_requests_total[5m] @ start()))", "kube_pod_status_phase == 1", "'text'", "up[5m]", "sum(",
         "increase(kube_pod_container_status_restarts_total[1h]) > 0", "changes(up[30m]) + resets(node_cpu_seconds_total[30m])", "absent(up{{job=\"x\"}})"]

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(base, path, form, post=False):
    data = urllib.parse.urlencode(form, doseq=True)
    request = urllib.request.Request(base + path, data=data.encode()) if post else urllib.request.Request(f"{base}{path}?{data}")
    try:
        with OPENER.open(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        body = error.read()
        try:
            return error.code, json.loads(body)
        except ValueError:
            return error.code, {"body": body.decode(errors="replace")}


def write_samples(base, now, path):
    """The last three hours of METRICS in OpenMetrics, families together, each series in order of time."""
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for metric in METRICS:
            _, answer = ask(base, "/api/v1/query", {"query": metric + "[3h]", "time": now})
            file.write(f"# TYPE {metric} unknown\n")
            for row in answer["data"]["result"]:
                labels = ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in row["metric"].items() if k != "__name__")
                for stamp, value in row["values"]:
                    file.write(f"{metric}{{{labels}}} {value} {stamp}\n")
                    count += 1
        file.write("# EOF\n")
    return count


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def start_prometheus(folder):
    for _ in range(5):
        port = free_port()
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
                                    "--storage.tsdb.retention.time=30d", "--log.level=error", "--enable-feature=promql-at-modifier,promql-negative-offset"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with OPENER.open(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
                    if answer.status == 200:
                        return process, f"http://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.1)
        process.kill()
    sys.exit("prometheus does not start")


def same_number(a, b):
    if a == b:
        return True
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12)


def rows(data):
    out = {}
    for row in data["result"]:
        key = json.dumps(row["metric"], sort_keys=True)
        out[key] = row["values"] if "values" in row else [row["value"]]
    return out


def difference(ours, theirs):
    """What differs between two answers, or None."""
    (our_status, our), (their_status, their) = ours, theirs
    if our_status != their_status or our.get("errorType") != their.get("errorType"):
        return f"{our_status} {json.dumps(our)[:300]}\n    real: {their_status} {json.dumps(their)[:300]}"
    if their_status != 200:
        return None
    a, b = our["data"], their["data"]
    if a["resultType"] != b["resultType"]:
        return f"{a['resultType']}, real: {b['resultType']}"
    if a["resultType"] in ("scalar", "string"):
        return None if a["result"][0] == b["result"][0] and (a["resultType"] == "string" and a["result"] == b["result"] or same_number(a["result"][1], b["result"][1])) \
            else f"{a['result']}, real: {b['result']}"
    a, b = rows(a), rows(b)
    if a.keys() != b.keys():
        return f"only ours: {sorted(a.keys() - b.keys())[:3]}, only real: {sorted(b.keys() - a.keys())[:3]}"
    for key, points in a.items():
        if [p[0] for p in points] != [p[0] for p in b[key]]:
            return f"{key}: times {[p[0] for p in points][:4]}.. ({len(points)}), real: {[p[0] for p in b[key]][:4]}.. ({len(b[key])})"
        for p, q in zip(points, b[key]):
            if not same_number(p[1], q[1]):
                return f"{key}: {p}, real: {q}"
    return None


def main():
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("prometheus is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        now = 1795242600
        ours_process = subprocess.Popen([OURS, str(now), "without-markers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ours = ours_process.stdout.readline().split()[0]
        prometheus = None
        try:
            samples = write_samples(ours, now, f"{folder}/samples.om")
            subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", f"{folder}/samples.om", f"{folder}/data"], check=True,
                           stdout=subprocess.DEVNULL)
            prometheus, theirs = start_prometheus(folder)
            failures, compared = [], 0

            def compare(path, form, post=False, only=None):
                nonlocal compared
                compared += 1
                a, b = ask(ours, path, form, post), ask(theirs, path, form, post)
                what = difference(a, b) if only is None else only(a, b)
                if what:
                    failures.append(f"{path} {form}\n    ours: {what}")

            def expression(text):
                text = text.replace("{t:-3600}", str(now - 3600)).replace("{t:-7200}", str(now - 7200))
                return text.replace("{{", "{").replace("}}", "}")

            for i, text in enumerate(INSTANT):
                for back in (0, 1000, 2345.5):
                    compare("/api/v1/query", {"query": expression(text), "time": now - 600 - back}, post=i % 2 == 1)
            for i, text in enumerate(RANGE):
                for span, step in ((3600, 60), (1800, 17), (5000, 300)):
                    compare("/api/v1/query_range", {"query": expression(text), "start": now - 900 - span, "end": now - 900, "step": step}, post=i % 2 == 1)
            for form in ({"query": "up", "start": 1, "end": 0, "step": 1}, {"query": "up", "start": 0, "end": 100000, "step": 1}, {"query": "up", "end": 1, "step": 1},
                         {"query": "up", "start": 0, "end": 1, "step": 0}, {"query": "up", "start": 0, "end": 1, "step": "-1"}, {"query": "up", "start": "x", "end": 1, "step": 1},
                         {"query": "up", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z", "step": "5m"}, {"start": 0, "end": 1, "step": "5x"}):
                compare("/api/v1/query_range", form)
            for form in ({"query": "up", "time": "x"}, {"query": "up", "timeout": "x"}, {}, {"query": "up", "time": "2026-11-21T06:30:00.5+01:00"}):
                compare("/api/v1/query", form)

            def data(a, b):
                normal = lambda answer: (answer[0], answer[1].get("errorType"), sorted(json.dumps(x, sort_keys=True) for x in answer[1].get("data", [])))
                return None if normal(a) == normal(b) else f"{str(normal(a))[:400]}\n    real: {str(normal(b))[:400]}"

            window = {"start": now - 3000, "end": now - 600}
            for form in ({"match[]": "up", **window}, {"match[]": ["up", 'node_load1{instance=~".+"}'], **window}, {}, {"match[]": "up{"}, {"match[]": "sum(up)"}):
                compare("/api/v1/series", form, only=data)
            for form in ({"match[]": "up", **window}, {"match[]": "http_requests_total", **window}, {"match[]": "("}):
                compare("/api/v1/labels", form, only=data)
            for name in ("job", "code", "no-label", "__name__", "nothing"):
                compare(f"/api/v1/label/{name}/values", {"match[]": '{__name__=~"up|http_requests_total"}', **window}, only=data)
            for arguments in (["instant", "up"], ["series", "--match=up"], ["labels", "job"], ["range", "--step=60s", f"--start={now - 3600}", f"--end={now - 1800}", "sum(up)"]):
                end = [] if arguments[0] != "instant" else [f"--time={now - 60}"]
                out = subprocess.run(["promtool", "query", arguments[0], *end, ours, *arguments[1:]] if arguments[0] != "series" else
                                     ["promtool", "query", "series", arguments[1], ours], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
                compared += 1
                if out.returncode != 0 or not out.stdout.strip():
                    failures.append(f"promtool query {arguments}: {out.returncode} {out.stdout[:300]}")
            print(f"{samples} samples, {compared} questions, {len(failures)} differences")
            for failure in failures[:60]:
                print(failure)
            sys.exit(1 if failures or samples < 50000 else 0)
        finally:
            ours_process.stdin.close()
            ours_process.wait(120)
            if prometheus is not None:
                prometheus.terminate()
                prometheus.wait(120)


main()
