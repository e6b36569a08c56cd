#include "libs/kubesim/behaviour/kubelet/shell_lexer.h"

#include <algorithm>
#include <cctype>

namespace opsmesh::kubesim {
namespace {

constexpr int kMaxDepth = 24;

}  // namespace

bool ShellLexer::AtSubstitution() const {
  return text_[pos_] == '$' && pos_ + 1 < text_.size() &&
         (text_[pos_ + 1] == '(' || text_[pos_ + 1] == '{');
}

bool ShellLexer::AtQuote() const {
  const char c = text_[pos_];
  return c == '\\' || c == '\'' || c == '"' || c == '`' || AtSubstitution();
}

// Past a quoted or substituted stretch that begins at pos_; false when it does not end.
bool ShellLexer::SkipQuoted(int depth) {
  const char quote = text_[pos_];
  if (depth > kMaxDepth) return false;
  if (quote == '\\') {
    pos_ = std::min(pos_ + 2, text_.size());
    return true;
  }
  if (quote == '\'' || quote == '`') {
    const size_t end = text_.find(quote, pos_ + 1);
    pos_ = end == std::string_view::npos ? text_.size() : end + 1;
    return end != std::string_view::npos;
  }
  if (quote != '"') return SkipSubstitution(depth);
  for (++pos_; pos_ < text_.size() && text_[pos_] != '"';) {
    if (text_[pos_] == '\\' || text_[pos_] == '`' || AtSubstitution()) {
      if (!SkipQuoted(depth + 1)) return false;
    } else {
      ++pos_;
    }
  }
  if (pos_ >= text_.size()) return false;
  ++pos_;
  return true;
}

// $( … ), $(( … )), ${ … }
bool ShellLexer::SkipSubstitution(int depth) {
  const char open = text_[pos_ + 1];
  const char close = open == '(' ? ')' : '}';
  int nested = 0;
  for (++pos_; pos_ < text_.size();) {
    if (AtQuote()) {
      if (!SkipQuoted(depth + 1)) return false;
      continue;
    }
    const char c = text_[pos_++];
    nested += c == open;
    if (c == close && --nested == 0) return true;
  }
  return false;
}

void ShellLexer::SkipBlanks() {
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == ' ' || c == '\t' || c == '\r')
      ++pos_;
    else if (c == '\\' && pos_ + 1 < text_.size() && text_[pos_ + 1] == '\n')
      pos_ += 2;
    else if (c == '#')
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    else
      break;
  }
}

bool ShellLexer::ReadOperator() {
  for (const std::string_view op :
       {"&&", "||", ";;", ">>", "<<", ">&", "&>", ";", "&", "|", "(", ")", "<", ">"}) {
    if (text_.substr(pos_, op.size()) != op) continue;
    pos_ += op.size();
    token_ = {ShellToken::Kind::kOperator, std::string(op)};
    return true;
  }
  return false;
}

void ShellLexer::Next() {
  SkipBlanks();
  token_ = ShellToken();
  if (pos_ >= text_.size()) return;
  if (text_[pos_] == '\n') {
    ++pos_;
    token_ = {ShellToken::Kind::kNewline, "\n"};
    return;
  }
  if (ReadOperator()) return;
  const size_t start = pos_;
  while (pos_ < text_.size() &&
         std::string_view(" \t\r\n;&|<>()").find(text_[pos_]) == std::string_view::npos) {
    if (!AtQuote())
      ++pos_;
    else if (!SkipQuoted(0))
      broken_ = true;
  }
  token_ = {ShellToken::Kind::kWord, std::string(text_.substr(start, pos_ - start))};
}

bool ShellLexer::Take(std::string_view word) {
  if (!IsWord(word) && !IsOperator(word)) return false;
  Next();
  return true;
}

void ShellLexer::SkipNewlines() {
  while (AtKind(ShellToken::Kind::kNewline)) Next();
}

bool ShellLexer::TouchesDigit() const {
  const size_t at = pos_ - token_.text.size();
  return at > 0 && std::isdigit(static_cast<unsigned char>(text_[at - 1]));
}

std::string ShellLexer::TakeHereDocument(const std::string& end) {
  const size_t line_end = std::min(text_.find('\n', pos_), text_.size());
  const std::string rest(text_.substr(pos_, line_end - pos_));
  size_t at = std::min(line_end + 1, text_.size());
  std::string body;
  while (at < text_.size()) {
    const size_t newline = std::min(text_.find('\n', at), text_.size());
    const std::string line(text_.substr(at, newline - at));
    at = std::min(newline + 1, text_.size());
    if (line == end) break;
    body += line + "\n";
  }
  // What is left to read is the rest of the line and what comes after the document.
  kept_.push_back(std::make_unique<std::string>(rest + "\n" + std::string(text_.substr(at))));
  text_ = *kept_.back();
  pos_ = 0;
  return body;
}

}  // namespace opsmesh::kubesim
