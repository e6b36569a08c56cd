// Turns manifests and a scenario into a cluster as it stands now: replica sets, pods with their
// statuses, endpoints, events and logs, all dated back from the clock's now. Used once, before the
// door opens; not thread-safe. For demo/*.cc only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/demo/scenario.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

/// What an event is about.
struct EventSubject {
  std::string kind, api_version, ns, name, uid, field_path;
};

class DemoBuilder {
 public:
  DemoBuilder(const ContentTarget& target, const Scenario& scenario);

  /// Adds a manifest and whatever a cluster would have made of it by now.
  void Add(const ResourceType& type, Json manifest);
  /// After the last Add(): Services, disruption budgets and autoscalers see every pod.
  void Finish();

 private:
  struct PodPlan {
    std::string ns, name, generate_name;
    Json pod_template;
    Json owner;   // an ownerReference, or null
    Json labels;  // added to the template's
    absl::Time created;
    std::string node;  // "" = to be scheduled
  };
  struct PodResult {
    bool ready = false;
    bool scheduled = false;
  };
  struct NodeRoom {
    std::string name, ip, pod_prefix;
    long double cpu = 0, memory = 0;  // free, in thousandths
    int next_address = 10;
    bool silent = false;
    bool tainted = false;
    absl::Time silent_since;
  };
  struct Run {  // one life of a container
    absl::Time started, finished;
    bool over = false;
  };

  struct Lives {
    int restarts = 0;
    Run last;                 // running, or the one that ended last
    Run before;               // the one before it, when restarts > 0
    absl::Duration back_off;  // > 0: waiting for the next start
  };

  // nodes.cc
  void AddNode(Json node);
  void AddLease(const NodeRoom& room);
  // deployments.cc
  struct Rolling;  // where the newest rollout of a Deployment stands
  void AddDeployment(Json deployment);
  std::vector<Rollout> RolloutsOf(const std::string& ns, const std::string& name) const;
  Rolling PlanRolling(const Json& deployment, const std::vector<Rollout>& rollouts) const;
  Json DeploymentStatus(const Json& deployment, const std::vector<Rollout>& rollouts,
                        const Rolling& rolling) const;
  Json AddReplicaSet(const Json& deployment, const Json& pod_template, int revision, int replicas,
                     absl::Time created);
  int AddPods(const Json& owner_object, const ResourceType& owner_type, const Json& pod_template,
              const Json& labels, int count, absl::Time created);
  // jobs.cc
  void AddJob(Json job, absl::Time created);
  void EndJob(Json& job, int tries, bool fails, absl::Time created, absl::Time end);
  void AddCronJob(Json cron);
  // workloads.cc
  void AddStatefulSet(Json set);
  void AddDaemonSet(Json set);
  void AddClaim(const std::string& ns, const std::string& name, const Json& spec,
                absl::Time created);
  // pods.cc
  struct Containers;     // of one pod, as they stand
  struct ContainerPlan;  // what is known of a container before its life is told
  PodResult AddPod(const PodPlan& plan);
  Json NewPod(const PodPlan& plan);
  Containers AddContainers(const PodPlan& plan, const EventSubject& about, const NodeRoom& room,
                           const Json& spec);
  void EvictFromSilentNode(const PodPlan& plan, const EventSubject& about, const NodeRoom& room,
                           Json& pod);
  void AddUsage(const PodPlan& plan, const Json& pod);
  /// A container's status; true when it is ready. Writes its logs and events.
  bool AddContainer(const Json& container, const EventSubject& pod, const NodeRoom& room,
                    absl::Time started, const std::string& restart_policy, Json* status);
  void Tell(const ContainerPlan& plan, const char* type, const char* reason,
            const std::string& message, absl::Time first, absl::Time last, int count);
  /// States of containers that wait, with the events that say why.
  Json PullFailed(const ContainerPlan& plan);
  Json ConfigMissing(const ContainerPlan& plan, const std::string& missing);
  Json Crashed(const ContainerPlan& plan, const Lives& lives);
  Json Conditions(bool ready, bool scheduled, const std::string& unready,
                  const std::string& why_not, absl::Time created, absl::Time changed) const;
  // placement.cc
  NodeRoom* Place(const Json& pod_spec, const std::string& ns, std::string* why_not);
  NodeRoom* FindNode(const std::string& name);
  // images.cc
  Lives LivesOf(const ImageBehaviour& behaviour, absl::Time started, bool restart) const;
  void WriteLogs(const std::string& uid, const std::string& container, const std::string& image,
                 const ImageBehaviour& behaviour, const Run& run);
  // networking.cc
  void AddService(Json service);
  void AddEndpoints(const Json& service);
  void FinishBudget(Json budget);
  void FinishAutoscaler(Json autoscaler);
  // events.cc
  void AddEvent(const EventSubject& about, std::string_view type, std::string_view reason,
                std::string_view message, std::string_view component, std::string_view host,
                absl::Time first, absl::Time last, int count);

  Json Stamp(Json object, absl::Time created);
  Json Put(const ResourceType& type, Json object);
  const ResourceType& Type(const char* group, const char* plural) const;
  std::string Hex(int digits);
  static Json OwnerReference(const ResourceType& type, const Json& object);
  static EventSubject About(const ResourceType& type, const Json& object);

  const ContentTarget target_;
  const Scenario& scenario_;
  const absl::Time now_;
  std::vector<NodeRoom> nodes_;
  std::vector<Json> services_, budgets_, autoscalers_;
  int next_service_address_ = 20;
  uint64_t event_serial_ = 0;
};

}  // namespace opsmesh::kubesim
