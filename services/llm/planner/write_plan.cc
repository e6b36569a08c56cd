#include "services/llm/planner/write_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/linker.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

constexpr size_t kMostChoices = 8;

class Planner {
 public:
  Planner(Turn& turn, const ReadContext& read, Intent intent, TurnState* state)
      : turn_(turn), read_(read), intent_(std::move(intent)), state_(state) {}

  absl::Status Run() {
    const std::string& action = intent_.action;
    if (action != "scale" && action != "restart" && action != "rollback" && action != "delete") {
      turn_.outcome = v1::TurnDone::OUTCOME_UNIMPLEMENTED;
      return turn_.SayParagraph(Say("plan_unknown", turn_.language, {{"what", action}}));
    }
    if (intent_.objects.empty()) {
      bool open = false;
      OPSMESH_RETURN_IF_ERROR(FindTarget(&open));
      if (open) return absl::OkStatus();
    }
    object_ = intent_.objects.front();
    OPSMESH_RETURN_IF_ERROR(ReadState());
    if (action == "scale" && !ResolveReplicas()) {
      turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
      state_->pending = intent_;
      state_->choices.clear();
      return turn_.SayParagraph(Say("which_replicas", turn_.language, {{"object", Display(object_)}}));
    }
    return SayPlan();
  }

 private:
  // Nobody was named: the only candidate is taken, several are asked about.
  absl::Status FindTarget(bool* open) {
    Intent listing;
    listing.action = "list";
    listing.name_space = intent_.name_space;
    const bool pod = intent_.action == "delete" || (intent_.action == "restart" && intent_.kind != "Deployment" &&
                                                    intent_.kind != "Workload");
    Step step{pod ? "get_failed_kubernetes_pods" : "list_kubernetes_deployments", {}};
    std::vector<LinkedObject> rows;
    OPSMESH_RETURN_IF_ERROR(List(step, listing, &rows));
    std::erase_if(rows, [&](const LinkedObject& row) { return pod ? row.kind != "Pod" : row.kind != "Deployment"; });
    if (rows.size() == 1) {
      intent_.objects = std::move(rows);
      return absl::OkStatus();
    }
    *open = true;
    turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
    std::string text = Say("which_object", turn_.language,
                           {{"kind", KindWord(pod ? "Pod" : "Deployment", turn_.language)}, {"example", Example()}});
    if (rows.size() > kMostChoices) rows.resize(kMostChoices);
    for (size_t i = 0; i < rows.size(); ++i) text += fmt::format("\n{}. {}", i + 1, Display(rows[i]));
    state_->pending = intent_;
    state_->choices = std::move(rows);
    return turn_.SayParagraph(text);
  }

  std::string Example() const {
    if (intent_.action == "scale") {
      const int64_t n = intent_.replicas.value_or(3);
      return InLanguage(fmt::format("把 web 扩容到 {} 个副本", n), fmt::format("scale web to {}", n), turn_.language);
    }
    if (intent_.action == "rollback") return InLanguage("回滚 web", "roll back web", turn_.language);
    if (intent_.action == "delete") return InLanguage("删除 Pod web-1", "delete pod web-1", turn_.language);
    return InLanguage("重启 web", "restart web", turn_.language);
  }

  absl::Status List(const Step& step, const Intent& intent, std::vector<LinkedObject>* rows) {
    const k8s::v1::Tool* tool = read_.catalogue.Find(step.tool);
    if (tool == nullptr || !tool->available()) return absl::OkStatus();
    k8s::v1::CallToolRequest request;
    request.set_name(step.tool);
    json arguments = json::object();
    if (!intent.name_space.empty()) arguments["namespace"] = intent.name_space;
    request.mutable_arguments()->set_raw(base::DumpJson(arguments));
    *request.mutable_context() = read_.scope;
    const auto response = turn_.Call(read_.tools, request);
    if (!response.ok()) {
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      turn_.Failed("tool", step.tool, Explain(response.status()));
      return absl::OkStatus();
    }
    *rows = RowsOf(response->result().raw());
    return absl::OkStatus();
  }

  // What is so now: the plan says it, and "two more" counts from it.
  absl::Status ReadState() {
    const bool pod = object_.kind == "Pod";
    const std::string name = pod ? "get_pod_details" : "get_deployment_details";
    const k8s::v1::Tool* tool = read_.catalogue.Find(name);
    if (tool == nullptr || !tool->available() || (!pod && object_.kind != "Deployment")) return absl::OkStatus();
    k8s::v1::CallToolRequest request;
    request.set_name(name);
    request.mutable_arguments()->set_raw(base::DumpJson(
        json{{"namespace", object_.name_space}, {pod ? "pod_name" : "deployment_name", object_.name}}));
    *request.mutable_context() = read_.scope;
    const auto response = turn_.Call(read_.tools, request);
    if (!response.ok()) {
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      turn_.Failed("tool", name, Explain(response.status()));
      return absl::OkStatus();
    }
    state_text_ = InLanguage(response->text().zh(), response->text().en(), turn_.language);
    state_text_ = state_text_.substr(0, state_text_.find("\n\n"));
    for (const type::v1::Fact& fact : response->facts()) {
      const bool wanted = fact.key() == "replicas.desired" || fact.key().ends_with(".replicas") || fact.key() == "replicas" ||
                          fact.key().ends_with(".replicas.desired");
      if (!wanted || fact.value().empty() || fact.value().size() > 6) continue;
      char* end = nullptr;
      const int64_t value = std::strtoll(fact.value().c_str(), &end, 10);
      if (*end == '\0' && !replicas_now_) replicas_now_ = value;
    }
    return absl::OkStatus();
  }

  bool ResolveReplicas() {
    if (!intent_.replicas) return false;
    if (!intent_.replicas_relative) return true;
    if (!replicas_now_) return false;
    intent_.replicas = *replicas_now_ + *intent_.replicas;
    intent_.replicas_relative = false;
    return true;
  }

  std::string ToolName() const {
    if (intent_.action == "scale") return "scale_deployment";
    if (intent_.action == "rollback") return "rollback_deployment";
    if (intent_.action == "delete") return "delete_kubernetes_resource";
    if (object_.kind == "Pod") return "restart_pod";
    for (const char* name : {"restart_deployment", "rollout_restart", "restart_workload"}) {
      if (read_.catalogue.Find(name) != nullptr) return name;
    }
    return "restart_pod";
  }

  json Arguments(const std::string& tool) const {
    json arguments = {{"namespace", object_.name_space}};
    if (tool == "restart_pod" && object_.kind == "Pod") {
      arguments["pod_name"] = object_.name;
    } else if (tool == "delete_kubernetes_resource" || tool == "restart_pod" || tool == "restart_workload") {
      arguments["resource_type"] = object_.kind;
      arguments["resource_name"] = object_.name;
    } else {
      arguments["deployment_name"] = object_.name;
      if (object_.kind != "Deployment") arguments["resource_type"] = object_.kind;
    }
    if (intent_.action == "scale") arguments["replicas"] = *intent_.replicas;
    return arguments;
  }

  absl::Status SayPlan() {
    const std::string tool = ToolName();
    const std::string arguments = base::DumpJson(Arguments(tool));
    const std::string now =
        replicas_now_ ? Say("replicas_now", turn_.language, {{"count", std::to_string(*replicas_now_)}}) : "";
    const std::string summary =
        Say(intent_.action + "_summary", turn_.language,
            {{"object", Display(object_)}, {"replicas", std::to_string(intent_.replicas.value_or(0))}, {"now", now}});
    auto* planned = turn_.done().mutable_planned_call();
    planned->set_name(tool);
    planned->mutable_arguments()->set_raw(arguments);
    turn_.outcome = v1::TurnDone::OUTCOME_UNIMPLEMENTED;
    state_->last = intent_;
    OPSMESH_RETURN_IF_ERROR(turn_.SayParagraph(
        Say("plan", turn_.language, {{"summary", summary}, {"tool", tool}, {"arguments", arguments}})));
    if (state_text_.empty()) return absl::OkStatus();
    return turn_.SayParagraph(Say("state_now", turn_.language) + "\n" + state_text_);
  }

  Turn& turn_;
  const ReadContext& read_;
  Intent intent_;
  TurnState* state_;
  LinkedObject object_;
  std::string state_text_;
  std::optional<int64_t> replicas_now_;
};

}  // namespace

absl::Status PlanWrite(Turn& turn, const ReadContext& read, Intent intent, TurnState* state) {
  return Planner(turn, read, std::move(intent), state).Run();
}

}  // namespace opsmesh::llm
