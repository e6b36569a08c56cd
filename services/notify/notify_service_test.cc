// The service as its callers see it: a real process in this process, real gRPC.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"
#include "services/notify/config.h"
#include "services/notify/notify.h"

namespace opsmesh::notify {
namespace {

using v1::NotifyService;

class NotifyServiceTest : public testing::Test {
 protected:
  void Start(const std::string& yaml) {
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = testing::TempDir() + "/notify";
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
  void TearDown() override {
    if (process_) process_->Stop(absl::Seconds(5));
  }
  base::Context Caller() const {
    return base::Context::Background().WithTimeout(absl::Seconds(20)).WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (NotifyService::Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                            const Req& request) {
    return rpc::Call(Caller(), channel_->identity(), *stub_, method, request);
  }
  v1::GetNotifyStatusResponse Status() {
    auto status = Call(&NotifyService::Stub::GetNotifyStatus, v1::GetNotifyStatusRequest());
    EXPECT_TRUE(status.ok()) << status.status().message();
    return status.ok() ? *status : v1::GetNotifyStatusResponse();
  }

  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<NotifyService::Stub> stub_;
};

void ExpectNotBuilt(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status.message();
  EXPECT_EQ(base::DetailOf(status).reason, "NOT_BUILT");
  EXPECT_FALSE(base::DetailOf(status).hint.empty());
}

constexpr char kTwoChannels[] = R"(
notify:
  channels:
    ops: {kind: webhook, url: "https://hooks.example.com/T0/secret-part", least_severity: critical, namespaces: [shop]}
  feishu_webhook: "https://open.feishu.cn/open-apis/bot/v2/hook/secret-token"
)";

TEST_F(NotifyServiceTest, SaysWhatWillDoItWhenANoticeIsToBeSent) {
  Start("{}");
  v1::NotifyRequest request;
  request.set_type("human_help");
  request.set_message("需要人工协助处理Kubernetes集群中的问题");
  ExpectNotBuilt(Call(&NotifyService::Stub::Notify, request).status());
  ExpectNotBuilt(Call(&NotifyService::Stub::ListOutbox, v1::ListOutboxRequest()).status());
}

TEST_F(NotifyServiceTest, RefusesANoticeWithoutAMessage) {
  Start("{}");
  v1::NotifyRequest request;
  request.set_type("human_help");
  const absl::Status status = Call(&NotifyService::Stub::Notify, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status.message();
  EXPECT_EQ(base::DetailOf(status).field, "message");
}

TEST_F(NotifyServiceTest, ListsTheConfiguredChannelsByNameAndShowsNoSecret) {
  Start(kTwoChannels);
  const auto list = Call(&NotifyService::Stub::ListChannels, v1::ListChannelsRequest());
  ASSERT_TRUE(list.ok()) << list.status().message();
  ASSERT_EQ(list->channels_size(), 2);
  EXPECT_EQ(list->channels(0).channel(), "feishu");
  EXPECT_EQ(list->channels(0).host(), "open.feishu.cn");
  EXPECT_EQ(list->channels(1).channel(), "ops");
  EXPECT_EQ(list->channels(1).least_severity(), v1::SEVERITY_CRITICAL);
  EXPECT_EQ(list->channels(1).namespaces(0), "shop");
  EXPECT_EQ(list->DebugString().find("secret-"), std::string::npos) << list->DebugString();
}

TEST_F(NotifyServiceTest, ReportsEveryChannelInItsStatus) {
  Start(kTwoChannels);
  const v1::GetNotifyStatusResponse status = Status();
  ASSERT_EQ(status.components_size(), 3);
  EXPECT_EQ(status.components(0).name(), "notify");
  EXPECT_EQ(status.components(2).name(), "ops");
  EXPECT_EQ(status.components(2).state(), type::v1::ComponentStatus::STATE_DISABLED);
}

TEST(NotifyConfig, TakesTheDocumentedVariables) {
  const auto source = config::Source::FromYaml("{}", "test.yaml",
                                               {{"FEISHU_WEBHOOK", "https://open.feishu.cn/open-apis/bot/v2/hook/x"},
                                                {"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=x"},
                                                {"NOTIFICATION_ENABLED", "false"}});
  ASSERT_TRUE(source.ok());
  const auto loaded = LoadConfig(*source);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_FALSE(loaded->enabled);
  ASSERT_EQ(loaded->channels.size(), 2u);
  EXPECT_EQ(loaded->channels[0].name, "dingtalk");
  EXPECT_EQ(loaded->channels[1].name, "feishu");
}

TEST(NotifyConfig, TellsEveryProblemAtOnce) {
  const auto source = config::Source::FromYaml("notify: {channels: {a: {kind: pigeon, url: 'https://x/y'}, b: {kind: slack}}}");
  ASSERT_TRUE(source.ok());
  const absl::Status status = LoadConfig(*source).status();
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("pigeon"), absl::string_view::npos) << status.message();
  EXPECT_NE(status.message().find("b.url"), absl::string_view::npos) << status.message();
}

TEST(HostOf, ShowsNothingButTheHost) {
  EXPECT_EQ(HostOf("https://user:pw@hooks.example.com:8443/T0/x?k=v"), "hooks.example.com:8443");
  EXPECT_EQ(HostOf("hooks.example.com/T0"), "");
}

}  // namespace
}  // namespace opsmesh::notify
