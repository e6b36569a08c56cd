#include "libs/kubesim/store/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

bool Lower(char c) { return c >= 'a' && c <= 'z'; }
bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Alnum(char c) { return Lower(c) || Digit(c) || (c >= 'A' && c <= 'Z'); }

bool LabelWord(std::string_view text) {
  auto good = [](char c) { return Lower(c) || Digit(c); };
  if (text.empty() || !good(text.front()) || !good(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return good(c) || c == '-'; });
}

bool NameWord(std::string_view text) {
  if (text.empty() || !Alnum(text.front()) || !Alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return Alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool SubdomainWord(std::string_view text) {
  for (std::string_view part : base::Split(text, '.')) {
    if (!LabelWord(part)) return false;
  }
  return !text.empty();
}

std::string TooLong(size_t most) { return fmt::format("must be no more than {} characters", most); }

constexpr const char* kSubdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an "
    "alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kWildcard =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character (e.g. '*.example.com', regex used for validation is "
    "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kLabel =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric "
    "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kLabel1035 =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an "
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kName =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. "
    "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr const char* kLabelValue =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an "
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

Faults Judge(size_t size, size_t most, bool fits, const char* sentence) {
  Faults faults;
  if (size > most) faults.push_back(TooLong(most));
  if (!fits) faults.emplace_back(sentence);
  return faults;
}

}  // namespace

Faults LabelFault(std::string_view text) {
  const char* why = SubdomainWord(text) ? "must not contain dots" : kLabel;
  return Judge(text.size(), 63, LabelWord(text), why);
}
Faults SubdomainFault(std::string_view text) {
  return Judge(text.size(), 253, SubdomainWord(text), kSubdomain);
}
Faults WildcardFault(std::string_view text) {
  const bool fits = text.starts_with("*.") && SubdomainWord(text.substr(2));
  return Judge(text.size(), 253, fits, kWildcard);
}
Faults Label1035Fault(std::string_view text) {
  return Judge(text.size(), 63, LabelWord(text) && Lower(text.front()), kLabel1035);
}
Faults LabelValueFault(std::string_view text) {
  return Judge(text.size(), 63, text.empty() || NameWord(text), kLabelValue);
}
Faults QualifiedFault(std::string_view text) {
  Faults faults;
  std::string_view name = text;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (text.find('/', slash + 1) != std::string_view::npos) {
      return {
          fmt::format("a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. "
                      "'example.com/MyName')",
                      kName)};
    }
    const std::string_view prefix = text.substr(0, slash);
    if (prefix.empty()) {
      faults.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& fault : SubdomainFault(prefix))
        faults.push_back("prefix part " + fault);
    }
    name = text.substr(slash + 1);
  }
  if (name.empty()) {
    faults.emplace_back("name part must be non-empty");
  } else if (name.size() > 63) {
    faults.push_back("name part " + TooLong(63));
  }
  if (!NameWord(name)) faults.push_back(fmt::format("name part {}", kName));
  return faults;
}
Faults PathSegmentFault(std::string_view name) {
  if (name == "." || name == "..") return {fmt::format("may not be '{}'", name)};
  Faults faults;
  for (const char* sign : {"/", "%"}) {
    if (name.find(sign) != std::string_view::npos)
      faults.push_back(fmt::format("may not contain '{}'", sign));
  }
  return faults;
}

Faults ConfigKeyFault(std::string_view key) {
  Faults faults;
  if (key.size() > 253) faults.emplace_back("must be no more than 253 characters");
  if (key.empty() ||
      key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") !=
          std::string_view::npos) {
    faults.emplace_back(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
        "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
        "'[-._a-zA-Z0-9]+')");
  }
  if (key == "." || key == "..")
    faults.push_back(fmt::format("must not be '{}'", key));
  else if (key.starts_with(".."))
    faults.emplace_back("must not start with '..'");
  return faults;
}

}  // namespace opsmesh::kubesim
