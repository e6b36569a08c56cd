// The service as its callers see it: a real process in this process, real gRPC, and chat platforms
// that speak the wire.
#include <memory>
#include <optional>
#include <set>
#include <string>
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
namespace {

using nlohmann::json;
using testing::FakeChatPlatform;
using v1::NotifyService;

constexpr char kImpatient[] = R"(
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

TEST_F(NotifyServiceTest, ANoticeReachesEveryChannelOnceSignedAsEachPlatformWants) {
  Start(ThreeChannels());
  const v1::NotifyResponse response = Notify("需要人工协助处理Kubernetes集群中的问题");
  EXPECT_EQ(response.deliveries_size(), 3);
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  std::multiset<std::string> platforms;
  for (const auto& message : platform_.messages()) {
    platforms.insert(message.platform);
    EXPECT_NE(message.body.find("需要人工协助处理Kubernetes集群中的问题"), std::string::npos)
        << message.body;
  }
  EXPECT_EQ(platforms, (std::multiset<std::string>{"dingtalk", "feishu", "webhook"}));
  EXPECT_EQ(Dead().total_count(), 0) << "a wrong signature would have been refused";
  const v1::GetNotifyStatusResponse status = Status();
  for (const auto& component : status.components()) {
    EXPECT_EQ(component.state(), type::v1::ComponentStatus::STATE_OK) << component.DebugString();
  }
}

TEST_F(NotifyServiceTest, TheAnswerSaysSentOnceThePlatformTookIt) {
  Start(OneChannel("feishu", "http://127.0.0.1:9/hook"));  // nobody listens there
  EXPECT_EQ(Notify("a").status(), "queued");
  Stop();
  FakeChatPlatform unsigned_platform;
  Start(OneChannel("feishu", unsigned_platform.FeishuUrl()));
  const v1::NotifyResponse sent = Notify("b");
  EXPECT_EQ(sent.status(), "sent");
  EXPECT_EQ(sent.deliveries(0).state(), v1::Delivery::STATE_SENT);
}

TEST_F(NotifyServiceTest, WithoutAChannelItSaysWhatToConfigure) {
  Start("{}");
  const v1::NotifyResponse none = Notify("hello");
  EXPECT_EQ(none.status(), "no_channel");
  EXPECT_NE(none.hint().find("FEISHU_WEBHOOK"), std::string::npos);
  Stop();
  Start("notify: {enabled: false}");
  EXPECT_NE(Notify("hello").hint().find("NOTIFICATION_ENABLED"), std::string::npos);
}

TEST_F(NotifyServiceTest, RoutesBySeverityAndNamespace) {
  Start(
      "notify:\n  channels:\n"
      "    all: {kind: webhook, url: \"" +
      platform_.WebhookUrl() +
      "\"}\n"
      "    grave: {kind: webhook, url: \"" +
      platform_.WebhookUrl() +
      "\", least_severity: critical}\n"
      "    shop: {kind: webhook, url: \"" +
      platform_.WebhookUrl() + "\", namespaces: [shop]}\n");
  EXPECT_EQ(Notify("low", "low").deliveries_size(), 1);
  EXPECT_EQ(Notify("critical", "critical").deliveries_size(), 2);
  v1::NotifyRequest request;
  request.set_type("incident");
  request.set_message("about shop");
  request.set_namespace_("shop");
  EXPECT_EQ(Call(&NotifyService::Stub::Notify, request)->deliveries_size(), 2);
}

TEST_F(NotifyServiceTest, TheSameRequestIdNeverSendsTwiceAndAnotherMessageUnderItIsRefused) {
  Start(OneChannel("webhook", platform_.WebhookUrl()));
  const v1::NotifyResponse first = Notify("once", "high", "key-1");
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(Notify("once", "high", "key-1").message_id(), first.message_id());
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  EXPECT_EQ(platform_.messages().size(), 1u);
  v1::NotifyRequest other;
  other.set_type("human_help");
  other.set_message("twice");
  other.set_urgency("high");
  other.set_request_id("key-1");
  EXPECT_EQ(base::DetailOf(Call(&NotifyService::Stub::Notify, other).status()).reason,
            "REQUEST_ID_REUSED");
}

TEST_F(NotifyServiceTest, EqualNoticesFoldAndTheirNumberIsToldWhenTheWindowCloses) {
  Start(OneChannel("webhook", platform_.WebhookUrl(), "  outbox: {fold_window: 400ms}\n"));
  Notify("disk is full");
  ASSERT_TRUE(platform_.WaitFor(1));
  int folded = 0;
  for (int i = 0; i < 9; ++i)
    folded += Notify("disk is full").deliveries(0).state() == v1::Delivery::STATE_FOLDED ? 1 : 0;
  Notify("another disk is full");
  ASSERT_TRUE(platform_.WaitFor(3));
  int64_t told = 0;
  for (const auto& message : platform_.messages()) {
    const json body = json::parse(message.body);
    if (body["text"]["en"] == "disk is full") told += body["fold_count"].get<int64_t>();
  }
  EXPECT_EQ(told, 10) << "every repetition is told, none twice";
  EXPECT_GT(folded, 0);
}

TEST_F(NotifyServiceTest, RetriesWithTheSameIdempotencyKeyUntilThePlatformTakesIt) {
  platform_.Play([this](const FakeChatPlatform::Message& message, int count) {
    if (count == 1)
      return FakeChatPlatform::Reply{
          .status = 503, .body = "later", .headers = {{"Retry-After", "0"}}};
    if (count == 2) return FakeChatPlatform::Reply{.way = FakeChatPlatform::Reply::Way::kDrop};
    return platform_.Genuine(message);
  });
  Start(OneChannel("webhook", platform_.WebhookUrl()));
  Notify("persistent");
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  const auto messages = platform_.messages();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_FALSE(messages[0].headers.Get("Idempotency-Key").empty());
  for (const auto& message : messages) {
    EXPECT_EQ(message.headers.Get("Idempotency-Key"), messages[0].headers.Get("Idempotency-Key"));
  }
  EXPECT_EQ(Dead().total_count(), 0);
}

TEST_F(NotifyServiceTest, AMessageWhoseAnswerIsLostIsNeverRepeatedOnAPlatformWithoutIdempotency) {
  for (const auto way :
       {FakeChatPlatform::Reply::Way::kDrop, FakeChatPlatform::Reply::Way::kHang}) {
    FakeChatPlatform platform;
    platform.Play([way](const FakeChatPlatform::Message&, int) {
      return FakeChatPlatform::Reply{.way = way};
    });
    Start(OneChannel("dingtalk", platform.DingtalkUrl()));
    const v1::NotifyResponse notified = Notify("ack is lost");
    ASSERT_TRUE(Eventually([&] { return Dead().total_count() == 1; }));
    EXPECT_EQ(platform.messages().size(), 1u);
    EXPECT_EQ(Dead().messages(0).delivery().error().rfind("OUTCOME_UNKNOWN", 0), 0u)
        << Dead().DebugString();
    // A person looked, it was not there, and sends it again.
    platform.Play(nullptr);
    v1::RetryDeadLetterRequest retry;
    retry.set_message_id(notified.message_id());
    ASSERT_TRUE(Call(&NotifyService::Stub::RetryDeadLetter, retry).ok());
    ASSERT_TRUE(platform.WaitFor(2));
    ASSERT_TRUE(Eventually([&] { return Drained() && Dead().total_count() == 0; }));
    Stop();
  }
}

TEST_F(NotifyServiceTest, ARefusalForGoodIsADeadLetterThatSaysWhyAndTheNextMessageGoesOn) {
  platform_.Play([this](const FakeChatPlatform::Message& message, int count) {
    if (count == 1)
      return FakeChatPlatform::Reply{
          .body = R"({"errcode":310000,"errmsg":"keywords not in content"})"};
    return platform_.Genuine(message);
  });
  Start("notify:\n  channels:\n    ops: {kind: dingtalk, url: \"" + platform_.DingtalkUrl() +
        "\", secret: SECding}\n");
  const v1::NotifyResponse failed = Notify("first");
  EXPECT_EQ(failed.status(), "failed");
  EXPECT_NE(failed.hint().find("dead-letters"), std::string::npos);
  Notify("second");
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  ASSERT_EQ(Dead().total_count(), 1);
  const std::string why = Dead().messages(0).delivery().error();
  EXPECT_EQ(why.rfind("KEYWORD_MISSING", 0), 0u) << why;
  EXPECT_NE(why.find("keyword"), std::string::npos);
  EXPECT_EQ(platform_.messages().size(), 2u);
}

TEST_F(NotifyServiceTest, ADeadLetterComesAfterTheBoundOnTries) {
  platform_.Play(
      [](const FakeChatPlatform::Message&, int) { return FakeChatPlatform::Reply{.status = 500}; });
  Start(OneChannel("webhook", platform_.WebhookUrl()));
  Notify("never");
  ASSERT_TRUE(Eventually([&] { return Dead().total_count() == 1; }));
  EXPECT_EQ(platform_.messages().size(), 4u);
  EXPECT_EQ(Dead().messages(0).delivery().attempt_count(), 4);
  const v1::GetNotifyStatusResponse status = Status();
  EXPECT_EQ(status.components(1).name(), "ops");
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DOWN);
}

TEST_F(NotifyServiceTest, ABrokenChannelHoldsUpNoOtherAndKeepsItsOrder) {
  FakeChatPlatform broken;
  std::atomic<bool> up{false};
  broken.Play([&](const FakeChatPlatform::Message& message, int) {
    return up ? broken.Genuine(message)
              : FakeChatPlatform::Reply{.way = FakeChatPlatform::Reply::Way::kHang};
  });
  Start(
      "notify:\n  channels:\n"
      "    broken: {kind: webhook, url: \"" +
      broken.WebhookUrl() +
      "\"}\n"
      "    good: {kind: webhook, url: \"" +
      platform_.WebhookUrl() +
      "\"}\n"
      "  outbox: {first_backoff: 20ms, max_backoff: 50ms, answer_timeout: 300ms, max_attempts: "
      "1000}\n");
  for (int i = 0; i < 30; ++i) Notify("message " + std::to_string(i));
  ASSERT_TRUE(platform_.WaitFor(30)) << platform_.messages().size();
  up = true;
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  for (const FakeChatPlatform* platform : {&broken, &platform_}) {
    std::vector<std::string> order;
    std::set<std::string> seen;
    for (const auto& message : platform->messages()) {
      const json body = json::parse(message.body);
      if (seen.insert(body["idempotency_key"]).second) order.push_back(body["text"]["en"]);
    }
    ASSERT_EQ(order.size(), 30u);
    for (int i = 0; i < 30; ++i)
      EXPECT_EQ(order[static_cast<size_t>(i)], "message " + std::to_string(i));
  }
}

TEST_F(NotifyServiceTest, WhatWaitsIsSentAfterARestart) {
  const uint16_t nobody = 9;  // discard: nobody listens
  Start(OneChannel("webhook", "http://127.0.0.1:" + std::to_string(nobody) + "/x",
                   "  outbox: {first_backoff: 20ms, max_backoff: 50ms, max_attempts: 1000}\n"));
  for (int i = 0; i < 5; ++i) Notify("kept " + std::to_string(i));
  EXPECT_EQ(Outbox().total_count(), 5);
  EXPECT_NE(Outbox().messages(0).delivery().error(), "");
  Stop();
  Start(OneChannel("webhook", platform_.WebhookUrl()), /*keep_data=*/true);
  ASSERT_TRUE(platform_.WaitFor(5));
  ASSERT_TRUE(Eventually([&] { return Drained(); }));
  EXPECT_EQ(platform_.messages().size(), 5u);
}

TEST_F(NotifyServiceTest, ChannelsThatWereRemovedLeaveDeadLettersNotSilence) {
  Start(OneChannel("webhook", "http://127.0.0.1:9/x"));
  Notify("orphan");
  Stop();
  Start("{}", /*keep_data=*/true);
  ASSERT_TRUE(Eventually([&] { return Dead().total_count() == 1; }));
  EXPECT_EQ(Dead().messages(0).delivery().error().rfind("NO_CHANNEL", 0), 0u);
}

TEST_F(NotifyServiceTest, SecretsAreMaskedBeforeTheyAreStoredOrSent) {
  Start(OneChannel("webhook", platform_.WebhookUrl()));
  Notify(
      "login failed with password=hunter2hunter2 and Authorization: Bearer "
      "abcdef0123456789abcdef0123456789");
  v1::SendMessageRequest request;
  request.mutable_destination()->set_channel("ops");
  request.mutable_content()->mutable_title()->set_en("db");
  type::v1::Fact& fact = *request.mutable_content()->add_facts();
  fact.set_key("password");
  fact.set_value("hunter2hunter2");
  ASSERT_TRUE(Call(&NotifyService::Stub::SendMessage, request).ok());
  ASSERT_TRUE(platform_.WaitFor(2));
  for (const auto& message : platform_.messages()) {
    EXPECT_EQ(message.body.find("hunter2"), std::string::npos) << message.body;
    EXPECT_EQ(message.body.find("abcdef0123456789abcdef"), std::string::npos) << message.body;
  }
}

TEST_F(NotifyServiceTest, TestsAChannelAtOnceAndNamesTheStepThatFailed) {
  Start(
      "notify:\n  channels:\n"
      "    good: {kind: feishu, url: \"" +
      platform_.FeishuUrl() +
      "\", secret: fei-secret}\n"
      "    unsigned: {kind: dingtalk, url: \"" +
      platform_.DingtalkUrl() +
      "\", secret: wrong}\n"
      "    closed: {kind: webhook, url: \"http://127.0.0.1:9/x\"}\n"
      "    nowhere: {kind: webhook, url: \"http://no-such-host.invalid/x\"}\n");
  const auto test = [this](const std::string& name, const std::string& request_id = "") {
    v1::TestChannelRequest request;
    request.set_channel(name);
    if (!request_id.empty()) request.set_request_id(request_id);
    return Call(&NotifyService::Stub::TestChannel, request);
  };
  EXPECT_TRUE(test("good", "t1")->success());
  EXPECT_TRUE(test("good", "t1")->success());
  EXPECT_EQ(platform_.messages().size(), 1u) << "the same request_id tests once";
  EXPECT_EQ(test("unsigned")->failed_step(), "signature");
  EXPECT_EQ(test("closed")->failed_step(), "connect");
  EXPECT_EQ(test("nowhere")->failed_step(), "address");
  const absl::Status missing = test("goood").status();
  EXPECT_EQ(base::DetailOf(missing).reason, "CHANNEL");
  EXPECT_NE(base::DetailOf(missing).hint.find("good"), std::string::npos);
}

TEST_F(NotifyServiceTest, AnswersIntoAConversationOnlyWhereThePlatformMayBeReached) {
  Start("notify:\n  reply_origins: [\"" + platform_.Origin() + "\"]\n");
  v1::SendMessageRequest request;
  v1::Conversation& conversation = *request.mutable_destination()->mutable_conversation();
  conversation.set_platform("dingtalk");
  conversation.set_conversation_id("cidXYZ==");
  request.mutable_content()->mutable_text()->set_zh("共有 12 个 Pod");
  conversation.set_reply_url("http://169.254.169.254/latest/meta-data");
  EXPECT_EQ(base::DetailOf(Call(&NotifyService::Stub::SendMessage, request).status()).reason,
            "DESTINATION");
  conversation.set_reply_url("https://oapi.dingtalk.com@evil.example/robot/sendBySession");
  EXPECT_EQ(base::DetailOf(Call(&NotifyService::Stub::SendMessage, request).status()).reason,
            "DESTINATION");
  conversation.set_reply_url(platform_.Origin() + "/robot/sendBySession?session=abc");
  FakeChatPlatform unsigned_robot;
  platform_.Play([](const FakeChatPlatform::Message&, int) {
    return FakeChatPlatform::Reply{.body = R"({"errcode":0})"};
  });
  ASSERT_TRUE(Call(&NotifyService::Stub::SendMessage, request).ok());
  ASSERT_TRUE(platform_.WaitFor(1));
  EXPECT_EQ(platform_.messages()[0].query, "session=abc") << "a reply is not signed";
  conversation.set_platform("slack");
  EXPECT_EQ(Call(&NotifyService::Stub::SendMessage, request).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_F(NotifyServiceTest, KeepsWithinTheRateOfDingtalkAlsoOverARestart) {
  FakeChatPlatform robot;
  const std::string yaml =
      "notify:\n  channels:\n    ops: {kind: dingtalk, url: \"" + robot.DingtalkUrl() + "\"}\n";
  Start(yaml);
  for (int i = 0; i < 25; ++i) Notify("storm " + std::to_string(i));
  ASSERT_TRUE(robot.WaitFor(20));
  ASSERT_TRUE(Eventually([&] { return Outbox().total_count() == 5; }));
  Stop();
  Start(yaml, /*keep_data=*/true);
  v1::NotifyResponse one_more = Notify("after the restart");
  EXPECT_EQ(one_more.status(), "queued");
  EXPECT_EQ(robot.messages().size(), 20u) << "the 21st would lock the robot for ten minutes";
  EXPECT_EQ(Outbox().total_count(), 6);
}

TEST_F(NotifyServiceTest, RefusesWhatNobodyCouldRead) {
  Start(OneChannel("webhook", platform_.WebhookUrl()));
  const auto reason = [this](const std::string& type, const std::string& message,
                             const std::string& urgency) {
    v1::NotifyRequest request;
    request.set_type(type);
    request.set_message(message);
    request.set_urgency(urgency);
    return base::DetailOf(Call(&NotifyService::Stub::Notify, request).status()).reason;
  };
  EXPECT_EQ(reason("no type", "x", "low"), "NOTICE_TYPE");
  EXPECT_EQ(reason("incident", "x", "urgent!!"), "URGENCY");
  EXPECT_EQ(reason("incident", "  \n", "low"), "MESSAGE_EMPTY");
  EXPECT_EQ(reason("incident", std::string(20000, 'x'), "low"), "MESSAGE_TOO_LONG");
  v1::NotifyRequest request;
  request.set_type("human_help");
  EXPECT_EQ(base::DetailOf(Call(&NotifyService::Stub::Notify, request).status()).field, "message");
}

TEST_F(NotifyServiceTest, PagesThroughTheOutboxWithoutGapOrRepetition) {
  Start(OneChannel("webhook", "http://127.0.0.1:9/x", "  outbox: {first_backoff: 5m}\n"));
  for (int i = 0; i < 7; ++i) Notify("page " + std::to_string(i));
  std::set<std::string> seen;
  v1::ListOutboxRequest request;
  request.set_page_size(3);
  do {
    const auto page = Call(&NotifyService::Stub::ListOutbox, request);
    ASSERT_TRUE(page.ok());
    EXPECT_EQ(page->total_count(), 7);
    for (const auto& message : page->messages())
      EXPECT_TRUE(seen.insert(message.message_id()).second);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), 7u);
  request.set_page_token("x");
  EXPECT_EQ(base::DetailOf(Call(&NotifyService::Stub::ListOutbox, request).status()).reason,
            "PAGE_TOKEN");
}

TEST_F(NotifyServiceTest, ListsTheConfiguredChannelsByNameAndShowsNoSecret) {
  Start(R"(
notify:
  channels:
    ops: {kind: webhook, url: "https://hooks.example.com/T0/secret-part", least_severity: critical, namespaces: [shop]}
  feishu_webhook: "https://open.feishu.cn/open-apis/bot/v2/hook/secret-token"
)");
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

TEST(NotifyConfig, TakesTheDocumentedVariablesAndHandsThemToAChannelOfThatName) {
  const std::map<std::string, std::string> environment = {
      {"FEISHU_WEBHOOK", "https://open.feishu.cn/open-apis/bot/v2/hook/x"},
      {"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=x"},
      {"DINGTALK_SECRET", "SECx"},
      {"NOTIFICATION_ENABLED", "false"}};
  const auto source = config::Source::FromYaml(
      "notify: {channels: {dingtalk: {kind: dingtalk, keyword: 运维}}}", "test.yaml", environment);
  ASSERT_TRUE(source.ok());
  const auto loaded = LoadConfig(*source);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_FALSE(loaded->enabled);
  ASSERT_EQ(loaded->channels.size(), 2u);
  EXPECT_EQ(loaded->channels[0].name, "dingtalk");
  EXPECT_EQ(loaded->channels[0].keyword, "运维");
  EXPECT_EQ(loaded->channels[0].secret.Reveal(), "SECx");
  EXPECT_FALSE(loaded->channels[0].url.empty());
  EXPECT_EQ(loaded->channels[1].name, "feishu");
}

TEST(NotifyConfig, TellsEveryProblemAtOnce) {
  const auto source = config::Source::FromYaml(
      "notify: {channels: {a: {kind: pigeon, url: 'https://x/y'}, b: {kind: slack}}}");
  ASSERT_TRUE(source.ok());
  const absl::Status status = LoadConfig(*source).status();
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("pigeon"), absl::string_view::npos) << status.message();
  EXPECT_NE(status.message().find("b.url"), absl::string_view::npos) << status.message();
}

TEST(HostOf, ShowsNothingButTheHost) {
  EXPECT_EQ(HostOf("https://user:pw@hooks.example.com:8443/T0/x?k=v"), "hooks.example.com:8443");
  EXPECT_EQ(HostOf("hooks.example.com/T0"), "");
  EXPECT_EQ(OriginOf("https://oapi.dingtalk.com@evil.example/x"), "");
  EXPECT_EQ(OriginOf("HTTPS://x"), "");
}

}  // namespace
}  // namespace opsmesh::notify
