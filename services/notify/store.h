// The outbox: what was accepted, how far each delivery is, and which requests were seen. Effects
// are written here before they happen.
//
// A delivery is queued -> preparing -> on_wire -> sent, and back to queued or to dead from the two
// in the middle:
//   preparing: an attempt has begun; not a byte of it has left. After a crash it is tried again.
//   on_wire: written the moment before the first byte of the request. After a crash nobody can know
//   whether the platform took it, see AfterUnknown.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/notify/letter.h"

namespace opsmesh::notify {

enum class State { kQueued = 1, kPreparing = 2, kOnWire = 3, kSent = 4, kFolded = 5, kDead = 6 };

/// One delivery of one letter. A lane is a channel's name or "platform:conversation": deliveries of
/// a lane go in order.
struct Delivery {
  int64_t sequence = 0;  // order within the lane, unique over all
  std::string lane;
  State state = State::kQueued;
  std::string reply_url;  // of a conversation; a short-lived secret
  int64_t attempts = 0;   // in all
  int64_t tries =
      0;  // of these, those that count against the bound since it was last queued by hand
  absl::Time next_attempt;
  absl::Time queued;  // when it was accepted, or put back by hand
  absl::Time updated;
  std::string error;   // why the last try failed and the next step; "" = it did not
  std::string reason;  // the same as UPPER_SNAKE
  std::string platform_message_id;
  std::string idempotency_key;
  int64_t fold_count = 1;
  bool is_repeat_notice = false;
  Letter letter;
};

/// Where a new letter goes.
struct Address {
  std::string lane;
  std::string reply_url;
};

/// What came in.
struct Incoming {
  Letter letter;
  std::vector<Address> addresses;
  std::string fold_key;  // "" = never folded
  absl::Duration fold_window;
  /// Idempotency: who asked by which method with which key, and what. "" key = none.
  std::string caller;
  std::string request_id;
  std::string request_digest;
  int64_t max_waiting = 0;
};

struct Accepted {
  std::string message_id;
  bool seen_before = false;  // by its request_id; nothing was stored
};

/// How an attempt ended.
struct Outcome {
  State state = State::kSent;  // kSent, kQueued or kDead
  std::string reason;
  std::string error;
  std::string platform_message_id;
  absl::Time next_attempt;  // of kQueued
  bool counts = true;       // against the bound on tries
};

/// What a crash left behind.
struct Recovered {
  int64_t unsent = 0;  // were being prepared: will be tried again
  int64_t resent = 0;  // may have been taken: will be sent again under the same idempotency key
  int64_t held = 0;    // may have been taken: dead letters now
};

struct Page {
  std::vector<Delivery> deliveries;
  int64_t total = 0;
  bool more = false;
};

/// The last thing that happened on a lane.
struct LaneReport {
  int64_t waiting = 0;
  int64_t dead = 0;
  std::optional<Delivery> last;  // the one tried last
};

/// Thread-safe. When a call returns OK its change survives a killed process and a power loss.
/// Errors are the storage's own: RESOURCE_EXHAUSTED (DISK_FULL), UNAVAILABLE (STORAGE_BUSY,
/// STORAGE_IO), and those named below.
class Store {
 public:
  virtual ~Store() = default;

  /// Stores a letter and its deliveries in one step. FAILED_PRECONDITION (REQUEST_ID_REUSED) when
  /// the request_id came before with another request; RESOURCE_EXHAUSTED (OUTBOX_FULL).
  virtual absl::StatusOr<Accepted> Accept(const Incoming& incoming) = 0;

  /// Lanes with something queued, in order of their oldest delivery.
  virtual absl::StatusOr<std::vector<std::string>> WaitingLanes() = 0;
  /// The next delivery of a lane; nullopt when none is queued.
  virtual absl::StatusOr<std::optional<Delivery>> Head(const std::string& lane) = 0;
  /// kQueued -> kPreparing; counts the attempt. The delivery as it is now.
  virtual absl::StatusOr<Delivery> BeginAttempt(int64_t sequence, absl::Time now) = 0;
  /// kPreparing -> kOnWire. FAILED_PRECONDITION (NOT_PREPARING) when it is not: nothing may be sent
  /// then.
  virtual absl::Status MarkOnWire(int64_t sequence, absl::Time now) = 0;
  virtual absl::Status EndAttempt(int64_t sequence, const Outcome& outcome, absl::Time now) = 0;
  /// Takes back what a process that no longer lives had under way. `resends` tells what a lane does
  /// with unknown ends.
  virtual absl::StatusOr<Recovered> Recover(
      absl::Time now, const std::function<bool(const std::string& lane)>& resends) = 0;
  /// Closes folding windows that are over: where equal messages came after the one sent, a repeat
  /// notice is queued and a new window begins. The time the next window closes, or InfiniteFuture.
  virtual absl::StatusOr<absl::Time> CloseFoldWindows(
      absl::Time now, absl::Duration window, const std::function<std::string()>& new_id) = 0;
  /// When bytes went onto the wire of a lane since `since`, oldest first: what a rate limit counts.
  virtual absl::StatusOr<std::vector<absl::Time>> WireTimes(const std::string& lane,
                                                            absl::Time since) = 0;
  /// Notes bytes on the wire that belong to no delivery (a test message).
  virtual absl::Status NoteWire(const std::string& lane, absl::Time now) = 0;

  /// Deliveries of a letter by lane; empty when there is none.
  virtual absl::StatusOr<std::vector<Delivery>> Find(const std::string& message_id) = 0;
  /// Queued and under way in the order they will be sent, or dead ones newest first. "" lane = all.
  virtual absl::StatusOr<Page> List(bool dead, const std::string& lane, int64_t limit,
                                    int64_t offset) = 0;
  /// Dead deliveries of a letter are queued again; how many were.
  virtual absl::StatusOr<int64_t> Requeue(const std::string& message_id, absl::Time now) = 0;
  virtual absl::StatusOr<LaneReport> Report(const std::string& lane) = 0;
  /// Queued and under way, over all lanes.
  virtual absl::StatusOr<int64_t> Depth() = 0;

  /// The answer kept for a request that stores no letter (TestChannel); nullopt when unknown, ""
  /// while it is under way.
  virtual absl::StatusOr<std::optional<std::string>> FindAnswer(const std::string& caller,
                                                                const std::string& request_id) = 0;
  virtual absl::Status KeepAnswer(const std::string& caller, const std::string& request_id,
                                  const std::string& answer, absl::Time now) = 0;

  /// Forgets what was over before these times.
  virtual absl::Status Prune(absl::Time sent_before, absl::Time dead_before) = 0;

  /// True when this process delivers: only one of those that share the file does at a time. Cheap,
  /// may be asked again; ends with the process, however it ends.
  virtual bool TryLead() = 0;
};

/// Opens or makes `path`. `quarantined_path` is set when a corrupted file was moved aside; log it.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       std::string* quarantined_path);

}  // namespace opsmesh::notify
