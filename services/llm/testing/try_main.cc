// Reads questions from standard input, one a line, and prints the calls the planner makes on the
// fake cluster: for writing test sentences and for looking at a misreading.
#include <cstdio>
#include <iostream>
#include <string>

#include "libs/base/strings.h"
#include "libs/testing/fake_clock.h"
#include "services/llm/planner/planner.h"
#include "services/llm/testing/fake_toolbox.h"

int main() {
  using namespace opsmesh;  // NOLINT(google-build-using-namespace)
  llm::FakeToolBox tools;
  const llm::Planner planner(tools, {});
  testing::FakeClock clock;
  std::string line, state;
  while (std::getline(std::cin, line)) {
    const bool follows = line.starts_with("> ");
    llm::v1::RunTurnRequest request;
    request.set_query(follows ? line.substr(2) : line);
    if (follows) request.set_turn_state(state);
    llm::v1::TurnDone done;
    const absl::Status status = planner.RunTurn(base::Context::Background(clock), request,
                                                [&](llm::v1::RunTurnResponse event) {
                                                  if (event.has_done()) done = event.done();
                                                  return absl::OkStatus();
                                                });
    state = done.turn_state();
    std::printf("%s\n", line.c_str());
    if (!status.ok()) std::printf("   !! %s\n", status.ToString().c_str());
    for (const std::string& call : tools.TakeCalls()) std::printf("   -> %s\n", call.c_str());
    std::printf("   %s [%s]", llm::v1::TurnDone::Outcome_Name(done.outcome()).c_str() + 8,
                done.language().c_str());
    if (done.has_planned_call()) {
      std::printf(" PLAN %s %s", done.planned_call().name().c_str(),
                  done.planned_call().arguments().raw().c_str());
    }
    if (done.outcome() != llm::v1::TurnDone::OUTCOME_ANSWERED)
      std::printf(" :: %s", std::string(base::Utf8Prefix(done.response(), 160)).c_str());
    std::printf("\n");
  }
}
