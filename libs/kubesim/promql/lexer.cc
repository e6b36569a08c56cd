#include "libs/kubesim/promql/lexer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "libs/base/strings.h"

namespace opsmesh::kubesim::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool IsWord(char c) { return IsWordStart(c) || IsDigit(c); }
int Hex(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<Token>* tokens) : text_(text), tokens_(tokens) {}

  bool Run() {
    while (true) {
      SkipSpace();
      start_ = at_;
      if (at_ >= text_.size()) {
        Emit(Token::Kind::kEnd, "");
        return true;
      }
      const char c = text_[at_];
      const bool number =
          IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]));
      // "{" selectors know no numbers, and after "[" and "offset" a number is a duration.
      if (number                              ? !Number()
          : c == '"' || c == '\'' || c == '`' ? !String(c)
          : IsWordStart(c)                    ? !Word()
                                              : !Symbol(c)) {
        return false;
      }
    }
  }
  std::string error;
  size_t error_offset = 0;

 private:
  bool Fail(std::string message) {
    error = std::move(message);
    error_offset = start_;
    return false;
  }
  void SkipSpace() {
    while (at_ < text_.size() && (IsSpace(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
  }
  Token& Emit(Token::Kind kind, std::string text) {
    tokens_->push_back({kind, std::move(text), start_, 0});
    return tokens_->back();
  }

  /// Units of a duration: letters directly behind digits.
  bool Duration() {
    size_t at = start_;
    while (at < text_.size() && IsDigit(text_[at])) ++at;
    if (at >= text_.size() || std::string_view("smhdwy").find(text_[at]) == std::string_view::npos)
      return false;
    while (at < text_.size() && (IsDigit(text_[at]) || std::string_view("smhdwy").find(text_[at]) !=
                                                           std::string_view::npos))
      ++at;
    if (at < text_.size() && IsWord(text_[at]) && text_[at] != ':') return false;
    at_ = at;
    Emit(Token::Kind::kDuration, std::string(text_.substr(start_, at - start_)));
    return true;
  }

  bool Number() {
    if (Duration()) return true;
    size_t at = at_;
    if (text_[at] == '0' && at + 1 < text_.size() &&
        (text_[at + 1] == 'x' || text_[at + 1] == 'X')) {
      at += 2;
      double value = 0;
      const size_t digits = at;
      for (; at < text_.size() && Hex(text_[at]) >= 0; ++at) value = value * 16 + Hex(text_[at]);
      if (at == digits || (at < text_.size() && IsWord(text_[at]))) return BadNumber(at);
      at_ = at;
      Emit(Token::Kind::kNumber, std::string(text_.substr(start_, at_ - start_))).number = value;
      return true;
    }
    while (at < text_.size() && IsDigit(text_[at])) ++at;
    if (at < text_.size() && text_[at] == '.') ++at;
    while (at < text_.size() && IsDigit(text_[at])) ++at;
    if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
      ++at;
      if (at < text_.size() && (text_[at] == '+' || text_[at] == '-')) ++at;
      const size_t digits = at;
      while (at < text_.size() && IsDigit(text_[at])) ++at;
      if (at == digits) return BadNumber(at);
    }
    if (at < text_.size() && IsWord(text_[at])) return BadNumber(at);
    const std::string number(text_.substr(start_, at - start_));
    at_ = at;
    Emit(Token::Kind::kNumber, number).number = std::strtod(number.c_str(), nullptr);
    return true;
  }
  bool BadNumber(size_t at) {
    while (at < text_.size() && IsWord(text_[at])) ++at;
    return Fail(
        fmt::format("bad number or duration syntax: \"{}\"", text_.substr(start_, at - start_)));
  }

  bool String(char quote) {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        Emit(Token::Kind::kString, std::move(out));
        return true;
      }
      if (quote != '`' && c == '\n') return Fail("unterminated quoted string");
      if (quote == '`' || c != '\\') {
        out += c;
      } else if (!Escape(quote, &out)) {
        return false;
      }
    }
    return Fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
  }
  bool Escape(char quote, std::string* out) {
    if (++at_ >= text_.size()) return Fail("escape sequence not terminated");
    const char c = text_[at_];
    constexpr std::string_view kFrom = "abfnrtv\\";
    constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\";
    if (const size_t i = kFrom.find(c); i != std::string_view::npos) {
      *out += kTo[i];
      return true;
    }
    if (c == quote) {
      *out += c;
      return true;
    }
    int digits = 0;
    int base = 16;
    if (c == 'x') digits = 2;
    if (c == 'u') digits = 4;
    if (c == 'U') digits = 8;
    if (c >= '0' && c <= '7') {
      digits = 3;
      base = 8;
      --at_;
    }
    if (digits == 0)
      return Fail(
          fmt::format("unknown escape sequence U+{:04X} '{}'", static_cast<unsigned char>(c), c));
    uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = ++at_ < text_.size() ? Hex(text_[at_]) : -1;
      if (digit < 0 || digit >= base) return Fail("illegal character in escape sequence");
      code = code * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
    }
    if (c == 'x' || base == 8) {
      if (code > 255) return Fail("escape sequence is an invalid Unicode code point");
      *out += static_cast<char>(code);
      return true;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      return Fail("escape sequence is an invalid Unicode code point");
    AppendUtf8(code, out);
    return true;
  }
  static void AppendUtf8(uint32_t code, std::string* out) {
    if (code < 0x80) {
      *out += static_cast<char>(code);
    } else if (code < 0x800) {
      *out += static_cast<char>(0xc0 | (code >> 6));
      *out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      *out += static_cast<char>(0xe0 | (code >> 12));
      *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      *out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *out += static_cast<char>(0xf0 | (code >> 18));
      *out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
      *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
      *out += static_cast<char>(0x80 | (code & 0x3f));
    }
  }

  bool Word() {
    // Inside "[5m:1m]" the colon is a symbol.
    if (text_[at_] == ':' && in_brackets_) return Symbol(':');
    while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
    std::string word(text_.substr(start_, at_ - start_));
    const std::string lower = base::AsciiLower(word);
    if (!in_braces_ && (lower == "inf" || lower == "nan")) {
      const double value = lower == "inf" ? std::numeric_limits<double>::infinity()
                                          : std::numeric_limits<double>::quiet_NaN();
      Emit(Token::Kind::kNumber, std::move(word)).number = value;
    } else {
      Emit(Token::Kind::kWord, std::move(word));
    }
    return true;
  }

  bool Symbol(char c) {
    for (const std::string_view two : {"==", "!=", "<=", ">=", "=~", "!~"}) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      Emit(Token::Kind::kSymbol, std::string(two));
      return true;
    }
    if (std::string_view("()[]{},+-*/%^<>=@:").find(c) == std::string_view::npos) {
      return Fail(fmt::format("unexpected character: '{}'", c));
    }
    if (c == '[' || c == ']') in_brackets_ = c == '[';
    if (c == '{' || c == '}') in_braces_ = c == '{';
    ++at_;
    Emit(Token::Kind::kSymbol, std::string(1, c));
    return true;
  }

  const std::string_view text_;
  std::vector<Token>* const tokens_;
  size_t at_ = 0;
  size_t start_ = 0;
  bool in_brackets_ = false;
  bool in_braces_ = false;
};

}  // namespace

bool Tokenise(std::string_view query, std::vector<Token>* tokens, std::string* error,
              size_t* error_offset) {
  Lexer lexer(query, tokens);
  if (lexer.Run()) return true;
  *error = lexer.error;
  *error_offset = lexer.error_offset;
  return false;
}

std::string Position(std::string_view query, size_t offset) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < offset && i < query.size(); ++i) {
    ++column;
    if (query[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  return fmt::format("{}:{}", line, column);
}

}  // namespace opsmesh::kubesim::promql
