// Workloads of any kind in one shape: what analyzers that look at templates walk over.
#pragma once

#include <string_view>
#include <vector>

#include "libs/kube/views_workload.h"
#include "services/k8s/picture.h"

namespace opsmesh::k8s {

/// One controller over pods. Pointers live as long as the picture.
struct Workload {
  kube::ObjectPtr object;
  std::string_view plural;  // "deployments"
  std::string_view kind;    // "Deployment"
  const kube::PodTemplate* pod_template = nullptr;
  int64_t replicas = 0;  // wanted; desired pods of a DaemonSet
  const kube::ObjectSelector* selector = nullptr;
  std::vector<kube::ObjectPtr> pods;  // that the selector matches and that have not finished

  std::string full_name() const { return object->meta().full_name(); }
};

/// Deployments, StatefulSets and DaemonSets of the picture's namespace, by kind, namespace and
/// name. `only` "" = all.
std::vector<Workload> WorkloadsOf(Picture& picture, std::string_view only = "");

/// True for namespaces that belong to Kubernetes itself.
bool IsSystemNamespace(std::string_view ns);

/// Zone of a node from its labels; "" when it has none.
std::string_view ZoneOf(const kube::Object& node);

/// Disruption budgets that select the template's pods.
std::vector<kube::ObjectPtr> BudgetsFor(Picture& picture, const Workload& workload);

/// Whether the template asks for its pods to be apart: pod anti-affinity (required or preferred) or
/// spread constraints.
struct Spreading {
  bool anti_affinity = false;
  bool topology_spread = false;
  bool any() const { return anti_affinity || topology_spread; }
};
Spreading SpreadingOf(const Workload& workload);

}  // namespace opsmesh::k8s
