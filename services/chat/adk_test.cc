#include "services/chat/adk.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "services/chat/fakes_for_test.h"

namespace opsmesh::chat {
namespace {

class AdkTest : public ::testing::Test, public ChatFixture {
 protected:
  Conversation conversation_{*store, turns, clock, ids, {}};
  Adk adk_{*store, conversation_, clock, ids};

  std::vector<v1::AdkEvent> Run(v1::RunAdkRequest request, bool partial = false) {
    std::vector<v1::AdkEvent> events;
    const absl::Status status = adk_.Run(As("ann"), request, partial, [&](v1::AdkEvent event) {
      events.push_back(std::move(event));
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }
  static v1::RunAdkRequest Message(const std::string& text) {
    v1::RunAdkRequest request;
    request.mutable_new_message()->set_role("user");
    request.mutable_new_message()->add_parts()->set_text(text);
    return request;
  }
};

TEST_F(AdkTest, TheStateKeepsItsTypesAndTheDocumentedWrapperIsTakenOff) {
  const auto session = adk_.Create(As("ann"), "agent_root", "u_123", "s_123",
                                   R"({"state":{"key1":"value1","key2":42}})");
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->state().raw(), R"({"key1":"value1","key2":42})");
  EXPECT_EQ(adk_.Create(As("ann"), "agent_root", "u_123", "s_123", "{}")->state().raw(),
            session->state().raw())
      << "an existing session is confirmed as it is";
}

TEST_F(AdkTest, AnUnknownAppIsNamedAsSuch) {
  EXPECT_EQ(base::DetailOf(adk_.Create(As("ann"), "nope", "u", "s", "").status()).reason,
            "APP_NOT_FOUND");
  EXPECT_EQ(base::DetailOf(adk_.Create(As("ann"), "sre_agent", "u", "s", "[1]").status()).reason,
            "STATE_NOT_AN_OBJECT");
}

TEST_F(AdkTest, ARunAnswersWithToolEventsAndTheTextAndKeepsTheQuestionToo) {
  turns.script = [](const llm::v1::RunTurnRequest& request, const auto& on_event) {
    EXPECT_EQ(request.query(), "how many pods?");
    llm::v1::RunTurnResponse event;
    event.mutable_tool_call()->set_call_id("call_1");
    event.mutable_tool_call()->set_name("list_pods_from_namespace");
    event.mutable_tool_call()->mutable_arguments()->set_raw(R"({"namespace":"default"})");
    EXPECT_TRUE(on_event(event).ok());
    event.mutable_tool_result()->set_call_id("call_1");
    event.mutable_tool_result()->set_name("list_pods_from_namespace");
    event.mutable_tool_result()->set_success(true);
    event.mutable_tool_result()->mutable_result()->set_raw("[]");
    EXPECT_TRUE(on_event(event).ok());
    return ScriptedTurns::Finish("none", on_event);
  };
  auto request = Message("how many pods?");
  request.set_app_name("sre_agent");
  request.set_user_id("u_1");
  request.set_session_id("s_1");
  const auto events = Run(request);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].content().parts(0).function_call().args().raw(),
            R"({"namespace":"default"})");
  EXPECT_EQ(events[1].content().parts(0).function_response().response().raw(), R"({"result":[]})");
  EXPECT_EQ(events[2].content().parts(0).text(), "none");
  EXPECT_EQ(events[0].invocation_id(), events[2].invocation_id());
  v1::GetAdkSessionRequest get;
  get.set_app_name("sre_agent");
  get.set_user_id("u_1");
  get.set_session_id("s_1");
  const auto session = adk_.Get(As("ann"), get);
  ASSERT_TRUE(session.ok()) << "a session that was not there is made by the run";
  EXPECT_EQ(session->events_size(), 4);
  EXPECT_EQ(session->events(0).author(), "user");
  EXPECT_EQ(adk_.Get(As("bob"), get).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(AdkTest, WithoutIdsLaterCallsComeBackToTheSameSession) {
  Run(Message("one"));
  Run(Message("two"));
  EXPECT_EQ(turns.requests[0].session_id(), turns.requests[1].session_id());
  EXPECT_EQ(turns.requests[1].history_size(), 2);
}

TEST_F(AdkTest, PiecesOfTextAreMarkedAndRepeatedWhole) {
  turns.script = [](const llm::v1::RunTurnRequest&, const auto& on_event) {
    llm::v1::RunTurnResponse event;
    event.mutable_text_delta()->set_text("he");
    EXPECT_TRUE(on_event(event).ok());
    return ScriptedTurns::Finish("hello", on_event);
  };
  const auto events = Run(Message("hi"), /*partial=*/true);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(events[0].partial());
  EXPECT_FALSE(events[1].has_partial());
  EXPECT_EQ(events[1].content().parts(0).text(), "hello");
}

TEST_F(AdkTest, DeletingASessionForgetsItsConversation) {
  auto request = Message("remember me");
  request.set_session_id("s_1");
  Run(request);
  v1::DeleteAdkSessionRequest remove;
  remove.set_app_name("sre_agent");
  remove.set_user_id("test_user");
  remove.set_session_id("s_1");
  ASSERT_TRUE(adk_.Delete(As("ann"), remove).ok());
  Run(request);
  EXPECT_EQ(turns.requests.back().history_size(), 0);
}

}  // namespace
}  // namespace opsmesh::chat
