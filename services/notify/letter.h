// A message as the outbox keeps it and as platforms render it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "opsmesh/notify/v1/message.pb.h"

namespace opsmesh::notify {

/// Longest text of a message in bytes; more is refused, never cut in silence.
inline constexpr size_t kMaxTextBytes = 64 << 10;
inline constexpr size_t kMaxNoticeBytes = 16 << 10;

/// What is said, to whoever it goes. Secrets are masked before one is made.
struct Letter {
  std::string message_id;
  std::string type;        // "human_help", "incident", ... ; "message" for SendMessage
  std::string urgency;     // "low", "medium", "high", "critical" or "" (SendMessage)
  std::string name_space;  // "" = about none
  v1::Severity severity = v1::SEVERITY_INFO;
  v1::Content content;
  std::string language;  // "zh-Hans", "zh-Hant", "en" or "" = the channel's
  absl::Time created;
};

/// One letter on its way to one place: what a platform renders.
struct Mailing {
  Letter letter;
  /// Stays the same over every try, so that a receiver can drop a second copy.
  std::string idempotency_key;
  /// How many equal messages it stands for, itself included.
  int64_t fold_count = 1;
  /// True for the message that closes a folding window: it tells how often the first one was
  /// repeated.
  bool is_repeat_notice = false;
  /// From 1.
  int64_t attempt = 1;
};

}  // namespace opsmesh::notify
