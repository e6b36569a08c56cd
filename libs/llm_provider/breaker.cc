#include "libs/llm_provider/breaker.h"

namespace opsmesh::llm_provider {

Breaker::State Breaker::StateLocked() const {
  if (!open_) return State::kClosed;
  return clock_.Steady() - opened_at_ < options_.open_for ? State::kOpen : State::kHalfOpen;
}

bool Breaker::Allow() {
  const std::lock_guard lock(mutex_);
  switch (StateLocked()) {
    case State::kClosed:
      return true;
    case State::kOpen:
      return false;
    case State::kHalfOpen:
      break;
  }
  if (trial_) return false;
  trial_ = true;
  return true;
}

void Breaker::Succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  open_ = false;
  trial_ = false;
  why_ = absl::OkStatus();
  last_success_ = clock_.Now();
}

void Breaker::Failed(const absl::Status& why, bool lasting) {
  const std::lock_guard lock(mutex_);
  ++failures_;
  why_ = why;
  const bool was_trial = trial_;
  trial_ = false;
  if (!lasting && !was_trial && failures_ < options_.failures_to_open) return;
  open_ = true;
  opened_at_ = clock_.Steady();
}

void Breaker::Abandoned() {
  const std::lock_guard lock(mutex_);
  trial_ = false;
}

Breaker::State Breaker::state() const {
  const std::lock_guard lock(mutex_);
  return StateLocked();
}

absl::Status Breaker::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

absl::Time Breaker::last_success() const {
  const std::lock_guard lock(mutex_);
  return last_success_;
}

}  // namespace opsmesh::llm_provider
