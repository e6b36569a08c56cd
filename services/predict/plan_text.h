// Plans and replays in words, Chinese and English.
#pragma once

#include <string>
#include <string_view>

#include "libs/analytics/replicas/planner.h"
#include "opsmesh/predict/v1/prediction.pb.h"

namespace opsmesh::predict {

/// "{term} decides" as a clause, without a full stop.
std::string_view TermInEnglish(std::string_view term);
std::string_view TermInChinese(std::string_view term);

/// `autoscaler` = name of the workload's autoscaler; "" = it has none that is known.
type::v1::Text PlanSummary(const v1::PlanReplicasResponse& plan,
                           const analytics::ReplicaRules& rules, std::string_view autoscaler);

type::v1::Text ReplaySummary(const v1::ReplayReplicasResponse& replay,
                             const analytics::ReplicaRules& rules, bool forecast);

}  // namespace opsmesh::predict
