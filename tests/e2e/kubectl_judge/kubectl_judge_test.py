#!/usr/bin/python3
"""kubectl plays the same commands to a real cluster (Debian's Kubernetes 1.20.2 with a real node) and to the live simulator.

What people read is compared: standard output, errors and exit codes, with names, addresses, ages and uids masked. What differs
must be named in differences.txt beside this file with a reason; anything else fails, and so does a line there that excuses nothing.
The real cluster comes from ../shared/kube-real (exit code 77 = skipped, said loudly); its node needs root.
`--running`: the real cluster is up; `--only REGEX`; `--save DIR` keeps both transcripts; `--once`: what differs is not played once more.
"""
import concurrent.futures
import contextlib
import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", one) for one in ("kube_judge", "kube_real")]
import real_cluster  # noqa: E402
import second_look  # noqa: E402
import simulated  # noqa: E402

UNTIL_SECONDS = 150

MASKS = [(re.compile(pattern), to) for pattern, to in [
    (r"\x1b\[[0-9;]*m", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r"https?://127\.0\.0\.1:\d+", "<server>"),
    (r"\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|127\.0\.0\.1)\b", "<ip>"),
    (r"\b[a-z]+://[0-9a-f]{64}\b", "<container id>"),
    (r"sha256:[0-9a-f]{64}", "<digest>"),
    (r"\b[bcdf0-9][bcdf0-9456789ghjklmnpqrstvwxz]{5,9}-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "<hash>-<random>"),
    (r"-[bcdf0-9ghjklmnpqrstvwxz]{8,10}\b(?=[\s/\",]|$)", "-<hash>"),
    (r"pod-template-hash=\w+", "pod-template-hash=<hash>"),
    (r"controller-revision-hash=[\w-]+", "controller-revision-hash=<hash>"),
    (r"\b(agent|once|j1|manual|default-token|robot-token)-[bcdfghjklmnpqrstvwxz2456789]{5}\b", r"\1-<random>"),
    (r"(?<![=\w.\-/*])(\d+d)?(\d+h)?(\d+m)?\d+(\.\d+)?m?s\b|(?<![=\w.\-/*])\d+[mhd]\b(?=[\s)]|$)", "<age>"),
    (r"\(x\d+ over <age>\)", ""),
    (r"(\d+) \(<age> ago\)", r"\1"),
    # A container that crashes is in one of these states, and has crashed some times.
    (r"\b(Init:)?(Error|CrashLoopBackOff|RunContainerError|PostStartHookError|OOMKilled|Completed)( +)[1-9]\d*\b", r"\1<crashing>\3<n>"),
    (r"(Restart Count: +)[1-9]\d*", r"\1<n>"),
    (r"(kube-api-access|default-token)-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "<token volume>"),
    (r"resourceVersion: \"\d+\"", "resourceVersion: <rv>"),
    (r"\"resourceVersion\": ?\"\d+\"", '"resourceVersion":"<rv>"'),
    (r"NodePort: +<unset> +\d+", "NodePort: <port>"),
    (r"80:3\d{4}/TCP", "80:<port>/TCP"),
    (r"[ \t]+", " "),
]]


def mask(text):
    for pattern, to in MASKS:
        text = pattern.sub(to, text)
    return [line.strip() for line in text.split("\n") if line.strip()]


class Side:
    """One cluster with a kubectl that has a HOME of its own."""

    def __init__(self, name, kubeconfig, folder):
        self.name, self.home = name, os.path.join(folder, name)
        os.makedirs(self.home)
        self.transcript = []
        self.environment = {"HOME": self.home, "KUBECONFIG": kubeconfig, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                            "KUBE_EDITOR": f"sed -i s/debug/warn/", "NO_PROXY": "*"}

    def once(self, command):
        try:
            done = subprocess.run(["kubectl", *command], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return "(no end within 300 s)"
        return (done.stdout + done.stderr).decode("utf-8", "replace") + ("" if done.returncode == 0 else f"\n(exit {done.returncode})")

    def play(self, commands):
        for pattern, words in commands:
            end = time.monotonic() + UNTIL_SECONDS
            while True:
                text = self.once(words)
                if pattern is None or re.search(pattern, text) or time.monotonic() > end:
                    break
                time.sleep(0.3)
            self.transcript.append(text)


def read_commands(path):
    commands = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            pattern = None
            if line.startswith("until "):
                pattern, line = line[6:].split(" :: ", 1)
            commands.append((line, pattern, shlex.split(line.replace("{dir}", HERE))))
    return commands


class Excuses:
    """Lines `COMMAND REGEX | LINE REGEX | reason`: a differing line of a command's answer that is meant to differ."""

    def __init__(self, path):
        self.rules = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if line.strip() and not line.startswith("#"):
                        command, text, reason = re.fullmatch(r"(\S.*?) \| (.*) \| (.*)", line.strip()).groups()
                        self.rules.append([re.compile(command), re.compile(text), reason, 0])

    def excuse(self, command, line):
        for rule in self.rules:
            if rule[0].fullmatch(command) and rule[1].search(line):
                rule[3] += 1
                return True
        return False

    def unused(self):
        return [f"{rule[0].pattern} | {rule[1].pattern} | {rule[2]}" for rule in self.rules if rule[3] == 0 and not rule[2].startswith("sometimes:")]


# What these print has no order of its own, or one of arrival; and an event may be told once or twice.
UNORDERED = ("get ", "describe ", "api-", "auth can-i --list", "logs ", "delete ", "drain ", "rollout status ")


def lines_of(command, text):
    lines = mask(text)
    return sorted(set(lines)) if command.startswith(UNORDERED) and "-o yaml" not in command and "-o json" not in command else lines


def compare(commands, real, ours, excuses):
    """{"command line": what differs and is not listed}"""
    wrong, same = {}, 0
    for (command, _, _), a, b in zip(commands, real.transcript, ours.transcript):
        pairs = difflib.ndiff(lines_of(command, a), lines_of(command, b))
        lines = [line for line in pairs if line[0] in "+-" and not excuses.excuse(command, line)]
        if not lines:
            same += 1
            continue
        wrong.update({f"{command} {line}": f"$ kubectl {command}\n    {'real' if line[0] == '-' else 'ours'}  {line[2:]}" for line in lines})
    print(f"{len(commands)} commands: {same} answered alike or differ as listed, {len(commands) - same} do not")
    return wrong


def play_both(commands):
    """Both clusters' answers, each told by a Side."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(real_cluster.running(node=True))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = os.path.join(folder, "config")
        stack.enter_context(simulated.running("--live", "--folder", os.path.join(HERE, "cluster"), kubeconfig=config))
        sides = [Side("real", real_cluster.ADMIN, folder), Side("ours", config, folder)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for played in [pool.submit(side.play, [(pattern, words) for _, pattern, words in commands]) for side in sides]:
                played.result()
        return sides


def save(sides, commands, where):
    for side in sides:
        with open(os.path.join(where, side.name + ".txt"), "w", encoding="utf-8") as file:
            for (command, _, _), text in zip(commands, side.transcript):
                file.write(f"$ kubectl {command}\n{text}\n")


def main():
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: kubectl does not compare the simulator with a real cluster in this run.", flush=True)
        return 77
    if shutil.which("kubectl") is None or not real_cluster.IS_ROOT:
        print("SKIPPED: this comparison needs kubectl and, for a real node, root.", flush=True)
        return 77
    os.environ["K8S_KUBELET_EXTRA"] = "--event-qps=500 --event-burst=1000"  # events are read soon after they happened
    real_cluster.enter()
    print(subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True).stdout.strip().split("\n")[0])
    commands = read_commands(os.path.join(HERE, "verbs.txt"))
    if "--only" in sys.argv:
        only = re.compile(sys.argv[sys.argv.index("--only") + 1])
        commands = [one for one in commands if only.search(one[0])]

    def look():
        begin = time.monotonic()
        sides = play_both(commands)
        print(f"played in {time.monotonic() - begin:.0f} s")
        if "--save" in sys.argv:
            save(sides, commands, sys.argv[sys.argv.index("--save") + 1])
        excuses = Excuses(os.path.join(HERE, "differences.txt"))
        return compare(commands, *sides, excuses), [] if "--only" in sys.argv else excuses.unused()
    return second_look.verdict(look, twice="--once" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
