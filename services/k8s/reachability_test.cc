// Who reaches whom, by network policies.
#include <fstream>

#include "gmock/gmock.h"
#include "services/k8s/advice_fixture.h"
#include "services/k8s/reachability.h"

namespace opsmesh::k8s {
namespace {

class ReachabilityTest : public AdviceTest {
 protected:
  json Policy(const std::string& ns, const std::string& name, json spec) {
    return {{"apiVersion", "networking.k8s.io/v1"},
            {"kind", "NetworkPolicy"},
            {"metadata", Meta(ns, name)},
            {"spec", std::move(spec)}};
  }
  json Service() {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", Meta("shop", "db")},
            {"spec",
             {{"selector", {{"app", "db"}}},
              {"ports", json::array({{{"port", 80}, {"targetPort", 5432}}})}}}};
  }
  json Endpoints() {
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata", Meta("shop", "db-1", {{"kubernetes.io/service-name", "db"}})},
            {"addressType", "IPv4"},
            {"endpoints",
             json::array({{{"addresses", {"10.0.0.9"}}, {"conditions", {{"ready", true}}}}})},
            {"ports", json::array({{{"port", 5432}}})}};
  }
  json Try(std::initializer_list<json> policies) {
    std::vector<json> objects = {
        Namespace("shop", {{"team", "shop"}}),
        Namespace("web", {{"team", "web"}}),
        Node("n1", "a"),
        Deployment("shop", "db", 1),
        Deployment("web", "front", 1),
        Service(),
        Endpoints(),
        Pod("shop", "db-1", "db", "n1",
            {{"spec",
              {{"containers",
                json::array(
                    {Container("db", {{"ports", json::array({{{"containerPort", 5432}}})}})})}}}}),
        Pod("web", "front-1", "front", "n1")};
    objects.insert(objects.end(), policies.begin(), policies.end());
    Make(objects);
    return Run("analyze_network_path",
               R"({"namespace":"shop","destination":"db","source":"front"})");
  }
  const json db_ = {{"matchLabels", {{"app", "db"}}}};
};

TEST_F(ReachabilityTest, WithoutPoliciesAPathWithReadyEndpointsIsOpen) {
  EXPECT_EQ(Try({})["verdict"], "open");
}

TEST_F(ReachabilityTest, ADenyAllPolicyBlocksAndIsNamed) {
  const json answer = Try(
      {Policy("shop", "deny", {{"podSelector", json::object()}, {"policyTypes", {"Ingress"}}})});
  EXPECT_EQ(answer["verdict"], "blocked");
  EXPECT_EQ(answer["blocked_by_policies"][0], "shop/deny");
}

TEST_F(ReachabilityTest, NamespaceAndPodSelectorsTogetherMustBothFit) {
  const auto allow = [&](const char* team, const char* app, int port) {
    return Policy(
        "shop", "allow",
        {{"podSelector", db_},
         {"policyTypes", {"Ingress"}},
         {"ingress",
          json::array(
              {{{"from", json::array({{{"namespaceSelector", {{"matchLabels", {{"team", team}}}}},
                                       {"podSelector", {{"matchLabels", {{"app", app}}}}}}})},
                {"ports", json::array({{{"port", port}}})}}})}});
  };
  EXPECT_EQ(Try({allow("web", "front", 5432)})["verdict"], "open");
  EXPECT_EQ(Try({allow("web", "other", 5432)})["verdict"], "blocked");
  EXPECT_EQ(Try({allow("shop", "front", 5432)})["verdict"], "blocked");
  EXPECT_EQ(Try({allow("web", "front", 80)})["verdict"], "blocked")
      << "policies see the port of the pod, not of the service";
}

TEST_F(ReachabilityTest, AnEgressPolicyOfTheSourceBlocksToo) {
  EXPECT_EQ(
      Try({Policy("web", "out",
                  {{"podSelector", json::object()}, {"policyTypes", {"Egress"}}})})["verdict"],
      "blocked");
  EXPECT_EQ(
      Try({Policy("web", "out",
                  {{"podSelector", json::object()},
                   {"policyTypes", {"Egress"}},
                   {"egress",
                    json::array({{{"to", json::array({{{"ipBlock", {{"cidr", "10.0.0.0/8"}}}}})},
                                  {"ports", json::array({{{"port", 5000},
                                                          {"endPort", 6000}}})}}})}})})["verdict"],
      "open");
}

TEST(Reachability, ReadsAddressBlocks) {
  EXPECT_EQ(InCidr("10.1.2.3", "10.0.0.0/8"), true);
  EXPECT_EQ(InCidr("11.1.2.3", "10.0.0.0/8"), false);
  EXPECT_EQ(InCidr("10.1.2.3", "0.0.0.0/0"), true);
  EXPECT_EQ(InCidr("fd00::1", "fd00::/64"), true);
  EXPECT_EQ(InCidr("10.1.2.3", "fd00::/64"), false);
  EXPECT_EQ(InCidr("10.1.2.3", "10.0.0.0/33"), std::nullopt);
  EXPECT_EQ(InCidr("x", "10.0.0.0/8"), std::nullopt);
}

}  // namespace
}  // namespace opsmesh::k8s
