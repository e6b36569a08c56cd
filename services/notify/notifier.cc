#include "services/notify/notifier.h"

#include <algorithm>
#include <cstdlib>

#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/text/language.h"
#include "libs/text/unicode.h"
#include "re2/re2.h"
#include "services/notify/signature.h"

namespace opsmesh::notify {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

/// Callers may see the message go out: for so long, and so many of them at a time, they are kept.
constexpr absl::Duration kSeeItGo = absl::Milliseconds(1500);
constexpr int kMaxWaitingCallers = 3;
constexpr int64_t kDefaultPage = 50;
constexpr int64_t kMaxPage = 500;

Timestamp ToProto(absl::Time time) {
  return TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

v1::Delivery ToProto(const Delivery& stored) {
  v1::Delivery delivery;
  delivery.set_channel(stored.lane);
  switch (stored.state) {
    case State::kSent:
      delivery.set_state(v1::Delivery::STATE_SENT);
      break;
    case State::kFolded:
      delivery.set_state(v1::Delivery::STATE_FOLDED);
      break;
    case State::kDead:
      delivery.set_state(v1::Delivery::STATE_DEAD);
      break;
    default:
      delivery.set_state(v1::Delivery::STATE_QUEUED);
  }
  delivery.set_attempt_count(static_cast<int32_t>(stored.attempts));
  if (!stored.platform_message_id.empty())
    delivery.set_platform_message_id(stored.platform_message_id);
  if (!stored.error.empty() && stored.state != State::kSent)
    delivery.set_error(stored.reason + ": " + stored.error);
  if (stored.state == State::kQueued)
    *delivery.mutable_next_attempt_time() = ToProto(stored.next_attempt);
  return delivery;
}

v1::OutboxMessage ToOutboxMessage(const Delivery& stored) {
  v1::OutboxMessage message;
  message.set_message_id(stored.letter.message_id);
  *message.mutable_delivery() = ToProto(stored);
  const type::v1::Text& title = stored.letter.content.title();
  const type::v1::Text& text = stored.letter.content.text();
  const bool titled = !title.zh().empty() || !title.en().empty();
  message.mutable_title()->set_zh(
      std::string(base::Utf8Prefix(titled ? title.zh() : text.zh(), 120)));
  message.mutable_title()->set_en(
      std::string(base::Utf8Prefix(titled ? title.en() : text.en(), 120)));
  message.set_severity(stored.letter.severity);
  *message.mutable_create_time() = ToProto(stored.letter.created);
  *message.mutable_update_time() = ToProto(stored.updated);
  message.set_fold_count(static_cast<int32_t>(stored.fold_count));
  return message;
}

struct PageRequest {
  int64_t size = kDefaultPage;
  int64_t offset = 0;
};

template <typename Request>
absl::StatusOr<PageRequest> PageOf(const Request& request) {
  PageRequest page;
  if (request.page_size() < 0)
    return base::InvalidArgument("page_size", "PAGE_SIZE", "page_size is negative.");
  if (request.page_size() > 0) page.size = std::min<int64_t>(request.page_size(), kMaxPage);
  const std::string& token = request.page_token();
  if (token.empty()) return page;
  if (token.size() > 12 || token.find_first_not_of("0123456789") != std::string::npos) {
    return base::InvalidArgument("page_token", "PAGE_TOKEN",
                                 "This page_token was not given out by this list.")
        .Hint("Take next_page_token of the page before, or none for the first page.");
  }
  page.offset = std::strtoll(token.c_str(), nullptr, 10);
  return page;
}

template <typename Response>
void Fill(const Page& page, const PageRequest& asked, Response* response) {
  for (const Delivery& delivery : page.deliveries)
    *response->add_messages() = ToOutboxMessage(delivery);
  response->set_total_count(page.total);
  if (page.more) response->set_next_page_token(fmt::format("{}", asked.offset + asked.size));
}

/// Idempotency keys belong to a caller and a method.
std::string CallerOf(const base::Context& ctx, std::string_view method) {
  return fmt::format("{}:{}", method, ctx.principal().id);
}

template <typename Request>
std::string DigestOf(Request request) {
  request.clear_request_id();
  return Sha256Hex(request.SerializeAsString());
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= 256) return absl::OkStatus();
  return base::InvalidArgument("request_id", "REQUEST_ID", "A request_id has at most 256 bytes.");
}

v1::Severity SeverityOfUrgency(const std::string& urgency) {
  if (urgency == "low") return v1::SEVERITY_INFO;
  return urgency == "medium" ? v1::SEVERITY_WARNING : v1::SEVERITY_CRITICAL;
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

/// Control and direction characters, with which text can be made to look like another, as their
/// code points.
std::string Visible(const std::string& text) {
  std::string out;
  for (const char32_t c : text::DecodeUtf8(text)) {
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0);
    const bool direction =
        (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f;
    if (c == '\r') continue;
    if (control || direction) {
      out += fmt::format("[U+{:04X}]", static_cast<uint32_t>(c));
    } else {
      text::AppendUtf8(c, &out);
    }
  }
  return out;
}

std::string FailedStep(const std::string& reason) {
  if (reason == "INVALID_URL" || reason == "NAME_NOT_RESOLVED") return "address";
  if (reason == "TLS_FAILED") return "tls";
  if (reason == "CONNECT_FAILED" || reason == "CONNECT_TIMEOUT" || reason == "PROXY_FAILED")
    return "connect";
  if (reason == "SIGNATURE_REFUSED" || reason == "CLOCK_SKEW" || reason == "CHECK_FAILED")
    return "signature";
  return "answer";
}

}  // namespace

std::string Notifier::Mask(const std::string& text) const {
  redact::Redacted masked = parts_.redactor.RedactAndCount(Visible(text));
  for (const auto& [kind, count] : masked.counts) {
    parts_.metrics
        .AddCounter({.name = "opsmesh_redactions_total",
                     .help = "Secrets masked before text left, by kind.",
                     .labels = {"kind"}})
        .With({kind})
        .Increment(count);
  }
  return std::move(masked.text);
}

type::v1::Text Notifier::Mask(const type::v1::Text& text) const {
  type::v1::Text masked;
  if (!text.zh().empty()) masked.set_zh(Mask(text.zh()));
  if (!text.en().empty()) masked.set_en(text.en() == text.zh() ? masked.zh() : Mask(text.en()));
  return masked;
}

v1::Content Notifier::Mask(const v1::Content& content) const {
  v1::Content masked =
      content;  // addresses of buttons stay: they are ours and carry one-time tokens on purpose
  *masked.mutable_title() = Mask(content.title());
  *masked.mutable_text() = Mask(content.text());
  for (type::v1::Fact& fact : *masked.mutable_facts()) {
    // The name of a fact is part of what tells a secret: "password: x".
    const std::string line = Mask(fact.key() + ": " + fact.value());
    const size_t colon = line.find(": ");
    const bool name_kept = colon != std::string::npos && line.substr(0, colon) == fact.key();
    fact.set_value(name_kept ? line.substr(colon + 2) : Mask(fact.value()));
  }
  for (v1::Button& button : *masked.mutable_buttons())
    *button.mutable_label() = Mask(button.label());
  return masked;
}

void Notifier::WaitABit(const base::Context& ctx, const std::string& message_id,
                        size_t deliveries) {
  // With others ahead of it the message will not go at once: nothing to see.
  const auto depth = parts_.store.Depth();
  if (!depth.ok() || *depth > static_cast<int64_t>(deliveries)) return;
  if (waiting_callers_.fetch_add(1) < kMaxWaitingCallers) {
    parts_.dispatcher.WaitTried(message_id, std::min(kSeeItGo, ctx.Remaining() / 2));
  }
  waiting_callers_.fetch_sub(1);
}

absl::StatusOr<v1::NotifyResponse> Notifier::Notify(const base::Context& ctx,
                                                    const v1::NotifyRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(Letter letter, LetterOf(request));
  OPSMESH_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  const absl::Time now = ctx.clock().Now();
  v1::NotifyResponse response;
  *response.mutable_timestamp() = ToProto(now);
  const std::vector<std::string> names = parts_.channels.Route(letter.severity, letter.name_space);
  if (names.empty()) {
    const NotifyConfig& config = parts_.channels.config();
    response.set_status("no_channel");
    response.set_hint(
        !config.enabled
            ? "Notifications are switched off: set NOTIFICATION_ENABLED=true and restart."
        : config.channels.empty()
            ? "Configure one: FEISHU_WEBHOOK, DINGTALK_WEBHOOK_URL or notify.channels in the "
              "configuration."
            : "No channel takes this severity and namespace: see least_severity and namespaces at "
              "GET /api/v1/notify/channels.");
    return response;
  }
  letter.message_id = parts_.ids.NewId("msg_");
  letter.created = now;
  letter.content.mutable_text()->set_zh(Mask(request.message()));
  letter.content.mutable_text()->set_en(letter.content.text().zh());

  Incoming incoming;
  incoming.letter = std::move(letter);
  for (const std::string& name : names) incoming.addresses.push_back({name, ""});
  incoming.fold_key =
      Sha256Hex(fmt::format("{}\n{}\n{}\n{}", incoming.letter.type, incoming.letter.urgency,
                            incoming.letter.name_space, request.message()))
          .substr(0, 32);
  incoming.fold_window = parts_.channels.config().outbox.fold_window;
  incoming.caller = CallerOf(ctx, "Notify");
  incoming.request_id = request.request_id();
  incoming.request_digest = DigestOf(request);
  incoming.max_waiting = parts_.channels.config().outbox.max_waiting;
  OPSMESH_ASSIGN_OR_RETURN(const Accepted accepted, parts_.store.Accept(incoming));
  parts_.dispatcher.Wake();
  WaitABit(ctx, accepted.message_id, incoming.addresses.size());

  response.set_message_id(accepted.message_id);
  OPSMESH_ASSIGN_OR_RETURN(const std::vector<Delivery> deliveries,
                           parts_.store.Find(accepted.message_id));
  bool all_out = true;
  bool all_dead = !deliveries.empty();
  for (const Delivery& delivery : deliveries) {
    all_out = all_out && (delivery.state == State::kSent || delivery.state == State::kFolded);
    all_dead = all_dead && delivery.state == State::kDead;
    *response.add_deliveries() = ToProto(delivery);
  }
  response.set_status(all_dead ? "failed" : all_out ? "sent" : "queued");
  if (all_dead)
    response.set_hint(
        "No channel took it; each delivery says why. POST /api/v1/notify/dead-letters/" +
        accepted.message_id + ":retry sends it again.");
  return response;
}

absl::StatusOr<v1::SendMessageResponse> Notifier::SendMessage(
    const base::Context& ctx, const v1::SendMessageRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckContent(request.content()));
  OPSMESH_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  Address address;
  switch (request.destination().destination_case()) {
    case v1::Destination::kChannel: {
      OPSMESH_ASSIGN_OR_RETURN(const ChannelConfig* channel,
                               parts_.channels.Find(request.destination().channel()));
      address.lane = channel->name;
      break;
    }
    case v1::Destination::kConversation: {
      OPSMESH_ASSIGN_OR_RETURN(address,
                               parts_.channels.AddressOf(request.destination().conversation()));
      break;
    }
    default:
      return base::InvalidArgument("destination", "DESTINATION",
                                   "The destination names neither a channel nor a conversation.");
  }
  if (!request.language().empty() && !text::ParseLanguageTag(request.language()).has_value()) {
    return base::InvalidArgument("language", "LANGUAGE",
                                 fmt::format("'{}' is no language we write.", request.language()))
        .Hint("One of zh-Hans, zh-Hant, en.");
  }
  if (request.fold_key().size() > 256) {
    return base::InvalidArgument("fold_key", "FOLD_KEY", "A fold_key has at most 256 bytes.");
  }
  Incoming incoming;
  incoming.letter = {.message_id = parts_.ids.NewId("msg_"),
                     .type = "message",
                     .severity = request.severity() == v1::SEVERITY_UNSPECIFIED
                                     ? v1::SEVERITY_INFO
                                     : request.severity(),
                     .content = Mask(request.content()),
                     .language = request.language(),
                     .created = ctx.clock().Now()};
  incoming.addresses = {address};
  incoming.fold_key = request.fold_key();
  incoming.fold_window = parts_.channels.config().outbox.fold_window;
  incoming.caller = CallerOf(ctx, "SendMessage");
  incoming.request_id = request.request_id();
  incoming.request_digest = DigestOf(request);
  incoming.max_waiting = parts_.channels.config().outbox.max_waiting;
  OPSMESH_ASSIGN_OR_RETURN(const Accepted accepted, parts_.store.Accept(incoming));
  parts_.dispatcher.Wake();
  v1::SendMessageResponse response;
  response.set_message_id(accepted.message_id);
  OPSMESH_ASSIGN_OR_RETURN(const std::vector<Delivery> deliveries,
                           parts_.store.Find(accepted.message_id));
  if (!deliveries.empty()) *response.mutable_delivery() = ToProto(deliveries.front());
  return response;
}

v1::TestChannelResponse Notifier::SendTest(const base::Context& ctx, const ChannelConfig& channel,
                                           const std::string& message) {
  Mailing mailing;
  mailing.letter.message_id = parts_.ids.NewId("test_");
  mailing.letter.type = "test";
  mailing.letter.created = ctx.clock().Now();
  type::v1::Text& text = *mailing.letter.content.mutable_text();
  text.set_zh(message.empty() ? "这是 OpsMesh 的测试消息：通道可用。" : Mask(message));
  text.set_en(message.empty() ? "This is a test message of OpsMesh: the channel works."
                              : text.zh());
  mailing.idempotency_key = mailing.letter.message_id;
  const std::shared_ptr<const Platform> platform = parts_.channels.PlatformOf(channel.name);
  http_client::Request request = platform->Compose(mailing, ctx.clock().Now());
  const OutboxConfig& outbox = parts_.channels.config().outbox;
  request.connect_timeout = outbox.connect_timeout;
  request.head_timeout = outbox.answer_timeout;
  request.idle_timeout = outbox.answer_timeout;

  v1::TestChannelResponse response;
  const absl::Duration began = ctx.clock().Steady();
  const absl::Time now = ctx.clock().Now();
  if (parts_.store.NoteWire(channel.name, now).ok()) parts_.dispatcher.NoteSent(channel.name, now);
  const auto answered =
      parts_.client.Fetch(ctx.WithTimeout(outbox.connect_timeout + outbox.answer_timeout), request);
  response.set_duration_ms(absl::ToDoubleMilliseconds(ctx.clock().Steady() - began));
  if (!answered.ok()) {
    const base::ErrorDetail detail = base::DetailOf(answered.status());
    response.set_failed_step(FailedStep(detail.reason));
    response.set_error(fmt::format("{}: {} {}", detail.reason,
                                   base::ToStd(answered.status().message()), detail.hint));
    return response;
  }
  const Verdict verdict = platform->Judge({.head = *answered, .body = answered->body}, mailing);
  response.set_success(verdict.kind == Verdict::Kind::kSent);
  if (!response.success()) {
    response.set_failed_step(FailedStep(verdict.reason));
    response.set_error(verdict.reason + ": " + verdict.error);
  }
  return response;
}

absl::StatusOr<v1::TestChannelResponse> Notifier::TestChannel(
    const base::Context& ctx, const v1::TestChannelRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  OPSMESH_ASSIGN_OR_RETURN(const ChannelConfig* channel,
                           parts_.channels.FindAny(request.channel()));
  if (request.message().size() > kMaxNoticeBytes) {
    return base::InvalidArgument("message", "MESSAGE_TOO_LONG",
                                 fmt::format("At most {} bytes are taken.", kMaxNoticeBytes));
  }
  v1::TestChannelResponse response;
  const std::string caller = CallerOf(ctx, "TestChannel");
  if (!request.request_id().empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const auto kept,
                             parts_.store.FindAnswer(caller, request.request_id()));
    if (kept.has_value() && kept->empty()) {
      response.set_failed_step("answer");
      response.set_error(
          "OUTCOME_UNKNOWN: This test was begun before and its end was not seen; take a new "
          "request_id.");
      return response;
    }
    if (kept.has_value() && response.ParseFromString(*kept)) return response;
    OPSMESH_RETURN_IF_ERROR(
        parts_.store.KeepAnswer(caller, request.request_id(), "", ctx.clock().Now()));
  }
  response = SendTest(ctx, *channel, request.message());
  if (!request.request_id().empty()) {
    OPSMESH_RETURN_IF_ERROR(parts_.store.KeepAnswer(
        caller, request.request_id(), response.SerializeAsString(), ctx.clock().Now()));
  }
  return response;
}

absl::StatusOr<v1::ListOutboxResponse> Notifier::ListOutbox(const v1::ListOutboxRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(const PageRequest asked, PageOf(request));
  OPSMESH_ASSIGN_OR_RETURN(const Page page,
                           parts_.store.List(false, request.channel(), asked.size, asked.offset));
  v1::ListOutboxResponse response;
  Fill(page, asked, &response);
  return response;
}

absl::StatusOr<v1::ListDeadLettersResponse> Notifier::ListDeadLetters(
    const v1::ListDeadLettersRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(const PageRequest asked, PageOf(request));
  OPSMESH_ASSIGN_OR_RETURN(const Page page,
                           parts_.store.List(true, request.channel(), asked.size, asked.offset));
  v1::ListDeadLettersResponse response;
  Fill(page, asked, &response);
  return response;
}

absl::StatusOr<v1::RetryDeadLetterResponse> Notifier::RetryDeadLetter(
    const base::Context& ctx, const v1::RetryDeadLetterRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(std::vector<Delivery> before, parts_.store.Find(request.message_id()));
  if (before.empty()) {
    return base::NotFound("MESSAGE", fmt::format("There is no message '{}'.", request.message_id()))
        .Hint("GET /api/v1/notify/dead-letters lists those that can be sent again.")
        .With("message_id", request.message_id());
  }
  const auto dead = std::find_if(before.begin(), before.end(),
                                 [](const auto& d) { return d.state == State::kDead; });
  const std::string lane = dead == before.end() ? before.front().lane : dead->lane;
  OPSMESH_RETURN_IF_ERROR(parts_.store.Requeue(request.message_id(), ctx.clock().Now()).status());
  parts_.dispatcher.Wake();
  OPSMESH_ASSIGN_OR_RETURN(const std::vector<Delivery> after,
                           parts_.store.Find(request.message_id()));
  v1::RetryDeadLetterResponse response;
  for (const Delivery& delivery : after) {
    if (delivery.lane == lane) *response.mutable_message() = ToOutboxMessage(delivery);
  }
  return response;
}

v1::GetNotifyStatusResponse Notifier::Status() const {
  using type::v1::ComponentStatus;
  v1::GetNotifyStatusResponse response;
  ComponentStatus& outbox = *response.add_components();
  outbox.set_name("notify");
  const NotifyConfig& config = parts_.channels.config();
  const auto waiting = parts_.store.Depth();
  const auto dead = parts_.store.List(true, "", 1, 0);
  if (!waiting.ok() || !dead.ok()) {
    outbox.set_state(ComponentStatus::STATE_DOWN);
    outbox.set_message("The outbox cannot be read: " +
                       std::string((waiting.ok() ? dead.status() : waiting.status()).message()));
  } else if (!config.enabled || config.channels.empty()) {
    outbox.set_state(ComponentStatus::STATE_DISABLED);
    outbox.set_message(
        config.enabled ? "No channel is configured: set FEISHU_WEBHOOK, DINGTALK_WEBHOOK_URL or "
                         "notify.channels."
                       : "Notifications are switched off (NOTIFICATION_ENABLED, notify.enabled).");
  } else {
    outbox.set_state(dead->total > 0 ? ComponentStatus::STATE_DEGRADED : ComponentStatus::STATE_OK);
    outbox.set_message(fmt::format("{} channels; {} messages wait, {} could not be delivered.",
                                   config.channels.size(), *waiting, dead->total));
  }
  for (const ChannelConfig& channel : config.channels) {
    *response.add_components() = parts_.channels.StatusOf(channel, parts_.store);
  }
  return response;
}

}  // namespace opsmesh::notify
