// What the reading verbs share: reach a gateway, call it, print or explain.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/reach.h"
#include "cli/terminal.h"
#include "nlohmann/json_fwd.hpp"

namespace opsmesh::cli {

/// A reading verb while it runs.
class Reading {
 public:
  Reading(Reach& reach, base::Context ctx, Terminal& terminal)
      : reach_(reach), ctx_(std::move(ctx)), terminal_(terminal) {}

  absl::StatusOr<nlohmann::json> Get(const std::string& target);
  absl::StatusOr<nlohmann::json> Post(const std::string& target, const nlohmann::json& body);
  /// Runs a tool: the whole CallToolResponse.
  absl::StatusOr<nlohmann::json> Tool(const std::string& name, const nlohmann::json& arguments,
                                      const std::string& cluster = "");
  absl::Status Follow(const std::string& target,
                      const std::function<absl::Status(const nlohmann::json&)>& on_event);
  void Print(std::string_view text) { terminal_.Answer(text); }
  void Note(std::string_view line) { terminal_.Note(line); }
  /// Says what the ledger of an answer could not check; kPartial then, else kOk.
  int Ledger(const nlohmann::json& answer);

 private:
  Reach& reach_;
  const base::Context ctx_;
  Terminal& terminal_;
};

/// Opens a reach, runs `work` until it ends, the time is up or Ctrl-C, and explains its error. The
/// exit code.
int RunReading(const ReachFlags& flags, const std::function<absl::StatusOr<int>(Reading&)>& work);

/// The sentence of a {"zh":…,"en":…} in the terminal's language.
std::string InTerminalLanguage(const nlohmann::json& text);

/// "?a=b&c=d" of the pairs whose value is not empty; "" when there are none.
std::string QueryOf(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace opsmesh::cli
