"""Input that is too big, too deep or no text at all: a real server's answer to it."""
import json

from common import APPLY, JSON_PATCH, MERGE, STRATEGIC, patch

HERE = "invented"
MAPS = f"/api/v1/namespaces/{HERE}/configmaps"
DRY = MAPS + "?dryRun=All"


def invented_hostile():
    yield from bodies()
    yield from sizes()
    yield from patches()
    yield from headers()


def post(what, body, path=DRY, **more):
    return {"id": f"inv-bad-{what}", "method": "POST", "path": path, "body": body, **more}


def bodies():
    for what, text in {"number-1e400": '{"metadata":{"name":"x","generation":1e400}}', "number-big": '{"metadata":{"name":"x","generation":123456789012345678901234567890}}', "number-minus-0": '{"metadata":{"name":"x","generation":-0}}', "number-exp": '{"metadata":{"name":"x","generation":1e2}}', "number-leading-0": '{"metadata":{"name":"x","generation":01}}', "number-hex": '{"metadata":{"name":"x","generation":0x1}}', "number-dot": '{"metadata":{"name":"x","generation":1.}}', "number-nan": '{"metadata":{"name":"x","generation":NaN}}', "nul": '{"metadata":{"name":"x"},"data":{"a":"\\u0000"}}', "nul-raw": '{"metadata":{"name":"x"},"data":{"a":"\x00"}}', "surrogate": '{"metadata":{"name":"x"},"data":{"a":"\\ud800"}}', "surrogate-pair": '{"metadata":{"name":"x"},"data":{"a":"\\ud83d\\ude00"}}', "escape-bad": '{"metadata":{"name":"x"},"data":{"a":"\\x41"}}', "control": '{"metadata":{"name":"x"},"data":{"a":"\n"}}', "trailing": '{"metadata":{"name":"x"}} x', "trailing-comma": '{"metadata":{"name":"x"},}', "comment": '{"metadata":{"name":"x"}} // x', "single-quotes": "{'metadata':{'name':'x'}}", "bom": '\ufeff{"metadata":{"name":"x"}}', "two": '{"metadata":{"name":"x"}}{"metadata":{"name":"y"}}',
                       "duplicate-deep": '{"metadata":{"name":"x","labels":{"a":"1","a":"2"}}}', "duplicate-name": '{"metadata":{"name":"x","name":"y"}}', "case-fold": '{"Metadata":{"Name":"x"}}', "case-both": '{"metadata":{"name":"x"},"METADATA":{"name":"y"}}', "key-empty": '{"":1,"metadata":{"name":"x"}}', "only-space": "   ", "only-brace": "{", "true": "true", "list": "[{}]"}.items():
        yield post(f"body-{what}", text)
    yield post("body-utf8", b'{"metadata":{"name":"x"},"data":{"a":"\xff\xfe"}}')
    yield post("body-latin1", b'{"metadata":{"name":"\xe9"}}')
    yield post("body-utf16", '{"metadata":{"name":"x"}}'.encode("utf-16"))
    for depth in (50, 500, 5000, 9000, 10001, 100000):
        yield post(f"deep-{depth}", '{"metadata":{"name":"x"},"data":{"a":' + "[" * depth + "]" * depth + "}}")
        yield post(f"deep-map-{depth}", '{"x":' * depth + "1" + "}" * depth)
    yield post("deep-label", '{"metadata":{"name":"x","labels":{"a":' + '{"a":' * 2000 + "1" + "}" * 2000 + "}}}")
    yield post("deep-yaml", "a: " + "[" * 2000 + "]" * 2000, headers={"Content-Type": "application/yaml"})
    yield post("yaml-bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n", headers={"Content-Type": "application/yaml"})
    yield post("yaml-loop", "a: &a [*a]\n", headers={"Content-Type": "application/yaml"})


def sizes():
    def named(**metadata):
        return {"metadata": {"name": "big", **metadata}}
    yield post("annotation-256k", named(annotations={"a": "x" * (256 * 1024 - 1)}))
    yield post("annotation-257k", named(annotations={"a": "x" * (256 * 1024)}))
    yield post("annotation-1m", named(annotations={"a": "x" * 1048576}))
    yield post("data-1m", {**named(), "data": {"a": "x" * 1048576}})
    yield post("data-1m-over", {**named(), "data": {"a": "x" * 1048577}})
    yield post("data-binary-over", {**named(), "binaryData": {"a": "AAAA" * 350000}})
    yield post("data-2m", {**named(), "data": {"a": "x" * 2097152}})
    yield post("body-over-3m", {**named(), "data": {"a": "x" * 3200000}})
    yield post("labels-5000", named(labels={f"k{i}": "v" for i in range(5000)}))
    yield post("labels-bad-500", named(labels={f"k {i}": "v" for i in range(500)}))
    yield post("owners-1000", named(ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": f"o{i}", "uid": f"u{i}"} for i in range(1000)]))
    yield post("owners-controllers", named(ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": f"o{i}", "uid": f"u{i}", "controller": True} for i in range(3)]))
    yield post("finalizers-1000", named(finalizers=[f"example.com/f{i}" for i in range(1000)]))
    yield post("name-253", {"metadata": {"name": "x" * 253}})
    yield post("name-254", {"metadata": {"name": "x" * 254}})
    yield post("key-253", {**named(), "data": {"k" * 253: "v"}})
    yield post("key-254", {**named(), "data": {"k" * 254: "v"}})
    yield post("secret-1m", {**named(), "data": {"a": "A" * 1398104}}, path=f"/api/v1/namespaces/{HERE}/secrets?dryRun=All")
    yield post("secret-over", {**named(), "data": {"a": "A" * 1398108}}, path=f"/api/v1/namespaces/{HERE}/secrets?dryRun=All")


def patches():
    yield {"id": "inv-bad-patch-make", "method": "POST", "path": MAPS, "body": {"metadata": {"name": "grow", "annotations": {"a": "x" * 1000}}, "data": {"a": "1"}}}
    one = f"{MAPS}/grow?dryRun=All"
    yield patch("inv-bad-patch-doubling", one, JSON_PATCH, [{"op": "copy", "from": "/metadata/annotations", "path": f"/data{i}"} if i == 0 else {"op": "copy", "from": "", "path": f"/x{i}"} for i in range(30)])
    yield patch("inv-bad-patch-copy-grow", one, JSON_PATCH, [{"op": "add", "path": "/x", "value": {}}] + [{"op": "copy", "from": "/x", "path": f"/x/{i}"} for i in range(40)])
    yield patch("inv-bad-patch-10000", one, JSON_PATCH, [{"op": "add", "path": "/data/a", "value": "1"}] * 10000)
    yield patch("inv-bad-patch-10001", one, JSON_PATCH, [{"op": "add", "path": "/data/a", "value": "1"}] * 10001)
    yield patch("inv-bad-patch-deep-path", one, JSON_PATCH, [{"op": "add", "path": "/a" * 5000, "value": "1"}])
    yield patch("inv-bad-patch-deep-value", one, JSON_PATCH, '[{"op":"add","path":"/data/x","value":' + "[" * 2000 + "]" * 2000 + "}]")
    for short, kind in (("merge", MERGE), ("strategic", STRATEGIC), ("apply", APPLY)):
        query = one + ("&fieldManager=a" if kind == APPLY else "")
        yield patch(f"inv-bad-patch-{short}-deep", query, kind, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"grow","labels":' + '{"a":' * 3000 + "1" + "}" * 3000 + "}}")
        yield patch(f"inv-bad-patch-{short}-big", query, kind, json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "grow"}, "data": {"x": "y" * 3200000}}))
        yield patch(f"inv-bad-patch-{short}-number", query, kind, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"grow","generation":1e400}}')


def headers():
    for what, value in {"none": "", "text": "text/plain", "json-params": "application/json; charset=utf-8", "json-bad-params": "application/json; =", "upper": "Application/JSON", "two": "application/json, application/yaml", "form": "application/x-www-form-urlencoded", "merge": MERGE, "protobuf": "application/vnd.kubernetes.protobuf", "cbor": "application/cbor", "long": "x/" + "y" * 2000}.items():
        yield post(f"type-{what}", '{"metadata":{"name":"x"}}', headers={"Content-Type": value})
    for what, more in {"agent-long": {"User-Agent": "a" * 300}, "agent-odd": {"User-Agent": "a b/c (d) \u00e9"}, "agent-empty": {"User-Agent": ""}, "agent-slash": {"User-Agent": "/x"}}.items():
        yield post(f"{what}", {"metadata": {"name": "x"}, "data": {"a": "1"}}, headers=more)
