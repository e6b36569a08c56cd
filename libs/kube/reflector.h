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
#include "libs/kube/cache.h"
#include "libs/kube/kind_store.h"
#include "libs/kube/rights.h"
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
  std::function<void(bool anew)> on_back;           // a server that was lost answered a reflector
  std::atomic<int> asked{0};  // Reflector::AskAgain, Hurry and Recheck without an answer yet

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

struct WatchSession;  // watch_session.h

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
  /// Ends the open watch and lists anew: a server looks at rights when a watch opens, and not
  /// again. True and counted as AskAgain; false when no watch is open, which asks by itself.
  bool Recheck();
  /// After the server was lost: looks now whether it is back instead of waiting out the back-off.
  /// `anew` lists, so that what happened meanwhile is in the picture when this is answered; else
  /// the watch goes on where it was if it can. True and counted as AskAgain; false when nothing is
  /// waited for.
  bool Hurry(bool anew);
  /// Rights of the cache's user; see rights.h.
  static absl::StatusOr<Rights> RightsOf(CacheParts& parts, const base::Context& ctx,
                                         std::string_view ns);

 private:
  void List();
  void Retry();
  void OpenWatch();
  /// After the server was away: true when the watch may go on from the picture; false when another
  /// step was taken instead.
  bool SettleLoss();
  /// Posts a Drain of the session.
  std::function<void()> Waker(const std::shared_ptr<WatchSession>& session);
  void Opened();
  void Drain(const std::shared_ptr<WatchSession>& session);
  absl::Status OnLine(std::string_view line);
  void WatchEnded(const std::shared_ptr<WatchSession>& session, const absl::Status& ended);
  /// The version is of no use: the picture is compared with the newest list.
  void ListNewest(const absl::Status& why);
  /// The kind may be listed and not watched.
  void ListInstead();
  void Failed(const absl::Status& status, void (Reflector::*next)());
  void Refused(const absl::Status& status);
  void Publish(const std::vector<Change>& changes);
  /// An answer of the server, whichever, is in the store.
  void Settled();
  void After(absl::Duration delay, void (Reflector::*step)());
  /// After, but Hurry can make it now.
  void AfterLoss(absl::Duration delay, void (Reflector::*step)());
  /// Ends the wait of this number; false when it is over already.
  bool EndWait(uint64_t wait);
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
  std::atomic<uint64_t> refusals_{0};
  std::atomic<bool> asked_{false};    // by AskAgain, Hurry or Recheck, the answer is to come
  std::atomic<uint64_t> wait_{0};  // for a lost server: odd while one is on, never the same twice
  std::mutex open_mutex_;
  std::weak_ptr<WatchSession> open_;  // the last watch
  // Only the running task touches these:
  void (Reflector::*after_wait_)() = nullptr;
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
  int expiries_ = 0;             // the same
};

}  // namespace opsmesh::kube
