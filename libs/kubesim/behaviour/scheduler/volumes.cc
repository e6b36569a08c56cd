// Volumes: claims that must be bound, volumes that are elsewhere, ReadWriteOncePod.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/scheduler/filters.h"

namespace opsmesh::kubesim::scheduling {
namespace {

bool Listed(const std::vector<std::string>& list, const char* wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool AnyTerm(const std::vector<NodeTerm>& terms, const NodeInfo& node) {
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeTerm& term) { return term.Matches(node.labels, node.name); });
}

// Zone labels of old volumes; several zones are joined by "__".
bool ZoneFits(const VolumeInfo& volume, const NodeInfo& node) {
  for (const auto& [key, value] : volume.labels) {
    if (key != "topology.kubernetes.io/zone" && key != "topology.kubernetes.io/region" &&
        key != "failure-domain.beta.kubernetes.io/zone" &&
        key != "failure-domain.beta.kubernetes.io/region") {
      continue;
    }
    const std::string* label = node.Label(key);
    if (label == nullptr) continue;
    bool found = false;
    for (size_t from = 0; from <= value.size();) {
      const size_t end = std::min(value.find("__", from), value.size());
      found = found || value.substr(from, end - from) == *label;
      from = end + 2;
    }
    if (!found) return false;
  }
  return true;
}

// Whether a free volume of the claim's class is what it asks for.
bool Satisfies(const VolumeInfo& volume, const ClaimInfo& claim) {
  return volume.block == claim.block && volume.capacity >= claim.request &&
         (!claim.has_selector || claim.selector.Matches(volume.labels)) &&
         std::all_of(
             claim.access_modes.begin(), claim.access_modes.end(),
             [&](const std::string& mode) { return Listed(volume.access_modes, mode.c_str()); });
}

bool Reachable(const VolumeInfo& volume, const NodeInfo& node) {
  return !volume.has_affinity || AnyTerm(volume.affinity, node);
}

// The volume that is kept for the claim, or the smallest free one that the node reaches.
const std::string* FindVolume(const StorageView& storage, const std::string& claim_key,
                              const ClaimInfo& claim, const NodeInfo& node,
                              const std::map<std::string, std::string>& taken) {
  if (const auto& kept = storage.VolumesFor(claim_key); !kept.empty())
    return Reachable(*storage.Volume(*kept.begin()), node) ? &*kept.begin() : nullptr;
  const std::string* best = nullptr;
  int64_t size = 0;
  for (const std::string& name : storage.FreeVolumes(claim.class_name)) {
    const VolumeInfo& volume = *storage.Volume(name);
    if (taken.contains(name) || !Satisfies(volume, claim) || !Reachable(volume, node)) continue;
    if (best == nullptr || volume.capacity < size) {
      best = &name;
      size = volume.capacity;
    }
  }
  return best;
}

}  // namespace

void PreFilter::PrepareVolumes() {
  auto reject = [&](std::string why, const char* plugin) {
    rejection_ = std::move(why);
    plugin_ = plugin;
  };
  bool unbound_immediate = false;
  for (const PodVolume& volume : pod_.volumes) {
    const std::string key = pod_.ns + "/" + volume.name;
    const ClaimInfo* claim = view_.storage().Claim(key);
    if (claim == nullptr)
      return reject(fmt::format("persistentvolumeclaim \"{}\" not found", volume.name),
                    "VolumeBinding");
    if (claim->lost)
      return reject(
          fmt::format("persistentvolumeclaim \"{}\" bound to non-existent persistentvolume \"{}\"",
                      volume.name, claim->volume),
          "VolumeBinding");
    if (claim->deleting)
      return reject(fmt::format("persistentvolumeclaim \"{}\" is being deleted", volume.name),
                    "VolumeBinding");
    if (claim->fully_bound) continue;
    const ClassInfo* storage_class = view_.storage().Class(claim->class_name);
    const bool waits =
        storage_class != nullptr && storage_class->wait_for_consumer && claim->volume.empty();
    if (!waits) unbound_immediate = true;
  }
  if (unbound_immediate)
    reject("pod has unbound immediate PersistentVolumeClaims", "VolumeBinding");
}

Verdict PreFilter::CheckVolumes(const NodeInfo& node) const {
  // Conflicts first, then binding, then zones, over all claims: the order of the plugins.
  for (const PodVolume& volume : pod_.volumes) {
    const ClaimInfo* claim = view_.storage().Claim(pod_.ns + "/" + volume.name);
    if (claim == nullptr || !Listed(claim->access_modes, "ReadWriteOncePod")) continue;
    for (const PodInfoPtr& other : node.pods) {
      if (other->ns != pod_.ns || other->uid == pod_.uid) continue;
      if (std::any_of(other->volumes.begin(), other->volumes.end(),
                      [&](const PodVolume& one) { return one.name == volume.name; })) {
        return {Fit::kUnschedulable,
                "VolumeRestrictions",
                {"node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod "
                 "access mode"}};
      }
    }
  }
  if (Verdict verdict = CheckBinding(node); verdict.fit != Fit::kFits) return verdict;
  for (const PodVolume& volume : pod_.volumes) {
    const ClaimInfo* claim = view_.storage().Claim(pod_.ns + "/" + volume.name);
    const VolumeInfo* bound = claim == nullptr ? nullptr : view_.storage().Volume(claim->volume);
    if (bound != nullptr && !ZoneFits(*bound, node))
      return {Fit::kUnresolvable, "VolumeZone", {"node(s) had no available volume zone"}};
  }
  return {};
}

Verdict PreFilter::CheckBinding(const NodeInfo& node) const {
  Verdict verdict{Fit::kUnresolvable, "VolumeBinding", {}};
  bool conflict = false;
  for (const PodVolume& one : pod_.volumes) {
    const ClaimInfo* claim = view_.storage().Claim(pod_.ns + "/" + one.name);
    if (claim == nullptr || !claim->fully_bound) continue;
    const VolumeInfo* volume = view_.storage().Volume(claim->volume);
    if (volume == nullptr) {
      verdict.reasons = {
          "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"};
      return verdict;
    }
    conflict = conflict || !Reachable(*volume, node);
  }
  if (conflict) verdict.reasons.push_back("node(s) had volume node affinity conflict");
  if (!PlanVolumes(view_, pod_, node))
    verdict.reasons.push_back("node(s) didn't find available persistent volumes to bind");
  return verdict.reasons.empty() ? Verdict{} : verdict;
}

std::optional<VolumePlan> PlanVolumes(const ClusterView& view, const PodInfo& pod,
                                      const NodeInfo& node) {
  std::vector<std::pair<std::string, const ClaimInfo*>> open;
  for (const PodVolume& one : pod.volumes) {
    const std::string key = pod.ns + "/" + one.name;
    const ClaimInfo* claim = view.storage().Claim(key);
    if (claim != nullptr && !claim->fully_bound) open.emplace_back(key, claim);
  }
  // The smallest request takes the smallest volume: as many as possible find one.
  std::stable_sort(open.begin(), open.end(), [](const auto& x, const auto& y) {
    return x.second->request < y.second->request;
  });
  VolumePlan plan;
  for (const auto& [key, claim] : open) {
    if (claim->has_selected_node && claim->selected_node != node.name) return std::nullopt;
    const std::string* volume = claim->has_selected_node
                                    ? nullptr
                                    : FindVolume(view.storage(), key, *claim, node, plan.volumes);
    if (volume != nullptr) {
      plan.volumes[*volume] = key;
      continue;
    }
    const ClassInfo* storage_class = view.storage().Class(claim->class_name);
    const bool provides =
        storage_class != nullptr && storage_class->can_provision &&
        (storage_class->topologies.empty() || AnyTerm(storage_class->topologies, node));
    if (!provides) return std::nullopt;
    plan.provisioned.push_back(key);
  }
  return plan;
}

}  // namespace opsmesh::kubesim::scheduling
