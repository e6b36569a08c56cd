#include "libs/http_server/server_core.h"

#include <utility>

#include "fmt/format.h"

namespace opsmesh::http_server {

ServerCore::ServerCore(Options options, Handler handler, SslContextPtr tls)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      tls_(std::move(tls)),
      trusted_proxies_(options_.trusted_proxies.begin(), options_.trusted_proxies.end()) {}

bool ServerCore::IsCapped(const std::string& address, bool loopback) const {
  return !loopback && !trusted_proxies_.contains(address);
}

std::string_view ServerCore::Admit(const std::string& address, bool loopback) {
  const std::lock_guard lock(mutex_);
  if (open_ >= options_.max_connections) return "TOO_MANY_CONNECTIONS";
  if (IsCapped(address, loopback)) {
    size_t& count = per_address_[address];
    if (count >= options_.max_connections_per_address) return "TOO_MANY_CONNECTIONS_FROM_ADDRESS";
    ++count;
  }
  ++open_;
  ++total_;
  return {};
}

void ServerCore::Release(const std::string& address, bool loopback) {
  const std::lock_guard lock(mutex_);
  if (IsCapped(address, loopback)) {
    const auto found = per_address_.find(address);
    if (found != per_address_.end() && --found->second == 0) per_address_.erase(found);
  }
  if (--open_ == 0) emptied_.notify_all();
}

bool ServerCore::WaitUntilEmpty(absl::Duration grace) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, absl::ToChronoMilliseconds(grace), [this] { return open_ == 0; });
}

bool ServerCore::ReserveBody(size_t bytes) {
  const size_t before = body_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= options_.max_body_bytes_in_flight) return true;
  ReleaseBody(bytes);
  return false;
}

Response ServerCore::MakeError(int status, std::string_view reason,
                               std::string_view message) const {
  Response response;
  if (options_.error_response) {
    response = options_.error_response(status, reason, message);
  } else {
    response.status = status;
    response.headers.Add("Content-Type", "text/plain; charset=utf-8");
    response.body = fmt::format("{}: {}\n", reason, message);
  }
  if (status == 503 && !response.headers.Has("Retry-After"))
    response.headers.Add("Retry-After", "1");
  return response;
}

Counters ServerCore::counters() const {
  Counters counters;
  counters.requests_total = requests_.load(std::memory_order_relaxed);
  counters.rejected_heads_total = rejected_heads_.load(std::memory_order_relaxed);
  counters.streams_open = streams_.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  counters.connections_open = open_;
  counters.connections_total = total_;
  return counters;
}

}  // namespace opsmesh::http_server
