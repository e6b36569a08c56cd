#include "services/predict/forest_cache.h"

#include <algorithm>

namespace opsmesh::predict {

std::shared_ptr<const analytics::LoadForest> ForestCache::Get(
    const analytics::LoadHistory& training, size_t lead) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(forests_.begin(), forests_.end(), [&](const auto& forest) {
      return forest->IsOf(training, lead);
    });
    if (found != forests_.end()) {
      forests_.splice(forests_.begin(), forests_, found);
      return forests_.front();
    }
  }
  // Two callers may learn the same at once; the lock is not held for that long.
  auto forest =
      std::make_shared<const analytics::LoadForest>(analytics::LoadForest::Fit(training, lead));
  const std::lock_guard lock(mutex_);
  forests_.push_front(forest);
  if (forests_.size() > capacity_) forests_.pop_back();
  return forest;
}

analytics::ForestSource ForestCache::Source() {
  return
      [this](const analytics::LoadHistory& training, size_t lead) { return Get(training, lead); };
}

}  // namespace opsmesh::predict
