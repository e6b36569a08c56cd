#include "libs/kubesim/api/metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <map>

#include "libs/base/json.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const int64_t kResolution = absl::ToInt64Seconds(kMetricsWindow);  // seconds between two scrapes

struct Usage {
  int64_t nano_cores = 0;
  int64_t ki = 0;
};

Json UsageJson(const Usage& usage) {
  return {{"cpu", fmt::format("{}n", usage.nano_cores)}, {"memory", fmt::format("{}Ki", usage.ki)}};
}

// Within eight per cent of the typical value, the same for the same moment.
double Sway(const std::string& who, absl::Time scrape) {
  const double phase = static_cast<double>(std::hash<std::string>()(who) % 628) / 100.0;
  return 1.0 + 0.08 * std::sin(static_cast<double>(absl::ToUnixSeconds(scrape)) / 240.0 + phase);
}

Usage UsageOf(const Json& container, const std::string& who, absl::Time scrape) {
  const long double cpu = ParseQuantity(At(container, {"usage", "cpu"})).value_or(0);
  const long double memory = ParseQuantity(At(container, {"usage", "memory"})).value_or(0);
  const double sway = Sway(who, scrape);
  return {static_cast<int64_t>(cpu * 1'000'000 * sway),
          static_cast<int64_t>(memory / 1000 / 1024 * (0.95 + 0.05 * sway))};
}

// The node of a pod that runs; "" otherwise.
std::string NodeOfRunning(const Cluster& cluster, const Object& metrics) {
  const ObjectPtr pod =
      cluster.store.Get(MustFind(cluster.store, "", "v1", "pods"), metrics.ns, metrics.name);
  if (!pod) return "";
  const Json content = pod->Parse();
  return TextAt(content, {"status", "phase"}) == "Running" ? TextAt(content, {"spec", "nodeName"})
                                                           : "";
}

bool Answers(const Cluster& cluster, const std::string& node) {
  const ObjectPtr object = cluster.store.Get(MustFind(cluster.store, "", "v1", "nodes"), "", node);
  if (!object) return false;
  const Json content = object->Parse();
  for (const Json& condition : ListAt(content, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return false;
}

Json Shell(const Object& object, const char* kind, absl::Time scrape) {
  Json item = {{"kind", kind},
               {"apiVersion", "metrics.k8s.io/v1beta1"},
               {"metadata", {{"name", object.name}, {"creationTimestamp", base::Rfc3339(scrape)}}},
               {"timestamp", base::Rfc3339(scrape)},
               {"window", fmt::format("{}s", kResolution)}};
  if (!object.ns.empty()) item["metadata"]["namespace"] = object.ns;
  for (const auto& [key, value] : object.labels) item["metadata"]["labels"][key] = value;
  return item;
}

std::vector<Json> PodItems(const Cluster& cluster, const Call& call, const Selection& selection,
                           absl::Time scrape) {
  std::vector<Json> items;
  for (const ObjectPtr& object : cluster.store.List(*call.type, call.info.ns).objects) {
    if (!call.info.name.empty() && object->name != call.info.name) continue;
    if (!selection.Matches(*object)) continue;
    const std::string node = NodeOfRunning(cluster, *object);
    if (node.empty() || !Answers(cluster, node)) continue;
    Json item = Shell(*object, "PodMetrics", scrape);
    item["containers"] = Json::array();
    for (const ContainerUsage& one : UsageAt(object->Parse(), object->name, scrape)) {
      item["containers"].push_back(
          {{"name", one.name}, {"usage", UsageJson({one.nano_cores, one.ki})}});
    }
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<Json> NodeItems(const Cluster& cluster, const Call& call, const Selection& selection,
                            absl::Time scrape) {
  std::map<std::string, Usage> sums;
  for (const ObjectPtr& object :
       cluster.store.List(MustFind(cluster.store, "metrics.k8s.io", "v1beta1", "pods")).objects) {
    Usage& sum = sums[NodeOfRunning(cluster, *object)];
    for (const ContainerUsage& one : UsageAt(object->Parse(), object->name, scrape)) {
      sum.nano_cores += one.nano_cores;
      sum.ki += one.ki;
    }
  }
  std::vector<Json> items;
  for (const ObjectPtr& node :
       cluster.store.List(MustFind(cluster.store, "", "v1", "nodes")).objects) {
    if (!call.info.name.empty() && node->name != call.info.name) continue;
    if (!selection.Matches(*node) || !Answers(cluster, node->name)) continue;
    Json item = Shell(*node, "NodeMetrics", scrape);
    Usage usage = sums[node->name];
    usage.nano_cores += kSystemNanoCores;
    usage.ki += kSystemKi;
    item["usage"] = UsageJson(usage);
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace

absl::Time LastScrape(absl::Time now) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(now) / kResolution * kResolution);
}

std::vector<ContainerUsage> UsageAt(const Json& metrics, const std::string& name,
                                    absl::Time scrape) {
  std::vector<ContainerUsage> containers;
  for (const Json& container : ListAt(metrics, {"containers"})) {
    const std::string own = TextAt(container, "name");
    const Usage usage = UsageOf(container, name + own, scrape);
    containers.push_back({own, usage.nano_cores, usage.ki});
  }
  return containers;
}

Reply HandleMetrics(const Cluster& cluster, const Call& call) {
  auto selection = SelectionOf(call);
  if (!selection.ok()) return StatusReply(selection.status());
  const absl::Time scrape = LastScrape(cluster.clock.Now());
  std::vector<Json> items = call.type->plural == "nodes"
                                ? NodeItems(cluster, call, *selection, scrape)
                                : PodItems(cluster, call, *selection, scrape);
  if (!call.info.name.empty()) {
    if (items.empty())
      return StatusReply(NotFoundStatus(
          *call.type, call.info.ns.empty() ? call.info.name : call.info.ns + "/" + call.info.name));
    return RenderedReply(base::DumpJson(items[0]), call.accepted);
  }
  Json list = {{"kind", call.type->kind + "List"},
               {"apiVersion", call.type->ApiVersion()},
               {"metadata", Json::object()},
               {"items", Json::array()}};
  for (Json& item : items) list["items"].push_back(std::move(item));
  return RenderedReply(base::DumpJson(list), call.accepted);
}

}  // namespace opsmesh::kubesim
