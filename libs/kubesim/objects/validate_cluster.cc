// Configuration, storage, access, nodes and definitions: what a real server refuses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxData = 1 << 20;

void ValidateKeys(Causes& causes, const Json& map, const char* member, size_t* total, bool base64) {
  if (!map.is_object()) return;
  for (const auto& [key, value] : map.items()) {
    InvalidText(causes, fmt::format("{}[{}]", member, key), key, ConfigKeyFault(key));
    *total += base64 ? Scalar(value).size() / 4 * 3 : Scalar(value).size();
  }
}

void ValidateConfig(Causes& causes, const Json& object, const Json& before, bool secret) {
  size_t total = 0;
  ValidateKeys(causes, At(object, "data"), "data", &total, secret);
  const Json& binary = At(object, "binaryData");
  if (!secret && binary.is_object()) {
    for (const auto& [key, value] : binary.items()) {
      if (At(object, "data").is_object() && At(object, "data").contains(key))
        InvalidText(causes, fmt::format("data[{}]", key), key,
                    "duplicate of key present in binaryData");
    }
    ValidateKeys(causes, binary, "binaryData", &total, true);
  }
  if (total > kMaxData)
    causes.push_back({"FieldValueTooLong",
                      fmt::format("Too long: may not be more than {} bytes", kMaxData),
                      secret ? "data" : ""});
  if (secret) {
    const std::string type = TextAt(object, "type");
    auto needs = [&](const char* key) {
      if (!At(object, "data").is_object() || !At(object, "data").contains(key))
        Required(causes, fmt::format("data[{}]", key));
    };
    if (type == "kubernetes.io/tls") {
      needs("tls.crt");
      needs("tls.key");
    }
    if (type == "kubernetes.io/dockerconfigjson") needs(".dockerconfigjson");
    if (type == "kubernetes.io/dockercfg") needs(".dockercfg");
    if (type == "kubernetes.io/ssh-auth") needs("ssh-privatekey");
    const Json& data = At(object, "data");
    if (type == "kubernetes.io/basic-auth" &&
        !(data.is_object() && (data.contains("username") || data.contains("password")))) {
      Required(causes, "data[username]");
      Required(causes, "data[password]");
    }
    if (before.is_object() && TextAt(before, "type") != type)
      Immutable(causes, "type", "\"" + type + "\"");
  }
  if (!BoolAt(before, {"immutable"})) return;
  if (!BoolAt(object, {"immutable"}))
    Forbidden(causes, "immutable", "field is immutable when `immutable` is set");
  for (const char* member : {"data", "binaryData"}) {
    if (At(before, member) != At(object, member))
      Forbidden(causes, member, "field is immutable when `immutable` is set");
  }
}

void ValidatePriorityClass(Causes& causes, const Json& object, const Json& before) {
  const std::string name = TextAt(object, {"metadata", "name"});
  const bool system = name == "system-cluster-critical" || name == "system-node-critical";
  if (before.is_object()) {
    if (At(before, "value") != At(object, "value"))
      Forbidden(causes, "value", "may not be changed in an update.");
    if (At(before, "preemptionPolicy") != At(object, "preemptionPolicy"))
      Immutable(causes, "preemptionPolicy", "\"" + TextAt(object, "preemptionPolicy") + "\"");
    return;
  }
  if (name.starts_with("system-") && !system) {
    Forbidden(causes, "metadata.name",
              fmt::format("priority class names with 'system-' prefix are reserved for system use "
                          "only. error: {} is not a known system priority class",
                          name));
  } else if (!system && IntAt(object, "value") > 1'000'000'000) {
    Forbidden(causes, "value", "maximum allowed value of a user defined priority is 1000000000");
  }
  OneOfNeeded(causes, "preemptionPolicy", TextAt(object, "preemptionPolicy"),
              {"PreemptLowerPriority", "Never"});
}

void ValidateNode(Causes& causes, const Json& object, const Json& before) {
  const Json& taints = ListAt(object, {"spec", "taints"});
  std::set<std::pair<std::string, std::string>> seen;
  for (size_t i = 0; i < taints.size(); ++i) {
    const std::string at = fmt::format("metadata.taints[{}]", i), key = TextAt(taints[i], "key"),
                      effect = TextAt(taints[i], "effect");
    if (auto fault = QualifiedFault(key); !fault.empty())
      InvalidText(causes, at + ".key", key, fault);
    if (auto fault = LabelValueFault(TextAt(taints[i], "value")); !fault.empty())
      InvalidText(causes, at + ".value", TextAt(taints[i], "value"), fault);
    if (effect.empty()) {
      Required(causes, at + ".effect");
    } else {
      OneOf(causes, at + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
    }
    if (!seen.emplace(key, effect).second)
      Duplicate(causes, at,
                fmt::format("core.Taint{{Key:\"{}\", Value:\"\", Effect:\"{}\", TimeAdded:<nil>}}: "
                            "taints must be unique by key and effect pair",
                            key, effect));
  }
  const std::string cidr = TextAt(object, {"spec", "podCIDR"});
  if (!cidr.empty() && !ValidCidr(cidr))
    Invalid(causes, "spec.podCIDRs[0]", fmt::format("\"{}\"", cidr),
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  const std::string old = TextAt(before, {"spec", "podCIDR"});
  if (!old.empty() && old != cidr) {
    Forbidden(causes, "spec.podCIDRs",
              "node updates may not change podCIDR except from \"\" to valid");
    Forbidden(causes, "",
              "node updates may only change labels, taints, or capacity (or configSource, if the "
              "DynamicKubeletConfig feature gate is enabled)");
  }
}

void ValidateLease(Causes& causes, const Json& object) {
  const Json& seconds = At(object, {"spec", "leaseDurationSeconds"});
  if (seconds.is_number_integer() && seconds.get<int64_t>() <= 0)
    InvalidNumber(causes, "spec.leaseDurationSeconds", seconds.get<int64_t>(),
                  "must be greater than 0");
  const Json& moves = At(object, {"spec", "leaseTransitions"});
  if (moves.is_number_integer() && moves.get<int64_t>() < 0)
    InvalidNumber(causes, "spec.leaseTransitions", moves.get<int64_t>(),
                  "must be greater than or equal to 0");
}

}  // namespace

bool ValidateClusterKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "/configmaps" || key == "/secrets") {
    ValidateConfig(causes, object, before, key == "/secrets");
  } else if (key == "/resourcequotas") {
    ValidateQuota(causes, object, before);
  } else if (key == "/limitranges") {
    ValidateLimitRange(causes, object);
  } else if (key.starts_with("rbac.authorization.k8s.io/")) {
    ValidateAccessKind(causes, type, object, before);
  } else if (ValidateStorageKind(causes, type, object, before)) {
    return true;
  } else if (key == "scheduling.k8s.io/priorityclasses") {
    ValidatePriorityClass(causes, object, before);
  } else if (key == "/nodes") {
    ValidateNode(causes, object, before);
  } else if (key == "/namespaces") {
    for (const Json& one : ListAt(object, {"spec", "finalizers"})) {
      const std::string name = Scalar(one);
      InvalidText(causes, "spec.finalizers", name, QualifiedFault(name));
      const bool standard =
          name == "kubernetes" || name == "orphan" || name == "foregroundDeletion";
      if (!standard && name.find('/') == std::string::npos)
        InvalidText(causes, "spec.finalizers", name,
                    "name is neither a standard finalizer name nor is it fully qualified");
    }
  } else if (key == "coordination.k8s.io/leases") {
    ValidateLease(causes, object);
  } else if (key == "node.k8s.io/runtimeclasses") {
    const std::string handler = TextAt(object, "handler");
    if (auto fault = LabelFault(handler); !fault.empty())
      InvalidText(causes, "handler", handler, fault);
    if (before.is_object() && TextAt(before, "handler") != handler)
      Immutable(causes, "handler", "\"" + handler + "\"");
  } else if (key == "apiextensions.k8s.io/customresourcedefinitions") {
    ValidateDefinition(causes, object, before);
  } else {
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
