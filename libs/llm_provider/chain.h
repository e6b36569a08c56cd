// Providers in the order they are tried: one retry where that helps, then the next one (decision
// 27).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/llm_provider/breaker.h"
#include "libs/llm_provider/chat.h"
#include "libs/telemetry/metrics.h"

namespace opsmesh::llm_provider {

struct ChainOptions {
  Breaker::Options breaker;
  /// A provider that asks for a longer wait than this is left for the next one.
  absl::Duration longest_retry_wait = absl::Seconds(10);
  /// Before a retry whose time the provider did not name: from half of this to one and a half
  /// times.
  absl::Duration retry_wait = absl::Seconds(1);
};

/// Why a provider was passed over or given up.
struct Setback {
  std::string provider;
  absl::Status why;
};

/// One reply and the way to it.
struct ChainReply {
  ChatReply reply;
  std::string provider;
  std::string model;
};

/// What a caller hears while a reply is under way.
struct ChainListener {
  OnText on_text;
  /// Text was handed on, then the answer broke off: what comes now begins anew. May be null.
  std::function<absl::Status(const absl::Status& why)> on_restart;
  /// A provider was given up. May be null.
  std::function<void(const Setback&)> on_setback;
};

/// How a provider of the chain is, for status pages.
struct ProviderHealth {
  std::string name;
  std::string model;
  Breaker::State state = Breaker::State::kClosed;
  absl::Status why;
  absl::Time last_success;
};

/// Thread-safe.
class Chain {
 public:
  /// `clock`, `ids` and `metrics` (may be null) outlive it. An empty chain answers NOT_FOUND
  /// (LLM_NOT_CONFIGURED).
  Chain(std::vector<std::unique_ptr<Provider>> providers, ChainOptions options,
        const base::Clock& clock, base::IdSource& ids, telemetry::Registry* metrics);
  ~Chain();

  /// Asks the providers in order, beginning with the one at `*first`, and leaves there the one that
  /// answered (so that a conversation stays with it). Errors: what the context says, what a
  /// listener returned, INVALID_ARGUMENT (LLM_CONTEXT_TOO_LONG) which another provider would say
  /// too, the only provider's own error, or UNAVAILABLE (LLM_ALL_FAILED) that names each
  /// provider's.
  absl::StatusOr<ChainReply> Chat(const base::Context& ctx, const ChatRequest& request,
                                  const ChainListener& listener, size_t* first);

  /// Asks one provider a trifle, whatever its breaker says: whether its address, key and model
  /// work. Its own error otherwise; OK closes its breaker.
  absl::Status Probe(const base::Context& ctx, size_t index);

  bool empty() const { return links_.empty(); }
  size_t size() const { return links_.size(); }
  const Provider& at(size_t index) const;
  std::vector<ProviderHealth> Health() const;

 private:
  struct Link;
  struct Metrics;
  absl::StatusOr<ChatReply> Ask(const base::Context& ctx, Link& link, const ChatRequest& request,
                                const ChainListener& listener);
  absl::StatusOr<ChatReply> AskOnce(const base::Context& ctx, Link& link,
                                    const ChatRequest& request, const ChainListener& listener,
                                    bool* said, absl::Status* listener_error);
  absl::Duration RetryWait(const absl::Status& status);
  void Record(const Link& link, const absl::Status& status, const ChatReply* reply);

  const ChainOptions options_;
  const base::Clock& clock_;
  base::IdSource& ids_;
  std::vector<std::unique_ptr<Link>> links_;
  std::unique_ptr<Metrics> metrics_;
};

}  // namespace opsmesh::llm_provider
