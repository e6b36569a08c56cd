// Webhooks of one's own (signed JSON with an idempotency key) and Slack's incoming webhooks.
#include <utility>

#include "fmt/core.h"
#include "libs/base/clock.h"
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

const char* SeverityName(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
      return "critical";
    case v1::SEVERITY_WARNING:
      return "warning";
    case v1::SEVERITY_RESOLVED:
      return "resolved";
    default:
      return "info";
  }
}

json TextJson(const type::v1::Text& text) { return {{"zh", text.zh()}, {"en", text.en()}}; }

class Webhook final : public Platform {
 public:
  explicit Webhook(ChannelConfig channel) : channel_(std::move(channel)) {}

  http_client::Request Compose(const Mailing& mailing, absl::Time now) const override {
    http_client::Request request = JsonPost(channel_.url, base::DumpJson(Body(mailing)));
    const int64_t timestamp = absl::ToUnixSeconds(now);
    request.headers.emplace_back("Idempotency-Key", mailing.idempotency_key);
    request.headers.emplace_back("X-OpsMesh-Timestamp", fmt::format("{}", timestamp));
    if (!channel_.secret.empty()) {
      request.headers.emplace_back("X-OpsMesh-Signature",
                                   WebhookSign(timestamp, request.body, channel_.secret.Reveal()));
    }
    return request;
  }

  Verdict Judge(const Answer& answer, const Mailing& mailing) const override {
    // A receiver that knows the key already says so; it has the message.
    if (answer.head.status == 409 && mailing.attempt > 1) return {};
    return JudgeStatus(answer.head, answer.body);
  }

  std::vector<RateLimit> RateLimits() const override {
    if (channel_.per_minute <= 0) return {};
    return {{static_cast<int>(channel_.per_minute), absl::Seconds(61)}};
  }

 private:
  static json Body(const Mailing& mailing) {
    const Letter& letter = mailing.letter;
    json facts = json::array();
    for (const type::v1::Fact& fact : letter.content.facts())
      facts.push_back({{"key", fact.key()}, {"value", fact.value()}});
    json buttons = json::array();
    for (const v1::Button& button : letter.content.buttons()) {
      buttons.push_back({{"button_id", button.button_id()},
                         {"label", TextJson(button.label())},
                         {"url", button.url()}});
    }
    json body = {{"source", "opsmesh"},
                 {"message_id", letter.message_id},
                 {"idempotency_key", mailing.idempotency_key},
                 {"type", letter.type},
                 {"severity", SeverityName(letter.severity)},
                 {"namespace", letter.name_space},
                 {"title", TextJson(letter.content.title())},
                 {"text", TextJson(letter.content.text())},
                 {"facts", std::move(facts)},
                 {"buttons", std::move(buttons)},
                 {"needs_a_person", AsksForAPerson(letter)},
                 {"fold_count", mailing.fold_count},
                 {"is_repeat_notice", mailing.is_repeat_notice},
                 {"create_time", base::Rfc3339(letter.created)}};
    if (!letter.urgency.empty()) body["urgency"] = letter.urgency;
    return body;
  }

  const ChannelConfig channel_;
};

constexpr size_t kSlackSection = 3000;
constexpr size_t kSlackText = 12000;

class Slack final : public Platform {
 public:
  explicit Slack(ChannelConfig channel) : channel_(std::move(channel)) {}

  http_client::Request Compose(const Mailing& mailing, absl::Time) const override {
    const Picture picture = Draw(mailing, channel_.language, text::Language::kEnglish);
    const std::string keyword = channel_.keyword.empty() ? "" : channel_.keyword + " ";
    const std::string title =
        fmt::format("{}{} {} · {}", keyword, picture.mark, picture.severity, picture.title);
    json blocks = json::array();
    blocks.push_back(
        {{"type", "header"},
         {"text", {{"type", "plain_text"}, {"text", std::string(base::Utf8Prefix(title, 150))}}}});
    for (const std::string& piece :
         Sections(FitText(SlackMrkdwn(picture.text), kSlackText, picture.chinese()))) {
      blocks.push_back(Section(piece));
    }
    std::string facts;
    for (const auto& [key, value] : picture.facts) {
      facts += fmt::format("*{}*: {}\n", EscapeMrkdwn(key), EscapeMrkdwn(value));
    }
    if (!facts.empty()) blocks.push_back(Section(FitText(facts, kSlackSection, picture.chinese())));
    AddButtons(picture, &blocks);
    json notes = json::array();
    for (const std::string& note : picture.notes)
      notes.push_back({{"type", "mrkdwn"}, {"text", EscapeMrkdwn(note)}});
    blocks.push_back({{"type", "context"}, {"elements", std::move(notes)}});
    return JsonPost(channel_.url,
                    base::DumpJson({{"text", EscapeMrkdwn(title)}, {"blocks", std::move(blocks)}}));
  }

  Verdict Judge(const Answer& answer, const Mailing&) const override {
    return JudgeStatus(answer.head, answer.body);
  }

  std::vector<RateLimit> RateLimits() const override {
    std::vector<RateLimit> limits = {{1, absl::Milliseconds(1100)}};
    if (channel_.per_minute > 0)
      limits.push_back({static_cast<int>(channel_.per_minute), absl::Seconds(61)});
    return limits;
  }

 private:
  static json Section(const std::string& text) {
    return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
  }

  /// Pieces of at most a section's length, cut at line ends where there are some.
  static std::vector<std::string> Sections(std::string_view text) {
    std::vector<std::string> pieces;
    while (!text.empty()) {
      std::string_view piece = base::Utf8Prefix(text, kSlackSection);
      if (piece.size() < text.size()) {
        const size_t line_end = piece.rfind('\n');
        if (line_end != std::string_view::npos && line_end > 0) piece = piece.substr(0, line_end);
      }
      pieces.emplace_back(piece);
      text.remove_prefix(piece.size());
      if (!text.empty() && text.front() == '\n') text.remove_prefix(1);
    }
    return pieces;
  }

  static void AddButtons(const Picture& picture, json* blocks) {
    json elements = json::array();
    for (const PictureButton& button : picture.buttons) {
      if (button.url.empty() || elements.size() == 25) continue;
      elements.push_back(
          {{"type", "button"},
           {"text",
            {{"type", "plain_text"}, {"text", std::string(base::Utf8Prefix(button.label, 75))}}},
           {"url", button.url}});
    }
    if (!elements.empty())
      blocks->push_back({{"type", "actions"}, {"elements", std::move(elements)}});
  }

  const ChannelConfig channel_;
};

}  // namespace

std::unique_ptr<Platform> MakeWebhook(const ChannelConfig& channel) {
  return std::make_unique<Webhook>(channel);
}
std::unique_ptr<Platform> MakeSlack(const ChannelConfig& channel) {
  return std::make_unique<Slack>(channel);
}

}  // namespace opsmesh::notify
