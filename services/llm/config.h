// Settings of the llm service.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/source.h"

namespace opsmesh::llm {

struct LlmConfig {
  /// Zone of "today" in questions: an IANA name; "" = TZ, then UTC.
  absl::TimeZone zone = absl::UTCTimeZone();
  /// How long the list of tools is kept.
  absl::Duration tool_list_ttl = absl::Seconds(10);
};

/// Reads the section `llm`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<LlmConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::llm
