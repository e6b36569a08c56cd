// A tool's result as a model gets it: the finding in words, the facts, and as much of the data as
// the budget allows, with what was left out said. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libs/text/language.h"
#include "opsmesh/k8s/v1/tool.pb.h"

namespace opsmesh::llm {

/// At most `max_bytes` (>= 256) bytes, or a little more when the words alone are longer.
std::string Digest(const k8s::v1::CallToolResponse& response, text::Language language,
                   size_t max_bytes);
/// The same for the rule-based diagnosis.
std::string Digest(const k8s::v1::DiagnoseResponse& response, text::Language language,
                   size_t max_bytes);

/// A JSON document of at most `max_bytes`: long lists keep their first members (of lines of text
/// the last), long strings their beginning, and each cut says how many there are. `*cut` tells
/// whether anything was left out. A document that is no JSON is cut as text.
std::string ShrinkJson(std::string_view json, size_t max_bytes, bool* cut);

}  // namespace opsmesh::llm
