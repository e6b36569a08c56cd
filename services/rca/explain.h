// Says in words why a service stands where it stands, by template, in both languages. Pure.
#pragma once

#include <string>
#include <vector>

#include "libs/analytics/cause/attribution.h"
#include "libs/text/language.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::rca {

/// The reasoning about one service, one sentence a step.
std::vector<type::v1::Text> Steps(const analytics::CauseInput& input,
                                  const analytics::CauseResult& result, size_t rank);

/// The one-line summary of a place: its strongest step.
type::v1::Text Summary(const analytics::CauseInput& input, const analytics::CauseResult& result,
                       size_t rank);

/// Why the next one lost against this one. Only for ranks that have a next one.
type::v1::Text RunnerUp(const analytics::CauseInput& input, const analytics::CauseResult& result,
                        size_t rank);

/// What to look at next.
type::v1::Text NextStep(const analytics::ServiceCause& cause);

/// One metric's move: "cpu went from 0.2 to 0.9 (12 times its usual spread)".
type::v1::Text Move(const analytics::CauseInput& input, const analytics::MetricFinding& finding);

/// The text of a language.
const std::string& Pick(const type::v1::Text& text, text::Language language);

}  // namespace opsmesh::rca
