// YAML as Kubernetes' tools write it. What may stand plain follows go-yaml 2 (YAML 1.1's words and
// numbers, libyaml's analysis of scalars), which sigs.k8s.io/yaml is made of.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace opsmesh::kubesim {
namespace {

using std::literals::operator""sv;

constexpr size_t kWidth = 80;        // a space beyond it ends the line
constexpr size_t kLongestKey = 128;  // longer ones are written as "? key"
constexpr std::string_view kBlank = " \t\r\n";

// Words and numbers that YAML 1.1 would take for something else than text.
bool ReadsAsText(const std::string& text) {
  static const std::set<std::string_view> words = {
      "",     "~",     "null",  "Null",  "NULL",  "y",     "Y",     "yes",   "Yes",   "YES",
      "true", "True",  "TRUE",  "on",    "On",    "ON",    "n",     "N",     "no",    "No",
      "NO",   "false", "False", "FALSE", "off",   "Off",   "OFF",   "<<",    ".nan",  ".NaN",
      ".NAN", ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};
  if (words.contains(text)) return false;
  static const RE2 number(
      R"([-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?))");
  static const RE2 sixty(R"([-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)");
  static const RE2 time(
      R"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?)");
  return !RE2::FullMatch(text, number) && !RE2::FullMatch(text, sixty) &&
         !RE2::FullMatch(text, time);
}

// A character that is printed by its number: controls, other line ends, a byte order mark, and all
// beyond the basic plane. `bytes`: how many it has.
struct Numbered {
  uint32_t number = 0;
  size_t bytes = 0;  // 0: it is none
};

Numbered NumberedAt(std::string_view text, size_t i) {
  const auto byte = [&](size_t n) { return static_cast<unsigned char>(text[i + n]); };
  const size_t left = text.size() - i;
  if (byte(0) == 0xc2 && left > 1 && byte(1) < 0xa0) return {byte(1), 2};
  if (byte(0) == 0xe2 && left > 2 && byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9))
    return {byte(2) == 0xa8 ? 0x2028u : 0x2029u, 3};
  if (byte(0) == 0xef && left > 2 && byte(1) == 0xbb && byte(2) == 0xbf) return {0xfeff, 3};
  if (byte(0) < 0xf0 || left < 4) return {};
  uint32_t number = byte(0) & 0x07;
  for (size_t n = 1; n < 4; ++n) number = number << 6 | (byte(n) & 0x3f);
  return {number, 4};
}

// What a text allows.
struct Shape {
  bool plain = true, single_quoted = true, block = true, lines = false;
};

Shape Analyze(std::string_view text) {
  Shape shape;
  if (text.empty()) return {.plain = false, .block = false};
  auto blank_at = [&](size_t i) {
    return i >= text.size() || kBlank.find(text[i]) != std::string_view::npos;
  };
  bool special = false, space_break = false, break_space = false;
  if (text.starts_with("---") || text.starts_with("...")) shape.plain = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (i == 0 && std::string_view("#,[]{}&*!|>'\"%@`").find(c) != std::string_view::npos)
      shape.plain = false;
    if (i == 0 && (c == '-' || c == '?' || c == ':') && blank_at(1)) shape.plain = false;
    if (i > 0 && c == ':' && blank_at(i + 1)) shape.plain = false;
    if (i > 0 && c == '#' && blank_at(i - 1)) shape.plain = false;
    special =
        special || (byte < 0x20 && c != '\n') || byte == 0x7f || NumberedAt(text, i).bytes > 0;
    if (c == '\n') {
      shape.lines = true;
      space_break = space_break || (i > 0 && text[i - 1] == ' ');
    } else if (c == ' ' && i > 0 && text[i - 1] == '\n') {
      break_space = true;
    }
  }
  const bool edge = blank_at(0) || text.back() == ' ' || text.back() == '\n';
  if (edge || break_space || shape.lines) shape.plain = false;
  if (text.back() == ' ') shape.block = false;
  if (break_space) shape.single_quoted = false;
  if (space_break || special) shape.plain = shape.single_quoted = shape.block = false;
  return shape;
}

bool Letter(unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool Digit(char c) { return c >= '0' && c <= '9'; }

// Keys in natural order: numbers in them by what they are worth, what is no letter before letters.
bool KeyLess(const std::string& a, const std::string& b) {
  const size_t both = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < both && a[i] == b[i]) ++i;
  if (i == both) return a.size() < b.size();
  const bool left = Letter(a[i]), right = Letter(b[i]);
  if (left && right) return a[i] < b[i];
  if (left || right) return right;
  uint64_t x = 0, y = 0;
  if (a[i] == '0' || b[i] == '0') {
    for (size_t j = i; j-- > 0 && Digit(a[j]);) {
      if (a[j] == '0') continue;
      x = y = 1;
      break;
    }
  }
  size_t p = i, q = i;
  for (; p < a.size() && Digit(a[p]); ++p) x = x * 10 + static_cast<uint64_t>(a[p] - '0');
  for (; q < b.size() && Digit(b[q]); ++q) y = y * 10 + static_cast<uint64_t>(b[q] - '0');
  if (x != y) return x < y;
  if (p != q) return p < q;
  return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[i]);
}

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}

  // A value behind "key:" or "-" or at the top, `indent` columns in; ends its line.
  void Value(const Json& value, size_t indent, bool in_list) {
    if (value.is_object() && !value.empty()) return Map(value, indent, in_list);
    if (value.is_array() && !value.empty()) return List(value, indent, in_list);
    if (value.is_string())
      Text(value.get_ref<const std::string&>(), indent, false);
    else
      Put(Column() == 0 ? "" : " "),
          Put(value.is_structured() ? (value.is_array() ? "[]" : "{}") : value.dump());
    Put("\n");
  }

 private:
  void Put(std::string_view text) { out_ += text; }
  // Characters since the last line break. It looks back: asked only where a line may end, else a
  // long text of double spaces would be read again for each of them.
  size_t Column() const {
    size_t column = 0;
    for (auto c = out_.rbegin(); c != out_.rend() && *c != '\n'; ++c)
      column += (static_cast<unsigned char>(*c) & 0xc0) != 0x80;
    return column;
  }
  void NewLine(size_t indent) { out_ += "\n" + std::string(indent, ' '); }

  void Map(const Json& map, size_t indent, bool in_list) {
    std::vector<const std::string*> keys;
    for (const auto& [key, value] : map.items()) keys.push_back(&key);
    std::stable_sort(keys.begin(), keys.end(),
                     [](const std::string* a, const std::string* b) { return KeyLess(*a, *b); });
    bool first = true;
    if (!in_list && Column() > 0) Put("\n");
    for (const std::string* key : keys) {
      if (in_list && first)
        Put(" ");
      else
        Put(std::string(indent, ' '));
      first = false;
      const bool simple = key->size() <= kLongestKey && key->find('\n') == std::string::npos;
      if (!simple) Put("?");
      if (!simple) Text(*key, indent + 2, false), NewLine(indent);
      if (simple) Text(*key, indent, true);
      Put(":");
      const Json& value = map[*key];
      // A list stands as far in as its key.
      Value(value, value.is_array() ? indent : indent + 2, false);
    }
  }

  void List(const Json& list, size_t indent, bool in_list) {
    bool first = true;
    if (!in_list && Column() > 0) Put("\n");
    for (const Json& item : list) {
      if (in_list && first)
        Put(" -");
      else
        Put(std::string(indent, ' ') + "-");
      first = false;
      Value(item, indent + 2, true);
    }
  }

  void Text(const std::string& text, size_t indent, bool key) {
    const Shape shape = Analyze(text);
    if (!key && Column() > 0) Put(" ");
    const bool lines = text.find('\n') != std::string::npos;
    if (lines && !key && shape.block) return Literal(text, indent);
    if (!lines && !ReadsAsText(text)) return DoubleQuoted(text, indent, key);
    if (shape.plain) return Plain(text, indent, key);
    if (shape.single_quoted && !lines) return SingleQuoted(text, indent, key);
    DoubleQuoted(text, indent, key);
  }

  void Literal(const std::string& text, size_t indent) {
    Put("|");
    if (text[0] == ' ' || text[0] == '\n') Put("2");
    if (text.back() != '\n')
      Put("-");
    else if (text.size() == 1 || text[text.size() - 2] == '\n')
      Put("+");
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      Put("\n");
      if (end > begin) Put(std::string(indent, ' ') + text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void Plain(const std::string& text, size_t indent, bool key) {
    bool spaces = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const bool space = text[i] == ' ';
      if (space && !key && !spaces && text[i + 1] != ' ' && Column() > kWidth)
        NewLine(indent);
      else
        out_ += text[i];
      spaces = space;
    }
  }

  void SingleQuoted(const std::string& text, size_t indent, bool key) {
    Put("'");
    bool spaces = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const bool space = text[i] == ' ';
      if (space && !key && !spaces && i > 0 && i + 1 < text.size() && text[i + 1] != ' ' &&
          Column() > kWidth)
        NewLine(indent);
      else
        Put(text[i] == '\'' ? "''" : std::string_view(&text[i], 1));
      spaces = space;
    }
    Put("'");
  }

  void DoubleQuoted(const std::string& text, size_t indent, bool key) {
    static constexpr std::string_view kNamed = "\0\a\b\t\n\v\f\r\x1b\"\\"sv;
    static constexpr std::string_view kNames = "0abtnvfre\"\\";
    Put("\"");
    bool spaces = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const auto byte = static_cast<unsigned char>(c);
      const bool space = c == ' ';
      if (const size_t named = kNamed.find(c); named != std::string_view::npos) {
        out_ += {'\\', kNames[named]};
      } else if (byte < 0x20 || byte == 0x7f) {
        Put(fmt::format("\\x{:02X}", byte));
      } else if (const Numbered odd = NumberedAt(text, i); odd.bytes > 0) {
        Put(odd.number > 0xffff ? fmt::format("\\U{:08X}", odd.number)
            : odd.number > 0xff ? fmt::format("\\u{:04X}", odd.number)
                                : fmt::format("\\x{:02X}", odd.number));
        i += odd.bytes - 1;
      } else if (space && !key && !spaces && Column() > kWidth && i > 0 && i + 1 < text.size()) {
        NewLine(indent);
        if (text[i + 1] == ' ') Put("\\");
      } else {
        out_ += c;
      }
      spaces = space;
    }
    Put("\"");
  }

  std::string& out_;
};

}  // namespace

std::string DumpYaml(const Json& value) {
  std::string text;
  Writer(&text).Value(value, 0, false);
  return text;
}

}  // namespace opsmesh::kubesim
