// google.protobuf.Timestamp as RFC 3339 text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace opsmesh::gateway {

/// Appends "2025-01-21T10:30:00Z" with 0, 3, 6 or 9 digits of a second. False outside the years
/// 0001 to 9999.
bool AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out);

/// Reads RFC 3339 with any offset and up to nine digits of a second. False when `text` is anything
/// else.
bool ParseTimestamp(std::string_view text, int64_t* seconds, int32_t* nanos);

}  // namespace opsmesh::gateway
