#!/usr/bin/python3
"""Who gets in and what they may, with real clients: kubectl, python3-kubernetes and openssl against a living simulated cluster behind TLS.

The signature of a token is checked here by our own arithmetic over the published key, so that the simulator is not its own judge.
A client that is not installed is said loudly, and the run then ends with 77, which ctest counts as skipped.
"""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import harness
from simulator import Simulator

CLUSTER = Simulator("--tls", "--demo", "--live")
KUBECTL, OPENSSL = shutil.which("kubectl"), shutil.which("openssl")
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # DER of DigestInfo, RFC 8017 section 9.2
SKIPPED = []
try:
    import kubernetes
except ImportError:
    kubernetes = None


def setUpModule():  # noqa: N802 (unittest's name)
    CLUSTER.__enter__()


def tearDownModule():  # noqa: N802
    CLUSTER.__exit__()


def skip(test, message):
    print("SKIPPED: " + message, file=sys.stderr, flush=True)
    SKIPPED.append(message)
    test.skipTest(message)


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Access(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        if not KUBECTL:
            skip(self, "kubectl is not installed: nobody knocks at the simulator's door")
        if b"whoami" not in subprocess.run([KUBECTL, "auth", "--help"], capture_output=True, timeout=60, check=True).stdout:
            skip(self, "this kubectl knows no auth whoami (1.28 does): nobody knocks at the simulator's door")
        self.home = tempfile.mkdtemp(prefix="opsmesh-access-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def kubectl(self, *arguments, stdin=None, config=None, fails=False):
        env = {"HOME": self.home, "PATH": os.environ["PATH"], "KUBECONFIG": config or CLUSTER.kubeconfig}
        done = subprocess.run([KUBECTL, *arguments], env=env, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode != 0, fails, (arguments, done.stdout[-1500:], done.stderr[-1500:]))
        return done.stderr if fails else done.stdout

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def eventually(self, what, look):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if value := look():
                return value
            time.sleep(0.05)
        self.fail(what)

    def config_of(self, name, user):
        """A kubeconfig of the same cluster for somebody else."""
        cluster = json.loads(self.kubectl("config", "view", "--raw", "-o", "json"))["clusters"][0]["cluster"]
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}, file)
        return path

    def whoami(self, config):
        return json.loads(self.kubectl("auth", "whoami", "-o", "json", config=config))["status"]["userInfo"]


class Tokens(Access):
    def test_a_token_of_kubectl_lets_its_account_in_until_the_account_is_gone(self):
        self.kubectl("create", "serviceaccount", "robot", "-n", "shop")
        self.kubectl("create", "rolebinding", "robot", "-n", "shop", "--clusterrole=view", "--serviceaccount=shop:robot")
        config = self.config_of("robot", {"token": self.kubectl("create", "token", "robot", "-n", "shop", "--duration=10m").strip()})
        user = self.whoami(config)
        self.assertEqual((user["username"], user["groups"]), ("system:serviceaccount:shop:robot", ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]))
        self.assertIn("pods", self.kubectl("auth", "can-i", "--list", "-n", "shop", config=config))
        self.kubectl("get", "pods", "-n", "shop", config=config)
        self.assertIn("cannot list resource \"secrets\"", self.kubectl("get", "secrets", "-n", "shop", config=config, fails=True))
        self.kubectl("delete", "serviceaccount", "robot", "-n", "shop")
        self.assertIn("must be logged in", self.kubectl("get", "pods", "-n", "shop", config=config, fails=True))

    def test_the_published_key_verifies_a_token_and_no_changed_one(self):
        token = self.kubectl("create", "token", "default", "-n", "shop", "--audience=vault").strip()
        document = json.loads(self.kubectl("get", "--raw", "/.well-known/openid-configuration"))
        head, claims, signature = token.split(".")
        self.assertEqual(document["issuer"], json.loads(decoded(claims))["iss"])
        self.assertTrue(document["jwks_uri"].startswith("https://"))
        # The key set is read with the media type it has; kubectl asks for anything.
        key = next(k for k in json.loads(self.kubectl("get", "--raw", "/openid/v1/jwks"))["keys"] if k["kid"] == json.loads(decoded(head))["kid"])
        modulus, exponent = (int.from_bytes(decoded(key[member])) for member in ("n", "e"))

        def recovered(text):
            return text.to_bytes(modulus.bit_length() // 8)

        def expected(text):
            tail = SHA256_PREFIX + hashlib.sha256(text).digest()
            return b"\x00\x01" + b"\xff" * (modulus.bit_length() // 8 - len(tail) - 3) + b"\x00" + tail

        proof = recovered(pow(int.from_bytes(decoded(signature)), exponent, modulus))
        self.assertEqual(proof, expected(f"{head}.{claims}".encode()))
        self.assertNotEqual(proof, expected(f"{head}.{claims}x".encode()))

    def test_a_secret_of_an_account_is_filled_in_and_dies_with_it(self):
        self.kubectl("create", "serviceaccount", "old", "-n", "shop")
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                                                          "metadata": {"name": "old", "namespace": "shop", "annotations": {"kubernetes.io/service-account.name": "old"}}}))
        secret = self.eventually("the token controller fills the Secret in", lambda: (s := self.get("secret", "old", "-n", "shop")).get("data", {}).get("token") and s)
        self.assertEqual(base64.b64decode(secret["data"]["namespace"]), b"shop")
        self.assertIn(b"BEGIN CERTIFICATE", base64.b64decode(secret["data"]["ca.crt"]))
        config = self.config_of("old", {"token": base64.b64decode(secret["data"]["token"]).decode()})
        self.assertEqual(self.whoami(config)["username"], "system:serviceaccount:shop:old")
        self.assertIn("kubernetes.io/legacy-token-last-used", self.get("secret", "old", "-n", "shop")["metadata"]["labels"])
        self.kubectl("delete", "serviceaccount", "old", "-n", "shop")
        self.eventually("the Secret goes with its account", lambda: "old" not in self.kubectl("get", "secrets", "-n", "shop", "-o", "name").split("secret/"))

    def test_python_reviews_tokens_of_pods(self):
        if kubernetes is None:
            skip(self, "python3-kubernetes is not installed: nothing of it is shown to the simulator")
        client = kubernetes.config.new_client_from_config(CLUSTER.kubeconfig)
        self.addCleanup(client.close)
        core, review = kubernetes.client.CoreV1Api(client), kubernetes.client.AuthenticationV1Api(client)
        pod = next(p for p in core.list_namespaced_pod("shop").items if p.spec.node_name)
        bound = {"kind": "Pod", "apiVersion": "v1", "name": pod.metadata.name, "uid": pod.metadata.uid}
        path = f"/api/v1/namespaces/shop/serviceaccounts/{pod.spec.service_account_name}/token"
        made = client.call_api(path, "POST", body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["a", "b"], "boundObjectRef": bound}},
                               header_params={"Content-Type": "application/json", "Accept": "application/json"}, auth_settings=["BearerToken"], response_type="object")[0]
        status = review.create_token_review({"spec": {"token": made["status"]["token"], "audiences": ["b", "c"]}}).status
        self.assertTrue(status.authenticated)
        self.assertEqual(status.audiences, ["b"])
        self.assertEqual(status.user.extra["authentication.kubernetes.io/pod-uid"], [pod.metadata.uid])
        self.assertEqual(status.user.extra["authentication.kubernetes.io/node-name"], [pod.spec.node_name])
        self.assertIn("audiences", review.create_token_review({"spec": {"token": made["status"]["token"]}}).status.error)


class Rights(Access):
    def test_reconcile_adds_what_is_missing_and_aggregated_roles_follow(self):
        extra = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "shelves", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
                 "rules": [{"apiGroups": ["shop.example.com"], "resources": ["shelves"], "verbs": ["get"]}]}
        self.assertIn("reconciled", self.kubectl("auth", "reconcile", "-f", "-", stdin=json.dumps(extra)))
        holds = lambda role: any("shelves" in r.get("resources", []) for r in self.get("clusterrole", role)["rules"])  # noqa: E731
        for role in ("view", "edit", "admin"):
            self.eventually(f"{role} holds what was added", lambda role=role: holds(role))
        self.kubectl("delete", "clusterrole", "shelves")
        for role in ("view", "edit", "admin"):
            self.eventually(f"{role} lets go", lambda role=role: not holds(role))

    def test_can_i_answers_for_names_subresources_and_paths(self):
        self.kubectl("create", "role", "one", "-n", "shop", "--verb=get,update", "--resource=configmaps", "--resource-name=settings")
        self.kubectl("create", "role", "scale", "-n", "shop", "--verb=patch", "--resource=deployments/scale")
        self.kubectl("create", "clusterrole", "paths", "--verb=get", "--non-resource-url=/metrics,/logs/*")
        for role in ("one", "scale"):
            self.kubectl("create", "rolebinding", role, "-n", "shop", f"--role={role}", "--user=ann")
        self.kubectl("create", "clusterrolebinding", "paths", "--clusterrole=paths", "--user=ann")

        def can(*question):
            done = subprocess.run([KUBECTL, "auth", "can-i", *question, "--as=ann"], env={"HOME": self.home, "PATH": os.environ["PATH"], "KUBECONFIG": CLUSTER.kubeconfig}, capture_output=True, text=True, timeout=60, check=False)
            return done.stdout.strip().splitlines()[-1]
        self.assertEqual(can("get", "configmaps/settings", "-n", "shop"), "yes")
        self.assertEqual(can("get", "configmaps/other", "-n", "shop"), "no")
        self.assertEqual(can("list", "configmaps", "-n", "shop"), "no")
        self.assertEqual(can("patch", "deployments.apps", "--subresource=scale", "-n", "shop"), "yes")
        self.assertEqual(can("patch", "deployments.apps", "-n", "shop"), "no")
        self.assertEqual(can("get", "/logs/x"), "yes")
        self.assertEqual(can("get", "/log"), "no")

    def test_a_namespaces_level_refuses_and_warns(self):
        self.kubectl("create", "namespace", "strict")
        self.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted")
        said = self.kubectl("run", "web", "-n", "strict", "--image=nginx:1.27.3", fails=True)
        self.assertIn('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)', said)
        done = subprocess.run([KUBECTL, "create", "deployment", "web", "-n", "strict", "--image=nginx:1.27.3"], env={"HOME": self.home, "PATH": os.environ["PATH"], "KUBECONFIG": CLUSTER.kubeconfig}, capture_output=True, text=True, timeout=60, check=False)
        self.assertIn('Warning: would violate PodSecurity "restricted:latest"', done.stderr)
        events = self.eventually("the ReplicaSet says so", lambda: (e := self.kubectl("get", "events", "-n", "strict", "--field-selector=reason=FailedCreate")) and "PodSecurity" in e and e)
        self.assertIn("is forbidden: violates PodSecurity", events)


class Certificates(Access):
    def test_an_approved_request_is_signed_and_lets_its_owner_in(self):
        if not OPENSSL:
            skip(self, "openssl is not installed: no certificate is asked for")
        key, request = os.path.join(self.home, "key.pem"), os.path.join(self.home, "req.pem")
        subprocess.run([OPENSSL, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/O=dev/O=night shift/CN=ann"], check=True, capture_output=True, timeout=60)
        with open(request, "rb") as file:
            pem = base64.b64encode(file.read()).decode()
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "ann"},
                                                          "spec": {"request": pem, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"], "expirationSeconds": 86400}}))
        self.assertIn("Pending", self.kubectl("get", "csr", "ann"))
        self.assertIn("approved", self.kubectl("certificate", "approve", "ann"))
        signed = self.eventually("the signer signs", lambda: self.get("csr", "ann").get("status", {}).get("certificate"))
        self.assertIn("Approved,Issued", self.kubectl("get", "csr", "ann"))
        with open(key, "rb") as file:
            config = self.config_of("ann", {"client-certificate-data": signed, "client-key-data": base64.b64encode(file.read()).decode()})
        user = self.whoami(config)
        self.assertEqual((user["username"], user["groups"]), ("ann", ["dev", "night shift", "system:authenticated"]))
        self.assertIn('User "ann" cannot list resource "pods"', self.kubectl("get", "pods", config=config, fails=True))

    def test_a_denied_request_is_not_signed(self):
        if not OPENSSL:
            skip(self, "openssl is not installed: no certificate is asked for")
        made = subprocess.run([OPENSSL, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=eve"], check=True, capture_output=True, timeout=60)
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "eve"},
                                                          "spec": {"request": base64.b64encode(made.stdout).decode(), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}}))
        self.kubectl("certificate", "deny", "eve")
        self.assertIn("Denied", self.kubectl("get", "csr", "eve"))
        self.kubectl("certificate", "approve", "eve", fails=True)
        self.assertNotIn("certificate", self.get("csr", "eve")["status"])


if __name__ == "__main__":
    outcome = unittest.main(verbosity=2, exit=False).result
    sys.exit(1 if not outcome.wasSuccessful() else 77 if SKIPPED else 0)
