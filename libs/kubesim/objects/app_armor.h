// The two ways to say a container's AppArmor profile: its field and, as nodes before 1.30 read it,
// an annotation of the pod. As applyAppArmorVersionSkew of Kubernetes' pod registry keeps them
// alike.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

constexpr std::string_view kAppArmorNote = "container.apparmor.security.beta.kubernetes.io/";

/// Gives the containers of a new pod the one of the two that their writer left out; who wrote both
/// keeps both. Returns warnings about annotations that stand alone. Pods for Windows stay as they
/// are.
std::vector<std::string> AlignAppArmor(Json& pod);

/// That warning, of `annotations` (the path, with its key in brackets behind).
std::string OldAppArmorNote(const std::string& annotations, const std::string& key);

}  // namespace opsmesh::kubesim
