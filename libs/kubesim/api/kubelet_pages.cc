#include "libs/kubesim/api/kubelet_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/metrics.h"
#include "libs/kubesim/api/pod_containers.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kKi = 1024;

std::vector<ObjectPtr> PodsOn(const Cluster& cluster, const std::string& node) {
  std::vector<ObjectPtr> pods;
  const ResourceType& type = MustFind(cluster.store, "", "v1", "pods");
  auto on_node = FieldSelector::Parse("spec.nodeName=" + node, type);
  if (!on_node.ok()) return pods;
  for (const ObjectPtr& pod : cluster.store.List(type, "").objects) {
    if (on_node->Matches(*pod)) pods.push_back(pod);
  }
  return pods;
}

Json UseJson(const std::string& time, int64_t nano_cores, int64_t ki) {
  return {{"cpu", {{"time", time}, {"usageNanoCores", nano_cores}}},
          {"memory", {{"time", time}, {"usageBytes", ki * kKi}, {"workingSetBytes", ki * kKi}}}};
}

// Of a pod that runs; `sum` grows by what it uses.
Json PodStats(const Cluster& cluster, const Json& pod, absl::Time scrape, ContainerUsage* sum) {
  const std::string name = TextAt(pod, {"metadata", "name"}),
                    ns = TextAt(pod, {"metadata", "namespace"});
  const std::string time = base::Rfc3339(scrape);
  ContainerUsage own;
  Json containers = Json::array();
  const ResourceType* measured =
      cluster.store.catalog().Find("metrics.k8s.io", "v1beta1", "pods");  // not in every cluster
  const ObjectPtr metrics = measured != nullptr ? cluster.store.Get(*measured, ns, name) : nullptr;
  if (metrics) {
    for (const ContainerUsage& one : UsageAt(metrics->Parse(), name, scrape)) {
      Json stats = UseJson(time, one.nano_cores, one.ki);
      stats["name"] = one.name;
      for (const Json& status : ListAt(pod, {"status", "containerStatuses"})) {
        if (TextAt(status, "name") == one.name)
          stats["startTime"] = At(status, {"state", "running", "startedAt"});
      }
      containers.push_back(std::move(stats));
      own.nano_cores += one.nano_cores;
      own.ki += one.ki;
    }
  }
  Json stats = UseJson(time, own.nano_cores, own.ki);
  stats["podRef"] = {{"name", name}, {"namespace", ns}, {"uid", TextAt(pod, {"metadata", "uid"})}};
  stats["startTime"] = At(pod, {"status", "startTime"});
  stats["containers"] = std::move(containers);
  sum->nano_cores += own.nano_cores;
  sum->ki += own.ki;
  return stats;
}

Json Summary(const Cluster& cluster, const std::string& name, const Json& node) {
  const absl::Time scrape = LastScrape(cluster.clock.Now());
  ContainerUsage sum{name, kSystemNanoCores, kSystemKi};
  Json pods = Json::array();
  for (const ObjectPtr& object : PodsOn(cluster, name)) {
    const Json pod = object->Parse();
    if (TextAt(pod, {"status", "phase"}) == "Running")
      pods.push_back(PodStats(cluster, pod, scrape, &sum));
  }
  Json stats = UseJson(base::Rfc3339(scrape), sum.nano_cores, sum.ki);
  const auto capacity = static_cast<int64_t>(
      ParseQuantity(At(node, {"status", "capacity", "memory"})).value_or(0) / 1000);
  stats["memory"]["availableBytes"] = std::max<int64_t>(0, capacity - sum.ki * kKi);
  stats["nodeName"] = name;
  stats["startTime"] = At(node, {"metadata", "creationTimestamp"});
  return {{"node", std::move(stats)}, {"pods", std::move(pods)}};
}

Json PodListOf(const Cluster& cluster, const std::string& node) {
  Json items = Json::array();
  for (const ObjectPtr& pod : PodsOn(cluster, node)) items.push_back(pod->Parse());
  return {{"kind", "PodList"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"items", std::move(items)}};
}

}  // namespace

Reply HandleKubeletPage(const Cluster& cluster, const Call& call, const Json& node) {
  const std::string name = TextAt(node, {"metadata", "name"});
  const std::string path = "/" + base::Join(call.info.rest, "/");
  if (const auto address = SilentAddress(node)) {
    return StatusReply({.code = 503,
                        .reason = "ServiceUnavailable",
                        .message = fmt::format("error trying to reach service: dial tcp {}:10250: "
                                               "connect: connection refused",
                                               *address)});
  }
  const bool reads = call.http.method == "GET" || call.http.method == "HEAD";
  if (path == "/healthz") return TextReply("ok");
  if (!reads && (path == "/pods" || path == "/stats/summary"))
    return TextReply("405: Method Not Allowed", 405);
  if (path == "/pods") return JsonReply(PodListOf(cluster, name));
  if (path == "/stats/summary") return JsonReply(Summary(cluster, name, node));
  return TextReply("404 page not found\n", 404);
}

}  // namespace opsmesh::kubesim
