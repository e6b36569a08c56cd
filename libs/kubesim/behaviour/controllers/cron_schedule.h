// Schedules of CronJobs: five fields or a name (@hourly), in a time zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::kubesim {

/// Minute, hour, day of month, month, day of week with lists, ranges, steps and names; when both
/// days are restricted, one of them suffices. As robfig/cron, which Kubernetes uses. Immutable.
class CronSchedule {
 public:
  /// INVALID_ARGUMENT (SCHEDULE_INVALID) with the field that is wrong.
  static absl::StatusOr<CronSchedule> Parse(std::string_view text, absl::TimeZone zone);
  /// The first time after `time`; infinite future when there is none within five years.
  absl::Time Next(absl::Time time) const;

 private:
  uint64_t minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_day_ = false, any_weekday_ = false;
  absl::Duration every_ = absl::ZeroDuration();  // "@every 90s"
  absl::TimeZone zone_;
};

}  // namespace opsmesh::kubesim
