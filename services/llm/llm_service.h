// The gRPC face of the llm service.
#pragma once

#include <memory>

#include "services/llm/agent/agent.h"
#include "services/llm/providers.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::llm {

/// Serves opsmesh.llm.v1.LlmService. All must outlive it.
std::unique_ptr<grpc::Service> MakeLlmService(rpc::Runner& runner, const Agent& agent,
                                              const Providers& providers);

}  // namespace opsmesh::llm
