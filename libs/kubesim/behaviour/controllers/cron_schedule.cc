#include "libs/kubesim/behaviour/controllers/cron_schedule.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

struct Field {
  const char* what;
  int least, most;
  std::vector<std::string> names;  // of least, least + 1 ...
};

const std::array<Field, 5>& Fields() {
  static const auto* fields = new std::array<Field, 5>{{
      {"minute", 0, 59, {}},
      {"hour", 0, 23, {}},
      {"day of month", 1, 31, {}},
      {"month",
       1,
       12,
       {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {"day of week", 0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
  }};
  return *fields;
}

std::optional<int> Number(std::string_view text, const Field& field) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (size_t i = 0; i < field.names.size(); ++i) {
    if (field.names[i] == lower) return field.least + static_cast<int>(i);
  }
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ParseField(std::string_view text, const Field& field, uint64_t* bits, bool* any) {
  for (std::string_view part : base::Split(text, ',')) {
    int step = 1;
    const size_t slash = part.find('/');
    std::string_view range = part.substr(0, slash);
    if (slash != std::string_view::npos) {
      auto number = Number(part.substr(slash + 1), {"", 0, 0, {}});
      if (!number || *number < 1) return false;
      step = *number;
    }
    int first = field.least, last = field.most;
    if (range == "*" || range == "?") {
      if (step == 1) *any = true;
    } else {
      const size_t dash = range.find('-');
      auto from = Number(range.substr(0, dash), field);
      auto to = dash == std::string_view::npos ? from : Number(range.substr(dash + 1), field);
      if (!from || !to) return false;
      first = *from;
      last = dash == std::string_view::npos && slash != std::string_view::npos ? field.most : *to;
    }
    if (first < field.least || last > field.most || first > last) return false;
    for (int64_t i = first; i <= last; i += step) *bits |= uint64_t{1} << i;
  }
  return *bits != 0;
}

absl::Status Wrong(std::string_view text, std::string_view why) {
  return base::InvalidArgument("schedule", "SCHEDULE_INVALID",
                               fmt::format("'{}' is not a cron schedule: {}.", text, why));
}

}  // namespace

absl::StatusOr<CronSchedule> CronSchedule::Parse(std::string_view text, absl::TimeZone zone) {
  CronSchedule schedule;
  schedule.zone_ = zone;
  static const std::map<std::string_view, std::string_view> kNames = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
      {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"}};
  if (text.starts_with("@every ")) {
    if (!absl::ParseDuration(std::string(text.substr(7)), &schedule.every_) ||
        schedule.every_ < absl::Seconds(1))
      return Wrong(text, "the period is none");
    return schedule;
  }
  std::string_view plain = text;
  if (auto named = kNames.find(text); named != kNames.end()) plain = named->second;
  std::vector<std::string_view> parts;
  for (std::string_view part : base::Split(plain, ' ')) {
    if (!part.empty()) parts.push_back(part);
  }
  if (parts.size() != 5)
    return Wrong(text, fmt::format("expected exactly 5 fields, found {}", parts.size()));
  uint64_t* const bits[] = {&schedule.minutes_, &schedule.hours_, &schedule.days_,
                            &schedule.months_, &schedule.weekdays_};
  bool any[5] = {};
  for (size_t i = 0; i < 5; ++i) {
    if (!ParseField(parts[i], Fields()[i], bits[i], &any[i]))
      return Wrong(text, fmt::format("the {} '{}' is none", Fields()[i].what, parts[i]));
  }
  schedule.any_day_ = any[2];
  schedule.any_weekday_ = any[4];
  return schedule;
}

absl::Time CronSchedule::Next(absl::Time time) const {
  if (every_ > absl::ZeroDuration())
    return absl::FromUnixSeconds(absl::ToUnixSeconds(time)) + every_;
  absl::CivilMinute minute = absl::ToCivilMinute(time, zone_) + 1;
  const absl::CivilYear last = absl::CivilYear(minute) + 5;
  auto has = [](uint64_t bits, int value) { return (bits >> value) & 1; };
  while (absl::CivilYear(minute) <= last) {
    if (!has(months_, minute.month())) {
      minute = absl::CivilMinute(absl::CivilMonth(minute) + 1);
      continue;
    }
    // absl counts weekdays from Monday, cron from Sunday.
    const int weekday = (static_cast<int>(absl::GetWeekday(minute)) + 1) % 7;
    const bool day = has(days_, minute.day()), week = has(weekdays_, weekday);
    if (any_day_ || any_weekday_ ? !(day && week) : !(day || week)) {
      minute = absl::CivilMinute(absl::CivilDay(minute) + 1);
      continue;
    }
    if (!has(hours_, minute.hour())) {
      minute = absl::CivilMinute(absl::CivilHour(minute) + 1);
      continue;
    }
    if (has(minutes_, minute.minute())) {
      const absl::Time found = absl::FromCivil(minute, zone_);
      if (found > time) return found;
    }
    ++minute;
  }
  return absl::InfiniteFuture();
}

}  // namespace opsmesh::kubesim
