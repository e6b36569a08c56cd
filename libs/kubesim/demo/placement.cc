#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

DemoBuilder::NodeRoom* DemoBuilder::FindNode(const std::string& name) {
  for (NodeRoom& room : nodes_) {
    if (room.name == name) return &room;
  }
  return nullptr;
}

// The node with the most free CPU of those that fit; `why_not` is what the scheduler says when none
// does.
DemoBuilder::NodeRoom* DemoBuilder::Place(const Json& pod_spec, const std::string& ns,
                                          std::string* why_not) {
  long double cpu = 0, memory = 0;
  for (const Json& container : ListAt(pod_spec, {"containers"})) {
    cpu += ParseQuantity(At(container, {"resources", "requests", "cpu"})).value_or(0);
    memory += ParseQuantity(At(container, {"resources", "requests", "memory"})).value_or(0);
  }
  for (const Json& volume : ListAt(pod_spec, {"volumes"})) {
    const std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
    if (claim.empty()) continue;
    const ObjectPtr object = target_.store.Get(Type("", "persistentvolumeclaims"), ns, claim);
    if (!object) {
      *why_not = fmt::format(
          "0/{0} nodes are available: persistentvolumeclaim \"{1}\" not found. preemption: 0/{0} "
          "nodes are available: "
          "{0} Preemption is not helpful for scheduling.",
          nodes_.size(), claim);
      return nullptr;
    }
    if (TextAt(object->Parse(), {"status", "phase"}) != "Bound") {
      *why_not = fmt::format(
          "0/{0} nodes are available: pod has unbound immediate PersistentVolumeClaims. "
          "preemption: 0/{0} nodes are "
          "available: {0} Preemption is not helpful for scheduling.",
          nodes_.size());
      return nullptr;
    }
  }
  NodeRoom* best = nullptr;
  std::map<std::string, int> reasons;
  int too_small = 0;
  for (NodeRoom& room : nodes_) {
    if (room.tainted) {
      ++reasons["node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"];
    } else if (room.silent) {
      ++reasons["node(s) had untolerated taint {node.kubernetes.io/unreachable: }"];
    } else if (room.memory < memory || room.cpu < cpu) {
      if (room.cpu < cpu) ++reasons["Insufficient cpu"];
      if (room.memory < memory) ++reasons["Insufficient memory"];
      ++too_small;
    } else if (best == nullptr || room.cpu > best->cpu) {
      best = &room;
    }
  }
  if (best == nullptr) {
    std::vector<std::string> parts;
    for (const auto& [reason, count] : reasons)
      parts.push_back(fmt::format("{} {}", count, reason));
    std::sort(parts.begin(), parts.end());  // as text, counts first: the scheduler's order
    const size_t hopeless = nodes_.size() - static_cast<size_t>(too_small);
    std::string preemption;
    if (too_small > 0)
      preemption = fmt::format("{} No preemption victims found for incoming pod", too_small);
    if (hopeless > 0)
      preemption += fmt::format("{}{} Preemption is not helpful for scheduling",
                                preemption.empty() ? "" : ", ", hopeless);
    *why_not =
        fmt::format("0/{0} nodes are available: {1}. preemption: 0/{0} nodes are available: {2}.",
                    nodes_.size(), base::Join(parts, ", "), preemption);
    return nullptr;
  }
  best->cpu -= cpu;
  best->memory -= memory;
  return best;
}

}  // namespace opsmesh::kubesim
