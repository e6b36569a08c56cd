#include "libs/kubesim/api/pod_containers.h"

#include <fmt/format.h>

#include <vector>

#include "libs/base/strings.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

std::vector<std::string> ContainersOf(const Json& pod) {
  std::vector<std::string> names;
  for (const char* list : {"initContainers", "containers", "ephemeralContainers"}) {
    for (const Json& container : ListAt(pod, {"spec", list}))
      names.push_back(TextAt(container, "name"));
  }
  return names;
}

}  // namespace

MaybeStatus ChooseContainer(const Json& pod, const std::string& pod_name, std::string* container) {
  const auto names = ContainersOf(pod);
  const Json& main = ListAt(pod, {"spec", "containers"});
  if (container->empty()) {
    if (main.size() != 1) {
      return BadRequestStatus(
          fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                      pod_name, base::Join(names, " ")));
    }
    *container = TextAt(main[0], "name");
  }
  for (const std::string& name : names) {
    if (name == *container) return std::nullopt;
  }
  return BadRequestStatus(
      fmt::format("container {} is not valid for pod {}", *container, pod_name));
}

std::optional<std::string> SilentAddress(const Json& node) {
  for (const Json& condition : ListAt(node, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Ready" || TextAt(condition, "status") != "Unknown") continue;
    for (const Json& one : ListAt(node, {"status", "addresses"})) {
      if (TextAt(one, "type") == "InternalIP") return TextAt(one, "address");
    }
    return TextAt(node, {"metadata", "name"});
  }
  return std::nullopt;
}

std::optional<std::string> SilentNode(const Cluster& cluster, const Json& pod) {
  const std::string name = TextAt(pod, {"spec", "nodeName"});
  const ObjectPtr node = cluster.store.Get(MustFind(cluster.store, "", "v1", "nodes"), "", name);
  return node ? SilentAddress(node->Parse()) : std::nullopt;
}

MaybeStatus CheckAddress(const Cluster& cluster, const Json& pod) {
  const ObjectPtr node = cluster.store.Get(MustFind(cluster.store, "", "v1", "nodes"), "",
                                           TextAt(pod, {"spec", "nodeName"}));
  if (!node || !ListAt(node->Parse(), {"status", "addresses"}).empty()) return std::nullopt;
  return InternalStatus("no preferred addresses found; known addresses: []");
}

}  // namespace opsmesh::kubesim
