// Where a verb gets its answers: a gateway that runs, or a mesh in this process for as long as the
// verb lasts.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/gateway_client.h"
#include "libs/base/context.h"

namespace CLI {
class App;
}

namespace opsmesh::cli {

struct ReachFlags {
  std::string
      server;  // --server, OPSMESH_SERVER; "" = the usual address, then a mesh in this process
  bool local = false;      // --local: a mesh in this process whatever runs
  std::string kubeconfig;  // --kubeconfig: of the mesh in this process, and implies it
  std::string cluster;     // --sim-cluster: "sim" or a folder, the same
  double timeout_seconds = 180;
  bool no_color = false;
  /// Settings of a mesh in this process, beside files and environment: variables ("LLM_MODEL") and
  /// keys.
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> settings;
  std::string log_file;
};

/// Adds --server, --local, --kubeconfig, --sim-cluster, --timeout and --no-color.
void AddReachFlags(CLI::App& command, ReachFlags& flags);

/// A way to a gateway. Destroying it ends a mesh of its own. Not thread-safe.
class Reach {
 public:
  virtual ~Reach() = default;
  virtual const Server& server() const = 0;
  virtual http_client::Client& client() = 0;
  /// One line for people: who answers.
  virtual const std::string& description() const = 0;
  /// A context that ends after the flags' time.
  base::Context Within(absl::Duration timeout) const {
    return base::Context::Background().WithTimeout(timeout);
  }
};

/// Finds or starts one. What a configuration, a kubeconfig or a start says; a server that is named
/// and does not answer is told by the first call, not here. Make Interrupts first.
absl::StatusOr<std::unique_ptr<Reach>> OpenReach(const ReachFlags& flags);

}  // namespace opsmesh::cli
