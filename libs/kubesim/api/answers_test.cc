// What a real 1.32 answers where one would not expect it: owners of reviews, names of definitions,
// warnings, counted quotas.
#include <algorithm>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/strings.h"
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

TEST_F(AnswersTest, ADefinitionWaitsForResourcesThatAreHeld) {
  ASSERT_EQ(door_.Post(definitions_, Definition("backups", "Backup"))->code(), 201);
  const std::string backups = "/apis/ops.example.com/v1/namespaces/shop/backups";
  auto backup = [](const char* name) {
    return Json{
        {"apiVersion", "ops.example.com/v1"}, {"kind", "Backup"}, {"metadata", {{"name", name}}}};
  };
  Json held = backup("held");
  held["metadata"]["finalizers"] = {"example.com/hold"};
  ASSERT_EQ(door_.Post(backups, held)->code(), 201);
  ASSERT_EQ(door_.Post(backups, backup("free"))->code(), 201);
  EXPECT_EQ(door_.Send("DELETE", definitions_ + "/backups.ops.example.com")->code(), 200);
  const Json leaving = door_.Get(definitions_ + "/backups.ops.example.com");
  EXPECT_FALSE(TextAt(leaving, {"metadata", "deletionTimestamp"}).empty());
  const Json terminating = Condition("backups", "Terminating");
  EXPECT_EQ(TextAt(terminating, "reason"), "InstanceDeletionInProgress");
  EXPECT_EQ(TextAt(terminating, "message"), "CustomResource deletion is in progress");
  const Json left = door_.Get(backups)["items"];
  ASSERT_EQ(left.size(), 1u);
  EXPECT_FALSE(TextAt(left[0], {"metadata", "deletionTimestamp"}).empty());
  const auto late = door_.Post(backups, backup("late"));
  EXPECT_EQ(late->code(), 405);
  EXPECT_THAT(late->response().body,
              HasSubstr("create not allowed while custom resource definition is terminating"));
  door_.Send("PATCH", backups + "/held", R"({"metadata":{"finalizers":null}})",
             {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(door_.Send("GET", definitions_ + "/backups.ops.example.com")->code(), 404);
  EXPECT_EQ(door_.Send("GET", backups)->code(), 404);
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

TEST_F(AnswersTest, WhoScalesOwnsTheReplicasAndWhoAppliesToAScaleMeetsThem) {
  const std::string one = "/apis/apps/v1/namespaces/shop/deployments/web";
  Json web = {{"apiVersion", "apps/v1"},
              {"kind", "Deployment"},
              {"metadata", {{"name", "web"}}},
              {"spec",
               {{"selector", {{"matchLabels", {{"a", "b"}}}}},
                {"template",
                 {{"metadata", {{"labels", {{"a", "b"}}}}},
                  {"spec", {{"containers", {{{"name", "c"}, {"image", "x:1"}}}}}}}}}}};
  const Json scale = {{"apiVersion", "autoscaling/v1"},
                      {"kind", "Scale"},
                      {"metadata", {{"name", "web"}}},
                      {"spec", {{"replicas", 5}}}};
  // Nobody asked for replicas: nobody owns them, and a scale without owners is as it was before.
  ASSERT_EQ(door_.Patch(one + "?fieldManager=ann", "apply-patch+yaml", web)->code(), 201);
  const auto refused = door_.Patch(one + "/scale?fieldManager=hpa", "apply-patch+yaml", scale);
  EXPECT_EQ(refused->code(), 409);
  EXPECT_EQ(refused->json()["message"],
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" with subresource "
            "\"scale\" using autoscaling/v1: .spec.replicas");
  EXPECT_EQ(door_.Get(one)["spec"]["replicas"], 1);
  web["spec"]["replicas"] = 2;
  ASSERT_EQ(door_.Patch(one + "?fieldManager=ann", "apply-patch+yaml", web)->code(), 200);
  EXPECT_THAT(door_.Patch(one + "/scale?fieldManager=hpa", "apply-patch+yaml", scale)
                  ->json()["message"]
                  .get<std::string>(),
              HasSubstr("conflict with \"ann\": .spec.replicas"));
  ASSERT_EQ(
      door_.Patch(one + "/scale?fieldManager=hpa&force=true", "apply-patch+yaml", scale)->code(),
      200);
  const Json there = door_.Get(one);
  EXPECT_EQ(there["spec"]["replicas"], 5);
  const Json& owners = there["metadata"]["managedFields"];
  ASSERT_EQ(owners.size(), 2u) << owners;
  const auto hpa = std::find_if(owners.begin(), owners.end(),
                                [](const Json& entry) { return entry["manager"] == "hpa"; });
  ASSERT_NE(hpa, owners.end());
  EXPECT_EQ((*hpa)["subresource"], "scale");
  EXPECT_EQ((*hpa)["apiVersion"], "apps/v1");
  EXPECT_EQ((*hpa)["fieldsV1"].dump(), R"({"f:spec":{"f:replicas":{}}})");
  // The deployment's applier meets the new owner.
  EXPECT_THAT(door_.Patch(one + "?fieldManager=ann", "apply-patch+yaml", web)
                  ->json()["message"]
                  .get<std::string>(),
              HasSubstr("conflict with \"hpa\" with subresource \"scale\": .spec.replicas"));
}

TEST_F(AnswersTest, AnObjectWithoutOwnersStaysSoUntilSomebodyApplies) {
  const std::string one = "/api/v1/namespaces/shop/configmaps/plain";
  door_.Post("/api/v1/namespaces/shop/configmaps",
             {{"metadata", {{"name", "plain"}}}, {"data", {{"a", "1"}}}});
  door_.Patch(one, "merge-patch+json", {{"metadata", {{"managedFields", {Json::object()}}}}});
  EXPECT_FALSE(door_.Get(one)["metadata"].contains("managedFields"));
  door_.Patch(one, "merge-patch+json", {{"data", {{"b", "2"}}}});
  EXPECT_FALSE(door_.Get(one)["metadata"].contains("managedFields"));
  const auto refused = door_.Patch(one + "?fieldManager=ann", "apply-patch+yaml",
                                   {{"apiVersion", "v1"},
                                    {"kind", "ConfigMap"},
                                    {"metadata", {{"name", "plain"}}},
                                    {"data", {{"a", "9"}, {"b", "9"}}}});
  EXPECT_EQ(refused->json()["message"],
            "Apply failed with 2 conflicts: conflicts with \"before-first-apply\" using v1:\n"
            "- .data.a\n- .data.b");
}

TEST_F(AnswersTest, TheNamesOfAServedDefinitionDoNotChange) {
  ASSERT_EQ(door_.Post(definitions_, Definition("backups", "Backup"))->code(), 201);
  const std::string one = definitions_ + "/backups.ops.example.com";
  for (const char* member : {"plural", "kind"}) {
    const auto refused =
        door_.Patch(one, "merge-patch+json", {{"spec", {{"names", {{member, "others"}}}}}});
    EXPECT_EQ(refused->code(), 422) << member;
    EXPECT_EQ(refused->json()["details"]["causes"][0]["field"],
              std::string("spec.names.") + member);
  }
}

TEST_F(AnswersTest, AWatcherSeesTheEndOfAPodBeforeItIsGone) {
  const std::string pods = "/api/v1/namespaces/shop/pods";
  ASSERT_EQ(door_
                .Post(pods, {{"metadata", {{"name", "p"}}},
                             {"spec", {{"containers", {{{"name", "c"}, {"image", "x"}}}}}}})
                ->code(),
            201);
  const std::string version = door_.Get(pods)["metadata"]["resourceVersion"];
  door_.Send("DELETE", pods + "/p");
  const auto watch =
      door_.Send("GET", pods + "?watch=1&timeoutSeconds=1&resourceVersion=" + version);
  const std::string stream = watch->response().body;
  std::vector<Json> events;
  for (std::string_view line : base::Split(stream, '\n')) {
    if (!line.empty()) events.push_back(Json::parse(line));
  }
  ASSERT_EQ(events.size(), 2u) << stream;
  EXPECT_EQ(events[0]["type"], "MODIFIED");
  EXPECT_EQ(events[0]["object"]["metadata"]["deletionGracePeriodSeconds"], 0);
  EXPECT_EQ(events[1]["type"], "DELETED");
  EXPECT_TRUE(events[1]["object"]["metadata"]["deletionTimestamp"].is_string());
}

TEST_F(AnswersTest, ObjectsWrittenTwiceHaveTheMembersOfBothAndEachBadByteIsOneSign) {
  const auto made = door_.Send("POST", "/api/v1/namespaces/shop/configmaps",
                               "{\"metadata\":{\"name\":\"twice\"},\"data\":{\"a\":\"1\",\"c\":"
                               "\"\xff\xfe\"},\"data\":{\"b\":\"2\"}}");
  ASSERT_EQ(made->code(), 201) << made->response().body;
  EXPECT_EQ(made->json()["data"].dump(),
            "{\"a\":\"1\",\"b\":\"2\",\"c\":\"\xef\xbf\xbd\xef\xbf\xbd\"}");
}

TEST_F(AnswersTest, YamlIsLaidOutAsKubernetesToolsDo) {
  door_.Post("/api/v1/namespaces/shop/configmaps",
             {{"metadata", {{"name", "y"}}},
              {"data",
               {{"n", "no"},
                {"k10", "012"},
                {"k9", "1:30"},
                {"lines", "a\nb\n"},
                {"dash", "- x"},
                {"spaced", " x"},
                {"tab", "a\tb"},
                {"date", "2026-11-21"},
                {"long", std::string(90, 'x') + " and the rest"}}}});
  const std::string text =
      door_
          .Send("GET", "/api/v1/namespaces/shop/configmaps/y", "", {{"Accept", "application/yaml"}})
          ->response()
          .body;
  const std::string data = text.substr(text.find("data:"), text.find("kind:") - text.find("data:"));
  EXPECT_EQ(data,
            "data:\n"
            "  dash: '- x'\n"
            "  date: \"2026-11-21\"\n"
            "  k9: \"1:30\"\n"
            "  k10: \"012\"\n"
            "  lines: |\n"
            "    a\n"
            "    b\n"
            "  long: " +
                std::string(90, 'x') +
                "\n"
                "    and the rest\n"
                "  \"n\": \"no\"\n"
                "  spaced: ' x'\n"
                "  tab: \"a\\tb\"\n");
}

TEST_F(AnswersTest, ATrialOfADeletionShowsWhatWouldHoldTheObject) {
  door_.Post("/api/v1/namespaces/shop/persistentvolumeclaims",
             {{"metadata", {{"name", "c"}}},
              {"spec",
               {{"accessModes", {"ReadWriteOnce"}},
                {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}});
  const Json shown =
      door_
          .Send("DELETE",
                "/api/v1/namespaces/shop/persistentvolumeclaims/c?dryRun=All&propagationPolicy="
                "Foreground")
          ->json();
  EXPECT_THAT(shown["metadata"]["finalizers"],
              ElementsAre("kubernetes.io/pvc-protection", "foregroundDeletion"));
  const Json space = door_.Send("DELETE", "/api/v1/namespaces/shop?dryRun=All")->json();
  EXPECT_EQ(space["kind"], "Namespace");
  EXPECT_EQ(space["status"]["phase"], "Terminating");
  EXPECT_EQ(door_.Get("/api/v1/namespaces/shop")["status"]["phase"], "Active");
}

}  // namespace
}  // namespace opsmesh::kubesim
