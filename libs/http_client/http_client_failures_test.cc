// How a call ends that goes wrong: limits in time and size, broken answers, cancellation.
#include <zlib.h>

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
  EXPECT_LT(took, absl::Seconds(15));
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
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return arrived; }));
  }
  cancel->Cancel();
  caller.join();
  EXPECT_EQ(Reason(response.status()), "CALLER_LEFT");
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return gone; }));
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

}  // namespace
}  // namespace opsmesh::http_client
