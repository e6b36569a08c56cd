#include "gateway/spec.h"

#include <memory>
#include <utility>

#include "fmt/format.h"
#include "gateway/config.h"
#include "gateway/contract/contract.h"
#include "gateway/gateway.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

// What running requests get between SIGTERM's drain and the end; the process bounds the whole.
constexpr absl::Duration kStopGrace = absl::Seconds(3);

class GatewayService final : public server::Service {
 public:
  GatewayService(const server::Environment& environment, Options options, OnListening on_listening)
      : environment_(environment),
        options_(std::move(options)),
        on_listening_(std::move(on_listening)) {}

  std::vector<grpc::Service*> GrpcServices() override { return {}; }

  absl::Status Start() override {
    Parts parts{.descriptor_set = OwnDescriptorSet(),
                .channels = &environment_.channels,
                .registry = &environment_.metrics,
                .logger = &environment_.logger,
                .clock = &environment_.clock,
                .ids = &environment_.ids};
    OPSMESH_ASSIGN_OR_RETURN(gateway_, Gateway::Start(options_, parts));
    std::vector<std::string> urls;
    for (size_t i = 0; i < options_.listeners.size(); ++i) {
      const std::string& address = options_.listeners[i].address;
      const bool ipv6 = address.find(':') != std::string::npos;
      urls.push_back(
          fmt::format("http://{}:{}", ipv6 ? "[" + address + "]" : address, gateway_->port(i)));
      environment_.logger.Info("listening", {{"url", urls.back()}});
    }
    if (on_listening_) on_listening_(urls);
    return absl::OkStatus();
  }

  void Drain() override {
    if (gateway_ != nullptr) gateway_->Drain();
  }
  void Stop() override {
    if (gateway_ != nullptr) gateway_->Stop(kStopGrace);
    gateway_ = nullptr;
  }

 private:
  const server::Environment& environment_;
  const Options options_;
  const OnListening on_listening_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace

server::ServiceSpec Spec(OnListening on_listening) {
  server::ServiceSpec spec;
  spec.name = "gateway";
  spec.config_sections = {"gateway"};
  spec.check_config = [](const config::Source& source) { return LoadOptions(source).status(); };
  spec.build =
      [on_listening = std::move(on_listening)](
          server::Environment& environment) -> absl::StatusOr<std::unique_ptr<server::Service>> {
    OPSMESH_ASSIGN_OR_RETURN(Options options, LoadOptions(environment.config));
    options.auth_keys = environment.authenticator.options().keys;
    return std::make_unique<GatewayService>(environment, std::move(options), on_listening);
  };
  return spec;
}

}  // namespace opsmesh::gateway
