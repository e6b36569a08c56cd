// The server's half of a WebSocket (RFC 6455) on which only the server speaks: what a handler needs
// to answer an Exchange with one. An Exchange that is started with 101 sends what is written as it
// is and ends the connection with the answer; frames of the client are neither read nor answered.
//
//   if (auto head = WebSocketHead(exchange->request(), {"v5.channel.k8s.io"})) {
//     exchange->Start(*std::move(head));
//     exchange->Write(WebSocketMessage("..."));
//     exchange->Write(WebSocketClose(1000));
//     exchange->Finish();
//   }
#pragma once

#include <cstdint>
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

}  // namespace opsmesh::http_server
