#!/usr/bin/python3
"""The `opsmesh` program as a person meets it: what it prints, what it refuses, and its exit codes."""
import json
import os
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile
import termios
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import harness

VERBS = ("up", "ask", "chat", "pods", "logs", "events", "describe", "diagnose", "rca", "predict", "tools", "models", "sim", "config",
         "completion", "version")
OK, FAILURE, USAGE, APPROVAL, DENIED, DOWN, PARTIAL, CONFIG = 0, 1, 2, 3, 4, 5, 6, 78


class Cli(unittest.TestCase):
    """Runs commands with a HOME of their own, in an empty folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="opsmesh-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_cli(self, *arguments, environment=None, timeout=60, **options):
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        return subprocess.run([harness.program("opsmesh"), *arguments], cwd=self.folder, text=True, timeout=timeout,
                              env={**harness.clean_environment(self.folder), **(environment or {})},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Basics(Cli):
    def test_version_is_the_version_file_and_the_revision(self):
        with open(os.path.join(harness.SOURCE, "VERSION"), encoding="utf-8") as file:
            version = file.readline().strip()
        printed = self.run_cli("version")
        self.assertEqual((printed.returncode, printed.stdout.split()[:2]), (OK, ["opsmesh", version]))
        as_json = json.loads(self.run_cli("version", "-o", "json").stdout)
        self.assertEqual(as_json["version"], version)
        self.assertTrue(as_json["revision"])
        self.assertIn(version, self.run_cli("--version").stdout)

    def test_help_names_every_command_and_the_exit_codes(self):
        printed = self.run_cli("--help")
        self.assertEqual(printed.returncode, OK)
        for word in ("up", "ask", "sim", "config", "version", "78"):
            self.assertIn(word, printed.stdout)

    def test_the_help_of_every_verb_is_the_one_written_down(self):
        """cli/testdata/help.golden.txt is what people read; OPSMESH_UPDATE_GOLDEN=1 writes it anew."""
        verbs = [()] + [(verb,) for verb in VERBS] + [("predict", "plan"), ("tools", "call"), ("sim", "serve"), ("config", "show")]
        text = ""
        for verb in verbs:
            printed = self.run_cli(*verb, "--help")
            self.assertEqual(printed.returncode, OK, (verb, printed.stderr))
            text += f"$ opsmesh {' '.join((*verb, '--help'))}\n{printed.stdout}\n"
        path = os.path.join(harness.SOURCE, "cli", "testdata", "help.golden.txt")
        if os.environ.get("OPSMESH_UPDATE_GOLDEN"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(text, file.read(), "help changed: see the docstring")

    def test_a_misspelt_flag_or_verb_gets_the_nearest_one(self):
        for arguments, nearest in ((("pods", "--naemspace", "x"), "--namespace"), (("evnets",), "events"),
                                   (("ask", "--qiuet", "x"), "--quiet"), (("--max-iteration=3", "list pods"), "--max-iterations")):
            printed = self.run_cli(*arguments)
            self.assertEqual(printed.returncode, USAGE, arguments)
            self.assertIn(nearest, printed.stderr)

    def test_an_unknown_command_or_flag_is_a_usage_error(self):
        for arguments in (("frobnicate",), (), ("ask", "--no-such-flag"), ("version", "-o", "xml")):
            self.assertEqual(self.run_cli(*arguments).returncode, USAGE, arguments)


class Configuration(Cli):
    def test_check_tells_every_problem_with_its_place(self):
        path = self.write("wrong.yaml", "rca:\n  anomaly_threshold: 7\npredict:\n  max_instancs: 3\nnotfy: {}\n")
        checked = self.run_cli("config", "check", "--config", path)
        self.assertEqual(checked.returncode, CONFIG, checked.stdout)
        for part in ("wrong.yaml:2", "anomaly_threshold", "wrong.yaml:4", "max_instances", "notify"):
            self.assertIn(part, checked.stderr)

    def test_up_refuses_a_wrong_configuration_with_78(self):
        path = self.write("wrong.yaml", "rca: {anomaly_threshold: high}\n")
        started = self.run_cli("up", "--config", path, "--cluster", "sim")
        self.assertEqual(started.returncode, CONFIG, started.stdout)
        self.assertIn("anomaly_threshold", started.stderr)

    def test_a_file_that_is_not_there_is_named(self):
        checked = self.run_cli("config", "check", "--config", os.path.join(self.folder, "none.yaml"))
        self.assertEqual(checked.returncode, CONFIG)
        self.assertIn("none.yaml", checked.stderr)

    def test_show_says_where_each_value_comes_from(self):
        self.write("config/config.yaml", "rca:\n  anomaly_threshold: 0.5\npredict:\n  max_instances: 7\n")
        shown = self.run_cli("config", "show", "--origin", "-o", "json", "--set", "predict.max_instances=9",
                             environment={"PROMETHEUS_HOST": "127.0.0.1:9090", "FEISHU_WEBHOOK": "https://f.example/hook/s3cret"})
        self.assertEqual(shown.returncode, OK, shown.stderr)
        values = {one["key"]: one for one in json.loads(shown.stdout)}
        self.assertEqual(float(values["rca.anomaly_threshold"]["value"]), 0.5)
        self.assertIn("config.yaml:2", values["rca.anomaly_threshold"]["origin"])
        self.assertEqual(values["predict.max_instances"]["value"], "9")
        self.assertIn("flag", values["predict.max_instances"]["origin"])
        self.assertIn("PROMETHEUS_HOST", values["prometheus.url"]["origin"])
        self.assertEqual(values["predict.min_instances"]["origin"], "default")
        self.assertNotIn("s3cret", shown.stdout)

    def test_the_shipped_configuration_is_sound(self):
        for environment in ({}, {"ENV": "production"}):
            shutil.rmtree(os.path.join(self.folder, "config"), ignore_errors=True)
            shutil.copytree(os.path.join(harness.SOURCE, "config"), os.path.join(self.folder, "config"))
            checked = self.run_cli("config", "check", environment=environment)
            self.assertEqual(checked.returncode, OK, checked.stderr)


    def test_every_setting_the_reference_names_is_known_and_has_the_default_it_states(self):
        with open(os.path.join(harness.SOURCE, "config", "config.yaml"), encoding="utf-8") as file:
            settings = [line[2:] for line in file.read().split("\n") if re.match(r"#  *[a-z0-9_]+:( |$)", line)]
        self.assertGreater(len(settings), 40)
        path = self.write("all.yaml", "\n".join(settings) + "\n")
        checked = self.run_cli("config", "check", "--config", path)
        self.assertEqual(checked.returncode, OK, checked.stderr)

        def values(*arguments):
            shown = self.run_cli("config", "show", "-o", "json", *arguments)
            self.assertEqual(shown.returncode, OK, shown.stderr)
            return {one["key"]: one["value"].replace("(unset)", "") for one in json.loads(shown.stdout)}

        stated, defaults = values("--config", path), values()
        self.assertEqual({key: value for key, value in stated.items() if value != defaults[key]}, {})


class Asking(Cli):
    def test_nobody_there_is_a_dependency_that_is_down_with_the_next_step(self):
        asked = self.run_cli("ask", "--server", f"http://127.0.0.1:{harness.free_port()}", "list", "pods")
        self.assertEqual(asked.returncode, DOWN)
        self.assertIn("opsmesh up", asked.stderr)
        self.assertEqual(asked.stdout, "")

    def test_another_program_at_the_address_is_recognised(self):
        class NotOpsMesh(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                self.send_error(404)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), NotOpsMesh)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.handle_request, daemon=True).start()
        asked = self.run_cli("ask", "--server", f"127.0.0.1:{server.server_port}", "list pods")
        self.assertEqual(asked.returncode, FAILURE)
        self.assertIn("--server", asked.stderr)

    def test_no_question_is_a_usage_error(self):
        self.assertEqual(self.run_cli("ask").returncode, USAGE)


class Up(Cli):
    def test_without_a_kubeconfig_it_simulates_and_says_so_with_questions_to_try(self):
        with harness.OneProcess() as mesh:
            printed = mesh.log("opsmesh")
            self.assertIn("simulated", printed)
            self.assertIn(mesh.url, printed)
            self.assertEqual(printed.count("opsmesh ask "), 3)

    def test_the_questions_it_prints_can_be_asked_as_they_are(self):
        with harness.OneProcess() as mesh:
            for line in mesh.log("opsmesh").splitlines():
                if line.strip().startswith("opsmesh ask "):
                    asked = mesh.cli("ask", line.split('"')[1])
                    self.assertEqual(asked.returncode, OK, (line, asked.stderr))
                    self.assertGreater(len(asked.stdout), 20, line)

    def test_data_on_standard_input_is_what_the_question_is_about(self):
        with harness.OneProcess() as mesh:
            asked = mesh.cli("ask", "-o", "json", "analyze these pods",
                             input="NAME     READY   STATUS             RESTARTS   AGE\nzebra-1  0/1     CrashLoopBackOff   42         5m\n")
            self.assertIn(asked.returncode, (OK, PARTIAL), asked.stderr)
            self.assertIn("zebra-1", json.loads(asked.stdout)["response"])

    def test_a_port_in_use_is_named_with_the_next_step(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for arguments in (("--listen", f"127.0.0.1:{port}", "--grpc-listen", "127.0.0.1:0"),
                              ("--listen", "127.0.0.1:0", "--grpc-listen", f"127.0.0.1:{port}")):
                started = self.run_cli("up", "--cluster", "sim", "--data-dir", self.folder, *arguments)
                self.assertEqual(started.returncode, FAILURE, started.stderr)
                self.assertIn(str(port), started.stderr)

    def test_a_kubeconfig_that_cannot_be_read_is_refused_not_replaced_by_the_simulation(self):
        for arguments, environment in ((("--kubeconfig", os.path.join(self.folder, "none")), {}),
                                       ((), {"KUBECONFIG_PATH": os.path.join(self.folder, "none")})):
            started = self.run_cli("up", *arguments, environment=environment)
            self.assertNotEqual(started.returncode, OK)
            self.assertIn("none", started.stderr)

    def test_contradicting_flags_are_a_usage_error(self):
        self.assertEqual(self.run_cli("up", "--kubeconfig", "x", "--cluster", "sim").returncode, USAGE)

    def test_a_folder_of_manifests_is_a_cluster(self):
        self.write("cluster/app.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: lonely-pod, namespace: attic}\n"
                                       "spec: {containers: [{name: c, image: 'nginx:1.25'}]}\nstatus: {phase: Running}\n")
        with harness.OneProcess("--cluster", os.path.join(self.folder, "cluster")) as mesh:
            self.assertIn("lonely-pod", mesh.chat("list pods in namespace attic")["response"])


class Reading(unittest.TestCase):
    """The reading verbs against a gateway that runs, checked against the simulated apiserver itself."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = harness.OneProcess("--cluster", "sim")
        cls.mesh.__enter__()
        cls.addClassCleanup(cls.mesh.__exit__)
        cls.pods = cls.mesh.cluster("/api/v1/pods")["items"]

    def lines(self, *arguments):
        printed = self.mesh.cli(*arguments)
        self.assertEqual(printed.returncode, OK, printed.stderr)
        return printed.stdout.splitlines()

    def test_pods_are_those_of_the_cluster_in_every_format(self):
        truth = sorted((p["metadata"]["namespace"], p["metadata"]["name"]) for p in self.pods)
        table = self.lines("pods", "-A")
        self.assertEqual(table[0].split(), ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"])
        self.assertEqual(sorted(tuple(line.split()[:2]) for line in table[1:]), truth)
        self.assertIn("NODE", self.lines("pods", "-A", "-o", "wide")[0])
        shop = sorted(name for namespace, name in truth if namespace == "shop")
        self.assertEqual(sorted(self.lines("pods", "-n", "shop", "-o", "name")), ["pod/" + name for name in shop])
        listed = json.loads("\n".join(self.lines("pods", "-A", "-o", "json")))
        self.assertEqual(sorted((i["namespace"], i["name"]) for i in listed["items"]), truth)
        self.assertEqual(listed["total"], len(truth))

    def test_predict_plans_a_workload_and_replays_a_file(self):
        # The demo's Prometheus knows shop/nginx: its load, what its pods use, and its autoscaler of 3 to 10.
        plan = json.loads("\n".join(self.lines("predict", "plan", "deploy/nginx", "-n", "shop", "--hours", "1", "-o", "json")))
        self.assertEqual((plan["capacity_source"], plan["current_replicas"]), ("measured", 3))
        self.assertGreaterEqual(plan["steps"][0]["replicas"], 3)
        now = json.loads("\n".join(self.lines("predict", "now", "nginx", "-n", "shop", "-o", "json")))
        self.assertEqual(now["current_instances"], 3)
        missing = self.mesh.cli("predict", "plan", "deploy/no-such", "-n", "shop")
        self.assertEqual((missing.returncode, missing.stdout), (FAILURE, ""))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "load.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("time,value\n")
                file.writelines(f"{1700006400 + 300 * i},{190 if i % 48 in (7, 8, 9) else 100}\n" for i in range(3 * 288))
            table = self.lines("predict", "replay", "--file", path, "--capacity", "20", "--hpa", "80")
            self.assertEqual([line.split("  ")[0] for line in table[1:5]], ["plan", "hpa 80%", "oracle", "static peak"])
            with open(path, "a", encoding="utf-8") as file:
                file.write("tomorrow,much\n")
            wrong = self.mesh.cli("predict", "replay", "--file", path)
            self.assertEqual(wrong.returncode, USAGE)
            self.assertIn("Line 866", wrong.stderr)
        self.assertEqual(self.mesh.cli("predict", "plan").returncode, USAGE)

    def test_selectors_choose_on_the_server(self):
        truth = sorted(p["metadata"]["name"] for p in self.pods if p["metadata"].get("labels", {}).get("app") == "cart")
        self.assertEqual(sorted(line.split()[1] for line in self.lines("pods", "-A", "-l", "app=cart", "--no-headers")), truth)
        self.assertTrue(truth)
        pending = [p for p in self.pods if p["status"]["phase"] == "Pending"]
        self.assertEqual(len(self.lines("pods", "-A", "--no-headers", "--field-selector", "status.phase=Pending")), len(pending))

    def test_one_pod_is_shown_whole(self):
        pod = self.pods[0]["metadata"]
        shown = json.loads("\n".join(self.lines("pods", pod["name"], "-n", pod["namespace"], "-o", "json")))
        self.assertEqual(shown["metadata"]["uid"], pod["uid"])
        self.assertEqual(shown["kind"], "Pod")
        missing = self.mesh.cli("pods", "no-such-pod", "-n", "shop")
        self.assertEqual((missing.returncode, missing.stdout), (FAILURE, ""))
        self.assertIn("no-such-pod", missing.stderr)

    def test_logs_find_the_only_pod_and_those_of_a_workload(self):
        name = next(p["metadata"]["name"] for p in self.pods if p["metadata"]["name"].startswith("cart-"))
        lines = self.lines("logs", name, "--tail", "3")
        self.assertEqual(len(lines), 3)
        self.assertEqual(self.lines("logs", name, "-n", "shop", "--tail", "3"), lines)
        self.assertTrue(self.lines("logs", "deploy/checkout", "-n", "shop", "--previous", "--tail", "2"))
        self.assertEqual(json.loads("\n".join(self.lines("logs", name, "--tail", "2", "-o", "json")))["pod"], name)
        self.assertEqual(self.mesh.cli("logs", "nothing-of-that-name").returncode, FAILURE)

    def test_events_describe_and_diagnose_speak_the_language_of_the_terminal(self):
        self.assertIn("LAST SEEN", self.lines("events", "-A", "--limit", "5")[0])
        events = json.loads("\n".join(self.lines("events", "-n", "shop", "--type", "Warning", "-o", "json")))
        self.assertTrue(events["items"])
        self.assertTrue(all(event["type"] == "Warning" for event in events["items"]))
        self.assertIn("checkout", "\n".join(self.lines("diagnose", "-n", "shop")))
        english = self.lines("describe", "deploy/cart", "-n", "shop")[0]
        environment = {**harness.clean_environment(self.mesh.folder), "OPSMESH_SERVER": self.mesh.url, "LANG": "zh_CN.UTF-8"}
        chinese = subprocess.run([harness.program("opsmesh"), "describe", "deployment", "cart", "-n", "shop"], env=environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
        self.assertTrue(english.isascii())
        self.assertFalse(chinese.isascii())

    def test_tools_are_listed_shown_and_called(self):
        self.assertIn("list_kubernetes_pods", self.lines("tools", "-o", "name"))
        self.assertIn("namespace", "\n".join(self.lines("tools", "show", "get_pod_logs")))
        called = json.loads("\n".join(self.lines("tools", "call", "list_kubernetes_pods", "namespace=shop", "limit=1", "-o", "json")))
        self.assertEqual(len(called["result"]["items"]), 1)
        wrong = self.mesh.cli("tools", "call", "list_kubernets_pods")
        self.assertIn("list_kubernetes_pods", wrong.stderr)
        refused = self.mesh.cli("tools", "call", "list_kubernetes_pods", "namespce=shop")
        self.assertEqual(refused.returncode, FAILURE)

    def test_bash_completes_verbs_flags_values_and_names(self):
        def complete(*words):
            script = ('source <(opsmesh completion bash); COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
                      '_opsmesh; printf "%s\\n" "${COMPREPLY[@]}"')
            environment = {**harness.clean_environment(self.mesh.folder), "OPSMESH_SERVER": self.mesh.url,
                           "PATH": os.path.dirname(harness.program("opsmesh")) + ":" + os.environ["PATH"]}
            done = subprocess.run(["bash", "-c", script, "bash", *words], env=environment, timeout=60, text=True, check=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            return done.stdout.split()
        self.assertEqual(complete("opsmesh", "desc"), ["describe"])
        self.assertIn("--previous", complete("opsmesh", "logs", "--pre"))
        self.assertEqual(complete("opsmesh", "pods", "-o", "ya"), ["yaml"])
        self.assertEqual(complete("opsmesh", "pods", "-n", "sho"), ["shop"])
        self.assertTrue(all(word.startswith("cart-") for word in complete("opsmesh", "logs", "-n", "shop", "cart-")))
        self.assertEqual(len(complete("opsmesh", "logs", "-n", "shop", "cart-")), 2)

    def test_a_session_goes_on_in_a_pipe(self):
        asked = self.mesh.cli("chat", "-q", input="how many pods are in shop?\nand in payments?\n")
        self.assertEqual(asked.returncode, OK, asked.stderr)
        shop = sum(p["metadata"]["namespace"] == "shop" for p in self.pods)
        payments = sum(p["metadata"]["namespace"] == "payments" for p in self.pods)
        self.assertRegex(asked.stdout, rf"(?s)\b{shop}\b.*\b{payments}\b")


class Alone(Cli):
    """Without a gateway: the mesh lives in the process of the verb."""

    def run_alone(self, *arguments, program="opsmesh", **options):
        path = harness.program("opsmesh")
        if program != "opsmesh":
            os.symlink(path, os.path.join(self.folder, program))
            path = os.path.join(self.folder, program)
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        environment = {**harness.clean_environment(self.folder), **options.pop("environment", {})}
        return subprocess.run([path, *arguments], cwd=self.folder, env=environment, timeout=90, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def test_a_question_alone_is_answered(self):
        asked = self.run_alone("ask", "--local", "--sim-cluster", "sim", "how many pods are in shop?")
        self.assertEqual(asked.returncode, OK, asked.stderr)
        self.assertRegex(asked.stdout, r"\b16\b")

    def test_the_documented_program_answers_quietly_from_flags_in_any_order(self):
        asked = self.run_alone("--quiet", "list all pods", "--max-iterations=5", "-v=2", "--remove-workdir",
                               program="kubelet-wuhrai")
        self.assertEqual(asked.returncode, OK, asked.stderr)
        self.assertEqual(asked.stderr, "")
        self.assertIn("cart-", asked.stdout)

    def test_the_words_of_the_documented_program(self):
        self.assertIn("deepseek-chat", self.run_alone("models", program="kubelet-wuhrai").stdout)
        os.unlink(os.path.join(self.folder, "kubelet-wuhrai"))
        tools = self.run_alone("--mcp-client", "tools", program="kubelet-wuhrai")
        self.assertIn("list_kubernetes_pods", tools.stdout)
        self.assertIn("MCP", tools.stderr)
        os.unlink(os.path.join(self.folder, "kubelet-wuhrai"))
        self.assertIn("kubelet-wuhrai", self.run_alone("version", program="kubelet-wuhrai").stdout)
        os.unlink(os.path.join(self.folder, "kubelet-wuhrai"))
        server = self.run_alone("--mcp-server", program="kubelet-wuhrai")
        self.assertEqual(server.returncode, FAILURE)
        self.assertIn("not built", server.stderr)

    def test_a_pipe_is_data_for_the_question_and_the_trace_is_private(self):
        trace = os.path.join(self.folder, "trace.txt")
        data = "NAME     READY   STATUS             RESTARTS   AGE\nzebra-1  0/1     CrashLoopBackOff   42         5m\n"
        asked = self.run_alone("--local", "--trace-path", trace, "analyze these pods", input=data)
        self.assertIn(asked.returncode, (OK, PARTIAL), asked.stderr)
        self.assertIn("zebra-1", asked.stdout)
        self.assertEqual(os.stat(trace).st_mode & 0o777, 0o600)
        with open(trace, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        self.assertEqual(events[0]["question"], "analyze these pods")
        self.assertTrue(events[-1]["done"])

    def test_the_documented_file_of_the_user_is_read_in_every_spelling(self):
        for text in ("quiet: true\nmax-iterations: 8\nskip-permissions: false\nremove-workdir: true\nmcp-client: true\n",
                     "quiet: true\nmaxIterations: 8\nskipPermissions: false\nuserInterface: terminal\n"):
            self.write(".config/kubelet-wuhrai/config.yaml", text)
            asked = self.run_alone("--local", "how many pods are in shop?", environment={"XDG_CONFIG_HOME": ""})
            self.assertEqual((asked.returncode, asked.stderr), (OK, ""), text)
            self.assertEqual(self.run_cli("config", "check").returncode, OK, text)
        self.write(".config/kubelet-wuhrai/config.yaml", "quite: true\n")
        wrong = self.run_alone("--local", "how many pods are in shop?")
        self.assertEqual(wrong.returncode, CONFIG)
        self.assertIn("quiet", wrong.stderr)


class SlowGateway:
    """Streams the first words of every answer and then nothing more."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802 (the library's name)
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b'data: {"delta":"let me look","session_id":"s1","done":false}\n\n')
                self.wfile.flush()
                time.sleep(60)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Terminal(Cli):
    """`opsmesh chat` at a terminal of its own."""

    def start(self, *arguments):
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(harness.program("opsmesh"), ["opsmesh", "chat", *arguments],
                      {**harness.clean_environment(self.folder), "TERM": "xterm"})
        attributes = termios.tcgetattr(master)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(master, termios.TCSANOW, attributes)
        self.addCleanup(os.close, master)
        self.pid, self.master, self.seen = pid, master, ""

    def until(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            self.assertLess(time.monotonic(), end, f"'{text}' never came: {self.seen!r}")
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    self.assertIn(text, self.seen)
        self.seen = self.seen.split(text, 1)[1]

    def end(self):
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def test_answers_end_of_file_ends_it(self):
        self.start("--local", "--sim-cluster", "sim", "--no-color")
        self.until("> ")
        os.write(self.master, "shop 里有多少个 Pod？\n".encode())
        self.until("16")
        self.until("> ")
        os.write(self.master, b"\x04")
        self.assertEqual(self.end(), OK)

    def test_interrupt_cancels_the_answer_and_keeps_the_prompt(self):
        gateway = SlowGateway()
        self.addCleanup(gateway.server.shutdown)
        self.start("--server", gateway.url, "--no-color")
        self.until("> ")
        os.write(self.master, b"what is wrong?\n")
        self.until("let me look")
        os.write(self.master, b"\x03")
        self.until("> ")
        os.write(self.master, b"\x03")  # at the prompt: another prompt
        self.until("> ")
        os.write(self.master, b"/exit\n")
        self.end()

    def test_colours_only_where_a_person_looks(self):
        self.start("--local", "--sim-cluster", "sim")
        self.until("\x1b[1m>")
        os.write(self.master, b"/exit\n")
        self.assertEqual(self.end(), OK)
        piped = self.run_cli("pods", "--local", "--sim-cluster", "sim", "-n", "shop")
        self.assertNotIn("\x1b", piped.stdout + piped.stderr)


class Simulator(Cli):
    BROKEN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: frontend, namespace: shop}
spec: {template: {spec: {containers: [{name: frontend, image: "registry.example.com/shop/frontend:does-not-exist"}]}}}
"""

    def ahead(self, *arguments):
        ran = self.run_cli("sim", "ahead", *arguments, "-o", "json", timeout=120)
        self.assertEqual(ran.returncode, OK, ran.stderr)
        return ran.stdout

    def test_an_hour_of_the_demo_is_the_same_bytes_each_time(self):
        first = self.ahead("--for", "1h")
        self.assertEqual(first, self.ahead("--for", "1h"))
        told = json.loads(first)
        self.assertEqual((told["from"], told["to"]), ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"))
        self.assertIn("Restarts", {cell["column"] for change in told["changes"] for cell in change["cells"]})

    def test_a_change_is_tried_in_a_copy_and_what_comes_anyway_is_marked(self):
        told = json.loads(self.ahead("--for", "15m", "--apply", self.write("broken.yaml", self.BROKEN)))
        new = [c for c in told["changes"] if c["kind"] == "Pod" and c["name"].startswith("frontend-")]
        self.assertEqual([(c["change"], c["anyway"]) for c in new], [("added", False)])
        self.assertIn("ImagePullBackOff", [cell["after"] for cell in new[0]["cells"]])
        self.assertTrue(any(c["anyway"] for c in told["changes"]), "crash loops go on with it and without it")

    def test_a_fault_is_tried_and_a_wrong_one_is_explained(self):
        told = json.loads(self.ahead("--for", "10m", "--fault", "node-partition:node/node-2"))
        self.assertIn({"column": "Status", "before": "Ready", "after": "NotReady"},
                      [cell for c in told["changes"] if c["kind"] == "Node" for cell in c["cells"]])
        for wrong in (["--fault", "crash"], ["--fault", "meteor:node/node-2"], ["--for", "-1h"], ["--for", "soon"],
                      ["--apply", "absent.yaml"], ["--apply", self.write("list.yaml", "- 1\n")]):
            ran = self.run_cli("sim", "ahead", *wrong)
            self.assertNotEqual(ran.returncode, OK)
            self.assertIn("opsmesh:", ran.stderr)

    def test_a_copy_of_another_cluster_is_made_by_reading_alone(self):
        with harness.Mesh() as mesh:
            kubeconfig = mesh.path("kubeconfig")
            mesh.spawn("sim", "opsmesh", "sim", "serve", "--kubeconfig-out", kubeconfig)
            mesh.wait_until("the kubeconfig", lambda: os.path.exists(kubeconfig))
            told = json.loads(self.ahead("--kubeconfig", kubeconfig, "--for", "30m"))
            self.assertTrue(any("shop/checkout" in line for line in told["kept_failing"]), told["kept_failing"])
            well = [c["name"] for c in told["changes"] if c["kind"] == "Deployment"]
            self.assertNotIn("checkout", well, "what crashes there crashes on in the copy")

    def test_kubectl_reads_the_simulated_cluster_that_sim_serve_offers(self):
        with harness.Mesh() as mesh:
            kubeconfig = mesh.path("kubeconfig")
            mesh.spawn("sim", "opsmesh", "sim", "serve", "--kubeconfig-out", kubeconfig)
            mesh.wait_until("the kubeconfig", lambda: os.path.exists(kubeconfig))
            read = subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "get", "pods", "-A", "-o", "name"], text=True,
                                  env=harness.clean_environment(mesh.folder), timeout=60, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(read.returncode, 0, read.stderr)
            self.assertGreater(read.stdout.count("pod/"), 10)
            self.assertEqual(mesh.terminate("sim"), 0)


if __name__ == "__main__":
    harness.main("__main__")
