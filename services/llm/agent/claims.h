// A light check of a model's answer: which names and figures in it stand in nothing it was shown
// (design idea 23). Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::llm {

/// What an answer may quote: everything the model was shown.
class Evidence {
 public:
  /// Takes in the words and numbers of `text`; in JSON also how many members each list has, since a
  /// model counts rows.
  void Add(std::string_view text);
  bool empty() const { return words_.empty(); }

  /// Claims of `answer` without a source, as written, in order, at most 8: object names (with a "-"
  /// and a digit, or in backticks) and numbers above 12. Code blocks, list numbers and times are
  /// not judged.
  std::vector<std::string> Unsupported(std::string_view answer) const;

 private:
  std::set<std::string, std::less<>> words_;
};

}  // namespace opsmesh::llm
