// What the requests that reach into a pod's containers (log, exec) ask first.
#pragma once

#include <optional>
#include <string>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/store/api_status.h"

namespace opsmesh::kubesim {

/// Checks the container's name, or sets it where the pod has only one; refused otherwise.
MaybeStatus ChooseContainer(const Json& pod, const std::string& pod_name, std::string* container);

/// The address of a node whose kubelet has fallen silent.
std::optional<std::string> SilentAddress(const Json& node);
/// The same of the pod's node.
std::optional<std::string> SilentNode(const Cluster& cluster, const Json& pod);

/// 500 for a pod whose node says no address: its kubelet cannot be asked anything.
MaybeStatus CheckAddress(const Cluster& cluster, const Json& pod);

}  // namespace opsmesh::kubesim
