// How changes are merged, owned and judged, where a real 1.32 has rules of its own.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"

namespace opsmesh::kubesim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ChangeRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    door_.AddNamespace("shop");
    Json containers = Json::array();
    for (const char* name : {"one", "two", "three"})
      containers.push_back({{"name", name}, {"image", std::string(name) + ":1"}});
    door_.Post(
        deployments_,
        {{"metadata", {{"name", "web"}, {"finalizers", {"example.com/x"}}}},
         {"spec",
          {{"selector", {{"matchLabels", {{"a", "b"}}}}},
           {"template",
            {{"metadata", {{"labels", {{"a", "b"}}}}}, {"spec", {{"containers", containers}}}}}}}});
  }
  // A strategic merge of the pod's spec, on trial.
  Json Merged(const Json& spec) {
    return door_
        .Patch(deployments_ + "/web?dryRun=All", "strategic-merge-patch+json",
               {{"spec", {{"template", {{"spec", spec}}}}}})
        ->json();
  }
  static std::vector<std::string> NamesIn(const Json& deployment) {
    std::vector<std::string> names;
    for (const Json& one : deployment["spec"]["template"]["spec"]["containers"])
      names.push_back(one["name"]);
    return names;
  }
  Json Apply(const std::string& manager, const Json& data) {
    const Json body = {
        {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "m"}}}, {"data", data}};
    return door_
        .Send("PATCH", maps_ + "/m?fieldManager=" + manager, body.dump(),
              {{"Content-Type", "application/apply-patch+yaml"}})
        ->json();
  }
  const std::string deployments_ = "/apis/apps/v1/namespaces/shop/deployments";
  const std::string maps_ = "/api/v1/namespaces/shop/configmaps";
  FakeDoor door_;
};

TEST_F(ChangeRulesTest, AnElementThatIsDeletedAndNamedAnewComesFirst) {
  const Json patch = {
      {"containers",
       {{{"name", "two"}, {"$patch", "delete"}}, {{"name", "two"}, {"image", "new:1"}}}}};
  EXPECT_THAT(NamesIn(Merged(patch)), ElementsAre("two", "one", "three"));
}

TEST_F(ChangeRulesTest, AListIsPutInTheOrderThatThePatchAsksFor) {
  Json patch;
  patch["$setElementOrder/containers"] = {
      {{"name", "three"}}, {{"name", "one"}}, {{"name", "two"}}};
  EXPECT_THAT(NamesIn(Merged(patch)), ElementsAre("three", "one", "two"));
  patch["containers"] = {{{"name", "four"}, {"image", "four:1"}}};
  EXPECT_THAT(Merged(patch)["message"].get<std::string>(),
              HasSubstr("doesn't match $setElementOrder list"));
}

TEST_F(ChangeRulesTest, KeysThatRetainMustHoldWhatThePatchBrings) {
  const Json volume = {{"name", "v"}, {"emptyDir", Json::object()}, {"$retainKeys", {"name"}}};
  const Json plain = {{"name", "v"}, {"configMap", {{"name", "c"}}}};
  door_.Patch(deployments_ + "/web", "strategic-merge-patch+json",
              {{"spec", {{"template", {{"spec", {{"volumes", {plain}}}}}}}}});
  EXPECT_EQ(Merged({{"volumes", {volume}}})["message"], "invalid patch format of retainKeys");
}

TEST_F(ChangeRulesTest, QuantitiesComeBackInTheServersOwnNotation) {
  const Json limits = {{"cpu", "1000m"}, {"memory", "1024Mi"}, {"example.com/x", "1e3"}};
  const Json merged =
      Merged({{"containers",
               {{{"name", "one"},
                 {"resources",
                  {{"limits", limits}, {"requests", {{"cpu", 0.5}, {"memory", "1.5Mi"}}}}}}}}});
  const Json& resources = merged["spec"]["template"]["spec"]["containers"][0]["resources"];
  EXPECT_EQ(resources["limits"]["cpu"], "1");
  EXPECT_EQ(resources["limits"]["memory"], "1Gi");
  EXPECT_EQ(resources["limits"]["example.com/x"], "1e3");
  EXPECT_EQ(resources["requests"]["cpu"], "500m");
  EXPECT_EQ(resources["requests"]["memory"], "1536Ki");
}

TEST_F(ChangeRulesTest, KubectlTakesOverWhatItAppliedOnTheClientAndRenewsItsRecord) {
  constexpr const char* kLast = "kubectl.kubernetes.io/last-applied-configuration";
  const Json last = {{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", {{"name", "m"}}},
                     {"data", {{"a", "1"}}}};
  door_.Post(maps_ + "?fieldManager=kubectl-client-side-apply",
             {{"metadata", {{"name", "m"}, {"annotations", {{kLast, last.dump()}}}}},
              {"data", {{"a", "1"}}}});
  EXPECT_EQ(Apply("flux", {{"a", "8"}})["reason"], "Conflict");
  const Json taken = Apply("kubectl", {{"a", "9"}});
  EXPECT_EQ(taken["data"]["a"], "9");
  EXPECT_EQ(taken["metadata"]["annotations"][kLast],
            R"({"apiVersion":"v1","data":{"a":"9"},"kind":"ConfigMap","metadata":{"name":"m"}})"
            "\n");
}

TEST_F(ChangeRulesTest, ARefusedUpdateTellsItsCausesAsOftenAsItsKindLooksAtThem) {
  const Json refused = door_
                           .Patch(deployments_ + "/web", "merge-patch+json",
                                  {{"metadata", {{"labels", {{"a b", "c"}}}}}})
                           ->json();
  EXPECT_EQ(refused["details"]["causes"].size(), 3u);
  door_.Post(maps_, {{"metadata", {{"name", "n"}}}});
  const Json map =
      door_.Patch(maps_ + "/n", "merge-patch+json", {{"metadata", {{"labels", {{"a b", "c"}}}}}})
          ->json();
  EXPECT_EQ(map["details"]["causes"].size(), 4u);
}

TEST_F(ChangeRulesTest, AStatusWhoseCountsDoNotFitIsRefused) {
  const auto refused = door_.Patch(deployments_ + "/web/status", "merge-patch+json",
                                   {{"status", {{"replicas", 1}, {"readyReplicas", 2}}}});
  EXPECT_EQ(refused->code(), 422);
  EXPECT_THAT(refused->json()["message"].get<std::string>(),
              HasSubstr("status.readyReplicas: Invalid value: 2: cannot be greater than "
                        "status.replicas"));
}

}  // namespace
}  // namespace opsmesh::kubesim
