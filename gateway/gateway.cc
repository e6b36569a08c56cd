#include "gateway/gateway.h"

#include <utility>

#include "fmt/format.h"
#include "gateway/document/openapi.h"
#include "gateway/serve/core.h"
#include "gateway/serve/front.h"
#include "gateway/serve/http_error.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::gateway {
namespace {

// The status that stands for an answer the HTTP server makes by itself.
absl::Status ServerError(int status, std::string_view reason, std::string_view message) {
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  if (status == 408) code = absl::StatusCode::kDeadlineExceeded;
  if (status == 413 || status == 431 || status == 429) code = absl::StatusCode::kResourceExhausted;
  if (status == 500) code = absl::StatusCode::kInternal;
  if (status == 501 || status == 505) code = absl::StatusCode::kUnimplemented;
  if (status == 503) code = absl::StatusCode::kUnavailable;
  base::Error error(code, reason, message);
  if (status == 413) return std::move(error).Hint("Send a smaller body.");
  return error;
}

class GatewayImpl final : public Gateway {
 public:
  explicit GatewayImpl(std::unique_ptr<Core> core) : core_(std::move(core)) {}
  ~GatewayImpl() override { Stop(absl::ZeroDuration()); }

  absl::Status Listen() {
    for (const Listener& listener : core_->options.listeners) {
      http_server::Options http;
      http.address = listener.address;
      http.port = listener.port;
      http.threads = core_->options.threads;
      http.trusted_proxies = core_->options.trusted_proxies;
      http.clock = &core_->clock;
      http.limits = [core = core_.get()](const http_server::Request& head) {
        return LimitsOf(*core, head);
      };
      http.error_response = [core = core_.get()](int status, std::string_view reason,
                                                 std::string_view message) {
        return OwnAnswer(*core, status, reason, message);
      };
      OPSMESH_ASSIGN_OR_RETURN(
          auto server, http_server::Server::Start(http, [core = core_.get()](auto exchange) {
            Handle(*core, std::move(exchange));
          }));
      servers_.push_back(std::move(server));
    }
    return absl::OkStatus();
  }

  uint16_t port(size_t listener) const override { return servers_.at(listener)->port(); }
  std::vector<std::string> notices() const override { return core_->auth.notices(); }

  void Drain() override {
    core_->draining = true;
    core_->streams.InterruptAll();
  }

  void Stop(absl::Duration grace) override {
    Drain();
    const absl::Duration end = core_->clock.Steady() + grace;
    for (const auto& server : servers_) {
      server->Stop(std::max(absl::ZeroDuration(), end - core_->clock.Steady()));
    }
    core_->live.WaitForNone();
  }

 private:
  static http_server::Response OwnAnswer(Core& core, int status, std::string_view reason,
                                         std::string_view message) {
    http_server::Response response = ErrorResponse(ServerError(status, reason, message),
                                                   ErrorStyle::kHouse, core.ids.NewId("req_"));
    response.status = status;
    AddSecurityHeaders(&response.headers);
    return response;
  }

  const std::unique_ptr<Core> core_;
  std::vector<std::unique_ptr<http_server::Server>> servers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(Options options, Parts parts) {
  if (options.listeners.empty()) {
    return base::InvalidArgument("listeners", "LISTENERS",
                                 "The gateway has no address to listen at.")
        .Hint("Name at least one in gateway.listen.");
  }
  OPSMESH_ASSIGN_OR_RETURN(auto contract, Contract::Load(parts.descriptor_set));
  OPSMESH_ASSIGN_OR_RETURN(auto routes, RouteTable::Build(*contract));
  OPSMESH_ASSIGN_OR_RETURN(std::string openapi,
                           OpenApiDocument(parts.descriptor_set, {.version = options.version}));
  auto core =
      std::make_unique<Core>(std::move(options), parts, std::move(contract), std::move(routes));
  core->openapi = std::move(openapi);
  for (const std::string& notice : core->auth.notices()) parts.logger->Warn(notice);
  auto gateway = std::make_unique<GatewayImpl>(std::move(core));
  OPSMESH_RETURN_IF_ERROR(gateway->Listen());
  return gateway;
}

}  // namespace opsmesh::gateway
