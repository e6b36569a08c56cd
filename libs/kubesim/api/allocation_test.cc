// What a server fills in, rounds and takes away, where a real 1.32 has rules of its own: amounts,
// Services that change, Scales, statuses that say little, profiles and tolerations of new pods.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/objects/quantity.h"

namespace opsmesh::kubesim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct AmountCase {
  const char *text, *kept, *in_list;
};

class AmountTest : public testing::TestWithParam<AmountCase> {};

TEST_P(AmountTest, IsWrittenAsARealServerWritesIt) {
  EXPECT_EQ(CanonicalQuantity(GetParam().text), GetParam().kept);
  EXPECT_EQ(CanonicalResource(GetParam().text), GetParam().in_list);
}

INSTANTIATE_TEST_SUITE_P(
    All, AmountTest,
    testing::Values(AmountCase{"1000m", "1", "1"}, AmountCase{"+5", "+5", "+5"},
                    AmountCase{"01", "01", "01"}, AmountCase{"5.", "5.", "5."},
                    AmountCase{"1E3", "1E3", "1E3"}, AmountCase{"1e2", "100", "100"},
                    AmountCase{"1n", "1n", "1m"}, AmountCase{"1500u", "1500u", "2m"},
                    AmountCase{"-1500u", "-1500u", "-2m"}, AmountCase{"-0", "0", "0"},
                    AmountCase{"0.0000000001", "1n", "1m"}, AmountCase{"1.5Gi", "1536Mi", "1536Mi"},
                    AmountCase{"0.5Ki", "512", "512"},
                    AmountCase{"8Ei", "9223372036854775807", "9223372036854775807"},
                    AmountCase{"1e31", "10e30", "10e30"}, AmountCase{"1000E", "1", "1"},
                    AmountCase{"12345678901234567890", "12345678901234567890",
                               "12345678901234567890"},
                    AmountCase{"1e-999999999", "1e-9", "1e-3"}));

TEST(QuantityTest, SaysWhyATextIsNone) {
  for (const char* text : {"1K", "1e", "--1"})
    EXPECT_EQ(QuantityFault(text), "unable to parse quantity's suffix") << text;
  for (const char* text : {"", "1gi", "1.2.3", "1e3Mi", "true"})
    EXPECT_THAT(QuantityFault(text), HasSubstr("regular expression")) << text;
  EXPECT_EQ(QuantityFault(".Ei"), "unable to parse numeric part of quantity");
  EXPECT_THAT(QuantityFault("+5"), IsEmpty());
}

TEST(QuantityTest, CountsThousandthsInSixtyFourBits) {
  EXPECT_EQ(Quantity::Parse("1500u")->MilliValue(), 2);
  EXPECT_EQ(Quantity::Parse("1Ei")->MilliValue(), INT64_MIN) << "2^60 thousand times, wrapped";
  EXPECT_EQ(Quantity::Parse("9223372036854775807")->MilliValue(), -1000);
}

class AllocationTest : public testing::Test {
 protected:
  void SetUp() override { door_.AddNamespace("shop"); }
  Json Make(const std::string& plural, const std::string& name, const Json& spec) {
    return door_
        .Post("/api/v1/namespaces/shop/" + plural, {{"metadata", {{"name", name}}}, {"spec", spec}})
        ->json();
  }
  Json Change(const std::string& path, const Json& patch) {
    return door_.Patch("/api/v1/namespaces/shop/" + path, "merge-patch+json", patch)->json();
  }
  Json MakePod(const Json& more, const Json& metadata = Json::object()) {
    Json pod = {{"metadata", {{"name", "p"}}},
                {"spec", {{"containers", {{{"name", "c"}, {"image", "c:1"}}}}}}};
    pod["metadata"].update(metadata);
    pod["spec"].update(more);
    return door_.Post("/api/v1/namespaces/shop/pods", pod)->json();
  }
  FakeDoor door_;
};

TEST_F(AllocationTest, AServiceThatBecomesANameLosesWhatOnlyItsTypeGaveIt) {
  Make("services", "s",
       {{"externalIPs", {"192.0.2.1"}}, {"ports", {{{"port", 80}}}}, {"selector", {{"a", "b"}}}});
  const Json changed =
      Change("services/s", {{"spec", {{"type", "ExternalName"}, {"externalName", "x.example"}}}});
  ASSERT_EQ(changed["spec"]["type"], "ExternalName") << changed.dump();
  for (const char* gone : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy",
                           "externalTrafficPolicy", "internalTrafficPolicy"})
    EXPECT_FALSE(changed["spec"].contains(gone)) << gone;
  EXPECT_EQ(changed["spec"]["selector"]["a"], "b");
}

TEST_F(AllocationTest, ANodePortIsOneServicesAlone) {
  const Json port = {{"port", 80}, {"nodePort", 31080}};
  Make("services", "first", {{"type", "NodePort"}, {"ports", {port}}});
  const Json second = Make("services", "second", {{"type", "NodePort"}, {"ports", {port}}});
  EXPECT_EQ(second["code"], 422);
  EXPECT_THAT(std::string(second["message"]),
              HasSubstr("spec.ports[0].nodePort: Invalid value: 31080: provided port is already "
                        "allocated"));
  const Json low = Make("services", "low",
                        {{"type", "NodePort"}, {"ports", {{{"port", 80}, {"nodePort", 80}}}}});
  EXPECT_THAT(std::string(low["message"]), HasSubstr("valid ports is 30000-32767"));
}

TEST_F(AllocationTest, PortsOfOneNumberShareANodePort) {
  const Json made = Make(
      "services", "dns",
      {{"type", "NodePort"},
       {"ports",
        {{{"name", "udp"}, {"port", 53}, {"protocol", "UDP"}}, {{"name", "tcp"}, {"port", 53}}}}});
  EXPECT_EQ(made["spec"]["ports"][0]["nodePort"], made["spec"]["ports"][1]["nodePort"]);
  EXPECT_GE(made["spec"]["ports"][0]["nodePort"], 30000);
}

TEST_F(AllocationTest, ABalancerOfLocalTrafficHasAHealthPortAndDoesWithoutNodePortsWhenToldSo) {
  const Json made = Make("services", "lb",
                         {{"type", "LoadBalancer"},
                          {"externalTrafficPolicy", "Local"},
                          {"allocateLoadBalancerNodePorts", false},
                          {"ports", {{{"port", 80}}}}});
  EXPECT_GE(made["spec"]["healthCheckNodePort"], 30000) << made.dump();
  EXPECT_FALSE(made["spec"]["ports"][0].contains("nodePort"));
  const Json plain = Change("services/lb", {{"spec", {{"type", "ClusterIP"}}}});
  for (const char* gone :
       {"healthCheckNodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts"})
    EXPECT_FALSE(plain["spec"].contains(gone)) << gone;
}

TEST_F(AllocationTest, AScaleOfAnotherObjectIsRefused) {
  const std::string one = "/apis/apps/v1/namespaces/shop/replicasets";
  door_.Post(one, {{"metadata", {{"name", "rs"}}},
                   {"spec",
                    {{"selector", {{"matchLabels", {{"a", "b"}}}}},
                     {"template",
                      {{"metadata", {{"labels", {{"a", "b"}}}}},
                       {"spec", {{"containers", {{{"name", "c"}, {"image", "c:1"}}}}}}}}}}});
  auto patched = [&](const Json& patch) {
    return door_.Patch(one + "/rs/scale", "merge-patch+json", patch)->json();
  };
  EXPECT_EQ(patched({{"metadata", {{"uid", "x"}}}})["details"]["kind"], "replicasets/scale");
  EXPECT_EQ(patched({{"kind", "Pod"}})["code"], 422);
  EXPECT_EQ(patched({{"spec", {{"replicas", int64_t{1} << 31}}}})["code"], 422);
  EXPECT_EQ(patched({{"spec", {{"replicas", 5}}}})["spec"]["replicas"], 5);
  const auto warned = door_.Patch(one + "/rs/scale", "merge-patch+json", {{"spec", {{"x", 1}}}});
  EXPECT_THAT(std::string(warned->response().headers.Get("Warning")),
              HasSubstr("unknown field \\\"spec.x\\\""));
  auto put = [&](const Json& body) {
    return door_.Send("PUT", one + "/rs/scale", body.dump())->json();
  };
  EXPECT_EQ(put({{"metadata", {{"name", "rs"}}}, {"spec", {{"replicas", 3}}}})["spec"]["replicas"],
            3)
      << "its kind need not be said";
  EXPECT_THAT(std::string(put({{"kind", "Scale"}, {"apiVersion", "apps/v1beta1"}})["message"]),
              HasSubstr("does not match the expected API version"));
}

TEST_F(AllocationTest, AStatusIsKeptWithTheZerosItsWriterLeftOut) {
  MakePod(Json::object());
  const Json status =
      Change("pods/p/status",
             {{"status",
               {{"containerStatuses", {{{"name", "c"}, {"state", {{"running", Json::object()}}}}}},
                {"conditions", {{{"type", "Ready"}}}}}}})["status"];
  const Json& container = status["containerStatuses"][0];
  EXPECT_EQ(container["lastState"], Json::object());
  EXPECT_EQ(container["state"]["running"], Json({{"startedAt", nullptr}}));
  EXPECT_EQ(container["restartCount"], 0);
  EXPECT_EQ(container["image"], "");
  EXPECT_EQ(status["conditions"][0]["status"], "");
}

TEST_F(AllocationTest, OneWayToSayAnAppArmorProfileBringsTheOther) {
  const std::string note = "container.apparmor.security.beta.kubernetes.io/c";
  const Json field = MakePod({{"securityContext", {{"appArmorProfile", {{"type", "Unconfined"}}}}}},
                             {{"name", "field"}});
  EXPECT_EQ(field["metadata"]["annotations"][note], "unconfined");
  const Json noted =
      MakePod(Json::object(), {{"name", "noted"}, {"annotations", {{note, "runtime/default"}}}});
  EXPECT_EQ(noted["spec"]["containers"][0]["securityContext"]["appArmorProfile"]["type"],
            "RuntimeDefault");
  const Json odd = MakePod(Json::object(), {{"name", "odd"}, {"annotations", {{note, "odd"}}}});
  EXPECT_EQ(odd["code"], 422);
}

TEST_F(AllocationTest, TolerationsOfARuntimeClassThatThePodCoversAreNotAdded) {
  door_.Post("/apis/node.k8s.io/v1/runtimeclasses",
             {{"metadata", {{"name", "kata"}}},
              {"handler", "kata"},
              {"scheduling", {{"tolerations", {{{"key", "kata"}, {"operator", "Exists"}}}}}}});
  auto count = [&](const char* name, const Json& own) {
    const Json pod =
        MakePod({{"runtimeClassName", "kata"}, {"tolerations", own}}, {{"name", name}});
    return pod["spec"]["tolerations"].size();
  };
  EXPECT_EQ(count("none", Json::array()), 3U) << "one of the class, two of every pod";
  EXPECT_EQ(count("same", {{{"key", "kata"}, {"operator", "Exists"}}}), 3U);
  EXPECT_EQ(count("all", {{{"operator", "Exists"}}}), 1U);
}

TEST_F(AllocationTest, ThePodsAccountIsTheOneOfTheNewerName) {
  const Json pod = MakePod({{"serviceAccount", "other"}, {"serviceAccountName", "default"}});
  EXPECT_EQ(pod["spec"]["serviceAccount"], "default") << pod.dump();
}

}  // namespace
}  // namespace opsmesh::kubesim
