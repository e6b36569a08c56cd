#include "services/notify/request_checks.h"

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "re2/re2.h"
#include "services/notify/channels.h"

namespace opsmesh::notify {
namespace {

v1::Severity SeverityOfUrgency(const std::string& urgency) {
  if (urgency == "low") return v1::SEVERITY_INFO;
  return urgency == "medium" ? v1::SEVERITY_WARNING : v1::SEVERITY_CRITICAL;
}

}  // namespace

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= 256) return absl::OkStatus();
  return base::InvalidArgument("request_id", "REQUEST_ID", "A request_id has at most 256 bytes.");
}

absl::StatusOr<Letter> LetterOf(const v1::NotifyRequest& request) {
  static const RE2 kType("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");
  Letter letter;
  letter.type = request.type();
  if (!RE2::FullMatch(letter.type, kType)) {
    return base::InvalidArgument(
               "type", "NOTICE_TYPE",
               "A type is one word of letters, digits, '_', '.', '-', at most 64.")
        .Hint("For instance human_help, incident, approval or report.");
  }
  letter.urgency = request.urgency().empty() ? "medium" : base::AsciiLower(request.urgency());
  if (letter.urgency != "low" && letter.urgency != "medium" && letter.urgency != "high" &&
      letter.urgency != "critical") {
    return base::InvalidArgument("urgency", "URGENCY",
                                 fmt::format("'{}' is no urgency.", request.urgency()))
        .Hint("One of low, medium, high, critical.");
  }
  if (request.message().size() > kMaxNoticeBytes) {
    return base::InvalidArgument("message", "MESSAGE_TOO_LONG",
                                 fmt::format("The message has {} bytes; at most {} are taken.",
                                             request.message().size(), kMaxNoticeBytes))
        .Hint("Send the essence and where to read the rest.");
  }
  if (base::Trim(request.message()).empty()) {
    return base::InvalidArgument("message", "MESSAGE_EMPTY", "The message is empty.")
        .Hint("Write what people should know.");
  }
  if (request.namespace_().size() > 253) {
    return base::InvalidArgument("namespace", "NAMESPACE", "A namespace has at most 253 bytes.");
  }
  letter.name_space = request.namespace_();
  letter.severity = SeverityOfUrgency(letter.urgency);
  return letter;
}

absl::Status CheckContent(const v1::Content& content) {
  size_t bytes = content.ByteSizeLong();
  if (bytes > kMaxTextBytes) {
    return base::InvalidArgument(
               "content", "MESSAGE_TOO_LONG",
               fmt::format("The content has {} bytes; at most {} are taken.", bytes, kMaxTextBytes))
        .Hint("Send the essence and where to read the rest.");
  }
  const auto blank = [](const type::v1::Text& text) {
    return base::Trim(text.zh()).empty() && base::Trim(text.en()).empty();
  };
  if (blank(content.title()) && blank(content.text()) && content.facts().empty()) {
    return base::InvalidArgument("content", "MESSAGE_EMPTY",
                                 "The content has no title, no text and no facts.");
  }
  for (const v1::Button& button : content.buttons()) {
    if (!button.url().empty() && OriginOf(button.url()).empty()) {
      return base::InvalidArgument("content.buttons", "BUTTON_URL",
                                   "A button's url is no http(s) address.");
    }
  }
  return absl::OkStatus();
}

}  // namespace opsmesh::notify
