// Every filter and score of the scheduler, in the words of 1.32.
#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/scheduler_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST_F(SchedulerTest, RequestsCountInitContainersSidecarsAndOverhead) {
  Node("n1", "");
  auto fits = [&](const std::string& spec) { return !Judge(spec).feasible.empty(); };
  EXPECT_TRUE(
      fits("containers: [{name: a, image: i, resources: {requests: {cpu: '2'}}}, {name: b, image: "
           "i, resources: "
           "{requests: {cpu: '2'}}}]"));
  EXPECT_FALSE(
      fits("containers: [{name: a, image: i, resources: {requests: {cpu: '2'}}}, {name: b, image: "
           "i, resources: "
           "{requests: {cpu: 2001m}}}]"));
  // Init containers run one after the other, before the rest: the largest counts alone.
  EXPECT_TRUE(
      fits("initContainers: [{name: i, image: i, resources: {requests: {cpu: '4'}}}, {name: j, "
           "image: i, resources: "
           "{requests: {cpu: '3'}}}], containers: [{name: a, image: i, resources: {requests: {cpu: "
           "'1'}}}]"));
  // A sidecar runs beside both.
  EXPECT_FALSE(fits(
      "initContainers: [{name: s, image: i, restartPolicy: Always, resources: {requests: {cpu: "
      "'1'}}}, {name: "
      "i, image: i, resources: {requests: {cpu: 3500m}}}], containers: [{name: a, image: i}]"));
  EXPECT_FALSE(
      fits("initContainers: [{name: s, image: i, restartPolicy: Always, resources: {requests: "
           "{cpu: '2'}}}], "
           "containers: [{name: a, image: i, resources: {requests: {cpu: 2500m}}}]"));
  EXPECT_FALSE(
      fits("overhead: {cpu: '1'}, containers: [{name: a, image: i, resources: {requests: {cpu: "
           "3500m}}}]"));
  EXPECT_TRUE(
      fits("overhead: {cpu: '1'}, containers: [{name: a, image: i, resources: {requests: {cpu: "
           "'3'}}}]"));
  EXPECT_EQ(Judge("containers: [{name: a, image: i, resources: {requests: {cpu: '5', memory: 9Gi, "
                  "nvidia.com/gpu: '1'}}}]")
                .Sentence(),
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Insufficient "
            "nvidia.com/gpu.");
}

TEST_F(SchedulerTest, ANodeHoldsSoManyPodsSoMuchDiskAndSoManyDevices) {
  Node("n1", "", "",
       "cpu: '4', memory: 8Gi, pods: '1', ephemeral-storage: 10Gi, nvidia.com/gpu: '2'");
  EXPECT_FALSE(Judge("containers: [{name: a, image: i, resources: {limits: {nvidia.com/gpu: '2'}, "
                     "requests: {nvidia.com/gpu: '2'}}}]")
                   .feasible.empty());
  EXPECT_EQ(
      Judge("containers: [{name: a, image: i, resources: {requests: {ephemeral-storage: 11Gi}}}]")
          .Sentence(),
      "0/1 nodes are available: 1 Insufficient ephemeral-storage.");
  Placed("there", "n1");
  EXPECT_EQ(Why(""), "0/1 nodes are available: 1 Too many pods.");
}

TEST_F(SchedulerTest, TaintsAreToleratedByKeyValueEffectOrAll) {
  Node("n1", "", "taints: [{key: team, value: gpu, effect: NoSchedule}]");
  Node("n2", "", "taints: [{key: node.kubernetes.io/unreachable, effect: NoExecute}]");
  Node("n3", "", "taints: [{key: soft, value: x, effect: PreferNoSchedule}]");
  EXPECT_THAT(Where(""), ElementsAre("n3"));
  EXPECT_THAT(Where("tolerations: [{key: team, operator: Equal, value: gpu, effect: NoSchedule}]"),
              UnorderedElementsAre("n1", "n3"));
  EXPECT_THAT(Where("tolerations: [{key: team, value: other}]"), ElementsAre("n3"));
  EXPECT_THAT(Where("tolerations: [{key: team, operator: Exists}]"),
              UnorderedElementsAre("n1", "n3"));
  EXPECT_THAT(Where("tolerations: [{key: team, operator: Exists, effect: NoExecute}]"),
              ElementsAre("n3"));
  EXPECT_THAT(Where("tolerations: [{operator: Exists}]"), UnorderedElementsAre("n1", "n2", "n3"));
  EXPECT_EQ(Why("nodeSelector: {a: b}"),
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 "
            "node(s) had untolerated taint "
            "{node.kubernetes.io/unreachable: }, 1 node(s) had untolerated taint {team: gpu}.");
}

TEST_F(SchedulerTest, NodeAffinityKnowsAllOperatorsAndTheNodesName) {
  Node("n1", "disk: ssd, cores: '8'");
  Node("n2", "disk: hdd, cores: '16'");
  Node("n3", "");
  auto where = [&](const std::string& expression) {
    return Where(
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: [" +
        expression + "]}}}");
  };
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: In, values: [ssd, nvme]}]}"),
              ElementsAre("n1"));
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]}"),
              UnorderedElementsAre("n2", "n3"));
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: Exists}]}"),
              UnorderedElementsAre("n1", "n2"));
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: DoesNotExist}]}"),
              ElementsAre("n3"));
  EXPECT_THAT(where("{matchExpressions: [{key: cores, operator: Gt, values: ['8']}]}"),
              ElementsAre("n2"));
  EXPECT_THAT(where("{matchExpressions: [{key: cores, operator: Lt, values: ['16']}]}"),
              ElementsAre("n1"));
  EXPECT_THAT(where("{matchFields: [{key: metadata.name, operator: In, values: [n3]}]}"),
              ElementsAre("n3"));
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: In, values: [hdd]}, {key: cores, "
                    "operator: In, values: ['8']}]}"),
              ElementsAre());
  EXPECT_THAT(where("{matchExpressions: [{key: disk, operator: In, values: [hdd]}]}, "
                    "{matchExpressions: [{key: disk, operator: DoesNotExist}]}"),
              UnorderedElementsAre("n2", "n3"))
      << "terms are alternatives";
}

TEST_F(SchedulerTest, PodAffinityReachesOverTopologiesAndNamespaces) {
  Node("n1", "zone: a");
  Node("n2", "zone: a");
  Node("n3", "zone: b");
  Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: other, labels: {team: x}}");
  Run(absl::Seconds(1));
  Placed("cache", "n1", "app: cache");
  Placed("far", "n3", "app: db", "", "other");
  auto affine = [](const std::string& what, const std::string& label, const std::string& key,
                   const std::string& more = "") {
    return fmt::format(
        "affinity: {{{}: {{requiredDuringSchedulingIgnoredDuringExecution: [{{labelSelector: "
        "{{matchLabels: {{app: {}}}}}, "
        "topologyKey: {}{}}}]}}}}",
        what, label, key, more);
  };
  EXPECT_THAT(Where(affine("podAffinity", "cache", "zone")), UnorderedElementsAre("n1", "n2"));
  EXPECT_THAT(Where(affine("podAffinity", "cache", "kubernetes.io/hostname")), ElementsAre("n1"));
  EXPECT_EQ(Why(affine("podAffinity", "db", "zone")),
            "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.");
  EXPECT_THAT(Where(affine("podAffinity", "db", "zone", ", namespaces: [other]")),
              ElementsAre("n3"));
  EXPECT_THAT(
      Where(affine("podAffinity", "db", "zone", ", namespaceSelector: {matchLabels: {team: x}}")),
      ElementsAre("n3"));
  EXPECT_THAT(Where(affine("podAffinity", "x", "zone")), UnorderedElementsAre("n1", "n2", "n3"))
      << "the first of its group";
  EXPECT_THAT(Where(affine("podAntiAffinity", "cache", "zone")), ElementsAre("n3"));
  EXPECT_EQ(Why(affine("podAntiAffinity", "cache", "zone") + ", nodeSelector: {zone: a}"),
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 "
            "node(s) didn't match pod "
            "anti-affinity rules.");
  Placed("shy", "n3", "app: shy", affine("podAntiAffinity", "x", "zone"));
  EXPECT_EQ(Why("nodeSelector: {zone: b}"),
            "0/3 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, "
            "2 node(s) didn't match "
            "Pod's node affinity/selector.");
}

TEST_F(SchedulerTest, TopologySpreadCountsDomainsLabelsAndTaints) {
  Node("n1", "zone: a");
  Node("n2", "zone: b");
  Node("n3", "");
  Placed("p1", "n1", "app: x, rev: '1'");
  auto spread = [](const std::string& more = "", int skew = 1) {
    return fmt::format(
        "topologySpreadConstraints: [{{maxSkew: {}, topologyKey: zone, whenUnsatisfiable: "
        "DoNotSchedule, labelSelector: "
        "{{matchLabels: {{app: x}}}}{}}}]",
        skew, more);
  };
  EXPECT_THAT(Where(spread()), ElementsAre("n2"));
  EXPECT_EQ(Why(spread() + ", nodeSelector: {zone: a}"),
            "0/3 nodes are available: 2 node(s) didn't match Pod's node "
            "affinity/selector.")
      << "only the nodes a pod may go to count";
  EXPECT_EQ(Why(spread(", nodeAffinityPolicy: Ignore") + ", nodeSelector: {zone: a}"),
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 2 "
            "node(s) didn't match Pod's "
            "node affinity/selector.");
  Placed("p2", "n2", "app: x, rev: '1'");
  EXPECT_THAT(Where(spread()), UnorderedElementsAre("n1", "n2"));
  EXPECT_EQ(Why(spread(", minDomains: 3")),
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints "
            "(missing required label), 2 "
            "node(s) didn't match pod topology spread constraints.");
  EXPECT_THAT(Where(spread(", minDomains: 3", 2)), UnorderedElementsAre("n1", "n2"));
  Placed("p3", "n1", "app: x, rev: '2'");
  EXPECT_THAT(Where(spread(), "app: x, rev: '2'"), ElementsAre("n2"));
  EXPECT_THAT(Where(spread(", matchLabelKeys: [rev]"), "app: x, rev: '3'"),
              UnorderedElementsAre("n1", "n2"))
      << "a new revision is spread by itself";
}

TEST_F(SchedulerTest, HostPortsAreTakenByAddressAndProtocol) {
  Node("n1", "");
  Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodeName: n1, containers: [{name: c, "
      "image: i, ports: [{containerPort: 80, "
      "hostPort: 8080, hostIP: 127.0.0.1}]}]}");
  auto fits = [&](const std::string& port) {
    return !Judge("containers: [{name: c, image: i, ports: [{containerPort: 80, " + port + "}]}]")
                .feasible.empty();
  };
  EXPECT_FALSE(fits("hostPort: 8080"));
  EXPECT_FALSE(fits("hostPort: 8080, hostIP: 127.0.0.1"));
  EXPECT_TRUE(fits("hostPort: 8080, hostIP: 10.0.0.1"));
  EXPECT_TRUE(fits("hostPort: 8080, protocol: UDP"));
  EXPECT_TRUE(fits("hostPort: 8081"));
  EXPECT_EQ(
      Judge("containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 8080}]}]")
          .Sentence(),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
}

TEST_F(SchedulerTest, PreemptionSparesBudgetsAndNominatesANode) {
  for (const char* node : {"n1", "n2"}) Node(node, "", "", "cpu: '2', memory: 8Gi, pods: '110'");
  Apply(
      "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: "
      "1000\n---\n"
      "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: polite}\nvalue: "
      "1000\npreemptionPolicy: Never");
  for (const char* name : {"kept", "spare"}) {  // neither hears SIGTERM
    Pod(name, "image: busybox, command: [sleep, '3600'], resources: {requests: {cpu: 1500m}}");
    Run(absl::Seconds(3));
  }
  ASSERT_NE(TextAt(GetPod("kept"), {"spec", "nodeName"}),
            TextAt(GetPod("spare"), {"spec", "nodeName"}));
  Apply(
      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: "
      "1, selector: {matchLabels: {app: kept}}}");
  Run(absl::Seconds(10));
  const std::string freed = TextAt(GetPod("spare"), {"spec", "nodeName"});
  Pod("never", "image: nginx, resources: {requests: {cpu: '1'}}", "priorityClassName: polite");
  Run(absl::Seconds(1));
  EXPECT_EQ(WhyPending("never"),
            "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to "
            "preemptionPolicy=Never.");
  ASSERT_FALSE(
      engine().client().Delete(engine().Type("", "pods"), "default", "never", Json::object()));
  Pod("high", "image: nginx, resources: {requests: {cpu: '1'}}", "priorityClassName: high");
  Run(absl::Milliseconds(100));
  EXPECT_EQ(TextAt(GetPod("high"), {"status", "nominatedNodeName"}), freed);
  EXPECT_EQ(WhyPending("high"), "0/2 nodes are available: 2 Insufficient cpu.");
  Run(absl::Seconds(40));
  EXPECT_EQ(TextAt(GetPod("high"), {"spec", "nodeName"}), freed);
  EXPECT_EQ(Phase("kept"), "Running");
  EXPECT_TRUE(GetPod("spare").is_null());
  EXPECT_THAT(Events("spare"), ::testing::Contains(HasSubstr("Preempted: Preempted by pod ")));
  Pod("low", "image: nginx, resources: {requests: {cpu: 1100m}}");
  Run(absl::Seconds(1));
  EXPECT_EQ(WhyPending("low"),
            "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 "
            "No preemption "
            "victims found for incoming pod.");
}

TEST_F(SchedulerTest, AmongEqualsWhoStartedLastMakesWay) {
  Node("n1", "", "", "cpu: '2', memory: 8Gi, pods: '110'");
  Apply(
      "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000");
  const std::string slow =
      "image: busybox, command: [sleep, '3600'], resources: {requests: {cpu: '1'}}";
  Pod("created-first", slow, "schedulingGates: [{name: example.com/quota}]");
  Run(absl::Seconds(5));
  Pod("started-first", slow);
  Run(absl::Seconds(5));
  (void)engine().client().Change(engine().Type("", "pods"), "default", "created-first",
                                 [](Json& pod) {
                                   pod["spec"].erase("schedulingGates");
                                   return true;
                                 });
  Run(absl::Seconds(10));
  ASSERT_EQ(Phase("created-first"), "Running");
  Pod("high", "image: nginx, resources: {requests: {cpu: '1'}}", "priorityClassName: high");
  Run(absl::Milliseconds(100));
  EXPECT_EQ(TextAt(GetPod("high"), {"status", "nominatedNodeName"}), "n1");
  Run(absl::Seconds(40));
  EXPECT_EQ(Phase("started-first"), "Running");
  EXPECT_TRUE(GetPod("created-first").is_null());
  EXPECT_EQ(Phase("high"), "Running");
  EXPECT_FALSE(GetPod("high")["status"].contains("nominatedNodeName"));
}

TEST_F(SchedulerTest, GatedPodsWaitWithoutBeingTried) {
  Node("n1", "");
  Pod("gated", "image: nginx", "schedulingGates: [{name: example.com/quota}]");
  Run(absl::Seconds(5));
  EXPECT_EQ(WhyPending("gated"), "Scheduling is blocked due to non-empty scheduling gates");
  EXPECT_TRUE(TextAt(GetPod("gated"), {"spec", "nodeName"}).empty());
  (void)engine().client().Change(engine().Type("", "pods"), "default", "gated", [](Json& pod) {
    pod["spec"].erase("schedulingGates");
    return true;
  });
  Run(absl::Seconds(5));
  EXPECT_EQ(Phase("gated"), "Running");
}

TEST_F(SchedulerTest, NothingToScheduleOnIsSaidAsItIs) {
  Pod("alone", "image: nginx");
  Run(absl::Seconds(1));
  EXPECT_EQ(WhyPending("alone"), "no nodes available to schedule pods");
}

TEST_F(SchedulerTest, ScoresPreferWhatTheDefaultProfilePrefers) {
  Node("n1", "zone: a, disk: ssd");
  Node("n2", "zone: b", "taints: [{key: soft, effect: PreferNoSchedule}]");
  Node("n3", "zone: c");
  EXPECT_EQ(Best("affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
                 "[{weight: 5, preference: {matchExpressions: [{key: "
                 "disk, operator: In, values: [ssd]}]}}]}}"),
            "n1");
  EXPECT_NE(Best("nodeSelector: {}"), "n2") << "soft taints are avoided";
  Placed("near", "n3", "app: cache");
  EXPECT_EQ(Best("affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
                 "[{weight: 100, podAffinityTerm: {labelSelector: "
                 "{matchLabels: {app: cache}}, topologyKey: zone}}]}}"),
            "n3");
  EXPECT_EQ(Best("affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
                 "[{weight: 100, podAffinityTerm: {labelSelector: "
                 "{matchLabels: {app: cache}}, topologyKey: zone}}]}}, tolerations: [{operator: "
                 "Exists}], nodeSelector: {}")
                .substr(0, 1),
            "n");
  Placed("x1", "n1", "app: x");
  EXPECT_EQ(Best("topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "
                 "ScheduleAnyway, labelSelector: {matchLabels: "
                 "{app: x}}}]"),
            "n3")
      << "away from its own kind, and not onto the soft taint";
  Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: hog}\nspec: {nodeName: n3, containers: [{name: "
      "c, image: i, resources: {requests: {cpu: "
      "3500m, memory: 7Gi}}}]}");
  EXPECT_EQ(Best("containers: [{name: c, image: nginx, resources: {requests: {cpu: 100m, memory: "
                 "100Mi}}}]",
                 "app: y"),
            "n1")
      << "the least allocated";
}

TEST_F(SchedulerTest, AnImageThatIsThereAlreadyPullsAPodToItsNode) {
  Apply(
      "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {kubernetes.io/hostname: "
      "n1}}\nstatus: {allocatable: {cpu: '4', memory: 8Gi, "
      "pods: '110'}}");
  Apply(
      "apiVersion: v1\nkind: Node\nmetadata: {name: n2, labels: {kubernetes.io/hostname: "
      "n2}}\nstatus: {allocatable: {cpu: '4', memory: 8Gi, "
      "pods: '110'}, images: [{names: ['registry.example.com/big:1'], sizeBytes: 900000000}]}");
  EXPECT_EQ(Best("containers: [{name: c, image: 'registry.example.com/big:1'}]"), "n2");
}

}  // namespace
}  // namespace opsmesh::kubesim
