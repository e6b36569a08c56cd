#include "libs/kubesim/objects/cron_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

struct Field {
  int least, most;
  std::vector<std::string_view> names;  // of least, least + 1 ...
};

const std::array<Field, 5>& Fields() {
  static const auto* fields = new std::array<Field, 5>{{
      {0, 59, {}},
      {0, 23, {}},
      {1, 31, {}},
      {1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
      {0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
  }};
  return *fields;
}

struct Word {
  std::string_view word, fields;
};
constexpr Word kWords[] = {{"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
                           {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                           {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                           {"@hourly", "0 * * * *"}};
constexpr std::string_view kEvery = "@every ";

// The times of a field, one bit each.
struct Times {
  uint64_t bits = 0;
  bool any = false;  // "*" without a step: the field restricts nothing
};

// A number, or why it is none.
std::string Number(std::string_view text, int* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument)
    return fmt::format(
        "failed to parse int from {0}: strconv.Atoi: parsing \"{0}\": invalid syntax", text);
  if (error != std::errc())
    return fmt::format(
        "failed to parse int from {0}: strconv.Atoi: parsing \"{0}\": value out of range", text);
  if (*value < 0) return fmt::format("negative number ({}) not allowed: {}", *value, text);
  return "";
}

std::string NumberOrName(std::string_view text, const Field& field, int* value) {
  const auto named = std::find(field.names.begin(), field.names.end(), base::AsciiLower(text));
  if (named == field.names.end()) return Number(text, value);
  *value = field.least + static_cast<int>(named - field.names.begin());
  return "";
}

// One part of a field's list: "*/15", "5-10/5", "mon". Adds its times; the answer is what is wrong.
std::string AddRange(std::string_view text, const Field& field, Times* times) {
  const auto parts = base::Split(text, '/');
  const auto ends = base::Split(parts[0], '-');
  const bool star = ends[0] == "*" || ends[0] == "?";
  int start = field.least, end = field.most, step = 1;
  if (!star) {
    if (std::string fault = NumberOrName(ends[0], field, &start); !fault.empty()) return fault;
    end = start;
    if (ends.size() == 2) {
      if (std::string fault = NumberOrName(ends[1], field, &end); !fault.empty()) return fault;
    } else if (ends.size() > 2) {
      return fmt::format("too many hyphens: {}", text);
    }
  }
  if (parts.size() == 2) {
    if (std::string fault = Number(parts[1], &step); !fault.empty()) return fault;
    if (ends.size() == 1) end = field.most;
  } else if (parts.size() > 2) {
    return fmt::format("too many slashes: {}", text);
  }
  if (start < field.least)
    return fmt::format("beginning of range ({}) below minimum ({}): {}", start, field.least, text);
  if (end > field.most)
    return fmt::format("end of range ({}) above maximum ({}): {}", end, field.most, text);
  if (start > end)
    return fmt::format("beginning of range ({}) beyond end of range ({}): {}", start, end, text);
  if (step == 0) return fmt::format("step of range should be a positive number: {}", text);
  times->any = times->any || (star && step == 1);
  for (int64_t i = start; i <= end; i += step) times->bits |= uint64_t{1} << i;
  return "";
}

// Of "@every 90s"; the answer is what is wrong.
std::string ReadPeriod(std::string_view word, absl::Duration* every) {
  const std::string_view given = word.substr(kEvery.size());
  if (!absl::ParseDuration(base::ToAbsl(given), every))
    return fmt::format("failed to parse duration {}: time: invalid duration \"{}\"", word, given);
  *every = std::max(absl::Floor(*every, absl::Seconds(1)), absl::Seconds(1));
  return "";
}

std::string ReadFields(std::string_view schedule, std::array<Times, 5>* times) {
  std::vector<std::string_view> fields = base::Split(schedule, ' ');
  std::erase(fields, "");
  if (fields.size() != 5)
    return fmt::format("expected exactly 5 fields, found {}: [{}]", fields.size(),
                       fmt::join(fields, " "));
  for (size_t i = 0; i < fields.size(); ++i) {
    for (std::string_view part : base::Split(fields[i], ',')) {
      if (part.empty()) continue;
      if (std::string fault = AddRange(part, Fields()[i], &(*times)[i]); !fault.empty())
        return fault;
    }
  }
  return "";
}

std::string Read(std::string_view schedule, std::array<Times, 5>* times, absl::Duration* every) {
  if (schedule.starts_with(kEvery)) return ReadPeriod(schedule, every);
  if (!schedule.starts_with('@')) return ReadFields(schedule, times);
  const auto* const known = std::find_if(std::begin(kWords), std::end(kWords),
                                         [&](const Word& one) { return one.word == schedule; });
  if (known == std::end(kWords)) return fmt::format("unrecognized descriptor: {}", schedule);
  return ReadFields(known->fields, times);
}

}  // namespace

std::string ScheduleFault(std::string_view schedule) {
  std::array<Times, 5> times;
  absl::Duration every;
  return Read(schedule, &times, &every);
}

absl::StatusOr<CronSchedule> CronSchedule::Parse(std::string_view text, absl::TimeZone zone) {
  CronSchedule schedule;
  schedule.zone_ = zone;
  std::array<Times, 5> times;
  if (std::string fault = Read(text, &times, &schedule.every_); !fault.empty())
    return base::InvalidArgument("schedule", "SCHEDULE_INVALID", fault);
  schedule.minutes_ = times[0].bits;
  schedule.hours_ = times[1].bits;
  schedule.days_ = times[2].bits;
  schedule.months_ = times[3].bits;
  schedule.weekdays_ = times[4].bits;
  schedule.any_day_ = times[2].any;
  schedule.any_weekday_ = times[4].any;
  return schedule;
}

absl::Time CronSchedule::Next(absl::Time time) const {
  if (every_ > absl::ZeroDuration())
    return absl::FromUnixSeconds(absl::ToUnixSeconds(time)) + every_;
  // A field of commas alone is read, and names no time.
  for (uint64_t bits : {minutes_, hours_, days_, months_, weekdays_}) {
    if (bits == 0) return absl::InfiniteFuture();
  }
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
