#include "services/llm/planner/which_object.h"

#include <fmt/format.h>

#include <string>

#include "libs/base/json_string.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/linker.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostChoices = 8;

std::string ExampleOf(const Intent& intent, text::Language language) {
  if (intent.action == "yaml")
    return InLanguage("deployment nginx 的 yaml", "yaml of deployment nginx", language);
  if (intent.action == "history")
    return InLanguage("nginx 的发布历史", "rollout history of nginx", language);
  return InLanguage("nginx 的日志", "logs of nginx", language);
}

// Whose logs people mostly want: the unhealthy ones'.
std::vector<LinkedObject> UnhealthyPods(Turn& turn, const ReadContext& read, const Intent& intent) {
  const k8s::v1::Tool* tool = read.catalogue.Find("get_failed_kubernetes_pods");
  if (tool == nullptr || !tool->available()) return {};
  k8s::v1::CallToolRequest request;
  request.set_name(tool->name());
  request.mutable_arguments()->set_raw(
      intent.name_space.empty()
          ? "{}"
          : fmt::format(R"({{"namespace":{}}})", base::JsonString(intent.name_space)));
  *request.mutable_context() = read.scope;
  const auto response = turn.Call(read.tools, request);
  if (!response.ok()) return {};
  std::vector<LinkedObject> pods = RowsOf(response->result().raw(), request.name());
  if (pods.size() > kMostChoices) pods.resize(kMostChoices);
  return pods;
}

}  // namespace

absl::Status AskWhichObject(Turn& turn, const ReadContext& read, const Intent& intent,
                            TurnState* state) {
  const bool logs = intent.action == "logs";
  turn.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
  state->pending = intent;
  state->choices.clear();
  if (logs) state->choices = UnhealthyPods(turn, read, intent);
  std::string text = Say("which_object", turn.language,
                         {{"kind", KindWord(logs ? "Pod" : intent.kind, turn.language)},
                          {"example", ExampleOf(intent, turn.language)}});
  for (size_t i = 0; i < state->choices.size(); ++i)
    text += fmt::format("\n{}. {}", i + 1, Display(state->choices[i]));
  return turn.SayParagraph(text);
}

}  // namespace opsmesh::llm
