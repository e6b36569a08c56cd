#include "libs/kube/watch_session.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kInboxBytes = 8 << 20;
constexpr size_t kErrorBytes = 64 << 10;

void Keep(std::string_view piece, WatchSession& session) {
  if (session.wipe) {
    http_client::AppendWiping(piece, &session.inbox);
  } else {
    session.inbox.append(piece);
  }
}

}  // namespace

WatchSession::WatchSession(ApiCall watch)
    : call(std::move(watch)),
      wipe(call.holds_secrets()),
      lines(kMaxEventBytes, call.holds_secrets()) {}

WatchSession::~WatchSession() {
  if (wipe) http_client::Wipe(&inbox);
}

absl::Status WatchSession::WhyEnded(const absl::Status& ended, const std::string& cluster) const {
  if (head.status != 0 && head.status != 200) {
    http_client::Response response;
    static_cast<http_client::ResponseHead&>(response) = head;
    response.body = inbox;
    return ErrorFromResponse(call, cluster, response);
  }
  // The watch was left on purpose when its time was over.
  const bool time_over = base::DetailOf(ended).reason == "DEADLINE" && head.status == 200;
  return ended.ok() || time_over ? absl::OkStatus() : NameCall(ended, call, cluster);
}

http_client::Observer WatchObserver(const std::shared_ptr<WatchSession>& session,
                                    std::function<void()> wake) {
  const auto wake_once = [session, wake = std::move(wake)] {
    if (!std::exchange(session->scheduled, true)) wake();
  };
  http_client::Observer observer;
  observer.on_head = [session, wake_once](const http_client::ResponseHead& head) {
    const std::lock_guard lock(session->mutex);
    session->head = head;
    wake_once();
  };
  observer.on_data = [session, wake_once](std::string_view piece) {
    const std::lock_guard lock(session->mutex);
    const bool refused = session->head.status != 200;
    if (session->inbox.size() > (refused ? kErrorBytes : kInboxBytes)) {
      session->paused = !refused;
      return refused;
    }
    Keep(piece, *session);
    if (!refused) wake_once();
    return true;
  };
  observer.on_done = [session, wake_once](const absl::Status& status) {
    const std::lock_guard lock(session->mutex);
    session->done = status;
    wake_once();
  };
  return observer;
}

}  // namespace opsmesh::kube
