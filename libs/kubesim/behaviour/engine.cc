#include "libs/kubesim/behaviour/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <future>

#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Parsed objects that are remembered: a power of two, about half of all objects. A pod's value
// takes some 30 KiB; what is being worked on at one time is far less than all there is.
constexpr size_t kLeastMemo = 512, kMostMemo = 4096;
constexpr uint64_t kFitEvery = 1024;  // steps
// A real-time engine looks up at least this often, so that a clock that jumps is noticed.
constexpr absl::Duration kLongestWait = absl::Seconds(1);

// The JSON library throws when a member has a type that nobody expected; one odd object must not
// end the cluster.
template <typename F>
void Guarded(const F& step) {
  try {
    step();
  } catch (const std::exception&) {
  }
}

}  // namespace

Engine::Engine(const Cluster& cluster, SimulationClock& clock)
    : cluster_(cluster),
      clock_(clock),
      client_(cluster, *this),
      events_(std::make_unique<EventRecorder>(*this)),
      memo_(kLeastMemo) {}

Engine::~Engine() {
  Stop();
  watch_.reset();  // nothing arrives in the inbox after this
}

const ResourceType& Engine::Type(std::string_view group, std::string_view plural) const {
  const ResourceType* type = store().catalog().Preferred(group, plural);
  return type != nullptr ? *type : MustFind(store(), group, "?", plural);
}

Informer& Engine::InformerOf(std::string_view group, std::string_view plural) {
  const ResourceType& type = Type(group, plural);
  std::unique_ptr<Informer>& informer = informers_[type.storage_key];
  if (!informer) informer = std::make_unique<Informer>(type);
  return *informer;
}

WorkQueue& Engine::AddQueue(std::string name, WorkQueue::Reconcile reconcile) {
  queues_.push_back(std::make_unique<WorkQueue>(*this, std::move(name), std::move(reconcile)));
  return *queues_.back();
}

TimerId Engine::At(absl::Time when, Task task) {
  const TimerId id{std::max(when, Now()), next_serial_++};
  timers_.emplace(TimerKey(id.due, id.serial), std::move(task));
  return id;
}

void Engine::Cancel(const TimerId& timer) { timers_.erase(TimerKey(timer.due, timer.serial)); }

void Engine::Post(Task task) {
  std::lock_guard lock(inbox_mutex_);
  posted_.push_back(std::move(task));
  wake_.notify_one();
}

Engine::Memo& Engine::MemoOf(const ObjectPtr& object) {
  return memo_[(reinterpret_cast<uintptr_t>(object.get()) >> 4) * 0x9E3779B97F4A7C15u >> 32 &
               (memo_.size() - 1)];
}

void Engine::FitMemo() {
  size_t objects = 0;
  for (const auto& [key, informer] : informers_) objects += informer->size();
  size_t wanted = kLeastMemo;
  while (wanted < kMostMemo && wanted < objects / 2) wanted *= 2;
  if (wanted > memo_.size()) memo_ = std::vector<Memo>(wanted);
}

std::shared_ptr<const Json> Engine::Parsed(const ObjectPtr& object) {
  Memo& memo = MemoOf(object);
  if (memo.object != object) memo = {object, std::make_shared<const Json>(object->Parse())};
  return memo.json;
}

void Informer::Take(const ObjectPtr& now, const ObjectPtr& gone, Engine& engine) {
  static const auto* null = new Json();
  const ObjectPtr& any = now ? now : gone;
  ObjectPtr before;
  auto known = objects_.find(any);
  if (known != objects_.end()) before = *known;
  if (!now && !before) return;
  const auto before_json = before ? engine.Parsed(before) : nullptr;
  const auto now_json = now ? engine.Parsed(now) : nullptr;
  if (before) {
    by_uid_.erase(before->uid);
    objects_.erase(known);
  }
  if (now) {
    objects_.insert(now);
    by_uid_[now->uid] = now;
  }
  for (const auto& index : indexes_)
    index->Replace(before ? &before : nullptr, now ? &now : nullptr, now_json.get());
  const Seen seen{before, now, before_json ? *before_json : *null, now_json ? *now_json : *null};
  for (const auto& handler : handlers_) Guarded([&] { handler(seen); });
  if (before) engine.Forget(before);  // nobody asks for what is past
}

void Engine::Remember(const ObjectPtr& object, Json parsed) {
  MemoOf(object) = {object, std::make_shared<const Json>(std::move(parsed))};
}

void Engine::Forget(const ObjectPtr& object) {
  Memo& memo = MemoOf(object);
  if (memo.object == object) memo = {};
}

void Engine::Take(const Change& change) {
  seen_version_ = std::max(seen_version_, change.object->resource_version);
  for (const auto& handler : any_handlers_) Guarded([&] { handler(change); });
  auto it = informers_.find(change.resource->storage_key);
  if (it == informers_.end() || change.object->resource_version <= it->second->synced_) return;
  if (change.type == ChangeType::kDeleted) {
    it->second->Take(nullptr, change.object, *this);
  } else {
    it->second->Take(change.object, nullptr, *this);
  }
}

void Engine::TakeChanges() {
  while (true) {
    std::deque<Change> changes;
    std::deque<Task> posted;
    {
      std::lock_guard lock(inbox_mutex_);
      if (inbox_.empty() && posted_.empty()) return;
      changes.swap(inbox_);
      posted.swap(posted_);
    }
    for (const Change& change : changes) Take(change);
    for (Task& task : posted) Guarded(task);
  }
}

Snapshot Engine::AtStart(const ResourceType& type) const {
  if (resuming_) {
    if (auto past = store().ListAt(type, {}, resumed_->version)) return *std::move(past);
  }
  return store().List(type);
}

// True when all that happened since the fork can still be told; it is in the inbox then.
bool Engine::WatchFromFork() {
  if (!resumed_ || resumed_->version == 0 || resumed_->parts.size() != parts_.size()) return false;
  watch_ = store().StartWatch("", resumed_->version, [this](const Change& change) {
    std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(change);
    wake_.notify_one();
  });
  return watch_ != nullptr;
}

void Engine::RestoreQueues() {
  resuming_ = false;
  for (const auto& queue : queues_) {
    auto known = resumed_->queues.find(queue->name());
    if (known != resumed_->queues.end()) queue->Restore(known->second);
  }
  resumed_.reset();
}

void Engine::StartParts() {
  if (started_) return;
  started_ = true;
  resuming_ = WatchFromFork();
  seen_version_ = resuming_ ? resumed_->version : store().resource_version();
  if (!resuming_) {
    watch_ = store().StartWatch("", 0, [this](const Change& change) {
      std::lock_guard lock(inbox_mutex_);
      inbox_.push_back(change);
      wake_.notify_one();
    });
  }
  // Informers are full before any handler runs, so that handlers of one kind may look at another.
  std::vector<std::pair<Informer*, Snapshot>> lists;
  for (auto& [key, informer] : informers_) {
    Snapshot snapshot = AtStart(informer->type());
    informer->synced_ = snapshot.resource_version;
    lists.emplace_back(informer.get(), std::move(snapshot));
  }
  for (auto& [informer, snapshot] : lists) {
    std::vector<std::function<void(const Seen&)>> none;
    none.swap(informer->handlers_);
    for (const ObjectPtr& object : snapshot.objects) informer->Take(object, nullptr, *this);
    none.swap(informer->handlers_);
  }
  FitMemo();
  events_->Start();
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (resuming_ && resumed_->parts[i].has_value()) parts_[i]->Restore(resumed_->parts[i]);
    parts_[i]->Start();
  }
  for (auto& [informer, snapshot] : lists) {
    if (informer->handlers_.empty()) continue;
    for (const ObjectPtr& object : snapshot.objects) {
      const auto json = Parsed(object);
      const Seen seen{nullptr, object, Json(), *json};
      for (const auto& handler : informer->handlers_) Guarded([&] { handler(seen); });
    }
  }
  if (resuming_) RestoreQueues();
}

std::optional<EngineState> Engine::Save() {
  if (!started_) return std::nullopt;
  EngineState state;
  state.version = seen_version_;
  for (const auto& queue : queues_) state.queues[queue->name()] = queue->Save();
  for (const auto& part : parts_) state.parts.push_back(part->Save());
  return state;
}

void Engine::Between(const std::function<void()>& task) {
  if (thread_.joinable()) {
    std::promise<void> done;
    Post([&] {
      try {
        TakeChanges();
        task();
        done.set_value();
      } catch (...) {  // it is the caller's, who would wait for ever
        done.set_exception(std::current_exception());
      }
    });
    return done.get_future().get();
  }
  std::lock_guard lock(run_mutex_);
  TakeChanges();
  task();
}

bool Engine::StepUntil(absl::Time limit) {
  TakeChanges();
  if (timers_.empty() || timers_.begin()->first.first > limit) return false;
  auto node = timers_.extract(timers_.begin());
  if (clock_.frozen()) clock_.AdvanceTo(node.key().first);
  if (++steps_ % kFitEvery == 0) FitMemo();
  Guarded(node.mapped());
  return true;
}

void Engine::StartVirtual() {
  std::lock_guard lock(run_mutex_);
  if (!clock_.frozen()) clock_.Freeze(clock_.Now());
  StartParts();
}

void Engine::RunFor(absl::Duration duration) {
  std::lock_guard lock(run_mutex_);
  const absl::Time end = Now() + duration;
  while (StepUntil(end)) {
  }
  clock_.AdvanceTo(end);
}

void Engine::StartRealTime() {
  if (thread_.joinable()) return;
  clock_.Follow();
  {
    std::lock_guard lock(inbox_mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Loop(); });
}

void Engine::Loop() {
  std::lock_guard run(run_mutex_);
  StartParts();
  while (true) {
    while (StepUntil(Now())) {
      std::lock_guard lock(inbox_mutex_);
      if (stopping_) return;
    }
    absl::Duration wait = timers_.empty()
                              ? kLongestWait
                              : std::min(kLongestWait, timers_.begin()->first.first - Now());
    std::unique_lock lock(inbox_mutex_);
    wake_.wait_for(lock, absl::ToChronoNanoseconds(std::max(wait, absl::ZeroDuration())),
                   [this] { return stopping_ || !inbox_.empty() || !posted_.empty(); });
    if (stopping_) return;
  }
}

void Engine::Stop() {
  {
    std::lock_guard lock(inbox_mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace opsmesh::kubesim
