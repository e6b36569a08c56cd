// Listening sockets.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "libs/http_server/connection.h"
#include "libs/http_server/event_loop.h"
#include "libs/http_server/server_core.h"
#include "libs/http_server/unique_fd.h"

namespace opsmesh::http_server {

struct BoundSocket {
  UniqueFd fd;
  uint16_t port = 0;
};

/// Binds and listens. UNAVAILABLE (ADDRESS_IN_USE, ADDRESS) or INVALID_ARGUMENT (ADDRESS_MALFORMED)
/// when it cannot. With `shared` several sockets of this process share the port (SO_REUSEPORT); a
/// stranger on it is still found.
absl::StatusOr<BoundSocket> Listen(const std::string& address, uint16_t port, bool shared);

/// Accepts connections and hands them to a sink, on the loop's thread.
class Listener final : public EventLoop::Source {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void OnAccepted(UniqueFd fd, Peer peer) = 0;
  };

  Listener(EventLoop& loop, UniqueFd fd, Sink& sink)
      : loop_(loop), fd_(std::move(fd)), sink_(sink) {}
  bool Open() { return loop_.Watch(fd_.get(), EPOLLIN, *this); }
  void Close();
  void OnEvents(uint32_t events) override;
  void OnDeadline() override;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
  Sink& sink_;
};

}  // namespace opsmesh::http_server
