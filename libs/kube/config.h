// Where a cluster is and who we are there: kubeconfig files, in-cluster service account, and their
// order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/secret.h"
#include "libs/kube/exec_plugin.h"

namespace opsmesh::kube {

/// Whose rights a request uses instead of the credential's own.
struct Impersonation {
  std::string user;  // "" = none; groups need a user
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  bool empty() const { return user.empty() && groups.empty() && uid.empty() && extra.empty(); }
};

/// Everything needed to talk to one cluster as one user. Made by LoadCluster or by hand in a test.
struct ClusterConfig {
  std::string name;  // of the cluster entry, or "in-cluster"
  std::string context;
  std::string user;
  /// "https://host:6443" without a slash at the end; a path prefix is kept.
  std::string server;
  std::string default_namespace = "default";

  std::string ca_pem;
  /// Where it was read from, "" when it was given as data. Read again at least every 60 s and when
  /// a certificate is not accepted, since authorities are replaced; so are the client's two.
  std::string ca_file;
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;
  std::string proxy_url;
  std::string no_proxy;
  bool accept_gzip = false;

  std::string client_cert_pem;
  base::Secret client_key_pem;
  std::string client_cert_file;
  std::string client_key_file;
  base::Secret token;
  /// Wins over `token`; read again at least every 60 s and after a 401, since service account
  /// tokens rotate.
  std::string token_file;
  std::string username;
  base::Secret password;
  /// Makes the credential when there is no other; asked for again before it expires and after a
  /// 401.
  std::optional<ExecPlugin> exec;
  Impersonation impersonate;

  /// What whoever runs this should know, a sentence each: certificates that are not checked,
  /// credentials in clear.
  std::vector<std::string> warnings;
  /// Where it was found, for people: "/home/x/.kube/config", "KUBECONFIG", "in-cluster".
  std::string origin;
};

/// What the machine says; tests hand in their own.
struct Environment {
  /// Value of an environment variable, "" when unset.
  std::function<std::string(const std::string& name)> variable;
  /// Folder of the service account files.
  std::string service_account_dir = "/var/run/secrets/kubernetes.io/serviceaccount";
  static Environment System();
};

struct LoadOptions {
  /// --kubeconfig; "" = not given.
  std::string kubeconfig_flag;
  /// --context; "" = KUBE_CONTEXT, else the file's current-context.
  std::string context;
  /// Exec credential plugins are programs of the kubeconfig's choosing: off.
  bool allow_exec_plugins = false;
  /// UNIX socket of the helper process that runs them (exec_helper/); needed with
  /// allow_exec_plugins.
  std::string exec_socket;
  /// Use HTTPS_PROXY and NO_PROXY of the environment where the kubeconfig names no proxy, as
  /// kubectl does.
  bool proxy_from_environment = true;
};

/// Finds and reads the configuration: flag > KUBECONFIG_PATH > K8S_CONFIG_PATH > KUBECONFIG (colon
/// list, merged as kubectl merges: the first file to set a key wins, missing files are skipped) >
/// K8S_IN_CLUSTER > ~/.kube/config > service account files when there are any. KUBE_CONTEXT picks
/// the context.
///
/// NOT_FOUND (NO_KUBECONFIG) when there is none at all; FAILED_PRECONDITION (KUBECONFIG_UNREADABLE,
/// EXEC_PLUGIN_DISABLED, EXEC_HELPER_MISSING, EXEC_PLUGIN_INTERACTIVE, AUTH_PROVIDER_UNSUPPORTED,
/// NOT_IN_CLUSTER); INVALID_ARGUMENT (MALFORMED_KUBECONFIG, UNKNOWN_CONTEXT, ...) naming the file
/// and the entry. Nothing of a credential is in any message.
absl::StatusOr<ClusterConfig> LoadCluster(const LoadOptions& options = {},
                                          const Environment& env = Environment::System());

/// A context of a kubeconfig, for listing.
struct ContextInfo {
  std::string name;
  std::string cluster;
  std::string user;
  std::string default_namespace;
  std::string server;
  bool current = false;
};
/// The contexts of what LoadCluster would read, by name; one called "in-cluster" for a service
/// account.
absl::StatusOr<std::vector<ContextInfo>> ListContexts(
    const LoadOptions& options = {}, const Environment& env = Environment::System());

/// Reads one kubeconfig from text; relative paths in it resolve against `folder`.
absl::StatusOr<ClusterConfig> ParseKubeconfig(std::string_view text, std::string_view folder,
                                              const LoadOptions& options = {});

}  // namespace opsmesh::kube
