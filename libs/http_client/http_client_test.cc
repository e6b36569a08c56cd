#include "libs/http_client/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/error.h"

namespace opsmesh::http_client {
namespace {

using base::Context;
using base::DetailOf;

/// A server that says exactly what a test wants, right or wrong. The script gets the socket and the
/// request's bytes, once for each request of a connection, and returns false to close.
class RawServer {
 public:
  using Script = std::function<bool(int socket, const std::string& request)>;

  explicit RawServer(Script script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_, 16);
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }

  ~RawServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& worker : workers_) worker.join();
    close(listener_);
  }

  std::string Url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int port() const { return port_; }
  int connections() const { return connections_; }

  static void Send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// Blocks until the peer or the test is over.
  static void Hang(int fd) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
  }

 private:
  void Accept() {
    while (true) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++connections_;
      {
        const std::lock_guard lock(mutex_);
        open_.push_back(fd);
      }
      workers_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    std::string pending;
    char buffer[4096];
    while (true) {
      size_t end;
      while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
        const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) return Close(fd);
        pending.append(buffer, static_cast<size_t>(got));
      }
      size_t body = 0;
      if (const size_t at = pending.find("Content-Length: "); at < end)
        body = std::stoul(pending.substr(at + 16));
      while (pending.size() < end + 4 + body) {
        const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0) return Close(fd);
        pending.append(buffer, static_cast<size_t>(got));
      }
      const std::string request = pending.substr(0, end + 4 + body);
      pending.erase(0, end + 4 + body);
      if (!script_(fd, request)) return Close(fd);
    }
  }

  void Close(int fd) {
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
    close(fd);
  }

  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread acceptor_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::vector<int> open_;
};

std::string Ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

RawServer::Script Always(std::string answer, bool keep = true) {
  return [answer = std::move(answer), keep](int fd, const std::string&) {
    RawServer::Send(fd, answer);
    return keep;
  };
}

Request Get(std::string url) {
  Request request;
  request.url = std::move(url);
  return request;
}

Context Soon() { return Context::Background().WithTimeout(absl::Seconds(20)); }
std::string Reason(const absl::Status& status) { return DetailOf(status).reason; }

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

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

TEST(HttpClient, ARefusedConnectionNamesTheHostAndTheNextStep) {
  int port;
  {
    RawServer closed(Always(""));
    port = closed.port();
  }
  const auto client = Client::Create();
  const auto response =
      client->Fetch(Soon(), Get("http://127.0.0.1:" + std::to_string(port) + "/"));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Reason(response.status()), "CONNECT_FAILED");
  EXPECT_EQ(DetailOf(response.status()).metadata.at("host"), "127.0.0.1:" + std::to_string(port));
  EXPECT_FALSE(DetailOf(response.status()).hint.empty());
}

TEST(HttpClient, AHostNameThatDoesNotExistIsSaidSo) {
  const auto client = Client::Create();
  const auto response = client->Fetch(Soon(), Get("http://no-such-host.invalid/"));
  EXPECT_EQ(Reason(response.status()), "NAME_NOT_RESOLVED") << response.status();
}

TEST(HttpClient, TheDeadlineEndsACallToAServerThatNeverAnswers) {
  RawServer server([](int fd, const std::string&) {
    RawServer::Hang(fd);
    return false;
  });
  const auto client = Client::Create();
  const absl::Duration before = base::SystemClock().Steady();
  const auto response =
      client->Fetch(Context::Background().WithTimeout(absl::Milliseconds(100)), Get(server.Url()));
  const absl::Duration took = base::SystemClock().Steady() - before;
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Reason(response.status()), "DEADLINE");
  EXPECT_LT(took, absl::Milliseconds(400));
}

TEST(HttpClient, CancellationEndsACallAtOnceAndClosesItsConnection) {
  std::mutex mutex;
  std::condition_variable changed;
  bool arrived = false;
  bool gone = false;
  RawServer server([&](int fd, const std::string&) {
    {
      const std::lock_guard lock(mutex);
      arrived = true;
      changed.notify_all();
    }
    RawServer::Hang(fd);
    const std::lock_guard lock(mutex);
    gone = true;
    changed.notify_all();
    return false;
  });
  const auto client = Client::Create();
  std::shared_ptr<base::CancelState> cancel;
  const Context ctx = Soon().WithCancel(&cancel);
  absl::StatusOr<Response> response = absl::UnknownError("");
  std::thread caller([&] { response = client->Fetch(ctx, Get(server.Url())); });
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return arrived; }));
  }
  cancel->Cancel();
  caller.join();
  EXPECT_EQ(Reason(response.status()), "CALLER_LEFT");
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return gone; }));
}

TEST(HttpClient, SilenceInTheMiddleOfABodyIsAnIdleTimeout) {
  RawServer server([](int fd, const std::string&) {
    RawServer::Send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    RawServer::Hang(fd);
    return false;
  });
  const auto client = Client::Create();
  Request request = Get(server.Url());
  request.idle_timeout = absl::Milliseconds(80);
  EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "IDLE_TIMEOUT");
}

TEST(HttpClient, AServerThatTakesTheRequestAndSaysNothingIsAHeadTimeout) {
  RawServer server([](int fd, const std::string&) {
    RawServer::Hang(fd);
    return false;
  });
  const auto client = Client::Create();
  Request request = Get(server.Url());
  request.head_timeout = absl::Milliseconds(80);
  EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "HEAD_TIMEOUT");
}

TEST(HttpClient, AConnectionThatBreaksInTheBodyIsLostNotShort) {
  RawServer server(Always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false));
  const auto client = Client::Create();
  EXPECT_EQ(Reason(client->Fetch(Soon(), Get(server.Url())).status()), "CONNECTION_LOST");
}

TEST(HttpClient, ABrokenChunkedBodyIsAnError) {
  RawServer server(
      Always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", false));
  const auto client = Client::Create();
  const auto response = client->Fetch(Soon(), Get(server.Url()));
  EXPECT_FALSE(response.ok());
}

TEST(HttpClient, WhatIsNotHttpIsMalformed) {
  RawServer server(Always("SSH-2.0-OpenSSH_9.2\r\n", false));
  const auto client = Client::Create();
  EXPECT_EQ(Reason(client->Fetch(Soon(), Get(server.Url())).status()), "MALFORMED_RESPONSE");
}

TEST(HttpClient, AHeaderWithoutEndIsRefused) {
  RawServer server([](int fd, const std::string&) {
    RawServer::Send(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20000; ++i)
      RawServer::Send(fd, "X-Filler: 0123456789012345678901234567890123456789\r\n");
    return false;
  });
  const auto client = Client::Create();
  EXPECT_EQ(Reason(client->Fetch(Soon(), Get(server.Url())).status()), "MALFORMED_RESPONSE");
}

TEST(HttpClient, AnAnswerAboveTheLimitIsCutOff) {
  RawServer server(Always(Ok(std::string(5000, 'x'))));
  const auto client = Client::Create();
  Request request = Get(server.Url());
  request.max_response_bytes = 4999;
  EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "RESPONSE_TOO_LARGE");
  request.max_response_bytes = 5000;
  EXPECT_TRUE(client->Fetch(Soon(), request).ok());
}

TEST(HttpClient, GzipIsInflatedAndABombIsNot) {
  const std::string text(300000, 'a');
  std::string varied;
  for (int i = 0; i < 40000; ++i) varied += std::to_string(i * 7919) + ",";
  const std::string small = Gzip(varied);
  const std::string bomb = Gzip(std::string(64 << 20, '\0'));
  RawServer server([&](int fd, const std::string& request) {
    const bool wants_bomb = request.starts_with("GET /bomb");
    RawServer::Send(fd, Ok(wants_bomb ? bomb : small, "Content-Encoding: gzip\r\n"));
    return true;
  });
  const auto client = Client::Create();
  Request request = Get(server.Url("/small"));
  request.accept_gzip = true;
  request.max_response_bytes = 256 << 20;
  const auto response = client->Fetch(Soon(), request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->body, varied);
  request.url = server.Url("/bomb");
  EXPECT_EQ(Reason(client->Fetch(Soon(), request).status()), "DECOMPRESSION_BOMB");
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

TEST(HttpClient, DestroyingTheClientEndsEveryCallOnce) {
  RawServer silent([](int fd, const std::string&) {
    RawServer::Hang(fd);
    return false;
  });
  std::atomic<int> ended{0};
  std::shared_ptr<Call> survivor;
  {
    const auto client = Client::Create();
    for (int i = 0; i < 10; ++i) {
      survivor = client->Start(
          Soon(), Get(silent.Url()),
          {.on_head = nullptr, .on_data = nullptr, .on_done = [&](const absl::Status& status) {
             EXPECT_EQ(Reason(status), "CALLER_LEFT");
             ++ended;
           }});
    }
  }
  EXPECT_EQ(ended, 10);
  survivor->Cancel();  // after its client: nothing happens
  survivor->Resume();
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
