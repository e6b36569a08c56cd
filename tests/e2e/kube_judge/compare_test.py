#!/usr/bin/python3
"""Five thousand requests to a real apiserver (Debian's 1.20.2) and to the simulator in one run: status, headers and bodies.

What differs must be named, with a reason, in differences.txt beside this file; any other difference fails the test, and
so does a line there that excuses nothing. The real control plane comes from ../shared/kube-real (exit code 77 = skipped, said
loudly, where it is not there); its controllers and scheduler are stopped, so that two apiservers are compared.
Environment: OPSMESH_SOURCE_DIR, OPSMESH_BIN_DIR; KUBE_REAL_DIR as that folder's README says. `--running` uses a cluster
that is up already; `--only GLOB` by id; `--once`: what differs is not played once more.
"""
import contextlib
import fnmatch
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../kube_real")]
import judge  # noqa: E402
import real_cluster  # noqa: E402
import requests as request_lists  # noqa: E402
import second_look  # noqa: E402
import simulated  # noqa: E402


def real_server():
    pki = os.path.join(real_cluster.STATE, "pki")
    return judge.Server(f"https://127.0.0.1:{real_cluster.PORT}", judge.certificate_context(f"{pki}/ca.crt", f"{pki}/admin.crt", f"{pki}/admin.key"),
                        judge.certificate_context(f"{pki}/ca.crt"), {"bad-token": {"Authorization": "Bearer not.a.token"}}, older=True)


def wait_until_served(server, path):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if server.play({"id": "probe", "path": path})["status"] == 200:
            return
        time.sleep(0.1)


def play(server, request):
    """One request, after what it waits for; "pause" and "pause_before" are seconds that a real server's caches need."""
    if "wait_ready" in request:
        wait_until_served(server, request["wait_ready"])
    if server.older:
        time.sleep(request.get("pause_before", 0))
    answer = server.play(request)
    if server.older:
        time.sleep(request.get("pause", 0))
    return answer


def play_all(servers, only):
    """id -> the answers of the servers, in order."""
    answers = {}
    for request in request_lists.all_requests():
        got = [play(server, request) for server in servers]
        if fnmatch.fnmatch(request["id"], only):
            answers[request["id"]] = got
    return answers


def report(answers, excuses):
    """{"id | path": what differs and is not listed}"""
    wrong, different, total = {}, 0, 0
    for identity, (real, ours) in answers.items():
        found = judge.compare(real, ours)
        unexcused = [one for one in found if not excuses.excuse(identity, *one)]
        total += 1
        different += bool(found)
        for path, a, b in unexcused:
            wrong[f"{identity} | {path}"] = f"{identity} | {path} | real {json.dumps(a)[:300]} | ours {json.dumps(b)[:300]}"
    print(f"{total} requests; {total - different} answered the same, {different} differ somewhere; {len(wrong)} differences are not listed")
    return wrong


def play_both(only):
    with contextlib.ExitStack() as stack:
        stack.enter_context(real_cluster.running())
        if not real_cluster.RUNNING:
            real_cluster.stop_controllers()
        ours = judge.Server(stack.enter_context(simulated.running()), users={"bad-token": {"Authorization": "Bearer not.a.token"}})
        return play_all([real_server(), ours], only)


def main():
    if real_cluster.missing():
        print(f"SKIPPED: no {real_cluster.missing()}: nothing is compared with a real apiserver in this run.", flush=True)
        return 77
    real_cluster.enter()
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else "*"

    def look():
        excuses = judge.Excuses(os.path.join(HERE, "differences.txt"))
        wrong = report(play_both(only), excuses)
        return wrong, excuses.unused() if only == "*" else []
    return second_look.verdict(look, twice="--once" not in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
