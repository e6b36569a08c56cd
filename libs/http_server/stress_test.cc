// Everything at once from many threads, mostly for ThreadSanitizer and AddressSanitizer: clients
// that leave at any moment, answers from a pool, streams, and a server that stops in the middle.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/worker_pool.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/raw_client.h"

namespace opsmesh::http_server {
namespace {

constexpr int kClients = 6;
constexpr int kRoundsPerClient = 60;

void AnswerInSomeWay(std::shared_ptr<Exchange> exchange, base::WorkerPool& pool) {
  const std::string path = exchange->request().path;
  if (path == "/now") {
    exchange->Respond({.status = 200, .headers = {}, .body = "now"});
    return;
  }
  const bool taken = pool.TrySubmit([exchange, path] {
    if (path == "/drop") return;
    if (path == "/later") {
      exchange->Respond({.status = 200, .headers = {}, .body = std::string(20'000, 'l')});
      return;
    }
    exchange->OnClientGone([seen = std::make_shared<std::atomic<bool>>(false)] { *seen = true; });
    exchange->Start({});
    for (int i = 0; i < 20 && exchange->Write(std::string(500, 's')); ++i) {
    }
    if (path == "/abort") {
      exchange->Abort();
    } else {
      exchange->Finish();
    }
  });
  if (!taken) exchange->Respond({.status = 503, .headers = {}, .body = ""});
}

// True when every answer that had to come came whole.
bool RunClient(uint16_t port, unsigned seed) {
  static const std::vector<std::string> kPaths = {"/now", "/later", "/stream", "/abort", "/drop"};
  std::mt19937 random(seed);
  for (int round = 0; round < kRoundsPerClient; ++round) {
    RawClient client(port);
    const std::string& path = kPaths[random() % kPaths.size()];
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    client.Send(request + request);
    if (random() % 3 == 0) {
      client.Close(random() % 2 == 0);  // leaves while the answer is being made
      continue;
    }
    const auto answer = client.ReadAnswer();
    if (path == "/abort") continue;
    if (!answer || !client.ReadAnswer()) return false;
  }
  return true;
}

TEST(HttpStress, ClientsThatLeaveAnswersFromAPoolAndStreamsDoNotDisturbEachOther) {
  base::WorkerPool pool({.name = "t", .threads = 3, .queue_limit = 1000});
  Options options;
  options.threads = 2;
  const auto server = std::move(Server::Start(options, [&](std::shared_ptr<Exchange> exchange) {
                        AnswerInSomeWay(std::move(exchange), pool);
                      })).value();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (unsigned i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] { good += RunClient(server->port(), i) ? 1 : 0; });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, kClients);
  while (pool.depth().queued + pool.depth().running > 0) std::this_thread::yield();
  server->Stop(absl::Seconds(10));
  EXPECT_EQ(server->counters().connections_open, 0u);
  EXPECT_EQ(server->counters().streams_open, 0u);
}

TEST(HttpStress, AServerMayStopInTheMiddleOfEverything) {
  for (unsigned round = 0; round < 5; ++round) {
    base::WorkerPool pool({.name = "t", .threads = 3, .queue_limit = 1000});
    Options options;
    options.threads = 2;
    auto server = std::move(Server::Start(options, [&](std::shared_ptr<Exchange> exchange) {
                    AnswerInSomeWay(std::move(exchange), pool);
                  })).value();
    const uint16_t port = server->port();
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < kClients; ++i) {
      clients.emplace_back([port, i] { RunClient(port, i); });
    }
    while (server->counters().requests_total < 50) std::this_thread::yield();
    server->Stop(absl::Milliseconds(round));
    server.reset();  // exchanges in the pool outlive it
    for (std::thread& client : clients) client.join();
  }
}

}  // namespace
}  // namespace opsmesh::http_server
