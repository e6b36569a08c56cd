// Numbers, booleans and enums as JSON. Strings are libs/base/json_string.h.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/transcode/schema.h"

namespace opsmesh::gateway {

/// Appends the value of `field`, whose wire bits are `bits` (a varint or a fixed number), as
/// canonical proto3 JSON: 64-bit integers in quotes, enums by name, and "NaN", "Infinity" and
/// "-Infinity" in quotes. Nothing for types that are not numeric.
void AppendNumber(const FieldSchema& field, uint64_t bits, std::string* out);

}  // namespace opsmesh::gateway
