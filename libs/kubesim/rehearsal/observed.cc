#include "libs/kubesim/rehearsal/observed.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/base/clock.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/store.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

/// One container as its kubelet told of it.
struct Seen {
  std::string pod;  // "shop/checkout-1"
  std::string container, image;
  enum class State { kWell, kCrashing, kNotReady, kUnknown } state = State::kUnknown;
  int64_t code = 0;
  int64_t run_seconds = 3;
};

int64_t RunOf(const Json& terminated) {
  absl::Time began, ended;
  if (!base::ParseRfc3339(TextAt(terminated, "startedAt"), &began) ||
      !base::ParseRfc3339(TextAt(terminated, "finishedAt"), &ended))
    return 3;
  return std::clamp<int64_t>(absl::ToInt64Seconds(ended - began), 0, 86'400);
}

Seen SeenOf(const Json& pod, const Json& status) {
  Seen seen;
  seen.pod = TextAt(pod, {"metadata", "namespace"}) + "/" + TextAt(pod, {"metadata", "name"});
  seen.container = TextAt(status, "name");
  for (const Json& container : ListAt(pod, {"spec", "containers"})) {
    if (TextAt(container, "name") == seen.container) seen.image = TextAt(container, "image");
  }
  const Json& last = At(status, {"lastState", "terminated"});
  const int64_t code = IntAt(last, "exitCode");
  const bool running = At(status, {"state", "running"}).is_object();
  if (TextAt(status, {"state", "waiting", "reason"}) == "CrashLoopBackOff" ||
      (!BoolAt(status, {"ready"}) && code != 0)) {
    seen.state = Seen::State::kCrashing;
    seen.code = last.is_object() ? code : 1;
    seen.run_seconds = RunOf(last);
  } else if (running) {
    seen.state = BoolAt(status, {"ready"}) ? Seen::State::kWell : Seen::State::kNotReady;
  }
  return seen;
}

std::vector<Seen> Look(const Store& store) {
  std::vector<Seen> out;
  for (const ObjectPtr& object : store.List(MustFind(store, "", "v1", "pods")).objects) {
    const Json pod = object->Parse();
    if (TextAt(pod, {"status", "phase"}) != "Running") continue;
    for (const Json& status : ListAt(pod, {"status", "containerStatuses"}))
      out.push_back(SeenOf(pod, status));
  }
  return out;
}

}  // namespace

std::vector<std::string> KeepFailing(const Store& store, Faults& faults) {
  const std::vector<Seen> all = Look(store);
  std::set<std::string> well;
  for (const Seen& seen : all) {
    if (seen.state == Seen::State::kWell) well.insert(seen.image);
  }
  std::set<std::pair<std::string, std::string>> done;  // kind, target
  std::vector<std::string> lines;
  for (const Seen& seen : all) {
    if (seen.state == Seen::State::kWell || seen.state == Seen::State::kUnknown) continue;
    const bool alone = seen.image.empty() || well.count(seen.image) > 0;
    const std::string target = alone ? "pod/" + seen.pod : "image/" + seen.image;
    const bool crash = seen.state == Seen::State::kCrashing;
    const char* kind = crash ? "crash" : "probe-failure";
    if (!done.emplace(kind, target).second) continue;
    std::map<std::string, std::string> parameters;
    if (crash) {
      parameters = {{"code", std::to_string(seen.code)},
                    {"after", std::to_string(seen.run_seconds)}};
    }
    if (alone) parameters["container"] = seen.container;
    if (!faults.Inject(kind, target, std::move(parameters)).ok()) continue;
    lines.push_back(crash ? fmt::format("crash of {} (exit code {})", target, seen.code)
                          : fmt::format("failing readiness probe of {}", target));
  }
  return lines;
}

}  // namespace opsmesh::kubesim
