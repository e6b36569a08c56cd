// Writes what an analysis found into the answer: ranked causes with steps and evidence, anomalies,
// what could not be judged, and a report in both languages. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/analytics/cause/attribution.h"
#include "libs/text/language.h"
#include "opsmesh/rca/v1/analysis.pb.h"
#include "services/rca/node_faults.h"
#include "services/rca/ownership.h"
#include "services/rca/root_cause.h"
#include "services/rca/topology.h"

namespace opsmesh::rca {

/// All an analysis found. What is referred to must outlive it.
struct RankedCauses {
  const analytics::CauseInput& input;
  const analytics::CauseResult& result;
  const Topology& topology;
  const Names& names;
  const ExtraSteps& extra;
  const std::map<std::string, std::vector<ClusterEvent>>& events;  // by service
  double threshold = 0.65;  // in [0, 1]; anomalies of a smaller score are left out
  text::Language language = text::Language::kEnglish;  // of the explanations
};

/// Fills every field of `response` but the ledger.
void WriteRankedCauses(const v1::AnalyzeRootCauseRequest& request, const RankedCauses& found,
                       v1::AnalyzeRootCauseResponse& response);

}  // namespace opsmesh::rca
