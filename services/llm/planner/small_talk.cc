#include "services/llm/planner/small_talk.h"

#include <string>
#include <string_view>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/generate.h"
#include "services/llm/planner/read_steps.h"

namespace opsmesh::llm {
namespace {

absl::Status SayOnly(Turn& turn, std::string_view id) {
  return turn.SayParagraph(Say(id, turn.language));
}

absl::Status SelfTest(Turn& turn, const SmallTalk& talk) {
  std::string tools;
  if (talk.tools != nullptr) {
    const auto listed = talk.tools->List(turn.context());
    tools = listed.ok() ? Say("tools_ok", turn.language,
                              {{"count", std::to_string(Catalogue(*listed).available_count())}})
                        : Say("tools_down", turn.language, {{"error", Explain(listed.status())}});
  }
  OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(Say("test", turn.language, {{"tools", tools}})));
  return talk.llm_configured ? absl::OkStatus() : turn.SayParagraph(Say("llm_off", turn.language));
}

absl::Status Generate(Turn& turn, const Intent& intent) {
  const Generated made = GenerateManifest(intent);
  if (made.yaml.empty()) {
    turn.outcome = v1::TurnDone::OUTCOME_UNIMPLEMENTED;
    const std::string what =
        intent.kind == "HelmChart" ? " Helm chart" : KindWord(intent.kind, turn.language);
    return turn.SayParagraph(Say("generate_needs_llm", turn.language,
                                 {{"what", turn.language == text::Language::kEnglish
                                               ? "a" + (what.starts_with(' ') ? what : " " + what)
                                               : what}}));
  }
  OPSMESH_RETURN_IF_ERROR(turn.SayParagraph(Say(
      "generate_deployment", turn.language,
      {{"placeholders",
        base::Join(made.placeholders, turn.language == text::Language::kEnglish ? ", " : "、")}})));
  return turn.SayParagraph("```yaml\n" + made.yaml + "```");
}

absl::Status HowTo(Turn& turn, const std::string& action) {
  const bool english = turn.language == text::Language::kEnglish;
  std::string example = english ? "scale web to 5" : "把 web 扩容到 5 个副本";
  if (action == "restart") example = english ? "restart web" : "重启 web";
  if (action == "rollback") example = english ? "roll back web" : "回滚 web";
  if (action == "delete") example = english ? "delete pod web-1" : "删除 Pod web-1";
  return turn.SayParagraph(Say("howto", turn.language, {{"example", example}}));
}

}  // namespace

absl::Status AnswerSmallTalk(Turn& turn, const SmallTalk& talk, const Intent& intent,
                             bool* handled) {
  *handled = true;
  const std::string& action = intent.action;
  if (action == "generate") return Generate(turn, intent);
  if (action.starts_with("howto_")) return HowTo(turn, action.substr(6));
  const bool bare = intent.kind.empty() && intent.names.empty() && intent.topic.empty() &&
                    intent.condition.empty() && intent.name_space.empty() && intent.objects.empty();
  if (bare && (action == "help" || action == "greet" || action == "thanks"))
    return SayOnly(turn, action);
  if (action == "help" && intent.names.empty() && intent.condition.empty())
    return SayOnly(turn, "help");
  if (intent.topic == "mcp") return SayOnly(turn, "mcp_off");
  if (action == "test" && bare) return SelfTest(turn, talk);
  *handled = false;
  return absl::OkStatus();
}

}  // namespace opsmesh::llm
