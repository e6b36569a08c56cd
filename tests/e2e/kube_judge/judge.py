"""Plays the same requests against two API servers and lists what differs.

A request is a dict: id, method (GET), path, headers, body (JSON value, or str/bytes sent as they are), user (admin),
watch (seconds a stream is read). "{id:a.b.c}" in the path or in a body's text is the value at a.b.c of that server's own answer to request id.
"""
import contextlib
import fnmatch
import http.client
import json
import re
import ssl
import time
import urllib.parse

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")
REFERENCE = re.compile(r"\{([\w.-]+):([\w.-]+)\}")
ABSENT = "<absent>"
POINTER = re.compile(r"\b0xc[0-9a-f]{9}\b")
GENERATED = re.compile(r"((?:\bgen-|\bgen\.|\bg{58}|\bNot_Good-|(?<!\w)-gen))[bcdfghjklmnpqrstvwxz2456789]{5}\b")
# What Go's go-cmp prints of two structures; whether it writes spaces or no-break spaces is thrown at each start of the real server, so that nobody relies on it.
STRUCTURES = re.compile(r"\n[ \u00a0]{2}core\.\w+\{\n.*?\n[ \u00a0]{2}\}\n", re.S)
# Where an object's version stands within a text: in a sentence, in YAML, in the patched object that a refusal quotes.
VERSION = re.compile(r'(ResourceVersion in record \(|ResourceVersion in object meta: |resourceVersion: "|\\"resourceVersion\\":\\")\d+')
AGE = re.compile(r"\d+s|\d{3,}d|\d+y(\d+d)?")  # since the object was made, or since a day of a year ago
# Judged by value; of the others of interest only whether they are there.
HEADERS = ["Content-Type", "Retry-After", "Warning", "Allow", "X-Content-Type-Options", "Vary"]
PRESENT = ["Audit-Id", "Cache-Control", "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid", "Date", "Content-Length"]


# Path -> version of 1.32 that 1.20 serves under an older name. Requests are written for 1.32; for the real 1.20 they are renamed, and its answers back.
OLDER = [(re.compile(r"/apis/policy/v1/"), "policy/v1", "policy/v1beta1"), (re.compile(r"/apis/batch/v1/(namespaces/[^/]+/)?cronjobs"), "batch/v1", "batch/v1beta1"),
         (re.compile(r"/apis/discovery.k8s.io/v1/"), "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1"), (re.compile(r"/apis/autoscaling/v2/"), "autoscaling/v2", "autoscaling/v2beta2"),
         (re.compile(r"/pods/[^/]+/eviction"), "policy/v1", "policy/v1beta1")]


class Renaming:
    """Between the version that a request is written in and the one that an older server has."""

    def __init__(self, path):
        self.found = next(((new, old) for pattern, new, old in OLDER if pattern.search(path)), None)

    def path(self, path):
        return path.replace(f"/apis/{self.found[0]}/", f"/apis/{self.found[1]}/") if self.found else path

    def body(self, text):
        return text.replace(f'"{self.found[0]}"', f'"{self.found[1]}"') if self.found else text

    def answer(self, text):
        if not self.found:
            return text
        new, old = self.found[0].rsplit("/", 1)[1], self.found[1].rsplit("/", 1)[1]
        text = text.replace(self.found[1] + '"', self.found[0] + '"').replace(self.found[1] + ",", self.found[0] + ",").replace(self.found[1] + "\\", self.found[0] + "\\")
        return text.replace(f'version \\"{old}\\"', f'version \\"{new}\\"').replace(f"({old}.", f"({new}.").replace(f"={old},", f"={new},")


class Server:
    """One side. `users` maps a user's name to request headers; the admin's client certificate is part of the context."""

    def __init__(self, url, context=None, anonymous_context=None, users=None, older=False):
        self.url = urllib.parse.urlsplit(url)
        self.context, self.anonymous_context = context, anonymous_context
        self.users = users or {}
        self.older = older
        self.answers = {}

    def connect(self, user, timeout):
        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.netloc, timeout=timeout)
        context = self.context if user == "admin" else self.anonymous_context
        return http.client.HTTPSConnection(self.url.netloc, context=context, timeout=timeout)

    def look(self, match):
        value = self.answers.get(match.group(1), {}).get("json")
        for key in match.group(2).split("."):
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (TypeError, KeyError, IndexError, ValueError):
                return "absent"
        return str(value)

    def fill(self, text):
        return REFERENCE.sub(self.look, text)

    def play(self, request):
        path = REFERENCE.sub(lambda m: urllib.parse.quote(self.look(m)), request["path"])
        renaming = Renaming(path if self.older else "")
        path = renaming.path(path)
        body = request.get("body")
        headers = {"Accept": "application/json", "User-Agent": "judge/1"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = renaming.body(self.fill(body)).encode()
        headers.update({name: self.fill(value) for name, value in request.get("headers", {}).items()})
        headers.update(self.users.get(request.get("user", "admin"), {}))
        watch = request.get("watch")
        connection = self.connect(request.get("user", "admin"), (watch or 30) + 10)
        try:
            with contextlib.suppress(BrokenPipeError):  # it refuses a body before it has read all: its answer is there
                connection.request(request.get("method", "GET"), path, body, headers)
            socket = connection.sock
            answer = connection.getresponse()
            data, end = b"", time.monotonic() + (watch or 0)
            while not watch or time.monotonic() < end:
                try:
                    if watch and socket:
                        socket.settimeout(max(0.01, end - time.monotonic()))
                    chunk = answer.read1(65536) if watch else answer.read()
                except TimeoutError:
                    break
                data += chunk
                if not watch or not chunk:
                    break
        except (http.client.RemoteDisconnected, ConnectionResetError):  # a panic of the real one ends so
            result = self.answers[request["id"]] = {"status": 0, "headers": {}, "text": "", "json": None}
            return result
        finally:
            connection.close()
        data = renaming.answer(data.decode("utf-8", "replace")).encode()
        result = {"status": answer.status, "headers": dict(answer.getheaders()), "text": data.decode("utf-8", "replace"), "json": None}
        try:
            result["json"] = json.loads(data)
        except ValueError:
            if watch:
                result["json"] = [json.loads(line) for line in data.split(b"\n") if line.strip().endswith(b"}")]
        self.answers[request["id"]] = result
        return result


def neutral_text(text):
    text = VERSION.sub(r"\1<version>", text)
    return ADDRESS.sub("<ip>", TIME.sub("<time>", UUID.sub("<uid>", POINTER.sub("<pointer>", text))))


def unordered(message):
    """A message whose list of causes a server makes from a map, in no order: "[b, a]" is as good as "[a, b]"."""
    begin, end = message.find("["), message.rfind("]")
    if begin < 0 or end < begin:
        return message
    return message[:begin] + "[" + ", ".join(sorted(message[begin + 1:end].split(", "))) + message[end:]


def owners(entries):
    """managedFields by who wrote what: {"manager operation": entry}, {"manager operation subresource": entry}. Their order is that of the seconds in which they were written."""
    found = {}
    for entry in entries:
        key = base = " ".join(entry.get(name, "") for name in ("manager", "operation", "subresource")).rstrip()
        while key in found:
            key += "'"
        found[key] = {name: neutral(value, name) for name, value in entry.items() if name not in ("manager", "operation", "time", "fieldsType")}
        if "time" not in entry:
            found[key]["time"] = ABSENT
    return found


def neutral(value, key=""):
    """Takes out what no two servers have in common."""
    if isinstance(value, dict):
        return {UUID.sub("<uid>", k): neutral(v, k) for k, v in value.items()}  # owners of references are named by uid
    if isinstance(value, list):
        if key == "managedFields" and all(isinstance(v, dict) for v in value):
            return owners(value)
        if key in ("resourceRules", "nonResourceRules"):  # in the order in which a cache holds them
            return {json.dumps(rule, sort_keys=True): "listed" for rule in value}
        if key == "resources" and all(isinstance(v, dict) and "verbs" in v for v in value):  # a custom group's are told by chance
            value = sorted(value, key=lambda resource: resource["name"])
        if key == "cells":
            return ["<age>" if isinstance(cell, str) and AGE.fullmatch(cell) else neutral(cell) for cell in value]
        if key == "causes":
            value = sorted(value, key=lambda cause: json.dumps(cause, sort_keys=True))
        return [neutral(v, key) for v in value]
    if key in ("resourceVersion", "continue", "nodePort", "healthCheckNodePort", "token", "remainingItemCount") and value not in (None, "", 0):
        return f"<{key}>"
    if isinstance(value, str):
        if key in ("name", "message", "job-name", "batch.kubernetes.io/job-name", "kubernetes.io/metadata.name"):
            value = GENERATED.sub(r"\1<random>", value)
        if key == "message":
            value = unordered(STRUCTURES.sub("", value))
        return neutral_text(value)
    return value


def differences(real, ours, path="body"):
    """Pairs (path, real, ours) of the places where two values differ."""
    if isinstance(real, dict) and isinstance(ours, dict):
        found = []
        for key in sorted(set(real) | set(ours)):
            found += differences(real.get(key, ABSENT), ours.get(key, ABSENT), f"{path}.{key}")
        return found
    if isinstance(real, list) and isinstance(ours, list):
        found = []
        for i in range(max(len(real), len(ours))):
            found += differences(real[i] if i < len(real) else ABSENT, ours[i] if i < len(ours) else ABSENT, f"{path}[{i}]")
        return found
    return [] if real == ours and type(real) is type(ours) else [(path, real, ours)]


def compare(real, ours):
    """What differs between two answers; of answers with different statuses that alone, for nothing else of them can be compared."""
    if real["status"] != ours["status"]:
        return [("status", real["status"], ours["status"])]
    found = []
    for name in HEADERS:
        a, b = real["headers"].get(name, ABSENT), ours["headers"].get(name, ABSENT)
        if neutral_text(a) != neutral_text(b):
            found.append(("header." + name, a, b))
    for name in PRESENT:
        if (name in real["headers"]) != (name in ours["headers"]):
            found.append(("header." + name, name in real["headers"], name in ours["headers"]))
    if real["json"] is not None and ours["json"] is not None:
        found += differences(neutral(real["json"]), neutral(ours["json"]))
    elif neutral_text(real["text"]) != neutral_text(ours["text"]):
        found.append(("text", real["text"][:400], ours["text"][:400]))
    return found


def as_text(value):
    """A value as rules see it; an empty text is <empty>."""
    if value == "":
        return "<empty>"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


class Excuses:
    """Lines "ID-GLOB ... | PATH-GLOB | REAL-GLOB => OURS-GLOB | reason"; # begins a comment. `[` and `]` in globs are meant literally.

    Several requests may stand in one line, with spaces between them. A value is compared as text or as JSON with sorted members; <absent> is a member that is not there, <empty> an empty text. A rule about `status` names one
    request and both codes."""

    def __init__(self, path):
        self.rules = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                parts = [part.strip() for part in line.split(" | ")]
                if len(parts) != 4 or len(parts[3]) < 8 or " => " not in parts[2]:
                    raise SystemExit(f"{path}:{number}: expected 'id | path | real => ours | reason'")
                real, ours = parts[2].split(" => ", 1)
                if parts[1] == "status" and ("*" in parts[0] or set("*?") & set(real + ours)):
                    raise SystemExit(f"{path}:{number}: a rule about status names its requests and both codes")
                if parts[0] == "*" and parts[1] in ("*", "body*"):
                    raise SystemExit(f"{path}:{number}: a rule for everything")
                glob = [re.compile(fnmatch.translate(p.replace("[", "[[]")), re.S) for p in (parts[1], real, ours)]
                names = [re.compile(fnmatch.translate(p.replace("[", "[[]"))) for p in parts[0].split(" ")]
                self.rules.append({"line": number, "text": line, "names": names, "glob": glob, "used": set()})

    def excuse(self, identity, path, real, ours):
        for rule in self.rules:
            if not all(glob.match(text) for glob, text in zip(rule["glob"], (path, as_text(real), as_text(ours)))):
                continue
            named = [i for i, name in enumerate(rule["names"]) if name.match(identity)]
            if named:
                rule["used"].update(named)
                return True
        return False

    def unused(self):
        """Rules, and requests in them, that excused nothing, but for those whose reason says "sometimes: ..." because the real server's own answer varies."""
        lines = []
        for rule in self.rules:
            names = rule["text"].split(" | ")[0].split(" ")
            idle = [name for i, name in enumerate(names) if i not in rule["used"]]
            if idle and "| sometimes: " not in rule["text"]:
                lines.append(f"line {rule['line']} ({' '.join(idle)}): {rule['text'][:300]}")
        return lines


def certificate_context(ca, certificate=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
