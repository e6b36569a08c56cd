// Whole requests, from the message to the answer: goals A5 and R6.
#pragma once

#include "tests/bench/analytics/timing.h"

namespace opsmesh::bench {

void TimeRequests(const Clock& clock);

}  // namespace opsmesh::bench
