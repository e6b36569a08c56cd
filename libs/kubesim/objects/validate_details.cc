// Rarer mistakes in common kinds: members of volumes, claims, policies and
// autoscalers.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

void CheckStorage(Causes& causes, const Json& spec, bool claim) {
  if (const std::string mode = TextAt(spec, "volumeMode"); !mode.empty())
    OneOf(causes, "spec.volumeMode", mode, {"Block", "Filesystem"});
  if (claim) {
    if (const std::string name = TextAt(spec, "storageClassName"); !name.empty()) {
      if (auto fault = SubdomainFault(name); !fault.empty())
        InvalidText(causes, "spec.storageClassName", name, fault);
    }
    return ValidateSelectorShape(causes, At(spec, "selector"), "spec.selector");
  }
  std::string first;
  for (const char* source : {"hostPath", "gcePersistentDisk", "awsElasticBlockStore", "nfs",
                             "iscsi", "fc", "csi", "local", "cephfs", "rbd", "glusterfs"}) {
    if (!At(spec, source).is_object()) continue;
    if (!first.empty())
      Forbidden(causes, fmt::format("spec.{}", source), "may not specify more than 1 volume type");
    first = source;
  }
  if (const Json& nfs = At(spec, "nfs"); nfs.is_object()) {
    if (TextAt(nfs, "server").empty()) Required(causes, "spec.nfs.server");
    if (TextAt(nfs, "path").empty())
      Required(causes, "spec.nfs.path");
    else if (!TextAt(nfs, "path").starts_with('/'))
      InvalidText(causes, "spec.nfs.path", TextAt(nfs, "path"), "must be an absolute path");
  }
  if (HasBacksteps(TextAt(spec, {"hostPath", "path"})))
    InvalidText(causes, "spec.hostPath.path", TextAt(spec, {"hostPath", "path"}),
                "must not contain '..'");
  if (At(spec, {"nodeAffinity", "required"}).is_object() &&
      ListAt(spec, {"nodeAffinity", "required", "nodeSelectorTerms"}).empty()) {
    Required(causes, "spec.nodeAffinity.required.nodeSelectorTerms",
             "must have at least one node selector term");
  }
}

void CheckScalingRules(Causes& causes, const Json& rules, const std::string& at) {
  if (!rules.is_object()) return;
  if (const int64_t window = IntAt(rules, "stabilizationWindowSeconds"); window > 3600)
    InvalidNumber(causes, at + ".stabilizationWindowSeconds", window,
                  "must be less than or equal to 3600");
  else
    NonNegative(causes, rules, "stabilizationWindowSeconds", at + ".");
  if (const std::string select = TextAt(rules, "selectPolicy"); !select.empty())
    OneOf(causes, at + ".selectPolicy", select, {"Disabled", "Max", "Min"});
  const Json& policies = ListAt(rules, {"policies"});
  for (size_t i = 0; i < policies.size(); ++i) {
    const std::string here = fmt::format("{}.policies[{}]", at, i);
    OneOf(causes, here + ".type", TextAt(policies[i], "type"), {"Percent", "Pods"});
    for (const char* member : {"value", "periodSeconds"}) {
      if (IntAt(policies[i], member) <= 0)
        InvalidNumber(causes, fmt::format("{}.{}", here, member), IntAt(policies[i], member),
                      "must be greater than zero");
    }
    if (IntAt(policies[i], "periodSeconds") > 1800)
      InvalidNumber(causes, here + ".periodSeconds", IntAt(policies[i], "periodSeconds"),
                    "must be less than or equal to 1800");
  }
}

void CheckAutoscaler(Causes& causes, const Json& spec) {
  const Json& metrics = ListAt(spec, {"metrics"});
  for (size_t i = 0; i < metrics.size(); ++i) {
    const std::string at = fmt::format("spec.metrics[{}]", i),
                      own = base::AsciiLower(TextAt(metrics[i], "type"));
    if (own != "object" && own != "pods" && own != "resource" && own != "external" &&
        own != "containerresource")
      continue;
    for (const char* member : {"object", "pods", "resource", "external", "containerResource"}) {
      if (base::AsciiLower(member) != own && At(metrics[i], member).is_object())
        Forbidden(causes, fmt::format("{}.{}", at, member),
                  "must populate the given metric source only");
    }
    const Json& target = At(metrics[i], {"resource", "target"});
    if (!target.is_object()) continue;
    const std::string here = at + ".resource.target", type = TextAt(target, "type");
    if (type != "Utilization" && type != "Value" && type != "AverageValue")
      InvalidText(causes, here + ".type", type,
                  "must be either Utilization, Value, or AverageValue");
    if (!At(target, "averageUtilization").is_null() && !At(target, "averageValue").is_null())
      Forbidden(causes, here + ".averageValue",
                "may not set both a target raw value and a target utilization");
  }
  CheckScalingRules(causes, At(spec, {"behavior", "scaleUp"}), "spec.behavior.scaleUp");
  CheckScalingRules(causes, At(spec, {"behavior", "scaleDown"}), "spec.behavior.scaleDown");
}

void CheckPolicy(Causes& causes, const Json& spec) {
  const Json& types = ListAt(spec, {"policyTypes"});
  if (types.size() <= 2) return;
  std::string list;
  for (const Json& type : types)
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", Scalar(type));
  Invalid(causes, "spec.policyTypes", "[]networking.PolicyType{" + list + "}",
          "may not specify more than two policyTypes");
}

}  // namespace

void ValidateDetails(Causes& causes, const ResourceType& type, const Json& object) {
  const std::string& key = type.storage_key;
  const Json& spec = At(object, "spec");
  if (key == "/persistentvolumeclaims" || key == "/persistentvolumes")
    CheckStorage(causes, spec, key.ends_with("claims"));
  if (key == "autoscaling/horizontalpodautoscalers") CheckAutoscaler(causes, spec);
  if (key == "networking.k8s.io/networkpolicies") CheckPolicy(causes, spec);
  if (key == "networking.k8s.io/ingresses") {
    const Json& tls = ListAt(spec, {"tls"});
    for (size_t i = 0; i < tls.size(); ++i) {
      const Json& hosts = ListAt(tls[i], {"hosts"});
      for (size_t n = 0; n < hosts.size(); ++n) {
        std::string host = Scalar(hosts[n]);
        const std::string whole = host;
        if (host.starts_with("*.")) host.erase(0, 2);
        if (auto fault = SubdomainFault(host); !fault.empty())
          InvalidText(causes, fmt::format("spec.tls[{}].hosts[{}]", i, n), whole, fault);
      }
    }
  }
  if (key == "batch/jobs" && BoolAt(spec, {"manualSelector"}) && !At(spec, "selector").is_object())
    Required(causes, "spec.selector");
}

}  // namespace opsmesh::kubesim
