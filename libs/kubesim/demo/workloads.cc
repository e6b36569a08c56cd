#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

EventSubject About(const ResourceType& type, const Json& object) {
  return {type.kind,
          type.ApiVersion(),
          TextAt(object, {"metadata", "namespace"}),
          TextAt(object, {"metadata", "name"}),
          TextAt(object, {"metadata", "uid"}),
          ""};
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

void DemoBuilder::AddDeployment(Json deployment) {
  const ResourceType& type = Type("apps", "deployments");
  const std::string ns = TextAt(deployment, {"metadata", "namespace"});
  const std::string name = TextAt(deployment, {"metadata", "name"});
  ApplyDefaults(type, deployment);
  std::vector<Rollout> rollouts;
  if (auto it = scenario_.rollouts.find(ns + "/" + name); it != scenario_.rollouts.end())
    rollouts = it->second;
  if (rollouts.empty()) rollouts.push_back({scenario_.AgeOf(ns, name), "", ""});
  Json& meta = deployment["metadata"];
  meta["creationTimestamp"] = base::Rfc3339(now_ - rollouts.front().ago);
  meta["uid"] = target_.store.ids().NewUuid();
  meta["generation"] = rollouts.size();
  meta["annotations"][kRevision] = std::to_string(rollouts.size());

  const int replicas = static_cast<int>(IntAt(deployment, {"spec", "replicas"}, 1));
  const bool rolling = TextAt(deployment, {"spec", "strategy", "type"}) == "RollingUpdate";
  const std::string image =
      TextAt(deployment["spec"]["template"]["spec"]["containers"][0], "image");
  const bool healthy = scenario_.BehaviourOf(image).Healthy();
  const bool hangs = rolling && !healthy && rollouts.size() > 1;
  const int unavailable =
      rolling ? Share(At(deployment, {"spec", "strategy", "rollingUpdate", "maxUnavailable"}),
                      replicas, false)
              : 0;
  const int surge =
      rolling
          ? Share(At(deployment, {"spec", "strategy", "rollingUpdate", "maxSurge"}), replicas, true)
          : 0;

  int total = 0, ready = 0, updated = 0;
  Json newest;
  for (size_t i = 0; i < rollouts.size(); ++i) {
    const bool last = i + 1 == rollouts.size();
    const bool previous = i + 2 == rollouts.size();
    const int count = last                ? (hangs ? surge + unavailable : replicas)
                      : previous && hangs ? replicas - unavailable
                                          : 0;
    Json pod_template = deployment["spec"]["template"];
    if (!rollouts[i].image.empty())
      pod_template["spec"]["containers"][0]["image"] = rollouts[i].image;
    if (!rollouts[i].cause.empty()) meta["annotations"][kCause] = rollouts[i].cause;
    newest = AddReplicaSet(deployment, pod_template, static_cast<int>(i + 1), count,
                           now_ - rollouts[i].ago);
    total += count;
    ready += static_cast<int>(IntAt(newest, {"status", "readyReplicas"}));
    if (last) updated = count;
  }
  const absl::Time rolled = now_ - rollouts.back().ago;
  const int least = replicas - unavailable;
  Json& status = deployment["status"];
  status = {
      {"observedGeneration", rollouts.size()}, {"replicas", total}, {"updatedReplicas", updated}};
  if (ready > 0) status["readyReplicas"] = status["availableReplicas"] = ready;
  if (total + (hangs ? 0 : 0) > ready) status["unavailableReplicas"] = total - ready;
  const bool complete = ready == replicas && updated == replicas;
  const std::string set = TextAt(newest, {"metadata", "name"});
  const bool expired =
      !complete &&
      rollouts.back().ago >
          absl::Seconds(IntAt(deployment, {"spec", "progressDeadlineSeconds"}, 600)) &&
      ready < replicas + (hangs ? 1 : 0);
  Json available =
      ready >= least
          ? Condition("Available", true, "MinimumReplicasAvailable",
                      "Deployment has minimum availability.", rolled + absl::Seconds(9))
          : Condition("Available", false, "MinimumReplicasUnavailable",
                      "Deployment does not have minimum availability.", rolled + absl::Seconds(1));
  Json progress =
      complete || !expired
          ? Condition("Progressing", true, "NewReplicaSetAvailable",
                      fmt::format("ReplicaSet \"{}\" has successfully progressed.", set),
                      rolled + absl::Seconds(9))
          : Condition("Progressing", false, "ProgressDeadlineExceeded",
                      fmt::format("ReplicaSet \"{}\" has timed out progressing.", set),
                      rolled + absl::Seconds(601));
  status["conditions"] = {available, progress};
  Put(type, std::move(deployment));
}

void DemoBuilder::AddClaim(const std::string& ns, const std::string& name, const Json& spec,
                           absl::Time created) {
  const ResourceType& type = Type("", "persistentvolumeclaims");
  Json claim = {{"metadata",
                 {{"name", name},
                  {"namespace", ns},
                  {"uid", target_.store.ids().NewUuid()},
                  {"finalizers", {"kubernetes.io/pvc-protection"}}}},
                {"spec", spec}};
  claim = Stamp(std::move(claim), created);
  const std::string storage_class = TextAt(spec, "storageClassName");
  const EventSubject about = About(type, claim);
  if (!target_.store.Get(Type("storage.k8s.io", "storageclasses"), "", storage_class)) {
    claim["status"] = {{"phase", "Pending"}};
    AddEvent(about, "Warning", "ProvisioningFailed",
             fmt::format("storageclass.storage.k8s.io \"{}\" not found", storage_class),
             "persistentvolume-controller", "", created, now_ - absl::Seconds(7),
             static_cast<int>((now_ - created) / absl::Seconds(15)));
    Put(type, std::move(claim));
    return;
  }
  const std::string volume = "pvc-" + TextAt(claim, {"metadata", "uid"});
  claim["spec"]["volumeName"] = volume;
  claim["metadata"]["annotations"] = {{"pv.kubernetes.io/bind-completed", "yes"},
                                      {"pv.kubernetes.io/bound-by-controller", "yes"}};
  const Json size = At(spec, {"resources", "requests", "storage"});
  claim["status"] = {{"phase", "Bound"},
                     {"accessModes", At(spec, "accessModes")},
                     {"capacity", {{"storage", size}}}};
  Json pv = {{"metadata",
              {{"name", volume},
               {"annotations", {{"pv.kubernetes.io/provisioned-by", "csi.example.com"}}},
               {"finalizers", {"kubernetes.io/pv-protection"}}}},
             {"spec",
              {{"capacity", {{"storage", size}}},
               {"accessModes", At(spec, "accessModes")},
               {"persistentVolumeReclaimPolicy", "Delete"},
               {"storageClassName", storage_class},
               {"csi", {{"driver", "csi.example.com"}, {"volumeHandle", "vol-" + Hex(16)}}},
               {"claimRef",
                {{"apiVersion", "v1"},
                 {"kind", "PersistentVolumeClaim"},
                 {"namespace", ns},
                 {"name", name},
                 {"uid", TextAt(claim, {"metadata", "uid"})}}}}},
             {"status", {{"phase", "Bound"}}}};
  Put(type, std::move(claim));
  Put(Type("", "persistentvolumes"), Stamp(std::move(pv), created));
}

void DemoBuilder::AddStatefulSet(Json set) {
  const ResourceType& type = Type("apps", "statefulsets");
  const std::string ns = TextAt(set, {"metadata", "namespace"});
  const std::string name = TextAt(set, {"metadata", "name"});
  const absl::Time created = now_ - scenario_.AgeOf(ns, name);
  ApplyDefaults(type, set);
  set["metadata"]["uid"] = target_.store.ids().NewUuid();
  set["metadata"]["generation"] = 1;
  const std::string revision = name + "-" + TemplateHash(set["spec"]["template"]);
  Json record = {{"metadata",
                  {{"name", revision},
                   {"namespace", ns},
                   {"labels", At(set, {"spec", "template", "metadata", "labels"})},
                   {"ownerReferences", {OwnerReference(type, set)}}}},
                 {"revision", 1},
                 {"data", {{"spec", {{"template", set["spec"]["template"]}}}}}};
  record["data"]["spec"]["template"]["$patch"] = "replace";
  Put(Type("apps", "controllerrevisions"), Stamp(std::move(record), created));
  const int replicas = static_cast<int>(IntAt(set, {"spec", "replicas"}, 1));
  int ready = 0;
  for (int i = 0; i < replicas; ++i) {
    const std::string pod_name = fmt::format("{}-{}", name, i);
    Json pod_template = set["spec"]["template"];
    for (const Json& claim : ListAt(set, {"spec", "volumeClaimTemplates"})) {
      const std::string volume = TextAt(claim, {"metadata", "name"});
      AddClaim(ns, volume + "-" + pod_name, At(claim, "spec"), created);
      pod_template["spec"]["volumes"].push_back(
          {{"name", volume}, {"persistentVolumeClaim", {{"claimName", volume + "-" + pod_name}}}});
    }
    pod_template["spec"]["hostname"] = pod_name;
    pod_template["spec"]["subdomain"] = TextAt(set, {"spec", "serviceName"});
    const Json labels = {{"statefulset.kubernetes.io/pod-name", pod_name},
                         {"apps.kubernetes.io/pod-index", std::to_string(i)},
                         {"controller-revision-hash", revision}};
    if (AddPod({ns, pod_name, name + "-", pod_template, OwnerReference(type, set), labels, created,
                ""})
            .ready)
      ++ready;
  }
  set["status"] = {
      {"observedGeneration", 1},     {"replicas", replicas},        {"readyReplicas", ready},
      {"currentReplicas", replicas}, {"updatedReplicas", replicas}, {"availableReplicas", ready},
      {"currentRevision", revision}, {"updateRevision", revision},  {"collisionCount", 0}};
  Put(type, std::move(set));
}

void DemoBuilder::AddDaemonSet(Json set) {
  const ResourceType& type = Type("apps", "daemonsets");
  const std::string ns = TextAt(set, {"metadata", "namespace"});
  const std::string name = TextAt(set, {"metadata", "name"});
  const absl::Time created = now_ - scenario_.AgeOf(ns, name);
  ApplyDefaults(type, set);
  set["metadata"]["uid"] = target_.store.ids().NewUuid();
  set["metadata"]["generation"] = 1;
  set["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "1";
  const std::string hash = TemplateHash(set["spec"]["template"]);
  Json record = {{"metadata",
                  {{"name", name + "-" + hash},
                   {"namespace", ns},
                   {"labels", At(set, {"spec", "template", "metadata", "labels"})},
                   {"ownerReferences", {OwnerReference(type, set)}}}},
                 {"revision", 1},
                 {"data", {{"spec", {{"template", set["spec"]["template"]}}}}}};
  record["data"]["spec"]["template"]["$patch"] = "replace";
  Put(Type("apps", "controllerrevisions"), Stamp(std::move(record), created));
  int ready = 0;
  const int wanted = static_cast<int>(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Json pod_template = set["spec"]["template"];
    pod_template["spec"]["affinity"]["nodeAffinity"]
                ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] = {
                    {{"matchFields",
                      {{{"key", "metadata.name"},
                        {"operator", "In"},
                        {"values", {nodes_[i].name}}}}}}};
    const Json labels = {{"controller-revision-hash", hash}, {"pod-template-generation", "1"}};
    const std::string pod_name = name + "-" + NameSuffix(target_.store.ids().Random());
    if (AddPod({ns, pod_name, name + "-", pod_template, OwnerReference(type, set), labels, created,
                nodes_[i].name})
            .ready)
      ++ready;
  }
  set["status"] = {{"currentNumberScheduled", wanted}, {"desiredNumberScheduled", wanted},
                   {"numberMisscheduled", 0},          {"numberReady", ready},
                   {"numberAvailable", ready},         {"updatedNumberScheduled", wanted},
                   {"observedGeneration", 1}};
  if (ready < wanted) set["status"]["numberUnavailable"] = wanted - ready;
  Put(type, std::move(set));
}

void DemoBuilder::AddJob(Json job, absl::Time created) {
  const ResourceType& type = Type("batch", "jobs");
  const std::string ns = TextAt(job, {"metadata", "namespace"});
  const std::string name = TextAt(job, {"metadata", "name"});
  ApplyDefaults(type, job);
  const std::string uid = target_.store.ids().NewUuid();
  job["metadata"]["uid"] = uid;
  job["metadata"]["generation"] = 1;
  const Json labels = {{"batch.kubernetes.io/controller-uid", uid},
                       {"batch.kubernetes.io/job-name", name},
                       {"controller-uid", uid},
                       {"job-name", name}};
  job["spec"]["selector"] = {{"matchLabels", {{"batch.kubernetes.io/controller-uid", uid}}}};
  job["spec"]["template"]["metadata"]["labels"].update(labels);
  const ImageBehaviour& behaviour =
      scenario_.BehaviourOf(TextAt(job["spec"]["template"]["spec"]["containers"][0], "image"));
  const bool fails = behaviour.exit && behaviour.exit->code != 0;
  const int tries = fails ? static_cast<int>(IntAt(job, {"spec", "backoffLimit"}, 6)) + 1 : 1;
  const absl::Duration run = behaviour.exit ? behaviour.exit->after : absl::Seconds(5);
  const EventSubject about = About(type, job);
  absl::Time when = created;
  for (int i = 0; i < tries; ++i) {
    const std::string pod_name = name + "-" + NameSuffix(target_.store.ids().Random());
    AddPod({ns, pod_name, name + "-", job["spec"]["template"], OwnerReference(type, job), Json(),
            when, ""});
    AddEvent(about, "Normal", "SuccessfulCreate", "Created pod: " + pod_name, "job-controller", "",
             when, when, 1);
    if (i + 1 < tries) when += run + absl::Seconds(10) * (1 << i);
  }
  const absl::Time end = when + run + absl::Seconds(4);
  Json& status = job["status"];
  status = {{"startTime", base::Rfc3339(created)},
            {"ready", 0},
            {"terminating", 0},
            {"uncountedTerminatedPods", Json::object()}};
  auto condition = [&](const char* kind, const char* reason, const char* message) {
    return Json{{"type", kind},
                {"status", "True"},
                {"lastProbeTime", base::Rfc3339(end)},
                {"lastTransitionTime", base::Rfc3339(end)},
                {"reason", reason},
                {"message", message}};
  };
  if (fails) {
    status["failed"] = tries;
    status["conditions"] = {
        condition("FailureTarget", "BackoffLimitExceeded",
                  "Job has reached the specified backoff limit"),
        condition("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")};
    AddEvent(about, "Warning", "BackoffLimitExceeded",
             "Job has reached the specified backoff limit", "job-controller", "", end, end, 1);
  } else {
    status["succeeded"] = 1;
    status["completionTime"] = base::Rfc3339(end);
    status["conditions"] = {
        condition("SuccessCriteriaMet", "CompletionsReached",
                  "Reached expected number of succeeded pods"),
        condition("Complete", "CompletionsReached", "Reached expected number of succeeded pods")};
    AddEvent(about, "Normal", "Completed", "Job completed", "job-controller", "", end, end, 1);
  }
  Put(type, std::move(job));
}

// Runs at every half hour; the last three Jobs are kept.
void DemoBuilder::AddCronJob(Json cron) {
  const ResourceType& type = Type("batch", "cronjobs");
  ApplyDefaults(type, cron);
  cron["metadata"]["uid"] = target_.store.ids().NewUuid();
  cron["metadata"]["generation"] = 1;
  const absl::Time last =
      absl::FromUnixSeconds(absl::ToUnixSeconds(now_ - absl::Minutes(2)) / 1800 * 1800);
  for (int i = 2; i >= 0; --i) {
    const absl::Time scheduled = last - absl::Minutes(30) * i;
    const std::string name = fmt::format("{}-{}", TextAt(cron, {"metadata", "name"}),
                                         absl::ToUnixSeconds(scheduled) / 60);
    Json job = {
        {"metadata",
         {{"name", name},
          {"namespace", TextAt(cron, {"metadata", "namespace"})},
          {"ownerReferences", {OwnerReference(type, cron)}},
          {"annotations",
           {{"batch.kubernetes.io/cronjob-scheduled-timestamp", base::Rfc3339(scheduled)}}}}},
        {"spec", At(cron, {"spec", "jobTemplate", "spec"})}};
    AddJob(Stamp(std::move(job), scheduled), scheduled);
  }
  cron["status"] = {{"lastScheduleTime", base::Rfc3339(last)},
                    {"lastSuccessfulTime", base::Rfc3339(last + absl::Seconds(42))}};
  Put(type, std::move(cron));
}

}  // namespace opsmesh::kubesim
