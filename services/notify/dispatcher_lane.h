// What the dispatcher knows of a lane and of a try that is under way. For dispatcher*.cc only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "services/notify/dispatcher.h"
#include "services/notify/platform.h"
#include "services/notify/rate_window.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

/// One try, from the first durable step to the last. The HTTP client's thread fills the middle.
struct Dispatcher::Attempt {
  Delivery delivery;
  Lane lane;
  std::atomic<bool> on_wire{false};
  Answer answer;
  bool has_head = false;
  absl::Status status;
  std::shared_ptr<http_client::Call> call;
  std::shared_ptr<base::CancelState> cancel;
};

struct Dispatcher::LaneState {
  explicit LaneState(Lane found)
      : lane(std::move(found)),
        rate(lane.platform ? lane.platform->RateLimits() : std::vector<RateLimit>()) {}
  Lane lane;
  RateWindow rate;
  std::shared_ptr<Attempt> in_flight;
  int64_t pauses = 0;  // refusals for rate or unknown ends in a row
  absl::Time paused_until = absl::InfinitePast();
};

/// What a platform is asked to send.
inline Mailing MailingOf(const Delivery& delivery) {
  return {.letter = delivery.letter,
          .idempotency_key = delivery.idempotency_key,
          .fold_count = delivery.fold_count,
          .is_repeat_notice = delivery.is_repeat_notice,
          .attempt = delivery.attempts};
}

}  // namespace opsmesh::notify
