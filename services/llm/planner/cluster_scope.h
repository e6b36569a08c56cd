// The clusters a sentence names, checked against those that are configured.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/context.h"
#include "services/llm/planner/sentence.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

struct ClusterScope {
  std::vector<std::string> named;  // ids, in order; empty = the sentence names none
  std::string unknown;             // named as a cluster, and none is called so
  std::string only;                // beside `unknown`: the one cluster there is, "" when several
  std::string configured;          // beside `unknown`: "a, b"
};

/// Reads and takes the names out of `sentence` (`unknown` too where there is only one cluster).
/// What stands where a place may stand ("pods in prod") is a cluster only when no namespace and no
/// object is called so. Asks nothing of a sentence that has no such word; trouble with the tools
/// counts as "names none". `current` is the cluster that is asked otherwise, "" = the default.
ClusterScope ReadClusters(const base::Context& context, ToolBox& tools, const std::string& current,
                          Sentence* sentence);

/// A caller may name a cluster that is not configured (the documented request says "production").
/// Where there is one cluster only, questions are answered from it: its id; "" otherwise. The
/// answer has to say so first, and nothing is ever changed on that ground.
std::string StandInCluster(const base::Context& context, ToolBox& tools,
                           const v1::RunTurnRequest& request);

/// Says which clusters there are, as a table.
absl::Status SayClusters(Turn& turn, ToolBox& tools);

}  // namespace opsmesh::llm
