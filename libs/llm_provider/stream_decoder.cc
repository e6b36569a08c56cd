#include "libs/llm_provider/stream_decoder.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

using nlohmann::json;

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
// More tokens than any model reads or writes in one call: a figure above it is an error of the
// server.
constexpr int64_t kMostTokens = 100'000'000;

const json* Get(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string_view TextOf(const json& object, const char* key) {
  const json* value = Get(object, key);
  return value != nullptr && value->is_string()
             ? std::string_view(value->get_ref<const std::string&>())
             : std::string_view();
}

// How many bytes at the end of `text` may be the beginning of `mark`.
size_t PartialMatch(std::string_view text, std::string_view mark) {
  for (size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

std::optional<int64_t> Tokens(const json& usage, const char* key) {
  const json* value = Get(usage, key);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(kMostTokens))
    return std::nullopt;
  const int64_t tokens = value->get<int64_t>();
  return tokens < 0 || tokens > kMostTokens ? std::nullopt : std::optional(tokens);
}

void TakeUsage(const json& usage, Usage* into) {
  const auto input = Tokens(usage, "prompt_tokens");
  const auto output = Tokens(usage, "completion_tokens");
  if (!input || !output) return;
  // Some servers report the running total with every chunk: the last one counts.
  *into = {.input_tokens = *input, .output_tokens = *output, .reported = true};
}

base::Error Malformed(std::string_view what) {
  return base::Unavailable("LLM_MALFORMED",
                           fmt::format("The model's answer cannot be read: {}.", what));
}

}  // namespace

std::string ThinkFilter::Push(std::string_view piece, std::string* reasoning) {
  if (state_ == State::kText) return std::string(piece);
  held_ += piece;
  if (state_ == State::kStart) {
    const size_t begin = held_.find_first_not_of(" \t\r\n");
    const std::string_view rest =
        begin == std::string::npos ? std::string_view() : std::string_view(held_).substr(begin);
    if (rest.size() < kOpen.size() && kOpen.starts_with(rest)) return "";
    if (!rest.starts_with(kOpen)) {
      state_ = State::kText;
      return std::exchange(held_, {});
    }
    held_ = rest.substr(kOpen.size());
    state_ = State::kInside;
  }
  if (const size_t close = held_.find(kClose); close != std::string::npos) {
    reasoning->append(held_, 0, close);
    std::string text = held_.substr(close + kClose.size());
    text.erase(0, std::min(text.find_first_not_of("\r\n"), text.size()));
    held_.clear();
    state_ = State::kText;
    return text;
  }
  const size_t keep = PartialMatch(held_, kClose);
  reasoning->append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return "";
}

std::string ThinkFilter::Finish() {
  const bool answer = state_ == State::kStart;
  state_ = State::kText;
  std::string held = std::exchange(held_, {});
  return answer ? held : "";
}

StreamDecoder::StreamDecoder(OnText on_text, DecoderLimits limits)
    : on_text_(std::move(on_text)), limits_(limits) {}

absl::Status StreamDecoder::Count(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= limits_.max_reply_bytes) return absl::OkStatus();
  return base::ResourceExhausted(
      "LLM_REPLY_TOO_LONG",
      fmt::format("The model's answer grew above {} bytes and was cut.", limits_.max_reply_bytes));
}

absl::Status StreamDecoder::Emit(std::string text) {
  if (text.empty()) return absl::OkStatus();
  reply_.text += text;
  return on_text_ ? on_text_(text) : absl::OkStatus();
}

absl::Status StreamDecoder::TakeText(std::string_view text) {
  OPSMESH_RETURN_IF_ERROR(Count(text.size()));
  return Emit(think_.Push(text, &reply_.reasoning));
}

absl::Status StreamDecoder::Chunk(std::string_view data) {
  data = base::Trim(data);
  if (done_ || data.empty()) return absl::OkStatus();
  if (data == "[DONE]") {
    done_ = true;
    return absl::OkStatus();
  }
  std::string clean;
  if (!base::IsValidUtf8(data)) {
    damaged_ = true;
    clean = base::SanitizeUtf8(data);
    data = clean;
  }
  const absl::StatusOr<json> chunk = base::ParseJson(data);
  if (!chunk.ok()) return Malformed("a chunk is no JSON");
  return Take(*chunk);
}

absl::Status StreamDecoder::Take(const json& chunk) {
  if (!chunk.is_object()) return Malformed("a chunk is no object");
  if (Get(chunk, "error") != nullptr || TextOf(chunk, "object") == "error") {
    return base::Unavailable("UPSTREAM_ERROR", "The provider ended the answer with an error.")
        .With("body", base::DumpJson(chunk));
  }
  if (const json* usage = Get(chunk, "usage"); usage != nullptr) TakeUsage(*usage, &reply_.usage);
  const json* choices = Get(chunk, "choices");
  if (choices == nullptr || !choices->is_array()) return absl::OkStatus();
  for (const json& choice : *choices) {
    if (const json* index = Get(choice, "index"); index != nullptr && *index != 0)
      continue;  // we ask for one answer
    const json* delta = Get(choice, "delta");
    if (delta == nullptr) delta = Get(choice, "message");
    if (delta != nullptr) OPSMESH_RETURN_IF_ERROR(TakeDelta(*delta));
    if (const std::string_view reason = TextOf(choice, "finish_reason"); !reason.empty()) {
      OPSMESH_RETURN_IF_ERROR(TakeFinish(std::string(reason)));
    }
  }
  return absl::OkStatus();
}

absl::Status StreamDecoder::TakeDelta(const json& delta) {
  for (const char* key : {"reasoning_content", "reasoning"}) {
    const std::string_view reasoning = TextOf(delta, key);
    if (reasoning.empty()) continue;
    OPSMESH_RETURN_IF_ERROR(Count(reasoning.size()));
    reply_.reasoning += reasoning;
    break;
  }
  if (const json* content = Get(delta, "content"); content != nullptr) {
    if (content->is_string()) {
      OPSMESH_RETURN_IF_ERROR(TakeText(content->get_ref<const std::string&>()));
    } else if (content->is_array()) {  // parts, as some gateways send them
      for (const json& part : *content) OPSMESH_RETURN_IF_ERROR(TakeText(TextOf(part, "text")));
    }
  }
  if (const std::string_view refusal = TextOf(delta, "refusal"); !refusal.empty()) {
    OPSMESH_RETURN_IF_ERROR(TakeText(refusal));
  }
  if (const json* calls = Get(delta, "tool_calls"); calls != nullptr && calls->is_array()) {
    for (const json& piece : *calls) OPSMESH_RETURN_IF_ERROR(TakeCall(piece));
  }
  if (const json* call = Get(delta, "function_call"); call != nullptr) {  // the form before tools
    OPSMESH_RETURN_IF_ERROR(TakeCall({{"index", 0}, {"function", *call}}));
  }
  return absl::OkStatus();
}

StreamDecoder::PendingCall* StreamDecoder::FindCall(const json& piece, const std::string& id) {
  const json* index = Get(piece, "index");
  if (index != nullptr && index->is_number_integer()) {
    const int64_t wanted = index->get<int64_t>();
    // The newest one under that index: servers that number every call 0 tell them apart by id.
    const auto it = std::find_if(calls_.rbegin(), calls_.rend(), [wanted](const PendingCall& call) {
      return call.index == wanted;
    });
    if (it == calls_.rend()) return nullptr;
    return id.empty() || it->call.id.empty() || it->call.id == id ? &*it : nullptr;
  }
  if (!id.empty()) {
    const auto it = std::find_if(calls_.begin(), calls_.end(),
                                 [&id](const PendingCall& call) { return call.call.id == id; });
    return it == calls_.end() ? nullptr : &*it;
  }
  // Neither: a name of its own begins a call, anything else continues the last one.
  const json* function = Get(piece, "function");
  const bool begins = function != nullptr && !TextOf(*function, "name").empty();
  return calls_.empty() || begins ? nullptr : &calls_.back();
}

absl::Status StreamDecoder::TakeCall(const json& piece) {
  if (!piece.is_object()) return Malformed("a tool call is no object");
  const std::string id(TextOf(piece, "id"));
  PendingCall* call = FindCall(piece, id);
  if (call == nullptr) {
    if (calls_.size() >= limits_.max_tool_calls) {
      return base::ResourceExhausted(
          "LLM_REPLY_TOO_LONG", fmt::format("The model asked for more than {} tool calls at once.",
                                            limits_.max_tool_calls));
    }
    call = &calls_.emplace_back();
    if (const json* index = Get(piece, "index"); index != nullptr && index->is_number_integer()) {
      call->index = index->get<int64_t>();
    }
  }
  if (call->call.id.empty()) call->call.id = id;
  const json* function = Get(piece, "function");
  if (function == nullptr) return absl::OkStatus();
  const std::string_view name = TextOf(*function, "name");
  if (name != call->call.name) call->call.name += name;
  if (const json* arguments = Get(*function, "arguments"); arguments != nullptr) {
    const std::string text =
        arguments->is_string() ? arguments->get<std::string>() : base::DumpJson(*arguments);
    OPSMESH_RETURN_IF_ERROR(Count(text.size()));
    call->call.arguments += text;
  }
  return Count(name.size());
}

absl::Status StreamDecoder::TakeFinish(const std::string& reason) {
  finish_seen_ = true;
  if (reason == "content_filter" || reason == "sensitive") {
    return base::FailedPrecondition("LLM_CONTENT_FILTER",
                                    "The provider's content filter stopped the answer.");
  }
  if (reason == "stop" || reason == "eos" || reason == "end_turn") {
    reply_.finish = Finish::kStop;
  } else if (reason == "length" || reason == "max_tokens") {
    reply_.finish = Finish::kLength;
  } else if (reason == "tool_calls" || reason == "function_call") {
    reply_.finish = Finish::kToolCalls;
  } else if (reason == "network_error" || reason == "error" ||
             reason == "insufficient_system_resource") {
    return base::Unavailable("LLM_INCOMPLETE",
                             fmt::format("The provider broke off the answer ({}).", reason));
  } else {
    reply_.finish = Finish::kOther;
  }
  return absl::OkStatus();
}

absl::StatusOr<ChatReply> StreamDecoder::Finish() {
  OPSMESH_RETURN_IF_ERROR(Emit(think_.Finish()));
  const bool text_whole = finish_seen_ || done_;
  if (!text_whole || (!calls_.empty() && !finish_seen_)) {
    return base::Unavailable("LLM_INCOMPLETE",
                             "The answer broke off before the model had finished it.");
  }
  if (!calls_.empty() && damaged_) return Malformed("its tool calls hold bytes that are no text");
  if (!calls_.empty() && reply_.finish == Finish::kLength) {
    return base::ResourceExhausted(
               "LLM_REPLY_TOO_LONG",
               "The model reached its length limit in the middle of a tool call.")
        .Hint("Raise llm.max_tokens.");
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    ToolCall call = std::move(calls_[i].call);
    if (call.id.empty()) call.id = fmt::format("call_{}", i + 1);
    if (base::Trim(call.arguments).empty()) call.arguments = "{}";
    reply_.tool_calls.push_back(std::move(call));
  }
  // Two calls under one id could not be answered apart.
  for (size_t i = 1; i < reply_.tool_calls.size(); ++i) {
    const auto begin = reply_.tool_calls.begin();
    const std::string id = begin[static_cast<std::ptrdiff_t>(i)].id;
    if (std::any_of(begin, begin + static_cast<std::ptrdiff_t>(i),
                    [&](const ToolCall& c) { return c.id == id; })) {
      reply_.tool_calls[i].id = fmt::format("{}_{}", id, i + 1);
    }
  }
  if (reply_.tool_calls.empty() && base::Trim(reply_.text).empty()) {
    return base::Unavailable("LLM_EMPTY",
                             reply_.finish == Finish::kLength
                                 ? "The model used up its answer on reasoning and said nothing."
                                 : "The model said nothing.");
  }
  return std::move(reply_);
}

absl::StatusOr<ChatReply> StreamDecoder::Whole(std::string_view body) {
  const std::string clean = base::IsValidUtf8(body) ? std::string() : base::SanitizeUtf8(body);
  damaged_ = !clean.empty();
  const absl::StatusOr<json> completion =
      base::ParseJson(damaged_ ? std::string_view(clean) : body);
  if (!completion.ok()) return Malformed("it is no JSON");
  OPSMESH_RETURN_IF_ERROR(Take(*completion));
  done_ = true;  // a body that parses came whole
  finish_seen_ = true;
  return Finish();
}

}  // namespace opsmesh::llm_provider
