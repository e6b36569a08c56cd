#include "libs/kubesim/behaviour/nodes.h"

#include "libs/kubesim/behaviour/scheduler/scheduler.h"

namespace opsmesh::kubesim {
}  // namespace opsmesh::kubesim
