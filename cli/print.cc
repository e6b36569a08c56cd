#include "cli/print.h"

#include <algorithm>

#include "fmt/core.h"
#include "libs/base/strings.h"
#include "libs/kubesim/store/yaml.h"
#include "libs/text/unicode.h"
#include "nlohmann/json.hpp"
#include "services/k8s/text_table.h"

namespace opsmesh::cli {
namespace {

std::string Cut(const std::string& text, size_t max_width) {
  if (k8s::DisplayWidth(text) <= max_width) return text;
  std::string shown;
  for (const char32_t c : text::DecodeUtf8(text)) {
    std::string longer = shown;
    text::AppendUtf8(c, &longer);
    if (k8s::DisplayWidth(longer) + 1 > max_width) break;
    shown = std::move(longer);
  }
  return shown + "…";
}

std::string Clean(std::string_view text, bool keep_lines) {
  std::string out;
  for (const char32_t c : text::DecodeUtf8(text)) {
    if (keep_lines && (c == '\n' || c == '\t')) {
      out += static_cast<char>(c);
    } else if (c == '\n' || c == '\t' || c == '\r') {
      if (!keep_lines) out += ' ';
    } else if (c >= 0x20 && (c < 0x7f || c > 0x9f)) {
      text::AppendUtf8(c, &out);
    }
  }
  return out;
}

}  // namespace

std::string OneLine(std::string_view text) { return Clean(text, false); }
std::string SafeText(std::string_view text) { return Clean(text, true); }

std::string RenderTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows, size_t max_width) {
  std::vector<std::vector<std::string>> lines = {header};
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < header.size(); ++i) {
      const std::string cell = i < row.size() ? OneLine(row[i]) : "";
      cells.push_back(Cut(cell.empty() ? "-" : cell, max_width));
    }
    lines.push_back(std::move(cells));
  }
  std::vector<size_t> widths(header.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], k8s::DisplayWidth(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out += std::string(widths[i] - k8s::DisplayWidth(line[i]) + 3, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string RenderJson(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string RenderYaml(const nlohmann::json& value) {
  std::string yaml = kubesim::DumpYaml(value);
  if (yaml.empty() || yaml.back() != '\n') yaml += '\n';
  return yaml;
}

std::string Age(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 120) return fmt::format("{}s", whole);
  if (whole < 120 * 60) return fmt::format("{}m", whole / 60);
  if (whole < 48 * 3600) return fmt::format("{}h", whole / 3600);
  return fmt::format("{}d", whole / 86400);
}

}  // namespace opsmesh::cli
