// What the requests that reach into a pod's containers (log, exec) ask first.
#pragma once

#include <optional>
#include <string>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/store/api_status.h"

namespace opsmesh::kubesim {

/// Checks the container's name, or sets it where the pod has only one; refused otherwise.
MaybeStatus ChooseContainer(const Json& pod, const std::string& pod_name, std::string* container);

/// The address of the pod's node when its kubelet has fallen silent.
std::optional<std::string> SilentNode(const Cluster& cluster, const Json& pod);

}  // namespace opsmesh::kubesim
