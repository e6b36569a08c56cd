// The Job controller: pods until enough have succeeded, or too many failed.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

class JobController final : public Part {
 public:
  JobController(Engine& engine, Pods& pods);

 private:
  struct Sync;
  struct Verdict {  // why a Job ends; empty reason = it goes on
    std::string reason, message;
    bool success = false;
  };
  Next Run(const std::string& key);
  Next AfterEnd(const Sync& sync);
  void Identify(Sync& sync);
  /// Counts pods that ended, once each: the finalizer goes when a pod is counted.
  void Count(Sync& sync);
  struct Ended;  // a pod whose end is not counted yet
  void CountActive(Sync& sync, const PodView& pod, const Json& json);
  /// True when the failure policy says to ignore it. `decided`: the Job is to end anyway.
  bool JudgeFailure(Sync& sync, const PodView& pod, const Json& json, bool decided);
  void CountEnded(Sync& sync, const Ended& one, bool decided);
  Verdict Judge(const Sync& sync);
  std::string PolicyAction(const Sync& sync, const PodView& pod, const Json& json,
                           std::string* message) const;
  void NoteFailure(Sync& sync, const PodView& pod, const Json& json, const std::string& action,
                   absl::Time end);
  int SuccessRule(const Sync& sync) const;
  bool Free(Sync& sync, int64_t index) const;
  void ManagePods(Sync& sync);
  bool MakePod(Sync& sync, int64_t index);
  void DeletePod(Sync& sync, const PodView& pod);
  void Suspend(Sync& sync);
  Next Write(Sync& sync, const Verdict& verdict);
  void Say(const Sync& sync, std::string_view type, std::string_view reason,
           const std::string& message);

  Engine& engine_;
  Pods& pods_;
  Informer& jobs_;
  WorkQueue& queue_;
};

}  // namespace opsmesh::kubesim
