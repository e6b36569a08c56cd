#include "gateway/transcode/timestamp.h"

#include <chrono>

namespace opsmesh::gateway {
namespace {

constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z
constexpr int64_t kSecondsADay = 86400;

void AppendDigits(int64_t value, int width, std::string* out) {
  char text[16];
  for (int i = width; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
  out->append(text, width);
}

// Reads exactly `width` digits.
bool Digits(std::string_view* text, int width, int* value) {
  if (text->size() < static_cast<size_t>(width)) return false;
  *value = 0;
  for (int i = 0; i < width; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + (c - '0');
  }
  text->remove_prefix(width);
  return true;
}

bool Skip(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

bool Fraction(std::string_view* text, int32_t* nanos) {
  *nanos = 0;
  if (!Skip(text, '.')) return true;
  int digits = 0;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    if (++digits > 9) return false;
    *nanos = *nanos * 10 + (text->front() - '0');
    text->remove_prefix(1);
  }
  if (digits == 0) return false;
  for (; digits < 9; ++digits) *nanos *= 10;
  return true;
}

// "Z" or "+08:00", to the end of the text.
bool Offset(std::string_view text, int* seconds) {
  *seconds = 0;
  if (text == "Z" || text == "z") return true;
  const int sign = !text.empty() && text.front() == '-' ? -1 : 1;
  if (!Skip(&text, '+') && !Skip(&text, '-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!Digits(&text, 2, &hours) || !Skip(&text, ':') || !Digits(&text, 2, &minutes) ||
      !text.empty())
    return false;
  if (hours > 23 || minutes > 59) return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

}  // namespace

bool AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out) {
  if (seconds < kFirstSecond || seconds > kLastSecond || nanos < 0 || nanos > 999'999'999)
    return false;
  const int64_t days = (seconds - (seconds < 0 ? kSecondsADay - 1 : 0)) / kSecondsADay;
  const int64_t second = seconds - days * kSecondsADay;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  AppendDigits(static_cast<int>(date.year()), 4, out);
  out->push_back('-');
  AppendDigits(static_cast<unsigned>(date.month()), 2, out);
  out->push_back('-');
  AppendDigits(static_cast<unsigned>(date.day()), 2, out);
  out->push_back('T');
  AppendDigits(second / 3600, 2, out);
  out->push_back(':');
  AppendDigits(second / 60 % 60, 2, out);
  out->push_back(':');
  AppendDigits(second % 60, 2, out);
  if (nanos != 0) {
    const int width = nanos % 1'000'000 == 0 ? 3 : nanos % 1'000 == 0 ? 6 : 9;
    out->push_back('.');
    AppendDigits(width == 3 ? nanos / 1'000'000 : width == 6 ? nanos / 1'000 : nanos, width, out);
  }
  out->push_back('Z');
  return true;
}

bool ParseTimestamp(std::string_view text, int64_t* seconds, int32_t* nanos) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  if (!Digits(&text, 4, &year) || !Skip(&text, '-') || !Digits(&text, 2, &month) ||
      !Skip(&text, '-') || !Digits(&text, 2, &day) || (!Skip(&text, 'T') && !Skip(&text, 't')) ||
      !Digits(&text, 2, &hour) || !Skip(&text, ':') || !Digits(&text, 2, &minute) ||
      !Skip(&text, ':') || !Digits(&text, 2, &second) || !Fraction(&text, nanos) ||
      !Offset(text, &offset)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return false;
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  *seconds = days * kSecondsADay + hour * 3600 + minute * 60 + second - offset;
  return *seconds >= kFirstSecond && *seconds <= kLastSecond;
}

}  // namespace opsmesh::gateway
