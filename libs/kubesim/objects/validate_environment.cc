// What containers get from outside: variables, mounts and devices; what a real server refuses.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/quantity.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr std::initializer_list<const char*> kAmounts = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};

bool KnownFieldPath(const std::string& path) {
  static const std::set<std::string> known = {
      "metadata.name",           "metadata.namespace", "metadata.uid",        "spec.nodeName",
      "spec.serviceAccountName", "status.hostIP",      "status.hostIPs",      "status.podIP",
      "status.podIPs",           "metadata.labels",    "metadata.annotations"};
  return known.contains(path);
}

// "metadata.labels['app']" is the map and its key; no key where none is named.
std::pair<std::string, std::string> SplitKey(const std::string& path) {
  const size_t bracket = path.find("['");
  if (bracket == std::string::npos || !path.ends_with("']")) return {path, ""};
  return {path.substr(0, bracket), path.substr(bracket + 2, path.size() - bracket - 4)};
}

// What an amount may be counted in.
void Divisor(Causes& causes, const Json& ref, const std::string& resource, const std::string& at) {
  const Json& given = At(ref, "divisor");
  const auto amount = ParseQuantity(given);
  if (!amount || *amount == 0) return;
  const std::string divisor = Amount::Of(given).ToString();
  static const std::set<std::string> bytes = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                              "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};
  const std::string name = resource.substr(resource.find('.') + 1);
  const char* word = name == "memory"                 ? "memory"
                     : name == "ephemeral-storage"    ? "local ephemeral storage"
                     : name.starts_with("hugepages-") ? "hugepages"
                                                      : "";
  if (name == "cpu" && divisor != "1" && divisor != "1m") {
    InvalidText(causes, at + ".divisor", resource,
                "only divisor's values 1m and 1 are supported with the cpu resource");
  } else if (*word != 0 && !bytes.contains(divisor)) {
    InvalidText(causes, at + ".divisor", resource,
                fmt::format("only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, "
                            "1Pi, 1Ei are supported with the {} resource",
                            word));
  }
}

void KeyRef(Causes& causes, const Json& ref, const std::string& at) {
  const std::string name = TextAt(ref, "name"), key = TextAt(ref, "key");
  InvalidText(causes, at + ".name", name, SubdomainFault(name));
  if (key.empty())
    Required(causes, at + ".key");
  else
    InvalidText(causes, at + ".key", key, ConfigKeyFault(key));
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
      ValidateFieldRef(causes, ref, at, false);
    } else if (std::string_view(kind) == "resourceFieldRef") {
      ValidateAmountRef(causes, ref, at, false);
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

}  // namespace

void ValidateFieldRef(Causes& causes, const Json& ref, const std::string& at, bool volume) {
  const std::string path = TextAt(ref, "fieldPath"), version = TextAt(ref, "apiVersion");
  if (version.empty()) return Required(causes, at + ".apiVersion");
  if (path.empty()) return Required(causes, at + ".fieldPath");
  if (version != "v1")
    return InvalidText(causes, at + ".fieldPath", path,
                       "error converting fieldPath: unsupported pod version: " + version);
  const auto [map, key] = SplitKey(path);
  if (map != path) {
    if (map == "metadata.annotations")
      return InvalidText(causes, at, base::AsciiLower(key), QualifiedFault(base::AsciiLower(key)));
    if (map == "metadata.labels") return InvalidText(causes, at, key, QualifiedFault(key));
  }
  if (!KnownFieldPath(path)) {
    InvalidText(causes, at + ".fieldPath", path,
                "error converting fieldPath: field label not supported: " + path);
  } else if (volume) {
    OneOf(causes, at + ".fieldPath", path,
          {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
           "metadata.uid"});
  } else {
    OneOf(causes, at + ".fieldPath", path,
          {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
           "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
           "status.podIPs"});
  }
}

void ValidateAmountRef(Causes& causes, const Json& ref, const std::string& at, bool volume) {
  const std::string resource = TextAt(ref, "resource");
  if (volume && TextAt(ref, "containerName").empty()) {
    Required(causes, at + ".containerName");
  } else if (resource.empty()) {
    Required(causes, at + ".resource");
  } else if (!resource.starts_with("limits.hugepages-") &&
             !resource.starts_with("requests.hugepages-")) {
    OneOf(causes, at + ".resource", resource, kAmounts);
  }
  Divisor(causes, ref, resource, at);
}

void ValidateEnvironment(Causes& causes, const Json& container, const std::string& field) {
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

// Paths below a list of mounts are named without the mount's number, as a real server does.
void ValidateMounts(Causes& causes, const Json& container, const std::string& field,
                    const PodRules& pod) {
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

void ValidateDevices(Causes& causes, const Json& container, const std::string& field,
                     const PodRules& pod) {
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

}  // namespace opsmesh::kubesim
