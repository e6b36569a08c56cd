// The k8s and llm services in this process over the simulated demo cluster: what a person who
// starts OpsMesh without a cluster talks to. For tests that judge answers, not parts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsmesh/llm/v1/turn.pb.h"

namespace opsmesh::llm {

/// What one turn did.
struct DemoTurn {
  v1::TurnDone done;
  std::vector<std::string> calls;  // "list_kubernetes_pods namespace=shop", arguments by name
  std::vector<std::string>
      results;  // JSON of the tools' results, in the order of the calls; "" when too large
  std::vector<type::v1::Fact> facts;
};

class DemoMesh {
 public:
  virtual ~DemoMesh() = default;
  /// Starts everything; files land in `folder`. Errors are those of the parts.
  static absl::StatusOr<std::unique_ptr<DemoMesh>> Start(const std::string& folder);
  virtual absl::StatusOr<DemoTurn> Ask(const v1::RunTurnRequest& request) = 0;
};

}  // namespace opsmesh::llm
