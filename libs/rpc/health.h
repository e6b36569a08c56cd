// Asks a process how it is, by the standard gRPC health protocol (grpc.health.v1.Health/Check).
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/rpc/channel.h"

namespace opsmesh::rpc {

/// True when `service` is SERVING: "" = ready as a whole, "liveness" = alive, or a service's full
/// name. NOT_FOUND for a name the process does not know; UNAVAILABLE when nobody answers.
absl::StatusOr<bool> CheckHealth(const base::Context& context, const Channel& channel,
                                 std::string_view service);

}  // namespace opsmesh::rpc
