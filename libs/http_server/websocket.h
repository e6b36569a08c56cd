// The server's half of a WebSocket (RFC 6455): what a handler needs to answer an Exchange with one.
// An Exchange that is started with 101 sends what is written as it is and ends the connection with
// the answer; what the client sends comes through Exchange::OnBytes() and a WebSocketReader.
//
//   if (auto head = WebSocketHead(exchange->request(), {"v5.channel.k8s.io"})) {
//     exchange->Start(*std::move(head));
//     exchange->Write(WebSocketMessage("..."));
//     exchange->Write(WebSocketClose(1000));
//     exchange->Finish();
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

/// Whether the client asks for a WebSocket, rightly or not.
bool AsksForWebSocket(const Request& request);

/// The head of the answer 101 with the first of `protocols` (in our order) that the client offers.
/// Nothing when the handshake is malformed (RFC 6455 4.2.1) or it offers none of them.
std::optional<Response> WebSocketHead(const Request& request,
                                      const std::vector<std::string_view>& protocols);

/// One unmasked binary message in one frame.
std::string WebSocketMessage(std::string_view payload);

/// The frame that ends the conversation; `code` as in RFC 6455 7.4.1, 1000 = normal.
std::string WebSocketClose(uint16_t code);

/// The answer to a ping: the same payload.
std::string WebSocketPong(std::string_view payload);

/// Takes the client's bytes apart. Not thread-safe.
class WebSocketReader {
 public:
  enum class Kind { kMessage, kPing, kPong, kClose };  // a message may have come in fragments
  using Take = std::function<void(Kind kind, std::string payload)>;

  explicit WebSocketReader(size_t max_message = 4 << 20) : max_message_(max_message) {}

  /// Calls `take` for everything that is complete now. False when the client breaks the protocol (a
  /// frame without a mask, a reserved bit, a control frame in pieces) or sends more than may be:
  /// the connection is of no more use.
  bool Read(std::string_view bytes, const Take& take);

 private:
  /// Takes one frame off the front of pending_; 0 = not there yet, -1 = wrong.
  int ReadFrame(const Take& take);

  const size_t max_message_;
  std::string pending_, message_;
  bool in_message_ = false;
};

}  // namespace opsmesh::http_server
