#include "libs/kubesim/api/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/json.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

using SteadyClock = std::chrono::steady_clock;  // streams end in real time, also when the cluster's
                                                // time is simulated

class Streams::Stream {
 public:
  explicit Stream(std::shared_ptr<http_server::Exchange> exchange)
      : exchange_(std::move(exchange)) {}
  virtual ~Stream() = default;

  /// Called by the hub's thread now and then; false when the stream is over.
  virtual bool Tick(SteadyClock::time_point now) = 0;
  /// Called once by the hub's thread, outside every lock, before the stream is dropped.
  virtual void Close() {}

  bool gone() const { return gone_.load(); }
  void MarkGone() { gone_.store(true); }
  http_server::Exchange& exchange() { return *exchange_; }

 protected:
  void Send(std::string chunk) {
    if (!gone() && !exchange_->Write(std::move(chunk))) MarkGone();
  }

 private:
  std::shared_ptr<http_server::Exchange> exchange_;
  std::atomic<bool> gone_{false};
};

namespace {

constexpr auto kTick = std::chrono::milliseconds(200);
constexpr auto kBookmarkPeriod = std::chrono::seconds(60);
constexpr int kDefaultWatchSeconds = 30 * 60;

class WatchStream final : public Streams::Stream {
 public:
  WatchStream(std::shared_ptr<http_server::Exchange> exchange, const Call& call,
              Selection selection, const Cluster& cluster)
      : Stream(std::move(exchange)),
        cluster_(cluster),
        type_(*call.type),
        ns_(call.type->namespaced ? call.info.ns : ""),
        accepted_(call.accepted),
        selection_(std::move(selection)),
        bookmarks_(call.query.Flag("allowWatchBookmarks")) {
    int64_t seconds = 0;
    if (auto asked = NumberOf(call.query, "timeoutSeconds"); asked.ok())
      seconds = asked->value_or(0);
    if (seconds <= 0) seconds = kDefaultWatchSeconds;
    const auto now = SteadyClock::now();
    ends_ = now + std::chrono::seconds(std::min<int64_t>(seconds, 24 * 3600));
    next_bookmark_ = std::min(now + kBookmarkPeriod, ends_ - std::chrono::milliseconds(500));
  }

  void SendObject(const char* kind, const Object& object) {
    Send(fmt::format(
        "{{\"type\":\"{}\",\"object\":{}}}\n", kind,
        RenderEventObject(type_, object, accepted_, cluster_.clock.Now(), !header_sent_)));
    header_sent_ = true;
  }

  void SendBookmark(uint64_t version, bool initial_end) {
    Json metadata = {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
    if (initial_end) metadata["annotations"]["k8s.io/initial-events-end"] = "true";
    Json object = {
        {"kind", type_.kind}, {"apiVersion", type_.ApiVersion()}, {"metadata", metadata}};
    if (accepted_.form == Form::kTable) {
      object["kind"] = "Table";
      object["apiVersion"] = "meta.k8s.io/v1";
      object["columnDefinitions"] = nullptr;
      object["rows"] = Json::array();
    } else if (accepted_.form == Form::kMetadata) {
      object["kind"] = "PartialObjectMetadata";
      object["apiVersion"] = "meta.k8s.io/v1";
    }
    Send(base::DumpJson({{"type", "BOOKMARK"}, {"object", object}}) + "\n");
  }

  void SendError(const ApiStatus& status) {
    Send(base::DumpJson({{"type", "ERROR"}, {"object", status.ToJson()}}) + "\n");
  }

  bool Selects(const Object* object) const {
    return object != nullptr && (ns_.empty() || object->ns == ns_) && selection_.Matches(*object);
  }

  // Under the store's lock.
  void OnChange(const Change& change) {
    if (gone() || change.object->resource_version <= after_) return;
    const bool was = Selects(change.previous.get());
    const bool is = change.type != ChangeType::kDeleted && Selects(change.object.get());
    if (is) {
      SendObject(was ? "MODIFIED" : "ADDED", *change.object);
    } else if (was && change.type != ChangeType::kDeleted) {
      // It left the selection: the watcher gets what it knew, under the version of the change.
      Object known = *change.previous;
      Json content = known.Parse();
      content["metadata"]["resourceVersion"] = std::to_string(change.object->resource_version);
      known.resource_version = change.object->resource_version;
      known.json = base::DumpJson(content);
      SendObject("DELETED", known);
    } else if (was) {
      SendObject("DELETED", *change.object);
    }
  }

  /// Begins; false when the version is forgotten (an ERROR event was sent).
  bool Open(std::optional<uint64_t> version, bool send_initial) {
    auto watcher = [this](const Change& change) { OnChange(change); };
    if (!send_initial && version.value_or(0) != 0) {
      after_ = *version;
      auto watch = cluster_.store.StartWatch(type_.storage_key, *version, watcher);
      if (!watch) {
        SendError(ExpiredStatus(fmt::format("too old resource version: {} ({})", *version,
                                            cluster_.store.oldest_version())));
        return false;
      }
      SetWatch(std::move(watch));
      return true;
    }
    // A list, then a watch from its version: the history holds what came meanwhile.
    const Snapshot snapshot = cluster_.store.List(type_, ns_);
    for (const ObjectPtr& object : snapshot.objects) {
      if (selection_.Matches(*object)) SendObject("ADDED", *object);
    }
    if (send_initial) SendBookmark(snapshot.resource_version, true);
    auto watch = cluster_.store.StartWatch(type_.storage_key, snapshot.resource_version, watcher);
    if (!watch) {
      SendError(
          ExpiredStatus(fmt::format("too old resource version: {}", snapshot.resource_version)));
      return false;
    }
    SetWatch(std::move(watch));
    return true;
  }

  bool Tick(SteadyClock::time_point now) override {
    if (bookmarks_ && now >= next_bookmark_) {
      SendBookmark(cluster_.store.resource_version(), false);
      next_bookmark_ = now + kBookmarkPeriod;
    }
    return now < ends_;
  }

  void Close() override {
    std::unique_ptr<Store::Watch> watch;
    {
      std::lock_guard lock(watch_mutex_);
      watch = std::move(watch_);
    }
    watch.reset();
  }

 private:
  void SetWatch(std::unique_ptr<Store::Watch> watch) {
    std::lock_guard lock(watch_mutex_);
    watch_ = std::move(watch);
  }

  const Cluster cluster_;
  const ResourceType& type_;
  const std::string ns_;
  const Accepted accepted_;
  const Selection selection_;
  const bool bookmarks_;
  bool header_sent_ = false;
  uint64_t after_ = 0;  // a version that may still be in the future
  SteadyClock::time_point ends_;
  SteadyClock::time_point next_bookmark_;
  std::mutex watch_mutex_;
  std::unique_ptr<Store::Watch> watch_;
};

class LogStream final : public Streams::Stream {
 public:
  LogStream(std::shared_ptr<http_server::Exchange> exchange, Streams::LogFollow follow,
            const Cluster& cluster)
      : Stream(std::move(exchange)), cluster_(cluster), follow_(std::move(follow)) {}

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
    std::vector<LogLine> lines;
    {
      std::lock_guard inner(pending_mutex_);
      lines.swap(pending_);
    }
    std::lock_guard lock(write_mutex_);
    for (const LogLine& line : lines) SendLine(line);
    return !full_ && StillRuns();
  }

  void Close() override { handle_.reset(); }

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
    if (!text.empty()) Send(std::move(text));
  }

  bool StillRuns() const {
    const ObjectPtr pod =
        cluster_.store.Get(MustFind(cluster_.store, "", "v1", "pods"), follow_.ns, follow_.pod);
    if (!pod || pod->uid != follow_.uid) return false;
    const Json content = pod->Parse();
    for (const char* list : {"containerStatuses", "initContainerStatuses"}) {
      for (const Json& status : ListAt(content, {"status", list})) {
        if (TextAt(status, "name") == follow_.container)
          return At(status, {"state", "running"}).is_object();
      }
    }
    return false;
  }

  const Cluster cluster_;
  const Streams::LogFollow follow_;
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
  auto stream = std::make_shared<WatchStream>(exchange, call, *std::move(selection), cluster_);
  http_server::Response head{200, common_headers, ""};
  head.headers.Set("Content-Type", call.accepted.form == Form::kTable
                                       ? "application/json;as=Table;g=meta.k8s.io;v=v1"
                                       : "application/json");
  exchange->Start(std::move(head));
  if (!stream->Open(*version, initial)) {
    exchange->Finish();
    return;
  }
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

void Streams::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick);
    std::vector<std::shared_ptr<Stream>> all(streams_.begin(), streams_.end());
    lock.unlock();
    const auto now = SteadyClock::now();
    std::vector<std::shared_ptr<Stream>> over;
    for (const auto& stream : all) {
      const bool alive = !stream->gone() && stream->Tick(now);
      if (alive) continue;
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
