#include "libs/text/tokenizer.h"

#include "libs/base/strings.h"
#include "libs/text/unicode.h"
#include "libs/text/variants.h"

namespace opsmesh::text {
namespace {

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char32_t c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= 0xC0 && c < 0x2000 && c != 0xD7 && c != 0xF7);  // other alphabets count as letters
}
// Characters that object names, paths, label terms and versions hold between their letters.
bool IsJoiner(char32_t c) {
  return c == '-' || c == '_' || c == '.' || c == '/' || c == ':' || c == '=' || c == '\'' ||
         c == '*' || c == '@' || c == '%' || c == '+' || c == '!';
}

class Scanner {
 public:
  explicit Scanner(std::string_view utf8) : points_(DecodeUtf8(utf8)), folded_(points_) {
    for (char32_t& c : folded_) c = SimplifiedOf(FoldWidth(c));
  }

  std::vector<Token> Run() {
    while (at_ < folded_.size()) {
      const char32_t c = folded_[at_];
      if (c <= ' ' || c == 0x200B || c == 0xFEFF) {
        ++at_;
        spaced_ = true;
      } else if (c == '"' || c == '`' || (c == '\'' && OpensQuote())) {
        Quoted(c);
      } else if (IsHan(c)) {
        size_t end = at_;
        while (end < folded_.size() && IsHan(folded_[end])) ++end;
        Emit(Token::Kind::kHan, at_, end, end);
      } else if (IsAlnum(c)) {
        Word();
      } else {
        Emit(Token::Kind::kPunct, at_, at_ + 1, at_ + 1);
      }
    }
    return std::move(tokens_);
  }

 private:
  bool OpensQuote() const { return at_ == 0 || !IsAlnum(folded_[at_ - 1]); }

  void Quoted(char32_t quote) {
    const size_t close = folded_.find(quote, at_ + 1);
    if (close == std::u32string::npos || close == at_ + 1 || close - at_ > 260) {
      Emit(Token::Kind::kPunct, at_, at_ + 1, at_ + 1);
      return;
    }
    Emit(Token::Kind::kQuoted, at_ + 1, close, close + 1);
  }

  void Word() {
    size_t end = at_;
    bool only_digits = true;
    while (end < folded_.size()) {
      const char32_t c = folded_[end];
      if (IsAlnum(c)) {
        only_digits = only_digits && IsDigit(c);
        ++end;
        continue;
      }
      // A joiner belongs to the word only when a letter or digit follows it ("=" and "!=" may stand
      // together).
      size_t next = end;
      while (next < folded_.size() && next - end < 2 && IsJoiner(folded_[next])) ++next;
      if (next == end || next >= folded_.size() || !IsAlnum(folded_[next])) break;
      if (c == '!' && next - end == 1) break;
      if (!(only_digits && c == '.')) only_digits = false;
      end = next;
    }
    size_t visible = end;
    if (end - at_ > 2 && folded_[end - 2] == '\'' &&
        (folded_[end - 1] == 's' || folded_[end - 1] == 'S')) {
      visible = end - 2;
    }
    Emit(only_digits ? Token::Kind::kNumber : Token::Kind::kWord, at_, visible, end);
  }

  void Emit(Token::Kind kind, size_t begin, size_t end, size_t resume) {
    Token token;
    token.kind = kind;
    token.text = EncodeUtf8(std::u32string_view(points_).substr(begin, end - begin));
    if (kind == Token::Kind::kWord) token.text = FoldWidth(token.text);
    token.norm =
        base::AsciiLower(EncodeUtf8(std::u32string_view(folded_).substr(begin, end - begin)));
    token.begin = begin;
    token.end = end;
    token.spaced = spaced_;
    spaced_ = false;
    tokens_.push_back(std::move(token));
    at_ = resume;
  }

  std::u32string points_;
  std::u32string folded_;
  size_t at_ = 0;
  bool spaced_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> Tokenize(std::string_view utf8) { return Scanner(utf8).Run(); }

}  // namespace opsmesh::text
