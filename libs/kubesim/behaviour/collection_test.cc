#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kShop = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1", ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default, labels: {team: shop}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
)";

TEST(EndpointsTest, ListWhatIsReadyUnderTheResolvedPort) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Milliseconds(500));
  EXPECT_FALSE(cluster.Get("", "endpoints", "web").contains("subsets"));
  ASSERT_EQ(cluster.List("discovery.k8s.io", "endpointslices").size(), 1u);
  EXPECT_TRUE(cluster.List("discovery.k8s.io", "endpointslices")[0]["ports"].is_null());
  cluster.Run(absl::Seconds(5));
  const Json endpoints = cluster.Get("", "endpoints", "web");
  ASSERT_EQ(endpoints["subsets"].size(), 1u) << endpoints;
  EXPECT_EQ(endpoints["subsets"][0]["addresses"].size(), 3u);
  EXPECT_EQ(endpoints["subsets"][0]["ports"],
            Json::array({{{"name", "http"}, {"port", 8080}, {"protocol", "TCP"}}}));
  EXPECT_EQ(endpoints["subsets"][0]["addresses"][0]["targetRef"]["kind"], "Pod");
  EXPECT_EQ(endpoints["metadata"]["labels"]["team"], "shop");
  const auto slices = cluster.List("discovery.k8s.io", "endpointslices");
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0]["endpoints"].size(), 3u);
  EXPECT_EQ(slices[0]["metadata"]["labels"]["kubernetes.io/service-name"], "web");
  EXPECT_EQ(slices[0]["endpoints"][0]["conditions"],
            (Json{{"ready", true}, {"serving", true}, {"terminating", false}}));
}

TEST(EndpointsTest, TerminatingPodsLeaveEndpointsAndShowInSlices) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Seconds(5));
  cluster.Delete("", "pods", cluster.List("", "pods")[0]["metadata"]["name"]);
  cluster.Run(absl::Milliseconds(500));
  EXPECT_EQ(cluster.Get("", "endpoints", "web")["subsets"][0]["addresses"].size(), 2u);
  int terminating = 0;
  const Json slice = cluster.List("discovery.k8s.io", "endpointslices")[0];
  for (const Json& endpoint : slice["endpoints"])
    terminating += endpoint["conditions"]["terminating"] == true;
  EXPECT_EQ(terminating, 1) << slice;
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.Get("", "endpoints", "web")["subsets"][0]["addresses"].size(), 3u);
}

TEST(EndpointsTest, MoreThanAHundredAddressesFillSeveralSlices) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 230}}}});
  cluster.Run(absl::Seconds(10));
  const auto slices = cluster.List("discovery.k8s.io", "endpointslices");
  ASSERT_EQ(slices.size(), 3u);
  size_t total = 0;
  for (const Json& slice : slices) {
    EXPECT_LE(slice["endpoints"].size(), 100u);
    total += slice["endpoints"].size();
  }
  EXPECT_EQ(total, 230u);
}

TEST(EndpointsTest, UnreadyPodsAreListedApartUnlessTheServicePublishesThem) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:1"};
  cluster.Apply(kShop);
  cluster.Apply(
      "apiVersion: v1\nkind: Service\nmetadata: {name: peers}\nspec: {clusterIP: None, "
      "publishNotReadyAddresses: true, selector: {app: web}, ports: [{port: 80}]}\n");
  cluster.Run(absl::Seconds(5));
  const Json web = cluster.Get("", "endpoints", "web")["subsets"][0];
  EXPECT_FALSE(web.contains("addresses"));
  EXPECT_EQ(web["notReadyAddresses"].size(), 3u);
  const Json peers = cluster.Get("", "endpoints", "peers")["subsets"][0];
  EXPECT_EQ(peers["addresses"].size(), 3u);
  for (const Json& slice : cluster.List("discovery.k8s.io", "endpointslices")) {
    const bool published = slice["metadata"]["labels"]["kubernetes.io/service-name"] == "peers";
    for (const Json& endpoint : slice["endpoints"]) {
      EXPECT_EQ(endpoint["conditions"]["ready"], published);
      EXPECT_EQ(endpoint["conditions"]["serving"], false);
    }
  }
}

TEST(EndpointsTest, ANamedPortMayMeanAnotherNumberInEachPod) {
  TestCluster cluster;
  for (const char* port : {"8080", "9090"}) {
    cluster.Apply(std::string("apiVersion: v1\nkind: Pod\nmetadata: {name: p-") + port +
                  ", labels: {app: web}}\nspec: {containers: [{name: c, image: \"x:1\", ports: "
                  "[{name: http, containerPort: " +
                  port + "}]}]}\n");
  }
  cluster.Apply(
      "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: "
      "[{port: 80, targetPort: http}]}\n");
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.Get("", "endpoints", "web")["subsets"].size(), 2u);
  std::set<int64_t> ports;
  for (const Json& slice : cluster.List("discovery.k8s.io", "endpointslices")) {
    EXPECT_EQ(slice["endpoints"].size(), 1u);
    ports.insert(IntAt(slice["ports"][0], "port"));
  }
  EXPECT_EQ(ports, (std::set<int64_t>{8080, 9090}));
}

TEST(EndpointsTest, EndpointsShowAThousandAddressesAtMostAndSaySo) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 1030}}}});
  cluster.Run(absl::Seconds(30));
  const char* note = "endpoints.kubernetes.io/over-capacity";
  Json endpoints = cluster.Get("", "endpoints", "web");
  EXPECT_EQ(endpoints["subsets"][0]["addresses"].size(), 1000u);
  EXPECT_EQ(endpoints["metadata"]["annotations"][note], "truncated");
  size_t total = 0;
  for (const Json& slice : cluster.List("discovery.k8s.io", "endpointslices"))
    total += slice["endpoints"].size();
  EXPECT_EQ(total, 1030u);
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 5}}}});
  cluster.Run(absl::Seconds(30));
  EXPECT_FALSE(cluster.Get("", "endpoints", "web")["metadata"]["annotations"].contains(note));
}

TEST(EndpointsTest, AServiceWithoutSelectorKeepsWhatIsWrittenForIt) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {ports: [{port: "
      "5432}]}\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: db}\nsubsets: [{addresses: "
      "[{ip: 192.0.2.7}]}]\n");
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.Get("", "endpoints", "db")["subsets"][0]["addresses"][0]["ip"], "192.0.2.7");
}

TEST(EndpointsTest, ADeletedServiceTakesThemAlong) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Seconds(5));
  cluster.Delete("", "services", "web");
  cluster.Run(absl::Seconds(2));
  EXPECT_TRUE(cluster.Get("", "endpoints", "web").is_null());
  EXPECT_TRUE(cluster.List("discovery.k8s.io", "endpointslices").empty());
}

TEST(GarbageTest, BackgroundDeletionTakesTheOwnerFirst) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Seconds(5));
  cluster.Delete("apps", "deployments", "web", {{"propagationPolicy", "Background"}});
  EXPECT_TRUE(cluster.Get("apps", "deployments", "web").is_null());
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 1u);
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.List("apps", "replicasets").empty());
  EXPECT_TRUE(cluster.List("", "pods").empty());
}

TEST(GarbageTest, ForegroundDeletionTakesTheOwnerLast) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Seconds(5));
  cluster.Delete("apps", "deployments", "web", {{"propagationPolicy", "Foreground"}});
  cluster.Run(absl::Seconds(1));
  const Json web = cluster.Get("apps", "deployments", "web");
  ASSERT_TRUE(BeingDeleted(web));
  EXPECT_EQ(web["metadata"]["finalizers"], Json::array({"foregroundDeletion"}));
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.Get("apps", "deployments", "web").is_null());
  EXPECT_TRUE(cluster.List("apps", "replicasets").empty());
  EXPECT_TRUE(cluster.List("", "pods").empty());
}

TEST(GarbageTest, OrphaningLetsTheDependentsGo) {
  TestCluster cluster;
  cluster.Apply(kShop);
  cluster.Run(absl::Seconds(5));
  cluster.Delete("apps", "deployments", "web", {{"propagationPolicy", "Orphan"}});
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.Get("apps", "deployments", "web").is_null());
  const auto sets = cluster.List("apps", "replicasets");
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_FALSE(sets[0]["metadata"].contains("ownerReferences"));
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  // A deployment of the same selector takes the set in again.
  cluster.Apply(std::string(kShop).substr(0, std::string(kShop).find("---")));
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 1u);
  EXPECT_EQ(TextAt(ControllerOf(cluster.List("apps", "replicasets")[0]), "kind"), "Deployment");
}

TEST(GarbageTest, AnObjectOfAnUnknownOwnerGoes) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, ownerReferences: [{apiVersion: v1, "
      "kind: ConfigMap, name: x, uid: nobody}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: "
      "{name: b}\n");
  cluster.Run(absl::Seconds(2));
  EXPECT_TRUE(cluster.Get("", "configmaps", "a").is_null());
  EXPECT_FALSE(cluster.Get("", "configmaps", "b").is_null());
}

TEST(NamespaceTest, GetsItsAccountAndCertificateAndGoesWithItsContent) {
  TestCluster cluster;
  cluster.Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: lab}\n");
  cluster.Run(absl::Seconds(1));
  EXPECT_FALSE(cluster.Get("", "serviceaccounts", "default", "lab").is_null());
  EXPECT_TRUE(cluster.Get("", "configmaps", "kube-root-ca.crt", "lab")["data"].contains("ca.crt"));
  cluster.Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: lab}\nspec: {containers: [{name: "
      "c, image: i}]}\n");
  cluster.Apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, namespace: lab, finalizers: "
      "[example.com/hold]}\n");
  cluster.Run(absl::Seconds(5));
  cluster.Delete("", "namespaces", "lab");
  cluster.Run(absl::Seconds(30));
  const Json lab = cluster.Get("", "namespaces", "lab");
  ASSERT_EQ(lab["status"]["phase"], "Terminating");
  EXPECT_EQ(TextAt(ConditionOf(lab["status"], "NamespaceContentRemaining"), "message"),
            "Some resources are remaining: configmaps. has 1 resource instances");
  EXPECT_THAT(TextAt(ConditionOf(lab["status"], "NamespaceFinalizersRemaining"), "message"),
              HasSubstr("example.com/hold in 1 resource instances"));
  EXPECT_TRUE(cluster.Get("", "pods", "p", "lab").is_null());
  cluster.Patch("", "configmaps", "held", {{"metadata", {{"finalizers", nullptr}}}}, "lab");
  cluster.Run(absl::Seconds(30));
  EXPECT_TRUE(cluster.Get("", "namespaces", "lab").is_null());
}

}  // namespace
}  // namespace opsmesh::kubesim
