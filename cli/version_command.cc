#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "libs/base/version.h"

namespace opsmesh::cli {

void AddVersionCommand(CLI::App& app, int* exit_code) {
  CLI::App* command =
      app.add_subcommand("version", "Print the version and the revision it was built from.");
  auto format = std::make_shared<std::string>("text");
  command->add_option("-o,--output", *format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->footer("Examples:\n  opsmesh version\n  opsmesh version -o json");
  command->callback([format, exit_code] {
    const std::string version(base::Version());
    const std::string revision(base::Revision());
    if (*format == "json") {
      std::printf("{\"version\":\"%s\",\"revision\":\"%s\"}\n", version.c_str(), revision.c_str());
    } else {
      std::printf("opsmesh %s\n", base::VersionLine().c_str());
    }
    *exit_code = kOk;
  });
}

}  // namespace opsmesh::cli
