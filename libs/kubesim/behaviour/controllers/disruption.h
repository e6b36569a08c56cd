// The status of PodDisruptionBudgets: how many pods may be evicted now.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class DisruptionController final : public Part {
 public:
  DisruptionController(Engine& engine, Pods& pods);

 private:
  Next Sync(const std::string& key);
  /// How many pods the controllers of these pods want; nothing with `failure` when one cannot be
  /// asked.
  std::optional<int64_t> WantedBy(const std::vector<const PodView*>& pods, bool* unmanaged,
                                  std::string* failure);
  Next FailSafe(const ObjectPtr& budget, const std::string& failure);

  Engine& engine_;
  Pods& pods_;
  Informer& budgets_;
  SelectorTable selectors_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
