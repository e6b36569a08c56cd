#!/usr/bin/python3
"""Hostile input at the simulated apiserver's door: bytes that are no HTTP, bodies that are no object, questions that are no question.

After every case the server must be there and answer. Our own table always runs; the raw requests of
../shared/badinputs/own/http1 are replayed where they are (their names say `accept_` or `reject_`), and a run without them says so.
"""
import base64
import glob
import json
import os
import re
import resource
import socket
import sys
import time
import unittest

import harness
from simulator import Simulator

CORPUS = os.path.join(harness.SOURCE, "../shared/badinputs/own/http1")
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
MIB = 1 << 20
CLUSTER = Simulator("--demo")


def setUpModule():  # noqa: N802 (unittest's name)
    CLUSTER.__enter__()


def tearDownModule():  # noqa: N802
    CLUSTER.__exit__()


def statuses(data):
    """The status codes of the final answers in a byte stream."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", data) if not code.startswith(b"1")]


def config_map(name, **fields):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def deployment(name, **spec):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}, **spec}}


def pod(name, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}], **spec}}


class Hostile(unittest.TestCase):
    maxDiff = None

    def still_answers(self, after):
        self.assertTrue(CLUSTER.alive(), f"the server is gone after {after}:\n{CLUSTER.log()[-2000:]}")
        self.assertEqual(CLUSTER.request("GET", "/version", timeout=60).status, 200, after)

    def refused(self, answer, status, what):
        """A Status object as the real server has it, with the code of the answer."""
        self.assertEqual(answer.status, status, (what, answer.body[:400]))
        body = answer.json()
        self.assertEqual((body["kind"], body["status"], body["code"]), ("Status", "Failure", status), (what, body))
        self.assertTrue(body["message"], what)
        self.still_answers(what)
        return body


class Door(Hostile):
    """Bytes."""

    def test_raw_requests_of_the_corpus_are_accepted_or_refused_as_their_names_say(self):
        files = sorted(glob.glob(os.path.join(CORPUS, "*.raw")))
        if not files:
            message = f"{CORPUS} is not there: its raw requests are not replayed; only our own table is"
            print(message, file=sys.stderr)
            self.skipTest(message)
        for path in files:
            name = os.path.basename(path)[:-len(".raw")]
            with self.subTest(name):
                with open(path, "rb") as file:
                    got, closed = CLUSTER.exchange(file.read())
                self.judge(name, got, closed)

    def judge(self, name, got, closed):
        codes = statuses(got)
        self.assertTrue(closed, f"{name}: the connection stays open after the client has ended: {got[:300]}")
        if name.startswith("accept_"):
            count = int(name.rsplit("_", 1)[1]) if re.fullmatch(r"accept_pipelined_\d+", name) else 1
            # These paths are the product's, not an apiserver's: what counts is that each is routed, one answer for each.
            self.assertEqual(len(codes), count, (name, got[:400]))
            self.assertTrue(set(codes) <= {200, 404, 405}, (name, codes))
        else:
            self.assertLessEqual(len(codes), 1, (name, "what follows a refused request must not be read", got[:600]))
            self.assertTrue(all(400 <= code <= 505 for code in codes), (name, codes))
        self.still_answers(name)

    def test_requests_that_smuggle_another_are_refused_and_the_other_is_never_played(self):
        second = b"DELETE /api/v1/namespaces/default/configmaps/kube-root-ca.crt HTTP/1.1\r\nHost: a\r\n\r\n"
        head = b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        for name, raw in [("length and chunks", head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second),
                          ("two lengths", head + b"Content-Length: 0\r\nContent-Length: 90\r\n\r\n" + second),
                          ("an unknown coding", head + b"Transfer-Encoding: gzip\r\n\r\n" + second),
                          ("a folded coding", head + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + second),
                          ("a broken chunk", head + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + second)]:
            with self.subTest(name):
                got, closed = CLUSTER.exchange(raw)
                self.judge("reject_" + name, got, closed)
                self.assertEqual(CLUSTER.request("GET", MAPS + "/kube-root-ca.crt").status, 200, name)

    def test_bytes_that_are_no_http_end_the_connection(self):
        for name, raw in [("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)), ("zeroes", bytes(70000)),
                          ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)), ("half a request", b"GET /api/v1/po"),
                          ("half a body", b"POST " + MAPS.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{\"kind\":")]:
            with self.subTest(name):
                got, closed = CLUSTER.exchange(raw)
                self.judge("reject_" + name, got, closed)

    def test_a_body_announced_as_larger_than_anything_is_refused_before_it_comes(self):
        for length in (4 * MIB, 1 << 40):
            got, _ = CLUSTER.exchange(b"POST " + MAPS.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{" % length)
            self.assertEqual(statuses(got), [413], (length, got[:300]))
            self.still_answers(length)


    def test_thousands_of_idle_and_half_sent_connections_leave_the_door_open(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 10_000
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 500), hard))
        count = min(wanted, min(hard, wanted + 500) - 400)
        if count < wanted:
            print(f"only {count} of {wanted} idle connections: the limit of open files is {hard}", file=sys.stderr, flush=True)
        begun = b"GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nX-Slow: "
        connections = []
        try:
            for i in range(count):
                try:
                    connection = socket.create_connection(CLUSTER.address, timeout=10)
                    connections.append(connection)
                    if i % 10 == 0:
                        connection.sendall(begun)  # a header that never ends
                except OSError:
                    pass  # refused or reset: the door's right
                if i % 1000 == 0:
                    self.assertTrue(CLUSTER.alive(), i)
            self.assertTrue(CLUSTER.alive(), CLUSTER.log()[-2000:])
        finally:
            for connection in connections:
                connection.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if CLUSTER.request("GET", "/version", timeout=5).status == 200:
                    break
            except OSError:
                pass
        self.still_answers("idle connections")


class Credentials(Hostile):
    """Tokens and certificate requests nobody should make."""

    @staticmethod
    def part(value):
        return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()

    def test_tokens_that_are_none_are_401_at_the_door_and_an_error_in_a_review(self):
        real = CLUSTER.request("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}).json()["status"]["token"]
        head, claims, signature = real.split(".")
        body = json.loads(base64.urlsafe_b64decode(claims + "=="))
        changed = {**body, "sub": "system:serviceaccount:kube-system:default", "exp": 2**62}
        deep, ill_formed = b'{' + b'"a":{' * 9000, b"\xff\xfe"
        tokens = ["x", "..", "a.b.c", "." * 5000, real + ".", real[:-4] + "AAAA", head + "." + claims + ".", f"{head}.{self.part(changed)}.{signature}", f"{self.part({'alg': 'none'})}.{claims}.", f"{self.part({'alg': 'HS256', 'typ': 'JWT'})}.{claims}.{signature}",
                  f"{self.part({'alg': ['RS256']})}.{claims}.{signature}", f"{self.part(b'[' * 20000)}.{claims}.{signature}", f"{self.part(b'[' * 20000 + b']' * 20000)}.{claims}.{signature}", f"{head}.{self.part(deep)}.{signature}", f"{head}.{self.part(ill_formed)}.{signature}", f"{head}.{self.part({'iss': 5, 'aud': {'a': [1]}})}.{signature}",
                  f"{head}.{self.part({**body, 'exp': 1e300})}.{signature}", f"{head}.{claims}.{self.part(b'x' * 30000)}"]
        for token in tokens:
            with self.subTest(token[:60]):
                self.assertEqual(CLUSTER.request("GET", "/api/v1/namespaces", headers={"Authorization": "Bearer " + token}).status if len(token) < 8000 else 401, 401)
                review = CLUSTER.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
                self.assertEqual(review.status, 201, review.body[:300])
                self.assertNotIn("authenticated", review.json()["status"])
                self.assertIn("invalid bearer token", review.json()["status"]["error"])
                self.still_answers(token[:60])
        self.assertEqual(CLUSTER.request("GET", "/api", headers={"Authorization": "Bearer " + real}).status, 200)

    def test_certificate_requests_that_are_none_are_422_and_ask_for_no_password(self):
        block = "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n"
        encrypted = block.format("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00000000000000000000000000000000\n\n" + base64.b64encode(b"x" * 64).decode())
        for text in ("", "x", block.format(""), block.format("AAAA"), block.format("MIHW" * 5000), encrypted, block.format("A" * 1_000_000), "\0" * 100):
            with self.subTest(text[:60]):
                request = {"metadata": {"name": "hostile"}, "spec": {"request": base64.b64encode(text.encode()).decode(), "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}}
                self.refused(CLUSTER.request("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", request), 422, text[:60])

    def test_impersonation_of_nonsense_is_answered(self):
        for headers in ({"Impersonate-User": "\u00e9" * 10}, {"Impersonate-User": "system:serviceaccount:::"}, {"Impersonate-User": "system:node:" + "x" * 5000, "Impersonate-Group": "system:nodes"}, {"Impersonate-User": "a", "Impersonate-Extra-%zz": "b"}, {"Impersonate-User": 'q"\\', "Impersonate-Group": "*"}, {"Impersonate-Group": "x"}):
            with self.subTest(str(headers)[:60]):
                answer = CLUSTER.request("GET", "/api/v1/namespaces/default/secrets/x", headers=headers)
                self.assertIn(answer.status, (403, 404, 500, 400), answer.body[:200])
                self.still_answers(str(headers)[:60])


class Bodies(Hostile):
    """Objects that are none."""

    def test_deep_nesting_is_refused_and_costs_neither_stack_nor_memory(self):
        before = CLUSTER.resident_bytes()
        for depth in (20_000, 100_000, 700_000):
            for left, right in ((b"[", b"]"), (b'{"a":', b"}")):
                inner = left * depth + b"1" + right * depth
                if len(inner) > 2.9 * MIB:
                    inner = left * (depth // 3) + b"1" + right * (depth // 3)
                for name, body in (("whole", inner), ("in a field", b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":' + inner + b"}"),
                                   ("without an end", left * min(depth, 500_000))):
                    what = (depth, left, name)
                    with self.subTest(str(what)):
                        self.refused(CLUSTER.request("POST", MAPS, body), 400, what)
                        for kind in (MERGE, STRATEGIC, JSON_PATCH, APPLY):
                            answer = CLUSTER.request("PATCH", MAPS + "/kube-root-ca.crt?fieldManager=t", body, {"Content-Type": kind})
                            self.assertIn(answer.status, (400, 413, 422), (what, kind, answer.body[:300]))
                            self.still_answers((what, kind))
        self.assertLess(CLUSTER.resident_bytes() - before, 512 * MIB, "what a refused body took is given back")

    def test_yaml_that_grows_when_read_is_refused(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]" for i in range(1, 10)]
        body = "\n".join(["apiVersion: v1", "kind: ConfigMap", "metadata: {name: bomb}", *lines]).encode()
        before = CLUSTER.resident_bytes()
        answer = CLUSTER.request("PATCH", MAPS + "/bomb?fieldManager=t", body, {"Content-Type": APPLY}, timeout=30)
        self.assertIn(answer.status, (400, 413, 422), answer.body[:300])
        self.still_answers("a bomb of aliases")
        self.assertLess(CLUSTER.resident_bytes() - before, 256 * MIB)

    def test_a_body_of_four_mebibytes_is_413_in_every_method(self):
        body = json.dumps(config_map("large", data={"k": "x" * (4 * MIB)})).encode()
        for method, path, kind in (("POST", MAPS, "application/json"), ("PUT", MAPS + "/kube-root-ca.crt", "application/json"),
                                   ("PATCH", MAPS + "/kube-root-ca.crt", MERGE), ("PATCH", MAPS + "/kube-root-ca.crt?fieldManager=t", APPLY)):
            with self.subTest(method + " " + kind):
                try:
                    answer = CLUSTER.request(method, path, body, {"Content-Type": kind})
                except ConnectionError:
                    self.still_answers((method, kind))  # It may refuse and close while we still send.
                    continue
                self.assertEqual(answer.status, 413, answer.body[:300])
                self.still_answers((method, kind))

    def test_a_config_map_may_be_a_mebibyte_and_no_byte_more(self):
        self.assertEqual(CLUSTER.request("POST", MAPS, config_map("a-mebibyte", data={"k": "x" * MIB})).status, 201)
        self.assertEqual(len(CLUSTER.request("GET", MAPS + "/a-mebibyte").json()["data"]["k"]), MIB)
        for what, fields in (("data", {"data": {"k": "x" * MIB, "l": "y"}}), ("both", {"data": {"k": "x" * MIB}, "binaryData": {"b": "eHh4"}})):
            status = self.refused(CLUSTER.request("POST", MAPS, config_map("more", **fields)), 422, what)
            self.assertEqual(status["reason"], "Invalid")
        self.refused(CLUSTER.request("PATCH", MAPS + "/a-mebibyte", {"data": {"l": "y"}}, {"Content-Type": MERGE}), 422, "grown by a patch")
        self.assertEqual(CLUSTER.request("DELETE", MAPS + "/a-mebibyte").status, 200)

    def test_lists_of_thousands_of_items_cost_no_more_than_their_length(self):
        # Looked for one by one, the items of the second took over a minute.
        for count, expected in ((3000, 201), (20000, 413)):
            with self.subTest(count):
                body = {"metadata": {"generateName": "wide-"}, "spec": {"ports": [{"name": f"p{i}", "port": i + 1} for i in range(count)]}}
                answer = CLUSTER.request("POST", "/api/v1/namespaces/default/services", body, timeout=30)
                self.assertEqual(answer.status, expected, answer.body[:300])
                self.still_answers(f"a Service of {count} ports")

    def test_items_left_out_of_an_applied_list_cost_no_more_than_its_length(self):
        path = "/api/v1/namespaces/default/services/narrowed?fieldManager=ann"
        for count, expected in ((4000, 201), (2, 200), (4000, 200), (1, 200)):
            with self.subTest(count):
                ports = [{"name": f"p{i}", "port": i + 1, "protocol": "TCP"} for i in range(count)]
                body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "narrowed"}, "spec": {"ports": ports}}
                answer = CLUSTER.request("PATCH", path, body, {"Content-Type": APPLY}, timeout=30)
                self.assertEqual(answer.status, expected, answer.body[:300])
                self.assertEqual(len(answer.json()["spec"]["ports"]), count)
                self.still_answers(f"{count} ports applied")
        self.assertEqual(CLUSTER.request("DELETE", path).status, 200)

    def test_a_long_name_above_many_members_costs_no_more_than_its_length(self):
        # Each member kept its whole path: 40 GB.
        review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        for name, count in (("a" * (2 * MIB), 20_000), ("é" * 2_100, 20_000)):
            with self.subTest(len(name)):
                answer = CLUSTER.request("POST", review, {name: {f"a{i}": 1 for i in range(count)}}, timeout=60)
                self.assertIn(answer.status, (201, 400, 422), answer.body[:300])
                self.still_answers("a long name")

    def test_faults_by_the_thousand_are_told_at_once_and_warnings_within_bounds(self):
        causes = {"spec": {"resourceAttributes": {"labelSelector": {"requirements": [{}] * 20_000}}}}
        self.refused(CLUSTER.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", causes, timeout=60), 422, "20,000 causes")
        ports = pod("ports", containers=[{"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 1}] * 1_000}])
        answer = CLUSTER.request("POST", PODS + "?dryRun=All", ports, timeout=60)
        self.assertEqual(answer.status, 201, answer.body[:300])
        self.still_answers("a thousand equal ports")

    def test_parts_of_a_pod_make_none_and_bring_nothing_else(self):
        for part in ("status", "ephemeralcontainers"):
            path = f"{PODS}/nobodys/{part}?fieldManager=x"
            self.refused(CLUSTER.request("PATCH", path, pod("nobodys"), {"Content-Type": APPLY}), 404, part)
        self.refused(CLUSTER.request("GET", PODS + "/nobodys"), 404, "nothing was made")

    def test_what_is_no_object_is_400(self):
        for body in (b"", b"1", b'"text"', b"[]", b"true", b"{", b"{}}", b'{"a":1,}', b"{'a':1}", b"\xff\xfe{\x00}\x00", b"NaN",
                     b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}', b"\x00" * 100, bytes(range(256))):
            with self.subTest(body[:40]):
                self.refused(CLUSTER.request("POST", MAPS, body), 400, body[:40])
                self.refused(CLUSTER.request("PUT", MAPS + "/kube-root-ca.crt", body), 400, body[:40])
                for head in (b"", b"k8s\x00", b"k8s\x00\x0a\xff\xff\xff\xff\x0f"):
                    answer = CLUSTER.request("POST", MAPS, head + body, {"Content-Type": "application/vnd.kubernetes.protobuf"})
                    self.assertIn(answer.status, (400, 415), answer.body[:300])
                    self.still_answers((head, body[:40]))

    def test_fields_of_the_wrong_type_are_400(self):
        web = [{"name": "web", "image": "nginx:1.27"}]
        for path, body in [
                (MAPS, config_map("t", data=["a"])), (MAPS, config_map("t", data={"a": 1})), (MAPS, config_map("t", data={"a": {"b": "c"}})),
                (MAPS, config_map("t", immutable="yes")), (MAPS, {**config_map("t"), "metadata": "t"}), (MAPS, {**config_map("t"), "metadata": {"name": 7}}),
                (MAPS, {**config_map("t"), "metadata": {"name": "t", "labels": ["a"]}}), (MAPS, {**config_map("t"), "metadata": {"name": "t", "labels": {"a": 1}}}),
                (MAPS, {**config_map("t"), "metadata": {"name": "t", "ownerReferences": {"a": "b"}}}), (MAPS, {**config_map("t"), "metadata": {"name": "t", "finalizers": "x"}}),
                (DEPLOYMENTS, deployment("t", replicas="three")), (DEPLOYMENTS, deployment("t", replicas=1.5)), (DEPLOYMENTS, deployment("t", replicas=99999999999999999999)),
                (DEPLOYMENTS, deployment("t", selector="app=t")), (DEPLOYMENTS, deployment("t", template=[])), (DEPLOYMENTS, deployment("t", paused=1)),
                (DEPLOYMENTS, {**deployment("t"), "spec": "none"}), (PODS, pod("t", containers={"name": "web"})), (PODS, pod("t", containers=["web"])),
                (PODS, pod("t", containers=[{**web[0], "ports": [{"containerPort": "http"}]}])), (PODS, pod("t", containers=[{**web[0], "command": "sh -c x"}])),
                (PODS, pod("t", containers=[{**web[0], "resources": {"limits": ["1Gi"]}}])), (PODS, pod("t", containers=[{**web[0], "env": {"A": "b"}}])),
                (PODS, pod("t", nodeSelector={"a": True})), (PODS, pod("t", terminationGracePeriodSeconds="30s"))]:
            with self.subTest(json.dumps(body)[:160]):
                self.refused(CLUSTER.request("POST", path, body), 400, body)
        for body in ({**config_map("t"), "kind": "Secret"}, {**config_map("t"), "apiVersion": "v2"}, {**config_map("t"), "kind": 7}):
            with self.subTest(json.dumps(body)):
                self.refused(CLUSTER.request("POST", MAPS, body), 400, body)

    def test_values_no_object_may_have_are_422_with_causes(self):
        web = {"name": "web", "image": "nginx:1.27"}
        for path, body, field in [
                (MAPS, config_map("Upper_Case"), "metadata.name"), (MAPS, config_map("a" * 254), "metadata.name"), (MAPS, config_map("../../etc"), "metadata.name"),
                (MAPS, config_map("t\u0000"), "metadata.name"), (MAPS, config_map("名字"), "metadata.name"), (MAPS, config_map("t", data={"a/b": "c"}), "data[a/b]"),
                (MAPS, {**config_map("t"), "metadata": {"name": "t", "labels": {"a": "b c"}}}, "metadata.labels"),
                (DEPLOYMENTS, deployment("t", replicas=-1), "spec.replicas"), (DEPLOYMENTS, deployment("t", selector={"matchLabels": {"app": "other"}}), "spec.template.metadata.labels"),
                (PODS, pod("t", containers=[]), "spec.containers"), (PODS, pod("t", containers=[web, web]), "spec.containers[1].name"),
                (PODS, pod("t", containers=[{**web, "ports": [{"containerPort": 70000}]}]), "spec.containers[0].ports[0].containerPort"),
                (PODS, pod("t", restartPolicy="Sometimes"), "spec.restartPolicy")]:
            with self.subTest(json.dumps(body)[:160]):
                status = self.refused(CLUSTER.request("POST", path, body), 422, body)
                self.assertEqual(status["reason"], "Invalid")
                self.assertIn(field, [cause.get("field") for cause in status["details"]["causes"]])

    def test_unknown_fields_warn_are_refused_or_pass_as_asked(self):
        body = {**config_map("odd"), "colour": "red", "metadata": {"name": "odd", "nmae": "x"}}
        words = ('unknown field "colour"', 'unknown field "metadata.nmae"')
        warned = CLUSTER.request("POST", MAPS + "?fieldValidation=Warn&dryRun=All", body)
        self.assertEqual(warned.status, 201, warned.body[:300])
        warnings = " ".join(warned.headers.get_all("Warning") or []).replace("\\", "")
        ignored = CLUSTER.request("POST", MAPS + "?fieldValidation=Ignore&dryRun=All", body)
        self.assertEqual((ignored.status, ignored.headers.get("Warning")), (201, None))
        status = self.refused(CLUSTER.request("POST", MAPS + "?fieldValidation=Strict&dryRun=All", body), 400, "strict")
        for word in words:
            self.assertIn(word, warnings)
            self.assertIn(word, status["message"])
        self.refused(CLUSTER.request("POST", MAPS + "?fieldValidation=Perhaps", config_map("odd")), 422, "fieldValidation=Perhaps")

    def test_patches_that_are_none_change_nothing(self):
        before = CLUSTER.request("GET", MAPS + "/kube-root-ca.crt").body
        path = MAPS + "/kube-root-ca.crt"
        many = [{"op": "add", "path": "/data/x", "value": "1"}] * 10_001
        for kind, body, expected in [
                (JSON_PATCH, {}, {400}), (JSON_PATCH, ["x"], {400, 422}), (JSON_PATCH, [{"op": "fly", "path": "/a"}], {400, 422}), (JSON_PATCH, [{"op": "remove", "path": "/no/where"}], {422}),
                (JSON_PATCH, [{"op": "test", "path": "/metadata/name", "value": "x"}], {422}), (JSON_PATCH, [{"op": "add", "path": "no-slash", "value": 1}], {400, 422}),
                (JSON_PATCH, [{"op": "copy", "from": "/spec/none", "path": "/data/x"}], {422}), (JSON_PATCH, [{"op": "add", "path": "/data/-1/~2", "value": 1}], {400, 422}),
                (JSON_PATCH, many, {413}), (MERGE, [], {400}), (MERGE, b"null", {400}), (MERGE, b'"x"', {400}), (MERGE, {"data": "x"}, {400, 422}),
                (STRATEGIC, [], {400}), (STRATEGIC, {"metadata": "x"}, {400, 422, 500}), (STRATEGIC, {"metadata": {"finalizers": {"a": 1}}}, {400, 422, 500}),
                (APPLY, b"a: [", {400}), (APPLY, b"- a", {400}), (APPLY, b"&a [*a]", {400}), ("text/plain", {}, {415}), ("application/json", {}, {415})]:
            with self.subTest(kind + " " + str(body)[:80]):
                answer = CLUSTER.request("PATCH", path + ("?fieldManager=t" if kind == APPLY else ""), body, {"Content-Type": kind})
                self.assertIn(answer.status, expected, answer.body[:300])
                self.still_answers(body if len(str(body)) < 200 else kind)
        self.assertEqual(CLUSTER.request("GET", path).body, before)


class Questions(Hostile):
    """Reads that ask for nothing there is."""

    def test_queries_no_server_could_answer_are_400(self):
        for query in ("limit=abc", "continue=garbage", "continue=%7B%7D", "labelSelector=a%20b%20c", "labelSelector=a%20in%20(",
                      "labelSelector=%3D%3D%3D", "fieldSelector=spec.colour%3Dred", "fieldSelector=%3Dx", "labelSelector=" + "(" * 2000):
            with self.subTest(query[:60]):
                self.refused(CLUSTER.request("GET", "/api/v1/pods?" + query), 400, query[:60])
        for query in ("resourceVersion=abc", "resourceVersion=-1", "watch=1&resourceVersion=abc"):
            with self.subTest(query):  # A real apiserver says 500 here, and so do we.
                self.assertIn("strconv.ParseUint", self.refused(CLUSTER.request("GET", "/api/v1/pods?" + query), 500, query)["message"])

    def test_strange_paths_are_404_or_400_and_never_more(self):
        for path in ("/api/v1/namespaces//pods", "/api/v1/pods/a/b/c/d/e", "/apis/apps/v9/deployments", "/apis/none.example.com/v1/things", "/api/v1/namespaces/default/pods/a/none",
                     "/api/v1/namespaces/" + "a" * 4000, "/api/v1/namespaces/%00/pods", "/api/v1/%2e%2e/%2e%2e", "/api/v1/namespaces/default/pods/" + "%e4%b8%ad" * 200):
            with self.subTest(path[:60]):
                answer = CLUSTER.request("GET", path)
                self.assertIn(answer.status, (400, 404), answer.body[:200])
                self.still_answers(path[:60])

    def test_numbers_at_the_edges_of_logs_and_lists_neither_crash_nor_hang(self):
        name = CLUSTER.request("GET", "/api/v1/namespaces/shop/pods?limit=1").json()["items"][0]["metadata"]["name"]
        log = f"/api/v1/namespaces/shop/pods/{name}/log?"
        for path, expected in [(log + "tailLines=-1", {400, 422}), (log + "tailLines=9223372036854775808", {400, 422}), (log + "sinceSeconds=0", {400, 422}),
                               (log + "limitBytes=0", {400, 422}), (log + "sinceTime=yesterday", {400}), (log + "container=none", {400}), (log + "tailLines=0", {200}),
                               (log + "limitBytes=1", {200}), (log + "sinceSeconds=9223372036854775807", {200, 400, 422}),
                               ("/api/v1/pods?limit=9223372036854775807", {200}), ("/api/v1/pods?limit=-1", {200, 400}), ("/api/v1/pods?limit=9223372036854775808", {200, 400}),
                               ("/api/v1/pods?timeoutSeconds=1&watch=1&resourceVersion=18446744073709551615", {200, 400, 410, 504})]:
            with self.subTest(path):
                answer = CLUSTER.request("GET", path, timeout=30)
                self.assertIn(answer.status, expected, answer.body[:300])
                self.still_answers(path)


if __name__ == "__main__":
    harness.main("__main__")
