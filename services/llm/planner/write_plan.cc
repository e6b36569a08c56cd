#include "services/llm/planner/write_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/linker.h"

namespace opsmesh::llm {
namespace {

using nlohmann::json;

constexpr size_t kMostChoices = 8;
constexpr size_t kMostPods = 5;

struct PlannedCall {
  std::string tool;
  json arguments;
};

class WritePlan {
 public:
  WritePlan(Turn& turn, const ReadContext& read, Intent intent, TurnState* state)
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
    if (action == "scale" && intent_.replicas_relative) OPSMESH_RETURN_IF_ERROR(ReadReplicas());
    if (action == "scale" && (!intent_.replicas || intent_.replicas_relative)) {
      turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
      state_->pending = intent_;
      state_->pending->replicas_relative = false;
      state_->choices.clear();
      return turn_.SayParagraph(
          Say("which_replicas", turn_.language, {{"object", Display(object_)}}));
    }
    std::vector<PlannedCall> calls;
    OPSMESH_RETURN_IF_ERROR(MakeCalls(&calls));
    if (calls.empty()) return absl::OkStatus();
    return SayPlan(calls);
  }

 private:
  // Nobody was named: the only candidate is taken, several are asked about.
  absl::Status FindTarget(bool* open) {
    const bool pod =
        intent_.action == "delete" ||
        (intent_.action == "restart" && intent_.kind != "Deployment" && intent_.kind != "Workload");
    json arguments = json::object();
    if (!intent_.name_space.empty()) arguments["namespace"] = intent_.name_space;
    std::vector<LinkedObject> rows;
    OPSMESH_RETURN_IF_ERROR(List(pod ? "get_failed_kubernetes_pods" : "list_kubernetes_deployments",
                                 std::move(arguments), &rows));
    std::erase_if(
        rows, [&](const LinkedObject& row) { return row.kind != (pod ? "Pod" : "Deployment"); });
    if (rows.size() == 1) {
      intent_.objects = std::move(rows);
      return absl::OkStatus();
    }
    *open = true;
    turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
    std::string text = Say(
        "which_object", turn_.language,
        {{"kind", KindWord(pod ? "Pod" : "Deployment", turn_.language)}, {"example", Example()}});
    if (rows.size() > kMostChoices) rows.resize(kMostChoices);
    for (size_t i = 0; i < rows.size(); ++i)
      text += fmt::format("\n{}. {}", i + 1, Display(rows[i]));
    state_->pending = intent_;
    state_->choices = std::move(rows);
    return turn_.SayParagraph(text);
  }

  std::string Example() const {
    if (intent_.action == "scale") {
      const int64_t n = intent_.replicas.value_or(3);
      return InLanguage(fmt::format("把 web 扩容到 {} 个副本", n),
                        fmt::format("scale web to {}", n), turn_.language);
    }
    if (intent_.action == "rollback")
      return InLanguage("回滚 web", "roll back web", turn_.language);
    if (intent_.action == "delete")
      return InLanguage("删除 Pod web-1", "delete pod web-1", turn_.language);
    return InLanguage("重启 web", "restart web", turn_.language);
  }

  k8s::v1::CallToolRequest Request(const std::string& tool, const json& arguments) const {
    k8s::v1::CallToolRequest request;
    request.set_name(tool);
    request.mutable_arguments()->set_raw(base::DumpJson(arguments));
    *request.mutable_context() = read_.scope;
    return request;
  }

  absl::Status List(const std::string& name, json arguments, std::vector<LinkedObject>* rows) {
    const k8s::v1::Tool* tool = read_.catalogue.Find(name);
    if (tool == nullptr || !tool->available()) return absl::OkStatus();
    const auto response = turn_.Call(read_.tools, Request(name, arguments));
    if (response.ok()) {
      *rows = RowsOf(response->result().raw(), name);
      return absl::OkStatus();
    }
    turn_.Failed("tool", name, Explain(response.status()));
    return turn_.context().Check();
  }

  // "Two more": counts from what the object's details say.
  absl::Status ReadReplicas() {
    const std::string name = "get_deployment_details";
    const k8s::v1::Tool* tool = read_.catalogue.Find(name);
    if (tool == nullptr || !tool->available() || object_.kind != "Deployment")
      return absl::OkStatus();
    const auto response = turn_.Call(
        read_.tools,
        Request(name, {{"namespace", object_.name_space}, {"deployment_name", object_.name}}));
    if (!response.ok()) return turn_.context().Check();
    const json details = json::parse(response->result().raw(), nullptr, false);
    for (const char* path : {"/object/spec/replicas", "/spec/replicas", "/replicas/desired",
                             "/replicas", "/desired"}) {
      const json::json_pointer pointer(path);
      if (!details.is_object() || !details.contains(pointer) ||
          !details[pointer].is_number_integer())
        continue;
      intent_.replicas = std::max<int64_t>(0, details[pointer].get<int64_t>() + *intent_.replicas);
      intent_.replicas_relative = false;
      break;
    }
    return absl::OkStatus();
  }

  absl::Status MakeCalls(std::vector<PlannedCall>* calls) {
    const json where = {{"namespace", object_.name_space}};
    json arguments = where;
    if (intent_.action == "scale" || intent_.action == "rollback") {
      arguments["deployment_name"] = object_.name;
      if (object_.kind != "Deployment") arguments["resource_type"] = object_.kind;
      if (intent_.action == "scale") arguments["replicas"] = *intent_.replicas;
      // Without one the tool takes the revision before the current one.
      if (intent_.action == "rollback" && intent_.revisions.size() == 1)
        arguments["revision"] = intent_.revisions.front();
      calls->push_back(
          {intent_.action == "scale" ? "scale_deployment" : "rollback_deployment", arguments});
      return absl::OkStatus();
    }
    if (intent_.action == "delete") {
      arguments["resource_type"] = object_.kind;
      arguments["name"] = object_.name;
      if (object_.name_space.empty()) arguments.erase("namespace");
      calls->push_back({"delete_kubernetes_resource", arguments});
      return absl::OkStatus();
    }
    if (object_.kind == "Pod") {
      arguments["pod_name"] = object_.name;
      calls->push_back({"restart_pod", arguments});
      return absl::OkStatus();
    }
    // A workload is restarted pod by pod.
    arguments["resource_type"] = "pods";
    arguments["where"] = json::array({fmt::format("workload={}/{}", object_.kind, object_.name)});
    std::vector<LinkedObject> pods;
    OPSMESH_RETURN_IF_ERROR(List("kubectl_get_resources", arguments, &pods));
    for (size_t i = 0; i < pods.size() && i < kMostPods; ++i) {
      json one = where;
      one["pod_name"] = pods[i].name;
      calls->push_back({"restart_pod", one});
    }
    if (!calls->empty()) return absl::OkStatus();
    turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
    return turn_.SayParagraph(
        Say("not_found", turn_.language,
            {{"place", Say("in_namespace", turn_.language, {{"namespace", object_.name_space}})},
             {"name", object_.name},
             {"kind", KindWord("Pod", turn_.language)}}));
  }

  // The tools work the plan out from the live objects and refuse to carry it out: the plan is in
  // their refusal.
  absl::Status SayPlan(const std::vector<PlannedCall>& calls) {
    std::string summary;
    for (const PlannedCall& call : calls) {
      const auto response = turn_.Call(read_.tools, Request(call.tool, call.arguments));
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      std::string line;
      if (response.ok()) {
        line = InLanguage(response->text().zh(), response->text().en(), turn_.language);
      } else if (response.status().code() == absl::StatusCode::kUnimplemented) {
        const auto metadata = base::DetailOf(response.status()).metadata;
        const auto zh = metadata.find("plan_zh");
        const auto en = metadata.find("plan_en");
        if (zh != metadata.end() && en != metadata.end())
          line = InLanguage(zh->second, en->second, turn_.language);
      } else {
        turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
        turn_.Failed("tool", call.tool, Explain(response.status()));
        return turn_.SayParagraph(
            Say("failed", turn_.language, {{"error", Explain(response.status())}}));
      }
      if (line.empty()) {
        line = Say(intent_.action + "_summary", turn_.language,
                   {{"object", Display(object_)},
                    {"replicas", std::to_string(intent_.replicas.value_or(0))},
                    {"now", ""}});
      }
      summary += (summary.empty() ? "" : "\n") + line;
    }
    const std::string arguments = base::DumpJson(calls.front().arguments);
    auto* planned = turn_.done().mutable_planned_call();
    planned->set_name(calls.front().tool);
    planned->mutable_arguments()->set_raw(arguments);
    turn_.outcome = v1::TurnDone::OUTCOME_NEEDS_APPROVAL;
    state_->last = intent_;
    return turn_.SayParagraph(
        Say("plan", turn_.language,
            {{"summary", summary}, {"tool", calls.front().tool}, {"arguments", arguments}}));
  }

  Turn& turn_;
  const ReadContext& read_;
  Intent intent_;
  TurnState* state_;
  LinkedObject object_;
};

}  // namespace

absl::Status PlanWrite(Turn& turn, const ReadContext& read, Intent intent, TurnState* state) {
  return WritePlan(turn, read, std::move(intent), state).Run();
}

}  // namespace opsmesh::llm
