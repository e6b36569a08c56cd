#!/usr/bin/env python3
"""The conversation at 5,000 pods: how long a question takes from HTTP to answer without an LLM, how long a tool takes, and memory.

Two processes: the simulated cluster, and the whole mesh beside it, so that the memory is the mesh's alone. The baseline, in the same run, is what
a copilot without a watch cache does for each question: read the pods from the apiserver and parse them.

    ./dev bench chat [PODS]
"""
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

OPSMESH = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh")
PODS = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
ROUNDS = 40
QUESTIONS = ["how many pods are running in team-3?", "哪些Pod异常？", "show me all deployments in team-1", "why is app-7 in team-2 failing?",
             "team-4 里重启最多的 pod 是哪个", "describe deployment app-3 in team-1", "top 5 pods by restarts"]
TOOLS = [("list_kubernetes_pods", {"namespace": "team-1"}), ("list_kubernetes_pods", {}), ("list_kubernetes_deployments", {"namespace": "team-2"}),
         ("get_kubernetes_events", {"namespace": "team-3"}), ("kubectl_get_resources", {"resource_type": "pods", "label_selector": "app=app-3"})]


def pod(index):
    team, app, broken = index % 10, index % 100, index % 97 == 0
    name = f"app-{app}-{index:05d}"
    state = ({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}} if broken
             else {"running": {"startedAt": "2026-01-01T00:00:00Z"}})
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": f"team-{team}", "labels": {"app": f"app-{app}", "tier": "web"}},
            "spec": {"nodeName": f"node-{index % 100}",
                     "containers": [{"name": "main", "image": f"registry.example/app-{app}:1.{index % 7}",
                                     "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}]},
            "status": {"phase": "Running", "podIP": f"10.0.{index // 250}.{index % 250}",
                       "conditions": [{"type": "Ready", "status": "False" if broken else "True"}],
                       "containerStatuses": [{"name": "main", "ready": not broken, "restartCount": 40 if broken else index % 3,
                                              "image": f"registry.example/app-{app}:1", "state": state}]}}


def write_cluster(folder):
    items = [pod(index) for index in range(PODS)]
    items += [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{n}"},
               "status": {"conditions": [{"type": "Ready", "status": "True"}], "capacity": {"cpu": "64", "memory": "256Gi", "pods": "250"},
                          "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "250"}}} for n in range(100)]
    for app in range(100):
        labels = {"app": f"app-{app}"}
        items.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"app-{app}", "namespace": f"team-{app % 10}"},
                      "spec": {"replicas": PODS // 100, "selector": {"matchLabels": labels},
                               "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "registry.example/a:1"}]}}},
                      "status": {"replicas": PODS // 100, "readyReplicas": PODS // 100}})
    with open(os.path.join(folder, "cluster.json"), "w", encoding="utf-8") as out:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, out)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, process, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"{what}: the process ended with {process.returncode}")
        try:
            if condition():
                return
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what} did not happen within {seconds} s")


def rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def post(self, path, body):
        begin = time.perf_counter()
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        data = answer.read()
        elapsed = (time.perf_counter() - begin) * 1000
        assert answer.status == 200, (answer.status, data[:300])
        return elapsed, data


def quantiles(samples):
    ordered = sorted(samples)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def read_pods(server):
    """What each question costs without a watch cache."""
    begin = time.perf_counter()
    with urllib.request.urlopen(server + "/api/v1/pods", timeout=120) as answer:
        count = len(json.load(answer)["items"])
    assert count == PODS, count
    return (time.perf_counter() - begin) * 1000


def measure(folder, processes):
    kubeconfig = os.path.join(folder, "kubeconfig")
    environment = {**os.environ, "HOME": folder}
    sink = open(os.path.join(folder, "log"), "wb")
    cluster = os.path.join(folder, "cluster")
    os.mkdir(cluster)
    write_cluster(cluster)
    sim = subprocess.Popen([OPSMESH, "sim", "serve", "--cluster", cluster, "--kubeconfig-out", kubeconfig], env=environment, stdout=sink, stderr=sink, cwd=folder)
    processes.append(sim)
    wait_for(lambda: os.path.getsize(kubeconfig) > 0, "the simulated cluster", sim)
    with open(kubeconfig, encoding="utf-8") as text:
        server = re.search(r"""server["']?\s*:\s*["']?([^"',}\s]+)""", text.read())[1]
    port = free_port()
    mesh = subprocess.Popen([OPSMESH, "up", "--kubeconfig", kubeconfig, "--listen", f"127.0.0.1:{port}", "--grpc-listen", f"127.0.0.1:{free_port()}",
                             "--data-dir", os.path.join(folder, "data")], env=environment, stdout=sink, stderr=sink, cwd=folder)
    processes.append(mesh)
    client = None

    def ready():
        nonlocal client
        client = Client(port)
        return b"CACHE_SYNCING" not in client.post("/api/tools/test", {"tool_name": "list_kubernetes_pods", "parameters": {}})[1]

    wait_for(ready, "the mesh", mesh)
    chat, tools, baseline = [], [], []
    for turn in range(ROUNDS):
        for question in QUESTIONS:
            chat.append(client.post("/api/v1/chat", {"query": question})[0])
        for name, parameters in TOOLS:
            # A parameter that changes nothing would be answered from the result cache; the limit changes what is asked.
            tools.append(client.post("/api/tools/test", {"tool_name": name, "parameters": {**parameters, "limit": 100 + turn}})[0])
        if turn % 8 == 0:
            baseline.append(read_pods(server))
    return chat, tools, baseline, rss_mb(mesh.pid)


def main():
    folder, processes = tempfile.mkdtemp(prefix="opsmesh-bench-chat-"), []
    try:
        chat, tools, baseline, memory = measure(folder, processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    chat_p50, chat_p99 = quantiles(chat)
    tool_p50, tool_p99 = quantiles(tools)
    reading = statistics.median(baseline)
    print(f"{PODS} pods, {len(chat)} questions, {len(tools)} tool calls")
    print(f"question, HTTP to answer, no LLM   p50 {chat_p50:6.2f} ms   p99 {chat_p99:7.2f} ms   (planner floor: p50 < 5 ms)")
    print(f"tool call over HTTP                p50 {tool_p50:6.2f} ms   p99 {tool_p99:7.2f} ms")
    print(f"reading and parsing the pods anew  p50 {reading:6.2f} ms: {reading / chat_p50:.0f} times a question, {reading / tool_p50:.0f} times a tool call")
    print(f"RSS of the whole mesh              {memory:.0f} MB   (floor 120, aim 60)")
    missed = [name for name, good in (("planner p50", chat_p50 < 5), ("RSS", memory < 120)) if not good]
    print("MISSED: " + ", ".join(missed) if missed else "ok")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
