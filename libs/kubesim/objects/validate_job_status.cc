// The status of a Job: it ends once, in one of two ways, and its counts fit each other.
#include <fmt/format.h>

#include <string>

#include "libs/base/clock.h"
#include "libs/kubesim/objects/validate_limits.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

bool Holds(const Json& status, const char* condition) {
  for (const Json& one : ListAt(status, {"conditions"})) {
    if (TextAt(one, "type") == condition && TextAt(one, "status") == "True") return true;
  }
  return false;
}

// A finding about the conditions as a whole: without a value.
void Conditions(Causes& causes, const char* why) {
  causes.push_back(
      {"FieldValueInvalid", fmt::format("Invalid value: {}", why), "status.conditions"});
}

struct JobStatus {
  const Json& now;
  const Json& then;
  bool complete = Holds(now, "Complete"), failed = Holds(now, "Failed");
  bool complete_changed = complete != Holds(then, "Complete"),
       failed_changed = failed != Holds(then, "Failed");

  bool finished() const { return complete || failed; }
  bool finished_changed() const {
    return finished() != (Holds(then, "Complete") || Holds(then, "Failed"));
  }
  bool Changed(const char* member) const { return At(now, member) != At(then, member); }
};

void EndsOnce(Causes& causes, const JobStatus& job) {
  if (job.complete && job.failed && (job.complete_changed || job.failed_changed))
    Conditions(causes, "cannot set Complete=True and Failed=true conditions");
  const bool target = Holds(job.now, "FailureTarget");
  if (job.complete && target &&
      (job.complete_changed || target != Holds(job.then, "FailureTarget")))
    Conditions(causes, "cannot set Complete=True and FailureTarget=true conditions");
  const std::string ended = TextAt(job.now, "completionTime"),
                    started = TextAt(job.now, "startTime");
  if (job.complete_changed || job.Changed("completionTime")) {
    if (!ended.empty() && !job.complete)
      InvalidText(causes, "status.completionTime", ended,
                  "cannot set completionTime when there is no Complete=True condition");
    if (ended.empty() && job.complete)
      Required(causes, "status.completionTime", "completionTime is required for Complete jobs");
  }
  absl::Time start, end;
  if ((job.Changed("startTime") || job.Changed("completionTime")) &&
      base::ParseRfc3339(started, &start) && base::ParseRfc3339(ended, &end) && end < start)
    InvalidText(causes, "status.completionTime", ended,
                "completionTime cannot be set before startTime");
  if (job.failed && !target && (job.failed_changed || job.Changed("failedIndexes")))
    Conditions(causes, "cannot set Failed=True condition without the FailureTarget=true condition");
  const bool met = Holds(job.now, "SuccessCriteriaMet");
  if (job.complete && !met &&
      (job.complete_changed || met != Holds(job.then, "SuccessCriteriaMet")))
    Conditions(causes,
               "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
}

}  // namespace

void ValidateJobStatus(Causes& causes, const Json& object, const Json& before) {
  const JobStatus job{At(object, "status"), before};
  for (const char* member : {"active", "succeeded", "failed", "ready", "terminating"})
    NonNegative(causes, job.now, member, "status.");
  EndsOnce(causes, job);
  const int64_t active = IntAt(job.now, "active"), ready = IntAt(job.now, "ready"),
                terminating = IntAt(job.now, "terminating");
  if (job.finished() && active > 0 && (job.finished_changed() || job.Changed("active")))
    InvalidNumber(causes, "status.active", active, "active>0 is invalid for finished job");
  const bool empty =
      BoolAt(object, {"spec", "suspend"}) && At(object, {"spec", "completions"}) == Json(0);
  if (job.finished() && TextAt(job.now, "startTime").empty() && !empty &&
      (job.finished_changed() || job.Changed("startTime")))
    Required(causes, "status.startTime", "startTime is required for finished job");
  if (job.finished() && terminating > 0 && (job.finished_changed() || job.Changed("terminating")))
    InvalidNumber(causes, "status.terminating", terminating,
                  "terminating>0 is invalid for finished job");
  if (At(job.now, "ready").is_number() && ready > active &&
      (job.Changed("ready") || job.Changed("active")))
    InvalidNumber(causes, "status.ready", ready, "cannot set more ready pods than active");
}

}  // namespace opsmesh::kubesim
