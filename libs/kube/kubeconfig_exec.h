// The exec stanza of a kubeconfig's user, as read and as checked.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/secret.h"
#include "libs/kube/config.h"

namespace YAML {
class Node;
}

namespace opsmesh::kube {

/// As it stands in the file; the defaults are what an absent key means.
struct ExecEntry {
  std::string api_version;
  std::string command;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, base::Secret>> env;
  std::string install_hint;
  std::string interactive_mode;
  bool provide_cluster_info = false;
};

ExecEntry ReadExecEntry(const YAML::Node& exec);

/// extensions[name=client.authentication.k8s.io/exec].extension of a cluster as JSON, "" when there
/// is none: plugins get it as their cluster's `config`.
std::string ReadExecExtension(const YAML::Node& extensions);

/// The plugin that `entry` of `owner` ("user 'x'") means: relative commands with a slash start from
/// `folder`, the kubeconfig's. `cluster` and `extension_json` tell the plugin where it is going.
/// INVALID_ARGUMENT (MALFORMED_KUBECONFIG), FAILED_PRECONDITION (EXEC_PLUGIN_INTERACTIVE): it wants
/// a person at a terminal, and here is none.
absl::StatusOr<ExecPlugin> CheckExecEntry(const ExecEntry& entry, std::string_view owner,
                                          const std::string& file, const std::string& folder,
                                          const ClusterConfig& cluster,
                                          const std::string& extension_json);

}  // namespace opsmesh::kube
