// Completion of command lines in bash, zsh and fish: the shells hand the words over, this program
// answers.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace opsmesh::cli {

/// What may stand in place of the last of `words` (which may be empty), one candidate each, sorted.
/// Names of namespaces, pods and tools are asked of a running gateway, for at most a second; none
/// running = none offered.
std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace opsmesh::cli
