// Journeys of pods through scheduler and kubelets, in virtual time.
#include <fmt/format.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/behaviour/node_testing.h"
#include "libs/kubesim/behaviour/scheduler/filters.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST_F(NodesTest, APodIsScheduledPulledStartedAndReady) {
  AddNode("n1");
  Pod("web", "image: 'nginx:1.27', ports: [{containerPort: 80}]");
  Run(absl::Seconds(10));
  const Json pod = GetPod("web");
  EXPECT_EQ(Phase("web"), "Running");
  EXPECT_TRUE(Ready("web"));
  EXPECT_EQ(TextAt(pod, {"spec", "nodeName"}), "n1");
  EXPECT_EQ(TextAt(pod, {"status", "hostIP"}), "192.168.7.9");
  EXPECT_TRUE(TextAt(pod, {"status", "podIP"}).starts_with("10.244."));
  EXPECT_EQ(TextAt(Container("web"), "image"), "docker.io/library/nginx:1.27");
  EXPECT_THAT(Events("web"),
              IsSupersetOf({std::string("Scheduled: Successfully assigned default/web to n1"),
                            std::string("Pulling: Pulling image \"nginx:1.27\""),
                            std::string("Created: Created container: c"),
                            std::string("Started: Started container c")}));
  EXPECT_THAT(Log("web"), Contains(HasSubstr("start worker processes")));
}

TEST_F(NodesTest, ADeletedPodIsStoppedGracefullyAndGoes) {
  AddNode("n1");
  Pod("web", "image: nginx");
  Pod("deaf", "image: busybox, command: [sleep, '3600']", "terminationGracePeriodSeconds: 20");
  Run(absl::Seconds(10));
  ASSERT_FALSE(
      engine().client().Delete(engine().Type("", "pods"), "default", "web", Json::object()));
  ASSERT_FALSE(
      engine().client().Delete(engine().Type("", "pods"), "default", "deaf", Json::object()));
  Run(absl::Seconds(3));
  EXPECT_TRUE(GetPod("web").is_null()) << "nginx obeys SIGTERM";
  EXPECT_TRUE(At(GetPod("deaf"), {"metadata", "deletionTimestamp"}).is_string())
      << "sleep as process 1 does not";
  Run(absl::Seconds(20));
  EXPECT_TRUE(GetPod("deaf").is_null());
}

TEST_F(NodesTest, AnImageThatIsNotThereIsPulledAgainAndAgain) {
  AddNode("n1");
  Pod("gone", "image: 'nginx:does-not-exist'");
  Pod("nobody", "image: 'no-company/product:1'");
  Pod("private", "image: 'registry.private.example.com/team/app:1'");
  Run(absl::Seconds(4));
  EXPECT_EQ(Waiting("gone"), "ErrImagePull");
  EXPECT_EQ(TextAt(Container("gone"), {"state", "waiting", "message"}),
            "rpc error: code = NotFound desc = failed to pull and unpack image "
            "\"docker.io/library/nginx:does-not-exist\": failed to resolve reference "
            "\"docker.io/library/nginx:does-not-exist\": docker.io/library/nginx:does-not-exist: "
            "not found");
  Run(absl::Minutes(3));
  EXPECT_EQ(Waiting("gone"), "ImagePullBackOff");
  EXPECT_EQ(Phase("gone"), "Pending");
  EXPECT_THAT(Events("gone"), Contains("BackOff: Back-off pulling image \"nginx:does-not-exist\""));
  EXPECT_THAT(Events("nobody"), Contains(HasSubstr("pull access denied")));
  EXPECT_THAT(Events("private"), Contains(HasSubstr("401 Unauthorized")));
}

TEST_F(NodesTest, ACrashingContainerBacksOffLongerAndLonger) {
  AddNode("n1");
  Pod("bad", "image: busybox, command: [sh, -c, 'echo hello; sleep 1; echo failing >&2; exit 3']");
  Run(absl::Seconds(45));
  EXPECT_EQ(Waiting("bad"), "CrashLoopBackOff");
  EXPECT_EQ(IntAt(Container("bad"), "restartCount"), 3);
  EXPECT_THAT(TextAt(Container("bad"), {"state", "waiting", "message"}),
              HasSubstr("back-off 40s restarting failed container=c pod=bad_default("));
  EXPECT_EQ(IntAt(Container("bad"), {"lastState", "terminated", "exitCode"}), 3);
  EXPECT_EQ(TextAt(Container("bad"), {"lastState", "terminated", "reason"}), "Error");
  EXPECT_THAT(Log("bad"), ElementsAre("hello", "failing"));
  EXPECT_THAT(Log("bad", true), ElementsAre("hello", "failing"));
  Run(absl::Hours(1));
  for (int i = 0; i < 5 && Waiting("bad").empty(); ++i) Run(absl::Seconds(3));
  EXPECT_THAT(TextAt(Container("bad"), {"state", "waiting", "message"}),
              HasSubstr("back-off 5m0s"));
  EXPECT_NEAR(static_cast<double>(IntAt(Container("bad"), "restartCount")), 16, 2);
}

TEST_F(NodesTest, RestartPoliciesDecideWhatAnEndMeans) {
  AddNode("n1");
  Pod("done", "image: busybox, command: ['true']", "restartPolicy: Never");
  Pod("failed", "image: busybox, command: [sh, -c, exit 7]", "restartPolicy: Never");
  Pod("again", "image: busybox, command: ['false']", "restartPolicy: OnFailure");
  Run(absl::Seconds(30));
  EXPECT_EQ(Phase("done"), "Succeeded");
  EXPECT_EQ(TextAt(Container("done"), {"state", "terminated", "reason"}), "Completed");
  EXPECT_EQ(Phase("failed"), "Failed");
  EXPECT_EQ(IntAt(Container("failed"), {"state", "terminated", "exitCode"}), 7);
  EXPECT_GE(IntAt(Container("again"), "restartCount"), 1);
}

TEST_F(NodesTest, CommandsThatAreNotThereEndAsARuntimeWordsIt) {
  AddNode("n1");
  Pod("typo", "image: nginx, command: [nginxx]");
  Pod("nopath", "image: busybox, command: [/bin/bash, -c, ls]");
  Pod("shell", "image: busybox, command: [sh, -c, 'frobnicate --now']");
  Run(absl::Seconds(12));
  EXPECT_EQ(IntAt(Container("typo"), {"lastState", "terminated", "exitCode"}), 128);
  EXPECT_EQ(TextAt(Container("typo"), {"lastState", "terminated", "reason"}), "StartError");
  EXPECT_THAT(TextAt(Container("typo"), {"lastState", "terminated", "message"}),
              HasSubstr("exec: \"nginxx\": executable file not found in $PATH: unknown"));
  EXPECT_THAT(Events("nopath"),
              Contains(HasSubstr(
                  "exec: \"/bin/bash\": stat /bin/bash: no such file or directory: unknown")));
  EXPECT_EQ(IntAt(Container("shell"), {"lastState", "terminated", "exitCode"}), 127);
  EXPECT_THAT(Log("shell"), Contains("sh: frobnicate: not found"));
}

TEST_F(NodesTest, MemoryBeyondTheLimitIsKilled) {
  AddNode("n1");
  Pod("hungry",
      "image: polinux/stress, command: [stress], args: [--vm, '1', --vm-bytes, 250M], resources: "
      "{limits: {memory: 100Mi}}");
  Pod("fits",
      "image: polinux/stress, command: [stress], args: [--vm, '1', --vm-bytes, 50M], resources: "
      "{limits: {memory: 100Mi}}");
  Run(absl::Seconds(20));
  EXPECT_EQ(TextAt(Container("hungry"), {"lastState", "terminated", "reason"}), "OOMKilled");
  EXPECT_EQ(IntAt(Container("hungry"), {"lastState", "terminated", "exitCode"}), 137);
  EXPECT_TRUE(Ready("fits"));
}

TEST_F(NodesTest, WhatIsReferencedAndMissingKeepsAContainerFromBeingMade) {
  AddNode("n1");
  Pod("env", "image: nginx, envFrom: [{configMapRef: {name: settings}}]");
  Pod("key", "image: nginx, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: nokey}}}]");
  Pod("volume", "image: nginx, volumeMounts: [{name: v, mountPath: /v}]",
      "volumes: [{name: v, configMap: {name: nowhere}}]");
  Apply("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==}");
  Run(absl::Seconds(30));
  EXPECT_EQ(Waiting("env"), "CreateContainerConfigError");
  EXPECT_EQ(TextAt(Container("env"), {"state", "waiting", "message"}),
            "configmap \"settings\" not found");
  EXPECT_EQ(TextAt(Container("key"), {"state", "waiting", "message"}),
            "couldn't find key nokey in Secret default/s");
  EXPECT_EQ(Waiting("volume"), "ContainerCreating");
  EXPECT_THAT(Events("volume"), Contains("FailedMount: MountVolume.SetUp failed for volume \"v\" : "
                                         "configmap \"nowhere\" not found"));
  Apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {A: b}\n---\napiVersion: "
      "v1\nkind: ConfigMap\nmetadata: {name: nowhere}\ndata: {}");
  Run(absl::Minutes(2));
  EXPECT_TRUE(Ready("env"));
  EXPECT_TRUE(Ready("volume"));
}

TEST_F(NodesTest, ProbesAreJudgedByWhatIsServed) {
  AddNode("n1");
  Pod("path",
      "image: nginx, readinessProbe: {httpGet: {path: /healthz, port: 80}, periodSeconds: 5}");
  Pod("port",
      "image: nginx, livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 5, failureThreshold: "
      "2}");
  Pod("good",
      "image: nginx, readinessProbe: {httpGet: {path: /, port: 80}}, livenessProbe: {httpGet: "
      "{path: /index.html, port: 80}}");
  Pod("exec",
      "image: busybox, command: [sh, -c, 'touch /tmp/ok; sleep 30; rm -f /tmp/ok; sleep 600'], "
      "livenessProbe: {exec: {command: [cat, /tmp/ok]}, periodSeconds: 5}");
  Pod("redis", "image: redis, readinessProbe: {exec: {command: [redis-cli, ping]}}");
  Run(absl::Seconds(32));
  EXPECT_TRUE(Ready("exec"));
  Run(absl::Seconds(90));
  EXPECT_FALSE(Ready("path"));
  EXPECT_THAT(
      Events("path"),
      Contains("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404"));
  EXPECT_GE(IntAt(Container("port"), "restartCount"), 2);
  EXPECT_THAT(Events("port"), Contains(HasSubstr("connect: connection refused")));
  EXPECT_THAT(Events("port"),
              Contains("Killing: Container c failed liveness probe, will be restarted"));
  EXPECT_TRUE(Ready("good"));
  EXPECT_EQ(IntAt(Container("good"), "restartCount"), 0);
  EXPECT_EQ(IntAt(Container("exec"), "restartCount"), 1);
  EXPECT_EQ(IntAt(Container("exec"), {"lastState", "terminated", "exitCode"}), 137)
      << "sh does not hear SIGTERM";
  EXPECT_THAT(Events("exec"),
              Contains(HasSubstr(
                  "Liveness probe failed: cat: can't open '/tmp/ok': No such file or directory")));
  EXPECT_TRUE(Ready("redis"));
}

TEST_F(NodesTest, InitContainersRunInOrderAndSidecarsStay) {
  AddNode("n1");
  Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Never\n  "
      "initContainers:\n"
      "  - {name: first, image: busybox, command: [sh, -c, sleep 5]}\n"
      "  - {name: side, image: busybox, command: [sleep, '10000'], restartPolicy: Always}\n"
      "  containers: [{name: c, image: busybox, command: [sh, -c, echo work; sleep 5]}]");
  Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: stuck}\nspec:\n  initContainers: [{name: wait, "
      "image: busybox, command: [sh, -c, 'until nslookup later; do echo waiting; sleep 2; "
      "done']}]\n"
      "  containers: [{name: c, image: nginx}]");
  Run(absl::Seconds(4));
  EXPECT_EQ(Waiting("p"), "PodInitializing");
  Run(absl::Seconds(8));
  EXPECT_EQ(Phase("p"), "Running");
  Run(absl::Seconds(60));
  EXPECT_EQ(Phase("p"), "Succeeded");
  EXPECT_EQ(Phase("stuck"), "Pending");
  Apply(
      "apiVersion: v1\nkind: Service\nmetadata: {name: later}\nspec: {selector: {app: x}, ports: "
      "[{port: 80}]}");
  Run(absl::Seconds(15));
  EXPECT_EQ(Phase("stuck"), "Running") << "the init container sees the Service";
}

TEST_F(NodesTest, PendingPodsSayWhyAsARealSchedulerDoes) {
  AddNode("n1", "2", "4Gi");
  AddNode("n2", "2", "4Gi", "spec: {taints: [{key: team, value: gpu, effect: NoSchedule}]}");
  AddNode("n3", "2", "4Gi", "spec: {unschedulable: true}");
  Pod("big", "image: nginx, resources: {requests: {cpu: '3'}}");
  Pod("picky", "image: nginx", "nodeSelector: {disk: ssd}");
  Pod("claim", "image: nginx", "volumes: [{name: d, persistentVolumeClaim: {claimName: nothing}}]");
  Run(absl::Seconds(2));
  EXPECT_EQ(WhyPending("big"),
            "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {team: "
            "gpu}, 1 node(s) were unschedulable. "
            "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
            "2 Preemption is not helpful for scheduling.");
  EXPECT_EQ(WhyPending("picky"),
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 "
            "node(s) had untolerated taint {team: gpu}, "
            "1 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is "
            "not helpful for scheduling.");
  EXPECT_EQ(WhyPending("claim"),
            "0/3 nodes are available: persistentvolumeclaim \"nothing\" not found. preemption: 0/3 "
            "nodes are available: 3 Preemption is not helpful for scheduling.");
  AddNode("n4", "8", "4Gi");
  Run(absl::Seconds(15));
  EXPECT_EQ(TextAt(GetPod("big"), {"spec", "nodeName"}), "n4");
  const auto answer = scheduling::Judge(scheduling::ClusterView::FromStore(engine().store()),
                                        *scheduling::ReadPod(GetPod("picky")));
  EXPECT_EQ(answer.refused.size(), 4u);
}

TEST_F(NodesTest, ImportantPodsMakeRoomForThemselves) {
  AddNode("n1", "2", "4Gi");
  Apply(
      "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000");
  Pod("low", "image: nginx, resources: {requests: {cpu: 1500m}}");
  Run(absl::Seconds(10));
  ASSERT_EQ(Phase("low"), "Running");
  Pod("high", "image: nginx, resources: {requests: {cpu: '1'}}",
      "priorityClassName: high, priority: 1000");
  Run(absl::Seconds(45));
  EXPECT_TRUE(GetPod("low").is_null());
  EXPECT_EQ(Phase("high"), "Running");
}

TEST_F(NodesTest, AntiAffinityAndSpreadKeepPodsApart) {
  for (const char* name : {"n1", "n2"}) AddNode(name);
  const std::string apart =
      "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
      "[{labelSelector: {matchExpressions: [{key: app, operator: In, values: [a, b, d]}]}, "
      "topologyKey: kubernetes.io/hostname}]}}";
  for (const char* name : {"a", "b", "d"}) Pod(name, "image: nginx", apart);
  Run(absl::Seconds(10));
  std::vector<std::string> nodes;
  int pending = 0;
  for (const char* name : {"a", "b", "d"}) {
    const std::string node = TextAt(GetPod(name), {"spec", "nodeName"});
    if (node.empty()) {
      ++pending;
      EXPECT_THAT(WhyPending(name), HasSubstr("2 node(s) didn't match pod anti-affinity rules"));
    } else {
      nodes.push_back(node);
    }
  }
  EXPECT_EQ(pending, 1);
  EXPECT_THAT(nodes, ::testing::UnorderedElementsAre("n1", "n2"));
}

TEST_F(NodesTest, HundredsOfPodsAreSpreadOverManyNodesAndRun) {
  for (int i = 0; i < 20; ++i) AddNode(fmt::format("n{:03}", i), "8", "32Gi");
  const absl::Time begin = absl::Now();
  for (int i = 0; i < 300; ++i)
    Pod(fmt::format("p{}", i), "image: nginx, resources: {requests: {cpu: 100m, memory: 64Mi}}");
  const absl::Time made = absl::Now();
  Run(absl::Minutes(1));
  const absl::Time ran = absl::Now();
  std::map<std::string, int> on;
  for (const ObjectPtr& object : engine().store().List(engine().Type("", "pods")).objects) {
    const Json pod = object->Parse();
    EXPECT_EQ(TextAt(pod, {"status", "phase"}), "Running") << object->name;
    ++on[TextAt(pod, {"spec", "nodeName"})];
  }
  EXPECT_EQ(on.size(), 20u);
  for (const auto& [node, count] : on) EXPECT_NEAR(count, 300.0 / 20, 6) << node;
  std::printf("300 pods: made in %s, scheduled and run in %s\n",
              absl::FormatDuration(made - begin).c_str(), absl::FormatDuration(ran - made).c_str());
}

TEST_F(NodesTest, FaultsBreakAndClearingMends) {
  AddNode("n1");
  AddNode("n2");
  Apply(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  replicas: 2\n  "
      "selector: {matchLabels: {app: cart}}\n  template:\n    metadata: {labels: {app: cart}}\n"
      "    spec: {containers: [{name: c, image: 'registry.example.com/shop/cart:1', ports: "
      "[{containerPort: 8080}], resources: {limits: {memory: 128Mi}}, readinessProbe: {httpGet: "
      "{path: /ready, port: 8080}}}]}");
  Run(absl::Seconds(30));
  Faults& faults = *simulator_->faults();
  auto ready = [&] {
    return IntAt(Get("deployments", "cart", "apps"), {"status", "readyReplicas"});
  };
  ASSERT_EQ(ready(), 2);
  for (const char* kind : {"crash", "memory-leak", "probe-failure", "image-pull"}) {
    auto fault = faults.Inject(kind, "deployment/default/cart", {});
    ASSERT_TRUE(fault.ok()) << fault.status();
    Run(absl::Minutes(1));
    EXPECT_EQ(ready(), 0) << kind;
    ASSERT_TRUE(faults.Clear(fault->id).ok());
    Run(absl::Minutes(6));
    EXPECT_EQ(ready(), 2) << kind;
  }
  auto pressure = faults.Inject("disk-pressure", "node/n1", {});
  ASSERT_TRUE(pressure.ok());
  Run(absl::Seconds(15));
  EXPECT_THAT(Get("nodes", "n1").dump(), HasSubstr("kubelet has disk pressure"));
  EXPECT_EQ(faults.ClearAll(), 1u);
  Run(absl::Seconds(15));
  EXPECT_THAT(Get("nodes", "n1").dump(), Not(HasSubstr("kubelet has disk pressure")));
  EXPECT_FALSE(faults.Inject("crash", "deployment/default/nobody", {}).ok());
  EXPECT_FALSE(faults.Inject("crash", "node/n1", {}).ok());
  EXPECT_FALSE(faults.Inject("crash", "deployment/default/cart", {{"code", "many"}}).ok());
  EXPECT_FALSE(faults.Inject("earthquake", "cluster", {}).ok());
  EXPECT_FALSE(faults.Clear("fault-99").ok());
}

TEST_F(NodesTest, AStoppedKubeletIsMissedAndComesBack) {
  AddNode("n1");
  AddNode("n2");
  Run(absl::Seconds(20));
  auto renewed = [&](const char* node) {
    const ObjectPtr lease = engine().store().Get(engine().Type("coordination.k8s.io", "leases"),
                                                 "kube-node-lease", node);
    return lease ? TextAt(lease->Parse(), {"spec", "renewTime"}) : "";
  };
  auto fault = simulator_->faults()->Inject("kubelet-stopped", "node/n1", {});
  ASSERT_TRUE(fault.ok());
  const std::string before = renewed("n1"), other = renewed("n2");
  Run(absl::Minutes(1));
  EXPECT_EQ(renewed("n1"), before);
  EXPECT_NE(renewed("n2"), other);
  ASSERT_TRUE(simulator_->faults()->Clear(fault->id).ok());
  Run(absl::Seconds(30));
  EXPECT_NE(renewed("n1"), before);
}

}  // namespace
}  // namespace opsmesh::kubesim
