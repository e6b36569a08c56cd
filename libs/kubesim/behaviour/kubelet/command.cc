// The part of Kubelet that runs what people ask a container to run (kubectl exec, attach, cp).
#include <algorithm>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(10);
constexpr int kNoSuchProgram = 126;

// A shell without a script: "sh", "bash -l", "/bin/sh -i".
bool WaitsForInput(const std::vector<std::string>& argv) {
  const std::string name = argv[0].substr(argv[0].rfind('/') + 1);
  return (name == "sh" || name == "bash" || name == "ash") &&
         std::all_of(argv.begin() + 1, argv.end(), [](const std::string& word) {
           return word == "-i" || word == "-l" || word == "-il" || word == "--login";
         });
}

CommandResult RunIn(Process& process, const PodCommand& command, absl::Time now,
                    const World& world) {
  using End = CommandResult::End;
  const bool line = command.memory != nullptr;
  const bool has_program = line || CommandExists(command.argv[0], process.profile());
  if (!line && has_program && WaitsForInput(command.argv)) return {End::kInteractive};
  Process::Asked asked;
  if (command.input) asked.input = &*command.input;
  asked.memory = command.memory.get();
  const ExecResult result = process.Ask(command.argv, asked, now, world);
  if (!has_program) return {End::kCannotStart, kNoSuchProgram, result.output};
  if (result.wants_input) return {End::kWantsInput};
  if (result.unreadable && line) return {End::kUnreadable, 2};
  // What was refused before a shell ran has only the one text.
  const bool shell_ran = !result.written.empty() || !result.errors.empty();
  return {result.took > kLongest                                           ? End::kNeverEnds
          : command.attached && process.waits() && command.argv[0].empty() ? End::kInteractive
                                                                           : End::kExited,
          result.code, shell_ran ? result.written : result.output, result.errors, result.left};
}

}  // namespace

CommandResult Kubelet::Command(const PodCommand& command) {
  const ObjectPtr object = pods_.Get(command.ns, command.pod);
  if (!object) return {CommandResult::End::kNotRunning};
  const auto pod = engine_.Parsed(object);
  auto try_it = [&]() -> CommandResult {
    auto it = state_.pods.find(object->uid);
    if (it == state_.pods.end()) return {CommandResult::End::kNotRunning};
    for (auto* list : {&it->second.main, &it->second.init, &it->second.ephemeral}) {
      for (ContainerRuntime& one : *list) {
        if (one.status.name != command.container || !one.process || one.process->end()) continue;
        if (command.leaves) {
          one.process->Kill(engine_.Now(), *command.leaves);
          queue_->Add(object->uid);
          return {};
        }
        View view{it->second, object, *pod, At(*pod, "spec"), engine_.Now()};
        const Json& spec = ContainerSpec(view.spec, one);
        RefreshFiles(view, one, spec);
        TakeShared(view, one, spec);
        const CommandResult result =
            RunIn(*one.process, command, view.now, PodWorld(*this, it->second));
        GiveShared(view, one, spec);
        return result;
      }
    }
    return {CommandResult::End::kNotRunning};
  };
  CommandResult result = try_it();
  if (result.end == CommandResult::End::kNotRunning &&
      TextAt(*pod, {"status", "phase"}) == "Running") {
    // A cluster that has just been started has not got to this pod yet: it is its turn now.
    (void)Reconcile(object->uid);
    result = try_it();
  }
  return result;
}

}  // namespace opsmesh::kubesim
