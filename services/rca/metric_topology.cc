#include "services/rca/metric_topology.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "fmt/format.h"

namespace opsmesh::rca {
namespace {

using Labels = std::map<std::string, std::string>;

// A scraper that puts its own labels first leaves kube-state-metrics' as exported_*.
std::string Get(const Labels& labels, const std::string& name) {
  for (const std::string& label : {"exported_" + name, name}) {
    const auto found = labels.find(label);
    if (found != labels.end() && !found->second.empty()) return found->second;
  }
  return "";
}

}  // namespace

size_t LearnFromMetrics(const base::Context& ctx, const MetricSource& source, absl::Time start,
                        absl::Time end, Topology& topology) {
  const auto seconds = std::max<int64_t>(1, absl::ToInt64Seconds(end - start));
  const auto ask = [&](const char* by, const char* selector) {
    return source.Labels(
        ctx, fmt::format("max by ({}) (last_over_time({}[{}s]))", by, selector, seconds), end);
  };
  const auto pods =
      ask("namespace, exported_namespace, pod, exported_pod, node, exported_node, created_by_kind, "
          "created_by_name",
          "kube_pod_info");
  if (pods.empty()) return 0;
  size_t learnt = 0;
  std::map<std::pair<std::string, std::string>, CauseObject> owner_of_set;
  for (const Labels& set : ask("namespace, exported_namespace, replicaset, owner_kind, owner_name",
                               "kube_replicaset_owner")) {
    const std::string ns = Get(set, "namespace"), kind = Get(set, "owner_kind");
    if (kind == "Deployment")
      owner_of_set[{ns, Get(set, "replicaset")}] = {kind, ns, Get(set, "owner_name")};
  }
  for (const Labels& pod : pods) {
    const std::string ns = Get(pod, "namespace"), name = Get(pod, "pod");
    if (name.empty()) continue;
    PodPlace place{.node = Get(pod, "node"),
                   .workload = {Get(pod, "created_by_kind"), ns, Get(pod, "created_by_name")}};
    // "<none>" is how kube-state-metrics writes that there is no controller.
    if (place.workload.kind.empty() || place.workload.kind == "<none>" ||
        place.workload.kind == "Node") {
      place.workload = {"Pod", ns, name};
    }
    if (place.workload.kind == "ReplicaSet") {
      const auto owner = owner_of_set.find({ns, place.workload.name});
      if (owner != owner_of_set.end()) place.workload = owner->second;
    }
    topology.AddPod(ns, name, std::move(place));
    ++learnt;
  }
  if (learnt == 0) return 0;
  for (const Labels& node : ask("node, exported_node, internal_ip", "kube_node_info")) {
    if (const std::string name = Get(node, "node"); !name.empty())
      topology.AddNodeAddress(Get(node, "internal_ip"), name);
  }
  for (const Labels& target : ask("namespace, service, pod", R"(up{service!="",pod!=""})"))
    topology.AddServicePod(Get(target, "namespace"), Get(target, "service"), Get(target, "pod"));
  return learnt;
}

}  // namespace opsmesh::rca
