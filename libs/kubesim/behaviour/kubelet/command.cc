// The part of Kubelet that runs what people ask a container to run (kubectl exec).
#include "libs/kubesim/behaviour/kubelet/kubelet.h"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(10);
constexpr int kNoSuchProgram = 126;

bool WaitsForInput(const std::vector<std::string>& argv) {
  const std::string name = argv[0].substr(argv[0].rfind('/') + 1);
  return argv.size() == 1 && (name == "sh" || name == "bash" || name == "ash");
}

}  // namespace

CommandResult Kubelet::Command(const PodCommand& command) {
  using End = CommandResult::End;
  const ObjectPtr object = pods_.Get(command.ns, command.pod);
  auto it = object ? state_.pods.find(object->uid) : state_.pods.end();
  if (it == state_.pods.end()) return {End::kNotRunning};
  for (auto* list : {&it->second.main, &it->second.init, &it->second.ephemeral}) {
    for (ContainerRuntime& one : *list) {
      if (one.status.name != command.container || !one.process || one.process->end()) continue;
      const bool has_program = CommandExists(command.argv[0], one.process->profile());
      if (has_program && WaitsForInput(command.argv)) return {End::kInteractive};
      const ExecResult result =
          one.process->Hook(command.argv, engine_.Now(), PodWorld(*this, it->second));
      if (!has_program) return {End::kCannotStart, kNoSuchProgram, result.output};
      if (result.took > kLongest) return {End::kNeverEnds};
      return {End::kExited, result.code, result.output};
    }
  }
  return {End::kNotRunning};
}

}  // namespace opsmesh::kubesim
