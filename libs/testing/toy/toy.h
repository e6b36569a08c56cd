// Two services for tests of the runtime, built as every service is: a composition root behind a
// ServiceSpec.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "libs/rpc/authenticator.h"
#include "libs/server/server.h"
#include "libs/testing/toy/toy_logic.h"

namespace opsmesh::toy {

/// The toy around a logic that the test holds on to. `ready` is asked for readiness; null = always
/// ready.
server::ServiceSpec ToySpec(std::shared_ptr<ToyLogic> logic,
                            std::function<absl::Status()> ready = nullptr);
/// The service before it.
server::ServiceSpec FrontSpec();
/// front may call the toy, "stranger" may call nothing, the gateway all.
rpc::AllowList ToyAllowList();

}  // namespace opsmesh::toy
