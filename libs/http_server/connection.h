// One client connection: reads requests, hands them to the handler one at a time, keeps the limits
// of time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/http_server/event_loop.h"
#include "libs/http_server/exchange.h"
#include "libs/http_server/request_parser.h"
#include "libs/http_server/server_core.h"
#include "libs/http_server/transport.h"

namespace opsmesh::http_server {

class Connection;

/// Owns the connections of a loop.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  /// Takes `connection` out and retires it; it stays valid until the current batch of events is
  /// over.
  virtual void Forget(Connection& connection) = 0;
};

struct Peer {
  std::string address;  // textual IP address
  bool loopback = false;
};

/// All methods on the loop's thread.
class Connection final : public EventLoop::Source {
 public:
  Connection(ServerCore& core, EventLoop& loop, ConnectionOwner& owner, Transport transport,
             Peer peer);
  ~Connection() override = default;

  /// Begins to watch the socket. False when the system refuses; the connection is then of no use.
  bool Open();
  void OnEvents(uint32_t events) override;
  void OnDeadline() override;
  /// The current exchange has output, has ended or is broken.
  void OnExchangeChanged();
  /// Closes when no request is under way; else the current answer is the last one.
  void Drain();
  void Close();
  const Peer& peer() const { return peer_; }

  size_t slot = 0;  // for the owner

 private:
  enum class State : uint8_t { kHandshake, kHead, kBody, kHandling, kLinger, kClosed };

  void OnReadable();
  void OnEof();
  void Feed(std::string_view data);
  size_t Advance(std::string_view data);
  void ContinueInput();
  void DeliverInput();
  void BeginRequest();
  bool OnHead();
  bool CountBody();
  void ReleaseBody();
  void Dispatch();
  void Fail(const ParseError& error);
  void Follow(ExchangeState::Progress progress);
  void FinishExchange();
  void StartLinger();
  void FinishHandshake();
  void ArmDeadline();
  void UpdateInterest();
  bool mid_request() const { return exchange_ != nullptr || !in_.empty(); }

  ServerCore& core_;
  EventLoop& loop_;
  ConnectionOwner& owner_;
  Transport transport_;
  const Peer peer_;
  std::string tls_subject_;
  std::vector<std::string> tls_organizations_;

  State state_ = State::kHead;
  bool eof_ = false;       // everything the client sent was read
  bool end_seen_ = false;  // it has ended its side, but there is more to read
  bool blocked_ = false;   // the answer waits for the socket
  bool fatal_ = false;     // the answer is the last: nothing after it can be trusted
  uint32_t watched_ = 0;
  RequestParser parser_;
  std::shared_ptr<ExchangeState> exchange_;
  std::string in_;           // received and not parsed yet
  SteadyNs began_ = 0;       // of the connection, the head or the body
  uint64_t stall_mark_ = 0;  // written() when the stall clock was set
  size_t lingered_ = 0;
  size_t counted_body_ = 0;  // bytes of the current body that the server has counted
};

}  // namespace opsmesh::http_server
