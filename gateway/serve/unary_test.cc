// Unary RPCs through a real gateway over a socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/gateway_harness.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST(UnaryTest, AGetFillsTheMessageFromPathAndQueryAndAnswersJson) {
  GatewayHarness harness;
  const TestAnswer answer = harness.Get("/toy/abc?number=9007199254740993&tags=a&tags=b");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("content-type"), "application/json");
  const auto json = answer.json();
  EXPECT_EQ(json["rpc"], "GetEcho");
  EXPECT_EQ(json["request"]["name"], "abc");
  EXPECT_EQ(json["request"]["number"], "9007199254740993");
  EXPECT_EQ(json["request"]["tags"], nlohmann::json({"a", "b"}));
}

TEST(UnaryTest, APostTakesJsonAndKeepsTheTypesOfInlinedJson) {
  GatewayHarness harness;
  const auto json =
      harness.Post("/toy", R"({"name":"n","extra":{"key2":42,"x":[1.5,null]},"unknown":1})").json();
  EXPECT_EQ(json["request"]["extra"].dump(), R"({"key2":42,"x":[1.5,null]})");
}

TEST(UnaryTest, EveryTypeComesBackAsItWas) {
  GatewayHarness harness;
  const std::string body =
      R"({"int64_value":"-9223372036854775808","uint64_value":"18446744073709551615","double_value":0.1,)"
      R"("bytes_value":"AP8=","color":"COLOR_NEGATIVE","string_map":{"b":"2","a":"1"},"int32_map":{"-1":{"bool_value":true}},)"
      R"("bool_map":{"true":"COLOR_RED"},"timestamp":"2024-01-01T12:00:00.500Z","choice_text":"x","repeated_int32":[1,-2]})";
  const auto json = harness.Post("/everything", body).json();
  const auto sent = nlohmann::json::parse(body);
  for (const auto& [key, value] : sent.items()) {
    if (key == "int32_map") continue;
    EXPECT_EQ(json[key], value) << key;
  }
  EXPECT_EQ(json["int32_map"]["-1"]["bool_value"], true);
}

TEST(UnaryTest, AnEmptyBodyWithoutATypeIsFine) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Send({.method = "POST", .target = "/toy"}).status, 200);
}

TEST(UnaryTest, ResponseBodyMayBeATopLevelList) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Get("/items?count=2").body(), R"([{"some_text":"0"},{"some_text":"1"}])");
  EXPECT_EQ(harness.Get("/items").body(), "[]");
}

TEST(UnaryTest, HeadAnswersTheHeadOfGet) {
  GatewayHarness harness;
  const TestAnswer answer = harness.Send({.method = "HEAD", .target = "/items"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body(), "");
}

TEST(UnaryTest, IdentityRequestIdTraceLanguageAndDeadlineReachTheService) {
  GatewayHarness harness;
  const TestAnswer answer = harness.Get(
      "/toy/abc", {{"X-Request-Id", "my-id.1"},
                   {"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                   {"Accept-Language", "zh-CN,zh;q=0.9"},
                   {"X-Request-Timeout", "5"}});
  const auto metadata = answer.json()["metadata"];
  EXPECT_EQ(answer.Header("x-request-id"), "my-id.1");
  EXPECT_EQ(metadata["x-request-id"], "my-id.1");
  EXPECT_EQ(metadata["x-opsmesh-principal"], "loopback");
  EXPECT_EQ(metadata["x-opsmesh-role"], "admin");
  EXPECT_THAT(metadata["traceparent"].get<std::string>(),
              HasSubstr("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_EQ(metadata["accept-language"], "zh-CN,zh;q=0.9");
  // gRPC rounds a timeout up on the wire, by at most 1 %.
  EXPECT_LE(answer.json()["remaining_ms"].get<double>(), 5050);
  EXPECT_GT(answer.json()["remaining_ms"].get<double>(), 0);
}

TEST(UnaryTest, AnUnusableRequestIdIsReplaced) {
  GatewayHarness harness;
  EXPECT_THAT(
      harness.Get("/items", {{"X-Request-Id", std::string(200, 'x')}}).Header("x-request-id"),
      ContainsRegex("^req_[0-9a-f]{32}$"));
}

TEST(UnaryTest, TheTimeoutHeaderMustBeATime) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Get("/items", {{"X-Request-Timeout", "soon"}}).Reason(), "400 REQUEST_TIMEOUT");
  EXPECT_EQ(harness.Get("/items", {{"X-Request-Timeout", "-1"}}).Reason(), "400 REQUEST_TIMEOUT");
  EXPECT_EQ(harness.Get("/toy/blocked", {{"X-Request-Timeout", "50ms"}}).Reason(), "504 DEADLINE");
}

TEST(UnaryTest, InternalAndImpersonationHeadersOfAClientGoNowhere) {
  GatewayHarness harness;
  const auto answer = harness.Get("/toy/abc", {{"X-Opsmesh-Principal", "root"},
                                               {"X-Opsmesh-Role", "admin"},
                                               {"X-Opsmesh-Mesh-Token", "t"},
                                               {"X-Http-X-Slack-Signature", "s"},
                                               {"Impersonate-User", "root"}});
  const auto metadata = answer.json()["metadata"];
  EXPECT_EQ(metadata["x-opsmesh-principal"], "loopback");
  EXPECT_FALSE(metadata.contains("x-opsmesh-mesh-token"));
  EXPECT_FALSE(metadata.contains("x-http-x-slack-signature"));
  EXPECT_THAT(answer.body(), ::testing::Not(HasSubstr("impersonate")));
}

TEST(UnaryTest, ASignedWebhookGetsItsRawBodyAndTheHeadersItNeeds) {
  GatewayHarness harness;
  const auto answer =
      harness.Send({.method = "POST",
                    .target = "/hook",
                    .body = "a=1&b={",
                    .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                {"X-Slack-Signature", "v0=ab"},
                                {"Authorization", "Bearer secret"},
                                {"Cookie", "c"},
                                {"Impersonate-User", "root"},
                                {"X-Http-X-Slack-Signature", "forged"}}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("content-type"), "text/plain");
  EXPECT_THAT(answer.body(), HasSubstr("application/x-www-form-urlencoded|a=1&b={|"));
  EXPECT_THAT(answer.body(), HasSubstr("x-http-x-slack-signature=v0=ab"));
  for (const char* word : {"secret", "forged", "root", "cookie"}) {
    EXPECT_THAT(answer.body(), ::testing::Not(HasSubstr(word)));
  }
}

TEST(UnaryTest, TheIdempotencyKeyFillsTheRequestId) {
  GatewayHarness harness;
  EXPECT_EQ(
      harness.Post("/toy", "{}", {{"Idempotency-Key", "k-1"}}).json()["request"]["request_id"],
      "k-1");
}

TEST(UnaryTest, EveryCodeHasItsHttpStatusAndTheDesignedBody) {
  GatewayHarness harness;
  const std::vector<std::pair<std::string, int>> expected = {{"CANCELLED", 499},
                                                             {"UNKNOWN", 500},
                                                             {"INVALID_ARGUMENT", 400},
                                                             {"DEADLINE_EXCEEDED", 504},
                                                             {"NOT_FOUND", 404},
                                                             {"ALREADY_EXISTS", 409},
                                                             {"PERMISSION_DENIED", 403},
                                                             {"RESOURCE_EXHAUSTED", 429},
                                                             {"FAILED_PRECONDITION", 400},
                                                             {"ABORTED", 409},
                                                             {"OUT_OF_RANGE", 400},
                                                             {"UNIMPLEMENTED", 501},
                                                             {"INTERNAL", 500},
                                                             {"UNAVAILABLE", 503},
                                                             {"DATA_LOSS", 500},
                                                             {"UNAUTHENTICATED", 401}};
  for (const auto& [name, status] : expected) {
    const TestAnswer answer = harness.Get("/toy/x?fail_with=" + name, {{"X-Request-Id", "r1"}});
    EXPECT_EQ(answer.status, status) << name;
    const auto error = answer.json()["error"];
    EXPECT_EQ(error["code"], status);
    EXPECT_EQ(error["status"], name);
    EXPECT_EQ(error["reason"], "TOLD_TO");
    EXPECT_EQ(error["message"], "The request asked for this failure.");
    EXPECT_EQ(error["hint"], "Ask for another.");
    EXPECT_EQ(error["request_id"], "r1");
    EXPECT_EQ(error["details"]["asked"], name);
    const TestAnswer plain = harness.Get("/toy/x?fail_with=PLAIN_" + name);
    EXPECT_EQ(plain.status, status) << name;
  }
  EXPECT_EQ(harness.Get("/toy/x?fail_with=UNAVAILABLE").Header("retry-after"), "1");
  EXPECT_EQ(harness.Get("/toy/x?fail_with=UNAUTHENTICATED").Header("www-authenticate"),
            "Bearer realm=\"opsmesh\"");
}

TEST(UnaryTest, AgentDevelopmentKitRoutesAnswerErrorsAsDetail) {
  GatewayHarness harness;
  const TestAnswer missing = harness.Post("/detail", R"({"fail_with":"NOT_FOUND"})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json()["detail"], "The request asked for this failure. Ask for another.");
  const TestAnswer wrong = harness.Post("/detail", R"({"number":"x"})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.json()["detail"][0]["loc"], nlohmann::json({"body", "number"}));
}

TEST(UnaryTest, UnknownPathsAndMethodsSayWhatThereIs) {
  GatewayHarness harness;
  const TestAnswer near = harness.Get("/item");
  EXPECT_EQ(near.Reason(), "404 ROUTE_NOT_FOUND");
  EXPECT_THAT(near.body(), HasSubstr("Did you mean /items?"));
  const TestAnswer method = harness.Send({.method = "DELETE", .target = "/toy"});
  EXPECT_EQ(method.Reason(), "405 METHOD_NOT_ALLOWED");
  EXPECT_EQ(method.Header("allow"), "POST, OPTIONS");
  EXPECT_EQ(harness.Send({.method = "OPTIONS", .target = "/items"}).Header("allow"),
            "GET, HEAD, OPTIONS");
}

TEST(UnaryTest, ABodyAboveTheLimitOfItsRpcIsRefused) {
  GatewayHarness harness;
  EXPECT_EQ(harness.Post("/detail", R"({"text":")" + std::string(3000, 'x') + "\"}").status, 413);
  EXPECT_EQ(harness.Post("/toy", R"({"text":")" + std::string(3000, 'x') + "\"}").status, 200);
}

TEST(UnaryTest, AServiceThatIsGoneIsUnavailableAndNotOurFault) {
  GatewayHarness harness;
  harness.KillService();
  const TestAnswer answer = harness.Get("/items");
  EXPECT_EQ(answer.Reason(), "503 SERVICE_UNAVAILABLE");
  EXPECT_EQ(answer.Header("retry-after"), "1");
  EXPECT_EQ(harness.log().LinesWith("request failed").size(), 1u);
}

TEST(UnaryTest, AClientThatLeavesCancelsTheCall) {
  GatewayHarness harness;
  auto client = harness.Begin({.target = "/toy/blocked"});
  ASSERT_TRUE(Eventually([&] { return harness.service().running() == 1; }));
  client->Close();
  EXPECT_TRUE(Eventually([&] { return harness.service().cancelled() == 1; }));
}

TEST(UnaryTest, BeyondWhatMayRunAndWaitRequestsAreRefusedAtOnceAndTheOthersAnswered) {
  Options options;
  options.max_in_flight = 2;
  options.max_queued = 1;
  GatewayHarness harness(options);
  std::vector<std::unique_ptr<http_server::RawClient>> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(harness.Begin({.target = "/toy/blocked"}));
  ASSERT_TRUE(Eventually([&] { return harness.service().running() == 2; }));
  clients.push_back(harness.Begin({.target = "/toy/waits"}));
  TestAnswer refused;
  ASSERT_TRUE(Eventually([&] { return (refused = harness.Get("/items")).status == 503; }));
  EXPECT_EQ(refused.Reason(), "503 OVERLOADED");
  EXPECT_NE(refused.Header("retry-after"), "");
  harness.service().Unblock();
  for (const auto& client : clients) EXPECT_EQ(client->ReadAnswer()->status, 200);
  EXPECT_EQ(harness.Get("/items").status, 200);
}

}  // namespace
}  // namespace opsmesh::gateway
