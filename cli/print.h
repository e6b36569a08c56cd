// What the reading verbs print: tables a terminal can show, JSON, YAML, names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"

namespace opsmesh::cli {

/// Columns side by side as kubectl prints them: three spaces between, East Asian wide characters
/// counted as two, control characters taken out, the last column never padded. Longer cells than
/// `max_width` columns are cut with "…".
std::string RenderTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows, size_t max_width = 80);

/// Pretty JSON (2 spaces) or YAML, each with a line end.
std::string RenderJson(const nlohmann::json& value);
std::string RenderYaml(const nlohmann::json& value);

/// `text` without control characters (terminal escapes included); line ends and tabs become spaces.
std::string OneLine(std::string_view text);
/// The same, line ends and tabs kept: for logs and descriptions.
std::string SafeText(std::string_view text);

/// Seconds as kubectl prints an age: "57s", "12m", "3h", "33d".
std::string Age(double seconds);

}  // namespace opsmesh::cli
