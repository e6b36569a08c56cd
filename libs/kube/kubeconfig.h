// Kubeconfig files as read, before one context is chosen.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/kube/config.h"
#include "libs/kube/kubeconfig_exec.h"

namespace opsmesh::kube {

/// A named entry as flat settings ("certificate-authority-data" -> text), with the folder relative
/// paths start from.
struct KubeconfigEntry {
  std::string folder;
  std::string file;  // for messages
  std::map<std::string, std::string> settings;
  std::vector<std::string> as_groups;
  std::map<std::string, std::vector<std::string>> as_extra;
  std::optional<ExecEntry> exec;
  std::string exec_extension_json;
  bool has_auth_provider = false;
  std::string Get(const std::string& key) const {
    const auto found = settings.find(key);
    return found == settings.end() ? "" : found->second;
  }
};

/// Several files merged as kubectl does: the first to set something wins.
class Kubeconfig {
 public:
  /// INVALID_ARGUMENT (MALFORMED_KUBECONFIG) naming `file`.
  absl::Status Add(std::string_view text, const std::string& folder, const std::string& file);
  absl::StatusOr<ClusterConfig> Choose(const LoadOptions& options,
                                       const std::string& context) const;
  std::vector<ContextInfo> Contexts() const;
  const std::string& current_context() const { return current_context_; }

 private:
  absl::Status ReadUser(const KubeconfigEntry& user, const KubeconfigEntry& cluster,
                        const LoadOptions& options, ClusterConfig* config) const;
  absl::Status ReadExec(const KubeconfigEntry& user, const KubeconfigEntry& cluster,
                        const LoadOptions& options, ClusterConfig* config) const;

  std::string current_context_;
  std::map<std::string, KubeconfigEntry> clusters_;
  std::map<std::string, KubeconfigEntry> users_;
  std::map<std::string, KubeconfigEntry> contexts_;
};

}  // namespace opsmesh::kube
