// `opsmesh sim fault …`: breaking a live simulated cluster on purpose, and mending it.
#pragma once

namespace CLI {
class App;
}

namespace opsmesh::cli {

/// Adds `fault` with list, catalogue, inject and clear under `sim`.
void AddFaultCommand(CLI::App& sim, int* exit_code);

}  // namespace opsmesh::cli
