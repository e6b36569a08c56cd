#!/usr/bin/python3
"""What the verbs of `opsmesh` answer, beside a mesh that runs and alone."""
import json
import os
import subprocess
import tempfile
import unittest

import harness
from cli_case import CONFIG, FAILURE, OK, PARTIAL, USAGE, Cli


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


if __name__ == "__main__":
    harness.main("__main__")
