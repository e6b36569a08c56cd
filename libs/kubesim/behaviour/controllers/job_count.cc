// What the pods of a Job say: who runs, who ended and how, and what that means for the Job.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libs/kubesim/behaviour/controllers/job_indexes.h"
#include "libs/kubesim/behaviour/controllers/job_sync.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace job {
namespace {

int64_t NumberAt(const Json& pod, const char* name, int64_t otherwise) {
  const std::string text = TextAt(At(pod, {"metadata", "annotations"}), name);
  int64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// When a pod was over: its last container's end, since when it is not ready, when it was deleted
// or, where nothing of these is known, when it was made.
absl::Time EndOf(const Json& pod) {
  absl::Time end = absl::InfinitePast();
  bool all = true;
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"})) {
    all = all && At(status, {"state", "terminated"}).is_object();
    end = std::max(end, TimeAt(status, {"state", "terminated", "finishedAt"}));
  }
  if (all && end != absl::InfinitePast()) return end;
  const Json& ready = ConditionOf(At(pod, "status"), "Ready");
  if (TextAt(ready, "status") == "False" && !TextAt(ready, "lastTransitionTime").empty())
    return TimeAt(ready, {"lastTransitionTime"});
  if (!TextAt(pod, {"metadata", "deletionTimestamp"}).empty())
    return TimeAt(pod, {"metadata", "deletionTimestamp"}) -
           absl::Seconds(IntAt(pod, {"metadata", "deletionGracePeriodSeconds"}));
  return TimeAt(pod, {"metadata", "creationTimestamp"});
}

int64_t RestartsOf(const Json& pod) {
  int64_t restarts = 0;
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Json& status : ListAt(pod, {"status", list}))
      restarts += IntAt(status, "restartCount");
  }
  return restarts;
}

}  // namespace

bool Tracked(const Json& pod) {
  for (const Json& one : ListAt(pod, {"metadata", "finalizers"})) {
    if (one == kTracking) return true;
  }
  return false;
}

int64_t IndexOf(const Json& pod) {
  std::string text = TextAt(At(pod, {"metadata", "annotations"}), kIndex);
  if (text.empty()) text = TextAt(At(pod, {"metadata", "labels"}), kIndex);
  int64_t index = -1;
  std::from_chars(text.data(), text.data() + text.size(), index);
  return index;
}

bool TakeTracking(Engine& engine, const PodView& pod) {
  auto written = engine.client().Change(
      engine.Type("", "pods"), pod.object->ns, pod.name(),
      [](Json& json) {
        Json kept = Json::array();
        for (const Json& one : ListAt(json, {"metadata", "finalizers"})) {
          if (one != kTracking) kept.push_back(one);
        }
        if (kept.empty())
          json["metadata"].erase("finalizers");
        else
          json["metadata"]["finalizers"] = kept;
        return true;
      },
      pod.object->uid);
  return written.ok() || written.status().code == 404;
}

absl::Duration BackOff(int64_t failures) {
  constexpr absl::Duration kFirst = absl::Seconds(10), kMost = absl::Minutes(10);
  absl::Duration delay = kFirst;
  for (int64_t i = 1; i < failures && delay < kMost; ++i) delay *= 2;
  return std::min(delay, kMost);
}

}  // namespace job

// The action of the first rule that a failed pod matches; "" when none does.
std::string JobController::PolicyAction(const Sync& sync, const PodView& pod, const Json& json,
                                        std::string* message) const {
  int number = -1;
  for (const Json& rule : ListAt(sync.json, {"spec", "podFailurePolicy", "rules"})) {
    ++number;
    const std::string action = TextAt(rule, "action");
    message->clear();
    const Json& codes = At(rule, "onExitCodes");
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
      for (const Json& status : ListAt(json, {"status", list})) {
        if (!codes.is_object() || !At(status, {"state", "terminated"}).is_object()) continue;
        if (!TextAt(codes, "containerName").empty() &&
            TextAt(codes, "containerName") != TextAt(status, "name"))
          continue;
        const int64_t code = IntAt(status, {"state", "terminated", "exitCode"});
        const Json& values = ListAt(codes, {"values"});
        const bool in = std::find(values.begin(), values.end(), code) != values.end();
        if (code == 0 || in != (TextAt(codes, "operator") == "In")) continue;
        *message = fmt::format(
            "Container {} for pod {}/{} failed with exit code {} matching {} rule at index {}",
            TextAt(status, "name"), sync.object->ns, pod.name(), code, action, number);
      }
    }
    for (const Json& pattern : ListAt(rule, {"onPodConditions"})) {
      const std::string wanted =
          TextAt(pattern, "status").empty() ? "True" : TextAt(pattern, "status");
      if (TextAt(ConditionOf(At(json, "status"), TextAt(pattern, "type")), "status") != wanted)
        continue;
      *message = fmt::format("Pod {}/{} has condition {} matching {} rule at index {}",
                             sync.object->ns, pod.name(), TextAt(pattern, "type"), action, number);
    }
    if (!message->empty()) return action;
  }
  return "";
}

// A failure of an index with a limit of its own.
void JobController::NoteFailure(Sync& sync, const PodView& pod, const Json& json,
                                const std::string& action, absl::Time end) {
  const int64_t index = job::IndexOf(json);
  const int64_t count = job::NumberAt(json, job::kFailureCount, 0);
  const int64_t ignored = job::NumberAt(json, job::kIgnoredCount, 0);
  Sync::Failure& latest = sync.failures[index];
  if (latest.pod == nullptr || count + ignored > latest.count + latest.ignored)
    latest = {&pod, count, ignored, end, action == "Ignore"};
  const bool over =
      action != "Ignore" && count >= IntAt(sync.json, {"spec", "backoffLimitPerIndex"});
  if (action == "FailIndex" || over) sync.lost.insert(index);
}

struct JobController::Ended {
  const PodView* pod;
  int64_t index;
  bool succeeded, ignored;
};

void JobController::Count(Sync& sync) {
  // Pods that are stopped because the Job's end is decided are no failures of their index.
  const bool decided = TextAt(ConditionOf(sync.status, "FailureTarget"), "status") == "True" ||
                       TextAt(ConditionOf(sync.status, "SuccessCriteriaMet"), "status") == "True";
  const bool only_failed = TextAt(sync.json, {"spec", "podReplacementPolicy"}) == "Failed";
  const bool on_failure =
      TextAt(sync.json, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
  std::vector<Ended> tracked;
  absl::Time last_success = absl::InfinitePast();
  std::vector<absl::Time> failures;
  for (const PodView* pod : sync.pods) {
    const auto json = engine_.Parsed(pod->object);
    if (on_failure && pod->phase != "Failed") sync.restarts += job::RestartsOf(*json);
    if (pod->deleted && !pod->finished()) ++sync.terminating;
    // One that is deleted before it could run never gets to its phase.
    const bool failed =
        pod->phase == "Failed" ||
        (pod->deleted && (only_failed ? pod->phase == "Pending" : pod->phase != "Succeeded"));
    if (!failed && pod->phase != "Succeeded") {
      if (!pod->deleted) CountActive(sync, *pod, *json);
      continue;
    }
    bool ignored = false;
    if (failed) {
      ignored = JudgeFailure(sync, *pod, *json, decided);
      if (!ignored) failures.push_back(job::EndOf(*json));
    } else {
      last_success = std::max(last_success, job::EndOf(*json));
    }
    if (job::Tracked(*json)) tracked.push_back({pod, job::IndexOf(*json), !failed, ignored});
  }
  for (const Ended& one : tracked) CountEnded(sync, one, decided);
  for (absl::Time end : failures) {
    if (end <= last_success) continue;
    ++sync.failures_in_a_row;
    sync.last_failure = std::max(sync.last_failure, end);
  }
}

void JobController::CountActive(Sync& sync, const PodView& pod, const Json& json) {
  ++sync.active;
  sync.ready += pod.ready;
  if (sync.indexed) sync.running.insert(job::IndexOf(json));
}

bool JobController::JudgeFailure(Sync& sync, const PodView& pod, const Json& json, bool decided) {
  std::string message, action;
  if (pod.phase == "Failed") action = PolicyAction(sync, pod, json, &message);
  if (action == "FailJob" && job::Tracked(json)) sync.policy = {"PodFailurePolicy", message, false};
  if (sync.per_index && !decided) NoteFailure(sync, pod, json, action, job::EndOf(json));
  return action == "Ignore";
}

void JobController::CountEnded(Sync& sync, const Ended& one, bool decided) {
  // How often an index failed stands on its last pod: that is kept until the next one is there.
  const bool hold = sync.per_index && !decided && !one.succeeded && sync.policy.reason.empty() &&
                    sync.failures[one.index].pod == one.pod && !sync.lost.contains(one.index) &&
                    !sync.running.contains(one.index) && !sync.done.contains(one.index);
  if (hold) {
    if (!one.ignored) sync.held.push_back(one.pod);
    return;
  }
  if (!job::TakeTracking(engine_, *one.pod)) return;
  if (one.succeeded && sync.indexed) {
    sync.done.insert(one.index);
    sync.succeeded = static_cast<int64_t>(sync.done.size());
  } else if (one.succeeded) {
    ++sync.succeeded;
  } else if (!one.ignored) {
    ++sync.failed;
  }
}

// Which rule of the success policy is met; -1 when none is.
int JobController::SuccessRule(const Sync& sync) const {
  if (!sync.indexed) return -1;
  int number = -1;
  for (const Json& rule : ListAt(sync.json, {"spec", "successPolicy", "rules"})) {
    ++number;
    const std::string indexes = TextAt(rule, "succeededIndexes");
    const Json& wanted = At(rule, "succeededCount");
    std::set<int64_t> among = sync.done;
    int64_t needed = wanted.is_number() ? wanted.get<int64_t>() : 0;
    if (!indexes.empty()) {
      const std::set<int64_t> named = ParseIndexes(indexes, sync.completions);
      std::erase_if(among, [&](int64_t index) { return !named.contains(index); });
      if (!wanted.is_number()) needed = static_cast<int64_t>(named.size());
    }
    if (needed > 0 && static_cast<int64_t>(among.size()) >= needed) return number;
  }
  return -1;
}

JobController::Verdict JobController::Judge(const Sync& sync) {
  // A decision that waits for the last pods stays.
  for (const char* type : {"SuccessCriteriaMet", "FailureTarget"}) {
    const Json& condition = ConditionOf(sync.status, type);
    if (TextAt(condition, "status") == "True")
      return {TextAt(condition, "reason"), TextAt(condition, "message"),
              std::string_view(type) == "SuccessCriteriaMet"};
  }
  if (!sync.policy.reason.empty()) return sync.policy;
  const int64_t limit = IntAt(sync.json, {"spec", "backoffLimit"}, sync.per_index ? 2147483647 : 6);
  const bool on_failure =
      TextAt(sync.json, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
  const int64_t failed = sync.failed + static_cast<int64_t>(sync.held.size());
  if (failed > limit || (on_failure && sync.restarts > 0 && sync.restarts >= limit)) {
    return {"BackoffLimitExceeded", "Job has reached the specified backoff limit", false};
  }
  const Json& deadline = At(sync.json, {"spec", "activeDeadlineSeconds"});
  if (deadline.is_number() && !sync.suspended &&
      engine_.Now() - TimeAt(sync.status, {"startTime"}, engine_.Now()) >=
          absl::Seconds(deadline.get<int64_t>())) {
    return {"DeadlineExceeded", "Job was active longer than specified deadline", false};
  }
  const int64_t lost = static_cast<int64_t>(sync.lost.size());
  const Json& most = At(sync.json, {"spec", "maxFailedIndexes"});
  if (sync.per_index && most.is_number() && lost > most.get<int64_t>())
    return {"MaxFailedIndexesExceeded",
            "Job has exceeded the specified maximal number of failed indexes", false};
  if (lost > 0 && lost + static_cast<int64_t>(sync.done.size()) >= sync.completions)
    return {"FailedIndexes", "Job has failed indexes", false};
  if (const int rule = SuccessRule(sync); rule >= 0)
    return {"SuccessPolicy", fmt::format("Matched rules at index {}", rule), true};
  const bool complete =
      sync.work_queue ? sync.succeeded > 0 && sync.active == 0 : sync.succeeded >= sync.completions;
  if (complete) return {"CompletionsReached", "Reached expected number of succeeded pods", true};
  return {};
}

}  // namespace opsmesh::kubesim
