#include "libs/kubesim/behaviour/controllers/metrics_reader.h"

#include "libs/kubesim/api/metrics.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Answers(Engine& engine, const std::string& node) {
  const ObjectPtr object = engine.store().Get(engine.Type("", "nodes"), "", node);
  return object &&
         TextAt(ConditionOf(At(*engine.Parsed(object), "status"), "Ready"), "status") == "True";
}

}  // namespace

std::optional<std::map<std::string, PodUsage>> ReadPodUsage(Engine& engine,
                                                            const std::vector<const PodView*>& pods,
                                                            const std::string& resource) {
  const ResourceType* type = engine.store().catalog().Find("metrics.k8s.io", "v1beta1", "pods");
  if (type == nullptr) return std::nullopt;
  const absl::Time scrape = LastScrape(engine.Now());
  std::map<std::string, PodUsage> usage;
  for (const PodView* pod : pods) {
    if (pod->phase != "Running" || !Answers(engine, pod->node)) continue;
    const ObjectPtr metrics = engine.store().Get(*type, pod->object->ns, pod->name());
    if (!metrics) continue;
    PodUsage& one = usage[pod->name()];
    one.taken = scrape;
    one.window = kMetricsWindow;
    for (const ContainerUsage& container : UsageAt(*engine.Parsed(metrics), pod->name(), scrape)) {
      if (resource == "cpu")
        one.containers[container.name] = static_cast<long double>(container.nano_cores) / 1'000'000;
      if (resource == "memory")
        one.containers[container.name] = static_cast<long double>(container.ki) * 1024 * 1000;
    }
  }
  return usage;
}

}  // namespace opsmesh::kubesim
