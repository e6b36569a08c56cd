#include "services/k8s/text_table.h"

#include <algorithm>
#include <cstdint>

#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"

namespace opsmesh::k8s {
namespace {

constexpr size_t kMaxCellBytes = 160;

bool IsWide(uint32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
         (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
         (c >= 0x20000 && c <= 0x3fffd);
}

std::string Cell(std::string_view text) {
  return base::ReplaceAll(CleanText(text, kMaxCellBytes), "|", "\\|");
}

void AppendRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
               std::string& out) {
  for (size_t i = 0; i < widths.size(); ++i) {
    out += "| ";
    const std::string_view cell =
        i < cells.size() ? std::string_view(cells[i]) : std::string_view();
    out += cell;
    out.append(widths[i] - DisplayWidth(cell) + 1, ' ');
  }
  out += "|\n";
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size();) {
    const unsigned char lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t code = lead < 0x80 ? lead : lead & (0xff >> (length + 1));
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    }
    width += IsWide(code) ? 2 : 1;
    i += length;
  }
  return width;
}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(header_.size());
  for (std::string& cell : cells) cell = Cell(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::Render() const {
  if (rows_.empty()) return "";
  std::vector<size_t> widths;
  for (const std::string& name : header_) widths.push_back(DisplayWidth(name));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string out;
  AppendRow(header_, widths, out);
  for (const size_t width : widths) out += "|" + std::string(width + 2, '-');
  out += "|\n";
  for (const auto& row : rows_) AppendRow(row, widths, out);
  return out;
}

}  // namespace opsmesh::k8s
