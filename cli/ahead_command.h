// `opsmesh sim ahead`: what a cluster comes to when time passes, with a change or without it.
#pragma once

namespace CLI {
class App;
}

namespace opsmesh::cli {

void AddAheadCommand(CLI::App& sim, int* exit_code);

}  // namespace opsmesh::cli
