"""Tables in all forms, roots and documents, more streams, subresources of other kinds, managedFields."""
from common import APPLY, JSON_PATCH, MERGE, NS, STRATEGIC, TABLE, collection, object_of, patch
from kinds import KINDS

MAPS = f"/api/v1/namespaces/{NS}/configmaps"


def tables():
    yield from table_forms()
    yield from documents()
    yield from streams_more()
    yield from subresources_more()
    yield from managed_fields()


def table_forms():
    for kind in ("pod", "deployment", "service", "configmap", "node", "namespace", "job", "cronjob", "budget", "slice", "autoscaler2", "ingress", "claim", "volume", "event", "newevent", "role", "definition", "storageclass", "csinode", "attachment", "validating"):
        path = collection(kind) + "?labelSelector=nothing"
        yield {"id": f"form-{kind}-empty", "path": path, "headers": {"Accept": TABLE}}
        for include in ("None", "Metadata", "Object", "bogus", "object"):
            yield {"id": f"form-{kind}-{include}", "path": f"{collection(kind)}?limit=1&fieldSelector=metadata.name%3D{kind}-1&includeObject={include}", "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
        yield {"id": f"form-{kind}-beta", "path": path, "headers": {"Accept": "application/json;as=Table;v=v1beta1;g=meta.k8s.io"}}
        yield {"id": f"form-{kind}-partial", "path": f"{collection(kind)}?fieldSelector=metadata.name%3D{kind}-1", "headers": {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}}
        yield {"id": f"form-{kind}-error", "path": f"{collection(kind)}/absent", "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
        yield {"id": f"form-{kind}-name-sort", "path": f"{collection(kind)}?limit=500&labelSelector=nothing", "headers": {"Accept": TABLE.replace(",application/json", ",application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")}}


def documents():
    for path in ["/", "/api/", "/apis/", "/api/v1/", "/apis/apps/v1/", "/apis/apps/", "/version/", "/healthz/", "/livez/ping", "/readyz/ping", "/healthz/etcd", "/healthz/log", "/readyz/shutdown", "/livez?exclude=ping", "/readyz?verbose", "/livez?verbose", "/healthz?verbose", "/openapi", "/openapi/v1", "/swagger.json", "/swaggerapi", "/ui", "/logs", "/debug/pprof/", "/.well-known/openid-configuration", "/openid/v1/jwks", "/favicon.ico", "/API", "/api/v1/Pods", "/api/V1/pods", "/apis/Apps/v1",
                 "/apis/policy/v1", "/apis/discovery.k8s.io/v1", "/apis/autoscaling/v2", "/apis/apiregistration.k8s.io/v1", "/apis/networking.k8s.io", "/apis/rbac.authorization.k8s.io", "/apis/batch", "/apis/judge.example.com", "/apis/judge.example.com/v1", "/apis/judge.example.com/v7", "/api/v1/namespaces/judge", "/api/v1/namespaces/judge/", "/api/v1/namespaces/judge/pods/", "/api/v1/namespaces//pods", "/api/v1/namespaces/%2e%2e/pods", "/api/v1/namespaces/a%2Fb/pods", "/api/v1/namespaces/no%20such/pods", "/api/v1/namespaces/judge/pods/a%00b", "/api/v1/namespaces/judge/configmaps/%E4%BD%A0"]:
        yield {"id": f"doc{path.replace('/', '-')}", "path": path}
    for path in ("/version", "/api", "/apis", "/healthz"):
        for method in ("HEAD", "OPTIONS", "POST", "DELETE"):
            yield {"id": f"doc-{method}{path.replace('/', '-')}", "method": method, "path": path, "body": {} if method == "POST" else None}


def streams_more():
    since = "{watch-base:metadata.resourceVersion}"
    for what, query in [("bookmarks", f"resourceVersion={since}&allowWatchBookmarks=true&labelSelector=watched"), ("initial-events", "sendInitialEvents=true&labelSelector=watched"), ("initial-events-match", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=watched"), ("match", f"resourceVersionMatch=NotOlderThan&resourceVersion={since}"), ("match-exact", f"resourceVersionMatch=Exact&resourceVersion={since}"),
                        ("version-0", "resourceVersion=0&labelSelector=n%3D1"), ("limit", f"limit=1&resourceVersion={since}&labelSelector=watched"), ("continue", "continue=abc"), ("field-bad", "fieldSelector=spec.x%3D1"), ("negative", "resourceVersion=-5"), ("none", "labelSelector=nothing&resourceVersion=0"), ("version-empty", "resourceVersion=&labelSelector=n%3D1"), ("timeout-text", "timeoutSeconds=soon")]:
        tail = "" if "timeoutSeconds" in query else "&timeoutSeconds=1"
        yield {"id": f"watch-more-{what}", "path": f"{MAPS}?watch=true&{query}{tail}", "watch": 3}
    yield {"id": "watch-more-old-path", "path": f"/api/v1/watch/namespaces/{NS}/configmaps?timeoutSeconds=1&labelSelector=n%3D1", "watch": 3}
    yield {"id": "watch-more-old-path-all", "path": "/api/v1/watch/configmaps?timeoutSeconds=1&labelSelector=n%3D1", "watch": 3}
    yield {"id": "watch-more-named", "path": MAPS + "/page-1?watch=true&timeoutSeconds=1", "watch": 3}
    yield {"id": "watch-more-named-absent", "path": MAPS + "/absent?watch=true&timeoutSeconds=1", "watch": 3}
    yield {"id": "watch-more-post", "method": "POST", "path": MAPS + "?watch=true&dryRun=All", "body": {"metadata": {"name": "w"}}}
    yield {"id": "watch-more-406", "path": MAPS + "?watch=true&timeoutSeconds=1&labelSelector=n%3D1", "watch": 3, "headers": {"Accept": "text/html"}}
    yield {"id": "watch-more-custom", "path": f"/apis/judge.example.com/v1/namespaces/{NS}/things?watch=true&timeoutSeconds=1", "watch": 3}
    yield {"id": "watch-more-reviews", "path": "/apis/authorization.k8s.io/v1/subjectaccessreviews?watch=true", "watch": 3}
    yield {"id": "watch-more-table-none", "path": MAPS + "?watch=1&timeoutSeconds=1&labelSelector=n%3D1&includeObject=None", "watch": 3, "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
    yield {"id": "watch-more-namespace", "path": f"/api/v1/namespaces/{NS}?watch=true&timeoutSeconds=1", "watch": 3}


def subresources_more():
    for kind in ("replicaset", "statefulset", "controller"):
        one = f"{collection(kind)}/{kind}-1/scale"
        yield {"id": f"scale-{kind}-get", "path": one}
        yield patch(f"scale-{kind}-merge", one, MERGE, {"spec": {"replicas": 3}})
        yield patch(f"scale-{kind}-json", one, JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 1}])
        yield patch(f"scale-{kind}-strategic", one, STRATEGIC, {"spec": {"replicas": 2}})
        yield patch(f"scale-{kind}-apply", one + "?fieldManager=s&force=true", APPLY, {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": f"{kind}-1"}, "spec": {"replicas": 2}})
        yield {"id": f"scale-{kind}-stale", "method": "PUT", "path": one, "body": {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": f"{kind}-1", "namespace": NS, "resourceVersion": "1"}, "spec": {"replicas": 2}}}
        yield {"id": f"scale-{kind}-name", "method": "PUT", "path": one, "body": {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "other", "namespace": NS}, "spec": {"replicas": 2}}}
        yield patch(f"scale-{kind}-dry", one + "?dryRun=All", MERGE, {"spec": {"replicas": 7}})
        yield {"id": f"scale-{kind}-table", "path": one, "headers": {"Accept": TABLE}}
        yield patch(f"scale-{kind}-media", one, "application/json", {"spec": {"replicas": 7}})
        yield patch(f"scale-{kind}-absent", one.replace("-1/", "-9/"), MERGE, {"spec": {"replicas": 7}})
    yield {"id": "scale-daemonset", "path": collection("daemonset") + "/daemonset-1/scale"}
    for kind in ("deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "service", "ingress", "claim", "volume", "node", "namespace", "quota", "budget", "autoscaler2", "pod"):
        one = f"{collection(kind)}/{kind}-1/status"
        yield {"id": f"stat-{kind}-get", "path": one}
        yield patch(f"stat-{kind}-dry", one + "?dryRun=All", MERGE, {"status": {}, "spec": None, "metadata": {"labels": {"never": "x"}}})
        yield patch(f"stat-{kind}-text", one, MERGE, {"status": "x"})
        yield patch(f"stat-{kind}-stale", one, MERGE, {"metadata": {"resourceVersion": "1"}, "status": {}})
        yield {"id": f"stat-{kind}-put-name", "method": "PUT", "path": one, "body": object_of(kind, "other")}
        yield {"id": f"stat-{kind}-put-absent", "method": "PUT", "path": one.replace("-1/", "-9/"), "body": object_of(kind, f"{kind}-9")}
        yield {"id": f"stat-{kind}-put-empty", "method": "PUT", "path": one + "?dryRun=All", "body": object_of(kind, f"{kind}-1")}
    pods = f"/api/v1/namespaces/{NS}/pods"
    yield {"id": "sub-pod", "method": "POST", "path": pods, "body": object_of("pod", "sub")}
    eviction = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "sub"}}
    for what, body in [("dry", {**eviction, "deleteOptions": {"dryRun": ["All"]}}), ("uid", {**eviction, "deleteOptions": {"preconditions": {"uid": "nope"}}}), ("empty", {}), ("text", "x"), ("no-name", {"kind": "Eviction", "apiVersion": "policy/v1"}), ("other-namespace", {**eviction, "metadata": {"name": "sub", "namespace": "other"}}), ("grace-text", {**eviction, "deleteOptions": {"gracePeriodSeconds": "x"}})]:
        yield {"id": f"evict-more-{what}", "method": "POST", "path": pods + "/sub/eviction", "body": body}
    yield {"id": "sub-pod-again", "method": "POST", "path": pods, "body": object_of("pod", "sub")}
    yield {"id": "evict-more-query-dry", "method": "POST", "path": pods + "/sub/eviction?dryRun=All", "body": eviction}
    yield {"id": "evict-more-get", "path": pods + "/sub/eviction"}
    yield {"id": "evict-more-absent", "method": "POST", "path": pods + "/absent/eviction", "body": {**eviction, "metadata": {"name": "absent"}}}
    binding = {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "sub"}, "target": {"kind": "Node", "name": "n"}}
    for what, path, body in [("kind", "/sub/binding", {**binding, "target": {"kind": "Pod", "name": "n"}}), ("absent", "/absent/binding", {**binding, "metadata": {"name": "absent"}}), ("other-name", "/sub/binding", {**binding, "metadata": {"name": "other"}}), ("no-kind", "/sub/binding", {"metadata": {"name": "sub"}, "target": {"name": "n"}}), ("empty", "/sub/binding", {}), ("dry", "/sub/binding?dryRun=All", binding)]:
        yield {"id": f"bind-more-{what}", "method": "POST", "path": pods + path, "body": body}
    yield {"id": "bind-more-bindings", "method": "POST", "path": f"/api/v1/namespaces/{NS}/bindings?dryRun=All", "body": binding}
    yield {"id": "sub-pod-other", "method": "POST", "path": pods, "body": object_of("pod", "sub2")}
    for sub in ("exec", "attach", "portforward"):
        yield {"id": f"proc-{sub}-pending", "method": "POST", "path": f"{pods}/sub2/{sub}?command=ls&stdout=true"}
        yield {"id": f"proc-{sub}-absent", "method": "POST", "path": f"{pods}/absent/{sub}?command=ls&stdout=true"}
        yield {"id": f"proc-{sub}-nothing", "method": "POST", "path": f"{pods}/sub2/{sub}"}
    for what, query in [("plain", ""), ("follow-word", "follow=maybe"), ("previous", "previous=true"), ("since-bad", "sinceTime=yesterday"), ("since-negative", "sinceSeconds=-1"), ("since-0", "sinceSeconds=0"), ("limit-text", "limitBytes=x"), ("container-empty", "container="), ("tail-0", "tailLines=0"), ("unknown", "a=b"), ("pretty", "pretty=true"), ("insecure", "insecureSkipTLSVerifyBackend=true")]:
        yield {"id": f"log-more-{what}", "path": f"{pods}/sub2/log?{query}"}
    yield {"id": "finalize-put", "method": "PUT", "path": "/api/v1/namespaces/namespace-1/finalize?dryRun=All", "body": {"metadata": {"name": "namespace-1"}, "spec": {"finalizers": []}}}
    yield {"id": "sub-delete-grace", "method": "DELETE", "path": pods + "/sub2?gracePeriodSeconds=0"}


def managed_fields():
    one = MAPS + "/managed"
    full = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "managed"}}
    yield {"id": "mf-create", "method": "POST", "path": MAPS + "?fieldManager=maker", "body": {**full, "data": {"a": "1", "b": "1"}}}
    yield patch("mf-merge", one + "?fieldManager=merger", MERGE, {"data": {"b": "2", "c": "2"}})
    yield patch("mf-apply-conflict", one + "?fieldManager=alice", APPLY, {**full, "data": {"a": "9", "b": "9", "c": "2"}})
    yield patch("mf-apply-share", one + "?fieldManager=alice", APPLY, {**full, "data": {"a": "1", "d": "4"}})
    yield patch("mf-apply-dry", one + "?fieldManager=alice&dryRun=All", APPLY, {**full, "data": {"d": "5"}})
    yield patch("mf-apply-drop", one + "?fieldManager=alice", APPLY, {**full, "data": {"d": "5"}})
    yield patch("mf-apply-version", one + "?fieldManager=alice", APPLY, {**full, "metadata": {"name": "managed", "resourceVersion": "1"}, "data": {"d": "5"}})
    yield patch("mf-apply-uid", one + "?fieldManager=alice", APPLY, {**full, "metadata": {"name": "managed", "uid": "nope"}, "data": {"d": "5"}})
    yield patch("mf-apply-null", one + "?fieldManager=alice", APPLY, {**full, "data": {"d": None}})
    yield patch("mf-apply-no-kind", one + "?fieldManager=alice", APPLY, {"metadata": {"name": "managed"}})
    yield patch("mf-apply-other-kind", one + "?fieldManager=alice", APPLY, {**full, "kind": "Secret"})
    yield patch("mf-apply-other-namespace", one + "?fieldManager=alice", APPLY, {**full, "metadata": {"name": "managed", "namespace": "other"}})
    yield patch("mf-apply-list", one + "?fieldManager=alice", APPLY, "[]")
    yield patch("mf-apply-status", one + "/status?fieldManager=alice", APPLY, full)
    yield patch("mf-apply-absent-namespace", "/api/v1/namespaces/nowhere/configmaps/managed?fieldManager=alice", APPLY, full)
    yield {"id": "mf-put", "method": "PUT", "path": one + "?fieldManager=putter", "body": {**full, "data": {"z": "1"}}}
    yield {"id": "mf-reset", "method": "PUT", "path": one + "?fieldManager=putter", "body": {**full, "metadata": {"name": "managed", "managedFields": [{}]}, "data": {"z": "1"}}}
    yield patch("mf-after-reset", one + "?fieldManager=other", MERGE, {"data": {"y": "1"}})
    yield {"id": "mf-broken", "method": "PUT", "path": one, "body": {**full, "metadata": {"name": "managed", "managedFields": [{"manager": "x", "operation": "Burn", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}]}}}
    yield {"id": "mf-broken-type", "method": "PUT", "path": one, "body": {**full, "metadata": {"name": "managed", "managedFields": [{"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV9", "fieldsV1": {}}]}}}
    yield patch("mf-yaml", one + "?fieldManager=yaml", APPLY, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: managed\ndata:\n  q: 'yes'\n")
    yield patch("mf-two-documents", one + "?fieldManager=yaml", APPLY, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: managed\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: managed\n")
    yield {"id": "mf-get", "path": one}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mf"}, "spec": {"ports": [{"name": "a", "port": 80}], "selector": {"a": "b"}}}
    path = f"/api/v1/namespaces/{NS}/services/mf"
    yield patch("mf-service", path + "?fieldManager=alice", APPLY, service)
    yield patch("mf-service-port", path + "?fieldManager=bob", APPLY, {**service, "spec": {"ports": [{"name": "b", "port": 81}]}})
    yield patch("mf-service-clash", path + "?fieldManager=carol", APPLY, {**service, "spec": {"ports": [{"name": "z", "port": 80}]}})
    yield patch("mf-service-drop", path + "?fieldManager=bob", APPLY, {**service, "spec": {}})
    yield patch("mf-service-no-key", path + "?fieldManager=bob", APPLY, {**service, "spec": {"ports": [{"name": "b"}]}})
    yield patch("mf-service-unknown", path + "?fieldManager=bob", APPLY, {**service, "spec": {"colour": "red"}})
