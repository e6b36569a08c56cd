// A command line that cannot be understood: what, and what was probably meant.
#pragma once

#include "CLI/CLI.hpp"

namespace opsmesh::cli {

/// Prints help or version when that is what was asked for (kOk); else the error, the nearest flag
/// or verb, and where the help is, on stderr (kUsage).
int ExplainUsage(const CLI::App& app, const CLI::ParseError& error);

/// The subcommand of `app` that was chosen last, `app` itself when none was.
const CLI::App& ChosenCommand(const CLI::App& app);

/// The subcommand of that name; null when there is none.
CLI::App* SubcommandOf(const CLI::App& app, const std::string& name);

/// Names of the flags of a command, with their dashes, as typed: "--server", "-n".
std::vector<std::string> FlagsOf(const CLI::App& command);

}  // namespace opsmesh::cli
