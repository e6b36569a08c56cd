#include "gmock/gmock.h"
#include "libs/kubesim/api/write_testing.h"

namespace opsmesh::kubesim {
namespace {

using testing::HasSubstr;

TEST_F(WriteTest, ACreateFillsDefaultsIdentityAndOwnership) {
  const auto made = door_.Post(deployments_, Deployment("web"));
  ASSERT_EQ(made->code(), 201) << made->response().body;
  const Json object = made->json();
  EXPECT_EQ(object["spec"]["replicas"], 1);
  EXPECT_EQ(object["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
  EXPECT_EQ(object["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], "IfNotPresent");
  EXPECT_EQ(object["metadata"]["generation"], 1);
  EXPECT_EQ(object["metadata"]["managedFields"][0]["operation"], "Update");
  EXPECT_EQ(door_.Post(deployments_, Deployment("web"))->json()["reason"], "AlreadyExists");
}

TEST_F(WriteTest, AnInvalidDeploymentListsEveryCause) {
  Json bad = Deployment("bad");
  bad["spec"]["template"]["metadata"]["labels"]["app"] = "other";
  bad["spec"]["template"]["spec"]["containers"][0]["image"] = "";
  const Json refused = door_.Post(deployments_, bad)->json();
  EXPECT_EQ(refused["message"],
            "Deployment.apps \"bad\" is invalid: [spec.template.metadata.labels: Invalid value: "
            "map[string]string{\"app\":\"other\"}: `selector` does not match template `labels`, "
            "spec.template.spec.containers[0].image: Required value]");
  EXPECT_EQ(refused["details"]["causes"].size(), 2u);
}

TEST_F(WriteTest, AStaleUpdateIsAConflictAndAFreshOneRaisesTheGeneration) {
  Json object = door_.Post(deployments_, Deployment("web"))->json();
  object["spec"]["replicas"] = 3;
  const auto written = door_.Send("PUT", deployments_ + "/web", object.dump());
  ASSERT_EQ(written->code(), 200) << written->response().body;
  EXPECT_EQ(written->json()["metadata"]["generation"], 2);
  EXPECT_EQ(door_.Send("PUT", deployments_ + "/web", object.dump())->json()["reason"], "Conflict");
}

TEST_F(WriteTest, AStrategicPatchMergesContainersByName) {
  door_.Post(deployments_, Deployment("web"));
  const Json patch = {{"spec",
                       {{"template",
                         {{"spec",
                           {{"containers",
                             {{{"name", "c"}, {"image", "nginx:2"}},
                              {{"name", "side"}, {"image", "envoy:1"}}}}}}}}}}};
  const Json patched =
      door_.Patch(deployments_ + "/web", "strategic-merge-patch+json", patch)->json();
  const Json& containers = patched["spec"]["template"]["spec"]["containers"];
  ASSERT_EQ(containers.size(), 2u);
  EXPECT_EQ(containers[0]["image"], "nginx:2");
  EXPECT_EQ(containers[0]["env"][0]["name"], "A");
  const Json remove = {
      {"spec",
       {{"template", {{"spec", {{"containers", {{{"name", "side"}, {"$patch", "delete"}}}}}}}}}}};
  EXPECT_EQ(door_.Patch(deployments_ + "/web", "strategic-merge-patch+json", remove)
                ->json()["spec"]["template"]["spec"]["containers"]
                .size(),
            1u);
}

TEST_F(WriteTest, AJsonPatchWhoseTestFailsIsInvalidAndChangesNothing) {
  const Json object = door_.Post(deployments_, Deployment("web"))->json();
  const Json patch = {{{"op", "test"}, {"path", "/spec/replicas"}, {"value", 9}},
                      {{"op", "replace"}, {"path", "/spec/replicas"}, {"value", 2}}};
  EXPECT_EQ(door_.Patch(deployments_ + "/web", "json-patch+json", patch)->code(), 422);
  EXPECT_EQ(door_.Get(deployments_ + "/web")["metadata"]["resourceVersion"],
            object["metadata"]["resourceVersion"]);
}

TEST_F(WriteTest, ServerSideApplyNamesTheOwnerOfAConflictAndForceTakesOver) {
  auto apply = [&](const std::string& manager, const Json& body, const char* more = "") {
    return door_.Send("PATCH", maps_ + "/m?fieldManager=" + manager + more, body.dump(),
                      {{"Content-Type", "application/apply-patch+yaml"}});
  };
  const Json one = {{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", {{"name", "m"}}},
                    {"data", {{"a", "one"}, {"b", "x"}}}};
  Json two = one;
  two["data"] = {{"a", "two"}};
  EXPECT_EQ(apply("first", one)->code(), 201);
  const Json refused = apply("second", two)->json();
  EXPECT_EQ(refused["message"], "Apply failed with 1 conflict: conflict with \"first\": .data.a");
  EXPECT_EQ(refused["details"]["causes"][0]["reason"], "FieldManagerConflict");
  const Json forced = apply("second", two, "&force=true")->json();
  EXPECT_EQ(forced["data"]["a"], "two");
  EXPECT_EQ(forced["data"]["b"], "x");
  // What the first manager leaves out now goes; what the second holds stays.
  Json none = one;
  none["data"] = Json::object();
  const Json rest = apply("first", none)->json();
  EXPECT_FALSE(rest["data"].contains("b"));
  EXPECT_EQ(rest["data"]["a"], "two");
}

TEST_F(WriteTest, ADryRunAnswersAsIfAndKeepsNothing) {
  const auto made = door_.Post(deployments_ + "?dryRun=All", Deployment("ghost"));
  EXPECT_EQ(made->code(), 201);
  EXPECT_FALSE(made->json()["metadata"].contains("resourceVersion"));
  EXPECT_EQ(door_.Send("GET", deployments_ + "/ghost")->code(), 404);
  door_.Post(deployments_, Deployment("web"));
  EXPECT_EQ(door_.Send("DELETE", deployments_ + "/web?dryRun=All")->code(), 200);
  EXPECT_EQ(door_.Send("GET", deployments_ + "/web")->code(), 200);
}

TEST_F(WriteTest, ScaleReadsAndWritesReplicasOnly) {
  door_.Post(deployments_, Deployment("web"));
  const Json scaled =
      door_.Patch(deployments_ + "/web/scale", "merge-patch+json", {{"spec", {{"replicas", 5}}}})
          ->json();
  EXPECT_EQ(scaled["kind"], "Scale");
  EXPECT_EQ(scaled["spec"]["replicas"], 5);
  EXPECT_EQ(door_.Get(deployments_ + "/web")["spec"]["replicas"], 5);
  EXPECT_EQ(
      door_.Patch(deployments_ + "/web/scale", "merge-patch+json", {{"spec", {{"replicas", -1}}}})
          ->code(),
      422);
}

TEST_F(WriteTest, AScaleAsATableTellsWhatIsWantedAndWhatIsThere) {
  door_.Post(deployments_, Deployment("web"));
  const Json table = door_
                         .Send("GET", deployments_ + "/web/scale", "",
                               {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}})
                         ->json();
  ASSERT_EQ(table["kind"], "Table");
  std::vector<std::string> columns;
  for (const Json& column : table["columnDefinitions"]) columns.push_back(column["name"]);
  EXPECT_EQ(columns, (std::vector<std::string>{"Name", "Desired", "Available", "Age"}));
  ASSERT_EQ(table["rows"].size(), 1u);
  const Json& cells = table["rows"][0]["cells"];
  EXPECT_EQ(cells[0], "web");
  EXPECT_EQ(cells[1], 1);
  EXPECT_EQ(cells[2], 0);
  EXPECT_EQ(table["rows"][0]["object"]["metadata"]["name"], "web");
}

TEST_F(WriteTest, AmountsAndPortsHaveSchemasThatExplainCanName) {
  for (const auto& [path, place] : {std::pair("/openapi/v3/apis/apps/v1", "/components/schemas/"),
                                    std::pair("/openapi/v2", "/definitions/")}) {
    const Json document = door_.Get(path);
    const auto at = [&](const std::string& rest) {
      return document[Json::json_pointer(place + rest)].dump();
    };
    EXPECT_THAT(at("io.k8s.api.apps.v1.RollingUpdateDeployment/properties/maxSurge"),
                HasSubstr("io.k8s.apimachinery.pkg.util.intstr.IntOrString\""));
    EXPECT_THAT(at("io.k8s.api.core.v1.ResourceRequirements/properties/limits"),
                HasSubstr("io.k8s.apimachinery.pkg.api.resource.Quantity\""));
    EXPECT_THAT(at("io.k8s.apimachinery.pkg.util.intstr.IntOrString"), HasSubstr("int-or-string"));
    EXPECT_NE(at("io.k8s.apimachinery.pkg.api.resource.Quantity"), "null");
  }
}

TEST_F(WriteTest, AStatusWriteLeavesTheSpecAndASpecWriteTheStatus) {
  door_.Post(deployments_, Deployment("web"));
  door_.Patch(deployments_ + "/web/status", "merge-patch+json",
              {{"spec", {{"replicas", 9}}}, {"status", {{"replicas", 4}}}});
  Json now = door_.Get(deployments_ + "/web");
  EXPECT_EQ(now["spec"]["replicas"], 1);
  EXPECT_EQ(now["status"]["replicas"], 4);
  door_.Patch(deployments_ + "/web", "merge-patch+json",
              {{"spec", {{"replicas", 2}}}, {"status", {{"replicas", 0}}}});
  EXPECT_EQ(door_.Get(deployments_ + "/web")["status"]["replicas"], 4);
}

TEST_F(WriteTest, DeletesKeepPreconditionsAndFinalizers) {
  const Json made =
      door_.Post(maps_, {{"metadata", {{"name", "m"}, {"finalizers", {"example.com/hold"}}}}})
          ->json();
  const auto wrong =
      door_.Send("DELETE", maps_ + "/m", Json({{"preconditions", {{"uid", "nope"}}}}).dump());
  EXPECT_EQ(wrong->code(), 409);
  EXPECT_TRUE(door_.Send("DELETE", maps_ + "/m")->json()["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(door_.Send("GET", maps_ + "/m")->code(), 200);
  door_.Patch(maps_ + "/m", "merge-patch+json", {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_EQ(door_.Send("GET", maps_ + "/m")->code(), 404);
}

TEST_F(WriteTest, ABudgetBlocksAnEvictionWith429AndItsCause) {
  door_.Post("/api/v1/namespaces/shop/pods",
             {{"metadata", {{"name", "p"}, {"labels", {{"app", "l"}}}}},
              {"spec", {{"containers", {{{"name", "c"}, {"image", "i:1"}}}}}}});
  door_.Patch(
      "/api/v1/namespaces/shop/pods/p/status", "merge-patch+json",
      {{"status",
        {{"phase", "Running"}, {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}});
  door_.Post("/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
             {{"metadata", {{"name", "l"}}},
              {"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"app", "l"}}}}}}}});
  door_.Patch(
      "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/l/status", "merge-patch+json",
      {{"status", {{"currentHealthy", 1}, {"desiredHealthy", 1}, {"disruptionsAllowed", 0}}}});
  const auto refused = door_.Post(
      "/api/v1/namespaces/shop/pods/p/eviction",
      {{"apiVersion", "policy/v1"}, {"kind", "Eviction"}, {"metadata", {{"name", "p"}}}});
  EXPECT_EQ(refused->code(), 429);
  EXPECT_EQ(refused->json()["details"]["causes"][0]["message"],
            "The disruption budget l needs 1 healthy pods and has 1 currently");
}

TEST_F(WriteTest, AQuotaIsKept) {
  door_.Post("/api/v1/namespaces/shop/resourcequotas",
             {{"metadata", {{"name", "q"}}}, {"spec", {{"hard", {{"pods", "1"}}}}}});
  const Json pod = {{"metadata", {{"generateName", "p-"}}},
                    {"spec", {{"containers", {{{"name", "c"}, {"image", "i:1"}}}}}}};
  EXPECT_EQ(door_.Post("/api/v1/namespaces/shop/pods", pod)->code(), 201);
  const auto second = door_.Post("/api/v1/namespaces/shop/pods", pod);
  EXPECT_EQ(second->code(), 403);
  EXPECT_THAT(second->json()["message"].get<std::string>(),
              HasSubstr("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"));
}

TEST_F(WriteTest, UnknownFieldsAreRefusedWarnedOfOrDroppedAsAsked) {
  const Json body = {{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", {{"name", "x"}}},
                     {"dato", Json::object()}};
  EXPECT_EQ(door_.Post(maps_ + "?fieldValidation=Strict", body)->json()["message"],
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "unknown field \"dato\"");
  const auto warned = door_.Post(maps_ + "?fieldValidation=Warn", body);
  EXPECT_EQ(warned->code(), 201);
  EXPECT_EQ(warned->response().headers.Get("Warning"), "299 - \"unknown field \\\"dato\\\"\"");
  EXPECT_FALSE(warned->json().contains("dato"));
}

TEST_F(WriteTest, RolesAllowWhatTheySayAndImpersonationNeedsTheRight) {
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop";
  door_.Post(
      rbac + "/roles",
      {{"metadata", {{"name", "reader"}}},
       {"rules", {{{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"get", "list"}}}}}});
  door_.Post(rbac + "/rolebindings", {{"metadata", {{"name", "reader"}}},
                                      {"roleRef", {{"kind", "Role"}, {"name", "reader"}}},
                                      {"subjects", {{{"kind", "User"}, {"name", "ann"}}}}});
  const FakeDoor::Fields ann = {
      {"Authorization", "Bearer " + door_.tokens.Issue(MakeUser("ann", {}))}};
  EXPECT_EQ(door_.Send("GET", "/api/v1/namespaces/shop/pods", "", ann)->code(), 200);
  EXPECT_EQ(door_.Send("GET", "/api/v1/namespaces/shop/secrets", "", ann)->json()["message"],
            "secrets is forbidden: User \"ann\" cannot list resource \"secrets\" in API group \"\" "
            "in the namespace \"shop\"");
  FakeDoor::Fields both = ann;
  both.emplace_back("Impersonate-User", "root");
  EXPECT_EQ(door_.Send("GET", "/api/v1/namespaces/shop/pods", "", both)->code(), 403);
  EXPECT_EQ(
      door_.Send("GET", "/api/v1/namespaces/shop/pods", "", {{"Authorization", "Bearer forged"}})
          ->code(),
      401);
  const auto as_ann =
      door_.Send("GET", "/api/v1/namespaces/shop/secrets", "", {{"Impersonate-User", "ann"}});
  EXPECT_EQ(as_ann->code(), 403);
}

TEST_F(WriteTest, AnAccessReviewInProtobufIsUnderstood) {
  // SelfSubjectAccessReview{spec{resourceAttributes{verb: "list", resource: "pods"}}} as kubectl
  // encodes it.
  const std::string attributes = std::string("\x12\x04list\x2a\x04pods", 12);
  const std::string spec =
      "\x0a" + std::string(1, static_cast<char>(attributes.size())) + attributes;
  const std::string raw = "\x12" + std::string(1, static_cast<char>(spec.size())) + spec;
  const std::string meta =
      std::string("\x0a\x17") + "authorization.k8s.io/v1" + "\x12\x17" + "SelfSubjectAccessReview";
  const std::string body = std::string("k8s\0", 4) + "\x0a" +
                           std::string(1, static_cast<char>(meta.size())) + meta + "\x12" +
                           std::string(1, static_cast<char>(raw.size())) + raw;
  const auto review = door_.Send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                                 body, {{"Content-Type", "application/vnd.kubernetes.protobuf"}});
  EXPECT_EQ(review->code(), 201) << review->response().body;
  EXPECT_EQ(review->json()["status"]["allowed"], true);
  EXPECT_EQ(review->json()["spec"]["resourceAttributes"]["verb"], "list");
  // Anything else in protobuf is refused, whole or cut.
  for (size_t size = 4; size < body.size(); size += 3) {
    const auto cut = door_.Send("POST", maps_, body.substr(0, size),
                                {{"Content-Type", "application/vnd.kubernetes.protobuf"}});
    EXPECT_GE(cut->code(), 400);
    EXPECT_LT(cut->code(), 500);
  }
}

TEST_F(WriteTest, ALimitRangeGivesDefaultsAndRefusesWhatIsOutOfBounds) {
  door_.AddNamespace("bounded");
  ASSERT_EQ(door_
                .Post("/api/v1/namespaces/bounded/limitranges",
                      {{"metadata", {{"name", "l"}}},
                       {"spec",
                        {{"limits",
                          {{{"type", "Container"},
                            {"default", {{"memory", "64Mi"}}},
                            {"defaultRequest", {{"memory", "16Mi"}}},
                            {"max", {{"memory", "128Mi"}}}}}}}}})
                ->code(),
            201);
  auto pod = [](const char* name, const Json& resources) {
    return Json{
        {"metadata", {{"name", name}}},
        {"spec", {{"containers", {{{"name", "c"}, {"image", "i"}, {"resources", resources}}}}}}};
  };
  const Json made =
      door_.Post("/api/v1/namespaces/bounded/pods", pod("small", Json::object()))->json();
  EXPECT_EQ(made["spec"]["containers"][0]["resources"],
            (Json{{"limits", {{"memory", "64Mi"}}}, {"requests", {{"memory", "16Mi"}}}}));
  const auto refused =
      door_.Post("/api/v1/namespaces/bounded/pods", pod("big", {{"limits", {{"memory", "1Gi"}}}}));
  EXPECT_EQ(refused->code(), 403);
  EXPECT_EQ(
      refused->json()["message"],
      "pods \"big\" is forbidden: maximum memory usage per Container is 128Mi, but limit is 1Gi");
}

TEST_F(WriteTest, ACustomResourceIsServedAndJudgedByItsSchema) {
  const Json schema = Json::parse(
      R"({"type":"object","properties":{"spec":{"type":"object","properties":{"retain":{"type":"integer","minimum":1},"schedule":{"type":"string","pattern":"^[0-9*/, -]+$"}}}}})");
  const auto defined = door_.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                                  {{"metadata", {{"name", "backups.ops.example.com"}}},
                                   {"spec",
                                    {{"group", "ops.example.com"},
                                     {"scope", "Namespaced"},
                                     {"names",
                                      {{"plural", "backups"},
                                       {"singular", "backup"},
                                       {"kind", "Backup"},
                                       {"listKind", "BackupList"}}},
                                     {"versions",
                                      {{{"name", "v1"},
                                        {"served", true},
                                        {"storage", true},
                                        {"schema", {{"openAPIV3Schema", schema}}}}}}}}});
  ASSERT_EQ(defined->code(), 201) << defined->response().body;
  const auto bad = door_.Post("/apis/ops.example.com/v1/namespaces/shop/backups",
                              {{"apiVersion", "ops.example.com/v1"},
                               {"kind", "Backup"},
                               {"metadata", {{"name", "b"}}},
                               {"spec", {{"schedule", "whenever"}, {"retain", 0}}}});
  EXPECT_EQ(bad->json()["message"],
            "Backup.ops.example.com \"b\" is invalid: [spec.retain: Invalid value: 0: spec.retain "
            "in body should be greater than or equal to 1, spec.schedule: Invalid value: "
            "\"whenever\": spec.schedule in body should match '^[0-9*/, -]+$']");
  EXPECT_EQ(door_
                .Patch("/apis/ops.example.com/v1/namespaces/shop/backups/b",
                       "strategic-merge-patch+json", Json::object())
                ->code(),
            415);
}

}  // namespace
}  // namespace opsmesh::kubesim
