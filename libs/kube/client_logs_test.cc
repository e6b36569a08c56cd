// Logs: bounded, clean, followed.
#include <gtest/gtest.h>

#include <condition_variable>

#include "libs/kube/client_fixture.h"
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
        {"log-importer", "CONTAINER_REQUIRED|CONTAINER_NOT_STARTED"},
        {"log-importer-container-nope", "CONTAINER_NOT_FOUND"},
        {"log-cart-previous-true", "NO_PREVIOUS_LOG"},
        {"log-frontend-canary", "CONTAINER_NOT_STARTED"},
        {"log-gateway", "CONTAINER_NOT_STARTED"},
        {"log-legacy-worker", "INTERNAL_ERROR"},
        {"log-404", "NOT_FOUND"},
        {"log-403", "FORBIDDEN"},
        {"log-pending", ""}};
    int judged = 0;
    for (const auto& entry : nlohmann::json::parse(test::Recorded(version, "index.json"))) {
      const auto want = expected.find(entry["id"]);
      if (want == expected.end()) continue;
      std::string body;
      if (entry["response_file"].is_string())
        body = test::Recorded(version, entry["response_file"]);
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
    changed.wait_for(lock, std::chrono::seconds(60),
                     [&] { return done.has_value() || lines.size() >= count; });
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
  FakeApi api(Always(
      400, R"({"kind":"Status","status":"Failure","reason":"BadRequest","code":400,)"
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

}  // namespace
}  // namespace opsmesh::kube
