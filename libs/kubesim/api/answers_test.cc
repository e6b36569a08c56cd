// What a real 1.32 answers where one would not expect it: owners of reviews, names of definitions,
// warnings, counted quotas.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/objects/warnings.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AnswersTest : public testing::Test {
 protected:
  void SetUp() override { door_.AddNamespace("shop"); }

  static Json Definition(const std::string& plural, const std::string& kind) {
    return {{"metadata", {{"name", plural + ".ops.example.com"}}},
            {"spec",
             {{"group", "ops.example.com"},
              {"scope", "Namespaced"},
              {"names", {{"plural", plural}, {"kind", kind}}},
              {"versions",
               {{{"name", "v1"},
                 {"served", true},
                 {"storage", true},
                 {"schema", {{"openAPIV3Schema", {{"type", "object"}}}}}}}}}}};
  }
  Json Condition(const std::string& plural, const std::string& type) {
    const Json definition = door_.Get(definitions_ + "/" + plural + ".ops.example.com");
    for (const Json& one : ListAt(definition, {"status", "conditions"})) {
      if (TextAt(one, "type") == type) return one;
    }
    return {};
  }

  const std::string definitions_ = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  FakeDoor door_;
};

TEST_F(AnswersTest, AReviewBelongsToWhoAsked) {
  const Json review =
      door_
          .Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                {{"spec", {{"resourceAttributes", {{"verb", "get"}, {"resource", "pods"}}}}}})
          ->json();
  const Json& owner = review["metadata"]["managedFields"][0];
  EXPECT_EQ(owner["operation"], "Update");
  EXPECT_TRUE(owner["fieldsV1"]["f:spec"]["f:resourceAttributes"].contains("f:verb")) << owner;
}

TEST_F(AnswersTest, ADefinitionIsAcceptedAfterItWasAnswered) {
  const auto made = door_.Post(definitions_, Definition("backups", "Backup"));
  ASSERT_EQ(made->code(), 201) << made->response().body;
  EXPECT_TRUE(made->json()["status"]["conditions"].is_null());
  EXPECT_EQ(Condition("backups", "Established")["status"], "True");
  const Json there = door_.Get(definitions_ + "/backups.ops.example.com");
  EXPECT_EQ(there["metadata"]["managedFields"][0]["manager"], "kube-apiserver");
}

TEST_F(AnswersTest, AKindThatAnotherDefinitionHoldsIsServedWhenThatIsGone) {
  ASSERT_EQ(door_.Post(definitions_, Definition("backups", "Backup"))->code(), 201);
  ASSERT_EQ(door_.Post(definitions_, Definition("copies", "Backup"))->code(), 201);
  EXPECT_EQ(Condition("copies", "NamesAccepted")["message"], "\"BackupList\" is already in use");
  const std::string copies = "/apis/ops.example.com/v1/namespaces/shop/copies";
  EXPECT_EQ(door_.Send("GET", copies)->code(), 404);
  const Json leaving = door_.Send("DELETE", definitions_ + "/backups.ops.example.com")->json();
  EXPECT_EQ(leaving["metadata"]["finalizers"][0], "customresourcecleanup.apiextensions.k8s.io");
  EXPECT_EQ(Condition("copies", "Established")["status"], "True");
  EXPECT_EQ(door_.Send("GET", copies)->code(), 200);
}

TEST_F(AnswersTest, ResourcesGoWithTheirDefinition) {
  ASSERT_EQ(door_.Post(definitions_, Definition("backups", "Backup"))->code(), 201);
  const std::string backups = "/apis/ops.example.com/v1/namespaces/shop/backups";
  ASSERT_EQ(door_
                .Post(backups, {{"apiVersion", "ops.example.com/v1"},
                                {"kind", "Backup"},
                                {"metadata", {{"name", "b"}}}})
                ->code(),
            201);
  door_.Send("DELETE", definitions_ + "/backups.ops.example.com");
  ASSERT_EQ(door_.Post(definitions_, Definition("backups", "Backup"))->code(), 201);
  EXPECT_EQ(door_.Get(backups)["items"].size(), 0u);
}

TEST_F(AnswersTest, ANewNodeIsTaintedUntilSomebodySawItReady) {
  const Json node = door_.Post("/api/v1/nodes", {{"metadata", {{"name", "n1"}}}})->json();
  EXPECT_EQ(node["spec"]["taints"][0]["key"], "node.kubernetes.io/not-ready");
}

TEST_F(AnswersTest, AnAddressOutsideTheServiceRangeIsRefused) {
  const auto refused =
      door_.Post("/api/v1/namespaces/shop/services",
                 {{"metadata", {{"name", "web"}}},
                  {"spec", {{"clusterIP", "192.0.2.7"}, {"ports", {{{"port", 80}}}}}}});
  EXPECT_EQ(refused->code(), 422);
  EXPECT_THAT(refused->response().body, HasSubstr("is not in the valid range"));
}

TEST_F(AnswersTest, APatchToAnotherKindIsThePatchsFault) {
  ASSERT_EQ(
      door_.Post("/api/v1/namespaces/shop/configmaps", {{"metadata", {{"name", "m"}}}})->code(),
      201);
  const auto refused =
      door_.Send("PATCH", "/api/v1/namespaces/shop/configmaps/m", R"({"kind":"Gadget"})",
                 {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(refused->code(), 422);
  EXPECT_EQ(refused->json()["details"]["causes"][0]["field"], "patch");
}

TEST_F(AnswersTest, WhatIsCreatedCountsInTheStatusOfItsQuota) {
  const std::string quotas = "/api/v1/namespaces/shop/resourcequotas";
  ASSERT_EQ(door_
                .Post(quotas, {{"metadata", {{"name", "q"}}},
                               {"spec", {{"hard", {{"count/configmaps", "5"}}}}}})
                ->code(),
            201);
  door_.Send("PATCH", quotas + "/q/status",
             R"({"status":{"hard":{"count/configmaps":"5"},"used":{"count/configmaps":"0"}}})",
             {{"Content-Type", "application/merge-patch+json"}});
  ASSERT_EQ(
      door_.Post("/api/v1/namespaces/shop/configmaps", {{"metadata", {{"name", "m"}}}})->code(),
      201);
  EXPECT_EQ(door_.Get(quotas + "/q")["status"]["used"]["count/configmaps"], "1");
}

TEST_F(AnswersTest, AVariableThatHidesAnotherIsWarnedOf) {
  const ResourceType* pods = door_.store.catalog().Find("", "v1", "pods");
  const Json pod = {
      {"metadata", {{"name", "a.b"}}},
      {"spec",
       {{"containers",
         {{{"name", "c"},
           {"env", {{{"name", "A"}, {"value", "1"}}, {{"name", "A"}, {"value", "2"}}}}}}}}}};
  EXPECT_THAT(WarningsAbout(*pods, pod, nullptr),
              ElementsAre(HasSubstr("a DNS label is recommended: [must not contain dots]"),
                          "spec.containers[0].env[1]: hides previous definition of \"A\", which "
                          "may be dropped when using apply"));
}

}  // namespace
}  // namespace opsmesh::kubesim
