// Annotations that name a container's AppArmor or seccomp profile: what a pod's registry refuses.
#pragma once

#include <string>

#include "libs/kubesim/objects/causes.h"

namespace opsmesh::kubesim {

/// `holder` has metadata and spec (a pod, or the template of one); its annotations stand at
/// `field`.
void ValidateProfileNotes(Causes& causes, const Json& holder, const std::string& field);

/// A pod keeps the AppArmor annotations that it was made with.
void KeepProfileNotes(Causes& causes, const Json& pod, const Json& before);

}  // namespace opsmesh::kubesim
