#include "services/llm/planner/turn.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostDelta = 1000;
constexpr int kMostResultBytes = 16 << 10;
constexpr int kMostFacts = 500;

bool Same(const type::v1::LedgerEntry& a, const type::v1::LedgerEntry& b) {
  return a.source() == b.source() && a.subject() == b.subject() && a.reason() == b.reason();
}

void AddNew(const google::protobuf::RepeatedPtrField<type::v1::LedgerEntry>& from,
            google::protobuf::RepeatedPtrField<type::v1::LedgerEntry>* to) {
  for (const type::v1::LedgerEntry& entry : from) {
    bool known = false;
    for (const type::v1::LedgerEntry& other : *to) known = known || Same(entry, other);
    if (!known) *to->Add() = entry;
  }
}

}  // namespace

std::string Explain(const absl::Status& status) {
  const base::ErrorDetail detail = base::DetailOf(status);
  std::string text(base::ToStd(status.message()));
  if (!detail.hint.empty()) text += " " + detail.hint;
  return text;
}

std::string Explain(const absl::Status& status, text::Language language) {
  const base::ErrorDetail detail = base::DetailOf(status);
  const auto word = [&](const char* key) {
    const auto found = detail.metadata.find(key);
    return found == detail.metadata.end() ? std::string() : found->second;
  };
  const std::string resource = word("resource");
  if (language == text::Language::kEnglish || detail.reason != "FORBIDDEN" || resource.empty())
    return Explain(status);
  const std::string ns = word("namespace");
  const std::string user = word("user");
  const std::string object = word("name").empty() ? resource : resource + "/" + word("name");
  return InLanguage(
      fmt::format("{5}没有权限{0}对 {6} 执行 {2}。请让管理员给该用户绑定一个 {3}，规则为："
                  "apiGroups: [\"{4}\"]，resources: [\"{1}\"]，verbs: [\"get\", \"list\", "
                  "\"watch\"]。",
                  ns.empty() ? "在整个集群" : fmt::format("在命名空间 {} ", ns), resource,
                  word("verb"), ns.empty() ? "ClusterRole" : "Role", word("group"),
                  user.empty() ? "当前用户" : fmt::format("用户 {} ", user), object),
      "", language);
}

absl::Status Turn::Say(std::string_view text) {
  while (!text.empty()) {
    std::string_view piece = base::Utf8Prefix(text, kMostDelta);
    if (piece.empty())
      piece = text.substr(0, std::min(text.size(), kMostDelta));  // not UTF-8: never loop
    text.remove_prefix(piece.size());
    const std::string clean = base::SanitizeUtf8(piece);
    text_ += clean;
    if (!broken_.ok()) return broken_;
    v1::RunTurnResponse event;
    event.mutable_text_delta()->set_text(clean);
    broken_ = sink_(std::move(event));
  }
  return broken_;
}

absl::Status Turn::SayParagraph(std::string_view text) {
  if (text.empty()) return broken_;
  OPSMESH_RETURN_IF_ERROR(text_.empty() ? absl::OkStatus() : Say("\n\n"));
  return Say(text);
}

absl::Status Turn::Started(const std::string& name, std::string_view arguments,
                           std::string* call_id) {
  *call_id = fmt::format("call_{}", ++calls_);
  v1::RunTurnResponse event;
  auto* call = event.mutable_tool_call();
  call->set_call_id(*call_id);
  call->set_name(name);
  call->mutable_arguments()->set_raw(arguments.empty() ? "{}" : std::string(arguments));
  done_.add_tools(name);
  if (broken_.ok()) broken_ = sink_(std::move(event));
  return broken_;
}

absl::Status Turn::Finished(const std::string& call_id, const std::string& name,
                            absl::Duration took, const absl::Status& status,
                            const k8s::v1::CallToolResponse* response) {
  v1::RunTurnResponse event;
  auto* result = event.mutable_tool_result();
  result->set_call_id(call_id);
  result->set_name(name);
  result->set_success(status.ok());
  result->set_duration_ms(absl::ToDoubleMilliseconds(took));
  if (!status.ok()) result->set_error(Explain(status));
  if (response != nullptr) {
    *result->mutable_facts() = response->facts();
    if (response->result().raw().size() <= kMostResultBytes)
      *result->mutable_result() = response->result();
    Merge(response->ledger());
    for (const type::v1::Fact& fact : response->facts()) {
      if (done_.facts_size() < kMostFacts) *done_.add_facts() = fact;
    }
  }
  if (broken_.ok()) broken_ = sink_(std::move(event));
  return broken_;
}

absl::StatusOr<k8s::v1::CallToolResponse> Turn::Call(ToolBox& tools,
                                                     const k8s::v1::CallToolRequest& request) {
  std::string call_id;
  OPSMESH_RETURN_IF_ERROR(Started(request.name(), request.arguments().raw(), &call_id));
  const absl::Duration start = context_.clock().Steady();
  absl::StatusOr<k8s::v1::CallToolResponse> response = tools.Call(context_, request);
  OPSMESH_RETURN_IF_ERROR(Finished(call_id, request.name(), context_.clock().Steady() - start,
                                   response.status(), response.ok() ? &*response : nullptr));
  return response;
}

absl::StatusOr<k8s::v1::DiagnoseResponse> Turn::Diagnose(ToolBox& tools,
                                                         const k8s::v1::DiagnoseRequest& request) {
  std::string call_id;
  OPSMESH_RETURN_IF_ERROR(Started("diagnose",
                                  request.has_namespace_()
                                      ? fmt::format(R"({{"namespace":"{}"}})", request.namespace_())
                                      : "{}",
                                  &call_id));
  const absl::Duration start = context_.clock().Steady();
  absl::StatusOr<k8s::v1::DiagnoseResponse> response = tools.Diagnose(context_, request);
  OPSMESH_RETURN_IF_ERROR(
      Finished(call_id, "diagnose", context_.clock().Steady() - start, response.status(), nullptr));
  if (response.ok()) Merge(response->ledger());
  return response;
}

void Turn::Merge(const type::v1::Ledger& ledger) {
  AddNew(ledger.checked(), done_.mutable_ledger()->mutable_checked());
  AddNew(ledger.not_checked(), done_.mutable_ledger()->mutable_not_checked());
  AddNew(ledger.failed(), done_.mutable_ledger()->mutable_failed());
}

void Turn::NotChecked(std::string_view source, std::string_view subject, std::string_view reason) {
  type::v1::Ledger ledger;
  auto* entry = ledger.add_not_checked();
  entry->set_source(std::string(source));
  entry->set_subject(std::string(subject));
  entry->set_reason(std::string(reason));
  Merge(ledger);
}

void Turn::Failed(std::string_view source, std::string_view subject, std::string_view reason) {
  type::v1::Ledger ledger;
  auto* entry = ledger.add_failed();
  entry->set_source(std::string(source));
  entry->set_subject(std::string(subject));
  entry->set_reason(std::string(reason));
  Merge(ledger);
}

absl::Status Turn::Finish(std::string turn_state) {
  OPSMESH_RETURN_IF_ERROR(broken_);
  done_.set_response(text_);
  done_.set_outcome(outcome);
  done_.set_turn_state(std::move(turn_state));
  done_.set_language(std::string(text::LanguageTag(language)));
  v1::RunTurnResponse event;
  *event.mutable_done() = done_;
  return sink_(std::move(event));
}

}  // namespace opsmesh::llm
