// Doubles for the tests of this room.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/testing/fake_clock.h"
#include "services/chat/conversation.h"
#include "services/chat/store.h"

namespace opsmesh::chat {

/// Plays scripted turns; an empty script answers "echo: <query>".
class ScriptedTurns final : public TurnRunner {
 public:
  using Script =
      std::function<absl::Status(const llm::v1::RunTurnRequest&,
                                 const std::function<absl::Status(llm::v1::RunTurnResponse&)>&)>;
  absl::Status Run(
      const base::Context&, const llm::v1::RunTurnRequest& request,
      const std::function<absl::Status(llm::v1::RunTurnResponse&)>& on_event) override {
    requests.push_back(request);
    return script ? script(request, on_event) : Finish("echo: " + request.query(), on_event);
  }
  static absl::Status Finish(
      const std::string& text,
      const std::function<absl::Status(llm::v1::RunTurnResponse&)>& on_event,
      llm::v1::TurnDone::Outcome outcome = llm::v1::TurnDone::OUTCOME_ANSWERED) {
    llm::v1::RunTurnResponse event;
    event.mutable_done()->set_response(text);
    event.mutable_done()->set_outcome(outcome);
    event.mutable_done()->set_provider("deterministic");
    event.mutable_done()->set_language("en");
    event.mutable_done()->set_turn_state("state after " + text);
    return on_event(event);
  }

  Script script;
  std::vector<llm::v1::RunTurnRequest> requests;
};

/// A store in memory, a conversation and whoever asks.
struct ChatFixture {
  ChatFixture() {
    std::string quarantined;
    store = std::move(*OpenSqliteStore(":memory:", &quarantined));
  }
  static base::Context As(const std::string& principal) {
    return base::Context::Background().WithPrincipal({principal, base::Role::kViewer});
  }

  testing::FakeClock clock;
  base::SeededIds ids{7};
  std::unique_ptr<Store> store;
  ScriptedTurns turns;
};

}  // namespace opsmesh::chat
