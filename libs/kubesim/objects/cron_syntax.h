// Schedules of CronJobs: five fields or a word, and the sentences about those that are neither. The
// syntax is that of crontab(5) with names of months and days, "?" and @words.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::kubesim {

/// Why a schedule cannot be read; "" when it can.
std::string ScheduleFault(std::string_view schedule);

}  // namespace opsmesh::kubesim
