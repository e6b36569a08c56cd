// Fills a tool's arguments from an intent by the tool's own JSON schema, so that the planner stores
// no schema. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "opsmesh/k8s/v1/tool.pb.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/routes.h"

namespace opsmesh::llm {

struct BoundCall {
  std::string arguments = "{}";      // JSON object
  std::vector<std::string> missing;  // required properties nothing fills
  std::vector<std::string>
      not_applied;  // what the person said and the tool cannot take: "namespace", "time window"
};

/// `name_space` is the namespace to ask for ("" = leave to the tool, "*" = all). `window` is the
/// length of the time window.
BoundCall Bind(const k8s::v1::Tool& tool, const Step& step, const Intent& intent,
               const std::string& name_space, absl::Duration window);

}  // namespace opsmesh::llm
