// Nodes that fall silent: their conditions become Unknown, taints appear, pods are marked.
#pragma once

#include <map>
#include <set>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class NodeLifecycleController final : public Part {
 public:
  NodeLifecycleController(Engine& engine, Pods& pods);
  void Start() override;
  std::any Save() const override { return beats_; }
  void Restore(const std::any& saved) override { beats_ = std::any_cast<Beats>(saved); }

 private:
  struct Beat {
    ObjectPtr node, lease;  // that were looked at
    std::string value;      // the lease's or the status' last time
    absl::Time seen;        // when that was noticed: a controller trusts its own clock only
    std::string ready;      // status of the condition
  };
  using Beats = std::map<std::string, Beat>;  // by node
  struct Zone;
  void Monitor();
  /// Nodes that do not answer get their NoExecute taints one after the other, by zone: slower when
  /// many of a zone are down, not at all when everything is (the fault is then more likely here).
  void PlanEvictions();
  void Check(const ObjectPtr& node);
  void MarkUnknown(const ObjectPtr& node);
  void MarkPods(const std::string& node);
  void SyncTaints(const ObjectPtr& node, const Json& content);
  void SyncLabels(const ObjectPtr& node);

  Engine& engine_;
  Pods& pods_;
  Informer& nodes_;
  Informer& leases_;
  Beats beats_;
  std::set<std::string> registered_;
  std::set<std::string> evicting_;                   // nodes with a NoExecute taint, or due one
  std::map<std::string, absl::Time> last_eviction_;  // by zone
  bool all_down_ = false;
};

}  // namespace opsmesh::kubesim
