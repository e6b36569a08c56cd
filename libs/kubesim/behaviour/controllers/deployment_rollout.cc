// How a Deployment gets from its old ReplicaSets to the new one: step by step, or all at once.
#include <algorithm>
#include <cmath>

#include "libs/kubesim/behaviour/controllers/deployment_status.h"
#include "libs/kubesim/behaviour/controllers/deployment_sync.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using deployment::Annotations, deployment::NumberOf, deployment::kDesired, deployment::kMax;

}  // namespace

void DeploymentController::ScaleAll(Sync& sync) {
  std::vector<Set*> active;
  for (Set& set : sync.sets) {
    if (set.wanted > 0) active.push_back(&set);
  }
  if (active.size() <= 1) {
    Set* only = !active.empty()         ? active[0]
                : sync.New() != nullptr ? sync.New()
                : sync.sets.empty()     ? nullptr
                                        : &sync.sets.back();
    if (only != nullptr) Scale(sync, *only, sync.replicas);
    return;
  }
  const Set* newest = sync.New();
  if (newest != nullptr && newest->wanted == sync.replicas &&
      newest->available() == sync.replicas &&
      NumberOf(Annotations(newest->json), kDesired, -1) == sync.replicas) {
    for (int i : sync.Old()) {
      if (sync.sets[static_cast<size_t>(i)].wanted > 0)
        Scale(sync, sync.sets[static_cast<size_t>(i)], 0);
    }
    return;
  }
  if (sync.rolling) ScaleProportionally(sync);
}

// A scaling in the middle of a rollout is shared among the sets by their sizes.
void DeploymentController::ScaleProportionally(Sync& sync) {
  std::vector<Set*> active;
  int64_t total = 0;
  for (Set& set : sync.sets) {
    if (set.wanted == 0) continue;
    active.push_back(&set);
    total += set.wanted;
  }
  const int64_t allowed = sync.replicas > 0 ? sync.replicas + sync.surge : 0;
  const int64_t to_add = allowed - total;
  // Biggest first; among equals the newer when growing, the older when shrinking.
  if (to_add > 0) std::reverse(active.begin(), active.end());
  std::stable_sort(active.begin(), active.end(),
                   [](const Set* x, const Set* y) { return x->wanted > y->wanted; });
  std::vector<int64_t> sizes;
  int64_t added = 0;
  for (const Set* set : active) {
    int64_t share = 0;
    if (to_add != 0 && to_add != added) {
      const double most = static_cast<double>(sync.replicas + sync.surge);
      const double annotated = static_cast<double>(std::max<int64_t>(
          1, NumberOf(Annotations(set->json), kMax, IntAt(sync.json, {"status", "replicas"}, 1))));
      const int64_t fraction = sync.replicas == 0
                                   ? -set->wanted
                                   : static_cast<int64_t>(std::llround(
                                         static_cast<double>(set->wanted) * most / annotated)) -
                                         set->wanted;
      share = to_add > 0 ? std::min(fraction, to_add - added) : std::max(fraction, to_add - added);
    }
    sizes.push_back(set->wanted + share);
    added += share;
  }
  for (size_t i = 0; i < active.size(); ++i) {
    if (i == 0 && to_add != 0) sizes[0] = std::max<int64_t>(0, sizes[0] + to_add - added);
    Scale(sync, *active[i], sizes[i]);
  }
}

bool DeploymentController::ScaleUpNewest(Sync& sync) {
  Set& set = *sync.New();
  if (set.wanted == sync.replicas) return false;
  if (set.wanted > sync.replicas) return Scale(sync, set, sync.replicas);
  int64_t size = sync.replicas;
  if (sync.rolling) {
    const int64_t room = sync.replicas + sync.surge - sync.TotalWanted();
    size = room <= 0 ? set.wanted : set.wanted + std::min(room, sync.replicas - set.wanted);
  }
  return Scale(sync, set, size);
}

// Nothing when a set counts more available pods than it should have: it was shrunk a moment ago and
// its counts are of before, so nobody knows what else may go.
std::optional<int64_t> DeploymentController::CleanUpUnhealthy(Sync& sync, int64_t most) {
  int64_t removed = 0;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (removed >= most) break;
    if (set.wanted == 0 || set.wanted == set.available()) continue;
    const int64_t count = std::min(most - removed, set.wanted - set.available());
    if (count < 0) return std::nullopt;
    Scale(sync, set, set.wanted - count);
    removed += count;
  }
  return removed;
}

bool DeploymentController::ScaleDownOld(Sync& sync) {
  int64_t old_pods = 0, available = 0;
  for (int i : sync.Old()) old_pods += sync.sets[static_cast<size_t>(i)].wanted;
  if (old_pods == 0) return false;
  const Set& newest = *sync.New();
  const int64_t least = sync.replicas - sync.unavailable;
  const int64_t most = sync.TotalWanted() - least - (newest.wanted - newest.available());
  if (most <= 0) return false;
  const std::optional<int64_t> removed = CleanUpUnhealthy(sync, most);
  if (!removed) return false;
  for (const Set& set : sync.sets) available += set.available();
  const int64_t surplus = available - least;
  int64_t taken = 0;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (taken >= surplus) break;
    const int64_t count = std::min(set.wanted, surplus - taken);
    if (count <= 0) continue;
    Scale(sync, set, set.wanted - count);
    taken += count;
  }
  return *removed + taken > 0;
}

Next DeploymentController::RollOut(Sync& sync) {
  if (!SyncNewest(sync, true)) return Next::Retry();
  if (sync.New() == nullptr) return Next::Done();
  if (ScaleUpNewest(sync) || ScaleDownOld(sync)) return WriteStatus(sync, true);
  if (IsComplete(sync.json, At(sync.json, "status"))) CleanUpHistory(sync);
  return WriteStatus(sync, true);
}

Next DeploymentController::Recreate(Sync& sync) {
  if (!SyncNewest(sync, false)) return Next::Retry();
  bool scaled = false, running = false;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (set.wanted > 0) scaled |= Scale(sync, set, 0);
    running |= set.actual() > 0;
    for (const PodView* pod : pods_.ControlledBy(set.object->uid)) running |= !pod->finished();
  }
  if (scaled || running) return WriteStatus(sync, true);
  if (sync.New() == nullptr && !SyncNewest(sync, true)) return Next::Retry();
  if (sync.New() == nullptr) return Next::Done();
  ScaleUpNewest(sync);
  if (IsComplete(sync.json, At(sync.json, "status"))) CleanUpHistory(sync);
  return WriteStatus(sync, true);
}

}  // namespace opsmesh::kubesim
