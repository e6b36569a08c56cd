"""Requests nobody thought of: for each kind, its fields with values that do not fit. Seeded, so that every run asks the same.

What fields there are is read from the simulator's table of types (made from a real 1.32), or from a server's OpenAPI v2 where one is given.
"""
import copy
import os
import random

from common import NS, collection, object_of
from kinds import KINDS

SOURCE = os.environ.get("OPSMESH_SOURCE_DIR", os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")))
TYPES = os.path.join(SOURCE, "libs/kubesim/objects/schema/types.txt")
# Most cases a kind may have; pods hold most of what people write.
MOST, MORE = 70, {"pod": 900, "deployment": 90, "statefulset": 90, "job": 120, "service": 120, "volume": 200, "networkpolicy": 90, "ingress": 90, "definition": 120, "autoscaler2": 120}
SKIP = ("status", "managedFields", "kind", "apiVersion", "creationTimestamp", "deletionTimestamp", "selfLink", "uid", "resourceVersion", "generation", "deletionGracePeriodSeconds")
WRONG = {"string": [5, {}, ["x"], True], "int32": ["x", 1.5, 2147483648, {}], "int64": ["x", 1.5, []], "bool": ["true", 1], "bytes": ["***", 5], "quantity": ["1x", "", True, {}],
         "intstr": [True, 1.5, {}], "time": ["now", 5], "number": ["x"], "struct": ["x", 5, []], "list": ["x", {}, 5], "map": ["x", [], 5]}
BOUNDS = {"string": ["", "Bad Value!", "x" * 64, "a/b/c", "../x", "-"], "int32": [-1, 0, 65536, 2147483647], "int64": [-1, 0, 9223372036854775807], "bool": [True, False], "quantity": ["-1", "0", "1.5", "1e3", "100m"],
          "intstr": [-1, 0, "x", "101%", "50%", 70000], "list": [[], [None]], "map": [{}, {"a b": "x"}], "struct": [{}], "bytes": [""], "time": ["2026-11-20T10:00:00Z"], "number": [-1]}


def read_types():
    """name -> {field: (type text, required)}."""
    types = {}
    with open(TYPES, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if not words or line.startswith("#"):
                continue
            fields = {}
            for word in words[1:]:
                if ":" in word:
                    name, kind = word.split("|")[0].split(":", 1)
                    fields[name.rstrip("!")] = (kind, name.endswith("!"))
            types[words[0]] = fields
    return types


def family(kind, types):
    if kind.startswith("[]"):
        return "list"
    if kind.startswith("{}"):
        return "map"
    if kind in WRONG:
        return kind
    return "struct" if types.get(kind) else "any"


def paths(types, name, prefix=(), depth=0, seen=()):
    """(path, type text, required) of every field below a type; lists by their first item."""
    for field, (kind, required) in types.get(name, {}).items():
        if field in SKIP and (field != "status" or depth == 0):
            continue
        at = prefix + (field,)
        yield at, kind, required
        inner, item = kind, at
        while inner.startswith("[]"):
            inner, item = inner[2:], item + (0,)
        if item != at and not inner.startswith("{}"):
            yield item, inner, False
        if inner in types and inner not in seen and depth < 9:
            yield from paths(types, inner, item, depth + 1, seen + (inner,))


def put(body, path, value):
    """Sets a value, making what is on the way; False where something else is."""
    node = body
    for key, following in zip(path[:-1], path[1:]):
        fresh = [] if isinstance(following, int) else {}
        if isinstance(key, int):
            while len(node) <= key:
                node.append(fresh)
            node = node[key]
        else:
            node = node.setdefault(key, fresh)
        if not isinstance(node, (dict, list)):
            return False
    if isinstance(node, list):
        while len(node) <= path[-1]:
            node.append(None)
    if isinstance(node, list) != isinstance(path[-1], int):
        return False
    node[path[-1]] = value
    return True


def drop(body, path):
    node = body
    for key in path[:-1]:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(node, dict) and node.pop(path[-1], None) is not None


def root_of(kind, types):
    _, _, word, version, _, _ = KINDS[kind]
    group, _, number = version.rpartition("/")
    group = group.split(".")[0] if group else "core"
    wanted = [name for name in types if name.split(".")[-1] == word and f".{number}." in "." + name + "."]
    return next((name for name in wanted if group in name.split(".")[0] or name.startswith(group)), wanted[0] if wanted else None)


def cases(kind, types, seed):
    """(word, path, body) of one kind, in a random order that the seed decides."""
    found = []
    word, holds_pods = root_of(kind, types), kind != "pod"
    for path, type_text, required in paths(types, word):
        if holds_pods and "containers" in path:  # pods have their own
            continue
        of = family(type_text, types)
        for what, values in (("type", WRONG.get(of, [])), ("bound", BOUNDS.get(of, []))):
            found += [(what, path, value) for value in values]
        if required:
            found.append(("drop", path, None))
    random.Random(f"{seed} {kind}").shuffle(found)
    return found


def generated(seed=1, kinds=None):
    types = read_types()
    for kind in kinds or KINDS:
        asked = 0
        for what, path, value in cases(kind, types, seed):
            body = copy.deepcopy(object_of(kind, "generated.judge.example.com" if kind == "definition" else "generated"))
            if not (drop(body, path) if what == "drop" else put(body, path, value)):
                continue
            yield {"id": f"gen-{seed}-{kind}-{asked}-{what}-{'.'.join(map(str, path))}", "method": "POST", "path": collection(kind) + "?dryRun=All", "body": body}
            asked += 1
            if asked >= MORE.get(kind, MOST):
                break


if __name__ == "__main__":
    every = list(generated())
    print(len(every), every[100], NS)
