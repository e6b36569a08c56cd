// One open watch: what has come of it and waits for a task to take it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/api_call.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube {

/// The HTTP client's thread writes, the tasks of one reflector read.
struct WatchSession {
  explicit WatchSession(ApiCall watch);
  ~WatchSession();
  WatchSession(const WatchSession&) = delete;

  /// Of one that is over, with what its transfer ended with: the server's own words when it
  /// refused, OK when the watch ended in the ordinary way.
  absl::Status WhyEnded(const absl::Status& ended, const std::string& cluster) const;

  const ApiCall call;
  const bool wipe;  // its bytes hold values of Secrets
  std::shared_ptr<const http_client::Connection> used;
  absl::Duration opened_at;
  // Tasks only:
  bool announced = false;  // the store knows that it is open
  LineSplitter lines;
  bool over = false;

  std::mutex mutex;  // of all below
  std::shared_ptr<http_client::Call> transfer;
  http_client::ResponseHead head;
  std::string inbox;
  std::optional<absl::Status> done;
  bool scheduled = false;  // a task that takes the inbox is posted or running
  bool paused = false;     // the inbox is full: the transfer waits for Resume()
  bool rechecked = false;  // ended on purpose, by Reflector::Recheck
};

/// What the HTTP client's thread calls for a watch. `wake` has a task posted; it is called with
/// the session's mutex held, and not again before `scheduled` is cleared.
http_client::Observer WatchObserver(const std::shared_ptr<WatchSession>& session,
                                    std::function<void()> wake);

}  // namespace opsmesh::kube
