// What a status may say: counts that fit each other, addresses, what does not change.
#include <fmt/format.h>

#include <set>

#include "libs/kubesim/objects/validate_limits.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kIp = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

struct Counts {
  Causes* causes;
  const Json& status;

  int64_t Of(const char* member) const { return IntAt(status, member); }
  void NotBelowZero(std::initializer_list<const char*> members) const {
    for (const char* member : members) NonNegative(*causes, status, member, "status.");
  }
  void NotAbove(const char* member, const char* most, const char* shown) const {
    if (Of(member) > Of(most))
      InvalidNumber(*causes, fmt::format("status.{}", member), Of(member),
                    fmt::format("cannot be greater than {}", shown));
  }
};

void ValidateDeploymentCounts(const Counts& counts) {
  counts.NotBelowZero({"observedGeneration", "replicas", "updatedReplicas", "readyReplicas",
                       "availableReplicas", "unavailableReplicas", "collisionCount"});
  for (const char* member : {"updatedReplicas", "readyReplicas", "availableReplicas"})
    counts.NotAbove(member, "replicas", "status.replicas");
  counts.NotAbove("availableReplicas", "readyReplicas", "readyReplicas");
}

// ReplicaSets and ReplicationControllers.
void ValidateReplicaCounts(const Counts& counts) {
  counts.NotBelowZero({"replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas",
                       "observedGeneration"});
  for (const char* member : {"fullyLabeledReplicas", "readyReplicas", "availableReplicas"})
    counts.NotAbove(member, "replicas", "status.replicas");
  counts.NotAbove("availableReplicas", "readyReplicas", "readyReplicas");
}

void ValidateStatefulCounts(const Counts& counts) {
  counts.NotBelowZero({"replicas", "readyReplicas", "currentReplicas", "updatedReplicas",
                       "availableReplicas", "observedGeneration", "collisionCount"});
  for (const char* member :
       {"readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"})
    counts.NotAbove(member, "replicas", "status.replicas");
  counts.NotAbove("availableReplicas", "readyReplicas", "status.readyReplicas");
}

void ValidateAddresses(Causes& causes, const Json& status, const char* member,
                       const char* go_type) {
  const Json& list = ListAt(status, {member});
  std::set<bool> families;
  std::string shown;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string ip = TextAt(list[i], "ip");
    if (!ValidIp(ip)) InvalidText(causes, fmt::format("status.{}[{}]", member, i), ip, kIp);
    families.insert(ip.find(':') != std::string::npos);
    shown += fmt::format("{}{}{{IP:\"{}\"}}", i == 0 ? "" : ", ", go_type, ip);
  }
  if (list.size() > 2 || (list.size() == 2 && families.size() < 2))
    Invalid(causes, fmt::format("status.{}", member), fmt::format("[]{}{{{}}}", go_type, shown),
            "may specify no more than one IP for each IP family");
}

void ValidatePodStatus(Causes& causes, const Json& status, const Json& before) {
  if (const std::string name = TextAt(status, "nominatedNodeName"); !name.empty())
    InvalidText(causes, "status.nominatedNodeName", name, SubdomainFault(name));
  ValidateAddresses(causes, status, "podIPs", "core.PodIP");
  ValidateAddresses(causes, status, "hostIPs", "core.HostIP");
  const std::string qos = TextAt(status, "qosClass"), old = TextAt(before, "qosClass");
  if (!old.empty() && qos != old) Immutable(causes, "status.qosClass", GoQuoted(qos));
}

}  // namespace

namespace {

// Of a Service or an Ingress.
void ValidateBalancerStatus(Causes& causes, const Json& object, bool service) {
  const Json& ingress = ListAt(object, {"status", "loadBalancer", "ingress"});
  const std::string field = "status.loadBalancer.ingress";
  if (ingress.empty()) return;
  if (service && TextAt(object, {"spec", "type"}) != "LoadBalancer")
    return Forbidden(causes, field, "may only be used when `spec.type` is 'LoadBalancer'");
  for (size_t i = 0; i < ingress.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", field, i), ip = TextAt(ingress[i], "ip"),
                      host = TextAt(ingress[i], "hostname"), mode = TextAt(ingress[i], "ipMode");
    if (!ip.empty() && !ValidIp(ip)) InvalidText(causes, at + ".ip", ip, kIp);
    if (!mode.empty() && ip.empty())
      Forbidden(causes, at + ".ipMode", "may not be specified when `ip` is not set");
    else if (!mode.empty())
      OneOf(causes, at + ".ipMode", mode, {"Proxy", "VIP"});
    if (host.empty()) continue;
    InvalidText(causes, at + ".hostname", host, SubdomainFault(host));
    if (ValidIp(host))
      InvalidText(causes, at + ".hostname", host, "must be a DNS name, not an IP address");
  }
}

// Conditions of the form that all newer kinds share.
void ValidateSharedConditions(Causes& causes, const Json& list) {
  std::set<std::string> types;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("status.conditions[{}]", i), type = TextAt(list[i], "type"),
                      status = TextAt(list[i], "status");
    if (!types.insert(type).second) Duplicate(causes, at + ".type", GoQuoted(type));
    InvalidText(causes, at + ".type", type, QualifiedFault(type));
    if (status != "True" && status != "False" && status != "Unknown")
      causes.push_back(
          {"FieldValueNotSupported",
           fmt::format("Unsupported value: {}: supported values: \"False\", \"True\", \"Unknown\"",
                       GoQuoted(status)),
           at + ".status"});
    if (TextAt(list[i], "lastTransitionTime").empty())
      Required(causes, at + ".lastTransitionTime", "must be set");
    if (TextAt(list[i], "reason").empty()) Required(causes, at + ".reason", "must be set");
  }
}

void ValidateNamespacePhase(Causes& causes, const Json& space) {
  const bool leaving = !TextAt(space, {"metadata", "deletionTimestamp"}).empty();
  const std::string phase = TextAt(space, {"status", "phase"}),
                    wanted = leaving ? "Terminating" : "Active";
  if (phase != wanted)
    InvalidText(causes, "status.Phase", phase,
                fmt::format("may only be '{}' if `deletionTimestamp` is {}empty", wanted,
                            leaving ? "not " : ""));
}

void ValidateClaimStatus(Causes& causes, const Json& status) {
  static const std::set<std::string> words = {"ControllerResizeInProgress",
                                              "ControllerResizeInfeasible", "NodeResizeInProgress",
                                              "NodeResizeInfeasible", "NodeResizePending"};
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "\"" : ", \"") + word + "\"";
  const Json& steps = At(status, "allocatedResourceStatuses");
  if (!steps.is_object()) return;
  for (const auto& [name, step] : steps.items()) {
    if (!words.contains(Scalar(step)))
      causes.push_back({"FieldValueNotSupported",
                        fmt::format("Unsupported value: {}: supported values: {}", name, list),
                        "status.allocatedResourceStatus"});
  }
}

}  // namespace

Causes ValidateStatus(const ResourceType& type, const Json& object, const Json& before) {
  Causes causes;
  const std::string& key = type.storage_key;
  const Json& status = At(object, "status");
  const Counts counts{&causes, status};
  if (key == "apps/deployments") ValidateDeploymentCounts(counts);
  if (key == "apps/replicasets" || key == "/replicationcontrollers") ValidateReplicaCounts(counts);
  if (key == "apps/statefulsets") ValidateStatefulCounts(counts);
  if (key == "/services" || key == "networking.k8s.io/ingresses")
    ValidateBalancerStatus(causes, object, key == "/services");
  if (key == "apps/daemonsets")
    counts.NotBelowZero({"currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
                         "numberReady", "observedGeneration", "updatedNumberScheduled",
                         "numberAvailable", "numberUnavailable", "collisionCount"});
  if (key == "policy/poddisruptionbudgets") {
    ValidateSharedConditions(causes, ListAt(status, {"conditions"}));
    counts.NotBelowZero({"disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"});
  }
  if (key == "autoscaling/horizontalpodautoscalers")
    counts.NotBelowZero({"currentReplicas", "desiredReplicas"});
  if (key == "/namespaces") ValidateNamespacePhase(causes, object);
  if (key == "/persistentvolumeclaims") ValidateClaimStatus(causes, status);
  if (key == "/resourcequotas") {
    for (const char* member : {"hard", "used"})
      ValidateQuotaAmounts(causes, At(status, member), fmt::format("status.{}", member));
  }
  if (key == "batch/jobs") ValidateJobStatus(causes, object, At(before, "status"));
  if (key == "/pods") ValidatePodStatus(causes, status, At(before, "status"));
  if (key == "/nodes") ValidateContent(causes, type, object, before);
  return causes;
}

}  // namespace opsmesh::kubesim
