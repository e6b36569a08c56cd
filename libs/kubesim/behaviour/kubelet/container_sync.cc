// One container: created, run, ended, waited for and started again.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/container_start.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kNotice = absl::Seconds(1);  // until it sees that a container has ended

std::string BackOffText(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  return seconds >= 60 ? fmt::format("{}m{}s", seconds / 60, seconds % 60)
                       : fmt::format("{}s", seconds);
}

}  // namespace

std::string Digest(std::string_view text) {
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", SpreadHash(text, 1), SpreadHash(text, 2),
                     SpreadHash(text, 3), SpreadHash(text, 4));
}

void WaitFor(ContainerRuntime& container, std::string reason, std::string message) {
  const auto ended = container.status.terminated;
  container.status.Wait(std::move(reason), std::move(message));
  container.status.terminated = ended;
  if (ended) container.status.last = ended;
}

uint64_t SpreadHash(std::string_view text, uint64_t seed) {
  uint64_t hash = 14695981039346656037ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ (hash >> 33);
}

void Kubelet::SyncContainer(View& view, ContainerRuntime& container, const Json& spec) {
  for (int i = 0; i < 4; ++i) {  // an end may lead to a start at once
    if (container.process) {
      RunContainer(view, container, spec);
      if (container.process) return;
      continue;
    }
    if (view.now < container.next) break;
    if (container.step == ContainerRuntime::Step::kPulling) {
      Create(view, container, spec);
    } else if (container.step == ContainerRuntime::Step::kCreating) {
      Create(view, container, spec);
    } else if (container.status.terminated && container.pull_back_off == absl::ZeroDuration()) {
      if (!ShouldRestart(view, container)) return;
      WaitOrRestart(view, container, spec);
    } else {
      BeginStart(view, container, spec);
    }
    if (!container.process && view.now < container.next) break;
  }
  if (!container.process && container.next > view.now) view.At(container.next);
}

bool Kubelet::ShouldRestart(const View& view, const ContainerRuntime& container) const {
  const std::string policy = TextAt(view.spec, "restartPolicy");
  const int code = container.status.terminated->code;
  if (container.ephemeral) return false;
  if (container.sidecar) return true;
  if (container.init) return code != 0 && policy != "Never";
  // What a probe has stopped starts again however it ended.
  return policy == "Always" || (policy == "OnFailure" && (code != 0 || container.probe_killed));
}

void Kubelet::RunContainer(View& view, ContainerRuntime& container, const Json& spec) {
  Process& process = *container.process;
  const FaultSubject subject = SubjectOf(view, &container);
  if (!faults_.empty()) {
    const auto memory = faults_.OnSubject("memory-leak", subject);
    process.RaiseMemory(memory ? static_cast<int64_t>(INT64_MAX / 8) : 0);
    if (auto crash = faults_.OnSubject("crash", subject); crash && !container.stopping) {
      const absl::Duration after =
          absl::Seconds(std::strtol(crash->Parameter("after", "3").c_str(), nullptr, 10));
      if (view.now >= container.status.started_at + after) {
        engine_.logs().Append(
            view.runtime.uid, container.status.name,
            {view.now,
             crash->Parameter("message", "level=fatal msg=\"unrecoverable error, exiting\"")});
        process.Kill(view.now, static_cast<int>(std::strtol(crash->Parameter("code", "1").c_str(),
                                                            nullptr, 10)));
      } else {
        view.At(container.status.started_at + after);
      }
    }
  }
  std::vector<LogLine> lines;
  TakeShared(view, container, spec);
  process.Advance(view.now, PodWorld(*this, view.runtime), &lines);
  GiveShared(view, container, spec);
  for (LogLine& line : lines)
    engine_.logs().Append(view.runtime.uid, container.status.name, std::move(line));
  if (container.stopping && !process.end()) {
    if (view.now >= container.term_at) {
      process.Terminate(container.term_at);
      container.term_at = absl::InfiniteFuture();
      process.Advance(view.now, PodWorld(*this, view.runtime), &lines);
    }
    if (!process.end() && view.now >= container.kill_at) process.Kill(container.kill_at, 137);
    view.At(std::min(container.term_at, container.kill_at));
  }
  if (process.end()) {
    Ended(view, container);
    return;
  }
  if (container.hook_until > absl::InfinitePast() && !container.stopping &&
      !HookIsOver(view, container, spec))
    return;
  if (!container.stopping) Probe(view, container, spec);
  if (process.end()) return Ended(view, container);
  view.At(std::max(process.due(), view.now + kShortestLook));
}

void Kubelet::Ended(View& view, ContainerRuntime& container) {
  const ProcessEnd end = *container.process->end();
  GiveShared(view, container, ContainerSpec(view.spec, container));
  Termination termination{end.code,
                          end.reason.empty() ? ReasonOf(end.code) : end.reason,
                          TerminationMessage(view, container, end.code),
                          container.status.started_at,
                          end.at,
                          container.status.container_id};
  container.process.reset();
  engine_.logs().SetScript(view.runtime.uid, container.status.name, nullptr, view.now);
  container.status.state = ContainerStatus::State::kTerminated;
  container.status.terminated = std::move(termination);
  container.status.ready = container.status.started = false;
  if (container.init && !container.sidecar && end.code == 0) container.status.ready = true;
  container.stopping = false;
  container.hook_until = absl::InfinitePast();
  container.step = ContainerRuntime::Step::kIdle;
  container.next = std::max(view.now, end.at + kNotice);
  if (container.hook_failed && !view.runtime.terminating && ShouldRestart(view, container)) {
    const Termination kept = *container.status.terminated;
    container.status.Wait("PostStartHookError", container.hook_message);
    container.status.terminated = kept;
  }
  container.hook_failed = false;
}

// The file it was told to write or, where that is wished for and it failed, the end of its log: 80
// lines or 2 KiB at most.
std::string Kubelet::TerminationMessage(const View& view, const ContainerRuntime& container,
                                        int code) const {
  const std::string message = container.process->TerminationMessage();
  if (!message.empty() || code == 0 ||
      TextAt(ContainerSpec(view.spec, container), "terminationMessagePolicy") !=
          "FallbackToLogsOnError")
    return message;
  LogStore::Selection selection;
  selection.tail_lines = 80;
  std::vector<LogLine> lines;
  engine_.logs().Read(view.runtime.uid, container.status.name, selection, &lines);
  std::string text;
  for (const LogLine& line : lines) text += line.text + "\n";
  return text.size() <= 2048 ? text : text.substr(text.size() - 2048);
}

void Kubelet::WaitOrRestart(View& view, ContainerRuntime& container, const Json& spec) {
  // The entry is forgotten when nothing was started for twice the longest back-off.
  if (view.now - container.back_off_updated > 2 * kMaxBackOff)
    container.back_off = absl::ZeroDuration();
  const Termination& last = *container.status.terminated;
  const absl::Time again = last.finished + container.back_off;
  if (view.now < again) {
    // Nobody waits for one that ended well when a probe stopped it: it starts at once or not.
    if (std::exchange(container.probe_killed, false) && !ShouldRestart(view, container)) {
      queue_->Add(view.runtime.uid);
      return;
    }
    const std::string which =
        fmt::format("restarting failed container={} pod={}_{}({})", container.status.name,
                    view.runtime.name, view.runtime.ns, view.runtime.uid);
    const Termination kept = last;
    container.status.last = kept;
    container.status.Wait("CrashLoopBackOff",
                          fmt::format("back-off {} {}", BackOffText(container.back_off), which));
    container.status.terminated = kept;  // remembered beside the state for the next look
    Tell(view, "Warning", "BackOff",
         fmt::format("Back-off restarting failed container {} in pod {}_{}({})",
                     container.status.name, view.runtime.name, view.runtime.ns, view.runtime.uid),
         &container);
    container.next = std::min(again, view.now + kSync);
    return;
  }
  container.back_off = container.back_off == absl::ZeroDuration()
                           ? kFirstBackOff
                           : std::min(container.back_off * 2, kMaxBackOff);
  container.back_off_updated = view.now;
  BeginStart(view, container, spec);  // it counts as a restart when the new container is made
}

void Kubelet::BeginStart(View& view, ContainerRuntime& container, const Json& spec) {
  if (container.init && container.status.state == ContainerStatus::State::kWaiting &&
      container.status.waiting_reason == "PodInitializing" && !container.status.last) {
    container.status.Wait("PodInitializing");
  }
  Pull(view, container, spec);
}

void Kubelet::Create(View& view, ContainerRuntime& container, const Json& spec) {
  const std::string image = TextAt(spec, "image");
  const auto name = ImageName::Parse(image);
  if (!name) {  // it was changed while the one before was pulled
    container.step = ContainerRuntime::Step::kIdle;
    return Pull(view, container, spec);
  }
  if (container.step == ContainerRuntime::Step::kPulling) {
    Tell(view, "Normal", "Pulled", container.start_error, &container);
    state_.nodes[view.runtime.node].images.insert(name->Full());
    container.pull_back_off = absl::ZeroDuration();
    container.pull_again = absl::InfinitePast();
    container.step = ContainerRuntime::Step::kCreating;
    container.next = view.now + kCreateTime;
    return;
  }
  container.step = ContainerRuntime::Step::kIdle;
  if (const std::string error = ConfigError(view, container, spec); !error.empty()) {
    WaitFor(container, "CreateContainerConfigError", error);
    Tell(view, "Warning", "Failed", "Error: " + error, &container);
    container.next = view.now + kSync;
    return;
  }
  if (container.status.terminated) {
    container.status.last = container.status.terminated;
    ++container.status.restarts;
  }
  container.status.image = name->Full();
  container.status.image_id =
      fmt::format("{}/{}@sha256:{}", name->registry, name->repository,
                  name->digest.empty() ? Digest(name->Full()) : name->digest.substr(7));
  container.status.container_id =
      "containerd://" +
      Digest(view.runtime.uid + container.status.name + std::to_string(container.status.restarts));
  Tell(view, "Normal", "Created", "Created container: " + container.status.name, &container);
  ProcessSpec process_spec;
  FillSpec(view, spec, &process_spec);
  process_spec.initialised = container.initialised;
  Process process;
  if (auto failure = Process::Start(process_spec, images_, view.now, &process))
    return StartFailed(view, container, *failure);
  Tell(view, "Normal", "Started", "Started container " + container.status.name, &container);
  engine_.logs().StartRun(view.runtime.uid, container.status.name);
  container.process = std::move(process);
  container.stopping = container.probe_killed = false;
  TakeShared(view, container, spec);
  container.status.started_at = view.now;
  engine_.logs().SetScript(view.runtime.uid, container.status.name,
                           container.process->MakeLogScript(engine_.cluster().clock), view.now);
  PostStart(view, container, spec);
  // Until the hook is over nobody hears that it runs.
  if (container.hook_until == absl::InfinitePast()) ShowRunning(view, container, spec);
  WriteMetrics(view, false);
}

void Kubelet::ShowRunning(View& view, ContainerRuntime& container, const Json& spec) {
  container.status.state = ContainerStatus::State::kRunning;
  container.status.terminated.reset();
  ArmProbes(container, spec, view.now);
}

void Kubelet::StartFailed(View& view, ContainerRuntime& container, const StartFailure& failure) {
  Tell(view, "Warning", "Failed", "Error: " + failure.message, &container);
  container.status.state = ContainerStatus::State::kTerminated;
  container.status.terminated =
      Termination{failure.code,      "StartError", failure.message,
                  absl::UnixEpoch(), view.now,     container.status.container_id};
  container.status.ready = container.status.started = false;
  if (ShouldRestart(view, container)) {
    const Termination kept = *container.status.terminated;
    container.status.Wait("RunContainerError", failure.message);
    container.status.terminated = kept;
  }
  container.next = view.now + kNotice;
}

std::string Kubelet::ConfigError(const View& view, const ContainerRuntime& container,
                                 const Json& spec) const {
  if (std::string error = ReferenceError(view, spec); !error.empty()) return error;
  const Json& own = At(spec, {"securityContext", "runAsNonRoot"});
  const Json& pod_wide = At(view.spec, {"securityContext", "runAsNonRoot"});
  const bool must =
      own.is_boolean() ? own.get<bool>() : pod_wide.is_boolean() && pod_wide.get<bool>();
  if (!must) return "";
  const Json& user = At(spec, {"securityContext", "runAsUser"}).is_number()
                         ? At(spec, {"securityContext", "runAsUser"})
                         : At(view.spec, {"securityContext", "runAsUser"});
  const std::string who = fmt::format("(pod: \"{}_{}({})\", container: {})", view.runtime.name,
                                      view.runtime.ns, view.runtime.uid, container.status.name);
  if (user.is_number())
    return user == 0 ? fmt::format("container's runAsUser breaks non-root policy {}", who) : "";
  const ImageProfilePtr profile = images_.Find(TextAt(spec, "image"));
  return profile->root && !profile->family.empty()
             ? fmt::format("container has runAsNonRoot and image will run as root {}", who)
             : "";
}

}  // namespace opsmesh::kubesim
