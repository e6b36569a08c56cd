#include "services/chat/conversation.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "services/chat/fakes_for_test.h"

namespace opsmesh::chat {
namespace {

class ConversationTest : public ::testing::Test, public ChatFixture {
 protected:
  Conversation conversation_{
      *store, turns, clock, ids, {.history_messages = 4, .max_sessions_per_owner = 2}};
  absl::StatusOr<llm::v1::TurnDone> AskAs(const std::string& who, const std::string& session,
                                          const std::string& text) {
    Question question;
    question.session_id = session;
    question.text = text;
    return conversation_.Ask(As(who), question, nullptr);
  }
};

TEST_F(ConversationTest, TheNextTurnGetsTheStateAndTheLastMessages) {
  ASSERT_TRUE(AskAs("ann", "s1", "one").ok());
  ASSERT_TRUE(AskAs("ann", "s1", "two").ok());
  ASSERT_TRUE(AskAs("ann", "s1", "three").ok());
  const auto& last = turns.requests.back();
  EXPECT_EQ(last.turn_state(), "state after echo: two");
  ASSERT_EQ(last.history_size(), 4);
  EXPECT_EQ(last.history(0).text(), "one");
  EXPECT_EQ(last.history(3).text(), "echo: two");
  EXPECT_EQ(last.history(3).role(), llm::v1::TurnMessage::ROLE_ASSISTANT);
}

TEST_F(ConversationTest, TheTurnHearsWhichLanguagesThePersonReads) {
  Question question;
  question.session_id = "s1";
  question.text = "/pods";
  ASSERT_TRUE(conversation_.Ask(As("ann").WithLanguage("zh-TW,zh;q=0.9"), question, nullptr).ok());
  EXPECT_EQ(turns.requests.back().language(), "zh-TW,zh;q=0.9");
  ASSERT_TRUE(conversation_.Ask(As("ann"), question, nullptr).ok());
  EXPECT_FALSE(turns.requests.back().has_language());
}

TEST_F(ConversationTest, ASecondQuestionOfARunningSessionIsRefused) {
  turns.script = [&](const llm::v1::RunTurnRequest&, const auto& on_event) {
    EXPECT_EQ(base::DetailOf(AskAs("ann", "s1", "again").status()).reason, "SESSION_BUSY");
    turns.script = nullptr;
    EXPECT_TRUE(AskAs("bob", "s1", "my own s1").ok())
        << "another owner's session of that id is another session";
    return ScriptedTurns::Finish("done", on_event);
  };
  EXPECT_TRUE(AskAs("ann", "s1", "first").ok());
  EXPECT_TRUE(AskAs("ann", "s1", "later").ok()) << "the mark is gone with the turn";
}

TEST_F(ConversationTest, ATurnThatBreaksOffIsNotKept) {
  turns.script = [](const llm::v1::RunTurnRequest&, const auto&) { return absl::OkStatus(); };
  EXPECT_EQ(base::DetailOf(AskAs("ann", "s1", "q").status()).reason, "TURN_INCOMPLETE");
  EXPECT_FALSE(store->Find("ann", "s1")->has_value());
}

TEST_F(ConversationTest, TheTurnIsStoredBeforeTheCallerHearsThatItIsOver) {
  std::string stored_when_told;
  Question question;
  question.session_id = "s1";
  question.text = "q";
  ASSERT_TRUE(conversation_
                  .Ask(As("ann"), question,
                       [](llm::v1::RunTurnResponse& event) {
                         EXPECT_FALSE(event.has_done());
                         return absl::OkStatus();
                       })
                  .ok());
  EXPECT_EQ(store->Messages("ann", "s1", 10)->size(), 2u);
}

TEST_F(ConversationTest, AQuestionMustBeAQuestionAndHaveASize) {
  EXPECT_EQ(base::DetailOf(AskAs("ann", "s1", " \n ").status()).reason, "QUERY_EMPTY");
  EXPECT_EQ(base::DetailOf(AskAs("ann", "s1", std::string(65 << 10, 'a')).status()).reason,
            "QUERY_TOO_LONG");
  EXPECT_TRUE(turns.requests.empty());
}

TEST_F(ConversationTest, AnIdOfTheCallersChoiceIsCheckedAndOursAreLong) {
  EXPECT_EQ(*conversation_.OpenSession("my-session-123"), "my-session-123");
  EXPECT_EQ(base::DetailOf(conversation_.OpenSession("../etc/passwd").status()).reason,
            "SESSION_ID");
  EXPECT_EQ(base::DetailOf(conversation_.OpenSession(std::string(1 << 20, 'a')).status()).reason,
            "SESSION_ID");
  EXPECT_EQ(conversation_.OpenSession(std::nullopt)->size(), std::string("session_").size() + 32);
}

TEST_F(ConversationTest, BeyondTheLimitTheLeastRecentlyUsedSessionGoes) {
  for (const char* id : {"a", "b", "c"}) {
    clock.Advance(absl::Seconds(1));
    ASSERT_TRUE(AskAs("ann", id, "q").ok());
  }
  const auto left = *store->List("ann", 10, 0);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id, "c");
  EXPECT_EQ(left[1].id, "b");
}

}  // namespace
}  // namespace opsmesh::chat
