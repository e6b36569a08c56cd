#include "services/llm/agent/prompt.h"

#include <algorithm>
#include <utility>

#include "embed/opsmesh_services_llm_agent.h"
#include "fmt/format.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

using llm_provider::Message;
using llm_provider::Role;

Message Make(Role role, std::string text) {
  Message message;
  message.role = role;
  message.text = std::move(text);
  return message;
}

std::string_view LanguageRule(text::Language language) {
  switch (language) {
    case text::Language::kEnglish:
      return "Answer in English.";
    case text::Language::kSimplified:
      return "用简体中文回答。";
    case text::Language::kTraditional:
      return "用繁體中文回答。";
  }
  return "";
}

std::string ScopeRule(const type::v1::Scope& scope, bool chinese) {
  std::string rule;
  if (scope.has_cluster())
    rule += fmt::format("{}: {}. ", chinese ? "集群" : "Cluster", scope.cluster());
  if (scope.has_namespace_()) {
    rule += fmt::format("{}: {}.", chinese ? "未指明时的命名空间" : "Namespace when none is named",
                        scope.namespace_());
  }
  return VisibleText(rule);
}

}  // namespace

std::string SystemPrompt(text::Language language, const Frame& frame, const type::v1::Scope& scope,
                         absl::Time now) {
  const bool chinese = text::IsChinese(language);
  std::string prompt(embedded_agent::EmbeddedFile(chinese ? "agent/prompts/system.zh.txt"
                                                          : "agent/prompts/system.en.txt"));
  prompt = base::ReplaceAll(prompt, "{nonce}", frame.nonce());
  prompt = base::ReplaceAll(prompt, "{language_rule}", LanguageRule(language));
  prompt = base::ReplaceAll(prompt, "{now}", base::Rfc3339(now));
  return base::ReplaceAll(prompt, "{scope}", ScopeRule(scope, chinese));
}

std::vector<Message> OpeningMessages(const v1::RunTurnRequest& request, std::string_view question,
                                     text::Language language, const Frame& frame, absl::Time now,
                                     const std::function<std::string(std::string_view)>& mask,
                                     const PromptLimits& limits) {
  std::vector<Message> messages = {
      Make(Role::kSystem, SystemPrompt(language, frame, request.context(), now))};
  int first = request.history_size();
  size_t bytes = 0;
  while (first > 0 && bytes + request.history(first - 1).text().size() <= limits.history_bytes) {
    bytes += request.history(--first).text().size();
  }
  // An answer without its question tells a model nothing.
  while (first < request.history_size() &&
         request.history(first).role() != v1::TurnMessage::ROLE_USER)
    ++first;
  for (int i = first; i < request.history_size(); ++i) {
    const v1::TurnMessage& said = request.history(i);
    if (base::Trim(said.text()).empty()) continue;
    messages.push_back(
        Make(said.role() == v1::TurnMessage::ROLE_USER ? Role::kUser : Role::kAssistant,
             mask(said.text())));
  }
  std::string text = mask(question);
  if (!request.attachment().empty()) {
    const std::string_view kept = base::Utf8Prefix(request.attachment(), limits.attachment_bytes);
    text += "\n\n" + frame.Wrap("attachment", mask(kept));
    if (kept.size() < request.attachment().size()) {
      text += fmt::format("\n(The first {} of {} bytes are shown.)", kept.size(),
                          request.attachment().size());
    }
  }
  messages.push_back(Make(Role::kUser, std::move(text)));
  return messages;
}

}  // namespace opsmesh::llm
