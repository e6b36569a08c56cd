#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/settings.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

struct ConfigFlags {
  SettingFlags settings;
  bool origin = false;
  std::string format = "text";
};

absl::StatusOr<config::Source> Load(const ConfigFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const config::SourceOptions sources,
                           SourcesOf(flags.settings, config::SystemEnvironment()));
  return LoadAndCheck(sources);
}

int Check(const ConfigFlags& flags) {
  const absl::StatusOr<config::Source> source = Load(flags);
  if (!source.ok()) return Report(source.status());
  size_t set = 0;
  for (const config::Effective& one : source->EffectiveValues())
    set += one.origin != "default" ? 1 : 0;
  std::printf(
      "The configuration is sound: %zu settings differ from the defaults. `opsmesh config show "
      "--origin` lists all.\n",
      set);
  return kOk;
}

int Show(const ConfigFlags& flags) {
  const absl::StatusOr<config::Source> source = Load(flags);
  if (!source.ok()) return Report(source.status());
  const std::vector<config::Effective> values = source->EffectiveValues();
  if (flags.format == "json") {
    nlohmann::json list = nlohmann::json::array();
    for (const config::Effective& one : values) {
      list.push_back(
          {{"key", one.key}, {"value", one.value}, {"origin", one.origin}, {"secret", one.secret}});
    }
    std::printf("%s\n", base::DumpJson(list).c_str());
    return kOk;
  }
  size_t width = 0;
  for (const config::Effective& one : values)
    width = std::max(width, one.key.size() + one.value.size() + 3);
  width = std::min<size_t>(width, 72);
  for (const config::Effective& one : values) {
    const std::string setting = one.key + " = " + one.value;
    if (flags.origin) {
      std::printf("%-*s  # %s\n", static_cast<int>(width), setting.c_str(), one.origin.c_str());
    } else {
      std::printf("%s\n", setting.c_str());
    }
  }
  return kOk;
}

void AddSettingFlags(CLI::App& command, SettingFlags& settings) {
  command.add_option("--config", settings.config_file,
                     "Configuration file, read in place of config/config.yaml.");
  command.add_option("--set", settings.assignments,
                     "key=value, as often as needed; wins over files and environment.");
}

}  // namespace

void AddConfigCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("config", "Judge and show the configuration.");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  opsmesh config check\n"
      "  opsmesh config show --origin\n"
      "  opsmesh config show --set log.level=debug -o json");
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* check = command->add_subcommand(
      "check", "Tell every problem with file and line; exit 78 when there is one.");
  AddSettingFlags(*check, flags->settings);
  check->callback([flags, exit_code] { *exit_code = Check(*flags); });
  CLI::App* show = command->add_subcommand(
      "show", "Print every setting in force; secrets show only whether they are set.");
  AddSettingFlags(*show, flags->settings);
  show->add_flag("--origin", flags->origin, "Also say where each value comes from.");
  show->add_option("-o,--output", flags->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  show->callback([flags, exit_code] { *exit_code = Show(*flags); });
}

}  // namespace opsmesh::cli
