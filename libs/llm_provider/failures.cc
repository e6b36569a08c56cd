#include "libs/llm_provider/failures.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm_provider {
namespace {

using nlohmann::json;

constexpr size_t kMostShown = 300;
constexpr absl::Duration kLongestWait = absl::Hours(24);

struct Refusal {
  int status = 0;
  std::string code;
  std::string message;
  std::string all;  // lower case: code, type and message, to look for words in
};

bool Holds(const Refusal& refusal, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return refusal.all.find(word) != std::string::npos;
  });
}

std::string Member(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto it = object.find(key);
  if (it == object.end()) return "";
  return it->is_string() ? it->get<std::string>() : it->is_number() ? base::DumpJson(*it) : "";
}

// One line of plain text, as people may be shown it.
std::string Plain(std::string_view text) {
  std::string plain;
  for (const char c : base::SanitizeUtf8(text)) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
    if (blank && (plain.empty() || plain.back() == ' ')) continue;
    plain += blank ? ' ' : c;
  }
  const std::string_view shown = base::Utf8Prefix(base::Trim(plain), kMostShown);
  return std::string(shown) + (shown.size() < base::Trim(plain).size() ? "…" : "");
}

Refusal ReadRefusal(int status, std::string_view text) {
  Refusal refusal{.status = status, .code = "", .message = "", .all = ""};
  std::string type;
  if (const auto body = base::ParseJson(text); body.ok() && body->is_object()) {
    const auto it = body->find("error");
    const json& error = it != body->end() && it->is_object() ? *it : *body;
    refusal.code = Member(error, "code");
    type = Member(error, "type");
    refusal.message =
        it != body->end() && it->is_string() ? it->get<std::string>() : Member(error, "message");
  }
  if (refusal.message.empty()) refusal.message = text;
  refusal.message = Plain(refusal.message);
  refusal.all = base::AsciiLower(refusal.code + " " + type + " " + refusal.message);
  // An error object inside an answer of status 200 names its own.
  if (status == 200) {
    const int inner = std::atoi(refusal.code.c_str());
    refusal.status = inner >= 400 && inner <= 599 ? inner : 503;
  }
  return refusal;
}

// A parameter the server says it does not take.
std::string RefusedParameter(const Refusal& refusal) {
  if (refusal.status != 400 && refusal.status != 422) return "";
  for (const char* name : {"stream_options", "max_tokens", "temperature", "tool_choice"}) {
    if (refusal.all.find(name) != std::string::npos) return name;
  }
  return "";
}

bool IsQuota(const Refusal& r) {
  return r.status == 402 || r.code == "1113" ||
         Holds(r, {"insufficient_quota", "insufficient balance", "insufficient_balance",
                   "accountoverdue", "arrearage", "billing", "exceeded your current quota"});
}

bool IsContextTooLong(const Refusal& r) {
  return r.status == 413 || r.code == "1261" ||
         Holds(r, {"context_length_exceeded", "maximum context length", "context length",
                   "context window", "too many tokens", "prompt is too long", "input length",
                   "range of input length"});
}

bool IsContentFilter(const Refusal& r) {
  return r.code == "1301" ||
         Holds(r, {"content_filter", "data_inspection_failed", "datainspectionfailed",
                   "content management policy", "sensitivecontentdetected"});
}

bool IsModel(const Refusal& r) {
  if (!RefusedParameter(r).empty())
    return false;  // "'max_tokens' is not supported with this model"
  if (Holds(r, {"model_not_found", "modelnotfound", "invalidendpoint", "model not found"}))
    return true;
  return r.all.find("model") != std::string::npos &&
         Holds(r, {"not exist", "not found", "unknown model", "is not supported",
                   "not a valid model", "no such model", "invalid model"});
}

bool IsTools(const Refusal& r) {
  return r.all.find("tool") != std::string::npos &&
         Holds(r, {"does not support tools", "enable-auto-tool-choice", "tool-call-parser",
                   "tools are not supported", "tools is not supported", "tool use is not supported",
                   "does not support function"});
}

base::Error Classify(const ProviderSettings& s, const Refusal& r) {
  const std::string said = r.message.empty() ? "" : ": " + r.message;
  if (r.status == 401 ||
      Holds(r, {"invalid_api_key", "api key not valid", "api_key_invalid", "incorrect api key"})) {
    return base::Unauthenticated(
               "LLM_KEY", fmt::format("API key not found or not accepted ({}){}", r.status, said))
        .Hint(fmt::format("Set {} to a valid key of {}.", s.key_hint, s.name));
  }
  if (IsQuota(r)) {
    return base::ResourceExhausted("LLM_QUOTA",
                                   fmt::format("quota or balance used up ({}){}", r.status, said))
        .Hint("Top up the account, or configure another provider in llm.fallback.");
  }
  if (IsTools(r)) {
    return base::InvalidArgument("", "LLM_TOOLS_UNSUPPORTED",
                                 fmt::format("the model '{}' cannot call tools{}", s.model, said))
        .Hint(
            "Choose a model that can call tools; vLLM needs --enable-auto-tool-choice and "
            "--tool-call-parser.");
  }
  if (IsContextTooLong(r)) {
    return base::InvalidArgument("", "LLM_CONTEXT_TOO_LONG",
                                 fmt::format("the question is too long for the model{}", said))
        .Hint("Ask about less at a time, or choose a model with a larger context.");
  }
  if (IsContentFilter(r)) {
    return base::FailedPrecondition("LLM_CONTENT_FILTER",
                                    fmt::format("the content filter refused the question{}", said));
  }
  if (r.status == 404 || (r.status != 429 && r.status < 500 && IsModel(r))) {
    return base::NotFound("LLM_MODEL",
                          fmt::format("model not found: '{}' ({}){}", s.model, r.status, said))
        .Hint("Check llm.model and llm.base_url; GET /api/v1/models lists known models.");
  }
  if (r.status == 403) {
    return base::PermissionDenied("LLM_DENIED", fmt::format("access denied ({}){}", r.status, said))
        .Hint("The key may lack the right to this model, or belong to another region.");
  }
  if (r.status == 429) {
    return base::ResourceExhausted("LLM_RATE_LIMITED",
                                   fmt::format("too many requests ({}){}", r.status, said));
  }
  if (r.status >= 500 || r.status == 408 || r.status == 409 || r.status == 425) {
    return base::Unavailable("LLM_OVERLOADED",
                             fmt::format("the provider failed ({}){}", r.status, said));
  }
  return base::InvalidArgument(
             "", "LLM_REFUSED_REQUEST",
             fmt::format("the provider refused the request ({}){}", r.status, said))
      .Hint("Check llm.base_url, llm.model and the provider's extra settings.");
}

absl::Status WithProvider(const ProviderSettings& settings, const absl::Status& status,
                          int http_status) {
  base::ErrorDetail detail = base::DetailOf(status);
  detail.metadata["provider"] = settings.name;
  detail.metadata["model"] = settings.model;
  if (http_status != 0) detail.metadata["http_status"] = std::to_string(http_status);
  return base::WithDetail(absl::Status(status.code(), base::ToAbsl(settings.name + ": " +
                                                                   std::string(status.message()))),
                          detail);
}

std::optional<absl::Duration> Bounded(absl::Duration wait) {
  return std::clamp(wait, absl::ZeroDuration(), kLongestWait);
}

std::optional<double> Number(std::string_view text) {
  text = base::Trim(text);
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);
}

}  // namespace

std::optional<absl::Duration> RetryAfter(const http_client::ResponseHead& head, absl::Time now) {
  if (const auto ms = Number(head.Get("retry-after-ms"))) return Bounded(absl::Milliseconds(*ms));
  const std::string after(base::Trim(head.Get("retry-after")));
  if (const auto seconds = Number(after)) return Bounded(absl::Seconds(*seconds));
  absl::Time date;
  std::string problem;
  if (!after.empty() && absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", after, &date, &problem))
    return Bounded(date - now);
  absl::Duration reset;
  const std::string window(base::Trim(head.Get("x-ratelimit-reset-requests")));
  if (!window.empty() && absl::ParseDuration(window, &reset)) return Bounded(reset);
  return std::nullopt;
}

absl::Status FailureOf(const ProviderSettings& settings, const http_client::ResponseHead& head,
                       std::string_view text, absl::Time now) {
  const Refusal refusal = ReadRefusal(head.status, text);
  absl::Status status = WithProvider(settings, Classify(settings, refusal), refusal.status);
  base::ErrorDetail detail = base::DetailOf(status);
  if (detail.reason == "LLM_REFUSED_REQUEST") {
    if (const std::string parameter = RefusedParameter(refusal); !parameter.empty())
      detail.metadata["parameter"] = parameter;
  }
  if (detail.reason == "LLM_RATE_LIMITED" || detail.reason == "LLM_OVERLOADED")
    detail.retry_after = RetryAfter(head, now);
  return base::WithDetail(status, detail);
}

absl::Status TransportFailure(const ProviderSettings& settings, const absl::Status& status) {
  const base::ErrorDetail detail = base::DetailOf(status);
  const std::string& reason = detail.reason;
  if (reason == "CALLER_LEFT" || reason == "DEADLINE") return status;
  const auto named = [&](base::Error error) { return WithProvider(settings, std::move(error), 0); };
  if (reason == "CONNECT_TIMEOUT" || reason == "HEAD_TIMEOUT" || reason == "IDLE_TIMEOUT") {
    const absl::Duration limit = reason == "CONNECT_TIMEOUT" ? settings.connect_timeout
                                 : reason == "HEAD_TIMEOUT"  ? settings.first_byte_timeout
                                                             : settings.idle_timeout;
    const char* what =
        reason == "IDLE_TIMEOUT" ? "it sent nothing more for" : "it did not answer within";
    return named(base::DeadlineExceeded(
                     "LLM_TIMEOUT",
                     fmt::format("connection timeout: {} {}", what, absl::FormatDuration(limit)))
                     .Hint("Check the network, HTTPS_PROXY and llm.base_url."));
  }
  if (reason == "CONNECTION_LOST" || reason == "MALFORMED_RESPONSE") {
    return named(base::Unavailable("LLM_INCOMPLETE",
                                   "the connection broke off before the answer was whole"));
  }
  if (reason == "RESPONSE_TOO_LARGE") {
    return named(
        base::ResourceExhausted("LLM_REPLY_TOO_LONG", "the answer is larger than is read"));
  }
  if (reason == "INVALID_URL" || reason == "INVALID_HEADER") {
    return named(base::InvalidArgument("", "LLM_REFUSED_REQUEST",
                                       status.message().empty() ? "the address cannot be used"
                                                                : base::ToStd(status.message()))
                     .Hint("Check llm.base_url and llm.api_key."));
  }
  return named(base::Unavailable("LLM_UNREACHABLE", fmt::format("connection failed: {}",
                                                                base::ToStd(status.message())))
                   .Hint("Check the network, HTTPS_PROXY and llm.base_url."));
}

absl::Status MissingKey(const ProviderSettings& settings) {
  return WithProvider(
      settings,
      base::Unauthenticated("LLM_KEY", "API key not found")
          .Hint(fmt::format("Set {} to a key of {}.", settings.key_hint, settings.name)),
      0);
}

absl::Status NameProvider(const ProviderSettings& settings, const absl::Status& status) {
  return status.ok() ? status : WithProvider(settings, status, 0);
}

Remedy RemedyOf(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  if (reason == "LLM_RATE_LIMITED" || reason == "LLM_OVERLOADED" || reason == "LLM_INCOMPLETE" ||
      reason == "LLM_MALFORMED" || reason == "LLM_EMPTY") {
    return Remedy::kRetry;
  }
  if (reason == "LLM_CONTEXT_TOO_LONG") return Remedy::kRequest;
  return reason.starts_with("LLM_") ? Remedy::kNext : Remedy::kStop;
}

}  // namespace opsmesh::llm_provider
