// Configuration, storage, access, nodes and definitions: what a real server refuses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/custom_schema.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxData = 1 << 20;

bool ConfigKey(const std::string& key) {
  if (key.empty() || key == "." || key == ".." || key.size() > 253) return false;
  return key.find_first_not_of(
             "-._abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
         std::string::npos;
}

void ValidateKeys(Causes& causes, const Json& map, const char* member, size_t* total, bool base64) {
  if (!map.is_object()) return;
  for (const auto& [key, value] : map.items()) {
    if (!ConfigKey(key)) {
      InvalidText(causes, fmt::format("{}[{}]", member, key), key,
                  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
                  "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
                  "'[-._a-zA-Z0-9]+')");
    }
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

void ValidateModes(Causes& causes, const Json& spec, std::string_view why) {
  const Json& modes = ListAt(spec, {"accessModes"});
  if (modes.empty()) Required(causes, "spec.accessModes", why);
  for (const Json& mode : modes)
    OneOf(causes, "spec.accessModes", Scalar(mode),
          {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"});
}

void ValidateClaim(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  ValidateModes(causes, spec, "at least 1 access mode is required");
  const Json& size = At(spec, {"resources", "requests", "storage"});
  if (size.is_null()) {
    Required(causes, "spec.resources[storage]");
  } else if (const auto amount = ParseQuantity(size); amount && *amount <= 0) {
    InvalidText(causes, "spec.resources[storage]", Scalar(size), "must be greater than zero");
  }
  if (!before.is_object()) return;
  Json now = spec, then = At(before, "spec");
  const auto wants = ParseQuantity(At(now, {"resources", "requests", "storage"})),
             had = ParseQuantity(At(then, {"resources", "requests", "storage"}));
  const bool bound = TextAt(before, {"status", "phase"}) == "Bound";
  if (then.contains("volumeName") == false) now.erase("volumeName");  // the binder sets it once
  if (TextAt(then, "storageClassName").empty())
    now.erase("storageClassName"), then.erase("storageClassName");
  for (Json* one : {&now, &then}) one->erase("volumeAttributesClassName");
  if (bound) {
    for (Json* one : {&now, &then}) one->erase("resources");
  }
  if (now != then) {
    Forbidden(causes, "spec",
              "spec is immutable after creation except resources.requests and "
              "volumeAttributesClassName for bound claims");
  }
  if (wants && had && *wants < *had)
    Forbidden(causes, "spec.resources.requests.storage",
              "field can not be less than status.capacity");
}

const Json* VolumeSource(const Json& spec) {
  static const std::set<std::string_view> plain = {"nodeAffinity", "claimRef", "capacity"};
  if (!spec.is_object()) return nullptr;
  for (const auto& [member, value] : spec.items()) {
    if (value.is_object() && !plain.contains(member)) return &value;
  }
  return nullptr;
}

void ValidateVolume(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  if (ListAt(spec, {"accessModes"}).empty()) Required(causes, "spec.accessModes");
  for (const Json& mode : ListAt(spec, {"accessModes"}))
    OneOf(causes, "spec.accessModes", Scalar(mode),
          {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"});
  const Json& capacity = At(spec, "capacity");
  if (!capacity.is_object() || capacity.empty()) Required(causes, "spec.capacity");
  if (!capacity.is_object() || !capacity.contains("storage") || capacity.size() > 1) {
    causes.push_back({"FieldValueNotSupported",
                      "Unsupported value: core.ResourceList(nil): supported values: \"storage\"",
                      "spec.capacity"});
  } else if (const auto amount = ParseQuantity(capacity["storage"]); amount && *amount <= 0) {
    InvalidText(causes, "spec.capacity[storage]", Scalar(capacity["storage"]),
                "must be greater than zero");
  }
  const std::string policy = TextAt(spec, "persistentVolumeReclaimPolicy");
  if (!policy.empty())
    OneOf(causes, "spec.persistentVolumeReclaimPolicy", policy, {"Delete", "Recycle", "Retain"});
  if (VolumeSource(spec) == nullptr) Required(causes, "spec", "must specify a volume type");
  if (!before.is_object()) return;
  const Json* now = VolumeSource(spec);
  const Json* then = VolumeSource(At(before, "spec"));
  if (now != nullptr && then != nullptr && *now != *then)
    Forbidden(causes, "spec.persistentvolumesource",
              "spec.persistentvolumesource is immutable after creation");
}

void ValidateRules(Causes& causes, const Json& object, bool namespaced) {
  const Json& rules = ListAt(object, {"rules"});
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string at = fmt::format("rules[{}]", i);
    if (ListAt(rules[i], {"verbs"}).empty())
      Required(causes, at + ".verbs", "verbs must contain at least one value");
    const Json& paths = ListAt(rules[i], {"nonResourceURLs"});
    const bool groups = !ListAt(rules[i], {"apiGroups"}).empty(),
               resources = !ListAt(rules[i], {"resources"}).empty();
    if (!paths.empty()) {
      std::string list;
      for (const Json& path : paths)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", Scalar(path));
      if (namespaced)
        Invalid(causes, at + ".nonResourceURLs", "[]string{" + list + "}",
                "namespaced rules cannot apply to non-resource URLs");
      if (groups || resources)
        Invalid(causes, at + ".nonResourceURLs", "[]string{" + list + "}",
                "rules cannot apply to both regular resources and non-resource URLs");
      continue;
    }
    if (!groups)
      Required(causes, at + ".apiGroups", "resource rules must supply at least one api group");
    if (!resources)
      Required(causes, at + ".resources", "resource rules must supply at least one resource");
  }
}

void ValidateBinding(Causes& causes, const Json& object, const Json& before, bool namespaced) {
  const Json& role = At(object, "roleRef");
  OneOf(causes, "roleRef.apiGroup", TextAt(role, "apiGroup"), {"rbac.authorization.k8s.io"});
  if (namespaced) {
    OneOf(causes, "roleRef.kind", TextAt(role, "kind"), {"Role", "ClusterRole"});
  } else {
    OneOf(causes, "roleRef.kind", TextAt(role, "kind"), {"ClusterRole"});
  }
  if (TextAt(role, "name").empty()) Required(causes, "roleRef.name");
  const Json& subjects = ListAt(object, {"subjects"});
  for (size_t i = 0; i < subjects.size(); ++i) {
    const std::string at = fmt::format("subjects[{}]", i), kind = TextAt(subjects[i], "kind");
    if (TextAt(subjects[i], "name").empty()) Required(causes, at + ".name");
    if (kind == "ServiceAccount") {
      if (TextAt(subjects[i], "namespace").empty() && !namespaced)
        Required(causes, at + ".namespace");
    } else if (kind == "User" || kind == "Group") {
      OneOf(causes, at + ".apiGroup", TextAt(subjects[i], "apiGroup"),
            {"rbac.authorization.k8s.io"});
    } else {
      OneOf(causes, at + ".kind", kind, {"ServiceAccount", "User", "Group"});
    }
  }
  if (before.is_object() && At(before, "roleRef") != role) {
    Invalid(causes, "roleRef",
            fmt::format("rbac.RoleRef{{APIGroup:\"{}\", Kind:\"{}\", Name:\"{}\"}}",
                        TextAt(role, "apiGroup"), TextAt(role, "kind"), TextAt(role, "name")),
            "cannot change roleRef");
  }
}

void ValidateStorageClass(Causes& causes, const Json& object, const Json& before) {
  if (before.is_object()) {
    for (const char* member : {"parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"}) {
      if (At(before, member) == At(object, member)) continue;
      if (std::string_view(member) == "volumeBindingMode") {
        Immutable(causes, member, "\"" + TextAt(object, member) + "\"");
      } else {
        Forbidden(causes, member, fmt::format("updates to {} are forbidden.", member));
      }
    }
  }
  if (TextAt(object, "provisioner").empty()) Required(causes, "provisioner");
  OneOf(causes, "reclaimPolicy", TextAt(object, "reclaimPolicy"), {"Delete", "Retain"});
  OneOf(causes, "volumeBindingMode", TextAt(object, "volumeBindingMode"),
        {"Immediate", "WaitForFirstConsumer"});
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
  OneOf(causes, "preemptionPolicy", TextAt(object, "preemptionPolicy"),
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

void ValidateDefinition(Causes& causes, const Json& object, const Json& before) {
  const Json& spec = At(object, "spec");
  const std::string group = TextAt(spec, "group"), plural = TextAt(spec, {"names", "plural"}),
                    name = TextAt(object, {"metadata", "name"});
  if (name != plural + "." + group)
    InvalidText(causes, "metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
  if (group.empty()) {
    Required(causes, "spec.group");
  } else if (auto fault = SubdomainFault(group); !fault.empty()) {
    InvalidText(causes, "spec.group", group, fault);
  } else if (group.find('.') == std::string::npos) {
    InvalidText(causes, "spec.group", group, "should be a domain with at least one dot");
  }
  if (TextAt(spec, "scope").empty())
    Required(causes, "spec.scope");
  else
    OneOf(causes, "spec.scope", TextAt(spec, "scope"), {"Cluster", "Namespaced"});
  const Json& versions = ListAt(spec, {"versions"});
  int storage = 0;
  std::set<std::string> names;
  for (size_t i = 0; i < versions.size(); ++i) {
    const std::string at = fmt::format("spec.versions[{}]", i),
                      version = TextAt(versions[i], "name");
    storage += BoolAt(versions[i], {"storage"}) ? 1 : 0;
    if (auto fault = Label1035Fault(version); !fault.empty())
      InvalidText(causes, at + ".name", version, fault);
    if (!names.insert(version).second) Duplicate(causes, at + ".name", "\"" + version + "\"");
  }
  if (storage != 1)
    Invalid(causes, "spec.versions", "[]apiextensions.CustomResourceDefinitionVersion{...}",
            "must have exactly one version marked as storage version");
  for (const char* member : {"plural", "singular", "kind", "listKind"}) {
    const std::string value = TextAt(spec, {"names", member});
    const bool mixed = std::string_view(member) == "kind" || std::string_view(member) == "listKind";
    if (value.empty()) {
      if (std::string_view(member) != "singular")
        Required(causes, fmt::format("spec.names.{}", member));
    } else if (auto fault = Label1035Fault(mixed ? base::AsciiLower(value) : value);
               !fault.empty()) {
      const std::string why = base::Join(fault, ",");
      InvalidText(causes, fmt::format("spec.names.{}", member), value,
                  mixed ? "may have mixed case, but should otherwise match: " + why : why);
    }
  }
  ValidateDefinitionVersions(causes, object);
  if (!before.is_object()) return;
  for (const char* member : {"group", "scope"}) {
    if (At(before, {"spec", member}) != At(spec, member))
      Immutable(causes, fmt::format("spec.{}", member), "\"" + TextAt(spec, member) + "\"");
  }
}

}  // namespace

bool ValidateClusterKind(Causes& causes, const ResourceType& type, const Json& object,
                         const Json& before) {
  const std::string& key = type.storage_key;
  if (key == "/configmaps" || key == "/secrets") {
    ValidateConfig(causes, object, before, key == "/secrets");
  } else if (key == "/persistentvolumeclaims") {
    ValidateClaim(causes, object, before);
  } else if (key == "/persistentvolumes") {
    ValidateVolume(causes, object, before);
  } else if (key == "/resourcequotas") {
    ValidateQuota(causes, object, before);
  } else if (key == "/limitranges") {
    ValidateLimitRange(causes, object);
  } else if (key.starts_with("rbac.authorization.k8s.io/")) {
    if (key.ends_with("bindings")) {
      ValidateBinding(causes, object, before, type.namespaced);
    } else {
      ValidateRules(causes, object, type.namespaced);
    }
  } else if (key == "storage.k8s.io/storageclasses") {
    ValidateStorageClass(causes, object, before);
  } else if (key == "scheduling.k8s.io/priorityclasses") {
    ValidatePriorityClass(causes, object, before);
  } else if (key == "/nodes") {
    ValidateNode(causes, object, before);
  } else if (key == "/namespaces") {
    for (const Json& one : ListAt(object, {"spec", "finalizers"})) {
      if (Scalar(one) != "kubernetes" && Scalar(one).find('/') == std::string::npos)
        InvalidText(causes, "spec.finalizers", Scalar(one),
                    "name is neither a standard finalizer name nor is it fully qualified");
    }
  } else if (key == "/events") {
    const std::string ns = TextAt(object, {"metadata", "namespace"}),
                      about = TextAt(object, {"involvedObject", "namespace"});
    if ((about.empty() && ns != "default") || (!about.empty() && about != ns))
      InvalidText(causes, "involvedObject.namespace", about, "does not match event.namespace");
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
