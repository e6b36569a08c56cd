#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/usage.h"

namespace opsmesh::cli {

void AddVerbs(CLI::App& app, int* exit_code) {
  for (const Verb& verb : kVerbs) verb.add(app, exit_code);
}

int RunUp(const std::vector<std::string>& arguments) {
  int exit_code = kOk;
  CLI::App app("OpsMesh", "opsmesh");
  AddUpCommand(app, &exit_code);
  std::vector<std::string> reversed = arguments;
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return ExplainUsage(app, error);
  }
  return exit_code;
}

}  // namespace opsmesh::cli
