#include "services/k8s/network_policies.h"

#include <map>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/fields.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

struct Coverage {
  int64_t pods = 0;
  int64_t ingress = 0;  // pods with a policy for ingress
  int64_t egress = 0;
};

std::string RuleWords(const std::vector<kube::NetworkPolicyRule>& rules, bool applies) {
  if (!applies) return "-";
  if (rules.empty()) return "deny all";
  for (const kube::NetworkPolicyRule& rule : rules) {
    if (rule.peers.empty() && rule.ports.empty()) return "allow all";
  }
  return fmt::format("{} rule{}", rules.size(), rules.size() == 1 ? "" : "s");
}

using CoverageByNamespace = std::map<std::string, Coverage>;

// Of the pods that run and have an address of their own.
CoverageByNamespace CoverageOf(Picture& picture) {
  CoverageByNamespace by_namespace;
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    if (pod.phase == "Succeeded" || pod.phase == "Failed" || pod.spec.host_network) return;
    Coverage& c = by_namespace[std::string(object.ns())];
    const PoliciesOfPod policies = PoliciesFor(picture, object);
    ++c.pods;
    c.ingress += policies.ingress.empty() ? 0 : 1;
    c.egress += policies.egress.empty() ? 0 : 1;
  });
  return by_namespace;
}

struct PolicyCount {
  int64_t all = 0;
  int64_t idle = 0;  // they select no pod
};

// One row and one entry a policy.
PolicyCount ListPolicies(Picture& picture, TextTable* table, JsonWriter* json) {
  PolicyCount count;
  ForEach<kube::NetworkPolicy>(
      picture.In("networkpolicies"),
      [&](const kube::Object& object, const kube::NetworkPolicy& policy) {
        const auto selected = policy.pods.empty()
                                  ? picture.All("pods").InNamespace(object.ns()).size()
                                  : picture.All("pods").Matching(object.ns(), policy.pods).size();
        ++count.all;
        count.idle += selected == 0 ? 1 : 0;
        const std::string in = RuleWords(policy.ingress, policy.ingress_applies),
                          eg = RuleWords(policy.egress, policy.egress_applies);
        table->AddRow({std::string(object.ns()), std::string(object.name()),
                       std::to_string(selected), in, eg});
        json->BeginObject()
            .Field("namespace", object.ns())
            .Field("name", object.name())
            .Field("pod_selector", ShowSelector(policy.pods));
        json->Field("selected_pods", static_cast<int64_t>(selected))
            .Field("ingress", in)
            .Field("egress", eg)
            .EndObject();
      });
  return count;
}

// One row and one entry a namespace; the sum of all.
Coverage ListCoverage(const CoverageByNamespace& by_namespace, TextTable* table, JsonWriter* json) {
  Coverage sum;
  for (const auto& [ns, c] : by_namespace) {
    sum.pods += c.pods;
    sum.ingress += c.ingress;
    table->AddRow(
        {ns, std::to_string(c.pods), std::to_string(c.ingress), std::to_string(c.egress)});
    json->BeginObject()
        .Field("namespace", ns)
        .Field("pods", c.pods)
        .Field("ingress_restricted", c.ingress)
        .Field("egress_restricted", c.egress)
        .EndObject();
  }
  return sum;
}

}  // namespace

PoliciesOfPod PoliciesFor(Picture& picture, const kube::Object& pod) {
  PoliciesOfPod out;
  for (const kube::ObjectPtr& object : picture.All("networkpolicies").InNamespace(pod.ns())) {
    const auto* policy = object->As<kube::NetworkPolicy>();
    // An absent or empty podSelector selects every pod of the namespace.
    if (!policy || !(policy->pods.empty() || policy->pods.Matches(pod.meta().labels))) continue;
    if (policy->ingress_applies) out.ingress.push_back(object);
    if (policy->egress_applies) out.egress.push_back(object);
  }
  return out;
}

absl::StatusOr<ToolResult> CheckNetworkPolicies(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("networkpolicies"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  const CoverageByNamespace by_namespace = CoverageOf(picture);
  ToolResult out;
  JsonWriter json;
  TextTable policies({"NAMESPACE", "POLICY", "PODS SELECTED", "INGRESS", "EGRESS"});
  json.BeginObject().Key("policies").BeginArray();
  const PolicyCount count = ListPolicies(picture, &policies, &json);
  json.EndArray().Key("namespaces").BeginArray();
  TextTable coverage({"NAMESPACE", "PODS", "INGRESS RESTRICTED", "EGRESS RESTRICTED"});
  const Coverage sum = ListCoverage(by_namespace, &coverage, &json);
  const int64_t open = sum.pods - sum.ingress;
  json.EndArray().Field("policy_total", count.all).Field("open_pods", open).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("networkpolicies"), picture.ns());
  out.text = Say(
      "{0}有 {2} 条网络策略，其中 {3} 条没有选中任何 Pod；{4} 个 Pod 中 {5} 个没有入站限制。\n\n",
      "{2} network policies {1}, {3} of which select no pod; {5} of {4} pods have no ingress "
      "restriction.\n\n",
      place.zh, place.en, count.all, count.idle, sum.pods, open);
  out.text.AppendBoth(policies.Render() + (policies.empty() ? "" : "\n") + coverage.Render());
  out.AddFact("networkpolicies.total", count.all);
  out.AddFact("pods.without_ingress_policy", open);
  out.ledger = picture.ledger();
  out.ledger.NotChecked(
      "network plugin", "enforcement of policies",
      "whether the cluster's network plugin enforces policies cannot be read from the API");
  return out;
}

}  // namespace opsmesh::k8s
