#include "services/k8s/argument_format.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace opsmesh::k8s {
namespace {

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z'); }

// A selector's alphabet: what Kubernetes label and field selectors are written with, and no more.
bool IsSelectorText(std::string_view text, bool field) {
  if (text.empty() || text.size() > 1024) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAlnum(c) || std::string_view("-_./=!,").find(c) != std::string_view::npos ||
           (field ? c == ':' || c == '@'
                  : std::string_view("() ").find(c) != std::string_view::npos);
  });
}

}  // namespace

const FormatRule& RuleOf(ParamFormat format) {
  static const FormatRule kText = {
      [](std::string_view s) { return !s.empty() && s.size() <= 4096; }, nullptr,
      "1 to 4096 bytes of text", 4096};
  static const FormatRule kNamespace = {
      IsDnsLabel, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      "a namespace name: lower-case letters, digits and '-', at most 63", 63};
  static const FormatRule kNamespaceOrAll = {
      [](std::string_view s) { return s == "*" || IsDnsLabel(s); },
      "^([a-z0-9]([-a-z0-9]*[a-z0-9])?|\\*)$",
      "a namespace name (lower-case letters, digits and '-', at most 63) or '*' "
      "for all of them",
      63};
  static const FormatRule kName = {
      IsDnsSubdomain, "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
      "a Kubernetes name: lower-case letters, digits, '-' and '.', at most 253", 253};
  static const FormatRule kObjectName = {
      IsObjectName, "^[^/%\\s]+$",
      "an object name: printable ASCII without '/', '%' and spaces, at most 253", 253};
  static const FormatRule kContainer = {
      IsDnsLabel, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      "a container name: lower-case letters, digits and '-', at most 63", 63};
  static const FormatRule kKind = {
      [](std::string_view s) {
        return !s.empty() && s.size() <= 128 && IsAlnum(s.front()) &&
               std::all_of(s.begin(), s.end(),
                           [](char c) { return IsAlnum(c) || c == '.' || c == '-'; });
      },
      "^[A-Za-z0-9][A-Za-z0-9.-]*$",
      "a kind, plural or short name, for instance 'Pod', 'deployments' or 'svc'", 128};
  static const FormatRule kLabel = {[](std::string_view s) { return IsSelectorText(s, false); },
                                    nullptr,
                                    "a label selector, for instance 'app=web,tier in (a,b)'", 1024};
  static const FormatRule kField = {[](std::string_view s) { return IsSelectorText(s, true); },
                                    nullptr,
                                    "a field selector, for instance 'status.phase=Running'", 1024};
  static const FormatRule kDuration = {[](std::string_view s) {
                                         int64_t seconds;
                                         return ParseDuration(s, &seconds);
                                       },
                                       "^([0-9]+[smhd])+$",
                                       "a duration such as '90s', '15m', '2h' or '3d'", 32};
  static const FormatRule kCursor = {
      [](std::string_view s) { return !s.empty() && s.size() <= 512; }, nullptr,
      "the next_cursor of an answer before", 512};
  switch (format) {
    case ParamFormat::kText:
      return kText;
    case ParamFormat::kNamespace:
      return kNamespace;
    case ParamFormat::kNamespaceOrAll:
      return kNamespaceOrAll;
    case ParamFormat::kName:
      return kName;
    case ParamFormat::kObjectName:
      return kObjectName;
    case ParamFormat::kContainer:
      return kContainer;
    case ParamFormat::kKind:
      return kKind;
    case ParamFormat::kLabelSelector:
      return kLabel;
    case ParamFormat::kFieldSelector:
      return kField;
    case ParamFormat::kDuration:
      return kDuration;
    case ParamFormat::kCursor:
      return kCursor;
  }
  return kText;
}

bool IsDnsLabel(std::string_view name) {
  return !name.empty() && name.size() <= 63 && IsLowerAlnum(name.front()) &&
         IsLowerAlnum(name.back()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const std::string_view label : base::Split(name, '.')) {
    // A subdomain's labels may be longer than 63 in Kubernetes; only the whole is bounded.
    if (label.empty() || !IsLowerAlnum(label.front()) || !IsLowerAlnum(label.back())) return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLowerAlnum(c) || c == '-'; }))
      return false;
  }
  return true;
}

bool IsObjectName(std::string_view name) {
  if (name.empty() || name.size() > 253 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '/' && c != '%'; });
}

bool ParseDuration(std::string_view text, int64_t* seconds) {
  constexpr int64_t kMax = 366 * 86400;
  if (text.empty() || text.size() > 32) return false;
  int64_t total = 0;
  int64_t number = -1;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      number = (number < 0 ? 0 : number) * 10 + (c - '0');
      if (number > kMax) return false;
      continue;
    }
    const int64_t unit = c == 's' ? 1 : c == 'm' ? 60 : c == 'h' ? 3600 : c == 'd' ? 86400 : 0;
    if (unit == 0 || number < 0) return false;
    total += number * unit;
    if (total > kMax) return false;
    number = -1;
  }
  if (number >= 0) return false;
  *seconds = total;
  return true;
}

}  // namespace opsmesh::k8s
