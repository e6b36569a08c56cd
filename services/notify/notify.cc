#include "services/notify/notify.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "services/notify/config.h"
#include "services/notify/notify_service.h"

namespace opsmesh::notify {
namespace {

class NotifyPart final : public server::Service {
 public:
  NotifyPart(server::Environment& env, NotifyConfig config) : grpc_(MakeNotifyService(env.runner, std::move(config))) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const std::unique_ptr<grpc::Service> grpc_;
};

}  // namespace

server::ServiceSpec Spec() {
  return {
      .name = "notify",
      .grpc_service = "opsmesh.notify.v1.NotifyService",
      .config_sections = {"notify"},
      .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
      .build = [](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        OPSMESH_ASSIGN_OR_RETURN(NotifyConfig config, LoadConfig(env.config));
        return std::make_unique<NotifyPart>(env, std::move(config));
      },
  };
}

}  // namespace opsmesh::notify
