#!/usr/bin/env python3
"""Makes types.txt (names and types of every field, no prose) from a server's OpenAPI documents.

  make_types.py OPENAPI_V2.json [OPENAPI_V3.json ...] > types.txt

v3 documents tell which structs are values rather than pointers ("default": {}): server-side apply needs that.
"""
import json
import os
import sys

PREFIXES = [("io.k8s.apimachinery.pkg.apis.meta.v1.", "meta.v1."), ("io.k8s.apimachinery.pkg.runtime.", "runtime."),
            ("io.k8s.apimachinery.pkg.version.", "version."),
            ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.", "apiextensions."),
            ("io.k8s.kube-aggregator.pkg.apis.apiregistration.", "apiregistration."), ("io.k8s.api.", "")]
SPECIAL = {"io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity", "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intstr",
           "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time", "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microtime"}
SCALARS = {("string", None): "string", ("integer", "int32"): "int32", ("integer", "int64"): "int64", ("boolean", None): "bool",
           ("string", "byte"): "bytes", ("number", "double"): "number", ("integer", None): "int64", ("number", None): "number",
           ("object", None): "any", ("string", "int-or-string"): "intstr", ("string", "date-time"): "time"}
CUSTOM = ("com.example.",)
# Structs kept by value that no v3 document at hand tells of.
BY_VALUE = {("CustomResourceDefinitionSpec", "names"), ("Event", "source"), ("Event", "deprecatedSource"), ("VolumeAttachmentSpec", "source"), ("Event", "involvedObject"), ("Event", "regarding"), ("HorizontalPodAutoscalerSpec", "scaleTargetRef"),
            ("RoleBinding", "roleRef"), ("ClusterRoleBinding", "roleRef"), ("NetworkPolicySpec", "podSelector"), ("CustomResourceDefinitionStatus", "acceptedNames")}


def short(ref):
    name = ref.rsplit("/", 1)[1]
    if name in SPECIAL:
        return SPECIAL[name]
    for prefix, abbreviation in PREFIXES:
        if name.startswith(prefix):
            return abbreviation + name[len(prefix):]
    raise SystemExit("no prefix for " + name)


def kind_of(field):
    if "$ref" in field:
        return short(field["$ref"])
    if "allOf" in field:
        return short(field["allOf"][0]["$ref"])
    if field.get("type") == "array":
        return "[]" + kind_of(field["items"])
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        return "{}" + kind_of(field["additionalProperties"])
    return SCALARS[(field.get("type", "object"), field.get("format"))]


def carried():
    """(type, field) -> notes that OpenAPI does not tell (how Go names a scalar, whether its zero is left out, what is kept by value), from the present types.txt."""
    notes = {}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "types.txt")
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = [] if line.startswith("#") else line.split()
            for word in words[1:]:
                parts = word.split("|")
                own = [note for note in parts[1:] if note in ("e", "v") or note.startswith(("go=", "key="))]
                if own:
                    notes[words[0], parts[0].split(":")[0].rstrip("!")] = own
    return notes


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        definitions = json.load(file)["definitions"]
    values = set()
    extra = carried()
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            for name, schema in json.load(file)["components"]["schemas"].items():
                for field, what in schema.get("properties", {}).items():
                    if what.get("default") == {}:
                        values.add((name, field))
    print("# One type a line: name [atomic], then field[!]:type[|notes]. ! = required. []T list, {}T map.")
    print("# Notes: v = struct or time kept by value; granular = a struct that is one value elsewhere is none here; set, map=KEYS, atomic: how server-side apply sees a list; merge[=KEY]: strategic merge;")
    print("# retain = $retainKeys; enum=A,B; e = a zero is left out; go=NAME, key=NAME: Go's name of the scalar (of a list's or map's")
    print("# elements) and of a map's keys, as its API declares them. Made by make_types.py from a real 1.32; no prose of it is here.")
    for name in sorted(definitions):
        schema = definitions[name]
        if name in SPECIAL or name.startswith(CUSTOM):
            continue
        line = [short("/" + name)]
        if schema.get("x-kubernetes-map-type") == "atomic":
            line[0] += " atomic"
        if "properties" not in schema:
            line.append("*")
        required = schema.get("required", [])
        for field, what in sorted(schema.get("properties", {}).items()):
            notes = []
            held = kind_of(what) if "$ref" in what else ""
            if (name, field) in values or (name.rsplit(".", 1)[1], field) in BY_VALUE or held in ("core.v1.PodTemplateSpec", "batch.v1.JobTemplateSpec") and not name.endswith("ReplicationControllerSpec") or (field in ("metadata", "spec", "status") and "$ref" in what):
                notes.append("v")
            listed = what.get("x-kubernetes-list-type")
            if listed == "map":
                notes.append("map=" + "+".join(what["x-kubernetes-list-map-keys"]))
            elif listed in ("set", "atomic"):
                notes.append(listed)
            if what.get("x-kubernetes-map-type") in ("atomic", "granular"):
                notes.append(what["x-kubernetes-map-type"])
            strategy = what.get("x-kubernetes-patch-strategy", "")
            if "merge" in strategy:
                key = what.get("x-kubernetes-patch-merge-key")
                notes.append("merge" + ("=" + key if key else ""))
            if "retainKeys" in strategy:
                notes.append("retain")
            if "enum" in what:
                notes.append("enum=" + "+".join(str(v) for v in what["enum"]))
            notes += [note for note in extra.get((line[0].split()[0], field), []) if note not in notes]
            line.append(field + ("!" if field in required else "") + ":" + kind_of(what) + "".join("|" + n for n in notes))
        print(" ".join(line))


main()
