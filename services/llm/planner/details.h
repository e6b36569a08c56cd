// The particulars of a clause: comparisons, order, grouping by a field, text to look for,
// revisions, who may do what.
#pragma once

#include <vector>

#include "services/llm/planner/intent.h"
#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {

/// Reads them out of `marks` into `intent` and marks what it took in `used` (as long as `marks`),
/// so that no number or word means two things. `has_window`: the sentence names a time window.
/// Pure.
void ReadDetails(const std::vector<Mark>& marks, bool has_window, std::vector<bool>* used,
                 Intent* intent);

}  // namespace opsmesh::llm
