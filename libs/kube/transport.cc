#include "libs/kube/transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

constexpr int kTries = 3;
constexpr int kPatience = 4;
constexpr absl::Duration kLongestNap = absl::Seconds(2);
constexpr double kMaxRetryBudget = 10;
constexpr double kRetryShare = 0.2;

bool IsSuccess(int code) { return code >= 200 && code < 300; }

/// Worth another try of a read: the server was not reached, broke off, or says that it is in
/// trouble.
bool IsTransient(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  if (status.code() == absl::StatusCode::kUnavailable)
    return reason != "NOT_KUBERNETES" && reason != "TLS_FAILED" && reason != "CIRCUIT_OPEN";
  return reason == "TOO_MANY_REQUESTS" || reason == "CONNECT_TIMEOUT";
}

}  // namespace

absl::Duration RateLimit::Take() {
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_.Steady();
  tokens_ = std::min(burst_, tokens_ + absl::ToDoubleSeconds(now - updated_) * per_second_);
  updated_ = now;
  tokens_ -= 1;
  return tokens_ >= 0 ? absl::ZeroDuration() : absl::Seconds(-tokens_ / per_second_);
}

absl::Status RateLimit::Wait(const base::Context& ctx) {
  if (per_second_ <= 0) return absl::OkStatus();
  const absl::Duration wait = Take();
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  const absl::Status slept = ctx.Sleep(wait);
  if (!slept.ok()) {  // who leaves before his turn gives it back
    const std::lock_guard lock(mutex_);
    tokens_ += 1;
  }
  return slept;
}

absl::Status Breaker::Enter() {
  const std::lock_guard lock(mutex_);
  if (failures_ <= 0 || in_a_row_ < failures_) return absl::OkStatus();
  const absl::Duration now = clock_.Steady();
  if (now >= next_try_) {
    next_try_ = now + pause_;  // this call sees whether it is back; the others go on failing
    return absl::OkStatus();
  }
  return base::Unavailable(
             "CIRCUIT_OPEN",
             fmt::format("The API server was not reached {} times in a row; the last time: {}",
                         in_a_row_, last_))
      .Hint(fmt::format(
          "It is tried again in {} s. Check that it runs and that this machine reaches it.",
          absl::ToInt64Seconds(absl::Ceil(next_try_ - now, absl::Seconds(1)))))
      .RetryAfter(next_try_ - now);
}

void Breaker::Note(const absl::Status& status) {
  const std::string reason = base::DetailOf(status).reason;
  // What the caller ended, or never sent, says nothing about the server.
  if (status.code() == absl::StatusCode::kCancelled || reason == "DEADLINE" ||
      reason == "TOO_MANY_CALLS")
    return;
  const bool gone = reason == "CONNECT_FAILED" || reason == "CONNECT_TIMEOUT";
  const std::lock_guard lock(mutex_);
  if (!gone) {
    in_a_row_ = 0;
    return;
  }
  ++in_a_row_;
  last_ = std::string(base::ToStd(status.message()));
  if (in_a_row_ == failures_) next_try_ = clock_.Steady() + pause_;
}

Transport::Transport(Client::Options options)
    : options_(std::move(options)),
      credentials_(options_.config, *options_.clock),
      limit_(options_.requests_per_second, options_.burst, *options_.clock),
      breaker_(options_.breaker_failures, options_.breaker_pause, *options_.clock) {}

absl::StatusOr<http_client::Request> Transport::Build(const base::Context& ctx, const ApiCall& call,
                                                      const Impersonation& who) {
  const ClusterConfig& config = options_.config;
  OPSMESH_ASSIGN_OR_RETURN(Credential credential, credentials_.Get(ctx));
  http_client::Request request;
  request.method = call.method;
  request.url = config.server + call.Target();
  request.connection = std::move(credential.connection);
  request.accept_gzip = config.accept_gzip;
  request.wipe_answer = call.holds_secrets();
  request.max_response_bytes =
      call.max_response_bytes != 0 ? call.max_response_bytes : options_.max_response_bytes;
  request.send_once = call.is_write();
  request.headers.emplace_back("Accept", call.accept);
  request.headers.emplace_back(
      "User-Agent", call.action_id.empty()
                        ? options_.user_agent
                        : fmt::format("{} action/{}", options_.user_agent, call.action_id));
  if (call.is_write()) {
    request.headers.emplace_back("Content-Type", call.content_type);
    request.body = call.body;
  }
  if (!who.user.empty()) request.headers.emplace_back("Impersonate-User", who.user);
  if (!who.uid.empty()) request.headers.emplace_back("Impersonate-Uid", who.uid);
  for (const std::string& group : who.groups)
    request.headers.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : who.extra) {
    for (const std::string& value : values) {
      request.headers.emplace_back("Impersonate-Extra-" + base::PercentEncode(key), value);
    }
  }
  if (!credential.token.empty()) {
    request.secret_headers.emplace_back("Authorization",
                                        base::Secret("Bearer " + credential.token.Reveal()));
  } else if (!config.username.empty()) {
    const std::string pair = config.username + ":" + config.password.Reveal();
    request.secret_headers.emplace_back("Authorization",
                                        base::Secret("Basic " + base::Base64Encode(pair)));
  }
  return request;
}

absl::StatusOr<http_client::Response> Transport::Once(
    const base::Context& ctx, const ApiCall& call, const Impersonation& who,
    std::shared_ptr<const http_client::Connection>* used) {
  OPSMESH_RETURN_IF_ERROR(WaitForTurn(ctx));
  auto request = Build(ctx, call, who);
  if (!request.ok()) return NameCall(request.status(), call, cluster());
  *used = request->connection;
  if (const absl::Status open = call.patient ? absl::OkStatus() : breaker_.Enter(); !open.ok())
    return NameCall(open, call, cluster());
  absl::Duration limit = options_.request_timeout;
  if (call.patient) {
    // All objects of a kind may take a busy server long: what must not last is silence.
    request->head_timeout = request->idle_timeout = limit;
    limit *= kPatience;
  }
  auto response = options_.http->Fetch(ctx.WithTimeout(limit), *std::move(request));
  breaker_.Note(response.status());
  if (!response.ok()) return NameCall(response.status(), call, cluster());
  if (!IsSuccess(response->status)) return ErrorFromResponse(call, cluster(), *response);
  return response;
}

bool Transport::SpendRetry() {
  const std::lock_guard lock(budget_mutex_);
  if (retry_budget_ < 1) return false;
  retry_budget_ -= 1;
  return true;
}

void Transport::EarnRetry() {
  const std::lock_guard lock(budget_mutex_);
  retry_budget_ = std::min(kMaxRetryBudget, retry_budget_ + kRetryShare);
}

absl::Duration Transport::Backoff(int attempt, const absl::Status& error) {
  const absl::Duration most =
      std::min(options_.retry_max, options_.retry_min * std::pow(2.0, attempt));
  const double random = static_cast<double>(options_.ids->Random() >> 11) * 0x1p-53;
  const absl::Duration jittered = most * random;
  // On top of what the server says: those who were sent away together do not come back together.
  return base::DetailOf(error).retry_after.value_or(absl::ZeroDuration()) + jittered;
}

absl::StatusOr<http_client::Response> Transport::Do(const base::Context& ctx, const ApiCall& call,
                                                    const Impersonation& who) {
  EarnRetry();
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    std::shared_ptr<const http_client::Connection> used;
    auto response = Once(ctx, call, who, &used);
    if (response.ok()) return response;
    const absl::Status error = response.status();
    if (error.code() == absl::StatusCode::kUnauthenticated && !renewed &&
        credentials_.Renew(used.get())) {
      renewed = true;
      continue;
    }
    // The server's certificate is of another authority now, and perhaps our file is, too. Nothing
    // was sent, so a write may go again.
    if (base::DetailOf(error).reason == "TLS_FAILED" && !renewed && RenewCertificates(used.get())) {
      renewed = true;
      continue;
    }
    // A 429 was not executed, so a write may be sent again; a blocked eviction would only be
    // blocked again.
    const bool refused = base::DetailOf(error).reason == "TOO_MANY_REQUESTS";
    const bool again = call.is_write() ? refused : call.retry && IsTransient(error);
    if (!again || attempt >= kTries || !ctx.Check().ok()) return error;
    const absl::Duration wait = Backoff(attempt, error);
    // The patient have other things to do meanwhile, and come back by themselves.
    if (call.patient && wait > kLongestNap) return error;
    if (wait >= ctx.Remaining() || !SpendRetry()) return error;
    if (!ctx.Sleep(wait).ok()) return error;
  }
}

absl::Status Transport::Stream(const base::Context& ctx, const ApiCall& call,
                               const Impersonation& who, absl::Duration idle_timeout,
                               const std::function<absl::Status(std::string_view)>& on_data) {
  for (bool renewed = false;; renewed = true) {
    OPSMESH_RETURN_IF_ERROR(WaitForTurn(ctx));
    auto request = Build(ctx, call, who);
    if (!request.ok()) return NameCall(request.status(), call, cluster());
    const auto used = request->connection;
    request->idle_timeout = idle_timeout;
    request->head_timeout = options_.request_timeout;
    request->max_response_bytes = SIZE_MAX / 2;
    http_client::Response refused;  // an answer that is not 2xx, read up to a bound
    const absl::Status status = options_.http->Stream(
        ctx, *std::move(request),
        [&](const http_client::ResponseHead& head) {
          static_cast<http_client::ResponseHead&>(refused) = head;
          return absl::OkStatus();
        },
        [&](std::string_view piece) -> absl::Status {
          if (IsSuccess(refused.status)) return on_data(piece);
          refused.body.append(
              piece.substr(0, (64 << 10) - std::min<size_t>(refused.body.size(), 64 << 10)));
          return absl::OkStatus();
        });
    if (refused.status != 0 && !IsSuccess(refused.status)) {
      if (refused.status == 401 && !renewed && credentials_.Renew(used.get())) continue;
      return ErrorFromResponse(call, cluster(), refused);
    }
    return status.ok() ? status : NameCall(status, call, cluster());
  }
}

}  // namespace opsmesh::kube
