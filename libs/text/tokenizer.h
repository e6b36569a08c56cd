// Splits a sentence of mixed Chinese and Latin text into tokens, without a dictionary. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::text {

struct Token {
  enum class Kind {
    kWord,    // Latin letters, digits and the characters of object names between them: "nginx-7d9",
              // "app=web", "30min"
    kNumber,  // digits, perhaps with a fraction: "5", "0.5"
    kHan,     // a run of Han characters
    kQuoted,  // what stood between quotes or backticks
    kPunct,   // one other visible character
  };
  Kind kind;
  /// As typed (quotes taken off).
  std::string text;
  /// Lower case, half width, Simplified: what is compared with a lexicon.
  std::string norm;
  /// Code point offsets in the sentence: [begin, end).
  size_t begin = 0;
  size_t end = 0;
  /// A blank stood before it.
  bool spaced = false;
};

/// Tokens in order. A possessive 's is dropped; a word does not keep closing punctuation ("pods?"
/// -> "pods", "?").
std::vector<Token> Tokenize(std::string_view utf8);

}  // namespace opsmesh::text
