#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/raw_client.h"

namespace opsmesh::http_server {
namespace {

constexpr std::string_view kGetStream = "GET /s HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server that gives every exchange to the test.
struct StreamServer {
  explicit StreamServer(Options options = {}) {
    server =
        std::move(Server::Start(std::move(options), [this](std::shared_ptr<Exchange> exchange) {
          exchanges.push_back(std::move(exchange));
          ready.fetch_add(1, std::memory_order_release);
        })).value();
  }
  ~StreamServer() { server->Stop(absl::ZeroDuration()); }

  std::shared_ptr<Exchange> Next() {
    while (ready.load(std::memory_order_acquire) <= taken) std::this_thread::yield();
    return exchanges[taken++];
  }

  std::vector<std::shared_ptr<Exchange>> exchanges = [] {
    std::vector<std::shared_ptr<Exchange>> none;
    none.reserve(64);  // so that the loop's thread can add while the test reads
    return none;
  }();
  std::atomic<size_t> ready{0};
  size_t taken = 0;
  std::unique_ptr<Server> server;
};

TEST(HttpStream, EachWriteArrivesAsOneChunkAtOnce) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->Start({.status = 200, .headers = {}, .body = "ignored"});
  const auto head = client.ReadHead();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->Header("transfer-encoding"), "chunked");
  for (int i = 0; i < 100; ++i) {
    const std::string event = FormatSse(std::to_string(i));
    ASSERT_TRUE(exchange->Write(event));
    ASSERT_EQ(client.ReadChunk(), event);
  }
  EXPECT_EQ(exchange->BufferedBytes(), 0u);
  EXPECT_EQ(fixture.server->counters().streams_open, 1u);
  exchange->Finish();
  EXPECT_EQ(client.ReadChunk(), "");
  ASSERT_TRUE(client.Send(kGetStream));  // the connection lives on
  fixture.Next()->Respond({.status = 204, .headers = {}, .body = ""});
  EXPECT_EQ(client.ReadAnswer()->status, 204);
  EXPECT_EQ(fixture.server->counters().streams_open, 0u);
}

TEST(HttpStream, WritesFromManyThreadsKeepTheirChunksWhole) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->Start({});
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([&, c] {
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(exchange->Write(std::string(100, c)));
    });
  }
  ASSERT_TRUE(client.ReadHead());
  for (int i = 0; i < 800; ++i) {
    const auto chunk = client.ReadChunk();
    ASSERT_TRUE(chunk);
    ASSERT_EQ(*chunk, std::string(100, chunk->front()));
  }
  for (std::thread& writer : writers) writer.join();
}

TEST(HttpStream, AReaderThatStallsIsCutAtTheBufferLimitAndToldToNobodyElse) {
  Options options;
  options.stream_buffer_limit = 64 << 10;
  std::promise<void> gone;  // outlives the server, which may still call
  StreamServer fixture(options);
  RawClient stalled(fixture.server->port(), 4096);
  ASSERT_TRUE(stalled.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->OnClientGone([&] { gone.set_value(); });
  exchange->Start({});
  size_t accepted = 0;
  while (exchange->Write(std::string(16 << 10, 'x'))) {
    accepted += 16 << 10;
    ASSERT_LE(exchange->BufferedBytes(), (64u + 17u) << 10);
    ASSERT_LT(accepted, 256u << 20);  // the kernel takes a few MB, but never this
  }
  gone.get_future().wait();
  EXPECT_FALSE(exchange->Write("more"));
  RawClient other(fixture.server->port());
  ASSERT_TRUE(other.Send(kGetStream));
  fixture.Next()->Respond({});
  EXPECT_EQ(other.ReadAnswer()->status, 200);
}

TEST(HttpStream, AWriteThatStandsStillIsCutAfterTheStallTime) {
  Options options;
  options.write_stall_timeout = absl::Milliseconds(50);
  std::promise<void> gone;  // outlives the server, which may still call
  StreamServer fixture(options);
  RawClient stalled(fixture.server->port(), 4096);
  ASSERT_TRUE(stalled.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->OnClientGone([&] { gone.set_value(); });
  exchange->Start({});
  ASSERT_TRUE(exchange->Write(std::string(64 << 20, 'x')));  // far more than the kernel takes
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST(HttpStream, AClientThatLeavesIsNoticedWhileTheHandlerWorks) {
  for (const bool reset : {false, true}) {
    std::promise<void> gone;  // outlives the server, which may still call
    StreamServer fixture;
    RawClient client(fixture.server->port());
    ASSERT_TRUE(client.Send(kGetStream));
    const auto exchange = fixture.Next();
    exchange->OnClientGone([&] { gone.set_value(); });
    client.Close(reset);
    EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
    bool late = false;
    exchange->OnClientGone([&] { late = true; });
    EXPECT_TRUE(late);
    exchange->Start({});
    EXPECT_FALSE(exchange->Write("x"));
  }
}

TEST(HttpStream, AClientThatLeavesAStreamIsNoticed) {
  std::promise<void> gone;  // outlives the server, which may still call
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->Start({});
  ASSERT_TRUE(client.ReadHead());
  exchange->OnClientGone([&] { gone.set_value(); });
  client.Close();
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_FALSE(exchange->Write("x"));
}

TEST(HttpStream, AHalfClosedClientStillGetsItsWholeAnswer) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  client.ShutdownWrite();
  const auto exchange = fixture.Next();
  exchange->Respond({.status = 200, .headers = {}, .body = "late"});
  EXPECT_EQ(client.ReadAnswer()->body, "late");
  EXPECT_TRUE(client.ReadToEnd());
}

TEST(HttpStream, AbortEndsWithoutTheLastChunkAfterWhatWasWritten) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->Start({});
  exchange->Write("half");
  exchange->Abort();
  ASSERT_TRUE(client.ReadHead());
  EXPECT_EQ(client.ReadChunk(), "half");
  std::string rest;
  EXPECT_TRUE(client.ReadToEnd(&rest));
  EXPECT_EQ(rest, "");
}

TEST(HttpStream, ADroppedStreamIsCutNotEnded) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  auto exchange = fixture.Next();
  exchange->Start({});
  exchange->Write("half");
  fixture.exchanges[0].reset();
  exchange.reset();
  ASSERT_TRUE(client.ReadHead());
  EXPECT_EQ(client.ReadChunk(), "half");
  std::string rest;
  EXPECT_TRUE(client.ReadToEnd(&rest));
  EXPECT_EQ(rest, "");
}

TEST(HttpStream, AnHttp10ClientGetsTheBytesUntilTheEndOfTheConnection) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send("GET /s HTTP/1.0\r\nHost: x\r\n\r\n"));
  const auto exchange = fixture.Next();
  exchange->Start({});
  exchange->Write("one");
  exchange->Write("two");
  exchange->Finish();
  EXPECT_EQ(client.ReadHead()->Header("transfer-encoding"), "");
  std::string rest;
  EXPECT_TRUE(client.ReadToEnd(&rest));
  EXPECT_EQ(rest, "onetwo");
}

TEST(HttpStop, WaitsForARunningAnswerAndThenTheServerIsGone) {
  StreamServer fixture;
  RawClient busy(fixture.server->port());
  RawClient idle(fixture.server->port());
  ASSERT_TRUE(busy.Send(kGetStream));
  const auto exchange = fixture.Next();
  auto stopped = std::async(std::launch::async, [&] { fixture.server->Stop(absl::Seconds(10)); });
  EXPECT_TRUE(idle.ReadToEnd());  // idle connections are closed first
  exchange->Respond({.status = 200, .headers = {}, .body = "last"});
  const auto answer = busy.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "last");
  EXPECT_EQ(answer->Header("connection"), "close");
  busy.Close();
  stopped.get();
  EXPECT_EQ(RawClient(fixture.server->port()).fd(), -1);
}

TEST(HttpStop, CutsWhatDoesNotEndWithinTheGrace) {
  StreamServer fixture;
  RawClient client(fixture.server->port());
  ASSERT_TRUE(client.Send(kGetStream));
  const auto exchange = fixture.Next();
  exchange->Start({});
  ASSERT_TRUE(client.ReadHead());
  auto gone = std::make_shared<std::atomic<bool>>(false);
  exchange->OnClientGone([gone] { *gone = true; });
  fixture.server->Stop(absl::Milliseconds(20));
  EXPECT_TRUE(*gone);
  EXPECT_TRUE(client.ReadToEnd());
  EXPECT_FALSE(exchange->Write("x"));  // outlives the server without harm
  exchange->Finish();
}

}  // namespace
}  // namespace opsmesh::http_server
