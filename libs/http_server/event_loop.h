// One thread's loop over epoll: readiness, deadlines, and work posted from other threads.
// Level-triggered, so a source that reads or writes only a part is called again.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/http_server/unique_fd.h"

namespace opsmesh::http_server {

/// Nanoseconds of the steady clock.
using SteadyNs = int64_t;
inline constexpr SteadyNs kNever = std::numeric_limits<SteadyNs>::max();

/// Runs on one thread (Run). Post() and Quit() may be called from any thread, all else only from
/// that one or before Run.
class EventLoop {
 public:
  /// Something with a file descriptor and a deadline.
  class Source {
   public:
    virtual ~Source() = default;
    /// `events` as epoll gives them.
    virtual void OnEvents(uint32_t events) = 0;
    /// The deadline set last has passed (it is kNever again).
    virtual void OnDeadline() = 0;

   private:
    friend class EventLoop;
    SteadyNs deadline_ = kNever;
    SteadyNs queued_ = kNever;  // where it sits in deadlines_; never later than deadline_
    bool retired_ = false;
  };

  /// Work from another thread.
  class Task {
   public:
    virtual ~Task() = default;
    virtual void RunOnLoop() = 0;
  };

  explicit EventLoop(const base::Clock& clock) : clock_(clock) {}
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// UNAVAILABLE when the system gives no descriptors.
  absl::Status Init();
  void Run();
  void Quit();
  /// Runs `task` soon on the loop's thread. Never blocks, never runs it at once. A task posted
  /// after Run() has returned is dropped with the loop.
  void Post(std::shared_ptr<Task> task);
  bool InLoopThread() const {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  /// False when the system refuses (too many descriptors watched).
  bool Watch(int fd, uint32_t events, Source& source);
  void Rewatch(int fd, uint32_t events, Source& source);
  void Unwatch(int fd);
  /// Calls OnDeadline() once at about `deadline` (kNever: not at all). Moving a deadline to later
  /// costs nothing.
  void SetDeadline(Source& source, SteadyNs deadline);
  /// Deletes `source` after the current batch of events, in which its address may still occur.
  void Retire(std::unique_ptr<Source> source);

  /// Time at the start of the current batch.
  SteadyNs now() const { return now_; }
  /// 64 kB that any source may use within one callback, so that an idle connection needs no buffer.
  static constexpr size_t kScratchBytes = 64 << 10;
  char* scratch() { return scratch_.data(); }

 private:
  int WaitMilliseconds();
  void RunDeadlines();
  void RunTasks();
  SteadyNs ReadClock() const;

  const base::Clock& clock_;
  UniqueFd epoll_;
  UniqueFd wake_;
  std::atomic<std::thread::id> thread_;
  std::atomic<bool> quit_{false};
  SteadyNs now_ = 0;
  std::set<std::pair<SteadyNs, Source*>> deadlines_;
  std::vector<std::unique_ptr<Source>> retired_;
  std::vector<char> scratch_ = std::vector<char>(kScratchBytes);

  std::mutex mutex_;
  std::vector<std::shared_ptr<Task>> tasks_;
};

}  // namespace opsmesh::http_server
