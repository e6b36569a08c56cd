#include "libs/http_server/event_loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>

#include "libs/base/error.h"

namespace opsmesh::http_server {
namespace {

constexpr int kBatch = 128;
constexpr SteadyNs kMillisecond = 1'000'000;

}  // namespace

EventLoop::~EventLoop() = default;

absl::Status EventLoop::Init() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // stands for wake_
  if (!epoll_.valid() || !wake_.valid() ||
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
    return base::Unavailable("NO_DESCRIPTORS",
                             "The HTTP server could not get the file descriptors it needs.")
        .Hint("Raise the limit on open files (ulimit -n).");
  }
  now_ = ReadClock();
  return absl::OkStatus();
}

SteadyNs EventLoop::ReadClock() const { return absl::ToInt64Nanoseconds(clock_.Steady()); }

void EventLoop::Run() {
  thread_ = std::this_thread::get_id();
  std::array<epoll_event, kBatch> events;
  while (!quit_.load(std::memory_order_acquire)) {
    const int count = epoll_wait(epoll_.get(), events.data(), kBatch, WaitMilliseconds());
    now_ = ReadClock();
    for (int i = 0; i < count; ++i) {
      auto* source = static_cast<Source*>(events[i].data.ptr);
      if (source == nullptr) {
        uint64_t ignored = 0;
        if (::read(wake_.get(), &ignored, sizeof(ignored)) < 0) continue;
      } else if (!source->retired_) {
        source->OnEvents(events[i].events);
      }
    }
    RunTasks();
    RunDeadlines();
    retired_.clear();
  }
  thread_ = std::thread::id();
}

void EventLoop::Quit() {
  quit_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) < 0) return;  // full counter: awake anyway
}

void EventLoop::Post(std::shared_ptr<Task> task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = tasks_.empty() && !InLoopThread();
    tasks_.push_back(std::move(task));
  }
  if (!wake) return;
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) < 0) return;  // full counter: awake anyway
}

void EventLoop::RunTasks() {
  std::vector<std::shared_ptr<Task>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task->RunOnLoop();
  tasks.clear();
  const std::lock_guard lock(mutex_);
  if (tasks_.empty()) tasks_.swap(tasks);  // keeps the capacity
}

bool EventLoop::Watch(int fd, uint32_t events, Source& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::Rewatch(int fd, uint32_t events, Source& source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Unwatch(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// A deadline that moves to later leaves the source where it is in the set; RunDeadlines() looks
// again when its old place comes up. So a busy keep-alive connection touches the set about once per
// timeout, not once per request.
void EventLoop::SetDeadline(Source& source, SteadyNs deadline) {
  source.deadline_ = deadline;
  if (deadline >= source.queued_) return;
  if (source.queued_ != kNever) deadlines_.erase({source.queued_, &source});
  source.queued_ = deadline;
  deadlines_.emplace(deadline, &source);
}

void EventLoop::RunDeadlines() {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_) {
    Source* source = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    source->queued_ = kNever;
    const SteadyNs due = source->deadline_;
    if (due <= now_) {
      source->deadline_ = kNever;
      source->OnDeadline();
    } else if (due != kNever) {
      SetDeadline(*source, due);
    }
  }
}

int EventLoop::WaitMilliseconds() {
  {
    const std::lock_guard lock(mutex_);
    if (!tasks_.empty()) return 0;
  }
  if (deadlines_.empty()) return -1;
  const SteadyNs left = deadlines_.begin()->first - now_;
  if (left <= 0) return 0;
  // Rounded up: waking early would spin until the deadline.
  return static_cast<int>(std::min<SteadyNs>((left + kMillisecond - 1) / kMillisecond, 3'600'000));
}

void EventLoop::Retire(std::unique_ptr<Source> source) {
  source->retired_ = true;
  if (source->queued_ != kNever) deadlines_.erase({source->queued_, source.get()});
  source->queued_ = kNever;
  source->deadline_ = kNever;
  retired_.push_back(std::move(source));
}

}  // namespace opsmesh::http_server
