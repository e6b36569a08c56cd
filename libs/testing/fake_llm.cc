#include "libs/testing/fake_llm.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/http_server/http_server.h"
#include "nlohmann/json.hpp"

namespace opsmesh::testing {
namespace {

using http_server::Exchange;
using nlohmann::json;

std::string Event(const json& data) { return "data: " + base::DumpJson(data) + "\n\n"; }

json Chunk(json delta, const char* finish = nullptr) {
  return {{"id", "chatcmpl-1"},
          {"object", "chat.completion.chunk"},
          {"model", "fake"},
          {"choices",
           {{{"index", 0},
             {"delta", std::move(delta)},
             {"finish_reason", finish == nullptr ? json() : json(finish)}}}}};
}

void Close(LlmAnswer* answer, const char* finish) {
  answer->pieces.push_back(Event(Chunk(json::object(), finish)));
  answer->pieces.push_back(Event(
      {{"choices", json::array()},
       {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 10}, {"total_tokens", 110}}}}));
  answer->pieces.emplace_back("data: [DONE]\n\n");
}

class FakeLlmServer final : public FakeLlm {
 public:
  ~FakeLlmServer() override {
    std::vector<std::shared_ptr<Exchange>> open;
    {
      const std::lock_guard lock(mutex_);
      open.swap(stalled_);
    }
    open.clear();
    if (server_ != nullptr) server_->Stop(absl::ZeroDuration());
  }

  absl::Status Listen() {
    http_server::Options options;
    options.limits = [](const http_server::Request&) {
      return http_server::Limits{.max_body_bytes = 16 << 20};
    };
    auto server = http_server::Server::Start(
        options, [this](std::shared_ptr<Exchange> exchange) { Handle(std::move(exchange)); });
    OPSMESH_RETURN_IF_ERROR(server.status());
    server_ = *std::move(server);
    return absl::OkStatus();
  }

  std::string base_url() const override {
    return fmt::format("http://127.0.0.1:{}/v1", server_->port());
  }

  void Say(LlmAnswer answer) override {
    const std::lock_guard lock(mutex_);
    script_.push_back(std::move(answer));
  }
  void SetBrain(std::function<LlmAnswer(const json&)> brain) override {
    const std::lock_guard lock(mutex_);
    brain_ = std::move(brain);
  }
  std::vector<LlmAsked> asked() const override {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  bool WaitForLeavers(int count, absl::Duration timeout) override {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                             [&] { return leavers_ >= count; });
  }

 private:
  LlmAnswer Next(const http_server::Request& request) {
    const std::lock_guard lock(mutex_);
    asked_.push_back({request.raw_path + (request.raw_query.empty() ? "" : "?" + request.raw_query),
                      std::string(request.headers.Get("authorization")),
                      std::string(request.headers.Get("api-key")), request.body});
    if (!script_.empty()) {
      LlmAnswer answer = std::move(script_.front());
      script_.pop_front();
      return answer;
    }
    if (!brain_) return LlmAnswer::Error(500, "the script is over");
    const auto body = base::ParseJson(request.body);
    return body.ok() ? brain_(*body) : LlmAnswer::Error(400, "the request is no JSON");
  }

  void Handle(std::shared_ptr<Exchange> exchange) {
    const LlmAnswer answer = Next(exchange->request());
    const bool stalls = answer.end == LlmAnswer::End::kStall;
    if (stalls) {
      exchange->OnClientGone([this] {
        const std::lock_guard lock(mutex_);
        ++leavers_;
        changed_.notify_all();
      });
    }
    http_server::Response head;
    head.status = answer.status;
    head.headers.Set("Content-Type", answer.content_type);
    for (const auto& [name, value] : answer.headers) head.headers.Add(name, value);
    if (!answer.silent) {
      exchange->Start(std::move(head));
      for (const std::string& piece : answer.pieces) exchange->Write(piece);
    }
    switch (answer.end) {
      case LlmAnswer::End::kFinish:
        exchange->Finish();
        break;
      case LlmAnswer::End::kCut:
        exchange->Abort();
        break;
      case LlmAnswer::End::kStall: {
        const std::lock_guard lock(mutex_);
        stalled_.push_back(std::move(exchange));
        break;
      }
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LlmAnswer> script_;
  std::function<LlmAnswer(const json&)> brain_;
  std::vector<LlmAsked> asked_;
  std::vector<std::shared_ptr<Exchange>> stalled_;
  int leavers_ = 0;
  std::unique_ptr<http_server::Server> server_;
};

}  // namespace

LlmAnswer LlmAnswer::Text(const std::vector<std::string>& deltas) {
  LlmAnswer answer;
  answer.pieces.push_back(Event(Chunk({{"role", "assistant"}, {"content", ""}})));
  for (const std::string& delta : deltas)
    answer.pieces.push_back(Event(Chunk({{"content", delta}})));
  Close(&answer, "stop");
  return answer;
}

LlmAnswer LlmAnswer::Calls(const std::vector<std::pair<std::string, std::string>>& calls,
                           std::string_view text) {
  LlmAnswer answer;
  if (!text.empty()) answer.pieces.push_back(Event(Chunk({{"content", text}})));
  for (size_t i = 0; i < calls.size(); ++i) {
    const auto& [name, arguments] = calls[i];
    const size_t half = arguments.size() / 2;
    answer.pieces.push_back(Event(
        Chunk({{"tool_calls",
                {{{"index", i},
                  {"id", fmt::format("call_{}", i)},
                  {"type", "function"},
                  {"function", {{"name", name}, {"arguments", arguments.substr(0, half)}}}}}}})));
    answer.pieces.push_back(
        Event(Chunk({{"tool_calls",
                      {{{"index", i}, {"function", {{"arguments", arguments.substr(half)}}}}}}})));
  }
  Close(&answer, "tool_calls");
  return answer;
}

LlmAnswer LlmAnswer::Raw(std::string bytes, std::string content_type) {
  LlmAnswer answer;
  answer.content_type = std::move(content_type);
  answer.pieces.push_back(std::move(bytes));
  return answer;
}

LlmAnswer LlmAnswer::Error(int status, std::string_view message, std::string_view code) {
  LlmAnswer answer =
      Raw(base::DumpJson({{"error", {{"message", message}, {"code", code}}}}), "application/json");
  answer.status = status;
  return answer;
}

LlmAnswer&& LlmAnswer::With(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

LlmAnswer&& LlmAnswer::Ending(End how) && {
  end = how;
  return std::move(*this);
}

absl::StatusOr<std::unique_ptr<FakeLlm>> FakeLlm::Start() {
  auto server = std::make_unique<FakeLlmServer>();
  OPSMESH_RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<FakeLlm>(std::move(server));
}

std::string LastText(const json& request, std::string_view role) {
  std::string text;
  for (const json& message : request.value("messages", json::array())) {
    if (message.value("role", "") == role && message.contains("content") &&
        message["content"].is_string()) {
      text = message["content"].get<std::string>();
    }
  }
  return text;
}

}  // namespace opsmesh::testing
