// The verbs of `opsmesh`, one line each: a new verb is a file with its Add function, and a line in
// kVerbs.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace opsmesh::cli {

/// Each adds its subcommand to the parser and, when that is chosen, leaves the exit code.
void AddUpCommand(CLI::App& app, int* exit_code);
void AddAskCommand(CLI::App& app, int* exit_code);
void AddChatCommand(CLI::App& app, int* exit_code);
void AddPodsCommand(CLI::App& app, int* exit_code);
void AddLogsCommand(CLI::App& app, int* exit_code);
void AddEventsCommand(CLI::App& app, int* exit_code);
void AddDescribeCommand(CLI::App& app, int* exit_code);
void AddDiagnoseCommand(CLI::App& app, int* exit_code);
void AddRcaCommand(CLI::App& app, int* exit_code);
void AddPredictCommand(CLI::App& app, int* exit_code);
void AddToolsCommand(CLI::App& app, int* exit_code);
void AddModelsCommand(CLI::App& app, int* exit_code);
void AddSimCommand(CLI::App& app, int* exit_code);
void AddConfigCommand(CLI::App& app, int* exit_code);
void AddCompletionCommand(CLI::App& app, int* exit_code);
void AddVersionCommand(CLI::App& app, int* exit_code);

struct Verb {
  const char* name;
  void (*add)(CLI::App& app, int* exit_code);
};

/// In the order of --help.
inline constexpr Verb kVerbs[] = {
    {"up", AddUpCommand},
    {"ask", AddAskCommand},
    {"chat", AddChatCommand},
    {"pods", AddPodsCommand},
    {"logs", AddLogsCommand},
    {"events", AddEventsCommand},
    {"describe", AddDescribeCommand},
    {"diagnose", AddDiagnoseCommand},
    {"rca", AddRcaCommand},
    {"predict", AddPredictCommand},
    {"tools", AddToolsCommand},
    {"models", AddModelsCommand},
    {"sim", AddSimCommand},
    {"config", AddConfigCommand},
    {"completion", AddCompletionCommand},
    {"version", AddVersionCommand},
};

/// A parser with every verb.
void AddVerbs(CLI::App& app, int* exit_code);

/// Starts `opsmesh up` as its flags would: for the documented `--user-interface=html`.
int RunUp(const std::vector<std::string>& arguments);

}  // namespace opsmesh::cli
