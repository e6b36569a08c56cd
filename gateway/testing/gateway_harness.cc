#include "gateway/testing/gateway_harness.h"

#include <stdexcept>

#include "fmt/format.h"
#include "gateway/testing/toy_contract.h"
#include "grpc/grpc.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {

nlohmann::json TestAnswer::json() const { return nlohmann::json::parse(raw.body, nullptr, false); }

std::string TestAnswer::Reason() const {
  const nlohmann::json parsed = json();
  if (!parsed.is_object() || !parsed.contains("error")) return fmt::format("{} ?", status);
  return fmt::format("{} {}", status, parsed["error"].value("reason", "?"));
}

namespace {

// gRPC ends itself with its last user, here with every test, and then waits up to ten seconds for a
// poll of its own when a write had to wait for a slow reader shortly before.
[[maybe_unused]] const bool kGrpcKept = [] {
  grpc_init();
  return true;
}();

}  // namespace

GatewayHarness::GatewayHarness(Options options)
    : sink_(std::make_shared<log::MemorySink>()), logger_(sink_, {.service = "gateway"}) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  auto gateway = Gateway::Start(std::move(options), {.descriptor_set = ToyDescriptorSet(),
                                                     .channels = this,
                                                     .registry = &registry_,
                                                     .logger = &logger_});
  if (!gateway.ok()) throw std::runtime_error(gateway.status().ToString());
  gateway_ = *std::move(gateway);
}

GatewayHarness::~GatewayHarness() {
  service_.Unblock();
  gateway_ = nullptr;
  KillService();
}

void GatewayHarness::KillService() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_ = nullptr;
}

absl::StatusOr<rpc::Channel> GatewayHarness::For(std::string_view service_full_name) const {
  if (service_full_name != "opsmesh.toy.v1.ToyService")
    return base::NotFound("SERVICE_UNKNOWN", service_full_name);
  auto identity = std::make_shared<rpc::CallIdentity>();
  identity->service = "gateway";
  return rpc::MakeChannel({.target = fmt::format("127.0.0.1:{}", port_)}, std::move(identity));
}

std::string Format(const TestRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  const auto given = [&request](std::string_view name) {
    for (const auto& [n, v] : request.headers) {
      if (base::EqualsIgnoreAsciiCase(n, name)) return true;
    }
    return false;
  };
  if (!given("Host")) text += "Host: localhost\r\n";
  if (!given("Content-Length") && !given("Transfer-Encoding") &&
      (!request.body.empty() || request.method != "GET")) {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  for (const auto& [name, value] : request.headers) {
    if (!value.empty()) text += fmt::format("{}: {}\r\n", name, value);
  }
  return text + "\r\n" + request.body;
}

std::unique_ptr<http_server::RawClient> GatewayHarness::Begin(const TestRequest& request,
                                                              int receive_buffer) {
  auto client = std::make_unique<http_server::RawClient>(gateway_->port(), receive_buffer);
  client->Send(Format(request));
  return client;
}

TestAnswer GatewayHarness::Send(const TestRequest& request) {
  const auto client = Begin(request);
  TestAnswer answer;
  if (auto raw = client->ReadAnswer(request.method == "HEAD")) {
    answer.raw = *std::move(raw);
    answer.status = answer.raw.status;
  }
  return answer;
}

TestAnswer GatewayHarness::Get(std::string target,
                               std::vector<std::pair<std::string, std::string>> headers) {
  return Send({.target = std::move(target), .headers = std::move(headers)});
}

TestAnswer GatewayHarness::Post(std::string target, std::string body,
                                std::vector<std::pair<std::string, std::string>> headers) {
  headers.emplace_back("Content-Type", "application/json");
  return Send({.method = "POST",
               .target = std::move(target),
               .body = std::move(body),
               .headers = std::move(headers)});
}

}  // namespace opsmesh::gateway
