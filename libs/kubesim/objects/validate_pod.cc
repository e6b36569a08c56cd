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
  const Json& aliases = ListAt(spec, {"hostAliases"});
  for (size_t i = 0; i < aliases.size(); ++i) {
    const std::string at = fmt::format("{}.hostAliases[{}]", field, i),
                      ip = TextAt(aliases[i], "ip");
    if (!ValidIp(ip)) InvalidText(causes, at + ".ip", ip, kIp);
    const Json& names = ListAt(aliases[i], {"hostnames"});
    for (size_t n = 0; n < names.size(); ++n)
      InvalidText(causes, fmt::format("{}.hostnames[{}]", at, n), Scalar(names[n]),
                  SubdomainFault(Scalar(names[n])));
  }
  judge("priorityClassName", SubdomainFault);
  judge("runtimeClassName", SubdomainFault);
  if (const Json& policy = At(spec, "preemptionPolicy"); policy.is_string())
    OneOfNeeded(causes, field + ".preemptionPolicy", Scalar(policy),
                {"PreemptLowerPriority", "Never"});
  if (const Json& overhead = At(spec, "overhead"); overhead.is_object())
    ValidateResources(causes, {{"limits", overhead}}, field + ".overhead");
  ValidateSystem(causes, spec, field);
}

}  // namespace

void ValidateContainerResourceName(Causes& causes, const std::string& name,
                                   const std::string& path) {
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

void ValidateResources(Causes& causes, const Json& resources, const std::string& field) {
  for (const char* side : {"limits", "requests"}) {
    const Json& map = At(resources, side);
    if (!map.is_object()) continue;
    for (const auto& [name, value] : map.items()) {
      const std::string path = fmt::format("{}.{}[{}]", field, side, name);
      ValidateContainerResourceName(causes, name, path);
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

void ValidatePodVolumes(Causes& causes, const Json& spec, const std::string& field,
                        std::map<std::string, const Json*>* good) {
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Json& volume = volumes[i];
    const std::string at = fmt::format("{}.volumes[{}]", field, i), name = TextAt(volume, "name");
    const size_t before = causes.size();
    ValidateVolumeSources(causes, volume, at, false, "");
    if (name.empty())
      Required(causes, at + ".name");
    else
      InvalidText(causes, at + ".name", name, LabelFault(name));
    if (good->contains(name)) Duplicate(causes, at + ".name", "\"" + name + "\"");
    if (causes.size() == before) (*good)[name] = &volume;
  }
}

void ValidatePodSpec(Causes& causes, const Json& spec, const std::string& field) {
  PodRules pod{spec, field, {}};
  ValidatePodVolumes(causes, spec, field, &pod.volumes);
  ValidateContainers(causes, pod);
  HostNetworkPorts(causes, spec, field);
  OneOfNeeded(causes, field + ".restartPolicy", TextAt(spec, "restartPolicy"),
              {"Always", "OnFailure", "Never"});
  OneOfNeeded(causes, field + ".dnsPolicy", TextAt(spec, "dnsPolicy"),
              {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"});
  ValidateLabels(causes, At(spec, "nodeSelector"), field + ".nodeSelector");
  ValidatePodSecurity(causes, spec, field);
  ValidateAffinity(causes, At(spec, "affinity"), field + ".affinity");
  DnsConfig(causes, spec, field);
  const Json& gates = ListAt(spec, {"readinessGates"});
  for (size_t i = 0; i < gates.size(); ++i) {
    const std::string type = TextAt(gates[i], "conditionType");
    InvalidText(causes, fmt::format("{}.readinessGates[{}].conditionType", field, i), type,
                QualifiedFault(type));
  }
  const Json& scheduling = ListAt(spec, {"schedulingGates"});
  std::set<std::string> seen;
  for (size_t i = 0; i < scheduling.size(); ++i) {
    const std::string name = TextAt(scheduling[i], "name"),
                      at = fmt::format("{}.schedulingGates[{}]", field, i);
    InvalidText(causes, at, name, QualifiedFault(name));
    if (!seen.insert(name).second) Duplicate(causes, at, "\"" + name + "\"");
  }
  ValidateSpread(causes, spec, field);
  ValidateHostProcess(causes, spec, field);
  Names(causes, spec, field);
}

void ValidatePodTemplate(Causes& causes, const Json& pod_template, const std::string& field) {
  ValidateLabels(causes, At(pod_template, {"metadata", "labels"}), field + ".labels");
  ValidateAnnotationKeys(causes, At(pod_template, {"metadata", "annotations"}),
                         field + ".annotations");
  const Json& spec = At(pod_template, "spec");
  ValidatePodSpec(causes, spec, field + ".spec");
  if (!ListAt(spec, {"ephemeralContainers"}).empty())
    Forbidden(causes, field + ".spec.ephemeralContainers",
              "ephemeral containers not allowed in pod template");
}

namespace {

// What only a pod that is new may not have.
void ValidateNewPod(Causes& causes, const Json& spec) {
  if (!ListAt(spec, {"ephemeralContainers"}).empty())
    Forbidden(causes, "spec.ephemeralContainers", "cannot be set on create");
  if (!TextAt(spec, "nodeName").empty() && !ListAt(spec, {"schedulingGates"}).empty())
    Forbidden(causes, "spec.nodeName", "cannot be set until all schedulingGates have been cleared");
}

}  // namespace

void ValidatePod(Causes& causes, const Json& object, const Json& before) {
  ValidatePodSpec(causes, At(object, "spec"), "spec");
  ValidateImagesOfPod(causes, At(object, "spec"));
  if (!before.is_object()) return ValidateNewPod(causes, At(object, "spec"));
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
