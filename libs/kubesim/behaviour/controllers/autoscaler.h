// The HorizontalPodAutoscaler controller.
#pragma once

#include <map>

#include "libs/kubesim/behaviour/controllers/autoscaler_math.h"
#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class AutoscalerController final : public Part {
 public:
  AutoscalerController(Engine& engine, Pods& pods);
  std::any Save() const override { return memory_; }
  void Restore(const std::any& saved) override { memory_ = std::any_cast<Memory>(saved); }

 private:
  using Memory = std::map<std::string, ScalingMemory>;  // by uid
  struct Sync;
  Next Run(const std::string& key);
  void Round(Sync& sync);
  bool FindTarget(Sync& sync);
  bool Compute(Sync& sync);
  void Rescale(Sync& sync, int64_t replicas, const std::string& reason);
  void Set(Sync& sync, const char* type, bool good, std::string_view reason,
           const std::string& message);
  void Say(const Sync& sync, std::string_view type, std::string_view reason,
           const std::string& message);

  Engine& engine_;
  Pods& pods_;
  Informer& autoscalers_;
  WorkQueue& queue_;
  Memory memory_;
};

}  // namespace opsmesh::kubesim
