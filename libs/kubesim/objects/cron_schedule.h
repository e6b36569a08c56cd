// Schedules of CronJobs: five fields or an @word, in a time zone, and the sentences about texts
// that are neither. The syntax is that of crontab(5) with names of months and days and "?", as
// robfig/cron, which Kubernetes uses, reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::kubesim {

/// Minute, hour, day of month, month, day of week with lists, ranges, steps and names; when both
/// days are restricted, one of them suffices. Immutable.
class CronSchedule {
 public:
  /// INVALID_ARGUMENT (SCHEDULE_INVALID) whose message is the sentence of the apiserver.
  static absl::StatusOr<CronSchedule> Parse(std::string_view text, absl::TimeZone zone);
  /// The first time after `time`; infinite future when there is none within five years.
  absl::Time Next(absl::Time time) const;

 private:
  uint64_t minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_day_ = false, any_weekday_ = false;
  absl::Duration every_ = absl::ZeroDuration();  // "@every 90s"
  absl::TimeZone zone_;
};

/// Why a schedule cannot be read; "" when it can.
std::string ScheduleFault(std::string_view schedule);

}  // namespace opsmesh::kubesim
