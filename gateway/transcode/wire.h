// The protobuf wire format, as far as the transcoder needs it:
// https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace opsmesh::gateway {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

constexpr uint32_t MakeTag(uint32_t number, WireType type) {
  return number << 3 | static_cast<uint32_t>(type);
}

constexpr uint64_t ZigZagEncode(int64_t v) {
  return static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t ZigZagDecode(uint64_t v) { return static_cast<int64_t>(v >> 1 ^ (~(v & 1) + 1)); }

/// Writes `v` to `to` (room for 10 bytes); the number of bytes written.
inline size_t EncodeVarint(uint64_t v, char* to) {
  size_t n = 0;
  while (v >= 0x80) {
    to[n++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  to[n++] = static_cast<char>(v);
  return n;
}

inline void AppendVarint(uint64_t v, std::string* out) {
  char bytes[10];
  out->append(bytes, EncodeVarint(v, bytes));
}

template <typename T>
void AppendFixed(T v, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &v, sizeof(T));  // little endian, as every platform this builds for
  out->append(bytes, sizeof(T));
}

inline void AppendLengthDelimited(uint32_t tag, std::string_view bytes, std::string* out) {
  AppendVarint(tag, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes);
}

/// Reads a varint at `p`; the byte after it, or null when it is cut or longer than 10 bytes.
inline const char* ReadVarint(const char* p, const char* end, uint64_t* v) {
  uint64_t result = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (p == end) return nullptr;
    const auto byte = static_cast<uint8_t>(*p++);
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *v = result;
      return p;
    }
  }
  return nullptr;
}

template <typename T>
const char* ReadFixed(const char* p, const char* end, T* v) {
  if (static_cast<size_t>(end - p) < sizeof(T)) return nullptr;
  std::memcpy(v, p, sizeof(T));
  return p + sizeof(T);
}

/// A length-delimited value being written: the length is known only at the end.
class LengthPrefix {
 public:
  explicit LengthPrefix(std::string* out) : out_(out), at_(out->size()) { out->push_back('\0'); }
  /// Fills in the length; longer values make room for it.
  void Close() {
    const size_t length = out_->size() - at_ - 1;
    char bytes[10];
    const size_t n = EncodeVarint(length, bytes);
    if (n > 1) out_->insert(at_, n - 1, '\0');
    std::memcpy(out_->data() + at_, bytes, n);
  }

 private:
  std::string* out_;
  size_t at_;
};

}  // namespace opsmesh::gateway
