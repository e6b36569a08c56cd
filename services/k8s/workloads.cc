#include "services/k8s/workloads.h"

#include <algorithm>

#include "libs/kube/views.h"

namespace opsmesh::k8s {
namespace {

template <typename View>
void Collect(Picture& picture, std::string_view plural, std::string_view kind,
             std::string_view only, std::vector<Workload>* out) {
  ForEach<View>(picture.In(plural), [&](const kube::Object& object, const View& view) {
    if (!only.empty() && object.name() != only) return;
    Workload workload;
    workload.plural = plural;
    workload.kind = kind;
    workload.pod_template = &view.pod_template;
    workload.selector = &view.selector;
    if constexpr (requires { view.replicas; }) workload.replicas = view.replicas;
    if constexpr (requires { view.desired; }) workload.replicas = view.desired;
    workload.object = picture.All(plural).Find(object.ns(), object.name());
    // An empty selector of a workload selects nothing here: the API refuses it, so it is a broken
    // object.
    if (!view.selector.empty()) {
      for (const kube::ObjectPtr& pod_object :
           picture.All("pods").Matching(object.ns(), view.selector)) {
        const auto* pod = pod_object->As<kube::Pod>();
        if (pod && pod->phase != "Succeeded" && pod->phase != "Failed")
          workload.pods.push_back(pod_object);
      }
    }
    out->push_back(std::move(workload));
  });
}

}  // namespace

std::vector<Workload> WorkloadsOf(Picture& picture, std::string_view only) {
  std::vector<Workload> out;
  Collect<kube::DaemonSet>(picture, "daemonsets", "DaemonSet", only, &out);
  Collect<kube::Deployment>(picture, "deployments", "Deployment", only, &out);
  Collect<kube::StatefulSet>(picture, "statefulsets", "StatefulSet", only, &out);
  return out;
}

bool IsSystemNamespace(std::string_view ns) {
  return ns == "kube-system" || ns == "kube-public" || ns == "kube-node-lease";
}

std::string_view ZoneOf(const kube::Object& node) {
  const std::string_view zone = kube::Lookup(node.meta().labels, "topology.kubernetes.io/zone");
  return zone.empty() ? kube::Lookup(node.meta().labels, "failure-domain.beta.kubernetes.io/zone")
                      : zone;
}

std::vector<kube::ObjectPtr> BudgetsFor(Picture& picture, const Workload& workload) {
  std::vector<kube::ObjectPtr> out;
  for (const kube::ObjectPtr& object :
       picture.All("poddisruptionbudgets").InNamespace(workload.object->ns())) {
    const auto* budget = object->As<kube::PodDisruptionBudget>();
    if (!budget) continue;
    const bool selects = budget->selector.empty()
                             ? budget->empty_selects_all
                             : budget->selector.Matches(workload.pod_template->labels);
    if (selects) out.push_back(object);
  }
  return out;
}

Spreading SpreadingOf(const Workload& workload) {
  Spreading out;
  const kube::JsonRef spec = workload.object->root().At("spec.template.spec");
  const kube::JsonRef anti = spec.At("affinity.podAntiAffinity");
  out.anti_affinity = anti["requiredDuringSchedulingIgnoredDuringExecution"].size() > 0 ||
                      anti["preferredDuringSchedulingIgnoredDuringExecution"].size() > 0;
  out.topology_spread = spec["topologySpreadConstraints"].size() > 0;
  return out;
}

}  // namespace opsmesh::k8s
