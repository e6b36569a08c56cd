// After pkg/controller/job of Kubernetes 1.32 (counting, back-off, conditions, texts).
#include "libs/kubesim/behaviour/controllers/job.h"

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/job_indexes.h"
#include "libs/kubesim/behaviour/controllers/job_sync.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

const EventSource kSource{"job-controller", ""};

bool Holds(const Json& status, const char* type) {
  return TextAt(ConditionOf(status, type), "status") == "True";
}

}  // namespace

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
    if (!seen.now || !job::Tracked(seen.now_json) ||
        (TextAt(owner, "kind") == "Job" && jobs_.Get(seen.now->ns, TextAt(owner, "name"))))
      return;
    job::TakeTracking(engine_, pods_.Of(seen.now));
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
  sync.per_index = sync.indexed && At(sync.json, {"spec", "backoffLimitPerIndex"}).is_number();
  sync.pods = ClaimPods(engine_, pods_, jobs_.type(), *sync.object, sync.json);
  sync.succeeded = IntAt(sync.status, "succeeded");
  sync.failed = IntAt(sync.status, "failed");
  if (sync.indexed)
    sync.done = ParseIndexes(TextAt(sync.status, "completedIndexes"), sync.completions);
  if (sync.per_index)
    sync.lost = ParseIndexes(TextAt(sync.status, "failedIndexes"), sync.completions);
  if (TextAt(sync.status, "startTime").empty() && !sync.suspended)
    sync.status["startTime"] = base::Rfc3339(engine_.Now());
  Count(sync);
  const Verdict verdict = Judge(sync);
  if (!verdict.reason.empty()) {
    for (const PodView* pod : sync.held) sync.failed += job::TakeTracking(engine_, *pod);
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
    if (job::Tracked(*engine_.Parsed(pod->object))) job::TakeTracking(engine_, *pod);
  }
  if (!At(sync.json, {"spec", "ttlSecondsAfterFinished"}).is_number() || BeingDeleted(sync.json))
    return Next::Done();
  const Json& end = Holds(sync.status, "Complete") ? ConditionOf(sync.status, "Complete")
                                                   : ConditionOf(sync.status, "Failed");
  const absl::Time due = TimeAt(end, {"lastTransitionTime"}, engine_.Now()) +
                         absl::Seconds(IntAt(sync.json, {"spec", "ttlSecondsAfterFinished"}));
  if (due > engine_.Now()) return Next::After(due - engine_.Now());
  (void)engine_.client().Delete(jobs_.type(), sync.object->ns, sync.object->name,
                                {{"propagationPolicy", "Foreground"}}, sync.object->uid);
  return Next::Done();
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
  if (sync.per_index) sync.status["failedIndexes"] = FormatIndexes(sync.lost);
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
