#include "services/chat/answers.h"

#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/chat/fakes_for_test.h"

namespace opsmesh::chat {
namespace {

class AnswersTest : public ::testing::Test, public ChatFixture {
 protected:
  Conversation conversation_{*store, turns, clock, ids, {}};
  Answers answers_{conversation_, clock};

  std::vector<v1::ChatStreamResponse> Stream(const std::string& query) {
    std::vector<v1::ChatStreamResponse> events;
    v1::ChatStreamRequest request;
    request.set_query(query);
    status_ = answers_.ChatStream(As("ann"), request, [&](v1::ChatStreamResponse event) {
      events.push_back(std::move(event));
      return absl::OkStatus();
    });
    return events;
  }
  absl::Status status_;
};

TEST_F(AnswersTest, ChatHasTheDocumentedShape) {
  v1::ChatRequest request;
  request.set_query("列出 Pod");
  const auto response = answers_.Chat(As("ann"), request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->response(), "echo: 列出 Pod");
  EXPECT_EQ(response->status(), "completed");
  EXPECT_EQ(response->metadata().at("query_length"), "10") << "bytes of UTF-8";
  EXPECT_EQ(response->metadata().at("processed_at"), "2025-01-21T10:30:00Z");
  EXPECT_EQ(response->metadata().at("provider"), "deterministic");
}

TEST_F(AnswersTest, AnEmptySessionIdMeansANewSession) {
  v1::ChatRequest request;
  request.set_query("q");
  request.set_session_id("");
  EXPECT_TRUE(answers_.Chat(As("ann"), request)->session_id().starts_with("session_"));
}

TEST_F(AnswersTest, TheSameRequestIdGivesTheSameAnswerWithoutASecondTurn) {
  v1::ChatRequest request;
  request.set_query("q");
  request.set_request_id("r-1");
  const auto first = answers_.Chat(As("ann"), request);
  const auto second = answers_.Chat(As("ann"), request);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*first, *second));
  EXPECT_EQ(turns.requests.size(), 1u);
  ASSERT_TRUE(answers_.Chat(As("bob"), request).ok());
  EXPECT_EQ(turns.requests.size(), 2u) << "another owner's key is another key";
}

TEST_F(AnswersTest, AStreamEndsWithOneEventThatIsDoneAndHasNoDelta) {
  turns.script = [](const llm::v1::RunTurnRequest&, const auto& on_event) {
    llm::v1::RunTurnResponse event;
    event.mutable_tool_call()->set_call_id("call_1");
    event.mutable_tool_call()->set_name("list_kubernetes_pods");
    EXPECT_TRUE(on_event(event).ok());
    event.mutable_text_delta()->set_text("two pods");
    EXPECT_TRUE(on_event(event).ok());
    return ScriptedTurns::Finish("two pods", on_event);
  };
  const auto events = Stream("pods?");
  ASSERT_TRUE(status_.ok());
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].tool().state(), "started");
  EXPECT_EQ(events[1].delta(), "two pods");
  EXPECT_FALSE(events[1].done());
  EXPECT_EQ(events[1].status(), "processing");
  EXPECT_TRUE(events[2].done());
  EXPECT_FALSE(events[2].has_delta());
  EXPECT_EQ(events[2].response(), "two pods");
  EXPECT_EQ(events[2].session_id(), events[0].session_id());
}

TEST_F(AnswersTest, AnAnswerThatIsTooLongForOneEventIsCutAndSaysWhereTheWholeIs) {
  std::string whole;
  while (whole.size() < 90000) whole += "中文";
  turns.script = [&](const llm::v1::RunTurnRequest&, const auto& on_event) {
    return ScriptedTurns::Finish(whole, on_event);
  };
  const auto last = Stream("q").back();
  EXPECT_TRUE(last.response_truncated());
  EXPECT_EQ(last.response_url(), "/api/v1/sessions/" + last.session_id());
  EXPECT_TRUE(base::IsValidUtf8(last.response()));
  EXPECT_LE(AsciiJsonBytes(last.response()), 40000u);
  EXPECT_EQ(store->Messages("ann", last.session_id(), 2)->at(1).text, whole);
}

TEST_F(AnswersTest, AChangeIsRefusedWithItsPlanAndTheTurnIsKept) {
  turns.script = [](const llm::v1::RunTurnRequest&, const auto& on_event) {
    return ScriptedTurns::Finish("Would scale shop/nginx from 2 to 5.", on_event,
                                 llm::v1::TurnDone::OUTCOME_NEEDS_APPROVAL);
  };
  v1::ChatRequest request;
  request.set_query("/scale nginx 5");
  request.set_session_id("s1");
  const auto response = answers_.Chat(As("ann"), request);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(std::string(response.status().message()).find("from 2 to 5"), std::string::npos);
  EXPECT_EQ(store->Messages("ann", "s1", 10)->size(), 2u);
}

TEST_F(AnswersTest, AFailedTurnIsAnErrorInTheDocumentedShape) {
  turns.script = [](const llm::v1::RunTurnRequest&, const auto& on_event) {
    return ScriptedTurns::Finish("The apiserver does not answer.", on_event,
                                 llm::v1::TurnDone::OUTCOME_FAILED);
  };
  v1::ChatRequest request;
  request.set_query("q");
  const auto response = answers_.Chat(As("ann"), request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status(), "error");
  EXPECT_EQ(response->error(), "The apiserver does not answer.");
}

TEST_F(AnswersTest, TheBotsPathAnswersWithoutToolsWhenAsked) {
  v1::SendMessageRequest request;
  request.set_message("hello");
  request.set_enable_tools(false);
  ASSERT_TRUE(answers_.SendMessage(As("ann"), request).ok());
  EXPECT_FALSE(turns.requests.back().enable_tools());
}

TEST(AsciiJson, CountsWhatTheEncoderWrites) {
  EXPECT_EQ(AsciiJsonBytes("a\"\n\x01"), 1u + 2 + 2 + 6);
  EXPECT_EQ(AsciiJsonBytes("中\xF0\x9F\x98\x80"), 6u + 12);
  EXPECT_EQ(AsciiJsonPrefix("中文", 11), "中");
}

}  // namespace
}  // namespace opsmesh::chat
