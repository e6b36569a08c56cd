// Deployments with the replica sets of their rollouts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kRevision = "deployment.kubernetes.io/revision";
constexpr const char* kCause = "kubernetes.io/change-cause";

// "25%" of `of` or a plain number; a surge is rounded up, unavailability down.
int Share(const Json& value, int of, bool up) {
  if (value.is_number()) return value.get<int>();
  const std::string text = Scalar(value);
  const double share = std::atof(text.c_str()) * of / 100.0;
  return static_cast<int>(up ? std::ceil(share) : std::floor(share));
}

Json Condition(const char* type, bool good, const char* reason, const std::string& message,
               absl::Time since) {
  return {{"type", type},
          {"status", good ? "True" : "False"},
          {"reason", reason},
          {"message", message},
          {"lastUpdateTime", base::Rfc3339(since)},
          {"lastTransitionTime", base::Rfc3339(since)}};
}

}  // namespace

struct DemoBuilder::Rolling {
  int replicas = 0;  // wanted
  int unavailable = 0, surge = 0;
  bool hangs = false;  // the newest pods never become ready, the ones before them stay
  // What the sets have together; `set` is the newest.
  int total = 0, ready = 0, updated = 0;
  std::string set;

  /// Pods of the rollout at `index` of `count`.
  int PodsOf(size_t index, size_t count) const {
    if (index + 1 == count) return hangs ? surge + unavailable : replicas;
    return index + 2 == count && hangs ? replicas - unavailable : 0;
  }
};

Json DemoBuilder::AddReplicaSet(const Json& deployment, const Json& pod_template, int revision,
                                int replicas, absl::Time created) {
  const ResourceType& type = Type("apps", "replicasets");
  const std::string name = TextAt(deployment, {"metadata", "name"});
  const std::string hash = TemplateHash(pod_template);
  const int desired = static_cast<int>(IntAt(deployment, {"spec", "replicas"}, 1));
  Json set = {{"metadata",
               {{"name", name + "-" + hash},
                {"namespace", TextAt(deployment, {"metadata", "namespace"})},
                {"labels", At(pod_template, {"metadata", "labels"})},
                {"generation", revision > 1 ? 2 : 1},
                {"annotations",
                 {{kRevision, std::to_string(revision)},
                  {"deployment.kubernetes.io/desired-replicas", std::to_string(desired)},
                  {"deployment.kubernetes.io/max-replicas",
                   std::to_string(desired + Share(At(deployment, {"spec", "strategy",
                                                                  "rollingUpdate", "maxSurge"}),
                                                  desired, true))}}},
                {"ownerReferences", {OwnerReference(Type("apps", "deployments"), deployment)}}}},
              {"spec",
               {{"replicas", replicas},
                {"selector", At(deployment, {"spec", "selector"})},
                {"template", pod_template}}}};
  const std::string cause = TextAt(deployment, {"metadata", "annotations", kCause});
  if (!cause.empty()) set["metadata"]["annotations"][kCause] = cause;
  set["metadata"]["labels"]["pod-template-hash"] = hash;
  set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = hash;
  set["spec"]["selector"]["matchLabels"]["pod-template-hash"] = hash;
  set["metadata"]["uid"] = target_.store.ids().NewUuid();
  set = Stamp(std::move(set), created);
  ApplyDefaults(type, set);
  int ready = 0;
  if (replicas > 0) ready = AddPods(set, type, set["spec"]["template"], Json(), replicas, created);
  Json& status = set["status"];
  status = {{"replicas", replicas}, {"observedGeneration", set["metadata"]["generation"]}};
  if (replicas > 0) status["fullyLabeledReplicas"] = replicas;
  if (ready > 0) status["readyReplicas"] = status["availableReplicas"] = ready;
  EventSubject about = About(Type("apps", "deployments"), deployment);
  AddEvent(about, "Normal", "ScalingReplicaSet",
           fmt::format("Scaled up replica set {} from 0 to {}", name + "-" + hash, replicas),
           "deployment-controller", "", created, created, replicas > 0 ? 1 : 0);
  return Put(type, std::move(set));
}

int DemoBuilder::AddPods(const Json& owner, const ResourceType& owner_type,
                         const Json& pod_template, const Json& labels, int count,
                         absl::Time created) {
  const std::string ns = TextAt(owner, {"metadata", "namespace"});
  const std::string set = TextAt(owner, {"metadata", "name"});
  const EventSubject about = About(owner_type, owner);
  std::string stranded;
  for (const Json& reference : ListAt(owner, {"metadata", "ownerReferences"})) {
    auto it = scenario_.stranded.find(ns + "/" + TextAt(reference, "name"));
    if (it != scenario_.stranded.end()) stranded = it->second;
  }
  int ready = 0;
  auto add = [&](absl::Time when, const std::string& node) {
    const std::string name = set + "-" + NameSuffix(target_.store.ids().Random());
    PodPlan plan{ns,     name, set + "-", pod_template, OwnerReference(owner_type, owner),
                 labels, when, node};
    if (AddPod(plan).ready) ++ready;
    AddEvent(about, "Normal", "SuccessfulCreate", "Created pod: " + name, "replicaset-controller",
             "", when, when, 1);
  };
  for (int i = 0; i < count; ++i) {
    const NodeRoom* lost = i == 0 && !stranded.empty() ? FindNode(stranded) : nullptr;
    if (lost != nullptr) add(created, stranded);
    add(lost != nullptr ? lost->silent_since + absl::Minutes(5)
                        : created + absl::Milliseconds(400) * i,
        "");
  }
  return ready;
}

std::vector<Rollout> DemoBuilder::RolloutsOf(const std::string& ns, const std::string& name) const {
  if (const auto it = scenario_.rollouts.find(ns + "/" + name);
      it != scenario_.rollouts.end() && !it->second.empty())
    return it->second;
  return {{scenario_.AgeOf(ns, name), "", ""}};
}

DemoBuilder::Rolling DemoBuilder::PlanRolling(const Json& deployment,
                                              const std::vector<Rollout>& rollouts) const {
  Rolling plan;
  plan.replicas = static_cast<int>(IntAt(deployment, {"spec", "replicas"}, 1));
  if (TextAt(deployment, {"spec", "strategy", "type"}) != "RollingUpdate") return plan;
  const Json& limits = At(deployment, {"spec", "strategy", "rollingUpdate"});
  plan.unavailable = Share(At(limits, "maxUnavailable"), plan.replicas, false);
  plan.surge = Share(At(limits, "maxSurge"), plan.replicas, true);
  const Json& containers = ListAt(deployment, {"spec", "template", "spec", "containers"});
  const std::string image = containers.empty() ? "" : TextAt(containers[0], "image");
  const bool healthy = scenario_.BehaviourOf(image).Healthy();
  plan.hangs = !healthy && rollouts.size() > 1;
  return plan;
}

Json DemoBuilder::DeploymentStatus(const Json& deployment, const std::vector<Rollout>& rollouts,
                                   const Rolling& rolling) const {
  const absl::Time rolled = now_ - rollouts.back().ago;
  Json status = {{"observedGeneration", rollouts.size()},
                 {"replicas", rolling.total},
                 {"updatedReplicas", rolling.updated}};
  if (rolling.ready > 0) status["readyReplicas"] = status["availableReplicas"] = rolling.ready;
  if (rolling.total > rolling.ready) status["unavailableReplicas"] = rolling.total - rolling.ready;
  const bool complete = rolling.ready == rolling.replicas && rolling.updated == rolling.replicas;
  const bool expired =
      !complete &&
      rollouts.back().ago >
          absl::Seconds(IntAt(deployment, {"spec", "progressDeadlineSeconds"}, 600)) &&
      rolling.ready < rolling.replicas + (rolling.hangs ? 1 : 0);
  Json available =
      rolling.ready >= rolling.replicas - rolling.unavailable
          ? Condition("Available", true, "MinimumReplicasAvailable",
                      "Deployment has minimum availability.", rolled + absl::Seconds(9))
          : Condition("Available", false, "MinimumReplicasUnavailable",
                      "Deployment does not have minimum availability.", rolled + absl::Seconds(1));
  Json progress =
      expired
          ? Condition("Progressing", false, "ProgressDeadlineExceeded",
                      fmt::format("ReplicaSet \"{}\" has timed out progressing.", rolling.set),
                      rolled + absl::Seconds(601))
          : Condition("Progressing", true, "NewReplicaSetAvailable",
                      fmt::format("ReplicaSet \"{}\" has successfully progressed.", rolling.set),
                      rolled + absl::Seconds(9));
  status["conditions"] = {available, progress};
  return status;
}

void DemoBuilder::AddDeployment(Json deployment) {
  const ResourceType& type = Type("apps", "deployments");
  ApplyDefaults(type, deployment);
  const std::vector<Rollout> rollouts = RolloutsOf(TextAt(deployment, {"metadata", "namespace"}),
                                                   TextAt(deployment, {"metadata", "name"}));
  Json& meta = deployment["metadata"];
  meta["creationTimestamp"] = base::Rfc3339(now_ - rollouts.front().ago);
  meta["uid"] = target_.store.ids().NewUuid();
  meta["generation"] = rollouts.size();
  meta["annotations"][kRevision] = std::to_string(rollouts.size());
  Rolling rolling = PlanRolling(deployment, rollouts);
  for (size_t i = 0; i < rollouts.size(); ++i) {
    const Rollout& rollout = rollouts[i];
    Json pod_template = deployment["spec"]["template"];
    if (!rollout.image.empty()) pod_template["spec"]["containers"][0]["image"] = rollout.image;
    if (!rollout.cause.empty()) meta["annotations"][kCause] = rollout.cause;
    const int count = rolling.PodsOf(i, rollouts.size());
    const Json set =
        AddReplicaSet(deployment, pod_template, static_cast<int>(i + 1), count, now_ - rollout.ago);
    rolling.total += count;
    rolling.ready += static_cast<int>(IntAt(set, {"status", "readyReplicas"}));
    rolling.updated = count;
    rolling.set = TextAt(set, {"metadata", "name"});
  }
  deployment["status"] = DeploymentStatus(deployment, rollouts, rolling);
  Put(type, std::move(deployment));
}

}  // namespace opsmesh::kubesim
