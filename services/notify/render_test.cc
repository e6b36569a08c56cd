// What goes onto the wire: signatures by the platforms' published vectors, bodies, limits, and what
// answers mean.
#include <string>

#include "gtest/gtest.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/notify/config.h"
#include "services/notify/markdown.h"
#include "services/notify/picture.h"
#include "services/notify/platform.h"
#include "services/notify/rate_window.h"
#include "services/notify/signature.h"

namespace opsmesh::notify {
namespace {

using nlohmann::json;

constexpr int64_t kMillis = 1700000000000;

ChannelConfig ChannelOf(std::string kind, std::string url, std::string secret = "") {
  ChannelConfig channel;
  channel.name = channel.kind = std::move(kind);
  channel.url = base::Secret(std::move(url));
  channel.secret = base::Secret(std::move(secret));
  return channel;
}

Mailing MailingOf(const std::string& text, v1::Severity severity = v1::SEVERITY_CRITICAL) {
  Mailing mailing;
  mailing.letter.message_id = "msg_1";
  mailing.letter.type = "incident";
  mailing.letter.urgency = "critical";
  mailing.letter.name_space = "shop";
  mailing.letter.severity = severity;
  mailing.letter.created = absl::FromUnixMillis(kMillis);
  mailing.letter.content.mutable_text()->set_zh(text);
  mailing.letter.content.mutable_text()->set_en(text);
  mailing.idempotency_key = "msg_1.1";
  return mailing;
}

json BodyOf(const Platform& platform, const Mailing& mailing) {
  return json::parse(platform.Compose(mailing, absl::FromUnixMillis(kMillis)).body);
}

Verdict JudgeBody(const Platform& platform, int status, std::string body, int64_t attempt = 1) {
  Answer answer;
  answer.head.status = status;
  answer.body = std::move(body);
  Mailing mailing = MailingOf("x");
  mailing.attempt = attempt;
  return platform.Judge(answer, mailing);
}

TEST(Signature, OfDingtalkIsTheReferencesVector) {
  EXPECT_EQ(DingtalkSign(kMillis, "SECtest0123456789abcdef"),
            "/lfnxUUu80FwVTsIlv2F1cMGBb+PxEKAwYh/bsRxXcc=");
  EXPECT_EQ(DingtalkSign(kMillis, "app-secret-abc123"),
            "i1tXJ20yylyZeCOx8H6C/PyP6InwYA19Oc1ChBnv+fI=");
}

TEST(Signature, OfFeishuIsTheReferencesVectorWithTheTextAsKeyAndNoMessage) {
  EXPECT_EQ(FeishuSign(kMillis / 1000, "demo-secret"),
            "mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA=");
}

TEST(Signature, OfAWebhookCoversTimeAndBody) {
  // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret
  EXPECT_EQ(WebhookSign(1700000000, "{\"a\":1}", "s3cret"),
            "sha256=1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940");
}

TEST(Dingtalk, SignsTheAddressAfterWhatItHasAndEscapesTheSignature) {
  const auto robot =
      MakeDingtalk(ChannelOf("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=T",
                             "SECtest0123456789abcdef"));
  const auto request = robot->Compose(MailingOf("x"), absl::FromUnixMillis(kMillis));
  EXPECT_EQ(request.url,
            "https://oapi.dingtalk.com/robot/send?access_token=T&timestamp=1700000000000&sign="
            "%2FlfnxUUu80FwVTsIlv2F1cMGBb%2BPxEKAwYh%2FbsRxXcc%3D");
  EXPECT_TRUE(request.send_once);
}

TEST(Dingtalk, WritesMarkdownWithSeverityNamespaceAndTimeInTheLanguageOfTheMessage) {
  const auto robot =
      MakeDingtalk(ChannelOf("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=T"));
  const json zh = BodyOf(*robot, MailingOf("购物车服务不断重启"));
  EXPECT_EQ(zh["msgtype"], "markdown");
  EXPECT_NE(zh["markdown"]["title"].get<std::string>().find("严重 · 故障通知"), std::string::npos)
      << zh;
  const std::string text = zh["markdown"]["text"];
  EXPECT_NE(text.find("购物车服务不断重启"), std::string::npos);
  EXPECT_NE(text.find("命名空间：shop"), std::string::npos) << text;
  EXPECT_NE(text.find("2023-11-14T22:13:20Z"), std::string::npos) << text;
  const json en = BodyOf(*robot, MailingOf("cart keeps restarting"));
  EXPECT_NE(en["markdown"]["text"].get<std::string>().find("Namespace: shop"), std::string::npos)
      << en;
}

TEST(Dingtalk, MakesACardOfButtonsThatOpenPages) {
  Mailing mailing = MailingOf("scale cart to 5?");
  v1::Button& button = *mailing.letter.content.add_buttons();
  button.mutable_label()->set_en("Open");
  button.set_url("https://ops.example/a/7");
  const auto robot =
      MakeDingtalk(ChannelOf("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=T"));
  EXPECT_EQ(BodyOf(*robot, mailing)["actionCard"]["singleURL"], "https://ops.example/a/7");
  *mailing.letter.content.add_buttons() = button;
  const json two = BodyOf(*robot, mailing);
  EXPECT_EQ(two["msgtype"], "actionCard");
  EXPECT_EQ(two["actionCard"]["btns"].size(), 2u);
  EXPECT_EQ(two["actionCard"]["btns"][1]["actionURL"], "https://ops.example/a/7");
}

TEST(Dingtalk, PutsTheKeywordFirstAndWritesPlainTextWhenAskedTo) {
  ChannelConfig channel =
      ChannelOf("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=T");
  channel.keyword = "运维";
  channel.format = "text";
  const json body = BodyOf(*MakeDingtalk(channel), MailingOf("**cart** is `down`"));
  EXPECT_EQ(body["msgtype"], "text");
  const std::string content = body["text"]["content"];
  EXPECT_EQ(content.rfind("运维 ", 0), 0u) << content;
  EXPECT_NE(content.find("cart is down"), std::string::npos) << content;
}

TEST(EveryPlatform, CutsWhatIsTooLongAtACharacterAndSaysHowMuchIsMissing) {
  for (const char* kind : {"dingtalk", "feishu", "slack"}) {
    for (const std::string& piece :
         {std::string("日志\"行\"\n"), std::string("a\\b\t\"c\"\n"), std::string("汉")}) {
      std::string text;
      while (text.size() < 60000) text += piece;
      const auto platform = MakePlatform(ChannelOf(kind, "https://x.example/y", "s"));
      const std::string body =
          platform->Compose(MailingOf(text), absl::FromUnixMillis(kMillis)).body;
      EXPECT_LE(body.size(), 20000u) << kind;
      EXPECT_GT(body.size(), 5000u) << kind;
      EXPECT_TRUE(base::IsValidUtf8(body)) << kind;
      EXPECT_EQ(body.find("\xEF\xBF\xBD"), std::string::npos)
          << kind << ": no half character may become U+FFFD";
      EXPECT_TRUE(body.find("已截断") != std::string::npos ||
                  body.find("are shown") != std::string::npos)
          << kind;
    }
  }
}

TEST(EveryPlatform, StaysWithinTheLimitWithHundredsOfLongFacts) {
  Mailing mailing = MailingOf("x");
  for (int i = 0; i < 500; ++i) {
    type::v1::Fact& fact = *mailing.letter.content.add_facts();
    fact.set_key("key_" + std::to_string(i));
    fact.set_value(std::string(100, '"'));
  }
  for (const char* kind : {"dingtalk", "feishu"}) {
    const auto platform = MakePlatform(ChannelOf(kind, "https://x.example/y"));
    EXPECT_LE(platform->Compose(mailing, absl::FromUnixMillis(kMillis)).body.size(), 20000u)
        << kind;
  }
}

TEST(Feishu, SendsASignedCardColouredBySeverity) {
  const auto robot = MakeFeishu(
      ChannelOf("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/h", "demo-secret"));
  const json body = BodyOf(*robot, MailingOf("购物车服务不断重启"));
  EXPECT_EQ(body["timestamp"], "1700000000");
  EXPECT_EQ(body["sign"], "mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA=");
  EXPECT_EQ(body["msg_type"], "interactive");
  EXPECT_TRUE(body["card"].is_object()) << "a custom robot takes an object, not a string";
  EXPECT_EQ(body["card"]["header"]["template"], "red");
  EXPECT_EQ(BodyOf(*robot, MailingOf("x", v1::SEVERITY_WARNING))["card"]["header"]["template"],
            "orange");
  EXPECT_EQ(BodyOf(*robot, MailingOf("x", v1::SEVERITY_RESOLVED))["card"]["header"]["template"],
            "green");
}

TEST(Feishu, DetectsThatAPersonIsNeededFromTypeAndWords) {
  Letter letter = MailingOf("自动修复失败，需要人工介入").letter;
  EXPECT_TRUE(AsksForAPerson(letter));
  *letter.content.mutable_text() = MailingOf("自動修復失敗，需要人工處理").letter.content.text();
  EXPECT_TRUE(AsksForAPerson(letter)) << "Traditional too";
  EXPECT_TRUE(AsksForAPerson(MailingOf("Rollback failed: Manual Intervention required").letter));
  EXPECT_FALSE(AsksForAPerson(MailingOf("cart recovered").letter));
  letter = MailingOf("x").letter;
  letter.type = "human_help";
  EXPECT_TRUE(AsksForAPerson(letter));
}

TEST(Markdown, NothingFromAClusterLoadsPicturesOrMentionsPeople) {
  const std::string hostile =
      "![x](https://evil.example/p.png) <at id=all></at> <!here> <font color='red'>";
  for (const std::string& text : {DingtalkMarkdown(hostile), FeishuMarkdown(hostile),
                                  SlackMrkdwn(hostile), PlainText(hostile)}) {
    EXPECT_EQ(text.find("!["), std::string::npos) << text;
  }
  EXPECT_EQ(FeishuMarkdown(hostile).find("<at"), std::string::npos);
  EXPECT_EQ(FeishuMarkdown(hostile).find("<font"), std::string::npos);
  EXPECT_EQ(SlackMrkdwn(hostile).find("<!here>"), std::string::npos);
}

TEST(Markdown, IsTurnedIntoWhatEachPlatformKnows) {
  const std::string common =
      "## Pods\n| a | b |\n|---|---|\n| 1 | 2 |\n```\nkubectl get\n```\n**bold** "
      "[run](https://r.example)";
  EXPECT_EQ(DingtalkMarkdown(common),
            "## Pods  \n- a · b  \n- 1 · 2  \n> kubectl get  \n**bold** [run](https://r.example)");
  EXPECT_EQ(SlackMrkdwn("## Pods & co\n**bold** [run](https://r.example)\n```\na<b\n```"),
            "*Pods &amp; co*\n*bold* <https://r.example|run>\n```\na&lt;b\n```");
}

TEST(DingtalkAnswers, AreJudgedByErrcodeNeverByStatus) {
  const auto robot =
      MakeDingtalk(ChannelOf("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=T"));
  using Kind = Verdict::Kind;
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"errcode":0,"errmsg":"ok"})").kind, Kind::kSent);
  const Verdict limited = JudgeBody(
      *robot, 200, R"({"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"})");
  EXPECT_EQ(limited.kind, Kind::kRateLimited);
  EXPECT_GE(limited.after, absl::Seconds(60));
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"errcode":410100,"errmsg":"x"})").kind, Kind::kRateLimited);
  const Verdict busy = JudgeBody(*robot, 200, R"({"errcode":-1,"errmsg":"busy"})");
  EXPECT_EQ(busy.kind, Kind::kRetry);
  EXPECT_EQ(busy.max_tries, 3);
  const Verdict keyword =
      JudgeBody(*robot, 200, R"({"errcode":310000,"errmsg":"keywords not in content"})");
  EXPECT_EQ(keyword.kind, Kind::kDead);
  EXPECT_EQ(keyword.reason, "KEYWORD_MISSING");
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"errcode":310000,"errmsg":"sign not match"})").reason,
            "SIGNATURE_REFUSED");
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"errcode":310000,"errmsg":"invalid timestamp"})").kind,
            Kind::kRetry);
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"errcode":300001,"errmsg":"token is not exist"})").reason,
            "TOKEN_UNKNOWN");
  EXPECT_EQ(JudgeBody(*robot, 200, "<html>proxy</html>").max_tries, 2);
  EXPECT_EQ(JudgeBody(*robot, 502, "bad gateway").kind, Kind::kRetry);
  EXPECT_EQ(JudgeBody(*robot, 302, "").kind, Kind::kDead);
}

TEST(FeishuAnswers, OfOldAndNewRobotsAreUnderstood) {
  const auto robot =
      MakeFeishu(ChannelOf("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/h"));
  using Kind = Verdict::Kind;
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"code":0,"msg":"success","data":{}})").kind, Kind::kSent);
  EXPECT_EQ(
      JudgeBody(*robot, 200, R"({"StatusCode":0,"StatusMessage":"success","Extra":null})").kind,
      Kind::kSent);
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"code":11232,"msg":"frequency limited"})").kind,
            Kind::kRateLimited);
  EXPECT_EQ(JudgeBody(*robot, 400, R"({"code":9499,"msg":"Bad Request"})").kind, Kind::kDead);
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"code":19024,"msg":"Key Words Not Found"})").reason,
            "KEYWORD_MISSING");
  EXPECT_EQ(JudgeBody(*robot, 200, R"({"code":19021,"msg":"sign match fail"})").max_tries, 2);
}

TEST(WebhookAnswers, FollowTheStatusAndASecondCopyThatIsKnownIsThere) {
  const auto hook = MakeWebhook(ChannelOf("webhook", "https://x.example/y"));
  using Kind = Verdict::Kind;
  EXPECT_EQ(JudgeBody(*hook, 204, "").kind, Kind::kSent);
  EXPECT_EQ(JudgeBody(*hook, 409, "", 1).kind, Kind::kDead);
  EXPECT_EQ(JudgeBody(*hook, 409, "", 2).kind, Kind::kSent);
  EXPECT_EQ(JudgeBody(*hook, 404, "").kind, Kind::kDead);
  EXPECT_EQ(JudgeBody(*hook, 503, "").kind, Kind::kRetry);
}

TEST(RetryAfter, TakesSecondsAndDatesAndNothingAbsurd) {
  const absl::Time now = absl::FromUnixSeconds(1700000000);
  const auto after = [&](const char* value) {
    http_client::ResponseHead head;
    head.headers = {{"Retry-After", value}};
    return RetryAfter(head, now);
  };
  EXPECT_EQ(after("7"), absl::Seconds(7));
  EXPECT_EQ(after("Tue, 14 Nov 2023 22:14:20 GMT"), absl::Seconds(60));
  EXPECT_EQ(after("99999999999999999999"), absl::Hours(1));
  EXPECT_EQ(after("soon"), absl::ZeroDuration());
  EXPECT_EQ(after("-5"), absl::ZeroDuration());
}

TEST(RateWindow, LetsNoMoreThanItsNumberGoInAnyWindow) {
  RateWindow window({{20, absl::Seconds(61)}});
  absl::Time now = absl::FromUnixSeconds(1700000000);
  std::vector<absl::Time> sent;
  for (int i = 0; i < 100; ++i) {
    now = std::max(now + absl::Milliseconds(137), window.Next(now));
    window.Note(now);
    sent.push_back(now);
  }
  for (size_t i = 20; i < sent.size(); ++i) EXPECT_GE(sent[i] - sent[i - 20], absl::Seconds(61));
}

TEST(RateWindow, DoesNotStandStillForHoursWhenTheClockIsSetBack) {
  RateWindow window({{2, absl::Seconds(61)}});
  const absl::Time noon = absl::FromUnixSeconds(1700000000);
  window.Note(noon);
  window.Note(noon);
  EXPECT_LE(window.Next(noon - absl::Hours(3)), noon - absl::Hours(3) + absl::Seconds(61));
}

}  // namespace
}  // namespace opsmesh::notify
