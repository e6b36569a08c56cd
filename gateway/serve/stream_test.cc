// Server-sent events through a real gateway over a socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/gateway_harness.h"

namespace opsmesh::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TestRequest Count(std::string body) {
  return {.method = "POST",
          .target = "/count",
          .body = std::move(body),
          .headers = {{"Content-Type", "application/json"}}};
}

// The data of every event until the end of the stream, comments left out. "CUT" last when it ended
// without an end.
std::vector<std::string> ReadEvents(http_server::RawClient& client) {
  std::vector<std::string> events;
  for (;;) {
    const auto chunk = client.ReadChunk();
    if (!chunk) {
      events.push_back("CUT");
      return events;
    }
    if (chunk->empty()) return events;
    if (chunk->starts_with("data: ")) events.push_back(chunk->substr(6, chunk->size() - 8));
  }
}

TEST(StreamTest, EveryMessageIsOneEventInOneChunk) {
  GatewayHarness harness;
  auto client = harness.Begin(Count(R"({"up_to":3})"));
  const auto head = client->ReadHead();
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->Header("content-type"), "text/event-stream");
  EXPECT_EQ(head->Header("cache-control"), "no-cache, no-transform");
  EXPECT_EQ(head->Header("x-content-type-options"), "nosniff");
  EXPECT_NE(head->Header("x-request-id"), "");
  EXPECT_EQ(client->ReadChunk(), "data: {\"number\":1}\n\n");
  EXPECT_EQ(client->ReadChunk(), "data: {\"number\":2}\n\n");
  EXPECT_EQ(client->ReadChunk(), "data: {\"number\":3,\"done\":true}\n\n");
  EXPECT_EQ(client->ReadChunk(), "");
}

TEST(StreamTest, AGetStreamsTooAndTheConnectionGoesOnAfterwards) {
  GatewayHarness harness;
  auto client = harness.Begin({.target = "/count?up_to=1"});
  ASSERT_TRUE(client->ReadHead().has_value());
  EXPECT_EQ(ReadEvents(*client).size(), 1u);
  client->Send(Format({.target = "/items"}));
  EXPECT_EQ(client->ReadAnswer()->status, 200);
}

TEST(StreamTest, EventsAreAscii) {
  GatewayHarness harness;
  auto client = harness.Begin(Count("{\"up_to\":1,\"text\":\"\u4e2d\U0001F600\\n\"}"));
  ASSERT_TRUE(client->ReadHead().has_value());
  EXPECT_EQ(ReadEvents(*client)[0], R"({"number":1,"text":"\u4e2d\ud83d\ude00\n","done":true})");
}

TEST(StreamTest, ATooLongEventIsCutWhereItsContractSaysHow) {
  GatewayHarness harness;
  auto client = harness.Begin(Count("{\"up_to\":1,\"text\":\"\u4e2d a\",\"text_repeat\":40000}"));
  ASSERT_TRUE(client->ReadHead().has_value());
  const auto events = ReadEvents(*client);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_LE(events[0].size(), 60'000u);
  EXPECT_GT(events[0].size(), 30'000u);
  const auto json = nlohmann::json::parse(events[0]);
  EXPECT_EQ(json["text_truncated"], true);
  EXPECT_EQ(json["done"], true);
}

TEST(StreamTest, AnErrorBeforeTheFirstEventIsAPlainHttpError) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Send(Count(R"({"fail_with":"NOT_FOUND"})")).Reason(), "404 TOLD_TO");
  EXPECT_EQ(harness.Send(Count(R"({"up_to":"x"})")).Reason(), "400 INVALID_FIELD");
}

TEST(StreamTest, AnErrorAfterItIsALastEventThatSaysDone) {
  GatewayHarness harness;
  auto client = harness.Begin(
      Count(R"({"up_to":9,"fail_after":2,"fail_with":"UNAVAILABLE","session_id":"s-1"})"));
  ASSERT_TRUE(client->ReadHead().has_value());
  const auto events = ReadEvents(*client);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(
      events[2],
      R"({"session_id":"s-1","status":"error","error":"The request asked for this failure. Ask for another.",)"
      R"("reason":"TOLD_TO","done":true})");
}

TEST(StreamTest, AgentDevelopmentKitStreamsEndWithAnErrorAsTheirServersWriteIt) {
  GatewayHarness harness;
  TestRequest request = Count(R"({"up_to":9,"fail_after":1,"fail_with":"INTERNAL"})");
  request.target = "/count-detail";
  auto client = harness.Begin(request);
  ASSERT_TRUE(client->ReadHead().has_value());
  EXPECT_EQ(ReadEvents(*client).back(),
            R"({"error":"The request asked for this failure. Ask for another."})");
}

TEST(StreamTest, AServiceThatDiesInMidStreamLeavesALastEventThatSaysDone) {
  GatewayHarness harness;
  auto client = harness.Begin(Count(R"({"forever":true,"every_ms":5})"));
  ASSERT_TRUE(client->ReadHead().has_value());
  ASSERT_TRUE(client->ReadChunk().has_value());
  harness.KillService();
  const auto last = nlohmann::json::parse(ReadEvents(*client).back());
  EXPECT_EQ(last["status"], "error");
  EXPECT_EQ(last["reason"], "SERVICE_UNAVAILABLE");
  EXPECT_EQ(last["done"], true);
}

TEST(StreamTest, AShutdownEndsStreamsAsInterruptedAndRefusesNewWork) {
  GatewayHarness harness;
  auto client = harness.Begin(Count(R"({"forever":true,"every_ms":5,"session_id":"s-2"})"));
  ASSERT_TRUE(client->ReadHead().has_value());
  harness.gateway().Drain();
  const auto last = nlohmann::json::parse(ReadEvents(*client).back());
  EXPECT_EQ(last["status"], "interrupted");
  EXPECT_EQ(last["session_id"], "s-2");
  EXPECT_EQ(last["reason"], "SHUTTING_DOWN");
  EXPECT_EQ(harness.Get("/items").Reason(), "503 SHUTTING_DOWN");
  EXPECT_TRUE(Eventually([&] { return harness.service().cancelled() == 1; }));
}

TEST(StreamTest, AnIdleStreamIsOpenedSoonAndPinged) {
  Options options;
  options.ping_interval = absl::Milliseconds(20);
  GatewayHarness harness(options);
  auto client = harness.Begin(Count(R"({"forever":true,"fail_after":0,"every_ms":600000})"));
  ASSERT_TRUE(client->ReadHead().has_value());
  // On a busy machine the first event may come after the first pings: the order is not promised.
  std::optional<std::string> chunk = client->ReadChunk();
  while (chunk == ": ping\n\n") chunk = client->ReadChunk();
  EXPECT_THAT(chunk.value_or(""), HasSubstr("data: "));
  EXPECT_EQ(client->ReadChunk(), ": ping\n\n");
  EXPECT_EQ(client->ReadChunk(), ": ping\n\n");
}

TEST(StreamTest, AClientThatLeavesCancelsTheStream) {
  GatewayHarness harness;
  auto client = harness.Begin(Count(R"({"forever":true,"every_ms":5})"));
  ASSERT_TRUE(client->ReadHead().has_value());
  EXPECT_THAT(harness.registry().Text(), HasSubstr("opsmesh_sse_streams 1"));
  client->Close();
  EXPECT_TRUE(Eventually([&] { return harness.service().cancelled() == 1; }));
  EXPECT_TRUE(Eventually([&] {
    return harness.registry().Text().find("opsmesh_sse_streams 0") != std::string::npos;
  }));
}

TEST(StreamTest, ASlowReaderHoldsTheServiceUpInsteadOfFillingMemoryAndThenGetsAll) {
  GatewayHarness harness;
  auto client = harness.Begin(Count(R"({"up_to":2000,"text":"0123456789","text_repeat":1000})"),
                              /*receive_buffer=*/4096);
  ASSERT_TRUE(client->ReadHead().has_value());
  // The service stops writing when every buffer on the way is full: long before its 20 MB.
  int64_t before = -1;
  ASSERT_TRUE(Eventually([&] {
    const int64_t now = harness.service().events();
    const bool still = now == before && now > 0;
    before = now;
    if (!still) absl::SleepFor(absl::Milliseconds(100));
    return still;
  }));
  EXPECT_LT(before, 2000);
  const auto events = ReadEvents(*client);
  ASSERT_EQ(events.size(), 2000u);
  EXPECT_THAT(events.back(), HasSubstr("\"done\":true"));
  EXPECT_THAT(events.back(), Not(HasSubstr("error")));
}

}  // namespace
}  // namespace opsmesh::gateway
