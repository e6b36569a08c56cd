// Whether a Deployment's rollout makes progress: the Progressing condition and its deadline.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

bool HasProgressDeadline(const Json& deployment);
/// Everything updated, available, and nothing old left.
bool IsComplete(const Json& deployment, const Json& status);
/// Puts the Progressing condition into `status`; `before` is the status so far, `what` names the
/// ReplicaSet.
void UpdateProgress(const Json& deployment, const std::string& what, const Json& before,
                    Json& status, absl::Time now);
/// How long until somebody must look whether the deadline is over; infinite when nobody must.
absl::Duration UntilDeadline(const Json& deployment, const Json& status, absl::Time now);

}  // namespace opsmesh::kubesim
