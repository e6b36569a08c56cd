// The gRPC face of the rca service.
#pragma once

#include <memory>

#include "libs/http_client/http_client.h"
#include "services/rca/config.h"
#include "services/rca/root_cause.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::rca {

/// Serves opsmesh.rca.v1.RcaService. `runner`, `client` and `cluster` must outlive it; `cluster`
/// may be null.
std::unique_ptr<grpc::Service> MakeRcaService(rpc::Runner& runner, RcaConfig config,
                                              http_client::Client& client, ClusterView* cluster);

}  // namespace opsmesh::rca
