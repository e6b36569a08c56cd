// Makes a model's text fit to be shown as it streams (threats T6, T10). Used by one thread, for one
// answer.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::llm {

/// Takes out control and invisible characters, and turns Markdown images into plain links: an image
/// is fetched by the reader's machine without a click and could carry data away in its address.
class SafeText {
 public:
  /// What may be shown of `piece` and what was held back before; whole UTF-8 characters only.
  std::string Push(std::string_view piece);
  /// The rest.
  std::string Finish();

 private:
  std::string held_;
};

}  // namespace opsmesh::llm
