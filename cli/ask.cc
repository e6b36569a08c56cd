#include "cli/ask.h"

#include <map>
#include <optional>
#include <utility>

#include "cli/exit_codes.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_client/sse_reader.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

std::string Text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

http_client::Request StreamRequest(const Question& question) {
  json body = {{"query", question.query}, {"stream", true}};
  if (!question.session_id.empty()) body["session_id"] = question.session_id;
  if (!question.attachment.empty()) body["attachment"] = question.attachment;
  if (!question.name_space.empty()) body["context"]["namespace"] = question.name_space;
  if (!question.cluster.empty()) body["context"]["cluster"] = question.cluster;
  http_client::Request request;
  request.method = "POST";
  request.url = question.server.url + "/api/v1/chat/stream";
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}};
  AddIdentity(question.server, &request);
  request.body = base::DumpJson(body);
  request.idle_timeout = absl::Seconds(60);
  request.max_response_bytes = 64 << 20;
  return request;
}

/// Follows the events of one answer.
class Reading {
 public:
  Reading(const Question& question, Output& output, AskTrace* trace)
      : question_(question), output_(output), trace_(trace) {}

  absl::Status OnEvent(std::string_view data) {
    OPSMESH_ASSIGN_OR_RETURN(json event, base::ParseJson(data));
    if (!event.is_object()) return absl::OkStatus();
    if (trace_ != nullptr) {
      if (trace_->on_event) trace_->on_event(data);
      if (const std::string id = Text(event, "session_id"); !id.empty()) trace_->session_id = id;
    }
    if (const auto tool = event.find("tool"); tool != event.end() && tool->is_object())
      ShowTool(*tool);
    if (const std::string delta = Text(event, "delta"); !delta.empty() && !question_.as_json) {
      output_.Answer(delta);
      shown_ += delta;
    }
    if (event.value("done", false)) last_ = std::move(event);
    return absl::OkStatus();
  }

  /// Prints what is left to print; the exit code.
  int Finish() {
    if (!last_.has_value()) {
      output_.Note("opsmesh: the answer broke off: the server closed the stream before its end.");
      output_.Note("         Ask again; `opsmesh ask --session ID` goes on where a session stood.");
      return kDependencyDown;
    }
    if (question_.as_json) {
      output_.Answer(base::DumpJson(*last_) + "\n");
    } else {
      const std::string response = Text(*last_, "response");
      if (shown_.empty()) output_.Answer(response);
      const std::string& whole = shown_.empty() ? response : shown_;
      if (!whole.empty() && whole.back() != '\n') output_.Answer("\n");
    }
    if (Text(*last_, "status") == "error") return Failed();
    return Answered();
  }

 private:
  void ShowTool(const json& tool) {
    if (question_.quiet) return;
    const std::string state = Text(tool, "state");
    if (state == "started") output_.Note(fmt::format("· {} …", Text(tool, "name")));
    if (state == "failed")
      output_.Note(fmt::format("· {} failed: {}", Text(tool, "name"), Text(tool, "error")));
  }

  int Failed() {
    // What the answer has said already is not said again.
    const std::string error = Text(*last_, "error");
    std::string_view rest = error;
    const std::string_view said = base::Trim(shown_);
    if (!question_.as_json && !said.empty() && rest.starts_with(said))
      rest = base::Trim(rest.substr(said.size()));
    if (!rest.empty()) output_.Note(fmt::format("opsmesh: {}", rest));
    const std::string reason = Text(*last_, "reason");
    if (reason == "PERMISSION_DENIED" || reason == "ROLE") return kDenied;
    return kFailure;
  }

  int Answered() {
    const json metadata = last_->value("metadata", json::object());
    const std::string outcome =
        base::AsciiLower(metadata.is_object() ? Text(metadata, "outcome") : "");
    bool partial = false;
    if (const auto degraded = last_->find("degraded");
        degraded != last_->end() && degraded->is_array()) {
      for (const json& sentence : *degraded) {
        if (!sentence.is_string()) continue;
        partial = true;
        if (!question_.quiet) output_.Note("! " + sentence.get<std::string>());
      }
    }
    if (outcome.find("needs_approval") != std::string::npos) return kNeedsApproval;
    if (outcome.find("failed") != std::string::npos) return kDependencyDown;
    if (outcome.find("unimplemented") != std::string::npos) return kFailure;
    return partial || outcome.find("budget") != std::string::npos ? kPartial : kOk;
  }

  const Question& question_;
  Output& output_;
  AskTrace* const trace_;
  std::string shown_;
  std::optional<json> last_;
};

int Explain(const absl::Status& status, const Question& question, Output& output) {
  const absl::Status explained = ExplainTransport(status, question.server.url);
  const base::ErrorDetail detail = base::DetailOf(explained);
  output.Note("opsmesh: " + std::string(explained.message()));
  if (!detail.hint.empty()) output.Note("         " + detail.hint);
  return ExitCodeOf(explained);
}

}  // namespace

int Ask(const base::Context& ctx, http_client::Client& client, const Question& question,
        Output& output, AskTrace* trace) {
  Reading reading(question, output, trace);
  http_client::SseReader events(
      [&reading](std::string_view, std::string_view data) { return reading.OnEvent(data); });
  int http_status = 0;
  std::string refusal;
  const absl::Status status = client.Stream(
      ctx, StreamRequest(question),
      [&http_status](const http_client::ResponseHead& head) {
        http_status = head.status;
        return absl::OkStatus();
      },
      [&](std::string_view bytes) {
        if (http_status == 200) return events.Feed(bytes);
        if (refusal.size() < (64 << 10)) refusal += bytes;
        return absl::OkStatus();
      });
  if (!status.ok()) return Explain(status, question, output);
  if (http_status != 200) return Explain(RefusalOf(http_status, refusal), question, output);
  return reading.Finish();
}

}  // namespace opsmesh::cli
