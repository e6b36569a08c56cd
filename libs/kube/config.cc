#include "libs/kube/config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/files.h"
#include "libs/kube/kubeconfig.h"

namespace opsmesh::kube {
namespace {

/// Where the configuration is to be taken from.
struct Source {
  std::vector<std::string> files;
  std::string origin;  // "--kubeconfig", "KUBECONFIG", ...
  bool missing_is_error = true;
  bool in_cluster = false;
};

std::string ExpandHome(const std::string& path, const Environment& env) {
  return path.starts_with("~/") ? env.variable("HOME") + path.substr(1) : path;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool HasServiceAccount(const Environment& env) {
  return !env.variable("KUBERNETES_SERVICE_HOST").empty() &&
         FileExists(env.service_account_dir + "/token");
}

absl::StatusOr<Source> FindSource(const LoadOptions& options, const Environment& env) {
  if (!options.kubeconfig_flag.empty())
    return Source{{ExpandHome(options.kubeconfig_flag, env)}, "--kubeconfig"};
  for (const char* name : {"KUBECONFIG_PATH", "K8S_CONFIG_PATH"}) {
    if (const std::string path = env.variable(name); !path.empty())
      return Source{{ExpandHome(path, env)}, name};
  }
  if (const std::string list = env.variable("KUBECONFIG"); !list.empty()) {
    Source source{{}, "KUBECONFIG", false};
    for (const std::string_view path : base::Split(list, ':')) {
      if (!path.empty()) source.files.push_back(ExpandHome(std::string(path), env));
    }
    return source;
  }
  const std::string in_cluster = base::AsciiLower(env.variable("K8S_IN_CLUSTER"));
  if (in_cluster == "true" || in_cluster == "1" || in_cluster == "yes")
    return Source{{}, "K8S_IN_CLUSTER", true, true};
  const std::string home = env.variable("HOME");
  if (!home.empty() && FileExists(home + "/.kube/config"))
    return Source{{home + "/.kube/config"}, home + "/.kube/config"};
  if (HasServiceAccount(env)) return Source{{}, "in-cluster", true, true};
  return base::NotFound("NO_KUBECONFIG", "No Kubernetes configuration was found.")
      .Hint(
          "Set KUBECONFIG or --kubeconfig to a kubeconfig file, put one at ~/.kube/config, or run "
          "inside a cluster.");
}

absl::StatusOr<Kubeconfig> ReadFiles(const Source& source) {
  Kubeconfig kubeconfig;
  int read = 0;
  for (const std::string& path : source.files) {
    const auto text = ReadSmallFile(path);
    if (text.status().code() == absl::StatusCode::kNotFound && !source.missing_is_error) continue;
    if (!text.ok()) {
      return base::FailedPrecondition(
                 "KUBECONFIG_UNREADABLE",
                 fmt::format("The kubeconfig {} (from {}) cannot be read: {}.", path, source.origin,
                             base::ToStd(text.status().message())))
          .Hint("Check the path and who may read the file.")
          .With("file", path);
    }
    OPSMESH_RETURN_IF_ERROR(kubeconfig.Add(*text, FolderOf(path), path));
    ++read;
  }
  if (read == 0) {
    return base::NotFound("NO_KUBECONFIG",
                          fmt::format("None of the files in {} exists.", source.origin))
        .Hint("Correct the paths, or unset the variable.");
  }
  return kubeconfig;
}

absl::StatusOr<ClusterConfig> InCluster(const Environment& env) {
  const std::string host = env.variable("KUBERNETES_SERVICE_HOST");
  const std::string port = env.variable("KUBERNETES_SERVICE_PORT");
  const std::string& folder = env.service_account_dir;
  if (host.empty() || port.empty()) {
    return base::FailedPrecondition(
               "NOT_IN_CLUSTER", "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set.")
        .Hint("Run in a pod, or give a kubeconfig.");
  }
  ClusterConfig config;
  config.name = config.context = config.origin = "in-cluster";
  config.server = fmt::format("https://{}:{}",
                              host.find(':') != std::string::npos ? "[" + host + "]" : host, port);
  config.token_file = folder + "/token";
  const auto token = ReadSmallFile(config.token_file);
  const auto ca = ReadSmallFile(folder + "/ca.crt");
  for (const absl::Status& status : {token.status(), ca.status()}) {
    if (status.ok()) continue;
    return base::FailedPrecondition(
               "NOT_IN_CLUSTER", fmt::format("The service account files in {} cannot be read: {}.",
                                             folder, base::ToStd(status.message())))
        .Hint("Set automountServiceAccountToken on the pod, or give a kubeconfig.");
  }
  config.ca_pem = *ca;
  config.ca_file = folder + "/ca.crt";
  if (const auto ns = ReadSmallFile(folder + "/namespace"); ns.ok() && !base::Trim(*ns).empty()) {
    config.default_namespace = std::string(base::Trim(*ns));
  }
  return config;
}

bool IsLoopback(const std::string& server) {
  const size_t start = server.find("://") + 3;
  const std::string_view host = std::string_view(server).substr(start);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

std::string FirstSet(const Environment& env, const char* a, const char* b) {
  const std::string value = env.variable(a);
  return value.empty() ? env.variable(b) : value;
}

void AddProxy(const LoadOptions& options, const Environment& env, ClusterConfig* config) {
  if (!options.proxy_from_environment || !config->proxy_url.empty() || IsLoopback(config->server))
    return;
  config->proxy_url = config->server.starts_with("https:")
                          ? FirstSet(env, "HTTPS_PROXY", "https_proxy")
                          : FirstSet(env, "HTTP_PROXY", "http_proxy");
  if (!config->proxy_url.empty()) config->no_proxy = FirstSet(env, "NO_PROXY", "no_proxy");
}

/// The helper runs what it reads itself, so it is told where this was read.
absl::Status NameExecFiles(const Source& source, ClusterConfig* config) {
  if (!config->exec) return absl::OkStatus();
  for (const std::string& file : source.files) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(file, error);
    if (!error && FileExists(file))
      config->exec->files.push_back(whole.lexically_normal().string());
  }
  if (!config->exec->socket.empty()) return absl::OkStatus();
  return base::FailedPrecondition(
             "EXEC_HELPER_MISSING",
             fmt::format("User '{}' signs in through a program (exec plugin '{}'), and no "
                         "credential helper "
                         "runs to start it.",
                         config->user, base::Utf8Prefix(config->exec->command, 100)))
      .Hint(
          "Start through it: opsmesh-exec-credential -- opsmesh up; or run opsmesh-exec-credential "
          "--socket PATH beside the "
          "service and set k8s.exec_credential_socket: PATH.");
}

}  // namespace

Environment Environment::System() {
  Environment env;
  env.variable = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
  return env;
}

absl::StatusOr<ClusterConfig> LoadCluster(const LoadOptions& options, const Environment& env) {
  OPSMESH_ASSIGN_OR_RETURN(const Source source, FindSource(options, env));
  ClusterConfig config;
  if (source.in_cluster) {
    OPSMESH_ASSIGN_OR_RETURN(config, InCluster(env));
  } else {
    OPSMESH_ASSIGN_OR_RETURN(const Kubeconfig kubeconfig, ReadFiles(source));
    const std::string context =
        options.context.empty() ? env.variable("KUBE_CONTEXT") : options.context;
    OPSMESH_ASSIGN_OR_RETURN(config, kubeconfig.Choose(options, context));
    OPSMESH_RETURN_IF_ERROR(NameExecFiles(source, &config));
  }
  AddProxy(options, env, &config);
  return config;
}

absl::StatusOr<std::vector<ContextInfo>> ListContexts(const LoadOptions& options,
                                                      const Environment& env) {
  OPSMESH_ASSIGN_OR_RETURN(const Source source, FindSource(options, env));
  if (source.in_cluster) {
    OPSMESH_ASSIGN_OR_RETURN(const ClusterConfig config, InCluster(env));
    return std::vector<ContextInfo>{
        {"in-cluster", "in-cluster", "", config.default_namespace, config.server, true}};
  }
  OPSMESH_ASSIGN_OR_RETURN(const Kubeconfig kubeconfig, ReadFiles(source));
  const std::string chosen =
      options.context.empty() ? env.variable("KUBE_CONTEXT") : options.context;
  std::vector<ContextInfo> contexts = kubeconfig.Contexts();
  if (!chosen.empty()) {
    for (ContextInfo& info : contexts) info.current = info.name == chosen;
  }
  return contexts;
}

absl::StatusOr<ClusterConfig> ParseKubeconfig(std::string_view text, std::string_view folder,
                                              const LoadOptions& options) {
  Kubeconfig kubeconfig;
  OPSMESH_RETURN_IF_ERROR(kubeconfig.Add(text, std::string(folder), "(text)"));
  LoadOptions without_exec = options;
  without_exec.allow_exec_plugins = false;  // the helper cannot read a text that is in no file
  return kubeconfig.Choose(without_exec, options.context);
}

}  // namespace opsmesh::kube
