// When the trouble began, from the series of many services. Pure.
#pragma once

#include <optional>
#include <vector>

#include "libs/analytics/cause/attribution.h"

namespace opsmesh::analytics {

/// Whether a series is of what the question is about: the named service (and metric), or, where
/// none is named, the indicators of the whole system.
bool IsTarget(const CauseInput& input, const ServiceMetric& series);

struct CommonOnset {
  double time = 0;         // epoch seconds
  double uncertainty = 0;  // seconds either way
  double judged_from = 0;  // samples from here on are judged as troubled; at or before `time`
};

/// The onset all series together tell of, on the grid of the longest one: by position where lengths
/// agree, else by time. Targets together weigh as much as all others. Nothing when none stands out.
std::optional<CommonOnset> FindCommonOnset(const CauseInput& input);

}  // namespace opsmesh::analytics
