// The DaemonSet controller: a pod on every node that takes it.
#pragma once

#include <map>

#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/controllers/history.h"

namespace opsmesh::kubesim {

class DaemonSetController final : public Part {
 public:
  DaemonSetController(Engine& engine, Pods& pods);

 private:
  struct Sync;
  Next Run(const std::string& key);
  void Place(Sync& sync);
  void Roll(Sync& sync);
  void MakePod(Sync& sync, const std::string& node);
  void DeletePod(Sync& sync, const PodView& pod);
  bool WriteStatus(Sync& sync);

  Engine& engine_;
  Pods& pods_;
  Informer& sets_;
  Informer& nodes_;
  RevisionHistory history_;
  SelectorTable selectors_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
