#include "libs/kubesim/behaviour/kubelet/container_status.h"

#include <utility>

#include "libs/base/clock.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

Json RenderTermination(const Termination& termination) {
  Json json = {{"exitCode", termination.code},
               {"reason", termination.reason},
               {"startedAt", base::Rfc3339(termination.started)},
               {"finishedAt", base::Rfc3339(termination.finished)}};
  if (!termination.message.empty()) json["message"] = termination.message;
  if (!termination.container_id.empty()) json["containerID"] = termination.container_id;
  return {{"terminated", std::move(json)}};
}

std::optional<Termination> ReadTermination(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  Termination termination{static_cast<int>(IntAt(json, "exitCode")),
                          TextAt(json, "reason"),
                          TextAt(json, "message"),
                          {},
                          {},
                          TextAt(json, "containerID")};
  base::ParseRfc3339(TextAt(json, "startedAt"), &termination.started);
  base::ParseRfc3339(TextAt(json, "finishedAt"), &termination.finished);
  return termination;
}

}  // namespace

void ContainerStatus::Wait(std::string reason, std::string message) {
  state = State::kWaiting;
  waiting_reason = std::move(reason);
  waiting_message = std::move(message);
  terminated.reset();
  ready = started = false;
}

std::string ReasonOf(int code) { return code == 0 ? "Completed" : "Error"; }

Json Render(const ContainerStatus& status, const Json& container) {
  Json state;
  switch (status.state) {
    case ContainerStatus::State::kWaiting:
      state = {{"waiting", {{"reason", status.waiting_reason}}}};
      if (!status.waiting_message.empty()) state["waiting"]["message"] = status.waiting_message;
      break;
    case ContainerStatus::State::kRunning:
      state = {{"running", {{"startedAt", base::Rfc3339(status.started_at)}}}};
      break;
    case ContainerStatus::State::kTerminated:
      state = RenderTermination(*status.terminated);
      break;
  }
  Json json = {{"name", status.name},
               {"state", std::move(state)},
               {"lastState", status.last ? RenderTermination(*status.last) : Json::object()},
               {"ready", status.ready},
               {"restartCount", status.restarts},
               {"image", status.image},
               {"imageID", status.image_id},
               {"started", status.started}};
  if (!status.container_id.empty()) json["containerID"] = status.container_id;
  for (const Json& mount : ListAt(container, {"volumeMounts"})) {
    Json one = {{"name", TextAt(mount, "name")}, {"mountPath", TextAt(mount, "mountPath")}};
    if (BoolAt(mount, {"readOnly"})) {
      one["readOnly"] = true;
      one["recursiveReadOnly"] = "Disabled";
    }
    json["volumeMounts"].push_back(std::move(one));
  }
  return json;
}

ContainerStatus ReadStatus(const Json& json) {
  ContainerStatus status;
  status.name = TextAt(json, "name");
  status.image = TextAt(json, "image");
  status.image_id = TextAt(json, "imageID");
  status.container_id = TextAt(json, "containerID");
  status.restarts = static_cast<int>(IntAt(json, "restartCount"));
  status.ready = BoolAt(json, {"ready"});
  status.started = BoolAt(json, {"started"});
  status.last = ReadTermination(At(json, {"lastState", "terminated"}));
  const Json& state = At(json, "state");
  if (const Json& running = At(state, "running"); running.is_object()) {
    status.state = ContainerStatus::State::kRunning;
    base::ParseRfc3339(TextAt(running, "startedAt"), &status.started_at);
  } else if (auto terminated = ReadTermination(At(state, "terminated"))) {
    status.state = ContainerStatus::State::kTerminated;
    status.terminated = std::move(terminated);
  } else {
    status.waiting_reason = TextAt(state, {"waiting", "reason"});
    status.waiting_message = TextAt(state, {"waiting", "message"});
    if (status.waiting_reason.empty()) status.waiting_reason = "ContainerCreating";
  }
  return status;
}

std::optional<ContainerStatus> FindStatus(const Json& pod, const char* list,
                                          const std::string& name) {
  for (const Json& one : ListAt(pod, {"status", list})) {
    if (TextAt(one, "name") == name) return ReadStatus(one);
  }
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
