// The notify service in front of fake chat platforms, for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "libs/testing/fake_chat_platform.h"
#include "nlohmann/json.hpp"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"
#include "services/notify/config.h"
#include "services/notify/notify.h"

namespace opsmesh::notify {

using nlohmann::json;
using testing::FakeChatPlatform;
using v1::NotifyService;

inline constexpr char kImpatient[] = R"(
  outbox: {first_backoff: 20ms, max_backoff: 100ms, answer_timeout: 500ms, connect_timeout: 500ms, max_attempts: 4}
)";

class NotifyServiceTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml, bool keep_data = false) {
    if (!keep_data)
      folder_ = ::testing::TempDir() + "/notify-" + std::to_string(::getpid()) + "-" +
                std::to_string(++count_);
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = folder_;
    auto source = config::Source::FromYaml(yaml);
    ASSERT_TRUE(source.ok()) << source.status().message();
    options.config = *std::move(source);
    options.log_sink = std::make_shared<log::MemorySink>();
    auto process = server::Process::Start(std::move(options), {Spec()});
    ASSERT_TRUE(process.ok()) << process.status().message();
    process_ = *std::move(process);
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = NotifyService::NewStub(channel_->Get());
  }
  void Stop() {
    stub_.reset();
    channel_.reset();
    if (process_) process_->Stop(absl::Seconds(5));
    process_.reset();
  }
  void TearDown() override { Stop(); }
  /// One webhook, one DingTalk and one Feishu channel at the fake platform.
  std::string ThreeChannels(const std::string& more = kImpatient) const {
    return "notify:\n  channels:\n"
           "    hook: {kind: webhook, url: \"" +
           platform_.WebhookUrl() +
           "\", secret: hook-secret}\n"
           "    dingtalk: {kind: dingtalk, url: \"" +
           platform_.DingtalkUrl() +
           "\", secret: SECding, per_minute: 6000}\n"
           "    feishu: {kind: feishu, url: \"" +
           platform_.FeishuUrl() + "\", secret: fei-secret}\n" + more;
  }
  std::string OneChannel(const std::string& kind, const std::string& url,
                         const std::string& more = kImpatient) const {
    return "notify:\n  channels:\n    ops: {kind: " + kind + ", url: \"" + url +
           "\", per_minute: 6000}\n" + more;
  }
  base::Context Caller(const std::string& name = "test") const {
    return base::Context::Background()
        .WithTimeout(absl::Seconds(20))
        .WithPrincipal({name, base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (NotifyService::Stub::*method)(grpc::ClientContext*,
                                                                        const Req&, Resp*),
                            const Req& request) {
    return rpc::Call(Caller(), channel_->identity(), *stub_, method, request);
  }
  v1::NotifyResponse Notify(const std::string& message, const std::string& urgency = "medium",
                            const std::string& request_id = "") {
    v1::NotifyRequest request;
    request.set_type("human_help");
    request.set_message(message);
    request.set_urgency(urgency);
    if (!request_id.empty()) request.set_request_id(request_id);
    auto response = Call(&NotifyService::Stub::Notify, request);
    EXPECT_TRUE(response.ok()) << response.status().message();
    return response.ok() ? *response : v1::NotifyResponse();
  }
  v1::ListOutboxResponse Outbox() {
    return *Call(&NotifyService::Stub::ListOutbox, v1::ListOutboxRequest());
  }
  v1::ListDeadLettersResponse Dead() {
    return *Call(&NotifyService::Stub::ListDeadLetters, v1::ListDeadLettersRequest());
  }
  v1::GetNotifyStatusResponse Status() {
    return *Call(&NotifyService::Stub::GetNotifyStatus, v1::GetNotifyStatusRequest());
  }
  template <typename Condition>
  ::testing::AssertionResult Eventually(Condition condition) {
    const absl::Duration until = base::SystemClock().Steady() + absl::Seconds(20);
    while (base::SystemClock().Steady() < until) {
      if (condition()) return ::testing::AssertionSuccess();
      absl::SleepFor(absl::Milliseconds(5));
    }
    return ::testing::AssertionFailure() << "did not happen within 20 s";
  }
  bool Drained() { return Outbox().total_count() == 0; }

  FakeChatPlatform platform_{"SECding", "fei-secret"};
  std::string folder_;
  static inline int count_ = 0;
  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<NotifyService::Stub> stub_;
};

}  // namespace opsmesh::notify
