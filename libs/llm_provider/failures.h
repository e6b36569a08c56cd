// What a provider's refusal means. Servers behind the same API word their errors differently:
// status, code and text are read together, and become one of the reasons that chat.h lists.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/settings.h"

namespace opsmesh::llm_provider {

/// The error of an answer with a status other than 200 or with an error object in it. `text` is the
/// body with secrets masked already; `now` reads a Retry-After that is a date. Metadata:
/// "provider", "model", "http_status", and "parameter" when the server names a parameter it does
/// not take. Never OK.
absl::Status FailureOf(const ProviderSettings& settings, const http_client::ResponseHead& head,
                       std::string_view text, absl::Time now);

/// The error of a call that got no answer, from libs/http_client's. CALLER_LEFT and DEADLINE pass
/// through. Never OK.
absl::Status TransportFailure(const ProviderSettings& settings, const absl::Status& status);

/// "API key not found: ..." with the remedy.
absl::Status MissingKey(const ProviderSettings& settings);

/// `status` with provider and model in its metadata and the provider's name before its message. OK
/// stays OK.
absl::Status NameProvider(const ProviderSettings& settings, const absl::Status& status);

/// Retry-After (seconds or date), retry-after-ms or x-ratelimit-reset-requests; nullopt when none
/// can be read.
std::optional<absl::Duration> RetryAfter(const http_client::ResponseHead& head, absl::Time now);

/// What to do about a failure.
enum class Remedy {
  kRetry,    // the same provider may answer in a moment
  kNext,     // another provider may answer
  kRequest,  // the request itself must change
  kStop,     // the caller left or the time is over
};
Remedy RemedyOf(const absl::Status& status);

}  // namespace opsmesh::llm_provider
