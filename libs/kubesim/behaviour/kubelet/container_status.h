// status.containerStatuses[] as a value: read from a pod (so that kubelets can take up a loaded or
// forked cluster) and written back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

struct Termination {
  int code = 0;
  std::string reason;  // "Completed", "Error", "OOMKilled", "StartError", "ContainerCannotRun",
                       // "ContainerStatusUnknown"
  std::string message;
  absl::Time started, finished;
  std::string container_id;
};

struct ContainerStatus {
  enum class State { kWaiting, kRunning, kTerminated };

  std::string name, image, image_id, container_id;
  State state = State::kWaiting;
  std::string waiting_reason = "ContainerCreating", waiting_message;
  absl::Time started_at;                  // while running
  std::optional<Termination> terminated;  // state, while terminated
  std::optional<Termination> last;        // lastState
  int restarts = 0;
  bool ready = false, started = false;

  void Wait(std::string reason, std::string message = {});
};

/// `container`: the spec's, for its volume mounts.
Json Render(const ContainerStatus& status, const Json& container);
ContainerStatus ReadStatus(const Json& json);
/// The status of `name` in `pod` (any of the three lists); nothing when there is none.
std::optional<ContainerStatus> FindStatus(const Json& pod, const char* list,
                                          const std::string& name);

/// "Completed" or "Error".
std::string ReasonOf(int code);

}  // namespace opsmesh::kubesim
