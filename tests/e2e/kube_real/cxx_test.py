#!/usr/bin/python3
"""The C++ tests that need a real control plane: libs/kube against it, and a simulated copy of it.

Starts ../shared/kube-real with two simulated nodes and the workloads of workload.yaml, runs the test programs, removes
all. Exit code 77 = skipped, said loudly. A test that skips itself although the control plane runs is a failure.
"""
import fcntl
import os
import subprocess
import sys

SOURCE = os.environ["OPSMESH_SOURCE_DIR"]
TESTS = os.path.join(os.path.dirname(os.environ["OPSMESH_BIN_DIR"]), "tests")
TOOLS = os.path.join(SOURCE, "..", "shared", "kube-real")
STATE = os.environ.setdefault("KUBE_REAL_DIR", os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kube-real"))
PROGRAMS = ("opsmesh_tests_e2e_kube_fork_test", "opsmesh_libs_kube_real_test")  # the second restarts the API server


def tool(name, *arguments, timeout=600):
    subprocess.run([os.path.join(TOOLS, name), *arguments], check=True, stdout=subprocess.DEVNULL, timeout=timeout)


def kubectl(*arguments):
    subprocess.run(["kubectl", "--kubeconfig", os.path.join(STATE, "admin.kubeconfig"), *arguments], check=True, stdout=subprocess.DEVNULL, timeout=180)


def run_tests():
    good = True
    for program in PROGRAMS:
        result = subprocess.run([os.path.join(TESTS, program)], stdout=subprocess.PIPE, text=True, timeout=400)
        print(result.stdout, flush=True)
        if "[  SKIPPED ]" in result.stdout:
            print(f"{program}: a test skipped itself although the control plane runs", flush=True)
            good = False
        good = good and result.returncode == 0
    return good


def main():
    if not os.path.isdir(TOOLS):
        print(f"SKIPPED: no {TOOLS}: nothing is tested on a real control plane in this run.", flush=True)
        return 77
    os.makedirs(STATE, exist_ok=True)
    with open(os.path.join(STATE, "test.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tool("build.sh", timeout=3000)
        try:
            tool("up.sh", "--fresh")
            tool("node.sh", "sim", "n1", "n2")
            kubectl("apply", "-f", os.path.join(os.path.dirname(os.path.abspath(__file__)), "workload.yaml"))
            for deployment in ("cart", "web"):
                kubectl("rollout", "status", "-n", "shop", f"deployment/{deployment}", "--timeout=120s")
            return 0 if run_tests() else 1
        finally:
            tool("down.sh", "--wipe")


if __name__ == "__main__":
    sys.exit(main())
