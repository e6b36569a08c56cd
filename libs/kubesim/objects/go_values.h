// Free JSON as Go's decoder sees it and as Go's package fmt prints it: that is how sentences of a
// real server show values. Pure functions.
#pragma once

#include <string>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Whether Go decodes a JSON value to int64: a whole number within its range, written as one.
bool IsGoInteger(const Json& value);
/// A number as %v prints it: 2.0 is "2", 1e20 "1e+20", 1234567.0 "1.234567e+06"; what does not fit
/// 64 bits with a sign is a float64.
std::string GoNumber(const Json& number);
/// As %#v prints it: map[string]interface {}{"a":1}, []interface {}{"b"}.
std::string GoValue(const Json& value);
/// Whole numbers that are written as fractions (2.0, 1e2) become whole ones, as when Go writes
/// JSON.
void WriteWholeNumbers(Json& value);
/// As a cause shows a bad value: text quoted, numbers and truth values as they are, null as "null",
/// lists and maps as GoValue().
std::string GoBadValue(const Json& value);

}  // namespace opsmesh::kubesim
