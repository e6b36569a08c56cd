#include "services/llm/agent/agent.h"

#include <optional>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/llm/agent/reading.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/read_steps.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {
namespace {

constexpr absl::Duration kProbeTimeout = absl::Seconds(25);

std::string Sentence(const absl::Status& status) {
  std::string text(status.message());
  if (!text.empty() && text.back() != '.') text += '.';
  const std::string hint = base::DetailOf(status).hint;
  return hint.empty() ? text : text + " " + hint;
}

// What a model's answer leaves for follow-ups: the rows it was made from, and what was there
// before.
std::string StateAfter(const v1::RunTurnRequest& request, const ReactResult& result,
                       text::Language language) {
  TurnState state;
  if (auto before = ParseTurnState(request.turn_state())) state = *std::move(before);
  state.language = language;
  state.pending.reset();
  state.choices.clear();
  state.more_tool.clear();
  state.more_arguments.clear();
  if (!result.last_json.empty()) state.rows = RowsOf(result.last_json, result.last_tool);
  return Serialize(state);
}

// Runs the planner behind a turn that a model began: its events go on in the same turn.
class PlannerBehind {
 public:
  PlannerBehind(const base::Context& context, const Planner& planner,
                const v1::RunTurnRequest& request, const EventSink& sink)
      : context_(context), planner_(planner), request_(request), sink_(sink) {}

  /// `begun` is what the model's half left: text, tools, ledger, usage. `degraded` is said at the
  /// end and in the event. `findings` stand in when the planner does not understand the question.
  absl::Status Run(v1::TurnDone begun, std::string text, int calls,
                   const std::vector<std::string>& degraded,
                   const std::vector<std::string>& findings, text::Language language) {
    std::vector<v1::RunTurnResponse> events;
    OPSMESH_RETURN_IF_ERROR(planner_.RunTurn(context_, request_, [&](v1::RunTurnResponse event) {
      events.push_back(std::move(event));
      return absl::OkStatus();
    }));
    if (events.empty() || !events.back().has_done())
      return base::Internal("TURN_INCOMPLETE", "The planner did not end its turn.");
    v1::TurnDone done = std::move(*events.back().mutable_done());
    events.pop_back();
    text_ = std::move(text);
    if (done.outcome() == v1::TurnDone::OUTCOME_NOT_UNDERSTOOD && !findings.empty()) {
      for (const std::string& finding : findings) OPSMESH_RETURN_IF_ERROR(Paragraph(finding));
      done.set_outcome(v1::TurnDone::OUTCOME_BUDGET);
    } else {
      OPSMESH_RETURN_IF_ERROR(Forward(std::move(events), calls));
    }
    if (!degraded.empty()) {
      std::string note = base::Join(degraded, " ");
      OPSMESH_RETURN_IF_ERROR(Paragraph(
          InLanguage("⚠ 大模型未能作答，以上由内置规划器回答。" + note,
                     "⚠ No LLM could answer; the built-in planner did. " + note, language)));
    }
    Merge(std::move(begun), degraded, &done);
    v1::RunTurnResponse last;
    *last.mutable_done() = std::move(done);
    return sink_(std::move(last));
  }

 private:
  absl::Status Say(const std::string& piece) {
    for (std::string_view rest = piece; !rest.empty();) {
      const std::string_view part = base::Utf8Prefix(rest, 1000);
      v1::RunTurnResponse event;
      event.mutable_text_delta()->set_text(std::string(part));
      text_ += part;
      OPSMESH_RETURN_IF_ERROR(sink_(std::move(event)));
      rest.remove_prefix(part.size());
    }
    return absl::OkStatus();
  }
  absl::Status Paragraph(const std::string& text) {
    return Say(text_.empty() ? text : "\n\n" + text);
  }

  absl::Status Forward(std::vector<v1::RunTurnResponse> events, int calls) {
    bool first_text = true;
    const auto renumber = [calls](std::string* id) {
      if (id->starts_with("call_"))
        *id = fmt::format("call_{}", calls + std::atoi(id->c_str() + 5));
    };
    for (v1::RunTurnResponse& event : events) {
      if (event.has_text_delta()) {
        const std::string gap = std::exchange(first_text, false) && !text_.empty() ? "\n\n" : "";
        OPSMESH_RETURN_IF_ERROR(Say(gap + event.text_delta().text()));
        continue;
      }
      if (event.has_tool_call()) renumber(event.mutable_tool_call()->mutable_call_id());
      if (event.has_tool_result()) renumber(event.mutable_tool_result()->mutable_call_id());
      OPSMESH_RETURN_IF_ERROR(sink_(std::move(event)));
    }
    return absl::OkStatus();
  }

  void Merge(v1::TurnDone begun, const std::vector<std::string>& degraded,
             v1::TurnDone* done) const {
    done->set_response(text_);
    for (const std::string& sentence : begun.degraded()) done->add_degraded(sentence);
    for (const std::string& sentence : degraded) done->add_degraded(sentence);
    begun.mutable_ledger()->MergeFrom(done->ledger());
    *done->mutable_ledger() = std::move(*begun.mutable_ledger());
    begun.mutable_facts()->MergeFrom(done->facts());
    *done->mutable_facts() = std::move(*begun.mutable_facts());
    begun.mutable_tools()->MergeFrom(done->tools());
    *done->mutable_tools() = std::move(*begun.mutable_tools());
    if (begun.has_usage()) *done->mutable_usage() = begun.usage();
    if (degraded.empty()) return;
    auto* entry = done->mutable_ledger()->add_failed();
    entry->set_source("llm");
    entry->set_subject("answer");
    entry->set_reason(base::Join(degraded, " "));
  }

  const base::Context& context_;
  const Planner& planner_;
  const v1::RunTurnRequest& request_;
  const EventSink& sink_;
  std::string text_;
};

// What a turn has gathered; its degraded sentences are handed on apart.
v1::TurnDone Begun(Turn& turn) {
  v1::TurnDone begun = turn.done();
  begun.clear_degraded();
  return begun;
}

std::vector<std::string> Sentences(const ReactResult& result) {
  std::vector<std::string> sentences;
  for (const llm_provider::Setback& setback : result.setbacks) {
    const std::string sentence = Sentence(setback.why);
    if (sentences.empty() || sentences.back() != sentence) sentences.push_back(sentence);
  }
  if (sentences.empty() && !result.why.ok()) sentences.push_back(Sentence(result.why));
  return sentences;
}

}  // namespace

Agent::Agent(AgentParts parts, ReactOptions options) : parts_(parts), options_(options) {
  if (parts_.metrics == nullptr) return;
  redactions_ = &parts_.metrics->AddCounter({.name = "opsmesh_redactions_total",
                                             .help = "Secrets masked before text left OpsMesh.",
                                             .labels = {"kind"}});
  injections_ = &parts_.metrics->AddCounter(
      {.name = "opsmesh_injection_suspected_total",
       .help = "Changes asked for after text from outside had been read.",
       .labels = {"channel"}});
}

absl::Status Agent::RunTurn(const base::Context& context, const v1::RunTurnRequest& request,
                            const EventSink& sink) const {
  OPSMESH_ASSIGN_OR_RETURN(llm_provider::Chain * chain,
                           parts_.providers.For(request.provider(), request.model()));
  const Reading reading = ReadQuestion(request);
  const absl::Status& unusable = parts_.providers.selection().unusable;
  const bool by_wish = request.provider() == kDeterministic;
  // Without a model "test" is the planner's own; "test connection" always asks for both.
  if (reading.self_test && !by_wish &&
      (chain != nullptr || !unusable.ok() || reading.asks_cluster)) {
    return Check(context, request, sink, chain, reading);
  }
  if (reading.for_planner || by_wish || (chain == nullptr && unusable.ok())) {
    return parts_.planner.RunTurn(context, request, sink);
  }
  if (chain == nullptr) {
    // An LLM was asked for and cannot be used: the planner answers, and every answer says why it
    // did.
    return PlannerBehind(context, parts_.planner, request, sink)
        .Run({}, "", 0, {Sentence(unusable)}, {}, reading.language);
  }
  return RunModel(context, request, sink, *chain, reading.language, reading.suggested);
}

absl::Status Agent::RunModel(const base::Context& context, const v1::RunTurnRequest& request,
                             const EventSink& sink, llm_provider::Chain& chain,
                             text::Language language,
                             const std::vector<std::string>& suggested) const {
  Turn turn(context, sink);
  turn.language = language;
  k8s::v1::ListToolsResponse listed;
  v1::RunTurnRequest asked = request;
  if (!request.has_enable_tools() || request.enable_tools()) {
    absl::StatusOr<k8s::v1::ListToolsResponse> tools = parts_.tools.List(context);
    if (tools.ok()) {
      listed = *std::move(tools);
    } else {
      OPSMESH_RETURN_IF_ERROR(context.Check());
      turn.Failed("k8s service", "tools", Explain(tools.status()));
      turn.done().add_degraded("The cluster's tools cannot be used: " + Explain(tools.status()));
      asked.set_enable_tools(false);
    }
  }
  const ToolMenu menu(std::move(listed));
  const ReactParts parts{chain, parts_.tools, menu,       parts_.redactor,
                         pool_, parts_.ids,   redactions_};
  OPSMESH_ASSIGN_OR_RETURN(ReactResult result,
                           RunReact(turn, parts, asked, options_, suggested, 0));
  for (const llm_provider::Setback& setback : result.setbacks) {
    parts_.logger.Warn(context, "llm provider gave no answer",
                       {{"provider", setback.provider},
                        {"reason", base::DetailOf(setback.why).reason},
                        {"error", std::string(setback.why.message())}});
  }
  if (result.end == ReactResult::End::kFailed) {
    std::vector<std::string> degraded = Sentences(result);
    for (const std::string& sentence : turn.done().degraded()) degraded.push_back(sentence);
    parts_.logger.Warn(context, "llm turn degraded to the planner",
                       {{"reason", base::DetailOf(result.why).reason}});
    return PlannerBehind(context, parts_.planner, request, sink)
        .Run(Begun(turn), turn.text(), turn.done().tools_size(), degraded, result.findings,
             language);
  }
  turn.done().set_provider(result.provider);
  turn.done().set_model(result.model);
  for (const std::string& sentence : Sentences(result)) turn.done().add_degraded(sentence);
  if (!parts_.providers.selection().unusable.ok())
    turn.done().add_degraded(Sentence(parts_.providers.selection().unusable));
  if (turn.done().degraded_size() > 0) {
    const std::vector<std::string> all(turn.done().degraded().begin(),
                                       turn.done().degraded().end());
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(InLanguage(
        "⚠ 部分降级：" + base::Join(all, " ") + " 本次由 " + result.provider + " 回答。",
        "⚠ Degraded: " + base::Join(all, " ") + " " + result.provider + " answered.", language)));
  }
  if (result.end == ReactResult::End::kBudget) turn.outcome = v1::TurnDone::OUTCOME_BUDGET;
  if (result.end == ReactResult::End::kChange) {
    turn.outcome = v1::TurnDone::OUTCOME_NEEDS_APPROVAL;
    turn.done().mutable_planned_call()->set_name(result.change.tool);
    turn.done().mutable_planned_call()->mutable_arguments()->set_raw(result.change.arguments);
    const std::string call = fmt::format("`{}` {}", result.change.tool, result.change.arguments);
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(
        InLanguage("需要变更，尚未执行：" + call + "。请由人确认后再执行。",
                   "A change is needed and was not made: " + call + ". A person has to approve it.",
                   language)));
  }
  if (result.refused_changes > 0 && injections_ != nullptr) {
    injections_->With({"llm"}).Increment();
  }
  return turn.Finish(StateAfter(request, result, language));
}

absl::Status Agent::CheckModels(Turn& turn, llm_provider::Chain& chain) const {
  const base::Context& context = turn.context();
  for (size_t i = 0; i < chain.size(); ++i) {
    OPSMESH_RETURN_IF_ERROR(context.Check());
    const std::string who = fmt::format("{} ({})", chain.at(i).name(), chain.at(i).model());
    const absl::Duration began = context.clock().Steady();
    const absl::Status status = chain.Probe(context.WithTimeout(kProbeTimeout), i);
    const int64_t took = absl::ToInt64Milliseconds(context.clock().Steady() - began);
    if (status.ok()) {
      OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(InLanguage(
          fmt::format("大模型可用：{}，密钥有效，{} 毫秒内应答。", who, took),
          fmt::format("The LLM works: {}, its key is accepted, it answered in {} ms.", who, took),
          turn.language)));
      continue;
    }
    OPSMESH_RETURN_IF_ERROR(context.Check());
    const std::string why = base::DetailOf(status).reason == "DEADLINE"
                                ? fmt::format("connection timeout: no answer within {}.",
                                              absl::FormatDuration(kProbeTimeout))
                                : Sentence(status);
    turn.done().add_degraded(why);
    turn.Failed("llm", chain.at(i).name(), why);
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(
        InLanguage(fmt::format("大模型不可用：{}：{}", who, why),
                   fmt::format("The LLM does not work: {}: {}", who, why), turn.language)));
  }
  return absl::OkStatus();
}

absl::Status Agent::Check(const base::Context& context, const v1::RunTurnRequest& request,
                          const EventSink& sink, llm_provider::Chain* chain,
                          const Reading& reading) const {
  Turn turn(context, sink);
  turn.language = reading.language;
  turn.done().set_provider(chain != nullptr ? chain->at(0).name() : kDeterministic);
  if (chain != nullptr) {
    turn.done().set_model(chain->at(0).model());
    OPSMESH_RETURN_IF_ERROR(CheckModels(turn, *chain));
  }
  const absl::Status& unusable = parts_.providers.selection().unusable;
  if (!unusable.ok()) {
    turn.done().add_degraded(Sentence(unusable));
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(Sentence(unusable)));
  } else if (chain == nullptr) {
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(Say("llm_off", reading.language)));
  }
  if (reading.asks_cluster) {
    return PlannerBehind(context, parts_.planner, request, sink)
        .Run(turn.done(), turn.text(), 0, {}, {}, reading.language);
  }
  if (!request.has_enable_tools() || request.enable_tools()) {
    const auto listed = parts_.tools.List(context);
    const std::string text =
        listed.ok() ? Say("tools_ok", reading.language,
                          {{"count", std::to_string(Catalogue(*listed).available_count())}})
                    : Say("tools_down", reading.language, {{"error", Explain(listed.status())}});
    if (!listed.ok()) turn.done().add_degraded(text);
    OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(text));
  }
  return turn.Finish(request.turn_state());
}

}  // namespace opsmesh::llm
