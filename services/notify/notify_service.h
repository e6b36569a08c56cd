// The gRPC face of the notify service.
#pragma once

#include <memory>

#include "services/notify/config.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::notify {

/// Serves opsmesh.notify.v1.NotifyService. `runner` must outlive it.
std::unique_ptr<grpc::Service> MakeNotifyService(rpc::Runner& runner, NotifyConfig config);

}  // namespace opsmesh::notify
