"""Reads, deletions and subresources that nobody has played before: selectors, versions, pages, watches, preconditions, tables, reviews, impersonation."""
from urllib.parse import quote

from common import JSON_PATCH, MERGE, STRATEGIC, TABLE, patch
from kinds import KINDS

HERE = "invented"
CORE, APPS = f"/api/v1/namespaces/{HERE}", f"/apis/apps/v1/namespaces/{HERE}"
MAPS = f"{CORE}/configmaps"
META = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
METAS = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def invented_reads():
    yield from pages()
    yield from versions()
    yield from selectors()
    yield from watches()
    yield from forms()
    yield from deletions()
    yield from collections()
    yield from subresources()
    yield from logs()
    yield from reviews()
    yield from impersonations()
    yield from names()


def some_map(name, **metadata):
    return {"metadata": {"name": name, **metadata}, "data": {"a": "1"}}


def pages():
    for i in range(5):
        yield {"id": f"inv-page-make-{i}", "method": "POST", "path": MAPS, "body": some_map(f"page-{i}", labels={"page": "yes", "odd": str(i % 2)})}
    yield {"id": "inv-page-1", "path": f"{MAPS}?limit=2&labelSelector=page"}
    token = "{inv-page-1:metadata.continue}"
    for what, path in [("2", f"{MAPS}?limit=2&labelSelector=page&continue={token}"), ("2-no-limit", f"{MAPS}?labelSelector=page&continue={token}"), ("2-other-labels", f"{MAPS}?limit=2&labelSelector=odd%3D1&continue={token}"), ("2-no-labels", f"{MAPS}?limit=1&continue={token}&labelSelector=page%3Dyes"), ("2-fields", f"{MAPS}?limit=2&fieldSelector=metadata.name%3Dpage-4&continue={token}"),
                       ("2-other-kind", f"{CORE}/services?limit=2&continue={token}&labelSelector=page"), ("2-other-namespace", f"/api/v1/namespaces/judge/configmaps?limit=2&continue={token}&labelSelector=page"), ("2-version-0", f"{MAPS}?limit=2&continue={token}&resourceVersion=0"), ("2-version", f"{MAPS}?limit=2&continue={token}&resourceVersion=1"), ("2-match", f"{MAPS}?limit=2&continue={token}&resourceVersionMatch=NotOlderThan"), ("2-watch", f"{MAPS}?watch=1&timeoutSeconds=1&continue={token}"),
                       ("2-table", f"{MAPS}?limit=2&labelSelector=page&continue={token}"), ("limit-big", f"{MAPS}?limit=9223372036854775807&labelSelector=page"), ("limit-over", f"{MAPS}?limit=9223372036854775808&labelSelector=page"), ("limit-float", f"{MAPS}?limit=1.0&labelSelector=page"), ("limit-empty", f"{MAPS}?limit=&labelSelector=page"), ("limit-negative", f"{MAPS}?limit=-1&labelSelector=page"), ("limit-hex", f"{MAPS}?limit=0x2&labelSelector=page"), ("continue-empty", f"{MAPS}?limit=2&continue=&labelSelector=page"),
                       ("continue-text", f"{MAPS}?limit=2&continue=abc"), ("continue-json", f"{MAPS}?limit=2&continue=e30"), ("continue-version", f"{MAPS}?limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjIiLCJydiI6MSwic3RhcnQiOiJhIn0"), ("continue-up", f"{MAPS}?limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi9hXHUwMDAwIn0"), ("continue-old", f"{MAPS}?limit=2&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0"), ("continue-future", f"{MAPS}?limit=2&labelSelector=page&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6OTk5OTk5OTksInN0YXJ0IjoiYVx1MDAwMCJ9"),
                       ("fields", f"{MAPS}?limit=2&fieldSelector=metadata.name!%3Dpage-0&labelSelector=page"), ("labels-none", f"{MAPS}?limit=2&labelSelector=page%3Dno"), ("all-namespaces", "/api/v1/configmaps?limit=2&labelSelector=page"), ("one-left", f"{MAPS}?limit=5&labelSelector=page"), ("exactly", f"{MAPS}?limit=4&labelSelector=page")]:
        headers = {"Accept": TABLE} if what.endswith("table") else {}
        yield {"id": f"inv-page-{what}", "path": path, "headers": headers}


def versions():
    yield {"id": "inv-rv-now", "path": f"{MAPS}/page-0"}
    yield patch("inv-rv-later", f"{MAPS}/page-4", MERGE, {"data": {"a": "2"}})
    now = "{inv-rv-now:metadata.resourceVersion}"
    for rv in ("", "0", "1", now, "99999999", "-1", "abc", "1.5", "99999999999999999999"):
        for match in ("", "Exact", "NotOlderThan", "exact", "Newest"):
            for limit in ("", "2"):
                query = "&".join(part for part in ("labelSelector=page", f"resourceVersion={rv}" if rv else "", f"resourceVersionMatch={match}" if match else "", f"limit={limit}" if limit else "") if part)
                word = "now" if rv == now else rv or "none"
                if word == "99999999" and match != "Exact":
                    continue  # it waits until that version comes
                yield {"id": f"inv-rv-{word}-{match or 'none'}-{limit or 'all'}", "path": f"{MAPS}?{query}"}
        if rv not in ("99999999", ""):
            yield {"id": f"inv-rv-get-{'now' if rv == now else rv}", "path": f"{MAPS}/page-0?resourceVersion={rv}"}
    yield {"id": "inv-rv-get-match", "path": f"{MAPS}/page-0?resourceVersion=0&resourceVersionMatch=Exact"}


def selectors():
    for what, selector in [("space", "a in (b, c)"), ("nested", "a in ((b))"), ("unclosed", "a in (b"), ("no-open", "a in b)"), ("not-in", "page notin (no),odd=1"), ("not-in-space", "page  notin  ( no , maybe )"), ("empty-value", "page="), ("not-empty-value", "page!="), ("exists-not", "!page"), ("exists-not-space", "! page"), ("double-not", "!!page"), ("gt", "odd>0"), ("lt", "odd<1"), ("gt-two", "odd>0,odd<2"), ("gt-float", "odd>0.5"), ("gt-negative", "odd>-1"), ("gte", "odd>=1"), ("tilde", "page=~y"), ("equals-three", "page===yes"),
                           ("in-none", "page in"), ("in-upper", "page IN (yes)"), ("key-in", "in=a"), ("key-in-in", "in in (in)"), ("key-notin", "notin notin (notin)"), ("value-in", "page=in"), ("comma-lead", ",page"), ("comma-two", "page,,odd=1"), ("semicolon", "page;odd"), ("and", "page && odd"), ("slash-two", "a/b/c=d"), ("slash-end", "a/=d"), ("slash-start", "/a=d"), ("dot", ".=x"), ("dash-end", "a-=x"), ("prefix-upper", "EXAMPLE.com/a=b"), ("prefix-long", "x" * 254 + "/a=b"), ("value-slash", "a=b/c"), ("value-space", "a=b c"), ("value-quote", 'a="b"'), ("value-star", "a=*"), ("unicode", "名=值"), ("newline", "page\n"), ("tab", "\tpage\t"),
                           ("nul", "page\x00"), ("long", ",".join(f"k{i}!=v" for i in range(300))), ("paren", "(page)"), ("only-paren", "()"), ("in-comma", "page in (yes,)"), ("in-comma-lead", "page in (,yes)"), ("in-commas", "page in (,)"), ("same-key", "odd=0,odd=1")]:
        yield {"id": f"inv-sel-{what}", "path": f"{MAPS}?labelSelector={quote(selector, safe='')}&limit=1"}
    for what, selector in [("name-two", "metadata.name=page-0,metadata.name=page-1"), ("name-not-two", "metadata.name!=page-0,metadata.name!=page-1"), ("uid", "metadata.uid=x"), ("creation", "metadata.creationTimestamp=x"), ("labels", "metadata.labels.page=yes"), ("no-value", "metadata.name"), ("no-key", "=x"), ("escape", "metadata.name=a\\,b"), ("escape-bad", "metadata.name=a\\b"), ("escape-end", "metadata.name=a\\"), ("equals-in-value", "metadata.name=a=b"), ("not-equals-twice", "metadata.name!!=x"), ("comma", ","), ("space", " metadata.name = page-0 "), ("gt", "metadata.name>a"), ("namespace-other", "metadata.namespace=other"), ("namespace-here", "metadata.namespace=invented"), ("empty-key-value", "=")]:
        yield {"id": f"inv-fld-{what}", "path": f"{MAPS}?fieldSelector={quote(selector, safe='')}&labelSelector=page"}
    fields = {"pod": ["spec.hostNetwork=true", "spec.restartPolicy=Never", "spec.serviceAccountName=x", "status.podIPs=1", "status.podIP=10.0.0.1", "spec.containers=1", "status.phase!=Running"], "node": ["spec.unschedulable=true", "spec.unschedulable=maybe", "status.nodeInfo=x"], "namespace": ["status.phase=Terminating", "spec.x=1"], "secret": ["type=x", "data=x"], "event": ["involvedObject.uid=x", "involvedObject.resourceVersion=1", "involvedObject.fieldPath=x", "involvedObject.apiVersion=v1", "reason!=x", "reportingComponent=x", "source=x", "type=Warning", "count=1"],
              "newevent": ["regarding.kind=Pod", "involvedObject.kind=Pod", "reason=x"], "replicaset": ["status.replicas=1", "spec.replicas=1"], "controller": ["status.replicas=1"], "job": ["status.successful=1", "status.succeeded=1"], "definition": ["spec.group=x", "metadata.name=x"], "service": ["spec.clusterIP=x", "spec.type=NodePort", "spec.ports=1"], "ingressclass": ["metadata.name=x", "spec.controller=x"], "lease": ["spec.holderIdentity=x"], "volume": ["status.phase=Bound"], "claim": ["spec.volumeName=x"], "slice": ["addressType=IPv4"], "autoscaler2": ["spec.maxReplicas=5"], "csidriver": ["spec.attachRequired=true"]}
    for kind, list_of in fields.items():
        prefix, plural, _, _, namespaced, _ = KINDS[kind]
        base = f"{prefix}/namespaces/{HERE}/{plural}" if namespaced else f"{prefix}/{plural}"
        for number, one in enumerate(list_of):
            yield {"id": f"inv-fld-{kind}-{number}", "path": f"{base}?fieldSelector={one.replace('=', '%3D')}&labelSelector=app%3Dnone"}


def watches():
    base = f"{MAPS}?watch=true&timeoutSeconds=1&labelSelector=page"
    now = "{inv-rv-now:metadata.resourceVersion}"
    for what, query in [("initial", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"), ("initial-no-bookmarks", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"), ("initial-no-match", "sendInitialEvents=true&allowWatchBookmarks=true"), ("initial-exact", "sendInitialEvents=true&resourceVersionMatch=Exact"), ("initial-false", "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0"), ("initial-false-no-match", "sendInitialEvents=false"), ("initial-word", "sendInitialEvents=perhaps&resourceVersionMatch=NotOlderThan"),
                        ("match-only", "resourceVersionMatch=NotOlderThan"), ("match-exact", "resourceVersionMatch=Exact&resourceVersion=1"), ("initial-0", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0&allowWatchBookmarks=1"), ("initial-now", f"sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion={now}&allowWatchBookmarks=true"), ("now", f"resourceVersion={now}"), ("text", "resourceVersion=abc"), ("negative", "resourceVersion=-1"), ("limit", "limit=1&resourceVersion=0"), ("timeout-0", "timeoutSeconds=0&x=1"), ("pretty", f"pretty=true&resourceVersion={now}")]:
        yield {"id": f"inv-watch-{what}", "path": f"{base}&{query}" if not query.startswith("timeoutSeconds") else f"{MAPS}?watch=true&labelSelector=none&{query}", "watch": 1.5}
    yield {"id": "inv-watch-one", "path": f"{MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dpage-4&resourceVersion={now}", "watch": 1.5}
    yield {"id": "inv-watch-get-name", "path": f"{MAPS}/page-0?watch=1&timeoutSeconds=1", "watch": 1.5}
    yield {"id": "inv-watch-old-style", "path": f"/api/v1/watch/namespaces/{HERE}/configmaps/page-1?timeoutSeconds=1", "watch": 1.5}
    yield {"id": "inv-watch-metadata", "path": f"{base}&resourceVersion={now}", "headers": {"Accept": META}, "watch": 1.5}
    yield {"id": "inv-watch-metadata-list", "path": f"{base}&resourceVersion={now}", "headers": {"Accept": METAS}, "watch": 1.5}
    yield {"id": "inv-watch-table-object", "path": f"{base}&resourceVersion={now}&includeObject=Object", "headers": {"Accept": TABLE}, "watch": 1.5}
    yield {"id": "inv-watch-table-word", "path": f"{base}&resourceVersion={now}&includeObject=Everything", "headers": {"Accept": TABLE}, "watch": 1.5}
    yield {"id": "inv-watch-unwatchable", "path": f"{CORE}/bindings?watch=1", "watch": 1.5}
    yield {"id": "inv-watch-post", "method": "POST", "path": f"{MAPS}?watch=true&dryRun=All", "body": some_map("watched")}


def forms():
    for what, accept in [("meta-list", METAS), ("meta-of-list", META), ("meta-v1beta1", META.replace("v=v1;", "v=v1beta1;")), ("meta-v2", META.replace("v=v1;", "v=v2;")), ("meta-no-version", "application/json;as=PartialObjectMetadata;g=meta.k8s.io"), ("meta-no-group", "application/json;as=PartialObjectMetadata;v=v1"), ("meta-other-group", META.replace("meta.k8s.io", "x.k8s.io")), ("as-other", "application/json;as=Thing;v=v1;g=meta.k8s.io"), ("table-yaml", "application/yaml;as=Table;v=v1;g=meta.k8s.io"), ("table-protobuf", "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io"), ("table-q", "application/json;as=Table;v=v1;g=meta.k8s.io;q=0.1, application/json;q=0.9"), ("q-zero", "application/json;q=0"),
                         ("q-bad", "application/json;q=x"), ("charset", "application/json;charset=utf-8"), ("stream", "application/json;stream=watch"), ("pretty-param", "application/json;pretty=1"), ("empty-param", "application/json;"), ("two", "text/html, application/yaml"), ("star-sub", "application/*"), ("star-type", "*/json"), ("upper", "APPLICATION/JSON"), ("spaces", "  application/json  "), ("comma", ","), ("bad", "application"), ("cbor", "application/cbor"), ("html", "text/html"), ("text", "text/plain"), ("long", ", ".join(f"x/y{i}" for i in range(100)) + ", application/json")]:
        yield {"id": f"inv-form-list-{what}", "path": f"{MAPS}?labelSelector=page%3Dyes,odd%3D1", "headers": {"Accept": accept}}
        yield {"id": f"inv-form-get-{what}", "path": f"{MAPS}/page-0", "headers": {"Accept": accept}}
        yield {"id": f"inv-form-absent-{what}", "path": f"{MAPS}/absent", "headers": {"Accept": accept}}
    for what, query in [("pretty", "pretty=true"), ("pretty-1", "pretty=1"), ("pretty-0", "pretty=0"), ("pretty-false", "pretty=false"), ("pretty-empty", "pretty="), ("pretty-word", "pretty=very"), ("include-none", "includeObject=None"), ("include-metadata", "includeObject=Metadata"), ("include-bad", "includeObject=object"), ("dry-run", "dryRun=All"), ("field-manager", "fieldManager=x"), ("unknown", "colour=red"), ("export", "export=1"), ("exact", "exact=true")]:
        yield {"id": f"inv-form-query-{what}", "path": f"{MAPS}/page-0?{query}"}
        yield {"id": f"inv-form-query-table-{what}", "path": f"{MAPS}/page-0?{query}", "headers": {"Accept": TABLE}}
    for kind in ("pod", "deployment", "service", "node", "claim", "volume", "ingress", "cronjob", "budget", "autoscaler2", "secret", "role", "event", "lease", "csinode"):
        prefix, plural, _, _, namespaced, _ = KINDS[kind]
        base = f"{prefix}/namespaces/{HERE}/{plural}" if namespaced else f"{prefix}/{plural}"
        for include in ("None", "Metadata", "Object"):
            yield {"id": f"inv-form-{kind}-{include}", "path": f"{base}?labelSelector=app%3Dnone&includeObject={include}", "headers": {"Accept": TABLE}}


def deletions():
    def made(name, **metadata):
        return {"id": f"inv-del-make-{name}", "method": "POST", "path": MAPS, "body": some_map(name, **metadata)}

    def gone(what, name, body=None, query=""):
        return {"id": f"inv-del-{what}", "method": "DELETE", "path": f"{MAPS}/{name}{query}", "body": body}
    yield made("d1")
    for what, body, query in [("uid-wrong", {"preconditions": {"uid": "x"}}, ""), ("version-wrong", {"preconditions": {"resourceVersion": "1"}}, ""), ("both-wrong", {"preconditions": {"resourceVersion": "1", "uid": "x"}}, ""), ("uid-empty", {"preconditions": {"uid": ""}, "dryRun": ["All"]}, ""), ("policy-bad", {"propagationPolicy": "Burn"}, ""), ("policy-empty", {"propagationPolicy": "", "dryRun": ["All"]}, ""), ("policy-and-orphan", {"propagationPolicy": "Orphan", "orphanDependents": True}, ""), ("orphan-word", {"orphanDependents": "yes"}, ""), ("grace-negative", {"gracePeriodSeconds": -1, "dryRun": ["All"]}, ""), ("grace-text", {"gracePeriodSeconds": "1"}, ""),
                              ("grace-float", {"gracePeriodSeconds": 1.5}, ""), ("dry-bad", {"dryRun": ["Some"]}, ""), ("dry-two", {"dryRun": ["All", "All"]}, ""), ("kind-wrong", {"kind": "Pod", "apiVersion": "v1"}, ""), ("kind-right", {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"]}, ""), ("kind-group", {"kind": "DeleteOptions", "apiVersion": "apps/v1", "dryRun": ["All"]}, ""), ("unknown-field", {"colour": "red", "dryRun": ["All"]}, ""), ("array", [], ""), ("text", "hello", ""), ("query-dry", None, "?dryRun=All"), ("query-policy", None, "?propagationPolicy=Foreground&dryRun=All"), ("query-policy-bad", None, "?propagationPolicy=Sideways"), ("query-and-body", {"propagationPolicy": "Orphan"}, "?propagationPolicy=Foreground&dryRun=All"),
                              ("query-grace", None, "?gracePeriodSeconds=x"), ("query-orphan", None, "?orphanDependents=true&dryRun=All"), ("ignore-errors", {"ignoreStoreReadErrorWithClusterBreakingPotential": True, "dryRun": ["All"]}, "")]:
        yield gone(what, "d1", body, query)
    yield gone("foreground", "d1", {"propagationPolicy": "Foreground"})
    yield {"id": "inv-del-foreground-get", "path": f"{MAPS}/d1"}
    yield gone("foreground-again-orphan", "d1", {"propagationPolicy": "Orphan"})
    yield {"id": "inv-del-foreground-after", "path": f"{MAPS}/d1"}
    yield patch("inv-del-foreground-release", f"{MAPS}/d1", JSON_PATCH, [{"op": "remove", "path": "/metadata/finalizers"}])
    yield {"id": "inv-del-foreground-gone", "path": f"{MAPS}/d1"}
    yield made("d2", finalizers=["example.com/x"])
    yield gone("orphan-finalizer", "d2", {"propagationPolicy": "Orphan"})
    yield gone("then-background", "d2", {"propagationPolicy": "Background"})
    yield {"id": "inv-del-then-get", "path": f"{MAPS}/d2"}
    yield {"id": "inv-del-put-finalizers", "method": "PUT", "path": f"{MAPS}/d2", "body": some_map("d2", finalizers=["example.com/y"])}
    yield {"id": "inv-del-put-last", "method": "PUT", "path": f"{MAPS}/d2", "body": some_map("d2")}
    yield {"id": "inv-del-after-last", "path": f"{MAPS}/d2"}
    yield {"id": "inv-del-pod-make", "method": "POST", "path": f"{CORE}/pods", "body": {"metadata": {"name": "dp"}, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1"}]}}}
    yield {"id": "inv-del-pod-grace", "method": "DELETE", "path": f"{CORE}/pods/dp?gracePeriodSeconds=50&dryRun=All"}
    yield {"id": "inv-del-pod", "method": "DELETE", "path": f"{CORE}/pods/dp"}
    yield {"id": "inv-del-pod-bound-make", "method": "POST", "path": f"{CORE}/pods", "body": {"metadata": {"name": "dn"}, "spec": {"nodeName": "inv-node", "terminationGracePeriodSeconds": 7, "automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1"}]}}}
    yield {"id": "inv-del-pod-bound", "method": "DELETE", "path": f"{CORE}/pods/dn"}
    yield {"id": "inv-del-pod-bound-longer", "method": "DELETE", "path": f"{CORE}/pods/dn?gracePeriodSeconds=60"}
    yield {"id": "inv-del-pod-bound-shorter", "method": "DELETE", "path": f"{CORE}/pods/dn?gracePeriodSeconds=3"}
    yield {"id": "inv-del-pod-bound-one", "method": "DELETE", "path": f"{CORE}/pods/dn?gracePeriodSeconds=-5"}
    yield {"id": "inv-del-pod-bound-get", "path": f"{CORE}/pods/dn"}
    yield {"id": "inv-del-pod-bound-now", "method": "DELETE", "path": f"{CORE}/pods/dn?gracePeriodSeconds=0"}


def collections():
    for i in range(6):
        yield {"id": f"inv-coll-make-{i}", "method": "POST", "path": MAPS, "body": some_map(f"c{i}", labels={"coll": "y", "n": str(i)}, **({"finalizers": ["example.com/hold"]} if i == 5 else {}))}
    for what, query, body in [("fields", "fieldSelector=metadata.name%3Dc0&labelSelector=coll", None), ("fields-bad", "fieldSelector=data.a%3D1&labelSelector=coll", None), ("labels-bad", "labelSelector=coll+in+(", None), ("dry", "labelSelector=coll&dryRun=All", None), ("dry-body", "labelSelector=coll", {"dryRun": ["All"]}), ("preconditions", "labelSelector=coll&dryRun=All", {"preconditions": {"uid": "x"}}), ("limit", "labelSelector=coll&limit=2", None), ("left", "labelSelector=coll&dryRun=All", None), ("version", "labelSelector=coll&resourceVersion=1&dryRun=All", None), ("version-0", "labelSelector=coll&resourceVersion=0&dryRun=All", None), ("timeout", "labelSelector=coll&timeoutSeconds=1&dryRun=All", None), ("watch", "labelSelector=coll&watch=1&dryRun=All", None),
                              ("continue", "labelSelector=coll&continue=x", None), ("policy", "labelSelector=coll%3Dnone&propagationPolicy=Foreground", None), ("policy-bad", "labelSelector=coll&propagationPolicy=Maybe", None), ("body-bad", "labelSelector=coll", {"gracePeriodSeconds": "x"}), ("rest", "labelSelector=coll", None), ("again", "labelSelector=coll", None)]:
        yield {"id": f"inv-coll-{what}", "method": "DELETE", "path": f"{MAPS}?{query}", "body": body}
    yield {"id": "inv-coll-after", "path": f"{MAPS}?labelSelector=coll"}
    yield patch("inv-coll-release", f"{MAPS}/c5", MERGE, {"metadata": {"finalizers": None}})
    for path in ("/api/v1/namespaces/invented/services?labelSelector=none", "/api/v1/nodes?labelSelector=none", "/api/v1/persistentvolumes?labelSelector=none", "/api/v1/configmaps?labelSelector=none", "/api/v1/namespaces?labelSelector=none", "/apis/apps/v1/namespaces/absent/deployments?labelSelector=none", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?labelSelector=none"):
        yield {"id": f"inv-coll-path-{path.split('?')[0].strip('/').replace('/', '-')}", "method": "DELETE", "path": path}


def subresources():
    deployment = {"metadata": {"name": "sub"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}}}}
    yield {"id": "inv-sub-make", "method": "POST", "path": f"{APPS}/deployments", "body": deployment}
    one = f"{APPS}/deployments/sub"
    for what, kind, body in [("null", MERGE, {"spec": {"replicas": None}}), ("zero", MERGE, {"spec": {"replicas": 0}}), ("huge", MERGE, {"spec": {"replicas": 2147483648}}), ("fraction", MERGE, {"spec": {"replicas": 1.5}}), ("selector", MERGE, {"status": {"selector": "x=y"}}), ("unknown", MERGE, {"spec": {"colour": 1}}), ("label", MERGE, {"metadata": {"labels": {"a": "b"}}}), ("version-stale", MERGE, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}), ("uid", MERGE, {"metadata": {"uid": "x"}, "spec": {"replicas": 3}}), ("json", JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 4}]), ("json-test", JSON_PATCH, [{"op": "test", "path": "/spec/replicas", "value": 9}]), ("json-remove", JSON_PATCH, [{"op": "remove", "path": "/spec/replicas"}]), ("strategic", STRATEGIC, {"spec": {"$patch": "replace", "replicas": 5}}), ("kind", MERGE, {"kind": "Deployment"}), ("version", MERGE, {"apiVersion": "autoscaling/v2"}), ("empty", MERGE, {}), ("array", MERGE, [])]:
        yield patch(f"inv-sub-scale-{what}", f"{one}/scale?dryRun=All", kind, body)
    for what, body in [("empty", {}), ("no-name", {"spec": {"replicas": 1}}), ("other-kind", {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "sub"}}), ("beta", {"kind": "Scale", "apiVersion": "apps/v1beta1", "metadata": {"name": "sub"}, "spec": {"replicas": 1}}), ("no-spec", {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "sub"}}), ("namespace", {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "sub", "namespace": "other"}, "spec": {"replicas": 1}}), ("good", {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "sub"}, "spec": {"replicas": 1}})]:
        yield {"id": f"inv-sub-scale-put-{what}", "method": "PUT", "path": f"{one}/scale?dryRun=All", "body": body}
    for what, status in {"replicas": {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 2, "availableReplicas": 2}, "ready-over": {"replicas": 1, "readyReplicas": 2}, "available-over": {"replicas": 3, "readyReplicas": 1, "availableReplicas": 2}, "negative": {"replicas": -1}, "updated-over": {"replicas": 1, "updatedReplicas": 2}, "generation": {"observedGeneration": -1}, "collision": {"collisionCount": -1}, "condition-bad": {"conditions": [{"type": "Available", "status": "Perhaps"}]}, "condition-no-status": {"conditions": [{"type": "Available"}]}, "unknown": {"colour": 1}, "null": None}.items():
        yield patch(f"inv-sub-status-{what}", f"{one}/status?dryRun=All", MERGE, {"status": status})
    yield {"id": "inv-sub-rs", "method": "POST", "path": f"{APPS}/replicasets", "body": {"metadata": {"name": "rs"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": deployment["spec"]["template"]}}}
    for what, status in {"over": {"replicas": 1, "fullyLabeledReplicas": 2}, "ready-over": {"replicas": 1, "readyReplicas": 2}, "available-over": {"replicas": 3, "readyReplicas": 1, "availableReplicas": 2}, "negative": {"replicas": 1, "readyReplicas": -2}}.items():
        yield patch(f"inv-sub-rs-{what}", f"{APPS}/replicasets/rs/status?dryRun=All", MERGE, {"status": status})
    yield {"id": "inv-sub-pod", "method": "POST", "path": f"{CORE}/pods", "body": {"metadata": {"name": "sp", "labels": {"a": "b"}}, "spec": {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": "c:1"}], "readinessGates": [{"conditionType": "x"}]}}}
    for what, status in {"phase-bad": {"phase": "Odd"}, "condition-bad": {"conditions": [{"type": "Ready", "status": "Perhaps"}]}, "ip-bad": {"podIP": "x", "podIPs": [{"ip": "x"}]}, "ips-two": {"podIPs": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}]}, "ip-and-ips": {"podIP": "192.0.2.1", "podIPs": [{"ip": "192.0.2.9"}]}, "host-ip": {"hostIP": "y", "hostIPs": [{"ip": "y"}]}, "nominated": {"nominatedNodeName": "Bad_Name"}, "container-two-states": {"containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": {"running": {}, "waiting": {}}}]}, "container-unknown": {"containerStatuses": [{"name": "zz", "image": "", "imageID": "", "ready": False, "restartCount": 0}]}, "restart-negative": {"containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": False, "restartCount": -1}]}, "exit": {"containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": 1}}}]}, "qos": {"qosClass": "Guaranteed"}, "resize": {"resize": "Proposed"}}.items():
        yield patch(f"inv-sub-pod-{what}", f"{CORE}/pods/sp/status?dryRun=All", MERGE, {"status": status})
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "sp"}}
    for what, body in [("dry", {**evict, "deleteOptions": {"dryRun": ["All"]}}), ("uid", {**evict, "deleteOptions": {"preconditions": {"uid": "x"}}}), ("version", {**evict, "deleteOptions": {"preconditions": {"resourceVersion": "1"}}}), ("grace-text", {**evict, "deleteOptions": {"gracePeriodSeconds": "x"}}), ("options-text", {**evict, "deleteOptions": "x"}), ("name", {**evict, "metadata": {"name": "other"}}), ("no-name", {"apiVersion": "policy/v1", "kind": "Eviction"}), ("namespace", {**evict, "metadata": {"name": "sp", "namespace": "other"}}), ("beta", {**evict, "apiVersion": "policy/v1beta1", "deleteOptions": {"dryRun": ["All"]}}), ("empty", {}), ("kind", {**evict, "kind": "Pod"}), ("policy", {**evict, "deleteOptions": {"propagationPolicy": "Bad", "dryRun": ["All"]}})]:
        yield {"id": f"inv-evict-{what}", "method": "POST", "path": f"{CORE}/pods/sp/eviction", "body": body}
    yield {"id": "inv-evict-budget", "method": "POST", "path": f"/apis/policy/v1/namespaces/{HERE}/poddisruptionbudgets", "body": {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}}
    yield {"id": "inv-evict-held-dry", "method": "POST", "path": f"{CORE}/pods/sp/eviction?dryRun=All", "body": evict}
    yield {"id": "inv-evict-two-budgets", "method": "POST", "path": f"/apis/policy/v1/namespaces/{HERE}/poddisruptionbudgets", "body": {"metadata": {"name": "b2"}, "spec": {"maxUnavailable": 0, "selector": {}}}}
    yield {"id": "inv-evict-two-dry", "method": "POST", "path": f"{CORE}/pods/sp/eviction?dryRun=All", "body": evict}
    for what, body in [("audiences", {"spec": {"audiences": ["a", "b"]}}), ("expiry-short", {"spec": {"expirationSeconds": 599}}), ("expiry-long", {"spec": {"expirationSeconds": 4294967297}}), ("expiry-zero", {"spec": {"expirationSeconds": 0}}), ("expiry-text", {"spec": {"expirationSeconds": "600"}}), ("bound-absent", {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "absent"}}}), ("bound-kind", {"spec": {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}}}), ("bound-version", {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v2", "name": "sp"}}}), ("bound-uid", {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "sp", "uid": "x"}}}), ("bound-other-account", {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "sp"}}}), ("bound-node", {"spec": {"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "inv-node"}}}), ("kind", {"kind": "Token", "apiVersion": "v1"}), ("name", {"metadata": {"name": "other"}}), ("empty", {})]:
        yield {"id": f"inv-token-{what}", "method": "POST", "path": f"{CORE}/serviceaccounts/default/token", "body": body}
    for what, body in [("no-target", {"metadata": {"name": "sp"}}), ("kind", {"metadata": {"name": "sp"}, "target": {"kind": "Pod", "name": "n"}}), ("name", {"metadata": {"name": "zz"}, "target": {"kind": "Node", "name": "n"}}), ("uid", {"metadata": {"name": "sp", "uid": "x"}, "target": {"kind": "Node", "name": "n"}}), ("dry", {"metadata": {"name": "sp"}, "target": {"kind": "Node", "name": "inv-node"}}), ("annotations", {"metadata": {"name": "sp", "annotations": {"a": "b"}}, "target": {"name": "inv-node"}})]:
        yield {"id": f"inv-bind-{what}", "method": "POST", "path": f"{CORE}/pods/sp/binding?dryRun=All", "body": body}
    for method, path in [("GET", f"{CORE}/pods/sp/resize"), ("PATCH", f"{CORE}/pods/sp/resize"), ("GET", f"{CORE}/pods/sp/ephemeralcontainers"), ("PUT", f"{CORE}/pods/sp/ephemeralcontainers"), ("GET", f"{CORE}/pods/sp/proxy"), ("POST", f"{CORE}/pods/sp/portforward"), ("GET", f"{CORE}/services/svc/proxy/x"), ("GET", f"{CORE}/services/svc/status"), ("GET", f"{CORE}/configmaps/page-0/status"), ("GET", f"{CORE}/configmaps/page-0/scale"), ("PUT", f"{CORE}/finalize"), ("GET", "/api/v1/namespaces/invented/finalize"), ("PATCH", "/api/v1/namespaces/invented/finalize"), ("GET", "/api/v1/nodes/inv-node/proxy/"), ("GET", "/api/v1/nodes/inv-node/status"), ("DELETE", f"{APPS}/deployments/sub/scale"), ("POST", f"{APPS}/deployments/sub/scale"), ("POST", f"{APPS}/deployments/sub/rollback"), ("GET", f"{CORE}/serviceaccounts/default/token")]:
        yield {"id": f"inv-way-{method}-{path.strip('/').replace('/', '-')}", "method": method, "path": path, "body": {} if method in ("PATCH", "PUT", "POST") else None, "headers": {"Content-Type": MERGE} if method == "PATCH" else {}}


def logs():
    for what, query in [("tail--1", "tailLines=-1"), ("tail--2", "tailLines=-2"), ("tail-float", "tailLines=1.5"), ("limit-0", "limitBytes=0"), ("limit--1", "limitBytes=-1"), ("since-0", "sinceSeconds=0"), ("since--1", "sinceSeconds=-1"), ("since-time", "sinceTime=yesterday"), ("since-both", "sinceTime=2026-01-01T00:00:00Z&sinceSeconds=1"), ("follow-word", "follow=maybe"), ("container", "container=zz"), ("container-empty", "container="), ("previous", "previous=true"), ("timestamps", "timestamps=x"), ("insecure", "insecureSkipTLSVerifyBackend=true"), ("stream", "stream=Stdout"), ("stream-bad", "stream=stdin"), ("stream-tail", "stream=Stdout&tailLines=1"), ("unknown", "colour=1"), ("none", "")]:
        yield {"id": f"inv-log-{what}", "path": f"{CORE}/pods/sp/log?{query}"}


def reviews():
    auth = "/apis/authorization.k8s.io/v1"
    for what, spec in {"none": {}, "both": {"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/", "verb": "get"}}, "empty": {"resourceAttributes": {}}, "star": {"resourceAttributes": {"verb": "*", "resource": "*", "group": "*"}}, "fields": {"resourceAttributes": {"verb": "list", "resource": "pods", "fieldSelector": {"rawSelector": "a=b"}}}, "fields-both": {"resourceAttributes": {"verb": "list", "resource": "pods", "fieldSelector": {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}}}, "labels-bad": {"resourceAttributes": {"verb": "list", "resource": "pods", "labelSelector": {"requirements": [{"key": "a", "operator": "Near"}]}}}, "labels-no-key": {"resourceAttributes": {"verb": "list", "resource": "pods", "labelSelector": {"requirements": [{"operator": "In", "values": ["b"]}]}}}, "path": {"nonResourceAttributes": {"path": "/metrics"}}, "version": {"resourceAttributes": {"verb": "get", "resource": "pods", "version": "v7", "name": "x", "subresource": "log", "namespace": "invented"}}}.items():
        yield {"id": f"inv-ssar-{what}", "method": "POST", "path": f"{auth}/selfsubjectaccessreviews", "body": {"spec": spec}}
        yield {"id": f"inv-sar-{what}", "method": "POST", "path": f"{auth}/subjectaccessreviews", "body": {"spec": {**spec, "user": "ann", "groups": ["g"], "extra": {"k": ["v"]}, "uid": "u"}}}
        yield {"id": f"inv-lsar-{what}", "method": "POST", "path": f"{auth}/namespaces/{HERE}/localsubjectaccessreviews", "body": {"metadata": {"namespace": HERE}, "spec": {**spec, "user": "ann"}}}
    for what, body in [("no-namespace", {"spec": {}}), ("namespace", {"spec": {"namespace": HERE}}), ("unknown", {"spec": {"namespace": HERE, "x": 1}}), ("empty", {}), ("kind", {"kind": "Pod", "apiVersion": "v1"})]:
        yield {"id": f"inv-ssrr-{what}", "method": "POST", "path": f"{auth}/selfsubjectrulesreviews", "body": body}
    for what, body in [("empty", {}), ("no-token", {"spec": {"audiences": ["x"]}}), ("bad-token", {"spec": {"token": "a.b.c"}}), ("bad-token-audience", {"spec": {"token": "a.b.c", "audiences": ["x"]}}), ("number", {"spec": {"token": 5}}), ("own", {"spec": {"token": "{inv-token-empty:status.token}"}}), ("own-audience", {"spec": {"token": "{inv-token-audiences:status.token}", "audiences": ["b", "c"]}}), ("own-other", {"spec": {"token": "{inv-token-audiences:status.token}"}})]:
        yield {"id": f"inv-tr-{what}", "method": "POST", "path": "/apis/authentication.k8s.io/v1/tokenreviews", "body": body}
    for what, body in [("empty", {}), ("kind", {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}), ("status", {"status": {"userInfo": {"username": "x"}}})]:
        yield {"id": f"inv-ssr-{what}", "method": "POST", "path": "/apis/authentication.k8s.io/v1/selfsubjectreviews", "body": body}


def impersonations():
    who = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    for what, headers in [("user", {"Impersonate-User": "ann"}), ("groups", {"Impersonate-User": "ann", "Impersonate-Group": "dev"}), ("group-only", {"Impersonate-Group": "dev"}), ("uid", {"Impersonate-User": "ann", "Impersonate-Uid": "u-1"}), ("uid-only", {"Impersonate-Uid": "u-1"}), ("extra", {"Impersonate-User": "ann", "Impersonate-Extra-Scopes": "view"}), ("extra-only", {"Impersonate-Extra-Scopes": "view"}), ("extra-escaped", {"Impersonate-User": "ann", "Impersonate-Extra-Acme.com%2fproject": "p"}), ("account", {"Impersonate-User": "system:serviceaccount:invented:default"}), ("account-groups", {"Impersonate-User": "system:serviceaccount:invented:default", "Impersonate-Group": "x"}), ("account-bad", {"Impersonate-User": "system:serviceaccount:invented"}), ("anonymous", {"Impersonate-User": "system:anonymous"}), ("masters", {"Impersonate-User": "x", "Impersonate-Group": "system:masters"}), ("node", {"Impersonate-User": "system:node:inv-node", "Impersonate-Group": "system:nodes"}), ("empty", {"Impersonate-User": ""}), ("unauthenticated", {"Impersonate-User": "x", "Impersonate-Group": "system:unauthenticated"}), ("authenticated", {"Impersonate-User": "x", "Impersonate-Group": "system:authenticated"})]:
        yield {"id": f"inv-imp-{what}", "method": "POST", "path": who, "body": {}, "headers": headers}
        yield {"id": f"inv-imp-{what}-pods", "path": f"{CORE}/pods", "headers": headers}


def names():
    for what, path in [("space", "a%20b"), ("slash", "a%2Fb"), ("dots", "%2e%2e"), ("dot", "%2e"), ("dots-raw", ".."), ("percent", "%25"), ("bad-utf8", "%ff%fe"), ("nul", "%00"), ("upper", "PAGE-0"), ("long", "x" * 300), ("unicode", "%E5%90%8D"), ("question", "a%3Fb"), ("hash", "a%23b"), ("semicolon", "a;b"), ("plus", "a+b"), ("colon", "a:b"), ("quote", "%22"), ("newline", "a%0Ab"), ("backslash", "a%5Cb"), ("encoded-name", "p%61ge-0"), ("trailing", "page-0/"), ("double", "/page-0")]:
        yield {"id": f"inv-name-{what}", "path": f"{MAPS}/{path}"}
        yield {"id": f"inv-name-namespace-{what}", "path": f"/api/v1/namespaces/{path}/configmaps"}
        yield {"id": f"inv-name-put-{what}", "method": "PUT", "path": f"{MAPS}/{path}?dryRun=All", "body": {"metadata": {"name": "x"}}}
    for path in ("//api/v1", "/api//v1", "/api/v1/", "/api/v1/namespaces/", "/api/v1/namespaces/invented/configmaps/", "/api/v1/pods/", "/apis/", "/apis/apps", "/apis/apps/", "/apis/apps/v1/", "/apis/apps/v2", "/apis/nope.example.com/v1", "/apis/nope.example.com/v1/things", "/api/v2", "/api/v1/things", "/api/v1/namespaces/invented/nodes", "/api/v1/configmaps/page-0", "/apis/apps/v1/namespaces/invented", "/api/v1/namespaces/invented/pods/sp/log/x", "/api/v1/namespaces/invented/pods/sp/status/x", "/version/", "/healthz/", "/healthz/ping", "/readyz/nope", "/livez?verbose", "/readyz?verbose&exclude=etcd", "/metrics/", "/openapi", "/openapi/v3/", "/openapi/v3/apis/apps/v1?hash=x", "/openapi/v3/apis/nope", "/logs", "/swagger.json", "/favicon.ico", "/%61pi/v1", "/api/v1/namespaces/invented%2Fconfigmaps", "/.well-known/openid-configuration", "/apis/metrics.k8s.io/v1beta1", "/debug/pprof/"):
        yield {"id": f"inv-path{path.replace('/', '-')}", "path": path}
