// Marks text from outside (clusters, logs, files) as data, so that a model can tell it from what
// people say (threat T1).
#pragma once

#include <string>
#include <string_view>

#include "libs/base/ids.h"

namespace opsmesh::llm {

/// One frame a turn. Its delimiter is random: text that was written before the turn cannot know it.
/// Immutable.
class Frame {
 public:
  explicit Frame(base::IdSource& ids);
  const std::string& nonce() const { return nonce_; }
  /// `text` between the delimiters, with a line that says where it is from. A delimiter inside
  /// `text` is taken out, and so are control and invisible characters that could hide an
  /// instruction from a person.
  std::string Wrap(std::string_view source, std::string_view text) const;

 private:
  std::string nonce_;
};

/// `text` without control characters (but tab and line feed), bidirectional overrides, zero-width
/// and tag characters, and with ill-formed UTF-8 replaced.
std::string VisibleText(std::string_view text);

}  // namespace opsmesh::llm
