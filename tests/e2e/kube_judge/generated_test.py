#!/usr/bin/python3
"""Thousands of objects with one wrong member each, as generated.py makes them, and changes of good ones, as updates.py makes them, to the simulator; a
real 1.32.13 was asked the same.

generated_answers.json.gz holds what it answered: status, and of a refusal field, reason and sentence of each cause, or the sentence where there
are none. What still differs stands by id in generated_differences.txt; any other difference fails the test, and so does a line there that no
longer differs. `--write ANSWERS.pickle...` makes the recording anew from answers of a real server, `--list` prints what differs, `--known` writes
that list. Structs are compared by their type only: Go prints all their members. Environment: OPSMESH_SOURCE_DIR, OPSMESH_BIN_DIR.
"""
import gzip
import json
import os
import pickle
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import generated  # noqa: E402
import judge  # noqa: E402
import lives  # noqa: E402
import simulated  # noqa: E402
import updates  # noqa: E402

ANSWERS, KNOWN = os.path.join(HERE, "generated_answers.json.gz"), os.path.join(HERE, "generated_differences.txt")
SEEDS, CHANGES = (1, 2), (1,)
STRUCT = re.compile(r"\b((?:\[\])?(?:apiextensions|core|batch|networking|storage|runtime|v1)\.\w+)(?:\{.*\}|\(nil\))(?=: )", re.S)


def sentence(text):
    """A sentence without addresses, times, what is in structs, and Go's pictures of what changed."""
    return STRUCT.sub(r"\1{...}", judge.neutral_text(judge.STRUCTURES.sub("", text)))


def essence(answer):
    """What must agree: [status] or [status, causes or the sentence]."""
    body = answer["json"] if isinstance(answer["json"], dict) else {}
    if answer["status"] < 300:
        return [answer["status"]]
    causes = (body.get("details") or {}).get("causes")
    if causes:
        return [answer["status"], sorted(f"{c.get('field', '')} {c.get('reason', '')}: {sentence(c.get('message', ''))}" for c in causes)]
    return [answer["status"], sentence(body.get("message", ""))]


def told(recorded):
    """What was recorded, with what is compared of its sentences now."""
    if len(recorded) > 1:
        recorded[1] = sorted(map(sentence, recorded[1])) if isinstance(recorded[1], list) else sentence(recorded[1])
    return recorded


def asked():
    for seed in SEEDS:
        yield from generated.generated(seed)
    for seed in CHANGES:
        yield from updates.updates(seed)


def ask():
    with simulated.running() as url:
        server = judge.Server(url)
        for request in lives.setup():
            server.play(request)
        return {request["id"]: essence(server.play(request)) for request in asked()}


def main():
    if "--write" in sys.argv:
        answers = {}
        for name in (word for word in sys.argv if word.endswith(".pickle")):
            with open(name, "rb") as file:
                answers.update({key: essence(value) for key, value in pickle.load(file).items() if key.startswith(("gen-", "upd-"))})
        with open(ANSWERS, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            packed.write(json.dumps(answers, sort_keys=True).encode())
    with gzip.open(ANSWERS) as file:
        real = {key: told(value) for key, value in json.load(file).items()}
    ours = ask()
    differ = [key for key in real if ours.get(key) != real[key]]
    if "--list" in sys.argv:
        for key in differ:
            print(key, "real", json.dumps(real[key])[:300], "ours", json.dumps(ours.get(key))[:300])
        return 0
    if "--known" in sys.argv:
        with open(KNOWN, "w", encoding="utf-8") as file:
            file.write("# Generated requests that the simulator still answers otherwise than a real 1.32.13.\n" + "".join(key + "\n" for key in sorted(differ)))
    with open(KNOWN, encoding="utf-8") as file:
        known = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    wrong = sorted(set(differ) - known)
    stale = sorted(known - set(differ))
    for key in wrong[:40]:
        print(f"{key}: a real 1.32 answers {json.dumps(real[key])[:300]}, the simulator {json.dumps(ours.get(key))[:300]}")
    for key in stale[:40]:
        print(f"generated_differences.txt: {key} differs no more")
    print(f"{len(real)} generated requests, {len(real) - len(differ)} answered as a real 1.32 does, {len(wrong)} differences are not listed")
    return 1 if wrong or stale or set(ours) != set(real) else 0


if __name__ == "__main__":
    sys.exit(main())
