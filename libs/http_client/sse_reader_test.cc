#include "libs/http_client/sse_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::http_client {
namespace {

using testing::ElementsAre;

std::vector<std::string> Read(std::string_view stream, size_t piece) {
  std::vector<std::string> events;
  SseReader reader([&](std::string_view event, std::string_view data) {
    events.push_back((event.empty() ? "" : std::string(event) + "|") + std::string(data));
    return absl::OkStatus();
  });
  for (size_t at = 0; at < stream.size(); at += piece) {
    EXPECT_TRUE(reader.Feed(stream.substr(at, piece)).ok());
  }
  EXPECT_TRUE(reader.Finish().ok());
  return events;
}

TEST(SseReaderTest, EveryCutOfTheSameBytesGivesTheSameEvents) {
  constexpr std::string_view kStream =
      "\xEF\xBB\xBF: hello\r\n\r\ndata: {\"a\":1}\r\n\r\nevent: ping\rdata:x\r\rid: 7\nretry: "
      "3\ndata\ndata: 多\ndata:  字\n\n"
      ": bye\n\ndata: [DONE]";
  for (size_t piece = 1; piece <= kStream.size(); ++piece) {
    EXPECT_THAT(Read(kStream, piece), ElementsAre("{\"a\":1}", "ping|x", "\n多\n 字", "[DONE]"))
        << piece;
  }
}

TEST(SseReaderTest, AnEventAboveTheLimitEndsTheReading) {
  SseReader reader([](std::string_view, std::string_view) { return absl::OkStatus(); }, 64);
  EXPECT_TRUE(reader.Feed("data: " + std::string(50, 'a') + "\n").ok());
  const absl::Status status = reader.Feed("data: " + std::string(50, 'b'));
  EXPECT_EQ(base::DetailOf(status).reason, "EVENT_TOO_LARGE");
}

TEST(SseReaderTest, AnErrorOfTheListenerComesBack) {
  SseReader reader(
      [](std::string_view, std::string_view) { return absl::CancelledError("enough"); });
  EXPECT_EQ(reader.Feed("data: a\n\ndata: b\n\n").code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace opsmesh::http_client
