#include "services/llm/agent/claims.h"

#include <algorithm>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostClaims = 8;
constexpr int64_t kSmall =
    12;  // a reader checks such counts at a glance, and models number lists with them

bool IsNameByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Runs of name bytes, without closing punctuation.
std::vector<std::pair<size_t, std::string_view>> Runs(std::string_view text) {
  std::vector<std::pair<size_t, std::string_view>> runs;
  for (size_t at = 0; at < text.size();) {
    if (!IsNameByte(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && IsNameByte(text[at])) ++at;
    std::string_view run = text.substr(begin, at - begin);
    while (!run.empty() && (run.back() == '.' || run.back() == '-' || run.back() == '_'))
      run.remove_suffix(1);
    if (!run.empty()) runs.emplace_back(begin, run);
  }
  return runs;
}

bool IsNumber(std::string_view run) {
  int dots = 0;
  for (const char c : run) {
    if (c == '.') {
      ++dots;
    } else if (!IsDigit(c)) {
      return false;
    }
  }
  return dots <= 1 && IsDigit(run.front());
}

// "1,234" reads as one number; blocks of code are not claims.
std::string Readable(std::string_view answer) {
  std::string text;
  bool code = false;
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer.substr(i, 3) == "```") {
      code = !code;
      i += 2;
      continue;
    }
    const bool thousands = answer[i] == ',' && i > 0 && IsDigit(answer[i - 1]) &&
                           i + 3 < answer.size() && IsDigit(answer[i + 1]) &&
                           IsDigit(answer[i + 2]) && IsDigit(answer[i + 3]);
    if (!code && !thousands) text += answer[i];
  }
  return text;
}

bool LooksLikeObject(std::string_view run, bool quoted) {
  if (run.size() < 4 || run.find('-') == std::string_view::npos) return false;
  const bool digit = std::any_of(run.begin(), run.end(), IsDigit);
  const bool lower =
      std::none_of(run.begin(), run.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!lower || run.starts_with("--") || run.starts_with('-')) return false;
  // A date, a range of numbers.
  if (std::none_of(run.begin(), run.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return false;
  return digit || quoted;
}

void CountLists(const nlohmann::json& value, std::set<std::string, std::less<>>* words) {
  if (value.is_array()) words->insert(std::to_string(value.size()));
  if (!value.is_structured()) return;
  for (const auto& member : value) CountLists(member, words);
}

}  // namespace

void Evidence::Add(std::string_view text) {
  for (const auto& [at, run] : Runs(text)) {
    const std::string word = base::AsciiLower(run);
    words_.insert(word);
    // "12Mi", "85%", "v1.2.3": the figure in front counts too.
    size_t digits = 0;
    while (digits < word.size() && (IsDigit(word[digits]) || word[digits] == '.')) ++digits;
    if (digits > 0 && digits < word.size()) words_.insert(word.substr(0, digits));
  }
  const size_t brace = text.find_first_of("{[");
  if (brace == std::string_view::npos) return;
  if (const auto json = base::ParseJson(text.substr(brace)); json.ok()) CountLists(*json, &words_);
}

std::vector<std::string> Evidence::Unsupported(std::string_view answer) const {
  const std::string text = Readable(answer);
  std::vector<std::string> claims;
  for (const auto& [at, run] : Runs(text)) {
    if (claims.size() >= kMostClaims) break;
    const std::string word = base::AsciiLower(run);
    if (words_.contains(word)) continue;
    const char before = at > 0 ? text[at - 1] : '\n';
    const size_t end = at + run.size();
    const char after = end < text.size() ? text[end] : '\n';
    bool claim = false;
    if (IsNumber(run)) {
      const bool part_of_time = before == ':' || after == ':';
      // 45.00 and 45 are the same figure.
      const double figure = std::strtod(word.c_str(), nullptr);
      const bool whole =
          figure == static_cast<double>(static_cast<int64_t>(figure)) && figure < 1e15;
      const bool known = whole && words_.contains(std::to_string(static_cast<int64_t>(figure)));
      claim = !part_of_time && !known && figure > static_cast<double>(kSmall);
    } else {
      claim = LooksLikeObject(run, before == '`' && after == '`');
    }
    const std::string as_written(run);
    if (claim && std::count(claims.begin(), claims.end(), as_written) == 0)
      claims.push_back(as_written);
  }
  return claims;
}

}  // namespace opsmesh::llm
