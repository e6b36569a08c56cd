// A server that answers byte for byte as a test says, and short ways to ask it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/error.h"
#include "libs/http_client/http_client.h"

namespace opsmesh::http_client {

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

inline std::string Ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

inline RawServer::Script Always(std::string answer, bool keep = true) {
  return [answer = std::move(answer), keep](int fd, const std::string&) {
    RawServer::Send(fd, answer);
    return keep;
  };
}

inline Request Get(std::string url) {
  Request request;
  request.url = std::move(url);
  return request;
}

inline Context Soon() { return Context::Background().WithTimeout(absl::Seconds(20)); }
inline std::string Reason(const absl::Status& status) { return DetailOf(status).reason; }

}  // namespace opsmesh::http_client
