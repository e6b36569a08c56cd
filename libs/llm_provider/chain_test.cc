// Providers and the chain against a scripted server.
#include "libs/llm_provider/chain.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/openai_provider.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/fake_llm.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

using opsmesh::testing::FakeLlm;
using opsmesh::testing::LlmAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ChainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (auto& fake : fakes_) {
      auto started = FakeLlm::Start();
      ASSERT_TRUE(started.ok()) << started.status();
      fake = *std::move(started);
    }
  }

  ProviderSettings Settings(int fake, std::string name) {
    ProviderSettings settings;
    settings.name = std::move(name);
    settings.base_url = fakes_[fake]->base_url();
    settings.model = "m";
    settings.api_key = base::Secret("sk-the-key-itself-000000");
    settings.key_hint = "THE_KEY";
    settings.first_byte_timeout = absl::Seconds(30);
    settings.idle_timeout = absl::Seconds(30);
    return settings;
  }

  Chain MakeChain(std::vector<ProviderSettings> all) {
    std::vector<std::unique_ptr<Provider>> providers;
    for (auto& settings : all)
      providers.push_back(MakeOpenAiProvider(*http_, clock_, std::move(settings)));
    return Chain(std::move(providers), {}, clock_, ids_, &metrics_);
  }

  struct Told {
    absl::StatusOr<ChainReply> reply;
    std::string text;
    int restarts = 0;
    std::vector<std::string> setbacks;
  };
  Told Ask(Chain& chain, const base::Context& ctx = base::Context::Background()) {
    ChatRequest request;
    request.messages.push_back({Role::kUser, "hello", {}, "", "", ""});
    Told told;
    size_t first = 0;
    told.reply = chain.Chat(
        ctx, request,
        {.on_text =
             [&](std::string_view piece) {
               told.text += piece;
               return absl::OkStatus();
             },
         .on_restart =
             [&](const absl::Status&) {
               ++told.restarts;
               return absl::OkStatus();
             },
         .on_setback = [&](const Setback& setback) { told.setbacks.push_back(setback.provider); }},
        &first);
    return told;
  }
  static std::string Reason(const Told& told) { return base::DetailOf(told.reply.status()).reason; }

  std::unique_ptr<FakeLlm> fakes_[2];
  std::unique_ptr<http_client::Client> http_ = http_client::Client::Create();
  opsmesh::testing::FakeClock clock_;
  base::SeededIds ids_{7};
  telemetry::Registry metrics_;
};

TEST_F(ChainTest, AnAnswerStreamsThroughAndTheRequestIsAsTheProtocolWants) {
  fakes_[0]->Say(LlmAnswer::Text({"all ", "well"}));
  Chain chain = MakeChain({Settings(0, "one")});
  const Told told = Ask(chain);
  ASSERT_TRUE(told.reply.ok()) << told.reply.status();
  EXPECT_EQ(told.text, "all well");
  EXPECT_EQ(told.reply->provider, "one");
  EXPECT_EQ(told.reply->reply.usage.input_tokens, 100);
  const auto asked = fakes_[0]->asked();
  EXPECT_EQ(asked.at(0).path, "/v1/chat/completions");
  EXPECT_EQ(asked.at(0).authorization, "Bearer sk-the-key-itself-000000");
  const auto body = base::ParseJson(asked.at(0).body);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["model"], "m");
  EXPECT_EQ((*body)["stream_options"]["include_usage"], true);
}

TEST_F(ChainTest, AnOverloadedProviderIsAskedTwiceAndThenTheNextOne) {
  fakes_[0]->Say(LlmAnswer::Error(503, "busy").With("retry-after-ms", "5"));
  fakes_[0]->Say(LlmAnswer::Error(503, "busy"));
  fakes_[1]->Say(LlmAnswer::Text({"from two"}));
  Chain chain = MakeChain({Settings(0, "one"), Settings(1, "two")});
  const Told told = Ask(chain);
  ASSERT_TRUE(told.reply.ok()) << told.reply.status();
  EXPECT_EQ(told.reply->provider, "two");
  EXPECT_EQ(fakes_[0]->asked().size(), 2u);
  EXPECT_THAT(told.setbacks, ElementsAre("one"));
}

TEST_F(ChainTest, ARetryThatAsksForTooLongAWaitGoesToTheNextProviderAtOnce) {
  fakes_[0]->Say(LlmAnswer::Error(429, "slow down").With("Retry-After", "60"));
  fakes_[1]->Say(LlmAnswer::Text({"ok"}));
  Chain chain = MakeChain({Settings(0, "one"), Settings(1, "two")});
  EXPECT_EQ(Ask(chain).reply->provider, "two");
  EXPECT_EQ(fakes_[0]->asked().size(), 1u);
}

TEST_F(ChainTest, AWrongKeyIsSaidInTheDocumentedWordsAndNeverShown) {
  fakes_[0]->Say(LlmAnswer::Error(401, "Incorrect API key provided: sk-the-key-itself-000000",
                                  "invalid_api_key"));
  Chain chain = MakeChain({Settings(0, "one")});
  const Told told = Ask(chain);
  EXPECT_EQ(Reason(told), "LLM_KEY");
  const std::string message(told.reply.status().message());
  EXPECT_THAT(message, HasSubstr("API key not found"));
  EXPECT_THAT(message, Not(HasSubstr("the-key-itself")));
  EXPECT_EQ(base::DetailOf(told.reply.status()).hint, "Set THE_KEY to a valid key of one.");
  EXPECT_EQ(Reason(Ask(chain)), "LLM_KEY");  // the breaker is open:
  EXPECT_EQ(fakes_[0]->asked().size(), 1u);  // nobody was asked again
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(opsmesh_breaker_state{dep="llm:one"} 2)"));
}

TEST_F(ChainTest, AMissingKeySendsNothing) {
  ProviderSettings settings = Settings(0, "one");
  settings.api_key = base::Secret();
  Chain chain = MakeChain({settings});
  const Told told = Ask(chain);
  EXPECT_THAT(std::string(told.reply.status().message()), HasSubstr("API key not found"));
  EXPECT_TRUE(fakes_[0]->asked().empty());
}

TEST_F(ChainTest, AnUnknownModelIsSaidInTheDocumentedWords) {
  fakes_[0]->Say(LlmAnswer::Error(404, "The model `m` does not exist", "model_not_found"));
  Chain chain = MakeChain({Settings(0, "one")});
  EXPECT_THAT(std::string(Ask(chain).reply.status().message()), HasSubstr("model not found: 'm'"));
}

TEST_F(ChainTest, ASilentProviderTimesOutInTheDocumentedWords) {
  fakes_[0]->Say(LlmAnswer::Raw("").Ending(LlmAnswer::End::kStall));
  LlmAnswer silent = LlmAnswer::Raw("").Ending(LlmAnswer::End::kStall);
  silent.silent = true;
  fakes_[1]->Say(silent);
  ProviderSettings mute = Settings(1, "mute");
  mute.first_byte_timeout = absl::Milliseconds(300);
  ProviderSettings stalled = Settings(0, "stalled");
  stalled.idle_timeout = absl::Milliseconds(300);
  Chain chain = MakeChain({mute, stalled});
  const Told told = Ask(chain);
  EXPECT_EQ(Reason(told), "LLM_ALL_FAILED");
  EXPECT_THAT(std::string(told.reply.status().message()),
              HasSubstr("connection timeout: it did not answer within 300ms"));
  EXPECT_THAT(std::string(told.reply.status().message()),
              HasSubstr("connection timeout: it sent nothing more for 300ms"));
}

TEST_F(ChainTest, NobodyListeningIsAConnectionThatFailed) {
  ProviderSettings settings = Settings(0, "one");
  fakes_[0].reset();
  Chain chain = MakeChain({settings});
  EXPECT_EQ(Reason(Ask(chain)), "LLM_UNREACHABLE");
}

TEST_F(ChainTest, AStreamThatBreaksOffIsAskedForAgainAndTheTextBeginsAnew) {
  fakes_[0]->Say(LlmAnswer::Raw("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n")
                     .Ending(LlmAnswer::End::kCut));
  fakes_[0]->Say(LlmAnswer::Text({"whole"}));
  Chain chain = MakeChain({Settings(0, "one")});
  const Told told = Ask(chain);
  ASSERT_TRUE(told.reply.ok()) << told.reply.status();
  EXPECT_EQ(told.restarts, 1);
  EXPECT_EQ(told.text, "halfwhole");
  EXPECT_EQ(told.reply->reply.text, "whole");
}

TEST_F(ChainTest, ThreeFailuresOpenTheBreakerAndThirtySecondsLaterOneCallTriesAgain) {
  Chain chain = MakeChain({Settings(0, "one")});
  for (int i = 0; i < 3; ++i)
    fakes_[0]->Say(LlmAnswer::Error(500, "no").With("retry-after-ms", "1"));
  Ask(chain);
  Ask(chain);
  EXPECT_EQ(fakes_[0]->asked().size(), 3u);  // the fourth was not sent: the breaker opened
  Ask(chain);
  EXPECT_EQ(fakes_[0]->asked().size(), 3u);
  clock_.Advance(absl::Seconds(31));
  fakes_[0]->Say(LlmAnswer::Text({"back"}));
  EXPECT_EQ(Ask(chain).text, "back");
  EXPECT_EQ(chain.Health().at(0).state, Breaker::State::kClosed);
}

TEST_F(ChainTest, AClientThatLeavesEndsTheCallAndBlamesNobody) {
  fakes_[0]->Say(LlmAnswer::Raw("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")
                     .Ending(LlmAnswer::End::kStall));
  Chain chain = MakeChain({Settings(0, "one"), Settings(1, "two")});
  std::shared_ptr<base::CancelState> cancel;
  const base::Context ctx = base::Context::Background().WithCancel(&cancel);
  ChatRequest request;
  request.messages.push_back({Role::kUser, "hello", {}, "", "", ""});
  size_t first = 0;
  const auto reply = chain.Chat(ctx, request,
                                {.on_text =
                                     [&](std::string_view) {
                                       cancel->Cancel();
                                       return absl::OkStatus();
                                     },
                                 .on_restart = nullptr,
                                 .on_setback = nullptr},
                                &first);
  EXPECT_EQ(base::DetailOf(reply.status()).reason, "CALLER_LEFT");
  EXPECT_TRUE(fakes_[0]->WaitForLeavers(1, absl::Seconds(20)));
  EXPECT_TRUE(fakes_[1]->asked().empty());
  EXPECT_TRUE(chain.Health().at(0).why.ok());
}

TEST_F(ChainTest, AParameterThatIsRefusedIsLeftOutFromThenOn) {
  fakes_[0]->Say(LlmAnswer::Error(
      400, "Unsupported parameter: 'stream_options' is not supported with this model."));
  fakes_[0]->Say(LlmAnswer::Error(
      400, "Unsupported value: 'temperature' does not support 0.2 with this model."));
  fakes_[0]->Say(LlmAnswer::Text({"fine"}));
  fakes_[0]->Say(LlmAnswer::Text({"again"}));
  Chain chain = MakeChain({Settings(0, "one")});
  EXPECT_EQ(Ask(chain).text, "fine");
  EXPECT_EQ(Ask(chain).text, "again");
  const auto asked = fakes_[0]->asked();
  ASSERT_EQ(asked.size(), 4u);
  EXPECT_THAT(asked[3].body, Not(HasSubstr("stream_options")));
  EXPECT_THAT(asked[3].body, Not(HasSubstr("temperature")));
}

TEST_F(ChainTest, AzureIsAskedAtItsDeploymentWithItsHeader) {
  ProviderSettings settings = Settings(0, "azopenai");
  settings.base_url.resize(settings.base_url.size() - 3);
  settings.dialect.azure = true;
  settings.dialect.api_key_header = true;
  settings.deployment = "gpt 4";
  settings.api_version = "2024-10-21";
  // Azure's first chunk has no choices.
  LlmAnswer answer = LlmAnswer::Text({"hi"});
  answer.pieces.insert(answer.pieces.begin(),
                       "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n");
  fakes_[0]->Say(answer);
  Chain chain = MakeChain({settings});
  EXPECT_EQ(Ask(chain).text, "hi");
  const auto asked = fakes_[0]->asked();
  EXPECT_EQ(asked.at(0).path,
            "/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21");
  EXPECT_EQ(asked.at(0).api_key_header, "sk-the-key-itself-000000");
  EXPECT_EQ(asked.at(0).authorization, "");
}

TEST_F(ChainTest, AWholeJsonAnswerIsTakenWhereAStreamWasAskedFor) {
  fakes_[0]->Say(
      LlmAnswer::Raw(R"({"choices":[{"message":{"content":"plain"},"finish_reason":"stop"}]})",
                     "application/json"));
  Chain chain = MakeChain({Settings(0, "one")});
  EXPECT_EQ(Ask(chain).text, "plain");
}

TEST_F(ChainTest, ReasoningGoesBackOnlyToTheProviderThatWantsIt) {
  ProviderSettings settings = Settings(0, "one");
  ChatRequest request;
  Message asked{Role::kAssistant, "", {{"id", "tool", "{}"}}, "", "because", "one"};
  request.messages = {asked};
  Dialect dialect;
  EXPECT_THAT(RequestBody(settings, dialect, request), Not(HasSubstr("because")));
  dialect.echo_reasoning = true;
  EXPECT_THAT(RequestBody(settings, dialect, request), HasSubstr("because"));
  settings.name = "two";
  EXPECT_THAT(RequestBody(settings, dialect, request), Not(HasSubstr("because")));
}

// Each recorded stream of ../shared/badinputs/own/llm-sse must end as designed: text, calls or a
// reason.
TEST_F(ChainTest, EveryRecordedStreamEndsAsDesigned) {
  const char* root = std::getenv("OPSMESH_SOURCE_DIR");
  const std::string folder =
      std::string(root != nullptr ? root : ".") + "/../shared/badinputs/own/llm-sse/";
  const std::vector<std::pair<std::string, std::string>> designed = {
      {"crlf_and_comments", "text:x"},
      {"cut_mid_json", "LLM_MALFORMED"},
      {"cut_mid_text_no_done", "LLM_INCOMPLETE"},
      {"empty_choices_usage", "LLM_EMPTY"},
      {"endless_reasoning", "LLM_INCOMPLETE"},
      {"error_frame", "LLM_OVERLOADED"},
      {"finish_content_filter", "LLM_CONTENT_FILTER"},
      {"finish_length", "text:…"},
      {"frame_inside_frame", "LLM_MALFORMED"},
      {"html_502", "LLM_MALFORMED"},
      {"multi_data_lines", "text:x"},
      {"negative_usage", "LLM_EMPTY"},
      {"no_space_after_colon", "text:x"},
      {"nul_and_invalid_utf8", "LLM_MALFORMED"},
      {"null_choices", "LLM_EMPTY"},
      {"ok_text", "text:集群正常"},
      {"tool_args_extra_fields", "calls:1"},
      {"tool_args_not_object", "calls:1"},
      {"tool_args_split_utf8", "calls:1"},
      {"tool_args_truncated_finish_toolcalls", "calls:1"},
      {"tool_args_truncated_then_done", "LLM_INCOMPLETE"},
      {"tool_same_call_100x", "calls:100"},
      {"tool_unknown_name", "calls:1"},
  };
  int read = 0;
  for (const auto& [name, outcome] : designed) {
    std::ifstream file(folder + name + ".sse", std::ios::binary);
    if (!file) continue;
    ++read;
    std::stringstream bytes;
    bytes << file.rdbuf();
    // Whole, and byte by byte.
    for (const bool dripped : {false, true}) {
      LlmAnswer answer = LlmAnswer::Raw(bytes.str());
      if (dripped && bytes.str().size() < 3000) {
        answer.pieces.clear();
        for (const char c : bytes.str()) answer.pieces.emplace_back(1, c);
      }
      fakes_[0]->Say(answer);
      auto provider = MakeOpenAiProvider(*http_, clock_, Settings(0, "one"));
      ChatRequest request;
      request.messages.push_back({Role::kUser, "hello", {}, "", "", ""});
      const auto reply = provider->Chat(base::Context::Background(), request, nullptr);
      const std::string got = !reply.ok() ? base::DetailOf(reply.status()).reason
                              : reply->tool_calls.empty()
                                  ? "text:" + reply->text
                                  : "calls:" + std::to_string(reply->tool_calls.size());
      EXPECT_EQ(got, outcome) << name << (dripped ? " dripped" : "");
    }
  }
  if (read == 0)
    std::printf("NOT READ: %s lies beside the clone only where the shared test data is\n",
                folder.c_str());
  EXPECT_TRUE(read == 0 || read == static_cast<int>(designed.size())) << read;
}

}  // namespace
}  // namespace opsmesh::llm_provider
