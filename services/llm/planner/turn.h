// One turn under way: sends its events and gathers what its end says. Not thread-safe: one turn,
// one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/context.h"
#include "libs/text/language.h"
#include "opsmesh/k8s/v1/tool.pb.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

/// Takes the events of a turn in order. An error (the client left) ends the turn.
using EventSink = std::function<absl::Status(v1::RunTurnResponse)>;

class Turn {
 public:
  /// `sink` outlives the turn.
  Turn(const base::Context& context, const EventSink& sink) : context_(context), sink_(sink) {}

  text::Language language = text::Language::kEnglish;
  v1::TurnDone::Outcome outcome = v1::TurnDone::OUTCOME_ANSWERED;

  const base::Context& context() const { return context_; }
  /// Appends to the answer and streams it, pieces of at most 1,000 bytes that do not cut a
  /// character.
  absl::Status Say(std::string_view text);
  /// Say() with a blank line before it, unless it is the first.
  absl::Status SayParagraph(std::string_view text);

  /// Runs a tool between its two events; facts and ledger land in the turn. The result or the
  /// tool's error.
  absl::StatusOr<k8s::v1::CallToolResponse> Call(ToolBox& tools,
                                                 const k8s::v1::CallToolRequest& request);
  /// The same for the rule-based diagnosis, shown as the tool "diagnose".
  absl::StatusOr<k8s::v1::DiagnoseResponse> Diagnose(ToolBox& tools,
                                                     const k8s::v1::DiagnoseRequest& request);

  /// The two events around a call, for calls that run side by side. `call_id` receives the id of
  /// the call; `response` is null when it failed, and its facts and ledger land in the turn.
  absl::Status Started(const std::string& name, std::string_view arguments, std::string* call_id);
  absl::Status Finished(const std::string& call_id, const std::string& name, absl::Duration took,
                        const absl::Status& status, const k8s::v1::CallToolResponse* response);

  void Merge(const type::v1::Ledger& ledger);
  void NotChecked(std::string_view source, std::string_view subject, std::string_view reason);
  void Failed(std::string_view source, std::string_view subject, std::string_view reason);
  v1::TurnDone& done() { return done_; }
  const std::string& text() const { return text_; }

  /// Sends the last event.
  absl::Status Finish(std::string turn_state);

 private:
  const base::Context& context_;
  const EventSink& sink_;
  std::string text_;
  int calls_ = 0;
  absl::Status broken_;  // the sink's error: nothing more is sent
  v1::TurnDone done_;
};

/// One sentence for a person: the status' message and its hint.
std::string Explain(const absl::Status& status);
/// The same in the language of the question where that is known how: a right that is missing.
std::string Explain(const absl::Status& status, text::Language language);

}  // namespace opsmesh::llm
