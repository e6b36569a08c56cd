#include "libs/kubesim/api/pod_exec.h"

#include <fmt/format.h>

#include <utility>

#include "libs/base/strings.h"
#include "libs/kubesim/api/pod_channels.h"
#include "libs/kubesim/api/pod_containers.h"
#include "libs/kubesim/api/pod_shell.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxInput = 4 << 20;

Json Failed(std::string_view reason, std::string message) {
  return {{"metadata", Json::object()},
          {"status", "Failure"},
          {"reason", reason},
          {"message", std::move(message)}};
}

Json Ended(int code) {
  if (code == 0) return {{"metadata", Json::object()}, {"status", "Success"}};
  Json status =
      Failed("NonZeroExitCode",
             fmt::format("command terminated with non-zero exit code: exit status {}", code));
  status["details"] = {
      {"causes", Json::array({{{"reason", "ExitCode"}, {"message", std::to_string(code)}}})}};
  return status;
}

// How a command ended, as a kubelet tells it.
Json StatusOf(const PodCommand& command, const CommandResult& result) {
  using End = CommandResult::End;
  const std::string words = base::Join(command.argv, " ");
  switch (result.end) {
    case End::kNotRunning:
      return Failed("InternalError",
                    fmt::format("container not found (\"{}\")", command.container));
    case End::kCannotStart:
      return Failed(
          "InternalError",
          "Internal error occurred: error executing command in container: " + result.output);
    case End::kNeverEnds:
      return Failed("NotImplemented",
                    fmt::format("the simulator runs commands that end; \"{}\" would go on", words));
    default:
      return Ended(result.code);
  }
}

// One client and its command, until the connection is over.
class Conversation final : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(PodCommand command, RunInPod run, PodChannels::Asked asked,
               std::shared_ptr<PodChannels> channels)
      : command_(std::move(command)),
        run_(std::move(run)),
        asked_(asked),
        channels_(std::move(channels)) {}

  void Begin() {
    channels_->Read({[this] { Ready(); }, [this](std::string_view bytes) { Input(bytes); },
                     [this] { InputEnded(); }},
                    shared_from_this());
  }
  /// A shell that is the container's own process: leaving it ends the container.
  void BeginAttached(bool types) {
    types_ = types;
    attached_ = true;
    Begin();
  }

 private:
  void Ready() {
    if (attached_) {
      if (types_) OpenShell(false);
      return;
    }
    if (asked_.input) command_.input.reset();
    const CommandResult result = run_(command_);
    using End = CommandResult::End;
    if (result.end == End::kInteractive && asked_.input) {
      const std::string& name = command_.argv[0];
      return OpenShell(name.ends_with("bash"));
    }
    if (result.end == End::kInteractive) return channels_->End(Ended(0));  // it reads nothing
    if (result.end == End::kWantsInput) {
      collects_ = true;
      return;
    }
    Finish(result);
  }

  void OpenShell(bool bash) {
    command_.memory = std::make_shared<ShellMemory>();
    command_.input = std::string();
    shell_ = std::make_unique<PodShell>(
        command_, run_, asked_.terminal, bash,
        PodShell::Output{[this](std::string_view text) { channels_->Output(text); },
                         [this](std::string_view text) { channels_->Error(text); },
                         [this](int code) { LeaveShell(code); }});
    shell_->Begin();
  }

  void LeaveShell(int code) {
    if (attached_) {
      PodCommand leaves = command_;
      leaves.leaves = code;
      (void)run_(leaves);
    }
    channels_->End(attached_ ? Ended(0) : Ended(code));
  }

  void Input(std::string_view bytes) {
    if (shell_) return shell_->Type(bytes);
    if (!collects_) return;
    for (char c : bytes) {
      if (asked_.terminal && c == 4) return InputEnded();  // Ctrl-D
      if (asked_.terminal && c == 3) return channels_->End(Ended(130));
      collected_ += asked_.terminal && c == '\r' ? '\n' : c;
    }
    if (asked_.terminal) channels_->Output(base::ReplaceAll(std::string(bytes), "\r", "\r\n"));
    if (collected_.size() > kMaxInput)
      channels_->End(Failed("RequestEntityTooLarge", "the simulator reads at most 4 MiB of input"));
  }

  void InputEnded() {
    if (shell_) return shell_->EndOfInput();
    if (!collects_) return;
    collects_ = false;
    command_.input = std::move(collected_);
    Finish(run_(command_));
  }

  void Finish(const CommandResult& result) {
    if (result.end == CommandResult::End::kExited) {
      channels_->Output(asked_.terminal ? ForTerminal(result.output) : result.output);
      if (asked_.terminal)
        channels_->Output(ForTerminal(result.errors));
      else
        channels_->Error(result.errors);
    }
    channels_->End(StatusOf(command_, result));
  }

  PodCommand command_;
  const RunInPod run_;
  const PodChannels::Asked asked_;
  const std::shared_ptr<PodChannels> channels_;
  std::unique_ptr<PodShell> shell_;
  std::string collected_;  // input of a command that reads it
  bool collects_ = false, attached_ = false, types_ = false;
};

// What exec and attach ask alike: the pod, its container, a node that answers, a protocol.
MaybeStatus CheckPod(const Cluster& cluster, const Call& call, const RunInPod& run, Json* pod,
                     PodCommand* command) {
  const std::string& name = call.info.name;
  const ObjectPtr object = cluster.store.Get(*call.type, call.info.ns, name);
  if (!object) return NotFoundStatus(*call.type, name);
  *pod = object->Parse();
  *command = {call.info.ns, name, call.query.Get("container"), call.query.All("command")};
  if (auto refused = ChooseContainer(*pod, name, &command->container)) return refused;
  if (TextAt(*pod, {"spec", "nodeName"}).empty())
    return BadRequestStatus(fmt::format("pod {} does not have a host assigned", name));
  if (auto refused = CheckAddress(cluster, *pod)) return refused;
  if (call.http.headers.Get("Upgrade").empty()) return BadRequestStatus("Upgrade request required");
  if (!run) {
    return ApiStatus{.code = 501,
                     .reason = "NotImplemented",
                     .message = "the simulator has no processes unless it is live"};
  }
  if (const auto address = SilentNode(cluster, *pod)) {
    return InternalStatus(fmt::format(
        "error dialing backend: dial tcp {}:10250: connect: connection refused", *address));
  }
  return PodChannels::Check(call);
}

std::string RunOf(const Json& pod, const std::string& container) {
  for (const char* list :
       {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
    for (const Json& status : ListAt(pod, {"status", list})) {
      if (TextAt(status, "name") == container) return TextAt(status, "containerID");
    }
  }
  return "";
}

PodChannels::Asked AskedBy(const Call& call) {
  return {.input = call.query.Flag("stdin"),
          .output = call.query.Flag("stdout"),
          .errors = call.query.Flag("stderr"),
          .terminal = call.query.Flag("tty")};
}

}  // namespace

std::optional<Reply> HandlePodExec(const Cluster& cluster, const Call& call, const RunInPod& run,
                                   Streams& streams,
                                   const std::shared_ptr<http_server::Exchange>& exchange) {
  Json pod;
  PodCommand command;
  if (auto refused = CheckPod(cluster, call, run, &pod, &command)) return StatusReply(*refused);
  if (command.argv.empty())
    return StatusReply(BadRequestStatus("you must specify at least 1 command for the container"));
  const PodChannels::Asked asked = AskedBy(call);
  std::make_shared<Conversation>(std::move(command), run, asked,
                                 PodChannels::Open(call, asked, exchange, streams))
      ->Begin();
  return std::nullopt;
}

std::optional<Reply> HandlePodAttach(const Cluster& cluster, const Call& call, const RunInPod& run,
                                     Streams& streams,
                                     const std::shared_ptr<http_server::Exchange>& exchange) {
  Json pod;
  PodCommand command;
  if (auto refused = CheckPod(cluster, call, run, &pod, &command)) return StatusReply(*refused);
  command.argv = {""};
  command.attached = true;
  command.memory = std::make_shared<ShellMemory>();
  const PodChannels::Asked asked = AskedBy(call);
  const CommandResult state = run(command);
  if (state.end == CommandResult::End::kNotRunning) {
    return StatusReply(BadRequestStatus(fmt::format(
        "container {} not found in pod {}_{}", command.container, call.info.name, call.info.ns)));
  }
  const std::shared_ptr<PodChannels> channels = PodChannels::Open(call, asked, exchange, streams);
  Streams::LogFollow follow{call.info.ns, call.info.name, TextAt(pod, {"metadata", "uid"}),
                            command.container};
  follow.selection.tail_lines = 0;
  follow.run = RunOf(pod, command.container);
  const bool terminal = asked.terminal;
  streams.ServeAttached(
      std::move(follow), exchange,
      [channels, terminal](const std::string& text) {
        channels->Output(terminal ? ForTerminal(text) : text);
      },
      [channels] { channels->End(Ended(0)); });
  std::make_shared<Conversation>(std::move(command), run, asked, channels)
      ->BeginAttached(asked.input && state.end == CommandResult::End::kInteractive);
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
