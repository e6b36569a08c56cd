// opsmesh: the whole mesh in one process, and the questions one asks it from a terminal.
#include <exception>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "libs/base/version.h"

int main(int argc, char** argv) {
  namespace cli = opsmesh::cli;
  CLI::App app("OpsMesh: an AI operations copilot for Kubernetes.", "opsmesh");
  app.set_version_flag("--version", "opsmesh " + opsmesh::base::VersionLine());
  app.require_subcommand(1);
  app.footer("Exit codes: 0 ok, 1 failure, 2 usage, 3 needs approval, 4 denied, 5 dependency down, 6 partial, 78 configuration.");
  int exit_code = cli::kOk;
  cli::AddUpCommand(app, &exit_code);
  cli::AddAskCommand(app, &exit_code);
  cli::AddSimCommand(app, &exit_code);
  cli::AddConfigCommand(app, &exit_code);
  cli::AddVersionCommand(app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kOk : cli::kUsage;
  }
  return exit_code;
}
