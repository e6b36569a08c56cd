// The data of Prometheus' answers in JSON: appended to text, so that a million points need no tree.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "libs/kubesim/promql/engine.h"
#include "libs/kubesim/promql/labels.h"

namespace opsmesh::kubesim::prometheus {

/// {"resultType": ..., "result": ...}; `at` (milliseconds) is the time of a string.
std::string ResultJson(const promql::Answer& answer, int64_t at);

/// {"name":"value",...}
void AppendLabels(const promql::Labels& labels, std::string* out);

/// ["a","b"]
std::string NamesJson(const std::set<std::string>& names);

}  // namespace opsmesh::kubesim::prometheus
