// The commands of `opsmesh`. Each adds its subcommand to the parser and, when that is chosen, leaves the exit code.
#pragma once

namespace CLI {
class App;
}

namespace opsmesh::cli {

void AddUpCommand(CLI::App& app, int* exit_code);
void AddSimCommand(CLI::App& app, int* exit_code);
void AddAskCommand(CLI::App& app, int* exit_code);
void AddConfigCommand(CLI::App& app, int* exit_code);
void AddVersionCommand(CLI::App& app, int* exit_code);

}  // namespace opsmesh::cli
