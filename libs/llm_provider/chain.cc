#include "libs/llm_provider/chain.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/llm_provider/failures.h"

namespace opsmesh::llm_provider {
namespace {

// Not mended by waiting a moment: the breaker opens at once.
bool IsLasting(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  return reason == "LLM_KEY" || reason == "LLM_DENIED" || reason == "LLM_QUOTA" ||
         reason == "LLM_MODEL";
}

// The request's own fault: says nothing about the provider's health.
bool IsOfRequest(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  return reason == "LLM_CONTEXT_TOO_LONG" || reason == "LLM_REFUSED_REQUEST" ||
         reason == "LLM_TOOLS_UNSUPPORTED" || reason == "LLM_CONTENT_FILTER" ||
         reason == "LLM_REPLY_TOO_LONG";
}

double StateFigure(Breaker::State state) {
  return state == Breaker::State::kClosed ? 0 : state == Breaker::State::kHalfOpen ? 1 : 2;
}

}  // namespace

struct Chain::Link {
  Link(std::unique_ptr<Provider> p, const base::Clock& clock, Breaker::Options options)
      : provider(std::move(p)), breaker(clock, options) {}
  const std::unique_ptr<Provider> provider;
  Breaker breaker;
};

struct Chain::Metrics {
  explicit Metrics(telemetry::Registry& registry)
      : requests(registry.AddCounter({.name = "opsmesh_llm_requests_total",
                                      .help = "Requests to language models by outcome.",
                                      .labels = {"model", "outcome", "provider"}})),
        tokens(registry.AddCounter(
            {.name = "opsmesh_llm_tokens_total",
             .help = "Tokens sent to (in) and received from (out) language models.",
             .labels = {"dir"}})),
        first_token(registry.AddHistogram(
            {.name = "opsmesh_llm_first_token_seconds",
             .help = "Time from a request to the first piece of the model's text.",
             .labels = {"model", "provider"}})),
        breaker(registry.AddGauge({.name = "opsmesh_breaker_state",
                                   .help = "0 closed, 1 half open, 2 open.",
                                   .labels = {"dep"}})) {}
  telemetry::Family<telemetry::Counter>& requests;
  telemetry::Family<telemetry::Counter>& tokens;
  telemetry::Family<telemetry::Histogram>& first_token;
  telemetry::Family<telemetry::Gauge>& breaker;
};

Chain::Chain(std::vector<std::unique_ptr<Provider>> providers, ChainOptions options,
             const base::Clock& clock, base::IdSource& ids, telemetry::Registry* metrics)
    : options_(options), clock_(clock), ids_(ids) {
  for (auto& provider : providers)
    links_.push_back(std::make_unique<Link>(std::move(provider), clock, options.breaker));
  if (metrics != nullptr) metrics_ = std::make_unique<Metrics>(*metrics);
}

Chain::~Chain() = default;

const Provider& Chain::at(size_t index) const { return *links_.at(index)->provider; }

std::vector<ProviderHealth> Chain::Health() const {
  std::vector<ProviderHealth> health;
  for (const auto& link : links_) {
    health.push_back({link->provider->name(), link->provider->model(), link->breaker.state(),
                      link->breaker.why(), link->breaker.last_success()});
  }
  return health;
}

void Chain::Record(const Link& link, const absl::Status& status, const ChatReply* reply) {
  if (metrics_ == nullptr) return;
  const std::string reason = status.ok() ? "ok" : base::AsciiLower(base::DetailOf(status).reason);
  metrics_->requests.With({link.provider->model(), reason, link.provider->name()}).Increment();
  metrics_->breaker.With({"llm:" + link.provider->name()}).Set(StateFigure(link.breaker.state()));
  if (reply == nullptr) return;
  metrics_->tokens.With({"in"}).Increment(static_cast<double>(reply->usage.input_tokens));
  metrics_->tokens.With({"out"}).Increment(static_cast<double>(reply->usage.output_tokens));
}

absl::Duration Chain::RetryWait(const absl::Status& status) {
  if (const auto asked = base::DetailOf(status).retry_after) return *asked;
  // Spread, so that many callers do not come back together.
  return options_.retry_wait * (0.5 + static_cast<double>(ids_.Random() % 1000) / 1000);
}

absl::StatusOr<ChatReply> Chain::AskOnce(const base::Context& ctx, Link& link,
                                         const ChatRequest& request, const ChainListener& listener,
                                         bool* said, absl::Status* listener_error) {
  const absl::Duration began = clock_.Steady();
  bool first = true;
  absl::StatusOr<ChatReply> reply = link.provider->Chat(ctx, request, [&](std::string_view piece) {
    if (std::exchange(first, false) && metrics_ != nullptr) {
      metrics_->first_token.With({link.provider->model(), link.provider->name()})
          .Observe(absl::ToDoubleSeconds(clock_.Steady() - began));
    }
    *said = true;
    if (listener.on_text) *listener_error = listener.on_text(piece);
    return *listener_error;
  });
  const absl::Status status = !listener_error->ok() ? *listener_error : reply.status();
  if (status.ok()) {
    link.breaker.Succeeded();
  } else if (!listener_error->ok() || RemedyOf(status) == Remedy::kStop) {
    link.breaker.Abandoned();
  } else if (IsOfRequest(status)) {
    link.breaker.Abandoned();
  } else {
    link.breaker.Failed(status, IsLasting(status));
  }
  Record(link, status, reply.ok() ? &*reply : nullptr);
  return reply;
}

absl::StatusOr<ChatReply> Chain::Ask(const base::Context& ctx, Link& link,
                                     const ChatRequest& request, const ChainListener& listener) {
  for (int tries = 1;; ++tries) {
    bool said = false;
    absl::Status listener_error;
    absl::StatusOr<ChatReply> reply = AskOnce(ctx, link, request, listener, &said, &listener_error);
    if (!listener_error.ok()) return listener_error;
    if (reply.ok()) return reply;
    OPSMESH_RETURN_IF_ERROR(ctx.Check());
    const absl::Status why = reply.status();
    if (said && listener.on_restart) OPSMESH_RETURN_IF_ERROR(listener.on_restart(why));
    if (RemedyOf(why) != Remedy::kRetry || tries >= 2) return why;
    const absl::Duration wait = RetryWait(why);
    if (wait > options_.longest_retry_wait || wait >= ctx.Remaining()) return why;
    OPSMESH_RETURN_IF_ERROR(ctx.Sleep(wait));
    if (!link.breaker.Allow()) return why;
  }
}

absl::Status Chain::Probe(const base::Context& ctx, size_t index) {
  ChatRequest request;
  request.messages.push_back({.role = Role::kUser,
                              .text = "Reply with the single word OK.",
                              .tool_calls = {},
                              .tool_call_id = "",
                              .reasoning = "",
                              .reasoning_of = ""});
  bool said = false;
  absl::Status listener_error;
  return AskOnce(ctx, *links_.at(index), request, {}, &said, &listener_error).status();
}

absl::StatusOr<ChainReply> Chain::Chat(const base::Context& ctx, const ChatRequest& request,
                                       const ChainListener& listener, size_t* first) {
  if (links_.empty()) {
    return base::NotFound("LLM_NOT_CONFIGURED", "API key not found: no LLM provider is configured.")
        .Hint("Set DEEPSEEK_API_KEY, or LLM_PROVIDER, LLM_MODEL, LLM_API_KEY and LLM_BASE_URL.");
  }
  std::vector<Setback> setbacks;
  const size_t begin = *first < links_.size() ? *first : 0;
  for (size_t step = 0; step < links_.size(); ++step) {
    const size_t index = (begin + step) % links_.size();
    Link& link = *links_[index];
    absl::Status why;
    if (!link.breaker.Allow()) {
      why = base::Annotate(link.breaker.why(), "paused after failures");
    } else {
      absl::StatusOr<ChatReply> reply = Ask(ctx, link, request, listener);
      if (reply.ok()) {
        *first = index;
        return ChainReply{*std::move(reply), link.provider->name(), link.provider->model()};
      }
      why = reply.status();
      if (RemedyOf(why) == Remedy::kStop || RemedyOf(why) == Remedy::kRequest) return why;
    }
    setbacks.push_back({link.provider->name(), why});
    if (listener.on_setback) listener.on_setback(setbacks.back());
  }
  if (setbacks.size() == 1) return setbacks.front().why;
  std::string all = "No LLM provider answered.";
  for (const Setback& setback : setbacks)
    all += fmt::format(" {}.", base::ToStd(setback.why.message()));
  return base::Unavailable("LLM_ALL_FAILED", all).Hint(base::DetailOf(setbacks.front().why).hint);
}

}  // namespace opsmesh::llm_provider
