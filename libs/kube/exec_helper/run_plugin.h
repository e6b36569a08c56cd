// From a checked exec stanza to a credential: environment, the run, what is said when it fails.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kube/exec_plugin.h"

namespace opsmesh::kube {

struct PluginRules {
  absl::Duration timeout = absl::Seconds(60);
  /// Variables of ours that plugins get beside the usual ones (--pass-env).
  std::vector<std::string> pass_env = {};
  /// True = the plugin is killed. May be null.
  const std::atomic<bool>* stop = nullptr;
};

/// Runs it and reads its answer. Errors as AskExecHelper; the plugin's stderr is quoted with its
/// secrets masked.
absl::StatusOr<ExecCredential> RunPlugin(const ExecPlugin& plugin, const PluginRules& rules);

/// The variables of `ours` ("NAME=value") that a plugin may see, its own `env` on top, and
/// KUBERNETES_EXEC_INFO. What OpsMesh itself is configured with (keys of language models, chat
/// secrets) is not among them.
std::vector<std::string> PluginEnvironment(const std::vector<std::string>& ours,
                                           const ExecPlugin& plugin, const PluginRules& rules);

}  // namespace opsmesh::kube
