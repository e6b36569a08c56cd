#include "gateway/edge/rate_limiter.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace opsmesh::gateway {

double RateLimiter::TokensAt(const Bucket& bucket, absl::Duration now) const {
  const double gained = absl::ToDoubleSeconds(now - bucket.filled_at) * options_.per_second;
  return std::min(options_.burst, bucket.tokens + gained);
}

void RateLimiter::ForgetFullBuckets(absl::Duration now) {
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    if (TokensAt(it->second, now) >= options_.burst) {
      buckets_.erase(it++);
    } else {
      ++it;
    }
  }
}

absl::Duration RateLimiter::Take(std::string_view caller) {
  if (options_.per_second <= 0) return absl::ZeroDuration();
  const absl::Duration now = clock_.Steady();
  const std::lock_guard lock(mutex_);
  auto it = buckets_.find(base::ToAbsl(caller));
  if (it == buckets_.end()) {
    if (buckets_.size() >= options_.max_callers) ForgetFullBuckets(now);
    if (buckets_.size() >= options_.max_callers) caller = "";
    it = buckets_.try_emplace(std::string(caller), Bucket{options_.burst, now}).first;
  }
  Bucket& bucket = it->second;
  bucket.tokens = TokensAt(bucket, now);
  bucket.filled_at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return absl::ZeroDuration();
  }
  return absl::Seconds((1 - bucket.tokens) / options_.per_second);
}

}  // namespace opsmesh::gateway
