#include <cmath>

#include <fmt/format.h>

#include "services/k8s/field_tables.h"

namespace opsmesh::k8s {
namespace {

using kube::Pod;

Field Amount(std::string name, Unit unit, std::string resource, bool limits) {
  return ViewField<Pod>(std::move(name), "", unit,
                        [resource, limits](const kube::Object&, const Pod& pod, Picture&) {
                          const double amount = PodAmount(pod.spec, resource, limits);
                          return amount > 0 ? FieldValue::Number(amount) : FieldValue::None();
                        });
}

}  // namespace

void AddPodFields(std::map<std::string, std::vector<Field>, std::less<>>& tables) {
  tables["pods"] = {
      TextField<Pod>("ready", "READY", [](const Pod& p) { return p.ready(); }),
      TextField<Pod>("status", "STATUS", [](const Pod& p) { return p.status; }),
      CountField<Pod>("restarts", "RESTARTS", [](const Pod& p) { return p.restarts; }),
      AgeField(),
      TextField<Pod>("ip", "IP", [](const Pod& p) { return p.pod_ip; }),
      TextField<Pod>("node", "NODE", [](const Pod& p) { return p.spec.node_name; }),
      TextField<Pod>("phase", "", [](const Pod& p) { return p.phase; }),
      TextField<Pod>("reason", "", [](const Pod& p) { return p.reason; }),
      TextField<Pod>("qos", "", [](const Pod& p) { return p.qos_class; }),
      TextField<Pod>("service_account", "", [](const Pod& p) { return p.spec.service_account; }),
      TextField<Pod>("image", "", [](const Pod& p) { return Images(p.spec); }),
      BoolField<Pod>("healthy", "", [](const Pod& p) { return p.healthy(); }),
      CountField<Pod>("containers", "", [](const Pod& p) { return p.spec.containers.size(); }),
      SinceField<Pod>("last_restart", "", [](const Pod& p) { return p.last_restart; }),
      Amount("cpu_request", Unit::kCpu, "cpu", false),
      Amount("memory_request", Unit::kBytes, "memory", false),
      Amount("cpu_limit", Unit::kCpu, "cpu", true),
      Amount("memory_limit", Unit::kBytes, "memory", true),
      ViewField<Pod>("workload", "", Unit::kText,
                     [](const kube::Object& o, const Pod&, Picture& p) {
                       const ObjectRef workload = WorkloadOf(p, o);
                       if (workload.kind == "Pod") return FieldValue::None();
                       return FieldValue::Text(fmt::format("{}/{}", workload.kind, workload.name));
                     }),
  };
}

}  // namespace opsmesh::k8s
