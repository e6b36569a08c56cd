// Checks a model's arguments against a tool's JSON Schema before anything runs. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace opsmesh::llm {

/// The arguments as they may be sent: an object that fits `schema` (draft 7: type, properties,
/// required, enum, items, minimum, maximum, minLength, maxLength, maxItems, pattern,
/// additionalProperties). Small models' habits are mended where nothing can be misread: a number or
/// truth value written as text, null for "left out". INVALID_ARGUMENT (ARGUMENTS_MALFORMED) when
/// `arguments` is no JSON object, (ARGUMENTS_SCHEMA) with a sentence that names the member
/// otherwise.
absl::StatusOr<std::string> CheckArguments(std::string_view arguments, std::string_view schema);

}  // namespace opsmesh::llm
