#include "libs/base/context.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/error.h"

namespace opsmesh::base {

struct CancelState::Registration::Entry {
  std::mutex mutex;  // held while the callback runs
  std::function<void()> callback;
  std::thread::id running_on;

  void Run() {
    std::function<void()> work;
    {
      const std::lock_guard lock(mutex);
      work = std::exchange(callback, nullptr);
      if (!work) return;
      running_on = std::this_thread::get_id();
      work();
      running_on = {};
    }
  }
};

void CancelState::Cancel() {
  std::vector<std::shared_ptr<Registration::Entry>> to_run;
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return;
    cancelled_ = true;
    for (const auto& weak : entries_) {
      if (auto entry = weak.lock()) to_run.push_back(std::move(entry));
    }
    entries_.clear();
    changed_.notify_all();
  }
  for (const auto& entry : to_run) entry->Run();
}

bool CancelState::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

bool CancelState::WaitFor(absl::Duration timeout) const {
  std::unique_lock lock(mutex_);
  if (timeout == absl::InfiniteDuration()) {
    changed_.wait(lock, [this] { return cancelled_; });
    return true;
  }
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return cancelled_; });
}

CancelState::Registration CancelState::OnCancel(std::function<void()> callback) {
  Registration registration;
  registration.entry_ = std::make_shared<Registration::Entry>();
  registration.entry_->callback = std::move(callback);
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      entries_.remove_if([](const auto& weak) { return weak.expired(); });
      entries_.push_back(registration.entry_);
      return registration;
    }
  }
  registration.entry_->Run();
  return registration;
}

CancelState::Registration& CancelState::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    Reset();
    entry_ = std::move(other.entry_);
  }
  return *this;
}

void CancelState::Registration::Reset() {
  if (!entry_) return;
  // Reading running_on without the lock is only ever true on the thread that wrote it.
  if (entry_->running_on != std::this_thread::get_id()) {
    const std::lock_guard lock(entry_->mutex);
    entry_->callback = nullptr;
  }
  entry_.reset();
}

Context Context::Background(const Clock& clock) {
  Context context;
  context.clock_ = &clock;
  context.cancel_ = std::make_shared<CancelState>();
  context.meta_ = std::make_shared<Meta>();
  return context;
}

Context Context::WithTimeout(absl::Duration timeout) const {
  Context copy = *this;
  copy.steady_deadline_ = std::min(steady_deadline_, clock_->Steady() + timeout);
  return copy;
}

Context Context::WithCancel(std::shared_ptr<CancelState>* cancel) const {
  Context copy = *this;
  copy.cancel_ = std::make_shared<CancelState>();
  // The link keeps this context's own link alive, so a chain of children hears the root.
  struct Link {
    std::shared_ptr<const CancelState::Registration> grandparent;
    std::shared_ptr<CancelState> parent;
    CancelState::Registration registration;
  };
  auto link = std::make_shared<Link>();
  link->grandparent = parent_link_;
  link->parent = cancel_;
  link->registration = cancel_->OnCancel([weak = std::weak_ptr<CancelState>(copy.cancel_)] {
    if (auto child = weak.lock()) child->Cancel();
  });
  copy.parent_link_ = std::shared_ptr<const CancelState::Registration>(link, &link->registration);
  *cancel = copy.cancel_;
  return copy;
}

template <typename F>
Context Context::WithMeta(F change) const {
  Context copy = *this;
  auto meta = std::make_shared<Meta>(*meta_);
  change(*meta);
  copy.meta_ = std::move(meta);
  return copy;
}

Context Context::WithPrincipal(Principal principal) const {
  return WithMeta([&](Meta& meta) { meta.principal = std::move(principal); });
}
Context Context::WithRequestId(std::string request_id) const {
  return WithMeta([&](Meta& meta) { meta.request_id = std::move(request_id); });
}
Context Context::WithTrace(TraceContext trace) const {
  return WithMeta([&](Meta& meta) { meta.trace = std::move(trace); });
}
Context Context::WithLanguage(std::string language) const {
  return WithMeta([&](Meta& meta) { meta.language = std::move(language); });
}

absl::Duration Context::Remaining() const {
  if (steady_deadline_ == absl::InfiniteDuration()) return steady_deadline_;
  return std::max(absl::ZeroDuration(), steady_deadline_ - clock_->Steady());
}

absl::Status Context::Check() const {
  if (cancelled())
    return Cancelled("CALLER_LEFT", "The caller went away, so the work was stopped.");
  if (Remaining() == absl::ZeroDuration()) {
    return DeadlineExceeded("DEADLINE", "The time allowed for this request is used up.")
        .Hint("Ask for less (a namespace, a smaller window) or allow more time.");
  }
  return absl::OkStatus();
}

absl::Status Context::Sleep(absl::Duration duration) const {
  cancel_->WaitFor(std::min(duration, Remaining()));
  return Check();
}

}  // namespace opsmesh::base
