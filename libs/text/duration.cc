#include "libs/text/duration.h"

#include <re2/re2.h>

#include "libs/base/strings.h"
#include "libs/text/numbers.h"
#include "libs/text/unicode.h"
#include "libs/text/variants.h"

namespace opsmesh::text {
namespace {

// RE2 takes its own StringPiece in Debian 12.
re2::StringPiece Piece(std::string_view s) { return {s.data(), s.size()}; }

struct Patterns {
  // 最近(的)(N)(个)(半)unit | 过去… | 近… | 这…
  RE2 chinese_before{
      "(?:最近|过去|近|这|前|上)的?(?:这)?\\s*([0-9]+(?:\\.[0-9]+)?|[零一二两三四五六七八九十百几]+"
      ")?"
      "\\s*个?(半)?个?\\s*(秒钟?|分钟?|min|小时|钟头|h|天|日|周|星期|礼拜|个月|月)(半)?"};
  RE2 chinese_after{
      "([0-9]+(?:\\.[0-9]+)?|[零一二两三四五六七八九十百]+)?\\s*个?(半)?个?\\s*(秒钟?|分钟|小时|"
      "钟头|天|周|星期)(半)?"
      "(?:之?内|以内|以来|之?前|里)"};
  RE2 english_before{
      "\\b(?:last|past|recent|previous|within|since)\\s+(?:the\\s+)?(?:last\\s+|past\\s+)?"
      "([0-9]+(?:\\.[0-9]+)?|[a-z]+(?:-[a-z]+)?)?\\s*"
      "\\b(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?)\\b"};
  RE2 english_compact{
      "\\b(?:last|past|recent|previous|within|since)\\s+(?:the\\s+)?([0-9]+)(s|m|h|d|w)\\b"};
  RE2 english_number_unit{
      "\\b(?:last|past|recent|previous|within|since)\\s+(?:the\\s+)?([0-9]+)(seconds?|secs?|"
      "minutes?|mins?|"
      "min|hours?|hrs?|days?|weeks?)\\b"};
  RE2 english_half{"\\bhalf\\s+(?:an?\\s+)?(hour|day)\\b"};
  RE2 english_ago{
      "\\b([0-9]+|an?|[a-z]+(?:-[a-z]+)?)\\s*(seconds?|minutes?|mins?|hours?|days?|weeks?)\\s+"
      "ago\\b"};
  RE2 today{"\\btoday\\b|今天|今日|当天"};
  RE2 yesterday{"\\byesterday\\b|昨天|昨日"};
};

const Patterns& GetPatterns() {
  static const auto* const patterns = new Patterns;
  return *patterns;
}

absl::Duration UnitOf(std::string_view unit) {
  const auto is = [unit](std::string_view prefix) { return unit.starts_with(prefix); };
  if (unit == "mo" || is("month") || is("个月") || is("月")) return absl::Hours(24 * 30);
  if (is("秒") || is("s")) return absl::Seconds(1);
  if (is("分") || is("m")) return absl::Minutes(1);
  if (is("小时") || is("钟头") || is("h")) return absl::Hours(1);
  if (is("天") || is("日") || is("d")) return absl::Hours(24);
  return absl::Hours(24 * 7);
}

std::optional<double> Amount(std::string_view text) {
  if (text.empty() || text == "a" || text == "an" || text == "the") return 1;
  if (text == "几" || text == "few" || text == "couple") return 3;
  if (text.find('.') != std::string_view::npos) return std::stod(std::string(text));
  if (const auto number = ParseNumber(text)) return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<TimeWindow> Window(std::string_view sentence, const re2::StringPiece& whole,
                                 std::optional<double> amount, absl::Duration unit,
                                 double extra = 0) {
  if (!amount || *amount + extra <= 0 || *amount > 100'000) return std::nullopt;
  TimeWindow window;
  window.length = unit * (*amount + extra);
  window.begin = static_cast<size_t>(whole.data() - sentence.data());
  window.end = window.begin + whole.size();
  return window;
}

std::string_view View(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

// groups: 0 whole, 1 amount, 2 half before, 3 unit, 4 half after
std::optional<TimeWindow> Chinese(const RE2& pattern, std::string_view sentence) {
  re2::StringPiece groups[5];
  if (!pattern.Match(Piece(sentence), 0, sentence.size(), RE2::UNANCHORED, groups, 5)) {
    return std::nullopt;
  }
  const std::string_view unit = View(groups[3]);
  const bool half_only = groups[1].empty() && !groups[2].empty();  // 半小时
  const bool with_half = !groups[1].empty() && (!groups[2].empty() || !groups[4].empty());
  if (half_only) return Window(sentence, groups[0], 0.5, UnitOf(unit));
  return Window(sentence, groups[0], Amount(View(groups[1])), UnitOf(unit), with_half ? 0.5 : 0);
}

std::optional<TimeWindow> English(const RE2& pattern, std::string_view sentence) {
  re2::StringPiece groups[3];
  if (!pattern.Match(Piece(sentence), 0, sentence.size(), RE2::UNANCHORED, groups, 3)) {
    return std::nullopt;
  }
  return Window(sentence, groups[0], Amount(View(groups[1])), UnitOf(View(groups[2])));
}

std::optional<TimeWindow> Named(const RE2& pattern, TimeWindow::Kind kind,
                                std::string_view sentence) {
  re2::StringPiece whole;
  if (!pattern.Match(Piece(sentence), 0, sentence.size(), RE2::UNANCHORED, &whole, 1)) {
    return std::nullopt;
  }
  TimeWindow window;
  window.kind = kind;
  window.begin = static_cast<size_t>(whole.data() - sentence.data());
  window.end = window.begin + whole.size();
  return window;
}

}  // namespace

std::optional<TimeWindow> FindTimeWindow(std::string_view sentence) {
  const Patterns& p = GetPatterns();
  if (auto window = Named(p.today, TimeWindow::Kind::kToday, sentence)) return window;
  if (auto window = Named(p.yesterday, TimeWindow::Kind::kYesterday, sentence)) return window;
  re2::StringPiece half[2];
  if (p.english_half.Match(Piece(sentence), 0, sentence.size(), RE2::UNANCHORED, half, 2)) {
    return Window(sentence, half[0], 0.5, UnitOf(View(half[1])));
  }
  for (const RE2* pattern : {&p.english_compact, &p.english_number_unit, &p.english_ago}) {
    if (auto window = English(*pattern, sentence)) return window;
  }
  if (auto window = English(p.english_before, sentence)) return window;
  // "重启前的日志" speaks of a log, not of the day before: its first character is no unit.
  std::string without_logs(sentence);
  static constexpr std::string_view kLog = "日志";
  for (size_t at = 0; (at = without_logs.find(kLog, at)) != std::string::npos; at += kLog.size())
    without_logs.replace(at, kLog.size(), kLog.size(), '-');
  if (auto window = Chinese(p.chinese_before, without_logs)) return window;
  return Chinese(p.chinese_after, without_logs);
}

std::string NormalizeForMatching(std::string_view utf8) {
  std::u32string points = DecodeUtf8(utf8);
  for (char32_t& c : points) c = SimplifiedOf(FoldWidth(c));
  return base::AsciiLower(EncodeUtf8(points));
}

}  // namespace opsmesh::text
