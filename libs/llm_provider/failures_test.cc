// What providers say when they refuse, told as one reason each.
#include "libs/llm_provider/failures.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::llm_provider {
namespace {

TEST(FailuresTest, EachProvidersWordingBecomesOneReason) {
  struct Row {
    int status;
    const char* body;
    const char* reason;
  };
  const Row rows[] = {
      {401,
       R"({"error":{"message":"Authentication Fails","type":"authentication_error","code":"invalid_request_error"}})",
       "LLM_KEY"},
      {400,
       R"({"error":{"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}})",
       "LLM_KEY"},
      {402, R"({"error":{"message":"Insufficient Balance"}})", "LLM_QUOTA"},
      {429,
       R"({"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}})",
       "LLM_QUOTA"},
      {429, R"({"error":{"code":"1113","message":"余额不足"}})", "LLM_QUOTA"},
      {429, R"({"error":{"code":"1302","message":"并发过高"}})", "LLM_RATE_LIMITED"},
      {429, R"({"code":"Throttling.RateQuota","message":"limit","request_id":"1"})",
       "LLM_RATE_LIMITED"},
      {403, R"({"error":{"code":"AccountOverdueError","message":"overdue"}})", "LLM_QUOTA"},
      {403, R"({"error":{"code":"AccessDenied","message":"no"}})", "LLM_DENIED"},
      {404, R"({"error":{"code":"InvalidEndpoint.NotFound","message":"no endpoint"}})",
       "LLM_MODEL"},
      {404, R"({"error":"model 'x' not found"})", "LLM_MODEL"},
      {400, R"({"error":{"message":"Model Not Exist"}})", "LLM_MODEL"},
      {400,
       R"({"object":"error","message":"This model's maximum context length is 4096 tokens","code":400})",
       "LLM_CONTEXT_TOO_LONG"},
      {400, R"({"error":{"code":"content_filter","message":"filtered"}})", "LLM_CONTENT_FILTER"},
      {400, R"({"error":{"code":"data_inspection_failed","message":"x"}})", "LLM_CONTENT_FILTER"},
      {400,
       R"({"error":{"message":"registry.ollama.ai/library/gemma3:latest does not support tools"}})",
       "LLM_TOOLS_UNSUPPORTED"},
      {400,
       R"({"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"})",
       "LLM_TOOLS_UNSUPPORTED"},
      {422, R"({"error":{"message":"bad"}})", "LLM_REFUSED_REQUEST"},
      {413, "too large", "LLM_CONTEXT_TOO_LONG"},
      {500, "<html>oops</html>", "LLM_OVERLOADED"},
      {529, R"({"error":{"message":"overloaded"}})", "LLM_OVERLOADED"},
      {302, "", "LLM_REFUSED_REQUEST"},
      {200, R"({"error":{"message":"overloaded","code":503}})", "LLM_OVERLOADED"},
      {200, R"({"error":{"message":"slow down","code":"429"}})", "LLM_RATE_LIMITED"},
  };
  ProviderSettings settings;
  settings.name = "p";
  settings.model = "x";
  for (const Row& row : rows) {
    http_client::ResponseHead head;
    head.status = row.status;
    const absl::Status status = FailureOf(settings, head, row.body, absl::UnixEpoch());
    EXPECT_EQ(base::DetailOf(status).reason, row.reason) << row.status << " " << row.body;
    EXPECT_EQ(status.message().substr(0, 3), "p: ");
  }
}

TEST(FailuresTest, RetryAfterIsReadInEveryDocumentedForm) {
  const absl::Time now = absl::FromUnixSeconds(1737455400);  // Tue, 21 Jan 2025 10:30:00 GMT
  const auto read = [&](const char* name, const char* value) {
    http_client::ResponseHead head;
    head.headers = {{name, value}};
    return RetryAfter(head, now);
  };
  EXPECT_EQ(read("Retry-After", "7"), absl::Seconds(7));
  EXPECT_EQ(read("retry-after-ms", "250"), absl::Milliseconds(250));
  EXPECT_EQ(read("Retry-After", "Tue, 21 Jan 2025 10:30:12 GMT"), absl::Seconds(12));
  EXPECT_EQ(read("Retry-After", "Tue, 21 Jan 2025 10:00:00 GMT"), absl::ZeroDuration());
  EXPECT_EQ(read("x-ratelimit-reset-requests", "1m30s"), absl::Seconds(90));
  EXPECT_EQ(read("Retry-After", "soon"), std::nullopt);
  EXPECT_EQ(read("Retry-After", "-5"), std::nullopt);
}

}  // namespace
}  // namespace opsmesh::llm_provider
