#include "libs/kubesim/behaviour/work_queue.h"

#include <algorithm>
#include <exception>

#include "libs/kubesim/behaviour/engine.h"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kFirstBackOff = absl::Milliseconds(5);
constexpr absl::Duration kMaxBackOff = absl::Seconds(1000);
// Two writers that disagree for ever must not stop simulated time.
constexpr int kMostAtOnce = 100;

absl::Duration BackOff(int failures) {
  absl::Duration delay = kFirstBackOff;
  for (int i = 1; i < failures && delay < kMaxBackOff; ++i) delay *= 2;
  return std::min(delay, kMaxBackOff);
}

}  // namespace

WorkQueue::WorkQueue(Engine& engine, std::string name, Reconcile reconcile)
    : engine_(engine), name_(std::move(name)), reconcile_(std::move(reconcile)) {}

void WorkQueue::AddAfter(const std::string& key, absl::Duration delay) {
  if (engine_.resuming()) return;  // what waits is known already
  const absl::Time due = engine_.Now() + std::max(delay, absl::ZeroDuration());
  Waiting& waiting = waiting_[key];
  if (waiting.serial != 0 && waiting.due <= due) return;
  waiting.due = due;
  if (waiting.timer.serial != 0) engine_.Cancel(waiting.timer);
  waiting.serial = next_serial_++;
  waiting.timer = engine_.At(due, [this, key, serial = waiting.serial] { Run(key, serial); });
}

std::vector<WorkQueue::Entry> WorkQueue::Save() const {
  std::vector<std::pair<uint64_t, Entry>> waiting;
  for (const auto& [key, one] : waiting_) {
    if (one.serial != 0) waiting.push_back({one.serial, {key, one.due, one.failures}});
  }
  std::sort(waiting.begin(), waiting.end(), [](const auto& x, const auto& y) {
    return x.second.due != y.second.due ? x.second.due < y.second.due : x.first < y.first;
  });
  std::vector<Entry> entries;
  for (auto& [serial, entry] : waiting) entries.push_back(std::move(entry));
  return entries;
}

void WorkQueue::Restore(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    waiting_[entry.key].failures = entry.failures;
    AddAfter(entry.key, entry.due - engine_.Now());
  }
}

void WorkQueue::Run(const std::string& key, uint64_t serial) {
  auto it = waiting_.find(key);
  if (it == waiting_.end() || it->second.serial != serial) return;
  it->second.serial = 0;
  it->second.timer = {};
  it->second.due = absl::InfiniteFuture();
  if (instant_ != engine_.Now()) {
    instant_ = engine_.Now();
    runs_.clear();
  }
  if (++runs_[key] > kMostAtOnce) {
    AddAfter(key, absl::Seconds(1));
    return;
  }
  Next next;
  try {
    next = reconcile_(key);
  } catch (const std::exception&) {
    // An object of a shape that nobody expected (a loaded folder is not validated): its key backs
    // off, the others go on.
    next = Next::Retry();
  }
  Waiting& waiting = waiting_[key];  // the reconciler may have added keys
  switch (next.kind) {
    case Next::Kind::kRetry:
      ++waiting.failures;
      AddAfter(key, BackOff(waiting.failures));
      return;
    case Next::Kind::kAfter:
      waiting.failures = 0;
      AddAfter(key, next.delay);
      return;
    case Next::Kind::kDone:
      waiting.failures = 0;
      if (waiting.serial == 0) waiting_.erase(key);
      return;
  }
}

std::string KeyOf(std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(ns.size() + 1 + name.size());
  if (!ns.empty()) key.append(ns).push_back('/');
  return key.append(name);
}

std::pair<std::string_view, std::string_view> SplitKey(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {"", key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

}  // namespace opsmesh::kubesim
