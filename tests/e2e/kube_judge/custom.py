"""Definitions and custom resources: structural schemas, subresources, versions, scope."""
import copy

from common import APPLY, DROP, JSON_PATCH, MERGE, NS, TABLE, patch, set_at

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPEC = {"type": "object", "required": ["size"], "properties": {
    "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}, "replicas": {"type": "integer"}, "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0, "multipleOf": 0.5}, "name": {"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-z]+$"}, "when": {"type": "string", "format": "date-time"},
    "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"], "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "n": {"type": "integer"}}}},
    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, "labels": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2}, "port": {"x-kubernetes-int-or-string": True}, "flag": {"type": "boolean"}, "maybe": {"type": "string", "nullable": True}, "kind": {"type": "string", "enum": ["a", "b"]},
    "choice": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "oneOf": [{"required": ["x"]}, {"required": ["y"]}]}}}
BOXES = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "boxes.judge.example.com"}, "spec": {"group": "judge.example.com", "scope": "Namespaced", "names": {"plural": "boxes", "singular": "box", "kind": "Box", "shortNames": ["bx"], "categories": ["all", "judged"]},
    "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}},
                  "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}, {"name": "Flag", "type": "boolean", "jsonPath": ".spec.flag", "priority": 1}, {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}],
                  "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC, "status": {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}, "phase": {"type": "string"}}}}}}},
                 {"name": "v1alpha1", "served": True, "storage": False, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}, {"name": "v0", "served": False, "storage": False, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
WORLDS = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "worlds.judge.example.com"}, "spec": {"group": "judge.example.com", "scope": "Cluster", "names": {"plural": "worlds", "kind": "World"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}}}]}}


def box(name, spec, **more):
    return {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": {"name": name, **more.pop("metadata", {})}, "spec": spec, **more}


def custom_more():
    base = f"/apis/judge.example.com/v1/namespaces/{NS}/boxes"
    yield {"id": "crd-boxes", "method": "POST", "path": CRDS, "body": BOXES}
    yield {"id": "crd-worlds", "method": "POST", "path": CRDS, "body": WORLDS}
    yield {"id": "box-create", "method": "POST", "path": base, "body": box("one", {"name": "abc", "unknown": 1, "free": {"x": {"y": 1}}, "labels": {"a": "b"}, "port": "http", "parts": [{"id": "p", "n": 1, "z": 2}]}, status={"phase": "No"}), "wait_ready": base}
    yield {"id": "box-list", "path": base, "wait_ready": "/apis/judge.example.com/v1/worlds"}
    for what, spec in [("size-0", {"size": 0}), ("size-10", {"size": 10}), ("size-null", {"size": None}), ("size-text", {"size": "x"}), ("size-fraction", {"size": 1.5}), ("ratio-0", {"ratio": 0}), ("ratio-multiple", {"ratio": 0.7}), ("name-short", {"name": "a"}), ("name-long", {"name": "abcdef"}), ("name-pattern", {"name": "AB"}), ("when", {"when": "yesterday"}), ("tags-none", {"tags": []}), ("tags-many", {"tags": list("abcd")}), ("tags-twice", {"tags": ["a", "a"]}),
                       ("parts-twice", {"parts": [{"id": "a"}, {"id": "a"}]}), ("parts-no-id", {"parts": [{"n": 1}]}), ("labels-number", {"labels": {"a": 1}}), ("labels-many", {"labels": {"a": "1", "b": "2", "c": "3"}}), ("port-fraction", {"port": 1.5}), ("port-bool", {"port": True}), ("flag-text", {"flag": "yes"}), ("maybe-null", {"maybe": None}), ("kind-enum", {"kind": "c"}), ("choice-none", {"choice": {}}), ("choice-both", {"choice": {"x": 1, "y": 2}}), ("choice-one", {"choice": {"x": 1}}), ("several", {"size": 0, "flag": 1, "name": "A"})]:
        yield {"id": f"box-wrong-{what}", "method": "POST", "path": base + "?dryRun=All", "body": box("wrong", spec)}
    for what, body in [("no-spec", {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": {"name": "x"}}), ("spec-text", {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": {"name": "x"}, "spec": "y"}), ("no-kind", {"metadata": {"name": "x"}}), ("no-version", {"kind": "Box", "metadata": {"name": "x"}}), ("wrong-kind", {"apiVersion": "judge.example.com/v1", "kind": "Thing", "metadata": {"name": "x"}}), ("wrong-version", {"apiVersion": "judge.example.com/v1alpha1", "kind": "Box", "metadata": {"name": "x"}}), ("list", []), ("metadata-text", {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": "x"}), ("labels-bad", box("x", {}, metadata={"labels": {"a b": "c"}})), ("labels-number", box("x", {}, metadata={"labels": {"a": 1}})),
                       ("name-bad", box("X_x", {})), ("name-none", {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": {}}), ("generate", {"apiVersion": "judge.example.com/v1", "kind": "Box", "metadata": {"generateName": "gen-"}}), ("top", {**box("x", {}), "colour": 1}), ("namespace", box("x", {}, metadata={"namespace": "other"}))]:
        yield {"id": f"box-body-{what}", "method": "POST", "path": base + "?dryRun=All", "body": body}
    one = base + "/one"
    yield {"id": "box-get", "path": one}
    yield {"id": "box-get-alpha", "path": one.replace("/v1/", "/v1alpha1/")}
    yield {"id": "box-get-unserved", "path": one.replace("/v1/", "/v0/")}
    yield {"id": "box-list-alpha", "path": base.replace("/v1/", "/v1alpha1/")}
    yield {"id": "box-table", "path": base, "headers": {"Accept": TABLE}}
    yield {"id": "box-table-alpha", "path": base.replace("/v1/", "/v1alpha1/"), "headers": {"Accept": TABLE}}
    yield {"id": "box-metadata", "path": base, "headers": {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}}
    yield {"id": "box-select-field", "path": base + "?fieldSelector=spec.size%3D3"}
    yield {"id": "box-select-name", "path": base + "?fieldSelector=metadata.name%3Done"}
    yield {"id": "box-scale", "path": one + "/scale"}
    yield patch("box-scale-merge", one + "/scale", MERGE, {"spec": {"replicas": 4}})
    yield patch("box-scale-negative", one + "/scale", MERGE, {"spec": {"replicas": -4}})
    yield {"id": "box-scale-put", "method": "PUT", "path": one + "/scale", "body": {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "one", "namespace": NS}, "spec": {"replicas": 2}}}
    yield {"id": "box-status", "path": one + "/status"}
    yield patch("box-status-merge", one + "/status", MERGE, {"status": {"phase": "Done", "replicas": 2, "selector": "a=b", "zzz": 1}, "spec": {"size": 9}, "metadata": {"labels": {"s": "t"}}})
    yield patch("box-status-wrong", one + "/status", MERGE, {"status": {"phase": 5}})
    yield {"id": "box-status-put", "method": "PUT", "path": one + "/status", "body": box("one", {}, status={"phase": "Put"}, metadata={"resourceVersion": "{box-status:metadata.resourceVersion}"})}
    yield {"id": "box-put-no-version", "method": "PUT", "path": one, "body": box("one", {"size": 4})}
    yield {"id": "box-put-stale", "method": "PUT", "path": one, "body": box("one", {"size": 4}, metadata={"resourceVersion": "1"})}
    yield patch("box-merge-null", one, MERGE, {"spec": {"size": None, "name": None}})
    yield patch("box-merge-wrong", one, MERGE, {"spec": {"size": 77}})
    yield patch("box-json-patch", one, JSON_PATCH, [{"op": "add", "path": "/spec/tags", "value": ["t"]}])
    yield patch("box-apply-a", one + "?fieldManager=a", APPLY, box("one", {"tags": ["a", "b"], "parts": [{"id": "q", "n": 1}]}))
    yield patch("box-apply-b", one + "?fieldManager=b", APPLY, box("one", {"tags": ["c"], "parts": [{"id": "q", "n": 2}]}))
    yield patch("box-apply-force", one + "?fieldManager=b&force=true", APPLY, box("one", {"tags": ["b"], "parts": [{"id": "q", "n": 2}]}))
    yield patch("box-apply-new", base + "/applied?fieldManager=a", APPLY, box("applied", {"size": 2}))
    yield patch("box-apply-wrong", base + "/applied?fieldManager=a", APPLY, box("applied", {"size": "x"}))
    yield {"id": "box-delete-collection", "method": "DELETE", "path": base + "?labelSelector=none"}
    yield {"id": "world-create", "method": "POST", "path": "/apis/judge.example.com/v1/worlds", "body": {"apiVersion": "judge.example.com/v1", "kind": "World", "metadata": {"name": "earth", "finalizers": ["example.com/keep"]}, "spec": {"a": "b"}}, "wait_ready": "/apis/judge.example.com/v1/worlds"}
    yield {"id": "world-get", "path": "/apis/judge.example.com/v1/worlds/earth"}
    yield {"id": "world-table", "path": "/apis/judge.example.com/v1/worlds", "headers": {"Accept": TABLE}}
    yield {"id": "world-in-namespace", "path": f"/apis/judge.example.com/v1/namespaces/{NS}/worlds"}
    yield {"id": "world-status", "path": "/apis/judge.example.com/v1/worlds/earth/status"}
    yield {"id": "world-scale", "path": "/apis/judge.example.com/v1/worlds/earth/scale"}
    yield {"id": "world-delete", "method": "DELETE", "path": "/apis/judge.example.com/v1/worlds/earth"}
    yield {"id": "world-after", "path": "/apis/judge.example.com/v1/worlds/earth"}
    yield patch("world-release", "/apis/judge.example.com/v1/worlds/earth", MERGE, {"metadata": {"finalizers": []}})
    yield {"id": "world-gone", "path": "/apis/judge.example.com/v1/worlds/earth"}
    yield from wrong_definitions()
    yield {"id": "crd-table", "path": CRDS + "?labelSelector=none", "headers": {"Accept": TABLE}}
    yield {"id": "crd-delete-boxes", "method": "DELETE", "path": CRDS + "/boxes.judge.example.com", "pause": 2}
    yield {"id": "crd-gone", "path": base, "pause_before": 2.5}


def wrong_definitions():
    version = ("spec", "versions", 0)
    schema = (*version, "schema", "openAPIV3Schema")
    for what, changes in [("group-bad", [(("spec", "group"), "nodots")]), ("group-upper", [(("spec", "group"), "Judge.example.com")]), ("plural-bad", [(("spec", "names", "plural"), "Bad_Name")]), ("kind-lower", [(("spec", "names", "kind"), "box!")]), ("no-kind", [(("spec", "names", "kind"), DROP)]), ("no-plural", [(("spec", "names", "plural"), DROP)]), ("no-names", [(("spec", "names"), DROP)]), ("no-scope", [(("spec", "scope"), DROP)]), ("no-storage", [((*version, "storage"), False)]),
                          ("version-name", [((*version, "name"), "V_1")]), ("version-twice", [(("spec", "versions", 1, "name"), "v1")]), ("root-type", [((*schema, "type"), "string")]), ("bad-type", [((*schema, "properties", "spec", "properties", "size", "type"), "int")]), ("array-no-items", [((*schema, "properties", "spec", "properties", "tags"), {"type": "array"})]), ("ref", [((*schema, "properties", "spec", "properties", "size"), {"$ref": "#/x"})]), ("default-wrong", [((*schema, "properties", "spec", "properties", "size", "default"), "x")]),
                          ("unique-items", [((*schema, "properties", "spec", "properties", "tags", "uniqueItems"), True)]), ("both-properties", [((*schema, "properties", "spec", "additionalProperties"), {"type": "string"})]), ("additional-false", [((*schema, "properties", "spec", "properties", "labels", "additionalProperties"), False)]), ("pattern", [((*schema, "properties", "spec", "properties", "name", "pattern"), "[")]), ("list-type", [((*schema, "properties", "spec", "properties", "tags", "x-kubernetes-list-type"), "bag")]), ("map-no-keys", [((*schema, "properties", "spec", "properties", "parts", "x-kubernetes-list-map-keys"), DROP)]),
                          ("column-type", [((*version, "additionalPrinterColumns", 0, "type"), "money")]), ("column-path", [((*version, "additionalPrinterColumns", 0, "jsonPath"), "spec.size")]), ("column-no-path", [((*version, "additionalPrinterColumns", 0, "jsonPath"), "")]), ("scale-path", [((*version, "subresources", "scale", "specReplicasPath"), ".replicas")]), ("scale-status-path", [((*version, "subresources", "scale", "statusReplicasPath"), "")]), ("status-not-empty", [((*version, "subresources", "status"), {"x": 1})]), ("conversion", [(("spec", "conversion"), {"strategy": "Magic"})]), ("conversion-webhook", [(("spec", "conversion"), {"strategy": "Webhook"})]),
                          ("preserve", [(("spec", "preserveUnknownFields"), True)]), ("metadata-schema", [((*schema, "properties", "metadata"), {"type": "object", "properties": {"labels": {"type": "object"}}})]), ("protected-group", [(("spec", "group"), "boxes.k8s.io"), (("metadata", "name"), "boxes.boxes.k8s.io")])]:
        body = copy.deepcopy(BOXES)
        for path, value in changes:
            set_at(body, path, copy.deepcopy(value) if value is not DROP else DROP)
        yield {"id": f"crd-wrong-{what}", "method": "POST", "path": CRDS + "?dryRun=All", "body": body}
    clash = copy.deepcopy(WORLDS)
    clash["metadata"]["name"], clash["spec"]["names"] = "globes.judge.example.com", {"plural": "globes", "kind": "World"}
    yield {"id": "crd-clash", "method": "POST", "path": CRDS, "body": clash, "pause": 1}
    yield {"id": "crd-clash-get", "path": CRDS + "/globes.judge.example.com", "pause_before": 1.5}
    yield {"id": "crd-clash-delete", "method": "DELETE", "path": CRDS + "/globes.judge.example.com"}
