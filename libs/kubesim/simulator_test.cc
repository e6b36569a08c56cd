#include "libs/kubesim/simulator.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/kubesim/store/logs.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SimulatorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "kubesim-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  absl::StatusOr<std::unique_ptr<Simulator>> Load() {
    return Simulator::Create({.content = Content::kFolder, .cluster_dir = folder_.string()});
  }
  fs::path folder_;
};

TEST_F(SimulatorTest, TheDemoIsTheSameForTheSameSeed) {
  auto names = [](uint64_t seed) {
    auto simulator = Simulator::Create({.content = Content::kDemo, .seed = seed});
    std::string text;
    for (const ObjectPtr& pod :
         (*simulator)->store().List(MustFind((*simulator)->store(), "", "v1", "pods")).objects)
      text += pod->name + pod->uid;
    return text;
  };
  EXPECT_EQ(names(1), names(1));
  EXPECT_NE(names(1), names(2));
}

TEST_F(SimulatorTest, ADoorOpensClosesAndOpensAgain) {
  const auto start = std::chrono::steady_clock::now();
  auto simulator = Simulator::Create({.content = Content::kDemo});
  ASSERT_TRUE(simulator.ok());
  EXPECT_EQ(base::DetailOf((*simulator)->Kubeconfig().status()).reason, "NOT_STARTED");
  ASSERT_TRUE((*simulator)->Start({}).ok());
  std::printf("demo ready after %lld ms\n",
              static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::steady_clock::now() - start)
                                         .count()));
  EXPECT_EQ(base::DetailOf((*simulator)->Start({})).reason, "ALREADY_OPEN");
  EXPECT_THAT((*simulator)->url(), HasSubstr("http://127.0.0.1:"));
  (*simulator)->Stop(absl::ZeroDuration());
  EXPECT_EQ((*simulator)->url(), "");
  ASSERT_TRUE((*simulator)->Start({.tls = true}).ok());
  EXPECT_THAT((*simulator)->url(), HasSubstr("https://127.0.0.1:"));
}

TEST_F(SimulatorTest, AFolderIsLoadedWithItsStatusesNamespacesListsAndLogs) {
  Write("b/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: lab, uid: given}\nspec: "
        "{nodeName: one, containers: [{name: c, image: 'i:1'}]}\nstatus: {phase: Running}\n");
  Write(
      "a/list.json",
      R"({"kind":"List","apiVersion":"v1","items":[{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"m"},"data":{"a":"1"}}]})");
  Write("a/thing.yaml", "apiVersion: x.example.com/v1\nkind: Thing\nmetadata: {name: t}\n");
  Write("z/crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: "
        "things.x.example.com}\nspec: {group: x.example.com, scope: Namespaced, names: {plural: "
        "things, kind: Thing}, versions: [{name: v1, served: true, storage: true}]}\n");
  Write("logs/lab/p/c.log", "2026-11-21T01:00:00Z first\nsecond\n");
  Write("logs/lab/p/c.previous.log", "died\n");
  auto simulator = Load();
  ASSERT_TRUE(simulator.ok()) << simulator.status();
  Store& store = (*simulator)->store();
  const ObjectPtr pod = store.Get(MustFind(store, "", "v1", "pods"), "lab", "p");
  ASSERT_NE(pod, nullptr);
  EXPECT_EQ(pod->uid, "given");
  EXPECT_EQ(pod->Parse()["status"]["phase"], "Running");
  EXPECT_NE(store.Get(MustFind(store, "", "v1", "namespaces"), "", "lab"), nullptr);
  EXPECT_NE(store.Get(MustFind(store, "", "v1", "configmaps"), "default", "m"), nullptr);
  EXPECT_NE(store.Get(MustFind(store, "x.example.com", "v1", "things"), "default", "t"), nullptr);
  std::vector<LogLine> lines;
  ASSERT_TRUE((*simulator)->logs().Read("given", "c", {}, &lines));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].text, "first");
  ASSERT_TRUE((*simulator)->logs().Read("given", "c", {.previous = true}, &lines));
  EXPECT_EQ(lines[0].text, "died");
}

TEST_F(SimulatorTest, AFolderThatCannotBeLoadedSaysWhereAndWhy) {
  EXPECT_EQ(
      base::DetailOf(
          Simulator::Create({.content = Content::kFolder, .cluster_dir = "/nowhere"}).status())
          .reason,
      "CLUSTER_DIR_UNREADABLE");
  const std::pair<const char*, const char*> cases[] = {
      {"kind: Pod\n", "bad.yaml:1: a manifest must have apiVersion and kind"},
      {"a: b: c\n", "yaml: line"},
      {"- 1\n", "a manifest must be a mapping"},
      {"apiVersion: v1\nkind: Podd\nmetadata: {name: x}\n", "no kind 'Podd' in version 'v1'"},
      {"apiVersion: v1\nkind: ConfigMap\n", "ConfigMap without metadata.name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\napiVersion: v1\nkind: "
       "ConfigMap\nmetadata: {name: x}\n",
       "bad.yaml:5: ConfigMap 'x' is given twice"},
      // As kubectl reads it: `n` is a word of YAML 1.1 for false.
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {nodeName: n}\n",
       "cannot unmarshal bool into Go struct field PodSpec.spec.nodeName of type string"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: few}\n",
       "bad.yaml:1: Deployment 'x': json: cannot unmarshal string into Go struct field "
       "DeploymentSpec.spec.replicas of type int32"}};
  for (const auto& [text, why] : cases) {
    Write("bad.yaml", text);
    EXPECT_THAT(Load().status().ToString(), HasSubstr(why)) << text;
  }
}

TEST_F(SimulatorTest, ThePythonClientListsWatchesAndPatches) {
  if (std::system("/usr/bin/python3 -c 'import kubernetes' >/dev/null 2>&1") != 0) {
    std::puts(
        "NOTE: python3-kubernetes is not installed: its judgement of the simulator is skipped.");
    GTEST_SKIP();
  }
  auto simulator = Simulator::Create({.content = Content::kDemo});
  ASSERT_TRUE((*simulator)->Start({.tls = true}).ok());
  Write("config", *(*simulator)->Kubeconfig());
  Write("judge.py", R"(
import sys
from kubernetes import client, config, watch
config.load_kube_config(sys.argv[1])
core, apps = client.CoreV1Api(), client.AppsV1Api()
pods = core.list_namespaced_pod("shop").items
assert any(p.metadata.name.startswith("nginx-") for p in pods)
first = core.list_pod_for_all_namespaces(limit=7)
assert len(first.items) == 7 and first.metadata._continue
assert "checkout" in core.read_namespaced_pod_log([p.metadata.name for p in pods if p.metadata.name.startswith("checkout-")][0], "shop")
scaled = apps.patch_namespaced_deployment_scale("nginx", "shop", {"spec": {"replicas": 4}})
assert scaled.spec.replicas == 4 and apps.read_namespaced_deployment("nginx", "shop").spec.replicas == 4
core.create_namespaced_config_map("shop", {"metadata": {"name": "seen"}, "data": {"a": "b"}})
names = [e["object"].metadata.name for e in watch.Watch().stream(core.list_namespaced_config_map, "shop", timeout_seconds=1)]
assert "seen" in names, names
review = client.AuthorizationV1Api().create_self_subject_access_review({"spec": {"resourceAttributes": {"verb": "delete", "resource": "nodes"}}})
assert review.status.allowed
try:
    core.read_namespaced_pod("absent", "shop"); assert False
except client.exceptions.ApiException as e:
    assert e.status == 404
print("judged")
)");
  const std::string out = (folder_ / "out").string();
  const int code = std::system(("HOME=" + folder_.string() + " timeout 180 /usr/bin/python3 " +
                                (folder_ / "judge.py").string() + " " +
                                (folder_ / "config").string() + " >" + out + " 2>&1")
                                   .c_str());
  std::ifstream in(out);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_EQ(code, 0) << text;
}

}  // namespace
}  // namespace opsmesh::kubesim
