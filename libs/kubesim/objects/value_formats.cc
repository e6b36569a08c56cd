#include "libs/kubesim/objects/value_formats.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <memory>

#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/strings.h"
#include "libs/kubesim/objects/causes.h"
#include "re2/re2.h"

namespace opsmesh::kubesim {
namespace {

bool IsDate(const std::string& text) {
  static const RE2 shape(R"(\d{4}-\d{2}-\d{2})");
  absl::Time time;
  return RE2::FullMatch(text, shape) && base::ParseRfc3339(text + "T00:00:00Z", &time);
}

// A day and a time of it; 23:59:60 is none, and letters may be small.
bool IsDateTime(const std::string& text) {
  static const RE2 shape(
      R"((?i)([^t]*)t([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:.\d+)?(?:z|[+-]\d{2}:\d{2})(?:t.*)?)");
  std::string day;
  return RE2::FullMatch(text, shape, &day) && IsDate(day);
}

// One word, or words between dots of which the last is made of letters alone; no word is longer
// than 63 bytes.
bool IsHostname(const std::string& text) {
  static const RE2 single(R"([a-zA-Z0-9\p{S}\p{L}]-?[a-zA-Z0-9\p{S}\p{L}]*)");
  static const RE2 word(
      R"([a-zA-Z0-9\p{S}\p{L}](?:[-a-zA-Z0-9\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?)");
  static const RE2 last(R"([a-zA-Z\p{L}][a-zA-Z\p{L}]+)");
  const auto words = base::Split(text, '.');
  for (size_t i = 0; i < words.size(); ++i) {
    const re2::StringPiece piece(words[i].data(), words[i].size());
    const RE2& shape = words.size() == 1 ? single : i + 1 == words.size() ? last : word;
    if (words[i].size() > 63 || !RE2::FullMatch(piece, shape)) return false;
  }
  return text.size() <= 255;
}

// Six, eight or twenty bytes, in pairs of digits between colons or dashes, or in fours between
// dots.
bool IsHardwareAddress(const std::string& text) {
  static const RE2 shape(
      R"((?i)(?:[\da-f]{2}(?:(?:-[\da-f]{2}){5}|(?:-[\da-f]{2}){7}|(?:-[\da-f]{2}){19}|)"
      R"((?::[\da-f]{2}){5}|(?::[\da-f]{2}){7}|(?::[\da-f]{2}){19}))|)"
      R"((?:[\da-f]{4}(?:(?:\.[\da-f]{4}){2}|(?:\.[\da-f]{4}){3}|(?:\.[\da-f]{4}){9})))");
  return RE2::FullMatch(text, shape);
}

std::string Without(const std::string& text, bool (*drop)(char)) {
  std::string kept;
  std::copy_if(text.begin(), text.end(), std::back_inserter(kept),
               [&](char c) { return !drop(c); });
  return kept;
}

bool IsBookNumber10(const std::string& text) {
  const std::string number = Without(
      text, [](char c) { return c == '-' || std::isspace(static_cast<unsigned char>(c)) != 0; });
  static const RE2 shape(R"(\d{9}[\dX])");
  if (!RE2::FullMatch(number, shape)) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = number[static_cast<size_t>(i)];
    sum += (i + 1) * (c == 'X' ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool IsBookNumber13(const std::string& text) {
  const std::string number = Without(
      text, [](char c) { return c == '-' || std::isspace(static_cast<unsigned char>(c)) != 0; });
  static const RE2 shape(R"(\d{13})");
  if (!RE2::FullMatch(number, shape)) return false;
  int sum = 0;
  for (size_t i = 0; i < 13; ++i) sum += (i % 2 == 0 ? 1 : 3) * (number[i] - '0');
  return sum % 10 == 0;
}

// The lengths and prefixes that cards have, and Luhn's sum (ISO/IEC 7812-1).
bool IsCardNumber(const std::string& text) {
  const std::string number =
      Without(text, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) == 0; });
  static const RE2 shape(
      R"(4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d{2})\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|)"
      R"((?:2131|1800|35\d{3})\d{11})");
  if (!RE2::FullMatch(number, shape)) return false;
  int sum = 0;
  bool twice = false;
  for (auto digit = number.rbegin(); digit != number.rend(); ++digit, twice = !twice) {
    const int value = (*digit - '0') * (twice ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 == 0;
}

bool IsColor(const std::string& text) {
  static const RE2 shape(R"(rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\))");
  std::string parts[3];
  if (!RE2::FullMatch(text, shape, &parts[0], &parts[1], &parts[2])) return false;
  return std::all_of(std::begin(parts), std::end(parts), [](const std::string& part) {
    return (part == "0" || part[0] != '0') && std::stoi(part) <= 255;
  });
}

// As Go reads one, or numbers with the words of other languages anywhere in the text.
bool IsDuration(const std::string& text) {
  static const RE2 go(R"([+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+))");
  if (RE2::FullMatch(text, go)) return true;
  static const RE2 part(R"((\d+)\s*([A-Za-zµ]+))");
  static const RE2 unit(
      R"((?i)ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*)");
  re2::StringPiece rest(text);
  std::string number, word;
  bool found = false;
  while (RE2::FindAndConsume(&rest, part, &number, &word)) {
    if (number.size() > 19) return false;
    found = found || RE2::FullMatch(word, unit);
  }
  return found;
}

bool EscapesWell(std::string_view text) {
  for (size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
    if (i + 2 >= text.size() || std::isxdigit(static_cast<unsigned char>(text[i + 1])) == 0 ||
        std::isxdigit(static_cast<unsigned char>(text[i + 2])) == 0)
      return false;
  }
  return true;
}

bool PortWell(std::string_view text) {
  return text.empty() ||
         (text[0] == ':' && text.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

// user@host:port, the host in brackets where it is an IPv6 address.
bool IsAuthority(std::string_view text) {
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    for (char c : text.substr(0, at)) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
          std::string_view("-._:~!$&'()*+,;=%@").find(c) == std::string_view::npos)
        return false;
    }
    if (!EscapesWell(text.substr(0, at))) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const size_t end = text.rfind(']');
    return end != std::string_view::npos && PortWell(text.substr(end + 1));
  }
  if (text.find_first_of(" <>\"^`{|}\\") != std::string_view::npos) return false;
  if (text.find('%') != std::string_view::npos) return false;
  const size_t colon = text.rfind(':');
  return colon == std::string_view::npos || PortWell(text.substr(colon));
}

// What can stand in the first line of a request: absolute, with a scheme or as a path.
bool IsRequestUri(const std::string& text) {
  if (text.empty()) return false;
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return false;
  if (text == "*") return true;
  if (text[0] == ':') return false;  // the scheme is missing
  static const RE2 scheme("([a-zA-Z][-+.a-zA-Z0-9]*):");
  re2::StringPiece piece(text);
  const bool has_scheme = RE2::Consume(&piece, scheme);
  std::string_view rest(piece.data(), piece.size());
  rest = rest.substr(0, rest.find('?'));
  if (!rest.starts_with('/')) return has_scheme;  // opaque
  if (has_scheme && rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (!IsAuthority(authority)) return false;
    rest.remove_prefix(authority.size());
  }
  return EscapesWell(rest);
}

bool IsEmail(const std::string& text) {
  static const RE2 shape(R"(\s*(?:[^@<>]*<[^@\s<>]+@[^@\s<>]+>|[^@\s<>]+@[^@\s<>]+)\s*)");
  return RE2::FullMatch(text, shape);
}

std::function<bool(const std::string&)> Like(const char* pattern) {
  auto shape = std::make_shared<RE2>(pattern);
  return [shape](const std::string& text) { return RE2::FullMatch(text, *shape); };
}

using Format = std::function<bool(const std::string&)>;
const std::map<std::string, Format, std::less<>>& Formats() {
  static const auto* formats = new std::map<std::string, Format, std::less<>>{
      {"bsonobjectid", Like("(?i)[0-9a-f]{24}")},
      {"uri", IsRequestUri},
      {"email", IsEmail},
      {"hostname", IsHostname},
      {"ipv4",
       [](const std::string& text) {
         return ValidIp(text) && text.find('.') != std::string::npos;
       }},
      {"ipv6",
       [](const std::string& text) {
         return ValidIp(text) && text.find(':') != std::string::npos;
       }},
      {"cidr", [](const std::string& text) { return ValidCidr(text); }},
      {"mac", IsHardwareAddress},
      {"uuid", Like("(?i)[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")},
      {"uuid3", Like("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}")},
      {"uuid4",
       Like("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")},
      {"uuid5",
       Like("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")},
      {"isbn",
       [](const std::string& text) { return IsBookNumber10(text) || IsBookNumber13(text); }},
      {"isbn10", IsBookNumber10},
      {"isbn13", IsBookNumber13},
      {"creditcard", IsCardNumber},
      {"ssn", Like(R"(\d{3}[- ]?\d{2}[- ]?\d{4})")},
      {"hexcolor", Like("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")},
      {"rgbcolor", IsColor},
      {"byte",
       Like("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)")},
      {"password", [](const std::string&) { return true; }},
      {"date", IsDate},
      {"duration", IsDuration},
      {"datetime", IsDateTime},
  };
  return *formats;
}

}  // namespace

std::string ValueFormat(std::string_view name) {
  std::string known(name);
  std::erase(known, '-');
  // A fault of another type names the format as the schema does.
  return Formats().contains(known) ? std::string(name) : "";
}

bool FitsFormat(std::string_view format, const std::string& text) {
  std::string known(format);
  std::erase(known, '-');
  const auto found = Formats().find(known);
  return found == Formats().end() || found->second(text);
}

}  // namespace opsmesh::kubesim
