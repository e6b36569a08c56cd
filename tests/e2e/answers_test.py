#!/usr/bin/python3
"""Numbers and names of answers against the cluster itself: what the planner says is what the apiserver has.

Every namespace of the demo, several kinds, three ways of writing; the truth comes from the simulated apiserver's own REST.
"""
import re
import unittest

import harness

KINDS = {  # kind: (path below the namespace, English plural, Chinese)
    "pods": ("/api/v1/namespaces/{}/pods", "pods", "Pod"),
    "deployments": ("/apis/apps/v1/namespaces/{}/deployments", "deployments", "部署"),
    "services": ("/api/v1/namespaces/{}/services", "services", "服务"),
    "secrets": ("/api/v1/namespaces/{}/secrets", "secrets", "secret"),
    "configmaps": ("/api/v1/namespaces/{}/configmaps", "configmaps", "configmap"),
    "replicasets": ("/apis/apps/v1/namespaces/{}/replicasets", "replicasets", "replicaset"),
}
MESH = harness.OneProcess()


def setUpModule():  # noqa: N802 (unittest's name)
    MESH.__enter__()


def tearDownModule():  # noqa: N802
    MESH.__exit__()


def first_number(text):
    # "no pods", "没有" stand for zero.
    found = re.search(r"(?<![\w.-])\d+(?![\w.-])", text.split("\n")[0])
    return int(found.group(0)) if found else 0


class Answers(unittest.TestCase):
    def names(self, path):
        return {item["metadata"]["name"] for item in MESH.cluster(path)["items"]}

    def test_counts_and_lists_are_the_clusters_own(self):
        namespaces = self.names("/api/v1/namespaces")
        checked = 0
        for namespace in sorted(namespaces):
            for path, english, chinese in KINDS.values():
                truth = self.names(path.format(namespace))
                for question in (f"how many {english} in {namespace}", f"{namespace} 命名空间有多少个{chinese}",
                                 f"{namespace} 命名空間有幾個{chinese}？"):
                    with self.subTest(question=question):
                        self.assertEqual(first_number(MESH.chat(question)["response"]), len(truth))
                        checked += 1
                with self.subTest(list=english, namespace=namespace):
                    listed = MESH.chat(f"list {english} in {namespace}")["response"]
                    missing = [name for name in truth if name not in listed]
                    self.assertEqual(missing, [])
        print(f"{checked} counts compared")

    def test_every_object_an_answer_names_exists(self):
        """Tokens "namespace/name" of diagnoses and lists; what an answer calls missing is what is missing."""
        everything = set()
        namespaces = self.names("/api/v1/namespaces")
        for group in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1", "/apis/autoscaling/v2", "/apis/policy/v1"):
            for resource in MESH.cluster(group)["resources"]:
                if resource.get("namespaced") and "/" not in resource["name"] and "list" in resource["verbs"]:
                    for item in MESH.cluster(f"{group}/{resource['name']}")["items"]:
                        everything.add(f"{item['metadata']['namespace']}/{item['metadata']['name']}")
        named = 0
        for question in ("what is wrong with the cluster?", "集群有什么问题", "哪些 pod 没起来", "top 5 memory hogs", "analyze high availability",
                         "check security", "which pods restarted more than 2 times", "idle resources", "services without endpoints"):
            response = MESH.chat(question)["response"]
            for line in response.split("\n"):
                if re.search(r"not exist|missing|不存在|没有|找不到", line):
                    continue
                for match in re.finditer(r"(?<![\w./:@-])([a-z0-9-]+)/([a-z0-9][a-z0-9.-]*[a-z0-9])(?![\w:/-]|\.\w)", line):
                    if match.group(1) in namespaces:
                        named += 1
                        self.assertIn(match.group(0), everything, f"{question}: {line}")
        self.assertGreater(named, 50)

    def test_answers_keep_to_one_script(self):
        for question in ("預設命名空間中有多少個 pod 正在執行？", "為什麼 checkout 起不來", "列出 shop 的服務", "檢查叢集的安全設定"):
            response = MESH.chat(question)["response"]
            self.assertEqual([c for c in "个这为问时间们说请节务载运镜险" if c in response], [], response[:300])
        for question in ("shop 有多少个服务", "为什么 checkout 起不来"):
            response = MESH.chat(question)["response"]
            self.assertEqual([c for c in "個這為問時間們說請節務載運鏡險" if c in response], [], response[:300])


if __name__ == "__main__":
    harness.main("__main__")
