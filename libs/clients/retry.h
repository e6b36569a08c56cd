// When a failed call may be made again.
#pragma once

#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"

namespace google::protobuf {
class Descriptor;
}

namespace opsmesh::clients {

struct RetryOptions {
  int max_tries = 3;                                       // the first included
  absl::Duration first_backoff = absl::Milliseconds(100);  // doubled each time
  absl::Duration max_backoff = absl::Seconds(2);
  double budget_ratio = 0.2;  // retries a first try earns
  double budget_cap = 10;     // retries that may be saved up; also the start
};

/// The decision and the wait before the next try. Thread-safe: one budget for all callers.
class RetryPolicy {
 public:
  RetryPolicy(RetryOptions options, base::IdSource& ids);
  /// Called after the `tries`-th try ended with `status`. True = the back-off was waited (full
  /// jitter, at least the server's RetryInfo) and a further try is allowed; false = give the status
  /// to the caller.
  bool Again(const base::Context& context, int tries, const absl::Status& status);
  /// A call went well: earns `budget_ratio` of a retry.
  void Earn();

 private:
  bool TakeFromBudget();

  const RetryOptions options_;
  base::IdSource& ids_;
  std::mutex mutex_;
  double budget_;
};

/// True when the RPC of `service` with these messages is EFFECT_READ by its contract. False when in
/// doubt.
bool IsReadOnly(std::string_view service_full_name, const google::protobuf::Descriptor& request,
                const google::protobuf::Descriptor& response);

}  // namespace opsmesh::clients
