// The watch cache of a user with rights in some namespaces only: what may be read is read, what may
// not is said, and rights that come and go are noticed.
#include <gtest/gtest.h>

#include <condition_variable>
#include <set>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"

namespace opsmesh::kube {
namespace {

using http_server::Exchange;
using test::FakeApi;
using test::Json;
using test::MakeClient;
using test::Reason;
using test::Seen;
using test::Soon;
using test::StatusJson;

/// Pods, services and nodes behind rules "verb plural@namespace" ("list nodes@" = cluster-wide).
class GuardedCluster {
 public:
  GuardedCluster()
      : api_([this](const Seen& seen, std::shared_ptr<Exchange> exchange) {
          Serve(seen, std::move(exchange));
        }) {}
  ~GuardedCluster() {
    const std::lock_guard lock(mutex_);
    watches_.clear();
  }

  void Grant(const std::string& plural, const std::string& ns) {
    const std::lock_guard lock(mutex_);
    allowed_.insert({"list " + plural + "@" + ns, "watch " + plural + "@" + ns});
  }
  void GrantList(const std::string& plural, const std::string& ns) {
    const std::lock_guard lock(mutex_);
    allowed_.insert("list " + plural + "@" + ns);
  }
  void Revoke(const std::string& plural, const std::string& ns) {
    const std::lock_guard lock(mutex_);
    allowed_.erase("list " + plural + "@" + ns);
    allowed_.erase("watch " + plural + "@" + ns);
  }
  /// A pod that is there, and is told to the open watches.
  void AddPod(const std::string& ns, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const std::string pod = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
                            R"(","namespace":")" + ns + R"(","uid":"u-)" + name +
                            R"(","resourceVersion":")" + std::to_string(++version_) + "\"}}";
    pods_[ns].push_back(pod);
    for (const std::string& place : {ns, std::string()}) {
      const auto watch = watches_.find("pods@" + place);
      if (watch != watches_.end())
        watch->second->Write("{\"type\":\"ADDED\",\"object\":" + pod + "}\n");
    }
  }
  void CutWatch(const std::string& plural, const std::string& ns) {
    const std::lock_guard lock(mutex_);
    const auto watch = watches_.find(plural + "@" + ns);
    if (watch == watches_.end()) return;
    watch->second->Abort();
    watches_.erase(watch);
  }
  bool Watched(const std::string& plural, const std::string& ns) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60),
                             [&] { return watches_.contains(plural + "@" + ns); });
  }
  int Asked(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return asked_[what];
  }
  const FakeApi& api() const { return api_; }

  /// What rights are asked for is answered 401 from now on, and so is everything else.
  void Forget() {
    const std::lock_guard lock(mutex_);
    forgotten_ = true;
  }

 private:
  // A SelfSubjectRulesReview: "list pods@shop" and "list pods@" count in shop.
  http_server::Response Review(const std::string& body) {
    const std::string key = R"("namespace":")";
    const size_t at = body.find(key) + key.size();
    const std::string ns = body.substr(at, body.find('"', at) - at);
    ++asked_["rights in " + ns];
    std::vector<std::string> rules;
    for (const std::string& allowed : allowed_) {
      const size_t blank = allowed.find(' ');
      const size_t sign = allowed.find('@');
      const std::string place = allowed.substr(sign + 1);
      if (!place.empty() && place != ns) continue;
      rules.push_back(R"({"verbs":[")" + allowed.substr(0, blank) +
                      R"("],"apiGroups":[""],"resources":[")" +
                      allowed.substr(blank + 1, sign - blank - 1) + "\"]}");
    }
    return Json(201, R"({"kind":"SelfSubjectRulesReview","status":{"incomplete":false,)"
                     R"("nonResourceRules":[],"resourceRules":[)" +
                         base::Join(rules, ",") + "]}}");
  }

  void Serve(const Seen& seen, std::shared_ptr<Exchange> exchange) {
    const std::lock_guard lock(mutex_);
    if (forgotten_) return exchange->Respond(Json(401, StatusJson(401, "Unauthorized")));
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/apis")
      return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[]})"));
    if (seen.path == "/api/v1") {
      return exchange->Respond(Json(200, R"({"kind":"APIResourceList","resources":[
        {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch"]},
        {"name":"services","singularName":"service","namespaced":true,"kind":"Service","verbs":["get","list","watch"]},
        {"name":"nodes","singularName":"node","namespaced":false,"kind":"Node","verbs":["get","list","watch"]}]})"));
    }
    if (seen.path == "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
      return exchange->Respond(Review(seen.body));
    std::string path = seen.path.substr(std::string("/api/v1/").size());
    std::string ns;
    if (path.starts_with("namespaces/")) {
      path = path.substr(11);
      ns = path.substr(0, path.find('/'));
      path = path.substr(path.find('/') + 1);
    }
    const bool watch = seen.query.contains("watch");
    const std::string what = (watch ? "watch " : "list ") + path + "@" + ns;
    ++asked_[what];
    const bool everywhere = allowed_.contains((watch ? "watch " : "list ") + path + "@");
    if (!allowed_.contains(what) && !everywhere)
      return exchange->Respond(Json(403, StatusJson(403, "Forbidden", what + " is forbidden")));
    if (watch) {
      exchange->Start({});
      watches_[path + "@" + ns] = std::move(exchange);
      changed_.notify_all();
      return;
    }
    std::vector<std::string> items;
    for (const auto& [place, pods] : pods_) {
      if (path == "pods" && (ns.empty() || ns == place))
        items.insert(items.end(), pods.begin(), pods.end());
    }
    exchange->Respond(Json(200, R"({"kind":"List","metadata":{"resourceVersion":")" +
                                    std::to_string(version_) + R"("},"items":[)" +
                                    base::Join(items, ",") + "]}"));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> allowed_;
  std::map<std::string, std::vector<std::string>> pods_;
  std::map<std::string, std::shared_ptr<Exchange>> watches_;
  std::map<std::string, int> asked_;
  int version_ = 10;
  bool forgotten_ = false;
  FakeApi api_;
};

class CacheRightsTest : public testing::Test {
 protected:
  void Start(std::vector<std::string> namespaces, absl::Duration retry = absl::Hours(1)) {
    client_ = MakeClient(*http_, cluster_.api().config());
    Cache::Options options;
    options.kinds = {"pods", "services", "nodes"};
    options.namespaces = std::move(namespaces);
    options.backoff_min = absl::Milliseconds(1);
    options.backoff_max = absl::Milliseconds(10);
    options.retry_refused = retry;
    options.clock = &clock_;
    options.on_change = [this](const Change& change) {
      const std::lock_guard lock(mutex_);
      changes_.emplace_back(change.after != nullptr ? change.after->name() : "-");
    };
    cache_ = *Cache::Start(*client_, options);
    ASSERT_TRUE(cache_->WaitForSync(Soon()).ok());
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const ObjectPtr& object : cache_->Get("pods")->objects())
      names.push_back(object->meta().full_name());
    return names;
  }
  template <typename F>
  bool Eventually(F condition) {
    for (int i = 0; i < 12000; ++i) {
      if (condition()) return true;
      (void)Soon().Sleep(absl::Milliseconds(5));
    }
    return false;
  }
  /// Time that is real, and can be pushed on.
  class PushedClock : public base::Clock {
   public:
    absl::Time Now() const override {
      return base::SystemClock().Now() + absl::Seconds(pushed_.load());
    }
    absl::Duration Steady() const override {
      return base::SystemClock().Steady() + absl::Seconds(pushed_.load());
    }
    void Push(absl::Duration by) { pushed_ += absl::ToInt64Seconds(by); }

   private:
    std::atomic<int64_t> pushed_{0};  // seconds
  };

  GuardedCluster cluster_;
  PushedClock clock_;
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<Client> client_;
  std::mutex mutex_;
  std::vector<std::string> changes_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheRightsTest, AUserOfOneNamespaceGetsItsKindsWatchedAndTheOthersNamedAsForbidden) {
  cluster_.Grant("pods", "shop");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop"});
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
  const KindStatus pods = cache_->Get("pods")->status();
  EXPECT_EQ(pods.state, KindStatus::State::kLive);
  EXPECT_EQ(pods.only_in, std::vector<std::string>{"shop"});
  EXPECT_TRUE(pods.Covers("shop"));
  EXPECT_FALSE(pods.Covers("payments"));
  EXPECT_FALSE(pods.Covers(""));
  EXPECT_EQ(Reason(pods.refused.at("")), "FORBIDDEN");
  const KindStatus services = cache_->Get("services")->status();
  EXPECT_EQ(services.state, KindStatus::State::kForbidden);
  EXPECT_EQ(base::DetailOf(services.refused.at("shop")).metadata.at("namespace"), "shop");
  EXPECT_EQ(cache_->Get("nodes")->status().state, KindStatus::State::kForbidden);
  ASSERT_TRUE(cluster_.Watched("pods", "shop"));
  cluster_.AddPod("shop", "web");
  EXPECT_TRUE(Eventually([&] { return Names().size() == 2; }));
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(changes_, std::vector<std::string>{"web"});
}

TEST_F(CacheRightsTest, WhereWatchingIsForbiddenWhatWasListedCountsAndIsNotCalledStale) {
  cluster_.GrantList("pods", "shop");
  cluster_.AddPod("shop", "cart");
  Start({"shop"});
  ASSERT_TRUE(Eventually([&] { return cluster_.Asked("watch pods@shop") > 0; }));
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
  EXPECT_EQ(cache_->Get("pods")->status().state, KindStatus::State::kLive);
}

TEST_F(CacheRightsTest, AQuestionAboutAnotherNamespaceBringsItInAndOneThatIsForbiddenSaysSo) {
  cluster_.Grant("pods", "shop");
  cluster_.Grant("pods", "payments");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop"});
  cache_->Cover(Soon(), "payments");
  EXPECT_EQ(Names(), (std::vector<std::string>{"payments/ledger", "shop/cart"}));
  cache_->Cover(Soon(), "infra");
  const KindStatus pods = cache_->Get("pods")->status();
  EXPECT_EQ(pods.only_in, (std::vector<std::string>{"payments", "shop"}));
  EXPECT_EQ(Reason(pods.refused.at("infra")), "FORBIDDEN");
  cache_->Cover(Soon(), "../../secrets");  // no namespace, never a part of a URL
  EXPECT_FALSE(cache_->Get("pods")->status().refused.contains("../../secrets"));
}

TEST_F(CacheRightsTest, NamespacesThatNobodyMayReadMakeRoomAndTheReadOnesStay) {
  cluster_.Grant("pods", "shop");
  cluster_.AddPod("shop", "cart");
  Start({"shop"});
  for (size_t i = 0; i < 3 * Cache::kMaxNamespaces; ++i)
    cache_->Cover(Soon(), "ns-" + std::to_string(i));
  EXPECT_LE(cache_->Get("pods")->status().refused.size(), Cache::kMaxNamespaces);
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
  cache_->Cover(Soon(), "ns-0");  // again
  EXPECT_TRUE(cache_->Get("pods")->status().refused.contains("ns-0"));
}

TEST_F(CacheRightsTest, ARightThatIsGrantedLaterCountsWhenItIsAskedForAndNotMoreOftenThanThat) {
  Start({"shop"});
  cluster_.AddPod("shop", "cart");
  EXPECT_EQ(cache_->Get("pods")->status().state, KindStatus::State::kForbidden);
  cluster_.Grant("pods", "shop");
  clock_.Push(Cache::kAskAgain);
  cache_->Cover(Soon(), "shop");
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
  const int before = cluster_.Asked("list services@shop");
  for (int i = 0; i < 20; ++i) cache_->Cover(Soon(), "shop");
  EXPECT_EQ(cluster_.Asked("list services@shop"), before);
  clock_.Push(Cache::kAskAgain);
  cluster_.Grant("nodes", "");
  cache_->Cover(Soon(), "shop");
  EXPECT_EQ(cache_->Get("nodes")->status().state, KindStatus::State::kLive);
  EXPECT_EQ(cluster_.Asked("list services@shop"), before + 1);
}

TEST_F(CacheRightsTest, HoweverOftenItIsAskedWhatIsRefusedIsTriedOnceATime) {
  const absl::Duration retry = absl::Milliseconds(200);
  Start({"shop"}, retry);
  for (int i = 0; i < 30; ++i) {
    clock_.Push(Cache::kAskAgain);
    cache_->Cover(Soon(), "shop");
  }
  const absl::Duration begin = base::SystemClock().Steady();
  const int before = cluster_.Asked("list services@shop");
  (void)Soon().Sleep(5 * retry);
  const int after = cluster_.Asked("list services@shop");
  const absl::Duration passed = base::SystemClock().Steady() - begin;
  EXPECT_LE(after - before, passed / retry + 2);
}

TEST_F(CacheRightsTest, ARightToAllNamespacesTakesOverWithoutGapOrDouble) {
  cluster_.Grant("pods", "shop");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop"});
  ASSERT_TRUE(cluster_.Watched("pods", "shop"));
  cluster_.CutWatch("pods", "shop");
  cluster_.AddPod("shop", "web");  // not seen by any watch
  cluster_.Grant("pods", "");
  clock_.Push(Cache::kAskAgain);
  cache_->Cover(Soon(), "");
  EXPECT_TRUE(Eventually([&] { return cache_->Get("pods")->status().only_in.empty(); }));
  EXPECT_EQ(Names(), (std::vector<std::string>{"payments/ledger", "shop/cart", "shop/web"}));
  ASSERT_TRUE(cluster_.Watched("pods", ""));
  cluster_.AddPod("infra", "agent");
  EXPECT_TRUE(Eventually([&] { return Names().size() == 4; }));
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(changes_, (std::vector<std::string>{"web", "agent"}))
      << "what was there before anybody looked is no change";
}

TEST_F(CacheRightsTest, ARightThatIsTakenAwayTakesTheObjectsWithIt) {
  cluster_.Grant("pods", "");
  cluster_.Grant("pods", "shop");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop"});
  EXPECT_EQ(Names().size(), 2u);
  ASSERT_TRUE(cluster_.Watched("pods", ""));
  cluster_.Revoke("pods", "");
  cluster_.CutWatch("pods", "");
  // The watch is refused, the list that follows too; then the namespace is read by itself.
  EXPECT_TRUE(Eventually(
      [&] { return cache_->Get("pods")->status().only_in == std::vector<std::string>{"shop"}; }));
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
}

TEST_F(CacheRightsTest, AQuestionNoticesThatARightIsGoneThoughTheWatchGoesOn) {
  cluster_.Grant("pods", "shop");
  cluster_.Grant("pods", "payments");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop", "payments"});
  ASSERT_TRUE(cluster_.Watched("pods", "payments"));
  ASSERT_TRUE(cluster_.Watched("pods", "shop"));
  cache_->Cover(Soon(), "payments");
  EXPECT_EQ(Names().size(), 2u);
  const int lists = cluster_.Asked("list pods@shop");

  cluster_.Revoke("pods", "payments");
  clock_.Push(Cache::kAskAgain);
  cache_->Cover(Soon(), "payments");
  EXPECT_EQ(Names(), std::vector<std::string>{"shop/cart"});
  EXPECT_EQ(Reason(cache_->Get("pods")->status().refused.at("payments")), "FORBIDDEN");
  for (int i = 0; i < 20; ++i) cache_->Cover(Soon(), "payments");
  EXPECT_EQ(cluster_.Asked("rights in payments"), 2) << "at most every kAskAgain";
  EXPECT_EQ(cluster_.Asked("list pods@shop"), lists) << "what may be read is not listed again";

  cluster_.Grant("pods", "payments");
  clock_.Push(Cache::kAskAgain);
  cache_->Cover(Soon(), "payments");
  EXPECT_EQ(Names().size(), 2u);
}

TEST_F(CacheRightsTest, AQuestionNoticesThatTheRightToAllNamespacesIsGone) {
  cluster_.Grant("pods", "");
  cluster_.Grant("pods", "shop");
  cluster_.AddPod("shop", "cart");
  cluster_.AddPod("payments", "ledger");
  Start({"shop"});
  ASSERT_TRUE(cluster_.Watched("pods", ""));
  EXPECT_EQ(Names().size(), 2u);
  cluster_.Revoke("pods", "");
  cache_->Cover(Soon(), "shop");
  EXPECT_TRUE(Eventually([&] { return Names() == std::vector<std::string>{"shop/cart"}; }));
}

TEST_F(CacheRightsTest, AQuestionNoticesThatTheServerNoLongerKnowsTheUser) {
  cluster_.Grant("pods", "");
  cluster_.AddPod("shop", "cart");
  Start({});
  ASSERT_TRUE(cluster_.Watched("pods", ""));
  EXPECT_EQ(cache_->Get("pods")->status().state, KindStatus::State::kLive);
  cluster_.Forget();
  cache_->Cover(Soon(), "");
  const KindStatus pods = cache_->Get("pods")->status();
  EXPECT_EQ(pods.state, KindStatus::State::kStale);
  EXPECT_EQ(pods.last_error.code(), absl::StatusCode::kUnauthenticated) << pods.last_error;
}

}  // namespace
}  // namespace opsmesh::kube
