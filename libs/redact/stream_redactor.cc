#include <algorithm>
#include <utility>
#include <vector>

#include "libs/redact/redactor.h"
#include "libs/redact/secret_names.h"
#include "re2/re2.h"

namespace opsmesh::redact {
namespace {

constexpr size_t kMaxHeld = 4 << 10;
constexpr size_t kMaxHeldPem = 16 << 10;
// Long enough for the longest key name with its separators before a value.
constexpr size_t kLookBehind = 256;
constexpr char kPemEnd[] = "PRIVATE KEY-----";

// Bytes of which tokens are made: a secret never ends between two of them. Other bytes (Chinese
// among them) end a word.
bool InWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("_+/=.~:@%-?&#$!*\"'").find(c) != std::string_view::npos;
}

// True when what follows `before` may be the value of a secret that `before` announces.
bool Announces(std::string_view before) {
  static const RE2 pattern(
      "(?i)(?:(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credential|auth|authorization|cookie|"
      "data)[\"'\\\\]*\\s*"
      "(?:(?:=>?|:=?|is|was|i|w|wa)\\s*)?[\"'\\\\]*|identified\\s+(?:by\\s*)?|\\b(?:bearer|basic|"
      "digest)\\s*"
      "|(?:密码|口令|密钥|令牌|密鑰|密碼)\\s*(?:[:=]|：|是|为|為)?\\s*[\"'\\\\]*"
      "|-----BEGIN[A-Z ]*)$");
  if (before.size() > kLookBehind) before.remove_prefix(before.size() - kLookBehind);
  return RE2::PartialMatch(re2::StringPiece(before.data(), before.size()), pattern);
}

// Start of a Chinese announcement ("密码：") that has come in part, or of a cut UTF-8 sequence;
// text.size() when there is none. These have no word boundary before them, so the bytes themselves
// are compared.
size_t PartialCharacters(std::string_view text) {
  size_t from = text.size();
  for (const char* name : {"密码", "口令", "密钥", "令牌", "密鑰", "密碼"}) {
    for (const char* separator : {"：", "是", "为", "為"}) {
      const std::string whole = std::string(name) + separator;
      for (size_t size = 1; size < whole.size(); ++size) {
        if (text.ends_with(std::string_view(whole).substr(0, size)))
          from = std::min(from, text.size() - size);
      }
    }
  }
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    const size_t needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (needed > back) from = std::min(from, text.size() - back);
    break;
  }
  return from;
}

// Start of a quoted secret whose closing quote has not come yet; npos when there is none.
size_t OpenQuote(std::string_view text) {
  static const RE2 pattern(
      R"((?i)((?:[A-Za-z0-9_.-]*)" OPSMESH_SECRET_NAMES
      R"(\\?["']?\s*(?:[:=]|:=|=>)|identified\s+by)\s*(?:\\?"(?:[^"\\\n]|\\[^\n])*\\?|'[^'\n]*))$)");
  const size_t skipped = text.size() > kMaxHeld ? text.size() - kMaxHeld : 0;
  re2::StringPiece open;
  const re2::StringPiece tail(text.data() + skipped, text.size() - skipped);
  if (!RE2::PartialMatch(tail, pattern, &open)) return std::string_view::npos;
  return static_cast<size_t>(open.data() - text.data());
}

// Start of a private key whose end has not come yet; npos when there is none.
size_t OpenPem(std::string_view text) {
  const size_t begin = text.rfind("-----BEGIN");
  if (begin == std::string_view::npos) return begin;
  const std::string_view rest = text.substr(begin + 10);
  const size_t header = rest.find("-----");
  if (header == std::string_view::npos) {
    // The first line is still coming, unless it is too long for one.
    return rest.size() < 40 ? begin : std::string_view::npos;
  }
  if (rest.substr(0, header).find("PRIVATE KEY") == std::string_view::npos)
    return std::string_view::npos;
  const size_t end = rest.find("-----END", header);
  if (end != std::string_view::npos && rest.find(kPemEnd, end) != std::string_view::npos)
    return std::string_view::npos;
  return begin;
}

// Where a text may be cut so that no secret lies across, nor is parted from the name that announces
// it: everything before is final.
size_t SafeCut(const Redactor& redactor, std::string_view text) {
  const std::vector<Finding> findings = redactor.Find(text);
  size_t cut = PartialCharacters(text);
  const auto back_over_word = [&] {
    while (cut > 0 && InWord(text[cut - 1])) --cut;
  };
  back_over_word();
  for (size_t before = cut + 1; before != cut && cut > 0;) {
    before = cut;
    const std::string_view head = text.substr(0, cut);
    cut = std::min({cut, OpenPem(head), OpenQuote(head)});
    for (const Finding& finding : findings) {
      if (finding.offset < cut && finding.offset + finding.length >= cut) cut = finding.offset;
    }
    if (Announces(text.substr(0, cut))) {
      while (cut > 0 && !InWord(text[cut - 1])) --cut;
      back_over_word();
    } else if (cut != before) {
      back_over_word();
    }
  }
  return cut;
}

}  // namespace

std::string StreamRedactor::Emit(size_t bytes) {
  Redacted result = redactor_.RedactAndCount(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  for (const auto& [kind, count] : result.counts) counts_[kind] += count;
  return std::move(result.text);
}

std::string StreamRedactor::Push(std::string_view piece) {
  held_ += piece;
  if (swallowing_) {
    // Inside a private key that was longer than we hold: drop until its end.
    const size_t end = held_.find(kPemEnd);
    if (end == std::string::npos) {
      if (held_.size() > sizeof(kPemEnd)) held_.erase(0, held_.size() - sizeof(kPemEnd));
      return "";
    }
    held_.erase(0, end + sizeof(kPemEnd) - 1);
    swallowing_ = false;
  }
  const size_t cut = SafeCut(redactor_, held_);
  std::string out = cut > 0 ? Emit(cut) : "";
  const bool in_pem = held_.starts_with("-----BEGIN");
  if (held_.size() > (in_pem ? kMaxHeldPem : kMaxHeld)) {
    out += Emit(held_.size());
    swallowing_ = in_pem;
  }
  return out;
}

std::string StreamRedactor::Finish() {
  const bool swallowed = std::exchange(swallowing_, false);
  if (swallowed) held_.clear();
  return Emit(held_.size());
}

}  // namespace opsmesh::redact
