// Pods and pod templates: what a real server refuses, in its order.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kIp = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

bool ContainerResource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
         name.starts_with("hugepages-");
}
bool StandardResource(std::string_view name) {
  static const std::set<std::string_view> names = {"requests.cpu",
                                                   "requests.memory",
                                                   "requests.ephemeral-storage",
                                                   "limits.cpu",
                                                   "limits.memory",
                                                   "limits.ephemeral-storage",
                                                   "pods",
                                                   "services",
                                                   "resourcequotas",
                                                   "secrets",
                                                   "replicationcontrollers",
                                                   "persistentvolumeclaims",
                                                   "storage",
                                                   "requests.storage",
                                                   "configmaps",
                                                   "services.nodeports",
                                                   "services.loadbalancers"};
  return ContainerResource(name) || name.starts_with("requests.hugepages-") || names.contains(name);
}
// Of the domain of Kubernetes; others are counted in whole pieces and never overcommitted.
bool Native(std::string_view name) {
  return name.find('/') == std::string_view::npos ||
         name.find("kubernetes.io/") != std::string_view::npos;
}

void ResourceName(Causes& causes, const std::string& name, const std::string& path) {
  const Faults faults = QualifiedFault(name);
  for (const std::string& fault : faults) Invalid(causes, path, name, fault);
  if (name.find('/') == std::string::npos) {
    if (faults.empty() && !StandardResource(name))
      Invalid(causes, path, name, "must be a standard resource type or fully qualified");
    if (!ContainerResource(name))
      Invalid(causes, path, name, "must be a standard resource for containers");
  } else if (!Native(name) &&
             (name.starts_with("requests.") || !QualifiedFault("requests." + name).empty())) {
    Invalid(causes, path, name, "doesn't follow extended resource name standard");
  }
}

void AmountOf(Causes& causes, const std::string& name, const Json& value, const std::string& path) {
  const auto amount = ParseQuantity(value);
  if (!amount) return;
  if (*amount < 0) InvalidText(causes, path, Scalar(value), "must be greater than or equal to 0");
  if (!Native(name) && std::fmod(*amount, 1000) != 0)
    Invalid(causes, path, GoQuantity(value), "must be an integer");
}

void DnsConfig(Causes& causes, const Json& spec, const std::string& field) {
  const Json& config = At(spec, "dnsConfig");
  const std::string at = field + ".dnsConfig";
  if (TextAt(spec, "dnsPolicy") == "None") {
    if (!config.is_object())
      return Required(causes, at, "must provide `dnsConfig` when `dnsPolicy` is None");
    if (ListAt(config, {"nameservers"}).empty())
      return Required(causes, at + ".nameservers",
                      "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  const Json& servers = ListAt(config, {"nameservers"});
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!ValidIp(Scalar(servers[i])))
      InvalidText(causes, fmt::format("{}.nameservers[{}]", at, i), Scalar(servers[i]), kIp);
  }
  const Json& searches = ListAt(config, {"searches"});
  for (size_t i = 0; i < searches.size(); ++i) {
    std::string search = Scalar(searches[i]);
    if (search.ends_with('.')) search.pop_back();
    InvalidText(causes, fmt::format("{}.searches[{}]", at, i), search, SubdomainFault(search));
  }
  const Json& options = ListAt(config, {"options"});
  for (size_t i = 0; i < options.size(); ++i) {
    if (TextAt(options[i], "name").empty())
      Required(causes, fmt::format("{}.options[{}]", at, i), "must not be empty");
  }
}

void HostNetworkPorts(Causes& causes, const Json& spec, const std::string& field) {
  if (!BoolAt(spec, {"hostNetwork"})) return;
  const Json& containers = ListAt(spec, {"containers"});
  for (size_t i = 0; i < containers.size(); ++i) {
    const Json& ports = ListAt(containers[i], {"ports"});
    for (size_t n = 0; n < ports.size(); ++n) {
      const int64_t host = IntAt(ports[n], "hostPort"), own = IntAt(ports[n], "containerPort");
      if (host != own && (host != 0 || field == "spec"))
        InvalidNumber(causes, fmt::format("{}.containers[{}].ports[{}].hostPort", field, i, n),
                      host, "must match `containerPort` when `hostNetwork` is true");
    }
  }
}

void Sysctls(Causes& causes, const Json& context, const std::string& field) {
  const Json& sysctls = ListAt(context, {"sysctls"});
  std::set<std::string> names;
  for (size_t i = 0; i < sysctls.size(); ++i) {
    const std::string name = TextAt(sysctls[i], "name"),
                      at = fmt::format("{}.sysctls[{}].name", field, i);
    if (name.empty()) {
      Required(causes, at);
    } else if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_./") !=
               std::string::npos) {
      InvalidText(causes, at, name,
                  "must have at most 253 characters and match regex "
                  "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (!names.insert(name).second) {
      Duplicate(causes, at, "\"" + name + "\"");
    }
  }
}

void PodSecurity(Causes& causes, const Json& context, const std::string& field) {
  if (!context.is_object()) return;
  for (const char* member : {"fsGroup", "runAsUser", "runAsGroup"})
    ValidateId(causes, context, member, field);
  const Json& groups = ListAt(context, {"supplementalGroups"});
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].is_number_integer() && (groups[i] < 0 || groups[i] > INT32_MAX))
      InvalidNumber(causes, fmt::format("{}.supplementalGroups[{}]", field, i),
                    groups[i].get<int64_t>(), "must be between 0 and 2147483647, inclusive");
  }
  Sysctls(causes, context, field);
  if (const Json& policy = At(context, "fsGroupChangePolicy"); !policy.is_null())
    OneOf(causes, field + ".fsGroupChangePolicy", Scalar(policy), {"Always", "OnRootMismatch"});
  ValidateProfiles(causes, context, field, true);
  ValidateProfiles(causes, context, field, false);
}

void Names(Causes& causes, const Json& spec, const std::string& field) {
  auto judge = [&](const char* member, Faults (*fault)(std::string_view)) {
    const Json& value = At(spec, member);
    if (value.is_string())
      InvalidText(causes, field + "." + member, Scalar(value), fault(Scalar(value)));
  };
  judge("serviceAccountName", SubdomainFault);
  judge("nodeName", SubdomainFault);
  if (const Json& seconds = At(spec, "activeDeadlineSeconds");
      seconds.is_number_integer() &&
      (seconds.get<int64_t>() < 1 || seconds.get<int64_t>() > INT32_MAX)) {
    InvalidNumber(causes, field + ".activeDeadlineSeconds", seconds.get<int64_t>(),
                  "must be between 1 and 2147483647, inclusive");
  }
  judge("hostname", LabelFault);
  judge("subdomain", LabelFault);
  ValidateTolerations(causes, spec, field);
  for (const Json& alias : ListAt(spec, {"hostAliases"})) {
    if (!ValidIp(TextAt(alias, "ip")))
      InvalidText(causes, field + ".hostAliases.ip", TextAt(alias, "ip"), kIp);
    for (const Json& name : ListAt(alias, {"hostnames"}))
      InvalidText(causes, field + ".hostAliases.hostnames", Scalar(name),
                  SubdomainFault(Scalar(name)));
  }
  judge("priorityClassName", SubdomainFault);
  judge("runtimeClassName", SubdomainFault);
  if (const Json& policy = At(spec, "preemptionPolicy"); policy.is_string())
    OneOf(causes, field + ".preemptionPolicy", Scalar(policy), {"Never", "PreemptLowerPriority"});
  if (const Json& overhead = At(spec, "overhead"); overhead.is_object())
    ValidateResources(causes, {{"limits", overhead}}, field + ".overhead");
  if (const Json& os = At(spec, "os"); os.is_object()) {
    if (TextAt(os, "name").empty())
      Required(causes, field + ".os.name", "cannot be empty");
    else
      OneOf(causes, field + ".os.name", TextAt(os, "name"), {"linux", "windows"});
  }
}

}  // namespace

void ValidateResources(Causes& causes, const Json& resources, const std::string& field) {
  for (const char* side : {"limits", "requests"}) {
    const Json& map = At(resources, side);
    if (!map.is_object()) continue;
    for (const auto& [name, value] : map.items()) {
      const std::string path = fmt::format("{}.{}[{}]", field, side, name);
      ResourceName(causes, name, path);
      AmountOf(causes, name, value, path);
      if (std::string_view(side) == "limits") continue;
      const bool shared = Native(name) && !name.starts_with("hugepages-");
      const Json& limit = At(resources, {"limits", name.c_str()});
      const auto request = ParseQuantity(value), most = ParseQuantity(limit);
      if (limit.is_null()) {
        if (!shared)
          Required(causes, field + ".limits", "Limit must be set for non overcommitable resources");
      } else if (request && most && !shared && *request != *most) {
        InvalidText(causes, field + ".requests", Scalar(value),
                    fmt::format("must be equal to {} limit of {}", name, Scalar(limit)));
      } else if (request && most && *request > *most) {
        InvalidText(
            causes, field + ".requests", Scalar(value),
            fmt::format("must be less than or equal to {} limit of {}", name, Scalar(limit)));
      }
    }
  }
}

void ValidateId(Causes& causes, const Json& context, const char* member, const std::string& field) {
  const Json& id = At(context, member);
  if (id.is_number_integer() && (id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)) {
    InvalidNumber(causes, field + "." + member, id.get<int64_t>(),
                  "must be between 0 and 2147483647, inclusive");
  }
}

void ValidateProfiles(Causes& causes, const Json& context, const std::string& field, bool seccomp) {
  const char* member = seccomp ? "seccompProfile" : "appArmorProfile";
  const char* word = seccomp ? "seccomp" : "AppArmor";
  const Json& profile = At(context, member);
  if (!profile.is_object()) return;
  const std::string at = field + "." + member, type = TextAt(profile, "type");
  const Json& local = At(profile, "localhostProfile");
  if (type.empty())
    Required(causes, at + ".type", fmt::format("type is required when {} is set", member));
  else
    OneOf(causes, at + ".type", type, {"Localhost", "RuntimeDefault", "Unconfined"});
  if (type == "Localhost") {
    if (local.is_null() || (!seccomp && Scalar(local).empty()))
      Required(causes, at + ".localhostProfile",
               fmt::format("must be set when {} type is Localhost", word));
    else if (seccomp)
      ValidateDescendingPath(causes, Scalar(local), at + ".localhostProfile");
    else if (base::Trim(Scalar(local)) != Scalar(local))
      InvalidText(causes, at + ".localhostProfile", Scalar(local),
                  "must not be padded with whitespace");
  } else if (!local.is_null() && (seccomp || type == "RuntimeDefault" || type == "Unconfined")) {
    const std::string value =
        seccomp
            ? fmt::format(
                  "core.SeccompProfile{{Type:\"{}\", LocalhostProfile:(*string)(0xc0000100a0)}}",
                  type)
            : GoQuoted(Scalar(local));
    Invalid(causes, at + ".localhostProfile", value,
            fmt::format("can only be set when {} type is Localhost", word));
  }
}

bool HasBacksteps(const std::string& path) {
  for (std::string_view part : base::Split(path, '/')) {
    if (part == "..") return true;
  }
  return false;
}

void ValidateDescendingPath(Causes& causes, const std::string& path, const std::string& field) {
  if (path.starts_with('/')) InvalidText(causes, field, path, "must be a relative path");
  if (HasBacksteps(path)) InvalidText(causes, field, path, "must not contain '..'");
}

void ValidatePodSpec(Causes& causes, const Json& spec, const std::string& field) {
  PodRules pod{spec, field, {}};
  ValidatePodVolumes(causes, spec, field, &pod.volumes);
  ValidateContainers(causes, pod);
  HostNetworkPorts(causes, spec, field);
  OneOf(causes, field + ".restartPolicy", TextAt(spec, "restartPolicy"),
        {"Always", "OnFailure", "Never"});
  OneOf(causes, field + ".dnsPolicy", TextAt(spec, "dnsPolicy"),
        {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
  ValidateLabels(causes, At(spec, "nodeSelector"), field + ".nodeSelector");
  PodSecurity(causes, At(spec, "securityContext"), field + ".securityContext");
  ValidateAffinity(causes, At(spec, "affinity"), field + ".affinity");
  DnsConfig(causes, spec, field);
  const Json& gates = ListAt(spec, {"readinessGates"});
  for (size_t i = 0; i < gates.size(); ++i) {
    const std::string type = TextAt(gates[i], "conditionType");
    InvalidText(causes, fmt::format("{}.readinessGates[{}].conditionType", field, i), type,
                QualifiedFault(type));
  }
  const Json& scheduling = ListAt(spec, {"schedulingGates"});
  for (size_t i = 0; i < scheduling.size(); ++i) {
    const std::string name = TextAt(scheduling[i], "name");
    InvalidText(causes, fmt::format("{}.schedulingGates[{}]", field, i), name,
                QualifiedFault(name));
  }
  ValidateSpread(causes, spec, field);
  Names(causes, spec, field);
}

void ValidatePod(Causes& causes, const Json& object, const Json& before) {
  ValidatePodSpec(causes, At(object, "spec"), "spec");
  if (!before.is_object()) return;
  Json now = At(object, "spec"), then = At(before, "spec");
  for (Json* spec : {&now, &then}) {
    for (const char* list : {"containers", "initContainers"}) {
      if (!spec->contains(list) || !(*spec)[list].is_array()) continue;
      for (Json& container : (*spec)[list]) {
        if (container.is_object()) container.erase("image");
      }
    }
    for (const char* member :
         {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds",
          "ephemeralContainers", "schedulingGates"})
      spec->erase(member);
    // A list of containers of another length is told apart by the comparison below.
  }
  if (now != then) {
    Forbidden(causes, "spec",
              "pod updates may not change fields other than "
              "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec."
              "activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
              "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
              "was previously negative)");
    return;
  }
  for (const Json& old : ListAt(before, {"spec", "tolerations"})) {
    const Json& list = ListAt(object, {"spec", "tolerations"});
    bool kept = false;
    for (const Json& one : list)
      kept = kept || one == old ||
             (TextAt(one, "key") == TextAt(old, "key") &&
              TextAt(one, "effect") == TextAt(old, "effect"));
    if (!kept) {
      Forbidden(causes, "spec.tolerations",
                "existing toleration can not be modified except its tolerationSeconds");
      return;
    }
  }
}

}  // namespace opsmesh::kubesim
