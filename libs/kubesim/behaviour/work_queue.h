// A queue of keys to reconcile, as client-go's rate-limited work queue: a key waits at most once;
// failures come back later and later (5 ms doubling to 1000 s). Engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::kubesim {

class Engine;

/// A timer that waits; cancelling one that ran is harmless.
struct TimerId {
  absl::Time due = absl::InfinitePast();
  uint64_t serial = 0;
};

/// What a reconciler wants next for its key.
struct Next {
  enum class Kind { kDone, kAfter, kRetry };
  Kind kind = Kind::kDone;
  absl::Duration delay = absl::ZeroDuration();

  /// Nothing until the key is added again; forgets failures.
  static Next Done() { return {}; }
  /// Again after `delay` unless something comes before; forgets failures.
  static Next After(absl::Duration delay) { return {Kind::kAfter, delay}; }
  /// It failed: again after the key's back-off.
  static Next Retry() { return {Kind::kRetry, absl::ZeroDuration()}; }
};

class WorkQueue {
 public:
  /// Brings the state of one key nearer to what is wanted. Keys are "namespace/name" or "name" by
  /// convention.
  using Reconcile = std::function<Next(const std::string& key)>;

  WorkQueue(Engine& engine, std::string name, Reconcile reconcile);
  WorkQueue(const WorkQueue&) = delete;

  const std::string& name() const { return name_; }
  void Add(const std::string& key) { AddAfter(key, absl::ZeroDuration()); }
  /// The earlier of this and what already waits counts.
  void AddAfter(const std::string& key, absl::Duration delay);

  /// A key that waits, for the queue of a fork.
  struct Entry {
    std::string key;
    absl::Time due;
    int failures = 0;
  };
  /// By time, then by the order in which they were added.
  std::vector<Entry> Save() const;
  void Restore(const std::vector<Entry>& entries);

 private:
  struct Waiting {
    absl::Time due = absl::InfiniteFuture();
    uint64_t serial = 0;  // of the timer that counts; 0 = none
    TimerId timer;
    int failures = 0;
  };
  void Run(const std::string& key, uint64_t serial);

  Engine& engine_;
  const std::string name_;
  const Reconcile reconcile_;
  std::unordered_map<std::string, Waiting> waiting_;
  uint64_t next_serial_ = 1;
  absl::Time instant_ = absl::InfinitePast();
  std::unordered_map<std::string, int> runs_;  // at `instant_`
};

/// "ns/name", or "name" without a namespace; and back.
std::string KeyOf(std::string_view ns, std::string_view name);
std::pair<std::string_view, std::string_view> SplitKey(std::string_view key);

}  // namespace opsmesh::kubesim
