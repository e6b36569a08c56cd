// opsmesh: the whole mesh in one process, and the questions one asks it from a terminal.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/documented.h"
#include "cli/exit_codes.h"
#include "cli/usage.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"

namespace {

namespace cli = opsmesh::cli;

/// A first word that is neither a verb nor a question.
int UnknownVerb(const std::string& word) {
  std::vector<std::string> verbs;
  for (const cli::Verb& verb : cli::kVerbs) verbs.emplace_back(verb.name);
  const std::string_view nearest = opsmesh::base::Nearest(word, verbs);
  std::fprintf(stderr, "opsmesh: '%s' is no command.\n", word.c_str());
  const std::string hint =
      nearest.empty() ? "" : "Did you mean `opsmesh " + std::string(nearest) + "`? ";
  std::fprintf(stderr,
               "         %s`opsmesh --help` lists them; a question goes to `opsmesh ask`.\n",
               hint.c_str());
  return cli::kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string program = argc > 0 ? argv[0] : "opsmesh";
  program = program.substr(program.rfind('/') + 1);
  if (program != "kubelet-wuhrai") program = "opsmesh";
  int exit_code = cli::kOk;
  CLI::App app("OpsMesh: an AI operations copilot for Kubernetes.", "opsmesh");
  app.set_version_flag("--version", "opsmesh " + opsmesh::base::VersionLine());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  opsmesh up\n"
      "  opsmesh ask \"which pods keep restarting?\"\n"
      "  kubectl get pods -o json | opsmesh \"analyze these pods\"\n"
      "  opsmesh chat\n"
      "Without a gateway that runs, a verb starts the mesh in its own process for as long as it "
      "needs it.\n"
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 needs approval, 4 denied, 5 dependency down, 6 "
      "partial, 78 configuration.");
  cli::AddVerbs(app, &exit_code);

  if (!arguments.empty() && arguments.front() == "__complete") {
    for (const std::string& one : cli::Complete(app, {arguments.begin() + 1, arguments.end()}))
      std::printf("%s\n", one.c_str());
    return cli::kOk;
  }
  if (cli::IsDocumentedForm(arguments, program)) return cli::RunDocumented(arguments, program);
  if (!arguments.empty() && arguments.front().rfind('-', 0) != 0 &&
      cli::SubcommandOf(app, arguments.front()) == nullptr) {
    return UnknownVerb(arguments.front());
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli::ExplainUsage(app, error);
  }
  return exit_code;
}
