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

// RFC 6455, 1.3: with a protocol asked for.
constexpr const char* kUpgrade =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chat\r\n\r\n";

TEST(WebSocketTest, AnExchangeThatSwitchesSendsFramesAsTheyAreAndEndsTheConnection) {
  auto server = Server::Start({}, [](std::shared_ptr<Exchange> exchange) {
    exchange->Start(*WebSocketHead(exchange->request(), {"chat"}));
    exchange->Write(WebSocketMessage("Hello"));
    exchange->Write(WebSocketClose(1000));
    exchange->Finish();
  });
  ASSERT_TRUE(server.ok()) << server.status();
  RawClient client((*server)->port());
  client.Send(kUpgrade);
  std::string answer;
  ASSERT_TRUE(client.ReadToEnd(&answer));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nConnection: Upgrade\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n\x82\x05Hello\x88\x02\x03\xe8")) << answer;
}

// A frame as clients send them: masked.
std::string Masked(unsigned char first, std::string payload) {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 255);
  }
  const std::string mask = "\x37\xfa\x21\x3d";
  for (size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame + mask + payload;
}

TEST(WebSocketTest, WhatAClientSendsIsTakenApartHoweverItArrives) {
  using Kind = WebSocketReader::Kind;
  const std::string text = Masked(0x02, "one") + Masked(0x80, " piece") + Masked(0x89, "still?") +
                           Masked(0x82, std::string(300, 'x')) + Masked(0x88, "\x03\xe8");
  for (size_t step : {size_t{1}, size_t{7}, text.size()}) {
    WebSocketReader reader;
    std::vector<std::pair<Kind, std::string>> seen;
    for (size_t at = 0; at < text.size(); at += step) {
      ASSERT_TRUE(reader.Read(text.substr(at, step), [&](Kind kind, std::string payload) {
        seen.emplace_back(kind, std::move(payload));
      }));
    }
    ASSERT_EQ(seen.size(), 4u);
    EXPECT_EQ(seen[0], std::pair(Kind::kMessage, std::string("one piece")));
    EXPECT_EQ(seen[1], std::pair(Kind::kPing, std::string("still?")));
    EXPECT_EQ(seen[2].second.size(), 300u);
    EXPECT_EQ(seen[3].first, Kind::kClose);
  }
}

TEST(WebSocketTest, FramesThatBreakTheRulesEndTheReading) {
  const auto nothing = [](WebSocketReader::Kind, const std::string&) {};
  for (const std::string& bad :
       {std::string("\x82\x03one"), Masked(0xc2, "reserved"), Masked(0x80, "goes on from nothing"),
        Masked(0x09, "ping in pieces"), Masked(0x8b, "unknown"),
        Masked(0x02, "a") + Masked(0x82, "a message inside a message"),
        Masked(0x89, std::string(126, 'x')),
        std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    EXPECT_FALSE(WebSocketReader().Read(bad, nothing)) << bad.size();
  }
  EXPECT_FALSE(WebSocketReader(100).Read(Masked(0x82, std::string(101, 'x')), nothing));
}

TEST(WebSocketTest, AnExchangeThatSwitchesReadsWhatTheClientSendsEvenWithItsRequest) {
  auto server = Server::Start({}, [](std::shared_ptr<Exchange> exchange) {
    exchange->Start(*WebSocketHead(exchange->request(), {"chat"}));
    auto reader = std::make_shared<WebSocketReader>();
    exchange->OnBytes([exchange, reader](std::string_view bytes) {
      reader->Read(bytes, [&](WebSocketReader::Kind kind, const std::string& payload) {
        if (kind == WebSocketReader::Kind::kMessage) {
          exchange->Write(WebSocketMessage("<" + payload + ">"));
          return;
        }
        exchange->Write(WebSocketClose(1000));
        exchange->Finish();
      });
    });
  });
  ASSERT_TRUE(server.ok()) << server.status();
  RawClient client((*server)->port());
  client.Send(kUpgrade + Masked(0x82, "early"));
  ASSERT_TRUE(client.ReadHead());
  client.Send(Masked(0x82, "late") + Masked(0x88, "\x03\xe8"));
  std::string rest;
  ASSERT_TRUE(client.ReadToEnd(&rest));
  EXPECT_EQ(rest, "\x82\x07<early>\x82\x06<late>\x88\x02\x03\xe8");
}

}  // namespace
}  // namespace opsmesh::http_server
