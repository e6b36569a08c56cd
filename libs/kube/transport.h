// Sends API calls: credentials, retries, rate limit. Shared by the clients of one cluster.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/api_call.h"
#include "libs/kube/client.h"
#include "libs/kube/credentials.h"

namespace opsmesh::kube {

/// Largest line of a watch: an object of the API server's limit (3 MiB), twice over for escapes,
/// and some.
inline constexpr size_t kMaxEventBytes = 16 << 20;

/// The request that opens a watch. INVALID_ARGUMENT (INVALID_NAME, INVALID_SELECTOR).
absl::StatusOr<ApiCall> WatchCall(const ResourceType& type, std::string_view ns,
                                  const WatchOptions& options);

/// A token bucket; Wait sleeps inside the context. Thread-safe.
class RateLimit {
 public:
  RateLimit(double per_second, int burst, const base::Clock& clock)
      : per_second_(per_second),
        burst_(burst),
        clock_(clock),
        tokens_(burst),
        updated_(clock.Steady()) {}
  absl::Status Wait(const base::Context& ctx);

 private:
  absl::Duration Take();
  const double per_second_;
  const double burst_;
  const base::Clock& clock_;
  std::mutex mutex_;
  double tokens_;  // below zero: promised to callers that sleep
  absl::Duration updated_;
};

/// Keeps calls away from a server that was not found several times in a row, so that they fail at
/// once and nobody waits. Answers of any kind, errors included, close it: the server is there.
/// Thread-safe.
class Breaker {
 public:
  Breaker(int failures, absl::Duration pause, const base::Clock& clock)
      : failures_(failures), pause_(pause), clock_(clock) {}
  /// OK, or UNAVAILABLE (CIRCUIT_OPEN) with when to try again and what the last call ended with.
  absl::Status Enter();
  void Note(const absl::Status& status);

 private:
  const int failures_;
  const absl::Duration pause_;
  const base::Clock& clock_;
  std::mutex mutex_;
  int in_a_row_ = 0;
  absl::Duration next_try_ = -absl::InfiniteDuration();
  std::string last_;
};

/// Thread-safe.
class Transport {
 public:
  explicit Transport(Client::Options options);

  const Client::Options& options() const { return options_; }
  const std::string& cluster() const { return options_.config.name; }

  /// Sends, tries again where that is safe, and returns an answer with a 2xx code; every other one
  /// as its error.
  absl::StatusOr<http_client::Response> Do(const base::Context& ctx, const ApiCall& call,
                                           const Impersonation& who);
  /// One try of a streamed read. A code that is not 2xx is returned as its error.
  absl::Status Stream(const base::Context& ctx, const ApiCall& call, const Impersonation& who,
                      absl::Duration idle_timeout,
                      const std::function<absl::Status(std::string_view)>& on_data);
  /// The request of a call, credentials included. Waits for an exec plugin, inside the context.
  absl::StatusOr<http_client::Request> Build(const base::Context& ctx, const ApiCall& call,
                                             const Impersonation& who);
  /// After a 401 over `used`: false when trying again is useless.
  bool RenewCredentials(const http_client::Connection* used) { return credentials_.Renew(used); }
  /// After a failure of TLS: the same.
  bool RenewCertificates(const http_client::Connection* used) {
    return credentials_.RenewCertificates(used);
  }
  absl::Status WaitForTurn(const base::Context& ctx) { return limit_.Wait(ctx); }
  http_client::Client& http() const { return *options_.http; }

  std::mutex discovery_mutex;
  std::shared_ptr<const Discovery> discovery;
  absl::Duration discovered_at = -absl::InfiniteDuration();

 private:
  /// `used`: what the request went over.
  absl::StatusOr<http_client::Response> Once(const base::Context& ctx, const ApiCall& call,
                                             const Impersonation& who,
                                             std::shared_ptr<const http_client::Connection>* used);
  absl::Duration Backoff(int attempt, const absl::Status& error);
  bool SpendRetry();
  void EarnRetry();

  const Client::Options options_;
  Credentials credentials_;
  RateLimit limit_;
  Breaker breaker_;
  std::mutex budget_mutex_;
  double retry_budget_ = 10;  // a fifth of a retry is earned by each call
};

}  // namespace opsmesh::kube
