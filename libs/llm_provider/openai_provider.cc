#include "libs/llm_provider/openai_provider.h"

#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_client/sse_reader.h"
#include "libs/llm_provider/failures.h"
#include "libs/llm_provider/stream_decoder.h"
#include "libs/redact/redactor.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

using nlohmann::json;

constexpr size_t kMostErrorBytes = 4 << 10;
// The wire spends some 60 bytes of framing on a byte of text at worst; the decoder bounds the reply
// itself.
constexpr size_t kMostWireBytes = 64 << 20;

const char* RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

json MessageJson(const ProviderSettings& settings, const Dialect& dialect, const Message& message) {
  json object = {{"role", RoleName(message.role)}, {"content", base::SanitizeUtf8(message.text)}};
  if (message.role == Role::kTool) object["tool_call_id"] = message.tool_call_id;
  if (message.tool_calls.empty()) return object;
  if (message.text.empty()) object["content"] = nullptr;
  for (const ToolCall& call : message.tool_calls) {
    object["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", base::SanitizeUtf8(call.arguments)}}}});
  }
  if (dialect.echo_reasoning && message.reasoning_of == settings.name)
    object["reasoning_content"] = message.reasoning;
  return object;
}

json ToolJson(const ToolSchema& tool) {
  auto parameters = base::ParseJson(tool.parameters);
  if (!parameters.ok() || !parameters->is_object())
    parameters = json{{"type", "object"}, {"properties", json::object()}};
  return {{"type", "function"},
          {"function",
           {{"name", tool.name},
            {"description", tool.description},
            {"parameters", *std::move(parameters)}}}};
}

// The first byte that tells a whole answer ("{") from a stream.
enum class Shape { kUnknown, kWhole, kStream };

// Takes the body of one answer, whatever it turns out to be.
class Receiver {
 public:
  Receiver(const ProviderSettings& settings, const OnText& on_text)
      : decoder_(on_text, {.max_reply_bytes = settings.max_reply_bytes}),
        events_(
            [this](std::string_view, std::string_view data) {
              any_event_ = true;
              return decoder_.Chunk(data);
            },
            settings.max_reply_bytes),
        max_whole_(4 * settings.max_reply_bytes) {}

  absl::Status OnHead(const http_client::ResponseHead& head) {
    head_ = head;
    return absl::OkStatus();
  }

  absl::Status OnData(std::string_view bytes) {
    if (head_.status != 200) {
      body_.append(bytes.substr(0, kMostErrorBytes - std::min(kMostErrorBytes, body_.size())));
      return absl::OkStatus();
    }
    if (shape_ == Shape::kUnknown) shape_ = ShapeOf(bytes);
    if (shape_ == Shape::kWhole) {
      if (body_.size() + bytes.size() > max_whole_) {
        return base::ResourceExhausted("LLM_REPLY_TOO_LONG", "the answer is larger than is read");
      }
      body_ += bytes;
      return absl::OkStatus();
    }
    if (body_.size() < kMostErrorBytes)
      body_.append(bytes.substr(0, kMostErrorBytes - body_.size()));
    OPSMESH_RETURN_IF_ERROR(events_.Feed(bytes));
    // Some servers keep the connection open after the end: nobody has to wait for them.
    return decoder_.done() ? base::Cancelled("LLM_DONE", "done") : absl::Status();
  }

  absl::StatusOr<ChatReply> Finish() {
    if (shape_ == Shape::kWhole) return decoder_.Whole(body_);
    if (!decoder_.done()) OPSMESH_RETURN_IF_ERROR(events_.Finish());
    if (!any_event_ && !body_.empty()) {
      return base::Unavailable("LLM_MALFORMED", "what came back is no model's answer")
          .Hint("Check llm.base_url.");
    }
    return decoder_.Finish();
  }

  const http_client::ResponseHead& head() const { return head_; }
  const std::string& body() const { return body_; }

 private:
  static Shape ShapeOf(std::string_view bytes) {
    const std::string_view text = base::Trim(bytes);
    if (text.empty()) return Shape::kUnknown;
    return text.front() == '{' ? Shape::kWhole : Shape::kStream;
  }

  StreamDecoder decoder_;
  http_client::SseReader events_;
  const size_t max_whole_;
  http_client::ResponseHead head_;
  std::string body_;  // of a whole answer or an error; of a stream its first bytes
  bool any_event_ = false;
  Shape shape_ = Shape::kUnknown;
};

class OpenAiProvider final : public Provider {
 public:
  OpenAiProvider(http_client::Client& http, const base::Clock& clock, ProviderSettings settings)
      : http_(http),
        clock_(clock),
        settings_(std::move(settings)),
        redactor_({.literals = {settings_.api_key.Reveal()}}),
        connection_(MakeConnection(settings_)),
        dialect_(settings_.dialect) {}

  const std::string& name() const override { return settings_.name; }
  const std::string& model() const override { return settings_.model; }

  absl::StatusOr<ChatReply> Chat(const base::Context& ctx, const ChatRequest& request,
                                 const OnText& on_text) override {
    OPSMESH_RETURN_IF_ERROR(ctx.Check());
    if (settings_.needs_key && settings_.api_key.empty()) return MissingKey(settings_);
    for (int tries = 0;; ++tries) {
      const Dialect dialect = CurrentDialect();
      absl::StatusOr<ChatReply> reply = Send(ctx, dialect, request, on_text);
      if (reply.ok() || tries >= 3 || !Learn(reply.status())) return reply;
    }
  }

 private:
  static std::shared_ptr<const http_client::Connection> MakeConnection(
      const ProviderSettings& settings) {
    auto connection = std::make_shared<http_client::Connection>();
    connection->ca_pem = settings.ca_pem;
    connection->insecure_skip_tls_verify = settings.skip_tls_verify;
    connection->proxy_url = settings.proxy_url;
    connection->no_proxy = settings.no_proxy;
    return connection;
  }

  Dialect CurrentDialect() {
    const std::lock_guard lock(mutex_);
    return dialect_;
  }

  // True when the refusal taught something and the request is worth sending again.
  bool Learn(const absl::Status& status) {
    const auto metadata = base::DetailOf(status).metadata;
    const auto it = metadata.find("parameter");
    if (it == metadata.end()) return false;
    const std::lock_guard lock(mutex_);
    if (it->second == "stream_options") return std::exchange(dialect_.stream_options, false);
    if (it->second == "temperature") return std::exchange(dialect_.temperature, false);
    if (it->second == "tool_choice") return std::exchange(dialect_.tool_choice, false);
    if (it->second == "max_tokens") return !std::exchange(dialect_.completion_tokens, true);
    return false;
  }

  http_client::Request MakeRequest(const Dialect& dialect, const ChatRequest& request) const {
    http_client::Request http;
    http.method = "POST";
    http.url = CompletionsUrl(settings_);
    http.headers = {{"Content-Type", "application/json"},
                    {"Accept", settings_.stream ? "text/event-stream" : "application/json"}};
    for (const auto& header : settings_.headers) http.headers.push_back(header);
    if (!settings_.api_key.empty()) {
      const std::string& key = settings_.api_key.Reveal();
      if (dialect.api_key_header) {
        http.secret_headers.emplace_back("api-key", settings_.api_key);
      } else {
        http.secret_headers.emplace_back("Authorization", base::Secret("Bearer " + key));
      }
    }
    http.body = RequestBody(settings_, dialect, request);
    http.connection = connection_;
    http.connect_timeout = settings_.connect_timeout;
    http.head_timeout = settings_.first_byte_timeout;
    http.idle_timeout = settings_.idle_timeout;
    http.max_response_bytes = kMostWireBytes;
    return http;
  }

  absl::StatusOr<ChatReply> Send(const base::Context& ctx, const Dialect& dialect,
                                 const ChatRequest& request, const OnText& on_text) {
    absl::Status listener;  // what on_text said: the caller's own, not the provider's
    Receiver receiver(settings_, [&](std::string_view piece) {
      if (on_text) listener = on_text(piece);
      return listener;
    });
    const absl::Status sent = http_.Stream(
        ctx, MakeRequest(dialect, request),
        [&](const http_client::ResponseHead& head) { return receiver.OnHead(head); },
        [&](std::string_view bytes) { return receiver.OnData(bytes); });
    if (!listener.ok()) return listener;
    if (!sent.ok() && base::DetailOf(sent).reason != "LLM_DONE") return Explained(receiver, sent);
    if (receiver.head().status != 200) return Refused(receiver.head(), receiver.body());
    absl::StatusOr<ChatReply> reply = receiver.Finish();
    if (!listener.ok()) return listener;
    if (!reply.ok()) return Explained(receiver, reply.status());
    return reply;
  }

  absl::Status Refused(const http_client::ResponseHead& head, std::string_view body) const {
    return FailureOf(settings_, head, redactor_.Redact(body), clock_.Now());
  }

  absl::Status Explained(const Receiver& receiver, const absl::Status& status) const {
    const base::ErrorDetail detail = base::DetailOf(status);
    if (detail.reason == "UPSTREAM_ERROR")
      return Refused(receiver.head(), detail.metadata.at("body"));
    if (!detail.reason.starts_with("LLM_")) return TransportFailure(settings_, status);
    return NameProvider(settings_, status);
  }

  http_client::Client& http_;
  const base::Clock& clock_;
  const ProviderSettings settings_;
  const redact::Redactor redactor_;
  const std::shared_ptr<const http_client::Connection> connection_;
  std::mutex mutex_;
  Dialect dialect_;
};

}  // namespace

std::string CompletionsUrl(const ProviderSettings& settings) {
  if (!settings.dialect.azure) return settings.base_url + "/chat/completions";
  std::string url = settings.base_url;
  if (url.find("/openai/deployments/") == std::string::npos) {
    url += "/openai/deployments/" +
           base::PercentEncode(settings.deployment.empty() ? settings.model : settings.deployment);
  }
  return url + "/chat/completions?api-version=" + base::PercentEncode(settings.api_version);
}

std::string RequestBody(const ProviderSettings& settings, const Dialect& dialect,
                        const ChatRequest& request) {
  json body = {{"model", settings.wire_model.empty() ? settings.model : settings.wire_model},
               {"stream", settings.stream},
               {"messages", json::array()}};
  for (const Message& message : request.messages)
    body["messages"].push_back(MessageJson(settings, dialect, message));
  for (const ToolSchema& tool : request.tools) body["tools"].push_back(ToolJson(tool));
  if (!request.tools.empty() && !request.may_call_tools && dialect.tool_choice)
    body["tool_choice"] = "none";
  if (settings.stream && dialect.stream_options) body["stream_options"] = {{"include_usage", true}};
  if (dialect.temperature) body["temperature"] = settings.temperature;
  const int64_t most = request.max_tokens > 0 ? request.max_tokens : settings.max_tokens;
  if (most > 0) body[dialect.completion_tokens ? "max_completion_tokens" : "max_tokens"] = most;
  if (const auto extra = base::ParseJson(settings.extra_body); extra.ok() && extra->is_object())
    body.update(*extra);
  return base::DumpJson(body);
}

std::unique_ptr<Provider> MakeOpenAiProvider(http_client::Client& http, const base::Clock& clock,
                                             ProviderSettings settings) {
  return std::make_unique<OpenAiProvider>(http, clock, std::move(settings));
}

}  // namespace opsmesh::llm_provider
