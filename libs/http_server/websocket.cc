#include "libs/http_server/websocket.h"

#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::http_server {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr size_t kKeyBytes = 16;
constexpr char kBinary = '\x82', kClose = '\x88', kPong = '\x8a';  // final frames
constexpr unsigned char kFinal = 0x80, kReserved = 0x70, kMasked = 0x80;
constexpr size_t kMaskBytes = 4, kMaxControl = 125;

std::vector<std::string> ListOf(std::string_view value) {
  std::vector<std::string> words;
  for (std::string_view word : base::Split(value, ',')) words.emplace_back(base::Trim(word));
  return words;
}

bool Lists(std::string_view value, std::string_view wanted) {
  const auto words = ListOf(value);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return base::EqualsIgnoreAsciiCase(word, wanted);
  });
}

std::string AcceptOf(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return base::Base64Encode({reinterpret_cast<const char*>(digest), sizeof(digest)});
}

void AppendBigEndian(uint64_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out->push_back(static_cast<char>(value >> shift));
}

std::string Frame(char first, std::string_view payload) {
  std::string frame(1, first);
  if (payload.size() < 126) {
    AppendBigEndian(payload.size(), 1, &frame);
  } else if (payload.size() < (1 << 16)) {
    frame.push_back(126);
    AppendBigEndian(payload.size(), 2, &frame);
  } else {
    frame.push_back(127);
    AppendBigEndian(payload.size(), 8, &frame);
  }
  return frame.append(payload);
}

}  // namespace

bool AsksForWebSocket(const Request& request) {
  return Lists(request.headers.Get("Connection"), "upgrade") &&
         Lists(request.headers.Get("Upgrade"), "websocket");
}

std::optional<Response> WebSocketHead(const Request& request,
                                      const std::vector<std::string_view>& protocols) {
  const std::string_view key = base::Trim(request.headers.Get("Sec-WebSocket-Key"));
  std::string nonce;
  if (!AsksForWebSocket(request) || request.method != "GET" ||
      request.headers.Get("Sec-WebSocket-Version") != "13" || !base::Base64Decode(key, &nonce) ||
      nonce.size() != kKeyBytes) {
    return std::nullopt;
  }
  const auto offered = ListOf(request.headers.Get("Sec-WebSocket-Protocol"));
  for (std::string_view protocol : protocols) {
    if (std::find(offered.begin(), offered.end(), protocol) == offered.end()) continue;
    Response head;
    head.status = 101;
    head.headers.Set("Upgrade", "websocket");
    head.headers.Set("Sec-WebSocket-Accept", AcceptOf(key));
    head.headers.Set("Sec-WebSocket-Protocol", std::string(protocol));
    return head;
  }
  return std::nullopt;
}

std::string WebSocketMessage(std::string_view payload) { return Frame(kBinary, payload); }

std::string WebSocketClose(uint16_t code) {
  std::string payload;
  AppendBigEndian(code, 2, &payload);
  return Frame(kClose, payload);
}

std::string WebSocketPong(std::string_view payload) { return Frame(kPong, payload); }

bool WebSocketReader::Read(std::string_view bytes, const Take& take) {
  pending_.append(bytes);
  int taken = 1;
  while (taken > 0) taken = ReadFrame(take);
  return taken == 0;
}

int WebSocketReader::ReadFrame(const Take& take) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(pending_[at]); };
  if (pending_.size() < 2) return 0;
  const int opcode = byte(0) & 0x0f;
  const bool final = (byte(0) & kFinal) != 0, control = opcode >= 8;
  if ((byte(0) & kReserved) != 0 || (byte(1) & kMasked) == 0) return -1;
  uint64_t size = byte(1) & 0x7f;
  size_t at = 2;
  if (size > kMaxControl) {
    const size_t wide = size == 126 ? 2 : 8;
    if (control) return -1;
    if (pending_.size() < at + wide) return 0;
    size = 0;
    for (size_t i = 0; i < wide; ++i) size = size << 8 | byte(at++);
  }
  if (size > max_message_ || message_.size() + size > max_message_) return -1;
  if (pending_.size() < at + kMaskBytes + size) return 0;
  const size_t mask = at;
  at += kMaskBytes;
  std::string payload = pending_.substr(at, size);
  for (size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ pending_[mask + i % kMaskBytes]);
  pending_.erase(0, at + size);
  if (control) {
    if (!final || opcode > 10) return -1;
    take(opcode == 8 ? Kind::kClose : opcode == 9 ? Kind::kPing : Kind::kPong, std::move(payload));
    return 1;
  }
  // A message begins with text or binary and goes on with 0.
  if (opcode > 2 || in_message_ != (opcode == 0)) return -1;
  message_ += payload;
  in_message_ = !final;
  if (final) take(Kind::kMessage, std::exchange(message_, {}));
  return 1;
}

}  // namespace opsmesh::http_server
