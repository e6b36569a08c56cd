// Pods and pod templates: what a real server refuses, in its order.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_limits.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/objects/validate_profiles.h"
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
      WholePages(causes, name, value, path);
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
  ValidateProfileNotes(causes, pod_template, field + ".annotations");
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

// Tokens are of an account: a pod without one has none.
void NeedAccount(Causes& causes, const Json& spec) {
  if (!TextAt(spec, "serviceAccountName").empty()) return;
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Json& sources = ListAt(volumes[i], {"projected", "sources"});
    for (size_t n = 0; n < sources.size(); ++n) {
      if (At(sources[n], "serviceAccountToken").is_object())
        Forbidden(causes,
                  fmt::format("spec.volumes[{}].projected.sources[{}].serviceAccountToken", i, n),
                  "must not be specified when serviceAccountName is not set");
    }
  }
}

// Whether what else changed is of interest: containers that came or went are told alone.
bool SameContainers(Causes& causes, const Json& now, const Json& before) {
  for (const char* list : {"containers", "initContainers"}) {
    if (ListAt(now, {list}).size() == ListAt(before, {list}).size()) continue;
    Forbidden(causes, fmt::format("spec.{}", list), "pod updates may not add or remove containers");
    return false;
  }
  return true;
}

// A deadline may be set and be brought forward. False: nothing else is looked at.
bool ValidateDeadline(Causes& causes, const Json& now, const Json& before) {
  constexpr const char* kAt = "spec.activeDeadlineSeconds";
  const Json& wanted = At(now, "activeDeadlineSeconds");
  const Json& old = At(before, "activeDeadlineSeconds");
  if (wanted.is_null()) {
    if (!old.is_null())
      Invalid(causes, kAt, "null", "must not update from a positive integer to nil value");
    return true;
  }
  const auto seconds = wanted.get<int64_t>();
  const size_t count = causes.size();
  if (seconds < 0 || seconds > 2147483647)
    InvalidNumber(causes, kAt, seconds, "must be between 0 and 2147483647, inclusive");
  else if (old.is_number_integer() && old.get<int64_t>() < seconds)
    InvalidNumber(causes, kAt, seconds, "must be less than or equal to previous value");
  return causes.size() == count;
}

void ValidateTolerationsKept(Causes& causes, const Json& now, const Json& before) {
  const Json& list = ListAt(now, {"tolerations"});
  for (Json old : ListAt(before, {"tolerations"})) {
    old.erase("tolerationSeconds");
    const bool kept = std::any_of(list.begin(), list.end(), [&old](Json one) {
      if (one.is_object()) one.erase("tolerationSeconds");
      return one == old;
    });
    if (kept) continue;
    Forbidden(causes, "spec.tolerations",
              "existing toleration can not be modified except its tolerationSeconds");
    return;
  }
}

void ValidateGatesKept(Causes& causes, const Json& now, const Json& before) {
  const Json& gates = ListAt(now, {"schedulingGates"});
  const Json& old = ListAt(before, {"schedulingGates"});
  for (size_t i = 0; i < gates.size(); ++i) {
    const bool known = std::any_of(old.begin(), old.end(), [&](const Json& one) {
      return TextAt(one, "name") == TextAt(gates[i], "name");
    });
    if (!known)
      Forbidden(causes, fmt::format("spec.schedulingGates[{}].name", i),
                fmt::format("only deletion is allowed, but found new scheduling gate '{}'",
                            TextAt(gates[i], "name")));
  }
}

// Amounts are compared by what they count, not by how they are written.
void CountAmounts(Json& container) {
  for (const char* side : {"limits", "requests"}) {
    if (!At(container, {"resources", side}).is_object()) continue;
    for (Json& amount : container["resources"][side]) {
      if (const auto counted = ParseQuantity(amount)) amount = static_cast<double>(*counted);
    }
  }
}

void ValidatePodChange(Causes& causes, Json now, Json then) {
  if (!SameContainers(causes, now, then) || !ValidateDeadline(causes, now, then)) return;
  ValidateTolerationsKept(causes, now, then);
  ValidateGatesKept(causes, now, then);
  // A grace that was endless may become the shortest.
  if (IntAt(then, "terminationGracePeriodSeconds") < 0 &&
      IntAt(now, "terminationGracePeriodSeconds") == 1)
    now["terminationGracePeriodSeconds"] = then["terminationGracePeriodSeconds"];
  // While gates hold a pod back, it may be sent to fewer nodes.
  const bool gated = !ListAt(then, {"schedulingGates"}).empty();
  for (Json* spec : {&now, &then}) {
    for (const char* list : {"containers", "initContainers"}) {
      if (!spec->contains(list) || !(*spec)[list].is_array()) continue;
      for (Json& container : (*spec)[list]) {
        if (!container.is_object()) continue;
        container.erase("image");
        CountAmounts(container);
      }
    }
    for (const char* member : {"activeDeadlineSeconds", "tolerations", "schedulingGates"})
      spec->erase(member);
    if (gated) spec->erase("nodeSelector");
  }
  if (now == then) return;
  Forbidden(causes, "spec",
            "pod updates may not change fields other than "
            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec."
            "activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
            "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)");
}

}  // namespace

void ValidatePod(Causes& causes, const Json& object, const Json& before) {
  ValidateProfileNotes(causes, object, "metadata.annotations");
  const Json& spec = At(object, "spec");
  ValidatePodSpec(causes, spec, "spec");
  NeedAccount(causes, spec);
  ValidateImagesOfPod(causes, spec);
  if (!before.is_object()) return ValidateNewPod(causes, spec);
  KeepProfileNotes(causes, object, before);
  ValidatePodChange(causes, spec, At(before, "spec"));
}

}  // namespace opsmesh::kubesim
