#include "libs/server/data_dir.h"

#include <filesystem>
#include <system_error>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::server {

std::string DefaultDataDir(const std::map<std::string, std::string>& environment) {
  const auto value = [&](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
  };
  if (std::string xdg = value("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/opsmesh";
  if (std::string home = value("HOME"); !home.empty()) return home + "/.local/share/opsmesh";
  return "./opsmesh-data";
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error) {
    return base::Unavailable("DATA_DIR", fmt::format("The data folder '{}' cannot be made: {}.",
                                                     path, error.message()))
        .Hint("Choose another one with --data-dir or data.dir.");
  }
  return absl::OkStatus();
}

}  // namespace opsmesh::server
