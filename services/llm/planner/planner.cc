#include "services/llm/planner/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/attachment.h"
#include "services/llm/planner/cluster_name.h"
#include "services/llm/planner/cluster_scope.h"
#include "services/llm/planner/commands.h"
#include "services/llm/planner/follow_up.h"
#include "services/llm/planner/interpret.h"
#include "services/llm/planner/linker.h"
#include "services/llm/planner/named_words.h"
#include "services/llm/planner/prelink.h"
#include "services/llm/planner/read_steps.h"
#include "services/llm/planner/routes.h"
#include "services/llm/planner/small_talk.h"
#include "services/llm/planner/turn_state.h"
#include "services/llm/planner/typos.h"
#include "services/llm/planner/which_object.h"
#include "services/llm/planner/write_plan.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostQueryBytes = 64 << 10;
constexpr size_t kMostTogether = 5;  // objects one question may be about

bool IsOneOf(std::string_view value, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), value) != set.end();
}

// One turn of the planner.
class Run {
 public:
  /// `wanted_cluster`: the one the caller named, when the request was turned to the only one there
  /// is.
  Run(ToolBox& tools, const PlannerOptions& options, const v1::RunTurnRequest& request,
      std::string wanted_cluster, Turn& turn)
      : tools_(tools),
        options_(options),
        request_(request),
        wanted_cluster_(std::move(wanted_cluster)),
        turn_(turn) {
    before_ = ParseTurnState(request.turn_state()).value_or(TurnState{});
    // A conversation stays with the cluster that was named last.
    if (request_.context().cluster().empty() && !before_.cluster.empty()) {
      request_.mutable_context()->set_cluster(before_.cluster);
      stays_ = true;
    }
  }

  absl::Status Answer() {
    const std::string query = StripMention(request_.query());
    const text::Language fallback = before_.language.value_or(
        text::ParseLanguageTag(request_.language()).value_or(text::Language::kEnglish));
    turn_.language = text::DetectLanguage(query, fallback);
    after_.language = turn_.language;
    after_.cluster = before_.cluster;
    if (!wanted_cluster_.empty())
      OPSMESH_RETURN_IF_ERROR(SayOtherCluster(request_.context().cluster()));
    OPSMESH_RETURN_IF_ERROR(Dispatch(query, fallback));
    if (turn_.outcome == v1::TurnDone::OUTCOME_ANSWERED) OPSMESH_RETURN_IF_ERROR(SayGaps(turn_));
    return turn_.Finish(Serialize(after_));
  }

 private:
  absl::Status Dispatch(const std::string& query, text::Language fallback) {
    if (base::Trim(query).empty() && !request_.has_attachment()) return SayOnly("help");
    if (const auto command = ParseCommand(query)) return RunCommand(*command);
    Sentence sentence = ReadSentence(query, Lexicon::Embedded(), fallback);
    if (ToolsEnabled() && request_.attachment().empty()) {
      if (AsksForClusters(sentence.marks)) return SayClusters(turn_, tools_);
      const ClusterScope scope =
          ReadClusters(turn_.context(), tools_, request_.context().cluster(), &sentence);
      if (!scope.unknown.empty() && scope.only.empty()) {
        turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
        return turn_.SayParagraph(Say("unknown_cluster", turn_.language,
                                      {{"wanted", scope.unknown}, {"clusters", scope.configured}}));
      }
      if (!scope.unknown.empty()) {
        wanted_cluster_ = scope.unknown;  // nothing is ever changed on that ground
        OPSMESH_RETURN_IF_ERROR(SayOtherCluster(scope.only));
      }
      if (!scope.named.empty()) return AnswerOf(scope.named, sentence);
    }
    if (stays_) OPSMESH_RETURN_IF_ERROR(SayCluster());
    return AnswerSentence(sentence);
  }

  // The same question of each cluster that the sentence names.
  absl::Status AnswerOf(const std::vector<std::string>& clusters, const Sentence& sentence) {
    auto outcome = v1::TurnDone::OUTCOME_ANSWERED;
    for (const std::string& cluster : clusters) {
      request_.mutable_context()->set_cluster(cluster);
      after_.cluster = cluster;
      if (clusters.size() > 1) OPSMESH_RETURN_IF_ERROR(SayCluster());
      turn_.outcome = v1::TurnDone::OUTCOME_ANSWERED;
      OPSMESH_RETURN_IF_ERROR(AnswerSentence(sentence));
      if (turn_.outcome != v1::TurnDone::OUTCOME_ANSWERED) outcome = turn_.outcome;
    }
    turn_.outcome = outcome;
    return absl::OkStatus();
  }

  absl::Status SayCluster() {
    return turn_.SayParagraph(
        Say("of_cluster", turn_.language, {{"cluster", request_.context().cluster()}}));
  }

  absl::Status SayOtherCluster(const std::string& only) {
    const std::string note =
        Say("other_cluster", turn_.language, {{"wanted", wanted_cluster_}, {"cluster", only}});
    turn_.done().add_degraded(note);
    return turn_.SayParagraph(note);
  }

  absl::Status AnswerSentence(Sentence sentence) {
    if (ToolsEnabled() && request_.attachment().empty())
      ReadWordsAsNames(turn_.context(), tools_, request_.context(), &sentence);
    std::vector<Intent> intents = InterpretSentence(sentence, Lexicon::Embedded());
    if (!request_.attachment().empty()) {
      return AnswerFromAttachment(turn_, request_.attachment(),
                                  intents.empty() ? Intent{} : intents.front());
    }
    if (intents.empty()) return NotUnderstood();
    if (Hopeless(intents)) {
      Sentence corrected = sentence;
      const std::set<std::string> names =
          ToolsEnabled() ? NamesInUse(turn_.context(), tools_, intents) : std::set<std::string>{};
      if (CorrectTypos(names, &corrected))
        intents = InterpretSentence(corrected, Lexicon::Embedded());
    }
    if (ToolsEnabled()) ResolveAlternatives(turn_.context(), tools_, request_.context(), &intents);
    std::vector<Intent> earlier;
    for (Intent& intent : intents) {
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      OPSMESH_RETURN_IF_ERROR(RunOne(std::move(intent), &earlier));
      // An open question or a failure ends a chain of steps: later ones would rest on it.
      if (turn_.outcome != v1::TurnDone::OUTCOME_ANSWERED) break;
    }
    return absl::OkStatus();
  }

  bool ToolsEnabled() const { return !request_.has_enable_tools() || request_.enable_tools(); }

  static bool Hopeless(const std::vector<Intent>& intents) {
    return std::all_of(intents.begin(), intents.end(), [](const Intent& intent) {
      return intent.kind.empty() && intent.topic.empty() && intent.condition.empty() &&
             !intent.is_write &&
             (intent.action.empty() ||
              IsOneOf(intent.action, {"list", "describe", "status", "count"}));
    });
  }

  absl::Status RunCommand(const Command& command) {
    if (!command.usage_error.empty()) {
      turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
      return turn_.SayParagraph(InLanguage("用法：`" + command.usage_error + "`",
                                           "Usage: `" + command.usage_error + "`", turn_.language));
    }
    if (command.unknown) {
      turn_.outcome = v1::TurnDone::OUTCOME_NOT_UNDERSTOOD;
      return turn_.SayParagraph(Say("help", turn_.language));
    }
    std::vector<Intent> earlier;
    return RunOne(command.intent, &earlier);
  }

  absl::Status RunOne(Intent intent, std::vector<Intent>* earlier) {
    Completed completed = Complete(std::move(intent), before_, *earlier);
    switch (completed.kind) {
      case Completed::Kind::kDismissed:
        return SayOnly("dismissed");
      case Completed::Kind::kNothingOpen:
        turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
        return SayOnly("nothing_open");
      case Completed::Kind::kMore: {
        after_ = before_;
        OPSMESH_RETURN_IF_ERROR(LoadTools());
        return catalogue_ ? RunMore(turn_, Reading({}), &after_) : absl::OkStatus();
      }
      case Completed::Kind::kIntent:
        break;
    }
    bool handled = false;
    OPSMESH_RETURN_IF_ERROR(
        AnswerSmallTalk(turn_, {ToolsEnabled() ? &tools_ : nullptr, options_.llm_configured},
                        completed.intent, &handled));
    if (handled) return absl::OkStatus();
    if (!ToolsEnabled()) {
      turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
      return SayOnly("tools_disabled");
    }
    return Ask(std::move(completed.intent), earlier);
  }

  absl::Status Ask(Intent intent, std::vector<Intent>* earlier) {
    const Route* route = Routes::Embedded().Find(intent);
    if (intent.is_write && !IsOneOf(intent.action, {"scale", "restart", "rollback", "delete"})) {
      turn_.outcome = v1::TurnDone::OUTCOME_UNIMPLEMENTED;
      return turn_.SayParagraph(Say("plan_unknown", turn_.language, {{"what", intent.action}}));
    }
    const std::string target = intent.is_write    ? WriteTarget(intent)
                               : route != nullptr ? route->target
                                                  : "";
    const bool needs_name = !intent.is_write && route != nullptr && route->needs_name;
    // "Its logs" after a deployment: the name is linked again, to a pod.
    if (target == "Pod" && !intent.objects.empty() && intent.objects.front().kind != "Pod" &&
        intent.objects.front().kind != "Node") {
      for (NameMention& name : intent.names) name.kind.clear();
      intent.objects.clear();
    }
    if (intent.objects.empty() && (!intent.names.empty() || !intent.name_space.empty())) {
      bool open = false;
      OPSMESH_RETURN_IF_ERROR(LinkNames(target, needs_name || intent.is_write, &intent, &open));
      if (open) return absl::OkStatus();
      route = Routes::Embedded().Find(intent);
    }
    OPSMESH_RETURN_IF_ERROR(LoadTools());
    if (!catalogue_) return absl::OkStatus();
    earlier->push_back(intent);
    if (intent.is_write && !wanted_cluster_.empty()) {
      turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
      return SayOnly("no_change_elsewhere");
    }
    if (intent.is_write) return PlanWrite(turn_, Reading(intent), intent, &after_);
    if (route == nullptr || (route->steps.empty() && route->otherwise.empty()))
      return NotUnderstood();
    if (route->needs_name && intent.objects.empty())
      return AskWhichObject(turn_, Reading(intent), intent, &after_);
    if (intent.compares && intent.objects.size() > 1 && intent.objects.size() <= kMostTogether)
      return AskEach(intent);
    after_.last = intent;
    const bool other = (route->needs_kind && intent.kind.empty() && !route->otherwise.empty()) ||
                       route->steps.empty();
    return RunSteps(turn_, Reading(intent), intent, other ? route->otherwise : route->steps,
                    &after_);
  }

  // "The logs of cart and frontend": the same for each.
  absl::Status AskEach(const Intent& intent) {
    for (const LinkedObject& object : intent.objects) {
      Intent one = intent;
      one.objects = {object};
      one.compares = false;
      if (one.action == "compare") one.action = "describe";
      const Route* route = Routes::Embedded().Find(one);
      if (route == nullptr || route->steps.empty()) return NotUnderstood();
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      OPSMESH_RETURN_IF_ERROR(RunSteps(turn_, Reading(one), one, route->steps, &after_));
    }
    after_.last = intent;
    after_.rows = intent.objects;
    return absl::OkStatus();
  }

  static std::string WriteTarget(const Intent& intent) {
    const bool workload = intent.action == "scale" || intent.action == "rollback";
    if (intent.kind == "Pod" && !workload) return "Pod";
    if (intent.action == "delete") return "Any";
    return "Workload";
  }

  absl::Status LinkNames(const std::string& target, bool needs_name, Intent* intent, bool* open) {
    const auto link = [&] {
      return Link(turn_.context(), tools_, *intent, target, needs_name, request_.context(),
                  turn_.language);
    };
    auto linked = link();
    if (linked.ok() && linked->rights_limited && !linked->intent.name_space.empty()) {
      const absl::Status readable = CheckReadable(linked->intent);
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      if (!readable.ok()) {
        *open = true;
        after_.last = linked->intent;
        turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
        turn_.Failed("rights", "namespace " + linked->intent.name_space, Explain(readable));
        return turn_.SayParagraph(
            Say("failed", turn_.language, {{"error", Explain(readable, turn_.language)}}));
      }
      linked = link();  // what the namespace holds is known by now
    }
    if (!linked.ok()) {
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      *open = true;
      turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
      turn_.Failed("object index", "names", Explain(linked.status()));
      return turn_.SayParagraph(
          Say("failed", turn_.language, {{"error", Explain(linked.status())}}));
    }
    turn_.Merge(linked->ledger);
    if (linked->question.empty()) {
      *intent = std::move(linked->intent);
      return turn_.SayParagraph(linked->note);
    }
    *open = true;
    turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
    after_.pending = *intent;
    after_.choices = linked->choices;
    after_.last = before_.last;
    after_.rows = before_.rows;
    OPSMESH_RETURN_IF_ERROR(turn_.SayParagraph(linked->question));
    return turn_.SayParagraph(RightsNote(linked->ledger, turn_.language));
  }

  // A user of some namespaces names one: PERMISSION_DENIED when what the question is about may not
  // be read there. Questions about rights themselves may always be asked.
  absl::Status CheckReadable(const Intent& intent) {
    if (intent.topic == "rbac" || !intent.verb.empty()) return absl::OkStatus();
    const bool pods = intent.kind.empty() || intent.action == "logs" ||
                      IsOneOf(intent.kind, {"All", "Cluster", "Workload", "Container", "Image",
                                            "Context", "ApiResource", "Namespace", "Node"});
    k8s::v1::CallToolRequest request;
    request.set_name("kubectl_get_resources");
    request.mutable_arguments()->set_raw(fmt::format(
        R"({{"resource_type":{},"namespace":{},"limit":1}})",
        base::JsonString(pods ? "Pod" : intent.kind), base::JsonString(intent.name_space)));
    *request.mutable_context() = request_.context();
    const absl::Status status = tools_.Call(turn_.context(), request).status();
    return status.code() == absl::StatusCode::kPermissionDenied ? status : absl::OkStatus();
  }

  absl::Status LoadTools() {
    if (catalogue_) return absl::OkStatus();
    auto listed = tools_.List(turn_.context());
    if (listed.ok()) {
      catalogue_.emplace(*std::move(listed));
      return absl::OkStatus();
    }
    OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
    turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
    turn_.Failed("k8s service", "tools", Explain(listed.status()));
    return turn_.SayParagraph(Say("failed", turn_.language, {{"error", Explain(listed.status())}}));
  }

  ReadContext Reading(const Intent& intent) const {
    return {tools_, *catalogue_, request_.context(), WindowOf(intent)};
  }

  absl::Duration WindowOf(const Intent& intent) const {
    if (!intent.window) return absl::ZeroDuration();
    if (intent.window->kind == text::TimeWindow::Kind::kLast) return intent.window->length;
    const absl::Time now = turn_.context().clock().Now();
    absl::CivilDay day = absl::ToCivilDay(now, options_.zone);
    // "Yesterday" reaches back to its midnight; tools read windows that end now.
    if (intent.window->kind == text::TimeWindow::Kind::kYesterday) --day;
    return now - absl::FromCivil(day, options_.zone);
  }

  absl::Status SayOnly(std::string_view id) { return turn_.SayParagraph(Say(id, turn_.language)); }

  absl::Status NotUnderstood() {
    turn_.outcome = v1::TurnDone::OUTCOME_NOT_UNDERSTOOD;
    return SayOnly("not_understood");
  }

  ToolBox& tools_;
  const PlannerOptions& options_;
  v1::RunTurnRequest request_;  // its context is turned to the cluster that is asked
  bool stays_ = false;          // with the cluster of the turn before
  std::string wanted_cluster_;
  Turn& turn_;
  TurnState before_;
  TurnState after_;
  std::optional<Catalogue> catalogue_;
};

}  // namespace

absl::Status Planner::RunTurn(const base::Context& context, const v1::RunTurnRequest& request,
                              const EventSink& sink) const {
  if (request.query().size() > kMostQueryBytes) {
    return base::InvalidArgument("query", "QUERY_TOO_LONG",
                                 fmt::format("The question has {} bytes; at most {} are read.",
                                             request.query().size(), kMostQueryBytes))
        .Hint("Put the data the question is about into `attachment`.");
  }
  Turn turn(context, sink);
  turn.done().set_provider("deterministic");
  const std::string only = StandInCluster(context, tools_, request);
  if (only.empty()) return Run(tools_, options_, request, "", turn).Answer();
  v1::RunTurnRequest elsewhere = request;
  elsewhere.mutable_context()->set_cluster(only);
  return Run(tools_, options_, elsewhere, request.context().cluster(), turn).Answer();
}

}  // namespace opsmesh::llm
