// What happens around a container's run: postStart, preStop, and how it is told to end.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

constexpr absl::Duration kLeastGrace =
    absl::Seconds(2);  // what is left after a hook that took all of it

// How a handler ends: exec, httpGet or sleep; nothing of that is a success at once.
Kubelet::HookResult Kubelet::RunHook(const View& view, ContainerRuntime& container,
                                     const Json& spec, const Json& handler) {
  if (const Json& sleep = At(handler, "sleep"); sleep.is_object())
    return {true, absl::Seconds(IntAt(sleep, "seconds")), ""};
  if (const Json& get = At(handler, "httpGet"); get.is_object()) {
    // A server that is still starting is not waited for: that is how such hooks fail in practice.
    const Verdict verdict = JudgeHttp(view, container, spec, get, 30);
    return {verdict.good, absl::ZeroDuration(),
            fmt::format("HTTP lifecycle hook ({}) for Container \"{}\" in Pod \"{}_{}({})\" failed",
                        TextAt(get, "path"), container.status.name, view.runtime.name,
                        view.runtime.ns, view.runtime.uid)};
  }
  if (!At(handler, "exec").is_object()) return {true, absl::ZeroDuration(), ""};
  std::vector<std::string> argv;
  for (const Json& word : ListAt(handler, {"exec", "command"})) argv.push_back(Scalar(word));
  const ExecResult result = container.process->Hook(argv, view.now, PodWorld(*this, view.runtime));
  if (result.code == 0) return {true, result.took, ""};
  return {false, result.took,
          fmt::format("Exec lifecycle hook ([{}]) for Container \"{}\" in Pod \"{}_{}({})\" failed "
                      "- error: command "
                      "'{}' exited with {}: {}, message: \"{}\"",
                      base::Join(argv, " "), container.status.name, view.runtime.name,
                      view.runtime.ns, view.runtime.uid, base::Join(argv, " "), result.code,
                      result.errors, base::ReplaceAll(result.output, "\n", "\\n"))};
}

void Kubelet::PostStart(View& view, ContainerRuntime& container, const Json& spec) {
  container.hook_until = absl::InfinitePast();
  container.hook_failed = false;
  const Json& handler = At(spec, {"lifecycle", "postStart"});
  if (!handler.is_object()) return;
  std::vector<LogLine> lines;  // what it writes first comes before the hook
  container.process->Advance(view.now, PodWorld(*this, view.runtime), &lines);
  for (LogLine& line : lines)
    engine_.logs().Append(view.runtime.uid, container.status.name, std::move(line));
  if (container.process->end()) return;
  const HookResult result = RunHook(view, container, spec, handler);
  container.hook_failed = !result.good;
  container.hook_message = result.message;
  container.hook_until = view.now + result.took;
  container.status.started = container.status.ready = false;
  view.At(container.hook_until);
}

// False while the postStart hook runs, or when it has failed and the container is being ended.
bool Kubelet::HookIsOver(View& view, ContainerRuntime& container, const Json& spec) {
  if (view.now < container.hook_until) {
    view.At(container.hook_until);
    view.At(container.process->due());
    return false;
  }
  container.hook_until = absl::InfinitePast();
  if (!container.hook_failed) {
    const bool startup = At(spec, "startupProbe").is_object();
    ShowRunning(view, container, spec);
    container.status.started = !startup;
    container.status.ready = !startup && !At(spec, "readinessProbe").is_object();
    return true;
  }
  Tell(view, "Warning", "FailedPostStartHook", "PostStartHook failed", &container);
  Tell(view, "Normal", "Killing", "FailedPostStartHook", &container);
  StopContainer(view, container, spec,
                absl::Seconds(IntAt(view.spec, "terminationGracePeriodSeconds", 30)));
  return false;
}

void Kubelet::StopContainer(View& view, ContainerRuntime& container, const Json& spec,
                            absl::Duration grace) {
  container.stopping = true;
  absl::Duration hook = absl::ZeroDuration();
  if (const Json& handler = At(spec, {"lifecycle", "preStop"});
      handler.is_object() && container.process && grace > absl::ZeroDuration()) {
    const HookResult result = RunHook(view, container, spec, handler);
    hook = result.took;
    if (!result.good) Tell(view, "Warning", "FailedPreStopHook", "PreStopHook failed", &container);
  }
  container.term_at = view.now + std::min(hook, grace);
  container.kill_at = view.now + grace;
  if (container.kill_at <= container.term_at) container.kill_at = container.term_at + kLeastGrace;
  if (grace <= absl::ZeroDuration()) container.kill_at = view.now;
  view.At(container.term_at);
}

}  // namespace opsmesh::kubesim
