// How deliveries end: retries, lost answers, dead letters, order, rates and restarts.
#include <set>

#include "services/notify/notify_fixture.h"

namespace opsmesh::notify {
namespace {

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

}  // namespace
}  // namespace opsmesh::notify
