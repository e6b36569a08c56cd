#include "libs/kube/kubeconfig.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <set>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/files.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kMaxEntries = 10000;

base::Error Malformed(std::string_view file, std::string_view what) {
  return base::InvalidArgument("kubeconfig", "MALFORMED_KUBECONFIG",
                               fmt::format("The kubeconfig {} cannot be used: {}.", file, what))
      .Hint("Correct it; kubectl config view shows what kubectl makes of the file.")
      .With("file", file);
}

std::string Scalar(const YAML::Node& node) { return node.IsScalar() ? node.Scalar() : ""; }

std::vector<std::string> Scalars(const YAML::Node& node) {
  std::vector<std::string> out;
  if (!node.IsSequence()) return out;
  for (const YAML::Node& item : node) {
    if (item.IsScalar() && out.size() < kMaxEntries) out.push_back(item.Scalar());
  }
  return out;
}

KubeconfigEntry ReadEntry(const YAML::Node& body, const std::string& folder,
                          const std::string& file) {
  KubeconfigEntry entry;
  entry.folder = folder;
  entry.file = file;
  if (!body.IsDefined() || !body.IsMap()) return entry;
  for (const auto& member : body) {
    const std::string key = Scalar(member.first);
    if (member.second.IsScalar()) entry.settings[key] = member.second.Scalar();
    if (key == "exec" && member.second.IsMap()) entry.exec = ReadExecEntry(member.second);
    if (key == "extensions") entry.exec_extension_json = ReadExecExtension(member.second);
    if (key == "auth-provider" && member.second.IsMap()) entry.has_auth_provider = true;
    if (key == "as-groups") entry.as_groups = Scalars(member.second);
    if (key == "as-user-extra" && member.second.IsMap()) {
      for (const auto& extra : member.second)
        entry.as_extra[Scalar(extra.first)] = Scalars(extra.second);
    }
  }
  return entry;
}

/// [{name: x, <body_key>: {...}}, ...]; aliases are not walked, so they cannot multiply.
absl::Status ReadEntries(const YAML::Node& list, const char* list_key, const char* body_key,
                         const std::string& folder, const std::string& file,
                         std::map<std::string, KubeconfigEntry>* out) {
  if (!list.IsDefined() || list.IsNull()) return absl::OkStatus();
  if (!list.IsSequence()) return Malformed(file, fmt::format("'{}' is not a list", list_key));
  std::set<std::string> names;  // of this file; the files before it may have the same ones, and win
  for (const YAML::Node& item : list) {
    if (!item.IsMap() || !item["name"].IsDefined() || Scalar(item["name"]).empty()) {
      return Malformed(file, fmt::format("an entry of '{}' has no name", list_key));
    }
    const std::string name = Scalar(item["name"]);
    if (!names.insert(name).second) {
      return Malformed(file, fmt::format("two entries of '{}' have the name '{}'", list_key,
                                         base::Utf8Prefix(name, 100)));
    }
    if (out->size() >= kMaxEntries)
      return Malformed(file, fmt::format("'{}' has more than {} entries", list_key, kMaxEntries));
    const YAML::Node body = item[body_key];
    out->emplace(name, ReadEntry(body, folder, file));
  }
  return absl::OkStatus();
}

std::string Resolve(const KubeconfigEntry& entry, const std::string& path) {
  if (path.empty() || path[0] == '/' || entry.folder.empty()) return path;
  return entry.folder + "/" + path;
}

/// `<key>-data` in base64, else the file named by `<key>`, else "".
absl::StatusOr<std::string> DataOrFile(const KubeconfigEntry& entry, const std::string& owner,
                                       const std::string& key) {
  if (const std::string data = entry.Get(key + "-data"); !data.empty()) {
    std::string decoded;
    if (!base::Base64Decode(data, &decoded)) {
      return Malformed(entry.file, fmt::format("{}-data of {} is not base64", key, owner));
    }
    return decoded;
  }
  const std::string path = entry.Get(key);
  if (path.empty()) return "";
  auto text = ReadSmallFile(Resolve(entry, path));
  if (text.ok()) return text;
  return base::FailedPrecondition(
             "KUBECONFIG_UNREADABLE",
             fmt::format("The file {} that {} names as {} cannot be read: {}.",
                         Resolve(entry, path), owner, key, base::ToStd(text.status().message())))
      .Hint("Check the path in the kubeconfig and who may read the file.")
      .With("file", Resolve(entry, path));
}

/// The file that DataOrFile read, "" when it was data.
std::string FileOf(const KubeconfigEntry& entry, const std::string& key) {
  const std::string path = entry.Get(key + "-data").empty() ? entry.Get(key) : "";
  return path.empty() ? "" : Resolve(entry, path);
}

bool IsTrue(const std::string& text) { return text == "true" || text == "True" || text == "TRUE"; }

/// The server's address. One without a scheme is read as kubectl reads it: https where the entry
/// speaks of certificates, else http.
std::string WithScheme(const KubeconfigEntry& entry) {
  const std::string server(base::Trim(entry.Get("server")));
  const size_t scheme = server.find("://");
  if (scheme != std::string::npos)
    return base::AsciiLower(server.substr(0, scheme)) + server.substr(scheme);
  if (server.empty() || server[0] == '/') return server;
  const bool tls = IsTrue(entry.Get("insecure-skip-tls-verify")) ||
                   !entry.Get("certificate-authority").empty() ||
                   !entry.Get("certificate-authority-data").empty();
  return (tls ? "https://" : "http://") + server;
}

absl::Status ReadCluster(const KubeconfigEntry& entry, const std::string& name,
                         ClusterConfig* config) {
  const std::string owner = fmt::format("cluster '{}'", name);
  config->name = name;
  config->server = WithScheme(entry);
  if (!config->server.starts_with("https://") && !config->server.starts_with("http://")) {
    return Malformed(entry.file,
                     fmt::format("the server of {} is not an http or https address", owner));
  }
  while (config->server.ends_with('/')) config->server.pop_back();
  OPSMESH_ASSIGN_OR_RETURN(config->ca_pem, DataOrFile(entry, owner, "certificate-authority"));
  config->ca_file = FileOf(entry, "certificate-authority");
  config->insecure_skip_tls_verify = IsTrue(entry.Get("insecure-skip-tls-verify"));
  if (config->insecure_skip_tls_verify && !config->ca_pem.empty()) {
    return Malformed(
        entry.file,
        fmt::format(
            "{} has a certificate authority and insecure-skip-tls-verify; only one can be meant",
            owner));
  }
  if (config->insecure_skip_tls_verify) {
    config->warnings.push_back(fmt::format(
        "{} has insecure-skip-tls-verify: whoever stands between here and {} can read and change "
        "everything, credentials included. Name its certificate authority.",
        owner, config->server));
  }
  if (config->server.starts_with("http://") && !config->server.starts_with("http://127.") &&
      !config->server.starts_with("http://localhost") &&
      !config->server.starts_with("http://[::1]")) {
    config->warnings.push_back(
        fmt::format("{} is reached over plain HTTP ({}): credentials cross the network in clear.",
                    owner, config->server));
  }
  config->tls_server_name = entry.Get("tls-server-name");
  config->proxy_url = entry.Get("proxy-url");
  const std::string& proxy = config->proxy_url;
  if (!proxy.empty() && !proxy.starts_with("http://") && !proxy.starts_with("https://") &&
      !proxy.starts_with("socks5://") && !proxy.starts_with("socks5h://")) {
    return Malformed(
        entry.file,
        fmt::format("the proxy-url of {} is not an http, https or socks5 address", owner));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Kubeconfig::Add(std::string_view text, const std::string& folder,
                             const std::string& file) {
  if (text.size() > kMaxBytes)
    return Malformed(file, fmt::format("it is larger than {} bytes", kMaxBytes));
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) return absl::OkStatus();
    if (!root.IsMap()) return Malformed(file, "it is not a map");
    if (current_context_.empty() && root["current-context"].IsDefined())
      current_context_ = Scalar(root["current-context"]);
    OPSMESH_RETURN_IF_ERROR(
        ReadEntries(root["clusters"], "clusters", "cluster", folder, file, &clusters_));
    OPSMESH_RETURN_IF_ERROR(ReadEntries(root["users"], "users", "user", folder, file, &users_));
    return ReadEntries(root["contexts"], "contexts", "context", folder, file, &contexts_);
  } catch (const YAML::Exception& error) {
    // The parser's own text can quote the file; its place cannot.
    return Malformed(file, fmt::format("it is not YAML that can be read, see line {}",
                                       error.mark.is_null() ? 0 : error.mark.line + 1));
  }
}

absl::Status Kubeconfig::ReadUser(const KubeconfigEntry& user, const KubeconfigEntry& cluster,
                                  const LoadOptions& options, ClusterConfig* config) const {
  const std::string owner = fmt::format("user '{}'", config->user);
  OPSMESH_ASSIGN_OR_RETURN(config->client_cert_pem, DataOrFile(user, owner, "client-certificate"));
  config->client_cert_file = FileOf(user, "client-certificate");
  config->client_key_file = FileOf(user, "client-key");
  OPSMESH_ASSIGN_OR_RETURN(std::string key, DataOrFile(user, owner, "client-key"));
  config->client_key_pem = base::Secret(std::move(key));
  if (config->client_cert_pem.empty() != config->client_key_pem.empty()) {
    return Malformed(user.file,
                     fmt::format("{} has a client certificate or a key, but not both", owner));
  }
  config->token = base::Secret(std::string(base::Trim(user.Get("token"))));
  config->token_file = Resolve(user, user.Get("tokenFile"));
  config->username = user.Get("username");
  config->password = base::Secret(user.Get("password"));
  config->impersonate = {user.Get("as"), user.Get("as-uid"), user.as_groups, user.as_extra};
  if (config->impersonate.user.empty() && !config->impersonate.empty()) {
    return Malformed(user.file, fmt::format("{} impersonates groups without a user ('as')", owner));
  }
  const bool has_other = !config->client_cert_pem.empty() || !config->token.empty() ||
                         !config->token_file.empty() || !config->username.empty();
  if (user.has_auth_provider && !has_other) {
    return base::FailedPrecondition(
               "AUTH_PROVIDER_UNSUPPORTED",
               fmt::format(
                   "{} signs in through an auth-provider, which Kubernetes removed in 1.26.",
                   owner))
        .Hint("Use a token, a client certificate, or a service account.");
  }
  return user.exec && !has_other ? ReadExec(user, cluster, options, config) : absl::OkStatus();
}

absl::Status Kubeconfig::ReadExec(const KubeconfigEntry& user, const KubeconfigEntry& cluster,
                                  const LoadOptions& options, ClusterConfig* config) const {
  const std::string owner = fmt::format("user '{}'", config->user);
  if (!options.allow_exec_plugins) {
    return base::FailedPrecondition("EXEC_PLUGIN_DISABLED",
                                    fmt::format("{} signs in through a program (exec plugin '{}'); "
                                                "k8s.allow_exec_plugins is false.",
                                                owner, base::Utf8Prefix(user.exec->command, 100)))
        .Hint(
            "Use a token, a client certificate, or a service account (kubectl create token); or "
            "set k8s.allow_exec_plugins: true and "
            "start through the program that may run plugins: opsmesh-exec-credential -- opsmesh "
            "up.");
  }
  OPSMESH_ASSIGN_OR_RETURN(config->exec, CheckExecEntry(*user.exec, owner, user.file, user.folder,
                                                        *config, cluster.exec_extension_json));
  config->exec->context = config->context;
  config->exec->socket = options.exec_socket;
  return absl::OkStatus();
}

absl::StatusOr<ClusterConfig> Kubeconfig::Choose(const LoadOptions& options,
                                                 const std::string& wanted) const {
  std::string name = wanted.empty() ? current_context_ : wanted;
  if (name.empty() && contexts_.size() == 1) name = contexts_.begin()->first;
  if (name.empty()) {
    return base::InvalidArgument("context", "NO_CURRENT_CONTEXT",
                                 "The kubeconfig has no current context.")
        .Hint("Choose one with --context or KUBE_CONTEXT, or run kubectl config use-context.");
  }
  const auto context = contexts_.find(name);
  if (context == contexts_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, entry] : contexts_) names.push_back(known);
    const std::string near(base::Nearest(name, names));
    return base::InvalidArgument("context", "UNKNOWN_CONTEXT",
                                 fmt::format("The kubeconfig has no context '{}'.", name))
        .Hint(!near.empty()
                  ? fmt::format("Did you mean '{}'?", near)
                  : fmt::format("It has: {}.", names.empty() ? "none" : base::Join(names, ", ")))
        .With("context", name);
  }
  ClusterConfig config;
  config.context = name;
  const std::string cluster_name = context->second.Get("cluster");
  const auto cluster = clusters_.find(cluster_name);
  if (cluster == clusters_.end()) {
    return Malformed(
        context->second.file,
        fmt::format("context '{}' names cluster '{}', which is not there", name, cluster_name));
  }
  OPSMESH_RETURN_IF_ERROR(ReadCluster(cluster->second, cluster_name, &config));
  config.user = context->second.Get("user");
  if (!config.user.empty()) {
    const auto user = users_.find(config.user);
    if (user == users_.end()) {
      return Malformed(
          context->second.file,
          fmt::format("context '{}' names user '{}', which is not there", name, config.user));
    }
    OPSMESH_RETURN_IF_ERROR(ReadUser(user->second, cluster->second, options, &config));
  }
  if (const std::string ns = context->second.Get("namespace"); !ns.empty())
    config.default_namespace = ns;
  config.origin = cluster->second.file;
  return config;
}

std::vector<ContextInfo> Kubeconfig::Contexts() const {
  std::vector<ContextInfo> infos;
  for (const auto& [name, entry] : contexts_) {
    ContextInfo info;
    info.name = name;
    info.cluster = entry.Get("cluster");
    info.user = entry.Get("user");
    info.default_namespace = entry.Get("namespace").empty() ? "default" : entry.Get("namespace");
    if (const auto cluster = clusters_.find(info.cluster); cluster != clusters_.end())
      info.server = cluster->second.Get("server");
    info.current = name == current_context_;
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace opsmesh::kube
