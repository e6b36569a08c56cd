// Binds the names of an intent to objects and namespaces of the cluster, or says what to ask the
// person.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/text/language.h"
#include "opsmesh/type/v1/common.pb.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

struct LinkResult {
  /// The intent with `objects`, `name_space` filled and words that name nothing dropped.
  Intent intent;
  /// Not empty: ask this instead of answering; `choices` are what a reply "2" picks from.
  std::string question;
  std::vector<LinkedObject> choices;
  /// Said before the answer: which of several objects was taken.
  std::string note;
  type::v1::Ledger ledger;
  /// The user may not read everything: what was not found may be where he has no rights.
  bool rights_limited = false;
};

/// `target` is a route's: "Pod", "Workload", "Node", "Any" or "". `scope` limits the search; its
/// namespace breaks ties. Errors: those of ToolBox::Resolve.
absl::StatusOr<LinkResult> Link(const base::Context& context, ToolBox& tools, Intent intent,
                                const std::string& target, bool needs_name,
                                const type::v1::Scope& scope, text::Language language);

/// "Deployment shop/cart".
std::string Display(const LinkedObject& object);

}  // namespace opsmesh::llm
