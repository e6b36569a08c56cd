// kubectl is the judge: the real client against the simulator's door.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kubesim {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

struct Output {
  int code = -1;
  std::string text;  // both streams
};

class KubectlTest : public testing::TestWithParam<bool> {
 protected:
  static void SetUpTestSuite() {
    if (std::system("command -v kubectl >/dev/null 2>&1") != 0) {
      std::puts("NOTE: there is no kubectl on PATH: its judgement of the simulator is skipped.");
    }
  }

  void SetUp() override {
    if (std::system("command -v kubectl >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "no kubectl on PATH";
    std::string pattern = (std::filesystem::temp_directory_path() / "kubesim-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    auto simulator = Simulator::Create({.content = Content::kDemo});
    ASSERT_TRUE(simulator.ok()) << simulator.status();
    simulator_ = *std::move(simulator);
    ASSERT_TRUE(simulator_->Start({.tls = GetParam()}).ok());
    std::ofstream(home_ / "config") << *simulator_->Kubeconfig();
  }
  void TearDown() override {
    simulator_.reset();
    if (!home_.empty()) std::filesystem::remove_all(home_);
  }

  Output Kubectl(const std::string& arguments) {
    const std::string command = "HOME=" + home_.string() +
                                " KUBECONFIG=" + (home_ / "config").string() +
                                " timeout 30 kubectl " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    Output output;
    char buffer[4096];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), pipe)) > 0) output.text.append(buffer, got);
    output.code = WEXITSTATUS(pclose(pipe));
    return output;
  }

  std::filesystem::path home_;
  std::unique_ptr<Simulator> simulator_;
};

TEST_P(KubectlTest, ListsThePodsOfTheShopWithTheirTroubles) {
  const Output pods = Kubectl("get pods -n shop");
  EXPECT_EQ(pods.code, 0) << pods.text;
  EXPECT_THAT(pods.text, HasSubstr("NAME "));
  EXPECT_THAT(pods.text, ContainsRegex("nginx-[a-z0-9]+-[a-z0-9]+ +1/1 +Running +0"));
  EXPECT_THAT(
      pods.text,
      ContainsRegex("checkout-[a-z0-9]+-[a-z0-9]+ +0/1 +(CrashLoopBackOff|Error|Running) +[0-9]+"));
  EXPECT_THAT(pods.text,
              ContainsRegex(
                  "recommender-[a-z0-9-]+ +[01]/1 +(CrashLoopBackOff|OOMKilled|Running) +[0-9]+"));
  EXPECT_THAT(pods.text, ContainsRegex("search-[a-z0-9-]+ +0/1 +Running"));
  EXPECT_THAT(pods.text, ContainsRegex("promo-[a-z0-9-]+ +0/1 +CreateContainerConfigError"));
}

TEST_P(KubectlTest, ListsEveryKindItKnows) {
  for (const char* kind :
       {"nodes", "deploy,rs,sts,ds,job,cj", "svc,ep,endpointslices,ing", "cm,secret,sa",
        "pv,pvc,sc", "hpa,pdb", "events", "leases", "priorityclasses",
        "clusterroles,clusterrolebindings", "ns", "ingressclass", "all"}) {
    const Output output = Kubectl(std::string("get -A -o wide ") + kind);
    EXPECT_EQ(output.code, 0) << kind << ": " << output.text;
    EXPECT_THAT(output.text, Not(HasSubstr("No resources"))) << kind;
  }
}

TEST_P(KubectlTest, DescribesAPodWithItsEvents) {
  const Output pod = Kubectl("describe pod -n shop -l app=checkout");
  EXPECT_EQ(pod.code, 0) << pod.text;
  EXPECT_THAT(pod.text, HasSubstr("Exit Code:    1"));
  EXPECT_THAT(pod.text, HasSubstr("Back-off restarting failed container"));
  EXPECT_THAT(pod.text, HasSubstr("<set to the key 'password' in secret 'checkout-db'>"));
}

TEST_P(KubectlTest, DescribesDeploymentsNodesServicesAndAutoscalers) {
  EXPECT_THAT(Kubectl("describe deploy -n payments payment-api").text,
              HasSubstr("ProgressDeadlineExceeded"));
  EXPECT_THAT(Kubectl("describe node node-4").text,
              HasSubstr("Kubelet stopped posting node status."));
  EXPECT_THAT(Kubectl("describe svc -n shop cart").text,
              ContainsRegex("Endpoints: +\n|Endpoints: +<none>"));
  EXPECT_THAT(Kubectl("describe ing -n shop shop").text, HasSubstr("admin-portal"));
  EXPECT_THAT(Kubectl("describe hpa -n shop frontend").text, HasSubstr("FailedGetResourceMetric"));
}

TEST_P(KubectlTest, ReadsLogsOfThisRunAndTheOneBefore) {
  const Output now = Kubectl("logs -n shop deploy/checkout --tail=20");
  EXPECT_EQ(now.code, 0) << now.text;
  EXPECT_THAT(now.text, HasSubstr("checkout 2.4.1 starting"));
  const Output before = Kubectl("logs -n shop deploy/checkout --previous --timestamps");
  EXPECT_THAT(before.text, HasSubstr("password authentication failed"));
  EXPECT_THAT(before.text, ContainsRegex("20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T"));
  const Output none = Kubectl("logs -n shop deploy/cart --previous");
  EXPECT_NE(none.code, 0);
  EXPECT_THAT(none.text, HasSubstr("previous terminated container \"cart\" in pod"));
}

TEST_P(KubectlTest, ShowsTheThreeRevisionsOfARollout) {
  const Output history = Kubectl("rollout history -n shop deploy/nginx");
  EXPECT_EQ(history.code, 0) << history.text;
  EXPECT_THAT(history.text, ContainsRegex("1 +first release"));
  EXPECT_THAT(history.text, ContainsRegex("3 +nginx 1.27.2: security update"));
}

TEST_P(KubectlTest, SaysNotFoundAsTheRealServerDoes) {
  const Output output = Kubectl("get pod -n shop absent");
  EXPECT_EQ(output.code, 1);
  EXPECT_THAT(output.text, HasSubstr("Error from server (NotFound): pods \"absent\" not found"));
  EXPECT_THAT(Kubectl("get gadgets").text,
              HasSubstr("the server doesn't have a resource type \"gadgets\""));
}

TEST_P(KubectlTest, CreatesAppliesPatchesAndDeletes) {
  EXPECT_THAT(Kubectl("create namespace lab").text, HasSubstr("namespace/lab created"));
  EXPECT_THAT(Kubectl("create configmap settings -n lab --from-literal=a=1").text,
              HasSubstr("configmap/settings created"));
  std::ofstream(home_ / "web.yaml")
      << "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: lab}\n"
         "spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: "
         "{app: web}}, "
         "spec: {containers: [{name: web, image: 'nginx:1.27.2'}]}}}\n";
  const std::string file = (home_ / "web.yaml").string();
  EXPECT_THAT(Kubectl("apply -f " + file).text, HasSubstr("deployment.apps/web created"));
  EXPECT_THAT(Kubectl("apply -f " + file).text, HasSubstr("deployment.apps/web unchanged"));
  EXPECT_THAT(Kubectl("apply --server-side --force-conflicts -f " + file).text,
              HasSubstr("deployment.apps/web serverside-applied"));
  EXPECT_THAT(Kubectl("diff -f " + file).text, Not(HasSubstr("Error")));
  EXPECT_THAT(Kubectl("scale -n lab deploy/web --replicas=5").text,
              HasSubstr("deployment.apps/web scaled"));
  EXPECT_THAT(Kubectl("set image -n lab deploy/web web=nginx:1.26.2").text,
              HasSubstr("image updated"));
  EXPECT_THAT(Kubectl("rollout restart -n lab deploy/web").text, HasSubstr("restarted"));
  EXPECT_THAT(Kubectl("get deploy -n lab web -o jsonpath='{.spec.replicas} "
                      "{.spec.template.spec.containers[0].image}'")
                  .text,
              HasSubstr("5 nginx:1.26.2"));
  EXPECT_THAT(Kubectl("label -n lab cm settings team=x").text, HasSubstr("labeled"));
  EXPECT_THAT(Kubectl("patch -n lab cm settings -p '{\"data\":{\"b\":\"2\"}}'").text,
              HasSubstr("patched"));
  EXPECT_THAT(Kubectl("delete -n lab cm settings").text, HasSubstr("deleted"));
  EXPECT_THAT(Kubectl("create deployment bad_name -n lab --image=x").text,
              HasSubstr("is invalid: metadata.name"));
}

TEST_P(KubectlTest, UndoesARolloutCordonsAndAnswersWhoMayWhat) {
  EXPECT_THAT(Kubectl("rollout undo -n shop deploy/nginx --to-revision=2").text,
              HasSubstr("rolled back"));
  EXPECT_THAT(Kubectl("get deploy -n shop nginx -o jsonpath={..image}").text,
              HasSubstr("nginx:1.26.2"));
  EXPECT_THAT(Kubectl("cordon node-3").text, HasSubstr("node/node-3 cordoned"));
  EXPECT_THAT(Kubectl("get node node-3").text, HasSubstr("SchedulingDisabled"));
  EXPECT_THAT(Kubectl("auth can-i delete nodes").text, HasSubstr("yes"));
  EXPECT_THAT(Kubectl("auth can-i delete nodes --as ann").text, HasSubstr("no"));
  // kubectl asks who it is since 1.27.
  if (Kubectl("auth -h").text.find("whoami") != std::string::npos) {
    EXPECT_THAT(Kubectl("auth whoami").text, HasSubstr("kubernetes-admin"));
  }
  EXPECT_THAT(Kubectl("get pods -n shop --as ann").text,
              HasSubstr("User \"ann\" cannot list resource \"pods\""));
}

TEST_P(KubectlTest, ShowsWhatPodsAndNodesUse) {
  const Output pods = Kubectl("top pods -n shop");
  EXPECT_EQ(pods.code, 0) << pods.text;
  EXPECT_THAT(pods.text, ContainsRegex("nginx-[a-z0-9-]+ +[0-9]+m +[0-9]+Mi"));
  const Output nodes = Kubectl("top nodes");
  EXPECT_THAT(nodes.text, ContainsRegex("node-2 +[0-9]+m +[0-9]+% +[0-9]+Mi +[0-9]+%"));
  EXPECT_THAT(nodes.text, ContainsRegex("node-4 +<unknown>"));
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, KubectlTest, testing::Bool(),
                         [](const auto& door) { return door.param ? "Tls" : "Plain"; });

}  // namespace
}  // namespace opsmesh::kubesim
