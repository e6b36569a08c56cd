// What the loops of one server share: options, handler, figures, connection caps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "absl/time/time.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/transport.h"

namespace opsmesh::http_server {

/// Thread-safe.
class ServerCore {
 public:
  ServerCore(Options options, Handler handler, SslContextPtr tls);

  const Options& options() const { return options_; }
  const base::Clock& clock() const { return *options_.clock; }
  const Handler& handler() const { return handler_; }
  ssl_ctx_st* tls() const { return tls_.get(); }

  /// Counts a new connection in, or says why it may not stay: "" or a reason.
  std::string_view Admit(const std::string& address, bool loopback);
  void Release(const std::string& address, bool loopback);

  /// Counts `bytes` more of request bodies in memory; false, and not counted, when that would be
  /// too many.
  bool ReserveBody(size_t bytes);
  void ReleaseBody(size_t bytes) { body_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  /// The answer to a request that no handler sees. A 503 says when to come back.
  Response MakeError(int status, std::string_view reason, std::string_view message) const;

  bool stopping() const { return stopping_.load(std::memory_order_relaxed); }
  void StartStopping() { stopping_ = true; }
  /// Waits until no connection is open, at most `grace`; true when none is.
  bool WaitUntilEmpty(absl::Duration grace);

  Counters counters() const;
  void CountRequest() { requests_.fetch_add(1, std::memory_order_relaxed); }
  void CountRejectedHead() { rejected_heads_.fetch_add(1, std::memory_order_relaxed); }
  void CountStream(int change) {
    streams_.fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
  }

 private:
  bool IsCapped(const std::string& address, bool loopback) const;

  const Options options_;
  const Handler handler_;
  const SslContextPtr tls_;
  const std::unordered_set<std::string> trusted_proxies_;

  std::atomic<bool> stopping_{false};
  std::atomic<size_t> body_bytes_{0};
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> rejected_heads_{0};
  std::atomic<uint64_t> streams_{0};

  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  uint64_t open_ = 0;
  uint64_t total_ = 0;
  std::unordered_map<std::string, size_t> per_address_;
};

}  // namespace opsmesh::http_server
