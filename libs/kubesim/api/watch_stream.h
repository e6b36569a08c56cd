// One watch as it is served: what there was, then every change, at the pace of its reader.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/stream.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// What the connection does not take at once waits as pointers to the store's objects, which all
/// watches share, not as text. A reader that falls too far behind with changes is cut off: it
/// begins again from the version it has, or with a list when that is forgotten. Thread-safe.
class WatchStream final : public Streams::Stream {
 public:
  WatchStream(std::shared_ptr<http_server::Exchange> exchange, const Call& call,
              Selection selection, const Cluster& cluster);

  /// Begins; false when the version is forgotten (an ERROR event was sent).
  bool Open(std::optional<uint64_t> version, bool send_initial);
  bool Tick(SteadyClock::time_point now) override;
  Pace pace() const override;
  void Close() override;

 private:
  struct Event {
    const char* kind;
    ObjectPtr object;      // none: a bookmark
    uint64_t version = 0;  // other than the object's; of a bookmark
  };

  void OnChange(const Change& change);
  void Put(Event event);
  void Pump();
  void SendEvent(const Event& event);
  void SendBookmark(uint64_t version, bool initial_end);
  void SendError(const ApiStatus& status);
  bool Selects(const Object* object) const;
  bool Follow(uint64_t version);

  const Cluster cluster_;
  const ResourceType& type_;
  const std::string ns_;
  const Accepted accepted_;
  const Selection selection_;
  const bool bookmarks_;
  uint64_t after_ = 0;  // a version that may still be in the future
  SteadyClock::time_point ends_;
  SteadyClock::time_point next_bookmark_;

  mutable std::mutex mutex_;  // below the store's lock
  bool header_sent_ = false;
  bool opening_ = true;  // everything waits until the beginning is known
  bool cut_ = false;
  bool moved_ = false;  // the last look at the backlog sent something
  std::deque<Event> backlog_;
  size_t backlog_bytes_ = 0, allowed_bytes_ = 0;

  std::mutex watch_mutex_;
  std::unique_ptr<Store::Watch> watch_;
};

}  // namespace opsmesh::kubesim
