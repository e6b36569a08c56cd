// Tables in answers: Markdown with columns aligned as kubectl prints them, so that they read well
// in a terminal too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::k8s {

/// Rows under a header. Cells are cleaned (services/k8s/clean_text.h), cut at 120 columns, and `|`
/// is escaped.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : header_(std::move(header)) {}
  /// `cells` beyond the header are dropped, missing ones are empty.
  void AddRow(std::vector<std::string> cells);
  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  /// Header, rule and rows, each with a line end. "" without rows.
  std::string Render() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// Columns that `text` takes on a terminal: East Asian wide characters count two.
size_t DisplayWidth(std::string_view text);

}  // namespace opsmesh::k8s
