#include "libs/kubesim/api/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/json.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/stream.h"
#include "libs/kubesim/api/watch_stream.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

namespace {

constexpr auto kTick = std::chrono::milliseconds(200);
constexpr auto kSoon = std::chrono::milliseconds(5);  // while a stream has more to send

class LogStream final : public Streams::Stream {
 public:
  struct Attached {  // null: the lines are the answer itself
    std::function<void(const std::string&)> write;
    std::function<void()> over;
  };
  LogStream(std::shared_ptr<http_server::Exchange> exchange, Streams::LogFollow follow,
            const Cluster& cluster, Attached attached = {})
      : Stream(std::move(exchange)),
        cluster_(cluster),
        follow_(std::move(follow)),
        attached_(std::move(attached)) {}

  void Open() {
    std::vector<LogLine> lines;
    // Lines that come while the first ones are written are held back by the lock.
    std::lock_guard lock(write_mutex_);
    handle_ = cluster_.logs.ReadAndFollow(follow_.uid, follow_.container, follow_.selection, &lines,
                                          [this](const LogLine& line) {
                                            std::lock_guard inner(pending_mutex_);
                                            pending_.push_back(line);
                                          });
    for (const LogLine& line : lines) SendLine(line);
  }

  bool Tick(SteadyClock::time_point) override {
    const bool runs = StillRuns();  // asked first: the last lines are there when it says no
    std::vector<LogLine> lines;
    {
      std::lock_guard inner(pending_mutex_);
      lines.swap(pending_);
    }
    std::lock_guard lock(write_mutex_);
    for (const LogLine& line : lines) SendLine(line);
    return !full_ && runs;
  }

  void Close() override {
    handle_.reset();
    if (attached_.over && !gone()) attached_.over();
    attached_ = {};
  }

 private:
  void SendLine(const LogLine& line) {
    if (full_) return;
    std::string text = FormatLogLine(line, follow_.timestamps);
    if (follow_.limit_bytes > 0) {
      const size_t left = follow_.limit_bytes - sent_;
      if (text.size() >= left) {
        text.resize(left);
        full_ = true;
      }
    }
    sent_ += text.size();
    if (text.empty()) return;
    if (attached_.write)
      attached_.write(text);
    else
      Send(std::move(text));
  }

  bool StillRuns() const {
    const ObjectPtr pod =
        cluster_.store.Get(MustFind(cluster_.store, "", "v1", "pods"), follow_.ns, follow_.pod);
    if (!pod || pod->uid != follow_.uid) return false;
    const Json content = pod->Parse();
    for (const char* list :
         {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
      for (const Json& status : ListAt(content, {"status", list})) {
        if (TextAt(status, "name") == follow_.container)
          return At(status, {"state", "running"}).is_object() &&
                 (follow_.run.empty() || TextAt(status, "containerID") == follow_.run);
      }
    }
    return false;
  }

  const Cluster cluster_;
  const Streams::LogFollow follow_;
  Attached attached_;
  std::mutex write_mutex_;
  std::mutex pending_mutex_;
  std::vector<LogLine> pending_;
  size_t sent_ = 0;
  bool full_ = false;
  std::unique_ptr<LogStore::Follow> handle_;
};

}  // namespace

std::string FormatLogLine(const LogLine& line, bool timestamps) {
  if (!timestamps) return line.text + "\n";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", line.time, absl::UTCTimeZone()) + " " +
         line.text + "\n";
}

Streams::Streams(Cluster cluster) : cluster_(cluster), thread_([this] { Run(); }) {}

Streams::~Streams() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  EndAll();
}

void Streams::Adopt(std::shared_ptr<Stream> stream) {
  stream->exchange().OnClientGone([weak = std::weak_ptr<Stream>(stream)] {
    if (auto alive = weak.lock()) alive->MarkGone();
  });
  std::lock_guard lock(mutex_);
  if (stream->pace() != Stream::Pace::kIdle) wake_.notify_all();
  streams_.push_back(std::move(stream));
}

void Streams::ServeWatch(const Call& call, const std::shared_ptr<http_server::Exchange>& exchange,
                         const http_server::Headers& common_headers) {
  auto refuse = [&](const ApiStatus& status) {
    Reply reply = StatusReply(status);
    http_server::Response response{reply.code, common_headers, std::move(reply.body)};
    response.headers.Set("Content-Type", reply.content_type);
    exchange->Respond(std::move(response));
  };
  auto selection = SelectionOf(call);
  if (!selection.ok()) return refuse(selection.status());
  auto version = VersionOf(call);
  if (!version.ok()) return refuse(version.status());
  if (auto seconds = NumberOf(call.query, "timeoutSeconds"); !seconds.ok())
    return refuse(seconds.status());
  if (auto bad = CheckListOptions(call)) return refuse(*bad);
  if (auto bad = Unservable(*call.type, call.accepted, false)) return refuse(*bad);
  const uint64_t current = cluster_.store.resource_version();
  const bool initial = call.query.Flag("sendInitialEvents");
  if (initial && version->value_or(0) > current)
    return refuse(TooLargeResourceVersionStatus(**version, current));
  // Who asks for no initial events begins now.
  if (call.query.Has("sendInitialEvents") && !initial && version->value_or(0) == 0)
    *version = current;
  auto stream = std::make_shared<WatchStream>(exchange, call, *std::move(selection), cluster_);
  http_server::Response head{200, common_headers, ""};
  head.headers.Set("Content-Type", "application/json");
  exchange->Start(std::move(head));
  if (!stream->Open(*version, initial)) {
    exchange->Finish();
    return;
  }
  (void)stream->Tick(SteadyClock::now());  // what fits goes out at once
  Adopt(std::move(stream));
}

void Streams::ServeLogs(LogFollow follow, const std::shared_ptr<http_server::Exchange>& exchange,
                        const http_server::Headers& common_headers) {
  auto stream = std::make_shared<LogStream>(exchange, std::move(follow), cluster_);
  http_server::Response head{200, common_headers, ""};
  head.headers.Set("Content-Type", "text/plain");
  exchange->Start(std::move(head));
  stream->Open();
  Adopt(std::move(stream));
}

void Streams::ServeAttached(LogFollow follow,
                            const std::shared_ptr<http_server::Exchange>& exchange,
                            std::function<void(const std::string&)> write,
                            std::function<void()> over) {
  auto stream = std::make_shared<LogStream>(exchange, std::move(follow), cluster_,
                                            LogStream::Attached{std::move(write), std::move(over)});
  stream->Open();
  Adopt(std::move(stream));
}

void Streams::Later(std::chrono::milliseconds delay, std::function<void()> act) {
  const std::lock_guard lock(mutex_);
  later_.push_back({SteadyClock::now() + delay, std::move(act)});
  wake_.notify_all();
}

std::vector<Streams::Due> Streams::TakeDue() {
  const auto now = SteadyClock::now();
  const auto rest = std::stable_partition(later_.begin(), later_.end(),
                                          [&](const Due& one) { return one.at <= now; });
  std::vector<Due> due(std::move_iterator(later_.begin()), std::move_iterator(rest));
  later_.erase(later_.begin(), rest);
  return due;
}

void Streams::Run() {
  std::unique_lock lock(mutex_);
  auto wait = kTick;
  while (!stopping_) {
    auto until = SteadyClock::now() + wait;
    for (const Due& one : later_) until = std::min(until, one.at);
    wake_.wait_until(lock, until);
    wait = std::min(2 * wait, kTick);  // unless something flows
    std::vector<Due> due = TakeDue();
    std::vector<std::shared_ptr<Stream>> all(streams_.begin(), streams_.end());
    lock.unlock();
    for (const Due& one : due) one.act();
    due.clear();
    const auto now = SteadyClock::now();
    std::vector<std::shared_ptr<Stream>> over;
    for (const auto& stream : all) {
      const bool alive = !stream->gone() && stream->Tick(now);
      if (alive) {
        if (stream->pace() == Stream::Pace::kFlowing) wait = kSoon;
        continue;
      }
      stream->Close();
      if (!stream->gone()) stream->exchange().Finish();
      over.push_back(stream);
    }
    lock.lock();
    for (const auto& stream : over) streams_.remove(stream);
  }
}

void Streams::EndAll() {
  std::list<std::shared_ptr<Stream>> all;
  {
    std::lock_guard lock(mutex_);
    all.swap(streams_);
  }
  for (const auto& stream : all) {
    stream->Close();
    if (!stream->gone()) stream->exchange().Finish();
  }
}

size_t Streams::open() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

}  // namespace opsmesh::kubesim
