#include "libs/http_server/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::http_server {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptBatch = 64;  // so that a flood of new connections cannot starve the open ones
constexpr SteadyNs kRetryNs = 100'000'000;  // after running out of descriptors

struct FreeAddress {
  void operator()(addrinfo* info) const { freeaddrinfo(info); }
};
using AddressPtr = std::unique_ptr<addrinfo, FreeAddress>;

AddressPtr Resolve(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string& numeric = address == "localhost" ? "127.0.0.1" : address;
  if (getaddrinfo(numeric.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return nullptr;
  return AddressPtr(found);
}

UniqueFd Bind(const addrinfo& where, bool shared) {
  UniqueFd fd(::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int one = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (shared) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
  if (fd.valid() && ::bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0) {
    const int error = errno;
    fd.Reset();
    errno = error;
  }
  return fd;
}

// Accepted sockets inherit these.
void SetSocketOptions(int fd) {
  const int one = 1;
  const int idle_seconds = 60;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  // A stream that only waits would never learn that its peer's machine has vanished.
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
}

uint16_t PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

absl::Status BindError(const std::string& address, uint16_t port, int error) {
  const std::string where = fmt::format("{}:{}", address, port);
  if (error == EADDRINUSE) {
    return base::Unavailable("ADDRESS_IN_USE", fmt::format("{} is already in use.", where))
        .Hint(
            "Stop the program that listens there (see `ss -ltnp`), or choose another port; 0 takes "
            "a free one.")
        .With("address", where);
  }
  return base::Unavailable("ADDRESS",
                           fmt::format("Cannot listen on {}: {}.", where, strerror(error)))
      .Hint(error == EACCES
                ? "Ports below 1024 need a privilege; choose a higher one."
                : "Choose an address of this machine, for instance 127.0.0.1 or 0.0.0.0.")
      .With("address", where);
}

Peer PeerOf(const sockaddr_storage& from) {
  char text[INET6_ADDRSTRLEN] = "";
  Peer peer;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    peer.loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  } else if (from.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {  // one client must have one name on a dual-stack socket
      inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof(text));
      peer.loopback = v6.s6_addr[12] == 127;
    } else {
      inet_ntop(AF_INET6, &v6, text, sizeof(text));
      peer.loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    }
  }
  peer.address = text;
  return peer;
}

}  // namespace

absl::StatusOr<BoundSocket> Listen(const std::string& address, uint16_t port, bool shared) {
  const AddressPtr where = Resolve(address, port);
  if (where == nullptr) {
    return base::InvalidArgument("address", "ADDRESS_MALFORMED",
                                 fmt::format("'{}' is not an IP address to listen on.", address))
        .Hint("Give a numeric address such as 127.0.0.1, 0.0.0.0 or ::1.");
  }
  BoundSocket bound;
  bound.fd = Bind(*where, shared);
  if (!bound.fd.valid() || ::listen(bound.fd.get(), kBacklog) != 0)
    return BindError(address, port, errno);
  SetSocketOptions(bound.fd.get());
  bound.port = PortOf(bound.fd.get());
  return bound;
}

void Listener::Close() {
  if (!fd_.valid()) return;
  loop_.SetDeadline(*this, kNever);
  loop_.Unwatch(fd_.get());
  fd_.Reset();
}

void Listener::OnEvents(uint32_t) {
  for (int i = 0; i < kAcceptBatch && fd_.valid(); ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    UniqueFd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&from), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      sink_.OnAccepted(std::move(fd), PeerOf(from));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The waiting connection stays readable: without a pause the loop would spin on it.
      loop_.Unwatch(fd_.get());
      loop_.SetDeadline(*this, loop_.now() + kRetryNs);
      return;
    }
    if (errno != EINTR && errno != ECONNABORTED) return;
  }
}

void Listener::OnDeadline() {
  if (fd_.valid()) loop_.Watch(fd_.get(), EPOLLIN, *this);
}

}  // namespace opsmesh::http_server
