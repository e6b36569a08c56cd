// The gRPC face of the rca service.
#pragma once

#include <memory>

#include "libs/http_client/http_client.h"
#include "services/rca/config.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::rca {

/// Serves opsmesh.rca.v1.RcaService. `runner` and `client` must outlive it.
std::unique_ptr<grpc::Service> MakeRcaService(rpc::Runner& runner, RcaConfig config, http_client::Client& client);

}  // namespace opsmesh::rca
