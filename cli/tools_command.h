// The list of tools and of models, for `opsmesh tools|models` and the documented words.
#pragma once

#include <string>

#include "cli/reach.h"

namespace opsmesh::cli {

/// Prints the tools, those of one group or all; the exit code.
int ListTools(const ReachFlags& flags, const std::string& group, const std::string& format,
              bool all);
/// Prints the models and which one answers.
int ListModels(const ReachFlags& flags, const std::string& format);

}  // namespace opsmesh::cli
