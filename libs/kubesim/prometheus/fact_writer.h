// Writes the state metrics of one object: private to FactsOf.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/promql/labels.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim::prometheus {

/// A number as it stands, 0 for anything else.
double NumberOf(const Json& value);
/// A quantity in its base unit ("500m" = 0.5); NaN when it is none.
double AmountOf(const Json& quantity);
/// "label_" or the like before a key whose signs no Prometheus label may have: "label_app_tier".
std::string LabelName(const char* prefix, const std::string& key);

class FactWriter {
 public:
  /// Every fact bears the object's namespace and, under `own_label`, its name. `object` must
  /// outlive the writer.
  FactWriter(const Json& object, std::string own_label);

  /// One more label on all facts that follow.
  void Bear(std::string label, std::string value);
  /// Nothing when `value` is NaN. `since`, `before`: as in Fact.
  void Add(std::string metric, double value, promql::Labels more = {}, double since = kNaN,
           double before = kNaN);
  void AddPath(std::string metric, std::initializer_list<const char*> path, double otherwise = 0);
  /// The moment at the path in seconds since the epoch; nothing when there is none.
  void AddTime(std::string metric, std::initializer_list<const char*> path);
  /// What every kind of object has: `prefix` + "_created", "_deletion_timestamp", and "_labels" as
  /// with --metric-labels-allowlist=...=[*].
  void AddCommon(const std::string& prefix);
  /// `prefix` + "_metadata_generation" and "_status_observed_generation".
  void AddGenerations(const std::string& prefix);
  /// One series for each owner; one without an owner's name where there is none.
  void AddOwners(const std::string& metric);
  /// 1 for the one of `all` that is there, 0 for the others.
  void AddOneOf(const std::string& metric, const char* label, const std::string& there,
                std::initializer_list<const char*> all);
  /// One series for each of "true", "false", "unknown"; the present one since the transition, its
  /// opposite before.
  void AddConditions(const std::string& metric, const std::string& status_label = "status");
  void AddResources(const std::string& metric, const Json& list, const promql::Labels& more = {});
  std::vector<Fact> Take() { return std::move(facts_); }

 private:
  const Json& object_;
  promql::Labels labels_;
  std::vector<Fact> facts_;
};

// One function for each kind, by group.
std::vector<Fact> PodFacts(const Json& pod);  // and of its containers

std::vector<Fact> DeploymentFacts(const Json& deployment);
std::vector<Fact> ReplicaSetFacts(const Json& set);
std::vector<Fact> ReplicationControllerFacts(const Json& controller);
std::vector<Fact> StatefulSetFacts(const Json& set);
std::vector<Fact> DaemonSetFacts(const Json& set);
std::vector<Fact> JobFacts(const Json& job);
std::vector<Fact> CronJobFacts(const Json& job);
std::vector<Fact> AutoscalerFacts(const Json& autoscaler);

std::vector<Fact> ServiceFacts(const Json& service);
std::vector<Fact> EndpointsFacts(const Json& endpoints);
std::vector<Fact> EndpointSliceFacts(const Json& slice);
std::vector<Fact> IngressFacts(const Json& ingress);
std::vector<Fact> IngressClassFacts(const Json& ingress_class);
std::vector<Fact> NetworkPolicyFacts(const Json& policy);

std::vector<Fact> ClaimFacts(const Json& claim);
std::vector<Fact> VolumeFacts(const Json& volume);
std::vector<Fact> StorageClassFacts(const Json& storage_class);
std::vector<Fact> VolumeAttachmentFacts(const Json& attachment);
std::vector<Fact> ConfigMapFacts(const Json& map);
std::vector<Fact> SecretFacts(const Json& secret);  // its name and type, nothing of its data

std::vector<Fact> QuotaFacts(const Json& quota);
std::vector<Fact> LimitRangeFacts(const Json& range);
std::vector<Fact> BudgetFacts(const Json& budget);
std::vector<Fact> LeaseFacts(const Json& lease);
std::vector<Fact> CertificateRequestFacts(const Json& request);
std::vector<Fact> MutatingWebhookFacts(const Json& configuration);
std::vector<Fact> ValidatingWebhookFacts(const Json& configuration);

}  // namespace opsmesh::kubesim::prometheus
