// The service as its callers see it: a real process in this process, real gRPC, and chat platforms
// that speak the wire.
#include <set>

#include "services/notify/notify_fixture.h"

namespace opsmesh::notify {
namespace {

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

TEST_F(NotifyServiceTest, ASlackChannelIsSentWhatItsIncomingWebhooksTakeAndItsRefusalIsKept) {
  Start(OneChannel("slack", platform_.SlackUrl()));
  EXPECT_EQ(Notify("checkout 一直重启").status(), "sent");
  ASSERT_EQ(platform_.messages().size(), 1u);
  EXPECT_EQ(platform_.messages()[0].platform, "slack");
  EXPECT_NE(platform_.messages()[0].body.find("checkout 一直重启"), std::string::npos);
  platform_.Play([](const FakeChatPlatform::Message&, int) {
    return FakeChatPlatform::Reply{.status = 404, .body = "no_service"};
  });
  Notify("nobody takes this");
  ASSERT_TRUE(Eventually([&] { return Dead().total_count() == 1; }));
  EXPECT_NE(Dead().DebugString().find("no_service"), std::string::npos) << Dead().DebugString();
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

}  // namespace
}  // namespace opsmesh::notify
