// What faults mean to a kubelet: whom they are about, and what to do when they change.
#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

FaultSubject Kubelet::SubjectOf(const Json& pod) {
  FaultSubject subject{TextAt(pod, {"metadata", "namespace"}),
                       TextAt(pod, {"metadata", "name"}),
                       TextAt(pod, {"spec", "nodeName"}),
                       "",
                       "",
                       "",
                       ""};
  for (const Json& owner : ListAt(pod, {"metadata", "ownerReferences"})) {
    subject.workload_kind = TextAt(owner, "kind");
    subject.workload = TextAt(owner, "name");
    std::transform(subject.workload_kind.begin(), subject.workload_kind.end(),
                   subject.workload_kind.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::string hash = TextAt(pod, {"metadata", "labels", "pod-template-hash"});
    if (subject.workload_kind == "replicaset" && !hash.empty() &&
        subject.workload.ends_with("-" + hash)) {
      subject.workload_kind = "deployment";
      subject.workload.resize(subject.workload.size() - hash.size() - 1);
    }
  }
  return subject;
}

FaultSubject Kubelet::SubjectOf(const View& view, const ContainerRuntime* container) const {
  if (faults_.empty()) return {};
  FaultSubject subject = SubjectOf(view.pod);
  if (container == nullptr) return subject;
  subject.container = container->status.name;
  for (const Json& spec : ListAt(view.spec, {container->init ? "initContainers" : "containers"})) {
    if (TextAt(spec, "name") == subject.container) subject.image = TextAt(spec, "image");
  }
  return subject;
}

std::vector<ObjectPtr> Kubelet::PodsNear(const FaultTarget& target) const {
  if (target.kind == "cluster" || target.kind == "image") return pods_.List();
  if (target.kind != "node")
    return pods_.List(target.kind == "namespace" ? target.name : target.ns);
  const ObjectSet& there = by_node_.Find(target.name);
  return {there.begin(), there.end()};
}

void Kubelet::FaultsChanged(const FaultTarget& target) {
  const bool blind = faults_.OnCluster("no-metrics").has_value();
  const ResourceType* usage = engine_.store().catalog().Preferred("metrics.k8s.io", "pods");
  for (const ObjectPtr& pod : PodsNear(target)) {
    auto it = state_.pods.find(pod->uid);
    if (it != state_.pods.end()) {
      PodRuntime& runtime = it->second;
      for (auto* list : {&runtime.init, &runtime.main}) {
        for (ContainerRuntime& container : *list) {
          // What was settled is asked again; a pull that waits is tried now.
          for (ProbeRuntime& probe : container.probes) {
            if (container.process && probe.next == absl::InfiniteFuture())
              probe.next = engine_.Now();
          }
          if (!container.process && container.pull_back_off > absl::ZeroDuration()) {
            container.pull_again =
                std::min(container.pull_again, engine_.Now() + absl::Seconds(10));
            container.next = std::min(container.next, engine_.Now() + absl::Seconds(10));
          }
        }
      }
      if (usage != nullptr && metrics_ && !blind && !runtime.over &&
          !engine_.store().Get(*usage, pod->ns, pod->name)) {
        const auto json = engine_.Parsed(pod);
        WriteMetrics(View{runtime, pod, *json, At(*json, "spec"), engine_.Now()}, false);
      }
    }
    queue_->Add(pod->uid);
  }
  if (blind && usage != nullptr) {
    for (const ObjectPtr& one : engine_.store().List(*usage).objects)
      (void)engine_.client().Remove(*usage, one->ns, one->name);
  }
}

bool Kubelet::KillContainer(const std::string& ns, const std::string& pod,
                            const std::string& container, int code, const std::string& reason) {
  const ObjectPtr object = pods_.Get(ns, pod);
  auto it = object ? state_.pods.find(object->uid) : state_.pods.end();
  if (it == state_.pods.end()) return false;
  bool any = false;
  for (ContainerRuntime& one : it->second.main) {
    if (!one.process || (!container.empty() && one.status.name != container)) continue;
    one.process->Kill(engine_.Now(), code, reason);
    any = true;
  }
  if (any) queue_->Add(object->uid);
  return any;
}

}  // namespace opsmesh::kubesim
