#include "libs/kubesim/promql/labels.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <bit>

#include "libs/base/error.h"

namespace opsmesh::kubesim::promql {
namespace {

constexpr uint64_t kStaleBits = 0x7ff0000000000002;

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

Labels MakeLabels(Labels labels) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Labels out;
  for (auto& label : labels) {
    if (!out.empty() && out.back().first == label.first) out.pop_back();
    out.push_back(std::move(label));
  }
  std::erase_if(out, [](const auto& label) { return label.second.empty(); });
  return out;
}

std::string_view ValueOf(const Labels& labels, std::string_view name) {
  for (const auto& [key, value] : labels) {
    if (key == name) return value;
  }
  return {};
}

std::string ToString(const Labels& labels) {
  std::string out(ValueOf(labels, kMetricName));
  if (!out.empty() && labels.size() == 1) return out;
  out += '{';
  bool first = true;
  for (const auto& [name, value] : labels) {
    if (name == kMetricName) continue;
    if (!std::exchange(first, false)) out += ", ";
    out += name + "=" + Quoted(value);
  }
  return out + '}';
}

bool IsLabelName(std::string_view text) {
  return !text.empty() && !IsDigit(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsAlpha(c) || IsDigit(c); });
}

bool IsMetricName(std::string_view text) {
  return !text.empty() && !IsDigit(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == ':';
  });
}

absl::StatusOr<Matcher> Matcher::Make(std::string_view name, Op op, std::string_view value) {
  Matcher matcher{std::string(name), op, std::string(value), nullptr};
  if (op == Op::kMatch || op == Op::kNotMatch) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    auto pattern = std::make_shared<RE2>(matcher.value, options);
    if (!pattern->ok()) {
      return base::InvalidArgument(name, "BAD_REGEX",
                                   fmt::format("error parsing regexp: {}", pattern->error()));
    }
    matcher.pattern = std::move(pattern);
  }
  return matcher;
}

bool Matcher::Matches(std::string_view text) const {
  switch (op) {
    case Op::kEqual:
      return text == value;
    case Op::kNotEqual:
      return text != value;
    case Op::kMatch:
      return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *pattern);
    case Op::kNotMatch:
      return !RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *pattern);
  }
  return false;
}

bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& m) { return m.Matches(ValueOf(labels, m.name)); });
}

double StaleMarker() { return std::bit_cast<double>(kStaleBits); }
bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleBits; }

}  // namespace opsmesh::kubesim::promql
