// What kubelets do with hooks, probes, deadlines, secrets: states, events and logs in the words of
// 1.32.
#include <algorithm>

#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/behaviour/node_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KubeletTest : public NodesTest {
 protected:
  void SetUp() override {
    NodesTest::SetUp();
    AddNode("n1");
  }
  void Delete(const std::string& name, const Json& options = Json::object()) {
    ASSERT_FALSE(engine().client().Delete(engine().Type("", "pods"), "default", name, options));
  }
  /// How long until the pod is gone, in seconds; 1000 when it stays.
  int SecondsUntilGone(const std::string& name) {
    for (int i = 0; i < 200; ++i) {
      if (GetPod(name).is_null()) return i;
      Run(absl::Seconds(1));
    }
    return 1000;
  }
  int EventCount(const std::string& name, const std::string& reason) {
    int64_t count = 0;
    for (const ObjectPtr& object : engine().store().List(engine().Type("", "events")).objects) {
      const Json event = object->Parse();
      if (TextAt(event, {"involvedObject", "name"}) == name && TextAt(event, "reason") == reason)
        count += IntAt(event, "count", 1);
    }
    return static_cast<int>(count);
  }
  std::string Terminated(const std::string& name, const char* where = "lastState") {
    const Json container = Container(name);
    return fmt::format("{} {}", TextAt(container, {where, "terminated", "reason"}),
                       IntAt(container, {where, "terminated", "exitCode"}));
  }
};

TEST_F(KubeletTest, ANodeThatJoinsARunningClusterIsReadyBeforeTheNextRoundOfHeartbeats) {
  Run(absl::Seconds(13));
  AddNode("late");
  Run(absl::Seconds(1));
  const Json late = Get("nodes", "late");
  EXPECT_TRUE(std::ranges::any_of(ListAt(late, {"status", "conditions"}), [](const Json& one) {
    return TextAt(one, "type") == "Ready" && TextAt(one, "status") == "True";
  })) << late;
}

TEST_F(KubeletTest, APostStartHookRunsAndItsFilesStay) {
  Pod("hooked",
      "image: nginx, lifecycle: {postStart: {exec: {command: [sh, -c, 'sleep 3; touch "
      "/tmp/ready']}}}, readinessProbe: {exec: {command: "
      "[cat, /tmp/ready]}, periodSeconds: 1}");
  Run(absl::Seconds(6));
  EXPECT_FALSE(Ready("hooked")) << "the hook still sleeps";
  Run(absl::Seconds(6));
  EXPECT_TRUE(Ready("hooked"));
}

TEST_F(KubeletTest, AFailingPostStartHookEndsTheContainerAgainAndAgain) {
  Pod("hook",
      "image: busybox, command: [sleep, '3600'], lifecycle: {postStart: {exec: {command: [sh, -c, "
      "'echo broken; exit 9']}}}",
      "terminationGracePeriodSeconds: 1");
  Run(absl::Seconds(40));
  EXPECT_THAT(Events("hook"), Contains("FailedPostStartHook: PostStartHook failed"));
  EXPECT_THAT(Events("hook"), Contains("Killing: FailedPostStartHook"));
  EXPECT_GE(IntAt(Container("hook"), "restartCount"), 1);
  EXPECT_THAT(Waiting("hook"), ::testing::AnyOf("CrashLoopBackOff", "PostStartHookError"));
  EXPECT_EQ(Terminated("hook"), "Error 137");
}

TEST_F(KubeletTest, APreStopHookTakesFromTheGrace) {
  Pod("quick", "image: nginx, lifecycle: {preStop: {sleep: {seconds: 5}}}");
  Pod("slow", "image: nginx, lifecycle: {preStop: {exec: {command: [sleep, '300']}}}",
      "terminationGracePeriodSeconds: 10");
  Pod("broken", "image: nginx, lifecycle: {preStop: {exec: {command: ['false']}}}");
  Run(absl::Seconds(10));
  for (const char* name : {"quick", "slow", "broken"}) Delete(name);
  Run(absl::Seconds(1));
  EXPECT_THAT(Events("broken"), Contains("FailedPreStopHook: PreStopHook failed"));
  const int quick = SecondsUntilGone("quick");
  EXPECT_GE(quick, 4);
  EXPECT_LE(quick, 8);
  EXPECT_LE(SecondsUntilGone("slow"), 14);
}

TEST_F(KubeletTest, AnEndByForceIs137AndAnObedientOneIsNot) {
  Pod("deaf", "image: busybox, command: [sleep, '3600']",
      "restartPolicy: Never, terminationGracePeriodSeconds: 4");
  Pod("polite",
      "image: busybox, command: [sh, -c, 'trap \"echo bye; exit 7\" TERM; while true; do sleep 1; "
      "done']",
      "restartPolicy: Never");
  Run(absl::Seconds(8));
  for (const char* name : {"deaf", "polite"}) {
    (void)engine().client().Change(engine().Type("", "pods"), "default", name, [](Json& pod) {
      pod["metadata"]["finalizers"] = {"example.com/look"};
      return true;
    });
    Delete(name);
  }
  Run(absl::Seconds(10));
  EXPECT_EQ(Terminated("deaf", "state"), "Error 137");
  EXPECT_EQ(Terminated("polite", "state"), "Error 7");
  EXPECT_THAT(Events("deaf"), Contains("Killing: Stopping container c"));
}

TEST_F(KubeletTest, ADeletionWithoutGraceIsAtOnce) {
  Pod("deaf", "image: busybox, command: [sleep, '3600']");
  Run(absl::Seconds(8));
  Delete("deaf", {{"gracePeriodSeconds", 0}});
  EXPECT_LE(SecondsUntilGone("deaf"), 3);
}

TEST_F(KubeletTest, AStartupProbeHoldsTheOthersBackAndKillsWhenItNeverSucceeds) {
  Pod("late",
      "image: busybox, command: [sh, -c, 'sleep 20; touch /tmp/up; sleep 3600'], startupProbe: "
      "{exec: {command: [cat, /tmp/up]}, "
      "periodSeconds: 5, failureThreshold: 10}, livenessProbe: {exec: {command: [cat, /tmp/up]}, "
      "periodSeconds: 1, failureThreshold: 1}");
  Pod("never",
      "image: busybox, command: [sleep, '3600'], startupProbe: {tcpSocket: {port: 80}, "
      "periodSeconds: 2, failureThreshold: 3}",
      "terminationGracePeriodSeconds: 1");
  Run(absl::Seconds(15));
  EXPECT_FALSE(BoolAt(Container("late"), {"started"}));
  EXPECT_GE(IntAt(Container("never"), "restartCount"), 1);
  EXPECT_THAT(Events("never"),
              Contains("Killing: Container c failed startup probe, will be restarted"));
  EXPECT_THAT(Events("never"),
              Contains(HasSubstr("Unhealthy: Startup probe failed: dial tcp 10.244.")));
  Run(absl::Seconds(20));
  EXPECT_TRUE(Ready("late"));
  EXPECT_EQ(IntAt(Container("late"), "restartCount"), 0) << "liveness was not asked before";
}

TEST_F(KubeletTest, GrpcProbesNeedAServerThatSpeaksIt) {
  Pod("redis",
      "image: redis, livenessProbe: {grpc: {port: 6379}, periodSeconds: 2, failureThreshold: 2}",
      "terminationGracePeriodSeconds: 1");
  Pod("app",
      "image: 'registry.example.com/team/app:1', ports: [{containerPort: 50051}], readinessProbe: "
      "{grpc: {port: 50051}}");
  Run(absl::Seconds(20));
  EXPECT_GE(IntAt(Container("redis"), "restartCount"), 1);
  EXPECT_THAT(Events("redis"), Contains(HasSubstr("timeout: failed to connect service")));
  EXPECT_TRUE(Ready("app"));
}

TEST_F(KubeletTest, ProbesAskThePodItselfAtLocalhost) {
  Pod("self",
      "image: nginx, readinessProbe: {exec: {command: [curl, -fs, 'http://localhost:80/']}}, "
      "livenessProbe: {exec: {command: [sh, -c, "
      "'curl -f http://127.0.0.1:8080/']}, periodSeconds: 2, failureThreshold: 2}",
      "terminationGracePeriodSeconds: 1");
  Run(absl::Seconds(9));
  EXPECT_THAT(Events("self"), Not(Contains(HasSubstr("Readiness probe failed"))));
  EXPECT_THAT(Events("self"), Contains(HasSubstr("Failed to connect to 127.0.0.1 port 8080")));
}

TEST_F(KubeletTest, AClientOfAServerThatIsStillStartingSaysSo) {
  Pod("mysql",
      "image: 'mysql:8', env: [{name: MYSQL_ROOT_PASSWORD, value: x}], livenessProbe: {exec: "
      "{command: [mysqladmin, ping]}, periodSeconds: 30, "
      "initialDelaySeconds: 30}, readinessProbe: {exec: {command: [mysql, -h, 127.0.0.1, -e, "
      "SELECT 1]}, periodSeconds: 2}");
  Run(absl::Seconds(40));
  EXPECT_TRUE(Ready("mysql"));
  EXPECT_THAT(Events("mysql"),
              Contains("Unhealthy: Readiness probe failed: ERROR 2003 (HY000): Can't connect to "
                       "MySQL server on '127.0.0.1:3306' (111)\n"));
}

TEST_F(KubeletTest, TheDeadlineOfAPodEndsItWithGrace) {
  Pod("deadline", "image: busybox, command: [sleep, '3600']",
      "activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 6");
  Run(absl::Seconds(8));
  EXPECT_EQ(Phase("deadline"), "Running") << "its container has not ended yet";
  EXPECT_THAT(Events("deadline"), Contains("Killing: Stopping container c"));
  Run(absl::Seconds(8));
  EXPECT_EQ(Phase("deadline"), "Failed");
  EXPECT_EQ(TextAt(GetPod("deadline"), {"status", "reason"}), "DeadlineExceeded");
  EXPECT_EQ(TextAt(GetPod("deadline"), {"status", "message"}),
            "Pod was active on the node longer than the specified deadline");
  EXPECT_EQ(Terminated("deadline", "state"), "Error 137");
  EXPECT_EQ(EventCount("deadline", "DeadlineExceeded"), 1);
}

TEST_F(KubeletTest, TheBackOffIsForgottenAfterTenGoodMinutes) {
  Pod("flaky",
      "image: busybox, command: [sh, -c, 'if [ -f /tmp/never ]; then sleep 1; fi; sleep 700; exit "
      "1']");
  Run(absl::Seconds(715));
  EXPECT_EQ(IntAt(Container("flaky"), "restartCount"), 1) << "the first restart is at once";
  Run(absl::Seconds(705));
  EXPECT_EQ(IntAt(Container("flaky"), "restartCount"), 2) << "and so is one after a long run";
}

TEST_F(KubeletTest, PullSecretsThatAreAbsentAreToldOfAndThoseThatExistHelp) {
  Pod("without", "image: 'janedoe/jdoe-private:v1'", "imagePullSecrets: [{name: regcred}]");
  Run(absl::Seconds(30));
  EXPECT_EQ(Waiting("without"), "ImagePullBackOff");
  EXPECT_THAT(Events("without"), Contains("FailedToRetrieveImagePullSecret: Unable to retrieve "
                                          "some image pull secrets (regcred); attempting to pull "
                                          "the image may not succeed."));
  EXPECT_THAT(Events("without"),
              Contains(HasSubstr(
                  "pull access denied, repository does not exist or may require authorization")));
  Apply(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: regcred}\ntype: "
      "kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: e30=}");
  Run(absl::Minutes(2));
  EXPECT_TRUE(Ready("without"));
}

TEST_F(KubeletTest, NamesThatAreNoImagesAreSaidToBe) {
  Pod("upper", "image: 'UPPER:Case'");
  Pod("space", "image: 'nginx latest'");
  Pod("policy", "image: 'registry.example.com/team/app:1', imagePullPolicy: Never");
  Run(absl::Seconds(5));
  EXPECT_EQ(Waiting("upper"), "InvalidImageName");
  EXPECT_EQ(TextAt(Container("upper"), {"state", "waiting", "message"}),
            "Failed to apply default image tag \"UPPER:Case\": couldn't parse image name "
            "\"UPPER:Case\": invalid reference format: repository name "
            "(library/UPPER) must be lowercase");
  EXPECT_THAT(Events("upper"),
              Contains(HasSubstr("InspectFailed: Failed to apply default image tag")));
  EXPECT_EQ(Waiting("space"), "InvalidImageName");
  EXPECT_EQ(Waiting("policy"), "ErrImageNeverPull");
  EXPECT_THAT(Events("policy"),
              Contains("ErrImageNeverPull: Container image \"registry.example.com/team/app:1\" is "
                       "not present with pull policy of Never"));
}

TEST_F(KubeletTest, UsersThatAreRootBreakANonRootPolicy) {
  Pod("root", "image: nginx, securityContext: {runAsNonRoot: true}");
  Pod("zero", "image: nginx, securityContext: {runAsNonRoot: true, runAsUser: 0}");
  Pod("fine", "image: nginx, securityContext: {runAsNonRoot: true, runAsUser: 101}");
  Run(absl::Seconds(10));
  EXPECT_EQ(Waiting("root"), "CreateContainerConfigError");
  EXPECT_THAT(
      TextAt(Container("root"), {"state", "waiting", "message"}),
      HasSubstr("container has runAsNonRoot and image will run as root (pod: \"root_default("));
  EXPECT_THAT(TextAt(Container("zero"), {"state", "waiting", "message"}),
              HasSubstr("container's runAsUser breaks non-root policy"));
  EXPECT_TRUE(Ready("fine"));
}

TEST_F(KubeletTest, AScriptWithAWrongInterpreterDoesNotStart) {
  Apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata:\n  bash.sh: |\n    "
      "#!/bin/bash\n    echo hi\n  dos.sh: \"#!/bin/sh\\r\\necho hi\\r\\n\"\n"
      "  bare.sh: |\n    echo hi\n  good.sh: |\n    #!/bin/sh\n    echo hi; sleep 3600\n");
  for (const std::string name : {"bash", "dos", "bare", "good"}) {
    Pod(name,
        fmt::format("image: busybox, command: [/scripts/{}.sh], volumeMounts: [{{name: s, "
                    "mountPath: /scripts}}]",
                    name),
        "volumes: [{name: s, configMap: {name: scripts, defaultMode: 493}}]");
  }
  Run(absl::Seconds(15));
  EXPECT_THAT(Events("bash"),
              Contains(HasSubstr("exec: \"/scripts/bash.sh\": no such file or directory: unknown")))
      << "busybox has no bash";
  EXPECT_EQ(Terminated("dos"), "StartError 128");
  EXPECT_EQ(Terminated("bare"), "Error 255") << "exec format error";
  EXPECT_TRUE(Ready("good"));
  EXPECT_THAT(Log("good"), ElementsAre("hi"));
}

TEST_F(KubeletTest, RestartPoliciesByExitCode) {
  struct Case {
    const char* policy;
    const char* command;
    const char* phase;
    bool restarts;
  };
  const Case cases[] = {
      {"Always", "exit 0", "Running", true},       {"Always", "exit 1", "Running", true},
      {"OnFailure", "exit 0", "Succeeded", false}, {"OnFailure", "exit 1", "Running", true},
      {"Never", "exit 0", "Succeeded", false},     {"Never", "exit 1", "Failed", false}};
  for (size_t i = 0; i < std::size(cases); ++i)
    Pod(fmt::format("p{}", i),
        fmt::format("image: busybox, command: [sh, -c, '{}']", cases[i].command),
        fmt::format("restartPolicy: {}", cases[i].policy));
  Run(absl::Seconds(25));
  for (size_t i = 0; i < std::size(cases); ++i) {
    const std::string name = fmt::format("p{}", i);
    EXPECT_EQ(Phase(name), cases[i].phase) << cases[i].policy << " " << cases[i].command;
    EXPECT_EQ(IntAt(Container(name), "restartCount") > 0, cases[i].restarts)
        << cases[i].policy << " " << cases[i].command;
  }
}

TEST_F(KubeletTest, TheLogOfTheRunBeforeAndTheTerminationMessageAreKept) {
  Pod("talks",
      "image: busybox, command: [sh, -c, 'echo run; echo \"it was the disk\" > "
      "/dev/termination-log; exit 3']");
  Run(absl::Seconds(8));
  EXPECT_THAT(Log("talks", true), ElementsAre("run"));
  const Json container = Container("talks");
  EXPECT_EQ(TextAt(container, {"lastState", "terminated", "message"}), "it was the disk\n");
  EXPECT_GE(EventCount("talks", "BackOff"), 1);
  Run(absl::Minutes(3));
  EXPECT_GE(EventCount("talks", "BackOff"), 5) << "counted, not repeated";
}

TEST_F(KubeletTest, WhatIsSeenRunningBeatsTheTableOfImages) {
  // As in a copy of a real cluster: statuses say that they run, with settings that would not let a
  // new one start.
  for (const auto& [name, container] :
       {std::pair("db", "image: 'postgres:16.4'"),
        std::pair("odd", "image: nginx, command: [/opt/own/program]")}) {
    Apply(
        fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}, labels: {{app: "
                    "{0}}}}}\nspec: {{nodeName: n1, containers: "
                    "[{{name: c, {1}}}]}}",
                    name, container));
    (void)engine().client().Change(engine().Type("", "pods"), "default", name, [](Json& pod) {
      pod["status"] = {{"phase", "Running"},
                       {"startTime", "2025-11-30T01:00:00Z"},
                       {"podIP", "10.244.0.77"},
                       {"containerStatuses",
                        {{{"name", "c"},
                          {"ready", true},
                          {"started", true},
                          {"restartCount", 0},
                          {"image", "x"},
                          {"imageID", "x@sha256:0"},
                          {"state", {{"running", {{"startedAt", "2025-11-30T01:00:05Z"}}}}}}}}};
      return true;
    });
  }
  Run(absl::Minutes(10));
  for (const char* name : {"db", "odd"}) {
    EXPECT_TRUE(Ready(name)) << GetPod(name)["status"].dump();
    EXPECT_EQ(IntAt(Container(name), "restartCount"), 0) << name;
  }
  ASSERT_TRUE(simulator_->faults()->Inject("kill", "pod/default/db", {}).ok());
  Run(absl::Minutes(1));
  EXPECT_TRUE(Ready("db")) << "its data directory is initialised";
  EXPECT_EQ(IntAt(Container("db"), "restartCount"), 1);
}

TEST_F(KubeletTest, ANewNodeRegistersAndTellsWhatItIs) {
  Apply("apiVersion: v1\nkind: Node\nmetadata: {name: fresh}");
  Run(absl::Seconds(15));
  const Json node = Get("nodes", "fresh");
  EXPECT_EQ(TextAt(node, {"status", "nodeInfo", "kubeletVersion"}), "v1.32.4");
  EXPECT_EQ(TextAt(node, {"status", "nodeInfo", "machineID"}).size(), 32u);
  EXPECT_THAT(Events("fresh"), Contains("Starting: Starting kubelet."));
  EXPECT_THAT(Events("fresh"), Contains("NodeReady: Node fresh status is now: NodeReady"));
}

}  // namespace
}  // namespace opsmesh::kubesim
