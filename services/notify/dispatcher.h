// Takes deliveries out of the outbox and sends them: each lane in order, one at a time, at its
// platform's pace; lanes do not wait for one another. One thread decides, the HTTP client's thread
// sends; no thread waits for a platform.
//
// What a killed process leaves behind is sound at every step: see store.h for the states. What
// cannot be known, whether a platform without idempotency took a message whose answer never came,
// is not guessed: see AfterUnknown.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/http_client/http_client.h"
#include "libs/log/logger.h"
#include "libs/telemetry/metrics.h"
#include "services/notify/platform.h"
#include "services/notify/rate_window.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

struct DispatcherOptions {
  OutboxConfig outbox;
  bool enabled = true;
  const base::Clock* clock = nullptr;
  base::IdSource* ids = nullptr;
  const log::Logger* logger = nullptr;
  telemetry::Registry* metrics = nullptr;
  /// Told before and after each durable step ("preparing", "on_wire", "sent_not_noted", "noted"):
  /// where a crash test ends the process. Null = nobody.
  std::function<void(std::string_view step)> on_step;
};

/// Thread-safe.
class Dispatcher {
 public:
  /// The platform of a lane; null when there is none (a channel that was removed). Called on the
  /// dispatcher's thread.
  struct Lane {
    std::shared_ptr<const Platform> platform;
    AfterUnknown after_unknown = AfterUnknown::kHold;
    std::string metric;  // bounded name for metrics
  };
  using FindLane = std::function<Lane(const std::string& lane, const std::string& reply_url,
                                      const std::string& language)>;

  Dispatcher(Store& store, http_client::Client& client, FindLane find_lane,
             DispatcherOptions options);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;
  /// Stops.
  ~Dispatcher();

  void Start();
  /// Begins nothing new; what is on the wire gets `grace` to end. Whatever is left is taken up by
  /// the next process.
  void Stop(absl::Duration grace);
  /// Something was queued.
  void Wake();
  /// Waits until every delivery of a letter was tried or is over, at most `patience`; false when it
  /// was not. Not for many callers at a time.
  bool WaitTried(const std::string& message_id, absl::Duration patience);
  /// A message outside the outbox went onto the wire of a lane (a test message).
  void NoteSent(const std::string& lane, absl::Time time);

 private:
  struct Attempt;
  struct LaneState;

  void Run();
  absl::Time Round();
  bool Lead();
  absl::Time Serve(const std::string& name, absl::Time now);
  LaneState& StateOf(const std::string& name, const Delivery& head);
  void Send(LaneState& lane, Delivery delivery);
  void Drop(const Delivery& delivery, const Lane& lane);
  void TakeEnded();
  void Settle(const std::shared_ptr<Attempt>& attempt);
  Verdict VerdictOf(const Attempt& attempt) const;
  Outcome OutcomeOf(const Attempt& attempt, const Verdict& verdict, LaneState& lane);
  void GiveUpWhenSpent(const Attempt& attempt, const Verdict& verdict, absl::Time now,
                       Outcome* outcome) const;
  absl::Duration Backoff(int64_t tries) const;
  void Count(const std::string& channel, std::string_view outcome);
  void Step(std::string_view step) const;
  void Housekeep(absl::Time now);

  Store& store_;
  http_client::Client& client_;
  const FindLane find_lane_;
  const DispatcherOptions options_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Attempt>> ended_;
  std::vector<std::pair<std::string, absl::Time>> sent_elsewhere_;
  uint64_t rounds_ = 0;

  // The dispatcher's thread only.
  bool leads_ = false;
  bool complained_ = false;
  std::map<std::string, std::unique_ptr<LaneState>> lanes_;
  std::vector<std::shared_ptr<Attempt>> unsettled_;  // ended, but the store refused to note it
  size_t in_flight_ = 0;
  absl::Time next_housekeeping_ = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace opsmesh::notify
