#include "libs/kubesim/objects/causes.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
void Required(Causes& causes, std::string field, std::string_view why) {
  causes.push_back({"FieldValueRequired",
                    why.empty() ? "Required value" : fmt::format("Required value: {}", why),
                    std::move(field)});
}
void Invalid(Causes& causes, std::string field, const std::string& value, std::string_view why) {
  causes.push_back({"FieldValueInvalid",
                    fmt::format("Invalid value: {}{}{}", value, why.empty() ? "" : ": ", why),
                    std::move(field)});
}
void InvalidText(Causes& causes, std::string field, std::string_view value, std::string_view why) {
  Invalid(causes, std::move(field), GoQuoted(value), why);
}
void InvalidText(Causes& causes, std::string field, std::string_view value, const Faults& faults) {
  for (const std::string& fault : faults) InvalidText(causes, field, value, fault);
}
void InvalidNumber(Causes& causes, std::string field, int64_t value, std::string_view why) {
  Invalid(causes, std::move(field), std::to_string(value), why);
}
void Forbidden(Causes& causes, std::string field, std::string_view why) {
  causes.push_back({"FieldValueForbidden", fmt::format("Forbidden: {}", why), std::move(field)});
}
void Duplicate(Causes& causes, std::string field, const std::string& value) {
  causes.push_back(
      {"FieldValueDuplicate", fmt::format("Duplicate value: {}", value), std::move(field)});
}
void TooLong(Causes& causes, std::string field, size_t most) {
  causes.push_back({"FieldValueTooLong",
                    fmt::format("Too long: may not be more than {} bytes", most),
                    std::move(field)});
}
void NotFound(Causes& causes, std::string field, std::string_view value) {
  causes.push_back(
      {"FieldValueNotFound", fmt::format("Not found: \"{}\"", value), std::move(field)});
}
void TooMany(Causes& causes, std::string field, size_t actual, size_t most) {
  causes.push_back({"FieldValueTooMany",
                    fmt::format("Too many: {}: must have at most {} items", actual, most),
                    std::move(field)});
}
void WholeListFaults::Add(std::string_view why) {
  if (full()) return;
  if (bytes_ == 0) shown_ = show_();
  bytes_ += shown_.size() + why.size();
  Invalid(causes_, field_, shown_, why);
}
void OneOfNeeded(Causes& causes, std::string field, std::string_view value,
                 std::initializer_list<const char*> allowed) {
  if (value.empty()) return Required(causes, std::move(field));
  OneOf(causes, std::move(field), value, allowed);
}
void OneOf(Causes& causes, std::string field, std::string_view value,
           std::initializer_list<const char*> allowed) {
  std::string list;
  for (const char* one : allowed) {
    if (value == one) return;
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", one);
  }
  causes.push_back({"FieldValueNotSupported",
                    fmt::format("Unsupported value: \"{}\": supported values: {}", value, list),
                    std::move(field)});
}
void NonNegative(Causes& causes, const Json& holder, const char* member,
                 const std::string& prefix) {
  const Json& value = At(holder, member);
  if (value.is_number_integer() && value.get<int64_t>() < 0)
    InvalidNumber(causes, prefix + member, value.get<int64_t>(),
                  "must be greater than or equal to 0");
}
void Immutable(Causes& causes, std::string field, const std::string& value) {
  Invalid(causes, std::move(field), value, "field is immutable");
}

void ValidateDomainPath(Causes& causes, const std::string& field, const std::string& text) {
  const size_t slash = text.find('/');
  if (text.empty()) return Required(causes, field);
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size())
    return InvalidText(causes, field, text,
                       "must be a domain-prefixed path (such as \"acme.io/foo\")");
  const std::string host = text.substr(0, slash), path = text.substr(slash + 1);
  InvalidText(causes, field, host, SubdomainFault(host));
  if (path.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~%!$"
          "&'()*+,;=:") != std::string::npos)
    InvalidText(causes, field, path,
                "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
}

void NeededSegment(Causes& causes, const std::string& field, const std::string& name,
                   std::string_view why) {
  if (name.empty()) return Required(causes, field, why);
  InvalidText(causes, field, name, PathSegmentFault(name));
}

bool ValidIp(std::string_view text) {
  const std::string copy(text);
  unsigned char bytes[16];
  return inet_pton(AF_INET, copy.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, copy.c_str(), bytes) == 1;
}

void ValidateUsualIp(Causes& causes, const std::string& ip, const std::string& field) {
  unsigned char v6[16] = {}, v4[4] = {};
  const bool four = inet_pton(AF_INET, ip.c_str(), v4) == 1;
  if (!four && inet_pton(AF_INET6, ip.c_str(), v6) != 1)
    return InvalidText(causes, field, ip, "must be a valid IP address");
  auto all = [&](int last) {  // zeros but for the last byte
    bool zero = true;
    for (int i = 0; i < 15; ++i) zero = zero && v6[i] == 0;
    return zero && v6[15] == last;
  };
  if (four ? (v4[0] | v4[1] | v4[2] | v4[3]) == 0 : all(0))
    InvalidText(causes, field, ip, fmt::format("may not be unspecified ({})", ip));
  if (four ? v4[0] == 127 : all(1))
    InvalidText(causes, field, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (four ? v4[0] == 169 && v4[1] == 254 : v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80)
    InvalidText(causes, field, ip,
                "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (four ? v4[0] == 224 && v4[1] == 0 && v4[2] == 0 : v6[0] == 0xff && (v6[1] & 0x0f) == 2)
    InvalidText(causes, field, ip,
                "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
}

bool ValidCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || !ValidIp(text.substr(0, slash))) return false;
  const std::string_view bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3 ||
      bits.find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  return std::stoi(std::string(bits)) <= (text.find(':') == std::string_view::npos ? 32 : 128);
}

void ValidateLabels(Causes& causes, const Json& labels, const std::string& field) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    if (auto fault = QualifiedFault(key); !fault.empty()) InvalidText(causes, field, key, fault);
    if (auto fault = LabelValueFault(Scalar(value)); !fault.empty())
      InvalidText(causes, field, Scalar(value), fault);
  }
}

std::string GoQuoted(std::string_view text) {
  // As JSON quotes, but for what Go writes as \x00 and \a and friends.
  const std::string json = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string quoted;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\') {
      quoted += json[i];
      continue;
    }
    if (json.compare(i, 4, "\\u00") == 0) {
      quoted += "\\x" + json.substr(i + 4, 2);
      i += 5;
    } else {
      quoted += json.substr(i++, 2);
    }
  }
  return quoted;
}

bool ValidateSelectorShape(Causes& causes, const Json& selector, const std::string& field) {
  const size_t before = causes.size();
  ValidateLabels(causes, At(selector, "matchLabels"), field + ".matchLabels");
  const Json& expressions = ListAt(selector, {"matchExpressions"});
  for (size_t i = 0; i < expressions.size(); ++i) {
    const std::string at = fmt::format("{}.matchExpressions[{}]", field, i),
                      word = TextAt(expressions[i], "operator"),
                      key = TextAt(expressions[i], "key");
    const Json& values = ListAt(expressions[i], {"values"});
    if (word == "In" || word == "NotIn") {
      if (values.empty())
        Required(causes, at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (word == "Exists" || word == "DoesNotExist") {
      if (!values.empty())
        Forbidden(causes, at + ".values",
                  "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      InvalidText(causes, at + ".operator", word, "not a valid selector operator");
    }
    InvalidText(causes, at + ".key", key, QualifiedFault(key));
    for (size_t n = 0; n < values.size(); ++n)
      InvalidText(causes, fmt::format("{}.values[{}]", at, n), Scalar(values[n]),
                  LabelValueFault(Scalar(values[n])));
  }
  return causes.size() == before;
}

std::string GoTexts(const Json& list, std::string_view type) {
  if (list.empty()) return fmt::format("[]{}(nil)", type);
  std::string text;
  for (const Json& item : list)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", GoQuoted(Scalar(item)));
  return fmt::format("[]{}{{{}}}", type, text);
}

std::string GoMap(const Json& map) {
  if (!map.is_object() || map.empty()) return "map[string]string(nil)";
  std::string text = "map[string]string{";
  bool first = true;
  for (const auto& [key, value] : map.items()) {
    text += fmt::format("{}\"{}\":\"{}\"", first ? "" : ", ", key, Scalar(value));
    first = false;
  }
  return text + "}";
}

std::string GoSelector(const Json& selector) {
  const Json& expressions = ListAt(selector, {"matchExpressions"});
  std::string list = "[]v1.LabelSelectorRequirement(nil)";
  if (!expressions.empty()) {
    list = "[]v1.LabelSelectorRequirement{";
    for (size_t i = 0; i < expressions.size(); ++i) {
      std::string values;
      for (const Json& value : ListAt(expressions[i], {"values"}))
        values += fmt::format("{}\"{}\"", values.empty() ? "" : ", ", Scalar(value));
      list += fmt::format("{}v1.LabelSelectorRequirement{{Key:\"{}\", Operator:\"{}\", Values:{}}}",
                          i == 0 ? "" : ", ", TextAt(expressions[i], "key"),
                          TextAt(expressions[i], "operator"),
                          values.empty() ? "[]string(nil)" : "[]string{" + values + "}");
    }
    list += "}";
  }
  return fmt::format("v1.LabelSelector{{MatchLabels:{}, MatchExpressions:{}}}",
                     GoMap(At(selector, "matchLabels")), list);
}

std::string GoIntOrText(const Json& value) {
  if (value.is_string())
    return fmt::format("intstr.IntOrString{{Type:1, IntVal:0, StrVal:\"{}\"}}", Scalar(value));
  return fmt::format("intstr.IntOrString{{Type:0, IntVal:{}, StrVal:\"\"}}",
                     value.is_number_integer() ? value.get<int64_t>() : 0);
}

}  // namespace opsmesh::kubesim
