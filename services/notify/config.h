// Settings of the notify service: the channels, what is routed to them, and the bounds of the
// outbox.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/secret.h"
#include "libs/config/source.h"

namespace opsmesh::notify {

/// What is done with a message whose sending was cut off after its bytes may have left (the process
/// was killed, the answer never came): nobody can know whether the platform took it.
enum class AfterUnknown {
  /// Never sent again by itself: a dead letter says so and a person may send it again. For
  /// platforms without
  /// idempotency (DingTalk, Feishu, Slack).
  kHold,
  /// Sent again with the same idempotency key, by which the receiver drops the second one. For
  /// webhooks of one's own.
  kResend,
};

/// One channel. Webhook addresses are secrets: who knows one can send.
struct ChannelConfig {
  std::string name;  // unique
  std::string kind;  // "feishu", "dingtalk", "slack", "webhook" or "email"
  bool enabled = true;
  base::Secret url;                     // address to send to
  base::Secret secret;                  // signs what is sent; empty = unsigned
  std::string least_severity = "info";  // "info", "warning" or "critical"
  std::vector<std::string> namespaces;  // empty = all
  std::string language;                 // "zh-Hans", "zh-Hant", "en"; "" = that of the message
  std::string format = "auto";          // DingTalk: "auto", "markdown", "text" or "actionCard"
  std::string keyword;                  // put before every message, for robots that ask for one
  int64_t per_minute = 0;               // most messages in a minute; 0 = the platform's own limit
  AfterUnknown after_unknown = AfterUnknown::kHold;
};

/// Bounds of the outbox.
struct OutboxConfig {
  int64_t max_attempts = 20;  // then a message is dead; refusals for too high a rate do not count
  absl::Duration max_age = absl::Hours(24);         // a message that waits longer is dead
  absl::Duration first_backoff = absl::Seconds(1);  // doubled each time, jittered
  absl::Duration max_backoff =
      absl::Minutes(5);  // Retry-After of a platform may be longer, up to an hour
  absl::Duration fold_window = absl::Seconds(60);  // equal messages within it become one; 0 = never
  absl::Duration connect_timeout = absl::Seconds(5);
  absl::Duration answer_timeout =
      absl::Seconds(10);        // from the request to the first byte of the answer
  int64_t max_waiting = 10000;  // more are refused
  absl::Duration keep_sent =
      absl::Hours(24 * 7);  // what was sent can be looked up, and its request_id is known
  absl::Duration keep_dead = absl::Hours(24 * 30);
};

struct NotifyConfig {
  /// NOTIFICATION_ENABLED.
  bool enabled = true;
  /// Ordered by name; FEISHU_WEBHOOK and DINGTALK_WEBHOOK_URL add "feishu" and "dingtalk".
  std::vector<ChannelConfig> channels;
  OutboxConfig outbox;
  /// Origins ("https://host[:port]") that reply addresses of chat platforms may have, beside the
  /// platforms' own.
  std::vector<std::string> reply_origins;
};

/// Reads the section `notify`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<NotifyConfig> LoadConfig(const config::Source& source);

/// Host of a webhook address, for pages that must not show the rest; "" when it has none.
std::string HostOf(const std::string& url);
/// "https://host[:port]" of an address in lower case; "" when it has none or holds user info.
std::string OriginOf(const std::string& url);

}  // namespace opsmesh::notify
