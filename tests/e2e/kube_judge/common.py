"""Words that all lists of requests use."""
import copy

from kinds import KINDS, LABELS

NS = "judge"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MERGE, STRATEGIC, JSON_PATCH, APPLY = ("application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml")


def patch(identity, path, kind, body, **more):
    return {"id": identity, "method": "PATCH", "path": path, "headers": {"Content-Type": kind}, "body": body, **more}


def collection(kind):
    prefix, plural, _, _, namespaced, _ = KINDS[kind]
    return f"{prefix}/namespaces/{NS}/{plural}" if namespaced else f"{prefix}/{plural}"


def name_of(kind):
    return "things.judge.example.com" if kind == "definition" else f"{kind}-1"


def object_of(kind, name):
    _, _, word, version, _, body = KINDS[kind]
    return {"apiVersion": version, "kind": word, "metadata": {"name": name, "labels": dict(LABELS)}, **copy.deepcopy(body)}


def set_at(body, path, value):
    node = body
    for key in path[:-1]:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    if value is DROP:
        node.pop(path[-1], None)
    elif isinstance(node, list) and path[-1] == len(node):
        node.append(value)
    else:
        node[path[-1]] = value


DROP = object()
C = ("spec", "template", "spec", "containers", 0)
P = ("spec", "containers", 0)
