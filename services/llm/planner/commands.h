// Slash commands: /pods, /logs, /scale, /status, /help. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "services/llm/planner/intent.h"

namespace opsmesh::llm {

/// What a command line became.
struct Command {
  Intent intent;
  /// Usage line when the arguments do not fit; "" when they do.
  std::string usage_error;
  bool unknown = false;
};

/// nullopt when `query` does not begin with "/" and a letter. A leading @mention is gone already.
std::optional<Command> ParseCommand(std::string_view query);

}  // namespace opsmesh::llm
