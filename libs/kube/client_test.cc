#include "libs/kube/client.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/kube/client_fixture.h"
#include "libs/kube/wire.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using http_server::Exchange;
using test::Always;
using test::ClientTest;
using test::FakeApi;
using test::Json;
using test::MakeClient;
using test::PodJson;
using test::PodList;
using test::Pods;
using test::Reason;
using test::Seen;
using test::Soon;
using test::StatusJson;

TEST_F(ClientTest, GetBuildsTheUrlAndReadsTheObject) {
  FakeApi api(Always(200, PodJson("cart")));
  auto config = api.config();
  config.token = base::Secret("t0k");
  const auto client = MakeClient(*http_, config);
  const auto pod = client->Get(Soon(), Pods(), "shop", "cart");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ((*pod)->meta().full_name(), "shop/cart");
  EXPECT_EQ((*pod)->meta().kind, "Pod");
  const auto seen = api.seen();
  EXPECT_EQ(seen[0].path, "/api/v1/namespaces/shop/pods/cart");
  EXPECT_EQ(seen[0].headers.Get("Authorization"), "Bearer t0k");
}

TEST_F(ClientTest, NamesAreJudgedBeforeAUrlIsBuilt) {
  FakeApi api(Always(200, PodJson("x")));
  const auto client = MakeClient(*http_, api.config());
  for (const std::string name :
       {"", "../nodes", "a/b", "a?b", "A", "a b", "-a", "a..b", "%2e%2e", "a\nb"}) {
    EXPECT_EQ(Reason(client->Get(Soon(), Pods(), "shop", name).status()), "INVALID_NAME") << name;
    EXPECT_EQ(Reason(client->Get(Soon(), Pods(), name, "x").status()), "INVALID_NAME") << name;
    EXPECT_EQ(Reason(client->PodLogs(Soon(), name, "x").status()), "INVALID_NAME") << name;
  }
  EXPECT_TRUE(api.seen().empty());
}

TEST_F(ClientTest, ListFollowsPagesAndSendsTypedSelectors) {
  FakeApi api([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    const bool second = seen.query.contains("continue");
    exchange->Respond(
        Json(200, second ? PodList({PodJson("c")})
                         : PodList({PodJson("a"), PodJson("b")}, R"(,"continue":"T=1&x")")));
  });
  const auto client = MakeClient(*http_, api.config());
  ListOptions options;
  options.page_size = 2;
  options.labels = *LabelSelector::Parse("app=web,tier!=cache,env in (prod, test),!legacy,own");
  options.fields = {{"status.phase", "a,b=c", true}};
  const auto list = client->List(Soon(), Pods(), "shop", options);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 3u);
  EXPECT_EQ(list->resource_version, "7");
  const auto seen = api.seen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].query.at("labelSelector"),
            "app=web,tier!=cache,env in (prod,test),!legacy,own");
  EXPECT_EQ(seen[0].query.at("fieldSelector"), "status.phase!=a\\,b\\=c");
  EXPECT_EQ(seen[0].query.at("limit"), "2");
  EXPECT_EQ(seen[1].query.at("continue"), "T=1&x");
}

TEST_F(ClientTest, AListThatRepeatsItsTokenIsALoop) {
  FakeApi api(Always(200, PodList({PodJson("a")}, R"(,"continue":"same")")));
  const auto client = MakeClient(*http_, api.config());
  EXPECT_EQ(Reason(client->List(Soon(), Pods(), "").status()), "CONTINUE_LOOP");
}

TEST_F(ClientTest, AnExpiredTokenGoesOnWhereTheServerSaysOrStartsAnew) {
  FakeApi offers([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    const auto token = seen.query.find("continue");
    if (token == seen.query.end())
      return exchange->Respond(Json(200, PodList({PodJson("a")}, R"(,"continue":"old")")));
    if (token->second == "fresh") return exchange->Respond(Json(200, PodList({PodJson("b")})));
    exchange->Respond(Json(
        410,
        R"({"kind":"Status","metadata":{"continue":"fresh"},"code":410,"reason":"Expired","message":"old"})"));
  });
  const auto list = MakeClient(*http_, offers.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_TRUE(list->inconsistent);

  FakeApi refuses([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (!seen.query.contains("limit"))
      return exchange->Respond(Json(200, PodList({PodJson("a"), PodJson("b")})));
    if (seen.query.contains("continue"))
      return exchange->Respond(Json(410, StatusJson(410, "Expired")));
    exchange->Respond(Json(200, PodList({PodJson("a")}, R"(,"continue":"old")")));
  });
  const auto whole = MakeClient(*http_, refuses.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->items.size(), 2u);
  EXPECT_FALSE(whole->inconsistent);
}

TEST_F(ClientTest, OneBadObjectDoesNotSpoilItsList) {
  FakeApi api(Always(200, PodList({PodJson("a"), "null", "[]", R"({"metadata":null})",
                                   R"({"metadata":{"name":5}})", PodJson("b")})));
  const auto list = MakeClient(*http_, api.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->unparseable.size(), 4u);
}

TEST_F(ClientTest, ErrorsNameVerbResourceAndTheRuleToAdd) {
  FakeApi api(Always(403, StatusJson(403, "Forbidden", "deployments.apps is forbidden")));
  const auto status =
      MakeClient(*http_, api.config())->List(Soon(), *FindBuiltin("deploy"), "shop").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  const auto detail = base::DetailOf(status);
  EXPECT_EQ(detail.reason, "FORBIDDEN");
  EXPECT_EQ(detail.metadata.at("verb"), "list");
  EXPECT_EQ(detail.metadata.at("resource"), "deployments");
  EXPECT_EQ(detail.metadata.at("namespace"), "shop");
  EXPECT_EQ(detail.metadata.at("cluster"), "test");
  EXPECT_NE(detail.hint.find(R"(apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"])"),
            std::string::npos)
      << detail.hint;
  EXPECT_EQ(api.seen().size(), 1u);  // not tried again
}

TEST_F(ClientTest, DiscoveryOfBothServersFindsTheNewestKnownVersions) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!test::HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    std::map<std::string, std::pair<int, std::string>> recorded;
    for (const auto& entry : nlohmann::json::parse(test::Recorded(version, "index.json"))) {
      const std::string id = entry["id"];
      if (!id.starts_with("discovery-")) continue;
      const bool aggregated = id.starts_with("discovery-aggregated");
      recorded[(aggregated ? "agg " : "") + entry["path"].get<std::string>()] = {
          entry["status"], test::Recorded(version, entry["response_file"])};
    }
    for (const bool aggregated : {true, false}) {
      FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
        const bool wants = aggregated && seen.headers.Get("Accept").find("APIGroupDiscoveryList") !=
                                             std::string_view::npos;
        auto found = recorded.find((wants ? "agg " : "") + seen.path);
        if (found == recorded.end())
          return exchange->Respond(Json(503, StatusJson(503, "ServiceUnavailable")));
        exchange->Respond(Json(found->second.first, found->second.second));
      });
      const auto client = MakeClient(*http_, api.config());
      const auto version_of = [&](const std::string& name) {
        const auto type = client->Resolve(Soon(), name);
        return type.ok() ? type->api_version() : type.status().ToString();
      };
      const bool old = version == "1.20";
      EXPECT_EQ(version_of("hpa"), old ? "autoscaling/v2beta2" : "autoscaling/v2");
      EXPECT_EQ(version_of("PodDisruptionBudget"), old ? "policy/v1beta1" : "policy/v1");
      EXPECT_EQ(version_of("cronjobs"), old ? "batch/v1beta1" : "batch/v1");
      EXPECT_EQ(version_of("endpointslice"),
                old ? "discovery.k8s.io/v1beta1" : "discovery.k8s.io/v1");
      EXPECT_EQ(version_of("ing"), "networking.k8s.io/v1");
      EXPECT_EQ(version_of("events"), "v1");
      EXPECT_EQ(version_of("events.events.k8s.io"), "events.k8s.io/v1");
      EXPECT_EQ(version_of("deploy"), "apps/v1");
      EXPECT_EQ(version_of("Deployments"), "apps/v1");
      EXPECT_EQ(version_of("backups"), "ops.example.com/v1");
      EXPECT_EQ(version_of("backups.ops.example.com"), "ops.example.com/v1");
      const auto deployments = client->Resolve(Soon(), "deployments");
      ASSERT_TRUE(deployments.ok());
      EXPECT_TRUE(deployments->HasSubresource("scale"));
      EXPECT_TRUE(deployments->Supports("watch"));
      EXPECT_FALSE(deployments->Supports("fly"));
      const auto unknown = client->Resolve(Soon(), "deploymnts");
      EXPECT_EQ(Reason(unknown.status()), "UNKNOWN_KIND");
      EXPECT_EQ(base::DetailOf(unknown.status()).hint, "Did you mean 'deployments'?");
    }
  }
}

TEST_F(ClientTest, ADeadAggregatedGroupDoesNotHideTheOthersAndRefusedDiscoveryLeavesTheBuiltIns) {
  FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/api/v1") {
      return exchange->Respond(Json(
          200,
          R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"pods/log","kind":"Pod","namespaced":true,"verbs":["get"]},{"name":"bad/../name","kind":"X"},{"name":"..%2f","kind":"X","verbs":[]}]})"));
    }
    if (seen.path == "/apis") {
      return exchange->Respond(Json(
          200,
          R"({"kind":"APIGroupList","groups":[{"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}]}]})"));
    }
    exchange->Respond(Json(503, StatusJson(503, "ServiceUnavailable")));
  });
  const auto client = MakeClient(*http_, api.config());
  const auto discovery = client->Discover(Soon());
  ASSERT_TRUE(discovery.ok()) << discovery.status();
  EXPECT_EQ((*discovery)->failed_groups(), (std::vector<std::string>{"metrics.k8s.io/v1beta1"}));
  ASSERT_EQ((*discovery)->types().size(), 1u);
  EXPECT_TRUE((*discovery)->types()[0].HasSubresource("log"));

  FakeApi closed(Always(403, StatusJson(403, "Forbidden")));
  EXPECT_EQ(MakeClient(*http_, closed.config())->Resolve(Soon(), "deploy")->plural, "deployments");
}

TEST_F(ClientTest, RecordedWatchesAreReadEventByEvent) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!test::HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    const std::string body = test::Recorded(version, "watch-pods.watch.jsonl");
    FakeApi api([&](const Seen&, std::shared_ptr<Exchange> exchange) {
      exchange->Start({});
      for (size_t at = 0; at < body.size(); at += 1000) exchange->Write(body.substr(at, 1000));
      exchange->Finish();
    });
    int events = 0;
    std::string last;
    const absl::Status status =
        MakeClient(*http_, api.config())
            ->Watch(Soon(), Pods(), "", {}, [&](const WatchEvent& event) {
              ++events;
              last = event.resource_version;
              EXPECT_TRUE(event.object != nullptr || event.type == WatchEvent::Type::kBookmark);
              return true;
            });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_GT(events, 5);
    EXPECT_FALSE(last.empty());

    FakeApi gone(Always(200, test::Recorded(version, "watch-gone.watch.jsonl")));
    EXPECT_EQ(Reason(MakeClient(*http_, gone.config())
                         ->Watch(Soon(), Pods(), "", {}, [](const WatchEvent&) { return true; })),
              "EXPIRED");
  }
}

}  // namespace
}  // namespace opsmesh::kube
