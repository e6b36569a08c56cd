// The gRPC face of the llm service.
#pragma once

#include <memory>

#include "services/llm/planner/planner.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::llm {

/// Serves opsmesh.llm.v1.LlmService. Both must outlive it.
std::unique_ptr<grpc::Service> MakeLlmService(rpc::Runner& runner, const Planner& planner);

}  // namespace opsmesh::llm
