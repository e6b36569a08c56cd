"""Changes nobody thought of: for each kind an object, and writes to it that set one of its fields to something else. Seeded, as generated.py.

Which fields may change and which may not is different for each kind; here every field is tried, with values that would do in a new object and with
values that would not, as a whole object (PUT), as a merge patch and as a strategic merge patch. Nothing is kept (dryRun=All), so all start from the same object.
"""
import copy
import random

import generated
from common import MERGE, STRATEGIC, collection, object_of, patch
from kinds import KINDS

MOST, MORE = 60, {"pod": 260, "deployment": 110, "statefulset": 110, "daemonset": 80, "job": 130, "cronjob": 80, "service": 130, "nodeport": 90, "headless": 60, "external": 50, "claim": 100, "volume": 150, "ingress": 70,
                  "networkpolicy": 70, "autoscaler2": 100, "definition": 150, "node": 80, "replicaset": 80, "controller": 80}
OTHER = {"string": ["other", "b.example.com", "10.96.9.9"], "int32": [1, 3, 443], "int64": [1, 30], "bool": [True, False], "quantity": ["2", "3Gi"], "intstr": [1, "50%"], "map": [{"x": "y"}], "bytes": ["eA=="], "time": ["2026-11-20T10:00:00Z"]}


def read_enums():
    """(type, field) -> the values its API allows."""
    enums = {}
    with open(generated.TYPES, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            for word in words[1:] if words and not line.startswith("#") else []:
                for note in word.split("|")[1:]:
                    if note.startswith("enum="):
                        enums[words[0], word.split(":")[0].rstrip("!")] = note[5:].split("+")
    return enums


def enum_values(enums):
    """field -> values, of all types that have such a field: what fits one is of interest for the others."""
    found = {}
    for (_, field), values in sorted(enums.items()):
        found.setdefault(field, [])
        found[field] += [value for value in values if value not in found[field]]
    return found


def base(kind):
    body = object_of(kind, "updated")
    if kind == "definition":
        body["metadata"]["name"] = "updateds.judge.example.com"
        body["spec"]["names"] = {"plural": "updateds", "singular": "updated", "kind": "Updated"}
    return body


def changes(kind, types, enums, seed):
    """(path, value or DROP) in an order that the seed decides."""
    found = []
    word, holds_pods = generated.root_of(kind, types), kind != "pod"
    for path, type_text, _ in generated.paths(types, word):
        if holds_pods and "containers" in path and len(path) > 6:
            continue
        of = generated.family(type_text, types)
        values = generated.BOUNDS.get(of, []) + OTHER.get(of, []) + (enums.get(path[-1], []) if of == "string" else [])
        found += [("set", path, value) for value in values]
        if generated.drop(copy.deepcopy(base(kind)), path):
            found += [("drop", path, None)] * 3
    random.Random(f"updates {seed} {kind}").shuffle(found)
    return found


def least(body, path):
    """The merge patch that brings a place of an object, with the whole list where one is on the way."""
    words = []
    for word in path:
        if isinstance(word, int):
            break
        words.append(word)
    node = body
    for word in words:
        node = node.get(word) if isinstance(node, dict) else None
    for word in reversed(words):
        node = {word: node}
    return node


def updates(seed=1, kinds=None):
    types = generated.read_types()
    enums = enum_values(read_enums())
    for kind in kinds or KINDS:
        first = base(kind)
        one = f"{collection(kind)}/{first['metadata']['name']}"
        yield {"id": f"upd-{seed}-{kind}-make", "method": "POST", "path": collection(kind), "body": first}
        asked, seen = 0, set()
        for what, path, value in changes(kind, types, enums, seed):
            body = copy.deepcopy(first)
            if not (generated.drop(body, path) if what == "drop" else generated.put(body, path, value)) or body == first or (what == "drop" and path in seen):
                continue
            seen.add(path)
            identity = f"upd-{seed}-{kind}-{asked}-{what}-{'.'.join(map(str, path))}"
            way = asked % 4
            if way < 2:
                yield {"id": identity, "method": "PUT", "path": one + "?dryRun=All", "body": body}
            else:
                yield patch(identity, one + "?dryRun=All", MERGE if way == 2 else STRATEGIC, least(body, path))
            asked += 1
            if asked >= MORE.get(kind, MOST):
                break
        yield {"id": f"upd-{seed}-{kind}-end", "method": "DELETE", "path": one + ("?gracePeriodSeconds=0" if kind == "pod" else "")}
