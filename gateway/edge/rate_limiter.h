// A token bucket for each caller.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace opsmesh::gateway {

/// Thread-safe. Holds at most `max_callers` buckets: full ones, which say nothing, are forgotten
/// first; when none is full newcomers share one bucket.
class RateLimiter {
 public:
  struct Options {
    double per_second = 100;  // 0 = no limit
    double burst = 400;       // >= 1
    size_t max_callers = 100'000;
  };
  RateLimiter(Options options, const base::Clock& clock) : options_(options), clock_(clock) {}

  /// Takes one token of `caller`; zero, or the time after which the next one is there.
  absl::Duration Take(std::string_view caller);

 private:
  struct Bucket {
    double tokens = 0;
    absl::Duration filled_at;
  };
  void ForgetFullBuckets(absl::Duration now);
  double TokensAt(const Bucket& bucket, absl::Duration now) const;

  const Options options_;
  const base::Clock& clock_;
  std::mutex mutex_;
  absl::flat_hash_map<std::string, Bucket> buckets_;
};

}  // namespace opsmesh::gateway
