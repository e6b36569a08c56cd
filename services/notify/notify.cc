#include "services/notify/notify.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "libs/log/logger.h"
#include "services/notify/channels.h"
#include "services/notify/config.h"
#include "services/notify/dispatcher.h"
#include "services/notify/notifier.h"
#include "services/notify/notify_service.h"
#include "services/notify/store.h"

namespace opsmesh::notify {
namespace {

/// At shutdown a message on the wire gets so long to be answered.
constexpr absl::Duration kShutdownGrace = absl::Seconds(8);

class NotifyPart final : public server::Service {
 public:
  NotifyPart(server::Environment& env, NotifyConfig config, std::unique_ptr<Store> store,
             std::function<void(std::string_view)> on_step)
      : channels_(std::move(config)),
        store_(std::move(store)),
        client_(http_client::Client::Create({.user_agent = "opsmesh-notify"})),
        dispatcher_(*store_, *client_,
                    [this](const std::string& lane, const std::string& reply_url,
                           const std::string& language) {
                      return channels_.LaneOf(lane, reply_url, language);
                    },
                    {.outbox = channels_.config().outbox,
                     .enabled = channels_.config().enabled,
                     .clock = &env.clock,
                     .ids = &env.ids,
                     .logger = &env.logger,
                     .metrics = &env.metrics,
                     .on_step = std::move(on_step)}),
        notifier_({channels_, *store_, dispatcher_, *client_, env.redactor, env.ids, env.metrics}),
        grpc_(MakeNotifyService(env.runner, notifier_)) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }
  absl::Status Start() override {
    dispatcher_.Start();
    return absl::OkStatus();
  }
  void Stop() override { dispatcher_.Stop(kShutdownGrace); }

 private:
  const Channels channels_;
  const std::unique_ptr<Store> store_;
  const std::unique_ptr<http_client::Client> client_;
  Dispatcher dispatcher_;
  Notifier notifier_;
  const std::unique_ptr<grpc::Service> grpc_;
};

}  // namespace

server::ServiceSpec Spec(std::function<void(std::string_view step)> on_step) {
  return {
      .name = "notify",
      .grpc_service = "opsmesh.notify.v1.NotifyService",
      .config_sections = {"notify"},
      .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
      .build =
          [on_step](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        OPSMESH_ASSIGN_OR_RETURN(NotifyConfig config, LoadConfig(env.config));
        std::string quarantined;
        OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                                 OpenSqliteStore(env.data_dir + "/notify.db", &quarantined));
        if (!quarantined.empty()) {
          env.logger.Error(base::Context::Background(),
                           "the outbox was corrupted; it was moved aside and a new one begun",
                           {{"moved_to", quarantined}});
        }
        return std::make_unique<NotifyPart>(env, std::move(config), std::move(store), on_step);
      },
  };
}

}  // namespace opsmesh::notify
