#include "cli/settings.h"

#include <cstdio>
#include <filesystem>
#include <utility>

#include "cli/exit_codes.h"
#include "cli/mesh_parts.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/server/server.h"

namespace opsmesh::cli {

absl::StatusOr<config::SourceOptions> SourcesOf(const SettingFlags& flags,
                                                std::map<std::string, std::string> environment) {
  config::SourceOptions sources = server::DefaultSources(std::move(environment));
  sources.explicit_file = flags.config_file;
  sources.flags = flags.flags;
  for (const std::string& assignment : flags.assignments) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::InvalidArgument("set", "USAGE",
                                   fmt::format("--set {} names no key and value.", assignment))
          .Hint("Write --set key=value, for instance --set log.level=debug.");
    }
    sources.flags[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return sources;
}

absl::StatusOr<config::Source> LoadAndCheck(const config::SourceOptions& sources) {
  OPSMESH_ASSIGN_OR_RETURN(config::Source source, config::Source::Load(sources));
  OPSMESH_RETURN_IF_ERROR(server::CheckConfig(source, MeshParts()));
  return source;
}

std::string DataDir(const std::string& given,
                    const std::map<std::string, std::string>& environment) {
  if (!given.empty()) return given;
  const auto variable = [&environment](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
  };
  const std::string xdg = variable("XDG_DATA_HOME");
  if (!xdg.empty()) return (std::filesystem::path(xdg) / "opsmesh").string();
  const std::string home = variable("HOME");
  return (std::filesystem::path(home.empty() ? "." : home) / ".local/share/opsmesh").string();
}

int Report(const absl::Status& status) {
  const base::ErrorDetail detail = base::DetailOf(status);
  std::fprintf(stderr, "opsmesh: %s\n", std::string(status.message()).c_str());
  if (!detail.hint.empty()) std::fprintf(stderr, "         %s\n", detail.hint.c_str());
  if (detail.reason == "CLUSTER_FLAGS" || detail.reason == "USAGE") return kUsage;
  return ExitCodeOf(status);
}

}  // namespace opsmesh::cli
