// Typed views of the controllers over pods, of autoscalers and of disruption budgets.
#pragma once

#include "libs/kube/views_pod.h"

namespace opsmesh::kube {

/// A pod template: its metadata and spec.
struct PodTemplate {
  StrPairs labels;
  StrPairs annotations;
  PodSpec spec;
};

struct Deployment : View {
  static constexpr int kViewId = kDeploymentView;
  int64_t replicas = 1;  // wanted; absent = 1, never negative
  ObjectSelector selector;
  PodTemplate pod_template;
  Str strategy;  // "RollingUpdate", "Recreate"
  IntOrString max_surge;
  IntOrString max_unavailable;
  bool paused = false;
  int64_t progress_deadline_seconds = 600;
  int64_t observed_generation = 0;
  int64_t current_replicas = 0;
  int64_t updated_replicas = 0;
  int64_t ready_replicas = 0;
  int64_t available_replicas = 0;
  int64_t unavailable_replicas = 0;
  std::vector<Condition> conditions;
  Str revision;  // annotation deployment.kubernetes.io/revision
};

struct ReplicaSet : View {
  static constexpr int kViewId = kReplicaSetView;
  int64_t replicas = 1;
  ObjectSelector selector;
  PodTemplate pod_template;
  int64_t observed_generation = 0;
  int64_t current_replicas = 0;
  int64_t ready_replicas = 0;
  int64_t available_replicas = 0;
  std::vector<Condition> conditions;
  Str revision;
};

struct StatefulSet : View {
  static constexpr int kViewId = kStatefulSetView;
  int64_t replicas = 1;
  ObjectSelector selector;
  PodTemplate pod_template;
  Str service_name;
  Str update_strategy;
  int64_t partition = 0;
  std::vector<Str> claim_templates;
  int64_t observed_generation = 0;
  int64_t current_replicas = 0;
  int64_t ready_replicas = 0;
  int64_t updated_replicas = 0;
  int64_t available_replicas = 0;
  Str current_revision;
  Str update_revision;
  std::vector<Condition> conditions;
};

struct DaemonSet : View {
  static constexpr int kViewId = kDaemonSetView;
  ObjectSelector selector;
  PodTemplate pod_template;
  Str update_strategy;
  int64_t observed_generation = 0;
  int64_t desired = 0;
  int64_t current = 0;
  int64_t ready = 0;
  int64_t updated = 0;
  int64_t available = 0;
  int64_t unavailable = 0;
  int64_t misscheduled = 0;
  std::vector<Condition> conditions;
};

struct Job : View {
  static constexpr int kViewId = kJobView;
  std::optional<int64_t> completions;
  int64_t parallelism = 1;
  int64_t backoff_limit = 6;
  bool suspend = false;
  std::optional<int64_t> active_deadline_seconds;
  ObjectSelector selector;
  PodTemplate pod_template;
  int64_t active = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  absl::Time start_time = absl::InfinitePast();
  absl::Time completion_time = absl::InfinitePast();
  std::vector<Condition> conditions;
};

struct CronJob : View {
  static constexpr int kViewId = kCronJobView;
  Str schedule;
  Str time_zone;
  bool suspend = false;
  Str concurrency_policy;
  std::optional<int64_t> starting_deadline_seconds;
  std::vector<Str> active_jobs;
  absl::Time last_schedule = absl::InfinitePast();
  absl::Time last_success = absl::InfinitePast();
  PodTemplate pod_template;  // of the job template
};

/// One metric of an autoscaler, target and what was last measured.
struct HpaMetric {
  Str type;  // "Resource", "Pods", "Object", "External", "ContainerResource"
  Str name;  // "cpu"
  std::optional<int64_t> target_utilization;
  Str target_value;  // averageValue or value
  std::optional<int64_t> current_utilization;
  Str current_value;
};

struct HorizontalPodAutoscaler : View {
  static constexpr int kViewId = kHorizontalPodAutoscalerView;
  ObjectReference target;
  int64_t min_replicas = 1;
  int64_t max_replicas = 0;
  int64_t current_replicas = 0;
  int64_t desired_replicas = 0;
  std::vector<HpaMetric> metrics;
  std::vector<Condition> conditions;
  absl::Time last_scale = absl::InfinitePast();
};

struct PodDisruptionBudget : View {
  static constexpr int kViewId = kPodDisruptionBudgetView;
  IntOrString min_available;
  IntOrString max_unavailable;
  ObjectSelector selector;
  /// policy/v1beta1 reads an empty selector as "no pod", policy/v1 as "every pod of the namespace".
  bool empty_selects_all = true;
  int64_t disruptions_allowed = 0;
  int64_t current_healthy = 0;
  int64_t desired_healthy = 0;
  int64_t expected_pods = 0;
  std::vector<Condition> conditions;
};

}  // namespace opsmesh::kube
