#!/usr/bin/env python3
"""The simulated cluster in figures: living ones in virtual time, and its apiserver beside a real one (Debian's 1.20.2) in one run.

    ./dev bench kubesim                  everything
    ./dev bench kubesim live|beside      one half
    ./dev bench kubesim soak [MINUTES]   a live cluster in real time under people, churn, faults and copies (5): nothing may grow, fail or get lost

What must hold is a ratio within the run: to the real server, or (where the simulator lives alone) to round trips of a pod's JSON through
the plain library, timed around each measure; so that a slower or busier machine changes nothing. The real control plane comes from
../shared/kube-real as the tests start it; where it cannot be had the ratios to it are left out, and that is said.
KUBE_REAL_DIR: where a built one is kept. OPSMESH_BENCH_PODS: how many pods the two servers hold (20000).
"""
import json
import os
import resource
import subprocess
import sys
import time

import beside
import soak
import watching
from servers import LIVE, Server, Simulator, real_cluster, real_server

PODS, NODES, MOST_BYTES = 20000, 500, 1 << 30
BESIDE_PODS = int(os.environ.get("OPSMESH_BENCH_PODS", "20000"))

# Round trips of a pod's JSON that a measure may cost, by measure: half as much again as on a quiet machine of two cores, for a round
# trip's own time varies with what lies in the caches.
TRIPS = {
    "demo hour": 12500,
    "5000 pods: start": 80 * 5000,
    "5000 pods with a claim: start": 140 * 5000,
    "5000 pods: idle": 56000,
    "5000 pods: fork": 3500,
    "5000 pods: fork's first minute": 12 * 5000,
    "5000 pods: rollout of 1000": 100 * 1000,
    "5000 pods: node failure": 26000,
    "20000 pods: start": 80 * 20000,
    "20000 pods: idle": 200000,
    "20000 pods: fork": 14000,
    "20000 pods: fork's first minute": 12 * 20000,
    "20000 pods: rollout of 1000": 150 * 1000,
    "20000 pods: node failure": 51000,
}


def judge_live(got):
    """What is missed by one measure of opsmesh_bench_kubesim_live."""
    name, most, missed = got["measure"], TRIPS.get(got["measure"]), []
    if most and got["trips"] > most:
        missed.append(name)
    if got.get("fork_mib", 0) > got.get("cluster_mib", 0):
        missed.append(f"memory of the {name}")
    if got["peak_mib"] * 2**20 > MOST_BYTES and "fork" not in name:
        missed.append(f"memory at {name}")
    if ("rollout" in name or "failure" in name) and not got["simulated_minutes"]:
        missed.append(f"{name} does not end")
    if "start" in name and "pods" in name and got["ready"] != int(name.split()[0]):
        missed.append(f"{name}: all ready")
    return missed


def live_run(*arguments):
    """A cluster that lives, in virtual time."""
    missed = []
    with subprocess.Popen([LIVE, *arguments], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            got = json.loads(line)
            most = TRIPS.get(got["measure"])
            more = ", ".join(f"{got[key]} {text}" for key, text in (("simulated_minutes", "simulated minutes"), ("writes", "writes"), ("lost", "pods lost"), ("ready", "pods ready")) if key in got)
            if "fork_mib" in got:
                more += f", {got['fork_mib']:.0f} MiB more than the cluster's {got['cluster_mib']:.0f} alone"
            print(f"live             {got['measure']}: {got['cpu_seconds']:.2f} s of processor, {got['trips']:.0f} round trips{f' (floor {most})' if most else ''}{', ' + more if more else ''},"
                  f" {got['rss_mib']:.0f} MiB, peak {got['peak_mib']:.0f}", flush=True)
            missed += judge_live(got)
    return missed + ([] if process.returncode == 0 else ["the live cluster"])


def live():
    return (live_run("demo") + live_run("cluster", "5000", "100", "60") + live_run("volumes", "5000", str(NODES))
            + live_run("cluster", str(PODS), str(NODES), "60"))


def stored():
    """Memory of pods that do nothing, at rest and after somebody listed them all."""
    begin = time.monotonic()
    with Simulator("--nodes", str(NODES), "--pods", str(PODS)) as simulator:
        filled, server = time.monotonic() - begin, simulator.server()
        rest = server.memory()
        elapsed, got = server.ask("GET", "/api/v1/pods")
        count, peak, kept = got.count(b'"hostIP"'), server.memory("VmHWM"), server.memory()
    print(f"stored           {PODS} pods on {NODES} nodes: RSS {rest / 2**20:.0f} MiB at rest ({rest / PODS / 1024:.1f} KiB a pod), {kept / 2**20:.0f} after a whole list, peak {peak / 2**20:.0f}"
          f" (floor 1024); list {elapsed:.0f} ms, {len(got) / 2**20:.0f} MiB; filled in {filled:.1f} s", flush=True)
    return [name for name, good in (("memory", peak <= MOST_BYTES), ("the list is whole", count >= PODS)) if not good]


def alone():
    print(f"no {real_cluster.STATE}/bin (`./dev test -L kube-real` builds it): nothing is compared with a real apiserver, and no ratio to it is printed", flush=True)
    with Simulator() as simulator:
        server = simulator.server()
        return beside.requests([server], BESIDE_PODS) + watching.judge(watching.fan_out(server), watching.fan_out(server, slow=True), None) + watching.slow(server)


def both():
    print("real: Debian's kube-apiserver 1.20.2 with etcd; simulated: opsmesh_kubesim; both over TLS, in turns", flush=True)
    with real_cluster.running(), Simulator("--tls") as simulator:
        real, ours = real_server(), simulator.server()
        real_takes = beside.controllers(real)
        real_cluster.stop_controllers()
        with Simulator("--live") as alive:
            we_take = beside.controllers(Server("simulated", alive.host, alive.port))
        print(f"controllers      a Deployment's {beside.MADE} pods are made in {we_take:.2f} s simulated (in real time), {real_takes:.2f} s real   ratio {we_take / real_takes:.2f} (floor 1)", flush=True)
        missed = ["controllers slower than the real ones"] if we_take > real_takes else []
        missed += watching.judge(watching.fan_out(ours), watching.fan_out(ours, slow=True), watching.fan_out(real))
        missed += beside.requests([ours, real], BESIDE_PODS)
        return missed + watching.slow(ours)


def told(missed):
    print("MISSED: " + ", ".join(missed) if missed else "ok", flush=True)
    return 1 if missed else 0


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what not in ("", "live", "beside", "soak"):
        raise SystemExit(__doc__)
    if what == "soak":
        return told(soak.soak(float(sys.argv[2]) if len(sys.argv) > 2 else 5))
    real_cluster.enter(build=False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    begin, missed = time.monotonic(), []
    if what != "beside":
        missed += live() + stored()
    if what != "live":
        missed += both() if real_cluster.is_built() and not real_cluster.missing() else alone()
    print(f"{time.monotonic() - begin:.0f} s in all")
    return told(missed)


if __name__ == "__main__":
    sys.exit(main())
