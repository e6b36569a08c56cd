#include "cli/usage.h"

#include <cstdio>
#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "libs/base/strings.h"

namespace opsmesh::cli {
namespace {

/// The first word in the error's text that starts with a dash, without its value.
std::string FlagIn(const std::string& text) {
  for (const std::string_view word : base::SplitWhitespace(text)) {
    if (word.size() > 1 && word.front() == '-') return std::string(word.substr(0, word.find('=')));
  }
  return "";
}

/// "opsmesh tools call"
std::string PathOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : PathOf(*parent) + " " + command.get_name();
}

}  // namespace

const CLI::App& ChosenCommand(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = const_cast<CLI::App&>(app).get_subcommands();
  return chosen.empty() ? app : ChosenCommand(*chosen.back());
}

CLI::App* SubcommandOf(const CLI::App& app, const std::string& name) {
  const auto found = const_cast<CLI::App&>(app).get_subcommands(
      [&name](CLI::App* one) { return one->get_name() == name; });
  return found.empty() || name.empty() ? nullptr : found.front();
}

std::vector<std::string> FlagsOf(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

int ExplainUsage(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return kOk;
  }
  const CLI::App& command = ChosenCommand(app);
  std::string message = error.what();
  if (!message.empty() && message.back() == '\n') message.pop_back();
  std::fprintf(stderr, "opsmesh: %s\n", message.c_str());
  std::string hint;
  const std::string flag = FlagIn(message);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) &&
      flag.rfind("--", 0) == 0) {
    const std::vector<std::string> flags = FlagsOf(command);
    if (const std::string_view nearest = base::Nearest(flag, flags); !nearest.empty()) {
      hint = "Did you mean " + std::string(nearest) + "? ";
    }
  }
  std::fprintf(stderr, "         %s`%s --help` shows what it takes.\n", hint.c_str(),
               PathOf(command).c_str());
  return kUsage;
}

}  // namespace opsmesh::cli
