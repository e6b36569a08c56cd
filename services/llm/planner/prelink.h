// Names that people do not write as the cluster does: "支付" for payments, "the database" for
// orders-db, "log shipper" for log-shipper. Every reading is looked up among the live objects; what
// none of them is called stays prose.
#pragma once

#include <vector>

#include "libs/base/context.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

/// Replaces mentions with alternatives by the object or namespace they mean; drops words of
/// everyday language that mean none. One call for all of them, none when no mention has
/// alternatives. Trouble with the index changes nothing.
void ResolveAlternatives(const base::Context& context, ToolBox& tools, const type::v1::Scope& scope,
                         std::vector<Intent>* intents);

}  // namespace opsmesh::llm
