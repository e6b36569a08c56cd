// After pkg/controller/job of Kubernetes 1.32 (counting, back-off, conditions, texts).
#include "libs/kubesim/behaviour/controllers/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "libs/kubesim/behaviour/controllers/job_indexes.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const EventSource kSource{"job-controller", ""};
constexpr const char* kTracking = "batch.kubernetes.io/job-tracking";
constexpr const char* kIndex = "batch.kubernetes.io/job-completion-index";
constexpr absl::Duration kFirstBackOff = absl::Seconds(10);
constexpr absl::Duration kMaxBackOff = absl::Minutes(10);

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

// When the last container ended.
absl::Time EndOf(const Json& pod, absl::Time otherwise) {
  absl::Time end = absl::InfinitePast();
  for (const Json& status : ListAt(pod, {"status", "containerStatuses"}))
    end = std::max(end, TimeAt(status, {"state", "terminated", "finishedAt"}));
  return end == absl::InfinitePast() ? otherwise : end;
}

bool Holds(const Json& status, const char* type) {
  return TextAt(ConditionOf(status, type), "status") == "True";
}

// An ended pod is counted once: with its finalizer goes its vote.
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

}  // namespace

struct JobController::Sync {
  ObjectPtr object;
  Json json;
  Json status;
  std::vector<const PodView*> pods;
  bool indexed = false;
  bool work_queue = false;  // no completions: any success is the end
  int64_t completions = 1, parallelism = 1;
  int64_t active = 0, ready = 0, terminating = 0, succeeded = 0, failed = 0, restarts = 0;
  std::set<int64_t> done;  // indexes
  std::set<int64_t> running;
  Verdict policy;  // a failure policy's word
  absl::Time last_failure = absl::InfinitePast();
  int64_t failures_in_a_row = 0;
  absl::Duration wait = absl::InfiniteDuration();
  bool suspended = false;
  bool failed_to_write = false;
};

JobController::JobController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      jobs_(engine.InformerOf("batch", "jobs")),
      queue_(engine.AddQueue("job", [this](const std::string& key) { return Run(key); })) {
  jobs_.OnChange([this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  pods_.informer().OnChange([this](const Seen& seen) {
    const Json& owner = ControllerOf(seen.any_json());
    if (TextAt(owner, "kind") == "Job") queue_.Add(KeyOf(seen.any().ns, TextAt(owner, "name")));
    // A pod whose Job is gone is nobody's count any more.
    if (!seen.now || !Tracked(seen.now_json) ||
        (TextAt(owner, "kind") == "Job" && jobs_.Get(seen.now->ns, TextAt(owner, "name"))))
      return;
    TakeTracking(engine_, pods_.Of(seen.now));
  });
}

void JobController::Say(const Sync& sync, std::string_view type, std::string_view reason,
                        const std::string& message) {
  engine_.events().Record(kSource, jobs_.type(), *sync.object, type, reason, message);
}

// A Job that was loaded rather than created has no selector of its own yet.
void JobController::Identify(Sync& sync) {
  if (At(sync.json, {"spec", "selector"}).is_object()) return;
  auto written =
      engine_.client().Change(jobs_.type(), sync.object->ns, sync.object->name, [&](Json& job) {
        job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] =
            sync.object->uid;
        Json& labels = job["spec"]["template"]["metadata"]["labels"];
        for (const char* key : {"batch.kubernetes.io/controller-uid", "controller-uid"})
          labels[key] = sync.object->uid;
        for (const char* key : {"batch.kubernetes.io/job-name", "job-name"})
          labels[key] = sync.object->name;
        return true;
      });
  if (!written.ok()) return;
  sync.object = *written;
  sync.json = sync.object->Parse();
}

Next JobController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = jobs_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  sync.status = At(sync.json, "status");
  if (!sync.status.is_object()) sync.status = Json::object();
  if (!TextAt(sync.json, {"spec", "managedBy"}).empty() &&
      TextAt(sync.json, {"spec", "managedBy"}) != "kubernetes.io/job-controller")
    return Next::Done();
  if (Holds(sync.status, "Complete") || Holds(sync.status, "Failed")) return AfterEnd(sync);
  Identify(sync);
  sync.status = At(sync.json, "status").is_object() ? At(sync.json, "status") : Json::object();
  sync.parallelism = IntAt(sync.json, {"spec", "parallelism"}, 1);
  sync.work_queue = !At(sync.json, {"spec", "completions"}).is_number();
  sync.completions = IntAt(sync.json, {"spec", "completions"}, 1);
  sync.indexed = TextAt(sync.json, {"spec", "completionMode"}) == "Indexed";
  sync.suspended = BoolAt(sync.json, {"spec", "suspend"});
  sync.pods = pods_.ControlledBy(sync.object->uid);
  sync.succeeded = IntAt(sync.status, "succeeded");
  sync.failed = IntAt(sync.status, "failed");
  if (sync.indexed)
    sync.done = ParseIndexes(TextAt(sync.status, "completedIndexes"), sync.completions);
  if (TextAt(sync.status, "startTime").empty() && !sync.suspended)
    sync.status["startTime"] = base::Rfc3339(engine_.Now());
  Count(sync);
  const Verdict verdict = Judge(sync);
  if (!verdict.reason.empty()) {
    for (const PodView* pod : sync.pods) {
      if (pod->active()) DeletePod(sync, *pod);
    }
  } else {
    Suspend(sync);
    if (!BeingDeleted(sync.json)) ManagePods(sync);
  }
  return Write(sync, verdict);
}

// A finished Job is swept away when it says how long it may stay.
Next JobController::AfterEnd(const Sync& sync) {
  for (const PodView* pod : pods_.ControlledBy(sync.object->uid)) {
    if (Tracked(*engine_.Parsed(pod->object))) TakeTracking(engine_, *pod);
  }
  if (!At(sync.json, {"spec", "ttlSecondsAfterFinished"}).is_number() || BeingDeleted(sync.json))
    return Next::Done();
  const Json& end = Holds(sync.status, "Complete") ? ConditionOf(sync.status, "Complete")
                                                   : ConditionOf(sync.status, "Failed");
  const absl::Time due = TimeAt(end, {"lastTransitionTime"}, engine_.Now()) +
                         absl::Seconds(IntAt(sync.json, {"spec", "ttlSecondsAfterFinished"}));
  if (due > engine_.Now()) return Next::Background(due - engine_.Now());
  (void)engine_.client().Delete(jobs_.type(), sync.object->ns, sync.object->name,
                                {{"propagationPolicy", "Foreground"}}, sync.object->uid);
  return Next::Done();
}

bool JobController::FailsByPolicy(const Sync& sync, const PodView& pod, const Json& json,
                                  Verdict* verdict, bool* ignored) const {
  int number = -1;
  for (const Json& rule : ListAt(sync.json, {"spec", "podFailurePolicy", "rules"})) {
    ++number;
    const std::string action = TextAt(rule, "action");
    std::string message;
    const Json& codes = At(rule, "onExitCodes");
    for (const Json& status : ListAt(json, {"status", "containerStatuses"})) {
      if (!codes.is_object() || !At(status, {"state", "terminated"}).is_object()) continue;
      if (!TextAt(codes, "containerName").empty() &&
          TextAt(codes, "containerName") != TextAt(status, "name"))
        continue;
      const int64_t code = IntAt(status, {"state", "terminated", "exitCode"});
      const Json& values = ListAt(codes, {"values"});
      const bool in = std::find(values.begin(), values.end(), code) != values.end();
      if (code == 0 || in != (TextAt(codes, "operator") == "In")) continue;
      message = fmt::format(
          "Container {} for pod {}/{} failed with exit code {} matching {} rule at index {}",
          TextAt(status, "name"), sync.object->ns, pod.name(), code, action, number);
    }
    for (const Json& pattern : ListAt(rule, {"onPodConditions"})) {
      const std::string wanted =
          TextAt(pattern, "status").empty() ? "True" : TextAt(pattern, "status");
      if (TextAt(ConditionOf(At(json, "status"), TextAt(pattern, "type")), "status") != wanted)
        continue;
      message = fmt::format("Pod {}/{} has condition {} matching {} rule at index {}",
                            sync.object->ns, pod.name(), TextAt(pattern, "type"), action, number);
    }
    if (message.empty()) continue;
    if (action == "FailJob") *verdict = {"PodFailurePolicy", message, false};
    *ignored = action == "Ignore";
    return true;
  }
  return false;
}

void JobController::Count(Sync& sync) {
  const bool only_failed = TextAt(sync.json, {"spec", "podReplacementPolicy"}) == "Failed";
  const bool on_failure =
      TextAt(sync.json, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
  absl::Time last_success = absl::InfinitePast();
  std::vector<absl::Time> ends;
  for (const PodView* pod : sync.pods) {
    const auto json = engine_.Parsed(pod->object);
    const bool failed =
        pod->phase == "Failed" || (pod->deleted && pod->phase != "Succeeded" && !only_failed);
    const bool succeeded = pod->phase == "Succeeded";
    if (on_failure && pod->phase != "Failed") {
      for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        for (const Json& status : ListAt(*json, {"status", list}))
          sync.restarts += IntAt(status, "restartCount");
      }
    }
    if (!failed && !succeeded) {
      if (pod->deleted) continue;
      ++sync.active;
      sync.ready += pod->ready;
      if (sync.indexed) sync.running.insert(IndexOf(*json));
      continue;
    }
    if (pod->deleted && !pod->finished()) ++sync.terminating;
    const absl::Time end =
        EndOf(*json, pod->deleted ? TimeAt(*json, {"metadata", "deletionTimestamp"}, engine_.Now())
                                  : engine_.Now());
    if (succeeded)
      last_success = std::max(last_success, end);
    else
      ends.push_back(end);
    if (!Tracked(*json)) continue;
    bool ignored = false;
    if (failed) FailsByPolicy(sync, *pod, *json, &sync.policy, &ignored);
    if (!TakeTracking(engine_, *pod)) continue;
    if (succeeded && sync.indexed) {
      sync.done.insert(IndexOf(*json));
      sync.succeeded = static_cast<int64_t>(sync.done.size());
    } else if (succeeded) {
      ++sync.succeeded;
    } else if (!ignored) {
      ++sync.failed;
    }
  }
  for (absl::Time end : ends) {
    if (end <= last_success) continue;
    ++sync.failures_in_a_row;
    sync.last_failure = std::max(sync.last_failure, end);
  }
}

JobController::Verdict JobController::Judge(const Sync& sync) {
  // A decision that waits for the last pods stays.
  for (const char* type : {"FailureTarget", "SuccessCriteriaMet"}) {
    const Json& condition = ConditionOf(sync.status, type);
    if (TextAt(condition, "status") == "True")
      return {TextAt(condition, "reason"), TextAt(condition, "message"),
              std::string_view(type) == "SuccessCriteriaMet"};
  }
  if (!sync.policy.reason.empty()) return sync.policy;
  const int64_t limit = IntAt(sync.json, {"spec", "backoffLimit"}, 6);
  const bool on_failure =
      TextAt(sync.json, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
  if (sync.failed > limit || (on_failure && sync.restarts > 0 && sync.restarts >= limit)) {
    return {"BackoffLimitExceeded", "Job has reached the specified backoff limit", false};
  }
  const Json& deadline = At(sync.json, {"spec", "activeDeadlineSeconds"});
  if (deadline.is_number() && !sync.suspended &&
      engine_.Now() - TimeAt(sync.status, {"startTime"}, engine_.Now()) >=
          absl::Seconds(deadline.get<int64_t>())) {
    return {"DeadlineExceeded", "Job was active longer than specified deadline", false};
  }
  const bool complete =
      sync.work_queue ? sync.succeeded > 0 && sync.active == 0 : sync.succeeded >= sync.completions;
  if (complete) return {"CompletionsReached", "Reached expected number of succeeded pods", true};
  return {};
}

void JobController::Suspend(Sync& sync) {
  const Json& condition = ConditionOf(sync.status, "Suspended");
  const Json probe = {{"lastProbeTime", base::Rfc3339(engine_.Now())}};
  if (sync.suspended) {
    for (const PodView* pod : sync.pods) {
      if (pod->active()) DeletePod(sync, *pod);
    }
    if (TextAt(condition, "status") == "True") return;
    SetCondition(sync.status, "Suspended", "True", "JobSuspended", "Job suspended", engine_.Now(),
                 probe);
    sync.status.erase("startTime");
    Say(sync, "Normal", "Suspended", "Job suspended");
  } else if (TextAt(condition, "status") == "True") {
    SetCondition(sync.status, "Suspended", "False", "JobResumed", "Job resumed", engine_.Now(),
                 probe);
    sync.status["startTime"] = base::Rfc3339(engine_.Now());
    Say(sync, "Normal", "Resumed", "Job resumed");
  }
}

void JobController::ManagePods(Sync& sync) {
  if (sync.suspended) return;
  int64_t wanted = sync.parallelism;
  if (sync.work_queue) {
    if (sync.succeeded > 0) wanted = sync.active;
  } else {
    wanted = std::min(sync.parallelism, sync.completions - sync.succeeded);
  }
  if (sync.active > wanted) {
    std::vector<const PodView*> active;
    for (const PodView* pod : sync.pods) {
      if (pod->active()) active.push_back(pod);
    }
    for (const PodView* pod :
         PodsToDelete(active, static_cast<size_t>(sync.active - wanted), {}, engine_.Now())) {
      DeletePod(sync, *pod);
      --sync.active;
    }
    return;
  }
  if (TextAt(sync.json, {"spec", "podReplacementPolicy"}) == "Failed") wanted -= sync.terminating;
  int64_t missing = wanted - sync.active;
  if (missing <= 0) return;
  if (sync.failures_in_a_row > 0) {
    absl::Duration delay = kFirstBackOff;
    for (int64_t i = 1; i < sync.failures_in_a_row && delay < kMaxBackOff; ++i) delay *= 2;
    const absl::Time due = sync.last_failure + std::min(delay, kMaxBackOff);
    if (due > engine_.Now()) {
      sync.wait = std::min(sync.wait, due - engine_.Now());
      return;
    }
  }
  const int64_t allowed = pods_.Admit(missing);
  if (allowed < missing) sync.wait = std::min(sync.wait, absl::Seconds(1));
  missing = allowed;
  int64_t index = 0;
  for (; missing > 0; --missing) {
    if (sync.indexed) {
      while (index < sync.completions &&
             (sync.done.contains(index) || sync.running.contains(index)))
        ++index;
      if (index >= sync.completions) return;
      sync.running.insert(index);
    }
    if (!MakePod(sync, index)) return;
    ++sync.active;
  }
}

bool JobController::MakePod(Sync& sync, int64_t index) {
  Json pod =
      PodFromTemplate(At(sync.json, {"spec", "template"}), sync.object->ns,
                      ControllerReference(jobs_.type(), *sync.object), sync.object->name + "-");
  pod["metadata"]["finalizers"].push_back(kTracking);
  if (sync.indexed) {
    const std::string number = std::to_string(index);
    pod["metadata"]["generateName"] = fmt::format("{}-{}-", sync.object->name, index);
    pod["metadata"]["annotations"][kIndex] = number;
    pod["metadata"]["labels"][kIndex] = number;
    pod["spec"]["hostname"] = fmt::format("{}-{}", sync.object->name, index);
    const std::string path = fmt::format("metadata.labels['{}']", kIndex);
    for (const char* list : {"containers", "initContainers"}) {
      if (!At(pod, {"spec", list}).is_array()) continue;
      for (Json& container : pod["spec"][list]) {
        container["env"].push_back({{"name", "JOB_COMPLETION_INDEX"},
                                    {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}});
      }
    }
  }
  auto made = engine_.client().Create(engine_.Type("", "pods"), std::move(pod));
  if (made.ok()) {
    Say(sync, "Normal", "SuccessfulCreate", "Created pod: " + (*made)->name);
    return true;
  }
  if (!made.status().causes.empty() && made.status().causes[0].reason == "NamespaceTerminating")
    return false;
  Say(sync, "Warning", "FailedCreate", "Error creating: " + made.status().message);
  sync.failed_to_write = true;
  return false;
}

void JobController::DeletePod(Sync& sync, const PodView& pod) {
  auto refused = engine_.client().Delete(engine_.Type("", "pods"), sync.object->ns, pod.name(),
                                         Json::object(), pod.object->uid);
  if (!refused) Say(sync, "Normal", "SuccessfulDelete", "Deleted pod: " + pod.name());
}

Next JobController::Write(Sync& sync, const Verdict& verdict) {
  const Json probe = {{"lastProbeTime", base::Rfc3339(engine_.Now())}};
  bool over = false;
  if (!verdict.reason.empty()) {
    SetCondition(sync.status, verdict.success ? "SuccessCriteriaMet" : "FailureTarget", "True",
                 verdict.reason, verdict.message, engine_.Now(), probe);
    over = true;  // the end is told when the last pod is gone
    for (const PodView* pod : sync.pods) over &= pod->finished();
    sync.active = 0;
    sync.ready = 0;
    if (over) {
      SetCondition(sync.status, verdict.success ? "Complete" : "Failed", "True", verdict.reason,
                   verdict.message, engine_.Now(), probe);
      if (verdict.success) {
        sync.status["completionTime"] = base::Rfc3339(engine_.Now());
        Say(sync, "Normal", "Completed", "Job completed");
      } else {
        Say(sync, "Warning", verdict.reason, verdict.message);
      }
    }
  }
  SetCount(sync.status, "active", sync.active);
  sync.status["ready"] = sync.ready;
  sync.status["terminating"] = sync.terminating;
  SetCount(sync.status, "succeeded", sync.succeeded);
  SetCount(sync.status, "failed", sync.failed);
  sync.status["uncountedTerminatedPods"] = Json::object();
  if (sync.indexed && !sync.done.empty())
    sync.status["completedIndexes"] = FormatIndexes(sync.done);
  auto written = engine_.client().Change(
      jobs_.type(), sync.object->ns, sync.object->name,
      [&](Json& job) {
        if (At(job, "status") == sync.status) return false;
        job["status"] = sync.status;
        return true;
      },
      sync.object->uid);
  if (sync.failed_to_write || (!written.ok() && written.status().code != 404)) return Next::Retry();
  if (over) return Next::After(absl::ZeroDuration());
  const Json& deadline = At(sync.json, {"spec", "activeDeadlineSeconds"});
  if (deadline.is_number() && !sync.suspended && verdict.reason.empty()) {
    const absl::Time due =
        TimeAt(sync.status, {"startTime"}, engine_.Now()) + absl::Seconds(deadline.get<int64_t>());
    sync.wait = std::min(sync.wait, std::max(absl::Milliseconds(1), due - engine_.Now()));
  }
  return sync.wait == absl::InfiniteDuration() ? Next::Done() : Next::After(sync.wait);
}

}  // namespace opsmesh::kubesim
