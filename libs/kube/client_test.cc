#include "libs/kube/client.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/kube/object_builder.h"
#include "libs/kube/test_support.h"
#include "libs/kube/wire.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kube {
namespace {

using http_server::Exchange;
using test::Always;
using test::FakeApi;
using test::Json;
using test::MakeClient;
using test::Reason;
using test::Seen;
using test::Soon;
using test::StatusJson;

const ResourceType& Pods() { return *FindBuiltin("pods"); }

std::string PodJson(const std::string& name, const std::string& ns = "shop") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":")" + ns + R"(","uid":"u-)" + name + R"(","resourceVersion":"1"}})";
}

std::string PodList(const std::vector<std::string>& items, const std::string& more = "") {
  return R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7")" + more + R"(},"items":[)" +
         base::Join(items, ",") + "]}";
}

class ClientTest : public testing::Test {
 protected:
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
};

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
  for (const std::string name : {"", "../nodes", "a/b", "a?b", "A", "a b", "-a", "a..b", "%2e%2e", "a\nb"}) {
    EXPECT_EQ(Reason(client->Get(Soon(), Pods(), "shop", name).status()), "INVALID_NAME") << name;
    EXPECT_EQ(Reason(client->Get(Soon(), Pods(), name, "x").status()), "INVALID_NAME") << name;
    EXPECT_EQ(Reason(client->PodLogs(Soon(), name, "x").status()), "INVALID_NAME") << name;
  }
  EXPECT_TRUE(api.seen().empty());
}

TEST_F(ClientTest, ListFollowsPagesAndSendsTypedSelectors) {
  FakeApi api([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    const bool second = seen.query.contains("continue");
    exchange->Respond(Json(200, second ? PodList({PodJson("c")}) : PodList({PodJson("a"), PodJson("b")}, R"(,"continue":"T=1&x")")));
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
  EXPECT_EQ(seen[0].query.at("labelSelector"), "app=web,tier!=cache,env in (prod,test),!legacy,own");
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
    if (token == seen.query.end()) return exchange->Respond(Json(200, PodList({PodJson("a")}, R"(,"continue":"old")")));
    if (token->second == "fresh") return exchange->Respond(Json(200, PodList({PodJson("b")})));
    exchange->Respond(Json(410, R"({"kind":"Status","metadata":{"continue":"fresh"},"code":410,"reason":"Expired","message":"old"})"));
  });
  const auto list = MakeClient(*http_, offers.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_TRUE(list->inconsistent);

  FakeApi refuses([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (!seen.query.contains("limit")) return exchange->Respond(Json(200, PodList({PodJson("a"), PodJson("b")})));
    if (seen.query.contains("continue")) return exchange->Respond(Json(410, StatusJson(410, "Expired")));
    exchange->Respond(Json(200, PodList({PodJson("a")}, R"(,"continue":"old")")));
  });
  const auto whole = MakeClient(*http_, refuses.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->items.size(), 2u);
  EXPECT_FALSE(whole->inconsistent);
}

TEST_F(ClientTest, OneBadObjectDoesNotSpoilItsList) {
  FakeApi api(Always(200, PodList({PodJson("a"), "null", "[]", R"({"metadata":null})", R"({"metadata":{"name":5}})", PodJson("b")})));
  const auto list = MakeClient(*http_, api.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->unparseable.size(), 4u);
}

TEST_F(ClientTest, ErrorsNameVerbResourceAndTheRuleToAdd) {
  FakeApi api(Always(403, StatusJson(403, "Forbidden", "deployments.apps is forbidden")));
  const auto status = MakeClient(*http_, api.config())->List(Soon(), *FindBuiltin("deploy"), "shop").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  const auto detail = base::DetailOf(status);
  EXPECT_EQ(detail.reason, "FORBIDDEN");
  EXPECT_EQ(detail.metadata.at("verb"), "list");
  EXPECT_EQ(detail.metadata.at("resource"), "deployments");
  EXPECT_EQ(detail.metadata.at("namespace"), "shop");
  EXPECT_EQ(detail.metadata.at("cluster"), "test");
  EXPECT_NE(detail.hint.find(R"(apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"])"), std::string::npos) << detail.hint;
  EXPECT_EQ(api.seen().size(), 1u);  // not tried again
}

TEST_F(ClientTest, EveryHostileReplyIsATypedError) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  const std::string folder = test::SharedDir() + "/badinputs/own/kube-api/";
  struct Case {
    const char* file;
    int status;
    absl::StatusCode code;
    const char* reason;
  };
  for (const Case& c : std::vector<Case>{
           {"401.json", 401, absl::StatusCode::kUnauthenticated, "UNAUTHORIZED"},
           {"403.json", 403, absl::StatusCode::kPermissionDenied, "FORBIDDEN"},
           {"404.json", 404, absl::StatusCode::kNotFound, "NOT_FOUND"},
           {"409_conflict.json", 409, absl::StatusCode::kAborted, "CONFLICT"},
           {"410_expired.json", 410, absl::StatusCode::kAborted, "EXPIRED"},
           {"422.json", 422, absl::StatusCode::kInvalidArgument, "INVALID"},
           {"429.json", 429, absl::StatusCode::kResourceExhausted, "TOO_MANY_REQUESTS"},
           {"500.json", 500, absl::StatusCode::kUnavailable, "INTERNAL_ERROR"},
           {"503.json", 503, absl::StatusCode::kUnavailable, "SERVICE_UNAVAILABLE"},
           {"504.json", 504, absl::StatusCode::kUnavailable, "TIMEOUT"},
           {"html_from_proxy.json", 200, absl::StatusCode::kUnavailable, "NOT_KUBERNETES"},
           {"html_from_proxy.json", 502, absl::StatusCode::kUnavailable, "NOT_KUBERNETES"},
           {"list_continue_loop.json", 200, absl::StatusCode::kUnavailable, "CONTINUE_LOOP"},
           {"log_binary.bin", 200, absl::StatusCode::kUnavailable, "NOT_KUBERNETES"},
           {"watch_half_event.json", 200, absl::StatusCode::kUnavailable, "NOT_KUBERNETES"},
       }) {
    std::string body;
    ASSERT_TRUE(test::ReadFile(folder + c.file, &body)) << c.file;
    FakeApi api(Always(c.status, body, body.starts_with("<") ? "text/html" : "application/json"));
    const auto status = MakeClient(*http_, api.config())->List(Soon().WithTimeout(absl::Seconds(2)), Pods(), "prod").status();
    EXPECT_EQ(status.code(), c.code) << c.file << ": " << status;
    EXPECT_EQ(Reason(status), c.reason) << c.file << ": " << status;
    EXPECT_TRUE(base::IsValidUtf8(base::ToStd(status.message())));
  }
  std::string retry;
  ASSERT_TRUE(test::ReadFile(folder + "429.json", &retry));
  FakeApi busy(Always(429, retry));
  EXPECT_EQ(base::DetailOf(MakeClient(*http_, busy.config())->List(Soon().WithTimeout(absl::Seconds(1)), Pods(), "").status()).retry_after,
            absl::Seconds(3));
}

TEST_F(ClientTest, EveryHostileObjectIsReadOrNamedAsUnreadable) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  const std::string folder = test::SharedDir() + "/badinputs/own/kube-api/";
  const std::map<std::string, bool> readable = {
      {"creation_in_future.json", true},  {"negative_counts.json", true},     {"pod_missing_status.json", true},
      {"pod_null_everything.json", false}, {"pod_wrong_types.json", false},   {"quantities_odd.json", false},
      {"watch_bookmark.json", false},      {"watch_unknown_type.json", false},
  };
  std::vector<std::string> items;
  for (const auto& [file, ok] : readable) {
    std::string body;
    ASSERT_TRUE(test::ReadFile(folder + file, &body));
    EXPECT_EQ(Object::Parse(body, "v1", "Pod").ok(), ok) << file;
    items.push_back(body);
  }
  items.push_back(PodJson("good"));
  FakeApi api(Always(200, PodList(items)));
  const auto list = MakeClient(*http_, api.config())->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 4u);
  EXPECT_EQ(list->unparseable.size(), 5u);
  std::string nulls;
  ASSERT_TRUE(test::ReadFile(folder + "list_null_items.json", &nulls));
  FakeApi empty(Always(200, nulls));
  EXPECT_TRUE(MakeClient(*http_, empty.config())->List(Soon(), Pods(), "")->items.empty());
  std::string line;
  ASSERT_TRUE(test::ReadFile(folder + "watch_410_event.json", &line));
  EXPECT_EQ(ParseWatchLine(line, Pods()).kind, WatchLine::Kind::kError);
  ASSERT_TRUE(test::ReadFile(folder + "watch_unknown_type.json", &line));
  EXPECT_EQ(ParseWatchLine(line, Pods()).kind, WatchLine::Kind::kUnknownType);
  ASSERT_TRUE(test::ReadFile(folder + "watch_half_event.json", &line));
  EXPECT_EQ(ParseWatchLine(line, Pods()).kind, WatchLine::Kind::kMalformed);
  ASSERT_TRUE(test::ReadFile(folder + "watch_bookmark.json", &line));
  EXPECT_EQ(ParseWatchLine(line, Pods()).event.resource_version, "77");
}

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
  EXPECT_LT(base::SystemClock().Steady() - before, absl::Seconds(3));
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
  EXPECT_NE(base::ToStd(status.message()).find("5 times in a row"), std::string_view::npos) << status;
  EXPECT_EQ(base::DetailOf(status).metadata.at("cluster"), "test");

  std::atomic<int> answers{0};
  FakeApi sick([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    ++answers;
    exchange->Respond(Json(404, StatusJson(404, "NotFound")));
  });
  options.config = sick.config();
  const auto other = *Client::Create(options);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Reason(other->Get(Soon(), Pods(), "shop", "a").status()), "NOT_FOUND");
  EXPECT_EQ(answers, 8) << "an answer is an answer";
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
  EXPECT_EQ(Reason(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}", write).status()), "INVALID_NAME");
}

TEST_F(ClientTest, HostileLogsComeOutClean) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  for (const char* file : {"log_ansi_crlf.bin", "log_binary.bin"}) {
    std::string body;
    ASSERT_TRUE(test::ReadFile(test::SharedDir() + "/badinputs/own/kube-api/" + file, &body));
    FakeApi api(Always(200, body, "text/plain"));
    const auto client = MakeClient(*http_, api.config());
    const auto log = client->PodLogs(Soon(), "shop", "cart");
    ASSERT_TRUE(log.ok()) << file << ": " << log.status();
    EXPECT_FALSE(log->lines.empty()) << file;
    for (const std::string& line : log->lines) {
      EXPECT_TRUE(base::IsValidUtf8(line)) << file;
      EXPECT_LE(line.size(), 4096u + 3) << file;
      for (const char c : line) EXPECT_FALSE((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f) << file << " holds control bytes";
    }
    if (std::string_view(file) != "log_ansi_crlf.bin") continue;
    for (const std::string& line : log->lines) EXPECT_TRUE(line == "ERR" || line == "\xEF\xBF\xBD no newline at end") << line;
  }
}

TEST_F(ClientTest, SecretValuesPassByNoWayThereIs) {
  const std::string secret = R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","namespace":"shop","resourceVersion":"7","uid":"u",)"
                             R"("annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"p\":\"aHVudGVyMg==\"}}"},)"
                             R"("managedFields":[{"fieldsV1":{"f:data":{"f:p":{}}},"x":"aHVudGVyMg=="}]},"data":{"p":"aHVudGVyMg=="},"stringData":{"q":"hunter2"}})";
  FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.query.contains("watch")) {
      exchange->Start({});
      exchange->Write(R"({"type":"ADDED","object":)" + secret + "}\n" + R"({"object":)" + secret + R"(,"type":"MODIFIED"})" + "\n");
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
  EXPECT_TRUE(client->Watch(Soon(), type, "shop", watch, [&](const WatchEvent& event) {
    seen.push_back(event.object);
    return true;
  }).ok());
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
  FakeApi api(Always(200, R"({"kind":"SecretList","metadata":{},"items":[{"metadata":{"name":"s","namespace":"shop"},"data":{"p":"aHVudGVyMg=="}}]})"));
  const auto list = MakeClient(*http_, api.config())->List(Soon(), *FindBuiltin("secrets"), "shop");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->items[0]->json().find("aHVudGVyMg"), std::string::npos);
  EXPECT_EQ(list->items[0]->As<Secret>()->keys, (std::vector<Str>{"p"}));
}

TEST_F(ClientTest, DiscoveryOfBothServersFindsTheNewestKnownVersions) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!test::HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    std::map<std::string, std::pair<int, std::string>> recorded;
    for (const auto& entry : nlohmann::json::parse(test::Recorded(version, "index.json"))) {
      const std::string id = entry["id"];
      if (!id.starts_with("discovery-")) continue;
      const bool aggregated = id.starts_with("discovery-aggregated");
      recorded[(aggregated ? "agg " : "") + entry["path"].get<std::string>()] = {entry["status"], test::Recorded(version, entry["response_file"])};
    }
    for (const bool aggregated : {true, false}) {
      FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
        const bool wants = aggregated && seen.headers.Get("Accept").find("APIGroupDiscoveryList") != std::string_view::npos;
        auto found = recorded.find((wants ? "agg " : "") + seen.path);
        if (found == recorded.end()) return exchange->Respond(Json(503, StatusJson(503, "ServiceUnavailable")));
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
      EXPECT_EQ(version_of("endpointslice"), old ? "discovery.k8s.io/v1beta1" : "discovery.k8s.io/v1");
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
    if (seen.path == "/api") return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/api/v1") {
      return exchange->Respond(Json(200, R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get"]},{"name":"pods/log","kind":"Pod","namespaced":true,"verbs":["get"]},{"name":"bad/../name","kind":"X"},{"name":"..%2f","kind":"X","verbs":[]}]})"));
    }
    if (seen.path == "/apis") {
      return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[{"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}]}]})"));
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

TEST_F(ClientTest, LogsAreBoundedCleanAndKeepTheNewestLines) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "line " + std::to_string(i) + "\r\n";
  body += "\x1b[31mred\x1b[0m \xff\xfe end\n";
  body += std::string(5 << 20, 'A');
  FakeApi api(Always(200, body, "text/plain"));
  const auto client = MakeClient(*http_, api.config());
  LogOptions options;
  options.container = "web";
  options.timestamps = true;
  options.previous = true;
  options.since = absl::Milliseconds(1500);
  options.max_lines = 10;
  const auto log = client->PodLogs(Soon(), "shop", "cart", options);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_EQ(log->lines.size(), 10u);
  EXPECT_EQ(log->lines[7], "line 4999");
  EXPECT_EQ(log->lines[8], "red \xEF\xBF\xBD end");
  EXPECT_EQ(log->lines[9].size(), 4096u + 3);
  EXPECT_EQ(log->cut_lines, 1u);
  EXPECT_EQ(log->replaced_bytes, 1u);
  EXPECT_TRUE(log->truncated);
  const auto query = api.seen()[0].query;
  EXPECT_EQ(query.at("container"), "web");
  EXPECT_EQ(query.at("tailLines"), "10");
  EXPECT_EQ(query.at("sinceSeconds"), "2");
  EXPECT_EQ(query.at("previous"), "true");
  EXPECT_TRUE(query.contains("limitBytes"));
}

TEST_F(ClientTest, RecordedLogErrorsAreToldApart) {
  for (const std::string version : {"1.32", "1.20"}) {
    if (!test::HaveShared("data/kube/recorded-" + version)) GTEST_SKIP();
    const std::map<std::string, std::string> expected = {
        {"log-importer", "CONTAINER_REQUIRED|CONTAINER_NOT_STARTED"}, {"log-importer-container-nope", "CONTAINER_NOT_FOUND"},
        {"log-cart-previous-true", "NO_PREVIOUS_LOG"}, {"log-frontend-canary", "CONTAINER_NOT_STARTED"},
        {"log-gateway", "CONTAINER_NOT_STARTED"}, {"log-legacy-worker", "INTERNAL_ERROR"}, {"log-404", "NOT_FOUND"},
        {"log-403", "FORBIDDEN"}, {"log-pending", ""}};
    int judged = 0;
    for (const auto& entry : nlohmann::json::parse(test::Recorded(version, "index.json"))) {
      const auto want = expected.find(entry["id"]);
      if (want == expected.end()) continue;
      std::string body;
      if (entry["response_file"].is_string()) body = test::Recorded(version, entry["response_file"]);
      FakeApi api(Always(entry["status"], body));
      const auto log = MakeClient(*http_, api.config())->PodLogs(Soon(), "shop", "x");
      const std::string reason = log.ok() ? "" : Reason(log.status());
      EXPECT_NE(("|" + want->second + "|").find("|" + reason + "|"), std::string::npos)
          << version << " " << entry["id"] << " " << log.status();
      ++judged;
    }
    EXPECT_GE(judged, 8);
  }
}

// What a followed log said; Wait() ends with the log or after `count` lines.
struct Followed {
  FollowObserver Observer() {
    return {.wants_more = [] { return true; },
            .on_line =
                [this](std::string line) {
                  const std::lock_guard lock(mutex);
                  lines.push_back(std::move(line));
                  changed.notify_all();
                },
            .on_done =
                [this](const absl::Status& status) {
                  const std::lock_guard lock(mutex);
                  done = status;
                  changed.notify_all();
                }};
  }
  void Wait(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return done.has_value() || lines.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  std::optional<absl::Status> done;
};

TEST_F(ClientTest, AFollowedLogComesLineByLineAndStopsWhenToldTo) {
  std::shared_ptr<Exchange> open;  // an exchange that is dropped ends its answer
  FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    EXPECT_EQ(seen.query.at("follow"), "true");
    exchange->Start({});
    exchange->Write("one\ntw");
    exchange->Write("o\nthree\n");
    open = std::move(exchange);
  });
  Followed followed;
  const auto client = MakeClient(*http_, api.config());
  const auto call = client->FollowPodLogs(Soon(), "shop", "a", {}, followed.Observer());
  ASSERT_TRUE(call.ok()) << call.status();
  followed.Wait(3);
  (*call)->Cancel();
  followed.Wait(SIZE_MAX);
  const std::lock_guard lock(followed.mutex);
  EXPECT_EQ(followed.lines, (std::vector<std::string>{"one", "two", "three"}));
  ASSERT_TRUE(followed.done.has_value());
  EXPECT_EQ(followed.done->code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, AFollowedLogThatIsRefusedSaysWhy) {
  FakeApi api(Always(400, R"({"kind":"Status","status":"Failure","reason":"BadRequest","code":400,)"
                          R"("message":"a container name must be specified for pod a, choose one of: [x y]"})"));
  Followed followed;
  const auto client = MakeClient(*http_, api.config());
  const auto call = client->FollowPodLogs(Soon(), "shop", "a", {}, followed.Observer());
  ASSERT_TRUE(call.ok()) << call.status();
  followed.Wait(SIZE_MAX);
  const std::lock_guard lock(followed.mutex);
  ASSERT_TRUE(followed.done.has_value());
  EXPECT_EQ(Reason(*followed.done), "CONTAINER_REQUIRED");
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
    const absl::Status status = MakeClient(*http_, api.config())->Watch(Soon(), Pods(), "", {}, [&](const WatchEvent& event) {
      ++events;
      last = event.resource_version;
      EXPECT_TRUE(event.object != nullptr || event.type == WatchEvent::Type::kBookmark);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_GT(events, 5);
    EXPECT_FALSE(last.empty());

    FakeApi gone(Always(200, test::Recorded(version, "watch-gone.watch.jsonl")));
    EXPECT_EQ(Reason(MakeClient(*http_, gone.config())->Watch(Soon(), Pods(), "", {}, [](const WatchEvent&) { return true; })), "EXPIRED");
  }
}

TEST_F(ClientTest, AReadOnlyClientSendsNoWrite) {
  FakeApi api(Always(200, PodJson("a")));
  const auto client = MakeClient(*http_, api.config(), false);
  WriteOptions dry;
  dry.dry_run = true;
  EXPECT_EQ(Reason(client->Create(Soon(), Pods(), "shop", "{}").status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Replace(Soon(), Pods(), "shop", "a", "{}").status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Patch(Soon(), Pods(), "shop", "a", PatchType::kMerge, "{}", dry).status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Delete(Soon(), Pods(), "shop", "a").status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->SetScale(Soon(), *FindBuiltin("deploy"), "shop", "a", 1).status()), "READ_ONLY_CLIENT");
  EXPECT_EQ(Reason(client->Evict(Soon(), "shop", "a")), "READ_ONLY_CLIENT");
  EXPECT_TRUE(api.seen().empty());
}

TEST_F(ClientTest, WritesSendWhatKubectlSends) {
  FakeApi api([](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.path.ends_with("/eviction") && seen.body.find("\"apiVersion\":\"policy/v1\"") != std::string::npos) {
      return exchange->Respond(Json(400, StatusJson(400, "BadRequest")));  // as 1.20 does
    }
    http_server::Response response = Json(seen.method == "POST" ? 201 : 200, R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"cart","resourceVersion":"9"},"spec":{"replicas":5},"status":{"replicas":3}})");
    response.headers.Add("Warning", R"(299 - "old \"thing\"")");
    exchange->Respond(response);
  });
  const auto client = MakeClient(*http_, api.config(), true)->As({"jane", "", {"dev", "ops"}, {{"scope", {"a"}}}});
  const auto scale = client->SetScale(Soon(), *FindBuiltin("deploy"), "shop", "cart", 5);
  ASSERT_TRUE(scale.ok()) << scale.status();
  EXPECT_EQ(scale->spec_replicas, 5);
  EXPECT_EQ(scale->status_replicas, 3);
  WriteOptions apply;
  apply.force = true;
  apply.dry_run = true;
  const auto applied = client->Patch(Soon(), *FindBuiltin("cm"), "shop", "c", PatchType::kApply, R"({"kind":"ConfigMap"})", apply);
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
  EXPECT_EQ(seen[2].body, R"({"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","gracePeriodSeconds":0,"preconditions":{"uid":"u1"}})");
  EXPECT_NE(seen[4].body.find("policy/v1beta1"), std::string::npos);
}

TEST_F(ClientTest, ABlockedEvictionAndAMissingMetricsServerHaveReasonsOfTheirOwn) {
  if (!test::HaveShared("data/kube/recorded-1.32")) GTEST_SKIP();
  FakeApi blocked(Always(429, test::Recorded("1.32", "eviction-blocked.json")));
  const auto client = MakeClient(*http_, blocked.config(), true);
  EXPECT_EQ(Reason(client->Evict(Soon(), "payments", "ledger")), "DISRUPTION_BUDGET");
  EXPECT_EQ(blocked.seen().size(), 1u);
  FakeApi absent(Always(404, "404 page not found\n", "text/plain"));
  EXPECT_EQ(Reason(MakeClient(*http_, absent.config())->NodeMetrics(Soon()).status()), "METRICS_NOT_SERVED");
  FakeApi served(Always(200, R"({"kind":"PodMetricsList","metadata":{},"items":[{"metadata":{"name":"a","namespace":"shop"},"timestamp":"2026-01-01T00:00:00Z","window":"15s","containers":[{"name":"c","usage":{"cpu":"250000000n","memory":"128Mi"}}]}]})"));
  const auto usage = MakeClient(*http_, served.config())->PodMetrics(Soon(), "shop");
  ASSERT_TRUE(usage.ok());
  EXPECT_DOUBLE_EQ((*usage)[0].containers[0].cpu_cores, 0.25);
  EXPECT_EQ((*usage)[0].window, absl::Seconds(15));
}

TEST_F(ClientTest, AccessReviewsAreAskedAndRead) {
  FakeApi api(Always(201, R"({"kind":"SelfSubjectAccessReview","status":{"allowed":false,"reason":"no rule"}})"));
  const auto answer = MakeClient(*http_, api.config())->CanI(Soon(), {"patch", "apps", "deployments", "scale", "shop", "cart"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->allowed);
  EXPECT_EQ(answer->reason, "no rule");
  const auto body = nlohmann::json::parse(api.seen()[0].body);
  EXPECT_EQ(body["spec"]["resourceAttributes"]["subresource"], "scale");
  EXPECT_EQ(body["spec"]["resourceAttributes"]["namespace"], "shop");
}

}  // namespace
}  // namespace opsmesh::kube
