#include "services/notify/markdown.h"

#include <cctype>
#include <vector>

#include "fmt/core.h"
#include "libs/base/strings.h"
#include "re2/re2.h"

namespace opsmesh::notify {
namespace {

/// "![text](address)" becomes "[text](address)": no client loads a picture by itself.
std::string WithoutPictures(std::string_view markdown) {
  std::string out(markdown);
  static const RE2 kPicture(R"(!(\[[^\]]*\]\())");
  RE2::GlobalReplace(&out, kPicture, R"(\1)");
  return out;
}

bool IsFence(std::string_view line) {
  const std::string_view trimmed = base::Trim(line);
  return trimmed.rfind("```", 0) == 0 || trimmed.rfind("~~~", 0) == 0;
}

/// "| a | b |" as "a · b"; "" for the line of dashes below a table's head; nullopt-like empty flag
/// by `is_row`.
bool TableRow(std::string_view line, std::string* out) {
  const std::string_view trimmed = base::Trim(line);
  if (trimmed.size() < 3 || trimmed.front() != '|' || trimmed.back() != '|') return false;
  out->clear();
  if (trimmed.find_first_not_of("|-: ") == std::string_view::npos) return true;
  for (const std::string_view cell : base::Split(trimmed.substr(1, trimmed.size() - 2), '|')) {
    if (!out->empty()) *out += " · ";
    *out += base::Trim(cell);
  }
  return true;
}

/// Calls `line` for every line: (text, inside a fence). Fence markers themselves are left out.
template <typename OnLine>
void EachLine(std::string_view markdown, OnLine on_line) {
  bool fenced = false;
  for (const std::string_view line : base::Split(markdown, '\n')) {
    if (IsFence(line)) {
      fenced = !fenced;
      continue;
    }
    on_line(line, fenced);
  }
}

size_t HeadingLevel(std::string_view line) {
  const size_t level = line.find_first_not_of('#');
  return level != std::string_view::npos && level <= 6 && level > 0 && line[level] == ' ' ? level
                                                                                          : 0;
}

}  // namespace

std::string DingtalkMarkdown(std::string_view markdown) {
  std::string out;
  const std::string safe = WithoutPictures(markdown);
  EachLine(safe, [&out](std::string_view line, bool fenced) {
    std::string row;
    if (fenced) {
      out += "> ";
      out += line;
    } else if (TableRow(line, &row)) {
      if (row.empty()) return;
      out += "- " + row;
    } else {
      out += line;
    }
    out += base::Trim(line).empty() ? "\n" : "  \n";
  });
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

std::string FeishuMarkdown(std::string_view markdown) {
  const std::string safe = WithoutPictures(markdown);
  std::string out;
  for (size_t i = 0; i < safe.size(); ++i) {
    const bool opens_tag = safe[i] == '<' && i + 1 < safe.size() &&
                           (std::isalpha(static_cast<unsigned char>(safe[i + 1])) != 0 ||
                            safe[i + 1] == '/' || safe[i + 1] == '!');
    if (opens_tag) {
      out += "&#60;";
    } else {
      out += safe[i];
    }
  }
  return out;
}

std::string EscapeMrkdwn(std::string_view plain) {
  return base::ReplaceAll(base::ReplaceAll(base::ReplaceAll(plain, "&", "&amp;"), "<", "&lt;"), ">",
                          "&gt;");
}

std::string SlackMrkdwn(std::string_view markdown) {
  static const RE2 kLink(R"(\[([^\]\n|]+)\]\((https?://[^)\s|]+)\))");
  static const RE2 kBold(R"(\*\*([^*\n]+)\*\*)");
  const std::string safe = WithoutPictures(markdown);
  std::string out;
  bool was_fenced = false;
  EachLine(safe, [&](std::string_view line, bool fenced) {
    if (fenced != was_fenced) out += "```\n";
    was_fenced = fenced;
    const bool quote = !fenced && line.rfind("> ", 0) == 0;
    std::string text = EscapeMrkdwn(quote ? line.substr(2) : line);
    if (!fenced) {
      if (const size_t level = HeadingLevel(text); level > 0)
        text = "*" + text.substr(level + 1) + "*";
      RE2::GlobalReplace(&text, kLink, R"(<\2|\1>)");
      RE2::GlobalReplace(&text, kBold, R"(*\1*)");
    }
    out += (quote ? "> " : "") + text + "\n";
  });
  if (was_fenced) out += "```\n";
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string PlainText(std::string_view markdown) {
  static const RE2 kLink(R"(\[([^\]\n]+)\]\(([^)\s]+)\))");
  std::string out;
  const std::string safe = WithoutPictures(markdown);
  EachLine(safe, [&out](std::string_view line, bool fenced) {
    std::string text(line);
    if (!fenced) {
      if (const size_t level = HeadingLevel(text); level > 0) text = text.substr(level + 1);
      text = base::ReplaceAll(base::ReplaceAll(text, "**", ""), "`", "");
      RE2::GlobalReplace(&text, kLink, R"(\1 (\2))");
    }
    out += text + "\n";
  });
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string EscapeMarkdown(std::string_view plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>#|~").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string FitText(std::string_view text, size_t max_bytes, bool chinese) {
  if (text.size() <= max_bytes) return std::string(text);
  constexpr size_t kRoomForTheNote = 120;
  std::string_view shown =
      base::Utf8Prefix(text, max_bytes > kRoomForTheNote ? max_bytes - kRoomForTheNote : 0);
  // A whole last line when that costs little.
  const size_t line_end = shown.rfind('\n');
  if (line_end != std::string_view::npos && line_end > shown.size() * 3 / 4)
    shown = shown.substr(0, line_end);
  return std::string(shown) +
         (chinese
              ? fmt::format("\n…（内容过长，已截断：显示前 {} 字节，共 {} 字节）", shown.size(),
                            text.size())
              : fmt::format("\n… (too long for this channel: the first {} of {} bytes are shown)",
                            shown.size(), text.size()));
}

}  // namespace opsmesh::notify
