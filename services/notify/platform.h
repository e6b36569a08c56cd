// How a platform wants a message and what its answers mean. One object a channel; immutable,
// thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/http_client/http_client.h"
#include "services/notify/config.h"
#include "services/notify/letter.h"

namespace opsmesh::notify {

/// What became of a request that was sent.
struct Verdict {
  enum class Kind {
    kSent,         // the platform took it
    kRetry,        // it did not, and may later
    kRateLimited,  // it did not, because we were too fast
    kDead,         // it never will
    kUnknown,      // nobody can know
  };
  Kind kind = Kind::kSent;
  std::string reason;  // UPPER_SNAKE; "" when sent
  std::string error;   // what, why and next step; "" when sent
  /// kRetry, kRateLimited: not before this; 0 = the back-off decides.
  absl::Duration after = absl::ZeroDuration();
  /// kRetry: at most this many tries; 0 = the outbox's bound.
  int64_t max_tries = 0;
  std::string platform_message_id;
};

/// An answer as far as it came.
struct Answer {
  http_client::ResponseHead head;
  std::string body;   // at most 64 KiB of it
  bool whole = true;  // false: the connection broke before its end
};

/// At most `messages` in any `window`.
struct RateLimit {
  int messages = 0;  // 0 = none
  absl::Duration window;
};

class Platform {
 public:
  virtual ~Platform() = default;
  /// The request for one try, signed for `now`, within the platform's limit of size: what does not
  /// fit is cut, and the message says so.
  virtual http_client::Request Compose(const Mailing& mailing, absl::Time now) const = 0;
  virtual Verdict Judge(const Answer& answer, const Mailing& mailing) const = 0;
  virtual std::vector<RateLimit> RateLimits() const = 0;
};

/// Null for a kind that is not built (email).
std::unique_ptr<Platform> MakePlatform(const ChannelConfig& channel);
std::unique_ptr<Platform> MakeDingtalk(const ChannelConfig& channel);
/// Answers into a conversation by the reply address that came with the question: no signature.
std::unique_ptr<Platform> MakeDingtalkReply(const std::string& reply_url,
                                            const std::string& language);
std::unique_ptr<Platform> MakeFeishu(const ChannelConfig& channel);
std::unique_ptr<Platform> MakeSlack(const ChannelConfig& channel);
std::unique_ptr<Platform> MakeWebhook(const ChannelConfig& channel);

/// What an HTTP status alone says: 429 (with Retry-After), 408 and 5xx may be tried again,
/// redirects and other 4xx never. kSent for 2xx.
Verdict JudgeStatus(const http_client::ResponseHead& head, std::string_view body);
/// Seconds or an HTTP date; 0 when absent or unreadable, at most an hour.
absl::Duration RetryAfter(const http_client::ResponseHead& head, absl::Time now);

/// A JSON POST to `url`.
http_client::Request JsonPost(const base::Secret& url, std::string body);

}  // namespace opsmesh::notify
