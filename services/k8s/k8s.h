// The k8s service as a part of a process: what main.cc and `opsmesh up` compose.
#pragma once

#include "libs/server/server.h"

namespace opsmesh::k8s {

/// Name, configuration and composition root of the service.
server::ServiceSpec Spec();

}  // namespace opsmesh::k8s
