// The settings of this program: files, environment and flags, judged by every part that reads them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/config/source.h"

namespace opsmesh::cli {

/// What the command line says about settings.
struct SettingFlags {
  std::string
      config_file;  // --config; read in place of config/config.yaml and config/config.<env>.yaml
  std::vector<std::string> assignments;      // --set key=value
  std::map<std::string, std::string> flags;  // further flags by key
};

/// Where settings come from. INVALID_ARGUMENT (USAGE) for a --set without "=".
absl::StatusOr<config::SourceOptions> SourcesOf(const SettingFlags& flags,
                                                std::map<std::string, std::string> environment);

/// Loads the settings and lets every part of the mesh judge them; all problems at once as
/// INVALID_ARGUMENT (CONFIG).
absl::StatusOr<config::Source> LoadAndCheck(const config::SourceOptions& sources);

/// Where state is kept: `given`, else $XDG_DATA_HOME/opsmesh, else ~/.local/share/opsmesh.
std::string DataDir(const std::string& given,
                    const std::map<std::string, std::string>& environment);

/// Prints what, why and next step of a status that is not OK to stderr; its exit code.
int Report(const absl::Status& status);

}  // namespace opsmesh::cli
