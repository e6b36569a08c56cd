// Writes whose cost could grow as a product of their lengths: each takes milliseconds, and would
// take minutes or gigabytes if it did. Small ones of the same kind are answered as ever.
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/clock.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/objects/validate_profiles.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"

namespace opsmesh::kubesim {
namespace {

// A busy machine is no fault: what is judged here is off by a factor of a hundred or more.
class Costs : public testing::Test {
 protected:
  void SetUp() override { door_.AddNamespace("shop"); }
  void TearDown() override { EXPECT_LT(base::SystemClock().Steady() - begin_, absl::Seconds(20)); }

  static Json Texts(size_t count, const std::string& prefix = "t") {
    Json list = Json::array();
    for (size_t i = 0; i < count; ++i) list.push_back(prefix + std::to_string(i));
    return list;
  }
  static Json Repeated(size_t count, const Json& value) {
    return Json(Json::array_t(count, value));
  }
  // {word: [{word: [... inner]}]}
  static Json Nested(const char* word, int levels, Json inner) {
    for (int i = 0; i < levels; ++i) inner = {{word, Json::array({std::move(inner)})}};
    return inner;
  }
  static Causes Against(const Json& schema, const Json& value) {
    Causes causes;
    CheckAgainstSchema(causes, schema, value, "");
    return causes;
  }
  static ResourceType Custom(const Json& schema) {
    ResourceType type;
    type.group = "example.com";
    type.version = "v1";
    type.plural = "things";
    type.kind = "Thing";
    type.custom = true;
    type.definition = std::make_shared<const Json>(Json{{"schema", {{"openAPIV3Schema", schema}}}});
    return type;
  }
  static size_t TextOf(const FieldSet& fields) {
    size_t bytes = 0;
    for (const FieldPath& path : fields) {
      for (const std::string& element : path) bytes += element.size();
    }
    return bytes;
  }

  const ResourceType& Type(const char* group, const char* plural) {
    return MustFind(door_.store, group, "v1", plural);
  }

  FakeDoor door_;
  const absl::Duration begin_ = base::SystemClock().Steady();
};

TEST_F(Costs, MembersBelowALongNameAreOwnedTogether) {
  Json env = Json::array();
  for (const Json& name : Texts(5000)) env.push_back({{"name", name}});
  auto pod = [&](size_t length) {
    return Json{
        {"metadata", {{"name", "p"}}},
        {"spec",
         {{"containers", {{{"name", std::string(length, 'c')}, {"image", "i:1"}, {"env", env}}}}}}};
  };
  const FieldSet usual = FieldsOf(Type("", "pods"), pod(5), FieldView::kWritten);
  EXPECT_EQ(usual.size(),
            5000u * 2 + 4);  // each entry and its name; containers, itself, name, image
  const FieldSet odd = FieldsOf(Type("", "pods"), pod(100'000), FieldView::kWritten);
  EXPECT_LT(TextOf(odd), 80u << 20);
  const FieldPath whole = {"f:spec", "f:containers",
                           "k:{\"name\":\"" + std::string(100'000, 'c') + "\"}", "f:env"};
  EXPECT_TRUE(odd.contains(whole));
  EXPECT_EQ(door_.Post("/api/v1/namespaces/shop/pods", pod(100'000))->code(), 422);
}

TEST_F(Costs, OwnedFieldsThatAClientSendsAreBoundedAsWell) {
  Json below = Json::object();
  for (const Json& name : Texts(5000, "f:")) below[name.get<std::string>()] = Json::object();
  EXPECT_LT(TextOf(FromFieldsV1({{"f:" + std::string(100'000, 'x'), below}})), 80u << 20);
  EXPECT_TRUE(FromFieldsV1({{".", Json::object()}}).empty()) << "nobody owns the object itself";
}

class Escalation : public Costs {
 protected:
  void Grant(const Json& rules) {
    const std::string access = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/";
    EXPECT_EQ(
        door_.Post(access + "roles", {{"metadata", {{"name", "own"}}}, {"rules", rules}})->code(),
        201);
    const Json role = {
        {"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "own"}};
    const Json ann = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", "ann"}};
    EXPECT_EQ(door_
                  .Post(access + "rolebindings", {{"metadata", {{"name", "own"}}},
                                                  {"roleRef", role},
                                                  {"subjects", Json::array({ann})}})
                  ->code(),
              201);
  }
  std::shared_ptr<RecordedExchange> Write(const Json& rule) {
    return door_.Send("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles",
                      Json{{"metadata", {{"name", "more"}}}, {"rules", Json::array({rule})}}.dump(),
                      {{"Impersonate-User", "ann"}});
  }
  static Json MakesRoles() { return Rule({"create"}, {"rbac.authorization.k8s.io"}, {"roles"}); }
  static Json Rule(const Json& verbs, const Json& groups, const Json& resources) {
    return {{"verbs", verbs}, {"apiGroups", groups}, {"resources", resources}};
  }
};

TEST_F(Escalation, ARuleOfMillionsOfPartsIsComparedAsOne) {
  Grant(Json::array({MakesRoles()}));
  const auto wide = Write(Rule(Texts(200, "v"), Texts(200, "g"), Texts(200, "r")));
  EXPECT_EQ(wide->code(), 403);
  EXPECT_LT(wide->response().body.size(), 32u << 10);
  const auto many = Write(Rule(Texts(90, "v"), Texts(10, "g"), Texts(10, "r")));
  EXPECT_EQ(many->code(), 403);
  EXPECT_EQ(Write(Rule(Texts(2), {std::string(100'000, 'g')}, Texts(4000)))->code(), 403);
  const auto small = Write(Rule({"get", "list"}, {""}, {"pods"}));
  EXPECT_EQ(small->code(), 403);
  EXPECT_TRUE(TextAt(small->json(), "message")
                  .ends_with("not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], "
                             "Verbs:[\"get\" \"list\"]}"))
      << small->json();
}

TEST_F(Escalation, ARuleOfMillionsOfPartsIsHeldByWhoHoldsOneThatCoversIt) {
  Grant(Json::array({MakesRoles(), Rule({"*"}, Texts(201, "g"), {"*"})}));
  EXPECT_EQ(Write(Rule(Texts(200, "v"), Texts(200, "g"), Texts(200, "r")))->code(), 201);
}

TEST_F(Costs, FaultsThatShowAWholeListAreSaidAFewTimes) {
  auto owners = [](size_t count) {
    return Repeated(
        count,
        {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", "n"}, {"uid", "u"}, {"controller", true}});
  };
  auto map = [&](size_t count) {
    return door_.Post("/api/v1/namespaces/shop/configmaps",
                      {{"metadata", {{"name", "m"}, {"ownerReferences", owners(count)}}}});
  };
  const auto odd = map(2000), usual = map(4);
  EXPECT_EQ(odd->code(), 422);
  EXPECT_LT(odd->response().body.size(), 8u << 20);
  EXPECT_EQ(usual->json()["details"]["causes"].size(), 3u);
  const auto quota =
      door_.Post("/api/v1/namespaces/shop/resourcequotas",
                 {{"metadata", {{"name", "q"}}}, {"spec", {{"scopes", Repeated(20'000, "a")}}}});
  EXPECT_EQ(quota->code(), 422);
  EXPECT_LT(quota->response().body.size(), 8u << 20);
  const Json schema = {{"type", "array"},
                       {"x-kubernetes-list-type", "map"},
                       {"x-kubernetes-list-map-keys", Repeated(20'000, "a")},
                       {"items", {{"type", "object"}}}};
  Causes causes;
  ValidateDefinitionSchema(causes, {{"type", "object"}, {"properties", {{"list", schema}}}}, "s",
                           false);
  size_t said = 0;
  for (const Cause& cause : causes) said += cause.message.size();
  EXPECT_LT(said, 8u << 20);
  EXPECT_FALSE(causes.empty());
}

TEST_F(Costs, AliasesOfLongTextsAreCountedByTheirLength) {
  const std::string x(100'000, 'x');
  for (const std::string& text : {x, "\"" + x + "\"", "{? " + x + " : 1}"}) {
    std::string yaml = "a: &x " + text + "\nb: [";
    for (int i = 0; i < 2000; ++i) yaml += "*x,";
    const auto read = ParseYaml(yaml + "]\n");
    ASSERT_FALSE(read.ok()) << text.substr(0, 3);
    EXPECT_EQ(read.status().message(), "yaml: document contains excessive aliasing");
  }
}

TEST_F(Costs, BranchesOfASchemaAreAskedOnceHoweverTheyNest) {
  for (const char* word : {"allOf", "anyOf", "oneOf"}) {
    const Json schema = Nested(word, 40, {{"type", "integer"}});
    const Causes causes = Against(schema, {{"a", 1}});
    EXPECT_EQ(causes.size(), 41u) << word;
    EXPECT_TRUE(Against(schema, 5).empty()) << word;
  }
}

TEST_F(Costs, ManyItemsAreHeldAgainstASchemaInProportion) {
  const Json set = {{"type", "array"}, {"x-kubernetes-list-type", "set"}};
  Json items = Texts(100'000);
  EXPECT_TRUE(Against(set, items).empty());
  items.push_back("t7");
  const Causes twice = Against(set, items);
  ASSERT_EQ(twice.size(), 1u);
  EXPECT_EQ(twice[0].field, "[100000]");
  const Json keyed = {
      {"type", "array"}, {"x-kubernetes-list-type", "map"}, {"x-kubernetes-list-map-keys", {"k"}}};
  const Causes alike = Against(keyed, {{{"k", 1}, {"v", 1}}, {{"k", 1.0}}, {{"k", 2}}});
  ASSERT_EQ(alike.size(), 1u);
  EXPECT_EQ(alike[0].field, "[1]");
  const Json pattern = {
      {"items", {{"pattern", "^([a-z0-9]{1,200}[.]){0,9}[a-z]{1,200}[0-9]{1,200}$"}}}};
  EXPECT_TRUE(Against(pattern, items).empty());
}

TEST_F(Costs, NeitherCausesNorDefaultsGrowAsAProduct) {
  const Json needs = {{"items", {{"type", "object"}, {"required", Texts(20'000)}}}};
  const Causes causes = Against(needs, Repeated(20'000, Json::object()));
  EXPECT_LT(causes.size(), 1'000'000u);
  EXPECT_NE(causes.back().message.find("too much work"), std::string::npos);
  const Json lists = {{"additionalProperties", {{"items", {{"type", "string"}}}}}};
  EXPECT_FALSE(Against(lists, {{std::string(1 << 20, 'x'), Texts(100'000)}}).empty());
  const Json fills = {
      {"items",
       {{"type", "object"}, {"properties", {{"a", {{"default", std::string(100'000, 'x')}}}}}}}};
  Json list = Repeated(5000, Json::object());
  ApplySchemaDefaults(fills, list);
  EXPECT_EQ(list[0]["a"].get<std::string>().size(), 100'000u);
  EXPECT_LT(list.dump().size(), 32u << 20);
}

TEST_F(Costs, WhatWasWrongBeforeIsLookedUp) {
  const ResourceType type =
      Custom({{"properties", {{"list", {{"items", {{"type", "integer"}}}}}}}});
  const Json before = {{"list", Texts(170'000)}};
  Json after = before;
  after["list"].push_back("new");
  EXPECT_EQ(ValidateCustom(type, after, before).size(), 1u);
  after["list"] = Texts(250'000);
  EXPECT_GT(ValidateCustom(type, after, after).size(), 1u) << "what is not checked is not excused";
}

TEST_F(Costs, StrategicPatchesOfLongListsKeepTheirOrder) {
  const TypeSchema* type = SchemaOf(Type("", "configmaps"));
  Json wanted = Texts(100'000, "example.com/");
  auto finalizers = [](Json list) { return Json{{"metadata", {{"finalizers", std::move(list)}}}}; };
  const auto added = StrategicMergePatch(finalizers({"z.com/z"}), finalizers(wanted), type);
  ASSERT_TRUE(added.ok());
  const Json& merged = (*added)["metadata"]["finalizers"];
  EXPECT_EQ(merged.size(), 100'001u);
  EXPECT_EQ(merged[0], "example.com/0");
  EXPECT_EQ(merged.back(), "z.com/z");
  Json env = Json::array(), gone = Json::array();
  for (const Json& name : Texts(20'000)) {
    env.push_back({{"name", name}, {"value", "1"}});
    gone.push_back({{"name", name}, {"$patch", "delete"}});
  }
  gone.erase(7);
  const TypeSchema* container = FindSchema("core.v1.Container");
  const auto left = StrategicMergePatch({{"env", env}}, {{"env", gone}}, container);
  ASSERT_TRUE(left.ok());
  EXPECT_EQ((*left)["env"], Json::array({env[7]}));
  Json labels = Json::object();
  for (const Json& name : wanted) labels[name.get<std::string>()] = "v";
  const Json labelled = {{"metadata", {{"labels", labels}}}};
  const auto retained =
      StrategicMergePatch(labelled, {{"metadata", {{"labels", {{"$retainKeys", wanted}}}}}}, type);
  ASSERT_TRUE(retained.ok());
  EXPECT_EQ(*retained, labelled);
}

TEST_F(Costs, AStrategicPatchMergesByKeyAndByValueAsEver) {
  const Json before = {{"env", {{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}}}};
  const Json patch = {{"$setElementOrder/env", {{{"name", "c"}}, {{"name", "d"}}, {{"name", "a"}}}},
                      {"env", {{{"name", "d"}, {"value", "4"}}, {{"name", "a"}, {"value", "1"}}}}};
  const auto merged = StrategicMergePatch(before, patch, FindSchema("core.v1.Container"));
  ASSERT_TRUE(merged.ok());
  std::string order;
  for (const Json& one : (*merged)["env"]) order += TextAt(one, "name") + TextAt(one, "value");
  EXPECT_EQ(order, "bcd4a1");
}

TEST_F(Costs, MovesAndTestsOfAJsonPatchDoNotCopy) {
  Json large = Json::object();
  for (const Json& name : Texts(100'000)) large[name.get<std::string>()] = "v";
  Json patch = Json::array();
  for (int i = 0; i < 2500; ++i) {
    patch.push_back({{"op", "move"}, {"from", "/a"}, {"path", "/b"}});
    patch.push_back({{"op", "test"}, {"path", "/none"}, {"value", nullptr}});
    patch.push_back({{"op", "move"}, {"from", "/b"}, {"path", "/list/0"}});
    patch.push_back({{"op", "move"}, {"from", "/list/0"}, {"path", "/a"}});
  }
  const Json target = {{"a", std::move(large)}, {"list", {1}}};
  const auto moved = JsonPatch(target, patch);
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(*moved, target);
  const Json absent = Json::array({{{"op", "move"}, {"from", "/none"}, {"path", "/x"}}});
  EXPECT_FALSE(JsonPatch(target, absent).ok());
}

TEST_F(Costs, ProfilesOfManyContainersAreLookedUp) {
  Json containers = Json::array(), notes = Json::object();
  for (const Json& name : Texts(70'000)) {
    containers.push_back({{"name", name}});
    notes["container.apparmor.security.beta.kubernetes.io/" + name.get<std::string>()] =
        "unconfined";
  }
  notes["container.apparmor.security.beta.kubernetes.io/none"] = "unconfined";
  Causes causes;
  ValidateProfileNotes(
      causes, {{"metadata", {{"annotations", notes}}}, {"spec", {{"containers", containers}}}},
      "metadata.annotations");
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_NE(causes[0].message.find("container not found"), std::string::npos);
}

TEST_F(Costs, PortsKeepTheirNodePortsByName) {
  const std::string services = "/api/v1/namespaces/shop/services";
  auto service = [](size_t count, const char* type) {
    Json ports = Json::array();
    for (size_t i = 0; i < count; ++i)
      ports.push_back({{"name", "p" + std::to_string(i)}, {"port", i + 1}});
    return Json{{"metadata", {{"name", "s"}}}, {"spec", {{"type", type}, {"ports", ports}}}};
  };
  ASSERT_EQ(door_.Post(services, service(2500, "NodePort"))->code(), 201);
  const Json before = door_.Get(services + "/s");
  const auto changed = door_.Send("PUT", services + "/s", service(2499, "NodePort").dump());
  ASSERT_EQ(changed->code(), 200) << changed->response().body.substr(0, 300);
  for (size_t i : {0u, 2498u})
    EXPECT_EQ(changed->json()["spec"]["ports"][i], before["spec"]["ports"][i]) << i;
}

TEST_F(Costs, TimesThatAreNoneAreRefused) {
  for (const char* time : {"infinite-future", "infinite-past", " 2025-01-21T10:30:00Z"}) {
    const auto made = door_.Post("/api/v1/namespaces/shop/events",
                                 {{"metadata", {{"name", "e"}, {"namespace", "shop"}}},
                                  {"involvedObject", {{"namespace", "shop"}}},
                                  {"lastTimestamp", time}});
    EXPECT_EQ(made->code(), 400) << time;
  }
}

TEST_F(Costs, SchemasThatHoldThemselvesAreNotFollowedWithoutEnd) {
  Json schema = {{"type", "object"}};
  for (int i = 0; i < 4000; ++i) schema = {{"not", std::move(schema)}};
  const Json definition = {{"metadata", {{"name", "things.example.com"}}},
                           {"spec",
                            {{"group", "example.com"},
                             {"scope", "Namespaced"},
                             {"names", {{"plural", "things"}, {"kind", "Thing"}}},
                             {"versions",
                              {{{"name", "v1"},
                                {"served", true},
                                {"storage", true},
                                {"schema", {{"openAPIV3Schema", std::move(schema)}}}}}}}}};
  const auto made =
      door_.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  EXPECT_EQ(made->code(), 400) << made->response().body.substr(0, 300);
}

TEST_F(Costs, MetricsInAnAnnotationAreTakenWhenTheyAreSome) {
  const std::string autoscalers = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers";
  auto stored = [&](const std::string& name, const std::string& metrics) {
    const auto made = door_.Post(
        autoscalers, {{"metadata",
                       {{"name", name},
                        {"annotations", {{"autoscaling.alpha.kubernetes.io/metrics", metrics}}}}},
                      {"spec",
                       {{"maxReplicas", 3},
                        {"scaleTargetRef",
                         {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "web"}}}}}});
    EXPECT_EQ(made->code(), 201) << made->response().body;
    return door_.Get("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/" +
                     name)["spec"];
  };
  const char* memory = R"([{"type":"Resource","resource":{"name":"memory",)"
                       R"("target":{"type":"Utilization","averageUtilization":50}}}])";
  EXPECT_EQ(At(stored("good", memory), "metrics"), Json::parse(memory));
  int i = 0;
  for (const char* wrong : {R"([{"type":7}])", "[3]", R"([{"type":"Resource","resource":[]}])",
                            R"([{"type":"Pods","pods":{"target":{"averageValue":{}}}}])"}) {
    const Json metrics = At(stored("bad" + std::to_string(++i), wrong), "metrics");
    EXPECT_NE(metrics, Json::parse(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
