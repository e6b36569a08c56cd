// The Deployment controller: rollouts over ReplicaSets, their history, progress and scaling.
#pragma once

#include <optional>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class DeploymentController final : public Part {
 public:
  DeploymentController(Engine& engine, Pods& pods);

 private:
  struct Set;   // a ReplicaSet in the course of one synchronisation
  struct Sync;  // a Deployment and its sets

  Next Run(const std::string& key);
  void LoadSets(Sync& sync);
  void Release(const Sync& sync, const Object& set);
  bool CheckPaused(Sync& sync);
  bool IsScalingEvent(const Sync& sync) const;
  /// False when a conflict or refusal asks for another try.
  bool SyncNewest(Sync& sync, bool create);
  bool CreateNewest(Sync& sync, int64_t revision);
  Json NewestSet(const Sync& sync, int64_t revision) const;
  /// What CreateNewest comes to when the set was refused: true when there is nothing to try again.
  bool NotCreated(Sync& sync, const std::string& name, const ApiStatus& status);
  bool Scale(Sync& sync, Set& set, int64_t replicas);
  void ScaleAll(Sync& sync);
  void ScaleProportionally(Sync& sync);
  bool ScaleUpNewest(Sync& sync);
  bool ScaleDownOld(Sync& sync);
  std::optional<int64_t> CleanUpUnhealthy(Sync& sync, int64_t most);
  Next RollOut(Sync& sync);
  Next Recreate(Sync& sync);
  void CleanUpHistory(Sync& sync);
  Next WriteStatus(Sync& sync, bool with_progress);
  void Say(const Sync& sync, std::string_view type, std::string_view reason,
           std::string_view message);
  bool Edit(Sync& sync, const Client::Edit& edit);

  Engine& engine_;
  Pods& pods_;
  Informer& deployments_;
  Informer& sets_;
  const ObjectIndex& sets_by_controller_;
  const ObjectIndex& orphan_sets_;
  SelectorTable selectors_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
