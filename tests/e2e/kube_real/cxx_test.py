#!/usr/bin/python3
"""The C++ tests that need a real control plane: libs/kube against it, and a simulated copy of it.

Starts ../shared/kube-real with two simulated nodes and the workloads of workload.yaml, runs the test programs, removes
all. Exit code 77 = skipped, said loudly. A test that skips itself although the control plane runs is a failure.
"""
import os
import subprocess
import sys

import real_cluster

TESTS = os.path.join(os.path.dirname(os.environ["OPSMESH_BIN_DIR"]), "tests")
PROGRAMS = ("opsmesh_tests_e2e_kube_fork_test", "opsmesh_libs_kube_real_test")  # the second restarts the API server


def run_tests():
    good = True
    for program in PROGRAMS:
        result = subprocess.run([os.path.join(TESTS, program)], stdout=subprocess.PIPE, text=True, timeout=1500)
        print(result.stdout, flush=True)
        if "[  SKIPPED ]" in result.stdout:
            print(f"{program}: a test skipped itself although the control plane runs", flush=True)
            good = False
        good = good and result.returncode == 0
    return good


def main():
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: nothing is tested on a real control plane in this run.", flush=True)
        return 77
    real_cluster.enter()
    with real_cluster.running(simulated=("n1", "n2")):
        real_cluster.kubectl("apply", "-f", os.path.join(os.path.dirname(os.path.abspath(__file__)), "workload.yaml"))
        for deployment in ("cart", "web"):
            real_cluster.kubectl("rollout", "status", "-n", "shop", f"deployment/{deployment}", "--timeout=120s")
        return 0 if run_tests() else 1


if __name__ == "__main__":
    sys.exit(main())
