#!/usr/bin/python3
"""Requests that were invented one by one (invented.py, strict.py), to the simulator; a real 1.32.13 was asked the same: status, headers and bodies.

invented_answers.json.gz and strict_answers.json.gz hold its answers. What differs must be named, with a reason, in invented_differences.txt and
strict_differences.txt (as in differences.txt); any other difference fails the test, and so does a line there that excuses nothing. `--write NAME
ANSWERS.pickle` makes a recording (invented, strict) anew from answers of a real server, `--list` prints what differs and is not listed.
Environment: OPSMESH_SOURCE_DIR, OPSMESH_BIN_DIR.
"""
import gzip
import json
import os
import pickle
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import invented  # noqa: E402
import judge  # noqa: E402
import lives  # noqa: E402
import simulated  # noqa: E402
import strict  # noqa: E402

# Each list has a cluster of its own.
LISTS = {"invented": lambda: [*lives.setup(), *invented.invented()], "strict": lambda: list(strict.strict())}
LONGEST = 4000  # of a text that is kept


def kept(answer):
    """What is compared of a recorded answer: without what no two servers have in common."""
    headers = {name: value for name, value in answer["headers"].items() if name in judge.HEADERS + judge.PRESENT}
    body = answer["json"]
    return {"status": answer["status"], "headers": headers, "text": "" if body is not None else judge.neutral_text(answer["text"])[:LONGEST], "json": body}


def ask(name):
    with simulated.running() as url:
        server = judge.Server(url)
        return {request["id"]: kept(server.play(request)) for request in LISTS[name]()}


def recording(name):
    return os.path.join(HERE, f"{name}_answers.json.gz")


def write(name, answers):
    with open(answers, "rb") as file:
        recorded = {key: kept(value) for key, value in pickle.load(file).items() if key.startswith(("inv-", "near-"))}
    with open(recording(name), "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(json.dumps(recorded, sort_keys=True).encode())


def compare(name):
    """False when something differs that is not listed, or when a line of the list excuses nothing."""
    with gzip.open(recording(name)) as file:
        real = json.load(file)
    ours = {key: answer for key, answer in ask(name).items() if not key.startswith("setup-")}
    excuses = judge.Excuses(os.path.join(HERE, f"{name}_differences.txt"))
    wrong, different = [], 0
    for identity, answer in real.items():
        found = judge.compare(answer, ours[identity]) if identity in ours else [("status", answer["status"], judge.ABSENT)]
        different += bool(found)
        wrong += [f"{identity} | {path} | real {json.dumps(a)[:300]} | ours {json.dumps(b)[:300]}" for path, a, b in found if not excuses.excuse(identity, path, a, b)]
    stale = excuses.unused()
    for line in wrong[:2000 if "--list" in sys.argv else 40]:
        print(line)
    for line in stale[:40]:
        print(f"{name}_differences.txt:", line)
    print(f"{name}: {len(real)} requests, {len(real) - different} answered as a real 1.32 does, {len(wrong)} differences are not listed")
    return not wrong and not stale and set(ours) == set(real)


def main():
    if "--write" in sys.argv:
        write(*sys.argv[sys.argv.index("--write") + 1:][:2])
    return 0 if all([compare(name) for name in LISTS]) else 1


if __name__ == "__main__":
    sys.exit(main())
