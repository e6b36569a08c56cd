#include "libs/kube/reflector.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "libs/base/error.h"
#include "libs/kube/store_history.h"
#include "libs/kube/transport.h"
#include "libs/kube/watch_session.h"

namespace opsmesh::kube {
namespace {

constexpr int kMalformedInARow = 3;
constexpr absl::Duration kPollInstead =
    absl::Seconds(30);  // where listing is allowed and watching is not
constexpr absl::Duration kLongestRetryAfter = absl::Minutes(2);
constexpr absl::Duration kWatchGrace = absl::Seconds(30);
constexpr absl::Duration kShortWatch = absl::Seconds(1);
constexpr absl::Duration kExpiryJitter = absl::Milliseconds(500);

bool Is(const absl::Status& status, std::string_view reason) {
  return base::DetailOf(status).reason == reason;
}

/// The server is down or being started: what comes back may be another one.
bool IsLoss(const absl::Status& status) {
  return Is(status, "CONNECT_FAILED") || Is(status, "CONNECT_TIMEOUT") ||
         Is(status, "SERVICE_UNAVAILABLE") || Is(status, "BAD_GATEWAY");
}

}  // namespace

Reflector::Reflector(std::shared_ptr<CacheParts> parts, std::string name, std::string ns,
                     std::shared_ptr<KindStore> store, OnAnswer on_answer)
    : parts_(std::move(parts)),
      name_(std::move(name)),
      ns_(std::move(ns)),
      store_(std::move(store)),
      on_answer_(std::move(on_answer)),
      ctx_(parts_->ctx.WithCancel(&cancel_)) {}

Reflector::~Reflector() {
  Stop();
  if (asked_.exchange(false)) --parts_->asked;
}

bool Reflector::AskAgain() {
  if (!refused_.load() || asked_.exchange(true)) return false;
  ++parts_->asked;
  After(absl::ZeroDuration(), &Reflector::Retry);
  return true;
}

void Reflector::Retry() {
  if (refused_.exchange(false)) return List();
  Settled();  // another try came first
}

void Reflector::Settled() {
  if (asked_.exchange(false)) --parts_->asked;
  parts_->on_status();
}

bool Reflector::Hurry(bool anew) {
  const uint64_t wait = wait_.load();
  if (wait % 2 == 0 || asked_.exchange(true)) return false;
  ++parts_->asked;
  parts_->PostList(absl::ZeroDuration(), [weak = weak_from_this(), wait, anew] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (!self->EndWait(wait)) return self->Settled();  // the back-off ended first
    (self.get()->*(anew ? &Reflector::List : self->after_wait_))();
  });
  return true;
}

bool Reflector::EndWait(uint64_t wait) { return wait_.compare_exchange_strong(wait, wait + 1); }

bool Reflector::Recheck() {
  std::shared_ptr<WatchSession> session;
  {
    const std::lock_guard lock(open_mutex_);
    session = open_.lock();
  }
  if (session == nullptr) return false;
  std::shared_ptr<http_client::Call> transfer;
  {
    const std::lock_guard lock(session->mutex);
    if (session->done || asked_.exchange(true)) return false;
    ++parts_->asked;
    session->rechecked = true;
    transfer = session->transfer;
  }
  if (transfer != nullptr) transfer->Cancel();  // else OpenWatch, which is at it, ends it
  return true;
}

absl::StatusOr<Rights> Reflector::RightsOf(CacheParts& parts, const base::Context& ctx,
                                           std::string_view ns) {
  return ReadRights(ctx, *parts.client.transport_, parts.client.who_, ns);
}

void Reflector::After(absl::Duration delay, void (Reflector::*step)()) {
  parts_->PostList(delay, [weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) (self.get()->*step)();
  });
}

void Reflector::AfterLoss(absl::Duration delay, void (Reflector::*step)()) {
  after_wait_ = step;
  parts_->PostList(delay, [weak = weak_from_this(), wait = ++wait_] {
    const auto self = weak.lock();
    if (self != nullptr && self->EndWait(wait)) (self.get()->*self->after_wait_)();
  });
}

double Reflector::Random() {
  return static_cast<double>(parts_->options.ids->Random() >> 11) * 0x1p-53;
}

absl::Duration Reflector::Backoff() {
  const absl::Duration most =
      std::min(parts_->options.backoff_max,
               parts_->options.backoff_min * std::pow(2.0, std::min(failures_, 20)));
  ++failures_;
  return most * (0.5 + 0.5 * Random());
}

void Reflector::Publish(const std::vector<Change>& changes) {
  if (!parts_->options.on_change) return;
  for (const Change& change : changes) parts_->options.on_change(change);
}

void Reflector::List() {
  const base::Context ctx = ctx_.WithTimeout(absl::Minutes(2));
  const auto discovery =
      parts_->client.Discover(ctx, {.refresh = std::exchange(rediscover_, false), .patient = true});
  // Only a server that refuses discovery is asked for what we think it serves; one that does not
  // answer is waited for.
  if (!discovery.ok() && discovery.status().code() != absl::StatusCode::kPermissionDenied) {
    return Failed(discovery.status(), &Reflector::List);
  }
  const auto type = parts_->client.Resolve(ctx, name_);
  if (!type.ok()) return Refused(type.status());
  type_ = *type;
  store_->SetType(type_);
  ListOptions options;
  // Any state will do for a start, and is cheap: the watch goes on from there. After an expiry only
  // the newest will, and so where another server than before may answer: its cache may be behind
  // what is in the picture.
  must_be_newest_ |= server_lost_;
  options.resource_version = must_be_newest_ ? "" : "0";
  options.page_size = must_be_newest_ ? parts_->options.page_size : 0;
  options.packer = &store_->packer();
  options.patient = true;
  auto list = parts_->client.List(ctx, type_, ns_, options);
  if (list.ok() && list->inconsistent) {  // what changed between its pages is in no watch
    options.page_size = 0;
    list = parts_->client.List(ctx, type_, ns_, options);
  }
  if (!list.ok()) {
    if (list.status().code() == absl::StatusCode::kPermissionDenied ||
        list.status().code() == absl::StatusCode::kNotFound ||
        list.status().code() == absl::StatusCode::kUnimplemented) {
      return Refused(list.status());
    }
    // Too much for one answer: then in pages.
    for (const std::string_view reason :
         {"RESPONSE_TOO_LARGE", "DEADLINE", "HEAD_TIMEOUT", "IDLE_TIMEOUT"})
      must_be_newest_ |= Is(list.status(), reason);
    return Failed(list.status(), &Reflector::List);
  }
  must_be_newest_ = false;
  watch_worked_ = false;
  failures_ = 0;
  Publish(store_->Replace(ns_, *list));
  if (on_answer_) on_answer_(true);
  if (std::exchange(server_lost_, false)) parts_->on_back(true);
  Settled();
  if (!type_.Supports("watch")) return After(kPollInstead, &Reflector::List);
  OpenWatch();
}

void Reflector::Refused(const absl::Status& status) {
  if (!ctx_.Check().ok()) return;
  const bool forbidden = status.code() == absl::StatusCode::kPermissionDenied;
  if (forbidden && type_.namespaced && on_answer_) on_answer_(false);
  store_->Refuse(ns_, forbidden ? KindStatus::State::kForbidden : KindStatus::State::kNotServed,
                 status);
  rediscover_ = !forbidden;
  const uint64_t mine = ++refusals_;
  refused_ = true;
  Settled();
  parts_->PostList(parts_->options.retry_refused, [weak = weak_from_this(), mine] {
    const auto self = weak.lock();  // after a later refusal there is a later try
    if (self != nullptr && self->refusals_ == mine) self->Retry();
  });
}

void Reflector::Failed(const absl::Status& status, void (Reflector::*next)()) {
  if (!ctx_.Check().ok()) return;
  server_lost_ |= IsLoss(status);
  store_->Fail(ns_, status);
  Settled();
  // A server that says when to come back is not asked before, within reason; the back-off comes on
  // top, so that many caches do not come back together.
  const absl::Duration asked =
      std::clamp(base::DetailOf(status).retry_after.value_or(absl::ZeroDuration()),
                 absl::ZeroDuration(), kLongestRetryAfter);
  const absl::Duration pause = asked + Backoff();
  if (server_lost_ && asked == absl::ZeroDuration()) return AfterLoss(pause, next);
  After(pause, next);
}

bool Reflector::SettleLoss() {
  const absl::StatusOr<bool> same = SameHistory(ctx_, parts_->client, type_, ns_, *store_);
  const absl::StatusCode code = same.status().code();
  // A certificate or token that must be renewed first: the watch does that.
  if (Is(same.status(), "TLS_FAILED") || code == absl::StatusCode::kUnauthenticated) return true;
  // What is not served or forbidden now is settled by a list.
  if (!same.ok() && code != absl::StatusCode::kPermissionDenied &&
      code != absl::StatusCode::kNotFound && code != absl::StatusCode::kUnimplemented) {
    Failed(same.status(), &Reflector::OpenWatch);
    return false;
  }
  if (same.ok() && *same) {
    server_lost_ = false;
    parts_->on_back(false);
    return true;
  }
  must_be_newest_ = true;
  List();
  return false;
}

void Reflector::OpenWatch() {
  if (server_lost_ && !SettleLoss()) return;
  Transport& transport = *parts_->client.transport_;
  WatchOptions options;
  options.resource_version = store_->resource_version(ns_);
  options.server_timeout = parts_->options.watch_timeout;
  const auto call = WatchCall(type_, ns_, options);
  if (!call.ok()) return Refused(call.status());
  auto request = transport.Build(ctx_, *call, parts_->client.who_);
  if (!request.ok()) return Failed(request.status(), &Reflector::OpenWatch);
  request->max_response_bytes = SIZE_MAX / 2;
  request->head_timeout = transport.options().request_timeout;
  request->idle_timeout = options.server_timeout + absl::Seconds(15);
  if (bookmarks_seen_)
    request->idle_timeout = std::min(request->idle_timeout, parts_->options.longest_silence);

  auto session = std::make_shared<WatchSession>(*call);
  session->used = request->connection;
  session->opened_at = base::SystemClock().Steady();
  {  // Before the server can know of it: Recheck must not miss a watch that is being opened.
    const std::lock_guard lock(open_mutex_);
    open_ = session;
  }
  // The server ends its watch by itself; one that drips bytes for ever is left.
  const std::shared_ptr<http_client::Call> transfer =
      transport.http().Start(ctx_.WithTimeout(options.server_timeout + kWatchGrace),
                             *std::move(request), WatchObserver(session, Waker(session)));
  bool rechecked = false;
  {
    const std::lock_guard lock(session->mutex);
    if (!session->done) session->transfer = transfer;
    rechecked = session->rechecked;
  }
  if (rechecked) transfer->Cancel();
}

std::function<void()> Reflector::Waker(const std::shared_ptr<WatchSession>& session) {
  return [weak = weak_from_this(), parts = parts_, session] {
    parts->PostEvents([weak, session] {
      if (const auto self = weak.lock()) self->Drain(session);
    });
  };
}

void Reflector::Opened() {
  store_->WatchOpened(ns_, std::exchange(watched_before_, true));
  renewed_ = false;
  watch_worked_ = true;
  Settled();
}

void Reflector::Drain(const std::shared_ptr<WatchSession>& session) {
  if (session->over) return;
  while (true) {
    std::string bytes;
    const http_client::WipedAtEnd wiped(session->wipe ? &bytes : nullptr);
    std::optional<absl::Status> done;
    bool opened = false;
    bool idle = false;
    {
      const std::lock_guard lock(session->mutex);
      if (session->head.status == 200) {
        opened = !std::exchange(session->announced, true);
        bytes = std::exchange(session->inbox, {});
      }
      done = session->done;
      idle = bytes.empty() && !done;
      if (idle) session->scheduled = false;
      if (!idle && std::exchange(session->paused, false) && session->transfer != nullptr)
        session->transfer->Resume();
    }
    if (opened) Opened();
    if (idle) return;
    const absl::Status status =
        session->lines.Feed(bytes, [this](std::string_view line) { return OnLine(line); });
    if (!status.ok() || done) {
      session->over = true;
      std::shared_ptr<http_client::Call> transfer;
      {
        const std::lock_guard lock(session->mutex);
        transfer = std::exchange(session->transfer, nullptr);
      }
      if (!status.ok() && transfer != nullptr) transfer->Cancel();
      return WatchEnded(session, status.ok() ? *done : status);
    }
  }
}

absl::Status Reflector::OnLine(std::string_view text) {
  const WatchLine line = ParseWatchLine(text, type_, &store_->packer());
  const std::string& cluster = parts_->client.transport_->cluster();
  ApiCall call = CallOn("watch", "GET", type_, ns_, "");
  switch (line.kind) {
    case WatchLine::Kind::kEvent:
      if (line.event.type == WatchEvent::Type::kBookmark &&
          IsBefore(line.event.resource_version, store_->resource_version(ns_))) {
        return NameCall(base::Unavailable("EXPIRED",
                                          "The API server is behind what it said before: its store "
                                          "was wiped or set back."),
                        call, cluster);
      }
      malformed_ = failures_ = expiries_ = 0;
      bookmarks_seen_ |= line.event.type == WatchEvent::Type::kBookmark;
      Publish(store_->Apply(ns_, line.event));
      return absl::OkStatus();
    case WatchLine::Kind::kUnparseable: {
      store_->NoteUnparseable(ns_, line.unparseable);
      WatchEvent position;  // go on behind it
      position.type = WatchEvent::Type::kBookmark;
      position.resource_version = line.event.resource_version;
      Publish(store_->Apply(ns_, position));
      return absl::OkStatus();
    }
    case WatchLine::Kind::kUnknownType:
      return absl::OkStatus();
    case WatchLine::Kind::kError:
      return ErrorFromStatusJson(call, cluster, line.error_json);
    case WatchLine::Kind::kMalformed:
      break;
  }
  ++malformed_;
  return NameCall(
      base::Unavailable("MALFORMED_EVENT", "The API server sent a watch event that is not JSON."),
      call, cluster);
}

void Reflector::ListNewest(const absl::Status& why) {
  store_->Fail(ns_, why);
  malformed_ = 0;
  must_be_newest_ = true;
  // One expiry is ordinary. A server that takes back each version it has just given would be asked
  // for whole lists without a pause.
  failures_ = expiries_++;
  After(failures_ == 0 ? kExpiryJitter * Random() : Backoff(), &Reflector::List);
}

void Reflector::ListInstead() {
  // Listing worked: go on by listing. What was listed is not stale for that, only older.
  store_->Fail(ns_, absl::OkStatus());
  parts_->on_status();
  // A right that was there a moment ago was taken away, perhaps that to list, too.
  After(watch_worked_ ? absl::ZeroDuration() : kPollInstead, &Reflector::List);
}

void Reflector::WatchEnded(const std::shared_ptr<WatchSession>& session,
                           const absl::Status& ended) {
  if (!ctx_.Check().ok()) return;
  if (const std::lock_guard lock(session->mutex); session->rechecked) {
    store_->Fail(ns_, absl::OkStatus());  // nothing is watched until it is listed
    must_be_newest_ = true;
    return After(absl::ZeroDuration(), &Reflector::List);
  }
  const absl::Status status = session->WhyEnded(ended, parts_->client.transport_->cluster());
  // A server on its way out still takes connections, and drops them.
  server_lost_ |= session->head.status == 0 && Is(status, "CONNECTION_LOST");
  if (Is(status, "EXPIRED") || malformed_ >= kMalformedInARow) return ListNewest(status);
  if (status.code() == absl::StatusCode::kPermissionDenied ||
      status.code() == absl::StatusCode::kUnimplemented)
    return ListInstead();
  if (status.code() == absl::StatusCode::kNotFound) return Refused(status);
  // A token that was rotated or has run out: with a new one the watch goes on where it was, and
  // nobody calls that stale.
  if (status.code() == absl::StatusCode::kUnauthenticated &&
      parts_->client.transport_->RenewCredentials(session->used.get()) &&
      !std::exchange(renewed_, true)) {
    return After(absl::ZeroDuration(), &Reflector::OpenWatch);
  }
  if (Is(status, "TLS_FAILED")) parts_->client.transport_->RenewCertificates(session->used.get());
  // 500 on a watch is how some servers say that they do not understand a resourceVersion.
  if (Is(status, "INTERNAL_ERROR") && failures_ >= kMalformedInARow) {
    must_be_newest_ = true;
    return Failed(status, &Reflector::List);
  }
  if (!status.ok()) return Failed(status, &Reflector::OpenWatch);
  // The server ends every watch after a while. One that it ends at once, again and again, is a
  // failure all the same.
  const bool short_lived = base::SystemClock().Steady() - session->opened_at < kShortWatch;
  store_->Fail(ns_, absl::OkStatus());
  After(short_lived ? Backoff() : parts_->options.backoff_min * Random(), &Reflector::OpenWatch);
}

}  // namespace opsmesh::kube
