#include "gateway/serve/ticker.h"

#include <chrono>

namespace opsmesh::gateway {

Ticker::Ticker() : thread_([this] { Run(); }) {}

Ticker::~Ticker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// Waiting happens in real time, so this is the one place of the gateway that reads it.
absl::Time Ticker::Now() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void Ticker::Schedule(std::weak_ptr<Sleeper> sleeper, absl::Duration delay) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    const absl::Time due = Now() + delay;
    first = entries_.empty() || due < entries_.top().due;
    entries_.push({due, std::move(sleeper)});
  }
  if (first) changed_.notify_one();
}

void Ticker::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const absl::Duration wait = entries_.top().due - Now();
    if (wait > absl::ZeroDuration()) {
      changed_.wait_for(lock, absl::ToChronoNanoseconds(wait));
      continue;
    }
    std::weak_ptr<Sleeper> weak = entries_.top().sleeper;
    entries_.pop();
    lock.unlock();
    absl::Duration next = absl::ZeroDuration();
    if (const auto sleeper = weak.lock()) next = sleeper->OnTick();
    lock.lock();
    if (next > absl::ZeroDuration()) entries_.push({Now() + next, std::move(weak)});
  }
}

}  // namespace opsmesh::gateway
