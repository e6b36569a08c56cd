#include <future>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/raw_client.h"

namespace opsmesh::http_server {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

// Answers with what the request was.
void Echo(std::shared_ptr<Exchange> exchange) {
  const Request& request = exchange->request();
  Response response;
  response.headers.Add("X-Path", request.path);
  response.headers.Add("X-Query", request.raw_query);
  response.headers.Add("X-Method", request.method);
  response.body = request.body;
  exchange->Respond(std::move(response));
}

std::unique_ptr<Server> StartServer(Handler handler, Options options = {}) {
  auto server = Server::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return std::move(server).value();
}

TEST(HttpServer, AnswersAGetWithLengthDateAndServer) {
  const auto server = StartServer(Echo);
  RawClient client(server->port());
  ASSERT_TRUE(client.Send("GET /a%20b?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->Header("x-path"), "/a b");
  EXPECT_EQ(answer->Header("x-query"), "q=1");
  EXPECT_EQ(answer->Header("content-length"), "0");
  EXPECT_EQ(answer->Header("server"), "opsmesh");
  EXPECT_THAT(answer->Header("date"), testing::MatchesRegex("..., .. ... .... ..:..:.. GMT"));
}

TEST(HttpServer, KeepsTheConnectionForTheNextRequest) {
  const auto server = StartServer(Echo);
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kGet));
    ASSERT_TRUE(client.ReadAnswer());
  }
  EXPECT_EQ(server->counters().connections_total, 1u);
  EXPECT_EQ(server->counters().requests_total, 3u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrderEvenWhenLaterOnesAreFaster) {
  std::promise<std::shared_ptr<Exchange>> first;
  const auto server = StartServer([&](std::shared_ptr<Exchange> exchange) {
    if (exchange->request().path == "/slow") {
      first.set_value(std::move(exchange));
    } else {
      Echo(std::move(exchange));
    }
  });
  RawClient client(server->port());
  ASSERT_TRUE(
      client.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
                  "POST /last HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"));
  auto slow = first.get_future().get();
  Echo(std::move(slow));
  EXPECT_EQ(client.ReadAnswer()->Header("x-path"), "/slow");
  EXPECT_EQ(client.ReadAnswer()->Header("x-path"), "/fast");
  EXPECT_EQ(client.ReadAnswer()->body, "hi");
}

TEST(HttpServer, AHeadAnswerHasTheLengthAndNoBody) {
  const auto server = StartServer([](std::shared_ptr<Exchange> exchange) {
    exchange->Respond({.status = 200, .headers = {}, .body = "12345"});
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.Send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer(true)->Header("content-length"), "5");
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadAnswer()->body, "12345");
}

TEST(HttpServer, SaysContinueToAClientThatWaitsWithItsBody) {
  const auto server = StartServer(Echo);
  RawClient client(server->port());
  ASSERT_TRUE(client.Send(
      "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer()->status, 100);
  ASSERT_TRUE(client.Send("{}"));
  EXPECT_EQ(client.ReadAnswer()->body, "{}");
}

TEST(HttpServer, JoinsAChunkedBodySentByteByByte) {
  const auto server = StartServer(Echo);
  RawClient client(server->port());
  const std::string_view request =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n0\r\n"
      "X-Trailer: 1\r\n\r\n";
  for (const char c : request) ASSERT_TRUE(client.Send({&c, 1}));
  EXPECT_EQ(client.ReadAnswer()->body, "abc0123456789");
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadAnswer()->status, 200);
}

TEST(HttpServer, SendsALargeAnswerWhole) {
  const std::string body(8 << 20, 'x');
  const auto server = StartServer([&](std::shared_ptr<Exchange> exchange) {
    exchange->Respond({.status = 200, .headers = {}, .body = body});
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_TRUE(client.ReadAnswer()->body == body);
}

TEST(HttpServer, ADroppedExchangeAnswers500) {
  const auto server = StartServer([](std::shared_ptr<Exchange>) {});
  RawClient client(server->port());
  ASSERT_TRUE(client.Send(kGet));
  const auto answer = client.ReadAnswer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_THAT(answer->body, testing::HasSubstr("NO_ANSWER"));
}

TEST(HttpServer, AHandlerThatThrowsCostsOnlyItsOwnAnswer) {
  const auto server = StartServer([](std::shared_ptr<Exchange> exchange) {
    if (exchange->request().path == "/a") throw std::runtime_error("broken");
    Echo(std::move(exchange));
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadAnswer()->status, 500);
  ASSERT_TRUE(client.Send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(client.ReadAnswer()->status, 200);
}

TEST(HttpServer, AHeaderValueCannotStartAnotherHeader) {
  const auto server = StartServer([](std::shared_ptr<Exchange> exchange) {
    Response response;
    response.headers.Add("X-A", "1\r\nSet-Cookie: stolen\n\nbody");
    exchange->Respond(std::move(response));
  });
  RawClient client(server->port());
  ASSERT_TRUE(client.Send(kGet));
  const auto answer = client.ReadAnswer();
  EXPECT_EQ(answer->Header("x-a"), "1  Set-Cookie: stolen  body");
  EXPECT_EQ(answer->Header("set-cookie"), "");
}

TEST(HttpServer, Http10ClosesUnlessKeepAliveWasAsked) {
  const auto server = StartServer(Echo);
  RawClient closing(server->port());
  ASSERT_TRUE(closing.Send("GET /a HTTP/1.0\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(closing.ReadAnswer()->Header("connection"), "close");
  EXPECT_TRUE(closing.ReadToEnd());
  RawClient keeping(server->port());
  ASSERT_TRUE(keeping.Send("GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_EQ(keeping.ReadAnswer()->Header("connection"), "keep-alive");
  ASSERT_TRUE(keeping.Send(kGet));
  EXPECT_TRUE(keeping.ReadAnswer());
}

TEST(HttpServer, APortInUseIsAnErrorThatNamesIt) {
  for (const int threads : {1, 2}) {
    Options options;
    options.threads = threads;
    const auto first = StartServer(Echo, options);
    options.port = first->port();
    const auto second = Server::Start(options, Echo);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(base::DetailOf(second.status()).reason, "ADDRESS_IN_USE");
    EXPECT_THAT(std::string(second.status().message()),
                testing::HasSubstr(std::to_string(first->port())));
  }
}

TEST(HttpServer, AHostNameIsNoAddressToListenOn) {
  Options options;
  options.address = "not an address";
  EXPECT_EQ(base::DetailOf(Server::Start(options, Echo).status()).reason, "ADDRESS_MALFORMED");
}

TEST(HttpServer, OnPoolRunsBlockingHandlersAndAFullPoolAnswers503) {
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  base::WorkerPool pool({.name = "t", .threads = 1, .queue_limit = 0});
  const auto server =
      StartServer(OnPool(pool, absl::Seconds(10), [&](const base::Context&, Exchange& exchange) {
        opened.wait();
        exchange.Respond({.status = 201, .headers = {}, .body = "done"});
      }));
  RawClient first(server->port());
  RawClient second(server->port());
  ASSERT_TRUE(first.Send(kGet));
  while (pool.depth().running == 0) std::this_thread::yield();
  ASSERT_TRUE(second.Send(kGet));
  const auto refused = second.ReadAnswer();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->Header("retry-after"), "1");
  gate.set_value();
  EXPECT_EQ(first.ReadAnswer()->status, 201);
}

TEST(FormatSse, EveryLineOfDataGetsItsOwnField) {
  EXPECT_EQ(FormatSse("a"), "data: a\n\n");
  EXPECT_EQ(FormatSse("a\nb\r\nc\rd", "note"),
            "event: note\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(FormatSse("", "a\nid: 7"), "event: a id: 7\ndata: \n\n");
}

}  // namespace
}  // namespace opsmesh::http_server
