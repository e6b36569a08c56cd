// Rarer mistakes in common kinds: members of pods, Services, volumes, claims, policies and
// autoscalers.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Backsteps(const std::string& path) {
  for (std::string_view part : base::Split(path, '/')) {
    if (part == "..") return true;
  }
  return false;
}

void CheckMode(Causes& causes, const Json& holder, const char* member, const std::string& at) {
  const Json& mode = At(holder, member);
  if (mode.is_number_integer() && (mode < 0 || mode > 0777)) {
    InvalidNumber(causes, fmt::format("{}.{}", at, member), mode.get<int64_t>(),
                  "must be a number between 0 and 0777 (octal), both inclusive");
  }
}

void CheckItems(Causes& causes, const Json& source, const std::string& at) {
  CheckMode(causes, source, "defaultMode", at);
  const Json& items = ListAt(source, {"items"});
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string here = fmt::format("{}.items[{}]", at, i), path = TextAt(items[i], "path");
    if (TextAt(items[i], "key").empty()) Required(causes, here + ".key");
    if (path.empty()) Required(causes, here + ".path");
    if (path.starts_with('/')) InvalidText(causes, here + ".path", path, "must be a relative path");
    if (Backsteps(path)) InvalidText(causes, here + ".path", path, "must not contain '..'");
    CheckMode(causes, items[i], "mode", here);
  }
}

void CheckVolume(Causes& causes, const Json& volume, const std::string& at) {
  if (const Json& host = At(volume, "hostPath"); host.is_object()) {
    if (const std::string type = TextAt(host, "type"); !type.empty()) {
      OneOf(causes, at + ".hostPath.type", type,
            {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
             "FileOrCreate", "Socket"});
    }
    if (Backsteps(TextAt(host, "path")))
      InvalidText(causes, at + ".hostPath.path", TextAt(host, "path"), "must not contain '..'");
  }
  if (const auto size = ParseQuantity(At(volume, {"emptyDir", "sizeLimit"})); size && *size < 0)
    Forbidden(causes, at + ".emptyDir.sizeLimit",
              "SizeLimit field must be a valid resource quantity");
  for (const char* member : {"secret", "configMap"}) {
    if (At(volume, member).is_object())
      CheckItems(causes, volume[member], fmt::format("{}.{}", at, member));
  }
  const Json& sources = ListAt(volume, {"projected", "sources"});
  CheckMode(causes, At(volume, "projected"), "defaultMode", at + ".projected");
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const char* member : {"secret", "configMap"}) {
      if (At(sources[i], member).is_object())
        CheckItems(causes, sources[i][member],
                   fmt::format("{}.projected.sources[{}].{}", at, i, member));
    }
  }
}

bool HeaderName(const std::string& name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
                              std::string::npos;
}

void CheckResources(Causes& causes, const Json& container, const std::string& at) {
  for (const char* side : {"limits", "requests"}) {
    const Json& amounts = At(container, {"resources", side});
    if (!amounts.is_object()) continue;
    for (const auto& [name, value] : amounts.items()) {
      if (name.find('/') == std::string::npos || name.starts_with("kubernetes.io/")) continue;
      const auto amount = ParseQuantity(value);
      if (amount && static_cast<int64_t>(*amount) % 1000 != 0)
        Invalid(causes, fmt::format("{}.resources.{}[{}]", at, side, name),
                "\"" + Scalar(value) + "\"", "must be an integer");
      if (std::string_view(side) == "requests" &&
          At(container, {"resources", "limits", name.c_str()}).is_null()) {
        Required(causes, at + ".resources.limits",
                 "Limit must be set for non overcommitable resources");
      }
    }
  }
}

void CheckContainer(Causes& causes, const Json& container, const std::string& at) {
  const Json& mounts = ListAt(container, {"volumeMounts"});
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string here = fmt::format("{}.volumeMounts[{}]", at, i);
    if (Backsteps(TextAt(mounts[i], "subPath")))
      InvalidText(causes, here + ".subPath", TextAt(mounts[i], "subPath"), "must not contain '..'");
    if (const std::string mode = TextAt(mounts[i], "mountPropagation"); !mode.empty())
      OneOf(causes, here + ".mountPropagation", mode, {"Bidirectional", "HostToContainer", "None"});
  }
  const Json& env = ListAt(container, {"env"});
  for (size_t i = 0; i < env.size(); ++i) {
    const Json& field = At(env[i], {"valueFrom", "resourceFieldRef"});
    static const std::set<std::string_view> known = {
        "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
        "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
    const std::string resource = TextAt(field, "resource");
    if (field.is_object() && !known.contains(resource) &&
        resource.find("hugepages-") == std::string::npos) {
      OneOf(causes, fmt::format("{}.env[{}].valueFrom.resourceFieldRef.resource", at, i), resource,
            {"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
             "requests.ephemeral-storage", "requests.memory"});
    }
  }
  for (const char* probe : {"readinessProbe", "livenessProbe", "startupProbe"}) {
    for (const Json& header : ListAt(container, {probe, "httpGet", "httpHeaders"})) {
      if (HeaderName(TextAt(header, "name"))) continue;
      InvalidText(causes, fmt::format("{}.{}.httpGet.httpHeaders", at, probe),
                  TextAt(header, "name"),
                  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                  "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
    }
  }
  CheckResources(causes, container, at);
}

void CheckHostPorts(Causes& causes, const Json& spec, const std::string& field) {
  std::set<std::string> seen;
  const Json& containers = ListAt(spec, {"containers"});
  for (size_t i = 0; i < containers.size(); ++i) {
    const Json& ports = ListAt(containers[i], {"ports"});
    for (size_t n = 0; n < ports.size(); ++n) {
      const int64_t port = IntAt(ports[n], "hostPort");
      if (port == 0) continue;
      const std::string key =
          fmt::format("{}/{}/{}", TextAt(ports[n], "protocol"), TextAt(ports[n], "hostIP"), port);
      if (!seen.insert(key).second)
        Duplicate(causes, fmt::format("{}.containers[{}].ports[{}].hostPort", field, i, n),
                  "\"" + key + "\"");
    }
  }
}

void CheckPodSpec(Causes& causes, const Json& spec, const std::string& field) {
  if (!spec.is_object()) return;
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i)
    CheckVolume(causes, volumes[i], fmt::format("{}.volumes[{}]", field, i));
  for (const char* list : {"containers", "initContainers"}) {
    const Json& containers = ListAt(spec, {list});
    for (size_t i = 0; i < containers.size(); ++i)
      CheckContainer(causes, containers[i], fmt::format("{}.{}[{}]", field, list, i));
  }
  const Json& inits = ListAt(spec, {"initContainers"});
  for (size_t i = 0; i < inits.size(); ++i) {
    if (TextAt(inits[i], "restartPolicy") != "Always" && At(inits[i], "lifecycle").is_object()) {
      Forbidden(causes, fmt::format("{}.initContainers[{}].lifecycle", field, i),
                "may not be set for init containers without restartPolicy=Always");
    }
  }
  CheckHostPorts(causes, spec, field);
  if (TextAt(spec, "dnsPolicy") == "None") {
    if (!At(spec, "dnsConfig").is_object())
      Required(causes, field + ".dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
    else if (ListAt(spec, {"dnsConfig", "nameservers"}).empty())
      Required(causes, field + ".dnsConfig.nameservers",
               "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  const Json& servers = ListAt(spec, {"dnsConfig", "nameservers"});
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!ValidIp(Scalar(servers[i])))
      InvalidText(causes, fmt::format("{}.dnsConfig.nameservers[{}]", field, i), Scalar(servers[i]),
                  "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
  const Json& searches = ListAt(spec, {"dnsConfig", "searches"});
  for (size_t i = 0; i < searches.size(); ++i) {
    std::string search = base::ReplaceAll(Scalar(searches[i]), "_",
                                          "-");  // underscores are allowed there since 1.32
    if (search.ends_with('.')) search.pop_back();
    if (auto fault = SubdomainFault(search); !fault.empty())
      InvalidText(causes, fmt::format("{}.dnsConfig.searches[{}]", field, i), Scalar(searches[i]),
                  fault);
  }
  if (const std::string node = TextAt(spec, "nodeName"); !node.empty()) {
    if (auto fault = SubdomainFault(node); !fault.empty())
      InvalidText(causes, field + ".nodeName", node, fault);
  }
  const Json& sysctls = ListAt(spec, {"securityContext", "sysctls"});
  for (size_t i = 0; i < sysctls.size(); ++i) {
    const std::string name = TextAt(sysctls[i], "name");
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_./") == std::string::npos &&
        !name.empty())
      continue;
    InvalidText(causes, fmt::format("{}.securityContext.sysctls[{}].name", field, i), name,
                "must have at most 253 characters and match regex "
                "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
  }
  const Json& gates = ListAt(spec, {"readinessGates"});
  for (size_t i = 0; i < gates.size(); ++i) {
    if (auto fault = QualifiedFault(TextAt(gates[i], "conditionType")); !fault.empty())
      InvalidText(causes, fmt::format("{}.readinessGates[{}].conditionType", field, i),
                  TextAt(gates[i], "conditionType"), fault);
  }
}

void CheckService(Causes& causes, const Json& spec) {
  const std::string type = TextAt(spec, "type");
  if (const std::string policy = TextAt(spec, "externalTrafficPolicy");
      !policy.empty() && type != "NodePort" && type != "LoadBalancer" &&
      ListAt(spec, {"externalIPs"}).empty()) {
    InvalidText(causes, "spec.externalTrafficPolicy", policy,
                "may only be set for externally-accessible services");
  }
  const Json& ranges = ListAt(spec, {"loadBalancerSourceRanges"});
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (!ValidCidr(Scalar(ranges[i])))
      InvalidText(causes, fmt::format("spec.loadBalancerSourceRanges[{}]", i), Scalar(ranges[i]),
                  "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  }
  if (const Json& seconds = At(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"});
      seconds.is_number_integer() && (seconds <= 0 || seconds > 86400)) {
    InvalidNumber(causes, "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                  seconds.get<int64_t>(), "must be greater than 0 and less than 86400");
  }
  std::set<std::string> taken;
  const Json& ports = ListAt(spec, {"ports"});
  for (size_t i = 0; i < ports.size(); ++i) {
    const int64_t port = IntAt(ports[i], "nodePort");
    if (port != 0 && !taken.insert(fmt::format("{}/{}", TextAt(ports[i], "protocol"), port)).second)
      Duplicate(causes, fmt::format("spec.ports[{}].nodePort", i), std::to_string(port));
  }
}

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
  if (Backsteps(TextAt(spec, {"hostPath", "path"})))
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
  if (key == "/pods") CheckPodSpec(causes, spec, "spec");
  if (type.group == "apps" || key == "batch/jobs" || key == "/replicationcontrollers")
    CheckPodSpec(causes, At(spec, {"template", "spec"}), "spec.template.spec");
  if (key == "batch/cronjobs")
    CheckPodSpec(causes, At(spec, {"jobTemplate", "spec", "template", "spec"}),
                 "spec.jobTemplate.spec.template.spec");
  if (key == "/services") CheckService(causes, spec);
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
