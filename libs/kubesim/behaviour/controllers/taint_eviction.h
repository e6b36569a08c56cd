// Pods leave nodes whose taints they do not tolerate.
#pragma once

#include <map>
#include <string>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// Evicts the pods that do not tolerate a NoExecute taint, now or when their patience ends.
class TaintEvictionController final : public Part {
 public:
  TaintEvictionController(Engine& engine, Pods& pods);
  std::any Save() const override { return since_; }
  void Restore(const std::any& saved) override { since_ = std::any_cast<Waiting>(saved); }

 private:
  using Waiting = std::map<std::string, absl::Time>;
  Next SyncPod(const std::string& key);
  /// When the pod must go: at once, later (tolerationSeconds), or never.
  absl::Time DueAt(const ObjectPtr& pod, const ObjectPtr& node);
  void Evict(const Object& pod);
  /// A pod that was to go later may stay.
  void Cancel(const Object& pod);

  Engine& engine_;
  Pods& pods_;
  Informer& nodes_;
  WorkQueue& queue_;
  Waiting since_;  // pods (by uid) that tolerate a taint for a while, since when
};

}  // namespace opsmesh::kubesim
