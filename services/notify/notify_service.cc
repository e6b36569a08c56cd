#include "services/notify/notify_service.h"

#include <string_view>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/runner.h"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"

namespace opsmesh::notify {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using type::v1::ComponentStatus;
using namespace opsmesh::notify::v1;  // NOLINT(build/namespaces): this file is the face of exactly that package

constexpr std::string_view kSending = "Notifications are not sent in this version; this service will route, fold and send them.";
constexpr std::string_view kUntilSending = "Answers still go back to whoever asks, over REST, the CLI and the chat platforms.";
constexpr std::string_view kOutbox = "There is no outbox in this version; this service will keep one when it sends.";
constexpr std::string_view kUntilOutbox = "GET /api/v1/notify/channels shows the configured channels.";

Severity SeverityOf(const std::string& name) {
  if (name == "critical") return SEVERITY_CRITICAL;
  return name == "warning" ? SEVERITY_WARNING : SEVERITY_INFO;
}

ComponentStatus StatusOf(const ChannelConfig& channel, bool notifications_enabled) {
  ComponentStatus status;
  status.set_name(channel.name);
  status.set_state(ComponentStatus::STATE_DISABLED);
  if (!notifications_enabled) {
    status.set_message("Notifications are switched off (NOTIFICATION_ENABLED, notify.enabled).");
  } else if (!channel.enabled) {
    status.set_message("The channel is switched off (notify.channels." + channel.name + ".enabled).");
  } else {
    status.set_message("Configured; sending is not built in this version.");
  }
  return status;
}

class NotifyServiceImpl final : public NotifyService::CallbackService {
 public:
  NotifyServiceImpl(rpc::Runner& runner, NotifyConfig config) : runner_(runner), config_(std::move(config)) {}

  ServerUnaryReactor* Notify(CallbackServerContext* context, const NotifyRequest* request,
                             NotifyResponse* response) override {
    return NotBuilt(context, request, response, kSending, kUntilSending);
  }

  ServerUnaryReactor* SendMessage(CallbackServerContext* context, const SendMessageRequest* request,
                                  SendMessageResponse* response) override {
    return NotBuilt(context, request, response, kSending, kUntilSending);
  }

  ServerUnaryReactor* ListChannels(CallbackServerContext* context, const ListChannelsRequest* request,
                                   ListChannelsResponse* response) override {
    return runner_.Unary(context, request, response, [this](const base::Context&, const ListChannelsRequest&) {
      return absl::StatusOr<ListChannelsResponse>(Channels());
    });
  }

  ServerUnaryReactor* TestChannel(CallbackServerContext* context, const TestChannelRequest* request,
                                  TestChannelResponse* response) override {
    return NotBuilt(context, request, response, kSending, kUntilSending);
  }

  ServerUnaryReactor* ListOutbox(CallbackServerContext* context, const ListOutboxRequest* request,
                                 ListOutboxResponse* response) override {
    return NotBuilt(context, request, response, kOutbox, kUntilOutbox);
  }

  ServerUnaryReactor* ListDeadLetters(CallbackServerContext* context, const ListDeadLettersRequest* request,
                                      ListDeadLettersResponse* response) override {
    return NotBuilt(context, request, response, kOutbox, kUntilOutbox);
  }

  ServerUnaryReactor* RetryDeadLetter(CallbackServerContext* context, const RetryDeadLetterRequest* request,
                                      RetryDeadLetterResponse* response) override {
    return NotBuilt(context, request, response, kOutbox, kUntilOutbox);
  }

  ServerUnaryReactor* GetNotifyStatus(CallbackServerContext* context, const GetNotifyStatusRequest* request,
                                      GetNotifyStatusResponse* response) override {
    return runner_.Unary(context, request, response, [this](const base::Context&, const GetNotifyStatusRequest&) {
      GetNotifyStatusResponse status;
      ComponentStatus& sending = *status.add_components();
      sending.set_name("notify");
      sending.set_state(ComponentStatus::STATE_DISABLED);
      sending.set_message(std::string(kSending));
      for (const ChannelConfig& channel : config_.channels) *status.add_components() = StatusOf(channel, config_.enabled);
      return absl::StatusOr<GetNotifyStatusResponse>(std::move(status));
    });
  }

 private:
  ListChannelsResponse Channels() const {
    ListChannelsResponse list;
    list.set_notifications_enabled(config_.enabled);
    for (const ChannelConfig& configured : config_.channels) {
      Channel& channel = *list.add_channels();
      channel.set_channel(configured.name);
      channel.set_kind(configured.kind);
      channel.set_enabled(configured.enabled);
      channel.set_least_severity(SeverityOf(configured.least_severity));
      for (const std::string& name : configured.namespaces) channel.add_namespaces(name);
      channel.set_host(HostOf(configured.url.Reveal()));
      *channel.mutable_status() = StatusOf(configured, config_.enabled);
    }
    return list;
  }

  /// Answers UNIMPLEMENTED after the checks every call goes through. `method` is the RPC, the name of the caller.
  template <typename Req, typename Resp>
  ServerUnaryReactor* NotBuilt(CallbackServerContext* context, const Req* request, Resp* response,
                               std::string_view sentence, std::string_view until,
                               const char* method = __builtin_FUNCTION()) {
    return runner_.Unary(
        context, request, response,
        [sentence, until](const base::Context&, const Req&) -> absl::StatusOr<Resp> {
          return base::Unimplemented("NOT_BUILT", sentence).Hint(until);
        },
        method);
  }

  rpc::Runner& runner_;
  const NotifyConfig config_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeNotifyService(rpc::Runner& runner, NotifyConfig config) {
  return std::make_unique<NotifyServiceImpl>(runner, std::move(config));
}

}  // namespace opsmesh::notify
