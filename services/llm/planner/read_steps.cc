#include "services/llm/planner/read_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/binder.h"
#include "services/llm/planner/linker.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostRows = 100;

// Errors that end the turn, not only the step.
bool EndsTurn(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled ||
         base::DetailOf(status).reason == "DEADLINE";
}

std::string SlotWord(const std::string& slot, text::Language language) {
  if (slot == "namespace") return Say("namespace_word", language);
  if (slot == "label") return InLanguage("标签", "label", language);
  if (slot == "time") return InLanguage("时间", "time", language);
  if (slot == "group") return InLanguage("分组", "group", language);
  if (slot == "count") return InLanguage("数量", "number", language);
  if (slot == "condition") return InLanguage("条件", "condition", language);
  if (slot == "order") return InLanguage("排序", "order", language);
  if (slot == "text") return InLanguage("文字", "text", language);
  if (slot == "container") return InLanguage("容器", "container", language);
  return slot;
}

class Reader {
 public:
  Reader(Turn& turn, const ReadContext& read, const Intent& intent, TurnState* state)
      : turn_(turn), read_(read), intent_(intent), state_(state) {}

  absl::Status Run(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
      OPSMESH_RETURN_IF_ERROR(step.tool == "diagnose" ? Diagnose() : CallTool(step));
    }
    return Settle();
  }

 private:
  // Namespace to ask for: the question's, else the scope's unless the question says "all".
  std::string Namespace() const {
    if (!intent_.objects.empty() && !intent_.objects.front().name_space.empty()) {
      return intent_.objects.front().name_space;
    }
    if (!intent_.name_space.empty()) return intent_.name_space;
    if (intent_.all_namespaces) return read_.scope.namespace_().empty() ? "" : "*";
    return read_.scope.namespace_();
  }

  // A tool about a service, asked about a workload: the service of that name beside it.
  Intent ForTool(const k8s::v1::Tool& tool) const {
    const bool service = tool.parameters().raw().find("\"service_name\"") != std::string::npos;
    if (!service || intent_.objects.size() != 1 || intent_.objects.front().kind == "Service")
      return intent_;
    k8s::v1::ResolveObjectsRequest request;
    *request.mutable_context() = read_.scope;
    request.mutable_context()->clear_namespace_();
    auto* mention = request.add_mentions();
    mention->set_text(intent_.names.empty() ? intent_.objects.front().name
                                            : intent_.names.front().text);
    mention->set_kind("Service");
    mention->set_namespace_(intent_.objects.front().name_space);
    const auto answer = read_.tools.Resolve(turn_.context(), request);
    if (!answer.ok() || answer->mentions_size() == 0 || answer->mentions(0).candidates_size() == 0)
      return intent_;
    const auto& best = answer->mentions(0).candidates(0);
    if (best.match() != k8s::v1::ObjectCandidate::MATCH_EXACT) return intent_;
    Intent about = intent_;
    about.objects = {{"Service", "", best.object().namespace_(), best.object().name()}};
    return about;
  }

  absl::Status CallTool(const Step& step) {
    const k8s::v1::Tool* tool = read_.catalogue.Find(step.tool);
    if (tool == nullptr || !tool->available()) {
      missing_.push_back(step.tool);
      turn_.NotChecked("tool", step.tool, Say("gap_tool", turn_.language, {{"tool", step.tool}}));
      return absl::OkStatus();
    }
    const Intent intent = ForTool(*tool);
    const BoundCall bound = Bind(*tool, step, intent, Namespace(), read_.window);
    if (!bound.missing.empty()) {
      lacking_ = step.tool;
      return absl::OkStatus();
    }
    for (const std::string& slot : bound.not_applied) {
      turn_.NotChecked("tool", step.tool,
                       Say("gap_slot", turn_.language,
                           {{"tool", step.tool}, {"slot", SlotWord(slot, turn_.language)}}));
    }
    k8s::v1::CallToolRequest request;
    request.set_name(step.tool);
    request.mutable_arguments()->set_raw(bound.arguments);
    *request.mutable_context() = read_.scope;
    const auto response = turn_.Call(read_.tools, request);
    if (!response.ok()) return StepFailed(step.tool, response.status());
    ++succeeded_;
    TakeRows(*response, request);
    return SayText(InLanguage(response->text().zh(), response->text().en(), turn_.language));
  }

  absl::Status StepFailed(const std::string& tool, const absl::Status& status) {
    if (EndsTurn(status)) return status;
    if (status.code() == absl::StatusCode::kUnimplemented) {
      missing_.push_back(tool);
      turn_.NotChecked("tool", tool, Explain(status));
    } else {
      turn_.Failed("tool", tool, Explain(status));
      if (first_error_.ok()) first_error_ = status;
    }
    return absl::OkStatus();
  }

  void TakeRows(const k8s::v1::CallToolResponse& response,
                const k8s::v1::CallToolRequest& request) {
    std::vector<LinkedObject> rows = RowsOf(response.result().raw(), request.name());
    if (state_->rows.empty()) state_->rows = std::move(rows);
    if (response.has_next_cursor() && !response.next_cursor().empty()) {
      nlohmann::json arguments = nlohmann::json::parse(request.arguments().raw(), nullptr, false);
      if (!arguments.is_object()) return;
      arguments["cursor"] = response.next_cursor();
      state_->more_tool = request.name();
      state_->more_arguments = base::DumpJson(arguments);
    }
  }

  absl::Status SayText(std::string text) {
    // A question for a number wants the totals, not the table below them.
    if (intent_.counts && intent_.group_by.empty()) text = text.substr(0, text.find("\n\n"));
    return turn_.SayParagraph(text);
  }

  absl::Status Diagnose() {
    k8s::v1::DiagnoseRequest request;
    const std::string ns = Namespace();
    if (!ns.empty() && ns != "*") request.set_namespace_(ns);
    if (!read_.scope.cluster().empty()) request.set_cluster(read_.scope.cluster());
    const auto response = turn_.Diagnose(read_.tools, request);
    if (!response.ok()) return StepFailed("diagnose", response.status());
    ++succeeded_;
    for (const k8s::v1::Finding& finding : response->findings()) {
      const auto& o = finding.object();
      if (state_->rows.size() < kMostRows && !o.name().empty()) {
        state_->rows.push_back({o.kind(), o.group(), o.namespace_(), o.name()});
      }
      for (const type::v1::Fact& fact : finding.evidence()) *turn_.done().add_facts() = fact;
    }
    if (!intent_.objects.empty())
      return SayText(About(*response, Display(intent_.objects.front())));
    if (intent_.kind == "Node")
      return SayText(About(*response, InLanguage("所有节点", "the nodes", turn_.language)));
    return SayText(InLanguage(response->text().zh(), response->text().en(), turn_.language));
  }

  // Whether a finding is about the linked object or what belongs to it (a pod's name begins with
  // its workload's); where none is linked, about a node.
  bool IsAsked(const type::v1::ObjectRef& found) const {
    if (intent_.objects.empty()) return found.kind() == "Node";
    const LinkedObject& object = intent_.objects.front();
    return found.namespace_() == object.name_space &&
           (found.name() == object.name || found.name().starts_with(object.name + "-"));
  }

  std::string About(const k8s::v1::DiagnoseResponse& response, const std::string& shown) const {
    std::string text;
    for (const k8s::v1::Finding& finding : response.findings()) {
      const auto& found = finding.object();
      if (!IsAsked(found)) continue;
      const std::string ns = found.namespace_().empty() ? "" : found.namespace_() + "/";
      text += fmt::format("\n- {} `{}{}`: ", found.kind(), ns, found.name());
      text += InLanguage(finding.summary().zh(), finding.summary().en(), turn_.language);
      for (const type::v1::Text* part : {&finding.cause(), &finding.next_step()}) {
        if (!part->zh().empty() || !part->en().empty())
          text += " " + InLanguage(part->zh(), part->en(), turn_.language);
      }
    }
    if (text.empty()) {
      return InLanguage(fmt::format("规则诊断没有发现 {} 的问题。", shown),
                        fmt::format("The rules found nothing wrong with {}.", shown),
                        turn_.language);
    }
    return InLanguage(fmt::format("{} 的诊断结果：", shown),
                      fmt::format("Findings about {}:", shown), turn_.language) +
           text;
  }

  absl::Status Settle() {
    if (succeeded_ > 0) return absl::OkStatus();
    if (!first_error_.ok()) {
      turn_.outcome = v1::TurnDone::OUTCOME_FAILED;
      return turn_.SayParagraph(
          Say("failed", turn_.language, {{"error", Explain(first_error_, turn_.language)}}));
    }
    if (!missing_.empty()) {
      turn_.outcome = v1::TurnDone::OUTCOME_UNIMPLEMENTED;
      std::vector<std::string> quoted;
      for (const std::string& tool : missing_) quoted.push_back("`" + tool + "`");
      return turn_.SayParagraph(
          Say("not_built", turn_.language, {{"tools", base::Join(quoted, ", ")}}));
    }
    if (!lacking_.empty()) {
      turn_.outcome = v1::TurnDone::OUTCOME_CLARIFICATION;
      return turn_.SayParagraph(
          Say("which_object", turn_.language,
              {{"kind", KindWord(intent_.kind, turn_.language)},
               {"example", InLanguage("nginx 的状态", "status of nginx", turn_.language)}}));
    }
    turn_.outcome = v1::TurnDone::OUTCOME_NOT_UNDERSTOOD;
    return turn_.SayParagraph(Say("not_understood", turn_.language));
  }

  Turn& turn_;
  const ReadContext& read_;
  const Intent& intent_;
  TurnState* state_;
  int succeeded_ = 0;
  std::vector<std::string> missing_;
  std::string lacking_;
  absl::Status first_error_;
};

}  // namespace

const k8s::v1::Tool* Catalogue::Find(std::string_view name) const {
  for (const k8s::v1::Tool& tool : tools_.tools()) {
    if (tool.name() == name) return &tool;
    for (const std::string& alias : tool.aliases()) {
      if (alias == name) return &tool;
    }
  }
  return nullptr;
}

int Catalogue::available_count() const {
  return static_cast<int>(
      std::count_if(tools_.tools().begin(), tools_.tools().end(),
                    [](const k8s::v1::Tool& tool) { return tool.available(); }));
}

std::vector<LinkedObject> RowsOf(std::string_view text, std::string_view tool) {
  std::vector<LinkedObject> rows;
  const auto parsed = base::ParseJson(text);
  if (!parsed.ok() || !parsed->is_object()) return rows;
  const std::string kind = parsed->contains("kind") && (*parsed)["kind"].is_string()
                               ? (*parsed)["kind"].get<std::string>()
                           : tool.ends_with("_pods")        ? "Pod"
                           : tool.ends_with("_deployments") ? "Deployment"
                                                            : "";
  const auto string_of = [](const nlohmann::json& object, const char* key) {
    return object.contains(key) && object[key].is_string() ? object[key].get<std::string>()
                                                           : std::string();
  };
  for (const auto& [key, value] : parsed->items()) {
    if (!value.is_array()) continue;
    for (const nlohmann::json& row : value) {
      if (!row.is_object() || rows.size() >= kMostRows) break;
      const std::string own_kind = string_of(row, "kind");
      LinkedObject object{own_kind.empty() ? kind : own_kind, "", string_of(row, "namespace"),
                          string_of(row, "name")};
      if (!object.name.empty() && !object.kind.empty()) rows.push_back(std::move(object));
    }
    if (!rows.empty()) break;
  }
  return rows;
}

absl::Status RunSteps(Turn& turn, const ReadContext& read, const Intent& intent,
                      const std::vector<Step>& steps, TurnState* state) {
  return Reader(turn, read, intent, state).Run(steps);
}

namespace {

/// "pods can be read in shop only; nodes cannot be read" in the language of the question.
std::string RightsLine(const type::v1::LedgerEntry& entry, text::Language language) {
  constexpr std::string_view kCannot = "cannot be read";
  constexpr std::string_view kCan = " can be read in ";
  constexpr std::string_view kRule = "apiGroups: ";
  const std::string& reason = entry.reason();
  std::string zh;
  if (reason.starts_with(kCannot)) {  // one kind, and what the server said
    zh = fmt::format("没有权限读取 {}，本回答不含这部分", entry.subject());
    if (const size_t rule = reason.rfind(kRule); rule != std::string::npos)
      zh += fmt::format("；需要的规则：{}", std::string_view(reason).substr(rule));
    return InLanguage(zh, fmt::format("{} {}", entry.subject(), reason), language);
  }
  for (std::string_view part : base::Split(std::string_view(reason), ';')) {
    part = base::Trim(part);
    zh += zh.empty() ? "" : "；";
    if (const size_t can = part.find(kCan); can != std::string::npos) {
      std::string_view where = part.substr(can + kCan.size());
      if (where.ends_with(" only")) where.remove_suffix(5);
      zh += fmt::format("{} 只能在命名空间 {} 中读取", part.substr(0, can), where);
    } else if (part.ends_with(kCannot)) {
      zh +=
          fmt::format("没有权限读取 {}", base::Trim(part.substr(0, part.size() - kCannot.size())));
    } else {
      zh += part;
    }
  }
  return InLanguage("按当前用户的权限，" + base::ReplaceAll(zh, ", ", "、"),
                    "With the rights of this user, " + reason, language);
}

}  // namespace

std::string RightsNote(const type::v1::Ledger& ledger, text::Language language) {
  std::string text;
  for (const type::v1::LedgerEntry& entry : ledger.failed()) {
    if (entry.source() != "rights") continue;
    text += (text.empty() ? "" : "\n") + RightsLine(entry, language);
    text += InLanguage("。", ".", language);
  }
  return text;
}

absl::Status SayGaps(Turn& turn) {
  const type::v1::Ledger& ledger = turn.done().ledger();
  std::string text;
  const auto add = [&](const auto& entries, const char* head) {
    if (entries.empty()) return;
    text += (text.empty() ? "" : "\n") + Say(head, turn.language);
    // What failed for the same reason is one line: "pods, nodes: no connection ...".
    std::vector<std::pair<std::string, std::string>> lines;  // reason, subjects
    for (const type::v1::LedgerEntry& entry : entries) {
      if (entry.source() == "rights") {
        lines.emplace_back(RightsLine(entry, turn.language), "");
        continue;
      }
      const bool sentence = entry.source() == "tool" && !entry.reason().empty();
      const std::string& subject = entry.subject().empty() ? entry.source() : entry.subject();
      const auto same = std::find_if(lines.begin(), lines.end(), [&](const auto& line) {
        return line.first == entry.reason() && line.second.empty() == sentence;
      });
      if (same == lines.end())
        lines.emplace_back(entry.reason(), sentence ? std::string() : subject);
      else if (!sentence && !subject.starts_with(same->second + " in "))
        same->second += ", " + subject;
    }
    for (const auto& [reason, subjects] : lines)
      text += subjects.empty() ? "\n- " + reason : fmt::format("\n- {}: {}", subjects, reason);
  };
  add(ledger.failed(), "failures");
  add(ledger.not_checked(), "gaps");
  return turn.SayParagraph(text);
}

absl::Status RunMore(Turn& turn, const ReadContext& read, TurnState* state) {
  if (state->more_tool.empty()) return turn.SayParagraph(Say("no_more", turn.language));
  k8s::v1::CallToolRequest request;
  request.set_name(state->more_tool);
  request.mutable_arguments()->set_raw(state->more_arguments);
  *request.mutable_context() = read.scope;
  const auto response = turn.Call(read.tools, request);
  if (!response.ok()) {
    if (EndsTurn(response.status())) return response.status();
    turn.outcome = v1::TurnDone::OUTCOME_FAILED;
    return turn.SayParagraph(
        Say("failed", turn.language, {{"error", Explain(response.status(), turn.language)}}));
  }
  state->rows = RowsOf(response->result().raw(), request.name());
  nlohmann::json arguments = nlohmann::json::parse(state->more_arguments, nullptr, false);
  if (response->next_cursor().empty() || !arguments.is_object()) {
    state->more_tool.clear();
  } else {
    arguments["cursor"] = response->next_cursor();
    state->more_arguments = base::DumpJson(arguments);
  }
  return turn.SayParagraph(InLanguage(response->text().zh(), response->text().en(), turn.language));
}

}  // namespace opsmesh::llm
