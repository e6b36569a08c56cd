"""Where a real server is stricter than one would guess: formats and bounds in schemas, who owns what is null or empty, directives, metadata, selectors in
reviews, YAML, numbers, odd paths and options. For an empty cluster of its own."""
from common import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, patch

HERE = "neighbours"
CORE, APPS = f"/api/v1/namespaces/{HERE}", f"/apis/apps/v1/namespaces/{HERE}"
MAPS = f"{CORE}/configmaps"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRATES = f"/apis/near.example.com/v1/namespaces/{HERE}/crates"

FORMATS = {
    "byte": ["aGk=", "aGk", "", "aG k="], "uri": ["http://a.example/x?y#z", "x", "/x", "urn:x:y", "http://a b/", "http://a.example:80x/", "http://[::1/", "//a.example/x", "/%zz", "http://u:p@a.example", "1http://x"],
    "duration": ["1h2m", "3 days", "2 fortnights", "-1.5s", "1d12h", "5", "1us"], "date": ["2026-02-29", "2024-02-29", "2026-2-1"], "date-time": ["2026-02-28T01:02:03Z", "2026-02-28t01:02:03.5z", "2026-02-28T24:00:00Z", "2026-02-28 01:02:03Z", "2026-02-28T01:02:60Z"],
    "datetime": ["2026-02-28T01:02:03"], "hostname": ["a.example", "a_b", "-a", "node1", "a-b", "a.b1", "x" * 64], "mac": ["00:00:5e:00:53:01", "0000.5e00.5301", "00:00:5e"], "uuid4": ["11111111-1111-4111-8111-111111111111", "11111111-1111-1111-8111-111111111111"],
    "isbn": ["0306406152", "978-0-306-40615-7", "0306406153"], "creditcard": ["4111 1111 1111 1111", "4111 1111 1111 1112"], "ssn": ["123-45-6789", "123456789x"], "hexcolor": ["#fff", "#ffff"], "rgbcolor": ["rgb(0,10,255)", "rgb(0,256,0)"], "email": ["Ann <a@b.example>", "a@b", "a b@c"],
    "ipv4": ["192.0.2.1", "::1", "192.0.2"], "ipv6": ["::1", "::ffff:192.0.2.1", "x"], "cidr": ["192.0.2.0/24", "192.0.2.0"], "password": [""], "bsonobjectid": ["507f1f77bcf86cd799439011", "507f"], "int32": ["x"], "color": ["x"]}


def strict():
    yield {"id": "near-namespace", "method": "POST", "path": "/api/v1/namespaces", "body": {"metadata": {"name": HERE}}}
    yield {"id": "near-account", "method": "POST", "path": f"{CORE}/serviceaccounts", "body": {"metadata": {"name": "default"}}}
    yield from custom()
    yield from definitions()
    yield from ownership()
    yield from strategic()
    yield from metadata()
    yield from nodes()
    yield from reviews()
    yield from texts()
    yield from paths()


def crate(spec, name="x", **more):
    return {"apiVersion": "near.example.com/v1", "kind": "Crate", "metadata": {"name": name}, "spec": spec, **more}


def custom():
    text = {"type": "string"}
    properties = {f"f-{name}": {"type": "string", "format": name} for name in FORMATS}
    properties.update({"count": {"type": "integer"}, "part": {"type": "number", "multipleOf": 0.5, "minimum": 0.5, "maximum": 1e7}, "even": {"type": "integer", "multipleOf": 2, "maximum": 10, "exclusiveMaximum": True}, "level": {"type": "integer", "enum": [1, 2]}, "either": {"x-kubernetes-int-or-string": True, "maximum": 5},
                       "list": {"type": "array", "items": text, "format": "date"}, "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}}, "any": {"x-kubernetes-preserve-unknown-fields": True}, "deep": {"x-kubernetes-preserve-unknown-fields": True}, "name": {"type": "string", "nullable": True, "enum": ["a", "b"]},
                       "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}, "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"], "items": {"type": "object", "required": ["key"], "properties": {"key": text, "value": text}}},
                       "atom": {"type": "array", "items": text}, "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": text}, "inner": {"type": "object", "properties": {"a": text, "b": {"type": "object", "properties": {"c": text, "d": text}}}}})
    status = {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"x-kubernetes-preserve-unknown-fields": True}, "list": {"type": "array", "maxItems": 1, "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}}}}
    columns = [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in [("Date", "date", ".spec.any"), ("Int", "integer", ".spec.any"), ("Num", "number", ".spec.any"), ("Bool", "boolean", ".spec.any"), ("Text", "string", ".spec.any"), ("All", "string", ".spec.parts[*].key"), ("Last", "string", ".spec.atom[-1]"), ("Pick", "string", '.spec.parts[?(@.key=="b")].value'), ("None", "string", ".spec.none"), ("Labels", "string", ".metadata.labels")]]
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}, "status": status}}}, "additionalPrinterColumns": columns,
               "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.deep.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}}}
    yield {"id": "near-crd", "method": "POST", "path": DEFINITIONS, "body": {"metadata": {"name": "crates.near.example.com"}, "spec": {"group": "near.example.com", "scope": "Namespaced", "names": {"plural": "crates", "kind": "Crate"}, "versions": [version]}}, "pause": 2}
    yield {"id": "near-crate", "method": "POST", "path": CRATES, "body": crate({"any": "2026-01-01T00:00:00Z", "parts": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], "atom": ["p", "q"]}, "b"), "wait_ready": CRATES}
    for name, values in FORMATS.items():
        for i, value in enumerate(values):
            yield {"id": f"near-format-{name}-{i}", "method": "POST", "path": CRATES + "?dryRun=All", "body": crate({f"f-{name}": value})}
    for what, spec in {"format-number": {"f-date": 5}, "format-bool": {"f-uri": True}, "format-list": {"f-date": ["x"]}, "format-object": {"f-byte": {"a": 1}}, "format-unknown-number": {"f-color": 1.5}, "list-format": {"list": ["x"]}, "list-text": {"list": "2026-01-01"}, "part-low": {"part": 0.25}, "part-odd": {"part": 0.7}, "part-int": {"part": 0}, "part-high": {"part": 12345678.5}, "part-int-high": {"part": 20000000},
                       "even-odd": {"even": 3}, "even-ten": {"even": 10}, "even-float": {"even": 3.0}, "level": {"level": 3}, "level-text": {"level": "1"}, "level-float": {"level": 1.0}, "either-float": {"either": 7.0}, "either-fraction": {"either": 1.5}, "either-high": {"either": 7}, "set-twice": {"set": [1, 1]}, "set-null": {"set": [None]}, "name-null": {"name": None}, "name-other": {"name": "c"}, "text-number": {"inner": {"a": 1}}, "object-text": {"inner": "x"}, "object-list": {"inner": [1]},
                       "replicas-text": {"deep": {"replicas": "3"}}, "replicas-object": {"deep": {"replicas": {"a": 1}}}, "replicas-list": {"deep": {"replicas": [1, "b"]}}, "replicas-null": {"deep": {"replicas": None}}, "replicas-low": {"deep": {"replicas": -1}}, "replicas-high": {"deep": {"replicas": 2 ** 31}}, "replicas-holder": {"deep": "x"}, "replicas-float": {"deep": {"replicas": 1234567.0}}, "pod": {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}, "more": {"x": 1}, "name": "Bad_Name"}}}, "pod-labels": {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": 1}}}}, "key-twice": {"parts": [{"key": "a"}, {"key": "a"}]}}.items():
        yield {"id": f"near-crate-{what}", "method": "POST", "path": CRATES + "?dryRun=All", "body": crate(spec)}
    for what, status in {"selector": {"selector": 5}, "selector-map": {"selector": {"a": "b"}}, "list": {"list": [{}, {"a": "x"}]}, "replicas": {"replicas": 2.5}}.items():
        yield patch(f"near-status-{what}", f"{CRATES}/b/status?dryRun=All", MERGE, {"status": status})
    for what, value in {"time": "2026-01-01T00:00:00Z", "text": "abc", "number": 3, "fraction": 2.5, "bool": True, "null": None, "empty": "", "list": [1, "a"], "map": {"b": 1, "a": None}}.items():
        yield patch(f"near-cell-{what}-set", f"{CRATES}/b", JSON_PATCH, [{"op": "add", "path": "/spec/any", "value": value}])
        yield {"id": f"near-cell-{what}", "path": f"{CRATES}/b", "headers": {"Accept": TABLE}}


def definitions():
    def asked(what, members):
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": members}}}}
        return {"id": f"near-crd-{what}", "method": "POST", "path": DEFINITIONS + "?dryRun=All", "body": {"metadata": {"name": "bads.near.example.com"}, "spec": {"group": "near.example.com", "scope": "Namespaced", "names": {"plural": "bads", "kind": "Bad"}, "versions": [version]}}}
    yield asked("default-nested", {"type": "object", "properties": {"a": {"type": "object", "default": {"b": {"c": "x", "d": 1.5}}, "properties": {"b": {"type": "object", "properties": {"c": {"type": "integer"}}}}}}})
    yield asked("default-list", {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}, "default": [{"a": "x", "b": [None, True]}]})
    yield asked("default-enum", {"type": "string", "enum": ["a", "b"], "default": "c"})
    yield asked("default-any", {"type": "string", "anyOf": [{"minLength": 3}, {"maxLength": 1}], "default": "xx"})
    yield asked("default-required", {"type": "object", "required": ["a"], "default": {}, "properties": {"a": {"type": "string"}}})
    yield asked("default-null", {"type": "string", "default": None})
    yield asked("default-kept", {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "default": {"a": 1}})
    yield asked("default-format", {"type": "string", "format": "date", "default": "x"})
    yield asked("items-deep", {"type": "object", "properties": {"a": {"type": "array", "items": [{"type": "string"}]}, "b": {}}})
    yield asked("set-of-lists", {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}})
    yield asked("set-of-nullable", {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "nullable": True}})


def ownership():
    stateful = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"}, "spec": {"serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "one", "image": "one:1", "env": [{"name": "A", "value": "1"}]}]}}}}

    def applied(what, manager, spec, force=False, **meta):
        body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s", **meta}, **({} if spec is ... else {"spec": spec})}
        return patch(f"near-own-{what}", f"{APPS}/statefulsets/s?fieldManager={manager}{'&force=true' if force else ''}", APPLY, body)

    def pod(**spec):
        return {"template": {"spec": spec}}
    yield patch("near-own-make", f"{APPS}/statefulsets/s?fieldManager=ann", APPLY, stateful)
    yield patch("near-own-again", f"{APPS}/statefulsets/s?fieldManager=ann", APPLY, stateful)
    yield patch("near-own-agree", f"{APPS}/statefulsets/s?fieldManager=bob", APPLY, stateful)
    yield applied("leave", "bob", ...)
    yield applied("replicas", "bob", {"replicas": 3})
    yield applied("replicas-null", "cat", {"replicas": None})
    yield applied("replicas-null-force", "cat", {"replicas": None}, True)
    yield applied("update-type", "bob", {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}})
    yield applied("update-on-delete", "bob", {"updateStrategy": {"type": "OnDelete"}})
    yield applied("update-less", "bob", ...)
    yield applied("security", "bob", pod(securityContext={"runAsUser": 5, "fsGroup": 6}))
    yield applied("security-less", "bob", pod(securityContext={"runAsUser": 5}))
    yield applied("security-empty", "bob", pod(securityContext={}))
    yield applied("security-null", "bob", pod(securityContext=None))
    yield applied("affinity", "bob", pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]}}}))
    yield applied("affinity-null", "bob", pod(affinity=None))
    yield applied("selector-null", "bob", pod(nodeSelector=None))
    yield applied("tolerations-empty", "bob", pod(tolerations=[]))
    yield applied("tolerations-null", "bob", pod(tolerations=None))
    yield applied("env-null", "bob", pod(containers=[{"name": "one", "env": None}]))
    yield applied("env-other", "bob", pod(containers=[{"name": "one", "env": [{"name": "B", "value": "2"}]}]))
    yield applied("env-from", "ann", pod(containers=[{"name": "one", "image": "one:1", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]))
    yield applied("container-text", "bob", pod(containers=["x"]))
    yield applied("container-no-name", "bob", pod(containers=[{"image": "x"}]))
    yield applied("number-for-text", "bob", pod(containers=[{"name": "one", "image": 5}]))
    yield applied("list-for-text", "bob", pod(containers=[{"name": "one", "image": [1]}]))
    yield applied("text-for-bool", "bob", pod(hostNetwork="yes"))
    yield applied("bool-for-number", "bob", {"replicas": True})
    yield applied("map-for-number", "bob", {"replicas": {"a": 1}})
    yield applied("text-for-map", "bob", pod(nodeSelector="x"))
    yield applied("text-for-list", "bob", pod(tolerations="x"))
    yield applied("finalizer-null", "bob", ..., finalizers=[None])
    yield applied("finalizer-map", "bob", ..., finalizers=[{"a": 1}])
    yield applied("owner", "bob", ..., ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "m", "uid": "11111111-2222-3333-4444-555555555555"}])
    yield applied("owner-empty", "bob", ..., ownerReferences=[])
    yield applied("annotations", "bob", ..., annotations={"a": "1", "b": None})
    yield applied("annotations-empty", "bob", ..., annotations={})
    yield {"id": "near-own-put", "method": "PUT", "path": f"{APPS}/statefulsets/s?fieldManager=putter", "body": stateful}
    yield patch("near-own-empty", f"{APPS}/statefulsets/s?fieldManager=putter", MERGE, {"spec": {"template": {"spec": {"securityContext": {}, "containers": [{"name": "one", "image": "one:2"}]}}}})
    yield {"id": "near-own-get", "path": f"{APPS}/statefulsets/s"}

    def held(what, manager, spec, force=False):
        return patch(f"near-held-{what}", f"{CRATES}/held?fieldManager={manager}{'&force=true' if force else ''}", APPLY, crate(spec, "held"))
    yield held("make", "ann", {"inner": {"a": "1", "b": {"c": "2", "d": "3"}}, "set": [1, 2], "atom": ["x"], "whole": {"k": "v"}, "parts": [{"key": "p", "value": "1"}]})
    yield held("null", "bob", {"inner": None, "set": None, "atom": None, "whole": None, "parts": None})
    yield held("null-force", "bob", {"atom": None, "whole": None}, True)
    yield held("empty", "bob", {"inner": {}, "set": [], "atom": [], "whole": {}, "parts": []})
    yield held("deep", "bob", {"inner": {"b": {"c": "2"}}})
    yield held("deep-gone", "ann", {"set": [1, 2], "parts": [{"key": "p"}]})
    yield held("set-null", "bob", {"set": [None]})
    yield held("set-list", "bob", {"set": [[1]]})
    yield held("parts-null", "bob", {"parts": [None]})
    yield held("parts-text", "bob", {"parts": ["x"]})
    yield held("bool-for-text", "bob", {"inner": {"a": True}})
    yield held("map-for-text", "bob", {"inner": {"a": {"z": 1.5}}})
    yield held("text-for-number", "bob", {"count": "x"})
    yield held("emptied", "ann", {})
    yield {"id": "near-held-put", "method": "PUT", "path": f"{CRATES}/held?fieldManager=putter", "body": crate({"atom": [], "whole": {}, "inner": {}, "set": []}, "held", metadata={"name": "held", "resourceVersion": "{near-held-emptied:metadata.resourceVersion}"})}
    yield patch("near-held-emptied-more", f"{CRATES}/held?fieldManager=putter", MERGE, {"spec": {"atom": ["z"], "parts": []}})


def strategic():
    service = {"metadata": {"name": "v", "finalizers": ["a.example/x", "a.example/y"], "labels": {"a": "1"}}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP", "name": "dns"}], "externalIPs": ["192.0.2.1", "192.0.2.2"]}}
    yield {"id": "near-dir-make", "method": "POST", "path": f"{CORE}/services", "body": service}
    for what, body in {"ips-delete": {"spec": {"$deleteFromPrimitiveList/externalIPs": ["192.0.2.1"]}}, "ips-delete-all": {"spec": {"$deleteFromPrimitiveList/externalIPs": ["192.0.2.1", "192.0.2.2"]}}, "finalizers-delete": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.example/x"]}}, "finalizers-delete-unknown": {"metadata": {"$deleteFromPrimitiveList/finalizers": ["nope"]}},
                       "delete-text": {"spec": {"$deleteFromPrimitiveList/externalIPs": "192.0.2.1"}}, "delete-absent": {"spec": {"$deleteFromPrimitiveList/clusterIPs2": ["x"]}}, "delete-null": {"spec": {"$deleteFromPrimitiveList/externalIPs": None}}, "delete-scalar": {"spec": {"$deleteFromPrimitiveList/type": ["x"]}}, "delete-maps": {"spec": {"$deleteFromPrimitiveList/ports": [{"port": 80}]}},
                       "labels-delete": {"metadata": {"labels": {"$patch": "delete"}}}, "type-map-delete": {"spec": {"type": {"$patch": "delete"}}}, "ports-map": {"spec": {"ports": {"$patch": "delete"}}}, "labels-list": {"metadata": {"labels": ["x"]}}}.items():
        yield patch(f"near-dir-{what}", f"{CORE}/services/v?dryRun=All", STRATEGIC, body)


def metadata():
    yield {"id": "near-meta-make", "method": "POST", "path": MAPS, "body": {"metadata": {"name": "m", "finalizers": ["a.example/x"], "selfLink": "/s", "generation": 7}, "data": {"a": "1"}}}
    for what, meta in {"deleted": {"deletionTimestamp": "2030-01-01T00:00:00.5+01:00"}, "deleted-null": {"deletionTimestamp": None}, "grace-zero": {"deletionGracePeriodSeconds": 0}, "grace-below": {"deletionGracePeriodSeconds": -3}, "created": {"creationTimestamp": "2001-01-01T00:00:00Z"}, "generation": {"generation": 3}, "version-big": {"resourceVersion": "99999999999999999999"}, "version-minus": {"resourceVersion": "-1"}, "version-empty": {"resourceVersion": ""}, "version-zero": {"resourceVersion": "0"}, "version-quote": {"resourceVersion": "a\"b"}, "link": {"selfLink": "/x"}, "name": {"name": "n"}, "namespace": {"namespace": "other"}}.items():
        yield patch(f"near-meta-{what}", f"{MAPS}/m?dryRun=All", MERGE, {"metadata": meta})
        yield {"id": f"near-meta-put-{what}", "method": "PUT", "path": f"{MAPS}/m?dryRun=All", "body": {"metadata": {"name": "m", "finalizers": ["a.example/x"], **meta}, "data": {"a": "2"}}}
    yield patch("near-meta-apply-deleted", f"{MAPS}/m?dryRun=All&fieldManager=a", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "deletionTimestamp": "2030-01-01T00:00:00Z"}})
    yield patch("near-meta-apply-version", f"{MAPS}/m?dryRun=All&fieldManager=a", APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "resourceVersion": "abc"}})
    yield patch("near-meta-crate-deleted", f"{CRATES}/b?dryRun=All", MERGE, {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}})
    yield {"id": "near-meta-delete", "method": "DELETE", "path": f"{MAPS}/m"}
    yield patch("near-meta-deleting-other", f"{MAPS}/m?dryRun=All", MERGE, {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 9}})
    yield patch("near-meta-deleting-null", f"{MAPS}/m?dryRun=All", MERGE, {"metadata": {"deletionTimestamp": None, "deletionGracePeriodSeconds": None}})
    yield patch("near-meta-released", f"{MAPS}/m", MERGE, {"metadata": {"finalizers": None}})


def nodes():
    yield {"id": "near-node-make", "method": "POST", "path": "/api/v1/nodes", "body": {"metadata": {"name": "near"}, "spec": {"configSource": {"configMap": {"name": "x", "namespace": "y", "kubeletConfigKey": "z"}}}, "status": {"capacity": {"cpu": "2"}}}}
    for what, status in {"both": {"capacity": {"cpu": "4"}, "allocatable": {"cpu": "3"}}, "more": {"capacity": {"memory": "1.5Gi", "hugepages-2Mi": "1.5"}}, "empty": {"capacity": {}, "allocatable": None}, "gpu": {"allocatable": {"example.com/gpu": "1.5"}}, "ephemeral": {"capacity": {"kubernetes.io/x": "500m", "pods": "10.5"}}}.items():
        yield patch(f"near-node-{what}", "/api/v1/nodes/near/status?dryRun=All", MERGE, {"status": status})
    yield {"id": "near-node-delete", "method": "DELETE", "path": "/api/v1/nodes/near"}
    yield {"id": "near-pod-make", "method": "POST", "path": f"{CORE}/pods", "body": {"metadata": {"name": "p"}, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1"}]}}}
    for what, meta in {"uid": {"uid": "x"}, "version": {"resourceVersion": "1"}, "both": {"uid": "{near-pod-make:metadata.uid}", "resourceVersion": "{near-pod-make:metadata.resourceVersion}"}}.items():
        yield {"id": f"near-bind-{what}", "method": "POST", "path": f"{CORE}/pods/p/binding?dryRun=All", "body": {"metadata": {"name": "p", **meta}, "target": {"kind": "Node", "name": "n"}}}
    yield {"id": "near-bind-top", "method": "POST", "path": f"{CORE}/bindings?dryRun=All", "body": {"metadata": {"name": "p", "uid": "y"}, "target": {"name": "n"}}}


def reviews():
    auth = "/apis/authorization.k8s.io/v1"
    selectors = {"fields-empty": ("fieldSelector", {}), "labels-empty": ("labelSelector", {"requirements": []}), "fields-in-none": ("fieldSelector", {"requirements": [{"key": "a", "operator": "In"}]}), "fields-exists-some": ("fieldSelector", {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]}), "fields-exists": ("fieldSelector", {"requirements": [{"key": "a", "operator": "Exists"}]}),
                 "fields-two": ("fieldSelector", {"requirements": [{"key": "a", "operator": "In", "values": ["b", "c"]}, {"key": "d", "operator": "NotIn", "values": ["e"]}]}), "fields-raw-bad": ("fieldSelector", {"rawSelector": "abc"}), "labels-raw-bad": ("labelSelector", {"rawSelector": "a in ("}), "labels-value": ("labelSelector", {"requirements": [{"key": "a", "operator": "In", "values": ["b c"]}]}), "labels-key": ("labelSelector", {"requirements": [{"key": "a b", "operator": "Exists"}]}), "labels-odd": ("labelSelector", {"requirements": [{"key": "a", "operator": "in", "values": ["b"]}, {"key": "c", "operator": "Exists"}]}), "fields-no-key": ("fieldSelector", {"requirements": [{"operator": "Near"}]})}
    for what, (member, selector) in selectors.items():
        yield {"id": f"near-review-{what}", "method": "POST", "path": f"{auth}/selfsubjectaccessreviews", "body": {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods", member: selector}}}}
    yield {"id": "near-review-both", "method": "POST", "path": f"{auth}/subjectaccessreviews", "body": {"spec": {"user": "ann", "resourceAttributes": {"verb": "list", "resource": "pods", "fieldSelector": {"rawSelector": "x"}, "labelSelector": {"rawSelector": "a=="}}}}}


def texts():
    yaml = {"tab": "metadata:\n\tname: x\n", "tab-after": "metadata:\n  name:\tx\n", "colon": "metadata:\n  name: x: y\n", "indent": "metadata:\n  name: x\n bad: y\n", "unclosed": "metadata: {name: x\n", "quote": "metadata:\n  name: \"x\n", "anchor": "metadata: *x\n", "at": "metadata: @x\n", "percent": "metadata:\n  name: %x\n", "list": "- a\n- b\n", "text": "abc\n", "two": "metadata: {name: x}\n---\nmetadata: {name: y}\n", "twice": "metadata: {name: x}\ndata: {a: b, a: c}\n", "tag": "metadata: !x {name: x}\n", "control": "metadata: {name: \"x\x07\"}\n", "empty": "", "comment": "# nothing\n", "escape": "metadata: {name: \"\\q\"}\n", "bracket": "metadata: ]\n", "key": "? [a]\n: b\n"}
    for what, text in yaml.items():
        yield {"id": f"near-yaml-{what}", "method": "POST", "path": MAPS + "?dryRun=All", "headers": {"Content-Type": "application/yaml"}, "body": text}
        yield {"id": f"near-yaml-apply-{what}", "method": "PATCH", "path": MAPS + "/x?dryRun=All&fieldManager=a", "headers": {"Content-Type": APPLY}, "body": "apiVersion: v1\nkind: ConfigMap\n" + text}
    for what, number in {"float": "2.0", "fraction": "2.5", "big": "12345678901234567890", "minus": "-1", "exp": "1E2", "huge": "1e400", "tiny": "1e-400"}.items():
        yield {"id": f"near-number-{what}", "method": "POST", "path": f"{APPS}/replicasets?dryRun=All", "body": '{"metadata":{"name":"r"},"spec":{"replicas":' + number + ',"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"c:1"}]}}}}'}
        yield {"id": f"near-number-crate-{what}", "method": "POST", "path": CRATES + "?dryRun=All", "body": '{"apiVersion":"near.example.com/v1","kind":"Crate","metadata":{"name":"x"},"spec":{"count":' + number + '}}'}
        yield {"id": f"near-number-merge-{what}", "method": "PATCH", "path": f"{APPS}/statefulsets/s?dryRun=All", "headers": {"Content-Type": MERGE}, "body": '{"spec":{"replicas":' + number + '}}'}
    for what, header in {"none": "", "space": "application/json ; charset=utf-8", "twice": "application/json; a=1; a=2", "quoted": "application/json; a=\"b c\"", "no-value": "application/json; a=", "no-name": "application/json; =b", "bare": "application/json; a", "semicolon": "application/json;", "upper": "APPLICATION/JSON", "comma": "application/json, text/plain", "slash": "application/json; a=b/c"}.items():
        yield {"id": f"near-type-{what}", "method": "POST", "path": MAPS + "?dryRun=All", "headers": {"Content-Type": header}, "body": {"metadata": {"name": "x"}}}


def paths():
    pod = f"{CORE}/pods/p"
    for path in (f"{pod}/log/a/b", f"{pod}/exec/x", f"{pod}/binding/x", f"{APPS}/statefulsets/s/scale/x", f"{APPS}/statefulsets/s/status/", f"{CRATES}/b/status/x", f"{CRATES}/b/nope/x", f"{MAPS}/a%25b", "//apis", "//", "/api/v1//pods", "/openapi/v3/api/v1/", "/openapi/v2/", "/openapi", "/openapi/v3/apis/apps/v1?hash=ABC"):
        yield {"id": f"near-path{path.replace('/', '-')}", "path": path}
        if "openapi" not in path:
            yield {"id": f"near-delete{path.replace('/', '-')}", "method": "DELETE", "path": path}
    for what, query in {"stream-empty": "stream=", "stream-all": "stream=All", "stream-twice": "stream=All&stream=x", "tail-stream": "tailLines=-1&stream=All", "since-time-bad": "sinceTime=x", "since-both": "sinceTime=2026-01-01T00:00:00Z&sinceSeconds=0", "export": "export=true"}.items():
        yield {"id": f"near-log-{what}", "path": f"{pod}/log?{query}"}
    for value in ("", "false", "0", "no", "FALSE"):
        yield {"id": f"near-export-{value or 'empty'}", "path": f"{pod}?export={value}"}
    yield {"id": "near-export-list", "path": f"{CORE}/pods?export=1&labelSelector=none"}
    yield {"id": "near-export-status", "path": f"{APPS}/statefulsets/s/status?export=1"}
    for word in ("%22a%22", "a%5Cb", "%C3%A9"):
        yield {"id": f"near-name-{word.replace('%', '.')}", "path": f"{CORE}/secrets/{word}"}
        yield {"id": f"near-name-delete-{word.replace('%', '.')}", "method": "DELETE", "path": f"{CORE}/services/{word}"}
