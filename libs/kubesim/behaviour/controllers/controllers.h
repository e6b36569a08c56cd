// All controllers of the simulated control plane.
#pragma once

#include "libs/kubesim/behaviour/engine.h"

namespace opsmesh::kubesim {

class Pods;

/// Adds every controller to an engine that is not started yet.
void AddControllers(Engine& engine);

}  // namespace opsmesh::kubesim
