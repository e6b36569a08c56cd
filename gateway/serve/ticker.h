// One thread that wakes many sleepers: pings of idle event streams, looks at slow ones.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::gateway {

/// Thread-safe. Costs 24 bytes a sleeper and nothing while nobody sleeps.
class Ticker {
 public:
  class Sleeper {
   public:
    virtual ~Sleeper() = default;
    /// Time until the next tick; zero ends it. Called on the ticker's thread; must be short.
    virtual absl::Duration OnTick() = 0;
  };

  Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  ~Ticker();

  /// Ticks `sleeper` after `delay`, unless it is gone by then.
  void Schedule(std::weak_ptr<Sleeper> sleeper, absl::Duration delay);

 private:
  struct Entry {
    absl::Time due;
    std::weak_ptr<Sleeper> sleeper;
    bool operator>(const Entry& other) const { return due > other.due; }
  };
  void Run();
  static absl::Time Now();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace opsmesh::gateway
