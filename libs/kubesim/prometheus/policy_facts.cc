// What kube-state-metrics says about limits, leases, certificates and webhooks.
#include <cmath>

#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

std::vector<Fact> Webhooks(const Json& configuration, const std::string& kind) {
  const std::string prefix = "kube_" + kind;
  FactWriter w(configuration, kind);
  w.Add(prefix + "_info", 1);
  w.AddCommon(prefix);
  for (const Json& hook : ListAt(configuration, {"webhooks"})) {
    const Json& service = At(hook, {"clientConfig", "service"});
    if (!service.is_object()) continue;
    w.Add(prefix + "_webhook_clientconfig_service", 1,
          {{"webhook_name", TextAt(hook, "name")},
           {"service_name", TextAt(service, "name")},
           {"service_namespace", TextAt(service, "namespace")}});
  }
  return w.Take();
}

}  // namespace

std::vector<Fact> QuotaFacts(const Json& q) {
  FactWriter w(q, "resourcequota");
  w.AddCommon("kube_resourcequota");
  for (const char* type : {"hard", "used"}) {
    const Json& list = At(q, {"status", type});
    if (!list.is_object()) continue;
    for (const auto& [name, quantity] : list.items())
      w.Add("kube_resourcequota", AmountOf(quantity), {{"resource", name}, {"type", type}});
  }
  return w.Take();
}

std::vector<Fact> LimitRangeFacts(const Json& l) {
  FactWriter w(l, "limitrange");
  w.AddCommon("kube_limitrange");
  for (const Json& limit : ListAt(l, {"spec", "limits"})) {
    for (const char* constraint :
         {"min", "max", "default", "defaultRequest", "maxLimitRequestRatio"}) {
      const Json& list = At(limit, constraint);
      if (!list.is_object()) continue;
      for (const auto& [resource, quantity] : list.items()) {
        w.Add(
            "kube_limitrange", AmountOf(quantity),
            {{"resource", resource}, {"type", TextAt(limit, "type")}, {"constraint", constraint}});
      }
    }
  }
  return w.Take();
}

std::vector<Fact> BudgetFacts(const Json& p) {
  FactWriter w(p, "poddisruptionbudget");
  w.AddCommon("kube_poddisruptionbudget");
  w.AddPath("kube_poddisruptionbudget_status_current_healthy", {"status", "currentHealthy"});
  w.AddPath("kube_poddisruptionbudget_status_desired_healthy", {"status", "desiredHealthy"});
  w.AddPath("kube_poddisruptionbudget_status_expected_pods", {"status", "expectedPods"});
  w.AddPath("kube_poddisruptionbudget_status_pod_disruptions_allowed",
            {"status", "disruptionsAllowed"});
  w.AddPath("kube_poddisruptionbudget_status_observed_generation",
            {"status", "observedGeneration"});
  return w.Take();
}

std::vector<Fact> LeaseFacts(const Json& l) {
  FactWriter w(l, "lease");
  std::string owner_kind;
  std::string owner_name;
  for (const Json& owner : ListAt(l, {"metadata", "ownerReferences"})) {
    owner_kind = TextAt(owner, "kind");
    owner_name = TextAt(owner, "name");
  }
  w.Add("kube_lease_owner", 1,
        {{"owner_kind", owner_kind},
         {"owner_name", owner_name},
         {"lease_holder", TextAt(l, {"spec", "holderIdentity"})}});
  const double renewed = Time(At(l, {"spec", "renewTime"}));
  w.Add("kube_lease_renew_time", std::floor(renewed), {}, renewed);
  return w.Take();
}

std::vector<Fact> CertificateRequestFacts(const Json& c) {
  FactWriter w(c, "certificatesigningrequest");
  w.Bear("signer_name", TextAt(c, {"spec", "signerName"}));
  w.AddCommon("kube_certificatesigningrequest");
  for (const auto& [condition, type] :
       {std::pair("approved", "Approved"), std::pair("denied", "Denied"),
        std::pair("failed", "Failed")}) {
    double count = 0;
    for (const Json& one : ListAt(c, {"status", "conditions"})) {
      if (TextAt(one, "type") == type) ++count;
    }
    w.Add("kube_certificatesigningrequest_condition", count, {{"condition", condition}});
  }
  w.Add("kube_certificatesigningrequest_cert_length",
        static_cast<double>(TextAt(c, {"status", "certificate"}).size()));
  return w.Take();
}

std::vector<Fact> MutatingWebhookFacts(const Json& configuration) {
  return Webhooks(configuration, "mutatingwebhookconfiguration");
}

std::vector<Fact> ValidatingWebhookFacts(const Json& configuration) {
  return Webhooks(configuration, "validatingwebhookconfiguration");
}

}  // namespace opsmesh::kubesim::prometheus
