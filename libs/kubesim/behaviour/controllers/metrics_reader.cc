#include "libs/kubesim/behaviour/controllers/metrics_reader.h"

#include "libs/kubesim/api/metrics.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

std::optional<std::map<std::string, PodUsage>> ReadPodUsage(const Cluster& cluster,
                                                            const std::string& ns,
                                                            const std::string& resource) {
  const ResourceType* type = cluster.store.catalog().Find("metrics.k8s.io", "v1beta1", "pods");
  if (type == nullptr) return std::nullopt;
  static const auto* request = new http_server::Request();
  RequestInfo info;
  info.is_resource = true;
  info.verb = "list";
  info.group = type->group;
  info.version = type->version;
  info.resource = type->plural;
  info.ns = ns;
  const Call call{.http = *request,
                  .info = std::move(info),
                  .query = Query(),
                  .user = User{},
                  .accepted = Accepted{},
                  .type = type,
                  .tracked = false,
                  .warnings = {}};
  const Reply reply = HandleMetrics(cluster, call);
  if (reply.code != 200) return std::nullopt;
  std::map<std::string, PodUsage> usage;
  const Json list = Json::parse(reply.body, nullptr, false);
  for (const Json& item : ListAt(list, {"items"})) {
    PodUsage& pod = usage[TextAt(item, {"metadata", "name"})];
    (void)base::ParseRfc3339(TextAt(item, "timestamp"), &pod.taken);
    (void)absl::ParseDuration(TextAt(item, "window"), &pod.window);
    for (const Json& container : ListAt(item, {"containers"})) {
      if (auto amount = ParseQuantity(At(container, {"usage", resource.c_str()})))
        pod.containers[TextAt(container, "name")] = *amount;
    }
  }
  return usage;
}

}  // namespace opsmesh::kubesim
