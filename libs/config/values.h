// Text to typed values. Pure. Internal to libs/config.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace opsmesh::config {

std::optional<bool> ParseBool(std::string_view text);
std::optional<int64_t> ParseInt(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);
/// "250ms", "1h30m", "7d"; "0". nullopt for a bare number.
std::optional<absl::Duration> ParseDuration(std::string_view text);
/// "4096", "64KiB", "10MB".
std::optional<int64_t> ParseBytes(std::string_view text);

}  // namespace opsmesh::config
