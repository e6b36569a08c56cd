// Answers where a real 1.32 is stricter, or words its refusals otherwise, than one would guess:
// schemas of custom resources, owners of fields, selectors in reviews, odd paths and options.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/objects/value_formats.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class StrictRulesTest : public testing::Test {
 protected:
  void SetUp() override { door_.AddNamespace("shop"); }

  // A definition of Boxes whose spec has these properties.
  std::shared_ptr<RecordedExchange> Define(const Json& properties) {
    Json definition = {{"metadata", {{"name", "boxes.ops.example.com"}}}};
    Json version = {{"name", "v1"}, {"served", true}, {"storage", true}};
    version["schema"]["openAPIV3Schema"] = {
        {"type", "object"},
        {"properties",
         {{"spec", {{"type", "object"}, {"properties", properties}}},
          {"status", {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}};
    version["subresources"] = {{"status", Json::object()},
                               {"scale",
                                {{"specReplicasPath", ".spec.size"},
                                 {"statusReplicasPath", ".status.replicas"},
                                 {"labelSelectorPath", ".status.selector"}}}};
    version["additionalPrinterColumns"] = {
        {{"name", "All"}, {"type", "string"}, {"jsonPath", ".spec.list[*].name"}},
        {{"name", "Size"}, {"type", "boolean"}, {"jsonPath", ".spec.size"}}};
    definition["spec"] = {{"group", "ops.example.com"},
                          {"scope", "Namespaced"},
                          {"names", {{"plural", "boxes"}, {"kind", "Box"}}},
                          {"versions", Json::array({version})}};
    return door_.Post(definitions_, definition);
  }
  std::shared_ptr<RecordedExchange> Box(const Json& spec) {
    return door_.Post(boxes_, {{"apiVersion", "ops.example.com/v1"},
                               {"kind", "Box"},
                               {"metadata", {{"name", "b"}}},
                               {"spec", spec}});
  }
  static std::vector<std::string> Causes(const Json& status) {
    std::vector<std::string> texts;
    for (const Json& cause : ListAt(status, {"details", "causes"}))
      texts.push_back(TextAt(cause, "field") + ": " + TextAt(cause, "message"));
    return texts;
  }
  std::shared_ptr<RecordedExchange> Apply(const std::string& manager, Json body) {
    body["apiVersion"] = "apps/v1";
    body["kind"] = "Deployment";
    body["metadata"]["name"] = "web";
    return door_.Send("PATCH", deployments_ + "/web?fieldManager=" + manager, body.dump(),
                      {{"Content-Type", "application/apply-patch+yaml"}});
  }
  static Json Deployment() {
    return {
        {"spec",
         {{"selector", {{"matchLabels", {{"a", "b"}}}}},
          {"template",
           {{"metadata", {{"labels", {{"a", "b"}}}}},
            {"spec",
             {{"containers", {{{"name", "one"}, {"image", "one:1"}, {"args", {"x", "y"}}}}}}}}}}}};
  }
  static Json Entry(const Json& object, const std::string& manager) {
    for (const Json& entry : ListAt(object, {"metadata", "managedFields"})) {
      if (TextAt(entry, "manager") == manager) return entry;
    }
    return {};
  }

  const std::string definitions_ = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const std::string boxes_ = "/apis/ops.example.com/v1/namespaces/shop/boxes";
  const std::string maps_ = "/api/v1/namespaces/shop/configmaps";
  const std::string deployments_ = "/apis/apps/v1/namespaces/shop/deployments";
  FakeDoor door_;
};

TEST_F(StrictRulesTest, ANumberThatCannotBeReplicasIsRefusedByItsTypeAndByTheScale) {
  ASSERT_EQ(Define({{"size", {{"type", "integer"}, {"maximum", 100}}}})->code(), 201);
  EXPECT_THAT(
      Causes(Box({{"size", 1e20}})->json()),
      UnorderedElementsAre(
          "spec.size: Invalid value: \"number\": spec.size in body must be of type integer: "
          "\"number\"",
          "spec.size: Invalid value: 1e+20: spec.size in body should be less than or equal to 100",
          ".spec.size: Invalid value: 0: .spec.size accessor error: 1e+20 is of the type float64, "
          "expected int64"));
  EXPECT_THAT(
      Causes(Box({{"size", 2.0}})->json()),
      UnorderedElementsAre(".spec.size: Invalid value: 0: .spec.size accessor error: 2 is of "
                           "the type float64, expected int64"));
}

TEST_F(StrictRulesTest, AFormatIsWhatServersTakeForIt) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> good = {
      {"byte", {"aGk=", "aGkh"}},
      {"uri", {"http://a.example/x?y", "/x", "urn:x", "*"}},
      {"duration", {"1h2m", "3 days", "-1.5s", "0"}},
      {"date", {"2026-02-28"}},
      {"date-time", {"2026-02-28t01:02:03.5z", "2026-02-28T01:02:03+01:00"}},
      {"hostname", {"a.example", "node1"}},
      {"mac", {"00:00:5e:00:53:01", "0000.5e00.5301"}},
      {"isbn", {"0-306-40615-2", "978-0-306-40615-7"}},
      {"creditcard", {"4111 1111 1111 1111"}},
      {"rgbcolor", {"rgb(0, 10,255)"}},
      {"email", {"a@b.example", "Ann <a@b.example>"}}};
  const std::vector<std::pair<const char*, std::vector<const char*>>> bad = {
      {"byte", {"***", "", "aGk"}},
      {"uri", {"::", "", "x", "http://a b/", "http://a.example:x/", "/%zz"}},
      {"duration", {"1 year", "", "later"}},
      {"date", {"2026-02-30", "2026-2-1"}},
      {"date-time", {"2026-02-28 01:02:03Z", "2026-02-28T24:00:00Z", "2026-02-28"}},
      {"hostname", {"-a.example", "a..b", "a_b"}},
      {"mac", {"00:00:5e", "00-00:5e:00:53:01"}},
      {"isbn", {"0-306-40615-3"}},
      {"creditcard", {"4111 1111 1111 1112"}},
      {"rgbcolor", {"rgb(0,256,0)"}},
      {"email", {"x", "@b"}}};
  for (const auto& [format, texts] : good) {
    for (const char* text : texts) EXPECT_TRUE(FitsFormat(format, text)) << format << " " << text;
  }
  for (const auto& [format, texts] : bad) {
    for (const char* text : texts) EXPECT_FALSE(FitsFormat(format, text)) << format << " " << text;
  }
  EXPECT_EQ(ValueFormat("int32"), "");
}

TEST_F(StrictRulesTest, AValueOfAnotherTypeIsToldOfTheFormat) {
  ASSERT_EQ(Define({{"when", {{"type", "string"}, {"format", "date-time"}}}})->code(), 201);
  EXPECT_THAT(Causes(Box({{"when", 5}})->json()),
              Contains("spec.when: Invalid value: \"int64\": spec.when in body must be of type "
                       "date-time: \"int64\""));
  EXPECT_EQ(Box({{"when", "2026-02-28T01:02:03Z"}})->code(), 201);
}

TEST_F(StrictRulesTest, ADefaultMayNotHoldWhatItsSchemaDoesNotKnow) {
  const auto refused = Define({{"inner", {{"type", "object"}, {"default", {{"a", {1, "b"}}}}}}});
  EXPECT_THAT(Causes(refused->json()),
              Contains(HasSubstr("properties[inner].default: Invalid value: map[string]interface "
                                 "{}{\"a\":[]interface {}{1, \"b\"}}: must not have unknown "
                                 "fields")));
}

TEST_F(StrictRulesTest, AnEmbeddedResourceHasTheMetadataOfAll) {
  ASSERT_EQ(Define({{"pod",
                     {{"type", "object"},
                      {"x-kubernetes-embedded-resource", true},
                      {"x-kubernetes-preserve-unknown-fields", true}}}})
                ->code(),
            201);
  const auto made = Box({{"pod",
                          {{"apiVersion", "v1"},
                           {"kind", "Pod"},
                           {"free", 1},
                           {"metadata", {{"name", "x"}, {"nope", 1}}}}}});
  ASSERT_EQ(made->code(), 201) << made->response().body;
  EXPECT_EQ(made->json()["spec"]["pod"]["metadata"], Json({{"name", "x"}}));
  EXPECT_EQ(made->json()["spec"]["pod"]["free"], 1);
  EXPECT_THAT(std::string(made->response().headers.Get("Warning")),
              HasSubstr("spec.pod.metadata.nope"));
}

TEST_F(StrictRulesTest, AColumnShowsTheFirstOfManyAndNothingOfAnotherType) {
  ASSERT_EQ(
      Define(
          {{"size", {{"type", "integer"}}},
           {"list",
            {{"type", "array"},
             {"items", {{"type", "object"}, {"properties", {{"name", {{"type", "string"}}}}}}}}}})
          ->code(),
      201);
  ASSERT_EQ(Box({{"size", 3}, {"list", {{{"name", "m"}}, {{"name", "n"}}}}})->code(), 201);
  const Json table =
      door_.Send("GET", boxes_, "", {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}})
          ->json();
  EXPECT_EQ(table["rows"][0]["cells"], Json({"b", "m", nullptr})) << table;
}

TEST_F(StrictRulesTest, WhoOnlyAgreesHasChangedNothing) {
  ASSERT_EQ(Apply("ann", Deployment())->code(), 201);
  const Json agreed = Apply("bob", Deployment())->json();
  EXPECT_FALSE(Entry(agreed, "bob").contains("time")) << Entry(agreed, "bob");
  EXPECT_TRUE(Entry(agreed, "ann").contains("time"));
}

TEST_F(StrictRulesTest, NothingIsOwnedOfAListThatIsAskedToBeEmptyAndNullIsAField) {
  ASSERT_EQ(Apply("ann", Deployment())->code(), 201);
  Json asked;
  asked["spec"]["template"]["spec"]["volumes"] = Json::array();
  EXPECT_TRUE(Entry(Apply("bob", asked)->json(), "bob").is_null());
  asked = {{"metadata", {{"labels", nullptr}}}, {"spec", nullptr}};
  const Json owned = Entry(Apply("bob", asked)->json(), "bob")["fieldsV1"];
  EXPECT_EQ(owned,
            Json({{"f:metadata", {{"f:labels", Json::object()}}}, {"f:spec", Json::object()}}));
  asked = Json();
  asked["spec"]["template"]["spec"]["containers"] = Json::array({nullptr});
  EXPECT_THAT(Apply("bob", asked)->json()["message"].get<std::string>(),
              HasSubstr(".spec.template.spec.containers: element 0: associative list with keys may "
                        "not have a null element"));
}

TEST_F(StrictRulesTest, WhatHeldAFieldGoesWithItWhenItIsNobodys) {
  ASSERT_EQ(Apply("ann", Deployment())->code(), 201);
  Json asked;
  asked["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = "30%";
  ASSERT_EQ(Apply("bob", asked)->code(), 200);
  asked["spec"]["strategy"] = {{"type", "Recreate"}};
  const auto changed = Apply("bob", asked);
  ASSERT_EQ(changed->code(), 200) << changed->response().body;
  EXPECT_EQ(changed->json()["spec"]["strategy"], Json({{"type", "Recreate"}}));
}

TEST_F(StrictRulesTest, ElementsAreDeletedFromListsThatAreNotMerged) {
  ASSERT_EQ(Apply("ann", Deployment())->code(), 201);
  Json patch;
  patch["spec"]["template"]["spec"]["containers"] = {
      {{"name", "one"}, {"$deleteFromPrimitiveList/args", {"x"}}}};
  const Json patched =
      door_.Patch(deployments_ + "/web", "strategic-merge-patch+json", patch)->json();
  EXPECT_EQ(patched["spec"]["template"]["spec"]["containers"][0]["args"], Json({"y"})) << patched;
}

TEST_F(StrictRulesTest, NobodyBeginsADeletionByWriting) {
  door_.Post(maps_, {{"metadata", {{"name", "m"}}}});
  const auto time = door_.Patch(maps_ + "/m", "merge-patch+json",
                                {{"metadata", {{"deletionTimestamp", "2030-01-01T00:00:00Z"}}}});
  EXPECT_EQ(time->code(), 422);
  EXPECT_THAT(time->json()["message"].get<std::string>(),
              HasSubstr("2030-01-01 00:00:00 +0000 UTC: field is immutable"));
  EXPECT_EQ(door_
                .Patch(maps_ + "/m", "merge-patch+json",
                       {{"metadata", {{"deletionGracePeriodSeconds", 5}}}})
                ->code(),
            422);
  const auto version =
      door_.Patch(maps_ + "/m", "merge-patch+json", {{"metadata", {{"resourceVersion", "abc"}}}});
  EXPECT_EQ(version->code(), 500);
  EXPECT_EQ(version->json()["message"], "strconv.ParseUint: parsing \"abc\": invalid syntax");
}

TEST_F(StrictRulesTest, WhatANodeHasItCanGive) {
  door_.Post("/api/v1/nodes", {{"metadata", {{"name", "n"}}}});
  auto capacity = [&](const Json& amounts) {
    return door_
        .Patch("/api/v1/nodes/n/status?dryRun=All", "strategic-merge-patch+json",
               {{"status", {{"capacity", amounts}}}})
        ->json();
  };
  EXPECT_EQ(capacity({{"cpu", "4"}})["status"]["allocatable"], Json({{"cpu", "4"}}));
  EXPECT_THAT(Causes(capacity({{"example.com/gpu", "500m"}})),
              Contains(HasSubstr("status.allocatable.example.com/gpu: Invalid value: ")));
}

TEST_F(StrictRulesTest, ANumberInASentenceStandsAsItWasWritten) {
  for (const char* number : {"1e2", "123456789012345678901234567890", "1e400"}) {
    const auto refused = door_.Send(
        "POST", maps_, std::string(R"({"metadata":{"name":"x","generation":)") + number + "}}",
        {{"Content-Type", "application/json"}});
    EXPECT_EQ(refused->code(), 400);
    EXPECT_THAT(refused->json()["message"].get<std::string>(),
                HasSubstr(std::string("json: cannot unmarshal number ") + number +
                          " into Go struct field ObjectMeta.metadata.generation of type int64"));
  }
}

TEST_F(StrictRulesTest, AReviewsSelectorsAreHeldAgainstTheirRules) {
  auto ask = [&](const Json& selectors) {
    Json resource = {{"verb", "list"}, {"resource", "pods"}};
    resource.update(selectors);
    return door_
        .Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
              {{"spec", {{"resourceAttributes", resource}}}})
        ->json();
  };
  EXPECT_THAT(Causes(ask({{"fieldSelector",
                           {{"rawSelector", "a=b"},
                            {"requirements", {{{"key", "a"}, {"operator", "Exists"}}}}}}})),
              Contains(HasSubstr("rawSelector: Invalid value: \"a=b\": may not specified")));
  EXPECT_THAT(Causes(ask({{"labelSelector", Json::object()}})),
              Contains(HasSubstr("requirements: Required value: when "
                                 "spec.resourceAttributes.labelSelector is specified")));
  const Json known = {{"key", "a"}, {"operator", "Exists"}},
             odd = {{"key", "a"}, {"operator", "Near"}};
  EXPECT_EQ(ask({{"labelSelector", {{"requirements", {odd, known}}}}})["status"]["evaluationError"],
            "spec.resourceAttributes.labelSelector partially ignored due to parse error");
  EXPECT_EQ(ask({{"fieldSelector", {{"requirements", {known}}}}})["status"]["evaluationError"],
            "spec.resourceAttributes.fieldSelector ignored due to parse error");
}

TEST_F(StrictRulesTest, PathsAndOptionsThatNobodyServesAreRefused) {
  door_.Post("/api/v1/namespaces/shop/pods",
             {{"metadata", {{"name", "p"}}},
              {"spec", {{"containers", {{{"name", "c"}, {"image", "c:1"}}}}}}});
  const std::string pod = "/api/v1/namespaces/shop/pods/p";
  EXPECT_EQ(door_.Send("GET", pod + "/status/x")->code(), 404);
  EXPECT_EQ(door_.Send("GET", pod + "?export=1")->code(), 400);
  EXPECT_EQ(door_.Send("GET", pod + "/log?stream=Stdout")->code(), 422);
  EXPECT_EQ(door_.Send("GET", "//api/v1")->response().body, "404 page not found\n");
  EXPECT_EQ(door_.Send("GET", maps_ + "/%")->json()["message"],
            "Name parameter invalid: \"%\": may not contain '%'");
  EXPECT_EQ(door_.Send("GET", maps_ + "/\"")->json()["message"], "configmaps \"\\\"\" not found");
  const auto moved = door_.Send("GET", "/openapi/v3/apis/apps/v1?hash=x");
  ASSERT_EQ(moved->code(), 301);
  EXPECT_EQ(door_.Send("GET", std::string(moved->response().headers.Get("Location")))->code(), 200);
  EXPECT_EQ(door_.Send("GET", "/openapi/v3/apis/nope")->code(), 404);
}

TEST_F(StrictRulesTest, ABindingMayNameThePodThatItMeans) {
  door_.Post("/api/v1/namespaces/shop/pods",
             {{"metadata", {{"name", "p"}}},
              {"spec", {{"containers", {{{"name", "c"}, {"image", "c:1"}}}}}}});
  const auto other = door_.Post(
      "/api/v1/namespaces/shop/pods/p/binding",
      {{"metadata", {{"name", "p"}, {"uid", "x"}}}, {"target", {{"kind", "Node"}, {"name", "n"}}}});
  EXPECT_EQ(other->code(), 409);
  EXPECT_THAT(
      other->json()["message"].get<std::string>(),
      HasSubstr("Key: /registry/pods/shop/p, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
                "failed: UID in precondition: x"));
}

}  // namespace
}  // namespace opsmesh::kubesim
