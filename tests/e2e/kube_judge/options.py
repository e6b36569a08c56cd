"""Options and bodies of writes, methods, finalizers, generated names, deletions of collections."""
from common import APPLY, JSON_PATCH, MERGE, NS, STRATEGIC, collection, object_of, patch
from kinds import KINDS

MAPS = f"/api/v1/namespaces/{NS}/configmaps"


def options():
    yield from query_options()
    yield from media()
    yield from odd_bodies()
    yield from finalizers()
    yield from generated_names()
    yield from collections()
    yield from methods()


def map_named(name, **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}, "data": {"a": "1"}}


def query_options():
    yield {"id": "opt-map", "method": "POST", "path": MAPS, "body": map_named("opt")}
    one = MAPS + "/opt"
    for what, query in [("timeout-soon", "timeoutSeconds=soon"), ("timeout-negative", "timeoutSeconds=-5"), ("timeout-fraction", "timeoutSeconds=1.5"), ("timeout-huge", "timeoutSeconds=99999999999999999999"),
                        ("limit-huge", "limit=99999999999999999999"), ("limit-0", "limit=0&labelSelector=page"), ("limit-plus", "limit=%2B1&labelSelector=n%3D1"), ("watch-word", "watch=maybe&labelSelector=n%3D1"), ("watch-false", "watch=false&labelSelector=n%3D1"), ("watch-0", "watch=0&labelSelector=n%3D1"),
                        ("unknown-query", "colour=red&labelSelector=n%3D1"), ("bookmarks-word", "allowWatchBookmarks=maybe&labelSelector=n%3D1"), ("repeat", "limit=1&limit=2&labelSelector=page"), ("semicolon", "limit=1;labelSelector=page"), ("bad-escape", "labelSelector=%zz"), ("export", "export=true&labelSelector=n%3D1"),
                        ("exact-version", "labelSelector=n%3D1&resourceVersionMatch=Exact&resourceVersion={page-0:metadata.resourceVersion}"), ("not-older", "labelSelector=n%3D1&resourceVersionMatch=NotOlderThan&resourceVersion={page-0:metadata.resourceVersion}"),
                        ("exact-limit", "labelSelector=page&limit=2&resourceVersionMatch=Exact&resourceVersion={page-0:metadata.resourceVersion}"), ("version-limit", "labelSelector=page&limit=2&resourceVersion={page-0:metadata.resourceVersion}"), ("version-0-limit", "labelSelector=n%3D1&limit=2&resourceVersion=0"),
                        ("match-case", "resourceVersionMatch=exact&resourceVersion=1"), ("initial-events-list", "sendInitialEvents=true&labelSelector=n%3D1"), ("fields-in", "fieldSelector=metadata.name%20in%20(a)"), ("fields-empty-value", "fieldSelector=metadata.name%3D"), ("fields-double-equals", "fieldSelector=metadata.name%3D%3Dpage-1"),
                        ("labels-exists", "labelSelector=page"), ("labels-empty-in", "labelSelector=n%20in%20()"), ("labels-comma", "labelSelector=,"), ("labels-trailing-comma", "labelSelector=page,"), ("labels-lt", "labelSelector=n%3C3"), ("labels-gt-text", "labelSelector=n%3Ex"), ("labels-not-equal", "labelSelector=page,n!%3D1"),
                        ("labels-double", "labelSelector=n%3D%3D1"), ("labels-prefix", "labelSelector=example.com/a%3Db"), ("labels-bad-prefix", "labelSelector=Exa_mple.com/a%3Db"), ("labels-long-key", "labelSelector=" + "a" * 64 + "%3Db"), ("labels-long-value", "labelSelector=a%3D" + "b" * 64), ("labels-space", "labelSelector=page%20%20,%20n%20%3D%201"),
                        ("labels-no-key", "labelSelector=%3Dx"), ("labels-bang", "labelSelector=!"), ("labels-quote", "labelSelector=%22a%22%3D1")]:
        yield {"id": f"opt-list-{what}", "path": f"{MAPS}?{query}"}
    for what, query in [("version", "resourceVersion=1"), ("version-text", "resourceVersion=abc"), ("version-future", "resourceVersion=99999999"), ("timeout", "timeoutSeconds=soon"), ("pretty", "pretty=true"), ("pretty-word", "pretty=maybe"), ("match", "resourceVersionMatch=Exact&resourceVersion=1"), ("unknown", "a=b")]:
        yield {"id": f"opt-get-{what}", "path": f"{one}?{query}"}
    for what, query in [("dry-empty", "dryRun="), ("dry-lower", "dryRun=all"), ("dry-true", "dryRun=true"), ("dry-twice", "dryRun=All&dryRun=All"), ("dry-mixed", "dryRun=All&dryRun=Some"), ("manager", "dryRun=All&fieldManager=me"), ("manager-128", "dryRun=All&fieldManager=" + "x" * 128), ("manager-control", "dryRun=All&fieldManager=a%0Ab"),
                        ("manager-chinese", "dryRun=All&fieldManager=%E4%BD%A0"), ("pretty", "dryRun=All&pretty=true"), ("timeout", "dryRun=All&timeout=soon"), ("timeout-0", "dryRun=All&timeout=0s"), ("timeout-long", "dryRun=All&timeout=10m"), ("timeout-5s", "dryRun=All&timeout=5s")]:
        yield {"id": f"opt-create-{what}", "method": "POST", "path": f"{MAPS}?{query}", "body": map_named("created")}
        yield {"id": f"opt-put-{what}", "method": "PUT", "path": f"{one}?{query}", "body": map_named("opt")}
        yield patch(f"opt-patch-{what}", f"{one}?{query}", MERGE, {"data": {"a": "2"}})
        yield {"id": f"opt-delete-{what}", "method": "DELETE", "path": f"{one}x?{query}"}
    yield patch("opt-force-merge", one + "?force=true", MERGE, {"data": {"a": "2"}})
    yield patch("opt-force-word", one + "?force=maybe&fieldManager=a&dryRun=All", APPLY, map_named("opt"))
    for what, query in [("policy", "propagationPolicy=Burn"), ("policy-lower", "propagationPolicy=background"), ("policy-background", "propagationPolicy=Background"), ("policy-foreground", "propagationPolicy=Foreground"), ("policy-orphan", "propagationPolicy=Orphan"), ("orphan-true", "orphanDependents=true"), ("orphan-word", "orphanDependents=maybe"), ("orphan-and-policy", "orphanDependents=true&propagationPolicy=Background"),
                        ("grace-negative", "gracePeriodSeconds=-1"), ("grace-0", "gracePeriodSeconds=0"), ("grace-fraction", "gracePeriodSeconds=1.5"), ("grace-huge", "gracePeriodSeconds=99999999999999999999")]:
        yield {"id": f"opt-delete-query-{what}", "method": "DELETE", "path": f"{one}?dryRun=All&{query}"}
    for what, body in [("kind", {"kind": "Pod", "apiVersion": "v1"}), ("version", {"kind": "DeleteOptions", "apiVersion": "v9"}), ("meta-version", {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"]}), ("group-version", {"kind": "DeleteOptions", "apiVersion": "apps/v1", "dryRun": ["All"]}), ("list", []), ("grace-text", {"gracePeriodSeconds": "soon", "dryRun": ["All"]}),
                       ("grace-negative", {"gracePeriodSeconds": -5, "dryRun": ["All"]}), ("dry-some", {"dryRun": ["Some"]}), ("dry-text", {"dryRun": "All"}), ("unknown", {"colour": "red", "dryRun": ["All"]}), ("uid-wrong", {"preconditions": {"uid": "nope"}, "dryRun": ["All"]}), ("uid-right", {"preconditions": {"uid": "{opt-remake-uid-right:metadata.uid}"}, "dryRun": ["All"]}),
                       ("version-right", {"preconditions": {"resourceVersion": "{opt-remake-version-right:metadata.resourceVersion}"}, "dryRun": ["All"]}), ("null", None)]:
        yield {"id": f"opt-remake-{what}", "method": "POST", "path": MAPS, "body": map_named(f"del-{what}")}
        yield {"id": f"opt-delete-body-{what}", "method": "DELETE", "path": f"{MAPS}/del-{what}?dryRun=All", "body": "null" if body is None else body}


def media():
    one = MAPS + "/opt"
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"media"}}'
    for what, kind in [("text", "text/plain"), ("form", "application/x-www-form-urlencoded"), ("xml", "application/xml"), ("json-patch", JSON_PATCH), ("merge", MERGE), ("apply", APPLY), ("upper", "Application/JSON"), ("semicolon", "application/json;"), ("charset-latin", "application/json; charset=latin1"), ("broken", "application"), ("empty-parameter", "application/json; a"), ("star", "*/*"), ("yaml", "application/yaml"), ("x-yaml", "application/x-yaml"), ("text-yaml", "text/yaml"), ("cbor", "application/cbor")]:
        yield {"id": f"media-post-{what}", "method": "POST", "path": MAPS + "?dryRun=All", "headers": {"Content-Type": kind}, "body": text}
        yield {"id": f"media-put-{what}", "method": "PUT", "path": one + "?dryRun=All", "headers": {"Content-Type": kind}, "body": text.replace("media", "opt")}
    for what, kind in [("json", "application/json"), ("none", ""), ("text", "text/plain"), ("upper", "Application/Merge-Patch+JSON"), ("charset", MERGE + "; charset=utf-8"), ("yaml", "application/yaml"), ("protobuf", "application/vnd.kubernetes.protobuf")]:
        yield patch(f"media-patch-{what}", one + "?dryRun=All", kind, {"data": {"b": "2"}})
    yield {"id": "media-delete-text", "method": "DELETE", "path": one + "?dryRun=All", "headers": {"Content-Type": "text/plain"}, "body": "{}"}
    for what, accept in [("html", "text/html"), ("html-any", "text/html, */*"), ("any-application", "application/*"), ("q", "application/yaml;q=0.5, application/json;q=0.9"), ("empty", ""), ("broken", "application"), ("json-upper", "APPLICATION/JSON"), ("json-charset", "application/json; charset=utf-8"), ("json-pretty", "application/json; pretty=1"), ("protobuf-json", "application/vnd.kubernetes.protobuf, application/json"), ("xml", "application/xml"),
                         ("table-bogus", "application/json;as=Tisch;v=v1;g=meta.k8s.io"), ("table-bogus-fallback", "application/json;as=Tisch;v=v1;g=meta.k8s.io, application/json"), ("table-group", "application/json;as=Table;v=v1;g=example.com"), ("table-version", "application/json;as=Table;v=v7;g=meta.k8s.io"), ("table-no-version", "application/json;as=Table"), ("table-yaml", "application/yaml;as=Table;v=v1;g=meta.k8s.io"), ("metadata", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"), ("metadata-beta", "application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io"), ("metadata-list", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"), ("stream", "application/json;stream=watch")]:
        yield {"id": f"accept-get-{what}", "path": one, "headers": {"Accept": accept}}
        yield {"id": f"accept-list-{what}", "path": MAPS + "?labelSelector=n%3D1", "headers": {"Accept": accept}}
        yield {"id": f"accept-absent-{what}", "path": MAPS + "/absent", "headers": {"Accept": accept}}
        yield {"id": f"accept-create-{what}", "method": "POST", "path": MAPS + "?dryRun=All", "headers": {"Accept": accept}, "body": text}


def odd_bodies():
    one = MAPS + "/opt"
    deployments = f"/apis/apps/v1/namespaces/{NS}/deployments"
    odd = [("empty", ""), ("space", "  "), ("null", "null"), ("list", "[]"), ("number", "7"), ("text", '"x"'), ("true", "true"), ("half", '{"data":'), ("nul-byte", b'{"metadata":{"name":"nul"}}\x00'), ("nul-inside", b'{"metadata":{"name":"n\x00l"}}'), ("control", b'{"metadata":{"name":"c\x01l"}}'), ("bom", b'\xef\xbb\xbf{"metadata":{"name":"bom"}}'), ("two", '{"metadata":{"name":"two"}}{"metadata":{"name":"two"}}'),
           ("comment", '{"metadata":{"name":"x"}/* c */}'), ("trailing-comma", '{"metadata":{"name":"x",}}'), ("single-quotes", "{'metadata':{'name':'x'}}"), ("nan", '{"metadata":{"generation":NaN}}'), ("surrogate", '{"metadata":{"name":"s"},"data":{"a":"\\ud800"}}'), ("case", '{"METADATA":{"NAME":"upper"},"Data":{"a":"b"}}'), ("number-name", '{"metadata":{"name":5}}'), ("null-metadata", '{"metadata":null}'), ("list-metadata", '{"metadata":[]}'),
           ("null-data", '{"metadata":{"name":"null-data"},"data":null}'), ("null-value", '{"metadata":{"name":"null-value"},"data":{"a":null}}'), ("kind-number", '{"kind":5,"metadata":{"name":"x"}}'), ("kind-only", '{"kind":"ConfigMap","metadata":{"name":"kind-only"}}'), ("version-only", '{"apiVersion":"v1","metadata":{"name":"version-only"}}'), ("kind-list", '{"kind":"List","apiVersion":"v1","items":[]}'), ("kind-map-list", '{"kind":"ConfigMapList","apiVersion":"v1","items":[]}'), ("kind-other", '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}'),
           ("kind-lower", '{"kind":"configmap","apiVersion":"v1","metadata":{"name":"x"}}'), ("version-slash", '{"kind":"ConfigMap","apiVersion":"a/b/c","metadata":{"name":"x"}}'), ("version-empty-group", '{"kind":"ConfigMap","apiVersion":"/v1","metadata":{"name":"x"}}'), ("status-kind", '{"kind":"Status","apiVersion":"v1"}'), ("big-number", '{"metadata":{"name":"x","generation":99999999999999999999}}'), ("exponent", '{"metadata":{"name":"exponent","generation":1e2}}')]
    for what, body in odd:
        yield {"id": f"odd-post-{what}", "method": "POST", "path": MAPS + "?dryRun=All", "body": body}
        yield {"id": f"odd-put-{what}", "method": "PUT", "path": one + "?dryRun=All", "body": body}
        yield patch(f"odd-merge-{what}", one + "?dryRun=All", MERGE, body)
        yield patch(f"odd-strategic-{what}", one + "?dryRun=All", STRATEGIC, body)
        yield patch(f"odd-json-patch-{what}", one + "?dryRun=All", JSON_PATCH, body)
        yield patch(f"odd-apply-{what}", one + "?dryRun=All&fieldManager=a&force=true", APPLY, body)
    for what, operations in [("text-operation", '["x"]'), ("number-operation", "[1]"), ("null-operation", "[null]"), ("no-op", '[{"path":"/data/a","value":"1"}]'), ("no-value", '[{"op":"add","path":"/data/z"}]'), ("null-value", '[{"op":"add","path":"/data/z","value":null}]'), ("relative", '[{"op":"add","path":"data/z","value":"1"}]'), ("root", '[{"op":"replace","path":"","value":{}}]'), ("root-remove", '[{"op":"remove","path":""}]'), ("move-no-from", '[{"op":"move","path":"/data/z"}]'),
                             ("copy-absent", '[{"op":"copy","from":"/data/nope","path":"/data/z"}]'), ("move-into-itself", '[{"op":"move","from":"/metadata","path":"/metadata/labels"}]'), ("test-absent", '[{"op":"test","path":"/data/nope","value":"1"}]'), ("test-null", '[{"op":"test","path":"/data/nope","value":null}]'), ("path-number", '[{"op":"add","path":5,"value":"1"}]'), ("escape-bad", '[{"op":"add","path":"/data/~2","value":"1"}]'), ("upper-op", '[{"op":"ADD","path":"/data/z","value":"1"}]'),
                             ("index-leading-zero", '[{"op":"add","path":"/metadata/finalizers/01","value":"a/b"}]'), ("index-negative", '[{"op":"add","path":"/metadata/finalizers/-1","value":"a/b"}]'), ("dash-remove", '[{"op":"remove","path":"/metadata/finalizers/-"}]'), ("extra-member", '[{"op":"add","path":"/data/z","value":"1","why":"x"}]'), ("through-text", '[{"op":"add","path":"/data/a/b","value":"1"}]'), ("kind", '[{"op":"replace","path":"/kind","value":"Secret"}]'), ("version", '[{"op":"replace","path":"/metadata/resourceVersion","value":"1"}]'), ("uid", '[{"op":"remove","path":"/metadata/uid"}]'), ("status", '[{"op":"add","path":"/status","value":{}}]')]:
        yield patch(f"ops-{what}", one + "?dryRun=All", JSON_PATCH, operations)
    for mode in ("Strict", "Warn", "Ignore", "", "Bogus"):
        query = f"?dryRun=All&fieldValidation={mode}"
        for what, body in [("unknown", '{"metadata":{"name":"strict"},"colour":"red"}'), ("unknown-twice", '{"metadata":{"name":"strict","x":1},"colour":"red"}'), ("duplicate", '{"metadata":{"name":"strict"},"data":{"a":"1","a":"2"}}'), ("duplicate-top", '{"metadata":{"name":"strict"},"data":{"a":"1"},"data":{"b":"2"}}'), ("both", '{"metadata":{"name":"strict"},"colour":"red","data":{"a":"1","a":"2"}}'), ("case", '{"metadata":{"name":"strict"},"Data":{"a":"1"}}'), ("none", '{"metadata":{"name":"strict"}}')]:
            yield {"id": f"strict-{mode}-post-{what}", "method": "POST", "path": MAPS + query, "body": body}
        yield {"id": f"strict-{mode}-yaml-duplicate", "method": "POST", "path": MAPS + query, "headers": {"Content-Type": "application/yaml"}, "body": "metadata:\n  name: strict\ndata:\n  a: '1'\n  a: '2'\n"}
        yield {"id": f"strict-{mode}-yaml-unknown", "method": "POST", "path": MAPS + query, "headers": {"Content-Type": "application/yaml"}, "body": "metadata: {name: strict}\ncolour: red\n"}
        yield patch(f"strict-{mode}-merge", one + query, MERGE, '{"colour":"red","data":{"a":"1","a":"2"}}')
        yield patch(f"strict-{mode}-strategic", one + query, STRATEGIC, '{"colour":"red"}')
        yield patch(f"strict-{mode}-json-patch", one + query, JSON_PATCH, '[{"op":"add","path":"/colour","value":"red"}]')
        yield patch(f"strict-{mode}-apply", one + query + "&fieldManager=a&force=true", APPLY, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"opt"},"data":{"a":"1","a":"2"}}')
        deployment = object_of("deployment", "strict")
        deployment["spec"]["template"]["spec"]["containers"][0]["imag"] = "x"
        yield {"id": f"strict-{mode}-deployment", "method": "POST", "path": deployments + query, "body": deployment}
        yield {"id": f"strict-{mode}-put", "method": "PUT", "path": one + query, "body": '{"metadata":{"name":"opt"},"colour":"red"}'}


def finalizers():
    yield {"id": "fin-create", "method": "POST", "path": MAPS, "body": map_named("fin", finalizers=["example.com/keep", "example.com/also"])}
    one = MAPS + "/fin"
    yield {"id": "fin-delete", "method": "DELETE", "path": one}
    yield {"id": "fin-get", "path": one}
    yield {"id": "fin-delete-again", "method": "DELETE", "path": one}
    yield patch("fin-change", one, MERGE, {"data": {"b": "2"}})
    yield patch("fin-add", one, MERGE, {"metadata": {"finalizers": ["example.com/keep", "example.com/also", "example.com/new"]}})
    yield {"id": "fin-create-again", "method": "POST", "path": MAPS, "body": map_named("fin")}
    yield patch("fin-one-less", one, JSON_PATCH, [{"op": "remove", "path": "/metadata/finalizers/0"}])
    yield patch("fin-undelete", one, MERGE, {"metadata": {"deletionTimestamp": None}})
    yield patch("fin-none", one, MERGE, {"metadata": {"finalizers": None}})
    yield {"id": "fin-gone", "path": one}
    deployments = f"/apis/apps/v1/namespaces/{NS}/deployments"
    yield {"id": "fore-create", "method": "POST", "path": deployments, "body": object_of("deployment", "fore")}
    yield {"id": "fore-delete", "method": "DELETE", "path": deployments + "/fore?propagationPolicy=Orphan&dryRun=All"}
    yield {"id": "fore-delete-dry", "method": "DELETE", "path": deployments + "/fore", "body": {"propagationPolicy": "Background", "preconditions": {"uid": "{fore-create:metadata.uid}"}}}
    yield {"id": "fin-on-create-bad", "method": "POST", "path": MAPS, "body": map_named("fin-bad", finalizers=["a b/c"])}
    yield {"id": "fin-deletion-set", "method": "POST", "path": MAPS + "?dryRun=All", "body": map_named("fin-set", deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=5)}


def generated_names():
    for what, metadata in [("plain", {"generateName": "gen-"}), ("long", {"generateName": "g" * 70}), ("very-long", {"generateName": "g" * 260}), ("bad", {"generateName": "Not_Good-"}), ("with-name", {"name": "named", "generateName": "gen-"}), ("dash", {"generateName": "-gen"}), ("empty", {"generateName": ""}), ("dot", {"generateName": "gen."}), ("number", {"generateName": 5})]:
        for kind in ("configmap", "service", "pod", "namespace"):
            yield {"id": f"generate-{kind}-{what}", "method": "POST", "path": collection(kind) + "?dryRun=All", "body": dict(object_of(kind, "x"), metadata=metadata)}


def collections():
    for i in range(3):
        yield {"id": f"coll-create-{i}", "method": "POST", "path": MAPS, "body": map_named(f"coll-{i}", labels={"coll": "yes"})}
    for what, query in [("bad-selector", "labelSelector=a%3D%3D%3D"), ("bad-field", "fieldSelector=spec.x%3D1"), ("dry", "labelSelector=coll&dryRun=All"), ("policy", "labelSelector=coll&propagationPolicy=Burn"), ("none", "labelSelector=nothing"), ("by-name", "fieldSelector=metadata.name%3Dcoll-0"), ("limit", "labelSelector=coll&limit=1"), ("rest", "labelSelector=coll")]:
        yield {"id": f"coll-{what}", "method": "DELETE", "path": f"{MAPS}?{query}"}
    yield {"id": "coll-after", "path": MAPS + "?labelSelector=coll"}
    yield {"id": "coll-body", "method": "DELETE", "path": MAPS + "?labelSelector=coll", "body": {"gracePeriodSeconds": "x"}}
    for plural in ("services", "namespaces"):
        yield {"id": f"coll-{plural}", "method": "DELETE", "path": f"/api/v1/namespaces/{NS}/{plural}?labelSelector=nothing" if plural == "services" else f"/api/v1/{plural}?labelSelector=nothing"}


def methods():
    for kind in KINDS:
        path = collection(kind)
        for method, target in [("PUT", path), ("PATCH", path), ("POST", path + "/x"), ("HEAD", path + "/absent"), ("OPTIONS", path), ("FOO", path), ("POST", path + "/absent/status"), ("DELETE", path + "/absent/status"), ("GET", path + "/absent/status"), ("GET", path + "/absent/scale")]:
            yield {"id": f"verb-{kind}-{method}-{target[len(path):].strip('/').replace('/', '-') or 'all'}", "method": method, "path": target, "body": {} if method in ("PUT", "PATCH", "POST") else None,
                   "headers": {"Content-Type": MERGE} if method == "PATCH" else {}}
        if kind not in ("namespace", "service", "nodeport", "headless", "external"):
            yield {"id": f"verb-{kind}-delete-none", "method": "DELETE", "path": path + "?labelSelector=nothing"}
