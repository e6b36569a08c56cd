#include "libs/kube/exec_helper/run_plugin.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/exec_helper/plugin_process.h"
#include "libs/kube/log_lines.h"
#include "libs/kube/small_json.h"
#include "libs/redact/redactor.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kQuotedError = 300;

/// What cloud tools need to find their own login; a star stands for any end.
constexpr std::array<std::string_view, 31> kPassed = {
    "HOME",        "PATH",           "USER",          "LOGNAME",
    "SHELL",       "LANG",           "LANGUAGE",      "LC_*",
    "TZ",          "TMPDIR",         "XDG_*",         "HTTP_PROXY",
    "HTTPS_PROXY", "NO_PROXY",       "http_proxy",    "https_proxy",
    "no_proxy",    "SSL_CERT_FILE",  "SSL_CERT_DIR",  "KUBECONFIG",
    "AWS_*",       "CLOUDSDK_*",     "GOOGLE_*",      "USE_GKE_GCLOUD_AUTH_PLUGIN",
    "AZURE_*",     "AAD_*",          "ARM_*",         "OCI_*",
    "ALIBABA_*",   "ALIBABACLOUD_*", "TENCENTCLOUD_*"};

bool Passes(std::string_view name, const PluginRules& rules) {
  const auto matches = [name](std::string_view pattern) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : name == pattern;
  };
  return std::any_of(kPassed.begin(), kPassed.end(), matches) ||
         std::any_of(rules.pass_env.begin(), rules.pass_env.end(), matches);
}

std::string ExecInfo(const ExecPlugin& plugin) {
  JsonObject spec;
  if (!plugin.cluster_info_json.empty()) spec.AddRaw("cluster", plugin.cluster_info_json);
  spec.AddRaw("interactive", "false");
  return JsonObject()
      .Add("kind", "ExecCredential")
      .Add("apiVersion", plugin.api_version)
      .AddRaw("spec", spec.Take())
      .Take();
}

/// What a plugin said on stderr, fit for a message: one clean line, anything that could be a
/// credential masked.
std::string Quoted(const std::string& err) {
  static const auto* const redactor = new redact::Redactor();
  size_t replaced = 0;
  std::string line = CleanLogLine(base::ReplaceAll(base::Trim(err), "\n", " | "), &replaced);
  line = redactor->Redact(line);
  if (line.size() > kQuotedError)
    line = "…" + base::SanitizeUtf8(std::string_view(line).substr(line.size() - kQuotedError));
  return line;
}

absl::Status Failure(const ExecPlugin& plugin, std::string_view reason, std::string_view what) {
  const std::string& hint = plugin.install_hint;
  return base::FailedPrecondition(
             reason, fmt::format("The credential plugin '{}' {}.", plugin.command, what))
      .Hint(!hint.empty() ? std::string(base::Utf8Prefix(base::SanitizeUtf8(hint), 1000))
                          : "Run the plugin's command by hand, as the user that runs the helper.");
}

}  // namespace

std::vector<std::string> PluginEnvironment(const std::vector<std::string>& ours,
                                           const ExecPlugin& plugin, const PluginRules& rules) {
  std::map<std::string, std::string> variables;
  for (const std::string& entry : ours) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || !Passes(std::string_view(entry).substr(0, equals), rules))
      continue;
    variables[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  for (const auto& [name, value] : plugin.env) variables[name] = value.Reveal();
  variables["KUBERNETES_EXEC_INFO"] = ExecInfo(plugin);
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

absl::StatusOr<ExecCredential> RunPlugin(const ExecPlugin& plugin, const PluginRules& rules) {
  std::vector<std::string> ours;
  for (char** entry = environ; *entry != nullptr; ++entry) ours.emplace_back(*entry);
  ProcessSpec spec;
  spec.program = plugin.command;
  spec.args = plugin.args;
  spec.environment = PluginEnvironment(ours, plugin, rules);
  spec.timeout = rules.timeout;
  spec.stop = rules.stop;
  spec.max_output_bytes = kExecMessageBytes / 2;
  const absl::StatusOr<ProcessOutput> output = RunProcess(spec);
  if (!output.ok()) {
    const std::string reason = base::DetailOf(output.status()).reason;
    const std::string_view what = base::ToStd(output.status().message());
    if (reason == "PROGRAM_NOT_FOUND")
      return Failure(plugin, "EXEC_PLUGIN_NOT_FOUND", "is not installed here, or not on PATH");
    if (reason == "PROGRAM_TIMEOUT")
      return Failure(plugin, "EXEC_PLUGIN_TIMEOUT", fmt::format("was stopped: {}", what));
    return Failure(plugin, "EXEC_PLUGIN_FAILED", fmt::format("could not be run: {}", what));
  }
  if (output->exit_code != 0) {
    const std::string said = Quoted(output->err);
    return Failure(plugin, "EXEC_PLUGIN_FAILED",
                   fmt::format("ended with code {}{}", output->exit_code,
                               said.empty() ? "" : fmt::format(" and said: {}", said)));
  }
  auto credential = ParseExecCredential(output->out, plugin.api_version);
  if (credential.ok()) return credential;
  return Failure(plugin, "EXEC_PLUGIN_INVALID_OUTPUT",
                 fmt::format("printed something else than a credential: {}",
                             base::ToStd(credential.status().message())));
}

}  // namespace opsmesh::kube
