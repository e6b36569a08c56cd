// The gRPC face of the notify service.
#pragma once

#include <memory>

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::notify {

class Notifier;

/// Serves opsmesh.notify.v1.NotifyService. Both must outlive it.
std::unique_ptr<grpc::Service> MakeNotifyService(rpc::Runner& runner, Notifier& notifier);

}  // namespace opsmesh::notify
