// The words of a PromQL query.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::kubesim::promql {

struct Token {
  enum class Kind { kEnd, kNumber, kDuration, kString, kWord, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;  // as written; strings unquoted; symbols: "(", "==", "=~" ...
  size_t offset = 0;
  double number = 0;  // kNumber
};

/// False with a message and an offset when a word is broken.
bool Tokenise(std::string_view query, std::vector<Token>* tokens, std::string* error,
              size_t* error_offset);

/// "1:5" for an offset.
std::string Position(std::string_view query, size_t offset);

}  // namespace opsmesh::kubesim::promql
