// Answers that go on: watches and followed logs. One thread ends them in time; the changes
// themselves are written by the thread that made them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// Thread-safe. The destructor ends every stream.
class Streams {
 public:
  explicit Streams(Cluster cluster);
  ~Streams();

  /// Serves a watch on `exchange`, or answers why not.
  void ServeWatch(const Call& call, const std::shared_ptr<http_server::Exchange>& exchange,
                  const http_server::Headers& common_headers);
  /// Writes `first`, then each later line of the container until it ends, the client leaves or the
  /// pod goes.
  struct LogFollow {
    std::string ns, pod, uid, container;
    bool timestamps = false;
    size_t limit_bytes = 0;  // 0 = none
    LogStore::Selection selection;
    std::string run{};  // containerID of the run to follow; "" = whichever runs
  };
  void ServeLogs(LogFollow follow, const std::shared_ptr<http_server::Exchange>& exchange,
                 const http_server::Headers& common_headers);
  /// The same on an exchange that speaks another protocol already: `write` takes the lines, `over`
  /// is called once when the container has ended.
  void ServeAttached(LogFollow follow, const std::shared_ptr<http_server::Exchange>& exchange,
                     std::function<void(const std::string&)> write, std::function<void()> over);
  /// Calls `act` on the streams' own thread after `delay`; not when this object is gone before. It
  /// must not block for long.
  void Later(std::chrono::milliseconds delay, std::function<void()> act);
  /// Ends every open stream, as a restarting apiserver does.
  void EndAll();
  size_t open() const;

  /// One open stream; see streams.cc.
  class Stream;

 private:
  struct Due {
    std::chrono::steady_clock::time_point at;
    std::function<void()> act;
  };

  void Adopt(std::shared_ptr<Stream> stream);
  /// Takes out what is due.
  std::vector<Due> TakeDue();
  void Run();

  const Cluster cluster_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::shared_ptr<Stream>> streams_;
  std::vector<Due> later_;
  bool stopping_ = false;
  std::thread thread_;
};

std::string FormatLogLine(const LogLine& line, bool timestamps);

}  // namespace opsmesh::kubesim
