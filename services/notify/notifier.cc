#include "services/notify/notifier.h"

#include <algorithm>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/text/language.h"
#include "services/notify/request_checks.h"
#include "services/notify/signature.h"
#include "services/notify/stored_messages.h"

namespace opsmesh::notify {
namespace {

/// Callers may see the message go out: for so long, and so many of them at a time, they are kept.
constexpr absl::Duration kSeeItGo = absl::Milliseconds(1500);
constexpr int kMaxWaitingCallers = 3;

/// Idempotency keys belong to a caller and a method.
std::string CallerOf(const base::Context& ctx, std::string_view method) {
  return fmt::format("{}:{}", method, ctx.principal().id);
}

template <typename Request>
std::string DigestOf(Request request) {
  request.clear_request_id();
  return Sha256Hex(request.SerializeAsString());
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
  letter.content.mutable_text()->set_zh(masking_.Mask(request.message()));
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
                     .content = masking_.Mask(request.content()),
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
  text.set_zh(message.empty() ? "这是 OpsMesh 的测试消息：通道可用。" : masking_.Mask(message));
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
