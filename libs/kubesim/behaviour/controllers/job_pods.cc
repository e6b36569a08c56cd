// How many pods of a Job should run, and which are made.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/job_sync.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {

void JobController::ManagePods(Sync& sync) {
  if (sync.suspended) return;
  int64_t wanted = sync.parallelism;
  if (sync.work_queue) {
    if (sync.succeeded > 0) wanted = sync.active;
  } else {
    wanted = std::min(sync.parallelism,
                      sync.completions - sync.succeeded - static_cast<int64_t>(sync.lost.size()));
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
  if (sync.failures_in_a_row > 0 && !sync.per_index) {
    const absl::Time due = sync.last_failure + job::BackOff(sync.failures_in_a_row);
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
      while (index < sync.completions && !Free(sync, index)) ++index;
      if (index >= sync.completions) return;
      sync.running.insert(index);
    }
    if (!MakePod(sync, index)) return;
    ++sync.active;
  }
}

// Whether an index may have a pod now; the time until it may is noted otherwise.
bool JobController::Free(Sync& sync, int64_t index) const {
  if (sync.done.contains(index) || sync.running.contains(index) || sync.lost.contains(index))
    return false;
  auto failure = sync.failures.find(index);
  if (failure == sync.failures.end()) return true;
  const absl::Time due =
      failure->second.end + job::BackOff(failure->second.count + failure->second.ignored + 1);
  if (due <= engine_.Now()) return true;
  sync.wait = std::min(sync.wait, due - engine_.Now());
  return false;
}

bool JobController::MakePod(Sync& sync, int64_t index) {
  Json pod =
      PodFromTemplate(At(sync.json, {"spec", "template"}), sync.object->ns,
                      ControllerReference(jobs_.type(), *sync.object), sync.object->name + "-");
  pod["metadata"]["finalizers"].push_back(job::kTracking);
  if (sync.indexed) {
    const std::string number = std::to_string(index);
    pod["metadata"]["generateName"] = fmt::format("{}-{}-", sync.object->name, index);
    pod["metadata"]["annotations"][job::kIndex] = number;
    pod["metadata"]["labels"][job::kIndex] = number;
    if (sync.per_index) {
      int64_t failed = 0, ignored = 0;
      if (auto before = sync.failures.find(index); before != sync.failures.end()) {
        failed = before->second.count + !before->second.was_ignored;
        ignored = before->second.ignored + before->second.was_ignored;
      }
      pod["metadata"]["annotations"][job::kFailureCount] = std::to_string(failed);
      if (ignored > 0) pod["metadata"]["annotations"][job::kIgnoredCount] = std::to_string(ignored);
    }
    pod["spec"]["hostname"] = fmt::format("{}-{}", sync.object->name, index);
    const std::string path = fmt::format("metadata.labels['{}']", job::kIndex);
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

}  // namespace opsmesh::kubesim
