#include "libs/http_server/websocket.h"

#include <gtest/gtest.h>

#include <utility>

#include "libs/http_server/raw_client.h"

namespace opsmesh::http_server {
namespace {

Request Handshake() {
  Request request;
  request.method = "GET";
  request.headers.Add("Connection", "keep-alive, Upgrade");
  request.headers.Add("Upgrade", "websocket");
  request.headers.Add("Sec-WebSocket-Version", "13");
  request.headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  request.headers.Add("Sec-WebSocket-Protocol", "chat, superchat");
  return request;
}

TEST(WebSocketTest, TheHandshakeOfTheRfcIsAnsweredAsTheRfcAnswersIt) {
  const auto head = WebSocketHead(Handshake(), {"superchat", "chat"});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 101);
  EXPECT_EQ(head->headers.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(head->headers.Get("Sec-WebSocket-Protocol"), "superchat");
}

TEST(WebSocketTest, AHandshakeThatLacksSomethingIsNone) {
  EXPECT_FALSE(WebSocketHead(Handshake(), {"other"}));
  for (const auto& [name, value] : {std::pair{"Connection", "close"},
                                    {"Upgrade", "SPDY/3.1"},
                                    {"Sec-WebSocket-Version", "8"},
                                    {"Sec-WebSocket-Key", "short"},
                                    {"Sec-WebSocket-Key", ""}}) {
    Request request = Handshake();
    request.headers.Set(name, value);
    EXPECT_FALSE(WebSocketHead(request, {"chat"})) << name << ": " << value;
  }
  Request request = Handshake();
  request.method = "POST";
  EXPECT_FALSE(WebSocketHead(request, {"chat"}));
}

TEST(WebSocketTest, LengthsTakeOneThreeOrNineBytes) {
  EXPECT_EQ(WebSocketMessage("Hello"), "\x82\x05Hello");
  EXPECT_EQ(WebSocketMessage(std::string(125, 'x')).substr(0, 2), "\x82\x7d");
  EXPECT_EQ(WebSocketMessage(std::string(126, 'x')).substr(0, 4),
            std::string("\x82\x7e\x00\x7e", 4));
  EXPECT_EQ(WebSocketMessage(std::string(65535, 'x')).substr(0, 4), "\x82\x7e\xff\xff");
  EXPECT_EQ(WebSocketMessage(std::string(65536, 'x')).substr(0, 10),
            std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
  EXPECT_EQ(WebSocketClose(1000), "\x88\x02\x03\xe8");
}

TEST(WebSocketTest, AnExchangeThatSwitchesSendsFramesAsTheyAreAndEndsTheConnection) {
  auto server = Server::Start({}, [](std::shared_ptr<Exchange> exchange) {
    exchange->Start(*WebSocketHead(exchange->request(), {"chat"}));
    exchange->Write(WebSocketMessage("Hello"));
    exchange->Write(WebSocketClose(1000));
    exchange->Finish();
  });
  ASSERT_TRUE(server.ok()) << server.status();
  RawClient client((*server)->port());
  client.Send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: chat\r\n\r\n");
  std::string answer;
  ASSERT_TRUE(client.ReadToEnd(&answer));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nConnection: Upgrade\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n\x82\x05Hello\x88\x02\x03\xe8")) << answer;
}

}  // namespace
}  // namespace opsmesh::http_server
