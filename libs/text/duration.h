// Time windows in a sentence: "最近一小时", "过去30分钟", "last 30 min", "past two days", "today".
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace opsmesh::text {

/// A window that ends now.
struct TimeWindow {
  /// How long it is; for kToday and kYesterday the caller computes it from the clock and the zone.
  enum class Kind { kLast, kToday, kYesterday };
  Kind kind = Kind::kLast;
  absl::Duration length;
  /// Bytes of the sentence that say it: [begin, end).
  size_t begin = 0;
  size_t end = 0;
};

/// The first window named in `sentence`, which is half width, lower case and Simplified
/// (Token::norm style). A bare "5 minutes" counts only after a word such as "last", "past", "since"
/// or before "ago", "内", "以来", "前".
std::optional<TimeWindow> FindTimeWindow(std::string_view sentence);

/// "half width, lower case, Simplified" of a sentence, so that byte offsets of FindTimeWindow refer
/// to the result.
std::string NormalizeForMatching(std::string_view utf8);

}  // namespace opsmesh::text
