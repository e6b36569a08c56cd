// One synchronisation of a Job; for the files of the Job controller alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/kubesim/behaviour/controllers/job.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

struct JobController::Sync {
  ObjectPtr object;
  Json json;
  Json status;
  std::vector<const PodView*> pods;
  bool indexed = false;
  bool work_queue = false;  // no completions: any success is the end
  bool per_index = false;   // each index has a back-off limit of its own
  int64_t completions = 1, parallelism = 1;
  int64_t active = 0, ready = 0, terminating = 0, succeeded = 0, failed = 0, restarts = 0;
  std::set<int64_t> done, lost;  // indexes that succeeded, that failed for good
  std::set<int64_t> running;
  struct Failure {  // the latest of an index
    const PodView* pod = nullptr;
    int64_t count = 0, ignored = 0;  // failures before this one
    absl::Time end;
    bool was_ignored = false;
  };
  std::map<int64_t, Failure> failures;  // by index
  std::vector<const PodView*> held;     // counted when their index has another pod, or at the end
  Verdict policy;                       // a failure policy's word
  absl::Time last_failure = absl::InfinitePast();
  int64_t failures_in_a_row = 0;
  absl::Duration wait = absl::InfiniteDuration();
  bool suspended = false;
  bool failed_to_write = false;
};

namespace job {

constexpr const char* kTracking = "batch.kubernetes.io/job-tracking";
constexpr const char* kIndex = "batch.kubernetes.io/job-completion-index";
constexpr const char* kFailureCount = "batch.kubernetes.io/job-index-failure-count";
constexpr const char* kIgnoredCount = "batch.kubernetes.io/job-index-ignored-failure-count";

/// Whether a pod still waits to be counted.
bool Tracked(const Json& pod);
/// Counts it, once: with its finalizer goes its vote. False when that could not be written.
bool TakeTracking(Engine& engine, const PodView& pod);
/// -1 without one.
int64_t IndexOf(const Json& pod);
/// 10 s after the first failure, then twice as long each time, up to ten minutes.
absl::Duration BackOff(int64_t failures);

}  // namespace job
}  // namespace opsmesh::kubesim
