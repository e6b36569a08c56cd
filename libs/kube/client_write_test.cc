// Writes, retries, what secrets do not get past.
#include <gtest/gtest.h>

#include <atomic>

#include "libs/kube/client_fixture.h"
#include "libs/kube/object_builder.h"
#include "libs/kube/transport.h"
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

TEST_F(ClientTest, ReadsAreTriedThreeTimesAndWritesOnce) {
  FakeApi api(Always(503, StatusJson(503, "ServiceUnavailable")));
  const auto client = MakeClient(*http_, api.config(), true);
  EXPECT_FALSE(client->Get(Soon(), Pods(), "shop", "a").ok());
  EXPECT_EQ(api.seen().size(), 3u);
  EXPECT_FALSE(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}").ok());
  EXPECT_EQ(api.seen().size(), 4u);
}

TEST_F(ClientTest, RetriesAreAShareOfTheCallsWhenTheServerIsDown) {
  FakeApi api(Always(503, StatusJson(503, "ServiceUnavailable")));
  const auto client = MakeClient(*http_, api.config());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(client->Get(Soon(), Pods(), "shop", "a").ok());
  EXPECT_LE(api.seen().size(), 100u + 10 + 20);
}

TEST_F(ClientTest, A429IsWaitedOutAsTheServerSays) {
  std::atomic<int> calls{0};
  FakeApi api([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    if (++calls > 1) return exchange->Respond(Json(200, PodJson("a")));
    http_server::Response busy = Json(429, StatusJson(429, "TooManyRequests"));
    busy.headers.Set("Retry-After", "1");
    exchange->Respond(busy);
  });
  const absl::Duration before = base::SystemClock().Steady();
  EXPECT_TRUE(MakeClient(*http_, api.config())->Get(Soon(), Pods(), "shop", "a").ok());
  EXPECT_GE(base::SystemClock().Steady() - before, absl::Seconds(1));
}

TEST_F(ClientTest, AServerThatIsDownIsATypedErrorSoon) {
  ClusterConfig config;
  {
    FakeApi gone(Always(200, ""));
    config = gone.config();
  }
  const absl::Duration before = base::SystemClock().Steady();
  const auto status = MakeClient(*http_, config)->Get(Soon(), Pods(), "shop", "a").status();
  EXPECT_EQ(Reason(status), "CONNECT_FAILED");
  EXPECT_EQ(base::DetailOf(status).metadata.at("cluster"), "test");
  EXPECT_LT(base::SystemClock().Steady() - before, absl::Seconds(15));
}

TEST_F(ClientTest, AServerThatStaysAwayIsNotKnockedAtByEveryCall) {
  ClusterConfig config;
  {
    FakeApi gone(Always(200, ""));
    config = gone.config();
  }
  Client::Options options;
  options.config = config;
  options.http = http_.get();
  options.retry_min = options.retry_max = absl::Milliseconds(1);
  options.breaker_pause = absl::Hours(1);
  const auto client = *Client::Create(options);
  absl::Status status;
  for (int i = 0; i < 3; ++i) status = client->Get(Soon(), Pods(), "shop", "a").status();
  EXPECT_EQ(Reason(status), "CIRCUIT_OPEN");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_GT(base::DetailOf(status).retry_after.value_or(absl::ZeroDuration()), absl::Minutes(59));
  EXPECT_NE(base::ToStd(status.message()).find("5 times in a row"), std::string_view::npos)
      << status;
  EXPECT_EQ(base::DetailOf(status).metadata.at("cluster"), "test");

  std::atomic<int> answers{0};
  FakeApi sick([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    ++answers;
    exchange->Respond(Json(404, StatusJson(404, "NotFound")));
  });
  options.config = sick.config();
  const auto other = *Client::Create(options);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(Reason(other->Get(Soon(), Pods(), "shop", "a").status()), "NOT_FOUND");
  EXPECT_EQ(answers, 8) << "an answer is an answer";
}

TEST(Breaker, ACallerThatLeftSaysNothingAboutTheServer) {
  Breaker breaker(2, absl::Hours(1), base::SystemClock());
  const auto failed = [](const char* reason) { return base::Unavailable(reason, "x"); };
  breaker.Note(failed("CONNECT_FAILED"));
  breaker.Note(base::DeadlineExceeded("DEADLINE", "x"));
  breaker.Note(failed("CONNECT_TIMEOUT"));
  EXPECT_EQ(Reason(breaker.Enter()), "CIRCUIT_OPEN");
  breaker.Note(base::DeadlineExceeded("DEADLINE", "x"));
  EXPECT_EQ(Reason(breaker.Enter()), "CIRCUIT_OPEN");
  breaker.Note(absl::OkStatus());
  EXPECT_TRUE(breaker.Enter().ok());
}

TEST(RateLimit, ACallerThatLeavesBeforeItsTurnGivesItBack) {
  RateLimit limit(10, 1, base::SystemClock());
  ASSERT_TRUE(limit.Wait(Soon()).ok());
  for (int i = 0; i < 100; ++i)
    (void)limit.Wait(base::Context::Background().WithTimeout(absl::Milliseconds(1)));
  // A hundred turns that were never taken would be ten seconds.
  EXPECT_TRUE(limit.Wait(base::Context::Background().WithTimeout(absl::Seconds(5))).ok());
}

TEST_F(ClientTest, TheActionsIdStandsInTheUserAgentOfItsWrites) {
  FakeApi api(Always(200, PodJson("a")));
  const auto client = MakeClient(*http_, api.config(), true);
  WriteOptions write;
  write.action_id = "act-17";
  EXPECT_TRUE(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}", write).ok());
  DeleteOptions remove;
  remove.action_id = "act-18";
  EXPECT_TRUE(client->Delete(Soon(), Pods(), "shop", "a", remove).ok());
  EXPECT_TRUE(client->Evict(Soon(), "shop", "a", remove).ok());
  EXPECT_TRUE(client->Get(Soon(), Pods(), "shop", "a").ok());
  ASSERT_EQ(api.seen().size(), 4u);
  EXPECT_EQ(api.seen()[0].headers.Get("User-Agent"), "opsmesh action/act-17");
  EXPECT_EQ(api.seen()[1].headers.Get("User-Agent"), "opsmesh action/act-18");
  EXPECT_EQ(api.seen()[2].headers.Get("User-Agent"), "opsmesh action/act-18");
  EXPECT_EQ(api.seen()[3].headers.Get("User-Agent"), "opsmesh");
  write.action_id = "a\r\nX-Evil: 1";
  EXPECT_EQ(
      Reason(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}", write).status()),
      "INVALID_NAME");
}

TEST_F(ClientTest, SecretValuesPassByNoWayThereIs) {
  const std::string secret =
      R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","namespace":"shop","resourceVersion":"7","uid":"u",)"
      R"("annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"aHVudGVyMg==\"}}"},)"
      R"("managedFields":[{"fieldsV1":{"f:data":{"f:p":{}}},"x":"aHVudGVyMg=="}]},"data":{"p":"aHVudGVyMg=="},"stringData":{"q":"hunter2"}})";
  FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.query.contains("watch")) {
      exchange->Start({});
      exchange->Write(R"({"type":"ADDED","object":)" + secret + "}\n" + R"({"object":)" + secret +
                      R"(,"type":"MODIFIED"})" + "\n");
      return exchange->Finish();
    }
    exchange->Respond(Json(200, secret));
  });
  const auto client = MakeClient(*http_, api.config(), true);
  const ResourceType& type = *FindBuiltin("secrets");
  std::vector<ObjectPtr> seen;
  const auto got = client->Get(Soon(), type, "shop", "s");
  ASSERT_TRUE(got.ok());
  seen.push_back(*got);
  WatchOptions watch;
  EXPECT_TRUE(client
                  ->Watch(Soon(), type, "shop", watch,
                          [&](const WatchEvent& event) {
                            seen.push_back(event.object);
                            return true;
                          })
                  .ok());
  const auto written = client->Patch(Soon(), type, "shop", "s", PatchType::kMerge, "{}");
  ASSERT_TRUE(written.ok());
  seen.push_back(written->object);
  const auto removed = client->Delete(Soon(), type, "shop", "s");
  ASSERT_TRUE(removed.ok());
  seen.push_back(removed->object);
  ObjectPacker packer;
  seen.push_back(*ObjectBuilder::FromStripped(seen[0]->json(), &packer));
  ASSERT_EQ(seen.size(), 6u);
  for (const ObjectPtr& object : seen) {
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->json().find("aHVudGVyMg"), std::string_view::npos) << object->json();
    EXPECT_EQ(object->json().find("hunter2"), std::string_view::npos) << object->json();
    EXPECT_EQ(object->As<Secret>()->keys, (std::vector<Str>{"p", "q"}));
  }
}

TEST_F(ClientTest, SecretValuesDoNotPassTheClient) {
  FakeApi api(Always(
      200,
      R"({"kind":"SecretList","metadata":{},"items":[{"metadata":{"name":"s","namespace":"shop"},"data":{"p":"aHVudGVyMg=="}}]})"));
  const auto list = MakeClient(*http_, api.config())->List(Soon(), *FindBuiltin("secrets"), "shop");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->items[0]->json().find("aHVudGVyMg"), std::string::npos);
  EXPECT_EQ(list->items[0]->As<Secret>()->keys, (std::vector<Str>{"p"}));
}

TEST_F(ClientTest, AReadOnlyClientSendsNoWrite) {
  FakeApi api(Always(200, PodJson("a")));
  const auto client = MakeClient(*http_, api.config(), false);
  WriteOptions dry;
  dry.dry_run = true;
  EXPECT_EQ(Reason(client->Create(Soon(), Pods(), "shop", "{}").status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Replace(Soon(), Pods(), "shop", "a", "{}").status()),
            "READ_ONLY_CLIENT");
  EXPECT_EQ(
      Reason(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}", dry).status()),
      "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Delete(Soon(), Pods(), "shop", "a").status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->SetScale(Soon(), *FindBuiltin("deploy"), "shop", "a", 1).status()),
            "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Evict(Soon(), "shop", "a")), "READ_ONLY_CLIENT");
  EXPECT_TRUE(api.seen().empty());
}

TEST_F(ClientTest, WritesSendWhatKubectlSends) {
  FakeApi api([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.path.ends_with("/eviction") &&
        seen.body.find("\"apiVersion\":\"policy/v1\"") != std::string::npos) {
      return exchange->Respond(Json(400, StatusJson(400, "BadRequest")));  // as 1.20 does
    }
    http_server::Response response = Json(
        seen.method == "POST" ? 201 : 200,
        R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"cart","resourceVersion":"9"},"spec":{"replicas":5},"status":{"replicas":3}})");
    response.headers.Add("Warning", R"(299 - "old \"thing\"")");
    exchange->Respond(response);
  });
  const auto client =
      MakeClient(*http_, api.config(), true)->As({"jane", "", {"dev", "ops"}, {{"scope", {"a"}}}});
  const auto scale = client->SetScale(Soon(), *FindBuiltin("deploy"), "shop", "cart", 5);
  ASSERT_TRUE(scale.ok()) << scale.status();
  EXPECT_EQ(scale->spec_replicas, 5);
  EXPECT_EQ(scale->status_replicas, 3);
  WriteOptions apply;
  apply.force = true;
  apply.dry_run = true;
  const auto applied = client->Patch(Soon(), *FindBuiltin("cm"), "shop", "c", PatchType::kApply,
                                     R"({"kind":"ConfigMap"})", apply);
  ASSERT_TRUE(applied.ok());
  EXPECT_EQ(applied->warnings, (std::vector<std::string>{"old \"thing\""}));
  DeleteOptions gone;
  gone.uid = "u1";
  gone.grace_period_seconds = 0;
  ASSERT_TRUE(client->Delete(Soon(), Pods(), "shop", "p", gone).ok());
  ASSERT_TRUE(client->Evict(Soon(), "shop", "p").ok());
  const auto seen = api.seen();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0].path, "/apis/apps/v1/namespaces/shop/deployments/cart/scale");
  EXPECT_EQ(seen[0].body, R"({"spec":{"replicas":5}})");
  EXPECT_EQ(seen[0].headers.Get("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(seen[0].headers.Get("Impersonate-User"), "jane");
  EXPECT_EQ(seen[0].headers.Get("Impersonate-Extra-scope"), "a");
  EXPECT_EQ(seen[0].query.at("fieldManager"), "opsmesh");
  EXPECT_EQ(seen[1].headers.Get("Content-Type"), "application/apply-patch+yaml");
  EXPECT_EQ(seen[1].query.at("force"), "true");
  EXPECT_EQ(seen[1].query.at("dryRun"), "All");
  EXPECT_EQ(
      seen[2].body,
      R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","gracePeriodSeconds":0,"preconditions":{"uid":"u1"}})");
  EXPECT_NE(seen[4].body.find("policy/v1beta1"), std::string::npos);
}

TEST_F(ClientTest, ABlockedEvictionAndAMissingMetricsServerHaveReasonsOfTheirOwn) {
  if (!test::HaveShared("data/kube/recorded-1.32")) GTEST_SKIP();
  FakeApi blocked(Always(429, test::Recorded("1.32", "eviction-blocked.json")));
  const auto client = MakeClient(*http_, blocked.config(), true);
  EXPECT_EQ(Reason(client->Evict(Soon(), "payments", "ledger")), "DISRUPTION_BUDGET");
  EXPECT_EQ(blocked.seen().size(), 1u);
  FakeApi absent(Always(404, "404 page not found\n", "text/plain"));
  EXPECT_EQ(Reason(MakeClient(*http_, absent.config())->NodeMetrics(Soon()).status()),
            "METRICS_NOT_SERVED");
  FakeApi served(Always(
      200,
      R"({"kind":"PodMetricsList","metadata":{},"items":[{"metadata":{"name":"a","namespace":"shop"},"timestamp":"2026-01-01T00:00:00Z","window":"15s","containers":[{"name":"c","usage":{"cpu":"250000000n","memory":"128Mi"}}]}]})"));
  const auto usage = MakeClient(*http_, served.config())->PodMetrics(Soon(), "shop");
  ASSERT_TRUE(usage.ok());
  EXPECT_DOUBLE_EQ((*usage)[0].containers[0].cpu_cores, 0.25);
  EXPECT_EQ((*usage)[0].window, absl::Seconds(15));
}

TEST_F(ClientTest, AccessReviewsAreAskedAndRead) {
  FakeApi api(Always(
      201, R"({"kind":"SelfSubjectAccessReview","status":{"allowed":false,"reason":"no rule"}})"));
  const auto answer = MakeClient(*http_, api.config())
                          ->CanI(Soon(), {"patch", "apps", "deployments", "scale", "shop", "cart"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->allowed);
  EXPECT_EQ(answer->reason, "no rule");
  const auto body = nlohmann::json::parse(api.seen()[0].body);
  EXPECT_EQ(body["spec"]["resourceAttributes"]["subresource"], "scale");
  EXPECT_EQ(body["spec"]["resourceAttributes"]["namespace"], "shop");
}

}  // namespace
}  // namespace opsmesh::kube
