#include "services/notify/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "services/notify/dispatcher_lane.h"

namespace opsmesh::notify {
namespace {

/// The longest the thread sleeps: another process may have queued something, or have left the lead.
constexpr absl::Duration kLongestSleep = absl::Seconds(1);
constexpr size_t kMaxInFlight = 64;
constexpr size_t kMaxAnswerBytes = 64 << 10;
constexpr size_t kMaxLanes = 1000;

}  // namespace

Dispatcher::Dispatcher(Store& store, http_client::Client& client, FindLane find_lane,
                       DispatcherOptions options)
    : store_(store),
      client_(client),
      find_lane_(std::move(find_lane)),
      options_(std::move(options)) {}

Dispatcher::~Dispatcher() { Stop(absl::ZeroDuration()); }

void Dispatcher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Dispatcher::Wake() {
  const std::lock_guard lock(mutex_);
  awake_ = true;
  changed_.notify_all();
}

void Dispatcher::Stop(absl::Duration grace) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
  // The thread begins nothing any more; what is under way may end.
  const absl::Duration until = options_.clock->Steady() + grace;
  while (in_flight_ > 0) {
    TakeEnded();
    if (in_flight_ == 0 || options_.clock->Steady() >= until) break;
    std::unique_lock lock(mutex_);
    if (ended_.empty()) changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
  for (auto& [name, lane] : lanes_) {
    if (lane->in_flight != nullptr) lane->in_flight->cancel->Cancel();
  }
  // Every transfer ends after its cancellation; its callbacks must not outlive this object.
  while (in_flight_ > 0) {
    TakeEnded();
    std::unique_lock lock(mutex_);
    if (ended_.empty()) changed_.wait_for(lock, std::chrono::milliseconds(20));
    if (in_flight_ > 0 && ended_.empty() && unsettled_.size() == in_flight_)
      break;  // only the store is missing
  }
}

bool Dispatcher::WaitTried(const std::string& message_id, absl::Duration patience) {
  const absl::Duration until = base::SystemClock().Steady() + patience;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const uint64_t seen = rounds_;
    lock.unlock();
    const auto deliveries = store_.Find(message_id);
    const bool tried = deliveries.ok() &&
                       std::all_of(deliveries->begin(), deliveries->end(), [](const Delivery& d) {
                         return d.state == State::kSent || d.state == State::kFolded ||
                                d.state == State::kDead ||
                                (d.state == State::kQueued && d.attempts > 0);
                       });
    if (tried || !deliveries.ok()) return tried;
    lock.lock();
    while (rounds_ == seen && !stopping_) {
      const absl::Duration left = until - base::SystemClock().Steady();
      if (left <= absl::ZeroDuration()) return false;
      changed_.wait_for(lock, absl::ToChronoNanoseconds(left));
    }
  }
  return false;
}

void Dispatcher::NoteSent(const std::string& lane, absl::Time time) {
  const std::lock_guard lock(mutex_);
  sent_elsewhere_.emplace_back(lane, time);
}

void Dispatcher::Run() {
  while (true) {
    const absl::Time next = Round();
    std::unique_lock lock(mutex_);
    ++rounds_;
    changed_.notify_all();
    const absl::Duration nap =
        std::clamp(next - options_.clock->Now(), absl::ZeroDuration(), kLongestSleep);
    if (!awake_ && !stopping_ && ended_.empty()) {
      changed_.wait_for(lock, absl::ToChronoNanoseconds(nap),
                        [this] { return awake_ || stopping_ || !ended_.empty(); });
    }
    awake_ = false;
    if (stopping_) return;
  }
}

/// Everything that can be done now; the time the next thing is due.
absl::Time Dispatcher::Round() {
  TakeEnded();
  const absl::Time now = options_.clock->Now();
  absl::Time next = absl::InfiniteFuture();
  if (!Lead()) return next;
  Housekeep(now);
  const auto window_end = store_.CloseFoldWindows(now, options_.outbox.fold_window,
                                                  [this] { return options_.ids->NewId("msg_"); });
  if (window_end.ok()) next = *window_end;
  const auto waiting = store_.WaitingLanes();
  if (!waiting.ok()) {
    if (!std::exchange(complained_, true)) {
      options_.logger->Error(base::Context::Background(), "the outbox cannot be read",
                             {{"error", std::string(waiting.status().message())}});
    }
    return next;
  }
  complained_ = false;
  if (options_.enabled) {
    for (const std::string& name : *waiting) next = std::min(next, Serve(name, now));
  }
  if (const auto depth = store_.Depth(); depth.ok() && options_.metrics != nullptr) {
    options_.metrics
        ->AddGauge(
            {.name = "opsmesh_outbox_depth", .help = "Deliveries that wait or are under way."})
        .Get()
        .Set(static_cast<double>(*depth));
  }
  return next;
}

/// True when this process delivers; takes over what a process that had the lead before left behind.
bool Dispatcher::Lead() {
  if (leads_) return true;
  if (!store_.TryLead()) return false;
  const absl::StatusOr<Recovered> recovered =
      store_.Recover(options_.clock->Now(), [this](const std::string& lane) {
        return find_lane_(lane, "", "").after_unknown == AfterUnknown::kResend;
      });
  if (!recovered.ok()) return false;
  leads_ = true;
  if (recovered->unsent + recovered->resent + recovered->held > 0) {
    options_.logger->Warn(
        base::Context::Background(), "deliveries of a process that ended were taken over",
        {{"unsent", recovered->unsent}, {"resent", recovered->resent}, {"held", recovered->held}});
  }
  return true;
}

Dispatcher::LaneState& Dispatcher::StateOf(const std::string& name, const Delivery& head) {
  const auto known = lanes_.find(name);
  if (known != lanes_.end() && head.reply_url.empty()) return *known->second;
  Lane lane = find_lane_(name, head.reply_url, head.letter.language);
  if (known != lanes_.end()) {
    known->second->lane = std::move(lane);  // the conversation's newest reply address
    return *known->second;
  }
  if (lanes_.size() >= kMaxLanes) {
    std::erase_if(lanes_, [](const auto& one) { return one.second->in_flight == nullptr; });
  }
  auto state = std::make_unique<LaneState>(std::move(lane));
  const auto sent = store_.WireTimes(name, options_.clock->Now() - state->rate.Memory());
  if (sent.ok()) {
    for (const absl::Time time : *sent) state->rate.Note(time);
  }
  return *lanes_.emplace(name, std::move(state)).first->second;
}

/// Sends the head of a lane when it is due; when the lane is to be looked at again.
absl::Time Dispatcher::Serve(const std::string& name, absl::Time now) {
  if (const auto known = lanes_.find(name);
      known != lanes_.end() && known->second->in_flight != nullptr) {
    return absl::InfiniteFuture();
  }
  if (in_flight_ >= kMaxInFlight) return absl::InfiniteFuture();
  const auto head = store_.Head(name);
  if (!head.ok() || !head->has_value()) return absl::InfiniteFuture();
  LaneState& lane = StateOf(name, **head);
  absl::Time due = std::max((*head)->next_attempt, lane.paused_until);
  // No pause is longer than an hour: a due time further off is a clock that was set back.
  if (due > now + absl::Hours(2)) due = now;
  due = std::max(due, lane.rate.Next(now));
  if (due > now) return due;
  if (lane.lane.platform == nullptr) {
    Drop(**head, lane.lane);
    return now;
  }
  Send(lane, **head);
  return absl::InfiniteFuture();
}

void Dispatcher::Send(LaneState& lane, Delivery delivery) {
  Step("before_preparing");
  auto begun = store_.BeginAttempt(delivery.sequence, options_.clock->Now());
  if (!begun.ok()) return;
  Step("preparing");
  auto attempt = std::make_shared<Attempt>();
  attempt->delivery = *std::move(begun);
  attempt->lane = lane.lane;
  lane.in_flight = attempt;
  ++in_flight_;

  http_client::Request request =
      lane.lane.platform->Compose(MailingOf(attempt->delivery), options_.clock->Now());
  request.connect_timeout = options_.outbox.connect_timeout;
  request.head_timeout = options_.outbox.answer_timeout;
  request.idle_timeout = options_.outbox.answer_timeout;
  const base::Context ctx =
      base::Context::Background()
          .WithTimeout(options_.outbox.connect_timeout + options_.outbox.answer_timeout * 2)
          .WithCancel(&attempt->cancel);
  http_client::Observer observer;
  observer.before_send = [this, attempt]() -> absl::Status {
    Step("connected");
    OPSMESH_RETURN_IF_ERROR(store_.MarkOnWire(attempt->delivery.sequence, options_.clock->Now()));
    attempt->on_wire = true;
    Step("on_wire");
    return absl::OkStatus();
  };
  observer.on_head = [attempt](const http_client::ResponseHead& head) {
    attempt->answer.head = head;
    attempt->has_head = true;
  };
  observer.on_data = [attempt](std::string_view piece) {
    std::string& body = attempt->answer.body;
    body += piece.substr(0, kMaxAnswerBytes - std::min(kMaxAnswerBytes, body.size()));
    return true;
  };
  observer.on_done = [this, attempt](const absl::Status& status) {
    attempt->status = status;
    attempt->answer.whole = status.ok();
    Step("answered");
    const std::lock_guard lock(mutex_);
    ended_.push_back(attempt);
    changed_.notify_all();
  };
  attempt->call = client_.Start(ctx, std::move(request), std::move(observer));
}

/// A delivery to a channel that is no longer configured.
void Dispatcher::Drop(const Delivery& delivery, const Lane& lane) {
  if (!store_.BeginAttempt(delivery.sequence, options_.clock->Now()).ok()) return;
  const Outcome outcome{
      .state = State::kDead,
      .reason = "NO_CHANNEL",
      .error = fmt::format(
          "'{}' is not configured or switched off; configure it, then send the message again.",
          delivery.lane)};
  if (store_.EndAttempt(delivery.sequence, outcome, options_.clock->Now()).ok())
    Count(lane.metric, "dead");
}

void Dispatcher::TakeEnded() {
  std::vector<std::shared_ptr<Attempt>> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
    for (const auto& [name, time] : sent_elsewhere_) {
      if (const auto lane = lanes_.find(name); lane != lanes_.end()) lane->second->rate.Note(time);
    }
    sent_elsewhere_.clear();
  }
  ended.insert(ended.begin(), unsettled_.begin(), unsettled_.end());
  unsettled_.clear();
  for (const auto& attempt : ended) Settle(attempt);
}

void Dispatcher::Count(const std::string& channel, std::string_view outcome) {
  if (options_.metrics == nullptr) return;
  options_.metrics
      ->AddCounter({.name = "opsmesh_notifications_total",
                    .help = "Tries to deliver a message, by channel and how they ended.",
                    .labels = {"channel", "outcome"}})
      .With({channel, outcome})
      .Increment();
}

void Dispatcher::Step(std::string_view step) const {
  if (options_.on_step) options_.on_step(step);
}

void Dispatcher::Housekeep(absl::Time now) {
  if (now < next_housekeeping_) return;
  next_housekeeping_ = now + absl::Minutes(30);
  const absl::Status pruned =
      store_.Prune(now - options_.outbox.keep_sent, now - options_.outbox.keep_dead);
  if (!pruned.ok()) {
    options_.logger->Warn(base::Context::Background(), "the outbox could not be tidied up",
                          {{"error", std::string(pruned.message())}});
  }
}

}  // namespace opsmesh::notify
