#include "libs/kubesim/objects/cron_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "absl/time/time.h"
#include "libs/base/strings.h"

namespace opsmesh::kubesim {
namespace {

struct Bounds {
  int least;
  int most;
  std::vector<std::string_view> names;  // the first stands for `first`
  int first;
};

const std::array<Bounds, 5>& FieldBounds() {
  static const auto* bounds = new std::array<Bounds, 5>{
      Bounds{0, 59, {}, 0}, Bounds{0, 23, {}, 0}, Bounds{1, 31, {}, 0},
      Bounds{1,
             12,
             {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
             1},
      Bounds{0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, 0}};
  return *bounds;
}

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

std::string NumberOrName(std::string_view text, const Bounds& bounds, int* value) {
  const std::string lower = base::AsciiLower(text);
  for (size_t i = 0; i < bounds.names.size(); ++i) {
    if (bounds.names[i] != lower) continue;
    *value = bounds.first + static_cast<int>(i);
    return "";
  }
  return Number(text, value);
}

std::string RangeFault(std::string_view text, const Bounds& bounds) {
  const auto parts = base::Split(text, '/');
  const auto ends = base::Split(parts[0], '-');
  int start = bounds.least, end = bounds.most, step = 1;
  if (ends[0] != "*" && ends[0] != "?") {
    if (std::string fault = NumberOrName(ends[0], bounds, &start); !fault.empty()) return fault;
    end = start;
    if (ends.size() == 2) {
      if (std::string fault = NumberOrName(ends[1], bounds, &end); !fault.empty()) return fault;
    } else if (ends.size() > 2) {
      return fmt::format("too many hyphens: {}", text);
    }
  }
  if (parts.size() == 2) {
    if (std::string fault = Number(parts[1], &step); !fault.empty()) return fault;
    if (ends.size() == 1) end = bounds.most;
  } else if (parts.size() > 2) {
    return fmt::format("too many slashes: {}", text);
  }
  if (start < bounds.least)
    return fmt::format("beginning of range ({}) below minimum ({}): {}", start, bounds.least, text);
  if (end > bounds.most)
    return fmt::format("end of range ({}) above maximum ({}): {}", end, bounds.most, text);
  if (start > end)
    return fmt::format("beginning of range ({}) beyond end of range ({}): {}", start, end, text);
  if (step == 0) return fmt::format("step of range should be a positive number: {}", text);
  return "";
}

std::string WordFault(std::string_view word) {
  for (const char* known :
       {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}) {
    if (word == known) return "";
  }
  constexpr std::string_view kEvery = "@every ";
  if (!word.starts_with(kEvery)) return fmt::format("unrecognized descriptor: {}", word);
  absl::Duration duration;
  const std::string_view given = word.substr(kEvery.size());
  if (absl::ParseDuration(base::ToAbsl(given), &duration)) return "";
  return fmt::format("failed to parse duration {}: time: invalid duration \"{}\"", word, given);
}

}  // namespace

std::string ScheduleFault(std::string_view schedule) {
  if (schedule.starts_with('@')) return WordFault(schedule);
  std::vector<std::string_view> fields;
  for (std::string_view field : base::Split(schedule, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() != 5) {
    std::string list;
    for (std::string_view field : fields)
      list += fmt::format("{}{}", list.empty() ? "" : " ", field);
    return fmt::format("expected exactly 5 fields, found {}: [{}]", fields.size(), list);
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    for (std::string_view part : base::Split(fields[i], ',')) {
      if (part.empty()) continue;
      if (std::string fault = RangeFault(part, FieldBounds()[i]); !fault.empty()) return fault;
    }
  }
  return "";
}

}  // namespace opsmesh::kubesim
