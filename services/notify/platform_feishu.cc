// Feishu (Lark) custom robots: interactive cards coloured by severity, 100 messages a minute and 5
// a second, 20 KB.
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

const char* Template(const Letter& letter) {
  switch (letter.severity) {
    case v1::SEVERITY_CRITICAL:
      return letter.urgency == "high" ? "carmine" : "red";
    case v1::SEVERITY_WARNING:
      return "orange";
    case v1::SEVERITY_RESOLVED:
      return "green";
    default:
      return letter.urgency == "low" ? "yellow" : "blue";
  }
}

Verdict Dead(const char* reason, int64_t code, const std::string& said, std::string_view next) {
  return {.kind = Verdict::Kind::kDead,
          .reason = reason,
          .error = fmt::format("Feishu refused the message ({}: {}): {}.", code, said, next)};
}

Verdict JudgeCode(int64_t code, const std::string& said) {
  switch (code) {
    case 0:
      return {};
    case 11232:
    case 99991400:
      return {.kind = Verdict::Kind::kRateLimited,
              .reason = "RATE_LIMITED",
              .error = fmt::format("Feishu limits this robot's rate ({}: {}); it is tried again.",
                                   code, said),
              .after = absl::Seconds(10)};
    case 19021:
      // A signature older than an hour is refused with the same code: one more try with a new one.
      return {.kind = Verdict::Kind::kRetry,
              .reason = "SIGNATURE_REFUSED",
              .error = fmt::format("Feishu refused the signature ({}: {}): check "
                                   "FEISHU_WEBHOOK_SECRET and this machine's clock.",
                                   code, said),
              .max_tries = 2};
    case 9499:
      return Dead("REFUSED", code, said, "the body is not as it expects");
    case 19001:
      return Dead("TOKEN_UNKNOWN", code, said,
                  "the hook does not exist; paste the robot's webhook address again");
    case 19022:
      return Dead("ADDRESS_REFUSED", code, said,
                  "add this machine's address to the robot's IP allow list");
    case 19024:
      return Dead("KEYWORD_MISSING", code, said,
                  "set `keyword` of the channel to one of the robot's keywords");
    default:
      return Dead("REFUSED", code, said, "see the robot's settings");
  }
}

class Feishu final : public Platform {
 public:
  explicit Feishu(ChannelConfig channel) : channel_(std::move(channel)) {}

  http_client::Request Compose(const Mailing& mailing, absl::Time now) const override {
    const Picture picture = Draw(mailing, channel_.language, text::Language::kSimplified);
    json body = {{"msg_type", "interactive"}};
    if (!channel_.secret.empty()) {
      const int64_t timestamp = absl::ToUnixSeconds(now);
      body["timestamp"] = fmt::format("{}", timestamp);
      body["sign"] = FeishuSign(timestamp, channel_.secret.Reveal());
    }
    size_t room = kMaxBodyBytes - 2000;
    body["card"] = Card(mailing.letter, picture, room);
    std::string text = base::DumpJson(body);
    for (int i = 0; text.size() > kMaxBodyBytes && i < 12; ++i) {
      const size_t over = text.size() - kMaxBodyBytes + 64;
      room = room > over + 500 ? room - over : room / 2;
      body["card"] = Card(mailing.letter, picture, room);
      text = base::DumpJson(body);
    }
    return JsonPost(channel_.url, std::move(text));
  }

  Verdict Judge(const Answer& answer, const Mailing&) const override {
    Verdict by_status = JudgeStatus(answer.head, answer.body);
    if (by_status.kind == Verdict::Kind::kRateLimited || by_status.kind == Verdict::Kind::kRetry)
      return by_status;
    // Refusals come with a code in the body, under 200 and under 400.
    const auto parsed = base::ParseJson(answer.body);
    if (answer.whole && parsed.ok() && parsed->is_object()) {
      for (const auto& [code_key, text_key] :
           {std::pair{"code", "msg"}, std::pair{"StatusCode", "StatusMessage"}}) {
        const auto code = parsed->find(code_key);
        if (code == parsed->end() || !code->is_number_integer()) continue;
        const auto said = parsed->find(text_key);
        return JudgeCode(code->get<int64_t>(), said != parsed->end() && said->is_string()
                                                   ? said->get<std::string>()
                                                   : "no reason given");
      }
    }
    if (by_status.kind != Verdict::Kind::kSent) return by_status;
    if (!answer.whole) return {.kind = Verdict::Kind::kUnknown};
    return {.kind = Verdict::Kind::kRetry,
            .reason = "MALFORMED_ANSWER",
            .error =
                "The address answered 200 but not as Feishu does; is a proxy in between? Check the "
                "address.",
            .max_tries = 2};
  }

  std::vector<RateLimit> RateLimits() const override {
    const int a_minute = channel_.per_minute > 0 ? static_cast<int>(channel_.per_minute) : 100;
    return {{a_minute, absl::Seconds(61)}, {5, absl::Milliseconds(1100)}};
  }

 private:
  json Card(const Letter& letter, const Picture& picture, size_t room) const {
    const std::string keyword = channel_.keyword.empty() ? "" : channel_.keyword + " ";
    json header = {{"template", Template(letter)},
                   {"title",
                    {{"tag", "plain_text"},
                     {"content", std::string(base::Utf8Prefix(keyword + picture.title, 300))}}}};
    json tags = json::array();
    const auto tag = [&tags](const std::string& text, const char* color) {
      tags.push_back({{"tag", "text_tag"},
                      {"text", {{"tag", "plain_text"}, {"content", text}}},
                      {"color", color}});
    };
    tag(picture.severity, Template(letter));
    if (picture.needs_a_person) tag(picture.chinese() ? "需要人工" : "person needed", "purple");
    header["text_tag_list"] = std::move(tags);
    if (!letter.name_space.empty()) {
      header["subtitle"] = {{"tag", "plain_text"},
                            {"content", std::string(base::Utf8Prefix(letter.name_space, 200))}};
    }

    std::string facts;
    for (const auto& [key, value] : picture.facts) {
      facts += fmt::format("**{}**: {}\n", EscapeMarkdown(key), EscapeMarkdown(value));
    }
    std::string notes;
    for (const std::string& note : picture.notes)
      notes += (notes.empty() ? "" : "\n") + EscapeMarkdown(note);
    facts = FitText(facts, room / 3, picture.chinese());
    const size_t used = facts.size() + notes.size();
    const std::string text =
        FitText(FeishuMarkdown(picture.text), room > used ? room - used : 0, picture.chinese());

    json elements = json::array();
    if (!text.empty()) elements.push_back({{"tag", "markdown"}, {"content", text}});
    if (!facts.empty()) elements.push_back({{"tag", "markdown"}, {"content", facts}});
    AddButtons(picture, &elements);
    elements.push_back({{"tag", "hr"}});
    elements.push_back({{"tag", "markdown"}, {"content", notes}, {"text_size", "notation"}});
    return {{"schema", "2.0"},
            {"config",
             {{"update_multi", true},
              {"summary", {{"content", picture.severity + " · " + picture.title}}}}},
            {"header", std::move(header)},
            {"body", {{"direction", "vertical"}, {"elements", std::move(elements)}}}};
  }

  /// A custom robot's buttons only open pages.
  static void AddButtons(const Picture& picture, json* elements) {
    for (const PictureButton& button : picture.buttons) {
      if (button.url.empty()) continue;
      elements->push_back(
          {{"tag", "button"},
           {"type", "primary"},
           {"text", {{"tag", "plain_text"}, {"content", button.label}}},
           {"behaviors", json::array({{{"type", "open_url"}, {"default_url", button.url}}})}});
    }
  }

  const ChannelConfig channel_;
};

}  // namespace

std::unique_ptr<Platform> MakeFeishu(const ChannelConfig& channel) {
  return std::make_unique<Feishu>(channel);
}

}  // namespace opsmesh::notify
