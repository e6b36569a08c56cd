"""Who may do what: RBAC with escalation, reviews, impersonation, tokens."""
from common import MERGE, NS, patch
from kinds import KINDS

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"


def access_more():
    yield from grants()
    yield from reviews()
    yield from impersonation()
    yield from escalation()
    yield from tokens()


def rule(groups, resources, verbs, **more):
    return {"apiGroups": groups, "resources": resources, "verbs": verbs, **more}


def grants():
    roles = {"reader": [rule([""], ["pods", "pods/log", "configmaps"], ["get", "list", "watch"])], "named": [rule([""], ["configmaps"], ["get", "update"], resourceNames=["opt"])], "scaler": [rule(["apps"], ["deployments/scale"], ["get", "patch"])],
             "binder": [rule(["rbac.authorization.k8s.io"], ["roles", "rolebindings"], ["create", "update", "patch", "get"])], "stars": [rule(["*"], ["*"], ["*"])], "status": [rule(["*"], ["*/status"], ["patch"])]}
    for name, rules in roles.items():
        yield {"id": f"rbac-role-{name}", "method": "POST", "path": f"{RBAC}/namespaces/{NS}/roles", "body": {"metadata": {"name": f"j-{name}"}, "rules": rules}}
        yield {"id": f"rbac-binding-{name}", "method": "POST", "path": f"{RBAC}/namespaces/{NS}/rolebindings",
               "body": {"metadata": {"name": f"j-{name}"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"j-{name}"}, "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": f"u-{name}"}]}}
    yield {"id": "rbac-cluster-role", "method": "POST", "path": f"{RBAC}/clusterroles", "body": {"metadata": {"name": "j-imp"}, "rules": [rule([""], ["users", "groups", "serviceaccounts"], ["impersonate"]), {"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get"]}]}}
    yield {"id": "rbac-cluster-binding", "method": "POST", "path": f"{RBAC}/clusterrolebindings", "body": {"metadata": {"name": "j-imp"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "j-imp"}, "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "imps"}, {"kind": "ServiceAccount", "name": "default", "namespace": NS}]}}
    yield {"id": "rbac-settle", "path": f"{RBAC}/namespaces/{NS}/rolebindings/j-reader", "pause": 1.2}


def reviews():
    def resource(**attributes):
        return {"resourceAttributes": attributes}
    questions = [("get-pods", resource(namespace=NS, verb="get", resource="pods")), ("log", resource(namespace=NS, verb="get", resource="pods", subresource="log")), ("delete", resource(namespace=NS, verb="delete", resource="pods")), ("other-namespace", resource(namespace="default", verb="get", resource="pods")), ("all-namespaces", resource(verb="list", resource="pods")), ("named", resource(namespace=NS, verb="get", resource="configmaps", name="opt")),
                 ("named-other", resource(namespace=NS, verb="get", resource="configmaps", name="other")), ("scale", resource(namespace=NS, verb="patch", group="apps", resource="deployments", subresource="scale")), ("star-verb", resource(namespace=NS, verb="*", resource="pods")), ("star-resource", resource(namespace=NS, verb="get", resource="*")), ("unknown-resource", resource(namespace=NS, verb="get", resource="gadgets")), ("status", resource(namespace=NS, verb="patch", resource="pods", subresource="status")),
                 ("path", {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}), ("path-star", {"nonResourceAttributes": {"path": "/logs/x", "verb": "get"}}), ("path-post", {"nonResourceAttributes": {"path": "/metrics", "verb": "post"}}), ("version", resource(namespace=NS, verb="get", group="apps", version="v1", resource="deployments"))]
    for what, question in questions:
        for user in ("u-reader", "u-named", "u-scaler", "u-stars", "u-status"):
            yield {"id": f"can-{user}-{what}", "method": "POST", "path": f"{REVIEWS}/selfsubjectaccessreviews", "headers": {"Impersonate-User": user, "Impersonate-Group": "system:authenticated"}, "body": {"spec": question}}
        yield {"id": f"can-imps-{what}", "method": "POST", "path": f"{REVIEWS}/subjectaccessreviews", "body": {"spec": dict(question, user="someone", groups=["imps"])}}
        yield {"id": f"can-account-{what}", "method": "POST", "path": f"{REVIEWS}/subjectaccessreviews", "body": {"spec": dict(question, user=f"system:serviceaccount:{NS}:default")}}
    for user in ("u-reader", "u-stars", "u-nobody"):
        for ns in (NS, "default", ""):
            yield {"id": f"rules-{user}-{ns or 'none'}", "method": "POST", "path": f"{REVIEWS}/selfsubjectrulesreviews", "headers": {"Impersonate-User": user, "Impersonate-Group": "system:authenticated"}, "body": {"spec": {"namespace": ns}}}
    local = f"{REVIEWS}/namespaces/{NS}/localsubjectaccessreviews"
    for what, body in [("same", {"spec": {"user": "u-reader", **questions[0][1]}}), ("other", {"spec": {"user": "u-reader", "resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"}}}), ("metadata", {"metadata": {"namespace": NS}, "spec": {"user": "u-reader", **questions[0][1]}}), ("metadata-other", {"metadata": {"namespace": "default"}, "spec": {"user": "u-reader", **questions[0][1]}}),
                       ("no-namespace", {"spec": {"user": "u-reader", "resourceAttributes": {"verb": "get", "resource": "pods"}}}), ("path", {"spec": {"user": "u-reader", "nonResourceAttributes": {"path": "/x", "verb": "get"}}}), ("no-user", {"spec": questions[0][1]}), ("empty", {})]:
        yield {"id": f"local-{what}", "method": "POST", "path": local, "body": body}
    for plural in ("selfsubjectaccessreviews", "subjectaccessreviews", "selfsubjectrulesreviews"):
        for what, body in [("empty", {}), ("text", '"x"'), ("spec-text", {"spec": "x"}), ("named", {"metadata": {"name": "n"}, "spec": {"user": "a", **questions[0][1]}}), ("namespaced", {"metadata": {"namespace": "n"}, "spec": {"user": "a", **questions[0][1]}}), ("kind", {"kind": "Pod", "apiVersion": "v1"}), ("half", "{"), ("verb-number", {"spec": {"user": "a", "resourceAttributes": {"verb": 5}}})]:
            yield {"id": f"review-{plural}-{what}", "method": "POST", "path": f"{REVIEWS}/{plural}", "body": body}
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            yield {"id": f"review-{plural}-{method}", "method": method, "path": f"{REVIEWS}/{plural}", "body": {} if method in ("PUT", "PATCH") else None}
        yield {"id": f"review-{plural}-dry", "method": "POST", "path": f"{REVIEWS}/{plural}?dryRun=All", "body": {"spec": {"user": "a", "namespace": "x", **questions[0][1]}}}
    for what, body in [("empty", {}), ("no-token", {"spec": {}}), ("named", {"metadata": {"name": "x"}, "spec": {"token": "a"}}), ("audiences", {"spec": {"token": "a.b.c", "audiences": ["x"]}})]:
        yield {"id": f"token-review-{what}", "method": "POST", "path": "/apis/authentication.k8s.io/v1/tokenreviews", "body": body}


def impersonation():
    pods = f"/api/v1/namespaces/{NS}/pods?limit=1&labelSelector=none"
    for what, headers in [("user", {"Impersonate-User": "u-reader"}), ("account", {"Impersonate-User": f"system:serviceaccount:{NS}:default"}), ("account-bad", {"Impersonate-User": "system:serviceaccount:oops"}), ("masters", {"Impersonate-User": "x", "Impersonate-Group": "system:masters"}), ("uid", {"Impersonate-User": "x", "Impersonate-Uid": "1"}), ("extra", {"Impersonate-User": "u-reader", "Impersonate-Extra-Scopes": "view"}),
                          ("extra-only", {"Impersonate-Extra-Scopes": "view"}), ("empty", {"Impersonate-User": ""}), ("anonymous", {"Impersonate-User": "system:anonymous"}), ("node", {"Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"}), ("extra-escaped", {"Impersonate-User": "u-reader", "Impersonate-Extra-Example.com%2fscope": "view"})]:
        yield {"id": f"imp-{what}", "path": pods, "headers": headers}
        yield {"id": f"imp-{what}-nodes", "path": "/api/v1/nodes?limit=1&labelSelector=none", "headers": headers}
        yield {"id": f"imp-{what}-create", "method": "POST", "path": f"/api/v1/namespaces/{NS}/configmaps?dryRun=All", "headers": headers, "body": {"metadata": {"name": "imp"}}}
    every = [("get", "GET", "/x"), ("list", "GET", ""), ("watch", "GET", "?watch=1"), ("create", "POST", ""), ("update", "PUT", "/x"), ("patch", "PATCH", "/x"), ("delete", "DELETE", "/x"), ("deletecollection", "DELETE", ""), ("sub", "GET", "/x/status")]
    for kind in ("pod", "deployment", "node", "secret", "role", "namespace", "definition", "newevent", "budget", "cronjob"):
        prefix, plural, _, _, namespaced, _ = KINDS[kind]
        base = f"{prefix}/namespaces/{NS}/{plural}" if namespaced else f"{prefix}/{plural}"
        for verb, method, tail in every:
            yield {"id": f"deny-{kind}-{verb}", "method": method, "path": base + tail, "headers": {"Impersonate-User": "u-nobody", **({"Content-Type": MERGE} if method == "PATCH" else {})}, "body": {} if method in ("POST", "PUT", "PATCH") else None}
        if namespaced:
            yield {"id": f"deny-{kind}-everywhere", "path": f"{prefix}/{plural}", "headers": {"Impersonate-User": "u-nobody"}}
    for path in ("/", "/api", "/apis", "/version", "/healthz", "/livez", "/readyz", "/metrics", "/logs/", "/nothing", "/apis/apps", "/apis/apps/v1", "/api/v1", "/api/v1/"):
        yield {"id": f"deny-path{path.replace('/', '-')}", "path": path, "headers": {"Impersonate-User": "u-nobody"}}
    yield {"id": "imp-by-imps", "path": pods, "headers": {"Impersonate-User": "u-reader", "Impersonate-Group": "imps"}}


def escalation():
    headers = {"Impersonate-User": "u-binder"}
    roles, bindings = f"{RBAC}/namespaces/{NS}/roles", f"{RBAC}/namespaces/{NS}/rolebindings"
    for what, rules in [("more", [rule([""], ["secrets"], ["get"])]), ("stars", [rule(["*"], ["*"], ["*"])]), ("held", [rule(["rbac.authorization.k8s.io"], ["roles"], ["get"])]), ("none", [])]:
        yield {"id": f"escalate-role-{what}", "method": "POST", "path": roles + "?dryRun=All", "headers": headers, "body": {"metadata": {"name": "esc"}, "rules": rules}}
    for what, ref in [("reader", "j-reader"), ("stars", "j-stars"), ("absent", "absent"), ("binder", "j-binder")]:
        yield {"id": f"escalate-bind-{what}", "method": "POST", "path": bindings + "?dryRun=All", "headers": headers,
               "body": {"metadata": {"name": "esc"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ref}, "subjects": [{"kind": "User", "name": "u-binder"}]}}
    yield patch("escalate-patch", roles + "/j-binder?dryRun=All", MERGE, {"rules": [rule(["*"], ["*"], ["*"])]})
    yield {"id": "escalate-patch-as", "method": "PATCH", "path": roles + "/j-binder?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": {"rules": [rule(["*"], ["*"], ["*"])]}}
    yield {"id": "escalate-label-as", "method": "PATCH", "path": roles + "/j-binder?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": {"metadata": {"labels": {"a": "b"}}}}


def tokens():
    account = f"/api/v1/namespaces/{NS}/serviceaccounts"
    kind = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    for what, body in [("empty", {}), ("no-spec", kind), ("hour", {**kind, "spec": {"expirationSeconds": 3600}}), ("too-long", {**kind, "spec": {"expirationSeconds": 4294967296 + 1}}), ("negative", {**kind, "spec": {"expirationSeconds": -1}}), ("text", {**kind, "spec": {"expirationSeconds": "x"}}), ("kind", {"kind": "Pod", "apiVersion": "v1"}), ("pod-absent", {**kind, "spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "nope"}}}),
                       ("bound-kind", {**kind, "spec": {"boundObjectRef": {"kind": "Deployment", "apiVersion": "apps/v1", "name": "x"}}}), ("name", {**kind, "metadata": {"name": "other"}})]:
        yield {"id": f"token-{what}", "method": "POST", "path": f"{account}/default/token", "body": body}
    yield {"id": "token-absent", "method": "POST", "path": f"{account}/absent/token", "body": kind}
    yield {"id": "token-get", "path": f"{account}/default/token"}
