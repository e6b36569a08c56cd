#include "libs/kubesim/api/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxDepth = 10'000;    // encoding/json
constexpr size_t kMaxMembers = 20'000;  // beyond it nobody reads an order
constexpr size_t kMaxOddNumbers = 1'000;
constexpr size_t kMaxPath = 4'096;  // nobody reads a longer one

bool Space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Hex(char c) { return Digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// As Go prints a byte in an error.
std::string Quoted(char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '\'':
      return "'\\''";
    case '"':
      return "'\"'";
    case '\\':
      return "'\\\\'";
    case '\n':
      return "'\\n'";
    case '\r':
      return "'\\r'";
    case '\t':
      return "'\\t'";
    default:
      break;
  }
  if (byte < 0x20 || byte == 0x7f) return fmt::format("'\\x{:02x}'", byte);
  if (byte < 0x80) return std::string("'") + c + "'";
  if (byte < 0xa0 || byte == 0xad) return fmt::format("'\\u{:04x}'", byte);
  return std::string("'") + static_cast<char>(0xc0 | (byte >> 6)) +
         static_cast<char>(0x80 | (byte & 0x3f)) + "'";
}

// How many bytes the character at the front has; 0 when it is none.
size_t CharacterBytes(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t bytes = byte(0) < 0x80                      ? 1
                       : byte(0) >= 0xc2 && byte(0) < 0xe0 ? 2
                       : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                       : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                           : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (bytes < 3) return bytes;
  const bool overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool beyond = (byte(0) == 0xed && byte(1) > 0x9f) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return overlong || beyond ? 0 : bytes;
}

// As Go reads ill-formed UTF-8: each byte that belongs to no character is one U+FFFD.
std::string GoUtf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    result += bytes == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, bytes);
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return result;
}

// Reads a text whose grammar is right. An object that is written twice is one that has the members
// of both, as Go's decoder fills the same struct or map again; of all else the last one counts.
class Joiner final : public nlohmann::json_sax<Json> {
 public:
  Json Take() { return std::move(root_); }

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return Put(value); }
  bool number_unsigned(number_unsigned_t value) override { return Put(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return Put(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*count*/) override {
    Json* there = Place();
    if (!there->is_object()) *there = Json::object();
    open_.push_back(there);
    return true;
  }
  bool key(string_t& name) override {
    name_ = std::move(name);
    return true;
  }
  bool end_object() override { return End(); }
  bool start_array(std::size_t /*count*/) override {
    Json* there = Place();
    *there = Json::array();
    open_.push_back(there);
    return true;
  }
  bool end_array() override { return End(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  // Where the next value goes. Stays valid: what is open is only added to at its end.
  Json* Place() {
    if (open_.empty()) return &root_;
    Json& holder = *open_.back();
    return holder.is_array() ? &holder.emplace_back() : &holder[name_];
  }
  bool Put(Json value) {
    *Place() = std::move(value);
    return true;
  }
  bool End() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::string name_;
  std::vector<Json*> open_;
};

// One object or list that is open.
struct Frame {
  bool object = false;
  size_t index = 0;
  size_t path_length = 0;  // of the holder's path
  bool told = true;        // whether that path is whole
  std::set<std::string> keys{};
};

// Checks the grammar without recursion; stops at the first fault.
class Scanner {
 public:
  Scanner(std::string_view text, bool with_members, JsonText* out)
      : text_(text), with_members_(with_members), out_(*out) {}

  bool Run() {
    if (!Value()) return false;
    while (!frames_.empty()) {
      if (!Next()) return false;
    }
    SkipSpace();
    return at_ == text_.size() || Bad("after top-level value");
  }

  const std::vector<size_t>& lone_surrogates() const { return lone_surrogates_; }
  /// Where numbers stand that no double can hold: position and length.
  const std::vector<std::pair<size_t, size_t>>& overflows() const { return overflows_; }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && Space(text_[at_])) ++at_;
  }
  bool Bad(std::string_view where) {
    out_.fault = at_ < text_.size()
                     ? fmt::format("invalid character {} {}", Quoted(text_[at_]), where)
                     : "unexpected end of JSON input";
    return false;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool End() const { return at_ >= text_.size(); }

  // A scalar, or the opening of an object or list.
  bool Value() {
    SkipSpace();
    const char c = Peek();
    if (c == '{' || c == '[') {
      if (frames_.size() >= kMaxDepth) return Bad("exceeded max depth");
      ++at_;
      frames_.push_back({.object = c == '{', .path_length = path_.size(), .told = told_});
      fresh_ = true;
      return true;
    }
    if (c == '"') return Text(nullptr);
    if (c == '-' || Digit(c)) return Number();
    if (c == 't') return Word("true");
    if (c == 'f') return Word("false");
    if (c == 'n') return Word("null");
    return Bad("looking for beginning of value");
  }

  // One member or element of the innermost frame, or its end.
  bool Next() {
    SkipSpace();
    const bool object = frames_.back().object;
    const bool fresh = std::exchange(fresh_, false);
    if (!End() && Peek() == (object ? '}' : ']')) {
      ++at_;
      path_.resize(frames_.back().path_length);
      frames_.pop_back();
      return true;
    }
    if (!fresh) {
      if (Peek() != ',' || End())
        return Bad(object ? "after object key:value pair" : "after array element");
      ++at_;
      SkipSpace();
    }
    path_.resize(frames_.back().path_length);
    told_ = frames_.back().told;
    if (!object) {
      if (with_members_) Step(fmt::format("[{}]", frames_.back().index++));
      return Value();
    }
    if (End() || Peek() != '"') return Bad("looking for beginning of object key string");
    std::string key;
    if (!Text(&key)) return false;
    Enter(key);
    SkipSpace();
    if (End() || Peek() != ':') return Bad("after object key");
    ++at_;
    return Value();
  }

  // One step down. A path that would become too long ends at its holder, and what stands below is
  // not told: each member of a large object would carry the whole of it.
  void Step(std::string_view part) {
    told_ = told_ && path_.size() + part.size() < kMaxPath;
    if (told_) path_ += part;
  }

  void Enter(const std::string& key) {
    Frame& frame = frames_.back();
    Step(path_.empty() ? key : "." + key);
    if (!frame.keys.insert(key).second) {
      if (out_.duplicates.size() < 100 &&
          std::find(out_.duplicates.begin(), out_.duplicates.end(), path_) == out_.duplicates.end())
        out_.duplicates.push_back(path_);
    } else if (told_ && with_members_ && out_.members.size() < kMaxMembers) {
      out_.members.push_back(path_);
    }
  }

  bool Text(std::string* decoded) {
    const size_t begin = at_++;
    bool escaped = false;
    while (true) {
      if (End()) return Bad("");
      const char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) return Bad("in string literal");
      ++at_;
      if (c != '\\') continue;
      escaped = true;
      if (End()) return Bad("");
      if (text_[at_] == 'u') {
        if (!Unicode()) return false;
      } else if (std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) {
        return Bad("in string escape code");
      } else {
        ++at_;
      }
    }
    ++at_;
    if (decoded != nullptr) {
      const std::string_view raw = text_.substr(begin, at_ - begin);
      *decoded = raw.substr(1, raw.size() - 2);
      if (escaped) {
        const Json parsed = Json::parse(raw, nullptr, false);
        if (parsed.is_string()) *decoded = parsed.get<std::string>();
      }
    }
    return true;
  }

  // \uXXXX; notes what is half of a pair.
  bool Unicode() {
    const size_t escape = at_ - 1;
    ++at_;
    int code = 0;
    if (!FourDigits(&code)) return false;
    if (code < 0xd800 || code > 0xdfff) return true;
    if (code < 0xdc00 && text_.substr(at_, 2) == "\\u" && at_ + 6 <= text_.size()) {
      const std::string_view low = text_.substr(at_ + 2, 4);
      if (std::all_of(low.begin(), low.end(), Hex) && (low[0] == 'd' || low[0] == 'D') &&
          std::string_view("cdefCDEF").find(low[1]) != std::string_view::npos) {
        at_ += 6;
        return true;
      }
    }
    lone_surrogates_.push_back(escape);
    return true;
  }
  bool FourDigits(int* code) {
    for (int i = 0; i < 4; ++i, ++at_) {
      if (End() || !Hex(text_[at_])) return Bad("in \\u hexadecimal character escape");
      *code = *code * 16 + (Digit(text_[at_]) ? text_[at_] - '0' : (text_[at_] | 0x20) - 'a' + 10);
    }
    return true;
  }

  bool Digits(const char* where) {
    if (End() || !Digit(Peek())) return Bad(where);
    while (!End() && Digit(Peek())) ++at_;
    return true;
  }
  bool Number() {
    const size_t begin = at_;
    if (!Numeral()) return false;
    const std::string_view token = text_.substr(begin, at_ - begin);
    const bool exact = token.find_first_of(".eE") == std::string_view::npos;
    if (exact && token.size() < 19) return true;
    if (told_ && with_members_ && out_.odd_numbers.size() < kMaxOddNumbers)
      out_.odd_numbers.emplace(path_, token);
    double number = 0;
    const auto read = std::from_chars(token.data(), token.data() + token.size(), number);
    // What is too small to tell from nothing is nothing.
    const bool tiny =
        token.find("e-") != std::string_view::npos || token.find("E-") != std::string_view::npos;
    if (read.ec == std::errc::result_out_of_range && !tiny) {
      overflows_.emplace_back(begin, token.size());
      if (out_.overflow.empty()) out_.overflow = token;
    }
    return true;
  }
  bool Numeral() {
    if (Peek() == '-') ++at_;
    if (Peek() == '0' && !End()) {
      ++at_;
    } else if (!Digits("in numeric literal")) {
      return false;
    }
    if (!End() && Peek() == '.') {
      ++at_;
      if (!Digits("after decimal point in numeric literal")) return false;
    }
    if (!End() && (Peek() == 'e' || Peek() == 'E')) {
      ++at_;
      if (!End() && (Peek() == '+' || Peek() == '-')) ++at_;
      if (!Digits("in exponent of numeric literal")) return false;
    }
    return true;
  }
  bool Word(std::string_view word) {
    for (size_t i = 0; i < word.size(); ++i, ++at_) {
      if (End() || text_[at_] != word[i])
        return Bad(fmt::format("in literal {} (expecting {})", word, Quoted(word[i])));
    }
    return true;
  }

  std::string_view text_;
  bool with_members_;
  JsonText& out_;
  size_t at_ = 0;
  bool fresh_ = false;
  std::vector<Frame> frames_;
  std::string path_;
  bool told_ = true;  // whether path_ is the whole of it
  std::vector<size_t> lone_surrogates_;
  std::vector<std::pair<size_t, size_t>> overflows_;
};

// The text with what Go repairs in it.
std::string Repaired(std::string_view text, const Scanner& scanner) {
  constexpr std::string_view kGreatest = "1.7976931348623157e308";
  std::vector<std::pair<size_t, size_t>> places = scanner.overflows();
  for (size_t at : scanner.lone_surrogates()) places.emplace_back(at, 0);
  std::sort(places.rbegin(), places.rend());
  std::string repaired(text);
  for (const auto& [at, length] : places)
    repaired.replace(at, length == 0 ? 6 : length, length == 0 ? "\\ufffd" : kGreatest);
  return GoUtf8(repaired);
}

}  // namespace

Json ReadJoined(std::string_view text) {
  Joiner joiner;
  if (Json::sax_parse(text, &joiner)) return joiner.Take();
  Joiner again;  // without what is no character
  return Json::sax_parse(GoUtf8(text), &again) ? again.Take() : Json();
}

JsonText ReadJsonText(std::string_view text, Json* value, bool with_members) {
  JsonText result;
  Scanner scanner(text, with_members, &result);
  if (!scanner.Run()) {
    result.members.clear();
    result.duplicates.clear();
    return result;
  }
  auto parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded()) parsed = Json::parse(Repaired(text, scanner), nullptr, false);
  if (parsed.is_discarded()) {
    result.fault = "json: cannot unmarshal number into Go value of type float64";
    return result;
  }
  *value = std::move(parsed);
  return result;
}

}  // namespace opsmesh::kubesim
