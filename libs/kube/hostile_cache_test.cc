// Every case of badinputs/own/kube-api, through the watch cache.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

#include "libs/kube/cache.h"
#include "libs/kube/client_fixture.h"
#include "libs/kube/views.h"
#include "libs/kube/wire.h"

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

/// Pods answer what the test says; services are well all the time, and must stay so.
class HostileCacheTest : public ClientTest {
 protected:
  using Answer = std::function<void(const Seen&, std::shared_ptr<Exchange>)>;

  HostileCacheTest()
      : api_([this](const Seen& seen, std::shared_ptr<Exchange> exchange) {
          Serve(seen, std::move(exchange));
        }) {}
  ~HostileCacheTest() override {
    cache_.reset();
    const std::lock_guard lock(mutex_);
    held_.clear();
  }

  void Start(absl::Duration request_timeout = absl::Seconds(5)) {
    Client::Options client;
    client.config = api_.config();
    client.http = http_.get();
    client.requests_per_second = 0;
    client.retry_min = client.retry_max = absl::Milliseconds(1);
    client.request_timeout = request_timeout;
    client_ = *Client::Create(std::move(client));
    Cache::Options options;
    options.kinds = {"pods", "services"};
    options.backoff_min = absl::Milliseconds(1);
    options.backoff_max = options.retry_refused = absl::Milliseconds(20);
    cache_ = *Cache::Start(*client_, options);
  }
  /// How lists of pods are answered from now on.
  void ListsAre(Answer answer) {
    const std::lock_guard lock(mutex_);
    list_ = std::move(answer);
  }
  void Event(const std::string& line) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return watch_ != nullptr; }));
    watch_->Write(line);
  }
  void EndWatch() {
    const std::lock_guard lock(mutex_);
    if (watch_ != nullptr) watch_->Abort();
    watch_ = nullptr;
  }
  template <typename F>
  bool Eventually(F condition) {
    for (int i = 0; i < 12000; ++i) {
      if (condition(*cache_->Get("pods"))) return true;
      (void)Soon().Sleep(absl::Milliseconds(5));
    }
    return false;
  }
  void ExpectServicesAreWell() {
    ASSERT_TRUE(cache_->WaitForSync(Soon(), {"services"}).ok());
    EXPECT_EQ(cache_->Get("services")->status().state, KindStatus::State::kLive);
    EXPECT_NE(cache_->Get("services")->Find("shop", "cart"), nullptr);
  }
  static Answer Good(std::vector<std::string> items) {
    return [items](const Seen&, std::shared_ptr<Exchange> exchange) {
      exchange->Respond(Json(200, PodList(items)));
    };
  }
  static std::string File(const std::string& name) {
    std::string text;
    EXPECT_TRUE(test::ReadFile(test::SharedDir() + "/badinputs/own/kube-api/" + name, &text))
        << name;
    return text;
  }

 private:
  void Serve(const Seen& seen, std::shared_ptr<Exchange> exchange) {
    if (seen.path == "/api")
      return exchange->Respond(Json(200, R"({"kind":"APIVersions","versions":["v1"]})"));
    if (seen.path == "/apis")
      return exchange->Respond(Json(200, R"({"kind":"APIGroupList","groups":[]})"));
    if (seen.path == "/api/v1") {
      return exchange->Respond(Json(200, R"({"kind":"APIResourceList","resources":[
        {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","watch"]},
        {"name":"services","singularName":"service","namespaced":true,"kind":"Service","verbs":["get","list","watch"]}]})"));
    }
    const bool pods = seen.path == "/api/v1/pods";
    std::unique_lock lock(mutex_);
    if (seen.query.contains("watch")) {
      exchange->Start({});
      (pods ? watch_ : services_) = std::move(exchange);
      changed_.notify_all();
      return;
    }
    if (!pods) return exchange->Respond(Json(200, PodList({PodJson("cart")})));
    const Answer answer = list_;
    held_.push_back(exchange);  // one that is never answered must stay open
    lock.unlock();
    answer(seen, std::move(exchange));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Answer list_ = Good({});
  std::shared_ptr<Exchange> watch_;
  std::shared_ptr<Exchange> services_;
  std::vector<std::shared_ptr<Exchange>> held_;
  FakeApi api_;
  std::unique_ptr<Client> client_;

 protected:
  std::unique_ptr<Cache> cache_;
};

TEST_F(HostileCacheTest, EveryHostileListIsATypedErrorHoldsUpNobodyAndIsForgottenWhenItIsOver) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  struct Case {
    const char* file;
    int status;
    const char* reason;
  };
  for (const Case& c : std::vector<Case>{{"401.json", 401, "UNAUTHORIZED"},
                                         {"403.json", 403, "FORBIDDEN"},
                                         {"404.json", 404, "NOT_FOUND"},
                                         {"409_conflict.json", 409, "CONFLICT"},
                                         {"410_expired.json", 410, "EXPIRED"},
                                         {"422.json", 422, "INVALID"},
                                         {"500.json", 500, "INTERNAL_ERROR"},
                                         {"503.json", 503, "SERVICE_UNAVAILABLE"},
                                         {"504.json", 504, "TIMEOUT"},
                                         {"html_from_proxy.json", 200, "NOT_KUBERNETES"},
                                         {"html_from_proxy.json", 503, "NOT_KUBERNETES"},
                                         {"list_continue_loop.json", 200, "CONTINUE_LOOP"},
                                         {"log_binary.bin", 200, "NOT_KUBERNETES"},
                                         {"watch_half_event.json", 200, "NOT_KUBERNETES"},
                                         {"watch_410_event.json", 200, "NOT_KUBERNETES"},
                                         {"pod_wrong_types.json", 200, "NOT_KUBERNETES"}}) {
    SCOPED_TRACE(c.file);
    const std::string body = File(c.file);
    ListsAre([&](const Seen&, std::shared_ptr<Exchange> exchange) {
      exchange->Respond(Json(c.status, body));
    });
    Start();
    ExpectServicesAreWell();
    EXPECT_TRUE(Eventually([&](const KindSnapshot& pods) {
      return Reason(pods.status().last_error) == c.reason;
    })) << cache_->Get("pods")->status().last_error;
    EXPECT_NE(cache_->Get("pods")->status().state, KindStatus::State::kLive);
    EXPECT_TRUE(cache_->Get("pods")->objects().empty());
    ListsAre(Good({PodJson("a")}));
    EXPECT_TRUE(Eventually([](const KindSnapshot& pods) {
      return pods.status().state == KindStatus::State::kLive && pods.objects().size() == 1;
    }));
    EXPECT_TRUE(cache_->Get("pods")->status().last_error.ok());
    ExpectServicesAreWell();
    cache_.reset();
  }
}

TEST_F(HostileCacheTest, ABusyServerIsLeftInPeaceAsLongAsItSays) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  std::atomic<int> asked{0};
  const std::string busy =
      base::ReplaceAll(File("429.json"), "\"retryAfterSeconds\": 3", "\"retryAfterSeconds\": 1");
  ListsAre([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    exchange->Respond(++asked == 1 ? Json(429, busy) : Json(200, PodList({PodJson("a")})));
  });
  const absl::Duration begin = base::SystemClock().Steady();
  Start();
  ExpectServicesAreWell();
  EXPECT_TRUE(Eventually(
      [](const KindSnapshot& pods) { return pods.status().state == KindStatus::State::kLive; }));
  EXPECT_GE(base::SystemClock().Steady() - begin, absl::Seconds(1));
  EXPECT_EQ(asked, 2);
}

TEST_F(HostileCacheTest, AListThatNeverComesOrStopsHalfWayEndsInTime) {
  for (const bool half : {false, true}) {
    ListsAre([half](const Seen&, std::shared_ptr<Exchange> exchange) {
      if (!half) return;  // accepted, and silence
      exchange->Start({});
      exchange->Write(
          R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a")");
    });
    Start(absl::Seconds(2));
    ExpectServicesAreWell();
    EXPECT_TRUE(
        Eventually([](const KindSnapshot& pods) { return !pods.status().last_error.ok(); }));
    const absl::Status error = cache_->Get("pods")->status().last_error;
    EXPECT_EQ(error.code(), absl::StatusCode::kDeadlineExceeded) << error;
    EXPECT_TRUE(cache_->Get("pods")->objects().empty());
    ListsAre(Good({PodJson("a")}));
    EXPECT_TRUE(Eventually(
        [](const KindSnapshot& pods) { return pods.status().state == KindStatus::State::kLive; }));
    cache_.reset();
  }
}

TEST_F(HostileCacheTest, HostileObjectsInAListOrAWatchDoNotHideTheOthers) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  const std::vector<std::string> files = {"creation_in_future.json", "negative_counts.json",
                                          "pod_missing_status.json", "pod_null_everything.json",
                                          "pod_wrong_types.json",    "quantities_odd.json",
                                          "watch_bookmark.json",     "list_null_items.json"};
  std::vector<std::string> items{PodJson("first")};
  for (const std::string& file : files) items.push_back(File(file));
  items.push_back(PodJson("last"));
  ListsAre(Good(items));
  Start();
  ExpectServicesAreWell();
  ASSERT_TRUE(
      Eventually([](const KindSnapshot& pods) { return pods.Find("shop", "last") != nullptr; }));
  const auto listed = cache_->Get("pods");
  EXPECT_NE(listed->Find("shop", "first"), nullptr);
  EXPECT_EQ(listed->status().unparseable.size(), 6u) << "one is a Deployment";
  EXPECT_EQ(listed->objects().size() + listed->status().unparseable.size(), items.size());
  for (const ObjectPtr& object : listed->objects()) {
    (void)object->As<Pod>();
    (void)object->json();
  }
  int number = 0;
  for (const std::string& file : files) {
    for (const char* type : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR2", ""}) {
      Event("{\"type\":\"" + std::string(type) +
            "\",\"object\":" + std::string(base::Trim(File(file))) + "}\n");
    }
    const std::string name = "after-" + std::to_string(number++);
    Event(R"({"type":"ADDED","object":)" + PodJson(name) + "}\n");
    EXPECT_TRUE(Eventually([&](const KindSnapshot& pods) {
      return pods.Find("shop", name) != nullptr;
    })) << file;
  }
  EXPECT_LE(cache_->Get("pods")->status().unparseable.size(), 100u);
  EXPECT_EQ(cache_->Get("pods")->status().lists, 1u) << "nothing of this is a reason to list again";
  ExpectServicesAreWell();
}

TEST_F(HostileCacheTest, HostileWatchLinesEndTheWatchAtMost) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  ListsAre(Good({PodJson("a")}));
  Start();
  int number = 0;
  for (const char* file :
       {"watch_bookmark.json", "watch_unknown_type.json", "watch_half_event.json",
        "watch_410_event.json", "html_from_proxy.json", "log_binary.bin", "log_ansi_crlf.bin",
        "500.json", "403.json", "list_null_items.json", "list_continue_loop.json"}) {
    SCOPED_TRACE(file);
    Event(std::string(base::Trim(File(file))) + "\n");
    EndWatch();  // whatever it made of that: the next watch brings the next event
    const std::string name = "after-" + std::to_string(number++);
    ListsAre(Good({PodJson("a"), PodJson(name)}));
    Event(R"({"type":"ADDED","object":)" + PodJson(name) + "}\n");
    EXPECT_TRUE(
        Eventually([&](const KindSnapshot& pods) { return pods.Find("shop", name) != nullptr; }));
    EXPECT_NE(cache_->Get("pods")->Find("shop", "a"), nullptr);
  }
  ExpectServicesAreWell();
}

}  // namespace
}  // namespace opsmesh::kube
