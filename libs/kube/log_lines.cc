#include "libs/kube/log_lines.h"

#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
constexpr size_t kSpare = 512;  // room for terminal escapes that go away

/// Length of the terminal escape at the start of `text`, which begins with ESC: CSI, OSC or a
/// two-byte one.
size_t EscapeLength(std::string_view text) {
  if (text.size() < 2) return 1;
  if (text[1] == '[') {
    size_t i = 2;
    while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3f) ++i;
    return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : i;
  }
  if (text[1] == ']') {
    size_t i = 2;
    while (i < text.size() && text[i] != '\a' && text[i] != '\x1b') ++i;
    if (i < text.size() && text[i] == '\a') return i + 1;
    return i + 1 < text.size() ? i + 2 : i;
  }
  return text[1] >= 0x40 && text[1] <= 0x5f ? 2 : 1;
}

}  // namespace

std::string CleanLogLine(std::string_view raw, size_t* replaced) {
  while (raw.ends_with('\r')) raw.remove_suffix(1);
  std::string plain;
  plain.reserve(raw.size());
  for (size_t i = 0; i < raw.size();) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c == 0x1b) {
      i += EscapeLength(raw.substr(i));
    } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
      plain += kReplacement;
      ++*replaced;
      ++i;
    } else {
      plain += static_cast<char>(c);
      ++i;
    }
  }
  if (base::IsValidUtf8(plain)) return plain;
  // Count what is ill-formed: bytes before that are not in the longest valid reading.
  std::string fixed = base::SanitizeUtf8(plain);
  size_t marks = 0;
  for (size_t at = fixed.find(kReplacement); at != std::string::npos;
       at = fixed.find(kReplacement, at + 3))
    ++marks;
  size_t before = 0;
  for (size_t at = plain.find(kReplacement); at != std::string::npos;
       at = plain.find(kReplacement, at + 3))
    ++before;
  *replaced += marks - before;
  return fixed;
}

bool LogLines::Feed(std::string_view piece) {
  bytes_read_ += piece.size();
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    const size_t room =
        max_line_bytes_ + kSpare - std::min(pending_.size(), max_line_bytes_ + kSpare);
    if (part.size() > room) overflow_ = true;
    pending_.append(part.substr(0, room));
    if (end == std::string_view::npos) return true;
    if (!Emit()) return false;
    piece.remove_prefix(end + 1);
  }
  return true;
}

bool LogLines::Finish() { return pending_.empty() && !overflow_ ? true : Emit(); }

bool LogLines::Emit() {
  std::string line = CleanLogLine(pending_, &replaced_bytes_);
  if (overflow_ || line.size() > max_line_bytes_) {
    line = std::string(base::Utf8Prefix(line, max_line_bytes_)) + std::string(kEllipsis);
    ++cut_lines_;
  }
  pending_.clear();
  overflow_ = false;
  return on_line_(std::move(line));
}

void LogTail::Add(std::string line) {
  bytes_ += line.size() + 1;
  lines_.push_back(std::move(line));
  while (!lines_.empty() && (lines_.size() > max_lines_ || bytes_ > max_bytes_)) {
    bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
    dropped_ = true;
  }
}

}  // namespace opsmesh::kube
