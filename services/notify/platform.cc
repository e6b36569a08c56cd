#include "services/notify/platform.h"

#include <algorithm>
#include <cstdlib>

#include "fmt/core.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"

namespace opsmesh::notify {

std::unique_ptr<Platform> MakePlatform(const ChannelConfig& channel) {
  if (channel.kind == "dingtalk") return MakeDingtalk(channel);
  if (channel.kind == "feishu") return MakeFeishu(channel);
  if (channel.kind == "slack") return MakeSlack(channel);
  if (channel.kind == "webhook") return MakeWebhook(channel);
  return nullptr;
}

absl::Duration RetryAfter(const http_client::ResponseHead& head, absl::Time now) {
  const std::string value(base::Trim(head.Get("retry-after")));
  if (value.empty()) return absl::ZeroDuration();
  absl::Duration after;
  if (value.find_first_not_of("0123456789") == std::string::npos) {
    after = absl::Seconds(std::strtoll(value.substr(0, 9).c_str(), nullptr, 10));
  } else {
    absl::Time date;
    std::string problem;
    if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", value, &date, &problem))
      return absl::ZeroDuration();
    after = date - now;
  }
  return std::clamp(after, absl::ZeroDuration(), absl::Hours(1));
}

Verdict JudgeStatus(const http_client::ResponseHead& head, std::string_view body) {
  const int status = head.status;
  if (status >= 200 && status < 300) return {};
  Verdict verdict;
  verdict.after = RetryAfter(head, base::SystemClock().Now());
  const std::string said = std::string(base::Utf8Prefix(base::Trim(body), 200));
  const std::string answered =
      said.empty() ? fmt::format("The address answered {}", status)
                   : fmt::format("The address answered {}: {}", status, base::SanitizeUtf8(said));
  if (status == 429) {
    verdict.kind = Verdict::Kind::kRateLimited;
    verdict.reason = "RATE_LIMITED";
    verdict.error =
        answered +
        ". It is tried again later; lower per_minute of the channel when this happens often.";
  } else if (status == 408 || status == 425 || status >= 500) {
    verdict.kind = Verdict::Kind::kRetry;
    verdict.reason = "PLATFORM_FAILED";
    verdict.error = answered + ". It is tried again.";
  } else {
    verdict.kind = Verdict::Kind::kDead;
    verdict.reason = status < 400 ? "REDIRECTED" : "REFUSED";
    verdict.error =
        answered + (status < 400
                        ? ". Redirects are not followed; configure the address it leads to."
                        : ". Check the address and the secret of the channel.");
  }
  return verdict;
}

http_client::Request JsonPost(const base::Secret& url, std::string body) {
  http_client::Request request;
  request.method = "POST";
  request.url = url.Reveal();
  request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  request.body = std::move(body);
  request.send_once = true;
  request.max_response_bytes = 4 << 20;
  return request;
}

}  // namespace opsmesh::notify
