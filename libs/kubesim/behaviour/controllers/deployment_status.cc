#include "libs/kubesim/behaviour/controllers/deployment_status.h"

#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kNoDeadline = 2147483647;
constexpr const char* kDone = "NewReplicaSetAvailable";
constexpr const char* kTimedOut = "ProgressDeadlineExceeded";

bool MadeProgress(const Json& before, const Json& after) {
  const int64_t updated = IntAt(after, "updatedReplicas"),
                updated_before = IntAt(before, "updatedReplicas");
  return updated > updated_before ||
         IntAt(after, "replicas") - updated < IntAt(before, "replicas") - updated_before ||
         IntAt(after, "readyReplicas") > IntAt(before, "readyReplicas") ||
         IntAt(after, "availableReplicas") > IntAt(before, "availableReplicas");
}

absl::Time DeadlineOf(const Json& deployment, const Json& condition) {
  return TimeAt(condition, {"lastUpdateTime"}, absl::InfiniteFuture()) +
         absl::Seconds(IntAt(deployment, {"spec", "progressDeadlineSeconds"}));
}

}  // namespace

bool HasProgressDeadline(const Json& deployment) {
  const Json& deadline = At(deployment, {"spec", "progressDeadlineSeconds"});
  return deadline.is_number() && deadline.get<int64_t>() != kNoDeadline;
}

bool IsComplete(const Json& deployment, const Json& status) {
  const int64_t replicas = IntAt(deployment, {"spec", "replicas"}, 1);
  return IntAt(status, "updatedReplicas") == replicas && IntAt(status, "replicas") == replicas &&
         IntAt(status, "availableReplicas") == replicas &&
         IntAt(status, "observedGeneration") >= IntAt(deployment, {"metadata", "generation"});
}

void UpdateProgress(const Json& deployment, const std::string& what, const Json& before,
                    Json& status, absl::Time now) {
  if (!HasProgressDeadline(deployment)) {
    RemoveCondition(status, "Progressing");
    return;
  }
  const Json condition = ConditionOf(status, "Progressing");
  const std::string reason = TextAt(condition, "reason");
  if (IntAt(status, "replicas") == IntAt(status, "updatedReplicas") && reason == kDone) return;
  const Json stamp = {{"lastUpdateTime", base::Rfc3339(now)}};
  if (IsComplete(deployment, status)) {
    SetCondition(status, "Progressing", "True", kDone, what + " has successfully progressed.", now,
                 stamp);
  } else if (MadeProgress(before, status)) {
    SetCondition(status, "Progressing", "True", "ReplicaSetUpdated", what + " is progressing.", now,
                 stamp);
  } else if (!condition.is_null() && reason != kDone && reason != kTimedOut &&
             DeadlineOf(deployment, condition) < now) {
    SetCondition(status, "Progressing", "False", kTimedOut, what + " has timed out progressing.",
                 now, stamp);
  }
}

absl::Duration UntilDeadline(const Json& deployment, const Json& status, absl::Time now) {
  const Json& condition = ConditionOf(status, "Progressing");
  if (!HasProgressDeadline(deployment) || condition.is_null() || IsComplete(deployment, status) ||
      TextAt(condition, "reason") == kTimedOut || TextAt(condition, "reason") == kDone) {
    return absl::InfiniteDuration();
  }
  return std::max(absl::Seconds(1), DeadlineOf(deployment, condition) - now + absl::Seconds(1));
}

}  // namespace opsmesh::kubesim
