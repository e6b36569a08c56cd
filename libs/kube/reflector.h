// Keeps one kind's store equal to the cluster: list, watch, resume, list again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/cache.h"
#include "libs/kube/kind_store.h"
#include "libs/kube/scheduler.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube {

/// What the reflectors of a cache share.
struct CacheParts {
  CacheParts(Client& cluster, Cache::Options cache_options)
      : client(cluster), options(std::move(cache_options)) {}

  Client& client;
  const Cache::Options options;
  base::Context ctx = base::Context::Background();  // cancelled when the cache goes away
  std::function<void()> on_status;                  // wakes WaitForSync
  std::atomic<int> asked{0};                        // Reflector::AskAgain without an answer yet

  /// Lists block, so they have threads of their own; a hanging one does not hold up the events of
  /// other kinds.
  void PostList(absl::Duration delay, std::function<void()> task) {
    Post(lists, delay, std::move(task));
  }
  void PostEvents(std::function<void()> task) {
    Post(events, absl::ZeroDuration(), std::move(task));
  }

  std::mutex guard;  // of the two below, null once the cache goes away
  Scheduler* lists = nullptr;
  Scheduler* events = nullptr;

 private:
  void Post(Scheduler*& to, absl::Duration delay, std::function<void()> task) {
    const std::lock_guard lock(guard);
    if (to != nullptr) to->PostAfter(delay, std::move(task));
  }
};

/// One kind in one namespace, or in all of them. All work happens in tasks, one at a time for a
/// reflector: each step posts the next. Bytes of an open watch wait in its session's inbox until a
/// task takes them.
class Reflector : public std::enable_shared_from_this<Reflector> {
 public:
  /// Called after each full list that was answered (true) or forbidden (false), before the store
  /// hears of a refusal. May be null.
  using OnAnswer = std::function<void(bool allowed)>;

  /// `ns` "" = all namespaces.
  Reflector(std::shared_ptr<CacheParts> parts, std::string name, std::string ns,
            std::shared_ptr<KindStore> store, OnAnswer on_answer = nullptr);
  ~Reflector();

  void Begin() { After(absl::ZeroDuration(), &Reflector::List); }
  /// Ends the watch and every later step; what is written to the store until then counts. May be
  /// called from any thread, more than once.
  void Stop() { cancel_->Cancel(); }
  /// Lists now what was refused. True when an answer is to come, which counts down
  /// CacheParts::asked.
  bool AskAgain();

 private:
  struct Session;

  void List();
  void Retry();
  void OpenWatch();
  void Drain(const std::shared_ptr<Session>& session);
  absl::Status OnLine(std::string_view line);
  void WatchEnded(const std::shared_ptr<Session>& session, const absl::Status& status);
  void Failed(const absl::Status& status, void (Reflector::*next)());
  /// After the server was away: is this the history that the picture is of, or was the store under
  /// it wiped or set back? Asks for one object. Errors: those of Client::List.
  absl::StatusOr<bool> SameHistory();
  void Refused(const absl::Status& status);
  void Publish(const std::vector<Change>& changes);
  void After(absl::Duration delay, void (Reflector::*step)());
  absl::Duration Backoff();
  double Random();

  const std::shared_ptr<CacheParts> parts_;
  const std::string name_;
  const std::string ns_;
  const std::shared_ptr<KindStore> store_;
  const OnAnswer on_answer_;
  std::shared_ptr<base::CancelState> cancel_;
  base::Context ctx_;
  std::atomic<bool> refused_{false};  // and waits for its next try
  std::atomic<bool> asked_{false};    // by AskAgain, the answer is to come
  // Only the running task touches these:
  ResourceType type_;
  bool rediscover_ = false;
  bool watched_before_ = false;
  bool watch_worked_ = false;  // since the last list
  bool bookmarks_seen_ = false;
  bool must_be_newest_ = false;  // after an expiry: the server's cache may be what is old
  bool server_lost_ = false;     // since the last list or watch
  bool renewed_ = false;         // credentials, since a watch was last open
  int failures_ = 0;             // in a row
  int malformed_ = 0;            // in a row, without an event between
};

}  // namespace opsmesh::kube
