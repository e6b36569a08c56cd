// The tokens of shell scripts. For shell_*.cc only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::kubesim {

struct ShellToken {
  enum class Kind { kWord, kOperator, kNewline, kEnd } kind = Kind::kEnd;
  std::string text;  // of a word: raw, quotes included
};

/// Stands on one token, at first on the first one.
class ShellLexer {
 public:
  /// `text` must outlive the lexer.
  explicit ShellLexer(std::string_view text) : text_(text) { Next(); }

  const ShellToken& token() const { return token_; }
  void Next();
  /// Whether a quote or substitution did not end.
  bool broken() const { return broken_; }

  bool AtKind(ShellToken::Kind kind) const { return token_.kind == kind; }
  bool IsOperator(std::string_view text) const {
    return AtKind(ShellToken::Kind::kOperator) && token_.text == text;
  }
  bool IsWord(std::string_view text) const {
    return AtKind(ShellToken::Kind::kWord) && token_.text == text;
  }
  /// Steps over that word or operator; false when it is not there.
  bool Take(std::string_view word);
  void SkipNewlines();
  /// Whether a digit touches the operator it stands on ("2>", not "2 >").
  bool TouchesDigit() const;
  /// Cuts out the here document that follows the line, up to a line `end`, and returns its text.
  /// The token stays what it is.
  std::string TakeHereDocument(const std::string& end);

 private:
  void SkipBlanks();
  bool ReadOperator();
  bool SkipQuoted(int depth);
  bool SkipSubstitution(int depth);
  bool AtSubstitution() const;
  bool AtQuote() const;

  std::string_view text_;
  size_t pos_ = 0;
  ShellToken token_;
  bool broken_ = false;
  std::vector<std::unique_ptr<std::string>> kept_;  // texts after here documents were cut out
};

}  // namespace opsmesh::kubesim
