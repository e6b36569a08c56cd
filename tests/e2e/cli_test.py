#!/usr/bin/python3
"""The `opsmesh` program as a person meets it: what it prints, what it refuses, and its exit codes."""
import json
import os
import re
import shutil
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import harness
from cli_case import CONFIG, DOWN, FAILURE, OK, PARTIAL, USAGE, Cli

VERBS = ("up", "ask", "chat", "pods", "logs", "events", "describe", "diagnose", "rca", "predict", "tools", "models", "sim", "config",
         "completion", "version")


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

    def test_every_setting_there_is_stands_in_the_reference(self):
        texts = []
        for name in ("config.yaml", "llm.md"):
            with open(os.path.join(harness.SOURCE, "config", name), encoding="utf-8") as file:
                texts.append(file.read())
        named, sections = set(), []
        for indent, key in re.findall(r"^#( +)([a-z0-9_]+):(?= |$)", texts[0], re.MULTILINE):
            sections = sections[:(len(indent) - 1) // 2] + [key]
            named.add(".".join(sections))
        named.update(re.findall(r"`([a-z0-9_.]+)`", texts[1]))
        shown = self.run_cli("config", "show", "-o", "json")
        self.assertEqual(shown.returncode, OK, shown.stderr)
        # Settings of the documented program's flags, what `up` tells its parts, and what PORT sets.
        own = {"k8s.simulated", "prometheus.simulated", "gateway.port"}
        maps = {"llm.providers", "mesh.addresses", "mesh.server_names", "pools"}
        keys = {one["key"] for one in json.loads(shown.stdout)}
        missing = {key for key in keys - named - own if "." in key and not any(key.startswith(one + ".") for one in maps)}
        self.assertEqual(missing, set())


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

    def test_it_tells_how_to_reach_the_simulated_cluster_and_its_prometheus(self):
        with harness.OneProcess("--live") as mesh:
            printed = mesh.log("opsmesh")
            kubeconfig = re.search(r"kubectl --kubeconfig (\S+) get pods", printed).group(1)
            url = re.search(r"Prometheus, are at (http://\S+)\.$", printed, re.MULTILINE).group(1)
            counted = harness.fetch(url + "/api/v1/query?query=count(kube_pod_info)").json()
            self.assertGreater(float(counted["data"]["result"][0]["value"][1]), 40)
            injected = mesh.cli("sim", "fault", "inject", "memory-leak", "deploy/infra/nobody", "--kubeconfig", kubeconfig)
            self.assertNotEqual(injected.returncode, OK)
            self.assertIn("There is no deployment/infra/nobody", injected.stderr)
            injected = mesh.cli("sim", "fault", "inject", "probe-failure", "deploy/infra/worker", "--kubeconfig", kubeconfig)
            self.assertEqual(injected.returncode, OK, injected.stderr)
            self.assertIn("Note: None of its containers has a readiness probe", injected.stdout)
        self.assertIn("crash", self.run_cli("sim", "fault", "catalogue").stdout)

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


if __name__ == "__main__":
    harness.main("__main__")
