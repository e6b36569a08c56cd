// How messages are signed, each platform in its own way. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace opsmesh::notify {

/// HMAC-SHA256, 32 bytes. RFC 2104.
std::string HmacSha256(std::string_view key, std::string_view message);

/// DingTalk custom robot: base64(HMAC(key = secret, message = timestamp + "\n" + secret)), not yet
/// percent-encoded.
std::string DingtalkSign(int64_t timestamp_ms, std::string_view secret);

/// Feishu custom robot: the string to sign is the key and the message is empty:
/// base64(HMAC(key = timestamp + "\n" + secret, message = "")).
std::string FeishuSign(int64_t timestamp_s, std::string_view secret);

/// Our own webhooks: "sha256=" + hex(HMAC(key = secret, message = timestamp + "." + body)).
std::string WebhookSign(int64_t timestamp_s, std::string_view body, std::string_view secret);

/// Hex of SHA-256, for digests that are compared, not for secrets.
std::string Sha256Hex(std::string_view bytes);

}  // namespace opsmesh::notify
