#include "tests/bench/http_server/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "fmt/format.h"

namespace opsmesh::bench {
namespace {

constexpr int kSilenceMs = 10'000;

int Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof(where)) == 0) return fd;
  close(fd);
  return -1;
}

std::string Request(const std::string& path) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", path);
}

bool SendAll(int fd, std::string_view bytes) {
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

// Reads one whole answer with a Content-Length; its size in bytes, or 0.
size_t AnswerSize(int fd) {
  std::string text;
  std::array<char, 16384> bytes;
  while (true) {
    const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
    if (n <= 0) return 0;
    text.append(bytes.data(), static_cast<size_t>(n));
    const size_t end = text.find("\r\n\r\n");
    const size_t field = text.find("Content-Length: ");
    if (end == std::string::npos || field == std::string::npos) continue;
    const size_t size = end + 4 + std::strtoul(text.c_str() + field + 16, nullptr, 10);
    if (text.size() >= size) return text.starts_with("HTTP/1.1 200") ? size : 0;
  }
}

struct Connection {
  int fd = -1;
  size_t received = 0;
};

}  // namespace

double RunClosedLoop(uint16_t port, const std::string& path, int connections, int total) {
  const std::string request = Request(path);
  std::vector<Connection> all(static_cast<size_t>(connections));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  size_t size = 0;
  bool good = true;
  for (size_t i = 0; i < all.size() && good; ++i) {
    all[i].fd = Connect(port);
    good = all[i].fd >= 0 && SendAll(all[i].fd, request);
    const size_t got = good ? AnswerSize(all[i].fd) : 0;  // also warms the connection up
    good = good && got > 0 && (size == 0 || got == size);
    size = got;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  const auto started = std::chrono::steady_clock::now();
  int sent = 0;
  int done = 0;
  for (size_t i = 0; i < all.size() && good; ++i, ++sent) good = SendAll(all[i].fd, request);
  std::array<epoll_event, 256> events;
  std::array<char, 65536> bytes;
  while (good && done < total) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), kSilenceMs);
    good = count > 0;
    for (int i = 0; i < count && good; ++i) {
      Connection& connection = all[events[static_cast<size_t>(i)].data.u64];
      const ssize_t n = recv(connection.fd, bytes.data(), bytes.size(), 0);
      good = n > 0;
      connection.received += good ? static_cast<size_t>(n) : 0;
      if (connection.received < size) continue;
      good = good && connection.received == size &&
             std::string_view(bytes.data(), 12) == "HTTP/1.1 200";
      connection.received = 0;
      ++done;
      if (sent < total) {
        good = good && SendAll(connection.fd, request);
        ++sent;
      }
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  for (const Connection& connection : all) {
    if (connection.fd >= 0) close(connection.fd);
  }
  close(epoll);
  return good ? took.count() : -1;
}

Streams::~Streams() {
  for (const int fd : fds_) close(fd);
  if (epoll_ >= 0) close(epoll_);
}

bool Streams::Open(uint16_t port, const std::string& path, int count) {
  if (epoll_ < 0) epoll_ = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; ++i) {
    const int fd = Connect(port);
    if (fd < 0 || !SendAll(fd, Request(path))) return false;
    std::array<char, 4096> head;
    if (recv(fd, head.data(), head.size(), 0) <= 0) return false;
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    fds_.push_back(fd);
  }
  return true;
}

bool Streams::Drain(size_t bytes) {
  std::array<epoll_event, 256> events;
  std::array<char, 65536> buffer;
  size_t received = 0;
  while (received < bytes) {
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kSilenceMs);
    if (count <= 0) return false;
    for (int i = 0; i < count; ++i) {
      const ssize_t n =
          recv(events[static_cast<size_t>(i)].data.fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) return false;
      received += static_cast<size_t>(n);
    }
  }
  return true;
}

}  // namespace opsmesh::bench
