"""Who may do what: RBAC with escalation, reviews, impersonation, tokens, nodes, admission, certificates."""
from base64 import b64encode

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
    yield from bearers()
    yield from rights_to_give()
    yield from nodes()
    yield from admission()
    yield from certificates()


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


REVIEW = "/apis/authentication.k8s.io/v1/tokenreviews"


def review(identity, token, *audiences, **more):
    return {"id": identity, "method": "POST", "path": REVIEW, "body": {"spec": {"token": token, **({"audiences": list(audiences)} if audiences else {})}}, **more}


def bearers():
    """Tokens that are used: at the door and in reviews, bound to something, for others, forged. A real server remembers a token that was good for ten seconds."""
    core, kind = f"/api/v1/namespaces/{NS}", {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    pods, account = f"{core}/pods?limit=1&labelSelector=none", f"{core}/serviceaccounts/bearer/token"
    yield {"id": "bearer-account", "method": "POST", "path": f"{core}/serviceaccounts", "body": {"metadata": {"name": "bearer"}, "imagePullSecrets": [{"name": "registry"}], "automountServiceAccountToken": False}}
    yield {"id": "bearer-quiet", "method": "POST", "path": f"{core}/serviceaccounts", "body": {"metadata": {"name": "strict", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}}, "secrets": [{"name": "listed"}]}}
    yield {"id": "bearer-secret", "method": "POST", "path": f"{core}/secrets", "body": {"metadata": {"name": "bound"}, "data": {"a": "YQ=="}}}
    yield {"id": "bearer-pod", "method": "POST", "path": f"{core}/pods", "pause": 1, "body": {"metadata": {"name": "bearer"}, "spec": {"serviceAccountName": "bearer", "nodeName": "jn1", "containers": [{"name": "c", "image": "x", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "bound", "key": "a"}}}], "envFrom": [{"configMapRef": {"name": "opt"}}]}], "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": "needed"}}]}}}
    pod, secret = {"kind": "Pod", "apiVersion": "v1", "name": "bearer"}, {"kind": "Secret", "apiVersion": "v1", "name": "bound"}
    for what, spec in [("plain", {}), ("audiences", {"audiences": ["a", "b"]}), ("pod", {"boundObjectRef": pod}), ("pod-uid", {"boundObjectRef": {**pod, "uid": "{bearer-pod:metadata.uid}"}}), ("pod-uid-wrong", {"boundObjectRef": {**pod, "uid": "x"}}), ("secret", {"boundObjectRef": secret}), ("secret-uid-wrong", {"boundObjectRef": {**secret, "uid": "x"}}), ("secret-absent", {"boundObjectRef": {**secret, "name": "none"}}),
                       ("least", {"expirationSeconds": 600}), ("too-short", {"expirationSeconds": 599}), ("most", {"expirationSeconds": 4294967296}), ("kind-core", {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "opt"}}), ("empty-audience", {"audiences": [""]})]:
        yield {"id": f"bearer-token-{what}", "method": "POST", "path": account, "body": {**kind, "spec": spec}}
    yield {"id": "bearer-token-other-pod", "method": "POST", "path": f"{core}/serviceaccounts/default/token", "body": {**kind, "spec": {"boundObjectRef": pod}}}
    token = "{bearer-token-%s:status.token}"
    for what in ("plain", "audiences", "pod", "secret"):
        yield {"id": f"bearer-use-{what}", "path": pods, "user": "bearer", "headers": {"Authorization": "Bearer " + token % what}}
        yield {"id": f"bearer-use-{what}-create", "method": "POST", "path": f"{core}/configmaps?dryRun=All", "user": "bearer", "headers": {"Authorization": "bearer " + token % what}, "body": {"metadata": {"name": "x"}}}
        yield review(f"bearer-review-{what}", token % what)
        yield review(f"bearer-review-{what}-a", token % what, "a", "c")
        yield review(f"bearer-review-{what}-all", token % what, "b", "https://kubernetes.default.svc.cluster.local", "a")
    yield review("bearer-review-forged", token % "plain" + "x")
    yield review("bearer-review-half", token % "audiences" + ".x")
    for what, header in [("forged", "Bearer " + token % "plain" + "x"), ("two-words", "Bearer " + token % "plain" + " x"), ("basic", "Basic YTpi"), ("none", "Bearer"), ("space", "Bearer  " + token % "plain"), ("dots", "Bearer a.b.c"), ("word", "x"), ("token", "Token " + token % "plain")]:
        yield {"id": f"bearer-header-{what}", "path": pods, "user": "bearer", "headers": {"Authorization": header}}
    yield {"id": "bearer-secret-delete", "method": "DELETE", "path": f"{core}/secrets/bound", "pause": 11}
    yield {"id": "bearer-gone-secret", "path": pods, "user": "bearer", "headers": {"Authorization": "Bearer " + token % "secret"}}
    yield review("bearer-gone-review", token % "secret")
    yield {"id": "bearer-ssar", "method": "POST", "path": f"{REVIEWS}/selfsubjectaccessreviews", "user": "bearer", "headers": {"Authorization": "Bearer " + token % "plain"}, "body": {"spec": {"resourceAttributes": {"namespace": NS, "verb": "get", "resource": "pods"}}}}
    yield {"id": "bearer-ssrr", "method": "POST", "path": f"{REVIEWS}/selfsubjectrulesreviews", "user": "bearer", "headers": {"Authorization": "Bearer " + token % "plain"}, "body": {"spec": {"namespace": NS}}}
    for who in ("admin", "bearer"):
        headers = {} if who == "admin" else {"Authorization": "Bearer " + token % "plain"}
        for path in ("/.well-known/openid-configuration", "/openid/v1/jwks"):
            yield {"id": f"issuer-{who}{path.replace('/', '-')}", "path": path, "user": who, "headers": headers}


def rights_to_give():
    """bind, escalate, aggregation, and bindings to roles that are not there."""
    roles = f"{RBAC}/clusterroles"
    given = {"j-giver": [rule(["rbac.authorization.k8s.io"], ["clusterroles", "clusterrolebindings", "rolebindings"], ["create", "update", "patch", "get"]), rule(["rbac.authorization.k8s.io"], ["clusterroles"], ["bind"], resourceNames=["view"])], "j-climber": [rule(["rbac.authorization.k8s.io"], ["clusterroles"], ["create", "escalate"])]}
    for name, rules in given.items():
        yield {"id": f"give-{name}", "method": "POST", "path": roles, "body": {"metadata": {"name": name}, "rules": rules}}
        yield {"id": f"give-{name}-bound", "method": "POST", "path": f"{RBAC}/clusterrolebindings", "pause": 0.6, "body": {"metadata": {"name": name}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}, "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}]}}
    for user in given:
        headers = {"Impersonate-User": user}
        for role in ("view", "edit", "absent"):
            for plural, where in (("clusterrolebindings", RBAC), ("rolebindings", f"{RBAC}/namespaces/{NS}")):
                yield {"id": f"give-{user}-{plural}-{role}", "method": "POST", "path": f"{where}/{plural}?dryRun=All", "headers": headers, "body": {"metadata": {"name": "given"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}, "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "x"}]}}
        yield {"id": f"give-{user}-role", "method": "POST", "path": f"{roles}?dryRun=All", "headers": headers, "body": {"metadata": {"name": "given"}, "rules": [rule(["*"], ["*"], ["*"])]}}
        yield {"id": f"give-{user}-paths", "method": "POST", "path": f"{roles}?dryRun=All", "headers": headers, "body": {"metadata": {"name": "given"}, "rules": [{"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get", "head"]}]}}
        yield {"id": f"give-{user}-aggregate", "method": "POST", "path": f"{roles}?dryRun=All", "headers": headers, "body": {"metadata": {"name": "given"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, "rules": []}}
    yield {"id": "give-dangling", "method": "POST", "path": f"{RBAC}/namespaces/{NS}/rolebindings", "pause": 0.6, "body": {"metadata": {"name": "dangling"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gone"}, "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u-dangling"}]}}
    yield {"id": "give-dangling-use", "path": f"/api/v1/namespaces/{NS}/pods", "headers": {"Impersonate-User": "u-dangling"}}
    yield {"id": "give-dangling-rules", "method": "POST", "path": f"{REVIEWS}/selfsubjectrulesreviews", "headers": {"Impersonate-User": "u-dangling"}, "body": {"spec": {"namespace": NS}}}
    yield {"id": "give-dangling-review", "method": "POST", "path": f"{REVIEWS}/subjectaccessreviews", "body": {"spec": {"user": "u-dangling", "resourceAttributes": {"namespace": NS, "verb": "list", "resource": "pods"}}}}
    for name in ("cluster-admin", "system:discovery", "system:public-info-viewer", "system:auth-delegator", "system:kubelet-api-admin", "system:persistent-volume-provisioner"):
        yield {"id": f"give-default-{name}", "path": f"{roles}/{name}"}
    for name in ("cluster-admin", "system:node", "system:discovery", "system:basic-user", "system:kube-scheduler", "system:controller:job-controller", "system:service-account-issuer-discovery"):
        yield {"id": f"give-default-bound-{name}", "path": f"{RBAC}/clusterrolebindings/{name}"}


def nodes():
    """What a kubelet may: the node authorizer and NodeRestriction."""
    core = f"/api/v1/namespaces/{NS}"
    headers = {"Impersonate-User": "system:node:jn1", "Impersonate-Group": "system:nodes"}
    reads = [f"{core}/secrets/bound", f"{core}/secrets/other", f"{core}/secrets", f"{core}/secrets?fieldSelector=metadata.name%3Dbound", "/api/v1/secrets", f"{core}/configmaps/opt", f"{core}/configmaps/none", f"{core}/persistentvolumeclaims/needed", f"{core}/persistentvolumeclaims/none", f"{core}/persistentvolumeclaims", "/api/v1/persistentvolumes/none", f"{core}/pods/bearer", f"{core}/services?limit=1&labelSelector=none", f"{core}/endpoints/none",
             f"{core}/replicationcontrollers", "/apis/storage.k8s.io/v1/csinodes/jn1", "/apis/storage.k8s.io/v1/csinodes/jn2", "/apis/storage.k8s.io/v1/csinodes", "/apis/storage.k8s.io/v1/volumeattachments/none", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/jn1", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/jn2", f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases/jn1", "/api/v1/nodes/jn1", "/metrics"]
    for path in reads:
        yield {"id": f"node-get{path.replace('/', '-')}", "path": path, "headers": headers}
    yield {"id": "node-unnamed", "path": f"{core}/secrets/bound", "headers": {"Impersonate-User": "system:node:", "Impersonate-Group": "system:nodes"}}
    yield {"id": "node-without-group", "path": f"{core}/secrets/bound", "headers": {"Impersonate-User": "system:node:jn1"}}
    for name in ("jn1", "jn2"):
        yield {"id": f"node-make-{name}", "method": "POST", "path": "/api/v1/nodes", "headers": headers, "body": {"metadata": {"name": name, "labels": {"team": "a", "kubernetes.io/hostname": name}}}}
        yield {"id": f"node-lease-{name}", "method": "POST", "path": "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?dryRun=All", "headers": headers, "body": {"metadata": {"name": name}}}
        yield {"id": f"node-csi-{name}", "method": "POST", "path": "/apis/storage.k8s.io/v1/csinodes?dryRun=All", "headers": headers, "body": {"metadata": {"name": name}, "spec": {"drivers": []}}}
    for what, body in [("label", {"metadata": {"labels": {"team": "b"}}}), ("restricted", {"metadata": {"labels": {"node-restriction.kubernetes.io/x": "y", "sub.node-restriction.kubernetes.io/z": "y"}}}), ("kubernetes", {"metadata": {"labels": {"kubernetes.io/x": "y"}}}), ("zone", {"metadata": {"labels": {"topology.kubernetes.io/zone": "a", "kubelet.kubernetes.io/a": "b"}}}), ("taints", {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}}), ("cordon", {"spec": {"unschedulable": True}})]:
        for name in ("jn1", "jn2"):
            yield {"id": f"node-patch-{what}-{name}", "method": "PATCH", "path": f"/api/v1/nodes/{name}?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": body}
    yield {"id": "node-status", "method": "PATCH", "path": "/api/v1/nodes/jn1/status?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": {"status": {"phase": "Running"}}}
    yield {"id": "node-own-delete", "method": "DELETE", "path": "/api/v1/nodes/jn1?dryRun=All", "headers": headers}
    mirror = {"metadata": {"name": "mirror", "annotations": {"kubernetes.io/config.mirror": "x"}}, "spec": {"nodeName": "jn1", "containers": [{"name": "c", "image": "x"}]}}
    owner = {"apiVersion": "v1", "kind": "Node", "name": "jn1", "uid": "{node-make-jn1:metadata.uid}", "controller": True}
    for what, body in [("plain", {"metadata": {"name": "plain"}, "spec": mirror["spec"]}), ("elsewhere", {**mirror, "spec": {**mirror["spec"], "nodeName": "jn2"}}), ("unowned", mirror), ("owned", {**mirror, "metadata": {**mirror["metadata"], "ownerReferences": [owner]}}), ("owner-blocks", {**mirror, "metadata": {**mirror["metadata"], "ownerReferences": [{**owner, "blockOwnerDeletion": True}]}}),
                       ("account", {**mirror, "metadata": {**mirror["metadata"], "ownerReferences": [owner]}, "spec": {**mirror["spec"], "serviceAccountName": "bearer"}}), ("secret", {**mirror, "metadata": {**mirror["metadata"], "ownerReferences": [owner]}, "spec": {**mirror["spec"], "volumes": [{"name": "s", "secret": {"secretName": "bound"}}]}})]:
        yield {"id": f"node-pod-{what}", "method": "POST", "path": f"{core}/pods?dryRun=All", "headers": headers, "body": body}
    yield {"id": "node-pod-status", "method": "PATCH", "path": f"{core}/pods/bearer/status?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": {"status": {"phase": "Running"}}}
    yield {"id": "node-pod-status-label", "method": "PATCH", "path": f"{core}/pods/bearer/status?dryRun=All", "headers": {**headers, "Content-Type": MERGE}, "body": {"metadata": {"labels": {"a": "b"}}}}
    yield {"id": "node-pod-delete", "method": "DELETE", "path": f"{core}/pods/bearer?dryRun=All", "headers": headers}
    other = {"Impersonate-User": "system:node:jn2", "Impersonate-Group": "system:nodes"}
    yield {"id": "node-other-pod-delete", "method": "DELETE", "path": f"{core}/pods/bearer?dryRun=All", "headers": other}
    yield {"id": "node-other-pod-status", "method": "PATCH", "path": f"{core}/pods/bearer/status?dryRun=All", "headers": {**other, "Content-Type": MERGE}, "body": {"status": {"phase": "Running"}}}
    pod = {"kind": "Pod", "apiVersion": "v1", "name": "bearer", "uid": "{bearer-pod:metadata.uid}"}
    for what, who, spec in [("bound", headers, {"boundObjectRef": pod}), ("unbound", headers, {}), ("no-uid", headers, {"boundObjectRef": {k: v for k, v in pod.items() if k != "uid"}}), ("other", other, {"boundObjectRef": pod})]:
        yield {"id": f"node-token-{what}", "method": "POST", "path": f"{core}/serviceaccounts/bearer/token", "headers": who, "body": {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": spec}}
    yield {"id": "node-unmake", "method": "DELETE", "path": "/api/v1/nodes/jn1"}


def admission():
    """What admission adds and refuses: accounts, priorities, classes of claims and ingresses."""
    core = f"/api/v1/namespaces/{NS}"
    for what, spec in [("account", {"serviceAccountName": "bearer"}), ("account-own-secret", {"serviceAccountName": "bearer", "imagePullSecrets": [{"name": "own"}]}), ("account-mount", {"serviceAccountName": "bearer", "automountServiceAccountToken": True}), ("account-old-name", {"serviceAccount": "bearer"}), ("account-absent", {"serviceAccountName": "nobody"}), ("strict-listed", {"serviceAccountName": "strict", "volumes": [{"name": "v", "secret": {"secretName": "listed"}}]}), ("strict-other", {"serviceAccountName": "strict", "volumes": [{"name": "v", "secret": {"secretName": "other"}}]}),
                       ("priority", {"priority": 7}), ("priority-none", {"priority": 0}), ("priority-critical", {"priorityClassName": "system-node-critical"}), ("priority-wrong", {"priorityClassName": "system-node-critical", "priority": 1}), ("priority-absent", {"priorityClassName": "nothing"}), ("preemption", {"priorityClassName": "system-node-critical", "preemptionPolicy": "Never"}), ("runtime-absent", {"runtimeClassName": "nothing"}), ("overhead", {"overhead": {"cpu": "1"}})]:
        yield {"id": f"admit-pod-{what}", "method": "POST", "path": f"{core}/pods?dryRun=All", "body": {"metadata": {"name": "admitted"}, "spec": {"containers": [{"name": "c", "image": "x"}], **spec}}}
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    yield {"id": "admit-default-priority", "method": "POST", "path": classes, "pause": 0.5, "body": {"metadata": {"name": "usual"}, "value": 5, "globalDefault": True, "preemptionPolicy": "Never"}}
    yield {"id": "admit-second-default", "method": "POST", "path": f"{classes}?dryRun=All", "body": {"metadata": {"name": "second"}, "value": 6, "globalDefault": True}}
    yield {"id": "admit-pod-default-priority", "method": "POST", "path": f"{core}/pods?dryRun=All", "body": {"metadata": {"name": "admitted"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}}
    yield {"id": "admit-default-priority-delete", "method": "DELETE", "path": f"{classes}/usual", "pause": 0.5}
    ingress = {"metadata": {"name": "i"}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}
    where = f"/apis/networking.k8s.io/v1/namespaces/{NS}/ingresses?dryRun=All"
    yield {"id": "admit-ingress-class", "method": "POST", "path": "/apis/networking.k8s.io/v1/ingressclasses", "pause": 0.5, "body": {"metadata": {"name": "usual", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}, "spec": {"controller": "example.com/c"}}}
    yield {"id": "admit-ingress", "method": "POST", "path": where, "body": ingress}
    yield {"id": "admit-ingress-annotated", "method": "POST", "path": where, "body": {**ingress, "metadata": {"name": "i", "annotations": {"kubernetes.io/ingress.class": "old"}}}}
    yield {"id": "admit-ingress-class-delete", "method": "DELETE", "path": "/apis/networking.k8s.io/v1/ingressclasses/usual", "pause": 0.5}
    storage = "/apis/storage.k8s.io/v1/storageclasses"
    claim = {"metadata": {"name": "wanted"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    yield {"id": "admit-claim-class", "method": "POST", "path": storage, "pause": 0.5, "body": {"metadata": {"name": "usual", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "example.com/p"}}
    for what, spec in [("default", {}), ("none", {"storageClassName": ""}), ("other", {"storageClassName": "other"})]:
        yield {"id": f"admit-claim-{what}", "method": "POST", "path": f"{core}/persistentvolumeclaims?dryRun=All", "body": {**claim, "spec": {**claim["spec"], **spec}}}
    yield {"id": "admit-claim", "method": "POST", "path": f"{core}/persistentvolumeclaims", "body": claim}
    yield {"id": "admit-claim-bound", "method": "PATCH", "path": f"{core}/persistentvolumeclaims/wanted/status", "headers": {"Content-Type": MERGE}, "body": {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}}
    yield patch("admit-claim-grow", f"{core}/persistentvolumeclaims/wanted", MERGE, {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    yield patch("admit-claim-shrink", f"{core}/persistentvolumeclaims/wanted", MERGE, {"spec": {"resources": {"requests": {"storage": "1Mi"}}}})
    yield {"id": "admit-claim-delete", "method": "DELETE", "path": f"{core}/persistentvolumeclaims/wanted"}
    yield {"id": "admit-claim-class-delete", "method": "DELETE", "path": f"{storage}/usual", "pause": 0.5}


REQUEST = """-----BEGIN CERTIFICATE REQUEST-----
MIHWMH4CAQAwHDEMMAoGA1UECgwDZGV2MQwwCgYDVQQDDANhbm4wWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAATJBfs1aJ0/h4W3OgIf0LyEvGgZUSc/7zBRGrWlPXyU
wrV/tkrYLTI0jxg/tBPukJjjQEEiLhi+269WsvudUwzeoAAwCgYIKoZIzj0EAwID
SAAwRQIgVWBLUdWy4PVPNm4Ja58KpMowwID/DP3lWsOeIRQt/B8CIQDTMrXz4Qce
muEIOdpYCy4Ys9eDaYi0zWA1wegQTohVkA==
-----END CERTIFICATE REQUEST-----
"""


def certificates():
    base = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    spec = {"request": b64encode(REQUEST.encode()).decode(), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    for what, more in [("good", {}), ("told", {"username": "mallory", "groups": ["system:masters"]}), ("no-usages", {"usages": []}), ("usage", {"usages": ["client auth", "to fly"]}), ("usage-twice", {"usages": ["client auth", "client auth"]}), ("no-signer", {"signerName": ""}), ("signer", {"signerName": "nothing"}), ("legacy", {"signerName": "kubernetes.io/legacy-unknown"}), ("own-signer", {"signerName": "example.com/own"}), ("no-pem", {"request": b64encode(b"x").decode()})]:
        yield {"id": f"csr-{what}", "method": "POST", "path": base + ("" if what == "good" else "?dryRun=All"), "body": {"metadata": {"name": "csr-good" if what == "good" else "csr"}, "spec": {**spec, **more}}}
    yield {"id": "csr-as", "method": "POST", "path": base + "?dryRun=All", "headers": {"Impersonate-User": "ann", "Impersonate-Group": "system:masters", "Impersonate-Extra-Scopes": "a"}, "body": {"metadata": {"name": "csr"}, "spec": spec}}
    approved = {"type": "Approved", "status": "True", "reason": "ByHand", "message": "fine", "lastUpdateTime": "2026-01-01T00:00:00Z"}
    denied = {**approved, "type": "Denied"}
    for what, conditions in [("false", [{**approved, "status": "False"}]), ("both", [approved, denied]), ("approve", [approved]), ("remove", []), ("deny", [denied]), ("more", [approved, {**approved, "type": "Own"}])]:
        yield {"id": f"csr-approval-{what}", "method": "PATCH", "path": base + "/csr-good/approval", "headers": {"Content-Type": MERGE}, "body": {"status": {"conditions": conditions}}}
    yield {"id": "csr-patch-spec", "method": "PATCH", "path": base + "/csr-good", "headers": {"Content-Type": MERGE}, "body": {"spec": {"signerName": "example.com/own"}, "metadata": {"labels": {"a": "b"}}}}
    yield {"id": "csr-get", "path": base + "/csr-good"}
    yield {"id": "csr-table", "path": base + "/csr-good", "headers": {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}}
    yield {"id": "csr-delete", "method": "DELETE", "path": base + "/csr-good"}
