// Remembers the forests that were learnt last: a plan that is made anew each step learns once in
// six hours.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>

#include "libs/analytics/replicas/replay.h"

namespace opsmesh::predict {

/// Thread-safe. What it answers does not depend on what it remembers, only how fast.
class ForestCache {
 public:
  explicit ForestCache(size_t capacity = 16) : capacity_(capacity) {}

  /// LoadForest::Fit of that set.
  std::shared_ptr<const analytics::LoadForest> Get(const analytics::LoadHistory& training,
                                                   size_t lead);
  /// Get, as the planner takes it; the cache must outlive it.
  analytics::ForestSource Source();

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const analytics::LoadForest>> forests_;  // latest used first
};

}  // namespace opsmesh::predict
