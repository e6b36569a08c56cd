// Every case of badinputs/own/kube-api, through the client; hostile_cache_test.cc is about the
// cache.
#include <gtest/gtest.h>

#include <atomic>

#include "libs/kube/client_fixture.h"
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
    const auto status = MakeClient(*http_, api.config())
                            ->List(Soon().WithTimeout(absl::Seconds(2)), Pods(), "prod")
                            .status();
    EXPECT_EQ(status.code(), c.code) << c.file << ": " << status;
    EXPECT_EQ(Reason(status), c.reason) << c.file << ": " << status;
    EXPECT_TRUE(base::IsValidUtf8(base::ToStd(status.message())));
  }
  std::string retry;
  ASSERT_TRUE(test::ReadFile(folder + "429.json", &retry));
  FakeApi busy(Always(429, retry));
  EXPECT_EQ(base::DetailOf(MakeClient(*http_, busy.config())
                               ->List(Soon().WithTimeout(absl::Seconds(1)), Pods(), "")
                               .status())
                .retry_after,
            absl::Seconds(3));
}

TEST_F(ClientTest, EveryHostileObjectIsReadOrNamedAsUnreadable) {
  if (!test::HaveShared("badinputs/own/kube-api")) GTEST_SKIP();
  const std::string folder = test::SharedDir() + "/badinputs/own/kube-api/";
  const std::map<std::string, bool> readable = {
      {"creation_in_future.json", true}, {"negative_counts.json", true},
      {"pod_missing_status.json", true}, {"pod_null_everything.json", false},
      {"pod_wrong_types.json", false},   {"quantities_odd.json", false},
      {"watch_bookmark.json", false},    {"watch_unknown_type.json", false},
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
  // One can be read, and is a Deployment.
  EXPECT_EQ(list->items.size(), 3u);
  EXPECT_EQ(list->unparseable.size(), 6u);
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
      for (const char c : line)
        EXPECT_FALSE((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f)
            << file << " holds control bytes";
    }
    if (std::string_view(file) != "log_ansi_crlf.bin") continue;
    for (const std::string& line : log->lines)
      EXPECT_TRUE(line == "ERR" || line == "\xEF\xBF\xBD no newline at end") << line;
  }
}

TEST_F(ClientTest, AListThatNeverEndsIsLeftAfterABoundedNumberOfPages) {
  std::atomic<int> page{0};
  FakeApi api([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    exchange->Respond(Json(200, PodList({PodJson("p" + std::to_string(page))},
                                        R"(,"continue":"t)" + std::to_string(++page) + "\"")));
  });
  const auto list = MakeClient(*http_, api.config())
                        ->List(Soon().WithTimeout(absl::Milliseconds(700)), Pods(), "");
  EXPECT_FALSE(list.ok());  // ever new tokens: the context is the end
  std::atomic<int> empty{0};
  FakeApi nothing([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    exchange->Respond(Json(200, PodList({}, R"(,"continue":"t)" + std::to_string(empty++) + "\"")));
  });
  EXPECT_EQ(Reason(MakeClient(*http_, nothing.config())->List(Soon(), Pods(), "").status()),
            "CONTINUE_LOOP")
      << "ever new tokens and no object";
  EXPECT_LE(empty, 102);
  std::atomic<int> turn{0};
  FakeApi circle([&](const Seen&, std::shared_ptr<Exchange> exchange) {
    exchange->Respond(Json(
        200, PodList({PodJson("a")}, R"(,"continue":"t)" + std::to_string(turn++ % 3) + "\"")));
  });
  EXPECT_EQ(Reason(MakeClient(*http_, circle.config())->List(Soon(), Pods(), "").status()),
            "CONTINUE_LOOP")
      << "three tokens in a circle";
  EXPECT_LT(turn, 10);
}

}  // namespace
}  // namespace opsmesh::kube
