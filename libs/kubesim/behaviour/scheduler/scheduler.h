// kube-scheduler: takes pods without a node, by priority, and binds them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/behaviour/scheduler/preemption.h"

namespace opsmesh::kubesim {

/// Engine thread only. What it keeps beside the view (attempts, back-off) costs only time when it
/// is lost.
class Scheduler final : public Part {
 public:
  explicit Scheduler(Engine& engine);
  void Start() override;

 private:
  struct Waiting {  // a pod without a node
    scheduling::PodInfoPtr pod;
    absl::Time queued;  // since when it is ready to be tried
    absl::Time last_try = absl::InfinitePast();
    int attempts = 0;
    bool active = false;
    bool gated = false;
    bool for_volumes = false;       // chosen, its claims are being bound
    std::string chosen;             // the node it was chosen for then
    std::set<std::string> plugins;  // that refused it
  };
  struct Rank {  // the queue's order
    int64_t priority;
    absl::Time queued;
    std::string uid;
    bool operator<(const Rank& other) const;
  };
  struct Series {
    std::string name;
    int count = 1;
    absl::Time last;
  };

  void OnPod(const Seen& seen);
  void OnNode(const Seen& seen);
  void OnVolumeKind(const Seen& seen);
  void WatchSelectors(const char* group, const char* plural);
  static Rank RankOf(const Waiting& waiting) {
    return {waiting.pod->priority, waiting.queued, waiting.pod->uid};
  }
  void Activate(Waiting& waiting);
  void Deactivate(Waiting& waiting);
  void Forget(const std::string& uid);
  /// Tries pods again that one of `plugins` refused, after their back-off.
  void Wake(const std::vector<std::string>& plugins);
  void FlushOld();

  void Kick();
  void Step();
  void Try(const std::string& uid);
  const scheduling::NodeInfo* Choose(const scheduling::PreFilter& prefilter,
                                     const scheduling::PodInfo& pod,
                                     std::vector<scheduling::NodeVerdict>* refused);
  scheduling::Verdict Check(const scheduling::PreFilter& prefilter, const scheduling::PodInfo& pod,
                            const scheduling::NodeInfo& node) const;
  bool BindVolumes(Waiting& waiting, const scheduling::NodeInfo& node);
  void Reserve(const std::string& volume, const std::string& claim_key);
  void Bind(Waiting& waiting, const std::string& node);
  void Refuse(Waiting& waiting, const scheduling::PreFilter& prefilter,
              const std::vector<scheduling::NodeVerdict>& refused);
  std::string Preempt(Waiting& waiting, const scheduling::PreFilter& prefilter,
                      const std::vector<scheduling::NodeVerdict>& refused);
  void Evict(const scheduling::PodInfo& victim, const scheduling::PodInfo& preemptor,
             const std::string& node);
  std::vector<scheduling::Budget> Budgets() const;
  void Condition(const scheduling::PodInfo& pod, const std::string& reason,
                 const std::string& message, const std::string& nominated);
  void Tell(const scheduling::PodInfo& about, std::string_view type, std::string_view reason,
            std::string_view action, std::string_view note,
            const scheduling::PodInfo* related = nullptr);

  Engine& engine_;
  const ResourceType& pod_type_;
  const ResourceType& event_type_;
  Informer& pods_;
  Informer& budgets_;
  scheduling::ClusterView view_;
  std::unordered_map<std::string, Waiting> waiting_;  // by uid
  std::set<Rank> active_;
  std::map<std::string, Series> series_;
  size_t next_node_ = 0;  // where the search for feasible nodes goes on
  bool kicked_ = false;
  uint64_t serial_ = 0;
};

}  // namespace opsmesh::kubesim
