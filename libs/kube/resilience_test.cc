// What networks and API servers do on bad days, against the client and the watch cache: cut
// connections, silence, throttling, hung aggregated APIs, huge objects, kinds that come and go.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/kube/cache.h"
#include "libs/kube/client_fixture.h"
#include "libs/kube/scripted_api.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

using http_server::Exchange;
using test::CutAfter;
using test::FakeApi;
using test::Json;
using test::MakeClient;
using test::PodJson;
using test::PodList;
using test::Pods;
using test::Reason;
using test::Say;
using test::ScriptedApi;
using test::Seen;
using test::Soon;
using test::StatusJson;

class ResilienceTest : public test::ClientTest {
 protected:
  void Start(std::vector<std::string> kinds = {"pods"},
             absl::Duration request_timeout = absl::Seconds(5)) {
    Client::Options client;
    client.config = api_.api().config();
    client.http = http_.get();
    client.requests_per_second = 0;
    client.retry_min = client.retry_max = absl::Milliseconds(1);
    client.request_timeout = request_timeout;
    client_ = *Client::Create(std::move(client));
    Cache::Options options;
    options.kinds = std::move(kinds);
    options.backoff_min = absl::Milliseconds(1);
    options.backoff_max = options.retry_refused = absl::Milliseconds(30);
    options.longest_silence = absl::Seconds(2);
    cache_ = *Cache::Start(*client_, options);
  }
  template <typename F>
  bool Eventually(F condition) {
    for (int i = 0; i < 12000; ++i) {
      if (condition()) return true;
      (void)Soon().Sleep(absl::Milliseconds(5));
    }
    return false;
  }
  bool Has(const std::string& name) { return cache_->Get("pods")->Find("shop", name) != nullptr; }
  static std::string Added(const std::string& name, const std::string& version = "8") {
    return R"({"type":"ADDED","object":)" +
           base::ReplaceAll(PodJson(name), R"("resourceVersion":"1")",
                            R"("resourceVersion":")" + version + "\"") +
           "}\n";
  }

  ScriptedApi api_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(ResilienceTest, AListThatIsCutInTheMiddleIsAskedForAgainAndNothingOfTheHalfIsKept) {
  const std::string half = PodList({PodJson("half"), PodJson("other")}).substr(0, 150);
  api_.Lists({CutAfter(half), CutAfter(half), CutAfter(half), CutAfter(half),
              Say(200, PodList({PodJson("whole")}))});
  Start();
  ASSERT_TRUE(Eventually([&] { return Has("whole"); }));
  EXPECT_FALSE(Has("half"));
  EXPECT_EQ(cache_->Get("pods")->status().lists, 1u);
}

TEST_F(ResilienceTest, AnAnswerThatIsWholeForHttpButHalfAsJsonIsNoList) {
  api_.Lists(
      {Say(200, PodList({PodJson("half")}).substr(0, 90)), Say(200, PodList({PodJson("whole")}))});
  Start();
  ASSERT_TRUE(Eventually([&] { return Has("whole"); }));
  EXPECT_FALSE(Has("half"));
}

TEST_F(ResilienceTest, AWatchThatIsCutInTheMiddleOfAnEventGoesOnBeforeIt) {
  api_.Watches({CutAfter(Added("first", "8") + Added("second", "9").substr(0, 40)),
                api_.Open(Added("second", "9"))});
  Start();
  ASSERT_TRUE(Eventually([&] { return Has("first") && Has("second"); }));
  EXPECT_EQ(api_.WatchedFrom(1), "8");
  EXPECT_EQ(api_.lists(), 1);
}

TEST_F(ResilienceTest, AThrottledWatchWaitsAsLongAsTheServerSaysAndDoesNotList) {
  api_.Watches({[](const Seen&, std::shared_ptr<Exchange> exchange) {
                  auto busy = Json(429, StatusJson(429, "TooManyRequests"));
                  busy.headers.Set("Retry-After", "1");
                  exchange->Respond(busy);
                },
                api_.Open(Added("later"))});
  Start();
  ASSERT_TRUE(Eventually([&] { return Has("later"); }));
  EXPECT_GE(api_.WatchedAt(1) - api_.WatchedAt(0), absl::Seconds(1));
  EXPECT_EQ(api_.lists(), 1);
}

TEST_F(ResilienceTest, AServerThatComesBackWithAnotherStoreIsListedAnewAndTheSameOneIsNot) {
  const std::string gone = StatusJson(503, "ServiceUnavailable");
  const std::string wiped = base::ReplaceAll(PodList({PodJson("new")}), R"("resourceVersion":"7")",
                                             R"("resourceVersion":"3")");
  api_.Lists({Say(200, PodList({PodJson("old")}))});
  api_.Watches({CutAfter(""), Say(503, gone), api_.Open()});
  Start();
  EXPECT_TRUE(Eventually([&] { return api_.watches() == 3; }));
  EXPECT_EQ(api_.lists(), 2) << "the first list, and one object to see that all is as it was";
  EXPECT_EQ(api_.WatchedFrom(2), "7");
  EXPECT_TRUE(Has("old"));
  api_.Watches({Say(503, gone), api_.Open()});
  api_.Lists({Say(200, wiped)});
  api_.Cut();
  EXPECT_TRUE(Eventually([&] { return Has("new") && api_.watches() == 5; }));
  EXPECT_FALSE(Has("old"));
  EXPECT_EQ(api_.WatchedFrom(4), "3");
}

TEST_F(ResilienceTest, AStoreThatWasWipedIsSeenByOtherObjectsOfTheSameVersions) {
  api_.Lists({Say(200, PodList({PodJson("pod")})),
              Say(200, base::ReplaceAll(PodList({PodJson("pod")}), "u-pod", "u-other"))});
  api_.Watches({Say(503, StatusJson(503, "ServiceUnavailable")), api_.Open()});
  Start();
  EXPECT_TRUE(Eventually([&] {
    const ObjectPtr pod = cache_->Get("pods")->Find("shop", "pod");
    return pod != nullptr && pod->meta().uid == "u-other";
  }));
  EXPECT_EQ(api_.lists(), 3);
}

TEST_F(ResilienceTest, ABookmarkBehindWhatWasSeenIsAStoreThatWasSetBack) {
  api_.Lists({Say(200, PodList({PodJson("old")})), Say(200, PodList({PodJson("new")}))});
  api_.Watches({api_.Open(R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{)"
                          R"("resourceVersion":"3"}}})"
                          "\n"),
                api_.Open()});
  Start();
  EXPECT_TRUE(Eventually([&] { return Has("new") && !Has("old"); }));
}

TEST_F(ResilienceTest, AWatchThatIsAcceptedAndNeverAnsweredIsGivenUpInTime) {
  api_.Watches({api_.Silence(), api_.Open(Added("later"))});
  Start({"pods"}, absl::Seconds(2));
  ASSERT_TRUE(Eventually([&] { return Has("later"); }));
  EXPECT_EQ(api_.lists(), 1);
}

TEST_F(ResilienceTest, AServerThatGoesSilentAfterBookmarksIsLeftAndTheWatchGoesOnWhereItWas) {
  api_.Watches(
      {api_.Open(
           R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"12"}}})"
           "\n"),
       api_.Open(
           R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"15"}}})"
           "\n"),
       api_.Open(Added("later", "16"))});
  Start();
  // The first silence is only known to be one once bookmarks were seen: the watch after that ends
  // early, and so do the next ones.
  api_.Cut();
  ASSERT_TRUE(Eventually([&] {
    api_.watches() == 1 ? api_.Cut() : void();
    return Has("later");
  }));
  EXPECT_EQ(api_.WatchedFrom(2), "15");
  EXPECT_EQ(api_.lists(), 1);
}

TEST_F(ResilienceTest, AKeptConnectionThatTheServerClosedIsNotNoticedByReads) {
  http_server::Options options;
  options.idle_timeout = absl::Milliseconds(50);
  ScriptedApi api(options);
  api.Lists({Say(200, PodList({PodJson("a")}))});
  const auto client = MakeClient(*http_, api.api().config());
  for (int i = 0; i < 4; ++i) {
    const auto list = client->List(Soon(), Pods(), "shop");
    ASSERT_TRUE(list.ok()) << list.status();
    (void)Soon().Sleep(absl::Milliseconds(120));
  }
  EXPECT_EQ(api.lists(), 4) << "none was sent twice";
}

TEST_F(ResilienceTest, AnObjectOfOneAndAHalfMebibytesIsListedWatchedAndReadBack) {
  const std::string text(1536 << 10, 'x');
  const auto big = [&](const std::string& name, const std::string& version) {
    return R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
           R"(","namespace":"shop","uid":"u-)" + name + R"(","resourceVersion":")" + version +
           R"(","annotations":{"big":")" + text + "\"}}}";
  };
  api_.Lists({Say(200, PodList({big("listed", "5"), PodJson("small")}))});
  api_.Watches({api_.Open(R"({"type":"ADDED","object":)" + big("watched", "8") + "}\n")});
  Start();
  ASSERT_TRUE(Eventually([&] { return Has("watched"); }));
  for (const char* name : {"listed", "watched"})
    EXPECT_EQ(cache_->Get("pods")->Find("shop", name)->Annotation("big"), text);
  EXPECT_TRUE(Has("small"));
  EXPECT_LT(cache_->MemoryBytes(), 1u << 20) << "and it is kept compressed";
}

TEST_F(ResilienceTest, AKindThatAppearsWhileRunningIsReadAndOneThatDisappearsIsGone) {
  api_.Lists({Say(200, R"({"kind":"WidgetList","metadata":{"resourceVersion":"7"},"items":[]})")});
  Start({"widgets"});
  ASSERT_TRUE(Eventually(
      [&] { return cache_->Get("widgets")->status().state == KindStatus::State::kNotServed; }));
  EXPECT_EQ(Reason(client_->Resolve(Soon(), "widgets").status()), "UNKNOWN_KIND");
  api_.Lists({Say(200, R"({"kind":"WidgetList","metadata":{"resourceVersion":"7"},"items":[
      {"metadata":{"name":"a","namespace":"shop","uid":"1","resourceVersion":"6"}}]})")});
  api_.Serves({"widgets"});
  ASSERT_TRUE(Eventually(
      [&] { return cache_->Get("widgets")->status().state == KindStatus::State::kLive; }));
  EXPECT_EQ(cache_->Get("widgets")->objects().size(), 1u);
  ASSERT_TRUE(Eventually([&] { return api_.watches() > 0; }));
  api_.Serves({});
  api_.Cut();
  ASSERT_TRUE(Eventually(
      [&] { return cache_->Get("widgets")->status().state == KindStatus::State::kNotServed; }));
  EXPECT_TRUE(cache_->Get("widgets")->objects().empty());
}

TEST_F(ResilienceTest, AnAggregatedApiThatHangsDoesNotHoldUpDiscoveryAndKeepsItsKinds) {
  std::atomic<bool> hangs{false};
  std::vector<std::shared_ptr<Exchange>> held;
  std::mutex mutex;
  const auto resources = [](const std::string& gv, const std::string& plural,
                            const std::string& kind) {
    return R"({"kind":"APIResourceList","groupVersion":")" + gv + R"(","resources":[{"name":")" +
           plural + R"(","singularName":"","namespaced":true,"kind":")" + kind +
           R"(","verbs":["get","list"]}]})";
  };
  {
    FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
      if (seen.path == "/api")
        return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
      if (seen.path == "/apis") {
        return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[
          {"name":"custom.example.com","versions":[{"groupVersion":"custom.example.com/v1","version":"v1"}]},
          {"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}]}]})"));
      }
      if (seen.path == "/api/v1")
        return exchange->Respond(Json(200, resources("v1", "pods", "Pod")));
      if (seen.path == "/apis/apps/v1")
        return exchange->Respond(Json(200, resources("apps/v1", "deployments", "Deployment")));
      if (!hangs)
        return exchange->Respond(Json(200, resources("custom.example.com/v1", "gears", "Gear")));
      const std::lock_guard lock(mutex);
      held.push_back(std::move(exchange));  // answers never
    });
    Client::Options options;
    options.config = api.config();
    options.http = http_.get();
    options.request_timeout = absl::Seconds(2);
    const auto client = *Client::Create(options);
    ASSERT_TRUE(client->Resolve(Soon(), "gears").ok());
    hangs = true;
    const absl::Duration begin = base::SystemClock().Steady();
    const auto discovery = client->Discover(Soon(), {.refresh = true});
    EXPECT_LT(base::SystemClock().Steady() - begin, absl::Seconds(15));
    ASSERT_TRUE(discovery.ok()) << discovery.status();
    EXPECT_EQ((*discovery)->failed_groups(), std::vector<std::string>{"custom.example.com/v1"});
    EXPECT_TRUE((*discovery)->Find("deployments").ok());
    EXPECT_TRUE((*discovery)->Find("gears").ok()) << "it was there a moment ago";
    const std::lock_guard lock(mutex);
    held.clear();
  }
}

TEST_F(ResilienceTest, GroupsThatAreNotToldOfNowHaveNotLostTheirKinds) {
  std::atomic<bool> starting{true};
  FakeApi api([&](const Seen& seen, std::shared_ptr<Exchange> exchange) {
    const auto kinds = [&](const char* gv, const char* plural, const char* kind) {
      exchange->Respond(Json(
          200, fmt::format(R"({{"kind":"APIResourceList","groupVersion":"{}","resources":[)"
                           R"({{"name":"{}","namespaced":true,"kind":"{}","verbs":["list"]}}]}})",
                           gv, plural, kind)));
    };
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/api/v1") return kinds("v1", "pods", "Pod");
    if (seen.path == "/apis/apps/v1") return kinds("apps/v1", "deployments", "Deployment");
    if (starting) return exchange->Respond(Json(503, StatusJson(503, "ServiceUnavailable")));
    exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[
      {"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}]}]})"));
  });
  const auto client = MakeClient(*http_, api.config());
  EXPECT_EQ(Reason(client->Discover(Soon()).status()), "SERVICE_UNAVAILABLE")
      << "half a picture is none for a start";
  starting = false;
  ASSERT_TRUE(client->Resolve(Soon(), "deployments").ok());
  starting = true;
  const auto again = client->Discover(Soon(), {.refresh = true});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->failed_groups(), std::vector<std::string>{"/apis"});
  EXPECT_TRUE((*again)->Find("deployments").ok()) << "it was there a moment ago";
}

TEST_F(ResilienceTest, TwoClustersInOneKubeconfigGetTheirOwnUserAndNothingOfTheOther) {
  FakeApi red(test::Always(200, PodList({PodJson("red")})));
  FakeApi blue(test::Always(403, StatusJson(403, "Forbidden")));
  const std::string text = R"(
apiVersion: v1
kind: Config
clusters:
- {name: red, cluster: {server: ")" +
                           red.url() + R"("}}
- {name: blue, cluster: {server: ")" +
                           blue.url() + R"("}}
users:
- {name: reader, user: {token: red-token}}
- {name: nobody, user: {token: blue-token}}
contexts:
- {name: at-red, context: {cluster: red, user: reader, namespace: shop}}
- {name: at-blue, context: {cluster: blue, user: nobody}}
current-context: at-red
)";
  const auto open = [&](const std::string& context) {
    return MakeClient(*http_, *ParseKubeconfig(text, ".", {.context = context}));
  };
  const auto at_red = open("");
  const auto at_blue = open("at-blue");
  EXPECT_EQ(at_red->config().default_namespace, "shop");
  EXPECT_TRUE(at_red->List(Soon(), Pods(), "").ok());
  const absl::Status refused = at_blue->List(Soon(), Pods(), "").status();
  EXPECT_EQ(Reason(refused), "FORBIDDEN");
  EXPECT_EQ(base::DetailOf(refused).metadata.at("cluster"), "blue");
  EXPECT_TRUE(at_red->List(Soon(), Pods(), "").ok());
  for (const Seen& seen : red.seen())
    EXPECT_EQ(seen.headers.Get("Authorization"), "Bearer red-token");
  for (const Seen& seen : blue.seen())
    EXPECT_EQ(seen.headers.Get("Authorization"), "Bearer blue-token");
  EXPECT_EQ(red.seen().size(), 2u);
  EXPECT_EQ(blue.seen().size(), 1u);
}

bool HaveIpv6() {
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound =
      fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) close(fd);
  return bound;
}

TEST_F(ResilienceTest, AServerWithAnIpv6AddressIsReached) {
  if (!HaveIpv6()) GTEST_SKIP() << "*** NOT TESTED: this machine has no ::1 ***";
  http_server::Options options;
  options.address = "::1";
  FakeApi api(test::Always(200, PodList({PodJson("six")})), options);
  const auto client = MakeClient(*http_, api.config());
  const auto list = client->List(Soon(), Pods(), "");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->items.size(), 1u);
  // The name that goes out is the address in brackets.
  EXPECT_TRUE(api.seen()[0].headers.Get("Host").starts_with("[::1]:"));
}

}  // namespace
}  // namespace opsmesh::kube
