// kubectl is the judge of a living cluster, in real time.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kubesim {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

struct Answer {
  int code = -1;
  std::string text;  // both streams
};

class LiveKubectlTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v kubectl >/dev/null 2>&1") != 0) {
      GTEST_SKIP()
          << "NOTE: there is no kubectl on PATH: its judgement of the living cluster is skipped.";
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "kubesim-live-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    auto simulator = Simulator::Create({.content = Content::kDemo, .live = true});
    ASSERT_TRUE(simulator.ok()) << simulator.status();
    simulator_ = *std::move(simulator);
    ASSERT_TRUE(simulator_->Start({}).ok());
    std::ofstream(home_ / "config") << *simulator_->Kubeconfig();
  }
  void TearDown() override {
    simulator_.reset();
    if (!home_.empty()) std::filesystem::remove_all(home_);
  }
  Answer Kubectl(const std::string& arguments) {
    const std::string command = "HOME=" + home_.string() +
                                " KUBECONFIG=" + (home_ / "config").string() +
                                " timeout 180 kubectl " + arguments + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    Answer answer;
    char buffer[4096];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), pipe)) > 0) answer.text.append(buffer, got);
    answer.code = WEXITSTATUS(pclose(pipe));
    return answer;
  }

  /// Asks again until the answer matches, at most 150 s and its own time: kubectl before 1.23 waits
  /// for conditions only.
  void Until(const std::string& arguments, const std::string& regex) {
    for (int i = 0; i < 600 && !std::regex_search(Kubectl(arguments).text, std::regex(regex));
         ++i) {
      struct timespec pause = {0, 250'000'000};
      nanosleep(&pause, nullptr);
    }
  }

  std::filesystem::path home_;
  std::unique_ptr<Simulator> simulator_;
};

TEST_F(LiveKubectlTest, APodIsRunWaitedForReadAndDeleted) {
  ASSERT_EQ(Kubectl("run web --image=nginx:1.27 --port=80").code, 0);
  const Answer ready = Kubectl("wait pod/web --for=condition=Ready --timeout=170s");
  EXPECT_EQ(ready.code, 0) << ready.text << Kubectl("describe pod web").text;
  EXPECT_THAT(Kubectl("logs web").text, HasSubstr("start worker processes"));
  const Answer described = Kubectl("describe pod web");
  EXPECT_THAT(described.text, HasSubstr("Successfully assigned default/web to node-"));
  EXPECT_THAT(described.text, HasSubstr("Started container web"));
  EXPECT_EQ(Kubectl("delete pod web --timeout=170s").code, 0);
  EXPECT_THAT(Kubectl("get pod web").text, HasSubstr("not found"));
}

TEST_F(LiveKubectlTest, CommandsRunAtOnceAndTheControlPlaneIsWell) {
  const Answer ran = Kubectl("-n shop exec deploy/nginx -- echo here");
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.text, HasSubstr("here"));
  const Answer parts = Kubectl("get cs");
  for (const char* part : {"controller-manager", "etcd-0", "scheduler"})
    EXPECT_THAT(parts.text, ContainsRegex(std::string(part) + " +Healthy +ok"));
  EXPECT_THAT(Kubectl("get cs scheduler -o name").text, HasSubstr("componentstatus/scheduler"));
  EXPECT_THAT(Kubectl("get cs nobody").text, HasSubstr("not found"));
}

TEST_F(LiveKubectlTest, LogsAreFollowedAndThePreviousRunIsKept) {
  ASSERT_EQ(Kubectl("run count --image=busybox --restart=Never -- sh -c 'for i in 1 2 3; do echo "
                    "tick $i; sleep 1; done'")
                .code,
            0);
  Until("get pod count", "Running|Completed");
  const Answer followed = Kubectl("logs -f count");
  EXPECT_EQ(followed.code, 0);
  EXPECT_EQ(followed.text, "tick 1\ntick 2\ntick 3\n");
  ASSERT_EQ(Kubectl("run crash --image=busybox -- sh -c 'echo about to fail; exit 5'").code, 0);
  Until("get pod crash", "0/1 +[A-Za-z]+ +[1-9]");
  EXPECT_EQ(Kubectl("logs crash --previous").text, "about to fail\n");
  EXPECT_THAT(Kubectl("get pod crash").text,
              ContainsRegex("0/1 +(Error|CrashLoopBackOff|Completed)"));
}

TEST_F(LiveKubectlTest, ADeploymentIsRolledOutScaledAndItsNodeDrained) {
  ASSERT_EQ(Kubectl("create deployment hello --image=nginx:1.27 --replicas=2").code, 0);
  EXPECT_EQ(Kubectl("rollout status deployment/hello --timeout=170s").code, 0)
      << Kubectl("get pods -o wide").text;
  ASSERT_EQ(Kubectl("scale deployment hello --replicas=4").code, 0);
  EXPECT_EQ(Kubectl("rollout status deployment/hello --timeout=170s").code, 0);
  ASSERT_EQ(Kubectl("set image deployment/hello nginx=nginx:no-such-tag").code, 0);
  EXPECT_NE(Kubectl("rollout status deployment/hello --timeout=6s").code, 0);
  Until("get pods -l app=hello", "ErrImagePull|ImagePullBackOff");
  EXPECT_THAT(Kubectl("get pods -l app=hello").text,
              ContainsRegex("(ErrImagePull|ImagePullBackOff)"));
  EXPECT_EQ(Kubectl("rollout undo deployment/hello").code, 0);
  EXPECT_EQ(Kubectl("rollout status deployment/hello --timeout=170s").code, 0);
  const Answer drained = Kubectl(
      "drain node-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=170s "
      "--pod-selector=app=hello");
  EXPECT_EQ(drained.code, 0) << drained.text;
  EXPECT_THAT(Kubectl("get pods -l app=hello -o wide").text, Not(HasSubstr("node-2")));
  EXPECT_EQ(Kubectl("uncordon node-2").code, 0);
}

}  // namespace
}  // namespace opsmesh::kubesim
