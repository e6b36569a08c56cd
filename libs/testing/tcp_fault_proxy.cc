#include "libs/testing/tcp_fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/error.h"

namespace opsmesh::testing {
namespace {

constexpr size_t kMaxWaiting =
    1 << 20;  // bytes of a direction; then the sender waits, as with a full network

absl::Duration Now() { return base::SystemClock().Steady(); }

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One direction of a connection.
struct Pipe {
  int from = -1;
  int to = -1;
  bool to_client = false;
  std::deque<std::pair<absl::Duration, std::string>> waiting = {};  // when to hand on, what
  size_t waiting_bytes = 0;
  bool ended = false;       // the sender has sent its last byte
  bool end_passed = false;  // and the receiver was told
};

struct Link {
  std::array<Pipe, 2> pipes;
  size_t to_client_bytes = 0;
  uint64_t faults_version = 0;  // which SetFaults() that counts from
};

class Proxy final : public TcpFaultProxy {
 public:
  explicit Proxy(uint16_t target_port) : target_port_(target_port) {}

  ~Proxy() override {
    if (thread_.joinable()) {
      Tell([this] { stopping_ = true; });
      thread_.join();
    }
    for (const int fd : {listener_, wake_}) {
      if (fd >= 0) close(fd);
    }
  }

  bool Open() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    if (listener_ < 0 || wake_ < 0 ||
        bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 128) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return false;
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
    return true;
  }

  uint16_t port() const override { return port_; }

  void SetFaults(const TcpFaults& faults) override {
    Tell([&] {
      faults_ = faults;
      ++faults_version_;
    });
  }

  void CutAll() override {
    Tell([this] {
      for (Link& link : links_) Reset(link);
      links_.clear();
    });
  }

  size_t open_connections() const override {
    const std::lock_guard lock(mutex_);
    return links_.size();
  }

 private:
  // Everything below mutex_ is changed with it held; the thread lets go of it only while it polls.
  template <typename F>
  void Tell(F change) {
    const std::lock_guard lock(mutex_);
    change();
    const uint64_t one = 1;
    if (write(wake_, &one, sizeof(one)) < 0) return;  // full counter: awake anyway
  }

  static void Reset(Link& link) {
    const linger at_once{1, 0};
    for (Pipe& pipe : link.pipes) {
      setsockopt(pipe.from, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      close(pipe.from);
    }
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      std::vector<pollfd> polled = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      absl::Duration wait = absl::Hours(1);
      for (const Link& link : links_) {
        for (const Pipe& pipe : link.pipes) AddInterest(pipe, &polled, &wait);
      }
      lock.unlock();
      poll(polled.data(), polled.size(),
           static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)))));
      uint64_t ignored = 0;
      while (read(wake_, &ignored, sizeof(ignored)) > 0) {
      }
      lock.lock();
      Accept();
      std::erase_if(links_, [this](Link& link) { return !Advance(link); });
    }
    for (Link& link : links_) Reset(link);
  }

  static void AddInterest(const Pipe& pipe, std::vector<pollfd>* polled, absl::Duration* wait) {
    if (!pipe.ended && pipe.waiting_bytes < kMaxWaiting) polled->push_back({pipe.from, POLLIN, 0});
    if (pipe.waiting.empty()) return;
    const absl::Duration left = pipe.waiting.front().first - Now();
    if (left > absl::ZeroDuration()) {
      *wait = std::min(*wait, left);
    } else {
      polled->push_back({pipe.to, POLLOUT, 0});
    }
  }

  void Accept() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(target_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      close(client);
      close(server);
      return;
    }
    const int one = 1;
    for (const int fd : {client, server})
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    links_.push_back({.pipes = {Pipe{.from = client, .to = server},
                                Pipe{.from = server, .to = client, .to_client = true}},
                      .faults_version = faults_version_});
  }

  // False when the link is over and closed.
  bool Advance(Link& link) {
    if (link.faults_version != faults_version_) {
      link.faults_version = faults_version_;
      link.to_client_bytes = 0;
    }
    for (Pipe& pipe : link.pipes) {
      if (!Take(pipe) || !HandOn(link, pipe)) {
        Reset(link);
        return false;
      }
    }
    if (!link.pipes[0].end_passed || !link.pipes[1].end_passed) return true;
    for (Pipe& pipe : link.pipes) close(pipe.from);
    return false;
  }

  bool Take(Pipe& pipe) {
    std::array<char, 65536> bytes;
    while (!pipe.ended && pipe.waiting_bytes < kMaxWaiting) {
      const ssize_t n = recv(pipe.from, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      if (n == 0) pipe.ended = true;
      if (n == 0 || faults_.blackhole) continue;
      const size_t step = faults_.slice_bytes == 0 ? static_cast<size_t>(n) : faults_.slice_bytes;
      for (size_t at = 0; at < static_cast<size_t>(n); at += step) {
        pipe.waiting.emplace_back(
            Now() + faults_.delay,
            std::string(bytes.data() + at, std::min(step, static_cast<size_t>(n) - at)));
      }
      pipe.waiting_bytes += static_cast<size_t>(n);
    }
    return true;
  }

  bool HandOn(Link& link, Pipe& pipe) {
    while (!pipe.waiting.empty() && pipe.waiting.front().first <= Now()) {
      std::string& bytes = pipe.waiting.front().second;
      size_t allowed = bytes.size();
      if (pipe.to_client && faults_.cut_after_bytes) {
        allowed = std::min(allowed, *faults_.cut_after_bytes -
                                        std::min(*faults_.cut_after_bytes, link.to_client_bytes));
      }
      const ssize_t n = send(pipe.to, bytes.data(), allowed, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      pipe.waiting_bytes -= static_cast<size_t>(n);
      if (pipe.to_client) link.to_client_bytes += static_cast<size_t>(n);
      if (pipe.to_client && faults_.cut_after_bytes &&
          link.to_client_bytes >= *faults_.cut_after_bytes)
        return false;
      bytes.erase(0, static_cast<size_t>(n));
      if (!bytes.empty()) return true;
      pipe.waiting.pop_front();
    }
    if (pipe.ended && pipe.waiting.empty() && !pipe.end_passed && !faults_.blackhole) {
      shutdown(pipe.to, SHUT_WR);
      pipe.end_passed = true;
    }
    return true;
  }

  const uint16_t target_port_;
  uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::thread thread_;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  TcpFaults faults_;
  uint64_t faults_version_ = 0;
  std::vector<Link> links_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TcpFaultProxy>> TcpFaultProxy::Start(uint16_t target_port) {
  auto proxy = std::make_unique<Proxy>(target_port);
  if (!proxy->Open())
    return base::Unavailable("NO_DESCRIPTORS", "The fault proxy could not open its sockets.");
  return proxy;
}

}  // namespace opsmesh::testing
