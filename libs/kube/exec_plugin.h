// Credentials that a program makes (client-go credential plugins): what a kubeconfig says about
// one, and how it is asked.
//
// Nothing in this library starts a program. The helper process opsmesh-exec-credential
// (exec_helper/) does, from the same kubeconfig; it is asked over a UNIX socket. docs/adr/0014 says
// why.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"

namespace opsmesh::kube {

/// users[].user.exec of a kubeconfig, checked.
struct ExecPlugin {
  std::string api_version;  // "client.authentication.k8s.io/v1" or ".../v1beta1"
  std::string command;      // a name to be found on PATH, or an absolute path
  std::vector<std::string> args;
  std::vector<std::pair<std::string, base::Secret>> env;  // on top of the helper's own
  std::string install_hint;
  /// spec.cluster of KUBERNETES_EXEC_INFO; "" unless provideClusterInfo.
  std::string cluster_info_json;

  /// The kubeconfig files it was found in (absolute, in the order of the merge) and the context:
  /// what the helper is asked for, since it believes no command that it did not read itself.
  std::vector<std::string> files;
  std::string context;
  /// UNIX socket of the helper.
  std::string socket;
};

/// What a plugin answered. Either a token, or a certificate with its key, or both.
struct ExecCredential {
  base::Secret token;
  std::string client_cert_pem;
  base::Secret client_key_pem;
  absl::Time expires = absl::InfiniteFuture();
};

/// Asks the helper to run the plugin; waits as long as the context, 90 s at most. UNAVAILABLE
/// (EXEC_HELPER_UNREACHABLE), DEADLINE_EXCEEDED (EXEC_PLUGIN_TIMEOUT), or what the helper says:
/// FAILED_PRECONDITION (EXEC_PLUGIN_NOT_FOUND, EXEC_PLUGIN_FAILED, EXEC_PLUGIN_INVALID_OUTPUT,
/// EXEC_PLUGIN_REFUSED) with the plugin's install hint. No credential is in any message.
absl::StatusOr<ExecCredential> AskExecHelper(const base::Context& ctx, const ExecPlugin& plugin);

/// Reads the ExecCredential that a plugin of `api_version` wrote. FAILED_PRECONDITION
/// (EXEC_PLUGIN_INVALID_OUTPUT).
absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view json,
                                                   std::string_view api_version);

// The helper's wire: one JSON line each way, then the connection ends.
inline constexpr size_t kExecMessageBytes = 256 << 10;
struct ExecRequest {
  std::vector<std::string> files;
  std::string context;
};
std::string FormatExecRequest(const ExecRequest& request);
/// INVALID_ARGUMENT (MALFORMED_REQUEST).
absl::StatusOr<ExecRequest> ParseExecRequest(std::string_view line);
std::string FormatExecAnswer(const absl::StatusOr<ExecCredential>& answer);
absl::StatusOr<ExecCredential> ParseExecAnswer(std::string_view line);

}  // namespace opsmesh::kube
