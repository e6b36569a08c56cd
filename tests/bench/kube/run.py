"""First list of many pods: libs/kube beside kubectl, on the same server in the same run.

Without arguments the server is an in-memory one of our own; with a kubeconfig it is that cluster:
    ./dev bench kube [KUBECONFIG]
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = os.path.join(os.environ["OPSMESH_BIN_DIR"], "opsmesh_bench_kube")
PODS = int(os.environ.get("OPSMESH_BENCH_PODS", "10000"))
ROUNDS = int(os.environ.get("OPSMESH_BENCH_ROUNDS", "3"))


def kubeconfig_for(url, folder):
    path = os.path.join(folder, "kubeconfig")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                   "clusters": [{"name": "c", "cluster": {"server": url}}],
                   "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                   "users": [{"name": "u", "user": {"token": "none"}}]}, file)
    return path


def time_kubectl(kubectl, kubeconfig, folder):
    begin = time.monotonic()
    command = [kubectl, "--kubeconfig", kubeconfig, "--cache-dir", os.path.join(folder, "cache"), "get", "pods", "-A", "-o", "json"]
    with open(os.devnull, "wb") as sink:
        subprocess.run(command, stdout=sink, check=True, timeout=600)
    return time.monotonic() - begin


def measure(kubeconfig, folder):
    kubectl = shutil.which("kubectl")
    ours, theirs, figures = [], [], {}
    for _ in range(ROUNDS):  # in turns, so that a busy machine is busy for both
        begin = time.monotonic()
        out = subprocess.run([BENCH, "list", kubeconfig], stdout=subprocess.PIPE, check=True, timeout=600).stdout
        figures = json.loads(out)
        figures["process_seconds"] = time.monotonic() - begin
        ours.append(figures["first_list_seconds"])
        if kubectl:
            theirs.append(time_kubectl(kubectl, kubeconfig, folder))
    print(f"pods                        {figures['pods']}")
    print(f"first list into the cache   {statistics.median(ours):.3f} s  (process CPU {figures['cpu_seconds']:.3f} s)")
    if theirs:
        print(f"kubectl get pods -A -o json {statistics.median(theirs):.3f} s")
        print(f"ratio                       {statistics.median(ours) / statistics.median(theirs):.3f}  (floor 0.5, stretch 0.25)")
    else:
        print("kubectl is not installed: no ratio")
    print(f"memory a cached pod         {figures['bytes_a_pod']:.0f} B, {figures['bytes_a_pod_with_view']:.0f} B with its view"
          "  (floor 8192, stretch 3072)")
    print(f"views of all pods           {figures['decode_seconds'] * 1000:.1f} ms, then a scan {figures['scan_seconds'] * 1000:.2f} ms")


def main():
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            return measure(sys.argv[1], folder)
        server = subprocess.Popen([BENCH, "serve", str(PODS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            measure(kubeconfig_for(server.stdout.readline().strip(), folder), folder)
        finally:
            server.stdin.close()
            server.wait(10)


main()
