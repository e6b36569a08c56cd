#include "services/notify/channels.h"

#include <algorithm>

#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::notify {
namespace {

using type::v1::ComponentStatus;

constexpr const char* kDingtalkOrigins[] = {"https://oapi.dingtalk.com",
                                            "https://api.dingtalk.com"};
constexpr size_t kMaxReplyUrl = 2048;

int Rank(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_WARNING:
      return 2;
    case v1::SEVERITY_CRITICAL:
      return 3;
    case v1::SEVERITY_RESOLVED:
      return 4;
    default:
      return 1;
  }
}

v1::Severity SeverityOf(const std::string& name) {
  if (name == "critical") return v1::SEVERITY_CRITICAL;
  return name == "warning" ? v1::SEVERITY_WARNING : v1::SEVERITY_INFO;
}

std::string HowTheLastWent(const LaneReport& report, ComponentStatus::State* state) {
  std::string dead =
      report.dead == 0
          ? ""
          : fmt::format(" {} dead letters: GET /api/v1/notify/dead-letters.", report.dead);
  if (!report.last.has_value()) return "Configured; nothing was sent yet." + dead;
  const Delivery& last = *report.last;
  if (last.state == State::kSent) {
    if (report.dead > 0) *state = ComponentStatus::STATE_DEGRADED;
    return fmt::format("The last message went out; {} wait.", report.waiting) + dead;
  }
  if (last.state == State::kDead) {
    *state = ComponentStatus::STATE_DOWN;
    return "The last message could not be delivered: " + last.error + dead;
  }
  *state = last.attempts > 3 ? ComponentStatus::STATE_DOWN : ComponentStatus::STATE_DEGRADED;
  return fmt::format("The last try failed and {} wait: {}", report.waiting, last.error);
}

}  // namespace

Channels::Channels(NotifyConfig config) : config_(std::move(config)) {
  for (const ChannelConfig& channel : config_.channels)
    platforms_[channel.name] = MakePlatform(channel);
}

std::vector<std::string> Channels::Route(v1::Severity severity,
                                         const std::string& name_space) const {
  std::vector<std::string> names;
  if (!config_.enabled) return names;
  for (const ChannelConfig& channel : config_.channels) {
    const auto& only = channel.namespaces;
    if (!channel.enabled || platforms_.at(channel.name) == nullptr) continue;
    if (Rank(severity) < Rank(SeverityOf(channel.least_severity))) continue;
    if (!only.empty() && std::find(only.begin(), only.end(), name_space) == only.end()) continue;
    names.push_back(channel.name);
  }
  return names;
}

absl::StatusOr<const ChannelConfig*> Channels::FindAny(const std::string& name) const {
  std::vector<std::string> names;
  for (const ChannelConfig& channel : config_.channels) {
    if (channel.name == name) {
      if (platforms_.at(name) != nullptr) return &channel;
      return base::Unimplemented(
                 "NOT_BUILT",
                 fmt::format("Channels of kind '{}' are not built in this version.", channel.kind))
          .Hint("Use dingtalk, feishu, slack or webhook.");
    }
    names.push_back(channel.name);
  }
  const std::string_view nearest = base::Nearest(name, names);
  return base::NotFound("CHANNEL", fmt::format("There is no channel '{}'.", name))
      .Hint(nearest.empty() ? "GET /api/v1/notify/channels lists them."
                            : fmt::format("Did you mean '{}'?", nearest))
      .With("channel", name);
}

absl::StatusOr<const ChannelConfig*> Channels::Find(const std::string& name) const {
  OPSMESH_ASSIGN_OR_RETURN(const ChannelConfig* channel, FindAny(name));
  if (!config_.enabled) {
    return base::FailedPrecondition("NOTIFICATIONS_OFF", "Notifications are switched off.")
        .Hint("Set NOTIFICATION_ENABLED=true (notify.enabled) and restart.");
  }
  if (!channel->enabled) {
    return base::FailedPrecondition("CHANNEL_DISABLED",
                                    fmt::format("The channel '{}' is switched off.", name))
        .Hint(fmt::format("Set notify.channels.{}.enabled: true and restart.", name));
  }
  return channel;
}

std::shared_ptr<const Platform> Channels::PlatformOf(const std::string& name) const {
  const auto found = platforms_.find(name);
  return found == platforms_.end() ? nullptr : found->second;
}

absl::StatusOr<Address> Channels::AddressOf(const v1::Conversation& conversation) const {
  const std::string& platform = conversation.platform();
  if (platform != "dingtalk" && platform != "feishu" && platform != "slack") {
    return base::InvalidArgument("destination.conversation.platform", "DESTINATION",
                                 fmt::format("'{}' is no platform.", platform))
        .Hint("One of dingtalk, feishu, slack.");
  }
  if (conversation.conversation_id().empty() || conversation.conversation_id().size() > 256) {
    return base::InvalidArgument("destination.conversation.conversation_id", "DESTINATION",
                                 "A conversation id has 1 to 256 bytes.");
  }
  if (platform != "dingtalk" || conversation.reply_url().empty()) {
    return base::Unimplemented(
               "NOT_BUILT",
               fmt::format("Answers into conversations of {} without a reply address are not built "
                           "in this version.",
                           platform))
        .Hint("Send to a configured channel, or hand over DingTalk's sessionWebhook as reply_url.");
  }
  const std::string origin = OriginOf(conversation.reply_url());
  const bool ours = std::find(std::begin(kDingtalkOrigins), std::end(kDingtalkOrigins), origin) !=
                    std::end(kDingtalkOrigins);
  const auto& more = config_.reply_origins;
  if (origin.empty() || conversation.reply_url().size() > kMaxReplyUrl ||
      (!ours && std::find(more.begin(), more.end(), origin) == more.end())) {
    return base::InvalidArgument(
               "destination.conversation.reply_url", "DESTINATION",
               "The reply address does not belong to DingTalk; nothing is sent there.")
        .Hint(
            "DingTalk's are below https://oapi.dingtalk.com; notify.reply_origins allows others.");
  }
  return Address{platform + ":" + conversation.conversation_id(), conversation.reply_url()};
}

Dispatcher::Lane Channels::LaneOf(const std::string& lane, const std::string& reply_url,
                                  const std::string& language) const {
  const size_t colon = lane.find(':');
  if (colon != std::string::npos && platforms_.count(lane) == 0) {
    return {reply_url.empty()
                ? nullptr
                : std::shared_ptr<const Platform>(MakeDingtalkReply(reply_url, language)),
            AfterUnknown::kHold, "conversation:" + lane.substr(0, colon)};
  }
  for (const ChannelConfig& channel : config_.channels) {
    if (channel.name == lane)
      return {channel.enabled ? platforms_.at(lane) : nullptr, channel.after_unknown, lane};
  }
  return {nullptr, AfterUnknown::kHold, "removed"};
}

ComponentStatus Channels::StatusOf(const ChannelConfig& channel, Store& store) const {
  ComponentStatus status;
  status.set_name(channel.name);
  status.set_state(ComponentStatus::STATE_DISABLED);
  if (!config_.enabled) {
    status.set_message("Notifications are switched off (NOTIFICATION_ENABLED, notify.enabled).");
  } else if (!channel.enabled) {
    status.set_message("The channel is switched off (notify.channels." + channel.name +
                       ".enabled).");
  } else if (platforms_.at(channel.name) == nullptr) {
    status.set_message("Channels of kind '" + channel.kind + "' are not built in this version.");
  } else if (const auto report = store.Report(channel.name); !report.ok()) {
    status.set_state(ComponentStatus::STATE_DOWN);
    status.set_message("The outbox cannot be read: " + std::string(report.status().message()));
  } else {
    ComponentStatus::State state = ComponentStatus::STATE_OK;
    status.set_message(HowTheLastWent(*report, &state));
    status.set_state(state);
    if (report->last.has_value()) {
      *status.mutable_checked_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(
          absl::ToUnixMicros(report->last->updated));
    }
  }
  return status;
}

v1::ListChannelsResponse Channels::List(Store& store) const {
  v1::ListChannelsResponse list;
  list.set_notifications_enabled(config_.enabled);
  for (const ChannelConfig& configured : config_.channels) {
    v1::Channel& channel = *list.add_channels();
    channel.set_channel(configured.name);
    channel.set_kind(configured.kind);
    channel.set_enabled(configured.enabled);
    channel.set_least_severity(SeverityOf(configured.least_severity));
    for (const std::string& name : configured.namespaces) channel.add_namespaces(name);
    channel.set_host(HostOf(configured.url.Reveal()));
    *channel.mutable_status() = StatusOf(configured, store);
  }
  return list;
}

}  // namespace opsmesh::notify
