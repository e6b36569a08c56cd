// What containers wrote: lines with their times, a few runs a container, bounded.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::kubesim {

struct LogLine {
  absl::Time time;
  std::string text;  // without the newline; any bytes
};

/// Lines that a process writes by itself while it runs, as a function of time: they are made when
/// somebody reads, so that a thousand quiet containers cost nothing. Immutable.
class LogScript {
 public:
  virtual ~LogScript() = default;
  /// Writes the lines later than `after` up to the script's own now, the last `most` of them.
  virtual void Write(absl::Time after, size_t most,
                     const std::function<void(LogLine)>& sink) const = 0;
};

/// Thread-safe.
class LogStore {
 public:
  struct Selection {
    bool previous = false;
    std::optional<size_t> tail_lines;
    std::optional<absl::Time> since;
  };

  explicit LogStore(size_t max_lines_per_run = 10'000) : max_lines_(max_lines_per_run) {}
  /// A copy of what was written so far; nobody follows it.
  LogStore(const LogStore& from);

  /// Begins the run of a new container; the run before it becomes the previous one, older ones are
  /// dropped.
  void StartRun(std::string_view pod_uid, std::string_view container);
  /// Adds a line to the current run (begun when there is none). The oldest lines are dropped beyond
  /// the limit.
  void Append(std::string_view pod_uid, std::string_view container, LogLine line);
  void Forget(std::string_view pod_uid);
  /// The current run goes on writing by `script` until the script is replaced (null = it ended; its
  /// lines so far are kept) or a new run begins. Lines later than `from`.
  void SetScript(std::string_view pod_uid, std::string_view container,
                 std::shared_ptr<const LogScript> script, absl::Time from);
  /// Brings what scripts have written by now to those who follow.
  void Advance();

  /// False when there is no such run.
  bool Read(std::string_view pod_uid, std::string_view container, const Selection& selection,
            std::vector<LogLine>* lines) const;

  /// Calls back for each later line of this container until the handle dies; under the lock: return
  /// at once.
  class Follow {
   public:
    virtual ~Follow() = default;
  };
  using Follower = std::function<void(const LogLine&)>;
  /// Reads and follows without a gap.
  std::unique_ptr<Follow> ReadAndFollow(std::string_view pod_uid, std::string_view container,
                                        const Selection& selection, std::vector<LogLine>* lines,
                                        Follower follower);

 private:
  struct FollowEntry;
  struct Runs {
    std::deque<LogLine> current;
    std::deque<LogLine> previous;
    bool has_current = false;
    bool has_previous = false;
    std::vector<std::weak_ptr<FollowEntry>> followers;
    std::shared_ptr<const LogScript> script;
    absl::Time script_from;
  };
  using Key = std::pair<std::string, std::string>;

  bool ReadLocked(const Key& key, const Selection& selection, std::vector<LogLine>* lines) const;
  void AppendLocked(Runs& runs, LogLine line) const;
  void RunScript(Runs& runs) const;

  const size_t max_lines_;
  mutable std::mutex mutex_;
  mutable std::map<Key, Runs> runs_;  // reading runs scripts
  std::set<Key> followed_;
};

}  // namespace opsmesh::kubesim
