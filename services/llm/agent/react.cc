#include "services/llm/agent/react.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/llm/agent/claims.h"
#include "services/llm/agent/framing.h"
#include "services/llm/agent/prompt.h"
#include "services/llm/agent/safe_text.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {
namespace {

using llm_provider::ChainReply;
using llm_provider::ChatRequest;
using llm_provider::Finish;
using llm_provider::Message;
using llm_provider::Role;

constexpr size_t kShrunkResultBytes = 1200;

// Providers that report no usage: some 3 bytes a token over both languages.
int64_t EstimateTokens(size_t bytes) { return static_cast<int64_t>(bytes / 3); }

class Loop {
 public:
  Loop(Turn& turn, const ReactParts& parts, const v1::RunTurnRequest& request,
       const ReactOptions& options, size_t first_provider)
      : turn_(turn),
        parts_(parts),
        request_(request),
        options_(options),
        frame_(parts.ids),
        rounds_(
            turn, parts.tools, parts.menu, frame_, request.context(), parts.pool,
            [this](std::string_view text) { return Redacted(text); }, options.rounds),
        provider_(first_provider),
        with_tools_(!request.has_enable_tools() || request.enable_tools()) {}

  absl::StatusOr<ReactResult> Run(const std::vector<std::string>& suggested) {
    Open(suggested);
    const base::Context ctx = turn_.context().WithTimeout(options_.timeout);
    const int most = request_.max_iterations() > 0 ? std::min(request_.max_iterations(), 12)
                                                   : options_.max_iterations;
    for (int round = 0;; ++round) {
      if (round >= most && stop_.empty()) stop_ = "the limit of rounds was reached";
      chat_.may_call_tools = with_tools_ && stop_.empty();
      absl::StatusOr<ChainReply> reply = Ask(ctx);
      if (!reply.ok()) return Failed(reply.status());
      Account(*reply);
      if (reply->reply.tool_calls.empty()) return Answered(*reply);
      if (!chat_.may_call_tools) return OutOfBudget();
      OPSMESH_RETURN_IF_ERROR(RunTools(*std::move(reply)));
      if (rounds_.wanted_change() != nullptr) return Ended(ReactResult::End::kChange);
      if (!rounds_.stop().empty()) {
        // It was told; what it has found is worth more than another try.
        stop_ = rounds_.stop();
        return OutOfBudget();
      }
      if (tokens_ >= options_.token_budget) stop_ = "the token budget was used up";
    }
  }

 private:
  void Open(const std::vector<std::string>& suggested) {
    chat_.messages = OpeningMessages(request_, StripMention(request_.query()), turn_.language,
                                     frame_, turn_.context().clock().Now(),
                                     [this](std::string_view text) { return Redacted(text); },
                                     {options_.max_history_bytes, options_.max_attachment_bytes});
    if (!request_.attachment().empty()) rounds_.Taint();
    if (with_tools_)
      chat_.tools =
          parts_.menu.Choose(request_.query(), suggested, turn_.language, options_.max_tools);
    for (const Message& message : chat_.messages) {
      if (message.role != Role::kSystem) rounds_.evidence().Add(message.text);
    }
  }

  std::string Redacted(std::string_view text) const {
    redact::Redacted redacted = parts_.redactor.RedactAndCount(text);
    if (parts_.redactions != nullptr) {
      for (const auto& [kind, count] : redacted.counts)
        parts_.redactions->With({kind}).Increment(count);
    }
    return std::move(redacted.text);
  }

  // One reply of the chain; a question that is too long is shortened once.
  absl::StatusOr<ChainReply> Ask(const base::Context& ctx) {
    absl::StatusOr<ChainReply> reply = AskChain(ctx);
    if (base::DetailOf(reply.status()).reason != "LLM_CONTEXT_TOO_LONG" ||
        std::exchange(shortened_, true))
      return reply;
    Shorten();
    return AskChain(ctx);
  }

  absl::StatusOr<ChainReply> AskChain(const base::Context& ctx) {
    SafeText safe;
    bool begun = false;
    llm_provider::ChainListener listener;
    const auto say = [&](const std::string& text) -> absl::Status {
      if (text.empty()) return absl::OkStatus();
      if (!std::exchange(begun, true) && !turn_.text().empty())
        OPSMESH_RETURN_IF_ERROR(turn_.Say("\n\n"));
      return turn_.Say(text);
    };
    listener.on_text = [&](std::string_view piece) { return say(safe.Push(piece)); };
    listener.on_restart = [&](const absl::Status&) -> absl::Status {
      OPSMESH_RETURN_IF_ERROR(say(safe.Finish()));
      begun = false;
      return turn_.Say(InLanguage("……（回答在此中断，以下重新作答）",
                                  "… (the answer broke off here; it begins anew)", turn_.language));
    };
    listener.on_setback = [&](const llm_provider::Setback& setback) {
      result_.setbacks.push_back(setback);
    };
    absl::StatusOr<ChainReply> reply = parts_.chain.Chat(ctx, chat_, listener, &provider_);
    if (reply.ok()) OPSMESH_RETURN_IF_ERROR(say(safe.Finish()));
    return reply;
  }

  void Shorten() {
    // The system prompt and the question stay; old history goes, results are cut.
    std::vector<Message> kept;
    const auto question =
        std::find_if(chat_.messages.rbegin(), chat_.messages.rend(),
                     [](const Message& message) { return message.role == Role::kUser; });
    const auto first = static_cast<size_t>(chat_.messages.rend() - question) - 1;
    kept.push_back(std::move(chat_.messages.front()));
    for (size_t i = first; i < chat_.messages.size(); ++i) {
      Message message = std::move(chat_.messages[i]);
      if (message.role == Role::kTool && message.text.size() > kShrunkResultBytes) {
        message.text =
            frame_.Wrap("tool", std::string(base::Utf8Prefix(message.text, kShrunkResultBytes)) +
                                    "… (cut: the conversation is too long for the model)");
      }
      kept.push_back(std::move(message));
    }
    chat_.messages = std::move(kept);
    if (chat_.tools.size() > 8) chat_.tools.resize(8);
    turn_.NotChecked("llm", "conversation",
                     "The conversation was shortened: it was too long for the model.");
  }

  void Account(const ChainReply& reply) {
    result_.provider = reply.provider;
    result_.model = reply.model;
    int64_t input = reply.reply.usage.input_tokens;
    int64_t output = reply.reply.usage.output_tokens;
    if (!reply.reply.usage.reported) {
      size_t sent = 0;
      for (const Message& message : chat_.messages) sent += message.text.size();
      for (const auto& tool : chat_.tools) sent += tool.description.size() + tool.parameters.size();
      input = EstimateTokens(sent);
      output = EstimateTokens(reply.reply.text.size() + reply.reply.reasoning.size());
    }
    tokens_ += input + output;
    auto* usage = turn_.done().mutable_usage();
    usage->set_input_token_count(usage->input_token_count() + input);
    usage->set_output_token_count(usage->output_token_count() + output);
  }

  absl::Status RunTools(ChainReply reply) {
    Message asked;
    asked.role = Role::kAssistant;
    asked.text = std::move(reply.reply.text);
    asked.reasoning = std::move(reply.reply.reasoning);
    asked.reasoning_of = reply.provider;
    asked.tool_calls = reply.reply.tool_calls;
    // Broken arguments would make the next request unreadable for strict servers.
    for (llm_provider::ToolCall& call : asked.tool_calls) {
      const auto parsed = base::ParseJson(call.arguments);
      if (!parsed.ok() || !parsed->is_object()) call.arguments = "{}";
    }
    chat_.messages.push_back(std::move(asked));
    std::vector<Message> answers;
    OPSMESH_RETURN_IF_ERROR(rounds_.Run(reply.reply.tool_calls, &answers));
    for (Message& answer : answers) chat_.messages.push_back(std::move(answer));
    return absl::OkStatus();
  }

  absl::StatusOr<ReactResult> Answered(const ChainReply& reply) {
    if (reply.reply.finish == Finish::kLength) {
      OPSMESH_RETURN_IF_ERROR(turn_.SayParagraph(InLanguage(
          "（回答达到模型的长度上限，在此截断。）",
          "(The answer reached the model's length limit and was cut.)", turn_.language)));
      turn_.NotChecked("llm", "answer", "The answer reached the model's length limit and was cut.");
    }
    if (rounds_.calls() > 0) OPSMESH_RETURN_IF_ERROR(CheckClaims(reply.reply.text));
    if (stop_.empty()) return Ended(ReactResult::End::kAnswered);
    OPSMESH_RETURN_IF_ERROR(SayStopped());
    return Ended(ReactResult::End::kBudget);
  }

  absl::Status CheckClaims(std::string_view answer) {
    const std::vector<std::string> claims = rounds_.evidence().Unsupported(answer);
    if (claims.empty()) return absl::OkStatus();
    std::string list;
    for (const std::string& claim : claims) list += (list.empty() ? "`" : ", `") + claim + "`";
    turn_.NotChecked("llm", "answer", "Not found in any tool result: " + list + ".");
    return turn_.SayParagraph(InLanguage("⚠ 未能在工具结果中核实：" + list,
                                         "⚠ Not found in any tool result: " + list,
                                         turn_.language));
  }

  absl::Status SayStopped() {
    return turn_.SayParagraph(
        InLanguage("（已到达预算上限，以上是目前查到的内容。）",
                   "(Stopped by a budget: " + stop_ + ". The above is what was found so far.)",
                   turn_.language));
  }

  absl::StatusOr<ReactResult> OutOfBudget() {
    if (rounds_.findings().empty()) {
      return Failed(base::ResourceExhausted(
          "LLM_BUDGET", "The model found nothing before it was stopped: " + stop_ + "."));
    }
    for (const std::string& finding : rounds_.findings()) {
      OPSMESH_RETURN_IF_ERROR(turn_.SayParagraph(InLanguage(finding, finding, turn_.language)));
    }
    OPSMESH_RETURN_IF_ERROR(SayStopped());
    return Ended(ReactResult::End::kBudget);
  }

  absl::StatusOr<ReactResult> Failed(absl::Status why) {
    OPSMESH_RETURN_IF_ERROR(turn_.context().Check());
    if (base::DetailOf(why).reason == "DEADLINE") {
      why = base::DeadlineExceeded(
          "LLM_TIMEOUT", fmt::format("connection timeout: the model did not answer within {}",
                                     absl::FormatDuration(options_.timeout)));
    }
    result_.why = std::move(why);
    return Ended(ReactResult::End::kFailed);
  }

  ReactResult Ended(ReactResult::End end) {
    result_.end = end;
    result_.findings = rounds_.findings();
    result_.refused_changes = rounds_.refused_changes();
    result_.last_tool = rounds_.last_tool();
    result_.last_json = rounds_.last_json();
    if (rounds_.wanted_change() != nullptr) result_.change = *rounds_.wanted_change();
    return std::move(result_);
  }

  Turn& turn_;
  const ReactParts& parts_;
  const v1::RunTurnRequest& request_;
  const ReactOptions& options_;
  const Frame frame_;
  ToolRounds rounds_;
  ChatRequest chat_;
  ReactResult result_;
  size_t provider_;
  const bool with_tools_;
  bool shortened_ = false;
  std::string stop_;
  int64_t tokens_ = 0;
};

}  // namespace

absl::StatusOr<ReactResult> RunReact(Turn& turn, const ReactParts& parts,
                                     const v1::RunTurnRequest& request, const ReactOptions& options,
                                     const std::vector<std::string>& suggested,
                                     size_t first_provider) {
  return Loop(turn, parts, request, options, first_provider).Run(suggested);
}

}  // namespace opsmesh::llm
