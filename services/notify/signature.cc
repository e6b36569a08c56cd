#include "services/notify/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "fmt/core.h"
#include "libs/base/strings.h"

namespace opsmesh::notify {

std::string HmacSha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
       &size);
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

std::string DingtalkSign(int64_t timestamp_ms, std::string_view secret) {
  return base::Base64Encode(HmacSha256(secret, fmt::format("{}\n{}", timestamp_ms, secret)));
}

std::string FeishuSign(int64_t timestamp_s, std::string_view secret) {
  return base::Base64Encode(HmacSha256(fmt::format("{}\n{}", timestamp_s, secret), ""));
}

std::string WebhookSign(int64_t timestamp_s, std::string_view body, std::string_view secret) {
  return "sha256=" + base::HexEncode(HmacSha256(secret, fmt::format("{}.{}", timestamp_s, body)));
}

std::string Sha256Hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return base::HexEncode({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace opsmesh::notify
