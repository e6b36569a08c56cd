"""A live simulator in real time under clients that come and go: nothing may grow."""
import os
import random
import subprocess
import threading
import time

from servers import Simulator, quantile

WORKERS, SAMPLE_SECONDS = 4, 10
KUBECTL = os.environ.get("KUBECTL", "kubectl")


def figures(pid):
    """Resident bytes, threads, descriptors."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmRSS"].split()[0]) * 1024, int(lines["Threads"]), len(os.listdir(f"/proc/{pid}/fd"))


class Worker(threading.Thread):
    """One person at a kubectl: makes something, looks at it, follows logs, watches, takes it away; again."""

    def __init__(self, number, config, end):
        super().__init__()
        self.number, self.config, self.end, self.rounds, self.failed = number, config, end, 0, []

    def kubectl(self, *arguments, timeout=60, cut=0):
        """`cut`: it is killed after so many seconds, as by Ctrl-C."""
        process = subprocess.Popen([KUBECTL, "--kubeconfig", self.config, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said, _ = process.communicate(timeout=cut or timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            if not cut:
                self.failed.append(f"{arguments}: no end in {timeout} s")
            return
        if process.returncode and not cut:
            self.failed.append(f"{arguments}: {said.strip()[-300:]}")

    def run(self):
        chance = random.Random(self.number)
        while time.monotonic() < self.end:
            name, space = f"w{self.number}-{self.rounds}", f"soak-{self.number}"
            if self.rounds == 0:
                self.kubectl("create", "namespace", space)
            self.kubectl("-n", space, "create", "deployment", name, "--image=nginx:1.27", f"--replicas={chance.randint(1, 5)}")
            self.kubectl("-n", space, "rollout", "status", f"deployment/{name}", "--timeout=50s")
            self.kubectl("-n", space, "logs", "-f", f"deployment/{name}", cut=1 + chance.random())
            self.kubectl("-n", space, "get", "pods", "-w", cut=0.5 + chance.random())
            self.kubectl("-n", space, "scale", f"deployment/{name}", "--replicas=0")
            self.kubectl("get", "pods", "-A", "-o", "wide")
            self.kubectl("-n", space, "delete", "deployment", name, "--wait=true")
            self.kubectl("-n", space, "delete", "events", "--all")  # they would stay an hour
            self.rounds += 1


def fill_history(server):
    """As much of the past as the server ever remembers: it does not grow any more."""
    path = "/api/v1/namespaces/default/configmaps"
    server.ask("POST", path, {"metadata": {"name": "past"}})
    for i in range(800):
        server.ask("PATCH", f"{path}/past", {"data": {"x": f"{i:05}" * 20000}}, "application/merge-patch+json")
    server.ask("DELETE", f"{path}/past")


def soak(minutes):
    """What grew."""
    with Simulator("--demo", "--live", "--tls") as simulator:
        fill_history(simulator.server())
        end = time.monotonic() + 60 * minutes
        workers = [Worker(number, simulator.config, end) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        samples = []
        while time.monotonic() < end:
            time.sleep(SAMPLE_SECONDS)
            samples.append(figures(simulator.process.pid))
        for worker in workers:
            worker.join(120)
        time.sleep(5)
        rest = figures(simulator.process.pid)
    rounds, failed = sum(worker.rounds for worker in workers), [text for worker in workers for text in worker.failed]
    third = len(samples) // 3
    middle, last = samples[third:2 * third], samples[2 * third:]
    typical = [[quantile([sample[i] for sample in part], .5) for i in range(3)] for part in (middle, last)]
    print(f"soak             {minutes} minutes, {WORKERS} people, {rounds} deployments made, followed and deleted, {len(failed)} commands failed; "
          f"middle third: {typical[0][0] >> 20} MiB, {typical[0][1]} threads, {typical[0][2]} descriptors; last third: {typical[1][0] >> 20} MiB, {typical[1][1]} threads, {typical[1][2]} descriptors; "
          f"at rest afterwards {rest[0] >> 20} MiB, {rest[1]} threads, {rest[2]} descriptors", flush=True)
    for text in failed[:10]:
        print(f"                 {text}")
    missed = ["commands under soak"] if failed else []
    if typical[1][0] > 1.1 * typical[0][0] + (4 << 20):
        missed.append("memory under soak")
    return missed + [name for i, name in ((1, "threads under soak"), (2, "descriptors under soak")) if typical[1][i] > typical[0][i] + 8]
