// A real gateway over a real socket in front of the toy service, for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/testing/toy_service.h"
#include "grpcpp/server.h"
#include "libs/http_server/raw_client.h"
#include "libs/log/logger.h"
#include "libs/rpc/channel.h"
#include "libs/telemetry/metrics.h"
#include "nlohmann/json.hpp"

namespace opsmesh::gateway {

/// One HTTP request as a test writes it. `Host` and `Content-Length` are added.
struct TestRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      headers;  // replace the ones added when of the same name
};

struct TestAnswer {
  int status = 0;
  http_server::RawAnswer raw;
  std::string Header(std::string_view lower_name) const { return raw.Header(lower_name); }
  const std::string& body() const { return raw.body; }
  nlohmann::json json() const;
  /// "<status> <reason>" of the designed error body; "<status> ?" when the body is another.
  std::string Reason() const;
};

class GatewayHarness final : private rpc::ChannelSource {
 public:
  /// Fails the test (throws) when the gateway does not start.
  explicit GatewayHarness(Options options = {});
  ~GatewayHarness() override;

  TestAnswer Send(const TestRequest& request);
  TestAnswer Get(std::string target, std::vector<std::pair<std::string, std::string>> headers = {});
  /// POST of JSON.
  TestAnswer Post(std::string target, std::string body,
                  std::vector<std::pair<std::string, std::string>> headers = {});
  /// A connection on which the request was sent; the answer is not read yet.
  std::unique_ptr<http_server::RawClient> Begin(const TestRequest& request, int receive_buffer = 0);

  ToyServiceImpl& service() { return service_; }
  Gateway& gateway() { return *gateway_; }
  log::MemorySink& log() { return *sink_; }
  telemetry::Registry& registry() { return registry_; }
  /// Ends the toy service at once, running calls included.
  void KillService();

 private:
  absl::StatusOr<rpc::Channel> For(std::string_view service_full_name) const override;

  ToyServiceImpl service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<log::MemorySink> sink_;
  log::Logger logger_;
  telemetry::Registry registry_;
  std::unique_ptr<Gateway> gateway_;
};

/// The wire text of a request.
std::string Format(const TestRequest& request);

/// Waits until `condition` holds, at most ten seconds; whether it did.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

}  // namespace opsmesh::gateway
