// The notify section of the configuration, and what may be shown of it.
#include "services/notify/notify_fixture.h"

namespace opsmesh::notify {
namespace {

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
