// The ReplicaSet controller: as many pods as wanted, the least valuable removed first.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class ReplicaSetController final : public Part {
 public:
  /// `replication_controllers`: acts for ReplicationControllers, which only the selector tells from
  /// ReplicaSets.
  ReplicaSetController(Engine& engine, Pods& pods, bool replication_controllers = false);

 private:
  Next Sync(const std::string& key);
  /// True when nothing failed; `failure` is the sentence of the first refusal.
  bool AddPods(const ObjectPtr& set, const Json& content, int64_t count, std::string* failure);
  bool RemovePods(const ObjectPtr& set, const Json& content, std::vector<const PodView*> active,
                  int64_t count, std::string* failure);
  Next WriteStatus(const ObjectPtr& set, const Json& content,
                   const std::vector<const PodView*>& active, int64_t difference,
                   const std::string& failure);

  Engine& engine_;
  Pods& pods_;
  const EventSource source_;
  Informer& sets_;
  const ObjectIndex& sets_by_controller_;
  SelectorTable selectors_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
