// DingTalk custom robots (and reply addresses of its application robots): 20 messages a minute,
// HTTP 200 with errcode.
#include <utility>

#include "fmt/core.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/notify/markdown.h"
#include "services/notify/picture.h"
#include "services/notify/platform.h"
#include "services/notify/signature.h"

namespace opsmesh::notify {
namespace {

using nlohmann::json;

constexpr size_t kMaxBodyBytes = 20000;
constexpr int kMessagesAMinute = 20;

struct Refusal {
  int code;
  const char* reason;
  const char* sentence;
};
constexpr Refusal kRefusals[] = {
    {40035, "REFUSED", "a parameter is missing or the body is no JSON"},
    {43004, "REFUSED", "the Content-Type is not what it wants"},
    {400013, "GROUP_DISSOLVED", "the group was dissolved; switch the channel off"},
    {400101, "TOKEN_UNKNOWN",
     "the access_token does not exist; paste the robot's webhook address again"},
    {400102, "ROBOT_STOPPED", "the robot was stopped; start it in the group's settings"},
    {400105, "REFUSED", "this type of message is not supported"},
    {400106, "TOKEN_UNKNOWN", "the robot does not exist; paste the webhook address again"},
    {430101, "CONTENT_REFUSED", "the message holds an unsafe link"},
    {430102, "CONTENT_REFUSED", "the message holds improper text"},
    {430103, "CONTENT_REFUSED", "the message holds an improper picture"},
    {430104, "CONTENT_REFUSED", "the message holds improper content"},
    {300001, "TOKEN_UNKNOWN", "the token does not exist; paste the robot's webhook address again"},
    {300005, "TOKEN_UNKNOWN", "the token does not exist; paste the robot's webhook address again"},
};

/// 310000: one code for every security setting; the words tell people which.
Verdict CheckFailed(const std::string& said) {
  Verdict verdict{.kind = Verdict::Kind::kDead};
  const std::string words = base::AsciiLower(said);
  const auto has = [&words](std::string_view word) {
    return words.find(word) != std::string::npos;
  };
  std::string next = "compare the robot's security settings with the channel's secret and keyword";
  verdict.reason = "CHECK_FAILED";
  if (has("timestamp")) {
    // Only a wrong clock makes a fresh signature old: one more try with a new one.
    verdict.kind = Verdict::Kind::kRetry;
    verdict.max_tries = 2;
    verdict.reason = "CLOCK_SKEW";
    next = "set this machine's clock: it may differ from DingTalk's by at most an hour";
  } else if (has("keyword")) {
    verdict.reason = "KEYWORD_MISSING";
    next = "set `keyword` of the channel to one of the keywords in the robot's security settings";
  } else if (has("sign")) {
    verdict.reason = "SIGNATURE_REFUSED";
    next =
        "the secret is wrong: copy the SEC… value of the robot's security settings to "
        "DINGTALK_SECRET";
  } else if (has("ip") || has("whitelist")) {
    verdict.reason = "ADDRESS_REFUSED";
    next = "add this machine's address to the robot's IP allow list";
  }
  verdict.error = fmt::format("DingTalk refused the message (310000: {}): {}.", said, next);
  return verdict;
}

Verdict JudgeCode(int64_t code, const std::string& said) {
  switch (code) {
    case 0:
      return {};
    case -1:
      return {.kind = Verdict::Kind::kRetry,
              .reason = "PLATFORM_BUSY",
              .error = fmt::format("DingTalk is busy ({}); it is tried again.", said),
              .max_tries = 3};
    case 130101:
    case 410100:
    case 90030:
      return {.kind = Verdict::Kind::kRateLimited,
              .reason = "RATE_LIMITED",
              .error = fmt::format("DingTalk takes no more messages of this robot for up to 10 "
                                   "minutes ({}: {}); it is tried "
                                   "again.",
                                   code, said),
              .after = absl::Seconds(60)};
    case 310000:
      return CheckFailed(said);
    default:
      break;
  }
  for (const Refusal& refusal : kRefusals) {
    if (refusal.code == code) {
      return {.kind = Verdict::Kind::kDead,
              .reason = refusal.reason,
              .error = fmt::format("DingTalk refused the message ({}: {}): {}.", code, said,
                                   refusal.sentence)};
    }
  }
  return {.kind = Verdict::Kind::kDead,
          .reason = "REFUSED",
          .error = fmt::format("DingTalk refused the message ({}: {}).", code, said)};
}

class Dingtalk final : public Platform {
 public:
  Dingtalk(ChannelConfig channel, bool signs) : channel_(std::move(channel)), signs_(signs) {}

  http_client::Request Compose(const Mailing& mailing, absl::Time now) const override {
    const Picture picture = Draw(mailing, channel_.language, text::Language::kSimplified);
    size_t room = kMaxBodyBytes - 1000;
    std::string body = base::DumpJson(Body(picture, room));
    // JSON escapes make text longer; what is over goes off the text.
    for (int i = 0; body.size() > kMaxBodyBytes && i < 12; ++i) {
      const size_t over = body.size() - kMaxBodyBytes + 64;
      room = room > over + 500 ? room - over : room / 2;
      body = base::DumpJson(Body(picture, room));
    }
    http_client::Request request = JsonPost(channel_.url, std::move(body));
    if (signs_ && !channel_.secret.empty()) {
      const int64_t timestamp = absl::ToUnixMillis(now);
      request.url += request.url.find('?') == std::string::npos ? '?' : '&';
      request.url +=
          fmt::format("timestamp={}&sign={}", timestamp,
                      base::PercentEncode(DingtalkSign(timestamp, channel_.secret.Reveal())));
    }
    return request;
  }

  Verdict Judge(const Answer& answer, const Mailing&) const override {
    Verdict by_status = JudgeStatus(answer.head, answer.body);
    if (by_status.kind == Verdict::Kind::kRateLimited && by_status.after == absl::ZeroDuration()) {
      by_status.after = absl::Seconds(60);
    }
    if (by_status.kind != Verdict::Kind::kSent) return by_status;
    if (!answer.whole) return {.kind = Verdict::Kind::kUnknown};
    const auto parsed = base::ParseJson(answer.body);
    if (!parsed.ok() || !parsed->is_object() || !parsed->contains("errcode") ||
        !(*parsed)["errcode"].is_number_integer()) {
      return {.kind = Verdict::Kind::kRetry,
              .reason = "MALFORMED_ANSWER",
              .error =
                  "The address answered 200 but not as DingTalk does; is a proxy in between? Check "
                  "the address.",
              .max_tries = 2};
    }
    const auto said = parsed->find("errmsg");
    return JudgeCode((*parsed)["errcode"].get<int64_t>(), said != parsed->end() && said->is_string()
                                                              ? said->get<std::string>()
                                                              : "no reason given");
  }

  std::vector<RateLimit> RateLimits() const override {
    const int messages =
        channel_.per_minute > 0 ? static_cast<int>(channel_.per_minute) : kMessagesAMinute;
    // A second more than a minute: arrival times differ from ours.
    return {{messages, absl::Seconds(61)}};
  }

 private:
  json Body(const Picture& picture, size_t room) const {
    const std::string keyword = channel_.keyword.empty() ? "" : channel_.keyword + " ";
    const std::string title(base::Utf8Prefix(
        fmt::format("{}{} {} · {}", keyword, picture.mark, picture.severity, picture.title), 300));
    if (channel_.format == "text")
      return {{"msgtype", "text"}, {"text", {{"content", PlainBody(picture, title, room)}}}};
    const std::string text = MarkdownBody(picture, title, room);
    const bool card = channel_.format == "actionCard" || channel_.format == "auto";
    json buttons = json::array();
    for (const PictureButton& button : picture.buttons) {
      if (!button.url.empty())
        buttons.push_back({{"title", button.label}, {"actionURL", button.url}});
    }
    if (!card || buttons.empty())
      return {{"msgtype", "markdown"}, {"markdown", {{"title", title}, {"text", text}}}};
    json action = {{"title", title}, {"text", text}};
    if (buttons.size() == 1) {
      action["singleTitle"] = buttons[0]["title"];
      action["singleURL"] = buttons[0]["actionURL"];
    } else {
      action["btnOrientation"] = buttons.size() == 2 ? "1" : "0";
      action["btns"] = std::move(buttons);
    }
    return {{"msgtype", "actionCard"}, {"actionCard", std::move(action)}};
  }

  static std::string MarkdownBody(const Picture& picture, const std::string& title, size_t room) {
    std::string head = "### " + EscapeMarkdown(title) + "\n\n";
    std::string tail = "\n\n";
    for (const auto& [key, value] : picture.facts) {
      tail += fmt::format("- **{}**: {}\n", EscapeMarkdown(key), EscapeMarkdown(value));
    }
    if (!picture.facts.empty()) tail += "\n";
    for (const std::string& note : picture.notes) tail += "> " + EscapeMarkdown(note) + "  \n";
    tail = FitText(tail, room / 2, picture.chinese());
    const size_t left = room > head.size() + tail.size() ? room - head.size() - tail.size() : 0;
    return head + FitText(DingtalkMarkdown(picture.text), left, picture.chinese()) + tail;
  }

  static std::string PlainBody(const Picture& picture, const std::string& title, size_t room) {
    std::string tail;
    for (const auto& [key, value] : picture.facts) tail += fmt::format("\n{}: {}", key, value);
    for (const PictureButton& button : picture.buttons) {
      if (!button.url.empty()) tail += fmt::format("\n{}: {}", button.label, button.url);
    }
    for (const std::string& note : picture.notes) tail += "\n" + note;
    tail = FitText(tail, room / 2, picture.chinese());
    const size_t left = room > title.size() + tail.size() ? room - title.size() - tail.size() : 0;
    return title + "\n" + FitText(PlainText(picture.text), left, picture.chinese()) + tail;
  }

  const ChannelConfig channel_;
  const bool signs_;
};

}  // namespace

std::unique_ptr<Platform> MakeDingtalk(const ChannelConfig& channel) {
  return std::make_unique<Dingtalk>(channel, true);
}

std::unique_ptr<Platform> MakeDingtalkReply(const std::string& reply_url,
                                            const std::string& language) {
  ChannelConfig channel;
  channel.kind = "dingtalk";
  channel.url = base::Secret(reply_url);
  channel.language = language;
  return std::make_unique<Dingtalk>(std::move(channel), false);
}

}  // namespace opsmesh::notify
