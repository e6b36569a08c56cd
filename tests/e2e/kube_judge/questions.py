"""Lists, pages, selectors, Tables, discovery, broken bodies, access reviews, watches."""
from common import MERGE, NS, TABLE, patch


def reads():
    pods = f"/api/v1/namespaces/{NS}/pods"
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    for i in range(5):
        yield {"id": f"page-create-{i}", "method": "POST", "path": maps, "body": {"metadata": {"name": f"page-{i}", "labels": {"page": "yes", "n": str(i)}}}}
    yield {"id": "page-0", "path": maps + "?limit=2&labelSelector=page"}
    yield {"id": "page-1", "path": maps + "?limit=2&labelSelector=page&continue={page-0:metadata.continue}"}
    yield {"id": "page-2", "path": maps + "?limit=2&labelSelector=page&continue={page-1:metadata.continue}"}
    yield {"id": "page-bad-continue", "path": maps + "?limit=2&continue=abc"}
    yield {"id": "page-continue-and-version", "path": maps + "?limit=2&resourceVersion=5&continue={page-0:metadata.continue}"}
    yield {"id": "page-negative-limit", "path": maps + "?limit=-2&labelSelector=page"}
    yield {"id": "page-text-limit", "path": maps + "?limit=x"}
    for what, query in [("match-without-version", "resourceVersionMatch=Exact"), ("match-unknown", "resourceVersionMatch=Mine&resourceVersion=1"), ("match-exact-0", "resourceVersionMatch=Exact&resourceVersion=0"),
                        ("match-with-continue", "resourceVersionMatch=Exact&resourceVersion=1&continue={page-0:metadata.continue}"), ("not-older-0", "resourceVersionMatch=NotOlderThan&resourceVersion=0&labelSelector=page"),
                        ("version-text", "resourceVersion=abc"), ("version-negative", "resourceVersion=-1"), ("version-future", "resourceVersion=99999999&timeoutSeconds=3"),
                        ("labels-bad", "labelSelector=a%3D%3D%3Db"), ("labels-bad-value", "labelSelector=a%3D-b-"), ("labels-in", "labelSelector=n%20in%20(1,2)"), ("labels-notin", "labelSelector=page,n%20notin%20(1,2)"), ("labels-not", "labelSelector=page,!missing"),
                        ("labels-gt", "labelSelector=n%3E2"), ("labels-open", "labelSelector=n%20in%20(1"), ("fields-bad", "fieldSelector=spec.color%3Dred"), ("fields-syntax", "fieldSelector=nothing"), ("fields-not", "fieldSelector=metadata.name!%3Dpage-1&labelSelector=page"), ("fields-two", "fieldSelector=metadata.name%3Dpage-1,metadata.namespace%3Djudge")]:
        yield {"id": f"list-{what}", "path": f"{maps}?{query}"}
    yield {"id": "pods-by-phase", "path": pods + "?fieldSelector=status.phase%3DPending"}
    yield {"id": "get-by-version-0", "path": maps + "/page-0?resourceVersion=0"}
    yield {"id": "get-yaml", "path": maps + "/page-0", "headers": {"Accept": "application/yaml"}}
    yield {"id": "get-any", "path": maps + "/page-0", "headers": {"Accept": "*/*"}}
    yield {"id": "get-406", "path": maps + "/page-0", "headers": {"Accept": "text/html"}}
    yield {"id": "get-table-none", "path": maps + "?labelSelector=page&includeObject=None", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-object", "path": maps + "?labelSelector=n%3D1&includeObject=Object", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-bad", "path": maps + "?labelSelector=n%3D1&includeObject=All", "headers": {"Accept": TABLE}}
    yield {"id": "get-table-beta", "path": maps + "?labelSelector=n%3D1", "headers": {"Accept": "application/json;as=Table;v=v1beta1;g=meta.k8s.io"}}
    yield {"id": "list-metadata", "path": maps + "?labelSelector=page", "headers": {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}}
    yield {"id": "list-pretty", "path": maps + "?labelSelector=n%3D1&pretty=true"}
    for what, path in [("group", "/apis/nope.example.com/v1/things"), ("version", "/apis/apps/v9/deployments"), ("resource", "/api/v1/gadgets"), ("path", "/nothing/here"), ("api", "/api/v2"), ("trailing", maps + "/"),
                       ("double-slash", "/api//v1"), ("cluster-in-namespace", f"/api/v1/namespaces/{NS}/nodes"), ("namespaced-get", "/api/v1/pods/pod-1"), ("subresource-of-list", pods + "/a/b/c")]:
        yield {"id": f"absent-{what}", "path": path}
    for method, path in [("POST", maps + "/page-0"), ("PUT", maps), ("PATCH", maps), ("DELETE", "/version"), ("POST", "/healthz"), ("PUT", "/api/v1"), ("OPTIONS", maps), ("HEAD", maps + "/page-0"), ("TRACE", maps), ("POST", pods + "/pod-1/log"), ("DELETE", "/api/v1/componentstatuses/x")]:
        yield {"id": f"method-{method}-{path.rsplit('/', 1)[1]}", "method": method, "path": path, "body": None if method in ("HEAD", "OPTIONS", "DELETE", "TRACE") else {}}


def discovery():
    for path in ["/version", "/healthz", "/livez", "/readyz", "/healthz/ping", "/healthz/nothing", "/api", "/apis/apps", "/apis/nope", "/apis/apps/v9"]:
        yield {"id": "discovery" + path.replace("/", "-"), "path": path}
    for path in ["/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/storage.k8s.io/v1", "/apis/authorization.k8s.io/v1", "/apis/authentication.k8s.io/v1",
                 "/apis/autoscaling/v1", "/apis/coordination.k8s.io/v1", "/apis/apiextensions.k8s.io/v1", "/apis/scheduling.k8s.io/v1", "/apis/node.k8s.io/v1", "/apis/certificates.k8s.io/v1", "/apis/events.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"]:
        yield {"id": "discovery" + path.replace("/", "-"), "path": path}


def bodies():
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    for what, kind, body in [("empty", "application/json", ""), ("not-json", "application/json", "not json"), ("half", "application/json", '{"kind":'), ("text", "application/json", '"x"'), ("number", "application/json", "5"), ("null", "application/json", "null"),
                             ("no-kind", "application/json", '{"metadata":{"name":"no-kind"}}'), ("yaml", "application/yaml", "metadata: {name: from-yaml}\ndata: {a: b}\n"), ("yaml-broken", "application/yaml", "a: [b"), ("yaml-as-json", "application/json", "metadata: {name: x}"),
                             ("unknown-media", "application/x-thing", "{}"), ("no-media", "", '{"metadata":{"name":"no-media"}}'), ("charset", "application/json; charset=utf-8", '{"metadata":{"name":"charset"}}'), ("protobuf-garbage", "application/vnd.kubernetes.protobuf", "k8s"),
                             ("deep", "application/json", "[" * 20000), ("deep-object", "application/json", '{"a":' * 5000 + "1" + "}" * 5000), ("bad-utf8", "application/json", b'{"metadata":{"name":"utf8"},"data":{"a":"\xff\xfe"}}'), ("metadata-text", "application/json", '{"metadata":"x"}'),
                             ("nul", "application/json", '{"metadata":{"name":"a\\u0000b"}}'), ("trailing", "application/json", '{"metadata":{"name":"trailing"}} x'), ("duplicate", "application/json", '{"metadata":{"name":"dup-a","name":"dup-b"}}')]:
        yield {"id": f"body-{what}", "method": "POST", "path": maps, "headers": {"Content-Type": kind}, "body": body}
    yield {"id": "body-3mib", "method": "POST", "path": maps, "body": '{"metadata":{"name":"big"},"data":{"a":"' + "x" * (3 << 20) + '"}}'}
    yield {"id": "option-dry-run", "method": "POST", "path": maps + "?dryRun=Some", "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-manager-long", "method": "POST", "path": maps + "?fieldManager=" + "x" * 129, "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-namespace-absent", "method": "POST", "path": "/api/v1/namespaces/nowhere/configmaps", "body": {"metadata": {"name": "x"}}}
    yield {"id": "option-delete-body", "method": "DELETE", "path": maps + "/page-0?dryRun=All", "body": {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Burn"}}
    yield {"id": "option-delete-grace", "method": "DELETE", "path": maps + "/page-0?dryRun=All&gracePeriodSeconds=x"}
    yield {"id": "option-delete-orphan-and-policy", "method": "DELETE", "path": maps + "/page-0?dryRun=All", "body": {"orphanDependents": True, "propagationPolicy": "Background"}}
    yield {"id": "option-delete-wrong-version", "method": "DELETE", "path": maps + "/page-0", "body": {"preconditions": {"resourceVersion": "1"}}}
    yield {"id": "option-delete-text", "method": "DELETE", "path": maps + "/page-0", "body": "nope"}


def access():
    yield {"id": "ssar", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"resourceAttributes": {"namespace": NS, "verb": "get", "resource": "pods"}}}}
    yield {"id": "ssar-empty", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {}}}
    yield {"id": "ssar-both", "method": "POST", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "body": {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}, "nonResourceAttributes": {"path": "/x", "verb": "get"}}}}
    yield {"id": "sar", "method": "POST", "path": "/apis/authorization.k8s.io/v1/subjectaccessreviews", "body": {"spec": {"user": "ann", "resourceAttributes": {"namespace": NS, "verb": "get", "resource": "pods"}}}}
    yield {"id": "sar-no-user", "method": "POST", "path": "/apis/authorization.k8s.io/v1/subjectaccessreviews", "body": {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}}
    yield {"id": "lsar", "method": "POST", "path": f"/apis/authorization.k8s.io/v1/namespaces/{NS}/localsubjectaccessreviews", "body": {"metadata": {"namespace": NS}, "spec": {"user": "ann", "resourceAttributes": {"namespace": "other", "verb": "get", "resource": "pods"}}}}
    yield {"id": "token-review", "method": "POST", "path": "/apis/authentication.k8s.io/v1/tokenreviews", "body": {"spec": {"token": "nope"}}}
    yield {"id": "review-get", "path": "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
    for user in ("ann", "none"):
        headers = {"Impersonate-User": "ann"} if user == "ann" else {"Impersonate-User": "system:anonymous"}
        for what, method, path in [("list", "GET", f"/api/v1/namespaces/{NS}/pods"), ("get", "GET", f"/api/v1/namespaces/{NS}/secrets/x"), ("nodes", "GET", "/api/v1/nodes"), ("create", "POST", f"/api/v1/namespaces/{NS}/configmaps"), ("path", "GET", "/metrics"), ("sub", "GET", f"/api/v1/namespaces/{NS}/pods/x/log"),
                                   ("group", "GET", f"/apis/apps/v1/namespaces/{NS}/deployments"), ("unknown", "GET", "/apis/nope.example.com/v1/x"), ("delete-all", "DELETE", f"/api/v1/namespaces/{NS}/pods"), ("version", "GET", "/version"), ("api", "GET", "/api")]:
            yield {"id": f"as-{user}-{what}", "method": method, "path": path, "headers": headers, "body": {} if method == "POST" else None}
    yield {"id": "as-group-only", "path": "/api/v1/nodes", "headers": {"Impersonate-Group": "dev"}}
    yield {"id": "bad-token", "path": "/api/v1/nodes", "user": "bad-token"}
    yield {"id": "clusterrole-view", "path": "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery"}


def streams():
    maps = f"/api/v1/namespaces/{NS}/configmaps"
    yield {"id": "watch-base", "path": maps + "?labelSelector=watched"}
    yield {"id": "watch-create", "method": "POST", "path": maps, "body": {"metadata": {"name": "watched", "labels": {"watched": "yes"}}, "data": {"a": "1"}}}
    yield patch("watch-change", maps + "/watched", MERGE, {"data": {"a": "2"}})
    yield patch("watch-leave", maps + "/watched", MERGE, {"metadata": {"labels": {"watched": None}}})
    yield patch("watch-return", maps + "/watched", MERGE, {"metadata": {"labels": {"watched": "yes"}}})
    yield {"id": "watch-delete", "method": "DELETE", "path": maps + "/watched"}
    since = "{watch-base:metadata.resourceVersion}"
    yield {"id": "watch-all", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-by-name", "path": maps + f"?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-one-path", "path": f"/api/v1/watch/namespaces/{NS}/configmaps/watched?timeoutSeconds=1&resourceVersion={since}", "watch": 3}
    yield {"id": "watch-table", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3, "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
    yield {"id": "watch-metadata", "path": maps + f"?watch=1&timeoutSeconds=1&labelSelector=watched&resourceVersion={since}", "watch": 3, "headers": {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}}
    yield {"id": "watch-initial", "path": maps + "?watch=1&timeoutSeconds=1&labelSelector=n%3D1", "watch": 3}
    yield {"id": "watch-old", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=1", "watch": 3}
    yield {"id": "watch-future", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=99999999", "watch": 3}
    yield {"id": "watch-text", "path": maps + "?watch=1&timeoutSeconds=1&resourceVersion=x", "watch": 3}
    yield {"id": "watch-bad-labels", "path": maps + "?watch=1&timeoutSeconds=1&labelSelector=a%3D%3D%3D", "watch": 3}
