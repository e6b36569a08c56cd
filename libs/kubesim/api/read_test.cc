#include <set>
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"
#include "libs/kubesim/api/printers.h"

namespace opsmesh::kubesim {
namespace {

using testing::HasSubstr;

class ReadTest : public testing::Test {
 protected:
  void SetUp() override {
    door_.AddNamespace("shop");
    door_.AddNamespace("shop-b");
    for (int i = 0; i < 5; ++i) {
      for (const char* ns : {"shop", "shop-b"}) {
        door_.Post(std::string("/api/v1/namespaces/") + ns + "/configmaps",
                   {{"metadata",
                     {{"name", "m" + std::to_string(i)},
                      {"labels", {{"odd", i % 2 == 1 ? "yes" : "no"}}}}},
                    {"data", {{"v", "1"}}}});
      }
    }
  }
  FakeDoor door_;
};

TEST_F(ReadTest, PagesCoverEveryObjectOnceAlsoWhenTheListChangesMeanwhile) {
  std::vector<std::string> seen;
  std::string token;
  do {
    const Json page =
        door_.Get("/api/v1/configmaps?limit=3" + (token.empty() ? "" : "&continue=" + token));
    for (const Json& item : page["items"])
      seen.push_back(item["metadata"]["namespace"].get<std::string>() + "/" +
                     item["metadata"]["name"].get<std::string>());
    token = page["metadata"].value("continue", "");
    door_.Send("DELETE", "/api/v1/namespaces/shop-b/configmaps/m4");  // still on the last page: the
                                                                      // pages are of one moment
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 10u);
}

TEST_F(ReadTest, ACompactedContinueTokenIs410AndCarriesOneToGoOnWith) {
  const Json page = door_.Get("/api/v1/configmaps?limit=3");
  door_.Send("DELETE", "/api/v1/namespaces/shop/configmaps/m0");
  door_.store.Compact(door_.store.resource_version());
  const auto gone = door_.Send("GET", "/api/v1/configmaps?limit=3&continue=" +
                                          page["metadata"]["continue"].get<std::string>());
  EXPECT_EQ(gone->code(), 410);
  EXPECT_EQ(gone->json()["reason"], "Expired");
  const Json rest = door_.Get("/api/v1/configmaps?continue=" +
                              gone->json()["metadata"]["continue"].get<std::string>());
  EXPECT_EQ(rest["items"].size(), 7u);
}

TEST_F(ReadTest, AMalformedContinueTokenOrLimitIsABadRequest) {
  for (const char* query : {"continue=xyz", "continue=e30", "limit=abc"}) {
    EXPECT_EQ(door_.Send("GET", std::string("/api/v1/configmaps?") + query)->code(), 400) << query;
  }
}

TEST_F(ReadTest, SelectorsAndVersionsFilterAndRefuseAsTheRealServer) {
  EXPECT_EQ(door_.Get("/api/v1/namespaces/shop/configmaps?labelSelector=odd%3Dyes")["items"].size(),
            2u);
  EXPECT_EQ(door_.Get("/api/v1/configmaps?fieldSelector=metadata.name%3Dm1")["items"].size(), 2u);
  EXPECT_EQ(door_.Get("/api/v1/configmaps?labelSelector=odd%3D%3D%3D")["message"],
            "unable to parse requirement: found '=', expected: identifier");
  EXPECT_EQ(door_.Send("GET", "/api/v1/configmaps?resourceVersion=99999999")->code(), 504);
  EXPECT_EQ(door_.Get("/api/v1/namespaces/nowhere/pods")["items"].size(), 0u);
}

TEST_F(ReadTest, AWatchStreamsTheListThenEveryChangeAndTellsOfAForgottenVersion) {
  auto watch =
      door_.Send("GET", "/api/v1/namespaces/shop/configmaps?watch=true&labelSelector=odd%3Dyes");
  door_.Patch("/api/v1/namespaces/shop/configmaps/m1", "merge-patch+json",
              {{"data", {{"v", "2"}}}});
  door_.Patch("/api/v1/namespaces/shop/configmaps/m1", "merge-patch+json",
              {{"metadata", {{"labels", {{"odd", "no"}}}}}});
  door_.Patch("/api/v1/namespaces/shop/configmaps/m0", "merge-patch+json",
              {{"data", {{"v", "2"}}}});
  std::vector<std::string> seen;
  std::istringstream lines(watch->response().body);
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    seen.push_back(event["type"].get<std::string>() + " " +
                   event["object"]["metadata"]["name"].get<std::string>());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"ADDED m1", "ADDED m3", "MODIFIED m1", "DELETED m1"}));
  door_.store.Compact(door_.store.resource_version());
  const auto old = door_.Send("GET", "/api/v1/configmaps?watch=true&resourceVersion=1001");
  EXPECT_EQ(old->json()["type"], "ERROR");
  EXPECT_EQ(old->json()["object"]["code"], 410);
}

TEST_F(ReadTest, InitialEventsEndWithAnAnnotatedBookmark) {
  const auto watch = door_.Send("GET",
                                "/api/v1/namespaces/shop/"
                                "configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch="
                                "NotOlderThan&allowWatchBookmarks=true");
  const std::string body = watch->response().body;
  EXPECT_THAT(body, HasSubstr("\"k8s.io/initial-events-end\":\"true\""));
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 6);
}

TEST_F(ReadTest, UnknownPlacesAnswerAsTheRealServerDoes) {
  EXPECT_EQ(door_.Send("GET", "/apis/nope.example.com/v1/things")->response().body,
            "404 page not found\n");
  EXPECT_EQ(door_.Get("/api/v1/namespaces/shop/gadgets")["message"],
            "the server could not find the requested resource");
  EXPECT_EQ(door_.Send("DELETE", "/version")->code(), 405);
  EXPECT_EQ(door_.Send("GET", "/api/v1/pods", "", {{"Accept", "text/html"}})->code(), 406);
}

TEST_F(ReadTest, BothVersionsOfAnAutoscalerShowTheSameObject) {
  door_.Post(
      "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers",
      {{"metadata", {{"name", "web"}}},
       {"spec",
        {{"scaleTargetRef", {{"kind", "Deployment"}, {"name", "web"}, {"apiVersion", "apps/v1"}}},
         {"maxReplicas", 5},
         {"targetCPUUtilizationPercentage", 60}}}});
  EXPECT_EQ(door_.Get("/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web")
                ["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"],
            60);
  EXPECT_EQ(door_.Get("/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/web")
                ["spec"]["targetCPUUtilizationPercentage"],
            60);
}

// Pods in every state that the STATUS column tells apart, and of shapes that no validation saw.
std::vector<Json> OddPods() {
  const Json running = {{"running", {{"startedAt", "2026-01-01T00:00:00Z"}}}};
  const Json done = {{"terminated", {{"exitCode", 0}, {"reason", "Completed"}}}};
  auto waiting = [](const char* reason) { return Json{{"waiting", {{"reason", reason}}}}; };
  auto one = [](const char* name, const Json& state, bool ready, int restarts) {
    return Json{{"name", name},
                {"state", state},
                {"ready", ready},
                {"started", ready},
                {"restartCount", restarts},
                {"lastState", {{"terminated", {{"finishedAt", "2026-01-01T00:10:00Z"}}}}}};
  };
  const Json two = {{"containers", {{{"name", "a"}}, {{"name", "b"}}}}, {"nodeName", "n1"}};
  const Json with_init = {
      {"containers", {{{"name", "a"}}}},
      {"initContainers", {{{"name", "s"}, {"restartPolicy", "Always"}}, {{"name", "i"}}}}};
  auto pod = [](const Json& spec, const Json& status) {
    return Json{{"spec", spec}, {"status", status}};
  };
  std::vector<Json> pods = {
      pod(two, {{"phase", "Running"},
                {"podIP", "10.0.0.1"},
                {"containerStatuses", {one("a", running, true, 2), one("b", running, false, 0)}}}),
      pod(two, {{"phase", "Running"},
                {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
                {"containerStatuses", {one("a", done, false, 0), one("b", running, true, 0)}}}),
      pod(two, {{"phase", "Failed"}, {"reason", "Evicted"}}),
      pod(two, {{"containerStatuses", {one("a", waiting("CrashLoopBackOff"), false, 9)}}}),
      pod(two, {{"containerStatuses",
                 {one("a", {{"terminated", {{"signal", 9}, {"exitCode", 137}}}}, false, 1)}}}),
      pod(with_init, {{"initContainerStatuses", {one("s", running, true, 0)}}}),
      pod(with_init, {{"initContainerStatuses",
                       {one("s", running, true, 1), one("i", waiting("ErrImagePull"), false, 3)}}}),
      pod(with_init, {{"initContainerStatuses", {one("i", done, false, 0)}},
                      {"conditions", {{{"type", "Initialized"}, {"status", "True"}}}},
                      {"containerStatuses", {one("a", running, true, 0)}}}),
      pod({{"readinessGates", {{{"conditionType", "g"}}, {{"conditionType", "h"}}}}},
          {{"conditions", {{{"type", "g"}, {"status", "True"}}}}, {"nominatedNodeName", "n2"}}),
      pod({{"containers", 7}}, "Running"),
      pod(Json(), {{"phase", 3}, {"containerStatuses", {Json(), "x", {{"restartCount", 1.5}}}}}),
      pod({{"priority", Json::parse("123456789012345678901234567890")}}, {{"phase", "Pending"}}),
  };
  return pods;
}

TEST_F(ReadTest, ARowOfStoredBytesIsThatOfTheirValue) {
  const ResourceType& type = MustFind(door_.store, "", "v1", "pods");
  absl::Time now = absl::UnixEpoch() + absl::Hours(24 * 365 * 57);
  int number = 0;
  for (const Json& content : OddPods()) {
    for (const bool deleted : {false, true}) {
      Json pod = content;
      pod["metadata"] = {{"name", "p" + std::to_string(number++)},
                         {"namespace", "shop"},
                         {"creationTimestamp", "2026-01-01T00:00:00Z"}};
      if (deleted) pod["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z";
      const ObjectPtr stored = *door_.store.Create(type, pod, true);
      EXPECT_EQ(CellsOf(type, *stored, now), CellsOf(type, stored->Parse(), now)) << pod;
    }
  }
  const Json table = door_
                         .Send("GET", "/api/v1/namespaces/shop/pods", "",
                               {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}})
                         ->json();
  ASSERT_EQ(table["rows"].size(), static_cast<size_t>(number));
  EXPECT_EQ(table["rows"][0]["object"],
            Json({{"kind", "PartialObjectMetadata"},
                  {"apiVersion", "meta.k8s.io/v1"},
                  {"metadata", door_.Get("/api/v1/namespaces/shop/pods/p0")["metadata"]}}));
  EXPECT_EQ(table["rows"][0]["cells"].size(), table["columnDefinitions"].size());
}

TEST(HumanDuration, ShortensAsKubectlDoes) {
  EXPECT_EQ(HumanDuration(absl::Seconds(119)), "119s");
  EXPECT_EQ(HumanDuration(absl::Seconds(190)), "3m10s");
  EXPECT_EQ(HumanDuration(absl::Minutes(179)), "179m");
  EXPECT_EQ(HumanDuration(absl::Minutes(60 * 7 + 5)), "7h5m");
  EXPECT_EQ(HumanDuration(absl::Hours(47)), "47h");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 5 + 3)), "5d3h");
  EXPECT_EQ(HumanDuration(absl::Hours(24 * 400)), "400d");
}

}  // namespace
}  // namespace opsmesh::kubesim
