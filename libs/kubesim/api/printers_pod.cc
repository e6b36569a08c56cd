// The pod row: the STATUS word that everybody reads. Lists of tens of thousands of pods are asked
// for as Tables, so a row is made from the stored bytes without values of them.
#include <fmt/format.h>

#include <set>

#include "libs/base/clock.h"
#include "libs/kubesim/api/printers.h"
#include "libs/kubesim/api/printers_internal.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/stored_view.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// What the STATUS column says, with its ready count and restarts.
struct PodSummary {
  std::string status;
  int ready = 0;
  int containers = 0;
  int restarts = 0;
  absl::Time last_restart = absl::InfinitePast();
};

// `Content` here and below: Json, or a StoredView of the same bytes.
template <typename Content>
bool HasCondition(const Content& pod, std::string_view type, std::string_view status) {
  for (const auto& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == type && TextAt(condition, "status") == status) return true;
  }
  return false;
}

template <typename Content>
void NoteRestart(const Content& container, PodSummary* summary) {
  const std::string text = TextAt(container, {"lastState", "terminated", "finishedAt"});
  absl::Time finished;
  if (!text.empty() && base::ParseRfc3339(text, &finished) && finished > summary->last_restart)
    summary->last_restart = finished;
}

template <typename Content>
std::string TerminatedWord(const Content& terminated) {
  if (std::string reason = TextAt(terminated, "reason"); !reason.empty()) return reason;
  if (int64_t signal = IntAt(terminated, "signal"); signal != 0)
    return fmt::format("Signal:{}", signal);
  return fmt::format("ExitCode:{}", IntAt(terminated, "exitCode"));
}

// True when an init container still holds the pod back.
template <typename Content>
bool SummarizeInit(const Content& pod, const std::set<std::string>& sidecars, PodSummary* summary) {
  const auto& statuses = ListAt(pod, {"status", "initContainerStatuses"});
  const size_t total = ListAt(pod, {"spec", "initContainers"}).size();
  for (size_t i = 0; i < statuses.size(); ++i) {
    const auto& container = statuses[i];
    summary->restarts += static_cast<int>(IntAt(container, "restartCount"));
    NoteRestart(container, summary);
    const bool sidecar = sidecars.contains(TextAt(container, "name"));
    const auto& terminated = At(container, {"state", "terminated"});
    if (terminated.is_object() && IntAt(terminated, "exitCode") == 0) continue;
    if (sidecar && BoolAt(container, {"started"})) {
      if (BoolAt(container, {"ready"})) ++summary->ready;
      continue;
    }
    if (terminated.is_object()) {
      summary->status = "Init:" + TerminatedWord(terminated);
      return true;
    }
    const std::string waiting = TextAt(container, {"state", "waiting", "reason"});
    if (!waiting.empty() && waiting != "PodInitializing") {
      summary->status = "Init:" + waiting;
    } else {
      summary->status = fmt::format("Init:{}/{}", i, total);
    }
    return true;
  }
  return false;
}

template <typename Content>
void SummarizeContainers(const Content& pod, PodSummary* summary) {
  bool running = false;
  const auto& statuses = ListAt(pod, {"status", "containerStatuses"});
  for (size_t i = statuses.size(); i-- > 0;) {
    const auto& container = statuses[i];
    summary->restarts += static_cast<int>(IntAt(container, "restartCount"));
    NoteRestart(container, summary);
    const std::string waiting = TextAt(container, {"state", "waiting", "reason"});
    const auto& terminated = At(container, {"state", "terminated"});
    if (!waiting.empty()) {
      summary->status = waiting;
    } else if (terminated.is_object()) {
      summary->status = TerminatedWord(terminated);
    } else if (BoolAt(container, {"ready"}) && At(container, {"state", "running"}).is_object()) {
      running = true;
      ++summary->ready;
    }
  }
  if (summary->status == "Completed" && running) {
    summary->status = HasCondition(pod, "Ready", "True") ? "Running" : "NotReady";
  }
}

template <typename Content>
PodSummary Summarize(const Content& pod) {
  PodSummary summary;
  const std::string reason = TextAt(pod, {"status", "reason"});
  summary.status = reason.empty() ? TextAt(pod, {"status", "phase"}) : reason;
  summary.containers = static_cast<int>(ListAt(pod, {"spec", "containers"}).size());
  for (const auto& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "PodScheduled" &&
        TextAt(condition, "reason") == "SchedulingGated") {
      summary.status = "SchedulingGated";
    }
  }
  std::set<std::string> sidecars;
  for (const auto& container : ListAt(pod, {"spec", "initContainers"})) {
    if (TextAt(container, "restartPolicy") == "Always") {
      sidecars.insert(TextAt(container, "name"));
      ++summary.containers;
    }
  }
  const bool initializing = SummarizeInit(pod, sidecars, &summary);
  if (!initializing || HasCondition(pod, "Initialized", "True")) {
    SummarizeContainers(pod, &summary);
  }
  if (At(pod, {"metadata", "deletionTimestamp"}).is_string()) {
    const std::string phase = TextAt(pod, {"status", "phase"});
    if (reason == "NodeLost") {
      summary.status = "Unknown";
    } else if (phase != "Failed" && phase != "Succeeded") {
      summary.status = "Terminating";
    }
  }
  return summary;
}

template <typename Content>
printers::Cells PodCells(const Content& pod, absl::Time now) {
  const PodSummary summary = Summarize(pod);
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts > 0 && summary.last_restart != absl::InfinitePast()) {
    restarts += fmt::format(" ({} ago)", HumanDuration(now - summary.last_restart));
  }
  std::string ip = TextAt(pod, {"status", "podIP"});
  std::string gates = "<none>";
  if (const auto& list = ListAt(pod, {"spec", "readinessGates"}); !list.empty()) {
    size_t held = 0;
    for (const auto& gate : list)
      held += HasCondition(pod, TextAt(gate, "conditionType"), "True") ? 1 : 0;
    gates = fmt::format("{}/{}", held, list.size());
  }
  return {fmt::format("{}/{}", summary.ready, summary.containers),
          summary.status,
          restarts,
          printers::AgeSince(TextAt(pod, {"metadata", "creationTimestamp"}), now),
          printers::OrNone(ip),
          printers::OrNone(TextAt(pod, {"spec", "nodeName"})),
          printers::OrNone(TextAt(pod, {"status", "nominatedNodeName"})),
          gates};
}

}  // namespace

namespace printers {

Cells Pod(const Json& pod, absl::Time now) { return PodCells(pod, now); }

Cells StoredPodRow(const Object& pod, absl::Time now) {
  return WithContent(pod, [now](const auto& content) {
    Cells cells = PodCells(content, now);
    cells.insert(cells.begin(), TextAt(content, {"metadata", "name"}));
    return cells;
  });
}

}  // namespace printers
}  // namespace opsmesh::kubesim
