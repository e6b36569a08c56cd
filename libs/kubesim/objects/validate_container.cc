// Containers of pods: what a real server refuses.
#include <fmt/format.h>

#include <array>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::initializer_list<const char*> kAmounts = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

void Port(Causes& causes, const std::string& field, int64_t port) {
  if (port < 1 || port > 65535)
    InvalidNumber(causes, field, port, "must be between 1 and 65535, inclusive");
}

bool HeaderName(const std::string& name) {
  return !name.empty() && name.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
                              std::string::npos;
}

void HttpGet(Causes& causes, const Json& get, const std::string& at) {
  if (TextAt(get, "path").empty()) Required(causes, at + ".path");
  ValidatePortOrName(causes, at + ".port", At(get, "port"));
  OneOf(causes, at + ".scheme", TextAt(get, "scheme"), {"HTTP", "HTTPS"});
  for (const Json& header : ListAt(get, {"httpHeaders"})) {
    if (HeaderName(TextAt(header, "name"))) continue;
    InvalidText(causes, at + ".httpHeaders", TextAt(header, "name"),
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
  }
}

void Handler(Causes& causes, const Json& handler, const std::string& field, int64_t grace) {
  int kinds = 0;
  for (const char* kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Json& value = At(handler, kind);
    if (!value.is_object()) continue;
    const std::string at = field + "." + kind;
    if (++kinds > 1) {
      Forbidden(causes, at, "may not specify more than 1 handler type");
      continue;
    }
    const std::string_view word = kind;
    if (word == "exec" && ListAt(value, {"command"}).empty()) Required(causes, at + ".command");
    if (word == "httpGet") HttpGet(causes, value, at);
    if (word == "tcpSocket") ValidatePortOrName(causes, at + ".port", At(value, "port"));
    if (word == "grpc") Port(causes, at + ".port", IntAt(value, "port"));
    const int64_t seconds = IntAt(value, "seconds");
    if (word == "sleep" && (seconds <= 0 || seconds > grace)) {
      InvalidNumber(
          causes, at, seconds,
          fmt::format("must be greater than 0 and less than "
                      "terminationGracePeriodSeconds ({}). Enable "
                      "AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.",
                      grace));
    }
  }
  if (kinds == 0) Required(causes, field, "must specify a handler type");
}

void Lifecycle(Causes& causes, const Json& container, const std::string& at, int64_t grace) {
  for (const char* event : {"postStart", "preStop"}) {
    if (const Json& handler = At(container, {"lifecycle", event}); handler.is_object())
      Handler(causes, handler, fmt::format("{}.lifecycle.{}", at, event), grace);
  }
}

void Probe(Causes& causes, const Json& container, const char* name, const std::string& at,
           int64_t grace) {
  const Json& probe = At(container, name);
  if (!probe.is_object()) return;
  const std::string field = fmt::format("{}.{}", at, name);
  Handler(causes, probe, field, grace);
  for (const char* member : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                             "successThreshold", "failureThreshold"})
    NonNegative(causes, probe, member, field + ".");
  const Json& end = At(probe, "terminationGracePeriodSeconds");
  if (end.is_number_integer() && end.get<int64_t>() <= 0)
    InvalidNumber(causes, field + ".terminationGracePeriodSeconds", end.get<int64_t>(),
                  "must be greater than 0");
  if (std::string_view(name) == "readinessProbe") {
    if (end.is_number_integer())
      InvalidNumber(causes, field + ".terminationGracePeriodSeconds", end.get<int64_t>(),
                    "must not be set for readinessProbes");
  } else if (IntAt(probe, "successThreshold", 1) != 1) {
    InvalidNumber(causes, field + ".successThreshold", IntAt(probe, "successThreshold"),
                  "must be 1");
  }
}

void Probes(Causes& causes, const Json& container, const std::string& at, int64_t grace) {
  Lifecycle(causes, container, at, grace);
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"})
    Probe(causes, container, name, at, grace);
}

void Ports(Causes& causes, const Json& container, const std::string& field) {
  const Json& ports = ListAt(container, {"ports"});
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const Json& port = ports[i];
    const std::string at = fmt::format("{}.ports[{}]", field, i);
    if (const std::string name = TextAt(port, "name"); !name.empty()) {
      if (const Faults faults = PortNameFault(name); !faults.empty()) {
        InvalidText(causes, at + ".name", name, faults);
      } else if (!names.insert(name).second) {
        Duplicate(causes, at + ".name", "\"" + name + "\"");
      }
    }
    const int64_t number = IntAt(port, "containerPort");
    if (number == 0) {
      Required(causes, at + ".containerPort");
    } else {
      Port(causes, at + ".containerPort", number);
    }
    if (IntAt(port, "hostPort") != 0) Port(causes, at + ".hostPort", IntAt(port, "hostPort"));
    OneOf(causes, at + ".protocol", TextAt(port, "protocol"), {"SCTP", "TCP", "UDP"});
  }
}

void HostPorts(Causes& causes, const Json& container, const std::string& field,
               std::set<std::string>* seen) {
  const Json& ports = ListAt(container, {"ports"});
  for (size_t n = 0; n < ports.size(); ++n) {
    const int64_t port = IntAt(ports[n], "hostPort");
    if (port == 0) continue;
    const std::string key =
        fmt::format("{}/{}/{}", TextAt(ports[n], "protocol"), TextAt(ports[n], "hostIP"), port);
    if (!seen->insert(key).second)
      Duplicate(causes, fmt::format("{}.ports[{}].hostPort", field, n), "\"" + key + "\"");
  }
}

bool KnownFieldPath(const std::string& path) {
  static const std::set<std::string> known = {
      "metadata.name",           "metadata.namespace", "metadata.uid",        "spec.nodeName",
      "spec.serviceAccountName", "status.hostIP",      "status.hostIPs",      "status.podIP",
      "status.podIPs",           "metadata.labels",    "metadata.annotations"};
  return known.contains(path);
}

void FieldRef(Causes& causes, const Json& ref, const std::string& at) {
  const std::string path = TextAt(ref, "fieldPath");
  if (path.empty()) return Required(causes, at + ".fieldPath");
  if (const size_t bracket = path.find("['");
      bracket != std::string::npos && path.ends_with("']")) {
    const std::string map = path.substr(0, bracket),
                      key = path.substr(bracket + 2, path.size() - bracket - 4);
    if (map == "metadata.annotations")
      return InvalidText(causes, at, base::AsciiLower(key), QualifiedFault(base::AsciiLower(key)));
    if (map == "metadata.labels") return InvalidText(causes, at, key, QualifiedFault(key));
  }
  if (!KnownFieldPath(path)) {
    InvalidText(causes, at + ".fieldPath", path,
                "error converting fieldPath: field label not supported: " + path);
  } else if (path == "metadata.labels" || path == "metadata.annotations") {
    OneOf(causes, at + ".fieldPath", path,
          {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
           "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
           "status.podIPs"});
  }
}

void AmountRef(Causes& causes, const Json& ref, const std::string& at) {
  const std::string resource = TextAt(ref, "resource");
  if (resource.empty()) {
    Required(causes, at + ".resource");
  } else if (!resource.starts_with("limits.hugepages-") &&
             !resource.starts_with("requests.hugepages-")) {
    OneOf(causes, at + ".resource", resource, kAmounts);
  }
}

void KeyRef(Causes& causes, const Json& ref, const std::string& at) {
  const std::string name = TextAt(ref, "name"), key = TextAt(ref, "key");
  InvalidText(causes, at + ".name", name, SubdomainFault(name));
  if (key.empty()) {
    Required(causes, at + ".key");
  } else if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-._") != std::string::npos) {
    InvalidText(causes, at + ".key", key,
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
                "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
                "'[-._a-zA-Z0-9]+')");
  } else if (key == "." || key == "..") {
    InvalidText(causes, at + ".key", key, fmt::format("must not be '{}'", key));
  } else if (key.starts_with("..")) {
    InvalidText(causes, at + ".key", key, "must not start with '..'");
  }
}

void EnvSource(Causes& causes, const Json& env, const std::string& field) {
  const Json& from = At(env, "valueFrom");
  if (!from.is_object()) return;
  int sources = 0;
  for (const char* kind : {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"}) {
    const Json& ref = At(from, kind);
    if (!ref.is_object()) continue;
    ++sources;
    const std::string at = field + "." + kind;
    if (std::string_view(kind) == "fieldRef") {
      FieldRef(causes, ref, at);
    } else if (std::string_view(kind) == "resourceFieldRef") {
      AmountRef(causes, ref, at);
    } else {
      KeyRef(causes, ref, at);
    }
  }
  if (sources == 0)
    InvalidText(
        causes, field, "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
  else if (!TextAt(env, "value").empty())
    InvalidText(causes, field, "", "may not be specified when `value` is not empty");
  else if (sources > 1)
    InvalidText(causes, field, "", "may not have more than one field specified at a time");
}

void VariableName(Causes& causes, const std::string& at, const std::string& name) {
  bool printable = true;
  for (unsigned char c : name) printable = printable && c >= 0x20 && c < 0x7f && c != '=';
  if (!printable)
    InvalidText(causes, at, name,
                "a valid environment variable name must consist only of printable ASCII characters "
                "other than '='");
}

void Env(Causes& causes, const Json& container, const std::string& field) {
  const Json& list = ListAt(container, {"env"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}.env[{}]", field, i), name = TextAt(list[i], "name");
    if (name.empty())
      Required(causes, at + ".name");
    else
      VariableName(causes, at + ".name", name);
    EnvSource(causes, list[i], at + ".valueFrom");
  }
  const Json& from = ListAt(container, {"envFrom"});
  for (size_t i = 0; i < from.size(); ++i) {
    const std::string at = fmt::format("{}.envFrom[{}]", field, i);
    VariableName(causes, at + ".prefix", TextAt(from[i], "prefix"));
    int sources = 0;
    for (const char* kind : {"configMapRef", "secretRef"}) {
      if (!At(from[i], kind).is_object()) continue;
      ++sources;
      const std::string name = TextAt(from[i], {kind, "name"});
      if (name.empty())
        Required(causes, fmt::format("{}.{}.name", at, kind));
      else
        InvalidText(causes, fmt::format("{}.{}.name", at, kind), name, SubdomainFault(name));
    }
    if (sources == 0)
      InvalidText(causes, field + ".envFrom", "",
                  "must specify one of: `configMapRef` or `secretRef`");
    else if (sources > 1)
      InvalidText(causes, field + ".envFrom", "",
                  "may not have more than one field specified at a time");
  }
}

void Propagation(Causes& causes, const Json& mount, const Json& container,
                 const std::string& list) {
  const Json& given = At(mount, "mountPropagation");
  const std::string mode = Scalar(given);
  if (!given.is_null()) {
    OneOf(causes, list + ".mountPropagation", mode, {"Bidirectional", "HostToContainer", "None"});
    if (mode == "Bidirectional" && !BoolAt(container, {"securityContext", "privileged"}))
      Forbidden(causes, list + ".mountPropagation",
                "Bidirectional mount propagation is available only to privileged containers");
  }
  const Json& recursive = At(mount, "recursiveReadOnly");
  if (recursive.is_null()) return;
  const std::string word = Scalar(recursive), at = list + ".recursiveReadOnly";
  OneOf(causes, at, word, {"Disabled", "Enabled", "IfPossible"});
  if (word != "Enabled" && word != "IfPossible") return;
  if (!BoolAt(mount, {"readOnly"}))
    Forbidden(causes, at, "may only be specified when readOnly is true");
  if (!mode.empty() && mode != "None")
    Forbidden(causes, at, "may only be specified when mountPropagation is None or not specified");
}

// Paths below a list of mounts are named without the mount's number, as a real server does.
void Mounts(Causes& causes, const Json& container, const std::string& field, const PodRules& pod) {
  const std::string list = field + ".volumeMounts";
  const Json& mounts = ListAt(container, {"volumeMounts"});
  std::set<std::string> paths, device_names, device_paths;
  for (const Json& device : ListAt(container, {"volumeDevices"})) {
    device_names.insert(TextAt(device, "name"));
    device_paths.insert(TextAt(device, "devicePath"));
  }
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", list, i);
    const std::string name = TextAt(mounts[i], "name"), path = TextAt(mounts[i], "mountPath");
    if (name.empty()) Required(causes, at + ".name");
    if (!pod.volumes.contains(name)) NotFound(causes, at + ".name", name);
    if (path.empty()) Required(causes, at + ".mountPath");
    if (!paths.insert(path).second) InvalidText(causes, at + ".mountPath", path, "must be unique");
    if (device_names.contains(name))
      InvalidText(causes, at + ".name", name, "must not already exist in volumeDevices");
    if (device_paths.contains(path))
      InvalidText(causes, at + ".mountPath", path,
                  "must not already exist as a path in volumeDevices");
    const std::string sub = TextAt(mounts[i], "subPath"), expr = TextAt(mounts[i], "subPathExpr");
    ValidateDescendingPath(causes, sub, list + ".subPath");
    if (!expr.empty() && !sub.empty())
      InvalidText(causes, at + ".subPathExpr", expr,
                  "subPathExpr and subPath are mutually exclusive");
    ValidateDescendingPath(causes, expr, list + ".subPathExpr");
    Propagation(causes, mounts[i], container, list);
  }
}

void Devices(Causes& causes, const Json& container, const std::string& field, const PodRules& pod) {
  const Json& devices = ListAt(container, {"volumeDevices"});
  std::set<std::string> names, paths, mounted, mount_paths;
  for (const Json& mount : ListAt(container, {"volumeMounts"})) {
    mounted.insert(TextAt(mount, "name"));
    mount_paths.insert(TextAt(mount, "mountPath"));
  }
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string at = fmt::format("{}.volumeDevices[{}]", field, i);
    const std::string name = TextAt(devices[i], "name"), path = TextAt(devices[i], "devicePath");
    const auto volume = pod.volumes.find(name);
    if (name.empty()) Required(causes, at + ".name");
    if (names.contains(name)) InvalidText(causes, at + ".name", name, "must be unique");
    if (volume == pod.volumes.end()) {
      NotFound(causes, at + ".name", name);
    } else if (!At(*volume->second, "persistentVolumeClaim").is_object() &&
               !At(*volume->second, "ephemeral").is_object()) {
      InvalidText(causes, at + ".name", name,
                  "can only use volume source type of PersistentVolumeClaim or Ephemeral for block "
                  "mode");
    }
    if (path.empty()) Required(causes, at + ".devicePath");
    if (paths.contains(path)) InvalidText(causes, at + ".devicePath", path, "must be unique");
    if (HasBacksteps(path))
      InvalidText(causes, at + ".devicePath", path, "can not contain backsteps ('..')");
    else
      paths.insert(path);
    if (mounted.contains(name))
      InvalidText(causes, at + ".name", name, "must not already exist in volumeMounts");
    if (mount_paths.contains(path))
      InvalidText(causes, at + ".devicePath", path,
                  "must not already exist as a path in volumeMounts");
    if (!name.empty()) names.insert(name);
  }
}

void Security(Causes& causes, const Json& context, const std::string& field) {
  if (!context.is_object()) return;
  ValidateId(causes, context, "runAsUser", field);
  ValidateId(causes, context, "runAsGroup", field);
  if (const Json& mount = At(context, "procMount"); !mount.is_null()) {
    if (mount != "Default" && mount != "Unmasked")
      OneOf(causes, field + ".procMount", Scalar(mount), {"Default", "Unmasked"});
  }
  ValidateProfiles(causes, context, field, true);
  if (BoolAt(context, {"privileged"}) && At(context, "allowPrivilegeEscalation") == Json(false)) {
    Invalid(causes, field, "core.SecurityContext{...}",
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  ValidateProfiles(causes, context, field, false);
}

void ResizePolicy(Causes& causes, const Json& container, const std::string& field) {
  const Json& list = ListAt(container, {"resizePolicy"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string resource = TextAt(list[i], "resourceName"),
                      policy = TextAt(list[i], "restartPolicy");
    if (resource.empty())
      Required(causes, field + ".resizePolicy");
    else
      OneOf(causes, field + ".resizePolicy", resource, {"cpu", "memory"});
    if (policy.empty())
      Required(causes, field + ".resizePolicy");
    else
      OneOf(causes, field + ".resizePolicy", policy, {"NotRequired", "RestartContainer"});
  }
}

// What all sorts of containers have in common.
void Common(Causes& causes, const Json& container, const std::string& at, const PodRules& pod) {
  const std::string name = TextAt(container, "name");
  if (name.empty())
    Required(causes, at + ".name");
  else
    InvalidText(causes, at + ".name", name, LabelFault(name));
  if (TextAt(container, "image").empty()) Required(causes, at + ".image");
  OneOf(causes, at + ".terminationMessagePolicy", TextAt(container, "terminationMessagePolicy"),
        {"File", "FallbackToLogsOnError"});
  Ports(causes, container, at);
  Env(causes, container, at);
  Mounts(causes, container, at, pod);
  Devices(causes, container, at, pod);
  OneOf(causes, at + ".imagePullPolicy", TextAt(container, "imagePullPolicy"),
        {"Always", "IfNotPresent", "Never"});
  ValidateResources(causes, At(container, "resources"), at + ".resources");
  ResizePolicy(causes, container, at);
  Security(causes, At(container, "securityContext"), at + ".securityContext");
}

// In a pod itself, not in a template, images may not begin or end with white space.
void OnlyInPods(Causes& causes, const Json& container, const std::string& at, const PodRules& pod) {
  const std::string image = TextAt(container, "image");
  if (pod.field == "spec" && base::Trim(image) != image)
    InvalidText(causes, at + ".image", image, "must not have leading or trailing whitespace");
}

void InitContainers(Causes& causes, const PodRules& pod, std::set<std::string> names,
                    int64_t grace) {
  const Json& list = ListAt(pod.spec, {"initContainers"});
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& container = list[i];
    const std::string at = fmt::format("{}.initContainers[{}]", pod.field, i);
    Common(causes, container, at, pod);
    const Json& policy = At(container, "restartPolicy");
    if (!policy.is_null()) OneOf(causes, at + ".restartPolicy", Scalar(policy), {"Always"});
    const std::string name = TextAt(container, "name");
    if (names.contains(name))
      Duplicate(causes, at + ".name", "\"" + name + "\"");
    else if (!name.empty())
      names.insert(name);
    std::set<std::string> host_ports;
    HostPorts(causes, container, at, &host_ports);
    if (policy == "Always") {
      Probes(causes, container, at, grace);
    } else {
      for (const char* member : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
        if (At(container, member).is_object())
          Forbidden(causes, fmt::format("{}.{}", at, member),
                    "may not be set for init containers without restartPolicy=Always");
      }
    }
    if (!ListAt(container, {"resizePolicy"}).empty())
      Invalid(causes, at + ".resizePolicy", "[]core.ContainerResizePolicy{...}",
              "must not be set for init containers");
    OnlyInPods(causes, container, at, pod);
  }
}

void EphemeralContainers(Causes& causes, const PodRules& pod, std::set<std::string> others) {
  const Json& list = ListAt(pod.spec, {"ephemeralContainers"});
  for (const Json& one : ListAt(pod.spec, {"initContainers"})) others.insert(TextAt(one, "name"));
  std::set<std::string> names = others;
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& container = list[i];
    const std::string at = fmt::format("{}.ephemeralContainers[{}]", pod.field, i);
    Common(causes, container, at, pod);
    if (const std::string image = TextAt(container, "image"); base::Trim(image) != image)
      InvalidText(causes, at + ".image", image, "must not have leading or trailing whitespace");
    const std::string name = TextAt(container, "name"),
                      target = TextAt(container, "targetContainerName");
    if (!names.insert(name).second) Duplicate(causes, at + ".name", "\"" + name + "\"");
    if (!target.empty() && !others.contains(target))
      NotFound(causes, at + ".targetContainerName", target);
    for (const char* member : {"ports", "resources", "resizePolicy", "restartPolicy",
                               "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"}) {
      if (const Json& value = At(container, member); !value.empty() && !value.is_null())
        Forbidden(causes, fmt::format("{}.{}", at, member),
                  "cannot be set for an Ephemeral Container");
    }
    const Json& mounts = ListAt(container, {"volumeMounts"});
    for (size_t n = 0; n < mounts.size(); ++n) {
      for (const char* member : {"subPath", "subPathExpr"}) {
        if (!TextAt(mounts[n], member).empty())
          Forbidden(causes, fmt::format("{}.volumeMounts[{}].{}", at, n, member),
                    "cannot be set for an Ephemeral Container");
      }
    }
  }
}

}  // namespace

Faults PortNameFault(std::string_view name) {
  Faults faults;
  if (name.size() > 15) faults.emplace_back("must be no more than 15 characters");
  bool letter = false, plain = true;
  for (char c : name) {
    const bool own = c >= 'a' && c <= 'z';
    letter = letter || own;
    plain = plain && (own || (c >= '0' && c <= '9') || c == '-');
  }
  if (!plain)
    faults.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!letter) faults.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos)
    faults.emplace_back("must not contain consecutive hyphens");
  if (!name.empty() && (name.front() == '-' || name.back() == '-'))
    faults.emplace_back("must not begin or end with a hyphen");
  return faults;
}

void ValidatePortOrName(Causes& causes, const std::string& field, const Json& port) {
  if (port.is_string()) {
    InvalidText(causes, field, Scalar(port), PortNameFault(Scalar(port)));
  } else {
    Port(causes, field, port.is_number_integer() ? port.get<int64_t>() : 0);
  }
}

void ValidateContainers(Causes& causes, const PodRules& pod) {
  const Json& containers = ListAt(pod.spec, {"containers"});
  const int64_t grace = IntAt(pod.spec, "terminationGracePeriodSeconds", 30);
  if (containers.empty()) Required(causes, pod.field + ".containers");
  std::set<std::string> names, host_ports;
  for (size_t i = 0; i < containers.size(); ++i) {
    const Json& container = containers[i];
    const std::string at = fmt::format("{}.containers[{}]", pod.field, i);
    Common(causes, container, at, pod);
    const std::string name = TextAt(container, "name");
    if (!names.insert(name).second) Duplicate(causes, at + ".name", "\"" + name + "\"");
    Probes(causes, container, at, grace);
    if (!At(container, "restartPolicy").is_null())
      Forbidden(causes, at + ".restartPolicy", "may not be set for non-init containers");
  }
  for (size_t i = 0; i < containers.size(); ++i) {
    const std::string at = fmt::format("{}.containers[{}]", pod.field, i);
    HostPorts(causes, containers[i], at, &host_ports);
    OnlyInPods(causes, containers[i], at, pod);
  }
  InitContainers(causes, pod, names, grace);
  EphemeralContainers(causes, pod, names);
}

}  // namespace opsmesh::kubesim
