// What makes a simulated cluster live: one loop that runs controllers, scheduler and kubelets over
// the store.
//
//   SimulationClock clock(base::SystemClock());  // also the store's
//   Engine engine(Cluster{store, logs, clock, true, true}, clock);
//   AddControllers(engine);          // controllers.h; nodes.h adds scheduler and kubelets
//   engine.StartVirtual();
//   engine.RunFor(absl::Hours(1));   // an hour in milliseconds;
//   engine.StartRealTime();          // or a thread that follows the clock
//
// A discrete-event simulation: timers and changes of the store are handled one after another, by
// time, then by the order in which they came. All behaviour runs on one thread at a time (the
// caller of RunFor(), or the engine's own), so it needs no locks. Requests at the door write
// concurrently; the engine sees their changes before its next step. In virtual time the clock
// stands still between runs and the same inputs give the same bytes.
//
// The rule for parts: keep nothing that cannot be built again from the store (informers do it)
// beside small state whose loss only costs time. A fork is a copy of the store and a new engine.
#pragma once

#include <any>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/behaviour/client.h"
#include "libs/kubesim/behaviour/clock.h"
#include "libs/kubesim/behaviour/events.h"
#include "libs/kubesim/behaviour/informer.h"
#include "libs/kubesim/behaviour/work_queue.h"

namespace opsmesh::kubesim {

/// A controller, the scheduler, all kubelets: something that registers informers, handlers and
/// queues when it is made (its constructor takes the Engine) and may begin timers in Start().
class Part {
 public:
  virtual ~Part() = default;
  /// Once, on the engine's thread, when informers hold the first list and before any handler ran.
  virtual void Start() {}
  /// What it remembers and cannot build again from the objects, for the same part of a fork;
  /// Restore() gets it before Start(). Nothing = it begins anew.
  virtual std::any Save() const { return {}; }
  virtual void Restore(const std::any&) {}
};

/// What an engine knows beside the objects at one moment. A fork's engine goes on from there
/// instead of looking at everything again.
struct EngineState {
  uint64_t version = 0;  // changes of the store up to this one have been seen
  std::map<std::string, std::vector<WorkQueue::Entry>> queues;
  std::vector<std::any> parts;
};

class Engine {
 public:
  using Task = std::function<void()>;

  /// `cluster.clock` must be `clock`. References outlive the engine.
  Engine(const Cluster& cluster, SimulationClock& clock);
  ~Engine();  // stops
  Engine(const Engine&) = delete;

  /// Before the start. Parts start, and their handlers run, in the order of their making.
  template <typename T, typename... Args>
  T& Add(Args&&... args) {
    auto part = std::make_unique<T>(*this, std::forward<Args>(args)...);
    T& reference = *part;
    parts_.push_back(std::move(part));
    return reference;
  }

  // --- Running; any thread ---

  /// Virtual time: freezes the clock at its present time. Nothing runs before RunFor().
  void StartVirtual();
  /// Handles everything that is due within `duration` of simulated time; the clock stands
  /// `duration` later afterwards.
  void RunFor(absl::Duration duration);

  /// Real time: a thread of the engine's own follows the clock.
  void StartRealTime();
  /// Ends that thread; the objects stay. Called by the destructor.
  void Stop();

  /// Runs `task` between two steps, when every change made so far has been seen and nothing else
  /// runs here (requests at the door go on). Blocks, throws as it; not from the engine's thread.
  void Between(const std::function<void()>& task);
  /// Within Between() only; nothing before the start.
  std::optional<EngineState> Save();
  /// Before the start, over a copy of that engine's store with the same parts.
  void Resume(EngineState state) { resumed_ = std::move(state); }

  bool started() const { return started_; }
  bool virtual_time() const { return clock_.frozen(); }
  /// Runs `task` on the engine's thread at its next step. Any thread, after the start.
  void Post(Task task);
  /// Steps done since the start: a measure for tests.
  uint64_t steps() const { return steps_; }

  // --- For parts; engine thread only ---

  absl::Time Now() const { return clock_.Now(); }
  const Cluster& cluster() const { return cluster_; }
  Store& store() const { return cluster_.store; }
  LogStore& logs() const { return cluster_.logs; }
  base::IdSource& ids() const { return cluster_.store.ids(); }
  Client& client() { return client_; }
  EventRecorder& events() { return *events_; }

  /// The type under which objects of a built-in resource are kept: Type("apps", "deployments").
  const ResourceType& Type(std::string_view group, std::string_view plural) const;
  /// One a resource; to be asked for before the start.
  Informer& InformerOf(std::string_view group, std::string_view plural);
  /// Every change of every kind (custom ones too), before informers see it. Before the start.
  void OnAnyChange(std::function<void(const Change&)> handler) {
    any_handlers_.push_back(std::move(handler));
  }
  /// To be made before the start; lives as long as the engine.
  WorkQueue& AddQueue(std::string name, WorkQueue::Reconcile reconcile);

  /// While the start takes over what another engine knew: queues take nothing then.
  bool resuming() const { return resuming_; }
  /// All objects of a type as they were when the engine's look at them begins: now, or when it was
  /// forked. For Part::Start().
  Snapshot AtStart(const ResourceType& type) const;

  /// Runs `task` at a time (at once when it is past).
  TimerId At(absl::Time when, Task task);
  TimerId After(absl::Duration delay, Task task) { return At(Now() + delay, std::move(task)); }
  void Cancel(const TimerId& timer);

  /// The object's JSON; that of many current objects (hundreds to thousands, by the cluster's size)
  /// is remembered.
  std::shared_ptr<const Json> Parsed(const ObjectPtr& object);
  /// What Parse() of an object that was just written would give.
  void Remember(const ObjectPtr& object, Json parsed);
  /// A version that was replaced needs not be remembered.
  void Forget(const ObjectPtr& object);

 private:
  using TimerKey = std::pair<absl::Time, uint64_t>;

  void StartParts();
  bool WatchFromFork();
  void RestoreQueues();
  void TakeChanges();
  void Take(const Change& change);
  bool StepUntil(absl::Time limit);
  void Loop();

  const Cluster cluster_;
  SimulationClock& clock_;
  Client client_;
  std::map<std::string, std::unique_ptr<Informer>, std::less<>> informers_;  // by storage key
  std::vector<std::function<void(const Change&)>> any_handlers_;
  std::unique_ptr<EventRecorder> events_;
  std::vector<std::unique_ptr<WorkQueue>> queues_;
  std::vector<std::unique_ptr<Part>> parts_;

  std::mutex run_mutex_;  // one runner at a time
  std::map<TimerKey, Task> timers_;
  uint64_t next_serial_ = 1;
  struct Memo {
    ObjectPtr object;
    std::shared_ptr<const Json> json;
  };
  Memo& MemoOf(const ObjectPtr& object);
  void FitMemo();
  std::vector<Memo> memo_;
  bool started_ = false;
  std::optional<EngineState> resumed_;
  bool resuming_ = false;
  uint64_t seen_version_ = 0;
  uint64_t steps_ = 0;

  std::mutex inbox_mutex_;  // below the store's lock
  std::condition_variable wake_;
  std::deque<Change> inbox_;
  std::deque<Task> posted_;
  bool stopping_ = false;
  std::unique_ptr<Store::Watch> watch_;
  std::thread thread_;
};

}  // namespace opsmesh::kubesim
