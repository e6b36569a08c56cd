#include "libs/kube/decoder.h"
#include "libs/kube/views_workload.h"

namespace opsmesh::kube {
namespace {

constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";

/// Reads metadata.annotations[deployment.kubernetes.io/revision].
void ReadRevision(Decoder& d, Str* revision) {
  d.Object("metadata", [&](std::string_view key) {
    if (key != "annotations") return;
    d.Object("metadata.annotations", [&](std::string_view name) {
      if (name == kRevision) d.Read("metadata.annotations", revision);
    });
  });
}

View* Decode(const Object& object, std::unique_ptr<Deployment> v) {
  Decoder d(object, v.get());
  d.Object("deployment", [&](std::string_view key) {
    if (key == "metadata") ReadRevision(d, &v->revision);
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "replicas") d.ReadCount("spec.replicas", &v->replicas);
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "template") DecodePodTemplate(d, &v->pod_template);
        if (part == "paused") d.Read("spec.paused", &v->paused);
        if (part == "progressDeadlineSeconds")
          d.ReadCount("spec.progressDeadlineSeconds", &v->progress_deadline_seconds);
        if (part == "strategy") {
          d.Object("spec.strategy", [&](std::string_view field) {
            if (field == "type") d.Read("spec.strategy.type", &v->strategy);
            if (field == "rollingUpdate") {
              d.Object("spec.strategy.rollingUpdate", [&](std::string_view limit) {
                if (limit == "maxSurge")
                  d.Read("spec.strategy.rollingUpdate.maxSurge", &v->max_surge);
                if (limit == "maxUnavailable")
                  d.Read("spec.strategy.rollingUpdate.maxUnavailable", &v->max_unavailable);
              });
            }
          });
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "observedGeneration")
          d.ReadCount("status.observedGeneration", &v->observed_generation);
        if (part == "replicas") d.ReadCount("status.replicas", &v->current_replicas);
        if (part == "updatedReplicas") d.ReadCount("status.updatedReplicas", &v->updated_replicas);
        if (part == "readyReplicas") d.ReadCount("status.readyReplicas", &v->ready_replicas);
        if (part == "availableReplicas")
          d.ReadCount("status.availableReplicas", &v->available_replicas);
        if (part == "unavailableReplicas")
          d.ReadCount("status.unavailableReplicas", &v->unavailable_replicas);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<ReplicaSet> v) {
  Decoder d(object, v.get());
  d.Object("replicaset", [&](std::string_view key) {
    if (key == "metadata") ReadRevision(d, &v->revision);
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "replicas") d.ReadCount("spec.replicas", &v->replicas);
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "template") DecodePodTemplate(d, &v->pod_template);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "observedGeneration")
          d.ReadCount("status.observedGeneration", &v->observed_generation);
        if (part == "replicas") d.ReadCount("status.replicas", &v->current_replicas);
        if (part == "readyReplicas") d.ReadCount("status.readyReplicas", &v->ready_replicas);
        if (part == "availableReplicas")
          d.ReadCount("status.availableReplicas", &v->available_replicas);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

void DecodeClaimTemplates(Decoder& d, std::vector<Str>* names) {
  d.Array("spec.volumeClaimTemplates", [&] {
    d.Object("spec.volumeClaimTemplates", [&](std::string_view key) {
      if (key != "metadata") return;
      d.Object("spec.volumeClaimTemplates.metadata", [&](std::string_view part) {
        Str name;
        if (part != "name") return;
        d.Read("spec.volumeClaimTemplates.metadata.name", &name);
        names->push_back(name);
      });
    });
  });
}

View* Decode(const Object& object, std::unique_ptr<StatefulSet> v) {
  Decoder d(object, v.get());
  d.Object("statefulset", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "replicas") d.ReadCount("spec.replicas", &v->replicas);
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "template") DecodePodTemplate(d, &v->pod_template);
        if (part == "serviceName") d.Read("spec.serviceName", &v->service_name);
        if (part == "volumeClaimTemplates") DecodeClaimTemplates(d, &v->claim_templates);
        if (part == "updateStrategy") {
          d.Object("spec.updateStrategy", [&](std::string_view field) {
            if (field == "type") d.Read("spec.updateStrategy.type", &v->update_strategy);
            if (field == "rollingUpdate") {
              d.Object("spec.updateStrategy.rollingUpdate", [&](std::string_view limit) {
                if (limit == "partition")
                  d.ReadCount("spec.updateStrategy.rollingUpdate.partition", &v->partition);
              });
            }
          });
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "observedGeneration")
          d.ReadCount("status.observedGeneration", &v->observed_generation);
        if (part == "replicas") d.ReadCount("status.replicas", &v->current_replicas);
        if (part == "readyReplicas") d.ReadCount("status.readyReplicas", &v->ready_replicas);
        if (part == "updatedReplicas") d.ReadCount("status.updatedReplicas", &v->updated_replicas);
        if (part == "availableReplicas")
          d.ReadCount("status.availableReplicas", &v->available_replicas);
        if (part == "currentRevision") d.Read("status.currentRevision", &v->current_revision);
        if (part == "updateRevision") d.Read("status.updateRevision", &v->update_revision);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<DaemonSet> v) {
  Decoder d(object, v.get());
  d.Object("daemonset", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "template") DecodePodTemplate(d, &v->pod_template);
        if (part == "updateStrategy") {
          d.Object("spec.updateStrategy", [&](std::string_view field) {
            if (field == "type") d.Read("spec.updateStrategy.type", &v->update_strategy);
          });
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "observedGeneration")
          d.ReadCount("status.observedGeneration", &v->observed_generation);
        if (part == "desiredNumberScheduled")
          d.ReadCount("status.desiredNumberScheduled", &v->desired);
        if (part == "currentNumberScheduled")
          d.ReadCount("status.currentNumberScheduled", &v->current);
        if (part == "numberReady") d.ReadCount("status.numberReady", &v->ready);
        if (part == "updatedNumberScheduled")
          d.ReadCount("status.updatedNumberScheduled", &v->updated);
        if (part == "numberAvailable") d.ReadCount("status.numberAvailable", &v->available);
        if (part == "numberUnavailable") d.ReadCount("status.numberUnavailable", &v->unavailable);
        if (part == "numberMisscheduled")
          d.ReadCount("status.numberMisscheduled", &v->misscheduled);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<Job> v) {
  Decoder d(object, v.get());
  d.Object("job", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "completions") d.Read("spec.completions", &v->completions);
        if (part == "parallelism") d.ReadCount("spec.parallelism", &v->parallelism);
        if (part == "backoffLimit") d.ReadCount("spec.backoffLimit", &v->backoff_limit);
        if (part == "suspend") d.Read("spec.suspend", &v->suspend);
        if (part == "activeDeadlineSeconds")
          d.Read("spec.activeDeadlineSeconds", &v->active_deadline_seconds);
        if (part == "selector") d.Read("spec.selector", &v->selector);
        if (part == "template") DecodePodTemplate(d, &v->pod_template);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "active") d.ReadCount("status.active", &v->active);
        if (part == "succeeded") d.ReadCount("status.succeeded", &v->succeeded);
        if (part == "failed") d.ReadCount("status.failed", &v->failed);
        if (part == "startTime") d.Read("status.startTime", &v->start_time);
        if (part == "completionTime") d.Read("status.completionTime", &v->completion_time);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<CronJob> v) {
  Decoder d(object, v.get());
  d.Object("cronjob", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "schedule") d.Read("spec.schedule", &v->schedule);
        if (part == "timeZone") d.Read("spec.timeZone", &v->time_zone);
        if (part == "suspend") d.Read("spec.suspend", &v->suspend);
        if (part == "concurrencyPolicy") d.Read("spec.concurrencyPolicy", &v->concurrency_policy);
        if (part == "startingDeadlineSeconds")
          d.Read("spec.startingDeadlineSeconds", &v->starting_deadline_seconds);
        if (part == "jobTemplate") {
          d.Object("spec.jobTemplate", [&](std::string_view field) {
            if (field != "spec") return;
            d.Object("spec.jobTemplate.spec", [&](std::string_view inner) {
              if (inner == "template") DecodePodTemplate(d, &v->pod_template);
            });
          });
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "active") d.ReadNames("status.active", &v->active_jobs);
        if (part == "lastScheduleTime") d.Read("status.lastScheduleTime", &v->last_schedule);
        if (part == "lastSuccessfulTime") d.Read("status.lastSuccessfulTime", &v->last_success);
      });
    }
  });
  return v.release();
}

/// autoscaling v2 and v2beta2 nest the target, v2beta1 has flat fields; both are read into the same
/// places.
void DecodeMetricSource(Decoder& d, bool current, HpaMetric* metric) {
  std::optional<int64_t>* utilization =
      current ? &metric->current_utilization : &metric->target_utilization;
  Str* value = current ? &metric->current_value : &metric->target_value;
  const auto amounts = [&](std::string_view key) {
    if (key == "averageUtilization") d.Read("metrics.averageUtilization", utilization);
    if ((key == "averageValue" || key == "value") && value->empty()) {
      Quantity quantity;
      d.Read("metrics.value", &quantity);
      *value = quantity.text;
    }
  };
  d.Object("metrics", [&](std::string_view key) {
    if (key == "name" || key == "metricName") d.Read("metrics.name", &metric->name);
    if (key == "metric") {
      d.Object("metrics.metric", [&](std::string_view part) {
        if (part == "name") d.Read("metrics.metric.name", &metric->name);
      });
    }
    if (key == "target" || key == "current") {
      // v2beta1's "target" of an Object metric is a reference: no amounts in it, nothing is read.
      d.Object("metrics.target", amounts);
    }
    if (key == "targetAverageUtilization" || key == "currentAverageUtilization")
      d.Read("metrics.utilization", utilization);
    if (key == "targetAverageValue" || key == "currentAverageValue" || key == "targetValue" ||
        key == "currentValue") {
      Quantity quantity;
      d.Read("metrics.value", &quantity);
      *value = quantity.text;
    }
  });
}

void DecodeMetrics(Decoder& d, bool current, std::vector<HpaMetric>* metrics) {
  size_t index = 0;
  d.Array("metrics", [&] {
    // Current values stand in the order of the targets, which the server keeps.
    if (index == metrics->size()) metrics->emplace_back();
    HpaMetric* metric = &(*metrics)[index++];
    d.Object("metrics", [&](std::string_view key) {
      if (key == "type") {
        d.Read("metrics.type", &metric->type);
      } else if (d.Next() == '{') {
        DecodeMetricSource(d, current, metric);
      }
    });
  });
}

View* Decode(const Object& object, std::unique_ptr<HorizontalPodAutoscaler> v) {
  Decoder d(object, v.get());
  d.Object("hpa", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "scaleTargetRef") d.Read("spec.scaleTargetRef", &v->target);
        if (part == "minReplicas") d.ReadCount("spec.minReplicas", &v->min_replicas);
        if (part == "maxReplicas") d.ReadCount("spec.maxReplicas", &v->max_replicas);
        if (part == "metrics") DecodeMetrics(d, false, &v->metrics);
        if (part == "targetCPUUtilizationPercentage") {
          HpaMetric cpu;
          cpu.type = "Resource";
          cpu.name = "cpu";
          d.Read("spec.targetCPUUtilizationPercentage", &cpu.target_utilization);
          v->metrics.push_back(cpu);
        }
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "currentReplicas") d.ReadCount("status.currentReplicas", &v->current_replicas);
        if (part == "desiredReplicas") d.ReadCount("status.desiredReplicas", &v->desired_replicas);
        if (part == "currentMetrics") DecodeMetrics(d, true, &v->metrics);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
        if (part == "lastScaleTime") d.Read("status.lastScaleTime", &v->last_scale);
        if (part == "currentCPUUtilizationPercentage" && !v->metrics.empty()) {
          d.Read("status.currentCPUUtilizationPercentage", &v->metrics[0].current_utilization);
        }
      });
    }
  });
  return v.release();
}

View* Decode(const Object& object, std::unique_ptr<PodDisruptionBudget> v) {
  v->empty_selects_all = object.meta().api_version != "policy/v1beta1";
  Decoder d(object, v.get());
  d.Object("pdb", [&](std::string_view key) {
    if (key == "spec") {
      d.Object("spec", [&](std::string_view part) {
        if (part == "minAvailable") d.Read("spec.minAvailable", &v->min_available);
        if (part == "maxUnavailable") d.Read("spec.maxUnavailable", &v->max_unavailable);
        if (part == "selector") d.Read("spec.selector", &v->selector);
      });
    }
    if (key == "status") {
      d.Object("status", [&](std::string_view part) {
        if (part == "disruptionsAllowed")
          d.ReadCount("status.disruptionsAllowed", &v->disruptions_allowed);
        if (part == "currentHealthy") d.ReadCount("status.currentHealthy", &v->current_healthy);
        if (part == "desiredHealthy") d.ReadCount("status.desiredHealthy", &v->desired_healthy);
        if (part == "expectedPods") d.ReadCount("status.expectedPods", &v->expected_pods);
        if (part == "conditions") d.Read("status.conditions", &v->conditions);
      });
    }
  });
  return v.release();
}

}  // namespace

void DecodePodTemplate(Decoder& d, PodTemplate* pod_template) {
  d.Object("spec.template", [&](std::string_view key) {
    if (key == "spec") DecodePodSpec(d, &pod_template->spec);
    if (key == "metadata") {
      d.Object("spec.template.metadata", [&](std::string_view part) {
        if (part == "labels") d.Read("spec.template.metadata.labels", &pod_template->labels);
        if (part == "annotations")
          d.Read("spec.template.metadata.annotations", &pod_template->annotations);
      });
    }
  });
}

View* DecodeWorkloadView(int view_id, const Object& object) {
  switch (view_id) {
    case kDeploymentView:
      return Decode(object, std::make_unique<Deployment>());
    case kReplicaSetView:
      return Decode(object, std::make_unique<ReplicaSet>());
    case kStatefulSetView:
      return Decode(object, std::make_unique<StatefulSet>());
    case kDaemonSetView:
      return Decode(object, std::make_unique<DaemonSet>());
    case kJobView:
      return Decode(object, std::make_unique<Job>());
    case kCronJobView:
      return Decode(object, std::make_unique<CronJob>());
    case kHorizontalPodAutoscalerView:
      return Decode(object, std::make_unique<HorizontalPodAutoscaler>());
    case kPodDisruptionBudgetView:
      return Decode(object, std::make_unique<PodDisruptionBudget>());
    default:
      return nullptr;
  }
}

}  // namespace opsmesh::kube
