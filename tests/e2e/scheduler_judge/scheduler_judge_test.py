#!/usr/bin/python3
"""A real kube-scheduler (Debian's Kubernetes 1.20.2) as judge of the simulator's.

Some two hundred small clusters with pods (cases_nodes.py, cases_pods.py, cases_turns.py, and random_cases.py by a seed) are played to a real control
plane and to the live simulator: which pods get a node, which node, the FailedScheduling sentence, nominated nodes and victims of
preemption. The real scheduler's log tells the score of every node: where several are best it chooses by chance, and any of them is
right; scores are weighted as 1.32 does, and balance is reckoned by 1.32's formula, which differs. What else differs is named with a reason in
differences.txt; a line there that excuses nothing fails. Members that a 1.20 does not know have expectations from the documentation.
The real cluster comes from ../shared/kube-real (exit code 77 = skipped, said loudly). Nodes are objects alone on both sides: no kubelet, no lifecycle controller.
`--running`: the cluster is up (with the options START names); `--only GLOB`; `--random N`, `--seed S`; `--remember FILE`; `--once`.
"""
import argparse
import dataclasses
import fnmatch
import os
import pickle
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "kube_judge"), os.path.join(HERE, "..", "kube_real")]
import cases_nodes  # noqa: E402
import cases_pods  # noqa: E402
import cases_turns  # noqa: E402
import judge  # noqa: E402
import random_cases  # noqa: E402
import real_cluster  # noqa: E402
import second_look  # noqa: E402
import simulated  # noqa: E402
from playing import Api, Player  # noqa: E402
from scoring import Scores, winners  # noqa: E402
from sentences import Rules, compare_sentences  # noqa: E402

START = {"K8S_SCHED_EXTRA": "--vmodule=generic_scheduler=10 --kube-api-qps=500 --kube-api-burst=1000", "K8S_KCM_EXTRA": "--controllers=-nodelifecycle"}


def shared_objects():
    def named(kind, version, name, **more):
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}
    yield from (named("PriorityClass", "scheduling.k8s.io/v1", f"judge-{name}", value=value) for name, value in (("low", -10), ("mid", 10), ("high", 1000)))
    yield named("PriorityClass", "scheduling.k8s.io/v1", "judge-never", value=1000, preemptionPolicy="Never")
    yield named("RuntimeClass", "node.k8s.io/v1", "judge-overhead", handler="runc", overhead={"podFixed": {"cpu": "250m", "memory": "64Mi"}})


@dataclasses.dataclass
class Played:
    seen: dict
    victims: dict


def play_real(cases):
    pki = os.path.join(real_cluster.STATE, "pki")
    player = Player(Api(f"https://127.0.0.1:{real_cluster.PORT}", judge.certificate_context(f"{pki}/ca.crt", f"{pki}/admin.crt", f"{pki}/admin.key")), cases)
    player.prepare(shared_objects())
    time.sleep(8)  # The scheduler's caches follow; a pod that came before its nodes would be refused first.
    steps = [player.play_step(number) for number in range(max((len(case.steps) for case in cases), default=0))]
    return Played(player.seen, player.victims), steps, Scores(os.path.join(real_cluster.STATE, "logs", "kube-scheduler.log"))


def remembered(path, cases):
    """For work on the simulator: what the real cluster did is kept in a file, and read from it the next time."""
    if path and os.path.exists(path):
        with open(path, "rb") as file:
            return pickle.load(file)
    with real_cluster.running():
        played = play_real(cases)
    if path:
        with open(path, "wb") as file:
            pickle.dump(played, file)
    return played


def play_ours(cases, url, real_steps=()):
    """The same, and after each step pods that chance placed elsewhere are put where the real cluster has them."""
    player = Player(Api(url), cases, newer=True)
    player.prepare(shared_objects())
    time.sleep(2)
    for number in range(max((len(case.steps) for case in cases), default=0)):
        step = player.play_step(number)
        for key, theirs in (real_steps[number] if number < len(real_steps) else {}).items():
            mine = step.get(key, {})
            if key[0] not in player.by_name:
                continue
            if "node" in theirs and mine.get("node") != theirs["node"]:
                player.put(*key, theirs["node"])
                if player.prioritized(key[0]):
                    player.start(key, number)
            elif "node" in mine and "node" not in theirs:
                player.delete_pod(*key)
    return player


def judge_case(case, real, ours, scores, rules, wrong):
    def say(pod, what, theirs, mine):
        if not rules.excuse_case(f"{case.name}/{pod}", what):
            wrong[f"{case.name}/{pod} | {what}"] = f"{case.name}/{pod} | {what} | real {theirs} | ours {mine}"
    tied = 0
    for (name, pod), theirs in sorted(real.seen.items()):
        if name != case.name:
            continue
        mine = ours.seen.get((name, pod), {"undecided": True})
        if ("node" in theirs) != ("node" in mine):
            say(pod, "bound", theirs.get("node") or theirs.get("sentence"), mine.get("node") or mine.get("sentence") or "undecided")
        elif "node" in theirs:
            best = winners(case, pod, theirs["node"], scores)
            if theirs.get("nominated"):
                best.add(theirs["nominated"])  # Since 1.22 the node that others made way on is tried first.
            tied += len(best) > 1
            if mine["node"] not in best:
                say(pod, "node", f"{sorted(best)} ({scores.text(name, pod)})", mine["node"])
        else:
            for what, one, other in compare_sentences(theirs.get("sentence", ""), mine.get("sentence", ""), rules):
                say(pod, what, one, other)
        if theirs.get("nominated") != mine.get("nominated"):
            say(pod, "nominated", theirs.get("nominated"), mine.get("nominated"))
    if real.victims.get(case.name) != ours.victims.get(case.name):
        say("*", "victims", sorted(real.victims.get(case.name, ())), sorted(ours.victims.get(case.name, ())))
    return tied


def judge_newer(case, ours, wrong):
    for pod, expected in case.expect.items():
        mine = ours.seen.get((case.name, pod), {})
        if isinstance(expected, str):
            good = expected in mine.get("sentence", "") + mine.get("reason", "")
        else:
            good = mine.get("node", "").removeprefix(case.name + "-") in expected
        if not good:
            wrong[f"{case.name}/{pod} | documentation"] = f"{case.name}/{pod} | expected by the documentation {expected} | ours {mine}"


def look(cases, options):
    """Plays the cases to both: ({name: difference that is not listed}, rules that excuse nothing)."""
    old, newer = [case for case in cases if not case.newer], [case for case in cases if case.newer]
    begin = time.monotonic()
    real, real_steps, scores = remembered(options.remember, old)
    real_seconds = time.monotonic() - begin
    with simulated.running("--live", "--no-kubelets") as url:
        ours = play_ours(old, url, real_steps)
    with simulated.running("--live", "--no-kubelets") as url:
        ours_newer = play_ours(newer, url)
    print(f"played in {real_seconds:.0f} s (real) and {time.monotonic() - begin - real_seconds:.0f} s (simulator)")
    rules, wrong = Rules(os.path.join(HERE, "differences.txt")), {}
    scores.resolve(old, real_steps)
    tied = sum(judge_case(case, real, ours, scores, rules, wrong) for case in old)
    for case in newer:
        judge_newer(case, ours_newer, wrong)
    print(f"{len(cases)} cases, {len(real.seen)} pods; {tied} of them went where chance had a word; {len(wrong)} differences are not listed")
    return wrong, rules.unused() if options.only == "*" else []


def main():
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: the scheduler is not compared with a real one in this run.", flush=True)
        return 77
    options = argparse.ArgumentParser()
    options.add_argument("--running", action="store_true")
    options.add_argument("--remember", metavar="FILE")
    options.add_argument("--once", action="store_true")
    options.add_argument("--only", default="*")
    options.add_argument("--random", type=int, default=70)
    options.add_argument("--seed", default="1")
    options = options.parse_args()
    if not (options.remember and os.path.exists(options.remember)):
        os.environ.update(START)
        real_cluster.enter()
    cases = [*cases_nodes.all_cases(), *cases_pods.all_cases(), *cases_turns.all_cases(), *random_cases.all_cases(options.random, options.seed)]
    cases = [case for case in cases if fnmatch.fnmatch(case.name, options.only)]
    assert len({case.name for case in cases}) == len(cases), "two cases have one name"

    def alone(names):
        return look([case for case in cases if any(name.startswith(case.name + "/") for name in names)], options)
    return second_look.verdict(lambda: look(cases, options), twice=not options.once and not options.remember, alone=alone)


if __name__ == "__main__":
    sys.exit(main())
