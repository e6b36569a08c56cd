// Pods and pod templates: what a real server refuses.
#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kEnvName =
    "a valid environment variable name must consist only of printable ASCII characters other than "
    "'='";

void Port(Causes& causes, const std::string& field, int64_t port) {
  if (port < 1 || port > 65535)
    InvalidNumber(causes, field, port, "must be between 1 and 65535, inclusive");
}

// The fault of an IANA service name; "" when it is one.
std::string PortNameFault(std::string_view name) {
  if (name.size() > 15) return "must be no more than 15 characters";
  bool letter = false;
  for (char c : name) {
    letter = letter || (c >= 'a' && c <= 'z');
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
      return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
  }
  if (!letter) return "must contain at least one letter (a-z)";
  if (name.find("--") != std::string_view::npos) return "must not contain consecutive hyphens";
  if (name.front() == '-' || name.back() == '-') return "must not begin or end with a hyphen";
  return "";
}

void IntOrName(Causes& causes, const std::string& field, const Json& port) {
  if (port.is_string()) {
    if (std::string fault = PortNameFault(Scalar(port)); !fault.empty())
      InvalidText(causes, field, Scalar(port), fault);
  } else {
    Port(causes, field, port.is_number_integer() ? port.get<int64_t>() : 0);
  }
}

void ValidateHandler(Causes& causes, const Json& handler, const std::string& field) {
  int kinds = 0;
  for (const char* kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Json& value = At(handler, kind);
    if (!value.is_object()) continue;
    if (++kinds > 1) {
      Forbidden(causes, field + "." + kind, "may not specify more than 1 handler type");
      continue;
    }
    const std::string at = field + "." + kind;
    const std::string_view word = kind;
    if (word == "exec" && ListAt(value, {"command"}).empty()) Required(causes, at + ".command");
    if (word == "httpGet") {
      if (TextAt(value, "path").empty()) Required(causes, at + ".path");
      OneOf(causes, at + ".scheme", TextAt(value, "scheme"), {"HTTP", "HTTPS"});
    }
    if (word == "httpGet" || word == "tcpSocket" || word == "grpc")
      IntOrName(causes, at + ".port", At(value, "port"));
  }
  if (kinds == 0) Required(causes, field, "must specify a handler type");
}

void ValidateProbe(Causes& causes, const Json& probe, const std::string& field, bool success_one) {
  if (!probe.is_object()) return;
  ValidateHandler(causes, probe, field);
  for (const char* member : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                             "successThreshold", "failureThreshold"})
    NonNegative(causes, probe, member, field + ".");
  if (success_one && IntAt(probe, "successThreshold", 1) != 1)
    InvalidNumber(causes, field + ".successThreshold", IntAt(probe, "successThreshold"),
                  "must be 1");
}

bool StandardResource(std::string_view name) {
  static const std::set<std::string_view> names = {"cpu", "memory", "ephemeral-storage"};
  return names.contains(name) || name.starts_with("hugepages-");
}

void ValidateResources(Causes& causes, const Json& resources, const std::string& field) {
  for (const char* side : {"limits", "requests"}) {
    const Json& map = At(resources, side);
    if (!map.is_object()) continue;
    for (const auto& [name, value] : map.items()) {
      const std::string path = fmt::format("{}.{}[{}]", field, side, name);
      if (name.find('/') == std::string::npos && !StandardResource(name)) {
        InvalidText(causes, path, name, "must be a standard resource type or fully qualified");
        InvalidText(causes, path, name, "must be a standard resource for containers");
      }
      if (const auto amount = ParseQuantity(value); amount && *amount < 0)
        InvalidText(causes, path, Scalar(value), "must be greater than or equal to 0");
      if (std::string_view(side) == "requests") {
        const Json& limit = At(resources, {"limits", name.c_str()});
        const auto request = ParseQuantity(value), most = ParseQuantity(limit);
        if (request && most && *request > *most) {
          InvalidText(
              causes, field + ".requests", Scalar(value),
              fmt::format("must be less than or equal to {} limit of {}", name, Scalar(limit)));
        }
      }
    }
  }
}

void ValidatePorts(Causes& causes, const Json& container, const std::string& field,
                   bool host_network) {
  const Json& ports = ListAt(container, {"ports"});
  std::set<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    const Json& port = ports[i];
    const std::string at = fmt::format("{}.ports[{}]", field, i);
    if (const std::string name = TextAt(port, "name"); !name.empty()) {
      if (std::string fault = PortNameFault(name); !fault.empty()) {
        InvalidText(causes, at + ".name", name, fault);
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
    if (const Json& host = At(port, "hostPort"); host.is_number() && IntAt(port, "hostPort") != 0) {
      Port(causes, at + ".hostPort", IntAt(port, "hostPort"));
      if (host_network && IntAt(port, "hostPort") != number)
        InvalidNumber(causes, at + ".containerPort", number,
                      "must match `hostPort` when `hostNetwork` is true");
    }
    OneOf(causes, at + ".protocol", TextAt(port, "protocol"), {"SCTP", "TCP", "UDP"});
  }
}

bool KnownFieldPath(const std::string& path) {
  static const std::set<std::string> known = {"metadata.name",
                                              "metadata.namespace",
                                              "metadata.uid",
                                              "metadata.labels",
                                              "metadata.annotations",
                                              "spec.nodeName",
                                              "spec.serviceAccountName",
                                              "status.hostIP",
                                              "status.hostIPs",
                                              "status.podIP",
                                              "status.podIPs"};
  return known.contains(path) || path.starts_with("metadata.labels['") ||
         path.starts_with("metadata.annotations['");
}

void ValidateEnvSource(Causes& causes, const Json& env, const std::string& field) {
  const Json& from = At(env, "valueFrom");
  if (!from.is_object()) return;
  int sources = 0;
  for (const char* kind : {"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"})
    sources += At(from, kind).is_object() ? 1 : 0;
  if (const std::string path = TextAt(from, {"fieldRef", "fieldPath"});
      At(from, "fieldRef").is_object()) {
    if (path.empty()) {
      Required(causes, field + ".fieldRef.fieldPath");
    } else if (!KnownFieldPath(path)) {
      InvalidText(causes, field + ".fieldRef.fieldPath", path,
                  "error converting fieldPath: field label not supported: " + path);
    }
  }
  for (const char* kind : {"configMapKeyRef", "secretKeyRef"}) {
    if (At(from, kind).is_object() && TextAt(from, {kind, "key"}).empty())
      Required(causes, field + "." + kind + ".key");
  }
  if (sources == 0)
    InvalidText(
        causes, field, "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
  if (!TextAt(env, "value").empty() && sources > 0)
    InvalidText(causes, field, "", "may not be specified when `value` is not empty");
  if (sources > 1)
    InvalidText(causes, field, "", "may not have more than one field specified at a time");
}

void ValidateEnv(Causes& causes, const Json& container, const std::string& field) {
  const Json& list = ListAt(container, {"env"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}.env[{}]", field, i);
    const std::string name = TextAt(list[i], "name");
    bool printable = true;
    for (unsigned char c : name) printable = printable && c >= 0x20 && c < 0x7f && c != '=';
    if (name.empty()) {
      Required(causes, at + ".name");
    } else if (!printable) {
      InvalidText(causes, at + ".name", name, kEnvName);
    }
    ValidateEnvSource(causes, list[i], at + ".valueFrom");
  }
}

void ValidateMounts(Causes& causes, const Json& container, const std::string& field,
                    const std::set<std::string>& volumes) {
  const Json& mounts = ListAt(container, {"volumeMounts"});
  std::set<std::string> paths;
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string at = fmt::format("{}.volumeMounts[{}]", field, i);
    const std::string name = TextAt(mounts[i], "name"), path = TextAt(mounts[i], "mountPath");
    if (name.empty()) Required(causes, at + ".name");
    if (!volumes.contains(name)) NotFound(causes, at + ".name", name);
    if (path.empty()) Required(causes, at + ".mountPath");
    if (!paths.insert(path).second) InvalidText(causes, at + ".mountPath", path, "must be unique");
    if (path.find(':') != std::string::npos)
      InvalidText(causes, at + ".mountPath", path, "must not contain ':'");
  }
}

void ValidateSecurity(Causes& causes, const Json& context, const std::string& field) {
  for (const char* member : {"runAsUser", "runAsGroup", "fsGroup"}) {
    const Json& id = At(context, member);
    if (id.is_number_integer() && (id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)) {
      InvalidNumber(causes, field + "." + member, id.get<int64_t>(),
                    "must be between 0 and 2147483647, inclusive");
    }
  }
  if (BoolAt(context, {"privileged"}) && At(context, "allowPrivilegeEscalation") == Json(false)) {
    Invalid(causes, field, "core.SecurityContext{...}",
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
}

struct PodView {
  const Json& spec;
  std::string field;
  std::set<std::string> volumes;
  std::set<std::string> names;
};

void ValidateContainer(Causes& causes, const Json& container, const std::string& at, bool init,
                       PodView& pod) {
  const std::string name = TextAt(container, "name"), image = TextAt(container, "image");
  if (name.empty()) {
    Required(causes, at + ".name");
  } else if (auto fault = LabelFault(name); !fault.empty()) {
    InvalidText(causes, at + ".name", name, fault);
  } else if (!pod.names.insert(name).second) {
    Duplicate(causes, at + ".name", "\"" + name + "\"");
  }
  if (image.empty()) {
    Required(causes, at + ".image");
  } else if (base::Trim(image) != image) {
    InvalidText(causes, at + ".image", image, "must not have leading or trailing whitespace");
  }
  const bool sidecar = init && TextAt(container, "restartPolicy") == "Always";
  for (const char* event : {"postStart", "preStop"}) {
    if (const Json& handler = At(container, {"lifecycle", event}); handler.is_object())
      ValidateHandler(causes, handler, at + ".lifecycle." + event);
  }
  if (init && !sidecar) {
    for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
      if (At(container, probe).is_object())
        Forbidden(causes, at + "." + probe,
                  "may not be set for init containers without restartPolicy=Always");
    }
  } else {
    ValidateProbe(causes, At(container, "livenessProbe"), at + ".livenessProbe", true);
    ValidateProbe(causes, At(container, "readinessProbe"), at + ".readinessProbe", false);
    ValidateProbe(causes, At(container, "startupProbe"), at + ".startupProbe", true);
  }
  OneOf(causes, at + ".terminationMessagePolicy", TextAt(container, "terminationMessagePolicy"),
        {"FallbackToLogsOnError", "File"});
  ValidatePorts(causes, container, at, BoolAt(pod.spec, {"hostNetwork"}));
  ValidateEnv(causes, container, at);
  const Json& from = ListAt(container, {"envFrom"});
  for (size_t i = 0; i < from.size(); ++i) {
    const bool map = At(from[i], "configMapRef").is_object(),
               secret = At(from[i], "secretRef").is_object();
    if (!map && !secret)
      InvalidText(causes, fmt::format("{}.envFrom[{}]", at, i), "",
                  "must specify one of: `configMapRef` or `secretRef`");
    if (map && secret)
      InvalidText(causes, fmt::format("{}.envFrom[{}]", at, i), "",
                  "may not have more than one field specified at a time");
  }
  ValidateMounts(causes, container, at, pod.volumes);
  OneOf(causes, at + ".imagePullPolicy", TextAt(container, "imagePullPolicy"),
        {"Always", "IfNotPresent", "Never"});
  ValidateResources(causes, At(container, "resources"), at + ".resources");
  ValidateSecurity(causes, At(container, "securityContext"), at + ".securityContext");
}

void ValidateVolumeSource(Causes& causes, const Json& volume, const std::string& at, bool* good) {
  static constexpr std::array kNames = {std::pair{"configMap", "name"},
                                        std::pair{"secret", "secretName"},
                                        std::pair{"persistentVolumeClaim", "claimName"},
                                        std::pair{"hostPath", "path"},
                                        std::pair{"csi", "driver"},
                                        std::pair{"nfs", "server"}};
  for (const auto& [source, member] : kNames) {
    if (At(volume, source).is_object() && TextAt(volume, {source, member}).empty()) {
      Required(causes, fmt::format("{}.{}.{}", at, source, member));
      *good = false;
    }
  }
}

std::set<std::string> ValidateVolumes(Causes& causes, const Json& spec, const std::string& field) {
  std::set<std::string> names;
  const Json& volumes = ListAt(spec, {"volumes"});
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Json& volume = volumes[i];
    const std::string at = fmt::format("{}.volumes[{}]", field, i);
    const std::string name = TextAt(volume, "name");
    bool good = true;
    int sources = 0;
    if (volume.is_object()) {
      for (const auto& [member, value] : volume.items()) {
        if (member == "name" || !value.is_object()) continue;
        if (++sources > 1) {
          Forbidden(causes, at + "." + member, "may not specify more than 1 volume type");
          good = false;
        }
      }
    }
    if (sources == 0) {
      Required(causes, at, "must specify a volume type");
      good = false;
    }
    ValidateVolumeSource(causes, volume, at, &good);
    if (name.empty()) {
      Required(causes, at + ".name");
      good = false;
    } else if (auto fault = LabelFault(name); !fault.empty()) {
      InvalidText(causes, at + ".name", name, fault);
      good = false;
    } else if (names.contains(name)) {
      Duplicate(causes, at + ".name", "\"" + name + "\"");
    }
    if (good) names.insert(name);
  }
  return names;
}

void ValidateTolerations(Causes& causes, const Json& spec, const std::string& field) {
  const Json& list = ListAt(spec, {"tolerations"});
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& one = list[i];
    const std::string at = fmt::format("{}.tolerations[{}]", field, i);
    const std::string key = TextAt(one, "key"), word = TextAt(one, "operator"),
                      effect = TextAt(one, "effect"), value = TextAt(one, "value");
    if (!key.empty()) {
      if (auto fault = QualifiedFault(key); !fault.empty())
        InvalidText(causes, at + ".key", key, fault);
    }
    if (key.empty() && word != "Exists")
      InvalidText(causes, at + ".operator", word,
                  "operator must be Exists when `key` is empty, which means \"match all values and "
                  "all keys\"");
    if (At(one, "tolerationSeconds").is_number() && effect != "NoExecute")
      InvalidText(causes, at + ".effect", effect,
                  "effect must be 'NoExecute' when `tolerationSeconds` is set");
    if (word == "Exists" && !value.empty()) {
      Invalid(causes, at + ".operator",
              fmt::format("core.Toleration{{Key:\"{}\", Operator:\"Exists\", Value:\"{}\", "
                          "Effect:\"{}\", TolerationSeconds:(*int64)(nil)}}",
                          key, value, effect),
              "value must be empty when `operator` is 'Exists'");
    } else if (word.empty() || word == "Equal") {
      if (auto fault = LabelValueFault(value); !fault.empty())
        InvalidText(causes, at + ".operator", value, fault);
    } else if (word != "Exists") {
      OneOf(causes, at + ".operator", word, {"Equal", "Exists"});
    }
    if (!effect.empty())
      OneOf(causes, at + ".effect", effect, {"NoSchedule", "PreferNoSchedule", "NoExecute"});
  }
}

void ValidateNodeTerm(Causes& causes, const Json& term, const std::string& at) {
  const Json& expressions = ListAt(term, {"matchExpressions"});
  for (size_t i = 0; i < expressions.size(); ++i) {
    const std::string here = fmt::format("{}.matchExpressions[{}]", at, i),
                      word = TextAt(expressions[i], "operator");
    const Json& values = ListAt(expressions[i], {"values"});
    if (word == "In" || word == "NotIn") {
      if (values.empty())
        Required(causes, here + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (word == "Exists" || word == "DoesNotExist") {
      if (!values.empty())
        Forbidden(causes, here + ".values",
                  "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (word == "Gt" || word == "Lt") {
      if (values.size() != 1)
        Required(causes, here + ".values",
                 "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
      InvalidText(causes, here + ".operator", word, "not a valid selector operator");
    }
    if (auto fault = QualifiedFault(TextAt(expressions[i], "key")); !fault.empty())
      InvalidText(causes, here + ".key", TextAt(expressions[i], "key"), fault);
  }
}

void ValidateAffinityTerm(Causes& causes, const Json& term, const std::string& at) {
  ValidateSelectorShape(causes, At(term, "labelSelector"), at + ".labelSelector");
  const std::string key = TextAt(term, "topologyKey");
  if (key.empty()) Required(causes, at + ".topologyKey", "can not be empty");
  if (auto fault = QualifiedFault(key); !fault.empty())
    InvalidText(causes, at + ".topologyKey", key, fault);
  if (key.empty()) InvalidText(causes, at + ".topologyKey", key, QualifiedFault("-"));
}

void ValidateAffinity(Causes& causes, const Json& affinity, const std::string& field) {
  if (const Json& required =
          At(affinity, {"nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"});
      required.is_object()) {
    const std::string at =
        field + ".nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    const Json& terms = ListAt(required, {"nodeSelectorTerms"});
    if (terms.empty()) Required(causes, at, "must have at least one node selector term");
    for (size_t i = 0; i < terms.size(); ++i)
      ValidateNodeTerm(causes, terms[i], fmt::format("{}[{}]", at, i));
  }
  const Json& preferred =
      ListAt(affinity, {"nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"});
  for (size_t i = 0; i < preferred.size(); ++i) {
    const std::string at = fmt::format(
        "{}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[{}]", field, i);
    if (const int64_t weight = IntAt(preferred[i], "weight"); weight < 1 || weight > 100)
      InvalidNumber(causes, at + ".weight", weight, "must be in the range 1-100");
    ValidateNodeTerm(causes, At(preferred[i], "preference"), at + ".preference");
  }
  for (const char* side : {"podAffinity", "podAntiAffinity"}) {
    const Json& hard = ListAt(affinity, {side, "requiredDuringSchedulingIgnoredDuringExecution"});
    for (size_t i = 0; i < hard.size(); ++i)
      ValidateAffinityTerm(
          causes, hard[i],
          fmt::format("{}.{}.requiredDuringSchedulingIgnoredDuringExecution[{}]", field, side, i));
    const Json& soft = ListAt(affinity, {side, "preferredDuringSchedulingIgnoredDuringExecution"});
    for (size_t i = 0; i < soft.size(); ++i) {
      const std::string at =
          fmt::format("{}.{}.preferredDuringSchedulingIgnoredDuringExecution[{}]", field, side, i);
      if (const int64_t weight = IntAt(soft[i], "weight"); weight < 1 || weight > 100)
        InvalidNumber(causes, at + ".weight", weight, "must be in the range 1-100");
      ValidateAffinityTerm(causes, At(soft[i], "podAffinityTerm"), at + ".podAffinityTerm");
    }
  }
}

void ValidateSpread(Causes& causes, const Json& spec, const std::string& field) {
  const Json& list = ListAt(spec, {"topologySpreadConstraints"});
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}.topologySpreadConstraints[{}]", field, i);
    if (IntAt(list[i], "maxSkew") <= 0)
      InvalidNumber(causes, at + ".maxSkew", IntAt(list[i], "maxSkew"),
                    "must be greater than zero");
    if (TextAt(list[i], "topologyKey").empty())
      Required(causes, at + ".topologyKey", "can not be empty");
    OneOf(causes, at + ".whenUnsatisfiable", TextAt(list[i], "whenUnsatisfiable"),
          {"DoNotSchedule", "ScheduleAnyway"});
  }
}

}  // namespace

void ValidatePodSpec(Causes& causes, const Json& spec, const std::string& field) {
  PodView pod{spec, field, ValidateVolumes(causes, spec, field), {}};
  const Json& containers = ListAt(spec, {"containers"});
  if (containers.empty()) Required(causes, field + ".containers");
  for (size_t i = 0; i < containers.size(); ++i)
    ValidateContainer(causes, containers[i], fmt::format("{}.containers[{}]", field, i), false,
                      pod);
  const Json& init = ListAt(spec, {"initContainers"});
  for (size_t i = 0; i < init.size(); ++i)
    ValidateContainer(causes, init[i], fmt::format("{}.initContainers[{}]", field, i), true, pod);
  OneOf(causes, field + ".restartPolicy", TextAt(spec, "restartPolicy"),
        {"Always", "OnFailure", "Never"});
  OneOf(causes, field + ".dnsPolicy", TextAt(spec, "dnsPolicy"),
        {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"});
  ValidateSecurity(causes, At(spec, "securityContext"), field + ".securityContext");
  ValidateLabels(causes, At(spec, "nodeSelector"), field + ".nodeSelector");
  ValidateAffinity(causes, At(spec, "affinity"), field + ".affinity");
  if (const std::string account = TextAt(spec, "serviceAccountName");
      !account.empty() && !SubdomainFault(account).empty()) {
    InvalidText(causes, field + ".serviceAccountName", account, SubdomainFault(account));
  }
  if (const Json& seconds = At(spec, "activeDeadlineSeconds");
      seconds.is_number_integer() &&
      (seconds.get<int64_t>() < 1 || seconds.get<int64_t>() > INT32_MAX)) {
    InvalidNumber(causes, field + ".activeDeadlineSeconds", seconds.get<int64_t>(),
                  "must be between 1 and 2147483647, inclusive");
  }
  for (const char* member : {"hostname", "subdomain"}) {
    if (const std::string name = TextAt(spec, member); !name.empty() && !LabelFault(name).empty())
      InvalidText(causes, field + "." + member, name, LabelFault(name));
  }
  ValidateTolerations(causes, spec, field);
  ValidateSpread(causes, spec, field);
  const Json& aliases = ListAt(spec, {"hostAliases"});
  for (size_t i = 0; i < aliases.size(); ++i) {
    if (!ValidIp(TextAt(aliases[i], "ip")))
      InvalidText(causes, fmt::format("{}.hostAliases[{}].ip", field, i), TextAt(aliases[i], "ip"),
                  "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
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
