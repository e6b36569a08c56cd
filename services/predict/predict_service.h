// The gRPC face of the predict service.
#pragma once

#include <memory>

#include "libs/base/clock.h"
#include "libs/http_client/http_client.h"
#include "services/predict/config.h"
#include "services/predict/workload_view.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::predict {

/// Serves opsmesh.predict.v1.PredictService. `cluster` may be null; all others,
/// and it, must outlive the service.
std::unique_ptr<grpc::Service> MakePredictService(rpc::Runner& runner, PredictConfig config,
                                                  http_client::Client& client,
                                                  WorkloadView* cluster, const base::Clock& clock);

}  // namespace opsmesh::predict
