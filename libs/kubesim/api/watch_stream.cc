#include "libs/kubesim/api/watch_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/base/json.h"
#include "libs/kubesim/api/reply.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr auto kBookmarkPeriod = std::chrono::seconds(60);
constexpr auto kBeforeEnd = std::chrono::seconds(2);  // a last bookmark, if there is time for it
constexpr int kDefaultWatchSeconds = 30 * 60;
// Bytes that the connection may have before the next event waits, and bytes of changes that may
// wait: as much as the store remembers of the past.
constexpr size_t kHighWater = 1 << 20, kMostBehind = 64 << 20;

}  // namespace

WatchStream::WatchStream(std::shared_ptr<http_server::Exchange> exchange, const Call& call,
                         Selection selection, const Cluster& cluster)
    : Stream(std::move(exchange)),
      cluster_(cluster),
      type_(*call.type),
      ns_(call.type->namespaced ? call.info.ns : ""),
      accepted_(call.accepted),
      selection_(std::move(selection)),
      bookmarks_(call.query.Flag("allowWatchBookmarks")) {
  int64_t seconds = 0;
  if (auto asked = NumberOf(call.query, "timeoutSeconds"); asked.ok()) seconds = asked->value_or(0);
  if (seconds <= 0) seconds = kDefaultWatchSeconds;
  const auto now = SteadyClock::now();
  ends_ = now + std::chrono::seconds(std::min<int64_t>(seconds, 24 * 3600));
  next_bookmark_ = now + kBookmarkPeriod;
  if (const auto before_end = ends_ - kBeforeEnd; before_end > now)
    next_bookmark_ = std::min(next_bookmark_, before_end);
}

// Under mutex_.
void WatchStream::SendEvent(const Event& event) {
  if (!event.object) return SendBookmark(event.version, true);
  const Object* object = event.object.get();
  Object renamed;
  if (event.version != 0) {
    renamed = *object;
    Json content = renamed.Parse();
    content["metadata"]["resourceVersion"] = std::to_string(event.version);
    renamed.resource_version = event.version;
    renamed.json = base::DumpJson(content);
    object = &renamed;
  }
  Send(fmt::format(
      "{{\"type\":\"{}\",\"object\":{}}}\n", event.kind,
      RenderEventObject(type_, *object, accepted_, cluster_.clock.Now(), !header_sent_)));
  header_sent_ = true;
}

void WatchStream::SendBookmark(uint64_t version, bool initial_end) {
  Json metadata = {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
  if (initial_end) metadata["annotations"]["k8s.io/initial-events-end"] = "true";
  Json object = {{"kind", type_.kind}, {"apiVersion", type_.ApiVersion()}, {"metadata", metadata}};
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

void WatchStream::SendError(const ApiStatus& status) {
  Send(base::DumpJson({{"type", "ERROR"}, {"object", status.ToJson()}}) + "\n");
}

bool WatchStream::Selects(const Object* object) const {
  return object != nullptr && (ns_.empty() || object->ns == ns_) && selection_.Matches(*object);
}

// Under the store's lock.
void WatchStream::OnChange(const Change& change) {
  if (gone() || change.object->resource_version <= after_) return;
  const bool was = Selects(change.previous.get());
  const bool is = change.type != ChangeType::kDeleted && Selects(change.object.get());
  if (is) {
    Put({was ? "MODIFIED" : "ADDED", change.object});
  } else if (was && change.type != ChangeType::kDeleted) {
    // It left the selection: the watcher gets what it knew, under the version of the change.
    Put({"DELETED", change.previous, change.object->resource_version});
  } else if (was) {
    Put({"DELETED", change.object});
  }
}

void WatchStream::Put(Event event) {
  std::lock_guard lock(mutex_);
  if (cut_) return;
  if (!opening_ && backlog_.empty() && exchange().BufferedBytes() < kHighWater)
    return SendEvent(event);
  if (event.object) backlog_bytes_ += event.object->json.size();
  backlog_.push_back(std::move(event));
  if (opening_ || backlog_bytes_ <= allowed_bytes_) return;
  cut_ = true;
  backlog_.clear();
}

void WatchStream::Pump() {
  std::lock_guard lock(mutex_);
  moved_ = false;
  while (!backlog_.empty() && !gone() && exchange().BufferedBytes() < kHighWater) {
    const Event event = std::move(backlog_.front());
    backlog_.pop_front();
    if (event.object) backlog_bytes_ -= event.object->json.size();
    SendEvent(event);
    moved_ = true;
  }
}

// False when the version is forgotten.
bool WatchStream::Follow(uint64_t version) {
  auto watch = cluster_.store.StartWatch(type_.storage_key, version,
                                         [this](const Change& change) { OnChange(change); });
  if (!watch) return false;
  {
    std::lock_guard lock(mutex_);
    opening_ = false;
    allowed_bytes_ = backlog_bytes_ + kMostBehind;
  }
  std::lock_guard lock(watch_mutex_);
  watch_ = std::move(watch);
  return true;
}

bool WatchStream::Open(std::optional<uint64_t> version, bool send_initial) {
  if (!send_initial && version.value_or(0) != 0) {
    after_ = *version;
    if (Follow(*version)) return true;
    SendError(ExpiredStatus(fmt::format("too old resource version: {} ({})", *version,
                                        cluster_.store.oldest_version())));
    return false;
  }
  // A list, then a watch from its version: the history holds what came meanwhile.
  const Snapshot snapshot = cluster_.store.List(type_, ns_);
  for (const ObjectPtr& object : snapshot.objects) {
    if (selection_.Matches(*object)) Put({"ADDED", object});
  }
  if (send_initial && bookmarks_) Put({"BOOKMARK", nullptr, snapshot.resource_version});
  if (Follow(snapshot.resource_version)) return true;
  SendError(ExpiredStatus(fmt::format("too old resource version: {}", snapshot.resource_version)));
  return false;
}

bool WatchStream::Tick(SteadyClock::time_point now) {
  Pump();
  const uint64_t version = cluster_.store.resource_version();
  std::lock_guard lock(mutex_);
  if (cut_) {
    exchange().Abort();
    MarkGone();
    return false;
  }
  if (bookmarks_ && backlog_.empty() && now >= next_bookmark_) {
    SendBookmark(version, false);
    next_bookmark_ = now + kBookmarkPeriod;
  }
  return now < ends_;
}

Streams::Stream::Pace WatchStream::pace() const {
  std::lock_guard lock(mutex_);
  return backlog_.empty() ? Pace::kIdle : moved_ ? Pace::kFlowing : Pace::kBlocked;
}

void WatchStream::Close() {
  std::unique_ptr<Store::Watch> watch;
  {
    std::lock_guard lock(watch_mutex_);
    watch = std::move(watch_);
  }
  watch.reset();
}

}  // namespace opsmesh::kubesim
