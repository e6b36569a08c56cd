// The helper's door: a UNIX socket that only its own user may use, and the kubeconfigs it may read.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/kube/exec_helper/run_plugin.h"

namespace opsmesh::kube {

/// Answers ExecRequests, each connection on a thread of its own, at most 16 at a time; more wait in
/// the socket's queue.
class AnswerServer {
 public:
  /// `kubeconfigs`: the only files it believes. The socket is made with mode 0600; one that nobody
  /// listens on is replaced. INVALID_ARGUMENT (SOCKET_PATH), FAILED_PRECONDITION (SOCKET_IN_USE,
  /// SOCKET_FAILED).
  static absl::StatusOr<std::unique_ptr<AnswerServer>> Listen(
      const std::string& socket_path, const std::vector<std::string>& kubeconfigs,
      PluginRules rules);
  ~AnswerServer();

  /// Serves until `stop` is readable; then kills the plugins that run and answers their askers.
  void Serve(int stop);

 private:
  AnswerServer(std::string path, int listener, PluginRules rules)
      : path_(std::move(path)), listener_(listener), rules_(std::move(rules)) {}
  void Converse(int connection);
  absl::StatusOr<ExecCredential> Answer(std::string_view line) const;

  const std::string path_;
  const int listener_;
  PluginRules rules_;
  std::set<std::string> kubeconfigs_;  // real paths
  std::atomic<int> conversations_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace opsmesh::kube
