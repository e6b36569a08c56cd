#include "libs/kube/cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <set>

#include "libs/kube/scripted_cluster.h"
#include "libs/kube/test_support.h"
#include "libs/kube/views.h"

namespace opsmesh::kube {
namespace {

using test::Json;
using test::MakeClient;
using test::PodAt;
using test::Reason;
using test::ScriptedCluster;
using test::Soon;
using test::StatusJson;

class CacheTest : public testing::Test {
 protected:
  std::unique_ptr<Cache> StartCache(std::vector<std::string> kinds = {"pods"},
                                    const std::string& token_file = "",
                                    absl::Duration backoff_min = absl::Milliseconds(1)) {
    ClusterConfig config = cluster_.api().config();
    config.token_file = token_file;
    client_ = MakeClient(*http_, config);
    Cache::Options options;
    options.kinds = std::move(kinds);
    options.backoff_min = backoff_min;
    options.backoff_max = 10 * backoff_min;
    options.on_change = [this](const Change& change) {
      const std::lock_guard lock(mutex_);
      const Object& object = change.after != nullptr ? *change.after : *change.before;
      changes_.push_back((change.before == nullptr  ? "+"
                          : change.after == nullptr ? "-"
                                                    : "~") +
                         std::string(object.name()) + "@" +
                         std::string(object.meta().resource_version));
      changed_.notify_all();
    };
    auto cache = Cache::Start(*client_, options);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  /// Waits until as many changes came, and gives them all.
  std::vector<std::string> Changes(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return changes_.size() >= count; });
    return changes_;
  }
  /// Waits for a condition on the pods' status.
  template <typename F>
  bool Eventually(const Cache& cache, F condition) {
    for (int i = 0; i < 12000; ++i) {
      if (condition(*cache.Get("pods"))) return true;
      (void)Soon().Sleep(absl::Milliseconds(5));
    }
    return false;
  }

  ScriptedCluster cluster_;
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<Client> client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> changes_;
};

TEST_F(CacheTest, ListsThenFollowsEveryEvent) {
  cluster_.SetList({PodAt("a-1", 1), PodAt("b-1", 2)}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cache->WaitForSync(Soon()).ok());
  EXPECT_EQ(cache->Get("pods")->objects().size(), 2u);
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  EXPECT_EQ(cluster_.watched_from()[0], "5");
  cluster_.Event("ADDED", PodAt("c-1", 6));
  cluster_.Event("MODIFIED", PodAt("a-1", 7));
  cluster_.Event("MODIFIED", PodAt("a-1", 7));  // said twice, counted once
  cluster_.Event("DELETED", PodAt("b-1", 8));
  EXPECT_EQ(Changes(3), (std::vector<std::string>{"+c-1@6", "~a-1@7", "-b-1@2"}));
  const auto pods = cache->Get("po");
  ASSERT_EQ(pods->objects().size(), 2u);
  EXPECT_EQ(pods->Find("shop", "a-1")->meta().resource_version, "7");
  EXPECT_EQ(pods->Find("shop", "b-1"), nullptr);
  EXPECT_EQ(pods->status().state, KindStatus::State::kLive);
  EXPECT_EQ(pods->status().events, 4u);
  EXPECT_EQ(pods->status().resource_version, "8");
}

TEST_F(CacheTest, ABrokenWatchGoesOnFromTheLastVersionItSawBookmarksIncluded) {
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  cluster_.Event("ADDED", PodAt("b-1", 9));
  cluster_.Event("BOOKMARK", R"({"kind":"Pod","metadata":{"resourceVersion":"12"}})");
  ASSERT_TRUE(Eventually(
      *cache, [](const KindSnapshot& pods) { return pods.status().resource_version == "12"; }));
  cluster_.Cut();
  ASSERT_TRUE(cluster_.WaitForWatches(2));
  cluster_.End();
  ASSERT_TRUE(cluster_.WaitForWatches(3));
  EXPECT_EQ(cluster_.watched_from(), (std::vector<std::string>{"5", "12", "12"}));
  EXPECT_EQ(cluster_.listed_from().size(), 1u);
  cluster_.Event("DELETED", PodAt("a-1", 13));
  EXPECT_EQ(Changes(2), (std::vector<std::string>{"+b-1@9", "-a-1@1"}));
  EXPECT_GE(cache->Get("pods")->status().reconnects, 2u);
}

TEST_F(CacheTest, AWatchThatIsRefusedForItsTokenGoesOnWithTheRotatedOneAndMissesNothing) {
  char token_file[] = "/tmp/opsmesh-token-XXXXXX";
  close(mkstemp(token_file));
  std::ofstream(token_file) << "old\n";
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache({"pods"}, token_file);
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  cluster_.Event("ADDED", PodAt("b-1", 9));
  EXPECT_EQ(Changes(1).size(), 1u);
  std::ofstream(token_file) << "new\n";
  cluster_.RefuseNextWatch(Json(401, StatusJson(401, "Unauthorized")));
  cluster_.Cut();
  ASSERT_TRUE(cluster_.WaitForWatches(3));
  cluster_.Event("MODIFIED", PodAt("b-1", 10));
  cluster_.Event("ADDED", PodAt("c-1", 11));
  EXPECT_EQ(Changes(3), (std::vector<std::string>{"+b-1@9", "~b-1@10", "+c-1@11"}));
  EXPECT_EQ(cluster_.watched_from(), (std::vector<std::string>{"5", "9", "9"}));
  EXPECT_EQ(cluster_.listed_from().size(), 1u) << "nothing was listed again";
  const auto seen = cluster_.api().seen();
  EXPECT_EQ(seen.back().headers.Get("Authorization"), "Bearer new");
  EXPECT_EQ(seen[seen.size() - 2].headers.Get("Authorization"), "Bearer old");
  EXPECT_EQ(cache->Get("pods")->status().state, KindStatus::State::kLive);
  unlink(token_file);
}

TEST_F(CacheTest, AListThatIsRefusedForItsTokenGoesOnWithTheRotatedOne) {
  char token_file[] = "/tmp/opsmesh-token-XXXXXX";
  close(mkstemp(token_file));
  std::ofstream(token_file) << "old\n";
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache({"pods"}, token_file);
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  std::ofstream(token_file) << "new\n";
  cluster_.TakeOnly("Bearer new");
  cluster_.SetList({PodAt("a-1", 1), PodAt("b-1", 8)}, 20);
  cluster_.Send(R"({"type":"ERROR","object":)" + StatusJson(410, "Expired") +
                "}\n");  // makes it list
  EXPECT_EQ(Changes(1), (std::vector<std::string>{"+b-1@8"}));
  ASSERT_TRUE(cluster_.WaitForWatches(2));
  EXPECT_EQ(cluster_.watched_from().back(), "20");
  unlink(token_file);
}

TEST_F(CacheTest, AnExpiredVersionListsAgainAndTellsEveryChangeOnce) {
  cluster_.SetList({PodAt("gone-1", 1), PodAt("same-1", 2), PodAt("new-1", 3), PodAt("swap-1", 4)},
                   5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  const auto kept = cache->Get("pods")->Find("shop", "same-1");
  cluster_.SetList({PodAt("same-1", 2), PodAt("new-1", 8), PodAt("come-1", 9),
                    PodAt("swap-1", 10, "", "another")},
                   20);
  cluster_.Send(R"({"type":"ERROR","object":)" + StatusJson(410, "Expired") + "}\n");
  ASSERT_TRUE(cluster_.WaitForWatches(2));
  const auto changes = Changes(5);
  EXPECT_EQ(std::multiset<std::string>(changes.begin(), changes.end()),
            (std::multiset<std::string>{"-gone-1@1", "~new-1@8", "+come-1@9", "-swap-1@4",
                                        "+swap-1@10"}));
  EXPECT_EQ(cluster_.listed_from(), (std::vector<std::string>{"0", ""}));
  EXPECT_EQ(cluster_.watched_from().back(), "20");
  EXPECT_EQ(cache->Get("pods")->Find("shop", "same-1"), kept);  // not replaced: nothing changed

  cluster_.RefuseNextWatch(Json(410, StatusJson(410, "Gone")));
  cluster_.Cut();
  ASSERT_TRUE(cluster_.WaitForWatches(4));
  EXPECT_EQ(cluster_.listed_from().size(), 3u);
  EXPECT_EQ(Changes(5).size(), 5u);
}

TEST_F(CacheTest, AServerThatTakesBackEachVersionIsNotAskedForListsWithoutAPause) {
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  // More than the pause after an ordinary expiry, which is half a second at most.
  const auto cache = StartCache({"pods"}, "", absl::Milliseconds(600));
  const std::string expired = R"({"type":"ERROR","object":)" + StatusJson(410, "Expired") + "}\n";
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  cluster_.Send(expired);
  ASSERT_TRUE(cluster_.WaitForWatches(2));
  const absl::Duration begin = base::SystemClock().Steady();
  cluster_.Send(expired);
  ASSERT_TRUE(cluster_.WaitForWatches(3));
  EXPECT_GE(base::SystemClock().Steady() - begin, absl::Milliseconds(599));
  cluster_.Event("ADDED", PodAt("b-1", 7));
  EXPECT_EQ(Changes(1), (std::vector<std::string>{"+b-1@7"}));
}

TEST_F(CacheTest, ObjectsOfAnotherKindAreNotTakenForTheOnesAskedFor) {
  cluster_.SetList(
      {PodAt("a-1", 1), R"({"kind":"Service","metadata":{"name":"s","namespace":"shop"}})"}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  EXPECT_EQ(cache->Get("pods")->objects().size(), 1u);
  ASSERT_EQ(cache->Get("pods")->status().unparseable.size(), 1u);
  EXPECT_EQ(cache->Get("pods")->status().unparseable[0].name, "s");
  cluster_.Event(
      "ADDED",
      R"({"kind":"Service","metadata":{"name":"t","namespace":"shop","resourceVersion":"6"}})");
  cluster_.Event("ADDED", PodAt("b-1", 7));
  EXPECT_EQ(Changes(1), (std::vector<std::string>{"+b-1@7"}));
  EXPECT_EQ(cache->Get("pods")->objects().size(), 2u);
}

TEST_F(CacheTest, HalfEventsGarbageAndUnknownTypesDoNotStopTheOthers) {
  cluster_.SetList({}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  cluster_.Event("BOOKMARK2", "{}");
  cluster_.Event("ADDED", R"({"kind":"Pod","metadata":{"name":5,"resourceVersion":"6"}})");
  cluster_.Event("ADDED", "null");
  cluster_.Event("ADDED", PodAt("a-1", 7));
  EXPECT_EQ(Changes(1), (std::vector<std::string>{"+a-1@7"}));
  EXPECT_EQ(cache->Get("pods")->status().unparseable.size(), 2u);
  cluster_.Send(R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"half")");
  cluster_.Cut();
  ASSERT_TRUE(cluster_.WaitForWatches(2));
  cluster_.Send("<html>login</html>\n");
  ASSERT_TRUE(cluster_.WaitForWatches(3));
  EXPECT_EQ(cluster_.watched_from(), (std::vector<std::string>{"5", "7", "7"}));
  for (int watch = 4; watch <= 5; ++watch) {  // garbage again and again: the list is the way out
    cluster_.Send("garbage\n");
    ASSERT_TRUE(cluster_.WaitForWatches(watch));
  }
  EXPECT_EQ(cluster_.listed_from().size(), 2u);
}

TEST_F(CacheTest, AForbiddenAndAnUnservedKindDoNotHoldUpTheOthers) {
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache({"pods", "secrets", "gadgets"});
  ASSERT_TRUE(cache->WaitForSync(Soon()).ok());
  EXPECT_EQ(cache->Get("secrets")->status().state, KindStatus::State::kForbidden);
  EXPECT_EQ(Reason(cache->Get("secrets")->status().last_error), "FORBIDDEN");
  EXPECT_FALSE(base::DetailOf(cache->Get("secrets")->status().last_error).hint.empty());
  EXPECT_EQ(cache->Get("gadgets")->status().state, KindStatus::State::kNotServed);
  EXPECT_EQ(cache->Get("pods")->objects().size(), 1u);
  EXPECT_EQ(cache->Get()->Of("never-asked").status().state, KindStatus::State::kNotServed);
}

TEST_F(CacheTest, AServerThatGoesAwayLeavesTheOldPictureMarkedStale) {
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  for (int i = 0; i < 5; ++i)
    cluster_.RefuseNextWatch(Json(503, StatusJson(503, "ServiceUnavailable")));
  cluster_.Cut();
  ASSERT_TRUE(Eventually(*cache, [](const KindSnapshot& pods) {
    return pods.status().state == KindStatus::State::kStale &&
           Reason(pods.status().last_error) == "SERVICE_UNAVAILABLE";
  }));
  EXPECT_EQ(cache->Get("pods")->objects().size(), 1u);
  ASSERT_TRUE(cluster_.WaitForWatches(7));
  ASSERT_TRUE(Eventually(*cache, [](const KindSnapshot& pods) {
    return pods.status().state == KindStatus::State::kLive;
  }));
  EXPECT_EQ(cache->Get("pods")->status().lists, 1u);
}

TEST_F(CacheTest, WithoutAServerSyncEndsWithTheContextAndSaysWhy) {
  ClusterConfig config = cluster_.api().config();
  config.server = "http://127.0.0.1:9";  // nobody listens there
  client_ = MakeClient(*http_, config);
  Cache::Options options;
  options.kinds = {"pods"};
  const auto cache = Cache::Start(*client_, options);
  ASSERT_TRUE(cache.ok());
  const absl::Status status =
      (*cache)->WaitForSync(base::Context::Background().WithTimeout(absl::Milliseconds(300)));
  EXPECT_FALSE(status.ok());
  EXPECT_EQ((*cache)->Get("pods")->status().state, KindStatus::State::kSyncing);
}

TEST_F(CacheTest, ASnapshotDoesNotChangeAndIsSharedUntilSomethingDoes) {
  cluster_.SetList({PodAt("a-1", 1)}, 5);
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
  const auto before = cache->Get("pods");
  EXPECT_EQ(&before->objects(), &cache->Get("pods")->objects());
  cluster_.Event("DELETED", PodAt("a-1", 9));
  Changes(1);
  EXPECT_EQ(before->objects().size(), 1u);
  EXPECT_TRUE(cache->Get("pods")->objects().empty());
}

TEST_F(CacheTest, EndsAtOnceWhileWatchesAreOpenAndServersSilent) {
  const auto cache = StartCache();
  ASSERT_TRUE(cluster_.WaitForWatches(1));
}  // the destructors are the test: no hang, no crash

}  // namespace
}  // namespace opsmesh::kube
