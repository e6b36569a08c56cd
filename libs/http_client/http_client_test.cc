// What a call sends, and what it hands over.
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/http_client/raw_server.h"

namespace opsmesh::http_client {
namespace {

TEST(HttpClient, FetchGivesStatusHeadersAndBody) {
  RawServer server(Always("HTTP/1.1 404 Not Found\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nnope!"));
  const auto client = Client::Create();
  const auto response = client->Fetch(Soon(), Get(server.Url()));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->Get("x-one"), "1");
  EXPECT_EQ(response->body, "nope!");
}

TEST(HttpClient, MethodHeadersSecretsAndBodyAreSentAsGiven) {
  std::string seen;
  RawServer server([&](int fd, const std::string& request) {
    seen = request;
    RawServer::Send(fd, Ok(""));
    return true;
  });
  const auto client = Client::Create({.user_agent = "opsmesh/1"});
  Request request = Get(server.Url("/a/b?c=d%20e"));
  request.method = "PATCH";
  request.headers = {{"Content-Type", "application/merge-patch+json"}, {"X-Empty", ""}};
  request.secret_headers.emplace_back("Authorization", base::Secret("Bearer t0k"));
  request.body = std::string("{\"a\":\0}", 7);
  ASSERT_TRUE(client->Fetch(Soon(), request).ok());
  EXPECT_TRUE(seen.starts_with("PATCH /a/b?c=d%20e HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Content-Type: application/merge-patch+json\r\n"), std::string::npos);
  EXPECT_NE(seen.find("Authorization: Bearer t0k\r\n"), std::string::npos);
  EXPECT_NE(seen.find("X-Empty:\r\n"), std::string::npos);
  EXPECT_NE(seen.find("User-Agent: opsmesh/1\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("Expect:"), std::string::npos);
  EXPECT_TRUE(seen.ends_with(request.body));
}

TEST(HttpClient, ConnectionsAreReusedExceptForRequestsThatMustBeSentOnce) {
  RawServer server(Always(Ok("x")));
  const auto client = Client::Create();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client->Fetch(Soon(), Get(server.Url())).ok());
  EXPECT_EQ(server.connections(), 1);
  Request write = Get(server.Url());
  write.send_once = true;
  ASSERT_TRUE(client->Fetch(Soon(), write).ok());
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, ARedirectIsAnAnswerUnlessAskedFor) {
  RawServer server([](int fd, const std::string& request) {
    RawServer::Send(fd,
                    request.starts_with("GET /new ")
                        ? Ok("there")
                        : "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 4\r\n\r\ngone");
    return true;
  });
  const auto client = Client::Create();
  Request request = Get(server.Url("/old"));
  auto response = client->Fetch(Soon(), request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 302);
  request.max_redirects = 1;
  response = client->Fetch(Soon(), request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "there");
}

TEST(HttpClient, SecretHeadersStayBehindWhenARedirectLeavesTheOrigin) {
  std::string seen;
  RawServer other([&](int fd, const std::string& request) {
    seen = request;
    RawServer::Send(fd, Ok("x"));
    return true;
  });
  RawServer server([&](int fd, const std::string&) {
    RawServer::Send(
        fd, "HTTP/1.1 307 Moved\r\nLocation: " + other.Url("/y") + "\r\nContent-Length: 0\r\n\r\n");
    return true;
  });
  const auto client = Client::Create();
  Request request = Get(server.Url());
  request.max_redirects = 3;
  request.secret_headers.emplace_back("X-Api-Key", base::Secret("hush"));
  ASSERT_TRUE(client->Fetch(Soon(), request).ok());
  EXPECT_TRUE(seen.starts_with("GET /y "));
  EXPECT_EQ(seen.find("hush"), std::string::npos);
}

TEST(HttpClient, TheAddressPolicyJudgesNewAndKeptConnections) {
  RawServer server(Always(Ok("x")));
  const auto client = Client::Create();
  ASSERT_TRUE(client->Fetch(Soon(), Get(server.Url())).ok());  // leaves a kept connection
  auto strict = std::make_shared<Connection>();
  std::vector<std::string> judged;
  strict->address_policy = [&](std::string_view ip, int port) -> absl::Status {
    judged.push_back(std::string(ip) + ":" + std::to_string(port));
    return base::PermissionDenied("ADDRESS_DENIED", "Loopback addresses are not allowed.");
  };
  Request request = Get(server.Url());
  request.connection = strict;
  EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "ADDRESS_DENIED");
  ASSERT_FALSE(judged.empty());
  EXPECT_EQ(judged[0], "127.0.0.1:" + std::to_string(server.port()));
  const auto fresh = Client::Create();
  EXPECT_EQ(Reason(fresh->Fetch(Soon(), request).status()), "ADDRESS_DENIED");
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, BeforeSendIsToldWhenTheConnectionStandsAndMayKeepTheRequestBack) {
  std::atomic<int> requests{0};
  RawServer server([&](int fd, const std::string&) {
    ++requests;
    RawServer::Send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return true;
  });
  const auto client = Client::Create();
  for (const bool keep_back : {false, true}) {
    std::mutex mutex;
    std::condition_variable ended;
    absl::Status result;
    bool done = false;
    int seen_before_send = -1;
    Observer observer;
    observer.before_send = [&]() -> absl::Status {
      seen_before_send = requests;
      if (keep_back) return base::FailedPrecondition("KEPT_BACK", "Cannot be written down.");
      return absl::OkStatus();
    };
    observer.on_done = [&](const absl::Status& status) {
      const std::lock_guard lock(mutex);
      result = status;
      done = true;
      ended.notify_all();
    };
    Request request;
    request.method = "POST";
    request.url = server.Url();
    request.body = "x";
    request.send_once = true;
    const auto call =
        client->Start(Context::Background().WithTimeout(absl::Seconds(10)), request, observer);
    std::unique_lock lock(mutex);
    ended.wait(lock, [&] { return done; });
    EXPECT_EQ(seen_before_send, keep_back ? 1 : 0);
    EXPECT_EQ(result.ok(), !keep_back);
    if (keep_back) {
      EXPECT_EQ(DetailOf(result).reason, "KEPT_BACK");
    }
  }
  EXPECT_EQ(requests, 1);
}

TEST(HttpClient, UrlsAndHeadersThatCouldSmuggleAreRefusedBeforeAByteIsSent) {
  RawServer server(Always(Ok("x")));
  const auto client = Client::Create();
  for (const std::string url :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "http://user:pass@127.0.0.1/", "127.0.0.1:80/",
        "", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", "gopher://x", "http://"}) {
    EXPECT_EQ(Reason(client->Fetch(Soon(), Get(url)).status()), "INVALID_URL") << url;
  }
  for (const std::string value : {"a\r\nX: y", "a\nb"}) {
    Request request = Get(server.Url());
    request.headers.emplace_back("X-Test", value);
    EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "INVALID_HEADER");
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpClient, StreamHandsOverPiecesOnTheCallersThreadAndTheCallbackMayStopIt) {
  RawServer server([](int fd, const std::string&) {
    RawServer::Send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    RawServer::Send(fd, "3\r\ntwo\r\n");
    RawServer::Hang(fd);
    return false;
  });
  const auto client = Client::Create();
  std::string got;
  int status = 0;
  const auto self = std::this_thread::get_id();
  const absl::Status result = client->Stream(
      Soon(), Get(server.Url()),
      [&](const ResponseHead& head) {
        status = head.status;
        return absl::OkStatus();
      },
      [&](std::string_view piece) -> absl::Status {
        EXPECT_EQ(std::this_thread::get_id(), self);
        got += piece;
        if (got == "onetwo") return base::Cancelled("ENOUGH", "enough");
        return absl::OkStatus();
      });
  EXPECT_EQ(status, 200);
  EXPECT_EQ(Reason(result), "ENOUGH");
}

TEST(HttpClient, ASlowReaderSlowsTheServerInsteadOfFillingMemoryAndLosesNothing) {
  std::string body;
  for (int i = 0; i < 400000; ++i) body += std::to_string(i) + "\n";
  body += body;
  body += body;  // about 10 MB
  RawServer server(Always(Ok(body)));
  const auto client = Client::Create();
  std::string got;
  const absl::Status result = client->Stream(
      Soon(),
      [&] {
        Request request = Get(server.Url());
        request.max_response_bytes = 64 << 20;
        return request;
      }(),
      nullptr,
      [&](std::string_view piece) {
        EXPECT_LE(piece.size(), size_t{2} << 20);
        got += piece;
        return absl::OkStatus();
      });
  ASSERT_TRUE(result.ok()) << result;
  EXPECT_TRUE(got == body);
}

TEST(HttpClient, ManyCallsAtOnceAllEndAndTheBoundHolds) {
  RawServer server(Always(Ok("x")));
  const auto client = Client::Create({.max_calls = 40});
  std::atomic<int> ok{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) ok += client->Fetch(Soon(), Get(server.Url())).ok() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ok, 200);
  EXPECT_EQ(client->calls(), 0u);

  RawServer silent([](int fd, const std::string&) {
    RawServer::Hang(fd);
    return false;
  });
  std::atomic<int> ended{0};
  const auto small = Client::Create({.max_calls = 1});
  const auto held = small->Start(
      Soon(), Get(silent.Url()),
      {.on_head = nullptr, .on_data = nullptr, .on_done = [&](const absl::Status&) { ++ended; }});
  EXPECT_EQ(Reason(small->Fetch(Soon(), Get(server.Url())).status()), "TOO_MANY_CALLS");
}

TEST(HttpClient, AProxyOfTheConnectionIsUsedAndItsPasswordIsNotInErrors) {
  std::string seen;
  RawServer proxy([&](int fd, const std::string& request) {
    seen = request;
    RawServer::Send(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    return false;
  });
  auto connection = std::make_shared<Connection>();
  connection->proxy_url = "http://joe:s3cret@127.0.0.1:" + std::to_string(proxy.port());
  Request request = Get("https://cluster.invalid:6443/version");
  request.connection = connection;
  const auto client = Client::Create();
  const auto response = client->Fetch(Soon(), request);
  EXPECT_EQ(Reason(response.status()), "PROXY_FAILED") << response.status();
  EXPECT_TRUE(seen.starts_with("CONNECT cluster.invalid:6443 ")) << seen;
  EXPECT_EQ(std::string(response.status().message()).find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace opsmesh::http_client
