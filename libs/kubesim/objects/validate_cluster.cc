// Configuration, storage, access, nodes and definitions: what a real server refuses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/validate_pod.h"
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
                      secret ? "data" : "[]"});
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

void ValidateTaints(Causes& causes, const Json& taints) {
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
}

void ValidateNodeRanges(Causes& causes, const Json& ranges) {
  std::set<bool> families;
  for (size_t i = 0; i < ranges.size(); ++i) {
    const std::string range = Scalar(ranges[i]);
    families.insert(range.find(':') != std::string::npos);
    if (!ValidCidr(range))
      InvalidText(causes, fmt::format("spec.podCIDRs[{}]", i), range,
                  "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
  if (ranges.size() > 2 || (ranges.size() == 2 && families.size() < 2))
    Invalid(causes, "spec.podCIDRs", GoTexts(ranges),
            "may specify no more than one CIDR for each IP family");
}

void ValidateNodeAmounts(Causes& causes, const Json& status) {
  for (const char* member : {"capacity", "allocatable"}) {
    if (!At(status, member).is_object()) continue;
    for (const auto& [name, value] : status[member].items()) {
      const std::string at = fmt::format("status.{}.{}", member, name);
      const auto amount = ParseQuantity(value);
      if (!amount) continue;
      if (*amount < 0)
        InvalidText(causes, at, Amount::Of(value).ToString(), "must be greater than or equal to 0");
      static const std::set<std::string_view> whole = {"pods",
                                                       "services",
                                                       "replicationcontrollers",
                                                       "persistentvolumeclaims",
                                                       "configmaps",
                                                       "secrets",
                                                       "resourcequotas",
                                                       "services.nodeports",
                                                       "services.loadbalancers"};
      const bool counted = whole.contains(name) ||
                           (name.find('/') != std::string::npos &&
                            !name.starts_with("hugepages-") && !name.starts_with("kubernetes.io/"));
      if (counted && std::fmod(*amount, 1000) != 0)  // of thousandths
        Invalid(causes, at, GoQuantity(value), "must be an integer");
    }
  }
}

void ValidateNodeChange(Causes& causes, const Json& object, const Json& before) {
  const Json& status = At(object, "status");
  ValidateNodeAmounts(causes, status);
  const Json& addresses = ListAt(status, {"addresses"});
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto end = addresses.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(addresses.begin(), end, addresses[i]) != end)
      Duplicate(causes, fmt::format("status.addresses[{}]", i),
                fmt::format("core.NodeAddress{{Type:\"{}\", Address:\"{}\"}}",
                            TextAt(addresses[i], "type"), TextAt(addresses[i], "address")));
  }
  const Json& ranges = ListAt(object, {"spec", "podCIDRs"});
  const Json& old = ListAt(before, {"spec", "podCIDRs"});
  const size_t most = ranges.size() == old.size() ? old.size() : !old.empty();
  for (size_t i = 0; i < most; ++i) {
    if (ranges.size() != old.size() || ranges[i] != old[i])
      Forbidden(causes, "spec.podCIDRs",
                "node updates may not change podCIDR except from \"\" to valid");
  }
  const std::string provider = TextAt(before, {"spec", "providerID"});
  if (!provider.empty() && provider != TextAt(object, {"spec", "providerID"}))
    Forbidden(causes, "spec.providerID",
              "node updates may not change providerID except from \"\" to valid");
  ValidateTaints(causes, ListAt(object, {"spec", "taints"}));
  if (TextAt(before, {"spec", "externalID"}) != TextAt(object, {"spec", "externalID"}))
    Forbidden(causes, "spec.externalID", "may not be updated");
}

void ValidateNode(Causes& causes, const Json& object, const Json& before) {
  ValidateTaints(causes, ListAt(object, {"spec", "taints"}));
  ValidateNodeRanges(causes, ListAt(object, {"spec", "podCIDRs"}));
  if (before.is_object()) ValidateNodeChange(causes, object, before);
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
