// What kube-state-metrics 2 says about objects, in its names (its documentation, "Exposed
// Metrics"): here the table of kinds, nodes and namespaces.
#include <map>

#include "libs/base/strings.h"
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/prometheus/history.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

std::string AddressOf(const Json& node, const char* type) {
  for (const Json& address : ListAt(node, {"status", "addresses"})) {
    if (TextAt(address, "type") == type) return TextAt(address, "address");
  }
  return "";
}

void Roles(FactWriter& w, const Json& node) {
  const Json& labels = At(node, {"metadata", "labels"});
  if (!labels.is_object()) return;
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  for (const auto& [key, value] : labels.items()) {
    if (key.starts_with(kPrefix))
      w.Add("kube_node_role", 1, {{"role", key.substr(kPrefix.size())}});
  }
}

std::vector<Fact> NodeFacts(const Json& node) {
  FactWriter w(node, "node");
  const auto info = [&](const char* member) {
    return TextAt(node, {"status", "nodeInfo", member});
  };
  w.Add("kube_node_info", 1,
        {{"kernel_version", info("kernelVersion")},
         {"os_image", info("osImage")},
         {"container_runtime_version", info("containerRuntimeVersion")},
         {"kubelet_version", info("kubeletVersion")},
         {"kubeproxy_version", info("kubeProxyVersion")},
         {"provider_id", TextAt(node, {"spec", "providerID"})},
         {"pod_cidr", TextAt(node, {"spec", "podCIDR"})},
         {"system_uuid", info("systemUUID")},
         {"internal_ip", AddressOf(node, "InternalIP")}});
  w.AddCommon("kube_node");
  Roles(w, node);
  for (const Json& cidr : ListAt(node, {"spec", "podCIDRs"})) {
    if (cidr.is_string())
      w.Add("kube_node_spec_pod_cidrs", 1, {{"pod_cidr", cidr.get<std::string>()}});
  }
  for (const Json& address : ListAt(node, {"status", "addresses"})) {
    w.Add("kube_node_status_addresses", 1,
          {{"type", TextAt(address, "type")}, {"address", TextAt(address, "address")}});
  }
  w.AddConditions("kube_node_status_condition");
  w.AddResources("kube_node_status_capacity", At(node, {"status", "capacity"}));
  w.AddResources("kube_node_status_allocatable", At(node, {"status", "allocatable"}));
  w.Add("kube_node_spec_unschedulable", BoolAt(node, {"spec", "unschedulable"}) ? 1 : 0);
  for (const Json& taint : ListAt(node, {"spec", "taints"})) {
    w.Add("kube_node_spec_taint", 1,
          {{"key", TextAt(taint, "key")},
           {"value", TextAt(taint, "value")},
           {"effect", TextAt(taint, "effect")}},
          Time(At(taint, "timeAdded")));
  }
  return w.Take();
}

std::vector<Fact> NamespaceFacts(const Json& n) {
  FactWriter w(n, "namespace");
  w.AddOneOf("kube_namespace_status_phase", "phase", TextAt(n, {"status", "phase"}),
             {"Active", "Terminating"});
  w.AddConditions("kube_namespace_status_condition");
  w.AddCommon("kube_namespace");
  return w.Take();
}

}  // namespace

double Time(const Json& text) {
  absl::Time time;
  if (!text.is_string() || !base::ParseRfc3339(text.get<std::string>(), &time)) return kNaN;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

std::vector<Fact> FactsOf(const std::string& plural, const Json& object) {
  using Maker = std::vector<Fact> (*)(const Json&);
  static const auto* const kMakers =
      new std::map<std::string, Maker>{{"pods", PodFacts},
                                       {"nodes", NodeFacts},
                                       {"namespaces", NamespaceFacts},
                                       {"deployments", DeploymentFacts},
                                       {"replicasets", ReplicaSetFacts},
                                       {"replicationcontrollers", ReplicationControllerFacts},
                                       {"statefulsets", StatefulSetFacts},
                                       {"daemonsets", DaemonSetFacts},
                                       {"jobs", JobFacts},
                                       {"cronjobs", CronJobFacts},
                                       {"horizontalpodautoscalers", AutoscalerFacts},
                                       {"persistentvolumeclaims", ClaimFacts},
                                       {"persistentvolumes", VolumeFacts},
                                       {"storageclasses", StorageClassFacts},
                                       {"volumeattachments", VolumeAttachmentFacts},
                                       {"configmaps", ConfigMapFacts},
                                       {"secrets", SecretFacts},
                                       {"services", ServiceFacts},
                                       {"endpoints", EndpointsFacts},
                                       {"endpointslices", EndpointSliceFacts},
                                       {"ingresses", IngressFacts},
                                       {"ingressclasses", IngressClassFacts},
                                       {"networkpolicies", NetworkPolicyFacts},
                                       {"resourcequotas", QuotaFacts},
                                       {"limitranges", LimitRangeFacts},
                                       {"poddisruptionbudgets", BudgetFacts},
                                       {"leases", LeaseFacts},
                                       {"certificatesigningrequests", CertificateRequestFacts},
                                       {"mutatingwebhookconfigurations", MutatingWebhookFacts},
                                       {"validatingwebhookconfigurations", ValidatingWebhookFacts}};
  const auto found = kMakers->find(plural);
  return found == kMakers->end() ? std::vector<Fact>() : found->second(object);
}

}  // namespace opsmesh::kubesim::prometheus
