#include <algorithm>
#include <utility>

#include "libs/redact/redactor.h"
#include "re2/re2.h"

namespace opsmesh::redact {
namespace {

constexpr size_t kMaxHeld = 4 << 10;
constexpr size_t kMaxHeldPem = 16 << 10;
// Long enough for the longest key name with its separators before a value.
constexpr size_t kLookBehind = 256;
constexpr char kPemEnd[] = "PRIVATE KEY-----";

// Bytes of which tokens are made: a secret never ends between two of them. Other bytes (Chinese among them) end a word.
bool InWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("_+/=.~:@%-?&#$!*\"'").find(c) != std::string_view::npos;
}

// True when what follows `before` may be the value of a secret that `before` announces.
bool Announces(std::string_view before) {
  static const RE2 pattern(
      "(?i)(?:(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|credential|auth|authorization|cookie|data)[\"'\\\\]*\\s*"
      "(?:[:=]\\s*)?[\"'\\\\]*|\\b(?:bearer|basic|digest)\\s*"
      "|(?:密码|口令|密钥|令牌|密鑰|密碼)\\s*(?:[:=]|：|是|为|為)?\\s*[\"'\\\\]*"
      "|-----BEGIN[A-Z ]*)$");
  if (before.size() > kLookBehind) before.remove_prefix(before.size() - kLookBehind);
  return RE2::PartialMatch(re2::StringPiece(before.data(), before.size()), pattern);
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
  if (rest.substr(0, header).find("PRIVATE KEY") == std::string_view::npos) return std::string_view::npos;
  const size_t end = rest.find("-----END", header);
  if (end != std::string_view::npos && rest.find(kPemEnd, end) != std::string_view::npos) return std::string_view::npos;
  return begin;
}

// Where a text may be cut so that no secret lies across: everything before is final.
size_t SafeCut(const Redactor& redactor, std::string_view text) {
  size_t cut = text.size();
  const auto back_over_word = [&] {
    while (cut > 0 && InWord(text[cut - 1])) --cut;
  };
  back_over_word();
  while (cut > 0 && Announces(text.substr(0, cut))) {
    while (cut > 0 && !InWord(text[cut - 1])) --cut;
    back_over_word();
  }
  for (const Finding& finding : redactor.Find(text)) {
    if (finding.offset < cut && finding.offset + finding.length >= cut) cut = finding.offset;
  }
  return std::min(cut, OpenPem(text));
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
