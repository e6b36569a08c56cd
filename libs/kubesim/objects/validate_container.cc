// Containers of pods: what a real server refuses.
#include <fmt/format.h>

#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/validate_pod.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

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
      ValidatePortNumber(causes, at + ".containerPort", number);
    }
    if (IntAt(port, "hostPort") != 0)
      ValidatePortNumber(causes, at + ".hostPort", IntAt(port, "hostPort"));
    OneOfNeeded(causes, at + ".protocol", TextAt(port, "protocol"), {"SCTP", "TCP", "UDP"});
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

// What all sorts of containers have in common.
void Common(Causes& causes, const Json& container, const std::string& at, const PodRules& pod) {
  const std::string name = TextAt(container, "name");
  if (name.empty())
    Required(causes, at + ".name");
  else
    InvalidText(causes, at + ".name", name, LabelFault(name));
  if (TextAt(container, "image").empty()) Required(causes, at + ".image");
  OneOfNeeded(causes, at + ".terminationMessagePolicy",
              TextAt(container, "terminationMessagePolicy"), {"File", "FallbackToLogsOnError"});
  Ports(causes, container, at);
  ValidateEnvironment(causes, container, at);
  ValidateMounts(causes, container, at, pod);
  ValidateDevices(causes, container, at, pod);
  OneOfNeeded(causes, at + ".imagePullPolicy", TextAt(container, "imagePullPolicy"),
              {"Always", "IfNotPresent", "Never"});
  ValidateResources(causes, At(container, "resources"), at + ".resources");
  ValidateSecurity(causes, At(container, "securityContext"), at + ".securityContext");
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
    // Each stands alone: a real server names all of them the first.
    HostPorts(causes, container, pod.field + ".initContainers[0]", &host_ports);
    if (policy == "Always") {
      ValidateHandlers(causes, container, at, grace);
    } else {
      for (const char* member : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
        if (At(container, member).is_object())
          Forbidden(causes, fmt::format("{}.{}", at, member),
                    "may not be set for init containers without restartPolicy=Always");
      }
    }
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
    for (const char* member : {"ports", "resources", "restartPolicy", "livenessProbe",
                               "readinessProbe", "startupProbe", "lifecycle"}) {
      const Json& value = At(container, member);
      const bool plain = value.is_array() || member == std::string_view("resources");
      if (value.is_null() || (plain && value.empty())) continue;
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

void ValidateImagesOfPod(Causes& causes, const Json& spec) {
  for (const char* list : {"containers", "initContainers"}) {
    const Json& containers = ListAt(spec, {list});
    for (size_t i = 0; i < containers.size(); ++i) {
      const std::string image = TextAt(containers[i], "image");
      if (base::Trim(image) != image)
        InvalidText(causes, fmt::format("spec.{}[{}].image", list, i), image,
                    "must not have leading or trailing whitespace");
    }
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
    ValidateHandlers(causes, container, at, grace);
    if (!At(container, "restartPolicy").is_null())
      Forbidden(causes, at + ".restartPolicy", "may not be set for non-init containers");
  }
  for (size_t i = 0; i < containers.size(); ++i) {
    const std::string at = fmt::format("{}.containers[{}]", pod.field, i);
    HostPorts(causes, containers[i], at, &host_ports);
  }
  InitContainers(causes, pod, names, grace);
  EphemeralContainers(causes, pod, names);
}

}  // namespace opsmesh::kubesim
