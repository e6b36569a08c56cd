// Certificates that are replaced, and proxies in between: against the simulated cluster's TLS door.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "libs/kube/cache.h"
#include "libs/kube/test_support.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::kube {
namespace {

using test::MakeClient;
using test::Reason;
using test::Soon;

/// An HTTP proxy that knows CONNECT and nothing else; counts the tunnels.
class ConnectProxy {
 public:
  ConnectProxy() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, raw, size) != 0 || listen(listener_, 16) != 0) std::abort();
    getsockname(listener_, raw, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Accept(); });
  }
  ~ConnectProxy() {
    stop_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& tunnel : tunnels_) tunnel.join();
    close(listener_);
  }
  std::string url() const { return "http://user:secret@127.0.0.1:" + std::to_string(port_); }
  int tunnels() const { return count_; }
  std::string head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }

 private:
  void Accept() {
    while (!stop_) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      tunnels_.emplace_back([this, client] { Tunnel(client); });
    }
  }
  void Tunnel(int client) {
    std::string head;
    char buffer[16384];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = read(client, buffer, sizeof buffer);
      if (got <= 0) break;
      head.append(buffer, static_cast<size_t>(got));
    }
    {
      const std::lock_guard lock(mutex_);
      head_ = head;
    }
    ++count_;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const size_t colon = head.find(':');
    address.sin_port = htons(static_cast<uint16_t>(std::atoi(head.c_str() + colon + 1)));
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (head.starts_with("CONNECT 127.0.0.1:") &&
        connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const std::string ok = "HTTP/1.1 200 Connection established\r\n\r\n";
      (void)!write(client, ok.data(), ok.size());
      Pump(client, server);
    }
    close(server);
    close(client);
  }
  void Pump(int a, int b) {
    char buffer[16384];
    while (!stop_) {
      pollfd ends[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
      if (poll(ends, 2, 50) < 0) return;
      for (int i = 0; i < 2; ++i) {
        if (ends[i].revents == 0) continue;
        const ssize_t got = read(ends[i].fd, buffer, sizeof buffer);
        if (got <= 0) return;
        for (ssize_t sent = 0; sent < got;) {
          const ssize_t wrote =
              send(ends[1 - i].fd, buffer + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
          if (wrote <= 0) return;
          sent += wrote;
        }
      }
    }
  }

  const int listener_;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> count_{0};
  mutable std::mutex mutex_;
  std::string head_;
  std::vector<std::thread> tunnels_;
  std::thread thread_;
};

class TlsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    cache_.reset();
    client_.reset();
    http_.reset();
    if (simulator_ != nullptr) simulator_->Stop();
    std::filesystem::remove_all(folder_);
  }
  /// A cluster of its own authority, on `port`.
  void StartCluster(uint16_t port = 0) {
    simulator_ = *kubesim::Simulator::Create({.content = kubesim::Content::kDemo});
    kubesim::DoorOptions door;
    door.tls = true;
    door.port = port;
    ASSERT_TRUE(simulator_->Start(door).ok());
    given_ = *ParseKubeconfig(*simulator_->Kubeconfig(), ".");
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  /// The cluster's kubeconfig with its certificates in files.
  ClusterConfig InFiles() {
    ClusterConfig config = given_;
    config.ca_file = Write("ca.crt", given_.ca_pem);
    if (!given_.client_cert_pem.empty()) {
      config.client_cert_file = Write("client.crt", given_.client_cert_pem);
      config.client_key_file = Write("client.key", given_.client_key_pem.Reveal());
    }
    return config;
  }
  template <typename F>
  bool Eventually(F condition) {
    for (int i = 0; i < 12000; ++i) {
      if (condition()) return true;
      (void)Soon().Sleep(absl::Milliseconds(5));
    }
    return false;
  }

  std::string folder_ = [] {
    char name[] = "/tmp/opsmesh-tls-XXXXXX";
    return std::string(mkdtemp(name));
  }();
  std::unique_ptr<kubesim::Simulator> simulator_;
  ClusterConfig given_;
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  std::unique_ptr<Client> client_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(TlsTest, ANewAuthorityIsBelievedOnceItsFileIsReplacedAndNotBefore) {
  StartCluster();
  client_ = MakeClient(*http_, InFiles());
  Cache::Options options;
  options.kinds = {"pods", "nodes"};
  options.backoff_min = absl::Milliseconds(1);
  options.backoff_max = absl::Milliseconds(20);
  cache_ = *Cache::Start(*client_, options);
  ASSERT_TRUE(cache_->WaitForSync(Soon()).ok());
  const size_t pods = cache_->Get("pods")->objects().size();

  const auto port =
      static_cast<uint16_t>(std::atoi(given_.server.c_str() + given_.server.rfind(':') + 1));
  simulator_->Stop();
  StartCluster(port);  // another authority, another server certificate, other client certificates
  ASSERT_TRUE(
      Eventually([&] { return Reason(cache_->Get("pods")->status().last_error) == "TLS_FAILED"; }));
  EXPECT_EQ(cache_->Get("pods")->status().state, KindStatus::State::kStale);
  EXPECT_EQ(cache_->Get("pods")->objects().size(), pods) << "what was known is still shown";
  EXPECT_EQ(Reason(client_->Version(Soon()).status()), "TLS_FAILED");

  InFiles();
  EXPECT_TRUE(Eventually([&] { return client_->Version(Soon()).ok(); }));
  ASSERT_TRUE(Eventually([&] {
    return cache_->Get("pods")->status().state == KindStatus::State::kLive &&
           cache_->Get("nodes")->status().state == KindStatus::State::kLive;
  })) << cache_->Get("pods")->status().last_error;
}

TEST_F(TlsTest, AFileThatIsHalfWrittenOrGoneChangesNothing) {
  StartCluster();
  const ClusterConfig config = InFiles();
  client_ = MakeClient(*http_, config);
  ASSERT_TRUE(client_->Version(Soon()).ok());
  Write("ca.crt", "");
  std::filesystem::remove(folder_ + "/client.key");
  auto more = http_client::Client::Create();  // no kept connection
  EXPECT_TRUE(MakeClient(*more, config)->Version(Soon()).ok());
  EXPECT_TRUE(client_->List(Soon(), *FindBuiltin("pods"), "").ok());
}

TEST_F(TlsTest, ListsAndWatchesGoThroughAConnectProxyWhichSeesNeitherTokenNorNames) {
  StartCluster();
  ConnectProxy proxy;
  ClusterConfig config = given_;
  config.proxy_url = proxy.url();
  client_ = MakeClient(*http_, config);
  Cache::Options options;
  options.kinds = {"pods", "deployments"};
  cache_ = *Cache::Start(*client_, options);
  ASSERT_TRUE(cache_->WaitForSync(Soon()).ok());
  EXPECT_GT(cache_->Get("pods")->objects().size(), 5u);
  EXPECT_GT(proxy.tunnels(), 0);
  EXPECT_TRUE(proxy.head().starts_with("CONNECT 127.0.0.1:"));
  EXPECT_EQ(proxy.head().find("/api"), std::string::npos);
  EXPECT_EQ(proxy.head().find("Bearer"), std::string::npos);
  EXPECT_NE(proxy.head().find("Proxy-Authorization: Basic "), std::string::npos);

  config.no_proxy = "127.0.0.0/8";
  const int before = proxy.tunnels();
  auto direct = http_client::Client::Create();
  EXPECT_TRUE(MakeClient(*direct, config)->Version(Soon()).ok());
  EXPECT_EQ(proxy.tunnels(), before);
  cache_.reset();
  client_.reset();
  http_.reset();
}

}  // namespace
}  // namespace opsmesh::kube
