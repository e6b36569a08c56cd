#include "libs/kube/kubeconfig_exec.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "libs/base/error.h"
#include "libs/base/json_string.h"
#include "libs/base/strings.h"
#include "libs/kube/small_json.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxItems = 1000;
constexpr int kMaxYamlDepth = 32;
constexpr size_t kMaxExtensionBytes =
    64 << 10;  // aliases can multiply: the text is bounded, not the nodes

std::string Scalar(const YAML::Node& node) {
  return node.IsDefined() && node.IsScalar() ? node.Scalar() : "";
}

/// A plain YAML scalar as the JSON it stands for; quoted ones are strings.
std::string ScalarJson(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return base::JsonString(text);
  if (text == "true" || text == "false" || text == "null") return text;
  if (text.empty() || text == "~") return "null";
  const SmallJson number(text);
  return number.valid() && number.root().type() == JsonRef::Type::kNumber ? text
                                                                          : base::JsonString(text);
}

/// Appends; false when it is too deep or too long.
bool AppendJson(const YAML::Node& node, int depth, std::string* out) {
  if (depth > kMaxYamlDepth || out->size() > kMaxExtensionBytes) return false;
  if (!node.IsDefined() || node.IsNull()) return out->append("null"), true;
  if (node.IsScalar()) return out->append(ScalarJson(node)), true;
  const bool map = node.IsMap();
  *out += map ? '{' : '[';
  bool first = true;
  for (const auto& member : node) {
    if (!std::exchange(first, false)) *out += ',';
    if (map) *out += base::JsonString(Scalar(member.first)) + ":";
    if (!AppendJson(map ? YAML::Node(member.second) : YAML::Node(member), depth + 1, out))
      return false;
  }
  *out += map ? '}' : ']';
  return true;
}

base::Error Malformed(const std::string& file, std::string_view owner, std::string_view what) {
  return base::InvalidArgument(
             "kubeconfig", "MALFORMED_KUBECONFIG",
             fmt::format("The kubeconfig {} cannot be used: the exec plugin of {} {}.", file, owner,
                         what))
      .With("file", file);
}

/// spec.cluster of KUBERNETES_EXEC_INFO (client.authentication.k8s.io Cluster).
std::string ClusterInfo(const ClusterConfig& cluster, const std::string& extension_json) {
  JsonObject json;
  json.Add("server", cluster.server).AddIf("tls-server-name", cluster.tls_server_name);
  if (cluster.insecure_skip_tls_verify) json.AddRaw("insecure-skip-tls-verify", "true");
  if (!cluster.ca_pem.empty())
    json.Add("certificate-authority-data", base::Base64Encode(cluster.ca_pem));
  json.AddIf("proxy-url", cluster.proxy_url);
  if (!extension_json.empty()) json.AddRaw("config", extension_json);
  return json.Take();
}

}  // namespace

ExecEntry ReadExecEntry(const YAML::Node& exec) {
  ExecEntry entry;
  entry.api_version = Scalar(exec["apiVersion"]);
  entry.command = Scalar(exec["command"]);
  entry.install_hint = Scalar(exec["installHint"]);
  entry.interactive_mode = Scalar(exec["interactiveMode"]);
  entry.provide_cluster_info = Scalar(exec["provideClusterInfo"]) == "true";
  if (const YAML::Node args = exec["args"]; args.IsDefined() && args.IsSequence()) {
    for (const YAML::Node& arg : args) {
      if (entry.args.size() < kMaxItems) entry.args.push_back(Scalar(arg));
    }
  }
  if (const YAML::Node env = exec["env"]; env.IsDefined() && env.IsSequence()) {
    for (const YAML::Node& variable : env) {
      if (!variable.IsMap() || entry.env.size() >= kMaxItems) continue;
      entry.env.emplace_back(Scalar(variable["name"]), base::Secret(Scalar(variable["value"])));
    }
  }
  return entry;
}

std::string ReadExecExtension(const YAML::Node& extensions) {
  if (!extensions.IsDefined() || !extensions.IsSequence()) return "";
  for (const YAML::Node& named : extensions) {
    if (!named.IsMap() || Scalar(named["name"]) != "client.authentication.k8s.io/exec") continue;
    std::string json;
    return AppendJson(named["extension"], 0, &json) ? json : "";
  }
  return "";
}

absl::StatusOr<ExecPlugin> CheckExecEntry(const ExecEntry& entry, std::string_view owner,
                                          const std::string& file, const std::string& folder,
                                          const ClusterConfig& cluster,
                                          const std::string& extension_json) {
  const bool v1 = entry.api_version == "client.authentication.k8s.io/v1";
  if (!v1 && entry.api_version != "client.authentication.k8s.io/v1beta1") {
    return Malformed(
        file, owner,
        fmt::format(
            "has apiVersion '{}', which is neither client.authentication.k8s.io/v1 nor v1beta1",
            base::Utf8Prefix(entry.api_version, 100)));
  }
  if (entry.command.empty()) return Malformed(file, owner, "names no command");
  for (const auto& [name, value] : entry.env) {
    if (name.empty() || name.find('=') != std::string::npos)
      return Malformed(file, owner, "has a variable without a name in env");
  }
  const std::string& mode = entry.interactive_mode;
  if (v1 && mode.empty()) return Malformed(file, owner, "has no interactiveMode, which v1 demands");
  if (mode == "Always") {
    return base::FailedPrecondition("EXEC_PLUGIN_INTERACTIVE",
                                    fmt::format("The exec plugin of {} has interactiveMode Always: "
                                                "it wants a person at a terminal.",
                                                owner))
        .Hint("Use a plugin that logs in by itself, a token, or a client certificate.");
  }
  if (!mode.empty() && mode != "Never" && mode != "IfAvailable") {
    return Malformed(
        file, owner,
        fmt::format("has interactiveMode '{}', which is none of Never, IfAvailable, Always",
                    base::Utf8Prefix(mode, 50)));
  }
  ExecPlugin plugin;
  plugin.api_version = entry.api_version;
  plugin.command = entry.command;
  if (plugin.command.find('/') != std::string::npos && plugin.command[0] != '/')
    plugin.command = folder + "/" + plugin.command;
  plugin.args = entry.args;
  plugin.env = entry.env;
  plugin.install_hint = entry.install_hint;
  if (entry.provide_cluster_info) plugin.cluster_info_json = ClusterInfo(cluster, extension_json);
  return plugin;
}

}  // namespace opsmesh::kube
