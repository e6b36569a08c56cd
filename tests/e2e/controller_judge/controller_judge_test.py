#!/usr/bin/python3
"""The controllers of the live simulator beside the real kube-controller-manager (Debian's 1.20.2): the same scenarios are played to both.

A scenario (scenarios_*.py) acts in a namespace of its own, waits for what the documentation promises, and notes the settled objects: metadata, spec, status,
conditions with reason and message. The events that controllers write are compared as a set. Names by chance, uids, times and addresses are masked. What differs
must be named in differences.txt beside this file with a reason; anything else fails, and so does a line there that excuses nothing.
On the real side pods are played by fake_kubelet.py, in the simulator by its kubelets; what kubelets and scheduler say is not compared here.
The real control plane comes from ../shared/kube-real (exit code 77 = skipped, said loudly). `--running`: it is up already;
`--only REGEX` by scenario; `--ours`: the simulator alone, prints its notes; `--save DIR` keeps both notes, `--load DIR` compares them once more; `--once`: what differs is not played once more.
"""
import concurrent.futures
import json
import os
import pickle
import re
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, *(os.path.join(HERE, "..", one) for one in ("kube_judge", "kube_real"))]
import real_cluster  # noqa: E402
import second_look  # noqa: E402
import simulated  # noqa: E402
from side import Play, Side, judge  # noqa: E402
import scenario  # noqa: E402

# What 1.32 does and 1.20 had behind a gate; and a controller manager that many scenarios at once do not throttle.
os.environ.setdefault("K8S_APISERVER_EXTRA", "--feature-gates=TTLAfterFinished=true")
os.environ.setdefault("K8S_KCM_EXTRA", "--feature-gates=CronJobControllerV2=true,TTLAfterFinished=true --kube-api-qps=300 --kube-api-burst=600 --pvclaimbinder-sync-period=3s")
AT_ONCE = 24
BRIEF = ("turn_", "task_", "tie_")  # scenarios that take what they made away: nodes have room for so many pods only


def play_one(side, name, function, kinds):
    play = Play(side, name, kinds)
    begin = time.monotonic()
    try:
        play.begin()
        function(play)
    except Exception:  # noqa: BLE001  One scenario's mistake must not hide the others' results.
        play.trouble.append("exception: " + traceback.format_exc())
    if name.startswith(BRIEF):
        play.leave()
    play.seconds = time.monotonic() - begin
    return play


def play_all(side, chosen):
    """Long ones first, all at once as far as there are threads."""
    side.prepare()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {name: pool.submit(play_one, side, name, function, kinds) for name, (function, kinds, _) in chosen.items()}
        plays = {name: future.result() for name, future in futures.items()}
        # A real recorder may be seconds behind.
        time.sleep(4)
        list(pool.map(Play.end, (play for play in plays.values() if not play.left)))
    return plays


def compare(name, real, ours):
    """Differences of one scenario: (id, path, real, ours)."""
    a, b, found = real.notes(), ours.notes(), []
    for key in sorted(set(a) | set(b)):
        identity = "/".join((name,) + key)
        left, right = a.get(key, []), b.get(key, [])
        if key[1] == "event" or key[0] == "trouble":
            if bool(left) != bool(right):
                found.append((f"{name}/{key[0]}", "text", key[2] if left else judge.ABSENT, key[2] if right else judge.ABSENT))
            continue
        if len(left) != len(right):
            found.append((identity, "count", str(len(left)), str(len(right))))
        left, right = pair(left, right)
        for x, y in zip(left, right):
            found += [(identity, path, u, v) for path, u, v in judge.differences(x, y, "object")]
    return found


def pair(left, right):
    """Objects of the same name: those that are equal together, the rest in order."""
    left, right = list(left), list(right)
    for x in list(left):
        if x in right:
            left.remove(x)
            right.remove(x)
    def key(value):
        return json.dumps(value, sort_keys=True)
    return sorted(left, key=key), sorted(right, key=key)


def simulator():
    return simulated.running("--live", "--folder", os.path.join(HERE, "cluster"))


def real_side():
    pki = os.path.join(real_cluster.STATE, "pki")
    return Side("real", f"https://127.0.0.1:{real_cluster.PORT}", judge.certificate_context(f"{pki}/ca.crt", f"{pki}/admin.crt", f"{pki}/admin.key"), real=True)


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def show_notes(plays, directory, name):
    with open("/dev/stdout" if directory is None else os.path.join(directory, name + ".txt"), "w", encoding="utf-8") as file:
        for scenario_name, play in sorted(plays.items()):
            file.write(f"=== {scenario_name} ({play.seconds:.1f} s)\n")
            for key, values in sorted(play.notes().items()):
                for value in values:
                    file.write("/".join(key) + (" " + json.dumps(value, sort_keys=True) if value != {} else "") + "\n")


def report(real, ours, complete):
    """({name of a difference: what differs and is not listed}, rules that excuse nothing)"""
    excuses = judge.Excuses(os.path.join(HERE, "differences.txt"))
    wrong, excused = {}, 0
    for name in sorted(real):
        for identity, path, a, b in compare(name, real[name], ours[name]):
            if excuses.excuse(identity, path, a, b):
                excused += 1
                continue
            wrong[f"{identity} | {path}"] = f"{identity} | {path}\n    real {judge.as_text(a)}\n    ours {judge.as_text(b)}"
    stale = excuses.unused() if complete else []
    notes = sum(len(v) for v in real.values() for v in v.notes().values())
    print(f"{len(real)} scenarios, {notes} notes: {len(wrong)} differences, {excused} as listed, {len(stale)} rules that excuse nothing")
    return wrong, stale


def look(chosen):
    """Both sides play; the comparison."""
    with simulator() as url, real_cluster.running(simulated=("n1", "n2", "n3", "n4=dark", "n5")):
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            playing = {side.name: pool.submit(play_all, side, chosen) for side in (real_side(), Side("ours", url))}
            results = {name: play.result() for name, play in playing.items()}
        print(f"played in {time.monotonic() - begin:.0f} s")
    if option("--save"):
        keep(results, option("--save"))
    return report(results["real"], results["ours"], complete=not option("--only"))


def keep(results, directory):
    for name, plays in results.items():
        show_notes(plays, directory, name)
        for play in plays.values():
            play.side = None
    with open(os.path.join(directory, "plays"), "wb") as file:
        pickle.dump(results, file)


def main():
    if option("--load"):
        with open(os.path.join(option("--load"), "plays"), "rb") as file:
            results = pickle.load(file)
        return second_look.verdict(lambda: report(results["real"], results["ours"], complete=True), twice=False)
    if "--ours" not in sys.argv:
        if real_cluster.missing():
            print(f"SKIPPED: no {real_cluster.missing()}: our controllers are not compared with real ones in this run.", flush=True)
            return 77
        real_cluster.enter()
    only = re.compile(option("--only") or "")
    chosen = dict(sorted(((n, s) for n, s in scenario.all_scenarios().items() if only.search(n)), key=lambda s: -s[1][2]))
    if "--ours" in sys.argv:
        with simulator() as url:
            show_notes(play_all(Side("ours", url), chosen), None, "ours")
        return 0

    def alone(names):
        return look({name: steps for name, steps in chosen.items() if any(one.startswith(name + "/") for one in names)})
    return second_look.verdict(lambda: look(chosen), twice="--once" not in sys.argv, alone=alone)


if __name__ == "__main__":
    sys.exit(main())
