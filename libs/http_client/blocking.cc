#include "libs/http_client/blocking.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "libs/base/error.h"
#include "libs/http_client/wiping.h"

namespace opsmesh::http_client {
namespace {

constexpr size_t kQueueBytes = 1 << 20;

/// Shared between the waiting thread and the client's. The waiting thread may leave first: it never
/// depends on how soon the client's thread looks at a clock.
struct Exchange {
  explicit Exchange(bool wipe_bytes) : wipe(wipe_bytes) {}
  ~Exchange() {
    if (wipe) Wipe(&body);
  }
  void Append(std::string_view piece) {
    if (wipe) {
      AppendWiping(piece, &body);
    } else {
      body.append(piece);
    }
  }

  const bool wipe;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<ResponseHead> head;
  std::string body;  // for Stream: what was not handed over yet
  std::optional<absl::Status> done;
  bool left = false;
  bool full = false;
};

/// Waits for `ready` until the context ends. The context's error when it does.
template <typename Ready>
absl::Status Wait(std::unique_lock<std::mutex>& lock, Exchange& exchange, const base::Context& ctx,
                  Ready ready) {
  while (!ready()) {
    if (absl::Status status = ctx.Check(); !status.ok()) return status;
    const absl::Duration left = std::min(ctx.Remaining(), absl::Seconds(60));
    exchange.changed.wait_for(lock, absl::ToChronoNanoseconds(left));
  }
  return absl::OkStatus();
}

void ReserveBody(const ResponseHead& head, size_t limit, std::string* body) {
  const size_t length = std::strtoull(std::string(head.Get("Content-Length")).c_str(), nullptr, 10);
  // A peer's word is believed up to 64 MiB; the string grows by itself from there.
  body->reserve(std::min({length, limit, size_t{64} << 20}));
}

// The end of the call and that of the context wake who waits; the latter as long as the handle
// lives.
base::CancelState::Registration WakeAtEnd(const base::Context& ctx,
                                          const std::shared_ptr<Exchange>& exchange,
                                          Observer& observer) {
  observer.on_done = [exchange](const absl::Status& status) {
    const std::lock_guard lock(exchange->mutex);
    exchange->done = status;
    exchange->changed.notify_all();
  };
  return ctx.OnCancel([exchange] {
    const std::lock_guard lock(exchange->mutex);
    exchange->changed.notify_all();
  });
}

// Puts head and pieces into the exchange, as many as fit.
Observer StreamInto(const std::shared_ptr<Exchange>& exchange) {
  Observer observer;
  observer.on_head = [exchange](const ResponseHead& head) {
    const std::lock_guard lock(exchange->mutex);
    exchange->head = head;
    exchange->changed.notify_all();
  };
  observer.on_data = [exchange](std::string_view piece) {
    const std::lock_guard lock(exchange->mutex);
    if (exchange->left) return true;
    if (exchange->body.size() > kQueueBytes) {
      exchange->full = true;
      return false;
    }
    exchange->Append(piece);
    exchange->changed.notify_all();
    return true;
  };
  return observer;
}

}  // namespace

absl::StatusOr<Response> BlockingFetch(Client& client, const base::Context& ctx, Request request) {
  OPSMESH_RETURN_IF_ERROR(ctx.Check());
  auto exchange = std::make_shared<Exchange>(request.wipe_answer);
  const size_t limit = request.max_response_bytes;
  Observer observer;
  observer.on_head = [exchange, limit](const ResponseHead& head) {
    const std::lock_guard lock(exchange->mutex);
    exchange->head = head;
    ReserveBody(head, limit, &exchange->body);
  };
  observer.on_data = [exchange](std::string_view piece) {
    const std::lock_guard lock(exchange->mutex);
    if (!exchange->left) exchange->Append(piece);
    return true;
  };
  const auto registration = WakeAtEnd(ctx, exchange, observer);
  const auto call = client.Start(ctx, std::move(request), std::move(observer));
  std::unique_lock lock(exchange->mutex);
  const absl::Status waited =
      Wait(lock, *exchange, ctx, [&] { return exchange->done.has_value(); });
  exchange->left = true;
  if (!waited.ok()) {
    lock.unlock();
    call->Cancel();
    return waited;
  }
  if (!exchange->done->ok()) return *exchange->done;
  Response response;
  if (exchange->head) static_cast<ResponseHead&>(response) = std::move(*exchange->head);
  response.wipe = exchange->wipe;
  response.body = std::move(exchange->body);
  return response;
}

absl::Status BlockingStream(Client& client, const base::Context& ctx, Request request,
                            const std::function<absl::Status(const ResponseHead&)>& on_head,
                            const std::function<absl::Status(std::string_view)>& on_data) {
  OPSMESH_RETURN_IF_ERROR(ctx.Check());
  auto exchange = std::make_shared<Exchange>(request.wipe_answer);
  Observer observer = StreamInto(exchange);
  const auto registration = WakeAtEnd(ctx, exchange, observer);
  const auto call = client.Start(ctx, std::move(request), std::move(observer));
  bool head_given = false;
  absl::Status result;
  std::unique_lock lock(exchange->mutex);
  while (true) {
    result = Wait(lock, *exchange, ctx, [&] {
      return exchange->done.has_value() || !exchange->body.empty() ||
             (exchange->head && !head_given);
    });
    if (!result.ok()) break;
    std::optional<ResponseHead> head;
    if (!head_given && exchange->head) head = exchange->head;
    head_given |= head.has_value();
    std::string piece = std::exchange(exchange->body, {});
    const WipedAtEnd wiped(exchange->wipe ? &piece : nullptr);
    const std::optional<absl::Status> done = exchange->done;
    const bool resume = std::exchange(exchange->full, false);
    lock.unlock();
    if (resume) call->Resume();
    if (head && on_head) result = on_head(*head);
    if (result.ok() && !piece.empty()) result = on_data(piece);
    lock.lock();
    // After the end nothing is added, so what was taken together with `done` was the rest.
    if (result.ok() && done) {
      result = *done;
      break;
    }
    if (!result.ok()) break;
  }
  exchange->left = true;
  const bool running = !exchange->done.has_value();
  lock.unlock();
  if (running) call->Cancel();
  return result;
}

}  // namespace opsmesh::http_client
