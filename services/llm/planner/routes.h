// Which tools answer an intent: lexicon/routes.yaml. Immutable, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/llm/planner/intent.h"

namespace opsmesh::llm {

struct Step {
  std::string tool;
  std::vector<std::pair<std::string, std::string>>
      arguments;  // set as they are, where the tool has them
  friend bool operator==(const Step&, const Step&) = default;
};

struct Route {
  // Conditions; an empty list accepts anything.
  std::vector<std::string> actions, kinds, conditions, topics, metrics, linked;
  std::optional<bool> name, name_space, grouped, where, between, several;
  bool single = false;  // exactly one object is linked
  // What to do.
  std::vector<Step> steps;
  std::vector<Step> otherwise;  // when `needs_kind` and no kind was named
  std::string target;           // "Pod", "Workload", "Any"; "" = takes no object
  bool needs_name = false;
  bool needs_kind = false;

  bool Accepts(const Intent& intent) const;
};

class Routes {
 public:
  static absl::StatusOr<Routes> Load(std::string_view yaml);
  static const Routes& Embedded();
  /// The first route that accepts `intent`; nullptr when none does.
  const Route* Find(const Intent& intent) const;
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace opsmesh::llm
